//! The loops of the agents: which are not heard of any more, ended by an error, or keep failing.

use crate::agent::runs;
use crate::base::clock::duration;
use crate::rounds::found::{Found, Look, count};
use crate::rounds::patient::Patient;
use serde_json::json;

/// Every loop that should run is heard of.
pub(in crate::rounds) fn look(patient: &Patient) -> Look {
    let now = patient.now();
    let runs = patient.read(runs::list)?;
    let of = |state: &str| runs.iter().filter(|run| run.state(now) == state).collect::<Vec<_>>();
    let (lost, failed, running) = (of("lost"), of("error"), of("running"));
    let failing = running.iter().filter(|run| run.failures_in_a_row > 0).count();
    let detail = json!({
        "loops": runs.len(), "running": running.len(), "lost": lost.len(), "ended_by_error": failed.len(), "failing": failing,
    });
    let found = match () {
        () if runs.is_empty() => Found::unknown("no loop has ever run").remedy("start them", "quarterdeck agent run"),
        () if !lost.is_empty() => {
            let silent = lost.iter().map(|run| now - run.heartbeat_at).max().unwrap_or_default();
            let processes: Vec<&str> = lost.iter().map(|run| run.process.as_str()).collect();
            let why = format!(
                "{} not heard of for {}: {} ended without saying so",
                count(lost.len(), "loop was", "loops were"),
                duration(silent),
                processes.join(", ")
            );
            Found::fail(why).remedy("start them again: what was in flight is looked up, and nothing is sent twice", "quarterdeck agent run")
        }
        () if !failed.is_empty() => {
            let why = failed.iter().find_map(|run| run.error_message.clone()).unwrap_or_default();
            Found::fail(format!("{} ended by an error: {why}", count(failed.len(), "loop was", "loops were")))
                .remedy("see why, then start it again", "quarterdeck agent status")
        }
        () if failing > 0 => Found::warn(format!("the last cycle of {} failed", count(failing, "loop", "loops")))
            .remedy("see why", "quarterdeck agent status"),
        () if running.is_empty() => Found::warn("no loop runs: all were stopped").remedy("start them", "quarterdeck agent run"),
        () => Found::pass(format!("{} of {} run", running.len(), count(runs.len(), "loop", "loops"))),
    };
    Ok(found.detail(detail))
}
