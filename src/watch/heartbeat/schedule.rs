//! When something is expected: every so often, or at the times of a cron expression in a zone. Pure.
//!
//! A time of day that a change of the clocks leaves out counts at the first moment after the gap; one that comes twice counts the first
//! time. An expression that says `*` for minutes or hours goes on with the hours as they pass.

use crate::base::Millis;
use crate::watch::probe::cron;
use crate::watch::probe::model::Schedule;
use chrono_tz::Tz;
use croner::Cron;

/// A schedule that is ready to be asked.
#[derive(Debug, Clone)]
pub enum Clockwork {
    /// So long after the last one, in milliseconds.
    Every(Millis),
    /// At the times of an expression in a zone.
    Cron(Box<Cron>, Tz),
}

impl Clockwork {
    /// Of a definition; nothing when its expression is not one.
    #[must_use]
    pub fn of(schedule: &Schedule) -> Option<Self> {
        match schedule {
            Schedule::Every(period) => Some(Self::Every(i64::try_from(period.as_millis()).ok()?.max(1))),
            Schedule::Cron { expression, zone } => Some(Self::Cron(Box::new(cron::parse_coming(expression).ok()?), *zone)),
        }
    }

    /// The first time after a moment.
    #[must_use]
    pub fn next(&self, after: Millis) -> Option<Millis> {
        match self {
            Self::Every(period) => after.checked_add(*period),
            Self::Cron(cron, zone) => cron::next(cron, *zone, after),
        }
    }

    /// So many times from the first on, which is one of them.
    #[must_use]
    pub fn times(&self, first: Millis, count: usize) -> Vec<Millis> {
        std::iter::successors(Some(first), |at| self.next(*at)).take(count).collect()
    }
}

/// As it stands in the database, to see whether it has changed.
#[must_use]
pub fn word(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Every(period) => format!("every {} ms", period.as_millis()),
        Schedule::Cron { expression, zone } => format!("{} {zone}", expression.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

/// For people: `every 1 d`, `0 3 * * * (Europe/Berlin)`.
#[must_use]
pub fn shown(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Every(period) => format!("every {}", crate::base::clock::duration(i64::try_from(period.as_millis()).unwrap_or(i64::MAX))),
        Schedule::Cron { expression, zone } => format!("{expression} ({zone})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeZone as _};
    use proptest::prelude::*;

    fn at(zone: Tz, text: &str) -> Millis {
        let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        zone.from_local_datetime(&time).earliest().unwrap().timestamp_millis()
    }

    #[track_caller]
    fn nexts(expression: &str, zone: Tz, after: &str, count: usize) -> Vec<String> {
        let cron = cron::parse_coming(expression).unwrap();
        let shown = |at: Millis| DateTime::from_timestamp_millis(at).unwrap().with_timezone(&zone).format("%m-%d %H:%M %z").to_string();
        std::iter::successors(cron::next(&cron, zone, at(zone, after)), |at| cron::next(&cron, zone, *at)).take(count).map(shown).collect()
    }

    #[test]
    fn five_fields_in_a_zone_with_sunday_as_0_and_7() {
        use chrono_tz::Europe::Berlin;
        assert_eq!(nexts("0 3 * * *", Berlin, "2026-11-21 16:00", 2), ["11-22 03:00 +0100", "11-23 03:00 +0100"]);
        // 22 November 2026 is a Sunday.
        for sunday in ["30 4 * * 0", "30 4 * * 7", "30 4 * * SUN", "30 4 * * sun"] {
            assert_eq!(nexts(sunday, Berlin, "2026-11-21 16:00", 1), ["11-22 04:30 +0100"], "{sunday}");
        }
        assert_eq!(nexts("30 4 * * 1", Berlin, "2026-11-21 16:00", 1), ["11-23 04:30 +0100"]);
        assert_eq!(nexts("*/15 * * * *", Berlin, "2026-11-21 16:00", 2), ["11-21 16:15 +0100", "11-21 16:30 +0100"]);
        // Either of day and weekday, as cron does.
        assert_eq!(nexts("0 0 1 * 1", Berlin, "2026-11-28 00:00", 2), ["11-30 00:00 +0100", "12-01 00:00 +0100"]);
        assert_eq!(nexts("0 0 29 2 *", Berlin, "2026-11-28 00:00", 1), ["02-29 00:00 +0100"]);
    }

    #[test]
    fn clocks_that_change_neither_lose_nor_double_a_daily_job() {
        use chrono_tz::America::New_York;
        use chrono_tz::Europe::Berlin;
        // 29 March 2026: 02:00 becomes 03:00.
        assert_eq!(
            nexts("30 2 * * *", Berlin, "2026-03-28 03:00", 2),
            ["03-29 03:00 +0200", "03-30 02:30 +0200"],
            "what falls into the gap comes right after it"
        );
        // 25 October 2026: 03:00 becomes 02:00 again.
        assert_eq!(nexts("30 2 * * *", Berlin, "2026-10-24 03:00", 2), ["10-25 02:30 +0200", "10-26 02:30 +0100"], "once, and not twice");
        assert_eq!(nexts("0 * * * *", Berlin, "2026-10-25 01:30", 3), ["10-25 02:00 +0200", "10-25 02:00 +0100", "10-25 03:00 +0100"]);
        assert_eq!(nexts("0 * * * *", Berlin, "2026-03-29 01:30", 1), ["03-29 03:00 +0200"]);
        assert_eq!(nexts("0 9 * * *", New_York, "2026-03-07 12:00", 2), ["03-08 09:00 -0400", "03-09 09:00 -0400"]);
    }

    #[test]
    fn what_is_no_expression_is_told_with_what_to_write() {
        for (text, words) in [
            ("", "0 fields"),
            ("0 3 * *", "4 fields"),
            ("0 0 3 * * *", "leave the seconds out"),
            ("@nonsense", "not a cron expression"),
            ("61 * * * *", "not a cron expression"),
            ("x * * * *", "not a cron expression"),
            ("* * * * 8", "not a cron expression"),
            ("0 0 30 2 *", "never comes"),
        ] {
            let wrong = cron::parse_coming(text).unwrap_err();
            assert!(wrong.contains(words), "{text}: {wrong}");
        }
    }

    #[test]
    fn a_schedule_that_is_none_has_no_times() {
        let of = |expression: &str| Clockwork::of(&Schedule::Cron { expression: expression.into(), zone: Tz::UTC });
        assert!(of("0 3 * *").is_none());
        assert_eq!(Clockwork::Every(5).times(1, 3), [1, 6, 11]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_the_next_time_is_later(
            text in prop_oneof![any::<String>(), "[0-9*/,LW#?-]{1,4}( [0-9*/,LW#?-]{1,4}){4}"],
            after in 1_600_000_000_000_i64..2_000_000_000_000,
        ) {
            if let Ok(cron) = cron::parse_coming(&text) {
                for zone in [Tz::UTC, chrono_tz::Europe::Berlin, chrono_tz::Australia::Lord_Howe] {
                    if let Some(next) = cron::next(&cron, zone, after) {
                        prop_assert!(next > after, "{} {}", text, zone);
                    }
                }
            }
        }
    }
}
