//! Reads the price tables of others: LiteLLM's JSON and OpenRouter's `GET /models`. Pure: text in, prices and reasons out.
//!
//! Units differ: both are USD per token, LiteLLM as numbers (or strings such as `"3e-7"`), OpenRouter as decimal strings with discounts.
//! A row that cannot be priced faithfully is rejected with its reason, never half read.

use super::rates::{Bracket, Override, Rates, Set, Window};
use serde_json::{Map, Value};

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rejected {
    /// The row's name in the source.
    pub model: String,
    /// Why.
    pub reason: String,
}

/// What a price table holds.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Models and their prices, by name.
    pub prices: Vec<(String, Rates)>,
    /// Rows that hold no price of tokens, or one that cannot be read.
    pub rejected: Vec<Rejected>,
}

impl Table {
    fn take(&mut self, model: &str, read: Result<Rates, String>) {
        match read.and_then(|rates| rates.check().map(|()| rates).map_err(str::to_owned)) {
            Ok(rates) => self.prices.push((model.to_owned(), rates)),
            Err(reason) => self.rejected.push(Rejected { model: model.to_owned(), reason }),
        }
    }
}

/// The tables that can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `model_prices_and_context_window.json`.
    LiteLlm,
    /// The body of `GET /api/v1/models`.
    OpenRouter,
}

impl Source {
    /// The name in the book.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LiteLlm => "litellm",
            Self::OpenRouter => "openrouter",
        }
    }
}

/// Read a table, telling its format from its content.
///
/// # Errors
/// A sentence, when the text is not JSON or neither of the formats.
pub fn read(text: &str) -> Result<(Source, Table), String> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    if let Some(models) = document.get("data").and_then(Value::as_array) {
        return Ok((Source::OpenRouter, openrouter(models)));
    }
    match document.as_object() {
        Some(models) if models.values().any(|row| row.get("litellm_provider").is_some() || row.get("input_cost_per_token").is_some()) => {
            Ok((Source::LiteLlm, litellm(models)))
        }
        _ => Err("it is neither LiteLLM's price map nor the answer of OpenRouter's /models".to_owned()),
    }
}

fn litellm(models: &Map<String, Value>) -> Table {
    let mut table = Table::default();
    for (name, row) in models.iter().filter(|(name, _)| *name != "sample_spec") {
        let read = row.as_object().ok_or_else(|| "the row is not an object".to_owned()).and_then(litellm_row);
        // The book's names are OpenRouter's: there the prefix is implied.
        table.take(name.strip_prefix("openrouter/").unwrap_or(name), read);
    }
    table
}

fn litellm_row(row: &Map<String, Value>) -> Result<Rates, String> {
    let mut rates = Rates::default();
    let inclusive = row.get("litellm_provider").and_then(Value::as_str) == Some("xai");
    for (key, value) in row {
        let Some((part, above, tier)) = litellm_key(key) else { continue };
        if value.is_null() {
            continue;
        }
        let rate = number(value).ok_or_else(|| format!("{key} is not a number"))?;
        if above.is_none() && tier.is_none() {
            *slot(&mut rates.base, part) = Some(rate);
            continue;
        }
        let known = rates.overrides.iter().position(|other| other.above == above && other.tier.as_deref() == tier);
        let index = known.unwrap_or_else(|| {
            rates.overrides.push(Override {
                tier: tier.map(str::to_owned),
                above,
                inclusive: inclusive && above.is_some(),
                ..Override::default()
            });
            rates.overrides.len() - 1
        });
        if let Some(other) = rates.overrides.get_mut(index) {
            *slot(&mut other.rates, part) = Some(rate);
        }
    }
    // The strongest last: higher thresholds over lower ones, and of equal thresholds the one of the tier.
    rates.overrides.sort_by(|a, b| (a.above, &a.tier).cmp(&(b.above, &b.tier)));
    if rates.base.cache_read.is_none() {
        rates.base.cache_read = row.get("input_cost_per_token_cache_hit").and_then(number);
    }
    if let Some(tiers) = row.get("tiered_pricing").and_then(Value::as_array) {
        rates.brackets = tiers.iter().map(litellm_bracket).collect::<Option<_>>().ok_or("tiered_pricing is not understood")?;
    }
    if let Some(off_peak) = row.get("off_peak_pricing").and_then(Value::as_object) {
        rates.overrides.push(litellm_off_peak(off_peak)?);
    }
    Ok(rates)
}

/// The rate, the threshold and the tier that a key speaks of.
fn litellm_key(key: &str) -> Option<(Part, Option<i64>, Option<&str>)> {
    const PARTS: [(&str, Part); 7] = [
        ("cache_creation_input_token_cost_above_12hr", Part::Write12h),
        ("cache_creation_input_token_cost_above_1hr", Part::Write1h),
        ("cache_creation_input_token_cost", Part::Write),
        ("cache_read_input_token_cost", Part::Read),
        ("output_cost_per_reasoning_token", Part::Reasoning),
        ("input_cost_per_token", Part::Input),
        ("output_cost_per_token", Part::Output),
    ];
    const TIERS: [&str; 6] = ["priority", "flex", "batches", "balanced", "ultrafast", "decisions"];
    let (rest, part) = PARTS.iter().find_map(|(prefix, part)| key.strip_prefix(prefix).map(|rest| (rest, *part)))?;
    let (rest, above) = match rest.strip_prefix("_above_") {
        Some(threshold) => {
            let (thousands, rest) = threshold.split_once("k_tokens")?;
            (rest, Some(thousands.parse::<i64>().ok()?.checked_mul(1000)?))
        }
        None => (rest, None),
    };
    match rest.strip_prefix('_') {
        None if rest.is_empty() => Some((part, above, None)),
        Some(tier) if TIERS.contains(&tier) => Some((part, above, Some(tier))),
        _ => None,
    }
}

fn litellm_bracket(tier: &Value) -> Option<Bracket> {
    let tier = tier.as_object()?;
    let up_to = tier.get("range")?.as_array()?.get(1).and_then(number)?;
    let mut rates = Set::default();
    for (key, value) in tier {
        if let Some((part, None, None)) = litellm_key(key) {
            *slot(&mut rates, part) = Some(number(value)?);
        }
    }
    Some(Bracket { up_to: up_to as i64, rates })
}

fn litellm_off_peak(off_peak: &Map<String, Value>) -> Result<Override, String> {
    if off_peak.contains_key("weekday_timezone") {
        return Err("its off-peak days are counted in a time zone other than UTC".to_owned());
    }
    let mut rates = Set::default();
    for (key, value) in off_peak {
        if let Some((part, None, None)) = litellm_key(key) {
            *slot(&mut rates, part) = Some(number(value).ok_or_else(|| format!("off_peak_pricing.{key} is not a number"))?);
        }
    }
    let listed = off_peak.get("windows").and_then(Value::as_array).cloned();
    let listed = listed.unwrap_or_else(|| vec![Value::Object(off_peak.clone())]);
    let mut windows = Vec::new();
    for window in &listed {
        let days = window.get("weekdays").and_then(Value::as_array).into_iter().flatten();
        let days: Vec<u8> = days.filter_map(Value::as_u64).filter_map(|day| u8::try_from(day).ok()).collect();
        let hours = match window.get("hours_utc") {
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => return Err("off_peak_pricing has no hours_utc".to_owned()),
        };
        for span in hours {
            let (from, until) = span
                .split_once('-')
                .and_then(|(from, until)| Some((minute(from)?, minute(until)?)))
                .ok_or_else(|| format!("{span:?} is not a span of hours"))?;
            windows.push(Window { from, until, days: days.clone() });
        }
    }
    Ok(Override { windows, rates, ..Override::default() })
}

fn openrouter(models: &[Value]) -> Table {
    let mut table = Table::default();
    for model in models {
        let Some(name) = model.get("id").and_then(Value::as_str) else {
            table.rejected.push(Rejected { model: String::new(), reason: "the row has no id".to_owned() });
            continue;
        };
        let read =
            model.get("pricing").and_then(Value::as_object).ok_or_else(|| "the row has no pricing".to_owned()).and_then(openrouter_row);
        table.take(name, read);
        let slug = model.get("canonical_slug").and_then(Value::as_str).filter(|slug| *slug != name);
        // The permanent slug is the name that answers carry.
        if let (Some(slug), Some((last, rates))) = (slug, table.prices.last())
            && last == name
        {
            let alias = (slug.to_owned(), rates.clone());
            table.prices.push(alias);
        }
    }
    table
}

fn openrouter_row(pricing: &Map<String, Value>) -> Result<Rates, String> {
    let discount = match pricing.get("discount") {
        None | Some(Value::Null) => 0.0,
        Some(value) => number(value).filter(|discount| (0.0..=1.0).contains(discount)).ok_or("its discount is not between 0 and 1")?,
    };
    let base = openrouter_set(pricing)?.scaled(1.0 - discount);
    if [base.input, base.output].into_iter().flatten().any(|rate| rate < 0.0) {
        return Err("its price depends on the model that a router picks".to_owned());
    }
    let listed = pricing.get("overrides").and_then(Value::as_array).into_iter().flatten();
    let overrides = listed.map(|entry| openrouter_override(entry, discount)).collect::<Result<_, _>>()?;
    Ok(Rates { base, overrides, brackets: Vec::new() })
}

fn openrouter_override(entry: &Value, discount: f64) -> Result<Override, String> {
    const RATES: [&str; 13] = [
        "prompt",
        "completion",
        "request",
        "image",
        "web_search",
        "internal_reasoning",
        "input_cache_read",
        "input_cache_write",
        "input_cache_write_1h",
        "audio",
        "input_audio_cache",
        "audio_output",
        "image_output",
    ];
    const CONDITIONS: [&str; 3] = ["min_prompt_tokens", "utc_start", "utc_end"];
    let entry = entry.as_object().ok_or("an override is not an object")?;
    // All conditions must hold: one that is not understood makes the price unknown.
    if let Some(unknown) = entry.keys().find(|key| !RATES.contains(&key.as_str()) && !CONDITIONS.contains(&key.as_str())) {
        return Err(format!("an override has the unknown condition {unknown}"));
    }
    let clock = |key: &str| match entry.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            minute(&text).map(Some).ok_or_else(|| format!("{key} is not a time of day"))
        }
    };
    let windows = match (clock("utc_start")?, clock("utc_end")?) {
        (None, None) => Vec::new(),
        (from, until) => vec![Window { from: from.unwrap_or(0), until: until.unwrap_or(0), days: Vec::new() }],
    };
    let above = match entry.get("min_prompt_tokens") {
        None | Some(Value::Null) => None,
        Some(value) => Some(number(value).ok_or("min_prompt_tokens is not a number")? as i64),
    };
    Ok(Override { above, windows, rates: openrouter_set(entry)?.scaled(1.0 - discount), ..Override::default() })
}

fn openrouter_set(pricing: &Map<String, Value>) -> Result<Set, String> {
    let rate = |key: &str| match pricing.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => number(value).map(Some).ok_or_else(|| format!("{key} is not a decimal number")),
    };
    Ok(Set {
        input: rate("prompt")?,
        output: rate("completion")?,
        cache_read: rate("input_cache_read")?,
        cache_write: rate("input_cache_write")?,
        cache_write_1h: rate("input_cache_write_1h")?,
        cache_write_12h: None,
        // "0" stands for "not charged apart", not for free reasoning.
        reasoning: rate("internal_reasoning")?.filter(|rate| *rate > 0.0),
        request: rate("request")?.filter(|rate| *rate != 0.0),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Input,
    Output,
    Read,
    Write,
    Write1h,
    Write12h,
    Reasoning,
}

fn slot(set: &mut Set, part: Part) -> &mut Option<f64> {
    match part {
        Part::Input => &mut set.input,
        Part::Output => &mut set.output,
        Part::Read => &mut set.cache_read,
        Part::Write => &mut set.cache_write,
        Part::Write1h => &mut set.cache_write_1h,
        Part::Write12h => &mut set.cache_write_12h,
        Part::Reasoning => &mut set.reasoning,
    }
}

/// A number, or a string that holds one.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    number.is_finite().then_some(number)
}

/// The minute of the day of `HH:MM` or `HHMM`.
fn minute(text: &str) -> Option<u16> {
    let digits = text.trim().replace(':', "");
    let number: u16 = digits.parse().ok().filter(|_| digits.len() <= 4)?;
    let (hour, minute) = (number / 100, number % 100);
    ((hour < 24 && minute < 60) || number == 2400).then_some(hour % 24 * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(document: &Value) -> Result<Rates, String> {
        let (_, table) = read(&document.to_string()).unwrap();
        match table.prices.into_iter().next() {
            Some((_, rates)) => Ok(rates),
            None => Err(table.rejected[0].reason.clone()),
        }
    }

    #[test]
    fn litellm_keys_name_the_rate_the_threshold_and_the_tier() {
        assert_eq!(litellm_key("input_cost_per_token"), Some((Part::Input, None, None)));
        assert_eq!(litellm_key("output_cost_per_token_above_272k_tokens_flex"), Some((Part::Output, Some(272_000), Some("flex"))));
        assert_eq!(litellm_key("cache_creation_input_token_cost_above_1hr_above_200k_tokens"), Some((Part::Write1h, Some(200_000), None)));
        for other in ["input_cost_per_token_cache_hit", "input_cost_per_audio_token", "output_cost_per_image_token", "mode"] {
            assert_eq!(litellm_key(other), None, "{other}");
        }
    }

    #[test]
    fn litellm_strings_and_provider_prefix_are_read() {
        let (source, table) = read(
            &json!({"openrouter/a/b": {"litellm_provider": "openrouter", "input_cost_per_token": "3e-7", "output_cost_per_token": 0},
            "pictures": {"litellm_provider": "x", "output_cost_per_image": 1}, "sample_spec": {"input_cost_per_token": 1}})
            .to_string(),
        )
        .unwrap();
        assert_eq!(source, Source::LiteLlm);
        assert_eq!(table.prices[0].0, "a/b");
        assert_eq!(table.prices[0].1.base, Set { input: Some(3e-7), output: Some(0.0), ..Set::default() });
        assert_eq!(table.rejected, [Rejected { model: "pictures".into(), reason: "no price per token".into() }]);
    }

    #[test]
    fn openrouter_discounts_multiply_and_unknown_conditions_reject() {
        let document = |pricing: Value| json!({"data": [{"id": "m", "pricing": pricing}]});
        let rates = one(&document(json!({"prompt": "0.000004", "completion": "0.00001", "discount": 0.25,
            "overrides": [{"min_prompt_tokens": 200_000, "prompt": "0.000008"}, {"utc_start": "1630", "utc_end": "0030", "prompt": "0.000002"}]})))
        .unwrap();
        assert_eq!(rates.base.input, Some(3e-6));
        assert_eq!(rates.in_force(200_001, None, 0).input, Some(1.5e-6));
        assert_eq!(rates.in_force(200_001, None, 30 * 60_000).input, Some(6e-6));
        assert!(
            one(&document(json!({"prompt": "1", "completion": "1", "overrides": [{"region": "eu", "prompt": "2"}]})))
                .unwrap_err()
                .contains("region")
        );
        assert!(one(&document(json!({"prompt": "-1", "completion": "-1"}))).unwrap_err().contains("router"));
        assert!(one(&document(json!({"prompt": "cheap", "completion": "1"}))).unwrap_err().contains("prompt"));
    }

    #[test]
    fn other_documents_are_refused_with_a_reason() {
        for text in ["", "[1]", "{}", r#"{"a":{"b":1}}"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
