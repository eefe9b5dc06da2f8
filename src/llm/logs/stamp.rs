//! Times as logs write them. Pure.
//!
//! Text in the form of RFC 3339, with a blank for the `T`, a comma for the point, and with or without a zone; numbers of seconds, milliseconds,
//! microseconds or nanoseconds since 1970, told apart by their size.

use super::entry::{Doubt, Moment, Why};
use crate::base::Millis;
use chrono::{DateTime, LocalResult, Offset as _, TimeZone as _};
use chrono_tz::Tz;

/// 2000-01-01 and 2200-01-01: outside of it a number is no time of a call.
const RANGE: std::ops::Range<Millis> = 946_684_800_000..7_258_118_400_000;

/// The time in a text; `None` when it is none.
#[must_use]
pub fn read(text: &str) -> Option<Moment> {
    let bytes = text.trim().as_bytes();
    let two = |at: usize| match bytes.get(at..at + 2)? {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0')),
        _ => None,
    };
    let sign = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
    if !(sign(4, b"-/") && sign(7, b"-/") && sign(10, b"Tt _") && sign(13, b":") && sign(16, b":")) {
        return None;
    }
    let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    // A leap second is the last one of its minute.
    if !(1..=12).contains(&month) || !(1..=month_days(year, month)).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = bytes.get(19..)?;
    let mut millis = 0;
    if let [b'.' | b',', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        millis = (0..3).fold(0, |sum, at| sum * 10 + fraction.get(at).filter(|_| at < digits).map_or(0, |byte| i64::from(byte - b'0')));
        rest = fraction.get(digits..)?;
    }
    let local = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second.min(59) * 1_000 + millis;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    match rest {
        [] => Some(Moment::Naive(local)),
        b"Z" | b"z" | b"UTC" => Some(Moment::Utc(local)),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => ahead(local, *sign, [*h1, *h2, *m1, *m2]),
        [sign, h1, h2] => ahead(local, *sign, [*h1, *h2, b'0', b'0']),
        _ => None,
    }
}

/// A local time with its distance from UTC, as UTC.
fn ahead(local: Millis, sign: u8, digits: [u8; 4]) -> Option<Moment> {
    let [h1, h2, m1, m2] = digits;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let (hours, minutes) = (two(h1, h2), two(m1, m2));
    let offset = (hours * 60 + minutes) * 60_000;
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        b'+' => Some(Moment::Utc(local - offset)),
        b'-' => Some(Moment::Utc(local + offset)),
        _ => None,
    }
}
fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counted from the March before, so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The time in a number: seconds, milliseconds, microseconds or nanoseconds, by its size.
#[must_use]
pub fn number(number: f64) -> Option<Moment> {
    let millis = match number.abs() {
        size if size < 1e11 => number * 1e3,
        size if size < 1e14 => number,
        size if size < 1e17 => number / 1e3,
        _ => number / 1e6,
    };
    millis.is_finite().then_some(Moment::Utc(millis.floor() as Millis))
}

/// UTC, with what is doubtful about it; refused when no call can be from then.
///
/// # Errors
/// `None` in place of a reason: the time is naive and no zone was stated.
pub fn utc(moment: Moment, zone: Option<Tz>) -> Result<(Millis, Option<Doubt>), Option<Why>> {
    let (at, doubt) = match moment {
        Moment::Utc(at) => (at, None),
        Moment::Naive(local) => in_zone(local, zone.ok_or(None)?).ok_or(Some(Why::TimeOutOfRange))?,
    };
    if RANGE.contains(&at) { Ok((at, doubt)) } else { Err(Some(Why::TimeOutOfRange)) }
}

/// What a clock in this zone shows, as UTC.
fn in_zone(local: Millis, zone: Tz) -> Option<(Millis, Option<Doubt>)> {
    if zone == Tz::UTC {
        return Some((local, None));
    }
    let naive = DateTime::from_timestamp_millis(local)?.naive_utc();
    Some(match zone.from_local_datetime(&naive) {
        LocalResult::Single(time) => (time.timestamp_millis(), None),
        LocalResult::Ambiguous(first, second) => (first.timestamp_millis().min(second.timestamp_millis()), Some(Doubt::TimeTwice)),
        LocalResult::None => {
            // The offset before the clocks were put forward: that of the same time a day earlier.
            let before = zone.offset_from_local_datetime(&(naive - chrono::TimeDelta::days(1))).earliest()?;
            (local - i64::from(before.fix().local_minus_utc()) * 1_000, Some(Doubt::TimeSkipped))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_forms_are_read() {
        let at = 1_754_006_407_776;
        for text in [
            "2025-08-01T00:00:07.776Z",
            "2025-08-01 00:00:07,776Z",
            "2025-08-01T02:00:07.776+02:00",
            "2025-08-01T02:00:07.776123 +0200",
            "2025-07-31T19:00:07.776999-05",
            "2025-08-01 00:00:07.776 UTC",
        ] {
            assert_eq!(read(text), Some(Moment::Utc(at)), "{text}");
        }
        assert_eq!(read("2025-08-01T00:00:07.776"), Some(Moment::Naive(at)));
        assert_eq!(read("2025/08/01 00:00:07"), Some(Moment::Naive(at - 776)));
        for wrong in [
            "",
            "soon",
            "2025-08-01",
            "2025-02-29T00:00:00Z",
            "2025-08-01T24:00:00Z",
            "2025-08-01T00:00:07.Z",
            "2025-08-01T00:00:07+0:0",
            "2025-08-01T00:00:07Zed",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_are_told_apart_by_their_size() {
        for number in [1_754_006_407.776, 1_754_006_407_776.0, 1_754_006_407_776_000.0, 1_754_006_407_776_000_000.0] {
            let Some(Moment::Utc(at)) = super::number(number) else { panic!("{number}") };
            assert!((at - 1_754_006_407_776).abs() <= 1, "{number} {at}");
        }
        assert_eq!(super::number(f64::NAN), None);
        assert_eq!(utc(Moment::Utc(0), None), Err(Some(Why::TimeOutOfRange)));
    }

    #[test]
    fn clocks_that_are_put_forward_and_back_are_told() {
        let berlin = Some(Tz::Europe__Berlin);
        let at = |text: &str| utc(read(text).unwrap(), berlin);
        let utc_of = |text: &str| match read(text) {
            Some(Moment::Utc(at)) => at,
            other => panic!("{other:?}"),
        };
        assert_eq!(at("2026-07-01T12:00:00"), Ok((utc_of("2026-07-01T10:00:00Z"), None)));
        assert_eq!(at("2026-03-29T02:30:00"), Ok((utc_of("2026-03-29T01:30:00Z"), Some(Doubt::TimeSkipped))));
        assert_eq!(at("2026-10-25T02:30:00"), Ok((utc_of("2026-10-25T00:30:00Z"), Some(Doubt::TimeTwice))));
        assert_eq!(utc(Moment::Naive(1_754_006_407_776), None), Err(None));
    }

    proptest! {
        #[test]
        fn what_chrono_writes_is_read_back(at in 0_i64..4_000_000_000_000) {
            let text = crate::base::clock::rfc3339(at);
            prop_assert_eq!(read(&text), Some(Moment::Utc(at)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", date in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}\\PC{0,9}") {
            let _ = (read(&text), read(&date).map(|moment| utc(moment, Some(Tz::America__New_York))));
        }

        #[test]
        fn no_number_makes_it_panic(any in any::<f64>()) {
            let _ = number(any).map(|moment| utc(moment, None));
        }
    }
}
