//! When the loop looks again: like a person, who is slower at night, sometimes stays a while, and is never on the minute. No I/O.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// After this many failed cycles in a row the loop stops.
pub const MAX_FAILURES_IN_A_ROW: u32 = 5;
/// The longest back-off before its random part, in seconds.
const MAX_BACK_OFF: u32 = 60;
/// The chance of a burst after an active cycle.
const BURST_CHANCE: f64 = 0.2;
/// Every wait is stretched or shortened by up to this part of itself.
const JITTER: f64 = 0.2;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;

/// How the time between cycles is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pacing {
    /// The interval that was set.
    #[default]
    Interval,
    /// 2 to 4 hours from 08:00 to 23:00 local time, 5 to 8 hours at night, and now and then a burst. The interval does not count.
    DayAndNight,
}

/// The cycle that has just ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCycle {
    /// It drafted or answered something.
    pub active: bool,
    /// It came after a burst's short wait.
    pub was_burst: bool,
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Until the next cycle.
    pub duration: Duration,
    /// It is a burst's short wait; none follows directly upon it.
    pub burst: bool,
}

/// The wait until the next cycle, jitter of 20 % included. `local_hour` is 0 to 23 in the persona's zone.
#[must_use]
pub fn next_wait(pacing: Pacing, interval_seconds: u32, local_hour: u32, last: LastCycle, rng: &mut fastrand::Rng) -> Wait {
    let (seconds, burst) = match pacing {
        Pacing::Interval => (f64::from(interval_seconds), false),
        Pacing::DayAndNight if last.active && !last.was_burst && rng.f64() < BURST_CHANCE => {
            (between(15.0 * MINUTE, 45.0 * MINUTE, rng), true)
        }
        Pacing::DayAndNight if (8..23).contains(&local_hour) => (between(2.0 * HOUR, 4.0 * HOUR, rng), false),
        Pacing::DayAndNight => (between(5.0 * HOUR, 8.0 * HOUR, rng), false),
    };
    Wait { duration: Duration::from_secs_f64(seconds * between(1.0 - JITTER, 1.0 + JITTER, rng)), burst }
}

/// What follows a failed cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Try again after this wait.
    Retry(Duration),
    /// Stop: something is wrong that waiting does not mend.
    Stop,
}

/// What follows `failures_in_a_row` failed cycles (1 after the first): back-off of min(2^n, 60) seconds plus up to one, five times.
#[must_use]
pub fn after_failure(failures_in_a_row: u32, rng: &mut fastrand::Rng) -> AfterFailure {
    if failures_in_a_row >= MAX_FAILURES_IN_A_ROW {
        return AfterFailure::Stop;
    }
    AfterFailure::Retry(back_off(failures_in_a_row, rng))
}

/// min(2^n, 60) seconds plus up to one.
#[must_use]
pub fn back_off(failures_in_a_row: u32, rng: &mut fastrand::Rng) -> Duration {
    let whole = 2_u32.saturating_pow(failures_in_a_row).min(MAX_BACK_OFF);
    Duration::from_secs_f64(f64::from(whole) + rng.f64())
}

fn between(low: f64, high: f64, rng: &mut fastrand::Rng) -> f64 {
    low + (high - low) * rng.f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: LastCycle = LastCycle { active: false, was_burst: false };
    const ACTIVE: LastCycle = LastCycle { active: true, was_burst: false };

    fn waits(pacing: Pacing, hour: u32, last: LastCycle) -> Vec<(f64, bool)> {
        let mut rng = fastrand::Rng::with_seed(3);
        (0..2_000)
            .map(|_| next_wait(pacing, 14_400, hour, last, &mut rng))
            .map(|wait| (wait.duration.as_secs_f64() / HOUR, wait.burst))
            .collect()
    }

    #[test]
    fn days_are_quicker_than_nights() {
        for (hour, low, high) in [(8, 2.0, 4.0), (22, 2.0, 4.0), (23, 5.0, 8.0), (0, 5.0, 8.0), (7, 5.0, 8.0)] {
            for (hours, burst) in waits(Pacing::DayAndNight, hour, QUIET) {
                assert!((low * 0.8..=high * 1.2).contains(&hours) && !burst, "at {hour}: {hours} h");
            }
        }
    }

    #[test]
    fn bursts_follow_a_fifth_of_active_cycles_and_never_each_other() {
        let bursts: Vec<f64> =
            waits(Pacing::DayAndNight, 12, ACTIVE).into_iter().filter(|(_, burst)| *burst).map(|(hours, _)| hours).collect();
        assert!((320..480).contains(&bursts.len()), "about 400 of 2,000: {}", bursts.len());
        assert!(bursts.iter().all(|hours| (0.2..=0.9).contains(hours)), "15 to 45 minutes, give or take a fifth");
        let after_burst = LastCycle { active: true, was_burst: true };
        assert!(waits(Pacing::DayAndNight, 12, after_burst).iter().all(|(_, burst)| !burst));
    }

    #[test]
    fn an_interval_is_kept_within_a_fifth() {
        let waits = waits(Pacing::Interval, 3, ACTIVE);
        assert!(waits.iter().all(|(hours, burst)| (3.2..=4.8).contains(hours) && !burst));
        assert!(waits.iter().any(|(hours, _)| *hours < 3.4) && waits.iter().any(|(hours, _)| *hours > 4.6), "the jitter is used");
    }

    #[test]
    fn failures_back_off_and_then_stop() {
        let mut rng = fastrand::Rng::with_seed(3);
        for (failures, seconds) in [(1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0)] {
            let AfterFailure::Retry(wait) = after_failure(failures, &mut rng) else { panic!("{failures}: stopped too early") };
            assert!((seconds..=seconds + 1.0).contains(&wait.as_secs_f64()), "{failures}: {wait:?}");
        }
        assert_eq!(after_failure(5, &mut rng), AfterFailure::Stop);
        assert!(back_off(u32::MAX, &mut rng) <= Duration::from_secs(61));
    }
}
