//! Beliefs: the nodes of what a persona holds to be true, and the views over them.

use super::change::{Author, Note, Trigger, record_belief};
use super::edges::{self, Edge};
use super::evidence::{self, EvidenceLink};
use super::stances::{self, Stance};
use super::{Error, Result, confidence, personas};
use crate::base::{Millis, PersonaId, new_id};
use crate::store::{Conn, Row, Val};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashSet;

const COLUMNS: &str = "id, title, summary, current_confidence, tags, created_at, updated_at";
/// Longest title, in characters.
pub const MAX_TITLE: usize = 500;
/// How many stances, evidence links and updates [`get`] shows: the newest. [`history`] pages further.
pub const DETAIL_ROWS: u32 = 200;

/// A belief as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Belief {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// What it says, in a few sentences.
    pub summary: String,
    /// 0..1, the confidence of the stance in force; none when nothing was decided yet.
    pub confidence: Option<f64>,
    /// Tags as they were given.
    pub tags: Vec<String>,
    /// When it was made.
    pub created_at: Millis,
    /// When it, its stance or its evidence last changed.
    pub updated_at: Millis,
}

/// Which beliefs to show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BeliefFilter {
    /// Any of these, in any case. None means no restriction.
    pub tags: Vec<String>,
    /// At least this confidence, 0..1. A belief without a confidence does not reach any.
    pub min_confidence: Option<f64>,
}

/// Beliefs and the edges whose both ends are among them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BeliefGraph {
    /// The beliefs, oldest first.
    pub nodes: Vec<Belief>,
    /// The edges among them: none dangles.
    pub edges: Vec<Edge>,
}

/// A belief to be made, with its first stance.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBelief<'a> {
    /// 1 to 500 characters.
    pub title: &'a str,
    /// What it says.
    pub summary: &'a str,
    /// 0..1.
    pub confidence: f64,
    /// Tags; empty and repeated ones are dropped.
    pub tags: &'a [String],
    /// What the persona says about it.
    pub stance: &'a str,
    /// Why it is held.
    pub rationale: &'a str,
}

/// One row of a belief's history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BeliefUpdate {
    /// Its id.
    pub id: String,
    /// What changed, before.
    pub old_value: Value,
    /// What changed, after.
    pub new_value: Value,
    /// Why.
    pub reason: String,
    /// manual, evidence, conflict or governor.
    pub trigger_type: String,
    /// Who: `agent`, a name, `moderation:<user>`.
    pub updated_by: String,
    /// When.
    pub created_at: Millis,
    /// What it was: `belief.update`, `edge.add`, …; none for what was written before that was kept.
    pub action: Option<String>,
    /// The earlier change that this one takes back.
    pub undoes: Option<String>,
}

/// A belief with all that is known about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BeliefDetail {
    /// The belief.
    pub belief: Belief,
    /// Its stances: current, locked, deprecated, each newest first.
    pub stances: Vec<Stance>,
    /// Evidence, newest first.
    pub evidence: Vec<EvidenceLink>,
    /// History, newest first.
    pub updates: Vec<BeliefUpdate>,
}

/// The beliefs that pass the filter and the edges among them.
///
/// # Errors
/// [`Error::PersonaNotFound`]; [`Error::Invalid`] when the minimum is not within 0..1.
pub fn query(c: &mut dyn Conn, persona: &PersonaId, filter: &BeliefFilter) -> Result<BeliefGraph> {
    let minimum = filter.min_confidence.map(|value| confidence::checked("min_confidence", value)).transpose()?;
    personas::get(c, persona)?;
    let rows = match minimum {
        None => c.query(&format!("SELECT {COLUMNS} FROM belief_nodes WHERE persona_id = $1 ORDER BY created_at, id"), vals![persona])?,
        Some(minimum) => c.query(
            &format!("SELECT {COLUMNS} FROM belief_nodes WHERE persona_id = $1 AND current_confidence >= $2 ORDER BY created_at, id"),
            vals![persona, minimum],
        )?,
    };
    let wanted: Vec<String> = filter.tags.iter().map(|tag| tag.trim().to_lowercase()).filter(|tag| !tag.is_empty()).collect();
    let mut nodes = rows.iter().map(read).collect::<Result<Vec<Belief>>>()?;
    nodes.retain(|node| wanted.is_empty() || node.tags.iter().any(|tag| wanted.contains(&tag.to_lowercase())));
    let shown: HashSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    let mut edges = edges::list(c, persona)?;
    edges.retain(|edge| shown.contains(edge.source_id.as_str()) && shown.contains(edge.target_id.as_str()));
    Ok(BeliefGraph { nodes, edges })
}

/// The most confident beliefs with at least `min_confidence`, most confident first: what a draft is written from.
///
/// # Errors
/// [`Error::Invalid`] when the minimum is not within 0..1.
pub fn recall(c: &mut dyn Conn, persona: &PersonaId, min_confidence: f64, limit: u32) -> Result<Vec<Belief>> {
    let minimum = confidence::checked("min_confidence", min_confidence)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM belief_nodes WHERE persona_id = $1 AND current_confidence >= $2
         ORDER BY current_confidence DESC, id LIMIT $3"
    );
    c.query(&sql, vals![persona, minimum, limit])?.iter().map(read).collect()
}

/// Make a belief with its current stance.
///
/// # Errors
/// [`Error::PersonaNotFound`]; [`Error::Invalid`].
pub fn create(c: &mut dyn Conn, persona: &PersonaId, new: &NewBelief<'_>, trigger: Trigger, author: &Author<'_>) -> Result<Belief> {
    personas::get(c, persona)?;
    let title = checked_title(new.title)?;
    let summary = stances::required("the belief's summary", new.summary)?;
    let stance = stances::checked_text(new.stance)?;
    let rationale = stances::required("the rationale", new.rationale)?;
    let held = confidence::checked("confidence", new.confidence)?;
    let tags = clean_tags(new.tags);
    let id = new_id();
    c.exec(
        "INSERT INTO belief_nodes (persona_id, id, title, summary, current_confidence, tags, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        vals![persona, &id, title, summary, held, json!(tags).to_string(), author.at],
    )?;
    let stance_id = stances::insert_current(c, persona, &id, stance, held, rationale, author.at)?;
    let note = Note {
        persona,
        action: "belief.create",
        subject_kind: "belief",
        subject_id: &id,
        feed: ("beliefs", "belief_created"),
        feed_subject: None,
        reason: Some(rationale),
        before: &Value::Null,
        after: &json!({"title": title, "summary": summary, "tags": tags, "stance_id": stance_id, "text": stance, "confidence": held}),
    };
    record_belief(c, author, &id, trigger, &note)?;
    let (title, summary) = (title.to_owned(), summary.to_owned());
    Ok(Belief { id, title, summary, confidence: Some(held), tags, created_at: author.at, updated_at: author.at })
}

/// A belief with its stances, evidence and history: the newest [`DETAIL_ROWS`] of each.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<BeliefDetail> {
    let belief = require(c, persona, id)?;
    Ok(BeliefDetail {
        belief,
        stances: stances::list(c, persona, id, DETAIL_ROWS)?,
        evidence: evidence::recent(c, persona, id, DETAIL_ROWS)?,
        updates: history(c, persona, id, None, DETAIL_ROWS)?,
    })
}

/// The belief alone.
///
/// # Errors
/// [`Error::NotFound`].
pub fn require(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<Belief> {
    let sql = format!("SELECT {COLUMNS} FROM belief_nodes WHERE persona_id = $1 AND id = $2");
    match c.first(&sql, vals![persona, id])? {
        Some(row) => read(&row),
        None => Err(Error::not_found("belief", id, persona)),
    }
}

/// The beliefs that changed last, newest first.
pub(super) fn latest_changed(c: &mut dyn Conn, persona: &PersonaId, limit: u32) -> Result<Vec<Belief>> {
    let sql = format!("SELECT {COLUMNS} FROM belief_nodes WHERE persona_id = $1 ORDER BY updated_at DESC, id DESC LIMIT $2");
    c.query(&sql, vals![persona, limit])?.iter().map(read).collect()
}

/// Summary and stance of a belief as they were.
pub(super) fn words_at(c: &mut dyn Conn, persona: &PersonaId, id: &str, at: Millis) -> Result<(String, Option<String>)> {
    let row = c.first(
        "SELECT v.summary, s.text FROM belief_versions v LEFT JOIN stance_versions s ON s.persona_id = v.persona_id AND s.id = v.stance_id
         WHERE v.persona_id = $1 AND v.belief_id = $2 AND v.held_from <= $3 ORDER BY v.version DESC LIMIT 1",
        vals![persona, id, at],
    )?;
    let row = row.ok_or_else(|| Error::not_found("belief", id, persona))?;
    Ok((row.text("summary")?, row.text_opt("text")?))
}

/// What to change about a belief itself; its stance and confidence are changed by [`super::revisions`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BeliefEdit<'a> {
    /// Another title.
    pub title: Option<&'a str>,
    /// Another summary.
    pub summary: Option<&'a str>,
    /// Other tags, all of them.
    pub tags: Option<&'a [String]>,
}

/// Change the title, summary or tags of a belief. A change to what is so already leaves no trace.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Locked`]; [`Error::Invalid`], also without a reason or without a change.
pub fn edit(c: &mut dyn Conn, persona: &PersonaId, id: &str, edit: &BeliefEdit<'_>, reason: &str, author: &Author<'_>) -> Result<Belief> {
    let reason = stances::required("the reason", reason)?;
    if *edit == BeliefEdit::default() {
        return Err(Error::invalid("the edit", "empty", "a title, a summary or tags"));
    }
    let before = require(c, persona, id)?;
    let in_force = stances::in_force(c, persona, id)?;
    stances::refuse_locked(&before, in_force.as_ref())?;
    let mut after = before.clone();
    if let Some(title) = edit.title {
        after.title = checked_title(title)?.to_owned();
    }
    if let Some(summary) = edit.summary {
        after.summary = stances::required("the belief's summary", summary)?.to_owned();
    }
    if let Some(tags) = edit.tags {
        after.tags = clean_tags(tags);
    }
    if after == before {
        return Ok(before);
    }
    after.updated_at = author.at;
    c.exec(
        "UPDATE belief_nodes SET title = $3, summary = $4, tags = $5, updated_at = $6 WHERE persona_id = $1 AND id = $2",
        vals![persona, id, &after.title, &after.summary, json!(after.tags).to_string(), author.at],
    )?;
    let words = |belief: &Belief| json!({"title": belief.title, "summary": belief.summary, "tags": belief.tags});
    let note = Note {
        persona,
        action: "belief.edit",
        subject_kind: "belief",
        subject_id: id,
        feed: ("beliefs", "belief_updated"),
        feed_subject: None,
        reason: Some(reason),
        before: &words(&before),
        after: &words(&after),
    };
    record_belief(c, author, id, Trigger::Manual, &note)?;
    Ok(after)
}

fn checked_title(title: &str) -> Result<&str> {
    let title = stances::required("the belief's title", title)?;
    if title.chars().count() > MAX_TITLE {
        return Err(Error::invalid_text("the belief's title", title, format!("at most {MAX_TITLE} characters")));
    }
    Ok(title)
}

/// A page of a belief's history, newest first, older than `before` (time and id of the last row of the page before).
///
/// # Errors
/// When the database fails.
pub fn history(c: &mut dyn Conn, persona: &PersonaId, id: &str, before: Option<(Millis, &str)>, limit: u32) -> Result<Vec<BeliefUpdate>> {
    let older = if before.is_some() { "AND (created_at, id) < ($4, $5)" } else { "" };
    let sql = format!(
        "SELECT id, old_value, new_value, reason, trigger_type, updated_by, created_at, action, undoes
         FROM belief_updates
         WHERE persona_id = $1 AND belief_id = $2 {older} ORDER BY created_at DESC, id DESC LIMIT $3"
    );
    let mut params: Vec<Val> = vals![persona, id, limit].to_vec();
    if let Some((at, last)) = before {
        params.extend_from_slice(vals![at, last]);
    }
    c.query(&sql, &params)?.iter().map(read_update).collect()
}

/// Set the confidence of the belief and touch it. The caller records the change.
pub(super) fn set_confidence(c: &mut dyn Conn, persona: &PersonaId, id: &str, held: f64, at: Millis) -> Result<()> {
    c.exec(
        "UPDATE belief_nodes SET current_confidence = $3, updated_at = $4 WHERE persona_id = $1 AND id = $2",
        vals![persona, id, held, at],
    )?;
    Ok(())
}

/// Touch the belief: its evidence changed.
pub(super) fn touch(c: &mut dyn Conn, persona: &PersonaId, id: &str, at: Millis) -> Result<()> {
    c.exec("UPDATE belief_nodes SET updated_at = $3 WHERE persona_id = $1 AND id = $2", vals![persona, id, at])?;
    Ok(())
}

/// Titles of all beliefs: what a proposed belief must not repeat.
pub(super) fn titles(c: &mut dyn Conn, persona: &PersonaId) -> Result<Vec<String>> {
    let rows = c.query("SELECT title FROM belief_nodes WHERE persona_id = $1 ORDER BY created_at, id", vals![persona])?;
    rows.iter().map(|row| Ok(row.text("title")?)).collect()
}

fn clean_tags(tags: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty() && seen.insert(tag.to_lowercase())).map(str::to_owned).collect()
}

fn read(row: &Row) -> Result<Belief> {
    Ok(Belief {
        id: row.text("id")?,
        title: row.text("title")?,
        summary: row.text("summary")?,
        confidence: row.real_opt("current_confidence")?,
        tags: row.json("tags")?,
        created_at: row.int("created_at")?,
        updated_at: row.int("updated_at")?,
    })
}

fn read_update(row: &Row) -> Result<BeliefUpdate> {
    Ok(BeliefUpdate {
        id: row.text("id")?,
        old_value: row.json("old_value")?,
        new_value: row.json("new_value")?,
        reason: row.text("reason")?,
        trigger_type: row.text("trigger_type")?,
        updated_by: row.text("updated_by")?,
        created_at: row.int("created_at")?,
        action: row.text_opt("action")?,
        undoes: row.text_opt("undoes")?,
    })
}
