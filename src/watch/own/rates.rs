//! Reddit's limits: what the loops knew of them when they were heard of last.

use super::{Part, remedy};
use crate::agent::rate_states;
use crate::base::{Millis, clock};
use crate::store::{Conn, Result};
use crate::watch::health::Status;
use serde_json::json;

/// What was known longer ago says nothing any more.
const STALE: Millis = 2 * 60_000;
/// A refusal for too many requests shows for so long.
const SHOWN: Millis = 10 * 60_000;

pub(super) fn part(c: &mut dyn Conn, now: Millis) -> Result<Part> {
    let all = rate_states::list(c)?;
    let known: Vec<_> = all.iter().filter(|state| now - state.at <= STALE).collect();
    let detail = json!({ "accounts": known });
    // It passes by itself: no key has to be offered for it, least of all one that stops everything.
    let wait = |text: &str| remedy(text, Some("quarterdeck agent status"), None);
    let hurt = |reason: String, text: &str| Part::hurt("reddit", Status::Degraded, reason, detail.clone(), wait(text));
    let blocked = known
        .iter()
        .filter_map(|state| state.blocked_until.filter(|until| *until > now).map(|until| (state, until)))
        .max_by_key(|(_, until)| *until);
    if let Some((state, until)) = blocked {
        let left = clock::duration(until - now);
        return Ok(hurt(
            format!("Reddit answered 429 to u/{}: no request leaves for another {left}", state.account),
            "Wait: requests begin again by themselves. When it comes back, run fewer loops or make their interval longer.",
        ));
    }
    if let Some((state, until)) = known.iter().find_map(|state| state.paused_until.filter(|until| *until > now).map(|until| (state, until)))
    {
        let left = clock::duration(until - now);
        return Ok(hurt(
            format!("u/{} may post nothing for another {left}: Reddit said so", state.account),
            "Wait: sending begins again by itself; posting less often keeps it away.",
        ));
    }
    if let Some(state) =
        known.iter().find(|state| state.remaining.is_some_and(|left| left < 1.0) && state.resets_at.is_some_and(|at| at > now))
    {
        let left = clock::duration(state.resets_at.unwrap_or(now) - now);
        return Ok(hurt(
            format!("u/{} has no request left for another {left}", state.account),
            "Wait: its window ends then. When it comes back, make the loop's interval longer.",
        ));
    }
    if let Some(state) = known.iter().find(|state| state.available <= state.reserve as f64) {
        return Ok(hurt(
            format!("the bucket is empty: {:.0} of {} requests, {} of them in reserve", state.available, state.capacity, state.reserve),
            "Wait a minute: one comes back every second. When it stays so, run fewer loops.",
        ));
    }
    if let Some((state, at)) =
        known.iter().filter_map(|state| state.limited_at.filter(|at| now - at <= SHOWN).map(|at| (state, at))).max_by_key(|(_, at)| *at)
    {
        let ago = clock::duration(now - at);
        return Ok(hurt(
            format!("Reddit answered 429 to u/{} {ago} ago", state.account),
            "It goes on by itself. When it comes back, run fewer loops or make their interval longer.",
        ));
    }
    Ok(match known.iter().map(|state| state.available).reduce(f64::min) {
        None => {
            let reason = if all.is_empty() {
                "no loop has told of Reddit's limits yet"
            } else {
                "no loop has told of Reddit's limits for some minutes"
            };
            let first = remedy("Start a loop: it knows.", Some("quarterdeck agent run"), None);
            Part::hurt("reddit", Status::Unknown, reason, detail, first)
        }
        Some(least) => Part::healthy("reddit", format!("{least:.0} requests may leave at once"), detail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reddit::budget::BudgetSnapshot;
    use crate::store::Error;
    use crate::store::testing::database;

    #[test]
    fn a_refusal_and_an_empty_bucket_show_and_old_news_do_not() {
        let (db, _guard) = database();
        let seen = db
            .write_blocking(|c| {
                let whole = BudgetSnapshot {
                    capacity: 60,
                    reserve: 5,
                    available: 60.0,
                    blocked_until: None,
                    limited_at: None,
                    windows: vec![],
                    paused: vec![],
                };
                let mut seen = vec![part(c, 0)?];
                for (snapshot, now) in [
                    (whole.clone(), 1_000),
                    (BudgetSnapshot { blocked_until: Some(90_000), limited_at: Some(1_000), ..whole.clone() }, 2_000),
                    (BudgetSnapshot { limited_at: Some(1_000), ..whole.clone() }, 100_000),
                    (BudgetSnapshot { available: 4.0, ..whole.clone() }, 1_000_000),
                    (BudgetSnapshot { paused: vec![("ann".into(), 3_000_000)], ..whole.clone() }, 2_000_000),
                ] {
                    rate_states::note(c, "ann", "host:1", &snapshot, now)?;
                    seen.push(part(c, now)?);
                }
                seen.push(part(c, 3_000_000)?);
                Ok::<_, Error>(seen)
            })
            .unwrap();
        let statuses: Vec<Status> = seen.iter().map(|part| part.status).collect();
        use Status::{Degraded, Healthy, Unknown};
        assert_eq!(statuses, [Unknown, Healthy, Degraded, Degraded, Degraded, Degraded, Unknown]);
        assert!(seen[2].reason.contains("429") && seen[2].reason.contains("1 min 28 s"), "{}", seen[2].reason);
        assert!(seen[4].reason.contains("bucket is empty") && seen[5].reason.contains("may post nothing"));
    }
}
