//! How quickly a write gets through, and who is in the way. Measured by tiny writes that change nothing.

use super::super::health::Status;
use super::super::probe::rows;
use crate::base::Millis;
use crate::store::holders::{Holder, Role};
use crate::store::pulse::Reading;
use crate::store::{Conn, Result};
use crate::vals;
use serde_json::{Value, json};
use std::time::Duration;

/// A write that takes longer is slow.
pub const SLOW: Duration = Duration::from_millis(500);
/// A write that takes longer keeps decisions waiting.
pub const STUCK: Duration = Duration::from_secs(2);
/// How far back measurements of other processes count.
const BACK: Millis = 60_000;
/// The name under which measurements are kept.
const NAME: &str = "own/database";

/// Write down a measurement, by the process that probes.
///
/// # Errors
/// When the engine refuses.
pub fn note(c: &mut dyn Conn, pulse: &Reading, now: Millis) -> Result<()> {
    let Some(took) = pulse.slowest.into_iter().chain(pulse.waiting).max() else { return Ok(()) };
    let status = verdict(took, pulse.refused);
    let took = pulse.last.map_or(took, |last| if status == Status::Healthy { last } else { took });
    let error = (pulse.refused > 0).then_some("a write was refused: the database is locked");
    rows::measured(c, NAME, now, status, u64::try_from(took.as_micros()).ok(), error)
}

/// What a latency says.
#[must_use]
pub fn verdict(took: Duration, refused: usize) -> Status {
    match () {
        () if refused > 0 || took >= STUCK => Status::Unhealthy,
        () if took >= SLOW => Status::Degraded,
        () => Status::Healthy,
    }
}

/// The measurements of the last minute: ours, and those that the process that probes wrote down.
///
/// # Errors
/// When the engine refuses.
pub(super) fn measured(c: &mut dyn Conn, pulse: &Reading, now: Millis) -> Result<(Option<Duration>, usize)> {
    let row = c.first(
        "SELECT max(latency_us) AS slowest, CAST(sum(CASE WHEN error IS NULL THEN 0 ELSE 1 END) AS BIGINT) AS refused
         FROM probe_results WHERE name = $1 AND at > $2 AND at <= $3",
        vals![NAME, now - BACK, now],
    )?;
    let (slowest, refused) = match row {
        Some(row) => (row.int_opt("slowest")?, row.int_opt("refused")?.unwrap_or(0)),
        None => (None, 0),
    };
    let slowest = slowest.map(|micros| Duration::from_micros(micros.unsigned_abs()));
    let slowest = pulse.slowest.into_iter().chain(pulse.waiting).chain(slowest).max();
    Ok((slowest, pulse.refused + usize::try_from(refused).unwrap_or(0)))
}

/// Latencies of the last measurements, oldest first.
///
/// # Errors
/// When the engine refuses.
pub fn latencies(c: &mut dyn Conn, now: Millis) -> Result<Vec<Option<u64>>> {
    let results = rows::results(c, NAME, now - 10 * BACK..now + 1)?;
    let from = results.len().saturating_sub(rows::RECENT);
    Ok(results.iter().skip(from).map(|one| one.latency_us.and_then(|micros| u64::try_from(micros).ok())).collect())
}

/// Who holds the database, of those who have it open: whoever writes, else whoever keeps others waiting.
pub(super) fn culprit(holders: &[Holder]) -> Option<&Holder> {
    holders.iter().filter(|holder| matches!(holder.role, Role::Writes | Role::Recovers)).min_by_key(|holder| (holder.is_self, holder.since))
}

/// Numbers for the board.
pub(super) fn detail(slowest: Option<Duration>, refused: usize, holder: Option<&Holder>) -> Value {
    json!({ "slowest_write_ms": slowest.map(|slowest| slowest.as_millis()), "refused_writes": refused, "held_by": holder.map(Holder::name) })
}
