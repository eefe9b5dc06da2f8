//! Which span of time is meant. Pure.

use super::sums::Window;
use crate::base::{Millis, SafeText, duration};
use crate::llm::budget::period::midnight;
use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveDateTime, TimeZone as _, Weekday};
use chrono_tz::Tz;

/// The span up to now that a word or a length means: `24h`, `7d`, `hour`, `day`, `week`, `month`, `year`. A month and a year go back to the same
/// day and time of the calendar in the zone.
///
/// # Errors
/// A sentence that says what was expected.
pub fn last(text: &str, now: Millis, zone: Tz) -> Result<Window, String> {
    let back = |length: Millis| Window { since: now - length, until: now };
    let calendar = |months: u32| {
        let local = DateTime::from_timestamp_millis(now)?.with_timezone(&zone).naive_local();
        let since = earliest(local.checked_sub_months(Months::new(months))?, zone)?;
        Some(Window { since, until: now })
    };
    match text {
        "hour" => Ok(back(3_600_000)),
        "day" => Ok(back(86_400_000)),
        "week" => Ok(back(7 * 86_400_000)),
        "month" => calendar(1).ok_or_else(|| "a month back is no time".to_owned()),
        "year" => calendar(12).ok_or_else(|| "a year back is no time".to_owned()),
        _ => duration::parse(text).map(back).map_err(|_| {
            format!("{:?} is no span: write 24h, 7d or 1d12h, or hour, day, week, month or year", SafeText::clipped(text, 40).as_str())
        }),
    }
}

/// The first moment of a local time; where clocks skip it, when they go on.
fn earliest(local: NaiveDateTime, zone: Tz) -> Option<Millis> {
    (0..=8).find_map(|quarter| {
        let later = local + chrono::Duration::minutes(quarter * 15);
        zone.from_local_datetime(&later).earliest().map(|time| time.timestamp_millis())
    })
}

/// The first moments of a day and of the one behind its last.
fn span(first: NaiveDate, behind: NaiveDate, zone: Tz) -> Option<Window> {
    Some(Window { since: midnight(first, zone)?, until: midnight(behind, zone)? })
}

fn today(now: Millis, zone: Tz) -> Option<NaiveDate> {
    Some(DateTime::from_timestamp_millis(now)?.with_timezone(&zone).date_naive())
}

/// A month of the calendar: `this`, `last` or `2026-10`.
///
/// # Errors
/// A sentence that says what was expected.
pub fn month(text: &str, now: Millis, zone: Tz) -> Result<Window, String> {
    let wrong = || format!("{:?} is no month: write this, last or 2026-10", SafeText::clipped(text, 40).as_str());
    let this = today(now, zone).and_then(|day| day.with_day(1));
    let first = match text {
        "this" => this,
        "last" => this.and_then(|first| first.checked_sub_months(Months::new(1))),
        _ if text.len() == 7 => NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok(),
        _ => None,
    };
    let first = first.ok_or_else(wrong)?;
    first.checked_add_months(Months::new(1)).and_then(|behind| span(first, behind, zone)).ok_or_else(wrong)
}

/// A week of the calendar, from Monday: `this`, `last` or `2026-W47`.
///
/// # Errors
/// A sentence that says what was expected.
pub fn week(text: &str, now: Millis, zone: Tz) -> Result<Window, String> {
    let wrong = || format!("{:?} is no week: write this, last or 2026-W47", SafeText::clipped(text, 40).as_str());
    let this = today(now, zone).and_then(|day| day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())));
    let monday = match text {
        "this" => this,
        "last" => this.and_then(|monday| monday.checked_sub_days(Days::new(7))),
        _ => text.split_once("-W").and_then(|(year, week)| {
            let (year, week) = (year.parse().ok().filter(|_| year.len() == 4)?, week.parse().ok()?);
            NaiveDate::from_isoywd_opt(year, week, Weekday::Mon)
        }),
    };
    let monday = monday.ok_or_else(wrong)?;
    monday.checked_add_days(Days::new(7)).and_then(|behind| span(monday, behind, zone)).ok_or_else(wrong)
}

/// A moment: `2026-11-21`, `2026-11-21 13:30` (both in the zone), or a time of RFC 3339.
///
/// # Errors
/// A sentence that says what was expected.
pub fn moment(text: &str, zone: Tz) -> Result<Millis, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.timestamp_millis());
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        && let Some(start) = midnight(day, zone)
    {
        return Ok(start);
    }
    ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .and_then(|local| earliest(local, zone))
        .ok_or_else(|| {
            format!(
                "{:?} is no time: write 2026-11-21, \"2026-11-21 13:30\" (both in {}), or 2026-11-21T13:30:00Z",
                SafeText::clipped(text, 40).as_str(),
                zone.name()
            )
        })
}

/// The span between two moments.
///
/// # Errors
/// When it ends before it begins.
pub fn between(since: Millis, until: Millis, zone: Tz) -> Result<Window, String> {
    if since < until {
        return Ok(Window { since, until });
    }
    Err(format!("the span ends before it begins: it is to begin at {} and to end at {}", shown(since, zone), shown(until, zone)))
}

/// A moment for people, in a zone: `2026-11-21 13:30`.
#[must_use]
pub fn shown(at: Millis, zone: Tz) -> String {
    DateTime::from_timestamp_millis(at)
        .map_or_else(|| at.to_string(), |time| time.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string())
}

/// The day of a moment, in a zone: `2026-11-21`.
#[must_use]
pub fn day(at: Millis, zone: Tz) -> String {
    DateTime::from_timestamp_millis(at).map_or_else(|| at.to_string(), |time| time.with_timezone(&zone).format("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Millis {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    fn window(since: &str, until: &str) -> Window {
        Window { since: at(since), until: at(until) }
    }

    #[test]
    fn spans_are_what_people_mean() {
        let now = at("2026-11-21T13:30:00Z");
        assert_eq!(last("24h", now, Tz::UTC), Ok(window("2026-11-20T13:30:00Z", "2026-11-21T13:30:00Z")));
        assert_eq!(last("month", now, Tz::UTC), Ok(window("2026-10-21T13:30:00Z", "2026-11-21T13:30:00Z")));
        assert_eq!(month("last", now, Tz::UTC), Ok(window("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")));
        assert_eq!(month("2026-12", now, Tz::Europe__Berlin), Ok(window("2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z")));
        assert_eq!(week("this", now, Tz::UTC), Ok(window("2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z")));
        assert_eq!(week("2026-W01", now, Tz::UTC), Ok(window("2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z")));
        for bad in ["", "24", "h24", "month-ago", "-3d"] {
            assert!(last(bad, now, Tz::UTC).is_err(), "{bad}");
        }
        for bad in ["2026-13", "2026-1", "october", "2026-10-01", "0000-00"] {
            assert!(month(bad, now, Tz::UTC).is_err(), "{bad}");
        }
        for bad in ["2026-W54", "2026-47", "W47", "26-W47"] {
            assert!(week(bad, now, Tz::UTC).is_err(), "{bad}");
        }
    }

    #[test]
    fn ends_of_months_and_changed_clocks_are_as_they_are() {
        // There is no 31st of a month before March.
        assert_eq!(last("month", at("2026-03-31T12:00:00Z"), Tz::UTC).unwrap().since, at("2026-02-28T12:00:00Z"));
        let october = month("2026-10", 0, Tz::Europe__Berlin).unwrap();
        assert_eq!(october.length(), (31 * 24 + 1) * 3_600_000);
        let march = month("2026-03", 0, Tz::America__New_York).unwrap();
        assert_eq!(march.length(), (31 * 24 - 1) * 3_600_000);
        // 02:30 does not exist on that day.
        assert_eq!(moment("2026-03-29 02:30", Tz::Europe__Berlin), Ok(at("2026-03-29T01:00:00Z")));
        // 02:30 comes twice: the first.
        assert_eq!(moment("2026-10-25 02:30", Tz::Europe__Berlin), Ok(at("2026-10-25T00:30:00Z")));
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_refused() {
        assert!(between(5, 5, Tz::UTC).unwrap_err().contains("ends before it begins"));
        assert!(moment("yesterday", Tz::UTC).unwrap_err().contains("2026-11-21T13:30:00Z"));
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_makes_it_panic(text in any::<String>(), now in 0_i64..4_000_000_000_000) {
            for zone in [Tz::UTC, Tz::America__Sao_Paulo] {
                let _ = (last(&text, now, zone), month(&text, now, zone), week(&text, now, zone), moment(&text, zone));
            }
        }

        #[test]
        fn months_and_weeks_follow_each_other(now in 100_000_000_000_i64..4_000_000_000_000, zone in 0_usize..3) {
            let zone = [Tz::UTC, Tz::America__New_York, Tz::Pacific__Apia][zone];
            prop_assert_eq!(month("last", now, zone).unwrap().until, month("this", now, zone).unwrap().since);
            prop_assert_eq!(week("last", now, zone).unwrap().until, week("this", now, zone).unwrap().since);
        }
    }
}
