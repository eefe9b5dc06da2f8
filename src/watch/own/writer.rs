//! How quickly a write gets through, and who is in the way. Measured by tiny writes that change nothing.

use super::super::health::Status;
use super::super::probe::rows;
use crate::base::Millis;
use crate::store::holders::{Holder, Role};
use crate::store::pulse::{Reading, Refusal};
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

/// Write down what the tiny writes that ended since the last call came to, by the process that probes: one row, or none where none ended.
///
/// # Errors
/// When the engine refuses.
pub fn note(c: &mut dyn Conn, ended: &Reading, now: Millis) -> Result<()> {
    let Some((slowest, last)) = ended.slowest.zip(ended.last) else { return Ok(()) };
    let status = verdict(slowest, ended.refused);
    let took = if status == Status::Healthy { last } else { slowest };
    let error = ended.refusal.map(Refusal::reason);
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

/// How writes got through in the last minute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Measured {
    /// The slowest of them, one that still waits included.
    pub slowest: Option<Duration>,
    /// How many were refused.
    pub refused: usize,
    /// Why the last of those was.
    pub why: Option<String>,
}

/// The measurements of the last minute: ours, and those that the process that probes wrote down.
///
/// # Errors
/// When the engine refuses.
pub(super) fn measured(c: &mut dyn Conn, pulse: &Reading, now: Millis) -> Result<Measured> {
    let row = c.first(
        "SELECT max(latency_us) AS slowest, CAST(sum(CASE WHEN error IS NULL THEN 0 ELSE 1 END) AS BIGINT) AS refused
         FROM probe_results WHERE name = $1 AND at > $2 AND at <= $3",
        vals![NAME, now - BACK, now],
    )?;
    let (slowest, refused) = match row {
        Some(row) => (row.int_opt("slowest")?, row.int_opt("refused")?.unwrap_or(0)),
        None => (None, 0),
    };
    let mut why = pulse.refusal.map(|refusal| refusal.reason().to_owned());
    if why.is_none() && refused > 0 {
        let row = c.first(
            "SELECT error FROM probe_results WHERE name = $1 AND at > $2 AND at <= $3 AND error IS NOT NULL ORDER BY at DESC LIMIT 1",
            vals![NAME, now - BACK, now],
        )?;
        why = row.map(|row| row.text("error")).transpose()?;
    }
    let slowest = slowest.map(|micros| Duration::from_micros(micros.unsigned_abs()));
    let slowest = pulse.slowest.into_iter().chain(pulse.waiting).chain(slowest).max();
    Ok(Measured { slowest, refused: pulse.refused + usize::try_from(refused).unwrap_or(0), why })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Error;
    use crate::store::testing::database;

    #[test]
    fn a_slow_write_is_written_down_once_and_no_row_comes_without_one() {
        let (db, _guard) = database();
        let of = |took| Reading { beats: 1, last: Some(took), slowest: Some(took), ..Reading::default() };
        let seen = db
            .write_blocking(move |c| {
                note(c, &of(Duration::from_secs(3)), 1_000)?;
                // Ten seconds later nothing else ended; one that waits is told by the live look.
                note(c, &Reading { waiting: Some(Duration::from_secs(9)), ..Reading::default() }, 11_000)?;
                note(c, &of(Duration::from_millis(2)), 21_000)?;
                let at = |c: &mut dyn Conn, now| measured(c, &Reading::default(), now).map(|found| found.slowest);
                Ok::<_, Error>((rows::results(c, NAME, 0..99_000)?, at(c, 60_999)?, at(c, 61_000)?))
            })
            .unwrap();
        let rows: Vec<_> = seen.0.iter().map(|one| (one.at, one.status)).collect();
        assert_eq!(rows, [(1_000, Status::Unhealthy), (21_000, Status::Healthy)]);
        assert_eq!((seen.1, seen.2), (Some(Duration::from_secs(3)), Some(Duration::from_millis(2))), "it shows for a minute");
    }
}
