//! Maintenance windows: which are open, what they hold and until when. Pure.

use super::cron;
use super::model::{Scope, When, Window};
use crate::base::Millis;

/// A window that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open<'a> {
    /// The window.
    pub window: &'a Window,
    /// When it closes.
    pub until: Millis,
}

/// The windows that are open at `now`.
#[must_use]
pub fn open(windows: &[Window], now: Millis) -> Vec<Open<'_>> {
    windows.iter().filter_map(|window| closes(&window.when, now).map(|until| Open { window, until })).collect()
}

/// When a window that is open at `now` closes; `None` when it is not open.
#[must_use]
pub fn closes(when: &When, now: Millis) -> Option<Millis> {
    match when {
        When::Once { from, until } => (*from <= now && now < *until).then_some(*until),
        When::Cron { expression, zone, duration } => {
            // A window lasts as long as it lasts: over a clock change its end may read an hour earlier or later.
            let began = cron::last(&cron::parse(expression).ok()?, *zone, now)?;
            let until = began + i64::try_from(duration.as_millis()).ok()?;
            (now < until).then_some(until)
        }
    }
}

/// Until when a target is held, by the window that lasts longest.
#[must_use]
pub fn holds(open: &[Open<'_>], name: &str, system: &str) -> Option<Millis> {
    holder(open, name, system).map(|open| open.until)
}

/// The window that holds a target: of several the one that lasts longest.
#[must_use]
pub fn holder<'a, 'w>(open: &'a [Open<'w>], name: &str, system: &str) -> Option<&'a Open<'w>> {
    let covers = |scope: &Scope| match scope {
        Scope::All => true,
        Scope::System(of) => of == system,
        Scope::Probe(of) => of == name,
    };
    open.iter().filter(|open| covers(&open.window.scope)).max_by_key(|open| open.until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn utc(text: &str) -> Millis {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    fn nightly(expression: &str, hours: u64) -> When {
        When::Cron { expression: expression.into(), zone: chrono_tz::Europe::Berlin, duration: Duration::from_secs(hours * 3_600) }
    }

    #[test]
    fn a_window_once_is_open_from_its_start_to_before_its_end() {
        let when = When::Once { from: 10, until: 20 };
        assert_eq!([9, 10, 19, 20].map(|now| closes(&when, now)), [None, Some(20), Some(20), None]);
    }

    #[test]
    fn a_nightly_window_lasts_as_long_as_it_says_whatever_the_clocks_do() {
        let window = nightly("30 1 * * *", 2);
        // An ordinary night: 01:30 to 03:30 in Berlin.
        assert_eq!(closes(&window, utc("2026-06-01T00:00:00+02:00")), None);
        assert_eq!(closes(&window, utc("2026-06-01T03:29:59+02:00")), Some(utc("2026-06-01T03:30:00+02:00")));
        // Forward on 29 March 2026 at 02:00: two hours after 01:30 the clocks show 04:30.
        assert_eq!(closes(&window, utc("2026-03-29T04:00:00+02:00")), Some(utc("2026-03-29T04:30:00+02:00")));
        // Back on 25 October 2026 at 03:00: two hours after 01:30 they show 02:30 for the second time.
        assert_eq!(closes(&window, utc("2026-10-25T02:15:00+01:00")), Some(utc("2026-10-25T02:30:00+01:00")));
        assert_eq!(closes(&window, utc("2026-10-25T02:30:00+01:00")), None);
    }

    #[test]
    fn a_start_that_the_clocks_leave_out_comes_right_after_the_gap_and_one_they_repeat_comes_once() {
        let window = nightly("30 2 * * *", 1);
        assert_eq!(closes(&window, utc("2026-03-29T03:30:00+02:00")), Some(utc("2026-03-29T04:00:00+02:00")));
        assert_eq!(closes(&window, utc("2026-10-25T02:45:00+02:00")), Some(utc("2026-10-25T02:30:00+01:00")));
        assert_eq!(closes(&window, utc("2026-10-25T02:45:00+01:00")), None);
    }

    #[test]
    fn a_window_holds_what_it_names() {
        let of = |scope| Window { scope, when: When::Once { from: 0, until: 9 }, reason: "new disks".into() };
        let windows = [of(Scope::System("shop".into())), of(Scope::Probe("api".into()))];
        let open = open(&windows, 1);
        assert_eq!((holds(&open, "x", "shop"), holds(&open, "api", "y"), holds(&open, "x", "y")), (Some(9), Some(9), None));
        assert_eq!(holder(&open, "x", "shop").map(|open| open.window.reason.as_str()), Some("new disks"));
    }

    proptest! {
        #[test]
        fn a_window_never_lasts_longer_than_it_says(minutes in 0_i64..2_000_000, hours in 1_u64..30) {
            let now = utc("2025-01-01T00:00:00Z") + minutes * 60_000;
            if let Some(until) = closes(&nightly("15 2 * * 0", hours), now) {
                prop_assert!(until > now && until - now <= hours as i64 * 3_600_000);
            }
        }
    }
}
