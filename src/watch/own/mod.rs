//! The parts of the deck itself: how each of them is, why, and the one thing to try first. What nothing is known of is unknown.
//!
//! | file | what it looks at |
//! |---|---|
//! | `database`, [`writer`] | answers, how quickly a write gets through and who is in the way, the log, disk, integrity |
//! | `index` | what search has taken in, its vectors, its last comparison with an exact search |
//! | `outbox` | the queue and what is to be sent |
//! | `agent` | the loops |
//! | `rates` | Reddit's limits, as the loops know them |
//! | `models` | what the last calls of models came to |
//! | `budgets` | what may be spent |
//! | `feed` | how far behind those who follow the change feed are |
//! | [`memory`] | memory of our processes over time |
//! | `keeping` | ages of backup, drill, and of the audit log's verification |
//!
//! Every threshold stands in its file, and in docs/health.md. Nothing here changes anything but its own samples.

mod agent;
mod budgets;
mod database;
mod feed;
mod index;
mod keeping;
pub mod memory;
mod models;
mod outbox;
mod rates;
pub mod writer;

use super::board::{Kind, Line, Maintenance, Remedy};
use super::health::Status;
use super::probe::file::Current;
use super::probe::model::Definitions;
use super::probe::rows::{self, Stored};
use crate::base::{Clock, Millis};
use crate::config::Settings;
use crate::store::{self, Address, Conn, Database};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// A database that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a look waits for its own tiny write. One that takes longer is slow: so a look that nobody follows tells it, too.
const BEAT: Duration = writer::SLOW;

/// The names of the parts that are always there.
pub const NAMES: [&str; 17] = [
    "database",
    "disk",
    "integrity",
    "agent",
    "queue",
    "outbox",
    "reddit",
    "models",
    "budgets",
    "index",
    "recall",
    "feed",
    "memory",
    "backup",
    "drill",
    "audit",
    "watcher",
];

/// Where things are, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The directory of kept data.
    pub data_dir: Option<PathBuf>,
    /// After this the newest backup is overdue; as the defaults of the settings have it where it is not said.
    pub backup_overdue: Option<Millis>,
    /// After this the newest drill is overdue; in the same way.
    pub drill_overdue: Option<Millis>,
}

impl Facts {
    /// As the settings say.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let (hours, days) = (settings.backup.max_age_hours, settings.backup.drill_days);
        Self {
            data_dir: Some(settings.data_dir.clone()),
            backup_overdue: Some(Millis::from(hours) * 3_600_000),
            drill_overdue: Some(Millis::from(days) * 86_400_000),
        }
    }
}

/// How a part is.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// How it is.
    pub status: Status,
    /// Why, in a sentence.
    pub reason: String,
    /// Numbers behind it.
    pub detail: Value,
    /// What to try first; `None` when it is healthy.
    pub remedy: Option<Remedy>,
}

impl Part {
    /// A part that is well.
    pub(super) fn healthy(name: &'static str, reason: impl Into<String>, detail: Value) -> Self {
        Self { name, status: Status::Healthy, reason: reason.into(), detail, remedy: None }
    }

    /// A part that nothing is known of, or that is not well.
    pub(super) fn hurt(name: &'static str, status: Status, reason: impl Into<String>, detail: Value, remedy: Remedy) -> Self {
        Self { name, status, reason: reason.into(), detail, remedy: Some(remedy) }
    }

    /// Its name on the board and among the states: `own/database`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("own/{}", self.name)
    }

    /// Its line, with what is stored of it.
    #[must_use]
    pub fn line(self, stored: Option<&Stored>, now: Millis) -> Line {
        // Where nobody probes nobody writes down since when it is so.
        let same = stored.filter(|stored| stored.state.status == self.status);
        let since = same.and_then(|stored| stored.state.since);
        Line {
            id: self.id(),
            system: "quarterdeck".to_owned(),
            name: self.name.to_owned(),
            kind: Kind::Own,
            status: self.status,
            since,
            last_error: stored.and_then(|stored| stored.last_error.clone()),
            reason: self.reason,
            latencies: Vec::new(),
            last_at: Some(now),
            next_at: None,
            remedy: self.remedy,
            paused: None,
            maintenance_until: None,
            held_because: None,
            detail: self.detail,
        }
    }
}

/// What to try first.
pub(super) fn remedy(text: impl Into<String>, command: Option<&str>, maintenance: Option<Maintenance>) -> Remedy {
    Remedy { text: text.into(), command: command.map(str::to_owned), maintenance }
}

/// Look at every part. Never longer than some seconds, however the database is.
pub async fn look(db: &Database, facts: &Facts, clock: &dyn Clock) -> Vec<Part> {
    let now = clock.now();
    let beat = db.beat();
    // Whether it ended in time or not, the pulse tells.
    let _ = tokio::time::timeout(BEAT, beat).await;
    let (pulse, address, known) = (db.pulse(), db.address().clone(), facts.clone());
    let started = std::time::Instant::now();
    let read = tokio::time::timeout(PATIENCE, db.read(move |c| parts(c, &known, &address, &pulse, started, now))).await;
    match read {
        Ok(Ok(parts)) => parts,
        Ok(Err(error)) => {
            // What the engine says may name hosts and files: it goes to the log.
            tracing::warn!(%error, "health: the database refused");
            unanswered("it refuses; the log says why", started.elapsed())
        }
        Err(_) => unanswered("it does not answer within five seconds", started.elapsed()),
    }
}

fn unanswered(reason: &str, took: Duration) -> Vec<Part> {
    let detail = json!({ "millis": took.as_millis() });
    let part = |name| {
        if name == "database" {
            let remedy = remedy(
                "See whether the database runs and its disk has room; the log says what it answered.",
                Some("quarterdeck db status"),
                Some(Maintenance::CheckDatabase),
            );
            return Part::hurt(name, Status::Unhealthy, reason, detail.clone(), remedy);
        }
        let first = remedy("Help the database first.", Some("quarterdeck db status"), None);
        Part::hurt(name, Status::Unknown, "the database does not answer", Value::Null, first)
    };
    NAMES.map(part).to_vec()
}

fn parts(
    c: &mut dyn Conn,
    facts: &Facts,
    address: &Address,
    pulse: &store::pulse::Reading,
    started: std::time::Instant,
    now: Millis,
) -> store::Result<Vec<Part>> {
    let (queue, outbox) = outbox::parts(c, now)?;
    let mut all = vec![
        agent::part(c, now)?,
        queue,
        outbox,
        rates::part(c, now)?,
        models::part(c, now)?,
        budgets::part(c, now)?,
        index::part(c, facts)?,
        index::recall(c, now)?,
        feed::part(c, now)?,
        memory::part(c, now)?,
    ];
    all.extend(keeping::parts(c, facts, now)?);
    all.push(watcher(c, now)?);
    let database = database::parts(c, facts, address, pulse, started, now)?;
    all.splice(0..0, database);
    Ok(all)
}

/// Whether somebody probes.
fn watcher(c: &mut dyn Conn, now: Millis) -> store::Result<Part> {
    let found = super::probe::lease::watcher(c)?;
    let detail =
        json!({ "process": found.as_ref().map(|watcher| &watcher.process), "beat_at": found.as_ref().map(|watcher| watcher.beat_at) });
    let first = || {
        let text = "Nobody probes: let the agent, the console or `serve` run.";
        remedy(text, Some("quarterdeck serve"), None)
    };
    Ok(match found {
        Some(watcher) if watcher.is_alive(now) => match watcher.network {
            Some(network) => {
                let first =
                    remedy("See whether this machine reaches anything: its own address, the gateway, the name servers.", None, None);
                Part::hurt("watcher", Status::Degraded, network, detail, first)
            }
            None => Part::healthy("watcher", format!("{} probes", watcher.process), detail),
        },
        Some(watcher) if watcher.process.is_empty() => {
            Part::hurt("watcher", Status::Unknown, "nobody probes now: the process that did has ended", detail, first())
        }
        Some(watcher) => {
            let age = now.saturating_sub(watcher.beat_at);
            let reason = match crate::base::clock::duration(age.saturating_abs()) {
                ahead if age < 0 => format!("{} probed last, by a clock that is {ahead} ahead of this one", watcher.process),
                ago => format!("{} probed last, and was not heard of for {ago}", watcher.process),
            };
            Part::hurt("watcher", Status::Degraded, reason, detail, first())
        }
        None => Part::hurt("watcher", Status::Unknown, "nobody has probed yet", detail, first()),
    })
}

/// How the file of probes is: a part only where there is something to say.
#[must_use]
pub fn probes(current: &Current) -> Option<Part> {
    let count = current.definitions.probes.len();
    let detail = json!({ "probes": count, "heartbeats": current.definitions.heartbeats.len() });
    match &current.broken {
        None if count == 0 && current.definitions.heartbeats.is_empty() => None,
        None => Some(Part::healthy("probes", format!("{count} probes are defined"), detail)),
        Some(broken) => {
            let first = broken.faults.first().map(ToString::to_string).unwrap_or_default();
            let stays = if count == 0 { "nothing is probed until it is right" } else { "what was in force stays so" };
            let reason = format!("probes.toml is broken, {stays}: {first}");
            let first = remedy("Correct the file; it is taken up by itself.", Some("quarterdeck probe validate"), None);
            Some(Part::hurt("probes", Status::Degraded, reason, detail, first))
        }
    }
}

/// Write down which heartbeats changed.
///
/// # Errors
/// When the engine refuses.
pub fn heartbeats(c: &mut dyn Conn, definitions: &Definitions, now: Millis) -> store::Result<()> {
    for line in super::boards::heartbeats(c, definitions, now)? {
        rows::note(c, &line.id, line.status, &line.reason, &line.detail, now)?;
    }
    Ok(())
}
