//! Values as they come: whatever stands in a field, borrowed from the line, without a refusal for a type that was not expected.

use super::entry::{Doubt, Doubts, Tokens};
use super::money::{self, Unit};
use crate::base::Picos;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A value in a field.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<'a> {
    /// Not there, or null.
    #[default]
    None,
    /// A whole number.
    Int(i64),
    /// Another number.
    Real(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// True or false.
    Bool(bool),
    /// An object; of one with a single text the text, as in `{"Optimized": "v1"}`.
    Object(Option<Cow<'a, str>>),
    /// A list.
    List,
}

impl<'a> Field<'a> {
    /// Its text; a number or an object with one text counts as text too, an empty one as nothing.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) | Self::Object(Some(text)) => (!text.trim().is_empty()).then_some(text),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// Its number, also one that is written as text.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Whether it is there at all.
    #[must_use]
    pub fn is_there(&self) -> bool {
        *self != Self::None
    }

    /// A length of time in units of so many microseconds; one that is no number or below zero is doubted and unknown.
    #[must_use]
    pub fn micros(&self, unit: f64, doubts: &mut Doubts) -> Option<i64> {
        if !self.is_there() {
            return None;
        }
        let micros = self.number().map(|number| (number * unit).round()).filter(|micros| (0.0..9e15).contains(micros));
        doubts.add_if(micros.is_none(), Doubt::LatencyUnreadable);
        micros.map(|micros| micros as i64)
    }

    /// A count of tokens; one that is no number or below zero is doubted and unknown.
    #[must_use]
    pub fn count(&self, doubts: &mut Doubts) -> Option<i64> {
        let count = match self {
            Self::None => return None,
            Self::Int(count) => Some(*count),
            // A float is a count that passed through a language without integers.
            other => other.number().filter(|number| number.fract() == 0.0 && number.abs() < 9e15).map(|number| number as i64),
        };
        match count {
            Some(count) if count < 0 => doubts.add(Doubt::Negative),
            Some(count) => return Some(count),
            None => doubts.add(Doubt::TokensUnreadable),
        }
        None
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyField(std::marker::PhantomData))
    }
}

struct AnyField<'a>(std::marker::PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for AnyField<'a> {
    type Value = Field<'a>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Field<'a>, E> {
        Ok(Field::None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field<'a>, E> {
        Ok(Field::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Field<'a>, E> {
        Ok(Field::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Field<'a>, E> {
        Ok(i64::try_from(value).map_or(Field::Real(value as f64), Field::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Field<'a>, E> {
        Ok(Field::Real(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Field<'a>, E> {
        Ok(Field::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Field<'a>, E> {
        Ok(Field::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field<'a>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Field<'a>, A::Error> {
        let (mut text, mut entries) = (None, 0_u32);
        while object.next_key::<IgnoredAny>()?.is_some() {
            entries += 1;
            if entries > 1 {
                object.next_value::<IgnoredAny>()?;
            } else if let Field::Text(only) = object.next_value::<Field<'a>>()? {
                text = Some(only);
            }
        }
        Ok(Field::Object(text.filter(|_| entries == 1)))
    }
}

/// A token object of a log, or a plain number, which is the sum of all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts<'a> {
    input: Field<'a>,
    output: Field<'a>,
    total: Field<'a>,
    cached: Field<'a>,
    written: Field<'a>,
    reasoning: Field<'a>,
}

impl Counts<'_> {
    /// Whether anything is there.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.input.is_there() || self.output.is_there() || self.total.is_there()
    }

    /// The counts, contradictions doubted.
    #[must_use]
    pub fn read(&self, doubts: &mut Doubts) -> Tokens {
        let tokens = Tokens {
            input: self.input.count(doubts),
            output: self.output.count(doubts),
            cached: self.cached.count(doubts),
            written: self.written.count(doubts),
            written_1h: None,
            reasoning: self.reasoning.count(doubts),
            total: self.total.count(doubts),
        };
        contradictions(&tokens, doubts);
        doubts.add_if(tokens.total.is_some() && !self.input.is_there() && !self.output.is_there(), Doubt::TotalOnly);
        tokens
    }
}

fn contradictions(tokens: &Tokens, doubts: &mut Doubts) {
    let or_zero = |count: Option<i64>| count.unwrap_or(0);
    if let (Some(input), Some(output)) = (tokens.input, tokens.output) {
        doubts.add_if(tokens.total.is_some_and(|total| total != input.saturating_add(output)), Doubt::TotalMismatch);
    }
    doubts.add_if(tokens.output.is_some_and(|output| or_zero(tokens.reasoning) > output), Doubt::ReasoningAboveOutput);
    let cache = or_zero(tokens.cached).saturating_add(or_zero(tokens.written));
    doubts.add_if(tokens.input.is_some_and(|input| cache > input), Doubt::CacheAboveInput);
}

impl<'de: 'a, 'a> Deserialize<'de> for Counts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyCounts(std::marker::PhantomData))
    }
}

struct AnyCounts<'a>(std::marker::PhantomData<&'a ()>);

/// The names that counts go by.
#[derive(serde::Deserialize)]
enum Name {
    #[serde(rename = "input", alias = "prompt_tokens", alias = "input_tokens", alias = "prompt")]
    Input,
    #[serde(rename = "output", alias = "completion_tokens", alias = "output_tokens", alias = "completion")]
    Output,
    #[serde(rename = "total", alias = "total_tokens")]
    Total,
    #[serde(rename = "cached", alias = "cached_tokens", alias = "cache_read")]
    Cached,
    #[serde(rename = "written", alias = "cache_write_tokens", alias = "cache_write")]
    Written,
    #[serde(rename = "reasoning", alias = "reasoning_tokens")]
    Reasoning,
    #[serde(other)]
    Other,
}

impl<'de: 'a, 'a> Visitor<'de> for AnyCounts<'a> {
    type Value = Counts<'a>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("token counts")
    }

    fn visit_unit<E>(self) -> Result<Counts<'a>, E> {
        Ok(Counts::default())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Counts<'a>, E> {
        Ok(Counts { total: Field::Bool(value), ..Counts::default() })
    }

    fn visit_i64<E>(self, value: i64) -> Result<Counts<'a>, E> {
        Ok(Counts { total: Field::Int(value), ..Counts::default() })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Counts<'a>, E> {
        Ok(Counts { total: i64::try_from(value).map_or(Field::Real(value as f64), Field::Int), ..Counts::default() })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Counts<'a>, E> {
        Ok(Counts { total: Field::Real(value), ..Counts::default() })
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Counts<'a>, E> {
        Ok(Counts { total: Field::Text(Cow::Borrowed(value)), ..Counts::default() })
    }

    fn visit_str<E>(self, value: &str) -> Result<Counts<'a>, E> {
        Ok(Counts { total: Field::Text(Cow::Owned(value.to_owned())), ..Counts::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counts<'a>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Counts { total: Field::List, ..Counts::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Counts<'a>, A::Error> {
        let mut counts = Counts::default();
        while let Some(name) = object.next_key::<Name>()? {
            let place = match name {
                Name::Input => &mut counts.input,
                Name::Output => &mut counts.output,
                Name::Total => &mut counts.total,
                Name::Cached => &mut counts.cached,
                Name::Written => &mut counts.written,
                Name::Reasoning => &mut counts.reasoning,
                Name::Other => {
                    object.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *place = object.next_value()?;
        }
        Ok(counts)
    }
}

/// A cost as it was sent, and in pico-dollars; one that is no amount is doubted and unknown.
#[must_use]
pub fn cost<'a>(raw: Option<&'a RawValue>, unit: Unit, doubts: &mut Doubts) -> Option<(Cow<'a, str>, Picos)> {
    let raw = raw?.get();
    let text = match raw.as_bytes().first()? {
        b'n' => return None,
        b'"' => {
            let text = serde_json::from_str::<Field<'a>>(raw).ok()?.text()?;
            Cow::Owned(text.trim().trim_start_matches('$').to_owned())
        }
        _ => Cow::Borrowed(raw),
    };
    match money::picos(&text, unit) {
        Some(amount) if amount.0 < 0 => doubts.add(Doubt::CostNegative),
        Some(amount) => {
            doubts.add_if(raw.starts_with('"'), Doubt::CostAsText);
            return Some((text, amount));
        }
        None => doubts.add(Doubt::CostUnreadable),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Field<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn any_value_is_a_field() {
        assert_eq!(field("null"), Field::None);
        assert_eq!(field("12").number(), Some(12.0));
        assert_eq!(field("\"12.5\"").number(), Some(12.5));
        assert_eq!(field(r#"{"Optimized":"v1"}"#).text().as_deref(), Some("v1"));
        assert_eq!(field(r#"{"a":"v1","b":[1,{"c":2}]}"#), Field::Object(None));
        assert_eq!(field("[1,[2]]"), Field::List);
        assert_eq!(field(r#""a\nb""#).text().as_deref(), Some("a\nb"));
        assert_eq!(field("\" \"").text(), None);
    }

    #[test]
    fn counts_that_are_none_are_doubted_and_unknown() {
        let read = |text: &str| {
            let mut doubts = Doubts::default();
            let tokens = serde_json::from_str::<Counts<'_>>(text).unwrap().read(&mut doubts);
            (tokens.input, tokens.output, tokens.total, doubts.words().unwrap_or_default())
        };
        assert_eq!(read(r#"{"input":3,"output":4}"#), (Some(3), Some(4), None, String::new()));
        assert_eq!(
            read(r#"{"prompt_tokens":3.0,"completion_tokens":"4","total_tokens":7,"x":{}}"#),
            (Some(3), Some(4), Some(7), String::new())
        );
        assert_eq!(read(r#"{"input":-3,"output":4}"#), (None, Some(4), None, "negative".into()));
        assert_eq!(read(r#"{"input":"many","output":[]}"#), (None, None, None, "tokens_unreadable".into()));
        assert_eq!(read("449"), (None, None, Some(449), "total_only".into()));
        assert_eq!(
            read(r#"{"input":1,"output":1,"total":9,"cached":5,"reasoning":4}"#).3,
            "total_mismatch,reasoning_above_output,cache_above_input"
        );
        assert_eq!(read("null"), (None, None, None, String::new()));
    }

    #[test]
    fn costs_keep_their_digits_or_are_unknown() {
        let read = |text: &str| {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            let mut doubts = Doubts::default();
            let found = cost(Some(raw), Unit::Dollars, &mut doubts).map(|(text, amount)| (text.into_owned(), amount.0));
            (found, doubts.words().unwrap_or_default())
        };
        assert_eq!(read("0.001089"), (Some(("0.001089".into(), 1_089_000_000)), String::new()));
        assert_eq!(read("\"$0.50\""), (Some(("0.50".into(), 500_000_000_000)), "cost_as_text".into()));
        assert_eq!(read("0"), (Some(("0".into(), 0)), String::new()));
        assert_eq!(read("-1"), (None, "cost_negative".into()));
        assert_eq!(read("\"NaN\""), (None, "cost_unreadable".into()));
        assert_eq!(read("{}"), (None, "cost_unreadable".into()));
        assert_eq!(read("null"), (None, String::new()));
    }
}
