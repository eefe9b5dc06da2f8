//! The checkpoints of the database, and the end of the log that they are made of.

use super::checkpoint::Checkpoint;
use crate::base::Millis;
use crate::store::{Conn, Result, Row};
use crate::vals;

const COLUMNS: &str = "number, entries, head, at, key_id, prev_mac, mac";

fn checkpoint(row: &Row) -> Result<Checkpoint> {
    Ok(Checkpoint {
        number: row.int("number")?,
        entries: row.int("entries")?,
        head: row.text("head")?,
        at: row.int("at")?,
        key: row.text("key_id")?,
        prev: row.text("prev_mac")?,
        mac: row.text("mac")?,
    })
}

/// The newest checkpoint.
///
/// # Errors
/// When the engine refuses.
pub fn last(c: &mut dyn Conn) -> Result<Option<Checkpoint>> {
    let sql = format!("SELECT {COLUMNS} FROM audit_checkpoints ORDER BY number DESC LIMIT 1");
    c.first(&sql, &[])?.as_ref().map(checkpoint).transpose()
}

/// The checkpoints behind a number, oldest first.
///
/// # Errors
/// When the engine refuses.
pub fn after(c: &mut dyn Conn, number: i64, limit: i64) -> Result<Vec<Checkpoint>> {
    let sql = format!("SELECT {COLUMNS} FROM audit_checkpoints WHERE number > $1 ORDER BY number LIMIT $2");
    c.query(&sql, vals![number, limit])?.iter().map(checkpoint).collect()
}

/// The newest checkpoints before a number, newest first.
///
/// # Errors
/// When the engine refuses.
pub fn newest(c: &mut dyn Conn, before: Option<i64>, limit: i64) -> Result<Vec<Checkpoint>> {
    let sql = format!("SELECT {COLUMNS} FROM audit_checkpoints WHERE number < $1 ORDER BY number DESC LIMIT $2");
    c.query(&sql, vals![before.unwrap_or(i64::MAX), limit])?.iter().map(checkpoint).collect()
}

/// Keep a checkpoint.
///
/// # Errors
/// When the engine refuses.
pub fn add(c: &mut dyn Conn, new: &Checkpoint) -> Result<()> {
    let sql = format!("INSERT INTO audit_checkpoints ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    c.exec(&sql, vals![new.number, new.entries, &new.head, new.at, &new.key, &new.prev, &new.mac]).map(drop)
}

/// The last row of the log: its number, its hash, its time.
///
/// # Errors
/// When the engine refuses.
pub fn end(c: &mut dyn Conn) -> Result<Option<(i64, String, Millis)>> {
    let row = c.first("SELECT seq, hash, at FROM audit_log ORDER BY seq DESC LIMIT 1", &[])?;
    row.map(|row| Ok((row.int("seq")?, row.text("hash")?, row.int("at")?))).transpose()
}

/// The hash of a row; `None` when it is not there.
///
/// # Errors
/// When the engine refuses.
pub fn hash(c: &mut dyn Conn, seq: i64) -> Result<Option<String>> {
    c.first("SELECT hash FROM audit_log WHERE seq = $1", vals![seq])?.map(|row| row.text("hash")).transpose()
}

/// When the oldest row behind a number was written.
///
/// # Errors
/// When the engine refuses.
pub fn written(c: &mut dyn Conn, after: i64) -> Result<Option<Millis>> {
    c.first("SELECT at FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT 1", vals![after])?.map(|row| row.int("at")).transpose()
}
