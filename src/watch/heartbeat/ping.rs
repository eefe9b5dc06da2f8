//! What a job reports: that a run begins, that it has ended well, or not. Each is one transaction with the caller's.

use super::rows::{self, Outcome, Run, Stored};
use super::rules::{self, Held, State, View};
use super::schedule;
use crate::base::{Millis, SafeText};
use crate::store::audit::{self, Actor};
use crate::store::{self, Conn, feed};
use crate::upkeep::runs::TOPIC;
use crate::watch::probe::model::Heartbeat;
use serde::Serialize;
use serde_json::json;

/// Runs of one heartbeat that may be under way at once.
pub const MOST: usize = 100;
/// Durations that the board shows.
const RECENT: usize = 30;
/// Columns of a message.
const LONGEST: usize = 300;
/// A run that took longer has no duration: its beginning and its end hardly belong together. 72 hours.
const LONGEST_RUN: Millis = 72 * 3_600_000;

/// Why a report is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The id of the run is not one. It is not repeated.
    #[error("the id of a run has 1 to 64 of the characters a-z A-Z 0-9 . _ : -")]
    Run,
    /// So many runs are under way that none of them can be meant to end.
    #[error("{MOST} runs of {name} are under way: end them with `quarterdeck heartbeat fail {name} --run ID`")]
    TooMany {
        /// The heartbeat.
        name: String,
    },
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A report.
#[derive(Debug, Clone, Copy)]
pub struct Ping<'a> {
    /// The id of the run, where several may be under way at once.
    pub run: Option<&'a str>,
    /// What its command ended with.
    pub exit_status: Option<i32>,
    /// What it has to say.
    pub message: Option<&'a str>,
    /// Who reports.
    pub actor: &'a Actor,
    /// When.
    pub at: Millis,
}

/// What came of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pinged {
    /// The heartbeat.
    pub name: String,
    /// The run.
    pub run: Option<String>,
    /// How long it took, in milliseconds, when it said that it began.
    pub duration_ms: Option<Millis>,
    /// How the heartbeat is now.
    pub view: View,
}

/// See whether schedules have changed, so that a change counts from now on and not from the last report. Returns how many have.
///
/// # Errors
/// When the engine refuses.
pub fn adopt(c: &mut dyn Conn, heartbeats: &[Heartbeat], now: Millis) -> store::Result<u64> {
    let unseen = unseen(c, heartbeats)?;
    for heartbeat in &unseen {
        let stored = with_schedule(rows::find(c, &heartbeat.name)?, heartbeat, now);
        rows::store(c, &heartbeat.name, &stored, now)?;
    }
    Ok(unseen.len() as u64)
}

/// Those whose schedule was not seen as it is now.
///
/// # Errors
/// When the engine refuses.
pub fn unseen<'a>(c: &mut dyn Conn, heartbeats: &'a [Heartbeat]) -> store::Result<Vec<&'a Heartbeat>> {
    if heartbeats.is_empty() {
        return Ok(Vec::new());
    }
    let known = rows::schedules(c)?;
    let is_seen = |heartbeat: &Heartbeat| known.get(&heartbeat.name) == Some(&schedule::word(&heartbeat.schedule));
    Ok(heartbeats.iter().filter(|heartbeat| !is_seen(heartbeat)).collect())
}

fn with_schedule(known: Option<Stored>, heartbeat: &Heartbeat, now: Millis) -> Stored {
    let mut stored = known.unwrap_or_default();
    let schedule = schedule::word(&heartbeat.schedule);
    if stored.schedule != schedule {
        stored.schedule = schedule;
        stored.record.schedule_at = Some(now);
    }
    stored
}

/// A run begins.
///
/// # Errors
/// As [`Error`] says.
pub fn start(c: &mut dyn Conn, heartbeat: &Heartbeat, ping: &Ping<'_>) -> Result<Pinged, Error> {
    let (mut stored, _) = prepared(c, heartbeat, ping)?;
    // Without an id it cannot be told from the one before, which has not ended.
    if let Some((number, started_at)) = rows::under_way(c, &heartbeat.name, ping.run)? {
        rows::end(c, &heartbeat.name, &run(number, ping, started_at, Some(ping.at), Outcome::Lost))?;
    } else if stored.record.open.len() >= MOST {
        return Err(Error::TooMany { name: heartbeat.name.clone() });
    }
    stored.runs += 1;
    rows::add(c, &heartbeat.name, &run(stored.runs, ping, Some(ping.at), None, Outcome::Running), ping.actor)?;
    finished(c, heartbeat, stored, ping, "heartbeat_start", None)
}

/// A run has ended well.
///
/// # Errors
/// As [`Error`] says.
pub fn success(c: &mut dyn Conn, heartbeat: &Heartbeat, ping: &Ping<'_>) -> Result<Pinged, Error> {
    let (mut stored, before) = prepared(c, heartbeat, ping)?;
    let duration = ended(c, heartbeat, &mut stored, ping, Outcome::Success)?;
    let record = &mut stored.record;
    record.failed = false;
    record.failed_since = None;
    if !matches!(before.state, State::Up | State::Grace) || record.up_since.is_none() {
        record.up_since = Some(ping.at);
    }
    if matches!(before.state, State::Down | State::New) {
        let action = if before.state == State::New { "heartbeat.first" } else { "heartbeat.recovered" };
        changed(c, heartbeat, ping, action, before.state)?;
    }
    finished(c, heartbeat, stored, ping, "heartbeat_success", duration)
}

/// A run has failed.
///
/// # Errors
/// As [`Error`] says.
pub fn fail(c: &mut dyn Conn, heartbeat: &Heartbeat, ping: &Ping<'_>) -> Result<Pinged, Error> {
    let (mut stored, before) = prepared(c, heartbeat, ping)?;
    let duration = ended(c, heartbeat, &mut stored, ping, Outcome::Failure)?;
    let record = &mut stored.record;
    if !record.failed {
        record.failed_since = Some(ping.at);
        changed(c, heartbeat, ping, "heartbeat.failed", before.state)?;
    }
    record.failed = true;
    let status = ping.exit_status.map(|status| format!("exit status {status}"));
    let said = ping.message.map(safe).filter(|text| !text.is_empty());
    let text = match (status, said) {
        (Some(status), Some(said)) => format!("{status}: {said}"),
        (status, said) => status.or(said).unwrap_or_default(),
    };
    record.last_failure = Some((ping.at, safe(&text)));
    finished(c, heartbeat, stored, ping, "heartbeat_failure", duration)
}

/// What is known before a report, and how the heartbeat is then.
fn prepared(c: &mut dyn Conn, heartbeat: &Heartbeat, ping: &Ping<'_>) -> Result<(Stored, View), Error> {
    let is_id = |run: &str| {
        (1..=64).contains(&run.len()) && run.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-'))
    };
    if ping.run.is_some_and(|run| !is_id(run)) {
        return Err(Error::Run);
    }
    let stored = with_schedule(rows::find(c, &heartbeat.name)?, heartbeat, ping.at);
    let view = rules::view(heartbeat, &stored.record, Held::default(), ping.at);
    Ok((stored, view))
}

fn safe(text: &str) -> String {
    SafeText::clipped(text.trim(), LONGEST).as_str().to_owned()
}

fn run(number: i64, ping: &Ping<'_>, started_at: Option<Millis>, ended_at: Option<Millis>, outcome: Outcome) -> Run {
    Run {
        number,
        run: ping.run.map(str::to_owned),
        started_at,
        ended_at,
        outcome,
        exit_status: ping.exit_status.map(i64::from),
        message: ping.message.map(safe).filter(|text| !text.is_empty()),
        actor: (ping.actor.kind.as_str().to_owned(), ping.actor.name.clone()),
    }
}

/// End the run that a report is of, or write down one that did not say when it began. Its duration.
fn ended(c: &mut dyn Conn, heartbeat: &Heartbeat, stored: &mut Stored, ping: &Ping<'_>, outcome: Outcome) -> Result<Option<Millis>, Error> {
    let duration = match rows::under_way(c, &heartbeat.name, ping.run)? {
        Some((number, started_at)) => {
            rows::end(c, &heartbeat.name, &run(number, ping, started_at, Some(ping.at), outcome))?;
            started_at.map(|started_at| ping.at - started_at).filter(|duration| (0..LONGEST_RUN).contains(duration))
        }
        None => {
            stored.runs += 1;
            rows::add(c, &heartbeat.name, &run(stored.runs, ping, None, Some(ping.at), outcome), ping.actor)?;
            None
        }
    };
    let record = &mut stored.record;
    // A clock that was set back does not take the last report back.
    record.last_end_at = record.last_end_at.max(Some(ping.at));
    record.recent.push(duration.filter(|_| outcome == Outcome::Success));
    let more = record.recent.len().saturating_sub(RECENT);
    record.recent.drain(..more);
    rows::trim(c, &heartbeat.name, stored.runs)?;
    Ok(duration)
}

fn changed(c: &mut dyn Conn, heartbeat: &Heartbeat, ping: &Ping<'_>, action: &str, before: State) -> Result<(), Error> {
    let message = ping.message.map(safe).filter(|text| !text.is_empty());
    let entry = audit::Entry {
        at: ping.at,
        persona: None,
        actor: ping.actor,
        action,
        subject_kind: "heartbeat",
        subject_id: &heartbeat.name,
        reason: message.as_deref(),
        before: &json!({ "state": before }),
        after: &json!({ "run": ping.run, "exit_status": ping.exit_status }),
    };
    audit::append(c, &entry)?;
    Ok(())
}

fn finished(
    c: &mut dyn Conn,
    heartbeat: &Heartbeat,
    mut stored: Stored,
    ping: &Ping<'_>,
    kind: &str,
    duration_ms: Option<Millis>,
) -> Result<Pinged, Error> {
    stored.record.last_ping_at = stored.record.last_ping_at.max(Some(ping.at));
    rows::store(c, &heartbeat.name, &stored, ping.at)?;
    feed::append(c, ping.at, TOPIC, None, kind, &heartbeat.name)?;
    let record = rows::find(c, &heartbeat.name)?.unwrap_or_default().record;
    let view = rules::view(heartbeat, &record, Held::default(), ping.at);
    Ok(Pinged { name: heartbeat.name.clone(), run: ping.run.map(str::to_owned), duration_ms, view })
}

#[cfg(test)]
mod tests;
