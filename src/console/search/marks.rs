//! Which places of a text hold the words of a question, by the same stems that the search goes by. Pure.

use crate::search::Term;
use crate::search::text::tokens::{stem, tokens};
use std::ops::Range;

/// A text of so many bytes is looked through; what is longer is shown, but not marked to its end.
const LONGEST: usize = 256 * 1024;

/// A term as its stems; a prefix as its letters.
enum Wanted {
    Words(Vec<String>),
    Prefix(String),
}

/// The places of the terms in a text, in order, none over another.
pub(in crate::console) fn marks(text: &str, terms: &[Term]) -> Vec<Range<usize>> {
    let wanted: Vec<Wanted> = terms.iter().filter_map(wanted).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let found: Vec<(Range<usize>, String, String)> = tokens(text.get(..end).unwrap_or_default())
        .map(|token| (token.start..token.end, stem(&token.text).into_owned(), token.text.into_owned()))
        .collect();
    let mut marks: Vec<Range<usize>> = Vec::new();
    for (at, (place, _, letters)) in found.iter().enumerate() {
        let reach = wanted.iter().filter_map(|wanted| match wanted {
            Wanted::Prefix(prefix) => letters.starts_with(prefix.as_str()).then_some(1),
            Wanted::Words(words) => {
                let here = found.get(at..at + words.len())?;
                here.iter().zip(words).all(|((_, stem, _), word)| stem == word).then_some(words.len())
            }
        });
        let Some(end) = reach.max().and_then(|count| found.get(at + count - 1)).map(|(last, ..)| last.end) else { continue };
        match marks.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(end),
            _ => marks.push(place.start..end),
        }
    }
    marks
}

fn wanted(term: &Term) -> Option<Wanted> {
    let stems = |text: &str| tokens(text).map(|token| stem(&token.text).into_owned()).collect::<Vec<_>>();
    match term {
        Term::Prefix(text) => tokens(text).last().map(|token| Wanted::Prefix(token.text.into_owned())),
        Term::Word(text) | Term::Phrase(text) => Some(stems(text)).filter(|words| !words.is_empty()).map(Wanted::Words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(text: &str, terms: &[Term]) -> Vec<String> {
        marks(text, terms).into_iter().map(|place| text[place].to_owned()).collect()
    }

    #[test]
    fn words_are_found_by_their_stem_phrases_whole_and_prefixes_by_their_beginning() {
        let text = "The slow train waits; slow rivers, and Rivers again. Riverbed.";
        assert_eq!(marked(text, &[Term::Word("river".into())]), ["rivers", "Rivers"]);
        assert_eq!(marked(text, &[Term::Phrase("slow train".into())]), ["slow train"]);
        assert_eq!(marked(text, &[Term::Prefix("River".into())]), ["rivers", "Rivers", "Riverbed"]);
        assert_eq!(marked(text, &[Term::Phrase("slow rivers".into()), Term::Word("rivers".into())]), ["slow rivers", "Rivers"]);
        assert!(marked(text, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn marks_are_in_order_and_between_letters(text in any::<String>(), word in "[a-z]{1,3}") {
            let mut end = 0;
            for place in marks(&text, &[Term::Word(word.clone()), Term::Prefix(word)]) {
                prop_assert!(place.start >= end && place.end > place.start);
                prop_assert!(text.get(place.clone()).is_some());
                end = place.end;
            }
        }
    }
}
