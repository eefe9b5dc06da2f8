//! Memory of our processes over time: the runbook's leak check. One that rises steadily over the window is degraded.

use super::{Part, remedy};
use crate::base::{Millis, clock};
use crate::store::{Conn, Result};
use crate::vals;
use crate::watch::health::Status;
use serde_json::json;
use std::collections::BTreeMap;

/// How far back samples count.
const WINDOW: Millis = 6 * 3_600_000;
/// A process that was not sampled for longer has ended.
const ALIVE: Millis = 3 * 60_000;
/// With fewer samples, or over less time, nothing is told.
const FEWEST: usize = 24;
const SHORTEST: Millis = 30 * 60_000;
/// The window is cut into so many pieces; their medians must rise from each to the next.
const PIECES: usize = 6;
/// How much it must have risen in all: a share of where it began, and at least so many bytes.
const SHARE: f64 = 0.20;
const LEAST: i64 = 32 << 20;

/// Resident memory of this process in bytes, where the system tells.
#[must_use]
pub fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok()?.checked_mul(1_024)
}

/// Write down a sample.
///
/// # Errors
/// When the engine refuses.
pub fn sample(c: &mut dyn Conn, process: &str, bytes: i64, now: Millis) -> Result<()> {
    c.exec(
        "INSERT INTO process_memory (process, at, bytes) VALUES ($1, $2, $3) ON CONFLICT (process, at) DO NOTHING",
        vals![process, now, bytes],
    )?;
    Ok(())
}

/// What samples say, oldest first: how much it rose in bytes when it rose steadily; `None` when there are too few.
#[must_use]
pub fn rise(samples: &[(Millis, i64)]) -> Option<Option<i64>> {
    let (first, last) = (samples.first()?, samples.last()?);
    if samples.len() < FEWEST || last.0 - first.0 < SHORTEST {
        return None;
    }
    let medians: Vec<i64> = (0..PIECES)
        .filter_map(|piece| {
            let (from, to) = (samples.len() * piece / PIECES, samples.len() * (piece + 1) / PIECES);
            let mut bytes: Vec<i64> = samples.get(from..to)?.iter().map(|(_, bytes)| *bytes).collect();
            bytes.sort_unstable();
            bytes.get(bytes.len() / 2).copied()
        })
        .collect();
    let (begin, end) = (*medians.first()?, *medians.last()?);
    let steady = medians.windows(2).all(|pair| matches!(pair, [before, after] if after > before));
    let enough = end - begin >= LEAST && (end - begin) as f64 >= begin as f64 * SHARE;
    Some((steady && enough).then_some(end - begin))
}

pub(super) fn part(c: &mut dyn Conn, now: Millis) -> Result<Part> {
    let rows =
        c.query("SELECT process, at, bytes FROM process_memory WHERE at > $1 AND at <= $2 ORDER BY process, at", vals![now - WINDOW, now])?;
    let mut by: BTreeMap<String, Vec<(Millis, i64)>> = BTreeMap::new();
    for row in &rows {
        by.entry(row.text("process")?).or_default().push((row.int("at")?, row.int("bytes")?));
    }
    by.retain(|_, samples| samples.last().is_some_and(|(at, _)| now - at <= ALIVE));
    let newest: BTreeMap<&String, i64> = by.iter().filter_map(|(process, samples)| Some((process, samples.last()?.1))).collect();
    let detail = json!({ "resident_bytes": newest });
    let rising = by.iter().filter_map(|(process, samples)| Some((process, samples, rise(samples)??))).max_by_key(|(_, _, bytes)| *bytes);
    if let Some((process, samples, bytes)) = rising {
        let over = clock::duration(samples.last().map_or(0, |last| last.0) - samples.first().map_or(0, |first| first.0));
        let reason = format!("{process} grew steadily by {} MiB in {over}: it may leak", bytes >> 20);
        let first = remedy(
            "Restart it when nothing is in flight; it puts itself in order. Keep the numbers for whoever looks for the leak.",
            Some("quarterdeck agent stop"),
            None,
        );
        return Ok(Part::hurt("memory", Status::Degraded, reason, detail, first));
    }
    let told = by.values().any(|samples| rise(samples).is_some());
    Ok(if told {
        let most = newest.values().max().copied().unwrap_or(0);
        Part::healthy("memory", format!("no steady rise; at most {} MiB", most >> 20), detail)
    } else {
        let first = remedy("Wait: it takes half an hour of samples to tell.", None, None);
        Part::hurt("memory", Status::Unknown, "too few samples to tell whether it rises", detail, first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Error;
    use crate::store::testing::database;

    fn samples(bytes: impl Fn(i64) -> i64) -> Vec<(Millis, i64)> {
        (0..120).map(|number| (number * 30_000, bytes(number))).collect()
    }

    #[test]
    fn a_steady_rise_is_told_and_warming_up_or_a_wave_is_not() {
        let mib = 1 << 20;
        assert_eq!(rise(&samples(|number| (100 + number) * mib)), Some(Some(100 * mib)));
        assert_eq!(rise(&samples(|number| (100 + number.min(20) * 5) * mib)), Some(None), "it warmed up and stays");
        assert_eq!(rise(&samples(|number| (100 + number % 40 * 2) * mib)), Some(None), "it goes up and down");
        assert_eq!(rise(&samples(|number| 100 * mib + number)), Some(None), "too little");
        assert_eq!(rise(&samples(|number| number * mib)[..20]), None, "too few");
        assert_eq!(rise(&[]), None);
        assert!(resident().is_none_or(|bytes| bytes > mib));
    }

    #[test]
    fn a_process_that_ended_does_not_count() {
        let (db, _guard) = database();
        let seen = db
            .write_blocking(|c| {
                for (at, bytes) in samples(|number| (100 + number) << 20) {
                    sample(c, "host:1", bytes, at)?;
                }
                let end = 119 * 30_000;
                Ok::<_, Error>((part(c, end)?, part(c, end + ALIVE + 1)?))
            })
            .unwrap();
        assert_eq!((seen.0.status, seen.1.status), (Status::Degraded, Status::Unknown));
        assert!(seen.0.reason.contains("host:1"), "{}", seen.0.reason);
    }
}
