//! How far the cost that the provider reported and the cost by the price book differ. Pure.
//!
//! The reported cost is the truth, the computed one is the alarm: a price that changed, a fee that is in no book, a call on one's own key.

use crate::base::Picos;

/// The share of the reported cost up to which the two are the same but for rounding.
const SAME: f64 = 1e-6;
/// The share of the reported cost up to which they are near each other.
const NEAR: f64 = 0.01;

/// The class of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// Both are known and the same.
    Same,
    /// They differ by at most one percent.
    Near,
    /// More was charged than the book says: a fee, another endpoint, a price that rose.
    Above,
    /// Less was charged than the book says: a discount, a price that fell.
    Below,
    /// Nothing was charged for what has a price: a free variant, or a key of one's own.
    Waived,
    /// The book has no price for it.
    Unpriced,
    /// The provider reported no cost.
    Unreported,
    /// Neither is known.
    Unknown,
}

impl Drift {
    /// Every class.
    pub const ALL: [Self; 8] =
        [Self::Same, Self::Near, Self::Above, Self::Below, Self::Waived, Self::Unpriced, Self::Unreported, Self::Unknown];

    /// The class of two costs.
    #[must_use]
    pub fn of(reported: Option<Picos>, computed: Option<Picos>) -> Self {
        let (reported, computed) = match (reported, computed) {
            (None, None) => return Self::Unknown,
            (Some(_), None) => return Self::Unpriced,
            (None, Some(_)) => return Self::Unreported,
            (Some(reported), Some(computed)) => (reported, computed),
        };
        let distance = (reported.0 as f64 - computed.0 as f64).abs();
        // A pico is how far rounding goes.
        let within = |share: f64| distance <= (reported.0 as f64 * share).max(1.0);
        match () {
            () if within(SAME) => Self::Same,
            () if reported.0 == 0 => Self::Waived,
            () if within(NEAR) => Self::Near,
            () if reported > computed => Self::Above,
            () => Self::Below,
        }
    }

    /// The word in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Near => "near",
            Self::Above => "above",
            Self::Below => "below",
            Self::Waived => "waived",
            Self::Unpriced => "unpriced",
            Self::Unreported => "unreported",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a person should look at it.
    #[must_use]
    pub fn is_odd(self) -> bool {
        matches!(self, Self::Above | Self::Below | Self::Unpriced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_told_from_the_others() {
        let of = |reported: Option<i64>, computed: Option<i64>| Drift::of(reported.map(Picos), computed.map(Picos));
        assert_eq!(of(None, None), Drift::Unknown);
        assert_eq!(of(Some(0), None), Drift::Unpriced);
        assert_eq!(of(None, Some(0)), Drift::Unreported);
        assert_eq!(of(Some(0), Some(0)), Drift::Same);
        assert_eq!(of(Some(0), Some(2)), Drift::Waived);
        assert_eq!(of(Some(1_000_000_000), Some(1_000_000_900)), Drift::Same);
        assert_eq!(of(Some(1_000_000), Some(1_010_000)), Drift::Near);
        assert_eq!(of(Some(16_061_400_000), Some(176_400_000)), Drift::Above);
        assert_eq!(of(Some(500), Some(1_000)), Drift::Below);
        assert_eq!(of(Some(i64::MAX), Some(0)), Drift::Above);
    }
}
