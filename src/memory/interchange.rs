//! Beliefs as one JSON document, with their whole history: what is exported from one deck is imported into another, and exported again it is the same.
//!
//! A document holds beliefs with their stances, evidence, updates and states, and edges with those that were removed. Suggestions and interactions are
//! not in it: they belong to the deck that made them. When a state was recorded is not in it either: a deck that imports learns of it then.
//!
//! An import checks the whole document first ([`check`]) and says everything that is wrong with it; then it writes all of it in the transaction of the
//! caller. A belief or edge that the persona has already is never overwritten: that is a problem like any other.

mod check;
mod export;
mod write;

pub use check::{Problem, check};
pub use export::export;
pub use write::{Imported, import};

use super::edges::Relation;
use super::evidence::SourceType;
use super::stances::StanceStatus;
use super::{Direction, Strength};
use crate::base::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a document calls its form.
pub const FORMAT: &str = "quarterdeck-beliefs";
/// The form's version.
pub const VERSION: u32 = 1;
/// The most problems that are told of one document.
pub const MAX_PROBLEMS: usize = 100;

/// A whole document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// The username it was exported from, for people: an import goes where it is told to go.
    pub persona: String,
    /// When it was exported.
    pub exported_at: Millis,
    /// The beliefs.
    pub beliefs: Vec<BeliefDocument>,
    /// The edges among them, those that were removed included.
    pub edges: Vec<EdgeDocument>,
}

/// A belief with its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeliefDocument {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its summary.
    pub summary: String,
    /// 0..1, or none.
    pub confidence: Option<f64>,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
    /// Its stances, oldest first.
    pub stances: Vec<StanceDocument>,
    /// Its evidence, oldest first.
    pub evidence: Vec<EvidenceDocument>,
    /// Its updates, oldest first.
    pub updates: Vec<UpdateDocument>,
    /// The states it was in, oldest first; the last one has no end.
    pub states: Vec<StateDocument>,
}

/// A stance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields of `stances::Stance`")]
pub struct StanceDocument {
    pub id: String,
    pub text: String,
    pub confidence: f64,
    pub status: StanceStatus,
    pub rationale: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields of `evidence::EvidenceLink`")]
pub struct EvidenceDocument {
    pub id: String,
    pub stance_id: Option<String>,
    pub source_type: SourceType,
    pub source_ref: String,
    pub strength: Strength,
    pub direction: Option<Direction>,
    pub created_at: Millis,
}

/// A row of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields of `beliefs::BeliefUpdate`")]
pub struct UpdateDocument {
    pub id: String,
    pub old_value: Value,
    pub new_value: Value,
    pub reason: String,
    pub trigger_type: String,
    pub updated_by: String,
    pub created_at: Millis,
    pub action: Option<String>,
    pub undoes: Option<String>,
}

/// A state the belief was in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateDocument {
    /// Its title then.
    pub title: String,
    /// Its summary then.
    pub summary: String,
    /// Its tags then.
    pub tags: Vec<String>,
    /// Its confidence then.
    pub confidence: Option<f64>,
    /// Its stance then.
    pub stance_id: Option<String>,
    /// Whether that stance was locked.
    pub locked: bool,
    /// From when.
    pub held_from: Millis,
    /// Until when; none for the present state.
    pub held_until: Option<Millis>,
}

/// An edge and the time it was there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeDocument {
    /// Its id.
    pub id: String,
    /// Where it starts.
    pub source_id: String,
    /// Where it ends.
    pub target_id: String,
    /// How they bear on each other.
    pub relation: Relation,
    /// 0..1.
    pub weight: f64,
    /// From when.
    pub held_from: Millis,
    /// Until when; none while it is there.
    pub held_until: Option<Millis>,
}

impl Document {
    /// How many beliefs, stances, pieces of evidence, updates and edges it has.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let sum = |count: fn(&BeliefDocument) -> usize| self.beliefs.iter().map(count).sum();
        Counts {
            beliefs: self.beliefs.len(),
            stances: sum(|belief| belief.stances.len()),
            evidence: sum(|belief| belief.evidence.len()),
            updates: sum(|belief| belief.updates.len()),
            edges: self.edges.len(),
        }
    }
}

/// How much a document holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "they say what they count")]
pub struct Counts {
    pub beliefs: usize,
    pub stances: usize,
    pub evidence: usize,
    pub updates: usize,
    pub edges: usize,
}

/// What may stand in `updates[].trigger_type`.
const TRIGGERS: [&str; 4] = ["manual", "evidence", "conflict", "governor"];
