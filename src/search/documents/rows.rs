//! The tables of documents, passages and positions.

use super::{Document, Passage};
use crate::search::text::{index, tokens};
use crate::search::{Kind, Result};
use crate::store::Conn;
use crate::vals;

/// A passage that was written and waits for its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its id.
    pub passage: i64,
    /// Whose it is.
    pub persona: Option<String>,
}

/// The next so many ids. They grow and are never given twice.
fn reserve(c: &mut dyn Conn, count: i64) -> Result<i64> {
    let row = c.first(
        "INSERT INTO search_positions (name, seq) VALUES ('ids', $1)
         ON CONFLICT (name) DO UPDATE SET seq = search_positions.seq + $1 RETURNING seq",
        vals![count],
    )?;
    Ok(row.map_or(Ok(count), |row| row.int("seq"))? - count + 1)
}

/// How far a name has come, and its key.
///
/// # Errors
/// When the database fails.
pub fn position(c: &mut dyn Conn, name: &str) -> Result<Option<(i64, String)>> {
    match c.first("SELECT seq, reached FROM search_positions WHERE name = $1", vals![name])? {
        Some(row) => Ok(Some((row.int("seq")?, row.text("reached")?))),
        None => Ok(None),
    }
}

/// Put a name at a place, if it is not anywhere yet.
///
/// # Errors
/// When the database fails.
pub fn begin_at(c: &mut dyn Conn, name: &str, seq: i64) -> Result<()> {
    c.exec("INSERT INTO search_positions (name, seq) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", vals![name, seq])?;
    Ok(())
}

/// Move a name from one place to another. False when another process has moved it meanwhile.
///
/// # Errors
/// When the database fails.
pub fn advance(c: &mut dyn Conn, name: &str, from: (i64, &str), to: (i64, &str)) -> Result<bool> {
    let moved = c.exec(
        "UPDATE search_positions SET seq = $1, reached = $2 WHERE name = $3 AND seq = $4 AND reached = $5",
        vals![to.0, to.1, name, from.0, from.1],
    )?;
    Ok(moved == 1)
}

/// Count what was added; what is taken out is counted by triggers.
fn count(c: &mut dyn Conn, documents: i64, words: i64) -> Result<()> {
    for (name, by) in [("documents", documents), ("words", words)] {
        c.exec(
            "INSERT INTO search_positions (name, seq) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET seq = search_positions.seq + $2",
            vals![name, by],
        )?;
    }
    Ok(())
}

/// How many documents there are, and how many words they have on the average: what the ranking measures rarity and length by.
///
/// # Errors
/// When the database fails.
pub fn size(c: &mut dyn Conn) -> Result<(f64, f64)> {
    let documents = position(c, "documents")?.map_or(0, |(seq, _)| seq).max(1) as f64;
    let words = position(c, "words")?.map_or(0, |(seq, _)| seq).max(1) as f64;
    Ok((documents, (words / documents).max(1.0)))
}

/// The stored id and mark of a document.
///
/// # Errors
/// When the database fails.
pub fn stored(c: &mut dyn Conn, kind: Kind, source_id: &str) -> Result<Option<(i64, String)>> {
    match c.first("SELECT id, mark FROM search_documents WHERE kind = $1 AND source_id = $2", vals![kind.as_str(), source_id])? {
        Some(row) => Ok(Some((row.int("id")?, row.text("mark")?))),
        None => Ok(None),
    }
}

/// Take a document out. False when it was not there. Triggers take its words, names and vectors along, as they do whatever deletes it.
///
/// # Errors
/// When the database fails.
pub fn remove(c: &mut dyn Conn, kind: Kind, source_id: &str) -> Result<bool> {
    let Some((id, _)) = stored(c, kind, source_id)? else { return Ok(false) };
    c.exec("DELETE FROM search_documents WHERE id = $1", vals![id])?;
    Ok(true)
}

/// Change what is not indexed: the state, the confidence, the time.
///
/// # Errors
/// When the database fails.
pub fn touch(c: &mut dyn Conn, id: i64, document: &Document) -> Result<()> {
    c.exec(
        "UPDATE search_documents SET state = $2, confidence = $3, own_name = $4, parent = $5, author = $6, at = $7 WHERE id = $1",
        vals![
            id,
            document.state.as_deref(),
            document.confidence,
            document.own_name.as_deref(),
            document.parent.as_deref(),
            document.author.as_deref(),
            document.at
        ],
    )?;
    Ok(())
}

/// Write a document in place of the one that was made of the same row. Returns its passages, in their order.
///
/// # Errors
/// When the database fails.
pub fn write(c: &mut dyn Conn, document: &Document, passages: &[Passage]) -> Result<Vec<Written>> {
    remove(c, document.kind, &document.source_id)?;
    let id = reserve(c, i64::try_from(passages.len()).unwrap_or(i64::MAX))?;
    c.exec(
        "INSERT INTO search_documents (id, kind, persona_id, source_id, title, body, subreddit, state, confidence, own_name, parent, author, mark, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        vals![
            id,
            document.kind.as_str(),
            document.persona.as_deref(),
            &document.source_id,
            &document.title,
            &document.body,
            document.subreddit.as_deref(),
            document.state.as_deref(),
            document.confidence,
            document.own_name.as_deref(),
            document.parent.as_deref(),
            document.author.as_deref(),
            document.mark(),
            document.at
        ],
    )?;
    let length = i64::try_from(tokens::tokens(&document.body).count()).unwrap_or(i64::MAX);
    let mut written = Vec::with_capacity(passages.len());
    for (passage, id_of_passage) in passages.iter().zip(id..) {
        c.exec(
            "INSERT INTO search_passages (id, document, persona_id, part, text, length, embedded) VALUES ($1, $2, $3, $4, $5, $6, NULL)",
            vals![
                id_of_passage,
                id,
                document.persona.as_deref(),
                passage.part,
                &passage.text,
                if id_of_passage == id { length } else { 0 }
            ],
        )?;
        written.push(Written { passage: id_of_passage, persona: document.persona.clone() });
    }
    index::put(c, id, document)?;
    names(c, document)?;
    count(c, 1, length)?;
    Ok(written)
}

/// Remember which model has read a passage.
///
/// # Errors
/// When the database fails.
pub fn embedded(c: &mut dyn Conn, passage: i64, model: &str) -> Result<()> {
    c.exec("UPDATE search_passages SET embedded = $2 WHERE id = $1", vals![passage, model])?;
    Ok(())
}

/// Names that people will mistype. The persona is kept, so that nobody is told another's names.
fn names(c: &mut dyn Conn, document: &Document) -> Result<()> {
    let persona = document.persona.as_deref().unwrap_or_default();
    let title = matches!(document.kind, Kind::Belief | Kind::Runbook).then_some(document.title.as_str());
    let author = if document.kind == Kind::QueueItem { document.author.as_deref() } else { None };
    for (kind, name) in [("subreddit", document.subreddit.as_deref()), ("author", author), ("title", title)] {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            c.exec(
                "INSERT INTO search_names (kind, persona_id, name) VALUES ($1, $2, $3) ON CONFLICT (kind, persona_id, name) DO NOTHING",
                vals![kind, persona, name],
            )?;
        }
    }
    Ok(())
}
