//! A line's history, as it was read: results, hours, days, changes of its state, and what happened around the last of them.

use crate::base::Millis;
use crate::watch::events::Event;
use crate::watch::health::Status;

/// How long before a change what happened counts as what changed before it.
pub(super) const BEFORE: Millis = 3_600_000;
/// How long after it.
pub(super) const AFTER: Millis = 60_000;

/// One result.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) struct Point {
    pub at: Millis,
    pub status: Status,
    /// How long it took; `None` when nothing answered.
    pub latency_us: Option<u64>,
    pub error: Option<String>,
}

/// The results of an hour or a day.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) struct Sums {
    pub start: Millis,
    pub results: u64,
    pub failures: u64,
    pub unknown: u64,
    pub mean_us: Option<u64>,
    pub max_us: Option<u64>,
}

/// A change of the state.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) struct Change {
    pub at: Millis,
    pub from: Status,
    pub to: Status,
    pub reason: String,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::console) struct History {
    /// The newest results, oldest first.
    pub results: Vec<Point>,
    /// Whole hours, oldest first.
    pub hours: Vec<Sums>,
    /// Whole days, oldest first.
    pub days: Vec<Sums>,
    /// The newest changes, newest first.
    pub changes: Vec<Change>,
    /// The moment that `events` stand around: the last change, else since when the line is as it is.
    pub around: Option<Millis>,
    /// What happened in the hour before it, newest first.
    pub events: Vec<Event>,
}

/// The value that so many of a hundred are not above, by nearest rank; `None` of nothing.
pub(super) fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let twenty: Vec<u64> = (1..=20).collect();
        assert_eq!([50, 95, 99].map(|percent| percentile(&twenty, percent)), [Some(10), Some(19), Some(20)]);
        assert_eq!((percentile(&[], 50), percentile(&[7], 1)), (None, Some(7)));
    }
}
