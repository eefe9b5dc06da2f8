//! Time as the database keeps it, and clocks that are passed in so that tests can move them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// UTC milliseconds since the Unix epoch: the only form of a point in time in the database.
pub type Millis = i64;

/// A source of the present moment.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now, in UTC milliseconds since the epoch.
    fn now(&self) -> Millis;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved. Clones share the same hands.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn at(start: Millis) -> Self {
        Self(Arc::new(AtomicI64::new(start)))
    }

    /// Move the hands forward by `millis`.
    pub fn advance(&self, millis: Millis) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

/// A point in time as RFC 3339 in UTC, for JSON and logs. Out-of-range values print as the raw number.
#[must_use]
pub fn rfc3339(at: Millis) -> String {
    chrono::DateTime::from_timestamp_millis(at)
        .map_or_else(|| at.to_string(), |time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

/// A point in time in the user's zone, for people: `2026-11-21 03:40:05`.
#[must_use]
pub fn local(at: Millis) -> String {
    chrono::DateTime::from_timestamp_millis(at)
        .map_or_else(|| at.to_string(), |time| time.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M:%S").to_string())
}

/// A length of time in its two largest units, for people: `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`.
#[must_use]
pub fn duration(millis: Millis) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    let seconds = millis / 1000;
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| {
        if small == 0 { format!("{sign}{large} {large_unit}") } else { format!("{sign}{large} {large_unit} {small} {small_unit}") }
    };
    match seconds {
        0 => format!("{sign}{millis} ms"),
        1..60 => format!("{sign}{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        assert_eq!(duration(850), "850 ms");
        assert_eq!(duration(12_400), "12 s");
        assert_eq!(duration(200_000), "3 min 20 s");
        assert_eq!(duration(7_500_000), "2 h 5 min");
        assert_eq!(duration(-90_000_000), "-1 d 1 h");
    }

    #[test]
    fn a_test_clock_moves_only_when_told() {
        let clock = TestClock::at(1_000);
        let same = clock.clone();
        clock.advance(500);
        assert_eq!(same.now(), 1_500);
        assert_eq!(rfc3339(same.now()), "1970-01-01T00:00:01.500Z");
    }
}
