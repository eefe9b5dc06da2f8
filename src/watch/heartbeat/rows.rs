//! What is kept of heartbeats and their runs: at most a thousand runs of each.

use super::rules::{Open, Record};
use crate::base::Millis;
use crate::store::audit::Actor;
use crate::store::{Conn, Result, Row};
use crate::vals;
use serde::Serialize;
use std::collections::BTreeMap;

/// Runs of a heartbeat that are kept.
pub const KEPT: i64 = 1_000;

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is under way.
    Running,
    /// Well.
    Success,
    /// Not well.
    Failure,
    /// It began again without having ended.
    Lost,
}

impl Outcome {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Lost => "lost",
        }
    }

    fn of(word: &str) -> Self {
        [Self::Running, Self::Success, Self::Failure].into_iter().find(|outcome| outcome.as_str() == word).unwrap_or(Self::Lost)
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its number among the runs of its heartbeat, from 1.
    pub number: i64,
    /// The id that it gave itself.
    pub run: Option<String>,
    /// When it began, if it said so.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// How it went.
    pub outcome: Outcome,
    /// What its command ended with.
    pub exit_status: Option<i64>,
    /// What it said, made safe.
    pub message: Option<String>,
    /// Who reported it: kind of actor and name.
    pub actor: (String, String),
}

/// A row of `heartbeats`, and how many runs it has had.
#[derive(Debug, Clone, Default)]
pub(super) struct Stored {
    pub record: Record,
    pub schedule: String,
    pub runs: i64,
}

const COLUMNS: &str =
    "name, schedule, schedule_at, last_ping_at, last_end_at, failed, failed_since, up_since, last_failure_at, last_failure, recent, runs";

fn stored(row: &Row) -> Result<Stored> {
    let last_failure =
        row.int_opt("last_failure_at")?.map(|at| Ok::<_, crate::store::Error>((at, row.text_opt("last_failure")?.unwrap_or_default())));
    let record = Record {
        schedule_at: Some(row.int("schedule_at")?),
        last_end_at: row.int_opt("last_end_at")?,
        last_ping_at: row.int_opt("last_ping_at")?,
        failed: row.flag("failed")?,
        failed_since: row.int_opt("failed_since")?,
        up_since: row.int_opt("up_since")?,
        last_failure: last_failure.transpose()?,
        open: vec![],
        recent: row.json("recent")?,
    };
    Ok(Stored { record, schedule: row.text("schedule")?, runs: row.int("runs")? })
}

/// What is known of one heartbeat, with its runs under way.
pub(super) fn find(c: &mut dyn Conn, name: &str) -> Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM heartbeats WHERE name = $1");
    let Some(row) = c.first(&sql, vals![name])? else { return Ok(None) };
    let mut found = stored(&row)?;
    let rows =
        c.query("SELECT run, started_at FROM heartbeat_runs WHERE heartbeat = $1 AND outcome = 'running' ORDER BY number", vals![name])?;
    found.record.open = rows.iter().map(open).collect::<Result<_>>()?;
    Ok(Some(found))
}

/// The schedule that each was seen with last.
pub(super) fn schedules(c: &mut dyn Conn) -> Result<BTreeMap<String, String>> {
    c.query("SELECT name, schedule FROM heartbeats", &[])?.iter().map(|row| Ok((row.text("name")?, row.text("schedule")?))).collect()
}

/// What is known of all of them, by name.
///
/// # Errors
/// When the engine refuses.
pub fn records(c: &mut dyn Conn) -> Result<BTreeMap<String, Record>> {
    let sql = format!("SELECT {COLUMNS} FROM heartbeats ORDER BY name");
    let mut found = BTreeMap::new();
    for row in c.query(&sql, &[])? {
        found.insert(row.text("name")?, stored(&row)?.record);
    }
    let sql = "SELECT heartbeat, run, started_at FROM heartbeat_runs WHERE outcome = 'running' ORDER BY heartbeat, number";
    for row in c.query(sql, &[])? {
        if let Some(record) = found.get_mut(&row.text("heartbeat")?) {
            record.open.push(open(&row)?);
        }
    }
    Ok(found)
}

fn open(row: &Row) -> Result<Open> {
    Ok(Open { run: row.text_opt("run")?, started_at: row.int_opt("started_at")?.unwrap_or_default() })
}

/// The runs of a heartbeat, newest first.
///
/// # Errors
/// When the engine refuses.
pub fn runs(c: &mut dyn Conn, name: &str, limit: i64) -> Result<Vec<Run>> {
    let sql = "SELECT number, run, started_at, ended_at, outcome, exit_status, message, actor_kind, actor FROM heartbeat_runs
               WHERE heartbeat = $1 ORDER BY number DESC LIMIT $2";
    let run = |row: &Row| {
        Ok(Run {
            number: row.int("number")?,
            run: row.text_opt("run")?,
            started_at: row.int_opt("started_at")?,
            ended_at: row.int_opt("ended_at")?,
            outcome: Outcome::of(&row.text("outcome")?),
            exit_status: row.int_opt("exit_status")?,
            message: row.text_opt("message")?,
            actor: (row.text("actor_kind")?, row.text("actor")?),
        })
    };
    c.query(sql, vals![name, limit])?.iter().map(run).collect()
}

/// The number of the newest run under way with this id, and when it began. Without an id: of one that has none.
pub(super) fn under_way(c: &mut dyn Conn, name: &str, run: Option<&str>) -> Result<Option<(i64, Option<Millis>)>> {
    let sql = "SELECT number, started_at FROM heartbeat_runs
               WHERE heartbeat = $1 AND outcome = 'running' AND COALESCE(run, '') = $2 ORDER BY number DESC LIMIT 1";
    let row = c.first(sql, vals![name, run.unwrap_or_default()])?;
    row.map(|row| Ok((row.int("number")?, row.int_opt("started_at")?))).transpose()
}

/// Add a run.
pub(super) fn add(c: &mut dyn Conn, name: &str, run: &Run, actor: &Actor) -> Result<()> {
    c.exec(
        "INSERT INTO heartbeat_runs (heartbeat, number, run, started_at, ended_at, outcome, exit_status, message, actor_kind, actor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        vals![
            name,
            run.number,
            run.run.as_deref(),
            run.started_at,
            run.ended_at,
            run.outcome.as_str(),
            run.exit_status,
            run.message.as_deref(),
            actor.kind.as_str(),
            &actor.name
        ],
    )?;
    Ok(())
}

/// End a run that is under way.
pub(super) fn end(c: &mut dyn Conn, name: &str, run: &Run) -> Result<()> {
    c.exec(
        "UPDATE heartbeat_runs SET ended_at = $3, outcome = $4, exit_status = $5, message = $6 WHERE heartbeat = $1 AND number = $2",
        vals![name, run.number, run.ended_at, run.outcome.as_str(), run.exit_status, run.message.as_deref()],
    )?;
    Ok(())
}

/// Write down what is known of a heartbeat; its runs have rows of their own.
pub(super) fn store(c: &mut dyn Conn, name: &str, stored: &Stored, now: Millis) -> Result<()> {
    let record = &stored.record;
    let recent = serde_json::to_string(&record.recent).unwrap_or_else(|_| "[]".to_owned());
    c.exec(
        "INSERT INTO heartbeats (name, schedule, schedule_at, last_ping_at, last_end_at, failed, failed_since, up_since, last_failure_at,
           last_failure, recent, runs)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (name) DO UPDATE SET schedule = excluded.schedule, schedule_at = excluded.schedule_at,
           last_ping_at = excluded.last_ping_at, last_end_at = excluded.last_end_at, failed = excluded.failed,
           failed_since = excluded.failed_since, up_since = excluded.up_since, last_failure_at = excluded.last_failure_at,
           last_failure = excluded.last_failure, recent = excluded.recent, runs = excluded.runs",
        vals![
            name,
            &stored.schedule,
            record.schedule_at.unwrap_or(now),
            record.last_ping_at,
            record.last_end_at,
            i64::from(record.failed),
            record.failed_since,
            record.up_since,
            record.last_failure.as_ref().map(|(at, _)| *at),
            record.last_failure.as_ref().map(|(_, text)| text.as_str()),
            recent,
            stored.runs
        ],
    )?;
    Ok(())
}

/// Take away runs beyond the newest thousand of a heartbeat; those under way stay. Returns how many went.
pub(super) fn trim(c: &mut dyn Conn, name: &str, runs: i64) -> Result<u64> {
    c.exec("DELETE FROM heartbeat_runs WHERE heartbeat = $1 AND number <= $2 AND outcome <> 'running'", vals![name, runs - KEPT])
}
