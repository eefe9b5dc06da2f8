//! Money as whole pico-dollars.
//!
//! Nano-dollars are not enough: the lowest listed rate is 1.3e-10 USD a token. An `i64` of pico-dollars holds 9.2 million USD.

use serde::{Deserialize, Serialize};

/// An amount in pico-dollars: 1e-12 USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Picos(pub i64);

impl Picos {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount nearest to `usd` dollars; `None` when it is not finite or does not fit.
    #[must_use]
    pub fn from_usd(usd: f64) -> Option<Self> {
        let picos = (usd * 1e12).round();
        // i64::MAX as f64 rounds up to 2^63, which does not fit any more: hence the strict bound.
        (picos.is_finite() && picos.abs() < 9.223_372_036_854_775e18).then_some(Self(picos as i64))
    }

    /// The amount in dollars, for display and ratios only.
    #[must_use]
    pub fn to_usd(self) -> f64 {
        self.0 as f64 / 1e12
    }

    /// The sum, staying at the bounds rather than wrapping.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::fmt::Display for Picos {
    /// Dollars with as many decimals as the amount needs to be told from nothing: `$12.34`, `$0.0123`, `$0.000012`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let usd = self.to_usd();
        let decimals = match usd.abs() {
            size if size == 0.0 || size >= 1.0 => 2,
            size if size >= 0.01 => 4,
            size if size >= 0.000_001 => 6,
            _ => 12,
        };
        write!(formatter, "${usd:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_round_to_the_nearest_pico() {
        assert_eq!(Picos::from_usd(0.0016061), Some(Picos(1_606_100_000)));
        assert_eq!(Picos::from_usd(1.3e-10), Some(Picos(130)));
        assert_eq!(Picos::from_usd(f64::NAN), None);
        assert_eq!(Picos::from_usd(1e9), None);
    }

    #[test]
    fn small_amounts_never_print_as_nothing() {
        assert_eq!(Picos(12_340_000_000_000).to_string(), "$12.34");
        assert_eq!(Picos(12_000_000).to_string(), "$0.000012");
        assert_eq!(Picos(130).to_string(), "$0.000000000130");
        assert_eq!(Picos::ZERO.to_string(), "$0.00");
    }
}
