//! Edges that a model suggests. A person accepts or refuses them; those of a belief that came with an approved draft are made without asking, where
//! they are heavy enough and the settings allow it.

use super::beliefs::{self, Belief};
use super::change::{Author, Note, record};
use super::conflicts::Decided;
use super::edges::{self, Edge, Relation};
use super::{Error, Result, confidence, stances};
use crate::base::{Millis, PersonaId, new_id};
use crate::llm::relationships as llm;
use crate::store::{Conn, Row};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};

/// How many other beliefs a model is shown: those that changed last.
pub const CANDIDATES: u32 = 20;
/// How often a model is asked for the relations of one new belief.
pub const MAX_ATTEMPTS: i64 = 3;

const COLUMNS: &str =
    "s.id, s.source_id, a.title AS source_title, s.target_id, b.title AS target_title, s.relation, s.weight, s.reasoning, s.model,
  s.state, s.suggested_at, s.decided_by, s.decided_at, s.reason, s.edge_id";
const FROM: &str = "FROM belief_suggestions s JOIN belief_nodes a ON a.persona_id = s.persona_id AND a.id = s.source_id
  JOIN belief_nodes b ON b.persona_id = s.persona_id AND b.id = s.target_id";

/// A suggested edge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelationshipSuggestion {
    /// Its id.
    pub id: String,
    /// Where the edge would start.
    pub source_id: String,
    /// The title of that belief.
    pub source_title: String,
    /// Where it would end.
    pub target_id: String,
    /// The title of that belief.
    pub target_title: String,
    /// How they bear on each other.
    pub relation: Relation,
    /// How much, 0..1.
    pub weight: f64,
    /// Why, in the model's words.
    pub reasoning: String,
    /// The model.
    pub model: Option<String>,
    /// Where it stands.
    pub state: Decided,
    /// When it was suggested.
    pub suggested_at: Millis,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Millis>,
    /// Why.
    pub reason: Option<String>,
    /// The edge that came of it.
    pub edge_id: Option<String>,
}

/// What became of a model's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Suggestions that wait for a person now, by id.
    pub suggested: Vec<String>,
    /// Edges that were made without asking, by id.
    pub linked: Vec<String>,
    /// What was not kept, and why.
    pub skipped: Vec<String>,
}

/// The beliefs that a new one may be related to: those that changed last, newest first.
///
/// # Errors
/// [`Error::NotFound`].
pub fn candidates(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str) -> Result<(Belief, Vec<Belief>)> {
    let belief = beliefs::require(c, persona, belief_id)?;
    let mut others = beliefs::latest_changed(c, persona, CANDIDATES + 1)?;
    others.retain(|other| other.id != belief.id);
    others.truncate(CANDIDATES as usize);
    Ok((belief, others))
}

/// Keep what a model suggested for a belief. With `link_from`, edges at least as heavy are made at once. What exists already, was suggested and
/// not decided yet, or was refused before is skipped.
///
/// # Errors
/// [`Error::NotFound`]; when the database fails.
pub fn keep(
    c: &mut dyn Conn,
    persona: &PersonaId,
    source_id: &str,
    suggested: &[llm::Suggested],
    model: Option<&str>,
    link_from: Option<f64>,
    author: &Author<'_>,
) -> Result<Kept> {
    beliefs::require(c, persona, source_id)?;
    let mut kept = Kept::default();
    for suggestion in suggested {
        match keep_one(c, persona, source_id, suggestion, model, link_from, author) {
            Ok(One::Suggested(id)) => kept.suggested.push(id),
            Ok(One::Linked(id)) => kept.linked.push(id),
            Ok(One::Skipped(why)) => kept.skipped.push(why),
            Err(failure @ Error::Store(_)) => return Err(failure),
            Err(refusal) => kept.skipped.push(refusal.to_string()),
        }
    }
    Ok(kept)
}

enum One {
    Suggested(String),
    Linked(String),
    Skipped(String),
}

fn keep_one(
    c: &mut dyn Conn,
    persona: &PersonaId,
    source_id: &str,
    suggestion: &llm::Suggested,
    model: Option<&str>,
    link_from: Option<f64>,
    author: &Author<'_>,
) -> Result<One> {
    let relation: Relation = suggestion.relation.as_str().parse()?;
    let weight = confidence::checked("the edge's weight", suggestion.weight)?;
    let target_id = suggestion.target_id.as_str();
    let target = beliefs::require(c, persona, target_id)?;
    if source_id == target_id {
        return Err(Error::SelfEdge { belief_id: source_id.to_owned() });
    }
    if edges::find_twin(c, persona, source_id, target_id, relation)?.is_some() {
        return Ok(One::Skipped(format!("it {} {:?} already", relation.words(), target.title)));
    }
    let before = c.first(
        "SELECT state FROM belief_suggestions WHERE persona_id = $1 AND source_id = $2 AND target_id = $3 AND relation = $4
           AND state IN ('open', 'refused') LIMIT 1",
        vals![persona, source_id, target_id, relation.as_str()],
    )?;
    if let Some(before) = before {
        let word = if before.text("state")? == "open" { "waits already" } else { "was refused before" };
        return Ok(One::Skipped(format!("that it {} {:?} {word}", relation.words(), target.title)));
    }
    let edge = match link_from {
        Some(least) if weight >= least => Some(edges::add(c, persona, source_id, target_id, relation, weight, author)?.id),
        _ => None,
    };
    let state = if edge.is_some() { Decided::Linked } else { Decided::Open };
    let id = new_id();
    c.exec(
        "INSERT INTO belief_suggestions (persona_id, id, source_id, target_id, relation, weight, reasoning, model, state, suggested_at, edge_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        vals![
            persona,
            &id,
            source_id,
            target_id,
            relation.as_str(),
            weight,
            &suggestion.reasoning,
            model,
            state.as_str(),
            author.at,
            edge.as_ref()
        ],
    )?;
    let after = json!({
        "source_id": source_id, "target_id": target_id, "relation": relation, "weight": weight, "state": state, "edge_id": edge, "model": model,
    });
    let note = Note {
        persona,
        action: "relationship.suggest",
        subject_kind: "belief_suggestion",
        subject_id: &id,
        feed: ("beliefs", "relationship_suggested"),
        feed_subject: Some(source_id),
        reason: Some(&suggestion.reasoning),
        before: &Value::Null,
        after: &after,
    };
    record(c, author, &note)?;
    Ok(edge.map_or(One::Suggested(id), One::Linked))
}

/// A suggestion by its id.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<RelationshipSuggestion> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE s.persona_id = $1 AND s.id = $2");
    c.first(&sql, vals![persona, id])?.as_ref().map(read).transpose()?.ok_or_else(|| Error::not_found("suggestion", id, persona))
}

/// The suggestions of a persona in a state, oldest first.
///
/// # Errors
/// When the database fails.
pub fn list(c: &mut dyn Conn, persona: &PersonaId, state: Decided) -> Result<Vec<RelationshipSuggestion>> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE s.persona_id = $1 AND s.state = $2 ORDER BY s.suggested_at, s.id");
    c.query(&sql, vals![persona, state.as_str()])?.iter().map(read).collect()
}

/// Accept a suggestion: the edge is made.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Decided`]; [`Error::DuplicateEdge`] when it was made otherwise meanwhile; [`Error::Invalid`] without a reason.
pub fn accept(c: &mut dyn Conn, persona: &PersonaId, id: &str, reason: &str, author: &Author<'_>) -> Result<Edge> {
    let reason = stances::required("the reason", reason)?;
    let suggestion = waiting(c, persona, id)?;
    let edge = edges::add(c, persona, &suggestion.source_id, &suggestion.target_id, suggestion.relation, suggestion.weight, author)?;
    decide(c, persona, &suggestion, Decided::Accepted, reason, Some(&edge.id), author)?;
    Ok(edge)
}

/// Refuse a suggestion. The same edge is not suggested again.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Decided`]; [`Error::Invalid`] without a reason.
pub fn refuse(c: &mut dyn Conn, persona: &PersonaId, id: &str, reason: &str, author: &Author<'_>) -> Result<()> {
    let reason = stances::required("the reason", reason)?;
    let suggestion = waiting(c, persona, id)?;
    decide(c, persona, &suggestion, Decided::Refused, reason, None, author)
}

/// Remember that a new belief's relations are to be asked for, in the transaction that makes it. What fails later fails no approval.
pub(super) fn request(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str, at: Millis) -> Result<()> {
    c.exec(
        "INSERT INTO belief_link_requests (persona_id, belief_id, requested_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        vals![persona, belief_id, at],
    )?;
    Ok(())
}

/// New beliefs whose relations are still to be asked for, oldest first.
///
/// # Errors
/// When the database fails.
pub fn requested(c: &mut dyn Conn, persona: &PersonaId, limit: u32) -> Result<Vec<String>> {
    let rows = c.query(
        "SELECT belief_id FROM belief_link_requests WHERE persona_id = $1 AND finished_at IS NULL AND attempts < $2
         ORDER BY requested_at, belief_id LIMIT $3",
        vals![persona, MAX_ATTEMPTS, limit],
    )?;
    rows.iter().map(|row| Ok(row.text("belief_id")?)).collect()
}

/// Write down how asking went: done, or one more attempt that failed and why.
///
/// # Errors
/// When the database fails.
pub fn asked(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str, outcome: Result<(), &str>, at: Millis) -> Result<()> {
    let (finished, words) = match outcome {
        Ok(()) => (Some(at), None),
        Err(why) => (None, Some(why)),
    };
    c.exec(
        "UPDATE belief_link_requests SET attempts = attempts + 1, finished_at = $3, outcome = $4
         WHERE persona_id = $1 AND belief_id = $2 AND finished_at IS NULL",
        vals![persona, belief_id, finished, words],
    )?;
    Ok(())
}

fn waiting(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<RelationshipSuggestion> {
    let suggestion = get(c, persona, id)?;
    match suggestion.state {
        Decided::Open => Ok(suggestion),
        state => Err(Error::Decided { id: id.to_owned(), state: state.as_str(), by: suggestion.decided_by.unwrap_or_default() }),
    }
}

fn decide(
    c: &mut dyn Conn,
    persona: &PersonaId,
    suggestion: &RelationshipSuggestion,
    state: Decided,
    reason: &str,
    edge_id: Option<&str>,
    author: &Author<'_>,
) -> Result<()> {
    c.exec(
        "UPDATE belief_suggestions SET state = $3, decided_by = $4, decided_at = $5, reason = $6, edge_id = $7
         WHERE persona_id = $1 AND id = $2 AND state = 'open'",
        vals![persona, &suggestion.id, state.as_str(), author.updated_by.as_str(), author.at, reason, edge_id],
    )?;
    let (action, kind) = if state == Decided::Accepted {
        ("relationship.accept", "relationship_accepted")
    } else {
        ("relationship.refuse", "relationship_refused")
    };
    let note = Note {
        persona,
        action,
        subject_kind: "belief_suggestion",
        subject_id: &suggestion.id,
        feed: ("beliefs", kind),
        feed_subject: Some(&suggestion.source_id),
        reason: Some(reason),
        before: &json!({"state": suggestion.state}),
        after: &json!({"state": state, "edge_id": edge_id}),
    };
    record(c, author, &note)
}

fn read(row: &Row) -> Result<RelationshipSuggestion> {
    Ok(RelationshipSuggestion {
        id: row.text("id")?,
        source_id: row.text("source_id")?,
        source_title: row.text("source_title")?,
        target_id: row.text("target_id")?,
        target_title: row.text("target_title")?,
        relation: row.text("relation")?.parse()?,
        weight: row.real("weight")?,
        reasoning: row.text("reasoning")?,
        model: row.text_opt("model")?,
        state: Decided::from_stored(&row.text("state")?)?,
        suggested_at: row.int("suggested_at")?,
        decided_by: row.text_opt("decided_by")?,
        decided_at: row.int_opt("decided_at")?,
        reason: row.text_opt("reason")?,
        edge_id: row.text_opt("edge_id")?,
    })
}
