//! All words and patterns of all rules, looked for at once.
//!
//! One Aho-Corasick pass over each view of the text for the words, one regular-expression set for the patterns. Regular expressions here
//! are automata: none can backtrack, however it is written.

use super::folded::{Folded, Spelling};
use super::model::Text;
use crate::moderation::evaluation::Span;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use std::collections::BTreeMap;

/// Bytes that one compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;
/// Bytes that all patterns together may take.
const PATTERNS_SIZE: usize = 256 << 20;
/// Findings kept of one rule in one text.
const MOST_FINDINGS: usize = 50;

/// A word or pattern that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The word of the list, or the words that a pattern found.
    pub word: String,
    /// Where, in the original.
    pub span: Span,
    /// Whether it was disguised.
    pub is_disguised: bool,
}

struct Literal {
    rule: usize,
    whole: bool,
    word: String,
}

struct Pattern {
    rule: usize,
    expression: Regex,
}

/// The compiled words and patterns. Rules are known by their place in the set.
#[derive(Default)]
pub(super) struct Bank {
    plain: Option<AhoCorasick>,
    plain_owners: Vec<Vec<Literal>>,
    disguised: Option<AhoCorasick>,
    disguised_owners: Vec<Vec<(Spelling, Literal)>>,
    folded: Patterns,
    raw: Patterns,
    except: BTreeMap<usize, AhoCorasick>,
}

#[derive(Default)]
struct Patterns {
    set: RegexSet,
    each: Vec<Pattern>,
}

/// Collects what the rules look for.
#[derive(Default)]
pub(super) struct Builder {
    plain: BTreeMap<String, Vec<Literal>>,
    disguised: BTreeMap<String, Vec<(Spelling, Literal)>>,
    folded: Vec<Pattern>,
    raw: Vec<Pattern>,
    except: BTreeMap<usize, AhoCorasick>,
}

impl Builder {
    /// Take in the words and patterns of a rule. Returns what is wrong with them: the words concerned, and why.
    pub fn add(&mut self, rule: usize, text: &Text) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let whole = text.words.iter().map(|word| (word, true));
        for (word, whole) in whole.chain(text.contains.iter().map(|word| (word, false))) {
            if !self.word(rule, word, whole, text.as_written) {
                wrong.push((word.clone(), format!("the word {word:?} has no letter or digit")));
            }
        }
        for (patterns, kept) in [(&text.patterns, &mut self.folded), (&text.raw_patterns, &mut self.raw)] {
            for pattern in patterns {
                match RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).build() {
                    Ok(expression) if expression.is_match("") => {
                        wrong.push((pattern.clone(), format!("the pattern {pattern:?} also fits an empty text")));
                    }
                    Ok(expression) => kept.push(Pattern { rule, expression }),
                    Err(error) => wrong.push((pattern.clone(), reason(pattern, &error))),
                }
            }
        }
        let except: Vec<String> =
            text.except.iter().map(|word| Folded::new(word).text().to_owned()).filter(|word| !word.is_empty()).collect();
        if !except.is_empty() {
            match AhoCorasick::new(&except) {
                Ok(automaton) => drop(self.except.insert(rule, automaton)),
                Err(error) => wrong.push((text.except.join(", "), error.to_string())),
            }
        }
        wrong
    }

    /// A word in both views. False when nothing of it is left to be looked for.
    pub fn word(&mut self, rule: usize, word: &str, whole: bool, as_written: bool) -> bool {
        let folded = Folded::new(word.trim());
        if !folded.text().chars().any(char::is_alphanumeric) {
            return false;
        }
        let entry = || Literal { rule, whole, word: word.trim().to_owned() };
        self.plain.entry(folded.text().to_owned()).or_default().push(entry());
        let spelling = Spelling::of(word.trim());
        // Digits and very short words mean too much else to be looked for behind a disguise.
        if !as_written && folded.text().chars().filter(|character| character.is_alphabetic()).count() >= 3 {
            self.disguised.entry(spelling.text.clone()).or_default().push((spelling, entry()));
        }
        true
    }

    /// Compile what was collected.
    pub fn build(self) -> Result<Bank, String> {
        let automaton = |words: Vec<&String>| -> Result<Option<AhoCorasick>, String> {
            if words.is_empty() {
                return Ok(None);
            }
            let mut builder = AhoCorasick::builder();
            builder.match_kind(MatchKind::Standard);
            // The dense form is several times quicker; beyond some thousands of words it takes more memory than it is worth.
            builder.kind(if words.len() <= 5_000 { Some(AhoCorasickKind::DFA) } else { None });
            builder.build(words).map(Some).map_err(|error| format!("the words are too many: {error}"))
        };
        let plain = automaton(self.plain.keys().collect())?;
        let disguised = automaton(self.disguised.keys().collect())?;
        Ok(Bank {
            plain,
            plain_owners: self.plain.into_values().collect(),
            disguised,
            disguised_owners: self.disguised.into_values().collect(),
            folded: Patterns::build(self.folded)?,
            raw: Patterns::build(self.raw)?,
            except: self.except,
        })
    }
}

impl Patterns {
    fn build(each: Vec<Pattern>) -> Result<Self, String> {
        let set = RegexSetBuilder::new(each.iter().map(|pattern| pattern.expression.as_str()))
            .size_limit(PATTERNS_SIZE)
            .dfa_size_limit(32 << 20)
            .build()
            .map_err(|error| format!("the patterns together are too large: {error}"))?;
        Ok(Self { set, each })
    }

    fn find(&self, text: &str, mut found: impl FnMut(&Pattern, usize, usize)) {
        if self.each.is_empty() {
            return;
        }
        for index in &self.set.matches(text) {
            if let Some(pattern) = self.each.get(index) {
                for place in pattern.expression.find_iter(text).take(MOST_FINDINGS) {
                    found(pattern, place.start(), place.end());
                }
            }
        }
    }
}

/// What a regular expression's error says, on one line.
fn reason(pattern: &str, error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => format!("the pattern {pattern:?} needs more than {limit} bytes when compiled"),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("the pattern {pattern:?} is no regular expression: {last}")
        }
    }
}

impl Bank {
    /// Everything that the rules look for in `original`, by rule.
    pub fn scan(&self, original: &str) -> BTreeMap<usize, Vec<Found>> {
        let mut found: BTreeMap<usize, Vec<Found>> = BTreeMap::new();
        let first = Folded::new(original);
        let mut keep = |rule: usize, word: String, span: Span, is_disguised: bool| {
            let of_rule = found.entry(rule).or_default();
            let is_known = of_rule.iter().any(|other| other.word == word && other.span.start < span.end && span.start < other.span.end);
            if !is_known && of_rule.len() < MOST_FINDINGS {
                of_rule.push(Found { word, span, is_disguised });
            }
        };
        if let Some(plain) = &self.plain {
            for place in plain.find_overlapping_iter(first.text()) {
                for literal in self.plain_owners.get(place.pattern().as_usize()).into_iter().flatten() {
                    if !literal.whole || first.is_whole(place.start(), place.end()) {
                        keep(literal.rule, literal.word.clone(), first.original(place.start(), place.end()), false);
                    }
                }
            }
        }
        if let Some(disguised) = &self.disguised {
            let second = first.undisguised();
            for place in disguised.find_overlapping_iter(second.text()) {
                for (spelling, literal) in self.disguised_owners.get(place.pattern().as_usize()).into_iter().flatten() {
                    let (start, end) = (place.start(), place.end());
                    if second.spells(spelling, start, end) && (!literal.whole || second.is_whole(start, end)) {
                        keep(literal.rule, literal.word.clone(), second.original(start, end), true);
                    }
                }
            }
        }
        self.folded.find(first.text(), |pattern, start, end| {
            let span = first.original(start, end);
            keep(pattern.rule, original.get(span.start..span.end).unwrap_or_default().to_owned(), span, false);
        });
        self.raw.find(original, |pattern, start, end| {
            keep(pattern.rule, original.get(start..end).unwrap_or_default().to_owned(), Span { start, end }, false);
        });
        self.without_exceptions(&first, found)
    }

    fn without_exceptions(&self, first: &Folded, mut found: BTreeMap<usize, Vec<Found>>) -> BTreeMap<usize, Vec<Found>> {
        for (rule, except) in &self.except {
            let Some(of_rule) = found.get_mut(rule) else { continue };
            let excepted: Vec<Span> = except.find_iter(first.text()).map(|place| first.original(place.start(), place.end())).collect();
            of_rule.retain(|one| !excepted.iter().any(|span| span.start <= one.span.start && one.span.end <= span.end));
        }
        found.retain(|_, of_rule| !of_rule.is_empty());
        for of_rule in found.values_mut() {
            of_rule.sort_by_key(|one| (one.span.start, one.span.end));
        }
        found
    }
}
