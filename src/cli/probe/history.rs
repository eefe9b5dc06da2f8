//! `quarterdeck probe history`. JSON: `{name, status, changes: […], sums: […], by, results: […]}`.

use super::super::output::{Table, age};
use super::super::{Context, Failure, Outcome};
use super::{known, source, tone};
use crate::base::clock;
use crate::deck::Deck;
use crate::store::Error;
use crate::watch::own;
use crate::watch::probe::rows;
use crate::watch::probe::state::latency;
use serde_json::json;

/// Results that are shown.
const RESULTS: usize = 20;

pub(super) fn run(context: &Context, name: &str, last: i64) -> Result<Outcome, Failure> {
    let deck = Deck::open_existing(context.settings()?, context.clock.clone())?;
    let now = context.clock.now();
    let by_hours = last <= rows::KEEP_HOURS;
    let wanted = name.to_owned();
    let (state, changes, sums, results) = deck.db.read_blocking(move |c| {
        let window = now - last..now + 1;
        let sums = if by_hours {
            // The hour that the window begins in counts as a whole.
            rows::hours(c, &wanted, now - last - 3_600_000..now + 1)?
        } else {
            rows::days(c, &wanted, now - last - 86_400_000..now + 1)?
        };
        Ok::<_, Error>((rows::state(c, &wanted)?, rows::changes(c, &wanted, window.clone())?, sums, rows::results(c, &wanted, window)?))
    })?;
    let is_own = name.strip_prefix("own/").is_some_and(|part| part == "probes" || own::NAMES.contains(&part));
    if state.is_none() && !is_own {
        known(&source(context)?, name)?;
    }
    let newest = results.get(results.len().saturating_sub(RESULTS)..).unwrap_or_default();
    let status = state.as_ref().map(|state| state.state.status);
    let value = json!({
        "name": name, "status": status, "since": state.as_ref().and_then(|state| state.state.since),
        "reason": state.as_ref().map(|state| &state.reason), "changes": changes, "by": if by_hours { "hour" } else { "day" },
        "sums": sums.iter().map(|sum| json!({ "sum": sum, "available": sum.available(), "mean_us": sum.mean_us() })).collect::<Vec<_>>(),
        "results": results,
    });
    context.out.either(&value, || {
        let words = status.map_or_else(|| "no result yet".to_owned(), |status| status.to_string());
        let since = state.as_ref().and_then(|state| state.state.since).map(|at| age(at, now)).unwrap_or_default();
        let why = state.as_ref().map(|state| state.reason.clone()).unwrap_or_default();
        context.out.pairs(&[("status", words), ("since", since), ("why", why)])?;
        let mut table = Table::new(&["when", "from", "to", "why"]);
        for change in changes.iter().rev() {
            table.row([clock::local(change.at), change.from.to_string(), change.to.to_string(), change.reason.clone()]);
            table.tone(2, tone(change.to));
        }
        context.out.table(&table, "its state has not changed in this time")?;
        let mut table = Table::new(&["from", "results", "available", "failed", "slow", "mean", "slowest"]);
        for column in 1..7 {
            table = table.right(column);
        }
        for sum in sums.iter().rev() {
            let micros = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).map(latency).unwrap_or_default();
            table.row([
                clock::local(sum.start),
                sum.results.to_string(),
                sum.available().map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", share * 100.0)),
                sum.failures.to_string(),
                sum.degraded.to_string(),
                micros(sum.mean_us()),
                micros((sum.latency_count > 0).then_some(sum.latency_us_max)),
            ]);
        }
        context.out.table(&table, "there are no results in this time")?;
        let mut table = Table::new(&["when", "result", "took", "why"]).right(2);
        for one in newest.iter().rev() {
            let took = one.latency_us.and_then(|micros| u64::try_from(micros).ok()).map(latency).unwrap_or_default();
            table.row([clock::local(one.at), one.status.to_string(), took, one.error.clone().unwrap_or_default()]);
            table.tone(1, tone(one.status));
        }
        if newest.is_empty() { Ok(()) } else { context.out.table(&table, "") }
    })?;
    Ok(Outcome::Done)
}
