//! Which loops run, where, and since when: one row per persona. The row is also how a loop is asked to stop from another process.

use crate::base::{Millis, PersonaId};
use crate::store::audit::{self, Actor};
use crate::store::{self, Conn, Row, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};

/// A loop beats its heart this often.
pub const HEARTBEAT: Millis = 5_000;
/// A loop on another machine whose heart was not heard for this long is dead. Longer than any request that writes may take.
pub const DEAD_AFTER: Millis = 60_000;

/// The state of a persona's loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Whose loop.
    pub persona_id: PersonaId,
    /// `running`, `stopping`, `stopped` or `error` as its process left it; see [`Run::state`].
    pub status: String,
    /// `host:pid` of its process.
    pub process: String,
    /// When it was started.
    pub started_at: Millis,
    /// When it was last heard of.
    pub heartbeat_at: Millis,
    /// When it last did something for the persona.
    pub last_activity_at: Option<Millis>,
    /// When the next cycle begins.
    pub next_cycle_at: Option<Millis>,
    /// How many cycles it made.
    pub cycle_count: i64,
    /// How many cycles failed since the last good one.
    pub failures_in_a_row: i64,
    /// What the last failure was.
    pub error_message: Option<String>,
    /// Who asked it to stop.
    pub stop_requested_by: Option<String>,
}

impl Run {
    /// What the loop is really doing: a `running` whose heart stopped is `lost`.
    #[must_use]
    pub fn state(&self, now: Millis) -> &str {
        let alive = matches!(self.status.as_str(), "running" | "stopping");
        if alive && now - self.heartbeat_at > DEAD_AFTER { "lost" } else { &self.status }
    }
}

fn run(row: &Row) -> store::Result<Run> {
    Ok(Run {
        persona_id: PersonaId::from_stored(row.text("persona_id")?),
        status: row.text("status")?,
        process: row.text("process")?,
        started_at: row.int("started_at")?,
        heartbeat_at: row.int("heartbeat_at")?,
        last_activity_at: row.int_opt("last_activity_at")?,
        next_cycle_at: row.int_opt("next_cycle_at")?,
        cycle_count: row.int("cycle_count")?,
        failures_in_a_row: row.int("failures_in_a_row")?,
        error_message: row.text_opt("error_message")?,
        stop_requested_by: row.text_opt("stop_requested_by")?,
    })
}

/// The run of one persona, if it ever ran.
///
/// # Errors
/// When the engine refuses.
pub fn get(c: &mut dyn Conn, persona: &PersonaId) -> store::Result<Option<Run>> {
    c.first("SELECT * FROM agent_runs WHERE persona_id = $1", vals![persona])?.map(|row| run(&row)).transpose()
}

/// Every run.
///
/// # Errors
/// When the engine refuses.
pub fn list(c: &mut dyn Conn) -> store::Result<Vec<Run>> {
    c.query("SELECT * FROM agent_runs ORDER BY started_at", &[])?.iter().map(run).collect()
}

/// Take the persona's loop for this process. `holds_lock` says that the caller holds the lock of its data directory for the persona: a row
/// of this machine is then a leftover, unless its process is alive and keeps its lock in another directory. Returns the run that is in the
/// way, if one.
///
/// # Errors
/// When the engine refuses.
pub fn acquire(
    c: &mut dyn Conn,
    persona: &PersonaId,
    process: &str,
    parameters: &Value,
    holds_lock: bool,
    now: Millis,
) -> store::Result<Option<Run>> {
    let host = |process: &str| process.rsplit_once(':').map_or_else(String::new, |(host, _)| host.to_owned());
    let leftover = |other: &str| holds_lock && host(other) == host(process) && (other == process || !lives(other));
    if let Some(other) = get(c, persona)?
        && matches!(other.status.as_str(), "running" | "stopping")
        && now - other.heartbeat_at <= DEAD_AFTER
        && !leftover(&other.process)
    {
        return Ok(Some(other));
    }
    c.exec(
        "INSERT INTO agent_runs (persona_id, status, process, started_at, heartbeat_at, cycle_count, failures_in_a_row, parameters)
         VALUES ($1, 'running', $2, $3, $3, 0, 0, $4)
         ON CONFLICT (persona_id) DO UPDATE SET status = 'running', process = $2, started_at = $3, heartbeat_at = $3, last_activity_at = NULL,
           next_cycle_at = NULL, cycle_count = 0, failures_in_a_row = 0, error_message = NULL, stop_requested_at = NULL,
           stop_requested_by = NULL, parameters = $4",
        vals![persona, process, now, parameters.to_string()],
    )?;
    note(c, persona, &Actor::system(process), "agent.start", None, &json!({ "status": "running", "process": process }), now)?;
    Ok(None)
}

/// Whether the process of this machine that `process` names is alive and runs our program, as far as the system tells.
pub(crate) fn lives(process: &str) -> bool {
    let stat = |id: &str| std::fs::read_to_string(format!("/proc/{id}/stat")).ok();
    // `123 (quarterdeck) S …`: the name, and Z for one that is dead and not yet buried.
    let name_and_state = |stat: String| {
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        Some((name.to_owned(), rest.trim_start().chars().next()?))
    };
    let other = process.rsplit_once(':').and_then(|(_, id)| stat(id)).and_then(name_and_state);
    let own = stat("self").and_then(name_and_state);
    matches!((other, own), (Some((name, state)), Some((ours, _))) if name == ours && !matches!(state, 'Z' | 'X'))
}

/// Beat the heart. Returns whether the loop has been asked to stop, or another process took it over.
///
/// # Errors
/// When the engine refuses.
pub fn beat(c: &mut dyn Conn, persona: &PersonaId, process: &str, now: Millis) -> store::Result<bool> {
    let mine = c.exec("UPDATE agent_runs SET heartbeat_at = $3 WHERE persona_id = $1 AND process = $2", vals![persona, process, now])?;
    let asked = c.first(
        "SELECT stop_requested_at FROM agent_runs WHERE persona_id = $1 AND process = $2 AND stop_requested_at IS NOT NULL",
        vals![persona, process],
    )?;
    Ok(mine == 0 || asked.is_some())
}

/// Write down how a cycle went, and when the next one begins.
///
/// # Errors
/// When the engine refuses.
pub fn cycle_done(
    c: &mut dyn Conn,
    persona: &PersonaId,
    process: &str,
    failure: Option<&str>,
    next_at: Millis,
    now: Millis,
) -> store::Result<()> {
    c.exec(
        "UPDATE agent_runs SET cycle_count = cycle_count + 1, heartbeat_at = $3, last_activity_at = $3, next_cycle_at = $4,
           failures_in_a_row = CASE WHEN CAST($5 AS TEXT) IS NULL THEN 0 ELSE failures_in_a_row + 1 END, error_message = $5
         WHERE persona_id = $1 AND process = $2",
        vals![persona, process, now, next_at, failure],
    )?;
    feed::append(c, now, "agent", Some(persona), "agent_status_changed", persona.as_str())?;
    Ok(())
}

/// The loop has ended: `stopped`, or `error` with what was wrong.
///
/// # Errors
/// When the engine refuses.
pub fn ended(c: &mut dyn Conn, persona: &PersonaId, process: &str, error: Option<&str>, now: Millis) -> store::Result<()> {
    let status = if error.is_some() { "error" } else { "stopped" };
    let changed = c.exec(
        "UPDATE agent_runs SET status = $3, heartbeat_at = $4, next_cycle_at = NULL, error_message = $5 WHERE persona_id = $1 AND process = $2",
        vals![persona, process, status, now, error],
    )?;
    if changed > 0 {
        note(c, persona, &Actor::system(process), "agent.end", error, &json!({ "status": status }), now)?;
    }
    Ok(())
}

/// Ask a loop to stop. Returns whether one was running.
///
/// # Errors
/// When the engine refuses.
pub fn request_stop(c: &mut dyn Conn, persona: &PersonaId, actor: &Actor, now: Millis) -> store::Result<bool> {
    let asked = c.exec(
        "UPDATE agent_runs SET status = 'stopping', stop_requested_at = $2, stop_requested_by = $3
         WHERE persona_id = $1 AND status IN ('running', 'stopping') AND heartbeat_at >= $4",
        vals![persona, now, &actor.name, now - DEAD_AFTER],
    )?;
    if asked > 0 {
        note(c, persona, actor, "agent.stop", None, &json!({ "status": "stopping" }), now)?;
    }
    Ok(asked > 0)
}

fn note(
    c: &mut dyn Conn,
    persona: &PersonaId,
    actor: &Actor,
    action: &str,
    reason: Option<&str>,
    after: &Value,
    at: Millis,
) -> store::Result<()> {
    let (before, subject_id) = (Value::Null, persona.as_str());
    audit::append(
        c,
        &audit::Entry { at, persona: Some(persona), actor, action, subject_kind: "agent", subject_id, reason, before: &before, after },
    )?;
    feed::append(c, at, "agent", Some(persona), "agent_status_changed", subject_id)?;
    Ok(())
}
