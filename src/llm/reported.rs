//! What an answer says about its own use and cost, with the amount kept to the last digit that was sent. Pure.

use super::usage::Usage;
use crate::base::Picos;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The usage object of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The token counts, where the object holds any.
    pub usage: Option<Usage>,
    /// The cost in USD as it was sent, digit by digit. `None` when the answer names no cost.
    pub cost: Option<String>,
    /// The same in pico-dollars.
    pub cost_picos: Option<Picos>,
    /// The call ran on the user's own provider key: `cost` is then only the fee.
    pub is_byok: bool,
    /// What the provider behind the service charged.
    pub upstream: Option<Picos>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Money {
    cost: Option<Box<RawValue>>,
    cost_details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    upstream_inference_cost: Option<Box<RawValue>>,
}

impl Reported {
    /// Read the JSON text of a usage object. `None` when it is not an object.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        let object = value.as_object()?;
        // Raw text, because a number that passes through a float may come out with other digits. Details of an odd shape cost only themselves.
        let money: Money = serde_json::from_str(text).unwrap_or_default();
        let cost = money.cost.as_deref().and_then(|raw| decimal(raw.get()));
        Some(Self {
            usage: Usage::read(&value),
            cost_picos: cost.as_deref().and_then(picos),
            cost,
            is_byok: object.get("is_byok").and_then(serde_json::Value::as_bool).unwrap_or(false),
            upstream: money.cost_details.and_then(|details| picos(&decimal(details.upstream_inference_cost?.get())?)),
        })
    }
}

/// A JSON number, or a string that holds one, as text.
fn decimal(raw: &str) -> Option<String> {
    let text = if raw.starts_with('"') { serde_json::from_str::<String>(raw).ok()? } else { raw.to_owned() };
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(|_| text.trim().to_owned())
}

fn picos(text: &str) -> Option<Picos> {
    Picos::from_usd(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_keeps_its_last_digit() {
        let reported = Reported::read(r#"{"prompt_tokens":2317,"completion_tokens":53,"cost":0.0076509169000000005}"#).unwrap();
        assert_eq!(reported.cost.as_deref(), Some("0.0076509169000000005"));
        assert_eq!(reported.cost_picos, Some(Picos(7_650_916_900)));
        assert_eq!(reported.usage.unwrap().input, 2317);
    }

    #[test]
    fn zero_is_a_cost_and_nothing_is_none() {
        let free =
            Reported::read(r#"{"prompt_tokens":1,"cost":0,"is_byok":true,"cost_details":{"upstream_inference_cost":0.0002265}}"#).unwrap();
        assert_eq!(
            (free.cost.as_deref(), free.cost_picos, free.is_byok, free.upstream),
            (Some("0"), Some(Picos::ZERO), true, Some(Picos(226_500_000)))
        );
        for text in [r#"{"prompt_tokens":1}"#, r#"{"prompt_tokens":1,"cost":null}"#, r#"{"prompt_tokens":1,"cost":"much"}"#] {
            assert_eq!(Reported::read(text).unwrap().cost, None, "{text}");
        }
        assert_eq!(Reported::read(r#"{"cost":"0.5"}"#).unwrap().cost_picos, Some(Picos(500_000_000_000)));
        assert_eq!(Reported::read("null"), None);
    }
}
