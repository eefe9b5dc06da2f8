//! States, results, sums and changes of probes in the database. One statement reads the states of all of them.

use super::check::Outcome;
use super::model::Probe;
use super::remedy;
use super::state::{self, State, Thresholds};
use crate::base::{Millis, SafeText};
use crate::store::{Conn, Error, Result, Row, feed};
use crate::upkeep::runs::TOPIC;
use crate::vals;
use crate::watch::health::Status;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// Latencies that are kept beside a state.
pub const RECENT: usize = 30;
const HOUR: Millis = 3_600_000;
const DAY: Millis = 86_400_000;
/// How long single results are kept.
pub const KEEP_RESULTS: Millis = 6 * HOUR;
/// How long the sums of hours are kept.
pub const KEEP_HOURS: Millis = 14 * DAY;
/// How long the sums of days are kept.
pub const KEEP_DAYS: Millis = 400 * DAY;
/// How long samples of memory are kept.
const KEEP_MEMORY: Millis = 7 * DAY;
/// Rows that one transaction takes away at most.
const BATCH: i64 = 1_000;

/// How a probe or an own part stands, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// Why, in a sentence.
    pub reason: String,
    /// The word of the cause.
    pub cause: Option<String>,
    /// Whether it keeps its state because our own network is silent.
    pub is_held: bool,
    /// When it was looked at last.
    pub last_at: Option<Millis>,
    /// When it is looked at next.
    pub next_at: Option<Millis>,
    /// What went wrong last, and when.
    pub last_error: Option<(Millis, String)>,
    /// Latencies of the last results in microseconds, oldest first.
    pub recent: Vec<Option<u64>>,
    /// Numbers behind the last result.
    pub detail: Value,
}

fn status(word: &str) -> Result<Status> {
    word.parse().map_err(|reason: String| Error::Constraint { reason })
}

fn count(row: &Row, column: &str) -> Result<u32> {
    Ok(u32::try_from(row.int(column)?).unwrap_or(0))
}

fn stored(row: &Row) -> Result<Stored> {
    let recent = row.text("recent")?;
    Ok(Stored {
        name: row.text("name")?,
        state: State {
            status: status(&row.text("status")?)?,
            since: row.int_opt("since")?,
            failures: count(row, "failures")?,
            successes: count(row, "successes")?,
            good: count(row, "good")?,
        },
        reason: row.text("reason")?,
        cause: row.text_opt("cause")?,
        is_held: row.flag("is_held")?,
        last_at: row.int_opt("last_at")?,
        next_at: row.int_opt("next_at")?,
        last_error: row.int_opt("last_error_at")?.zip(row.text_opt("last_error")?),
        recent: recent.split(',').filter(|one| !one.is_empty()).map(|one| one.parse().ok()).collect(),
        detail: row.json("detail")?,
    })
}

const COLUMNS: &str = "name, status, since, reason, cause, failures, successes, good, is_held, last_at, next_at, last_error, last_error_at, \
     recent, detail";

/// How every probe and own part stands.
///
/// # Errors
/// When the engine refuses.
pub fn states(c: &mut dyn Conn) -> Result<BTreeMap<String, Stored>> {
    let rows = c.query(&format!("SELECT {COLUMNS} FROM probe_states"), &[])?;
    rows.iter().map(|row| stored(row).map(|one| (one.name.clone(), one))).collect()
}

/// How one probe stands.
///
/// # Errors
/// When the engine refuses.
pub fn state(c: &mut dyn Conn, name: &str) -> Result<Option<Stored>> {
    c.first(&format!("SELECT {COLUMNS} FROM probe_states WHERE name = $1"), vals![name])?.as_ref().map(stored).transpose()
}

/// When each probe was looked at last.
///
/// # Errors
/// When the engine refuses.
pub fn last(c: &mut dyn Conn) -> Result<BTreeMap<String, Millis>> {
    let rows = c.query("SELECT name, last_at FROM probe_states WHERE last_at IS NOT NULL", &[])?;
    rows.iter().map(|row| Ok((row.text("name")?, row.int("last_at")?))).collect()
}

/// A state as it is written.
struct Written<'a> {
    name: &'a str,
    system: &'a str,
    state: State,
    reason: &'a str,
    cause: Option<&'a str>,
    is_held: bool,
    last_at: Millis,
    next_at: Option<Millis>,
    last_error: Option<(Millis, String)>,
    recent: String,
    detail: String,
}

fn write(c: &mut dyn Conn, to: &Written<'_>) -> Result<()> {
    let (error_at, error) = to.last_error.clone().unzip();
    c.exec(
        "INSERT INTO probe_states (name, system, status, since, reason, cause, failures, successes, good, is_held, last_at, next_at,
           last_error, last_error_at, recent, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         ON CONFLICT (name) DO UPDATE SET system = $2, status = $3, since = $4, reason = $5, cause = $6, failures = $7, successes = $8,
           good = $9, is_held = $10, last_at = $11, next_at = $12, last_error = $13, last_error_at = $14, recent = $15, detail = $16",
        vals![
            to.name,
            to.system,
            to.state.status.as_str(),
            to.state.since,
            to.reason,
            to.cause,
            i64::from(to.state.failures),
            i64::from(to.state.successes),
            i64::from(to.state.good),
            to.is_held,
            to.last_at,
            to.next_at,
            error,
            error_at,
            &to.recent,
            &to.detail
        ],
    )?;
    Ok(())
}

/// A change of a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The probe, or `own/<part>`.
    pub name: String,
    /// When.
    pub at: Millis,
    /// From.
    pub from: Status,
    /// To.
    pub to: Status,
    /// Why.
    pub reason: String,
    /// The word of the cause.
    pub cause: Option<String>,
}

fn changed(c: &mut dyn Conn, change: &Change) -> Result<()> {
    c.exec(
        "INSERT INTO probe_changes (name, at, from_status, to_status, reason, cause) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (name, at) DO UPDATE SET to_status = $4, reason = $5, cause = $6",
        vals![&change.name, change.at, change.from.as_str(), change.to.as_str(), &change.reason, change.cause.as_deref()],
    )?;
    feed::append(c, change.at, TOPIC, None, "probe_changed", &change.name)?;
    Ok(())
}

/// A result on its way into the database.
#[derive(Debug, Clone)]
pub struct Taken<'a> {
    /// Whose.
    pub probe: &'a Probe,
    /// What was found.
    pub outcome: &'a Outcome,
    /// When the run began.
    pub at: Millis,
    /// When the next one begins.
    pub next_at: Option<Millis>,
    /// Why it keeps its state, where it does.
    pub held: Option<&'a str>,
}

/// Take in a result: the result itself, the sums of its hour and day, the state, and where that changed a row of changes and one of the
/// feed. One that is known already, as in a batch that is written a second time, counts once. One that is older than the last one by less
/// than a run came late, and changes no state; one that is older than that is of a clock that was set back, and counts.
///
/// # Errors
/// When the engine refuses.
pub fn take(c: &mut dyn Conn, taken: &Taken<'_>) -> Result<Option<Change>> {
    let Taken { probe, outcome, at, next_at, held } = *taken;
    let before = state(c, &probe.name)?;
    let thresholds = Thresholds { failures: probe.failures, successes: probe.successes };
    let verdict = state::verdict(outcome, probe.degraded_over);
    let old = before.as_ref().map(|before| before.state).unwrap_or_default();
    let next = if held.is_some() { old } else { old.after(verdict, thresholds, at) };
    let error = outcome.error.as_deref().map(|error| SafeText::clipped(error, 300).to_string());
    let cause = outcome.cause.map(remedy::word);
    let shown = match verdict {
        state::Verdict::Good => Status::Healthy,
        state::Verdict::Slow => Status::Degraded,
        state::Verdict::Bad => Status::Unhealthy,
        state::Verdict::Nothing => Status::Unknown,
    };
    let counted = if held.is_some() { Status::Unknown } else { shown };
    let is_new = result(c, &probe.name, at, counted, outcome, cause.as_deref(), error.as_deref())?;
    let is_late = before.as_ref().and_then(|before| before.last_at).is_some_and(|last| (at + 1..at + state::run(probe)).contains(&last));
    if !is_new || is_late {
        return Ok(None);
    }
    let reason = match held {
        Some(network) => format!("held in the state it had: {network}"),
        None => state::reason(next, verdict, thresholds, outcome, probe.degraded_over),
    };
    let reason = SafeText::clipped(&reason, 400).to_string();
    let failed = matches!(verdict, state::Verdict::Bad | state::Verdict::Slow);
    let last_error = if failed { Some((at, error.clone().unwrap_or_else(|| reason.clone()))) } else { None };
    let written = Written {
        name: &probe.name,
        system: &probe.system,
        state: next,
        reason: &reason,
        cause: cause.as_deref(),
        is_held: held.is_some(),
        last_at: at,
        next_at,
        last_error: last_error.or_else(|| before.as_ref().and_then(|before| before.last_error.clone())),
        recent: recent(before.as_ref(), outcome.latency_us.filter(|_| verdict != state::Verdict::Bad)),
        detail: outcome.detail.to_string(),
    };
    write(c, &written)?;
    if next.status == old.status {
        return Ok(None);
    }
    let change = Change { name: probe.name.clone(), at, from: old.status, to: next.status, reason, cause };
    changed(c, &change)?;
    Ok(Some(change))
}

/// Give a probe back the state it had when it became unhealthy since `from`: it was our own network.
///
/// # Errors
/// When the engine refuses.
pub fn hold(c: &mut dyn Conn, name: &str, from: Millis, network: &str, now: Millis) -> Result<()> {
    let turned = changes(c, name, from..now + 1)?.into_iter().rev().find(|change| change.to == Status::Unhealthy);
    let (Some(turned), Some(stored)) = (turned, state(c, name)?) else { return Ok(()) };
    if stored.state.status != Status::Unhealthy || turned.from == Status::Unhealthy {
        return Ok(());
    }
    let reason = SafeText::clipped(&format!("held in the state it had: {network}"), 400).to_string();
    c.exec(
        "UPDATE probe_states SET status = $2, since = $3, failures = 0, is_held = 1, reason = $4 WHERE name = $1",
        vals![name, turned.from.as_str(), now, &reason],
    )?;
    changed(c, &Change { name: name.to_owned(), at: now, from: Status::Unhealthy, to: turned.from, reason, cause: None })
}

fn recent(before: Option<&Stored>, latency: Option<u64>) -> String {
    let known = before.map(|before| before.recent.as_slice()).unwrap_or_default();
    let from = (known.len() + 1).saturating_sub(RECENT);
    let kept = known.get(from..).unwrap_or_default().iter().copied().chain([latency]);
    let words: Vec<String> = kept.map(|one| one.map_or_else(|| "-".to_owned(), |micros| micros.to_string())).collect();
    words.join(",")
}

/// Write a result and add it to the sums of its hour and its day. Returns whether it was not there yet.
fn result(
    c: &mut dyn Conn,
    name: &str,
    at: Millis,
    status: Status,
    outcome: &Outcome,
    cause: Option<&str>,
    error: Option<&str>,
) -> Result<bool> {
    let latency = outcome.latency_us.and_then(|micros| i64::try_from(micros).ok());
    let fresh = c.exec(
        "INSERT INTO probe_results (name, at, status, latency_us, value, cause, error) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (name, at) DO NOTHING",
        vals![name, at, status.as_str(), latency, outcome.value, cause, error],
    )?;
    if fresh == 0 {
        return Ok(false);
    }
    let one = |is: Status| i64::from(status == is);
    for (table, length) in [("probe_hours", HOUR), ("probe_days", DAY)] {
        c.exec(
            &format!(
                "INSERT INTO {table} (name, start, results, failures, degraded, unknown, latency_count, latency_us_sum, latency_us_max)
                 VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $7)
                 ON CONFLICT (name, start) DO UPDATE SET results = {table}.results + 1, failures = {table}.failures + $3,
                   degraded = {table}.degraded + $4, unknown = {table}.unknown + $5, latency_count = {table}.latency_count + $6,
                   latency_us_sum = {table}.latency_us_sum + $7,
                   latency_us_max = CASE WHEN $7 > {table}.latency_us_max THEN $7 ELSE {table}.latency_us_max END"
            ),
            vals![
                name,
                at - at.rem_euclid(length),
                one(Status::Unhealthy),
                one(Status::Degraded),
                one(Status::Unknown),
                i64::from(latency.is_some()),
                latency.unwrap_or(0)
            ],
        )?;
    }
    Ok(true)
}

/// How an own part is: written where its status changed, with a row of changes and one of the feed.
///
/// # Errors
/// When the engine refuses.
pub fn note(c: &mut dyn Conn, name: &str, status: Status, reason: &str, detail: &Value, at: Millis) -> Result<bool> {
    let before = state(c, name)?;
    let old = before.as_ref().map(|before| before.state).unwrap_or_default();
    if before.is_some() && old.status == status {
        return Ok(false);
    }
    let hurts = status >= Status::Degraded;
    let last_error = if hurts { Some((at, reason.to_owned())) } else { before.and_then(|before| before.last_error) };
    let written = Written {
        name,
        system: "quarterdeck",
        state: State { status, since: Some(at), ..State::default() },
        reason,
        cause: None,
        is_held: false,
        last_at: at,
        next_at: None,
        last_error,
        recent: String::new(),
        detail: detail.to_string(),
    };
    write(c, &written)?;
    if old.status != status {
        changed(c, &Change { name: name.to_owned(), at, from: old.status, to: status, reason: reason.to_owned(), cause: None })?;
    }
    Ok(true)
}

/// A measurement of an own part, as the latency of a tiny write.
///
/// # Errors
/// When the engine refuses.
pub fn measured(c: &mut dyn Conn, name: &str, at: Millis, status: Status, latency_us: Option<u64>, error: Option<&str>) -> Result<()> {
    let outcome = Outcome { status, latency_us, error: None, cause: None, host: None, value: None, detail: Value::Null };
    result(c, name, at, status, &outcome, None, error).map(drop)
}

/// One result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct One {
    /// When the run began.
    pub at: Millis,
    /// What it said.
    pub status: Status,
    /// How long it took, in microseconds.
    pub latency_us: Option<i64>,
    /// What was measured.
    pub value: Option<f64>,
    /// The word of the cause.
    pub cause: Option<String>,
    /// What was wrong.
    pub error: Option<String>,
}

/// The results of a window, oldest first, at most 10,000 of the newest.
///
/// # Errors
/// When the engine refuses.
pub fn results(c: &mut dyn Conn, name: &str, window: Range<Millis>) -> Result<Vec<One>> {
    let rows = c.query(
        "SELECT at, status, latency_us, value, cause, error FROM probe_results WHERE name = $1 AND at >= $2 AND at < $3
         ORDER BY at DESC LIMIT 10000",
        vals![name, window.start, window.end],
    )?;
    let one = |row: &Row| {
        Ok(One {
            at: row.int("at")?,
            status: status(&row.text("status")?)?,
            latency_us: row.int_opt("latency_us")?,
            value: row.real_opt("value")?,
            cause: row.text_opt("cause")?,
            error: row.text_opt("error")?,
        })
    };
    rows.iter().rev().map(one).collect()
}

/// The sums of an hour or a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// Its first millisecond.
    pub start: Millis,
    /// Results.
    pub results: i64,
    /// Those that failed.
    pub failures: i64,
    /// Those that were slow or complained.
    pub degraded: i64,
    /// Those that could not tell.
    pub unknown: i64,
    /// Those with a latency.
    pub latency_count: i64,
    /// Sum of the latencies, in microseconds.
    pub latency_us_sum: i64,
    /// The longest, in microseconds.
    pub latency_us_max: i64,
}

impl Sum {
    /// Share of the results that could tell and did not fail, 0 to 1; `None` where none could tell.
    #[must_use]
    pub fn available(&self) -> Option<f64> {
        let told = self.results - self.unknown;
        (told > 0).then(|| (told - self.failures) as f64 / told as f64)
    }

    /// The mean latency in microseconds.
    #[must_use]
    pub fn mean_us(&self) -> Option<i64> {
        self.latency_us_sum.checked_div(self.latency_count)
    }
}

fn sums(c: &mut dyn Conn, table: &str, name: &str, window: Range<Millis>) -> Result<Vec<Sum>> {
    let sql = format!(
        "SELECT start, results, failures, degraded, unknown, latency_count, latency_us_sum, latency_us_max FROM {table}
         WHERE name = $1 AND start >= $2 AND start < $3 ORDER BY start"
    );
    let one = |row: &Row| {
        Ok(Sum {
            start: row.int("start")?,
            results: row.int("results")?,
            failures: row.int("failures")?,
            degraded: row.int("degraded")?,
            unknown: row.int("unknown")?,
            latency_count: row.int("latency_count")?,
            latency_us_sum: row.int("latency_us_sum")?,
            latency_us_max: row.int("latency_us_max")?,
        })
    };
    c.query(&sql, vals![name, window.start, window.end])?.iter().map(one).collect()
}

/// The sums of the hours of a window, oldest first. They are kept for 14 days.
///
/// # Errors
/// When the engine refuses.
pub fn hours(c: &mut dyn Conn, name: &str, window: Range<Millis>) -> Result<Vec<Sum>> {
    sums(c, "probe_hours", name, window)
}

/// The sums of the days of a window, oldest first. They are kept for 400 days.
///
/// # Errors
/// When the engine refuses.
pub fn days(c: &mut dyn Conn, name: &str, window: Range<Millis>) -> Result<Vec<Sum>> {
    sums(c, "probe_days", name, window)
}

fn change(row: &Row) -> Result<Change> {
    Ok(Change {
        name: row.text("name")?,
        at: row.int("at")?,
        from: status(&row.text("from_status")?)?,
        to: status(&row.text("to_status")?)?,
        reason: row.text("reason")?,
        cause: row.text_opt("cause")?,
    })
}

/// The changes of a probe's state in a window, oldest first, at most 10,000 of the newest. All are kept.
///
/// # Errors
/// When the engine refuses.
pub fn changes(c: &mut dyn Conn, name: &str, window: Range<Millis>) -> Result<Vec<Change>> {
    let rows = c.query(
        "SELECT name, at, from_status, to_status, reason, cause FROM probe_changes WHERE name = $1 AND at >= $2 AND at < $3
         ORDER BY at DESC LIMIT 10000",
        vals![name, window.start, window.end],
    )?;
    rows.iter().rev().map(change).collect()
}

/// The changes of every state in a window, oldest first, at most 1,000 of the newest.
///
/// # Errors
/// When the engine refuses.
pub fn all_changes(c: &mut dyn Conn, window: Range<Millis>) -> Result<Vec<Change>> {
    let rows = c.query(
        "SELECT name, at, from_status, to_status, reason, cause FROM probe_changes WHERE at >= $1 AND at < $2
         ORDER BY at DESC, name LIMIT 1000",
        vals![window.start, window.end],
    )?;
    rows.iter().rev().map(change).collect()
}

/// Take away what is past its time, a batch of each kind. Returns whether there may be more.
///
/// # Errors
/// When the engine refuses.
pub fn trim(c: &mut dyn Conn, now: Millis) -> Result<bool> {
    let mut more = false;
    for (table, key, time, keep) in [
        ("probe_results", "name", "at", KEEP_RESULTS),
        ("probe_hours", "name", "start", KEEP_HOURS),
        ("probe_days", "name", "start", KEEP_DAYS),
        ("process_memory", "process", "at", KEEP_MEMORY),
    ] {
        let gone = c.exec(
            &format!(
                "DELETE FROM {table} WHERE ({key}, {time}) IN
                   (SELECT {key}, {time} FROM {table} WHERE {time} < $1 ORDER BY {time}, {key} LIMIT $2)"
            ),
            vals![now - keep, BATCH],
        )?;
        more |= i64::try_from(gone).unwrap_or(0) >= BATCH;
    }
    Ok(more)
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
