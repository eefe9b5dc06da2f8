//! Days and lengths of time in a question, read in the reader's zone.

use crate::base::{Millis, duration};
use chrono::{DateTime, Days, FixedOffset, Local, NaiveDate, NaiveTime, TimeZone as _};

/// The zone that days are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// The zone of this machine.
    #[default]
    Local,
    /// A fixed distance from UTC.
    Fixed(FixedOffset),
}

impl Zone {
    fn day(self, at: Millis) -> Option<NaiveDate> {
        let utc = DateTime::from_timestamp_millis(at)?;
        Some(match self {
            Self::Local => utc.with_timezone(&Local).date_naive(),
            Self::Fixed(offset) => utc.with_timezone(&offset).date_naive(),
        })
    }

    fn midnight(self, day: NaiveDate) -> Option<Millis> {
        let start = day.and_time(NaiveTime::MIN);
        // Where midnight is skipped by a change of the clocks, the day begins an hour later.
        let at = |start| match self {
            Self::Local => Local.from_local_datetime(&start).earliest().map(|time| time.timestamp_millis()),
            Self::Fixed(offset) => offset.from_local_datetime(&start).earliest().map(|time| time.timestamp_millis()),
        };
        at(start).or_else(|| at(start + chrono::Duration::hours(1)))
    }
}

/// Which end of a day is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    First,
    /// The first moment that is not in it any more.
    Behind,
}

/// `2026-11-21`, `today`, `yesterday`, `7d`, `12h`, or a whole time such as `2026-11-21T08:00:00Z`.
pub(super) fn read(text: &str, end: End, zone: Zone, now: Millis) -> Option<Millis> {
    let day = match text.to_lowercase().as_str() {
        "today" => zone.day(now),
        "yesterday" => zone.day(now)?.pred_opt(),
        _ => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
    };
    if let Some(day) = day {
        let day = if end == End::Behind { day.checked_add_days(Days::new(1))? } else { day };
        return zone.midnight(day);
    }
    if let Ok(length) = duration::parse(text) {
        return now.checked_sub(length);
    }
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}
