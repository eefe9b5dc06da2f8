//! The queue, and what is to be sent.

use super::super::services::{OVERDUE, refused};
use super::{Part, remedy};
use crate::base::Millis;
use crate::moderation::depth::{self, Depth};
use crate::moderation::{State, pauses};
use crate::store::{Conn, Result};
use crate::watch::health::Status;
use serde_json::json;

pub(super) fn parts(c: &mut dyn Conn, now: Millis) -> Result<(Part, Part)> {
    let depths = depth::depths(c).map_err(|error| refused(&error))?;
    let overdue = depth::overdue(c, now - OVERDUE).map_err(|error| refused(&error))?;
    let paused = pauses::list(c, now).map_err(|error| refused(&error))?.len();
    Ok((queue(&depths, now), outbox(&depths, overdue, paused)))
}

fn of(depths: &[Depth], states: &[State]) -> i64 {
    depths.iter().filter(|depth| states.contains(&depth.state)).map(|depth| depth.items).sum()
}

fn queue(depths: &[Depth], now: Millis) -> Part {
    let waiting = of(depths, &[State::Pending, State::Blocked, State::Claimed, State::Held]);
    let oldest = depths.iter().filter(|depth| depth.state == State::Pending).filter_map(|depth| depth.oldest_at).min();
    let detail = json!({ "waiting": waiting, "oldest_pending_ms": oldest.map(|at| now - at) });
    Part::healthy("queue", format!("{waiting} items wait for a decision"), detail)
}

/// Late by more than five minutes is unhealthy, unless a pause holds it; what waits for a person, or for a lost answer, is degraded.
fn outbox(depths: &[Depth], overdue: i64, paused: usize) -> Part {
    let count = |state| of(depths, &[state]);
    let (unknown, unresolved) = (count(State::Unknown), count(State::Unresolved));
    let detail = json!({
        "scheduled": count(State::Scheduled), "sending": count(State::Sending), "unknown": unknown, "unresolved": unresolved,
        "overdue": overdue, "pauses": paused,
    });
    let hurt = |status, reason: String, text: &str, command: &str| {
        Part::hurt("outbox", status, reason, detail.clone(), remedy(text, Some(command), None))
    };
    match () {
        () if unresolved > 0 => hurt(
            Status::Degraded,
            format!("{unresolved} deliveries wait for a person to tell whether they arrived"),
            "Look on Reddit whether they are there, and say so.",
            "quarterdeck queue list --state unresolved",
        ),
        () if overdue > 0 && paused == 0 => hurt(
            Status::Unhealthy,
            format!("{overdue} approved items were to be sent more than five minutes ago"),
            "See whether the loop of the persona runs; it sends.",
            "quarterdeck agent status",
        ),
        () if unknown > 0 => hurt(
            Status::Degraded,
            format!("the answer of {unknown} deliveries was lost; reading will tell"),
            "Wait for the next look, some minutes; nothing is sent twice.",
            "quarterdeck queue list --state unknown",
        ),
        () if overdue > 0 => hurt(
            Status::Degraded,
            format!("{overdue} items are held back by a pause"),
            "Lift the pause when its reason is gone.",
            "quarterdeck pause",
        ),
        () => Part::healthy("outbox", "nothing is late", detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_is_unhealthy_unless_it_is_held_back() {
        let depth = |state, items| vec![Depth { state, items, oldest_at: None }];
        assert_eq!(outbox(&[], 0, 0).status, Status::Healthy);
        assert_eq!(outbox(&[], 2, 0).status, Status::Unhealthy);
        assert_eq!(outbox(&[], 2, 1).status, Status::Degraded);
        assert_eq!(outbox(&depth(State::Unresolved, 1), 0, 0).status, Status::Degraded);
    }
}
