//! What is written beside an item so that the list can be filtered without reading texts: its rules, its score, and which groups of three
//! characters its text has. Pure.
//!
//! A group of three neighbouring characters sets one of 768 bits. A text that lacks a bit of the wanted words cannot contain them; one that
//! has them all is looked into. A draft of 300 characters sets about a quarter of the bits, so that a word of six letters that nobody wrote
//! leaves one text in two hundred to look into.

use crate::moderation::evaluation::Evaluation;
use crate::store::Val;

/// How many columns the bits fill, 64 in each.
pub(super) const COLUMNS: usize = 12;
/// The columns of the bits.
pub(super) const COLUMN_NAMES: [&str; COLUMNS] =
    ["text_0", "text_1", "text_2", "text_3", "text_4", "text_5", "text_6", "text_7", "text_8", "text_9", "text_10", "text_11"];
/// Longer lists of rules are not written: the filter then looks into the evaluation. The index has to take them.
const RULES_AT_MOST: usize = 1_000;

/// The text that is searched: title and content, small letters, one blank for each run of white space.
#[must_use]
pub(super) fn folded(title: Option<&str>, content: &str) -> String {
    let mut text = String::with_capacity(content.len() + title.map_or(0, str::len) + 1);
    for part in [title.unwrap_or_default(), content] {
        for word in part.split_whitespace() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.extend(word.chars().flat_map(char::to_lowercase));
        }
    }
    text
}

/// The bits of a folded text, column by column.
#[must_use]
pub(super) fn bits(folded: &str) -> [i64; COLUMNS] {
    let mut columns = [0_u64; COLUMNS];
    let mut window = ['\0'; 3];
    for (index, character) in folded.chars().enumerate() {
        window = [window[1], window[2], character];
        if index >= 2 {
            let bit = hash(window) % (COLUMNS as u64 * 64);
            columns[(bit / 64) as usize] |= 1 << (bit % 64);
        }
    }
    columns.map(u64::cast_signed)
}

/// FNV-1a, then a round that spreads it: neighbouring letters differ in few bits.
fn hash(window: [char; 3]) -> u64 {
    let mut hash = window
        .iter()
        .flat_map(|character| u32::from(*character).to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 32)
}

/// The rules that fired and the checks that are missing, by their first word: `consistency (timed out)` is `consistency`.
pub(super) fn rule_ids(evaluation: &Evaluation) -> Vec<String> {
    let hits = evaluation.hits.iter().map(|hit| hit.rule_id.as_str());
    let missing = evaluation.missing.iter().map(String::as_str);
    let mut ids: Vec<String> =
        hits.chain(missing).filter_map(|id| id.split([' ', ',', '(']).find(|word| !word.is_empty())).map(str::to_lowercase).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The rules in one column: `,banned_keyword,consistency,`; `,` when there are none; `None` when there are too many for an index.
fn rules(evaluation: &Evaluation) -> Option<String> {
    let text = rule_ids(evaluation).iter().fold(",".to_owned(), |text, id| text + id + ",");
    (text.len() <= RULES_AT_MOST).then_some(text)
}

pub(super) fn thousandths(score: f64) -> i64 {
    (score * 1_000.0).round() as i64
}

/// The columns of an item that has this text and this evaluation.
pub(in crate::moderation) fn columns(title: Option<&str>, content: &str, evaluation: &Evaluation) -> Vec<(&'static str, Val)> {
    let score = Val::Int(thousandths(evaluation.score));
    let mut columns = vec![("rules", Val::from(rules(evaluation))), ("score_thousandths", score)];
    columns.extend(COLUMN_NAMES.into_iter().zip(bits(&folded(title, content)).map(Val::Int)));
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_folded_for_the_search() {
        assert_eq!(folded(Some(" Über\u{a0}Flüsse"), "und\n\n SEEN "), "über flüsse und seen");
        assert_eq!(folded(None, ""), "");
    }

    #[test]
    fn an_ordinary_draft_leaves_most_bits_alone() {
        let text = "Levels fall slower than the maps say, and the gauges show it: two weeks after the rain the upper reaches still carried more \
            than the tables allow for, while the lower ones had long gone back to what one would expect of them in a dry month.";
        let set: u32 = bits(&folded(None, text)).iter().map(|column| column.count_ones()).sum();
        assert!((100..260).contains(&set), "{set}");
    }

    proptest! {
        #[test]
        fn a_text_has_every_bit_of_what_it_contains(text in "\\PC{0,80}", from in 0_usize..80, length in 0_usize..20) {
            let whole = folded(None, &text);
            let part: String = whole.chars().skip(from).take(length).collect();
            // A search is folded as well: what is cut at a blank loses it.
            let (have, want) = (bits(&whole), bits(&folded(None, &part)));
            prop_assert!(have.iter().zip(want).all(|(have, want)| have & want == want));
        }
    }
}
