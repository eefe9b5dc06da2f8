//! The change feed: one row for each change, numbered without gaps within its topic.

use super::{Conn, Engine, Result};
use crate::base::{Millis, PersonaId};
use crate::vals;

/// One entry of the feed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// `queue`, `beliefs`, `interactions`, `agent`, `pauses`, `ledger` or `personas`.
    pub topic: String,
    /// Position in the topic, from 1.
    pub seq: i64,
    /// The persona it concerns, if one.
    pub persona_id: Option<String>,
    /// What happened: `pending_post_added`, `belief_updated`, …
    pub kind: String,
    /// The id of the row that changed.
    pub subject_id: String,
    /// When.
    pub at: Millis,
}

/// Append an entry inside the transaction that makes the change. Returns its sequence number.
///
/// # Errors
/// When the engine refuses.
pub fn append(c: &mut dyn Conn, at: Millis, topic: &str, persona: Option<&PersonaId>, kind: &str, subject_id: &str) -> Result<i64> {
    let row = c.first(
        "INSERT INTO topic (name, seq) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET seq = topic.seq + 1 RETURNING seq",
        vals![topic],
    )?;
    let seq = row.map_or(Ok(1), |row| row.int("seq"))?;
    c.exec(
        "INSERT INTO change_feed (topic, seq, persona_id, kind, subject_id, at) VALUES ($1, $2, $3, $4, $5, $6)",
        vals![topic, seq, persona, kind, subject_id, at],
    )?;
    if c.engine() == Engine::Postgres {
        c.query("SELECT CAST(pg_notify($1, $2) AS TEXT) AS sent", vals![super::changes::CHANNEL, topic])?;
    }
    Ok(seq)
}

/// The newest sequence number of a topic; 0 when nothing happened in it.
///
/// # Errors
/// When the engine refuses.
pub fn position(c: &mut dyn Conn, topic: &str) -> Result<i64> {
    c.first("SELECT seq FROM topic WHERE name = $1", vals![topic])?.map_or(Ok(0), |row| row.int("seq"))
}

/// At most `limit` entries of a topic after `seq`, oldest first.
///
/// # Errors
/// When the engine refuses.
pub fn after(c: &mut dyn Conn, topic: &str, seq: i64, limit: i64) -> Result<Vec<Change>> {
    c.query(
        "SELECT topic, seq, persona_id, kind, subject_id, at FROM change_feed WHERE topic = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        vals![topic, seq, limit],
    )?
    .iter()
    .map(|row| {
        Ok(Change {
            topic: row.text("topic")?,
            seq: row.int("seq")?,
            persona_id: row.text_opt("persona_id")?,
            kind: row.text("kind")?,
            subject_id: row.text("subject_id")?,
            at: row.int("at")?,
        })
    })
    .collect()
}
