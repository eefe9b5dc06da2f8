//! Amounts as logs write them: decimal digits, kept exactly. Pure.

use crate::base::Picos;

/// What an amount in a log counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// US dollars.
    #[default]
    Dollars,
    /// Hundredths of them.
    Cents,
}

/// Digits behind the point that a pico-dollar has.
const DIGITS: usize = 12;

/// The amount in pico-dollars, to the nearest one; `None` when the text is no finite number or does not fit.
#[must_use]
pub fn picos(text: &str, unit: Unit) -> Option<Picos> {
    let digits = match unit {
        Unit::Dollars => DIGITS,
        Unit::Cents => DIGITS - 2,
    };
    exact(text, digits).or_else(|| {
        let number: f64 = text.trim().parse().ok()?;
        Picos::from_usd(if unit == Unit::Cents { number / 100.0 } else { number })
    })
}

/// Digits with at most one point, without an exponent: nothing is lost on the way through a float.
fn exact(text: &str, digits: usize) -> Option<Picos> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || whole.len() > 7 {
        return None;
    }
    let mut amount: i64 = 0;
    for byte in whole.bytes().chain(fraction.bytes().take(digits)) {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        amount = amount.checked_mul(10)?.checked_add(digit)?;
    }
    for _ in fraction.len()..digits {
        amount = amount.checked_mul(10)?;
    }
    let mut rest = fraction.bytes().skip(digits);
    if let Some(first) = rest.next() {
        if !first.is_ascii_digit() || !rest.all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        amount = amount.checked_add(i64::from(first >= b'5'))?;
    }
    Some(Picos(if negative { -amount } else { amount }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_are_kept_to_the_last_pico() {
        let usd = |text| picos(text, Unit::Dollars).map(|amount| amount.0);
        assert_eq!(usd("0.001089"), Some(1_089_000_000));
        assert_eq!(usd("0.0076509169000000005"), Some(7_650_916_900));
        assert_eq!(usd("0.0000000000005"), Some(1));
        assert_eq!(usd("12"), Some(12_000_000_000_000));
        assert_eq!(usd("1.089e-3"), Some(1_089_000_000));
        assert_eq!(usd("-0.5"), Some(-500_000_000_000));
        assert_eq!(picos("0.1089", Unit::Cents), Some(Picos(1_089_000_000)));
        assert_eq!(picos("1e2", Unit::Cents), Some(Picos(1_000_000_000_000)));
        for wrong in ["", "-", ".", "NaN", "inf", "1e99", "much", "1.2.3", "0.00000000000001x", "99999999"] {
            assert_eq!(usd(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn exact_agrees_with_floats(amount in 0.0_f64..1000.0) {
            let text = format!("{amount:.9}");
            let float = Picos::from_usd(text.parse().unwrap()).unwrap();
            prop_assert!((picos(&text, Unit::Dollars).unwrap().0 - float.0).abs() <= 1);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = picos(&text, Unit::Cents);
        }
    }
}
