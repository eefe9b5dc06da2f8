//! The filters in the text of a question: which there are, and how one is put in and taken out where a person sees it. Pure.

use crate::search::Kind;
use std::ops::Range;

/// What a question can be narrowed by with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::console) enum Facet {
    Kind,
    Persona,
    Subreddit,
}

impl Facet {
    /// The word before the colon.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Persona => "persona",
            Self::Subreddit => "subreddit",
        }
    }

    fn is_same(self, written: &str, value: &str) -> bool {
        let bare = |text: &str| text.trim().trim_start_matches('/').trim_start_matches("r/").trim_start_matches("u/").to_lowercase();
        match self {
            Self::Kind => Kind::named(written).is_some_and(|kind| kind.as_str() == value),
            Self::Persona | Self::Subreddit => bare(written) == bare(value),
        }
    }
}

/// A piece of a question: `name:value`, or anything else without a name.
struct Piece<'a> {
    range: Range<usize>,
    name: &'a str,
    value: &'a str,
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}')
}

/// The pieces, as the query language tells them apart. A quote that is still open reaches to the end.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((start, first)) = letters.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut end = start + first.len_utf8();
        let mut before = first;
        // A quote opens at the beginning, behind a minus there, and behind a colon.
        let mut opens = is_quote(first);
        loop {
            if opens {
                for (at, letter) in letters.by_ref() {
                    end = at + letter.len_utf8();
                    if is_quote(letter) {
                        break;
                    }
                }
                break;
            }
            let Some((at, letter)) = letters.next_if(|(_, letter)| !letter.is_whitespace()) else { break };
            opens = is_quote(letter) && (before == ':' || (before == '-' && end == start + 1));
            end = at + letter.len_utf8();
            before = letter;
        }
        let piece = text.get(start..end).unwrap_or_default();
        let (name, value) = piece.split_once(':').unwrap_or(("", piece));
        pieces.push(Piece { range: start..end, name, value: value.trim_matches(is_quote) });
    }
    pieces
}

/// The values of a facet that the text asks for.
pub(in crate::console) fn values(text: &str, facet: Facet) -> Vec<String> {
    let of_facet = pieces(text).into_iter().filter(|piece| piece.name.eq_ignore_ascii_case(facet.word()) && !piece.value.is_empty());
    of_facet.map(|piece| piece.value.to_owned()).collect()
}

/// Whether the text asks for this value.
pub(in crate::console) fn has(text: &str, facet: Facet, value: &str) -> bool {
    values(text, facet).iter().any(|written| facet.is_same(written, value))
}

/// The text with the filter when it had none, and without when it had one.
pub(in crate::console) fn toggled(text: &str, facet: Facet, value: &str) -> String {
    let is_it = |piece: &Piece<'_>| piece.name.eq_ignore_ascii_case(facet.word()) && facet.is_same(piece.value, value);
    if pieces(text).iter().any(is_it) {
        return without(text, is_it);
    }
    let written = filter(facet.word(), value);
    if text.trim().is_empty() { written } else { format!("{} {written}", text.trim_end()) }
}

/// The text without its facets; words and other filters stay.
pub(in crate::console) fn widened(text: &str) -> String {
    let is_facet = |name: &str| {
        [Facet::Kind, Facet::Persona, Facet::Subreddit].iter().any(|facet| name.trim_start_matches('-').eq_ignore_ascii_case(facet.word()))
    };
    without(text, |piece| is_facet(piece.name))
}

/// `name:value`, in quotes where the value needs them.
pub(in crate::console) fn filter(name: &str, value: &str) -> String {
    let value: String = value.chars().filter(|letter| !is_quote(*letter)).collect();
    if value.contains(char::is_whitespace) { format!("{name}:\"{value}\"") } else { format!("{name}:{value}") }
}

fn without(text: &str, gone: impl Fn(&Piece<'_>) -> bool) -> String {
    let kept: Vec<&str> = pieces(text).into_iter().filter(|piece| !gone(piece)).filter_map(|piece| text.get(piece.range)).collect();
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{Question, Zone};
    use proptest::prelude::*;

    #[test]
    fn a_filter_goes_in_and_out_where_it_can_be_seen() {
        let text = toggled("rivers \"slow train\"", Facet::Kind, "belief");
        assert_eq!(text, "rivers \"slow train\" kind:belief");
        assert_eq!(toggled(&text, Facet::Kind, "belief"), "rivers \"slow train\"");
        assert_eq!(toggled("", Facet::Persona, "Two Words"), "persona:\"Two Words\"");
        assert_eq!(toggled("persona:\"two words\" x", Facet::Persona, "Two Words"), "x");
        // The other ways to write the same.
        assert_eq!(toggled("Kind:drafts x", Facet::Kind, "queue_item"), "x");
        assert_eq!(toggled("x subreddit:r/Rivers", Facet::Subreddit, "rivers"), "x");
    }

    #[test]
    fn words_that_look_like_filters_stay() {
        assert_eq!(toggled("\"kind:belief\" x", Facet::Kind, "belief"), "\"kind:belief\" x kind:belief");
        assert_eq!(toggled("-kind:belief", Facet::Kind, "belief"), "-kind:belief kind:belief");
        assert_eq!(widened("a kind:belief -kind:note since:7d persona:\"A B\" -\"kind of\" b"), "a since:7d -\"kind of\" b");
        assert!(!has("a \"open kind:belief", Facet::Kind, "belief"));
    }

    proptest! {
        #[test]
        fn what_is_put_in_is_understood_and_comes_out_again(words in "[a-z]{1,8}( [a-z]{1,8}){0,3}", value in "[A-Za-z0-9_-]{1,12}( [a-z]{1,5})?") {
            for facet in [Facet::Persona, Facet::Subreddit] {
                let text = toggled(&words, facet, &value);
                let question = Question::parse(&text, Zone::Local, 0).unwrap();
                let found = if facet == Facet::Persona { question.filters.personas } else { question.filters.subreddits };
                prop_assert_eq!(found.len(), 1);
                prop_assert!(has(&text, facet, &value));
                prop_assert_eq!(toggled(&text, facet, &value), words.clone());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            widened(&toggled(&text, Facet::Subreddit, "x"));
        }
    }
}
