//! The line of a heartbeat on the board.

use super::rows;
use super::rules::{self, Held, Record, State, View};
use super::schedule;
use crate::base::Millis;
use crate::store::{Conn, Result};
use crate::watch::board::{Kind, Line, Remedy};
use crate::watch::probe::model::Heartbeat;
use serde_json::json;

/// The lines of all of them, in their order. Nothing is written.
///
/// # Errors
/// When the engine refuses.
pub fn lines(c: &mut dyn Conn, heartbeats: &[Heartbeat], now: Millis) -> Result<Vec<Line>> {
    let records = rows::records(c)?;
    let none = Record::default();
    Ok(heartbeats.iter().map(|heartbeat| look(heartbeat, records.get(&heartbeat.name).unwrap_or(&none), Held::default(), now)).collect())
}

/// The line of one, with who holds it.
#[must_use]
pub fn look(heartbeat: &Heartbeat, record: &Record, held: Held<'_>, now: Millis) -> Line {
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
