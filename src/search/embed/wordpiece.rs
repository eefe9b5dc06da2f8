//! Word pieces: a text into the numbers of the pieces that a BERT vocabulary knows. Pure.
//!
//! It reads what `tokenizers` writes into `tokenizer.json` for the models that are used here (`BertNormalizer`, `BertPreTokenizer`, `WordPiece`) and gives
//! the same pieces; a test compares the two. Other kinds of tokenizers are refused: reading them half would make wrong vectors.

use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::HashTable;
use serde::Deserialize;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::hash::BuildHasher as _;
use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_normalization::char::decompose_canonical;

/// A vocabulary, ready to look pieces up.
#[derive(Debug)]
pub struct WordPieces {
    /// Pieces that begin a word.
    begin: Pieces,
    /// Pieces inside a word, without the mark before them.
    inside: Pieces,
    lowercase: bool,
    strip_accents: bool,
    separate_chinese: bool,
    clean: bool,
    /// Words of more characters are unknown.
    longest_word: usize,
    size: usize,
    unknown: Option<u32>,
    specials: Vec<(String, u32)>,
}

/// Words in one string, and a table of where they stand: the vocabulary takes a megabyte.
#[derive(Debug, Default)]
struct Pieces {
    letters: String,
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
    /// Bytes of the longest piece.
    longest: usize,
}

/// Start and end of a piece, and its number.
#[derive(Debug)]
struct Entry {
    start: u32,
    end: u32,
    number: u32,
}

impl Entry {
    fn spelled<'a>(&self, letters: &'a str) -> &'a [u8] {
        letters.as_bytes().get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl Pieces {
    fn add(&mut self, piece: &str, number: u32) {
        let start = self.letters.len() as u32;
        self.letters.push_str(piece);
        self.longest = self.longest.max(piece.len());
        let entry = Entry { start, end: self.letters.len() as u32, number };
        let Self { letters, table, hasher, .. } = self;
        table.insert_unique(hasher.hash_one(piece.as_bytes()), entry, |other| hasher.hash_one(other.spelled(letters)));
    }

    fn find(&self, piece: &[u8]) -> Option<u32> {
        self.table.find(self.hasher.hash_one(piece), |entry| entry.spelled(&self.letters) == piece).map(|entry| entry.number)
    }
}

/// What is read of `tokenizer.json`.
#[derive(Deserialize)]
struct File<'a> {
    normalizer: Option<Normalizer>,
    pre_tokenizer: Option<Kind>,
    #[serde(borrow)]
    model: ModelPart<'a>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Normalizer {
    #[serde(rename = "type")]
    kind: String,
    clean_text: Option<bool>,
    handle_chinese_chars: Option<bool>,
    strip_accents: Option<bool>,
    lowercase: Option<bool>,
}

#[derive(Deserialize)]
struct ModelPart<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    max_input_chars_per_word: Option<usize>,
    /// Other kinds have other shapes: it is looked at when the kind is known.
    #[serde(borrow)]
    vocab: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Word<'a>(#[serde(borrow)] Cow<'a, str>);

/// Calls a function for each entry of the vocabulary, so that it is not kept a second time.
struct Entries<F>(F);

impl<'de, F: FnMut(&str, u32)> Visitor<'de> for Entries<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("pieces and their numbers")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((word, number)) = map.next_entry::<Word<'de>, u32>()? {
            (self.0)(&word.0, number);
        }
        Ok(())
    }
}

impl WordPieces {
    /// Read a `tokenizer.json`.
    ///
    /// # Errors
    /// What is wrong with it, as the reason of an [`Error::Model`](super::Error::Model).
    pub fn read(json: &str) -> Result<Self, String> {
        let file: File<'_> = serde_json::from_str(json).map_err(|error| format!("tokenizer.json is not understood: {error}"))?;
        let other = |what: &str, found: &str, known: &str| {
            Err(format!("its {what} is {found}, and this program knows only {known}; choose a model of the BERT family"))
        };
        let model = file.model;
        match model.kind.as_deref() {
            Some("WordPiece") | None => {}
            Some(kind) => return other("tokenizer", kind, "WordPiece"),
        }
        let normalizer = file.normalizer.filter(|normalizer| normalizer.kind == "BertNormalizer");
        let Some(normalizer) = normalizer else { return other("normalizer", "another", "BertNormalizer") };
        match file.pre_tokenizer {
            Some(Kind { kind }) if kind == "BertPreTokenizer" => {}
            Some(Kind { kind }) => return other("pre-tokenizer", &kind, "BertPreTokenizer"),
            None => return other("pre-tokenizer", "none", "BertPreTokenizer"),
        }
        let unknown = model.unk_token.unwrap_or_else(|| "[UNK]".to_owned());
        let mark = model.continuing_subword_prefix.unwrap_or_else(|| "##".to_owned());
        let (mut begin, mut inside) = (Pieces::default(), Pieces::default());
        let (mut size, mut unknown_number, mut specials) = (0, None, Vec::new());
        let add = |word: &str, number: u32| {
            size = size.max(number as usize + 1);
            if word == unknown {
                unknown_number = Some(number);
            } else if word.starts_with('[') && word.ends_with(']') && word.len() > 2 {
                specials.push((word.to_owned(), number));
            } else if let Some(rest) = word.strip_prefix(mark.as_str()).filter(|rest| !rest.is_empty()) {
                inside.add(rest, number);
            } else {
                begin.add(word, number);
            }
        };
        let vocabulary = model.vocab.map_or("{}", RawValue::get);
        serde_json::Deserializer::from_str(vocabulary)
            .deserialize_map(Entries(add))
            .map_err(|error| format!("the vocabulary in tokenizer.json is not understood: {error}"))?;
        if begin.table.is_empty() {
            return Err("the vocabulary in tokenizer.json is empty".to_owned());
        }
        let lowercase = normalizer.lowercase.unwrap_or(true);
        Ok(Self {
            begin,
            inside,
            lowercase,
            strip_accents: normalizer.strip_accents.unwrap_or(lowercase),
            separate_chinese: normalizer.handle_chinese_chars.unwrap_or(true),
            clean: normalizer.clean_text.unwrap_or(true),
            longest_word: model.max_input_chars_per_word.unwrap_or(100),
            size,
            unknown: unknown_number,
            specials,
        })
    }

    /// One more than the largest number of a piece.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The number of a special piece such as `[CLS]`.
    #[must_use]
    pub fn special(&self, name: &str) -> Option<u32> {
        self.specials.iter().find(|(word, _)| word == name).map(|(_, number)| *number)
    }

    /// The number that stands for a word outside of the vocabulary.
    #[must_use]
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// The pieces of a text, in order; `None` stands for a word outside of the vocabulary.
    pub fn pieces(&self, text: &str, mut take: impl FnMut(Option<u32>)) {
        let mut word = String::new();
        let mut numbers = Vec::new();
        for letter in text.chars() {
            if letter.is_ascii() {
                self.ascii(letter, &mut word, &mut numbers, &mut take);
            } else {
                self.wide(letter, &mut word, &mut numbers, &mut take);
            }
        }
        self.end_word(&mut word, &mut numbers, &mut take);
    }

    fn ascii(&self, letter: char, word: &mut String, numbers: &mut Vec<u32>, take: &mut impl FnMut(Option<u32>)) {
        match letter {
            '0'..='9' | 'a'..='z' => word.push(letter),
            'A'..='Z' => word.push(if self.lowercase { letter.to_ascii_lowercase() } else { letter }),
            ' ' | '\t' | '\n' | '\r' => self.end_word(word, numbers, take),
            '\x0b' | '\x0c' if !self.clean => self.end_word(word, numbers, take),
            _ if letter.is_ascii_control() => {
                if !self.clean {
                    word.push(letter);
                }
            }
            _ => self.alone(letter, word, numbers, take),
        }
    }

    fn wide(&self, letter: char, word: &mut String, numbers: &mut Vec<u32>, take: &mut impl FnMut(Option<u32>)) {
        if self.clean && (letter == '\u{fffd}' || is_other(letter)) {
            return;
        }
        if letter.is_whitespace() {
            return self.end_word(word, numbers, take);
        }
        if self.separate_chinese && is_chinese(letter) {
            return self.alone(letter, word, numbers, take);
        }
        let mut plain = |letter: char| {
            let mut put = |letter: char| if is_punctuation(letter) { self.alone(letter, word, numbers, take) } else { word.push(letter) };
            if self.lowercase { letter.to_lowercase().for_each(&mut put) } else { put(letter) }
        };
        if self.strip_accents {
            decompose_canonical(letter, |part| {
                if get_general_category(part) != GeneralCategory::NonspacingMark {
                    plain(part);
                }
            });
        } else {
            plain(letter);
        }
    }

    /// A character that is a word by itself.
    fn alone(&self, letter: char, word: &mut String, numbers: &mut Vec<u32>, take: &mut impl FnMut(Option<u32>)) {
        self.end_word(word, numbers, take);
        word.push(letter);
        self.end_word(word, numbers, take);
    }

    /// Cut the word into the longest pieces from the left. A rest that has none makes the whole word unknown.
    fn end_word(&self, word: &mut String, numbers: &mut Vec<u32>, take: &mut impl FnMut(Option<u32>)) {
        if word.is_empty() {
            return;
        }
        numbers.clear();
        let mut rest = word.as_str();
        let mut pieces = &self.begin;
        if word.len() > self.longest_word && word.chars().count() > self.longest_word {
            numbers.clear();
        } else {
            while !rest.is_empty() {
                let Some((number, after)) = longest(pieces, rest) else {
                    numbers.clear();
                    break;
                };
                numbers.push(number);
                rest = after;
                pieces = &self.inside;
            }
        }
        if numbers.is_empty() {
            take(None);
        }
        numbers.iter().for_each(|number| take(Some(*number)));
        word.clear();
    }
}

/// The longest piece that `rest` begins with, and what is left.
fn longest<'a>(pieces: &Pieces, rest: &'a str) -> Option<(u32, &'a str)> {
    (1..=rest.len().min(pieces.longest)).rev().filter(|end| rest.is_char_boundary(*end)).find_map(|end| {
        let (piece, after) = rest.split_at(end);
        pieces.find(piece.as_bytes()).map(|number| (number, after))
    })
}

fn is_other(letter: char) -> bool {
    use GeneralCategory::{Control, Format, PrivateUse, Surrogate};
    matches!(get_general_category(letter), Control | Format | PrivateUse | Surrogate)
}

fn is_punctuation(letter: char) -> bool {
    use GeneralCategory::{
        ClosePunctuation, ConnectorPunctuation, DashPunctuation, FinalPunctuation, InitialPunctuation, OpenPunctuation, OtherPunctuation,
    };
    letter.is_ascii_punctuation()
        || matches!(
            get_general_category(letter),
            ClosePunctuation
                | ConnectorPunctuation
                | DashPunctuation
                | FinalPunctuation
                | InitialPunctuation
                | OpenPunctuation
                | OtherPunctuation
        )
}

/// The ideographs that the model's own tokenizer separates; kana and hangul are not among them.
fn is_chinese(letter: char) -> bool {
    matches!(letter,
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2b73f}' | '\u{2b740}'..='\u{2b81f}'
        | '\u{2b920}'..='\u{2ceaf}' | '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Texts, and their pieces by `tokenizers`; `tools/embedder/pieces.py` wrote them.
    #[derive(Deserialize)]
    struct Sample {
        text: String,
        pieces: Vec<Option<u32>>,
    }

    fn shipped() -> WordPieces {
        WordPieces::read(include_str!("../../../assets/embedder/tokenizer.json")).unwrap()
    }

    fn pieces(words: &WordPieces, text: &str) -> Vec<Option<u32>> {
        let mut found = Vec::new();
        words.pieces(text, |piece| found.push(piece));
        found
    }

    #[test]
    fn pieces_are_those_of_the_library_that_the_model_was_made_with() {
        let words = shipped();
        let samples: Vec<Sample> =
            include_str!("../../../tests/embedder/pieces.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(samples.len() > 200);
        for sample in samples {
            assert_eq!(pieces(&words, &sample.text), sample.pieces, "{:?}", sample.text);
        }
    }

    #[test]
    fn other_tokenizers_are_refused_with_their_kind() {
        let with = |model: &str, normalizer: &str, before: &str| {
            format!(r#"{{"normalizer":{{"type":"{normalizer}"}},"pre_tokenizer":{{"type":"{before}"}},"model":{model}}}"#)
        };
        let piece = r#"{"type":"WordPiece","vocab":{"a":0}}"#;
        assert!(WordPieces::read(&with(piece, "BertNormalizer", "BertPreTokenizer")).is_ok());
        for (json, named) in [
            (with(r#"{"type":"Unigram","vocab":[["a",0.5]]}"#, "BertNormalizer", "BertPreTokenizer"), "Unigram"),
            (with(piece, "Lowercase", "BertPreTokenizer"), "BertNormalizer"),
            (with(piece, "BertNormalizer", "Metaspace"), "Metaspace"),
            (with(r#"{"type":"WordPiece","vocab":{}}"#, "BertNormalizer", "BertPreTokenizer"), "empty"),
            (with(r#"{"type":"WordPiece","vocab":{"a":-1}}"#, "BertNormalizer", "BertPreTokenizer"), "not understood"),
            ("not json".to_owned(), "not understood"),
        ] {
            let reason = WordPieces::read(&json).unwrap_err();
            assert!(reason.contains(named), "{reason}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_has_pieces_within_the_vocabulary(texts in proptest::collection::vec(any::<String>(), 8)) {
            thread_local!(static WORDS: WordPieces = shipped());
            WORDS.with(|words| {
                for text in &texts {
                    words.pieces(text, |piece| assert!(piece.is_none_or(|number| (number as usize) < words.size())));
                }
            });
        }
    }
}
