//! The one sanctioned change of a row: personal detail is taken out, and the chain still proves that nothing else was.
//!
//! The row keeps its hash, which was made over what it said before: whoever still has that text can prove it. A new row at the end of the
//! log says which row was redacted, by whom, why, and what digest it has now; verification accepts exactly that content and no other.

use super::hash;
use super::{Actor, Entry, append};
use crate::base::Millis;
use crate::store::{Conn, Error, Result, Row};
use crate::vals;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The action of a row that redacts another.
pub const REDACT: &str = "audit.redact";
/// The kind of its subject; the subject's id is the number of the row.
const SUBJECT: &str = "audit_row";
/// What stands where something was taken out.
pub const REDACTED: &str = "[redacted]";

/// What a row says from now on. What is `None` stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Redacted<'a> {
    /// In place of before and after.
    pub detail: Option<&'a Value>,
    /// In place of the actor's name.
    pub actor: Option<&'a str>,
    /// In place of the subject's id.
    pub subject_id: Option<&'a str>,
    /// In place of the actor's words. A row without words gets none.
    pub reason: Option<&'a str>,
}

/// What the log says of a redacted row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Redaction {
    /// The hash of the row, which stays.
    pub hash: String,
    /// The digest of what it says since.
    pub content: String,
}

/// Replace the detail of row `seq`, and its reason, which may quote what the detail holds. Returns the number of the row that says so.
///
/// # Errors
/// [`Error::Constraint`] as [`redact_row`].
pub fn redact(c: &mut dyn Conn, seq: i64, redacted_detail: &Value, reason: &str, actor: &Actor, at: Millis) -> Result<i64> {
    redact_row(c, seq, &Redacted { detail: Some(redacted_detail), reason: Some(REDACTED), ..Redacted::default() }, reason, actor, at)
}

/// Replace what `with` names in row `seq`, inside the transaction that takes the rest of the data out. A row may be redacted again.
///
/// # Errors
/// [`Error::Constraint`] when there is no such row, when it is itself the record of a redaction, or when it does not match its hash: an
/// edited row must not be made good by redacting it.
pub fn redact_row(c: &mut dyn Conn, seq: i64, with: &Redacted<'_>, reason: &str, actor: &Actor, at: Millis) -> Result<i64> {
    let refuse = |why: &str| Error::Constraint { reason: format!("row {seq} of the audit log {why}") };
    let find = |c: &mut dyn Conn| c.first("SELECT * FROM audit_log WHERE seq = $1", vals![seq])?.ok_or_else(|| refuse("is not there"));
    let row = find(c)?;
    if row.text("action")? == REDACT {
        return Err(refuse("records a redaction and stays as it is"));
    }
    let (hash, content) = (row.text("hash")?, hash::of_stored(&row)?);
    if !is_intact(c, &row)? {
        return Err(refuse("does not match its hash: run `quarterdeck audit verify` before anything is redacted"));
    }
    c.exec(
        "INSERT INTO audit_redactions (seq, is_open, at) VALUES ($1, 1, $2) ON CONFLICT (seq) DO UPDATE SET is_open = 1, at = excluded.at",
        vals![seq, at],
    )?;
    let detail = with.detail.map_or_else(|| row.text("detail"), |detail| Ok(json!({ "redacted": detail }).to_string()))?;
    let words = row.text_opt("reason")?.map(|words| with.reason.map_or(words, str::to_owned));
    let name = with.actor.map_or_else(|| row.text("actor"), |name| Ok(name.to_owned()))?;
    let subject_id = with.subject_id.map_or_else(|| row.text("subject_id"), |id| Ok(id.to_owned()))?;
    c.exec(
        "UPDATE audit_log SET detail = $2, reason = $3, actor = $4, subject_id = $5 WHERE seq = $1",
        vals![seq, detail, words, name, subject_id],
    )?;
    c.exec("UPDATE audit_redactions SET is_open = 0 WHERE seq = $1", vals![seq])?;
    let content_now = hash::of_stored(&find(c)?)?;
    append(
        c,
        &Entry {
            at,
            persona: None,
            actor,
            action: REDACT,
            subject_kind: SUBJECT,
            subject_id: &seq.to_string(),
            reason: Some(reason),
            before: &json!({ "content": content }),
            after: &json!({ "hash": hash, "content": content_now }),
        },
    )
}

/// Whether a row of the log, with every column of its own, says what its hash was made over, or what it was redacted to.
///
/// # Errors
/// When the engine refuses.
pub fn is_intact(c: &mut dyn Conn, row: &Row) -> Result<bool> {
    let content = hash::of_stored(row)?;
    Ok(content == row.text("hash")? || redaction(c, row.int("seq")?)?.is_some_and(|earlier| earlier.content == content))
}

/// What the log says of every redacted row; of one that was redacted twice, the newest.
///
/// # Errors
/// When the engine refuses.
pub fn redactions(c: &mut dyn Conn) -> Result<BTreeMap<i64, Redaction>> {
    let sql = "SELECT subject_id, detail FROM audit_log WHERE subject_kind = $1 AND action = $2 ORDER BY seq";
    let rows = c.query(sql, vals![SUBJECT, REDACT])?;
    // One that is not understood was edited: it gives no leave, and verification names it by its own hash.
    let understood = |row: &Row| Some((row.text("subject_id").ok()?.parse().ok()?, parse(&row.text("detail").ok()?)?));
    Ok(rows.iter().filter_map(understood).collect())
}

fn redaction(c: &mut dyn Conn, seq: i64) -> Result<Option<Redaction>> {
    let sql = "SELECT detail FROM audit_log WHERE subject_kind = $1 AND subject_id = $2 AND action = $3 ORDER BY seq DESC LIMIT 1";
    Ok(c.first(sql, vals![SUBJECT, seq.to_string(), REDACT])?.and_then(|row| parse(&row.text("detail").ok()?)))
}

fn parse(detail: &str) -> Option<Redaction> {
    #[derive(Deserialize)]
    struct Detail {
        after: Redaction,
    }
    serde_json::from_str::<Detail>(detail).ok().map(|detail| detail.after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::{newest, verify};
    use crate::store::testing::database;

    fn entry<'a>(actor: &'a Actor, after: &'a Value) -> Entry<'a> {
        Entry {
            at: 5,
            persona: None,
            actor,
            action: "x.y",
            subject_kind: "user",
            subject_id: "snow",
            reason: Some("he said so"),
            before: &Value::Null,
            after,
        }
    }

    #[test]
    fn what_was_redacted_is_gone_and_the_chain_still_holds() {
        let (db, _guard) = database();
        db.write_blocking(|c| {
            let ann = Actor::human("ann");
            let (text, other) = (json!({ "text": "personal" }), json!({ "text": "other" }));
            let seq = append(c, &entry(&ann, &text))?;
            append(c, &entry(&ann, &other))?;
            redact(c, seq, &json!({ "text": REDACTED }), "asked for by letter", &ann, 9)?;
            redact_row(c, seq, &Redacted { subject_id: Some(REDACTED), ..Redacted::default() }, "his name too", &ann, 10)?;
            let found = verify(c)?;
            assert_eq!((found.problems, found.rows), (Vec::new(), 4));
            let rows = newest(c, None, 9)?;
            assert_eq!(rows[0].action, REDACT);
            assert_eq!((rows[3].reason.as_deref(), rows[3].subject_id.as_str()), (Some(REDACTED), REDACTED));
            assert!(!rows[3].detail.to_string().contains("personal"));
            let refused = redact(c, 3, &Value::Null, "x", &ann, 11);
            assert!(matches!(refused, Err(Error::Constraint { .. })), "{refused:?}");
            Ok::<_, Error>(())
        })
        .unwrap();
    }

    #[test]
    fn nothing_else_may_touch_a_row() {
        let (db, _guard) = database();
        db.write_blocking(|c| append(c, &entry(&Actor::human("ann"), &Value::Null))).unwrap();
        for sql in ["UPDATE audit_log SET detail = '{}'", "UPDATE audit_log SET hash = 'x'", "DELETE FROM audit_log"] {
            let refused = db.write_blocking(move |c| c.exec(sql, &[]));
            assert!(matches!(refused, Err(Error::Constraint { .. } | Error::Statement { .. })), "{sql}: {refused:?}");
        }
        // Not even of a row that was redacted before.
        db.write_blocking(|c| redact(c, 1, &Value::Null, "asked", &Actor::human("ann"), 9)).unwrap();
        assert!(db.write_blocking(|c| c.exec("UPDATE audit_log SET detail = '{}' WHERE seq = 1", &[])).is_err());
        assert!(db.read_blocking(verify).unwrap().problems.is_empty());
    }
}
