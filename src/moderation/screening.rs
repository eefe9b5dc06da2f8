//! Screening: what is asked of a draft before a person sees it, and before it may leave. Pure.
//!
//! The rules themselves are data ([`super::rules`]); here stand what goes into a look and what the check against the beliefs answers.

use super::evaluation::{Evaluation, Verdict};
use super::rules::{self, Modes, RuleSet, Signals, Subject};
use crate::base::digest::sha256_parts;
use serde::{Deserialize, Serialize};

/// Version of the way in which rules are applied: part of every approval.
pub const ENGINE_VERSION: &str = "screening-2";

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

/// Screen a text by itself, with the rules that ship: what needs to know our history or the place is not asked. Callers that decide about
/// something that is to be sent use [`super::rules::Screener`].
///
/// Rules that cannot be read (a test rules that out) are a missing signal like any other: the text goes to a person.
#[must_use]
pub fn evaluate(draft: Outgoing<'_>, around: Surroundings<'_>) -> Evaluation {
    let signals = Signals { consistency: around.consistency, tainted: around.tainted, ..Signals::default() };
    let subject = Subject { outgoing: draft, persona: "", subreddit: "", at: 0 };
    match RuleSet::embedded() {
        Ok(set) => rules::evaluate(&set, &Modes::new(), &subject, &signals),
        Err(faults) => unreadable(draft, &faults),
    }
}

fn unreadable(draft: Outgoing<'_>, faults: &[rules::Fault]) -> Evaluation {
    let missing = faults.iter().map(|fault| format!("the rules ({fault})")).collect();
    Evaluation {
        verdict: Verdict::Review,
        score: 0.0,
        hits: Vec::new(),
        shadow: Vec::new(),
        flags: Vec::new(),
        missing,
        engine_version: ENGINE_VERSION.to_owned(),
        input_digest: sha256_parts(&[draft.title.unwrap_or_default().as_bytes(), draft.content.as_bytes()]),
        elapsed_us: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moderation::Span;
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
