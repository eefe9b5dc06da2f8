//! The lines of a log: when each was written, and which tell of errors. Pure.

use crate::base::Millis;
use chrono::{DateTime, Datelike as _, Local, NaiveDateTime, TimeZone as _, Utc};
use regex::bytes::Regex;
use std::sync::LazyLock;

/// Lines in a row that are too old before reading ends: several threads do not write in order.
const OLD: u32 = 64;
/// Bytes at the beginning of a line in which its time is looked for.
const HEAD: usize = 80;
/// A line of later than this from now has a clock or a zone of its own.
const AHEAD: Millis = 60_000;
/// Names under which a JSON line tells its time.
const NAMES: &[&str] = &["timestamp", "time", "ts", "@timestamp", "at", "datetime", "asctime", "date"];

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Lines in the window.
    pub lines: u64,
    /// Those of them that tell of errors.
    pub errors: u64,
    /// Lines that do not say when they were written.
    pub untimed: u64,
    /// Lines from the future.
    pub ahead: u64,
    /// The newest time of all.
    pub newest: Option<Millis>,
    old: u32,
}

impl Counted {
    /// Take a line, newest first. Whether those before it may still be in the window, from `since` until `now`.
    pub fn take(&mut self, line: &[u8], error: &Regex, since: Millis, now: Millis) -> bool {
        if line.trim_ascii().is_empty() {
            return true;
        }
        let Some(at) = written_at(line, now) else {
            self.untimed += 1;
            return true;
        };
        self.newest = Some(self.newest.map_or(at, |newest| newest.max(at)));
        if at > now + AHEAD {
            self.ahead += 1;
            return true;
        }
        if at < since {
            self.old += 1;
            return self.old < OLD;
        }
        self.old = 0;
        self.lines += 1;
        self.errors += u64::from(error.is_match(line));
        true
    }

    /// Share of the lines that tell of errors, 0 to 1.
    pub fn rate(&self) -> f64 {
        if self.lines == 0 { 0.0 } else { self.errors as f64 / self.lines as f64 }
    }
}

/// When a line was written, if it says so: a member of a JSON object, or the beginning of a text.
pub(super) fn written_at(line: &[u8], now: Millis) -> Option<Millis> {
    let line = line.trim_ascii();
    if line.first() == Some(&b'{') {
        let value: serde_json::Value = serde_json::from_slice(line).ok()?;
        let told = NAMES.iter().find_map(|name| value.get(name))?;
        return match told {
            serde_json::Value::String(text) => of_text(text.as_bytes(), now),
            serde_json::Value::Number(number) => of_number(number.as_f64()?),
            _ => None,
        };
    }
    of_text(&line[..line.len().min(HEAD)], now)
}

/// Seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by their size.
fn of_number(number: f64) -> Option<Millis> {
    let millis = match number {
        1e8..1e11 => number * 1_000.0,
        1e11..1e14 => number,
        1e14..1e17 => number / 1_000.0,
        1e17..1e20 => number / 1_000_000.0,
        _ => return None,
    };
    Some(millis as Millis)
}

#[allow(clippy::expect_used)] // The patterns are constants, and a test uses each.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

static ISO: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))? ?(Z|UTC|[+-]\d{2}:?\d{2})?"));
static COMMON: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})"));
static SYSLOG: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}:\d{2}:\d{2})"));

fn of_text(text: &[u8], now: Millis) -> Option<Millis> {
    let word = |found: &regex::bytes::Captures<'_>, number: usize| {
        found.get(number).map(|part| String::from_utf8_lossy(part.as_bytes()).into_owned()).unwrap_or_default()
    };
    if let Some(found) = ISO.captures(text) {
        let time = NaiveDateTime::parse_from_str(&format!("{} {}", word(&found, 1), word(&found, 2)), "%Y-%m-%d %H:%M:%S").ok()?;
        let fraction = format!("{:0<3}", word(&found, 3));
        let millis: i64 = fraction.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or_default();
        let zone = word(&found, 4);
        let at = match zone.as_str() {
            "" => local(time)?,
            "Z" | "UTC" => time.and_utc().timestamp_millis(),
            offset => time.and_utc().timestamp_millis() - offset_millis(offset)?,
        };
        return Some(at + millis);
    }
    if let Some(found) = COMMON.captures(text) {
        return DateTime::parse_from_str(&word(&found, 1), "%d/%b/%Y:%H:%M:%S %z").ok().map(|time| time.timestamp_millis());
    }
    let found = SYSLOG.captures(text)?;
    // It tells no year: the newest that is not in the future.
    let this_year = DateTime::<Utc>::from_timestamp_millis(now)?.year();
    [this_year + 1, this_year, this_year - 1].into_iter().find_map(|year| {
        let text = format!("{year} {} {} {}", word(&found, 1), word(&found, 2), word(&found, 3));
        let at = local(NaiveDateTime::parse_from_str(&text, "%Y %b %d %H:%M:%S").ok()?)?;
        (at <= now + 86_400_000).then_some(at)
    })
}

fn local(time: NaiveDateTime) -> Option<Millis> {
    Local.from_local_datetime(&time).latest().map(|time| time.timestamp_millis())
}

fn offset_millis(offset: &str) -> Option<i64> {
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes): (i64, i64) = (digits.get(..2)?.parse().ok()?, digits.get(2..4)?.parse().ok()?);
    let millis = (hours * 60 + minutes) * 60_000;
    Some(if offset.starts_with('-') { -millis } else { millis })
}

/// For tests: the date of a point in time, in UTC.
#[cfg(test)]
pub(super) fn utc(year: i32, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Millis {
    chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(hour, minute, second).unwrap().and_utc().timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_found_in_the_forms_that_logs_have() {
        let now = utc(2026, 11, 21, 16, 0, 0);
        let at = utc(2026, 11, 21, 15, 59, 30);
        for line in [
            r#"{"timestamp":"2026-11-21T15:59:30Z","success":false}"#,
            r#"{"level":"error","ts":1795276770.0}"#,
            r#"{"time":1795276770000}"#,
            "2026-11-21T15:59:30Z ERROR x",
            "2026-11-21 16:59:30+01:00 x",
            "[2026-11-21T10:29:30.000-0530] x",
            r#"10.0.0.1 - - [21/Nov/2026:15:59:30 +0000] "GET / HTTP/1.1" 500"#,
        ] {
            assert_eq!(written_at(line.as_bytes(), now), Some(at), "{line}");
        }
        assert_eq!(written_at(b"2026-11-21 15:59:30,250 UTC", now), Some(at + 250));
        // Without a zone it is that of this machine.
        let here = DateTime::from_timestamp_millis(at).unwrap().with_timezone(&Local);
        assert_eq!(written_at(here.format("%Y-%m-%d %H:%M:%S INFO").to_string().as_bytes(), now), Some(at));
        assert_eq!(written_at(here.format("%b %e %H:%M:%S host x").to_string().as_bytes(), now), Some(at));
        let old = utc(2025, 12, 31, 23, 59, 0);
        let here = DateTime::from_timestamp_millis(old).unwrap().with_timezone(&Local);
        assert_eq!(written_at(here.format("%b %e %H:%M:%S host x").to_string().as_bytes(), utc(2026, 1, 1, 0, 1, 0)), Some(old));
        for line in ["Traceback (most recent call last):", "    at 2026", "{\"success\": false,", "{}", "", "2026-99-99 10:00:00"] {
            assert_eq!(written_at(line.as_bytes(), now), None, "{line}");
        }
    }

    #[test]
    fn lines_of_the_window_count_and_continuations_belong_to_their_line() {
        let error = Regex::new("ERROR").unwrap();
        let (since, now) = (utc(2026, 11, 21, 15, 55, 0), utc(2026, 11, 21, 16, 0, 0));
        let mut counted = Counted::default();
        for line in [
            "2026-11-21T16:30:00Z ERROR",
            "2026-11-21T15:59:00Z ERROR a",
            "  ERROR of a stack",
            "2026-11-21T15:58:00Z ok",
            "2026-11-21T15:50:00Z ERROR",
        ] {
            assert!(counted.take(line.as_bytes(), &error, since, now));
        }
        assert_eq!((counted.lines, counted.errors, counted.untimed, counted.ahead), (2, 1, 1, 1));
        assert!((counted.rate() - 0.5).abs() < 1e-9);
        let old = (0..OLD).take_while(|_| counted.take(b"2026-11-21T15:00:00Z x", &error, since, now)).count();
        assert!(old < OLD as usize, "reading ends");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in proptest::collection::vec(any::<u8>(), 0..200), now in any::<i32>()) {
            let _ = written_at(&line, i64::from(now) * 1_000);
        }

        #[test]
        fn no_date_makes_it_panic(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}[.,][0-9]{1,9}[+-][0-9]{4}|[A-Z][a-z]{2} [0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2}") {
            let _ = written_at(text.as_bytes(), 1_795_276_800_000);
        }
    }
}
