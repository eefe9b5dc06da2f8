//! A time as people write it: a date, a moment, or how long ago.

use crate::base::{Millis, duration};

/// A time that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Time {
    /// This moment.
    At(Millis),
    /// So long before the present.
    Ago(Millis),
}

impl Time {
    /// The moment, given the present.
    pub(in crate::cli) fn resolve(self, now: Millis) -> Millis {
        match self {
            Self::At(at) => at,
            Self::Ago(length) => now - length,
        }
    }
}

impl std::str::FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "now" {
            return Ok(Self::Ago(0));
        }
        if let Ok(length) = duration::parse(text) {
            return Ok(Self::Ago(length));
        }
        if let Ok(time) = chrono::DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(time.timestamp_millis()));
        }
        let local =
            |time: chrono::NaiveDateTime| time.and_local_timezone(chrono::Local).earliest().map(|time| Self::At(time.timestamp_millis()));
        let minute = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
        let moment = minute.iter().find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok());
        let day = || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
        moment.or_else(day).and_then(local).ok_or_else(|| {
            format!("{text:?} is not a time; write 2026-11-01, \"2026-11-01 14:00\" (your own time), 2026-11-01T14:00:00Z, or 7d for seven days ago")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_nonsense_is_not() {
        assert_eq!("7d".parse(), Ok(Time::Ago(604_800_000)));
        assert_eq!("now".parse::<Time>().unwrap().resolve(5), 5);
        assert_eq!("1970-01-02T00:00:00Z".parse(), Ok(Time::At(86_400_000)));
        for good in ["2026-11-01", "2026-11-01 14:00", "2026-11-01T14:00:00+02:00"] {
            assert!(good.parse::<Time>().is_ok(), "{good}");
        }
        for bad in ["", "yesterday", "2026-13-01", "2026-02-30", "14:00", "-7d"] {
            assert!(bad.parse::<Time>().is_err(), "{bad}");
        }
    }
}
