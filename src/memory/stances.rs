//! Stances: what a persona says about a belief, version by version, and which one is in force.
//!
//! At most one stance of a belief is in force: current, or locked. The database holds that with an index; here the transitions are
//! made so that it never has to say no.

use super::beliefs::{self, Belief};
use super::change::{Author, Note, Trigger, record_belief};
use super::{Error, Result, confidence};
use crate::base::{Millis, PersonaId, new_id};
use crate::store::{Conn, Row};
use crate::vals;
use serde::{Deserialize, Serialize};
use serde_json::json;

const COLUMNS: &str = "id, belief_id, text, confidence, status, rationale, created_at, updated_at";
/// Longest stance text, in characters.
pub const MAX_TEXT: usize = 10_000;

/// Where a stance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StanceStatus {
    /// In force.
    Current,
    /// In force, and nothing may move it.
    Locked,
    /// Was in force once.
    Deprecated,
}

impl StanceStatus {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Locked => "locked",
            Self::Deprecated => "deprecated",
        }
    }

    pub(super) fn from_stored(text: &str) -> Result<Self> {
        [Self::Current, Self::Locked, Self::Deprecated]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Error::invalid_text("stance_versions.status", text, "current, locked or deprecated"))
    }
}

/// One version of a stance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stance {
    /// Its id.
    pub id: String,
    /// The belief it belongs to.
    pub belief_id: String,
    /// What the persona says.
    pub text: String,
    /// 0..1.
    pub confidence: f64,
    /// Where it stands.
    pub status: StanceStatus,
    /// Why it was taken.
    pub rationale: Option<String>,
    /// When it was taken.
    pub created_at: Millis,
    /// When its status last changed.
    pub updated_at: Millis,
}

/// A stance to be taken.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStance<'a> {
    /// What the persona says from now on.
    pub text: &'a str,
    /// 0..1; exactly 0 and 1 are allowed here.
    pub confidence: f64,
    /// Why.
    pub rationale: &'a str,
}

/// What a change of stance did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StanceChange {
    /// The belief.
    pub belief_id: String,
    /// The stance now in force.
    pub stance_id: String,
    /// The belief's confidence before; none when it had none.
    pub old_confidence: Option<f64>,
    /// The belief's confidence now.
    pub new_confidence: f64,
}

/// Take a new stance: the current one is deprecated, the new one is current, and the belief has its confidence.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Locked`]; [`Error::Invalid`].
pub fn update(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    new: &NewStance<'_>,
    trigger: Trigger,
    author: &Author<'_>,
) -> Result<StanceChange> {
    let belief = beliefs::require(c, persona, belief_id)?;
    let old = in_force(c, persona, belief_id)?;
    refuse_locked(&belief, old.as_ref())?;
    replace(c, persona, &belief, old.as_ref(), new, trigger, author)
}

/// The stance in force, locked or current; `None` when the belief has none.
///
/// # Errors
/// When the database fails. A belief of another persona has none.
pub fn in_force(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str) -> Result<Option<Stance>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM stance_versions WHERE persona_id = $1 AND belief_id = $2 AND status IN ('current', 'locked')
         ORDER BY created_at DESC, id DESC LIMIT 1"
    );
    c.first(&sql, vals![persona, belief_id])?.as_ref().map(read).transpose()
}

/// The newest stances of a belief: current, locked, then deprecated, each newest first.
///
/// # Errors
/// When the database fails.
pub fn list(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str, limit: u32) -> Result<Vec<Stance>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM stance_versions WHERE persona_id = $1 AND belief_id = $2
         ORDER BY CASE status WHEN 'current' THEN 0 WHEN 'locked' THEN 1 ELSE 2 END, created_at DESC, id DESC LIMIT $3"
    );
    c.query(&sql, vals![persona, belief_id, limit])?.iter().map(read).collect()
}

/// Lock the current stance, so that nothing moves it until it is unlocked. Returns its id.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NoStance`] when no stance is current; [`Error::Invalid`] without a reason.
pub fn lock(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str, reason: &str, author: &Author<'_>) -> Result<String> {
    let next = "if it is locked already there is nothing to do; else take a stance first";
    switch(c, persona, belief_id, (StanceStatus::Current, StanceStatus::Locked), reason, next, author)
}

/// Unlock the locked stance: it is current again. Returns its id.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NoStance`] when no stance is locked; [`Error::Invalid`] without a reason.
pub fn unlock(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str, reason: &str, author: &Author<'_>) -> Result<String> {
    switch(c, persona, belief_id, (StanceStatus::Locked, StanceStatus::Current), reason, "there is nothing to unlock", author)
}

/// [`Error::Locked`] when the stance in force is locked.
pub(super) fn refuse_locked(belief: &Belief, in_force: Option<&Stance>) -> Result<()> {
    match in_force {
        Some(stance) if stance.status == StanceStatus::Locked => {
            Err(Error::Locked { belief_id: belief.id.clone(), title: belief.title.clone() })
        }
        _ => Ok(()),
    }
}

/// The part of [`update`] after the guards. `old` is the stance in force, not locked.
pub(super) fn replace(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief: &Belief,
    old: Option<&Stance>,
    new: &NewStance<'_>,
    trigger: Trigger,
    author: &Author<'_>,
) -> Result<StanceChange> {
    let new_confidence = confidence::checked("confidence", new.confidence)?;
    let rationale = required("the rationale", new.rationale)?;
    let text = checked_text(new.text)?;
    c.exec(
        "UPDATE stance_versions SET status = 'deprecated', updated_at = $3 WHERE persona_id = $1 AND belief_id = $2 AND status = 'current'",
        vals![persona, &belief.id, author.at],
    )?;
    let stance_id = insert_current(c, persona, &belief.id, text, new_confidence, rationale, author.at)?;
    beliefs::set_confidence(c, persona, &belief.id, new_confidence, author.at)?;
    let before = json!({
        "stance_id": old.map(|stance| &stance.id), "text": old.map(|stance| &stance.text), "confidence": belief.confidence,
    });
    let after = json!({"stance_id": stance_id, "text": text, "confidence": new_confidence});
    let note = Note {
        persona,
        action: "belief.update",
        subject_kind: "belief",
        subject_id: &belief.id,
        feed: ("beliefs", "belief_updated"),
        feed_subject: None,
        reason: Some(rationale),
        before: &before,
        after: &after,
    };
    record_belief(c, author, &belief.id, trigger, &note)?;
    Ok(StanceChange { belief_id: belief.id.clone(), stance_id, old_confidence: belief.confidence, new_confidence })
}

/// Insert a current stance and nothing else: the caller has made room for it and records the change.
pub(super) fn insert_current(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    text: &str,
    confidence: f64,
    rationale: &str,
    at: Millis,
) -> Result<String> {
    let id = new_id();
    c.exec(
        "INSERT INTO stance_versions (persona_id, id, belief_id, text, confidence, status, rationale, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, 'current', $6, $7, $7)",
        vals![persona, &id, belief_id, text, confidence, rationale, at],
    )?;
    Ok(id)
}

/// A stance text: not empty, at most [`MAX_TEXT`] characters.
pub(super) fn checked_text(text: &str) -> Result<&str> {
    let text = required("the stance text", text)?;
    if text.chars().count() > MAX_TEXT {
        return Err(Error::invalid_text("the stance text", text, format!("at most {MAX_TEXT} characters")));
    }
    Ok(text)
}

/// Trimmed text that must say something.
pub(super) fn required<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    let trimmed = text.trim();
    if trimmed.is_empty() { Err(Error::invalid(what, "empty", "a text that says something")) } else { Ok(trimmed) }
}

fn switch(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    (from, to): (StanceStatus, StanceStatus),
    reason: &str,
    next: &'static str,
    author: &Author<'_>,
) -> Result<String> {
    let reason = required("the reason", reason)?;
    let belief = beliefs::require(c, persona, belief_id)?;
    let Some(stance) = in_force(c, persona, belief_id)?.filter(|stance| stance.status == from) else {
        return Err(Error::NoStance { belief_id: belief.id, title: belief.title, wanted: from.as_str(), next });
    };
    c.exec(
        "UPDATE stance_versions SET status = $4, updated_at = $5 WHERE persona_id = $1 AND id = $2 AND status = $3",
        vals![persona, &stance.id, from.as_str(), to.as_str(), author.at],
    )?;
    beliefs::touch(c, persona, belief_id, author.at)?;
    let (action, kind) = match to {
        StanceStatus::Locked => ("belief.lock", "belief_locked"),
        StanceStatus::Current | StanceStatus::Deprecated => ("belief.unlock", "belief_unlocked"),
    };
    let note = Note {
        persona,
        action,
        subject_kind: "belief",
        subject_id: belief_id,
        feed: ("beliefs", kind),
        feed_subject: None,
        reason: Some(reason),
        before: &json!({"stance_id": stance.id, "status": from}),
        after: &json!({"stance_id": stance.id, "status": to}),
    };
    record_belief(c, author, belief_id, Trigger::Manual, &note)?;
    Ok(stance.id)
}

fn read(row: &Row) -> Result<Stance> {
    Ok(Stance {
        id: row.text("id")?,
        belief_id: row.text("belief_id")?,
        text: row.text("text")?,
        confidence: row.real("confidence")?,
        status: StanceStatus::from_stored(&row.text("status")?)?,
        rationale: row.text_opt("rationale")?,
        created_at: row.int("created_at")?,
        updated_at: row.int("updated_at")?,
    })
}
