//! Screening: the rules that look at a draft before a person does, and before it may leave. Pure.
//!
//! First form: length, banned keywords (the flag strings of the original system), credentials, and the consistency check's answer.

use super::evaluation::{Evaluation, Hit, Span, Verdict};
use super::secrets;
use crate::base::digest::sha256_parts;
use aho_corasick::AhoCorasick;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Version of this rule set: part of every approval, so that a change of rules voids approvals that wait.
pub const ENGINE_VERSION: &str = "screening-1";
/// Shortest content, in Unicode scalar values.
pub const MIN_LENGTH: usize = 10;
/// Longest content, in Unicode scalar values.
pub const MAX_LENGTH: usize = 10_000;
/// Words that block wherever they stand, also inside another word: `casinos`.
pub const BANNED_KEYWORDS: [&str; 4] = ["spam", "viagra", "casino", "lottery"];

static KEYWORDS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(BANNED_KEYWORDS).ok());

/// What the check of a draft against the persona's beliefs said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ConsistencyResult {
    /// It agrees with what the persona holds.
    Consistent {
        /// How sure the check is, 0 to 1.
        confidence: f64,
        /// Its words.
        explanation: String,
    },
    /// It does not.
    Inconsistent {
        /// How sure the check is, 0 to 1.
        confidence: f64,
        /// Its words.
        explanation: String,
        /// The beliefs it contradicts.
        conflicts: Vec<BeliefConflict>,
    },
    /// The check did not run or gave no usable answer.
    Unknown {
        /// Why.
        reason: String,
    },
    /// There were no beliefs to check against.
    NotNeeded,
}

/// A belief that a draft contradicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeliefConflict {
    /// The belief's id.
    pub belief_id: String,
    /// Its title.
    pub title: String,
    /// The words of the draft that contradict it, when they could be quoted.
    pub quote: Option<String>,
}

/// What is screened.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The title, for a post.
    pub title: Option<&'a str>,
    /// The text.
    pub content: &'a str,
}

/// What is known around the draft. `None` means that the signal is missing, which is never taken for good.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The consistency check's answer.
    pub consistency: Option<&'a ConsistencyResult>,
    /// Whether the text that is answered tries to instruct its reader: what was drafted from it is never sent without a person.
    pub tainted: bool,
}

/// Screen a draft.
#[must_use]
pub fn evaluate(draft: Outgoing<'_>, around: Surroundings<'_>) -> Evaluation {
    let mut hits = Vec::new();
    let mut flags = Vec::new();
    let mut missing = Vec::new();
    length(draft.content, &mut hits, &mut flags);
    keywords(draft.content, &mut hits, &mut flags);
    credentials(draft, &mut hits, &mut flags);
    match around.consistency {
        None => missing.push("consistency".to_owned()),
        Some(ConsistencyResult::Unknown { reason }) => missing.push(format!("consistency ({reason})")),
        Some(ConsistencyResult::Inconsistent { explanation, conflicts, confidence }) => {
            consistency(draft.content, explanation, conflicts, *confidence, &mut hits, &mut flags);
        }
        Some(ConsistencyResult::Consistent { .. } | ConsistencyResult::NotNeeded) => {}
    }
    if around.tainted {
        flags.push("tainted_context".to_owned());
        hits.push(hit(
            "tainted_context",
            Verdict::Review,
            0.5,
            vec![],
            "the text that is answered tries to instruct its reader".to_owned(),
            None,
        ));
    }
    let asked = hits.iter().map(|hit| hit.severity).max().unwrap_or(Verdict::Allow);
    let verdict = if missing.is_empty() { asked } else { asked.max(Verdict::Review) };
    Evaluation {
        verdict,
        score: hits.iter().fold(0.0_f64, |score, hit| score + hit.weight).min(1.0),
        hits,
        flags,
        missing,
        engine_version: ENGINE_VERSION.to_owned(),
        input_digest: sha256_parts(&[draft.title.unwrap_or_default().as_bytes(), draft.content.as_bytes()]),
    }
}

fn hit(rule_id: &str, severity: Verdict, weight: f64, spans: Vec<Span>, message: String, evidence: Option<String>) -> Hit {
    Hit { rule_id: rule_id.to_owned(), rule_version: 1, severity, weight, spans, message, evidence }
}

fn length(content: &str, hits: &mut Vec<Hit>, flags: &mut Vec<String>) {
    let characters = content.chars().count();
    let flag = if characters < MIN_LENGTH {
        format!("content_too_short (min {MIN_LENGTH} chars)")
    } else if characters > MAX_LENGTH {
        format!("content_too_long (max {MAX_LENGTH} chars)")
    } else {
        return;
    };
    let message = format!("the text has {characters} characters, {MIN_LENGTH} to {MAX_LENGTH} are allowed");
    hits.push(hit("length", Verdict::Block, 1.0, vec![], message, None));
    flags.push(flag);
}

fn keywords(content: &str, hits: &mut Vec<Hit>, flags: &mut Vec<String>) {
    let Some(automaton) = KEYWORDS.as_ref() else { return };
    let mut spans: [Vec<Span>; BANNED_KEYWORDS.len()] = Default::default();
    for found in automaton.find_overlapping_iter(content) {
        spans[found.pattern().as_usize()].push(Span { start: found.start(), end: found.end() });
    }
    for (word, spans) in BANNED_KEYWORDS.iter().zip(spans).filter(|(_, spans)| !spans.is_empty()) {
        hits.push(hit("banned_keyword", Verdict::Block, 1.0, spans, format!("the word “{word}” is banned"), Some((*word).to_owned())));
        flags.push(format!("banned_keyword: {word}"));
    }
}

fn credentials(draft: Outgoing<'_>, hits: &mut Vec<Hit>, flags: &mut Vec<String>) {
    let in_title = draft.title.map(secrets::find).unwrap_or_default().into_iter().map(|secret| (secret.kind, None));
    let in_content = secrets::find(draft.content).into_iter().map(|secret| (secret.kind, Some(secret.span)));
    for (kind, span) in in_title.chain(in_content) {
        let place = if span.is_some() { "text" } else { "title" };
        let message = format!("the {place} holds what looks like a credential ({kind}); it must not be published");
        hits.push(hit("secret", Verdict::Block, 1.0, span.into_iter().collect(), message, Some(kind.to_owned())));
        flags.push(format!("secret: {kind}"));
    }
}

fn consistency(
    content: &str,
    explanation: &str,
    conflicts: &[BeliefConflict],
    confidence: f64,
    hits: &mut Vec<Hit>,
    flags: &mut Vec<String>,
) {
    flags.push("inconsistent_with_beliefs".to_owned());
    if conflicts.is_empty() {
        hits.push(hit("consistency", Verdict::Review, 0.6, vec![], format!("contradicts the persona's beliefs: {explanation}"), None));
    }
    for conflict in conflicts {
        let quoted = conflict.quote.as_deref().filter(|quote| !quote.is_empty());
        let span = quoted.and_then(|quote| content.find(quote).map(|start| Span { start, end: start + quote.len() }));
        let message = format!("contradicts the belief “{}” (sure to {:.0} %): {explanation}", conflict.title, confidence * 100.0);
        hits.push(hit("consistency", Verdict::Review, 0.6, span.into_iter().collect(), message, Some(conflict.belief_id.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FINE: ConsistencyResult = ConsistencyResult::NotNeeded;

    fn screen(content: &str) -> Evaluation {
        evaluate(Outgoing { title: None, content }, Surroundings { consistency: Some(&FINE), tainted: false })
    }

    #[test]
    fn the_original_flag_strings_are_kept() {
        assert_eq!(screen("123456789").flags, ["content_too_short (min 10 chars)"]);
        assert_eq!(screen("").flags, ["content_too_short (min 10 chars)"]);
        assert_eq!(screen(&"ä".repeat(10_001)).flags, ["content_too_long (max 10000 chars)"]);
        assert_eq!(screen(&"ä".repeat(10_000)).verdict, Verdict::Allow);
        let both = screen("Visit our CASINO lottery page");
        assert_eq!(both.flags, ["banned_keyword: casino", "banned_keyword: lottery"]);
        assert_eq!(both.hits[0].spans, [Span { start: 10, end: 16 }]);
        assert_eq!(screen("a spammer in the casinos").verdict, Verdict::Block);
    }

    #[test]
    fn unknown_means_review() {
        let draft = Outgoing { title: None, content: "a harmless remark about rivers" };
        let none = evaluate(draft, Surroundings { consistency: None, tainted: false });
        assert_eq!((none.verdict, none.missing.as_slice()), (Verdict::Review, ["consistency".to_owned()].as_slice()));
        let failed = ConsistencyResult::Unknown { reason: "timed out".to_owned() };
        let failed = evaluate(draft, Surroundings { consistency: Some(&failed), tainted: false });
        assert_eq!(failed.verdict, Verdict::Review);
        assert_eq!(evaluate(draft, Surroundings { consistency: Some(&FINE), tainted: true }).verdict, Verdict::Review);
    }

    #[test]
    fn a_contradicted_belief_is_named_with_its_words() {
        let conflict = BeliefConflict { belief_id: "b1".into(), title: "Privacy".into(), quote: Some("track everyone".into()) };
        let result = ConsistencyResult::Inconsistent { confidence: 0.9, explanation: "opposes it".into(), conflicts: vec![conflict] };
        let content = "we should track everyone, always";
        let found = evaluate(Outgoing { title: None, content }, Surroundings { consistency: Some(&result), tainted: false });
        assert_eq!(found.verdict, Verdict::Review);
        assert_eq!(&content[found.hits[0].spans[0].start..found.hits[0].spans[0].end], "track everyone");
        assert_eq!(found.hits[0].evidence.as_deref(), Some("b1"));
    }

    proptest! {
        #[test]
        fn spans_lie_on_characters_and_no_text_panics(content in any::<String>()) {
            for hit in screen(&content).hits {
                for span in hit.spans {
                    prop_assert!(content.get(span.start..span.end).is_some());
                }
            }
        }
    }
}
