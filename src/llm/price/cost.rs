//! What a call cost by the price book. Pure.
//!
//! The reported cost is the truth, this is the alarm: server tools, promotions and endpoint prices are not in any book.

use super::rates::Rates;
use crate::base::{Millis, Picos};
use crate::llm::usage::Usage;

/// A computed cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// The input's part, in USD.
    pub input: f64,
    /// The output's part, in USD.
    pub output: f64,
    /// Both and the request's own fee, rounded once.
    pub total: Picos,
}

/// Price a call. `None` means unpriced: the book lacks a rate that this call needs, and the cost is unknown rather than zero.
///
/// The rules: cached and written tokens are inside the input and leave the rest at the input rate, which is never less than nothing;
/// a missing cache rate is the input rate; writes for an hour or twelve have their own rate where there is one; reasoning tokens are inside the
/// output, at their own rate only where there is one; tiers, thresholds and windows replace rates as [`Rates::in_force`] says. `at` is when
/// the call started.
#[must_use]
pub fn cost(rates: &Rates, usage: &Usage, tier: Option<&str>, at: Millis) -> Option<Cost> {
    let set = rates.in_force(usage.input, served_tier(tier), at);
    // A rate is needed only where there are tokens for it.
    let part = |tokens: i64, rate: Option<f64>| if tokens <= 0 { Some(0.0) } else { rate.map(|rate| tokens as f64 * rate) };
    let write = set.cache_write.or(set.input);
    let written_long = usage.written_1h.saturating_add(usage.written_12h);
    let input = part(usage.input.saturating_sub(usage.cached).saturating_sub(usage.written), set.input)?
        + part(usage.cached, set.cache_read.or(set.input))?
        + part(usage.written.saturating_sub(written_long), write)?
        + part(usage.written_1h, set.cache_write_1h.or(write))?
        + part(usage.written_12h, set.cache_write_12h.or(write))?;
    let output = match set.reasoning {
        Some(rate) => {
            part(usage.output.saturating_sub(usage.reasoning), set.output)? + part(usage.reasoning.min(usage.output), Some(rate))?
        }
        None => part(usage.output, set.output)?,
    };
    let total = Picos::from_usd(input + output + set.request.unwrap_or(0.0))?;
    Some(Cost { input, output, total })
}

/// The tier as the book names it: `fast` is billed as `priority`; the ordinary tiers have no name there.
fn served_tier(tier: Option<&str>) -> Option<&str> {
    match tier {
        None | Some("" | "auto" | "default" | "standard" | "on_demand") => None,
        Some("fast") => Some("priority"),
        Some("batch") => Some("batches"),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rates::{Override, Set};
    use super::*;
    use serde_json::json;

    fn usage(value: &serde_json::Value) -> Usage {
        Usage::read(value).unwrap()
    }

    fn rates() -> Rates {
        let base = Set {
            input: Some(1e-6),
            output: Some(5e-6),
            cache_read: Some(1e-7),
            cache_write: Some(1.25e-6),
            cache_write_1h: Some(2e-6),
            ..Set::default()
        };
        Rates { base, ..Rates::default() }
    }

    #[test]
    fn each_kind_of_token_has_its_rate() {
        let tokens = usage(&json!({"input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 600, "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 400}}));
        let priced = cost(&rates(), &tokens, None, 0).unwrap();
        assert_eq!(priced.total, Picos(100_000_000 + 100_000_000 + 250_000_000 + 800_000_000 + 50_000_000));
    }

    #[test]
    fn a_missing_rate_is_unpriced_and_zero_is_a_price() {
        let tokens = usage(&json!({"prompt_tokens": 100, "completion_tokens": 10}));
        let only_input = Rates { base: Set { input: Some(1e-6), ..Set::default() }, ..Rates::default() };
        assert_eq!(cost(&only_input, &tokens, None, 0), None);
        let free = Rates { base: Set { input: Some(0.0), output: Some(0.0), ..Set::default() }, ..Rates::default() };
        assert_eq!(cost(&free, &tokens, None, 0).unwrap().total, Picos::ZERO);
        assert_eq!(cost(&only_input, &usage(&json!({"prompt_tokens": 8})), None, 0).unwrap().total, Picos(8_000_000));
    }

    #[test]
    fn overlapping_cache_counts_never_pay_back() {
        let tokens = usage(
            &json!({"prompt_tokens": 2168, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 2161, "cache_write_tokens": 2161}}),
        );
        assert!(cost(&rates(), &tokens, None, 0).unwrap().input > 0.0);
    }

    #[test]
    fn reasoning_is_inside_the_output() {
        let tokens = usage(&json!({"prompt_tokens": 0, "completion_tokens": 100, "completion_tokens_details": {"reasoning_tokens": 80}}));
        assert_eq!(cost(&rates(), &tokens, None, 0).unwrap().total, Picos(500_000_000));
        let mut dear = rates();
        dear.base.reasoning = Some(1e-5);
        assert_eq!(cost(&dear, &tokens, None, 0).unwrap().total, Picos(20 * 5_000_000 + 80 * 10_000_000));
    }

    #[test]
    fn fast_is_billed_as_priority() {
        let mut book = rates();
        book.overrides.push(Override {
            tier: Some("priority".into()),
            rates: Set { input: Some(2e-6), ..Set::default() },
            ..Override::default()
        });
        let tokens = usage(&json!({"prompt_tokens": 10, "completion_tokens": 0}));
        assert_eq!(cost(&book, &tokens, Some("fast"), 0).unwrap().total, Picos(20_000_000));
        assert_eq!(cost(&book, &tokens, Some("default"), 0).unwrap().total, Picos(10_000_000));
    }
}
