//! Keeping documents in step with the change feed: read what changed, read the texts into vectors, write both with the new position.
//!
//! A batch is read in one transaction and written in another, which moves the position only from where the batch began: of several
//! processes that follow at once, one writes and the others look again. A process that dies in between has written nothing, and the next one
//! begins at the same place.

use super::rows::{self, Written};
use super::sources::{Source, Topic};
use super::{Document, Passage};
use crate::base::{Millis, PersonaId};
use crate::search::embed::Model;
use crate::search::{Kind, Result, vectors};
use crate::store::{Conn, feed};
use crate::vals;
use std::collections::BTreeSet;

/// Rows of a batch: the writer is held for some tens of milliseconds, and others come between.
pub const BATCH: i64 = 500;

/// Where a batch stands, and where it leads.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    name: String,
    from: (i64, String),
    to: (i64, String),
}

/// A document that is to be written, with what the embedder is to read.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The document.
    pub document: Document,
    /// Its passages.
    pub passages: Vec<Passage>,
    /// The stored one that has the same text: only the rest is written then.
    pub same: Option<i64>,
}

impl Draft {
    /// What the embedder reads of it, one text for each passage.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        if self.same.is_some() {
            return Vec::new();
        }
        self.passages.iter().map(|passage| if passage.part == "whole" { self.document.whole() } else { passage.text.clone() }).collect()
    }
}

/// What changed, as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    step: Option<Move>,
    /// What is to be written.
    pub drafts: Vec<Draft>,
    /// What is to be taken out.
    pub gone: Vec<(Kind, String)>,
    /// Whether the batch was full: there is more.
    pub is_full: bool,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wrote {
    /// Documents written anew or again.
    pub written: u64,
    /// Documents taken out.
    pub removed: u64,
}

fn fill_name(topic: Topic) -> String {
    format!("fill:{}", topic.table())
}

fn feed_name(topic: Topic) -> String {
    format!("feed:{}", topic.name())
}

/// Where each topic begins: the feed from now, and the rows that are there already by the first fill. Does nothing when they have begun.
///
/// # Errors
/// When the database fails.
pub fn begin(c: &mut dyn Conn) -> Result<()> {
    for topic in Topic::ALL {
        let newest = feed::position(c, topic.name())?;
        rows::begin_at(c, &feed_name(topic), newest)?;
        rows::begin_at(c, &fill_name(topic), 0)?;
    }
    Ok(())
}

/// Whether [`begin`] was done.
///
/// # Errors
/// When the database fails.
pub fn has_begun(c: &mut dyn Conn) -> Result<bool> {
    for topic in Topic::ALL {
        if rows::position(c, &fill_name(topic))?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Changes of the feed that search has not taken in. None when it has never begun.
///
/// # Errors
/// When the database fails.
pub fn behind(c: &mut dyn Conn) -> Result<Option<i64>> {
    let mut changes = 0;
    for topic in Topic::ALL {
        let Some((taken, _)) = rows::position(c, &feed_name(topic))? else { return Ok(None) };
        changes += feed::position(c, topic.name())? - taken;
    }
    Ok(Some(changes.max(0)))
}

/// When the oldest change was made that search has not taken in; `None` when there is none, or it has not begun.
///
/// # Errors
/// When the database fails.
pub fn waits_since(c: &mut dyn Conn) -> Result<Option<crate::base::Millis>> {
    let mut oldest: Option<crate::base::Millis> = None;
    for topic in Topic::ALL {
        let Some((taken, _)) = rows::position(c, &feed_name(topic))? else { continue };
        let next = feed::after(c, topic.name(), taken, 1)?.first().map(|change| change.at);
        oldest = oldest.into_iter().chain(next).min();
    }
    Ok(oldest)
}

/// What the feed brought in a topic. None when nothing did.
///
/// # Errors
/// When the database fails.
pub fn news(c: &mut dyn Conn, topic: Topic) -> Result<Option<Batch>> {
    let name = feed_name(topic);
    let Some(from) = rows::position(c, &name)? else { return Ok(None) };
    let changes = feed::after(c, topic.name(), from.0, BATCH)?;
    let Some(last) = changes.last() else { return Ok(None) };
    let step = Move { name, to: (last.seq, String::new()), from };
    let is_full = changes.len() as i64 == BATCH;
    let subjects: BTreeSet<(String, String)> =
        changes.into_iter().filter_map(|change| Some((change.persona_id?, change.subject_id))).collect();
    load(c, topic, subjects, Some(step), is_full).map(Some)
}

/// The next rows of a table that were there before anybody followed. None when all are taken in.
///
/// # Errors
/// When the database fails.
pub fn fill(c: &mut dyn Conn, topic: Topic) -> Result<Option<Batch>> {
    let name = fill_name(topic);
    let Some(from) = rows::position(c, &name)?.filter(|(done, _)| *done == 0) else { return Ok(None) };
    let (persona, id) = from.1.split_once('|').unwrap_or(("", ""));
    let sql = format!("SELECT persona_id, id FROM {} WHERE (persona_id, id) > ($1, $2) ORDER BY persona_id, id LIMIT $3", topic.table());
    let found = c.query(&sql, vals![persona, id, BATCH])?;
    let subjects: Vec<(String, String)> = found.iter().map(|row| Ok((row.text("persona_id")?, row.text("id")?))).collect::<Result<_>>()?;
    let is_full = subjects.len() as i64 == BATCH;
    let reached = subjects.last().map_or_else(|| from.1.clone(), |(persona, id)| format!("{persona}|{id}"));
    let to = (i64::from(!is_full), reached);
    load(c, topic, subjects, Some(Move { name, from, to }), is_full).map(Some)
}

/// Rows that the first fill has still to take in.
///
/// # Errors
/// When the database fails.
pub fn to_fill(c: &mut dyn Conn) -> Result<u64> {
    let mut left = 0;
    for topic in Topic::ALL {
        let Some((0, reached)) = rows::position(c, &fill_name(topic))? else { continue };
        let (persona, id) = reached.split_once('|').unwrap_or(("", ""));
        let sql = format!("SELECT count(*) AS n FROM {} WHERE (persona_id, id) > ($1, $2)", topic.table());
        left += c.first(&sql, vals![persona, id])?.map_or(Ok(0), |row| row.int("n"))?;
    }
    Ok(u64::try_from(left).unwrap_or_default())
}

fn load(
    c: &mut dyn Conn,
    topic: Topic,
    subjects: impl IntoIterator<Item = (String, String)>,
    step: Option<Move>,
    is_full: bool,
) -> Result<Batch> {
    let mut batch = Batch { step, drafts: Vec::new(), gone: Vec::new(), is_full };
    for (persona, id) in subjects {
        for source in topic.load(c, &persona, &id)? {
            match source {
                Source::There(document) => batch.drafts.push(draft(c, *document)?),
                Source::Gone(kind, id) => batch.gone.push((kind, id)),
            }
        }
    }
    Ok(batch)
}

/// A document beside the one that is stored.
///
/// # Errors
/// When the database fails.
pub fn draft(c: &mut dyn Conn, document: Document) -> Result<Draft> {
    let mark = document.mark();
    let same = rows::stored(c, document.kind, &document.source_id)?.filter(|(_, stored)| *stored == mark).map(|(id, _)| id);
    let passages = if same.is_some() { Vec::new() } else { document.passages() };
    Ok(Draft { document, passages, same })
}

/// A batch of documents that no feed tells of.
#[must_use]
pub fn batch_of(drafts: Vec<Draft>, gone: Vec<(Kind, String)>) -> Batch {
    Batch { step: None, drafts, gone, is_full: false }
}

/// Write a batch. `read` holds a vector, or the fact that there is none, for each text of each draft in turn; it is empty where the
/// embedder reads later. None when another process has written it already.
///
/// # Errors
/// When the database fails.
pub fn write(c: &mut dyn Conn, batch: &Batch, model: &Model, read: &[Option<Vec<f32>>], at: Millis) -> Result<Option<Wrote>> {
    if let Some(Move { name, from, to }) = &batch.step
        && !rows::advance(c, name, (from.0, &from.1), (to.0, &to.1))?
    {
        return Ok(None);
    }
    let mut wrote = Wrote::default();
    for (kind, id) in &batch.gone {
        wrote.removed += u64::from(rows::remove(c, *kind, id)?);
    }
    let mut read = read.iter();
    for draft in &batch.drafts {
        if let Some(id) = draft.same {
            rows::touch(c, id, &draft.document)?;
            continue;
        }
        wrote.written += 1;
        let written = rows::write(c, &draft.document, &draft.passages)?;
        for passage in &written {
            let Some(vector) = read.next() else { continue };
            keep(c, passage, model, vector.as_deref(), at)?;
        }
    }
    Ok(Some(wrote))
}

/// Keep what the embedder made of a passage.
fn keep(c: &mut dyn Conn, passage: &Written, model: &Model, vector: Option<&[f32]>, at: Millis) -> Result<()> {
    let persona = passage.persona.as_deref().map(PersonaId::from_stored);
    vectors::put(c, passage.passage, persona.as_ref(), model, vector, at)?;
    rows::embedded(c, passage.passage, &model.name)
}

/// Passages that the present model has not read, with their texts.
///
/// # Errors
/// When the database fails.
pub fn unread(c: &mut dyn Conn, model: &Model, limit: i64) -> Result<Vec<(Written, String)>> {
    let mut found = Vec::new();
    // Three walks of one index: none yet, and the models before and after this one.
    for other in ["p.embedded IS NULL AND $1 = $1", "p.embedded < $1", "p.embedded > $1"] {
        let sql = format!(
            "SELECT p.id, p.persona_id, p.part, p.text, d.title, d.body FROM search_passages p JOIN search_documents d ON d.id = p.document
             WHERE {other} ORDER BY p.embedded, p.id LIMIT $2"
        );
        for row in c.query(&sql, vals![&model.name, limit - found.len() as i64])? {
            let text = if row.text("part")? == "whole" { super::whole(&row.text("title")?, &row.text("body")?) } else { row.text("text")? };
            found.push((Written { passage: row.int("id")?, persona: row.text_opt("persona_id")? }, text));
        }
    }
    Ok(found)
}

/// How many passages the present model has not read, counted up to `limit`.
///
/// # Errors
/// When the database fails.
pub fn count_unread(c: &mut dyn Conn, model: &Model, limit: i64) -> Result<u64> {
    let row = c.first(
        "SELECT count(*) AS n FROM (SELECT id FROM search_passages WHERE embedded IS NULL OR embedded < $1 OR embedded > $1 LIMIT $2) AS part_of",
        vals![&model.name, limit],
    )?;
    Ok(u64::try_from(row.map_or(Ok(0), |row| row.int("n"))?).unwrap_or_default())
}

/// Keep what the embedder made of passages that were written before. Those that went meanwhile are passed over.
///
/// # Errors
/// When the database fails.
pub fn write_read(c: &mut dyn Conn, passages: &[Written], model: &Model, read: &[Option<Vec<f32>>], at: Millis) -> Result<()> {
    for (passage, vector) in passages.iter().zip(read) {
        if c.first("SELECT id FROM search_passages WHERE id = $1", vals![passage.passage])?.is_some() {
            keep(c, passage, model, vector.as_deref(), at)?;
        }
    }
    Ok(())
}
