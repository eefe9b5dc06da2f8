//! Edges between beliefs: directed, each once, never from a belief to itself, never across personas.

use super::change::{Author, Note, Trigger, record_belief};
use super::{Error, Result, beliefs, confidence};
use crate::base::{Millis, PersonaId, new_id};
use crate::store::{Conn, Row};
use crate::vals;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const COLUMNS: &str = "id, source_id, target_id, relation, weight, created_at";

/// How one belief bears on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The source makes the target more likely.
    Supports,
    /// They cannot both be right.
    Contradicts,
    /// The source falls with the target.
    DependsOn,
    /// The source is evidence for the target.
    EvidenceFor,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 4] = [Self::Supports, Self::Contradicts, Self::DependsOn, Self::EvidenceFor];

    /// The word in the database and in contracts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Supports => "supports",
            Self::Contradicts => "contradicts",
            Self::DependsOn => "depends_on",
            Self::EvidenceFor => "evidence_for",
        }
    }

    /// The relation between two titles, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Supports => "supports",
            Self::Contradicts => "contradicts",
            Self::DependsOn => "depends on",
            Self::EvidenceFor => "is evidence for",
        }
    }
}

impl std::str::FromStr for Relation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|relation| relation.as_str() == text)
            .ok_or_else(|| Error::invalid_text("relation", text, "supports, contradicts, depends_on or evidence_for"))
    }
}

/// An edge as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// Its id.
    pub id: String,
    /// The belief it starts at.
    pub source_id: String,
    /// The belief it ends at.
    pub target_id: String,
    /// How they bear on each other.
    pub relation: Relation,
    /// How much, 0..1.
    pub weight: f64,
    /// When it was made.
    pub created_at: Millis,
}

/// Add an edge. It stands in the history of the belief it starts at.
///
/// # Errors
/// [`Error::SelfEdge`]; [`Error::NotFound`] when an end is not a belief of this persona; [`Error::DuplicateEdge`]; [`Error::Invalid`].
pub fn add(
    c: &mut dyn Conn,
    persona: &PersonaId,
    source_id: &str,
    target_id: &str,
    relation: Relation,
    weight: f64,
    author: &Author<'_>,
) -> Result<Edge> {
    let weight = confidence::checked("the edge's weight", weight)?;
    if source_id == target_id {
        return Err(Error::SelfEdge { belief_id: source_id.to_owned() });
    }
    beliefs::require(c, persona, source_id)?;
    beliefs::require(c, persona, target_id)?;
    if let Some(edge_id) = find_twin(c, persona, source_id, target_id, relation)? {
        return Err(Error::DuplicateEdge {
            edge_id,
            source_id: source_id.to_owned(),
            target_id: target_id.to_owned(),
            relation: relation.words(),
        });
    }
    let edge =
        Edge { id: new_id(), source_id: source_id.to_owned(), target_id: target_id.to_owned(), relation, weight, created_at: author.at };
    c.exec(
        "INSERT INTO belief_edges (persona_id, id, source_id, target_id, relation, weight, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        vals![persona, &edge.id, source_id, target_id, relation.as_str(), weight, author.at],
    )?;
    c.exec(
        "INSERT INTO belief_edge_periods (persona_id, edge_id, source_id, target_id, relation, weight, held_from, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        vals![persona, &edge.id, source_id, target_id, relation.as_str(), weight, author.at],
    )?;
    let reason = format!("edge added: {} {target_id}", relation.words());
    leave_note(c, persona, &edge, ("edge.add", "edge_added"), &reason, (&Value::Null, &as_json(&edge)), author)?;
    Ok(edge)
}

/// Remove an edge. Returns it as it was.
///
/// # Errors
/// [`Error::NotFound`].
pub fn remove(c: &mut dyn Conn, persona: &PersonaId, edge_id: &str, author: &Author<'_>) -> Result<Edge> {
    let sql = format!("SELECT {COLUMNS} FROM belief_edges WHERE persona_id = $1 AND id = $2");
    let Some(row) = c.first(&sql, vals![persona, edge_id])? else {
        return Err(Error::not_found("edge", edge_id, persona));
    };
    let edge = read(&row)?;
    c.exec("DELETE FROM belief_edges WHERE persona_id = $1 AND id = $2", vals![persona, edge_id])?;
    // It is kept with its end, so that the graph of an earlier time still has it. A clock that went back ends it where it began.
    c.exec(
        "UPDATE belief_edge_periods SET held_until = CASE WHEN held_from > $3 THEN held_from ELSE $3 END, end_recorded_at = $3
         WHERE persona_id = $1 AND edge_id = $2",
        vals![persona, edge_id, author.at],
    )?;
    let reason = format!("edge removed: {} {}", edge.relation.words(), edge.target_id);
    leave_note(c, persona, &edge, ("edge.remove", "edge_removed"), &reason, (&as_json(&edge), &Value::Null), author)?;
    Ok(edge)
}

/// The edge with these ends and this relation, if there is one.
pub(super) fn find_twin(
    c: &mut dyn Conn,
    persona: &PersonaId,
    source_id: &str,
    target_id: &str,
    relation: Relation,
) -> Result<Option<String>> {
    let row = c.first(
        "SELECT id FROM belief_edges WHERE persona_id = $1 AND source_id = $2 AND target_id = $3 AND relation = $4",
        vals![persona, source_id, target_id, relation.as_str()],
    )?;
    Ok(row.map(|row| row.text("id")).transpose()?)
}

/// All edges of a persona, oldest first.
///
/// # Errors
/// When the database fails.
pub fn list(c: &mut dyn Conn, persona: &PersonaId) -> Result<Vec<Edge>> {
    let sql = format!("SELECT {COLUMNS} FROM belief_edges WHERE persona_id = $1 ORDER BY created_at, id");
    c.query(&sql, vals![persona])?.iter().map(read).collect()
}

fn leave_note(
    c: &mut dyn Conn,
    persona: &PersonaId,
    edge: &Edge,
    (action, kind): (&str, &str),
    reason: &str,
    (before, after): (&Value, &Value),
    author: &Author<'_>,
) -> Result<()> {
    let reason = author.because.as_ref().map_or_else(|| reason.to_owned(), |why| format!("{reason} ({why})"));
    let note = Note {
        persona,
        action,
        subject_kind: "edge",
        subject_id: &edge.id,
        feed: ("beliefs", kind),
        feed_subject: Some(&edge.source_id),
        reason: Some(&reason),
        before,
        after,
    };
    record_belief(c, author, &edge.source_id, Trigger::Manual, &note)
}

fn as_json(edge: &Edge) -> Value {
    json!({
        "edge_id": edge.id, "source_id": edge.source_id, "target_id": edge.target_id, "relation": edge.relation, "weight": edge.weight,
    })
}

pub(super) fn read(row: &Row) -> Result<Edge> {
    Ok(Edge {
        id: row.text("id")?,
        source_id: row.text("source_id")?,
        target_id: row.text("target_id")?,
        relation: row.text("relation")?.parse()?,
        weight: row.real("weight")?,
        created_at: row.int("created_at")?,
    })
}
