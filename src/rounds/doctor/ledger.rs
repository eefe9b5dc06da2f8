//! The ledger of model calls: its sums against the calls, and what is held for calls that are over.

use crate::base::{Millis, Picos};
use crate::llm::budget::admission;
use crate::llm::ledger::lookup;
use crate::llm::ledger::rollup::{self, DAY, Difference};
use crate::rounds::found::{Found, Look, count};
use crate::rounds::patient::Patient;
use crate::rounds::rows;
use crate::store::audit::Actor;
use crate::store::{self, Conn};
use serde_json::json;
use std::time::{Duration, Instant};

/// Days are compared, the newest first, for as long as this.
const COMPARING: Duration = Duration::from_secs(12);
/// Differences that are told.
const TOLD: usize = 20;
/// A call of which nothing was heard for this long has ended.
const CALL: Millis = 3_600_000;

/// What was compared.
struct Compared {
    days: u32,
    differences: Vec<Difference>,
    is_all: bool,
}

fn compare(c: &mut dyn Conn, now: Millis) -> store::Result<Option<Compared>> {
    let Some(first) = lookup::first_call(c)? else { return Ok(None) };
    let started = Instant::now();
    let (today, first) = (now - now.rem_euclid(DAY), first - first.rem_euclid(DAY));
    let mut compared = Compared { days: 0, differences: Vec::new(), is_all: true };
    // A row of a clock that was ahead stands in a day to come.
    let mut day = today + DAY;
    while day >= first {
        if started.elapsed() > COMPARING {
            compared.is_all = false;
            break;
        }
        compared.differences.extend(rollup::differences(c, day, day + DAY)?);
        compared.days += 1;
        day -= DAY;
    }
    Ok(Some(compared))
}

/// Whether the calls of a difference are all there: where the sums know more calls than are left, making them anew would lose them.
fn can_rebuild(difference: &Difference) -> bool {
    difference.calls.1 >= difference.calls.0
}

/// The sums are what the calls add up to.
pub(super) fn sums(patient: &Patient) -> Look {
    let now = patient.now();
    let Some(compared) = patient.read(move |c| compare(c, now))? else {
        return Ok(Found::pass("there is no call in the ledger yet"));
    };
    let differences = &compared.differences;
    let told: Vec<_> = differences.iter().take(TOLD).collect();
    let detail = json!({ "days": compared.days, "all_days": compared.is_all, "differences": differences.len(), "first": told });
    let span = if compared.is_all { "every day".to_owned() } else { format!("the last {} days", compared.days) };
    let found = match differences.iter().find(|difference| can_rebuild(difference)) {
        None if differences.is_empty() => Found::pass(format!("the sums of {span} are what the calls add up to")),
        None => Found::warn(format!("{} of {span} know more calls than the ledger still has", count(differences.len(), "sum", "sums")))
            .remedy("nothing is to be done when retention took the calls away; else look for them in a backup", "quarterdeck backup list"),
        Some(first) => {
            let day = crate::base::clock::rfc3339(first.start);
            let why = format!(
                "{} of {span} are wrong; the first: {} calls by the sums and {} by counting, {} of {} at {day}",
                count(differences.len(), "sum", "sums"),
                first.calls.0,
                first.calls.1,
                first.model,
                first.module
            );
            Found::fail(why).remedy("make the sums anew from the calls", "quarterdeck doctor --fix --only ledger")
        }
    };
    Ok(found.detail(detail))
}

/// Make the sums of the days anew that are wrong, where all calls are there. Each day is one transaction.
pub(super) fn rebuild(patient: &Patient, _: &Actor) -> Result<String, Found> {
    let now = patient.now();
    let differences = patient.read(move |c| compare(c, now))?.map(|compared| compared.differences).unwrap_or_default();
    let day = |difference: &Difference| difference.start - difference.start.rem_euclid(DAY);
    let mut days: Vec<Millis> = differences.iter().map(day).collect();
    days.sort_unstable();
    days.dedup();
    let whole = |one: &Millis| differences.iter().filter(|difference| day(difference) == *one).all(can_rebuild);
    let (rebuilt, left): (Vec<Millis>, Vec<Millis>) = days.into_iter().partition(whole);
    for day in &rebuilt {
        let day = *day;
        patient.db()?.write_blocking(move |c| rollup::rebuild(c, day, day + DAY))?;
    }
    let left = if left.is_empty() { String::new() } else { format!("; left {} whose calls are gone", count(left.len(), "day", "days")) };
    Ok(format!("made the sums of {} anew{left}", count(rebuilt.len(), "day", "days")))
}

/// No budget is held by calls that are over.
pub(super) fn reservations(patient: &Patient) -> Look {
    let now = patient.now();
    let ((calls, picos), unended) =
        patient.read(move |c| Ok::<_, store::Error>((rows::orphaned_reservations(c, now)?, rows::calls_without_end(c, now - CALL)?)))?;
    let detail = json!({ "orphaned": calls, "picos": picos, "calls_without_end": unended });
    let found = match (calls, unended) {
        (0, 0) => Found::pass("nothing is held for calls that are over"),
        (0, _) => Found::warn(format!("of {} the end is not known", count(unended, "call", "calls")))
            .remedy("the next start of the agent settles them", "quarterdeck models recover"),
        _ => Found::warn(format!(
            "{} of budgets are held for {} that {} over",
            Picos(picos),
            count(calls, "call", "calls"),
            if calls == 1 { "is" } else { "are" }
        ))
        .remedy("settle them with what the ledger knows", "quarterdeck doctor --fix --only reservations"),
    };
    Ok(found.detail(detail))
}

/// Settle what nobody settled.
pub(super) fn recover(patient: &Patient, _: &Actor) -> Result<String, Found> {
    let now = patient.now();
    let settled = patient.db()?.write_blocking(move |c| admission::recover(c, now))?;
    Ok(format!("settled the reservations of {}", count(i64::try_from(settled).unwrap_or(i64::MAX), "call", "calls")))
}
