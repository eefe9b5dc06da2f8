//! Periods of budgets, counted in a zone: the day that a person means begins at their midnight, not at that of UTC. Pure.

use crate::base::{Millis, SafeText};
use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeZone as _};
use chrono_tz::Tz;

/// How long a budget lasts before it begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first to the first.
    Month,
    /// For ever.
    Lifetime,
}

/// A span of time: from, and up to but without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Span {
    /// The first moment.
    pub start: Millis,
    /// The first moment behind it; `None` when it has no end.
    pub end: Option<Millis>,
}

impl Span {
    /// The share of the time that is over at a moment: 0 to 1. `None` without an end.
    #[must_use]
    pub fn elapsed(&self, at: Millis) -> Option<f64> {
        let end = self.end?;
        Some(((at - self.start) as f64 / (end - self.start).max(1) as f64).clamp(0.0, 1.0))
    }
}

impl Period {
    /// Every period.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Lifetime];

    /// The word in the database and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Lifetime => "lifetime",
        }
    }

    /// The period in which a moment lies. A week begins on Monday, as the provider's own limits do.
    #[must_use]
    pub fn around(self, at: Millis, zone: Tz) -> Span {
        let Some(time) = DateTime::from_timestamp_millis(at) else { return Span { start: 0, end: None } };
        let day = time.with_timezone(&zone).date_naive();
        let (first, behind) = match self {
            Self::Lifetime => return Span { start: 0, end: None },
            Self::Day => (Some(day), day.checked_add_days(Days::new(1))),
            Self::Week => {
                let monday = day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday())));
                (monday, monday.and_then(|monday| monday.checked_add_days(Days::new(7))))
            }
            Self::Month => {
                let first = day.with_day(1);
                (first, first.and_then(|first| first.checked_add_months(Months::new(1))))
            }
        };
        let start = first.and_then(|day| midnight(day, zone)).unwrap_or(0);
        Span { start, end: behind.and_then(|day| midnight(day, zone)) }
    }
}

/// The first moment of a day. Where the clocks skip midnight, the day begins when they go on.
pub(crate) fn midnight(day: NaiveDate, zone: Tz) -> Option<Millis> {
    let start = day.and_time(NaiveTime::MIN);
    // No zone has ever skipped more than a day, and those that skip midnight skip an hour at most.
    (0..=4).find_map(|quarter| {
        let local = start + chrono::Duration::minutes(quarter * 15);
        zone.from_local_datetime(&local).earliest().map(|time| time.timestamp_millis())
    })
}

impl std::str::FromStr for Period {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let wrong = || format!("{} is no period: day, week, month or lifetime", SafeText::clipped(word, 40));
        Self::ALL.into_iter().find(|period| period.as_str() == word).ok_or_else(wrong)
    }
}

/// A zone by its name, as `Europe/Berlin`.
///
/// # Errors
/// What is no zone.
pub fn zone(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_| format!("{} is no zone: write one as UTC, Europe/Berlin or America/New_York", SafeText::clipped(name, 60)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Millis {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    #[test]
    fn periods_begin_where_people_say_they_do() {
        let berlin = zone("Europe/Berlin").unwrap();
        let span = |period: Period, moment, zone| period.around(at(moment), zone);
        assert_eq!(span(Period::Day, "2026-11-21T23:30:00Z", berlin).start, at("2026-11-21T23:00:00Z"));
        assert_eq!(span(Period::Week, "2026-11-21T12:00:00Z", Tz::UTC).start, at("2026-11-16T00:00:00Z"), "a Monday");
        let month = span(Period::Month, "2026-12-31T23:30:00Z", berlin);
        assert_eq!((month.start, month.end), (at("2026-12-31T23:00:00Z"), Some(at("2027-01-31T23:00:00Z"))));
        assert_eq!(Period::Lifetime.around(5, berlin), Span { start: 0, end: None });
        assert!(zone("Middle/Earth").unwrap_err().contains("Europe/Berlin"));
    }

    #[test]
    fn days_on_which_clocks_change_are_as_long_as_they_are() {
        let length = |moment, name| {
            let span = Period::Day.around(at(moment), zone(name).unwrap());
            (span.end.unwrap() - span.start) / 3_600_000
        };
        assert_eq!(length("2026-03-29T12:00:00Z", "Europe/Berlin"), 23);
        assert_eq!(length("2026-10-25T12:00:00Z", "Europe/Berlin"), 25);
        // Midnight itself is skipped here.
        assert_eq!(length("2018-11-04T12:00:00Z", "America/Sao_Paulo"), 23);
    }

    proptest! {
        #[test]
        fn a_moment_lies_in_its_period_and_periods_follow_each_other(at in 0_i64..4_000_000_000_000, zone in 0_usize..3, period in 0_usize..3) {
            let zone = [Tz::UTC, Tz::America__New_York, Tz::Australia__Lord_Howe][zone];
            let span = Period::ALL[period].around(at, zone);
            let end = span.end.unwrap();
            prop_assert!(span.start <= at && at < end);
            prop_assert_eq!(Period::ALL[period].around(end, zone).start, end);
            prop_assert_eq!(Period::ALL[period].around(end - 1, zone), span);
        }
    }
}
