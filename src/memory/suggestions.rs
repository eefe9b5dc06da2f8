//! What waits for a person, whatever it is: suggested edges and conflicts, in one list and with one pair of decisions.

use super::change::Author;
use super::conflicts::{self, ConflictReview, Decided};
use super::edges::Edge;
use super::relationships::{self, RelationshipSuggestion};
use super::stances::StanceChange;
use super::{Error, Result};
use crate::base::{Millis, PersonaId};
use crate::store::Conn;
use serde::Serialize;

/// Something that a person decides.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Suggestion {
    /// An edge that a model suggests.
    Relationship(RelationshipSuggestion),
    /// A statement that conflicts with a belief.
    Conflict(ConflictReview),
}

impl Suggestion {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Relationship(suggestion) => &suggestion.id,
            Self::Conflict(conflict) => &conflict.id,
        }
    }

    /// Since when it waits.
    #[must_use]
    pub fn since(&self) -> Millis {
        match self {
            Self::Relationship(suggestion) => suggestion.suggested_at,
            Self::Conflict(conflict) => conflict.raised_at,
        }
    }

    /// Whether it is about this belief.
    #[must_use]
    pub fn is_about(&self, belief_id: &str) -> bool {
        match self {
            Self::Relationship(suggestion) => suggestion.source_id == belief_id || suggestion.target_id == belief_id,
            Self::Conflict(conflict) => conflict.belief_id == belief_id,
        }
    }

    /// What would be, as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Relationship(it) => format!("{:?} {} {:?} ({:.2})", it.source_title, it.relation.words(), it.target_title, it.weight),
            Self::Conflict(it) => format!("{:?} loses confidence by {} evidence: {}", it.title, it.strength, it.explanation),
        }
    }
}

/// What came of accepting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Accepted {
    /// The edge was made.
    Edge(Edge),
    /// The belief has another confidence.
    Stance(StanceChange),
}

/// What is open, oldest first; of one belief, or of all.
///
/// # Errors
/// When the database fails.
pub fn open(c: &mut dyn Conn, persona: &PersonaId, belief_id: Option<&str>) -> Result<Vec<Suggestion>> {
    let mut found = list(c, persona, Decided::Open)?;
    found.retain(|suggestion| belief_id.is_none_or(|id| suggestion.is_about(id)));
    Ok(found)
}

/// What is in a state, oldest first.
///
/// # Errors
/// When the database fails.
pub fn list(c: &mut dyn Conn, persona: &PersonaId, state: Decided) -> Result<Vec<Suggestion>> {
    let mut found: Vec<Suggestion> = relationships::list(c, persona, state)?.into_iter().map(Suggestion::Relationship).collect();
    found.extend(conflicts::list(c, persona, state)?.into_iter().map(Suggestion::Conflict));
    found.sort_by(|one, other| (one.since(), one.id()).cmp(&(other.since(), other.id())));
    Ok(found)
}

/// Accept it: the edge is made, or the belief loses confidence.
///
/// # Errors
/// As [`relationships::accept`] and [`conflicts::accept`].
pub fn accept(c: &mut dyn Conn, persona: &PersonaId, id: &str, reason: &str, author: &Author<'_>) -> Result<Accepted> {
    match relationships::accept(c, persona, id, reason, author) {
        Err(Error::NotFound { kind: "suggestion", .. }) => {}
        done => return done.map(Accepted::Edge),
    }
    conflicts::accept(c, persona, id, reason, author).map(Accepted::Stance).map_err(one_kind)
}

/// Refuse it: nothing changes but that it is decided.
///
/// # Errors
/// As [`relationships::refuse`] and [`conflicts::refuse`].
pub fn refuse(c: &mut dyn Conn, persona: &PersonaId, id: &str, reason: &str, author: &Author<'_>) -> Result<()> {
    match relationships::refuse(c, persona, id, reason, author) {
        Err(Error::NotFound { kind: "suggestion", .. }) => {}
        done => return done,
    }
    conflicts::refuse(c, persona, id, reason, author).map_err(one_kind)
}

/// Whoever names an id does not know of which of the two kinds it would have been.
fn one_kind(error: Error) -> Error {
    match error {
        Error::NotFound { kind: "conflict", id, persona } => Error::NotFound { kind: "suggestion", id, persona },
        other => other,
    }
}
