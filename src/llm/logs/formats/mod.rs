//! The formats of call logs, each with a parser of its own, and how a format is told from a line. Pure.

mod app;
mod interactions;
mod modules;
mod openai;

use super::entry::{Doubt, Line, Moment, Why};
use super::field::Field;
use super::money::Unit;
use super::stamp;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

/// A format of call logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `module`, `signature`, `latency_ms`, `tokens{input, output}`, `cost_usd`: what the runbook of the modules describes.
    Modules,
    /// `module_name`, `timestamp_ms`, `tokens{prompt_tokens, …}`: what those modules really write.
    Interactions,
    /// An application's own log: `level`, `message`, now and then `cost`; lines of text between.
    App,
    /// Answers in the manner of OpenAI, OpenRouter or Anthropic, alone or with what a proxy or a batch puts around them.
    OpenAi,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Modules, Self::Interactions, Self::App, Self::OpenAi];

    /// The word in the database and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Modules => "modules",
            Self::Interactions => "interactions",
            Self::App => "app",
            Self::OpenAi => "open_ai",
        }
    }

    /// Read an object in this format; `None` when it is not of this format.
    fn read(self, text: &str, unit: Unit) -> Result<Option<Line<'_>>, serde_json::Error> {
        match self {
            Self::Modules => modules::read(text, unit),
            Self::Interactions => interactions::read(text, unit),
            Self::App => app::read(text, unit),
            Self::OpenAi => openai::read(text, unit),
        }
    }
}

/// Read an object: in the format of the one before it, else in the one that its keys tell. `last` is kept up.
///
/// # Errors
/// What is wrong with the JSON.
pub fn read<'a>(text: &'a str, last: &mut Option<Format>, unit: Unit) -> Result<Line<'a>, serde_json::Error> {
    if let Some(format) = *last
        && let Some(line) = format.read(text, unit)?
    {
        return Ok(line);
    }
    let seen = keys(text)?;
    if let Some(format) = seen.format()
        && *last != Some(format)
        && let Some(line) = format.read(text, unit)?
    {
        *last = Some(format);
        return Ok(line);
    }
    Ok(seen.unknown())
}

/// What the keys of an object tell.
#[derive(Debug, Default)]
struct Seen {
    known: u32,
    names: Vec<String>,
}

const KEYS: [&str; 24] = [
    "module_name",
    "timestamp_ms",
    "module",
    "signature",
    "latency_ms",
    "tokens",
    "level",
    "message",
    "cost",
    "cost_usd",
    "usage",
    "choices",
    "response",
    "object",
    "requestId",
    "levelname",
    "msg",
    "event",
    "severity",
    "model",
    "id",
    "created",
    "body",
    "type",
];

impl Seen {
    fn has(&self, key: &str) -> bool {
        KEYS.iter().position(|known| *known == key).is_some_and(|at| self.known & (1 << at) != 0)
    }

    fn format(&self) -> Option<Format> {
        if self.has("module_name") && (self.has("timestamp_ms") || self.has("tokens")) {
            Some(Format::Interactions)
        } else if (self.has("module") || self.has("signature")) && (self.has("latency_ms") || self.has("tokens") || self.has("cost_usd")) {
            Some(Format::Modules)
        } else if ["usage", "choices", "response", "requestId", "object", "body"].iter().any(|key| self.has(key)) {
            Some(Format::OpenAi)
        } else if ["message", "msg", "event"].iter().any(|key| self.has(key))
            && ["level", "levelname", "severity"].iter().any(|key| self.has(key))
        {
            Some(Format::App)
        } else if self.has("message") && (self.has("model") || self.has("type")) {
            Some(Format::OpenAi)
        } else {
            None
        }
    }

    fn unknown(&self) -> Line<'static> {
        let detail = if self.names.is_empty() { "it is empty".to_owned() } else { format!("its keys are {}", self.names.join(", ")) };
        Line::Rejected(Why::UnknownFormat, detail)
    }
}

fn keys(text: &str) -> Result<Seen, serde_json::Error> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = Seen;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Seen, A::Error> {
            let mut seen = Seen::default();
            while let Some(key) = object.next_key::<Field<'de>>()? {
                object.next_value::<IgnoredAny>()?;
                let Field::Text(key) = key else { continue };
                if let Some(at) = KEYS.iter().position(|known| *known == key) {
                    seen.known |= 1 << at;
                }
                if seen.names.len() < 8 {
                    seen.names.push(crate::base::SafeText::clipped(&key, 30).to_string());
                }
            }
            Ok(seen)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seen = deserializer.deserialize_map(Keys)?;
    deserializer.end()?;
    Ok(seen)
}

/// The time in the first of these fields that is there.
fn moment(fields: &[&Field<'_>]) -> Result<Moment, (Why, String)> {
    let Some(field) = fields.iter().find(|field| field.is_there()) else { return Err((Why::NoTime, String::new())) };
    let found = match field {
        Field::Text(text) => stamp::read(text).or_else(|| field.number().and_then(stamp::number)),
        _ => field.number().and_then(stamp::number),
    };
    found.ok_or_else(|| {
        let shown = match field {
            Field::Text(text) => crate::base::SafeText::clipped(text, 40).to_string(),
            other => other.number().map_or_else(|| "it is neither text nor a number".to_owned(), |number| number.to_string()),
        };
        (Why::TimeUnreadable, shown)
    })
}

/// Whether `success` and `error` of a line tell of a failure, and of which type.
fn failure<'a>(
    success: &Field<'a>,
    error: Field<'a>,
    error_type: Field<'a>,
) -> (crate::llm::ledger::Outcome, Option<std::borrow::Cow<'a, str>>) {
    use crate::llm::ledger::Outcome;
    let named = matches!(&error, Field::Object(_)) || error_type.is_there() || error.clone().text().is_some();
    let failed = match success {
        Field::Bool(success) => !success,
        Field::Text(word) => matches!(word.to_ascii_lowercase().as_str(), "false" | "error" | "failure" | "failed"),
        Field::Int(number) => *number == 0,
        _ => named,
    };
    if !failed {
        return (Outcome::Ok, None);
    }
    (Outcome::Error, error_type.text().or_else(|| error.text()))
}

/// A model, doubted when there is none.
fn model<'a>(field: Field<'a>, doubts: &mut super::entry::Doubts) -> Option<std::borrow::Cow<'a, str>> {
    let model = field.text();
    doubts.add_if(model.is_none(), Doubt::NoModel);
    model
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in "\\PC{0,200}") {
            for format in Format::ALL {
                let _ = format.read(&text, Unit::Dollars);
            }
            let _ = read(&text, &mut None, Unit::Cents);
        }

        /// Objects with the keys that the formats look for, and any values in them.
        #[test]
        fn no_object_makes_a_parser_panic(object in object()) {
            let text = object.to_string();
            for format in Format::ALL {
                prop_assert!(format.read(&text, Unit::Dollars).is_ok(), "{text}");
            }
            let _ = read(&text, &mut None, Unit::Cents);
        }
    }

    fn object() -> impl Strategy<Value = serde_json::Value> {
        let keys = prop::sample::select(
            [
                &KEYS[..],
                &[
                    "timestamp",
                    "success",
                    "error",
                    "input",
                    "output",
                    "prompt_tokens",
                    "status_code",
                    "metadata",
                    "persona",
                    "module_version",
                ],
            ]
            .concat(),
        );
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            "\\PC{0,12}".prop_map(serde_json::Value::from),
            Just(serde_json::Value::from("2026-03-29T02:30:00")),
        ];
        let value = leaf.prop_recursive(3, 24, 6, {
            let keys = keys.clone();
            move |inner| {
                prop_oneof![
                    prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                    prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|pairs| serde_json::Value::Object(
                        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
                    )),
                ]
            }
        });
        prop::collection::vec((keys, value), 0..12)
            .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
    }
}
