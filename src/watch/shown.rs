//! The board for programs: one object for the command line and for HTTP, with times as RFC 3339. Pure.

use super::board::{Board, Kind, Line, System};
use super::health::Status;
use crate::base::{Millis, SafeText, clock};
use serde_json::{Value, json};

fn time(at: Option<Millis>) -> Option<String> {
    at.map(clock::rfc3339)
}

/// A line. `state` is its status, or `paused` or `maintenance` where that holds it.
#[must_use]
pub fn line(line: &Line) -> Value {
    let state = match (&line.paused, line.maintenance_until) {
        (Some(_), _) => json!("paused"),
        (None, Some(_)) => json!("maintenance"),
        (None, None) => json!(line.status),
    };
    let text = |text: &str| SafeText::line(text).as_str().to_owned();
    json!({
        "id": line.id,
        "system": line.system,
        "name": line.name,
        "kind": line.kind,
        "status": line.status,
        "state": state,
        "since": time(line.since),
        "reason": text(&line.reason),
        "last_error": line.last_error.as_ref().map(|(at, error)| json!({ "at": clock::rfc3339(*at), "error": text(error) })),
        "latency_us": line.latencies.last().copied().flatten(),
        "last_at": time(line.last_at),
        "next_at": time(line.next_at),
        "remedy": line.remedy,
        "paused": line.paused.as_ref().map(|(by, until)| json!({ "by": by, "until": time(*until) })),
        "maintenance_until": time(line.maintenance_until),
        "held_because": line.held_because.as_deref().map(text),
        "detail": line.detail,
    })
}

fn system(one: &System) -> Value {
    json!({ "name": one.name, "status": one.status, "lines": one.lines.iter().map(line).collect::<Vec<_>>() })
}

/// The whole: its status, who probes, the finding about our own network, every system with its lines, what hurts most first. `components` are
/// the parts of the deck alone.
#[must_use]
pub fn board(board: &Board) -> Value {
    json!({
        "status": board.status,
        "at": clock::rfc3339(board.at),
        "watcher": board.watcher,
        "network": board.network,
        "components": components(board),
        "systems": board.systems.iter().map(system).collect::<Vec<_>>(),
    })
}

/// The parts of the deck: name, status, reason, numbers.
#[must_use]
pub fn components(board: &Board) -> Vec<Value> {
    let own = own(board).map(
        |line| json!({ "name": line.name, "status": line.status, "reason": SafeText::line(&line.reason).as_str(), "detail": line.detail }),
    );
    own.collect()
}

fn own(board: &Board) -> impl Iterator<Item = &Line> {
    board.systems.iter().flat_map(|system| &system.lines).filter(|line| line.kind == Kind::Own)
}

/// Whether work can be given to this process: the database answers, and the loops that it is to run do. Targets outside do not count: a deck
/// that is restarted because somebody else is down helps nobody.
#[must_use]
pub fn is_ready(board: &Board, runs_agents: bool) -> bool {
    let status = |id: &str| board.line(id).map(|line| line.status);
    let works = status("own/database").is_some_and(|status| status < Status::Unhealthy);
    let runs = status("own/agent").is_some_and(|status| matches!(status, Status::Healthy | Status::Degraded));
    works && (!runs_agents || runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, status: Status) -> Line {
        Line {
            id: format!("own/{name}"),
            system: "quarterdeck".to_owned(),
            name: name.to_owned(),
            kind: Kind::Own,
            status,
            since: None,
            reason: String::new(),
            last_error: None,
            latencies: Vec::new(),
            last_at: None,
            next_at: None,
            remedy: None,
            paused: None,
            maintenance_until: None,
            held_because: None,
            detail: Value::Null,
        }
    }

    #[test]
    fn the_whole_is_as_its_worst_part_and_ready_needs_what_it_needs() {
        let of = |database, agent| Board::of(vec![part("database", database), part("agent", agent)], 0, None, None);
        let unknown = of(Status::Healthy, Status::Unknown);
        assert_eq!(board(&unknown)["status"], "unknown");
        assert!(is_ready(&unknown, false) && !is_ready(&unknown, true), "a loop that nothing is known of does not run");
        let broken = of(Status::Unhealthy, Status::Healthy);
        assert_eq!(board(&broken)["status"], "unhealthy");
        assert!(!is_ready(&broken, false));
    }
}
