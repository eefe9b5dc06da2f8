//! What was done to keep the deck sound, and how it went.

use crate::base::{Millis, new_id};
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Error, Result, Row, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};
use std::str::FromStr;

/// The topic of the change feed.
pub const TOPIC: &str = "health";

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The quick check of the database.
    CheckQuick,
    /// The full check: integrity, foreign keys, schema.
    CheckFull,
    /// The planner's statistics.
    Optimize,
    /// The file written anew, without gaps.
    Vacuum,
    /// The write-ahead log taken into the file.
    Checkpoint,
    /// A backup was made.
    Backup,
    /// A backup was verified against its manifest.
    BackupVerify,
    /// Old backups were taken away.
    Prune,
    /// A backup was restored.
    Restore,
    /// A backup was restored into a scratch place and tried.
    Drill,
    /// Rows past their time were taken away.
    Retention,
    /// All data of a Reddit user was taken away.
    Erasure,
    /// The chain of the audit log was walked.
    AuditVerify,
    /// The index was compared with an exact search.
    IndexVerify,
    /// The index was made anew.
    IndexRebuild,
    /// A secret was replaced.
    Rotation,
    /// The doctor looked.
    Doctor,
    /// The round of a day, a week or a month.
    Round,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::CheckQuick,
        Self::CheckFull,
        Self::Optimize,
        Self::Vacuum,
        Self::Checkpoint,
        Self::Backup,
        Self::BackupVerify,
        Self::Prune,
        Self::Restore,
        Self::Drill,
        Self::Retention,
        Self::Erasure,
        Self::AuditVerify,
        Self::IndexVerify,
        Self::IndexRebuild,
        Self::Rotation,
        Self::Doctor,
        Self::Round,
    ];

    /// The word in the database and in the audit log, where it stands behind `upkeep.`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CheckQuick => "check_quick",
            Self::CheckFull => "check_full",
            Self::Optimize => "optimize",
            Self::Vacuum => "vacuum",
            Self::Checkpoint => "checkpoint",
            Self::Backup => "backup",
            Self::BackupVerify => "backup_verify",
            Self::Prune => "prune",
            Self::Restore => "restore",
            Self::Drill => "drill",
            Self::Retention => "retention",
            Self::Erasure => "erasure",
            Self::AuditVerify => "audit_verify",
            Self::IndexVerify => "index_verify",
            Self::IndexRebuild => "index_rebuild",
            Self::Rotation => "rotation",
            Self::Doctor => "doctor",
            Self::Round => "round",
        }
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        let unknown = || Error::Constraint { reason: format!("there is no kind of upkeep called {word:?}") };
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word).ok_or_else(unknown)
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done, and nothing was found.
    Passed,
    /// Done, and something was found.
    Problems,
    /// Not done.
    Failed,
}

impl Outcome {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Problems => "problems",
            Self::Failed => "failed",
        }
    }
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// What was done.
    pub kind: Kind,
    /// When it began.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Millis,
    /// How it went.
    pub outcome: Outcome,
    /// In a sentence, without anything secret.
    pub summary: String,
    /// Numbers behind it.
    pub detail: Value,
    /// Who did it: kind of actor and name.
    pub actor: (String, String),
}

/// What is written down of something that was done.
#[derive(Debug)]
pub struct Done<'a> {
    /// What was done.
    pub kind: Kind,
    /// When it began.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Millis,
    /// How it went.
    pub outcome: Outcome,
    /// In a sentence, without anything secret.
    pub summary: &'a str,
    /// Numbers behind it.
    pub detail: &'a Value,
    /// Who did it.
    pub actor: &'a Actor,
}

/// Write down what was done, with its audit row and its row in the change feed. Returns its id.
///
/// # Errors
/// When the engine refuses.
pub fn record(c: &mut dyn Conn, done: &Done<'_>) -> Result<String> {
    let id = new_id();
    c.exec(
        "INSERT INTO upkeep_runs (id, kind, started_at, ended_at, outcome, summary, detail, actor_kind, actor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        vals![
            &id,
            done.kind.as_str(),
            done.started_at,
            done.ended_at,
            done.outcome.as_str(),
            done.summary,
            done.detail.to_string(),
            done.actor.kind.as_str(),
            &done.actor.name
        ],
    )?;
    let entry = audit::Entry {
        at: done.ended_at,
        persona: None,
        actor: done.actor,
        action: &format!("upkeep.{}", done.kind.as_str()),
        subject_kind: "upkeep_run",
        subject_id: &id,
        reason: Some(done.summary),
        before: &Value::Null,
        after: &json!({ "outcome": done.outcome, "detail": done.detail }),
    };
    audit::append(c, &entry)?;
    feed::append(c, done.ended_at, TOPIC, None, done.kind.as_str(), &id)?;
    Ok(id)
}

/// Keep a run that another copy of this deck wrote down, without another audit row of its own. Returns whether it was not there yet.
///
/// # Errors
/// When the engine refuses.
pub fn keep(c: &mut dyn Conn, run: &Run) -> Result<bool> {
    let new = c.exec(
        "INSERT INTO upkeep_runs (id, kind, started_at, ended_at, outcome, summary, detail, actor_kind, actor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
        vals![
            &run.id,
            run.kind.as_str(),
            run.started_at,
            run.ended_at,
            run.outcome.as_str(),
            &run.summary,
            run.detail.to_string(),
            &run.actor.0,
            &run.actor.1
        ],
    )?;
    Ok(new > 0)
}

const COLUMNS: &str = "id, kind, started_at, ended_at, outcome, summary, detail, actor_kind, actor";

/// The newest run of a kind, however it went.
///
/// # Errors
/// When the engine refuses.
pub fn last(c: &mut dyn Conn, kind: Kind) -> Result<Option<Run>> {
    let sql = format!("SELECT {COLUMNS} FROM upkeep_runs WHERE kind = $1 ORDER BY ended_at DESC, id DESC LIMIT 1");
    c.first(&sql, vals![kind.as_str()])?.as_ref().map(run).transpose()
}

/// The newest run of a kind that passed.
///
/// # Errors
/// When the engine refuses.
pub fn last_passed(c: &mut dyn Conn, kind: Kind) -> Result<Option<Run>> {
    let sql = format!("SELECT {COLUMNS} FROM upkeep_runs WHERE kind = $1 AND outcome = 'passed' ORDER BY ended_at DESC, id DESC LIMIT 1");
    c.first(&sql, vals![kind.as_str()])?.as_ref().map(run).transpose()
}

/// The newest runs, of one kind or of all, newest first.
///
/// # Errors
/// When the engine refuses.
pub fn newest(c: &mut dyn Conn, kind: Option<Kind>, limit: i64) -> Result<Vec<Run>> {
    let sql =
        format!("SELECT {COLUMNS} FROM upkeep_runs WHERE (CAST($1 AS TEXT) IS NULL OR kind = $1) ORDER BY ended_at DESC, id DESC LIMIT $2");
    c.query(&sql, vals![kind.map(Kind::as_str), limit])?.iter().map(run).collect()
}

fn run(row: &Row) -> Result<Run> {
    let outcome = match row.text("outcome")?.as_str() {
        "passed" => Outcome::Passed,
        "problems" => Outcome::Problems,
        _ => Outcome::Failed,
    };
    Ok(Run {
        id: row.text("id")?,
        kind: row.text("kind")?.parse()?,
        started_at: row.int("started_at")?,
        ended_at: row.int("ended_at")?,
        outcome,
        summary: row.text("summary")?,
        detail: row.json("detail")?,
        actor: (row.text("actor_kind")?, row.text("actor")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    #[test]
    fn what_was_done_is_found_again_and_stands_in_the_audit_log() {
        let (db, _guard) = database();
        let found = db
            .write_blocking(|c| {
                let actor = Actor::human("ann");
                let mut done = Done {
                    kind: Kind::CheckFull,
                    started_at: 1,
                    ended_at: 2,
                    outcome: Outcome::Passed,
                    summary: "nothing found",
                    detail: &json!({ "pages": 7 }),
                    actor: &actor,
                };
                record(c, &done)?;
                (done.ended_at, done.outcome) = (3, Outcome::Problems);
                record(c, &done)?;
                let logged = audit::newest(c, None, 1)?;
                Ok::<_, Error>((
                    last(c, Kind::CheckFull)?,
                    last_passed(c, Kind::CheckFull)?,
                    last(c, Kind::Drill)?,
                    newest(c, None, 9)?,
                    logged,
                ))
            })
            .unwrap();
        assert_eq!(found.0.unwrap().outcome, Outcome::Problems);
        assert_eq!(found.1.unwrap().detail, json!({ "pages": 7 }));
        assert!(found.2.is_none() && found.3.len() == 2);
        assert_eq!(found.4[0].action, "upkeep.check_full");
        assert!(Kind::ALL.iter().all(|kind| kind.as_str().parse::<Kind>().unwrap() == *kind));
    }
}
