//! The audit log: append-only, one row for each state change, chained by hashes so that an edit shows.

mod hash;
mod redact;
mod stream;

use super::{Conn, Result, Row};
use crate::base::{Millis, PersonaId, sha256_hex};
use crate::vals;
use serde::Serialize;

pub use hash::{GENESIS, Stored};
pub use redact::Redaction;
pub use redact::{REDACT, REDACTED, Redacted, is_intact, redact, redact_row, redactions};
pub use stream::{Page, stream};

/// Rows read at a time while verifying.
const PAGE: i64 = 5_000;

/// What kind of actor did something. A timeout is never written down as a person's refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A person, by a face of the program.
    Human,
    /// An agent loop.
    Agent,
    /// The program itself: delivery, recovery, migration.
    System,
    /// A deadline that passed.
    Timeout,
}

impl ActorKind {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Agent => "agent",
            Self::System => "system",
            Self::Timeout => "timeout",
        }
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// The reviewer's name, the persona's name, or the part of the program.
    pub name: String,
    /// The login of a person who acts under another name: a name is a claim, and the log says who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

impl Actor {
    /// A person.
    #[must_use]
    pub fn human(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::Human, name: name.into(), login: None }
    }

    /// The same, logged in as `login`: kept where it differs from the name.
    #[must_use]
    pub fn logged_in_as(mut self, login: Option<String>) -> Self {
        self.login = login.filter(|login| *login != self.name);
        self
    }

    /// An agent loop.
    #[must_use]
    pub fn agent(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::Agent, name: name.into(), login: None }
    }

    /// A part of the program.
    #[must_use]
    pub fn system(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::System, name: name.into(), login: None }
    }

    /// A deadline.
    #[must_use]
    pub fn timeout(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::Timeout, name: name.into(), login: None }
    }
}

/// A row to be appended.
#[derive(Debug)]
pub struct Entry<'a> {
    /// When.
    pub at: Millis,
    /// The persona concerned, if one.
    pub persona: Option<&'a PersonaId>,
    /// Who.
    pub actor: &'a Actor,
    /// What, as `queue.approve`.
    pub action: &'a str,
    /// The kind of thing: `pending_post`, `belief`, `persona`, …
    pub subject_kind: &'a str,
    /// Which one.
    pub subject_id: &'a str,
    /// Why, in the actor's words.
    pub reason: Option<&'a str>,
    /// The subject before, as far as it changed.
    pub before: &'a serde_json::Value,
    /// The subject after, as far as it changed.
    pub after: &'a serde_json::Value,
}

/// Append a row inside the transaction that makes the change. Returns its number.
///
/// # Errors
/// When the engine refuses.
pub fn append(c: &mut dyn Conn, entry: &Entry<'_>) -> Result<i64> {
    let last = c.first("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1", &[])?;
    let (seq, prev_hash) = match last {
        Some(row) => (row.int("seq")? + 1, row.text("hash")?),
        None => (1, GENESIS.to_owned()),
    };
    // serde_json keeps the keys of an object sorted, so that equal values have equal text.
    let (before, after) = (entry.before.to_string(), entry.after.to_string());
    let mut detail = serde_json::json!({ "before": entry.before, "after": entry.after });
    if let Some(login) = &entry.actor.login {
        detail["login"] = login.as_str().into();
    }
    let detail = detail.to_string();
    let (before_digest, after_digest) = (sha256_hex(before.as_bytes()), sha256_hex(after.as_bytes()));
    let hash = hash::of_row(&Stored {
        prev_hash: prev_hash.as_bytes(),
        seq,
        at: entry.at,
        persona_id: entry.persona.map(|persona| persona.as_str().as_bytes()),
        actor_kind: entry.actor.kind.as_str().as_bytes(),
        actor: entry.actor.name.as_bytes(),
        action: entry.action.as_bytes(),
        subject_kind: entry.subject_kind.as_bytes(),
        subject_id: entry.subject_id.as_bytes(),
        reason: entry.reason.map(str::as_bytes),
        before_digest: before_digest.as_bytes(),
        after_digest: after_digest.as_bytes(),
        detail: detail.as_bytes(),
        hash: b"",
    });
    c.exec(
        "INSERT INTO audit_log (seq, at, persona_id, actor_kind, actor, action, subject_kind, subject_id, reason, before_digest, after_digest,
           detail, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        vals![
            seq,
            entry.at,
            entry.persona,
            entry.actor.kind.as_str(),
            &entry.actor.name,
            entry.action,
            entry.subject_kind,
            entry.subject_id,
            entry.reason,
            before_digest,
            after_digest,
            detail,
            prev_hash,
            hash
        ],
    )?;
    Ok(seq)
}

/// One row of the log as it is shown and exported.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Position, from 1.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// The persona concerned.
    pub persona_id: Option<String>,
    /// What kind of actor.
    pub actor_kind: String,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// The kind of thing.
    pub subject_kind: String,
    /// Which one.
    pub subject_id: String,
    /// Why.
    pub reason: Option<String>,
    /// Before and after, as far as they changed.
    pub detail: serde_json::Value,
}

/// The history of one thing, oldest first.
///
/// # Errors
/// When the engine refuses.
pub fn history(c: &mut dyn Conn, subject_kind: &str, subject_id: &str) -> Result<Vec<Record>> {
    c.query(
        "SELECT seq, at, persona_id, actor_kind, actor, action, subject_kind, subject_id, reason, detail FROM audit_log
         WHERE subject_kind = $1 AND subject_id = $2 ORDER BY seq LIMIT 1000",
        vals![subject_kind, subject_id],
    )?
    .iter()
    .map(Record::of)
    .collect()
}

/// At most `limit` rows before `before` (exclusive), newest first.
///
/// # Errors
/// When the engine refuses.
pub fn newest(c: &mut dyn Conn, before: Option<i64>, limit: i64) -> Result<Vec<Record>> {
    c.query(
        "SELECT seq, at, persona_id, actor_kind, actor, action, subject_kind, subject_id, reason, detail FROM audit_log
         WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
        vals![before.unwrap_or(i64::MAX), limit],
    )?
    .iter()
    .map(Record::of)
    .collect()
}

impl Record {
    /// A row of an answer that has its columns.
    ///
    /// # Errors
    /// When a column is missing.
    pub fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            seq: row.int("seq")?,
            at: row.int("at")?,
            persona_id: row.text_opt("persona_id")?,
            actor_kind: row.text("actor_kind")?,
            actor: row.text("actor")?,
            action: row.text("action")?,
            subject_kind: row.text("subject_kind")?,
            subject_id: row.text("subject_id")?,
            reason: row.text_opt("reason")?,
            // A detail that is no JSON was edited: verification names it; showing the log must still work.
            detail: serde_json::from_str(&row.text("detail")?).unwrap_or(serde_json::Value::Null),
        })
    }
}

/// What verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Rows that were checked.
    pub rows: i64,
    /// The hash of the last row: keep it elsewhere, and a shortened log shows.
    pub head: String,
    /// What is wrong, in the order of the log; empty when the chain holds.
    pub problems: Vec<Problem>,
}

/// One break in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The row at which it shows.
    pub seq: i64,
    /// What is wrong with it.
    pub what: String,
}

/// Walk the chain from its first row. Reads pages by key, so that a long log holds no reader open.
///
/// # Errors
/// When the engine refuses.
pub fn verify(c: &mut dyn Conn) -> Result<Verification> {
    let mut found = Verification { head: GENESIS.to_owned(), ..Verification::default() };
    let redactions = redactions(c)?;
    let mut last = 0;
    loop {
        let page = c.query("SELECT * FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT $2", vals![last, PAGE])?;
        if page.is_empty() {
            return Ok(found);
        }
        for row in &page {
            let seq = row.int("seq")?;
            let mut problem = |what: String| found.problems.push(Problem { seq, what });
            if seq != last + 1 {
                problem(format!("rows {} to {} are missing", last + 1, seq - 1));
            }
            if row.text("prev_hash")? != found.head && seq == last + 1 {
                problem("does not follow the row before it".to_owned());
            }
            let (computed, hash) = (hash::of_stored(row)?, row.text("hash")?);
            if computed != hash && redactions.get(&seq).is_none_or(|redaction| redaction.hash != hash || redaction.content != computed) {
                problem("was edited: its hash does not match its content".to_owned());
            }
            found.head = hash;
            found.rows += 1;
            last = seq;
        }
    }
}
