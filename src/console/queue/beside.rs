//! Two texts and the words in which they differ: after one another, or side by side where there is room. Pure.

use crate::console::text::{Piece, Pieces, wrap};
use crate::console::theme::Role;
use similar::{Algorithm, ChangeTag, TextDiff};
use std::time::Duration;
use unicode_width::UnicodeWidthStr as _;

/// Bytes of each text that are compared.
const MOST: usize = 20_000;
/// After this time the rest counts as different: the screen does not wait for the best answer.
const LIMIT: Duration = Duration::from_millis(4);
/// From this width on two texts stand side by side.
const ROOM: usize = 56;

/// One text with what was taken out of it and put into it, in brackets as well as in colours.
pub(in crate::console) fn changes(before: &str, after: &str) -> Vec<Piece> {
    compared(before, after)
        .into_iter()
        .map(|(tag, text)| match tag {
            ChangeTag::Equal => Piece::new(Role::Text, &text),
            ChangeTag::Delete => Piece::new(Role::Removed, &format!("[-{text}-]")),
            ChangeTag::Insert => Piece::new(Role::Inserted, &format!("{{+{text}+}}")),
        })
        .collect()
}

/// Two texts under their names, side by side from a certain width on: the words that only one of them has stand in brackets.
pub(in crate::console) fn beside(left: (&str, &str), right: (&str, &str), width: usize) -> Vec<Pieces> {
    let words = compared(left.1, right.1);
    let side = |own: ChangeTag, role: Role, open: &str, close: &str| -> Vec<Piece> {
        words
            .iter()
            .filter(|(tag, _)| *tag == ChangeTag::Equal || *tag == own)
            .map(|(tag, text)| if *tag == own { Piece::new(role, &format!("{open}{text}{close}")) } else { Piece::new(Role::Text, text) })
            .collect()
    };
    let (first, second) = (side(ChangeTag::Delete, Role::Removed, "[-", "-]"), side(ChangeTag::Insert, Role::Inserted, "{+", "+}"));
    if width < ROOM {
        let mut lines = vec![vec![Piece::new(Role::Dim, &format!(" {}", left.0))]];
        lines.extend(wrap(&first, width, 1));
        lines.push(vec![Piece::new(Role::Dim, &format!(" {}", right.0))]);
        lines.extend(wrap(&second, width, 1));
        return lines;
    }
    let column = (width - 4) / 2;
    let named = |name: &str, pieces: &[Piece]| {
        let mut lines = wrap(&[Piece::new(Role::Dim, name)], column, 0);
        lines.truncate(1);
        lines.extend(wrap(pieces, column, 0));
        lines
    };
    let (first, second) = (named(left.0, &first), named(right.0, &second));
    (0..first.len().max(second.len()))
        .map(|row| {
            let mut line = vec![Piece::new(Role::Text, " ")];
            line.extend(first.get(row).cloned().unwrap_or_default());
            let used: usize = line.iter().map(|piece| piece.text().width()).sum();
            line.push(Piece::new(Role::Border, &format!("{}| ", " ".repeat((column + 2).saturating_sub(used)))));
            line.extend(second.get(row).cloned().unwrap_or_default());
            line
        })
        .collect()
}

/// The words of both texts in order, neighbours of one kind together.
fn compared(before: &str, after: &str) -> Vec<(ChangeTag, String)> {
    let (before, after) = (&before[..before.floor_char_boundary(MOST)], &after[..after.floor_char_boundary(MOST)]);
    let mut words: Vec<(ChangeTag, String)> = Vec::new();
    for change in TextDiff::configure().algorithm(Algorithm::Myers).timeout(LIMIT).diff_words(before, after).iter_all_changes() {
        match words.last_mut() {
            Some((tag, text)) if *tag == change.tag() => text.push_str(change.value()),
            _ => words.push((change.tag(), change.value().to_owned())),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(lines: &[Pieces]) -> Vec<String> {
        lines.iter().map(|line| line.iter().map(Piece::text).collect::<String>()).collect()
    }

    #[test]
    fn the_words_that_differ_are_marked_on_either_side() {
        let lines = plain(&beside(("the draft", "rivers carry water down"), ("earlier", "rivers carry silt down"), 70));
        assert_eq!(lines[0].find('|'), lines[1].find('|'));
        assert!(lines[0].contains("the draft") && lines[0].contains("earlier"), "{lines:?}");
        let (left, right) = lines[1].split_once('|').unwrap();
        assert!(left.contains("rivers carry [-water-] down") && right.contains("rivers carry {+silt+} down"), "{lines:?}");
        let narrow = plain(&beside(("the draft", "rivers carry water"), ("earlier", "rivers carry silt"), 40));
        assert_eq!(narrow, [" the draft", " rivers carry [-water-]", " earlier", " rivers carry {+silt+}"]);
    }

    #[test]
    fn neighbouring_words_share_one_pair_of_brackets() {
        let text: String = changes("one two three", "one four five").iter().map(Piece::text).collect();
        assert!(text.matches("[-").count() <= 2 && text.starts_with("one "), "{text}");
    }

    #[test]
    fn texts_that_have_nothing_in_common_do_not_take_long() {
        let one: String = (0..4_000).map(|word| format!("a{word} ")).collect();
        let other: String = (0..4_000).map(|word| format!("b{word} ")).collect();
        let began = std::time::Instant::now();
        changes(&one, &other);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_it_may_be(left in any::<String>(), right in any::<String>(), width in 30_usize..120) {
            for line in beside(("left", &left), ("right", &right), width) {
                let columns: usize = line.iter().map(|piece| piece.text().width()).sum();
                prop_assert!(columns <= width + 2, "{columns} of {width}");
            }
        }
    }
}
