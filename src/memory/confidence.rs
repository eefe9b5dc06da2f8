//! How evidence moves confidence: log-odds arithmetic, no I/O.
//!
//! Confidence moves in log-odds so that the same evidence moves an open mind further than a settled one and no amount of it ever
//! reaches certainty.

use super::{Error, Result};
use serde::{Deserialize, Serialize};

/// The least confidence that evidence can leave.
pub const FLOOR: f64 = 0.01;
/// The greatest confidence that evidence can leave.
pub const CEILING: f64 = 0.99;
/// What a belief without a confidence counts as.
pub const UNINFORMED: f64 = 0.5;
/// From here on a belief is held with high confidence: conflicts move it only with strong evidence, and then cautiously.
pub const HIGH: f64 = 0.8;
/// The largest nudge.
pub const MAX_NUDGE: f64 = 0.5;

/// How strong a piece of evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// 0.25 in log-odds.
    Weak,
    /// 0.5 in log-odds.
    Moderate,
    /// 1.0 in log-odds.
    Strong,
}

impl Strength {
    /// All strengths, weakest first.
    pub const ALL: [Self; 3] = [Self::Weak, Self::Moderate, Self::Strong];

    /// The word in the database and in contracts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Moderate => "moderate",
            Self::Strong => "strong",
        }
    }

    const fn log_odds(self) -> f64 {
        match self {
            Self::Weak => 0.25,
            Self::Moderate => 0.5,
            Self::Strong => 1.0,
        }
    }
}

impl std::fmt::Display for Strength {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for Strength {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|strength| strength.as_str() == text)
            .ok_or_else(|| Error::invalid_text("evidence strength", text, "weak, moderate or strong"))
    }
}

/// Which way evidence points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards more confidence.
    #[serde(alias = "more_confident")]
    Increase,
    /// Towards less confidence.
    #[serde(alias = "less_confident")]
    Decrease,
}

impl Direction {
    /// The word in rationales and contracts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Increase => "increase",
            Self::Decrease => "decrease",
        }
    }
}

impl std::fmt::Display for Direction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for Direction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "increase" | "more_confident" => Ok(Self::Increase),
            "decrease" | "less_confident" => Ok(Self::Decrease),
            _ => Err(Error::invalid_text("direction", text, "increase, decrease, more_confident or less_confident")),
        }
    }
}

/// A number that is a confidence: finite and within 0..1.
///
/// # Errors
/// [`Error::Invalid`], naming `what`.
pub fn checked(what: &str, confidence: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&confidence) { Ok(confidence) } else { Err(Error::invalid(what, confidence, "a number from 0 to 1")) }
}

/// The confidence after one piece of evidence, within [`FLOOR`]..[`CEILING`] and rounded to 3 decimals. No prior counts as
/// [`UNINFORMED`].
///
/// # Errors
/// [`Error::Invalid`] when the prior is outside of 0..1.
pub fn after_evidence(prior: Option<f64>, strength: Strength, direction: Direction) -> Result<f64> {
    let prior = checked("confidence", prior.unwrap_or(UNINFORMED))?.clamp(FLOOR, CEILING);
    let shift = match direction {
        Direction::Increase => strength.log_odds(),
        Direction::Decrease => -strength.log_odds(),
    };
    let log_odds = (prior / (1.0 - prior)).ln() + shift;
    let posterior = (1.0 / (1.0 + (-log_odds).exp())).clamp(FLOOR, CEILING);
    Ok((posterior * 1000.0).round() / 1000.0)
}

/// What a conflict with evidence does to a belief that is not locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictRule {
    /// Decrease by this strength.
    Decrease(Strength),
    /// Decrease by this strength, though the evidence was stronger: the belief is held with high confidence.
    DecreaseCautiously(Strength),
    /// Leave it: only strong evidence moves a belief held with high confidence. A person may still decide.
    Refuse,
}

/// The rule for a conflict. A confidence of exactly 0 is 0 here, as it is everywhere else.
#[must_use]
pub fn conflict_rule(confidence: Option<f64>, strength: Strength) -> ConflictRule {
    match strength {
        _ if confidence.unwrap_or(UNINFORMED) < HIGH => ConflictRule::Decrease(strength),
        Strength::Strong => ConflictRule::DecreaseCautiously(Strength::Moderate),
        Strength::Weak | Strength::Moderate => ConflictRule::Refuse,
    }
}

/// The strength that a nudge stands for: up to 0.05 weak, up to 0.15 moderate, above it strong. The amount itself is never added.
///
/// # Errors
/// [`Error::Invalid`] when the amount is not above 0 and at most [`MAX_NUDGE`].
pub fn nudge_strength(amount: f64) -> Result<Strength> {
    match amount {
        amount if !(amount > 0.0 && amount <= MAX_NUDGE) => Err(Error::invalid("nudge amount", amount, "a number above 0 and at most 0.5")),
        amount if amount <= 0.05 => Ok(Strength::Weak),
        amount if amount <= 0.15 => Ok(Strength::Moderate),
        _ => Ok(Strength::Strong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// prior, then weak + and -, moderate + and -, strong + and -.
    const GOLDEN: [(Option<f64>, [f64; 6]); 9] = [
        (None, [0.562, 0.438, 0.622, 0.378, 0.731, 0.269]),
        (Some(0.5), [0.562, 0.438, 0.622, 0.378, 0.731, 0.269]),
        (Some(0.0), [0.013, 0.010, 0.016, 0.010, 0.027, 0.010]),
        (Some(0.3), [0.355, 0.250, 0.414, 0.206, 0.538, 0.136]),
        (Some(0.6), [0.658, 0.539, 0.712, 0.476, 0.803, 0.356]),
        (Some(0.8), [0.837, 0.757, 0.868, 0.708, 0.916, 0.595]),
        (Some(0.95), [0.961, 0.937, 0.969, 0.920, 0.981, 0.875]),
        (Some(0.99), [0.990, 0.987, 0.990, 0.984, 0.990, 0.973]),
        (Some(1.0), [0.990, 0.987, 0.990, 0.984, 0.990, 0.973]),
    ];

    #[test]
    fn evidence_moves_confidence_as_in_the_golden_table() {
        for (prior, expected) in GOLDEN {
            let found: Vec<f64> = Strength::ALL
                .into_iter()
                .flat_map(|strength| [Direction::Increase, Direction::Decrease].map(|way| after_evidence(prior, strength, way).unwrap()))
                .collect();
            assert_eq!(found, expected, "prior {prior:?}");
        }
    }

    #[test]
    fn a_prior_that_is_no_confidence_is_refused() {
        for prior in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
            let message = after_evidence(Some(prior), Strength::Weak, Direction::Increase).unwrap_err().to_string();
            assert!(message.contains("from 0 to 1"), "{message}");
        }
    }

    #[test]
    fn conflicts_move_settled_beliefs_only_with_strong_evidence_and_then_cautiously() {
        for (confidence, strength, rule) in [
            (Some(0.8), Strength::Strong, ConflictRule::DecreaseCautiously(Strength::Moderate)),
            (Some(0.8), Strength::Moderate, ConflictRule::Refuse),
            (Some(0.95), Strength::Weak, ConflictRule::Refuse),
            (Some(0.799), Strength::Weak, ConflictRule::Decrease(Strength::Weak)),
            (Some(0.5), Strength::Strong, ConflictRule::Decrease(Strength::Strong)),
            (Some(0.0), Strength::Moderate, ConflictRule::Decrease(Strength::Moderate)),
            (None, Strength::Moderate, ConflictRule::Decrease(Strength::Moderate)),
        ] {
            assert_eq!(conflict_rule(confidence, strength), rule, "{confidence:?} {strength}");
        }
    }

    #[test]
    fn a_nudge_stands_for_a_strength() {
        assert_eq!(nudge_strength(0.05).unwrap(), Strength::Weak);
        assert_eq!(nudge_strength(0.1).unwrap(), Strength::Moderate);
        assert_eq!(nudge_strength(0.15).unwrap(), Strength::Moderate);
        assert_eq!(nudge_strength(0.5).unwrap(), Strength::Strong);
        for amount in [0.0, -0.1, 0.51, f64::NAN] {
            assert!(nudge_strength(amount).is_err(), "{amount}");
        }
    }

    proptest! {
        #[test]
        fn evidence_never_reaches_certainty(prior in 0.0..=1.0_f64, strength in 0..3_usize, up in any::<bool>()) {
            let way = if up { Direction::Increase } else { Direction::Decrease };
            let after = after_evidence(Some(prior), Strength::ALL[strength], way).unwrap();
            prop_assert!((FLOOR..=CEILING).contains(&after));
            let within = prior.clamp(FLOOR, CEILING);
            prop_assert!(if up { after >= within } else { after <= within }, "{prior} -> {after}");
        }

        #[test]
        fn more_confidence_before_is_not_less_after(one in 0.0..=1.0_f64, two in 0.0..=1.0_f64, strength in 0..3_usize) {
            let (low, high) = if one <= two { (one, two) } else { (two, one) };
            for way in [Direction::Increase, Direction::Decrease] {
                let after = |prior| after_evidence(Some(prior), Strength::ALL[strength], way).unwrap();
                prop_assert!(after(low) <= after(high));
            }
        }

        #[test]
        fn stronger_evidence_moves_at_least_as_far(prior in 0.0..=1.0_f64) {
            let after = |strength, way| after_evidence(Some(prior), strength, way).unwrap();
            prop_assert!(after(Strength::Weak, Direction::Increase) <= after(Strength::Strong, Direction::Increase));
            prop_assert!(after(Strength::Weak, Direction::Decrease) >= after(Strength::Strong, Direction::Decrease));
        }
    }
}
