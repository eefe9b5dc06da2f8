//! Words of a text, the same way for the index, for questions and for highlights. Pure.
//!
//! A word is a run of letters and digits, in lower case and without accents; each Chinese or Japanese character is a word of its own,
//! because those scripts put no blanks between words. English endings are taken off ([`stem`]).

use super::porter;
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Bytes of a word at the most: what is longer is no word, and PostgreSQL refuses it.
const LONGEST: usize = 64;

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// In lower case, without accents.
    pub text: Cow<'a, str>,
    /// First byte in the text.
    pub start: usize,
    /// The byte behind it.
    pub end: usize,
}

/// Whether each of these characters is a word of its own.
fn stands_alone(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_part(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character)
}

/// The words of a text, in order.
pub fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (start, first) = rest.next()?;
            if !first.is_alphanumeric() {
                continue;
            }
            let mut end = start + first.len_utf8();
            if !stands_alone(first) {
                while let Some((at, character)) = rest.next_if(|(_, character)| is_part(*character) && !stands_alone(*character)) {
                    end = at + character.len_utf8();
                }
            }
            if let Some(text) = folded(&text[start..end]) {
                return Some(Token { text, start, end });
            }
        }
    })
}

fn folded(word: &str) -> Option<Cow<'_, str>> {
    let mut folded = if word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        Cow::Borrowed(word)
    } else if word.is_ascii() {
        Cow::Owned(word.to_ascii_lowercase())
    } else {
        // Compatibility forms, such as letters of mathematics, are what they look like.
        Cow::Owned(word.nfkd().flat_map(char::to_lowercase).nfkd().filter(|character| character.is_alphanumeric()).collect())
    };
    if folded.len() > LONGEST {
        let cut = (0..=LONGEST).rev().find(|index| folded.is_char_boundary(*index)).unwrap_or(0);
        folded = Cow::Owned(folded[..cut].to_owned());
    }
    (!folded.is_empty()).then_some(folded)
}

/// The word without its English ending.
#[must_use]
pub fn stem(word: &str) -> Cow<'_, str> {
    porter::stem(word)
}

/// The stemmed words of a text, with a blank between them: what the full-text index is given.
#[must_use]
pub fn stemmed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for token in tokens(text) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&stem(&token.text));
    }
    out
}

/// Words that every other sentence holds: they are not looked up on their own.
const STOP: [&str; 96] = [
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did",
    "do", "does", "for", "from", "had", "has", "have", "he", "her", "here", "his", "how", "i", "if", "in", "into", "is", "it", "its",
    "just", "like", "me", "more", "most", "my", "no", "not", "of", "on", "one", "only", "or", "other", "our", "out", "she", "so", "some",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "too", "up", "us", "very", "was",
    "we", "were", "what", "when", "where", "which", "who", "why", "will", "with", "would", "you", "your", "should", "must", "s", "t",
    "don", "over", "because", "while", "such",
];

/// Whether a folded word says next to nothing.
#[must_use]
pub fn is_stop(word: &str) -> bool {
    STOP.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).map(|token| token.text.into_owned()).collect()
    }

    #[test]
    fn words_are_folded_and_keep_their_places() {
        assert_eq!(words("Don't PANIC: naïve Café_au-lait 42nd"), ["don", "t", "panic", "naive", "cafe", "au", "lait", "42nd"]);
        assert_eq!(words("我喜欢Rust语言"), ["我", "喜", "欢", "rust", "语", "言"]);
        assert_eq!(words("🙂 !!! \u{202e}"), Vec::<String>::new());
        let text = "Ünder the Straße";
        assert_eq!(tokens(text).map(|token| &text[token.start..token.end]).collect::<Vec<_>>(), ["Ünder", "the", "Straße"]);
    }

    #[test]
    fn an_endless_word_is_cut() {
        assert!(words(&"é".repeat(10_000)).iter().all(|word| word.len() <= LONGEST));
    }
}
