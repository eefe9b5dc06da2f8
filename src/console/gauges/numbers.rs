//! Numbers as they stand on the screen: short, whole, and `?` where nothing is known. Pure.

use crate::base::{Millis, Picos};

/// What stands for a number that nobody knows.
pub(super) const UNKNOWN: &str = "?";

/// An amount: `$12.34`, `$0.0123`; very small ones in full.
pub(super) fn money(amount: Picos) -> String {
    let usd = amount.to_usd();
    match usd.abs() {
        size if size >= 10_000.0 => format!("${usd:.0}"),
        size if size >= 0.000_001 || amount == Picos::ZERO => amount.to_string(),
        _ if amount.0 > 0 => "<$0.000001".to_owned(),
        _ => amount.to_string(),
    }
}

/// An amount of which nothing is booked.
pub(super) fn usd(amount: f64) -> String {
    Picos::from_usd(amount).map_or_else(|| UNKNOWN.to_owned(), money)
}

/// A count in at most five columns: `412`, `9999`, `12.3k`, `1.23M`.
pub(super) fn count(number: i64) -> String {
    let size = number.unsigned_abs() as f64;
    match number.unsigned_abs() {
        0..10_000 => number.to_string(),
        10_000..99_950 => format!("{:.1}k", number as f64 / 1e3),
        99_950..999_500 => format!("{:.0}k", number as f64 / 1e3),
        _ if size < 99.95e6 => format!("{:.*}M", if size < 9.995e6 { 2 } else { 1 }, number as f64 / 1e6),
        _ if size < 999.5e6 => format!("{:.0}M", number as f64 / 1e6),
        _ => format!("{:.1}G", number as f64 / 1e9),
    }
}

/// A count that may be unknown.
pub(super) fn count_opt(number: Option<i64>) -> String {
    number.map_or_else(|| UNKNOWN.to_owned(), count)
}

/// A length of time: `850 µs`, `820 ms`, `2.10 s`, `2m 5s`.
pub(super) fn micros(us: Option<u64>) -> String {
    let Some(us) = us else { return UNKNOWN.to_owned() };
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..100_000_000 => format!("{:.2} s", us as f64 / 1e6),
        100_000_000..6_000_000_000 => format!("{}m {}s", us / 60_000_000, us / 1_000_000 % 60),
        _ => ahead(i64::try_from(us / 1_000).unwrap_or(i64::MAX)),
    }
}

/// The same of a number of the database.
pub(super) fn micros_of(us: Option<i64>) -> String {
    micros(us.and_then(|us| u64::try_from(us).ok()))
}

/// A share of 0 to 1: `0 %`, `1.2 %`, `61 %`.
pub(super) fn share(share: Option<f64>) -> String {
    match share {
        Some(share) if share == 0.0 || share >= 0.0995 => format!("{:.0} %", share * 100.0),
        Some(share) if share < 0.001 => "<0.1 %".to_owned(),
        Some(share) => format!("{:.1} %", share * 100.0),
        None => UNKNOWN.to_owned(),
    }
}

/// A length of time ahead in its two largest units, without a blank within a number and its unit: `3d 2h`, `45m`.
pub(super) fn ahead(millis: Millis) -> String {
    let minutes = millis / 60_000;
    let two = |large: i64, large_unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit} {small}{small_unit}") }
    };
    match minutes {
        ..1 => "now".to_owned(),
        1..60 => format!("{minutes}m"),
        60..1_440 => two(minutes / 60, "h", minutes % 60, "m"),
        1_440..144_000 => two(minutes / 1_440, "d", minutes % 1_440 / 60, "h"),
        _ => format!("{}d", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_unknown_is_not_nothing() {
        assert_eq!(
            [0, 412, 9_999, 12_345, 340_000, 1_234_567, 123_456_789].map(count),
            ["0", "412", "9999", "12.3k", "340k", "1.23M", "123M"]
        );
        assert_eq!((count_opt(None).as_str(), micros(None).as_str(), share(None).as_str()), ("?", "?", "?"));
        assert_eq!([850, 820_400, 2_100_000, 125_000_000].map(|us| micros(Some(us))), ["850 µs", "820 ms", "2.10 s", "2m 5s"]);
        assert_eq!([0.0, 0.0004, 0.012, 0.61, 1.5].map(|part| share(Some(part))), ["0 %", "<0.1 %", "1.2 %", "61 %", "150 %"]);
        assert_eq!([money(Picos(0)), money(Picos(130)), money(Picos(12_345_600_000_000))], ["$0.00", "<$0.000001", "$12.35"]);
        assert_eq!([ahead(30_000), ahead(45 * 60_000), ahead(266_400_000)], ["now", "45m", "3d 2h"]);
        assert_eq!(usd(f64::NAN), "?");
    }

    #[test]
    fn a_count_has_at_most_five_columns() {
        for power in 0..12 {
            for factor in [1, 9, 94, 95, 99, 994, 995, 999, 9_994, 9_995, 9_999] {
                let number = 10_i64.pow(power) * factor;
                assert!(count(number).len() <= 5 || number >= 999_500_000, "{number} {}", count(number));
            }
        }
    }
}
