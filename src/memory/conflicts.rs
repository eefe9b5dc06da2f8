//! Conflicts that a belief does not yield to by itself: they wait here until a person accepts or refuses them.
//!
//! [`super::revisions::update_from_conflict`] raises one when it refuses weak or moderate evidence against a belief that is held high. Accepting one
//! lowers the belief by the strength of the evidence; refusing one leaves it. Either is audited, with the reason.

use super::change::{Author, Note, record};
use super::stances::StanceChange;
use super::{Error, Result, Strength, revisions, stances};
use crate::base::{Millis, PersonaId, new_id};
use crate::store::{Conn, Row};
use crate::vals;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const COLUMNS: &str = "f.id, f.belief_id, n.title, f.explanation, f.strength, f.confidence, f.source, f.state, f.raised_by, f.raised_at,
  f.decided_by, f.decided_at, f.reason, f.stance_id";

/// Where something that was suggested stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// Nobody decided yet.
    Open,
    /// A person accepted it.
    Accepted,
    /// A person refused it.
    Refused,
    /// It was made without a person, as the settings allow after an approval. Relationships only.
    Linked,
}

impl Decided {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Linked => "linked",
        }
    }

    pub(super) fn from_stored(text: &str) -> Result<Self> {
        [Self::Open, Self::Accepted, Self::Refused, Self::Linked]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Error::invalid_text("the stored state of a suggestion", text, "open, accepted, refused or linked"))
    }
}

/// A conflict with a belief.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConflictReview {
    /// Its id.
    pub id: String,
    /// The belief.
    pub belief_id: String,
    /// The belief's title.
    pub title: String,
    /// What conflicts, as a sentence.
    pub explanation: String,
    /// How strong the evidence against the belief is.
    pub strength: Strength,
    /// The belief's confidence when it was raised.
    pub confidence: f64,
    /// Where it came from: a queue item, a fullname; none when that is not known.
    pub source: Option<String>,
    /// Where it stands.
    pub state: Decided,
    /// Who raised it.
    pub raised_by: String,
    /// When.
    pub raised_at: Millis,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Millis>,
    /// Why.
    pub reason: Option<String>,
    /// The stance that came of it.
    pub stance_id: Option<String>,
}

/// Queue a conflict for a person. The same conflict is not queued twice while it waits. Returns its id.
pub(super) fn raise(
    c: &mut dyn Conn,
    persona: &PersonaId,
    (belief_id, confidence): (&str, f64),
    explanation: &str,
    strength: Strength,
    source: Option<&str>,
    author: &Author<'_>,
) -> Result<String> {
    let twin = c.first(
        "SELECT id FROM belief_conflicts WHERE persona_id = $1 AND state = 'open' AND belief_id = $2 AND explanation = $3 AND strength = $4",
        vals![persona, belief_id, explanation, strength.as_str()],
    )?;
    if let Some(twin) = twin {
        return Ok(twin.text("id")?);
    }
    let id = new_id();
    c.exec(
        "INSERT INTO belief_conflicts (persona_id, id, belief_id, explanation, strength, confidence, source, state, raised_by, raised_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9)",
        vals![persona, &id, belief_id, explanation, strength.as_str(), confidence, source, author.updated_by.as_str(), author.at],
    )?;
    let after =
        json!({"belief_id": belief_id, "explanation": explanation, "strength": strength, "confidence": confidence, "source": source});
    let note = Note {
        persona,
        action: "conflict.raise",
        subject_kind: "belief_conflict",
        subject_id: &id,
        feed: ("beliefs", "conflict_raised"),
        feed_subject: Some(belief_id),
        reason: Some(explanation),
        before: &Value::Null,
        after: &after,
    };
    record(c, author, &note)?;
    Ok(id)
}

/// A conflict by its id.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<ConflictReview> {
    let sql = format!(
        "SELECT {COLUMNS} FROM belief_conflicts f JOIN belief_nodes n ON n.persona_id = f.persona_id AND n.id = f.belief_id
         WHERE f.persona_id = $1 AND f.id = $2"
    );
    c.first(&sql, vals![persona, id])?.as_ref().map(read).transpose()?.ok_or_else(|| Error::not_found("conflict", id, persona))
}

/// The conflicts of a persona in a state, oldest first.
///
/// # Errors
/// When the database fails.
pub fn list(c: &mut dyn Conn, persona: &PersonaId, state: Decided) -> Result<Vec<ConflictReview>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM belief_conflicts f JOIN belief_nodes n ON n.persona_id = f.persona_id AND n.id = f.belief_id
         WHERE f.persona_id = $1 AND f.state = $2 ORDER BY f.raised_at, f.id"
    );
    c.query(&sql, vals![persona, state.as_str()])?.iter().map(read).collect()
}

/// Accept a conflict: the belief loses confidence by the strength of the evidence, whatever it is held with.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Decided`]; [`Error::Locked`] and [`Error::NoStance`], and then it stays open; [`Error::Invalid`] without a reason.
pub fn accept(c: &mut dyn Conn, persona: &PersonaId, id: &str, reason: &str, author: &Author<'_>) -> Result<StanceChange> {
    let reason = stances::required("the reason", reason)?;
    let conflict = waiting(c, persona, id)?;
    let change = revisions::yield_to_conflict(c, persona, &conflict.belief_id, &conflict.explanation, conflict.strength, reason, author)?;
    decide(c, persona, &conflict, Decided::Accepted, reason, Some(&change.stance_id), author)?;
    Ok(change)
}

/// Refuse a conflict: the belief stays as it is.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Decided`]; [`Error::Invalid`] without a reason.
pub fn refuse(c: &mut dyn Conn, persona: &PersonaId, id: &str, reason: &str, author: &Author<'_>) -> Result<()> {
    let reason = stances::required("the reason", reason)?;
    let conflict = waiting(c, persona, id)?;
    decide(c, persona, &conflict, Decided::Refused, reason, None, author)
}

fn waiting(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<ConflictReview> {
    let conflict = get(c, persona, id)?;
    match conflict.state {
        Decided::Open => Ok(conflict),
        state => Err(Error::Decided { id: id.to_owned(), state: state.as_str(), by: conflict.decided_by.unwrap_or_default() }),
    }
}

fn decide(
    c: &mut dyn Conn,
    persona: &PersonaId,
    conflict: &ConflictReview,
    state: Decided,
    reason: &str,
    stance_id: Option<&str>,
    author: &Author<'_>,
) -> Result<()> {
    c.exec(
        "UPDATE belief_conflicts SET state = $3, decided_by = $4, decided_at = $5, reason = $6, stance_id = $7
         WHERE persona_id = $1 AND id = $2 AND state = 'open'",
        vals![persona, &conflict.id, state.as_str(), author.updated_by.as_str(), author.at, reason, stance_id],
    )?;
    let (action, kind) =
        if state == Decided::Accepted { ("conflict.accept", "conflict_accepted") } else { ("conflict.refuse", "conflict_refused") };
    let note = Note {
        persona,
        action,
        subject_kind: "belief_conflict",
        subject_id: &conflict.id,
        feed: ("beliefs", kind),
        feed_subject: Some(&conflict.belief_id),
        reason: Some(reason),
        before: &json!({"state": conflict.state}),
        after: &json!({"state": state, "stance_id": stance_id}),
    };
    record(c, author, &note)
}

fn read(row: &Row) -> Result<ConflictReview> {
    Ok(ConflictReview {
        id: row.text("id")?,
        belief_id: row.text("belief_id")?,
        title: row.text("title")?,
        explanation: row.text("explanation")?,
        strength: row.text("strength")?.parse()?,
        confidence: row.real("confidence")?,
        source: row.text_opt("source")?,
        state: Decided::from_stored(&row.text("state")?)?,
        raised_by: row.text("raised_by")?,
        raised_at: row.int("raised_at")?,
        decided_by: row.text_opt("decided_by")?,
        decided_at: row.int_opt("decided_at")?,
        reason: row.text_opt("reason")?,
        stance_id: row.text_opt("stance_id")?,
    })
}
