//! What a model costs: rates per token, and the conditions under which other rates hold.

use crate::base::Millis;
use serde::{Deserialize, Serialize};

/// Rates of one kind of use, in USD per token. `None` means that the source names no such rate; zero is a real price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Set {
    /// Input tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<f64>,
    /// Output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<f64>,
    /// Input tokens read from a cache; as `input` when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<f64>,
    /// Input tokens written to a cache for minutes; as `input` when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
    /// Input tokens written to a cache for an hour; as `cache_write` when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<f64>,
    /// Input tokens written to a cache for twelve hours; as `cache_write` when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_12h: Option<f64>,
    /// Output tokens spent on reasoning; as `output` when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<f64>,
    /// A fee for the request itself, in USD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<f64>,
}

impl Set {
    /// This set, with every rate that `other` names taken from there.
    #[must_use]
    pub fn overlaid(&self, other: &Self) -> Self {
        Self {
            input: other.input.or(self.input),
            output: other.output.or(self.output),
            cache_read: other.cache_read.or(self.cache_read),
            cache_write: other.cache_write.or(self.cache_write),
            cache_write_1h: other.cache_write_1h.or(self.cache_write_1h),
            cache_write_12h: other.cache_write_12h.or(self.cache_write_12h),
            reasoning: other.reasoning.or(self.reasoning),
            request: other.request.or(self.request),
        }
    }

    /// Every rate times `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let by = |rate: Option<f64>| rate.map(|rate| rate * factor);
        Self {
            input: by(self.input),
            output: by(self.output),
            cache_read: by(self.cache_read),
            cache_write: by(self.cache_write),
            cache_write_1h: by(self.cache_write_1h),
            cache_write_12h: by(self.cache_write_12h),
            reasoning: by(self.reasoning),
            request: by(self.request),
        }
    }

    /// Does it name no rate at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every rate that it names is a finite number of at least zero.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let rates = [
            self.input,
            self.output,
            self.cache_read,
            self.cache_write,
            self.cache_write_1h,
            self.cache_write_12h,
            self.reasoning,
            self.request,
        ];
        rates.into_iter().flatten().all(|rate| rate.is_finite() && rate >= 0.0)
    }
}

/// A part of the day and week in UTC: start inclusive, end exclusive, may pass midnight. Equal start and end are the whole day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First minute of the day.
    pub from: u16,
    /// The minute of the day at which it is over.
    pub until: u16,
    /// Days, Monday is 1 and Sunday 7; empty means every day. The day is that of the moment itself, after midnight the new one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<u8>,
}

impl Window {
    /// Is `at` inside?
    #[must_use]
    pub fn holds(&self, at: Millis) -> bool {
        let minute = u16::try_from(at.rem_euclid(86_400_000) / 60_000).unwrap_or(0);
        // 1970-01-01 was a Thursday.
        let day = u8::try_from((at.div_euclid(86_400_000) + 3).rem_euclid(7) + 1).unwrap_or(1);
        let in_hours = match self.from.cmp(&self.until) {
            std::cmp::Ordering::Less => (self.from..self.until).contains(&minute),
            std::cmp::Ordering::Equal => true,
            std::cmp::Ordering::Greater => minute >= self.from || minute < self.until,
        };
        in_hours && (self.days.is_empty() || self.days.contains(&day))
    }
}

/// Rates that replace others while all its conditions hold. A later override wins over an earlier one, rate by rate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Override {
    /// Only for this service tier: `priority`, `flex`, `batches`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Only when the input has more tokens than this. The whole request is then billed at these rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<i64>,
    /// `above` itself counts too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inclusive: bool,
    /// Only at these times; empty means always.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// The rates.
    pub rates: Set,
}

impl Override {
    fn holds(&self, input: i64, tier: Option<&str>, at: Millis) -> bool {
        self.tier.as_deref().is_none_or(|wanted| tier == Some(wanted))
            && self.above.is_none_or(|above| input > above || (self.inclusive && input == above))
            && (self.windows.is_empty() || self.windows.iter().any(|window| window.holds(at)))
    }
}

/// All-or-nothing prices by the size of the input: the bracket that holds the whole input prices the whole request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bracket {
    /// The largest input that it holds. The last bracket holds everything above too.
    pub up_to: i64,
    /// Its rates. A missing cache rate is the bracket's input rate, a missing output rate the model's.
    pub rates: Set,
}

/// The whole price of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rates {
    /// What holds when nothing else does.
    pub base: Set,
    /// Exceptions, the strongest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// Prices by size, smallest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brackets: Vec<Bracket>,
}

impl Rates {
    /// A plain price, in USD per million tokens.
    #[must_use]
    pub fn per_million(input: f64, output: f64) -> Self {
        Self { base: Set { input: Some(input), output: Some(output), ..Set::default() }.scaled(1e-6), ..Self::default() }
    }

    /// The rates for one request, by its input tokens, its service tier and the time it started.
    #[must_use]
    pub fn in_force(&self, input: i64, tier: Option<&str>, at: Millis) -> Set {
        let bracket = self.brackets.iter().find(|bracket| input <= bracket.up_to).or(self.brackets.last());
        let start = bracket.map_or(self.base, |bracket| Set {
            output: bracket.rates.output.or(self.base.output),
            reasoning: bracket.rates.reasoning.or(self.base.reasoning),
            request: bracket.rates.request.or(self.base.request),
            ..bracket.rates
        });
        let holding = self.overrides.iter().filter(|other| other.holds(input, tier, at));
        holding.fold(start, |set, other| set.overlaid(&other.rates))
    }

    /// Does any token cost something known, and is every rate a finite number of at least zero?
    ///
    /// # Errors
    /// The reason why this is not a price.
    pub fn check(&self) -> Result<(), &'static str> {
        let sets = || {
            let conditional = self.overrides.iter().map(|other| &other.rates);
            std::iter::once(&self.base).chain(conditional).chain(self.brackets.iter().map(|bracket| &bracket.rates))
        };
        if !sets().all(Set::is_sound) {
            Err("a rate is negative or not a number")
        } else if self.brackets.is_empty() && self.base.input.is_none() && self.base.output.is_none() {
            Err("no price per token")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;

    #[test]
    fn windows_pass_midnight_and_know_the_day() {
        let night = Window { from: 22 * 60, until: 6 * 60, days: vec![] };
        assert!(night.holds(23 * HOUR) && night.holds(5 * HOUR) && !night.holds(6 * HOUR) && !night.holds(12 * HOUR));
        // 1970-01-03 was a Saturday.
        let weekend = Window { from: 0, until: 0, days: vec![6, 7] };
        assert!(!weekend.holds(24 * HOUR) && weekend.holds(48 * HOUR) && weekend.holds(72 * HOUR) && !weekend.holds(96 * HOUR));
    }

    #[test]
    fn a_threshold_is_crossed_above_it_and_the_highest_wins() {
        let above =
            |tokens, input| Override { above: Some(tokens), rates: Set { input: Some(input), ..Set::default() }, ..Override::default() };
        let rates =
            Rates { base: Set { input: Some(1.0), ..Set::default() }, overrides: vec![above(10, 2.0), above(20, 3.0)], brackets: vec![] };
        let input = |tokens| rates.in_force(tokens, None, 0).input;
        assert_eq!((input(10), input(11), input(20), input(21)), (Some(1.0), Some(2.0), Some(2.0), Some(3.0)));
    }

    #[test]
    fn a_tier_without_a_rate_falls_back_to_the_base() {
        let flex = Override { tier: Some("flex".into()), rates: Set { input: Some(0.5), ..Set::default() }, ..Override::default() };
        let rates = Rates { base: Set { input: Some(1.0), output: Some(4.0), ..Set::default() }, overrides: vec![flex], brackets: vec![] };
        let set = rates.in_force(1, Some("flex"), 0);
        assert_eq!((set.input, set.output), (Some(0.5), Some(4.0)));
        assert_eq!(rates.in_force(1, Some("priority"), 0).input, Some(1.0));
    }

    #[test]
    fn brackets_end_inclusive_and_the_last_has_no_end() {
        let bracket = |up_to, input| Bracket { up_to, rates: Set { input: Some(input), ..Set::default() } };
        let rates = Rates {
            base: Set { output: Some(9.0), ..Set::default() },
            overrides: vec![],
            brackets: vec![bracket(10, 1.0), bracket(20, 2.0)],
        };
        let input = |tokens| rates.in_force(tokens, None, 0).input;
        assert_eq!((input(0), input(10), input(11), input(21)), (Some(1.0), Some(1.0), Some(2.0), Some(2.0)));
        assert_eq!(rates.in_force(5, None, 0).output, Some(9.0));
    }
}
