//! When a probe runs: every interval, at a phase of its own, so that many probes are spread over their interval. Pure.

use crate::base::Millis;
use std::time::Duration;

/// A first run does not wait longer than this, however long the interval is.
const FIRST: Millis = 30_000;

/// The place of a probe in its interval, 0 to the interval: the same in every process and after every restart.
#[must_use]
pub fn phase(name: &str, interval: Duration) -> Millis {
    // FNV-1a, and a last mix: names that differ in their last digit must not stand side by side.
    let mut hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1);
    i64::try_from(hash % interval).unwrap_or(0)
}

/// When a probe runs next after `now`, at its phase.
#[must_use]
pub fn next(name: &str, interval: Duration, now: Millis) -> Millis {
    let length = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX / 4).max(1);
    let phase = phase(name, interval);
    let behind = (now - phase).rem_euclid(length);
    now + length - behind
}

/// When a probe runs first in a process that begins to probe: at its phase, and within half a minute when its last result is due or there
/// is none.
#[must_use]
pub fn first(name: &str, interval: Duration, last_at: Option<Millis>, now: Millis) -> Millis {
    let length = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX / 4).max(1);
    let usual = next(name, interval, now);
    let is_due = last_at.is_none_or(|last| last > now || last + length <= now);
    if !is_due || usual - now <= FIRST {
        return usual;
    }
    now + soon(name, interval)
}

/// How long one waits that is due, so that many are spread: at most half a minute, and an interval.
#[must_use]
pub fn soon(name: &str, interval: Duration) -> Millis {
    phase(name, interval.min(Duration::from_millis(FIRST.unsigned_abs())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_thousand_probes_are_spread_over_their_interval() {
        let interval = Duration::from_secs(30);
        let mut seconds = [0; 30];
        for number in 0..2_000 {
            seconds[usize::try_from(phase(&format!("shop-{number}"), interval) / 1_000).unwrap()] += 1;
        }
        // 67 a second in the mean.
        assert!(seconds.iter().all(|count| (30..=110).contains(count)), "{seconds:?}");
    }

    proptest! {
        #[test]
        fn the_next_run_lies_within_one_interval_and_keeps_its_phase(name in "[a-z0-9-]{1,20}", seconds in 1_u64..90_000, now in 0_i64..4_000_000_000_000) {
            let interval = Duration::from_secs(seconds);
            let length = seconds as i64 * 1_000;
            let at = next(&name, interval, now);
            prop_assert!(at > now && at <= now + length);
            prop_assert_eq!(next(&name, interval, at), at + length);
            prop_assert_eq!(at.rem_euclid(length), phase(&name, interval));
            let first = first(&name, interval, None, now);
            prop_assert!(first >= now && first <= now + length.min(FIRST));
        }
    }
}
