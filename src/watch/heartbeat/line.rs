//! The line of a heartbeat on the board.

use super::rows;
use super::rules::{self, Held, Record, State, View};
use super::schedule;
use crate::base::Millis;
use crate::store::{Conn, Result};
use crate::watch::board::{Kind, Line, Remedy};
use crate::watch::probe::maintenance;
use crate::watch::probe::model::{Definitions, Heartbeat, Scope, Window};
use crate::watch::probe::pauses::{self, Pause};
use serde_json::json;
use std::collections::BTreeMap;

/// What is known of all heartbeats at a moment, and who holds them.
#[derive(Debug, Default)]
pub struct Known {
    records: BTreeMap<String, Record>,
    pauses: BTreeMap<String, Pause>,
    ended_pauses: BTreeMap<String, Millis>,
}

impl Known {
    /// Read it.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn read(c: &mut dyn Conn, now: Millis) -> Result<Self> {
        Ok(Self { records: rows::records(c)?, pauses: pauses::standing(c, now)?, ended_pauses: pauses::ended(c, now)? })
    }

    /// The pause that stands.
    #[must_use]
    pub fn pause(&self, name: &str) -> Option<&Pause> {
        self.pauses.get(name)
    }

    /// How one is, with these maintenance windows.
    #[must_use]
    pub fn view(&self, heartbeat: &Heartbeat, windows: &[Window], now: Millis) -> View {
        self.with(heartbeat, windows, |record, held| rules::view(heartbeat, record, held, now))
    }

    fn with<T>(&self, heartbeat: &Heartbeat, windows: &[Window], then: impl FnOnce(&Record, Held<'_>) -> T) -> T {
        let covers = |window: &&Window| match &window.scope {
            Scope::All => true,
            Scope::System(system) => *system == heartbeat.system,
            Scope::Probe(name) => *name == heartbeat.name,
        };
        let windows: Vec<&Window> = windows.iter().filter(covers).collect();
        let window_end = |at: Millis| windows.iter().filter_map(|window| maintenance::closes(&window.when, at)).max();
        let held = Held {
            is_paused: self.pauses.contains_key(&heartbeat.name),
            resumed_at: self.ended_pauses.get(&heartbeat.name).copied(),
            window_end: if windows.is_empty() { None } else { Some(&window_end) },
        };
        then(self.records.get(&heartbeat.name).unwrap_or(&Record::default()), held)
    }
}

/// The lines of all of them, in their order. Nothing is written.
///
/// # Errors
/// When the engine refuses.
pub fn lines(c: &mut dyn Conn, definitions: &Definitions, now: Millis) -> Result<Vec<Line>> {
    let known = Known::read(c, now)?;
    let line = |heartbeat| known.with(heartbeat, &definitions.maintenance, |record, held| look(heartbeat, record, held, now));
    Ok(definitions.heartbeats.iter().map(line).collect())
}

/// The line of one, with who holds it.
#[must_use]
fn look(heartbeat: &Heartbeat, record: &Record, held: Held<'_>, now: Millis) -> Line {
    let view = rules::view(heartbeat, record, held, now);
    let latencies =
        record.recent.iter().map(|duration| duration.map(|millis| u64::try_from(millis).unwrap_or_default().saturating_mul(1_000)));
    Line {
        id: format!("heartbeat/{}", heartbeat.name),
        system: heartbeat.system.clone(),
        name: heartbeat.name.clone(),
        kind: Kind::Heartbeat,
        status: view.state.status(),
        since: view.since,
        reason: view.reason.clone(),
        last_error: record.last_failure.clone(),
        latencies: latencies.collect(),
        last_at: record.last_ping_at,
        next_at: view.next.first().copied(),
        remedy: remedy(heartbeat, &view),
        paused: None,
        maintenance_until: held.window_end.and_then(|window_end| window_end(now)),
        held_because: None,
        detail: json!({
            "state": view.state,
            "schedule": schedule::shown(&heartbeat.schedule),
            "next": view.next,
            "due": view.due,
            "down_at": view.down_at,
            "running": view.running,
        }),
    }
}

fn remedy(heartbeat: &Heartbeat, view: &View) -> Option<Remedy> {
    let text = match view.state {
        State::Up | State::Grace | State::Paused => return None,
        State::New => "let the job report: `quarterdeck heartbeat run NAME -- COMMAND` around it, or a POST to /heartbeat/NAME",
        State::Down if !view.running.is_empty() => "see whether the run is still at work; end it, and report it with its --run",
        State::Down => "look at the job's own log and its scheduler, then run it by hand",
    };
    Some(Remedy {
        text: heartbeat.remedy.clone().unwrap_or_else(|| text.to_owned()),
        command: heartbeat.command.clone().or_else(|| Some(format!("quarterdeck heartbeat show {}", heartbeat.name))),
        maintenance: None,
    })
}
