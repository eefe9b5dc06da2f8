//! The contract of screening: what an evaluation says, whoever made it. Pure data.

use serde::{Deserialize, Serialize};

/// What may happen with a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing speaks against it.
    Allow,
    /// A person has to look.
    Review,
    /// It must not be sent as it is.
    Block,
}

impl Verdict {
    /// The word in the database and on the screen.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Review => "review",
            Self::Block => "block",
        }
    }
}

impl std::str::FromStr for Verdict {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Allow, Self::Review, Self::Block].into_iter().find(|verdict| verdict.as_str() == text).ok_or(())
    }
}

/// A place in the draft, in bytes of its original text: `start` inclusive, `end` exclusive, on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Which rule: `length`, `banned_keyword`, `secret`, `consistency`, …
    pub rule_id: String,
    /// Its version, so that a decision can be read again after the rule has changed.
    pub rule_version: u32,
    /// What the rule asks for by itself.
    pub severity: Verdict,
    /// How much it adds to the score, 0 to 1.
    pub weight: f64,
    /// Where in the draft; empty when it speaks of the whole.
    pub spans: Vec<Span>,
    /// One sentence for the reviewer.
    pub message: String,
    /// What it rests on: a belief's id, the name of a key's issuer. Never the secret itself.
    pub evidence: Option<String>,
}

/// The outcome of screening one revision of a draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The strictest of what the hits ask for; at least review when a signal is missing.
    pub verdict: Verdict,
    /// Sum of the weights, at most 1.
    pub score: f64,
    /// The rules that fired.
    pub hits: Vec<Hit>,
    /// What rules in shadow mode would have said. It changes nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadow: Vec<Hit>,
    /// The short flag strings that the agent's own log uses: `content_too_short (min 10 chars)`.
    pub flags: Vec<String>,
    /// Checks that did not run or gave no usable answer. Unknown is never taken for allowed.
    pub missing: Vec<String>,
    /// Version of the rules that made this.
    pub engine_version: String,
    /// SHA-256 of the text that was looked at.
    pub input_digest: String,
    /// How long it took, in microseconds.
    #[serde(default)]
    pub elapsed_us: u64,
}

impl Evaluation {
    /// Whether a person has to look, or it may not be sent at all.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        self.verdict != Verdict::Allow
    }

    /// What each rule adds to the score, by rule, in the order in which they fired.
    #[must_use]
    pub fn scores(&self) -> Vec<(&str, f64)> {
        let mut scores: Vec<(&str, f64)> = Vec::new();
        for hit in &self.hits {
            match scores.iter_mut().find(|(rule, _)| *rule == hit.rule_id) {
                Some((_, score)) => *score += hit.weight,
                None => scores.push((&hit.rule_id, hit.weight)),
            }
        }
        scores
    }

    /// One line for a list: the flags, then what is missing.
    #[must_use]
    pub fn summary(&self) -> String {
        let unknown = self.missing.iter().map(|signal| format!("unknown: {signal}"));
        let parts: Vec<String> = self.flags.iter().cloned().chain(unknown).collect();
        if parts.is_empty() { "clean".to_owned() } else { parts.join(", ") }
    }
}
