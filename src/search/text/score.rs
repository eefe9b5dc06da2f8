//! How well the words of a question fit a text: BM25, over what the words could reach at the best. Pure.
//!
//! It is reckoned here and not by the engine, so that both engines rank alike, and so that a document that only its meaning brought in is
//! measured by its words too. The same walk tells which words matched and where.

use super::tokens::{self, Token};
use crate::search::question::Term;

/// How soon another occurrence says nothing new, and how much the length counts.
const SATURATION: f32 = 1.2;
const LENGTH: f32 = 0.75;
/// An occurrence in the title counts as so many.
const TITLE: f32 = 4.0;

/// A term as texts are compared with it.
#[derive(Debug, Clone)]
struct Ready {
    /// As it was asked.
    asked: String,
    /// Stems in their order; for a phrase and a prefix the words as they were written.
    parts: Vec<String>,
    is_exact: bool,
    is_prefix: bool,
    rarity: f32,
}

/// The terms of a question, ready to be compared with texts.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    terms: Vec<Ready>,
    /// Which letters the parts begin with: no other word is worth its stem.
    first: [u64; 4],
    reach: f32,
    rarity: f32,
    average: f32,
}

/// What matched in a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matched {
    /// 0 to 1: of what the terms could reach.
    pub score: f32,
    /// 0 to 1: the share of the terms that are in it, each counted by its rarity.
    pub share: f32,
    /// Which terms are in it, by their place in the question.
    pub terms: Vec<usize>,
    /// Bytes of the body that matched, in order.
    pub spans: Vec<(usize, usize)>,
}

impl Terms {
    /// Terms with the number of documents that hold each. `documents` is how many there are, `average` how many words one has.
    #[must_use]
    pub fn new(terms: &[(Term, f64)], documents: f64, average: f64) -> Self {
        let mut ready = Self { average: average as f32, ..Self::default() };
        for (term, frequency) in terms {
            let is_exact = !matches!(term, Term::Word(_));
            let parts: Vec<String> = tokens::tokens(term.text())
                .map(|token| if is_exact { token.text.into_owned() } else { tokens::stem(&token.text).into_owned() })
                .collect();
            let rarity = (1.0 + (documents - frequency + 0.5).max(0.5) / (frequency + 0.5)).ln() as f32;
            if let Some(byte) = parts.first().and_then(|part| part.bytes().next()) {
                ready.first[usize::from(byte >> 6)] |= 1 << (byte & 63);
            }
            ready.reach += rarity * (SATURATION + 1.0);
            ready.rarity += rarity;
            ready.terms.push(Ready { asked: term.text().to_owned(), parts, is_exact, is_prefix: matches!(term, Term::Prefix(_)), rarity });
        }
        ready
    }

    /// How a term was asked.
    #[must_use]
    pub fn asked(&self, term: usize) -> &str {
        self.terms.get(term).map_or("", |term| &term.asked)
    }

    /// Compare a text with the terms.
    #[must_use]
    pub fn matched(&self, title: &str, body: &str) -> Matched {
        let mut counts = vec![0.0_f32; self.terms.len()];
        let mut spans = Vec::new();
        self.walk(title, |term, _, _| counts[term] += TITLE);
        let length = self.walk(body, |term, start, end| {
            counts[term] += 1.0;
            spans.push((start, end));
        });
        let soft = SATURATION * (1.0 - LENGTH + LENGTH * length as f32 / self.average.max(1.0));
        let reached: f32 =
            (self.terms.iter().zip(&counts)).map(|(term, count)| term.rarity * count * (SATURATION + 1.0) / (count + soft)).sum();
        let held: f32 = self.terms.iter().zip(&counts).filter(|(_, count)| **count > 0.0).map(|(term, _)| term.rarity).sum();
        spans.sort_unstable();
        spans.dedup();
        Matched {
            share: if self.rarity > 0.0 { (held / self.rarity).clamp(0.0, 1.0) } else { 0.0 },
            score: if self.reach > 0.0 { (reached / self.reach).clamp(0.0, 1.0) } else { 0.0 },
            terms: counts.iter().enumerate().filter(|(_, count)| **count > 0.0).map(|(term, _)| term).collect(),
            spans,
        }
    }

    /// Whether any of the terms is in the text.
    #[must_use]
    pub fn any(&self, title: &str, body: &str) -> bool {
        let mut found = false;
        self.walk(title, |_, _, _| found = true);
        self.walk(body, |_, _, _| found = true);
        found
    }

    /// Go through a text and say where each term stands. Returns how many words the text has.
    fn walk(&self, text: &str, mut found: impl FnMut(usize, usize, usize)) -> usize {
        let longest = self.terms.iter().map(|term| term.parts.len()).max().unwrap_or(0);
        let mut before: Vec<Token<'_>> = Vec::with_capacity(longest);
        let mut count = 0;
        for token in tokens::tokens(text) {
            count += 1;
            if longest > 1 {
                if before.len() == longest {
                    before.remove(0);
                }
                before.push(token.clone());
            }
            // A term of several words is seen at its last one.
            let is_candidate = token.text.bytes().next().is_some_and(|byte| self.first[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0);
            if longest <= 1 && !is_candidate {
                continue;
            }
            let mut stem = None;
            for (index, term) in self.terms.iter().enumerate() {
                match term.parts.as_slice() {
                    [] => {}
                    [part] => {
                        let fits = if term.is_prefix {
                            token.text.starts_with(part.as_str())
                        } else if term.is_exact {
                            *token.text == **part
                        } else {
                            is_candidate && **stem.get_or_insert_with(|| tokens::stem(&token.text)) == **part
                        };
                        if fits {
                            found(index, token.start, token.end);
                        }
                    }
                    parts if before.len() >= parts.len() => {
                        let tail = &before[before.len() - parts.len()..];
                        let last = parts.len() - 1;
                        let fits = tail.iter().zip(parts).enumerate().all(|(at, (token, part))| {
                            if term.is_prefix && at == last {
                                token.text.starts_with(part.as_str())
                            } else if term.is_exact {
                                *token.text == **part
                            } else {
                                *tokens::stem(&token.text) == **part
                            }
                        });
                        if fits {
                            found(index, tail[0].start, token.end);
                        }
                    }
                    _ => {}
                }
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(terms: &[Term]) -> Terms {
        Terms::new(&terms.iter().map(|term| (term.clone(), 3.0)).collect::<Vec<_>>(), 1_000.0, 20.0)
    }

    #[test]
    fn words_match_by_their_stem_and_phrases_as_they_are_written() {
        let text = "Rotate the signing key; keys rotated today.";
        let word = terms(&[Term::Word("rotation".into())]).matched("", text);
        assert_eq!(word.spans.iter().map(|(start, end)| &text[*start..*end]).collect::<Vec<_>>(), ["Rotate", "rotated"]);
        let phrase = terms(&[Term::Phrase("signing key".into())]).matched("", text);
        assert_eq!(phrase.spans.iter().map(|(start, end)| &text[*start..*end]).collect::<Vec<_>>(), ["signing key"]);
        assert!(terms(&[Term::Phrase("sign key".into())]).matched("", text).terms.is_empty());
        assert!(!terms(&[Term::Prefix("rotat".into())]).matched("", text).terms.is_empty());
        assert!(terms(&[Term::Prefix("rotati".into())]).matched("", text).terms.is_empty());
    }

    #[test]
    fn more_of_the_question_is_a_better_score_and_a_title_counts_for_more() {
        let both = terms(&[Term::Word("signing".into()), Term::Word("key".into())]);
        let score = |title: &str, body: &str| both.matched(title, body).score;
        assert!(score("", "the signing key") > score("", "the other key"));
        assert!(score("signing key", "text") > score("text", "signing key"));
        assert!(score("signing key signing key", "signing key") <= 1.0);
        assert_eq!(score("", "nothing"), 0.0);
    }
}
