//! Offensive words and phrases by category and severity, from a list that an operator can replace. Pure.
//!
//! Words count as a whole only ("class", "Scunthorpe", "assess" hold no word of the list), with the simple endings of English. The text is
//! expected to be normalised; what is written to evade a list is undone before. A list is a reason for a person to look, never a verdict.

use super::super::evaluation::Span;
use super::before;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const EMBEDDED: &str = include_str!("../../../assets/words.toml");

/// What may stand behind a word, behind a word on `e`, and behind one whose forms are other words.
const ENDINGS: &[&str] = &["", "s", "es", "ed", "ing", "er", "ers"];
const ENDINGS_OF_E: &[&str] = &["", "s", "d", "r", "rs"];
const PLURAL: &[&str] = &["", "s"];
const NONE: &[&str] = &[""];

/// Longest entry of a list, in characters.
const LONGEST: usize = 80;

/// How bad a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Coarse, but common among people who mean no harm.
    Mild,
    /// Offends most readers.
    Moderate,
    /// Threats, slurs, the strongest words.
    Severe,
}

impl Severity {
    /// The word of it in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mild => "mild",
            Self::Moderate => "moderate",
            Self::Severe => "severe",
        }
    }
}

/// A word of the list that stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordHit {
    /// The entry of the list, not the form that stands in the text.
    pub word: String,
    /// Its category: `insult`, `slur`, …
    pub category: String,
    /// Its severity.
    pub severity: Severity,
    /// Where it stands in the text, ending included.
    pub span: Span,
}

/// A list, ready to be looked for in one pass.
#[derive(Debug, Clone, Default)]
pub struct WordList {
    entries: Vec<Entry>,
    /// For every pattern of the automaton (the first words of entries), the entries that begin with it.
    beginning: Vec<Vec<usize>>,
    /// None in a list of nothing.
    automaton: Option<AhoCorasick>,
}

#[derive(Debug, Clone)]
struct Entry {
    word: String,
    first: String,
    /// The words behind the first.
    rest: Vec<String>,
    /// The endings that stand for the same word.
    endings: &'static [&'static str],
    /// Category and severity; `None` for an innocent phrase.
    meaning: Option<(String, Severity)>,
}

static LIST: LazyLock<WordList> = LazyLock::new(|| {
    // The list is part of the program; that it can be read is what a test below is for, and here an unreadable one finds nothing.
    WordList::parse(EMBEDDED).unwrap_or_default()
});

impl WordList {
    /// The list that comes with the program.
    #[must_use]
    pub fn embedded() -> &'static Self {
        &LIST
    }

    /// Reads a list: tables of categories with arrays `mild`, `moderate` and `severe`, and an array `innocent` of phrases to let through.
    ///
    /// # Errors
    /// What is wrong with it, and on which line.
    pub fn parse(toml: &str) -> Result<Self, String> {
        let file =
            DeTable::parse(toml).map_err(|error| told(toml, error.span().map_or(0, |span| span.start), error.message()))?.into_inner();
        let mut entries = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (key, value) in &file {
            let at = value.span().start;
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("innocent", DeValue::Array(_)) => words_of(toml, value, None, &mut seen, &mut entries)?,
                (category, DeValue::Table(severities)) => {
                    for (severity, words) in severities {
                        let meaning = match severity.get_ref().as_ref() {
                            "mild" => Severity::Mild,
                            "moderate" => Severity::Moderate,
                            "severe" => Severity::Severe,
                            other => {
                                let problem = format!("`{other}` is no severity; write mild, moderate or severe");
                                return Err(told(toml, severity.span().start, &problem));
                            }
                        };
                        words_of(toml, words, Some((category, meaning)), &mut seen, &mut entries)?;
                    }
                }
                (other, _) => {
                    return Err(told(toml, at, &format!("`{other}` is neither a category (`[{other}]`) nor the array `innocent`")));
                }
            }
        }
        Self::build(entries)
    }

    /// Every form of every word that offends, with its category and severity: for whoever looks for words in ways of their own.
    pub fn forms(&self) -> impl Iterator<Item = (String, &str, Severity)> {
        self.entries.iter().filter_map(|entry| entry.meaning.as_ref().map(|meaning| (entry, meaning))).flat_map(|(entry, meaning)| {
            let phrase = std::iter::once(&entry.first).chain(&entry.rest).cloned().collect::<Vec<_>>().join(" ");
            entry.endings.iter().map(move |ending| (format!("{phrase}{ending}"), meaning.0.as_str(), meaning.1))
        })
    }

    /// The phrases in which such a word means no harm.
    pub fn innocent(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| entry.meaning.is_none()).map(|entry| entry.word.as_str())
    }

    fn build(entries: Vec<Entry>) -> Result<Self, String> {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut patterns: Vec<String> = Vec::new();
        let mut beginning: Vec<Vec<usize>> = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            for first in spellings(&entry.first) {
                let place = *places.entry(first.clone()).or_insert_with(|| {
                    patterns.push(first);
                    beginning.push(Vec::new());
                    patterns.len() - 1
                });
                beginning[place].push(number);
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&patterns)
            .map_err(|error| format!("the list is too long to be looked for: {error}"))?;
        Ok(Self { entries, beginning, automaton: Some(automaton) })
    }

    /// How many entries the list has, innocent phrases not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.iter().filter(|entry| entry.meaning.is_some()).count()
    }

    /// Whether the list has no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every entry that stands in `text` as a whole word or phrase, in the order of the text. Of entries inside a longer one only those stay
    /// that are more severe.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<WordHit> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let folded = folded(text);
        let mut found: Vec<(Span, &Entry)> = Vec::new();
        for candidate in automaton.find_overlapping_iter(folded.as_ref()) {
            if before(&folded, candidate.start()).is_some_and(in_word) {
                continue;
            }
            for number in self.beginning.get(candidate.pattern().as_usize()).into_iter().flatten() {
                let entry = &self.entries[*number];
                if let Some(end) = entry.end(&folded, candidate.end()) {
                    found.push((Span { start: candidate.start(), end }, entry));
                }
            }
        }
        // The longest at one place first; the innocent one of two equals.
        found.sort_by_key(|(span, entry)| (span.start, usize::MAX - span.end, entry.meaning.is_some()));
        let mut hits: Vec<WordHit> = Vec::new();
        let mut innocent_until = 0;
        for (span, entry) in found {
            let Some((category, severity)) = &entry.meaning else {
                innocent_until = innocent_until.max(span.end);
                continue;
            };
            let covered = hits.iter().rev().take(4).any(|hit| span.end <= hit.span.end && *severity <= hit.severity);
            if span.end > innocent_until && !covered {
                hits.push(WordHit { word: entry.word.clone(), category: category.clone(), severity: *severity, span });
            }
        }
        hits
    }
}

impl Entry {
    /// Where the entry ends in `text`, whose first word ends at `at` but for an ending.
    fn end(&self, text: &str, at: usize) -> Option<usize> {
        let mut at = at;
        for word in &self.rest {
            let gap = text[at..].find(|sign: char| !sign.is_whitespace() && sign != '-')?;
            let next = text.get(at + gap..)?;
            let spelled = spellings(word).find(|word| next.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))?;
            if gap == 0 {
                return None;
            }
            at += gap + spelled.len();
        }
        let length: usize = text[at..].chars().take_while(|sign| in_word(*sign)).map(char::len_utf8).sum();
        let ending = &text[at..at + length];
        self.endings.iter().any(|known| known.eq_ignore_ascii_case(ending)).then_some(at + length)
    }
}

/// Adds the words of an array.
fn words_of(
    toml: &str,
    array: &Spanned<DeValue<'_>>,
    meaning: Option<(&str, Severity)>,
    seen: &mut HashMap<String, usize>,
    entries: &mut Vec<Entry>,
) -> Result<(), String> {
    let DeValue::Array(words) = array.get_ref() else {
        return Err(told(toml, array.span().start, "an array of words is expected"));
    };
    for word in words {
        let at = word.span().start;
        let DeValue::String(written) = word.get_ref() else {
            return Err(told(toml, at, "a word in quotes is expected"));
        };
        let (word, exact) = written.strip_prefix('=').map_or((written.as_ref(), false), |word| (word, true));
        let word = word.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let bare = word.chars().next().is_none_or(|sign| !sign.is_alphanumeric()) || word.chars().count() > LONGEST;
        if bare {
            return Err(told(toml, at, &format!("`{written}` is no word: it begins with a letter and has at most {LONGEST} characters")));
        }
        if let Some(line) = seen.insert(word.clone(), line_of(toml, at)) {
            return Err(told(toml, at, &format!("`{word}` stands on line {line} already")));
        }
        let endings = match (exact, word.ends_with('e')) {
            // "asses" and an s would be "assess".
            (true, _) if word.ends_with('s') => NONE,
            (true, _) => PLURAL,
            (false, true) => ENDINGS_OF_E,
            (false, false) => ENDINGS,
        };
        let mut parts = word.split(' ').map(str::to_owned);
        let first = parts.next().unwrap_or_default();
        let meaning = meaning.map(|(category, severity)| (category.to_owned(), severity));
        entries.push(Entry { first, rest: parts.collect(), word, endings, meaning });
    }
    Ok(())
}

fn told(toml: &str, at: usize, problem: &str) -> String {
    format!("line {}: {problem}", line_of(toml, at))
}

fn line_of(toml: &str, at: usize) -> usize {
    toml.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// The ways to write a word with an apostrophe.
fn spellings(word: &str) -> impl Iterator<Item = String> {
    let others = word.contains('\'').then(|| [word.replace('\'', "’"), word.replace('\'', "")]);
    std::iter::once(word.to_owned()).chain(others.into_iter().flatten())
}

/// Letters, digits and marks over letters.
fn in_word(sign: char) -> bool {
    sign.is_alphanumeric() || matches!(u32::from(sign), 0x0300..=0x036f)
}

/// The text in lower case with every byte where it was: a letter whose lower case has another length stays as it is.
fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let fold = |sign: char| {
        let mut lower = sign.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(one), None) if one.len_utf8() == sign.len_utf8() => one,
            _ => sign,
        }
    };
    Cow::Owned(text.chars().map(fold).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        WordList::embedded().find(text).into_iter().map(|hit| hit.word).collect()
    }

    #[test]
    fn the_embedded_list_is_read() {
        let list = WordList::parse(EMBEDDED).unwrap();
        assert!(list.len() > 250, "{}", list.len());
        assert_eq!(list.len(), WordList::embedded().len());
    }

    #[test]
    fn words_are_found_with_their_endings_where_they_stand() {
        for (text, word, place) in [
            ("You IDIOTS, all of you", "idiot", "IDIOTS"),
            ("stop fucking around", "fuck", "fucking"),
            ("**bastard**", "bastard", "bastard"),
            ("_moron_'s", "moron", "moron"),
            ("just Kill   yourself already", "kill yourself", "Kill   yourself"),
            ("kill-yourself", "kill yourself", "kill-yourself"),
            ("I'll kill you", "i'll kill you", "I'll kill you"),
            ("I’ll kill you", "i'll kill you", "I’ll kill you"),
            ("ill kill you", "i'll kill you", "ill kill you"),
            ("é shit", "shit", "shit"),
            ("whores", "whore", "whores"),
            ("shut up!", "shut up", "shut up"),
        ] {
            let hits = WordList::embedded().find(text);
            assert_eq!(hits.len(), 1, "{text}: {hits:?}");
            assert_eq!(hits[0].word, word, "{text}");
            assert_eq!(&text[hits[0].span.start..hits[0].span.end], place, "{text}");
        }
    }

    #[test]
    fn words_inside_others_are_let_through() {
        for text in [
            "The class in Scunthorpe had a cocktail; Sussex and Essex assess the bass, the grass and the assassin.",
            "Dickens and Hancock, a cockpit, a peacock and shiitake",
            "spices and spicer, a cocker spaniel, cumin, titles, titan, Titus, analysis, therapist",
            "Matsushita, Penistone, Clitheroe, Lightwater, arsenal, arsenic",
            "a raccoon, a tycoon, a cocoon and my Maine Coon",
            "a bastard sword and tit for tat in Hell's Kitchen",
            "git rebase, state machines, point of sale, unskilled work, hello",
            "the skill: yourself",
            "shit\u{301}x idiotx 2idiot",
            "prickly pears, dyked, homogeneous, homonym, retardant, japan",
            "I'll kill the process and you can hang up",
        ] {
            assert_eq!(words(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn the_longer_entry_stays_and_with_it_what_is_worse() {
        assert_eq!(words("you piece of shit"), ["piece of shit"]);
        assert_eq!(words("shut the fuck up"), ["shut the fuck up", "fuck"]);
        let hits = WordList::embedded().find("what a damn idiot, kill yourself");
        let severities: Vec<(&str, Severity)> = hits.iter().map(|hit| (hit.category.as_str(), hit.severity)).collect();
        assert_eq!(severities, [("profanity", Severity::Mild), ("insult", Severity::Mild), ("threat", Severity::Severe)]);
        assert!(Severity::Mild < Severity::Moderate && Severity::Moderate < Severity::Severe);
    }

    #[test]
    fn an_operators_list_is_read_and_its_mistakes_are_named_with_their_line() {
        let list = WordList::parse("innocent = ['blöd mann']\n[schimpf]\nmild = ['blöd', '=Äpfel']\n").unwrap();
        let hits: Vec<String> = list.find("BLÖD! blöder äpfel, blöd Mann").into_iter().map(|hit| hit.word).collect();
        assert_eq!(hits, ["blöd", "blöd", "äpfel"]);
        for (toml, line, problem) in [
            ("[a]\nmild = ['x'\n[b]", "line ", ""),
            ("[a]\n\nmild = ['x', 3]", "line 3:", "quotes"),
            ("[a]\nawful = ['x']", "line 2:", "`awful` is no severity"),
            ("[a]\nmild = ['x']\nsevere = ['X']", "line 3:", "line 2 already"),
            ("a = 1", "line 1:", "neither"),
            ("[a]\nmild = ['']", "line 2:", "no word"),
            ("[a]\nmild = 'x'", "line 2:", "array"),
        ] {
            let error = WordList::parse(toml).unwrap_err();
            assert!(error.starts_with(line) && error.contains(problem), "{toml}: {error}");
        }
        assert!(WordList::parse("").unwrap().find("shit").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_spans_lie_in_it(text in "(?s).{0,200}") {
            for hit in WordList::embedded().find(&text) {
                prop_assert!(text.get(hit.span.start..hit.span.end).is_some_and(|value| !value.is_empty()));
            }
        }

        #[test]
        fn texts_of_such_words_too(text in "(shit|KILL|kill|yourself|I’ll|you|İ|ß|é|\u{301}|ing|s| |-|\n){0,30}") {
            for hit in WordList::embedded().find(&text) {
                prop_assert!(text.get(hit.span.start..hit.span.end).is_some_and(|value| !value.is_empty()));
            }
        }

        #[test]
        fn any_list_is_read_or_refused(toml in "(?s).{0,80}", word in "[a-zé' =]{0,10}") {
            let _ = WordList::parse(&toml);
            let _ = WordList::parse(&format!("[a]\nmild = [\"{word}\"]"));
        }
    }
}
