//! The loops: whether they are heard of, how their last cycles went, and whether they are stuck.

use super::{Part, remedy};
use crate::agent::runs::{self, Run};
use crate::base::{Millis, SafeText, clock};
use crate::store::{Conn, Result};
use crate::watch::health::Status;
use serde_json::json;

/// Failures in a row from which a loop is unhealthy; it gives up by itself later.
const FAILING: i64 = 3;
/// A cycle that is late by more is stuck: the next one was announced for then.
const STUCK: Millis = 30 * 60_000;

pub(super) fn part(c: &mut dyn Conn, now: Millis) -> Result<Part> {
    Ok(of(&runs::list(c)?, now))
}

fn of(runs: &[Run], now: Millis) -> Part {
    let count = |states: &[&str]| runs.iter().filter(|run| states.contains(&run.state(now))).count();
    let (up, stopped) = (count(&["running", "stopping"]), count(&["stopped"]));
    let (lost, failed) = (count(&["lost"]), count(&["error"]));
    let running = || runs.iter().filter(|run| run.state(now) == "running");
    let failing = running().filter(|run| run.failures_in_a_row > 0).count();
    let worst = running().max_by_key(|run| run.failures_in_a_row);
    let stuck = running().filter(|run| run.next_cycle_at.is_some_and(|at| now - at > STUCK)).count();
    let beat = runs.iter().map(|run| now - run.heartbeat_at).min();
    let last = runs.iter().filter_map(|run| run.last_activity_at).max();
    let detail = json!({
        "running": up, "stopped": stopped, "lost": lost, "ended_by_error": failed, "failing": failing, "heartbeat_age_ms": beat,
        "last_cycle_ms": last.map(|at| now - at), "failures_in_a_row": worst.map_or(0, |run| run.failures_in_a_row), "stuck": stuck,
    });
    let hurt = |status, reason: String, text: &str, command: &str| {
        Part::hurt("agent", status, reason, detail.clone(), remedy(text, Some(command), None))
    };
    let said = |run: Option<&Run>| {
        let error = run.and_then(|run| run.error_message.as_deref());
        error.map(|error| format!(": {}", SafeText::clipped(error, 200))).unwrap_or_default()
    };
    let ended = runs.iter().find(|run| run.state(now) == "error");
    match () {
        () if runs.is_empty() => hurt(
            Status::Unknown,
            "no loop has ever run".to_owned(),
            "Start one, or leave it: reviewing goes without.",
            "quarterdeck agent run",
        ),
        () if lost > 0 => hurt(
            Status::Unhealthy,
            format!("{lost} of the loops is not heard of any more"),
            "Its process died or its machine is away: start it again; what was in flight is put in order then.",
            "quarterdeck agent run",
        ),
        () if failed > 0 => hurt(
            Status::Unhealthy,
            format!("{failed} of the loops ended by an error{}", said(ended)),
            "Read the error, remove its cause, and start the loop again.",
            "quarterdeck agent status",
        ),
        () if failing > 0 => {
            let row = worst.map_or(0, |run| run.failures_in_a_row);
            let status = if row >= FAILING { Status::Unhealthy } else { Status::Degraded };
            hurt(
                status,
                format!("the last cycle of {failing} of the loops failed, {row} in a row{}", said(worst)),
                "It tries again by itself, later each time; the error names the service that fails.",
                "quarterdeck agent status",
            )
        }
        () if stuck > 0 => hurt(
            Status::Degraded,
            format!("{stuck} of the loops is more than {} late for its cycle", clock::duration(STUCK)),
            "It waits for something: a model or Reddit that does not answer. Stop it and start it again.",
            "quarterdeck agent stop",
        ),
        () if up == 0 => hurt(
            Status::Degraded,
            "no loop runs: all were stopped".to_owned(),
            "Start them when they are to act again.",
            "quarterdeck agent run",
        ),
        () => Part::healthy("agent", format!("{up} of {} loops run", runs.len()), detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PersonaId;

    fn run(status: &str, beat: Millis, failures: i64) -> Run {
        Run {
            persona_id: PersonaId::from_stored("p"),
            status: status.into(),
            process: "host:1".into(),
            started_at: 0,
            heartbeat_at: beat,
            last_activity_at: None,
            next_cycle_at: None,
            cycle_count: 3,
            failures_in_a_row: failures,
            error_message: None,
            stop_requested_by: None,
        }
    }

    #[test]
    fn a_loop_is_what_its_heart_says_and_no_loop_is_unknown() {
        let now = 100_000_000;
        let late = Run { next_cycle_at: Some(now - STUCK - 1), ..run("running", now, 0) };
        for (runs, status) in [
            (vec![], Status::Unknown),
            (vec![run("running", now, 0)], Status::Healthy),
            (vec![run("running", now, 0), run("running", now - runs::DEAD_AFTER - 1, 0)], Status::Unhealthy),
            (vec![run("error", now, 0)], Status::Unhealthy),
            (vec![run("running", now, 2)], Status::Degraded),
            (vec![run("running", now, FAILING)], Status::Unhealthy),
            (vec![late], Status::Degraded),
            (vec![run("stopped", 0, 0)], Status::Degraded),
        ] {
            assert_eq!(of(&runs, now).status, status, "{runs:?}");
        }
    }
}
