//! Every decision on the way of a question, in order: what the console tells a person who asks why this call was made so.
//!
//! It stands as JSON in the ledger, with each attempt as far as the way had come; prompts and answers are not in it.

use super::choice::Complexity;
use crate::base::{Millis, Picos, SafeText, clock};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The most columns of a reason.
const WIDTH: usize = 240;

/// The decisions, the first one first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// One entry for each decision.
    pub steps: Vec<Step>,
}

/// Why a model was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Whoever asks names it.
    Named,
    /// It is set for questions this hard.
    Complexity,
    /// It is the usual one.
    Usual,
}

/// What a question waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// For one of the calls under way to end.
    Concurrency,
    /// For the requests of the last minute to become older.
    Requests,
    /// For the tokens of the last minute to become older.
    Tokens,
    /// For the end of a cooldown, because no other model was left.
    Cooldown,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// A model was chosen.
    Chosen {
        /// Which.
        model: String,
        /// How hard the question is.
        complexity: Complexity,
        /// Its input tokens, counted generously.
        tokens: i64,
        /// Why this model.
        why: Why,
    },
    /// A budget wants another one.
    Downgraded {
        /// Which it was.
        from: String,
        /// Which it is.
        to: String,
        /// The budget.
        budget: String,
    },
    /// A kept answer was the answer.
    CacheHit {
        /// The call that it is from.
        call_id: String,
        /// How old it is, in milliseconds.
        age: Millis,
        /// What that call had cost, in pico-dollars, where that is known.
        saved: Option<Picos>,
    },
    /// Somebody else was asking the same at the same time, and the answer was shared.
    CacheShared {
        /// The call that it is from.
        call_id: String,
        /// What that call had cost, in pico-dollars, where that is known.
        saved: Option<Picos>,
    },
    /// No answer was kept for this question.
    CacheMiss {
        /// How long its answer will be kept, in milliseconds.
        keeps: Millis,
    },
    /// Kept answers were not looked at.
    CacheSkipped {
        /// Why not.
        why: String,
    },
    /// A model was left out.
    LeftOut {
        /// Which.
        model: String,
        /// For how much longer it is left alone, in milliseconds.
        left: Millis,
        /// Why.
        why: String,
    },
    /// Every model was left alone, so they were asked all the same.
    AllCooling,
    /// The question waited for its turn.
    Queued {
        /// With which model.
        model: String,
        /// For what.
        on: Awaited,
        /// How long, in microseconds.
        micros: u64,
    },
    /// Its turn did not come in time.
    Crowded {
        /// With which model.
        model: String,
        /// How long it waited, in milliseconds.
        after: Millis,
    },
    /// It was sent.
    Attempt {
        /// From 1, over all models.
        number: u32,
        /// To which model.
        model: String,
        /// What failed; `None` when it was answered.
        failure: Option<String>,
        /// The model that answered, where it is not the one that was asked.
        answered: Option<String>,
    },
    /// The same model is asked again.
    Again {
        /// After so many milliseconds.
        after: Millis,
    },
    /// The next model is asked.
    NextModel,
    /// A model is left alone from now on.
    Cooled {
        /// Which.
        model: String,
        /// For so many milliseconds.
        lasts: Millis,
        /// Why.
        why: String,
    },
}

impl Trace {
    /// Read what the ledger holds; `None` when it is not a trace.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As it stands in the ledger.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!(self).to_string()
    }

    pub(in crate::llm) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// One sentence for each decision, safe to show.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.steps.iter().map(|step| SafeText::line(&step.words()).as_str().to_owned()).collect()
    }
}

/// A reason as it stands in a trace: one line, nothing invisible, not endless.
pub(in crate::llm) fn reason(text: &str) -> String {
    SafeText::clipped(text, WIDTH).as_str().to_owned()
}

pub(super) fn millis(time: Duration) -> Millis {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn saved(picos: Option<Picos>) -> String {
    picos.map_or_else(String::new, |picos| format!(", which had cost {picos}"))
}

impl Step {
    fn words(&self) -> String {
        match self {
            Self::Chosen { model, complexity, tokens, why } => {
                let word = complexity.as_str();
                match why {
                    Why::Named => format!("{model}, because it was asked for by name ({word} question, about {tokens} tokens)"),
                    Why::Complexity => format!("{model}, because it is set for {word} questions (about {tokens} tokens)"),
                    Why::Usual => format!("{model}, the usual model ({word} question, about {tokens} tokens)"),
                }
            }
            Self::Downgraded { from, to, budget } => format!("{to} in place of {from}, because the budget {budget} wants it"),
            Self::CacheHit { call_id, age, saved: picos } => {
                format!("answered from the cache: kept {} ago from call {call_id}{}", clock::duration(*age), saved(*picos))
            }
            Self::CacheShared { call_id, saved: picos } => {
                format!("shared the answer of call {call_id}, which asked the same at the same time{}", saved(*picos))
            }
            Self::CacheMiss { keeps } => format!("not in the cache; the answer will be kept for {}", clock::duration(*keeps)),
            Self::CacheSkipped { why } => format!("the cache was not used: {why}"),
            Self::LeftOut { model, left, why } => format!("{model} was left out for another {}: {why}", clock::duration(*left)),
            Self::AllCooling => "every model of the chain was being left alone, so they were asked all the same".to_owned(),
            Self::Queued { model, on, micros } => {
                let on = match on {
                    Awaited::Concurrency => "calls under way",
                    Awaited::Requests => "the limit of requests a minute",
                    Awaited::Tokens => "the limit of tokens a minute",
                    Awaited::Cooldown => "the end of its cooldown",
                };
                format!("waited {} for {model}: {on}", short(*micros))
            }
            Self::Crowded { model, after } => format!("its turn with {model} did not come within {}", clock::duration(*after)),
            Self::Attempt { number, model, failure: None, answered: None } => format!("attempt {number}: {model} answered"),
            Self::Attempt { number, model, failure: None, answered: Some(other) } => {
                format!("attempt {number}: {model} was asked, {other} answered")
            }
            Self::Attempt { number, model, failure: Some(failure), .. } => format!("attempt {number}: {model} failed: {failure}"),
            Self::Again { after } => format!("asked again after {}", clock::duration(*after)),
            Self::NextModel => "turned to the next model".to_owned(),
            Self::Cooled { model, lasts, why } => format!("{model} is left alone for {}: {why}", clock::duration(*lasts)),
        }
    }
}

/// Microseconds for people: `850 µs`, `12 ms`, `3 s`.
fn short(micros: u64) -> String {
    if micros < 1_000 { format!("{micros} µs") } else { clock::duration(i64::try_from(micros / 1_000).unwrap_or(i64::MAX)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_back_and_told_in_sentences() {
        let trace = Trace {
            steps: vec![
                Step::Chosen { model: "a/b".into(), complexity: Complexity::Simple, tokens: 12, why: Why::Complexity },
                Step::CacheHit { call_id: "c1".into(), age: 61_000, saved: Some(Picos(450_000_000)) },
                Step::Queued { model: "a/b".into(), on: Awaited::Concurrency, micros: 2_500 },
                Step::Attempt { number: 1, model: "a/b".into(), failure: Some("no\u{1b}[2J".into()), answered: None },
            ],
        };
        assert_eq!(Trace::read(&trace.to_json()), Some(trace.clone()));
        let lines = trace.lines();
        assert_eq!(lines[0], "a/b, because it is set for simple questions (about 12 tokens)");
        assert_eq!(lines[1], "answered from the cache: kept 1 min 1 s ago from call c1, which had cost $0.000450");
        assert_eq!(lines[2], "waited 2 ms for a/b: calls under way");
        assert!(!lines[3].contains('\u{1b}'), "{lines:?}");
        for nothing in ["", "null", "{\"steps\":[{\"step\":\"flown\"}]}", "[]"] {
            assert_eq!(Trace::read(nothing), None, "{nothing}");
        }
    }
}
