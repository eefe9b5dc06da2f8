//! The queue and the outbox: leases that are over, answers that were lost, what is late, and pauses that were forgotten.

use crate::base::{Millis, clock::duration};
use crate::moderation::depth::{self, Depth};
use crate::moderation::{self, State, pauses, queue};
use crate::rounds::found::{Found, Look, count};
use crate::rounds::patient::Patient;
use crate::rounds::rows;
use crate::store::audit::Actor;
use crate::store::{self};
use serde_json::json;

const HOUR: Millis = 3_600_000;
/// A pause that stands for longer was perhaps forgotten.
const LONG_PAUSE: Millis = 24 * HOUR;
/// What was to be sent before this is late.
const LATE: Millis = 5 * 60_000;
/// How far a sweep is repeated: five hundred items each.
const SWEEPS: u32 = 1_000;

/// No item stays with a reviewer whose time is over.
pub(super) fn leases(patient: &Patient) -> Look {
    let now = patient.now();
    let [claims, holds, drafts] = patient.read(move |c| rows::overdue_claims(c, now).map_err(|error: store::Error| error))?;
    let detail = json!({ "claims": claims, "holds": holds, "drafts_past_their_time": drafts });
    if claims + holds + drafts == 0 {
        return Ok(Found::pass("no lease, hold or draft is past its time").detail(detail));
    }
    let mut parts = Vec::new();
    for (number, one, many) in [(claims, "lease is", "leases are"), (holds, "hold is", "holds are"), (drafts, "draft is", "drafts are")] {
        if number > 0 {
            parts.push(count(number, one, many));
        }
    }
    let why = format!("{} past their time: nobody lets deadlines pass while no agent runs", parts.join(", "));
    Ok(Found::warn(why).remedy("hand them back", "quarterdeck doctor --fix --only leases").detail(detail))
}

/// Let deadlines pass, as the agent does.
pub(super) fn sweep(patient: &Patient, _: &Actor) -> Result<String, Found> {
    let now = patient.now();
    let mut all = queue::Swept::default();
    for _ in 0..SWEEPS {
        let swept = patient.db()?.write_blocking(move |c| queue::sweep(c, now))?;
        if swept == queue::Swept::default() {
            break;
        }
        all.expired += swept.expired;
        all.leases_ended += swept.leases_ended;
        all.holds_ended += swept.holds_ended;
    }
    Ok(format!(
        "handed back {} and {}, ended {}",
        count(all.leases_ended as i64, "lease", "leases"),
        count(all.holds_ended as i64, "hold", "holds"),
        count(all.expired as i64, "draft past its time", "drafts past their time")
    ))
}

/// Items in a state.
pub(in crate::rounds) fn of(depths: &[Depth], state: State) -> i64 {
    depths.iter().filter(|depth| depth.state == state).map(|depth| depth.items).sum()
}

/// Nothing is late, and every answer of Reddit is known.
pub(in crate::rounds) fn deliveries(patient: &Patient) -> Look {
    let now = patient.now();
    let (depths, late, paused) = patient
        .read(move |c| Ok::<_, moderation::Error>((depth::depths(c)?, depth::overdue(c, now - LATE)?, pauses::list(c, now)?.len())))?;
    let (unknown, unresolved, sending) = (of(&depths, State::Unknown), of(&depths, State::Unresolved), of(&depths, State::Sending));
    let detail = json!({ "late": late, "unknown": unknown, "unresolved": unresolved, "sending": sending, "pauses": paused });
    let found = match () {
        () if late > 0 && paused == 0 => {
            Found::fail(format!("{} to be sent more than five minutes ago", count(late, "approved item was", "approved items were")))
                .remedy("start the agent, which sends them", "quarterdeck agent run")
        }
        () if unresolved > 0 => {
            Found::warn(format!("{} for a person to tell whether they arrived", count(unresolved, "delivery waits", "deliveries wait")))
                .remedy("look on Reddit, and say what became of them", "quarterdeck queue list --state unresolved")
        }
        () if unknown > 0 => Found::warn(format!("the answer of {} was lost", count(unknown, "delivery", "deliveries")))
            .remedy("let the agent read what became of them", "quarterdeck agent run"),
        () if late > 0 => Found::warn(format!("{} held back by a pause", count(late, "item is", "items are")))
            .remedy("end the pause when its reason is gone", "quarterdeck pause"),
        () => Found::pass("nothing is late, and every answer is known"),
    };
    Ok(found.detail(detail))
}

/// No pause was forgotten.
pub(super) fn pauses(patient: &Patient) -> Look {
    let now = patient.now();
    let standing = patient.read(move |c| pauses::list(c, now))?;
    let detail = json!({ "pauses": standing });
    let forgotten = |pause: &&pauses::Pause| now - pause.paused_at > LONG_PAUSE && pause.until.is_none();
    Ok(match standing.iter().filter(forgotten).min_by_key(|pause| pause.paused_at) {
        Some(pause) => {
            let what = if pause.scope == "*" { "all sending".to_owned() } else { pause.scope.clone() };
            let since = duration(now - pause.paused_at);
            Found::warn(format!("{what} has been paused for {since} by {}: {}", pause.paused_by, pause.reason))
                .remedy("end it when its reason is gone", "quarterdeck resume")
        }
        None if standing.is_empty() => Found::pass("nothing is paused"),
        None => Found::pass(format!("{}, none of them for long", count(standing.len(), "pause stands", "pauses stand"))),
    }
    .detail(detail))
}
