//! Conditions: what an answer must be, in the words of Gatus. Pure.
//!
//! | written | means |
//! |---|---|
//! | `[STATUS] == any(200, 429)` | the HTTP status is one of them |
//! | `[RESPONSE_TIME] < 500` | milliseconds; `500ms` and `2s` as well |
//! | `[BODY].a.b[0].c == x`, `[BODY].["a.b"]`, `[BODY] == pat(*ok*)` | a value inside a JSON answer, or the whole text |
//! | `len([BODY].data) < 5`, `has([BODY].errors) == false` | how many, and whether there is one |
//! | `[CERTIFICATE_EXPIRATION] > 48h` | time until the certificate ends |
//! | `[CONNECTED] == true`, `[VALUE] < 0.9` | a connection, and the number that a check measures |
//!
//! A condition is read when its file is read, and what is wrong with it is told with the place. A placeholder that cannot be filled makes
//! the condition fail with a reason: what is not known never passes.

mod parse;

pub use parse::Wrong;

use crate::base::{SafeText, clock};
use serde_json::Value;

/// Characters of a value that a reason repeats.
const SHOWN: usize = 60;

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    text: String,
    left: Side,
    operator: Operator,
    right: Side,
}

/// How two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One side of a condition.
#[derive(Debug, Clone, PartialEq)]
enum Side {
    Place(Place),
    Len(Place),
    Has(Place),
    Literal(Literal),
    Pattern(String),
    Any(Vec<Alternative>),
}

/// One of several that may be equal.
#[derive(Debug, Clone, PartialEq)]
enum Alternative {
    Literal(Literal),
    Pattern(String),
}

/// A text that was written down, and the number that it may be. A length of time is a number of milliseconds.
#[derive(Debug, Clone, PartialEq)]
struct Literal {
    text: String,
    number: Option<f64>,
    is_duration: bool,
}

/// What is filled in when an answer is there.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    Status,
    ResponseTime,
    Connected,
    CertificateExpiration,
    Value,
    Body(Vec<Step>),
}

/// One step into a JSON answer.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Member(String),
    Index(usize),
}

/// The body of an answer.
#[derive(Debug, Clone, Copy, Default)]
pub enum Body<'a> {
    /// There is none.
    #[default]
    None,
    /// It is larger than what is read.
    Cut,
    /// The text, and what it says when it is JSON.
    Text(&'a str, Option<&'a Value>),
}

/// What an answer says, for the placeholders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The HTTP status.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub response_ms: Option<f64>,
    /// Whether there was a connection.
    pub connected: Option<bool>,
    /// Milliseconds until the certificate ends; negative when it has ended.
    pub certificate_ms: Option<i64>,
    /// The number that was measured.
    pub value: Option<f64>,
    /// The body.
    pub body: Body<'a>,
}

/// Whether a condition holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not, or it cannot be known.
    Fails {
        /// Why, in a sentence; made safe, with at most sixty characters of a value.
        reason: String,
        /// Whether the target itself says that it works, but not as it should: `degraded`, `warning` or `yellow` where another word
        /// was to be.
        is_mild: bool,
    },
}

/// A value that a side stands for.
#[derive(Debug, Clone, PartialEq)]
enum Filled {
    Number(f64),
    Milliseconds(f64),
    Text(String),
}

impl Condition {
    /// Read a condition.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        parse::condition(text)
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it looks at when the certificate ends.
    #[must_use]
    pub fn is_about_certificate(&self) -> bool {
        self.places().any(|place| *place == Place::CertificateExpiration)
    }

    /// Whether it looks at the HTTP status.
    #[must_use]
    pub fn is_about_status(&self) -> bool {
        self.places().any(|place| *place == Place::Status)
    }

    /// Whether it looks at the body.
    #[must_use]
    pub fn is_about_body(&self) -> bool {
        self.places().any(|place| matches!(place, Place::Body(_)))
    }

    /// Whether it looks at the connection.
    #[must_use]
    pub fn is_about_connection(&self) -> bool {
        self.places().any(|place| *place == Place::Connected)
    }

    /// Whether it looks at the measured number.
    #[must_use]
    pub fn is_about_value(&self) -> bool {
        self.places().any(|place| *place == Place::Value)
    }

    /// Whether a target of this kind (the word of `probes.toml`) can ever fill its placeholders.
    ///
    /// # Errors
    /// Which placeholder it never fills, and which it does.
    pub fn fits(&self, kind: &str) -> Result<(), Wrong> {
        let filled: &[&str] = match kind {
            "http" => &["[STATUS]", "[RESPONSE_TIME]", "[CONNECTED]", "[CERTIFICATE_EXPIRATION]", "[BODY]"],
            "command" => &["[RESPONSE_TIME]", "[VALUE]", "[BODY]"],
            "prometheus" | "postgres" | "qdrant" => &["[RESPONSE_TIME]", "[CONNECTED]", "[VALUE]"],
            "log_file" => &["[VALUE]"],
            _ => &["[RESPONSE_TIME]", "[CONNECTED]"],
        };
        match self.places().find(|place| !filled.contains(&place.name())) {
            None => Ok(()),
            Some(place) => {
                let name = place.name();
                let at = self.text.find(name).map_or(1, |byte| self.text[..byte].chars().count() + 1);
                Err(Wrong { at, reason: format!("a target of the kind {kind} never tells {name}; it tells {}", filled.join(", ")) })
            }
        }
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        [&self.left, &self.right].into_iter().filter_map(|side| match side {
            Side::Place(place) | Side::Len(place) | Side::Has(place) => Some(place),
            Side::Literal(_) | Side::Pattern(_) | Side::Any(_) => None,
        })
    }

    /// Whether it holds for an answer.
    #[must_use]
    pub fn verdict(&self, facts: &Facts<'_>) -> Verdict {
        match self.compared(facts) {
            Ok(None) => Verdict::Holds,
            Ok(Some(found)) => {
                let mild = ["degraded", "warning", "warn", "yellow"];
                let is_mild = matches!(&found, Filled::Text(text) if mild.iter().any(|word| text.trim().eq_ignore_ascii_case(word)));
                Verdict::Fails { reason: format!("{} does not hold: it is {}", self.shown(), found.shown()), is_mild }
            }
            Err(reason) => Verdict::Fails { reason: format!("{} cannot be known: {reason}", self.shown()), is_mild: false },
        }
    }

    fn shown(&self) -> String {
        SafeText::clipped(&self.text, 100).as_str().to_owned()
    }

    /// Nothing when it holds, else what was found; an error when a side cannot be known.
    fn compared(&self, facts: &Facts<'_>) -> Result<Option<Filled>, String> {
        let (left, right) = (self.left.filled(facts)?, self.right.filled(facts)?);
        let holds = match self.operator {
            Operator::Equal | Operator::Unequal => {
                let equal = match (&left, &right, &self.left, &self.right) {
                    (Some(left), Some(right), ..) => left.equals(right),
                    (Some(found), None, _, choice) | (None, Some(found), choice, _) => choice.covers(found),
                    (None, None, ..) => false,
                };
                equal == (self.operator == Operator::Equal)
            }
            order => {
                let number = |side: &Option<Filled>| {
                    let Some(filled) = side else { return Err("there is nothing to order".to_owned()) };
                    filled.number().ok_or_else(|| format!("{} is not a number", filled.shown()))
                };
                let (left, right) = (number(&left)?, number(&right)?);
                match order {
                    Operator::Less => left < right,
                    Operator::LessOrEqual => left <= right,
                    Operator::Greater => left > right,
                    _ => left >= right,
                }
            }
        };
        if holds {
            return Ok(None);
        }
        // What the answer says is told, and not what was asked for.
        let is_asked = matches!(self.left, Side::Literal(_) | Side::Pattern(_) | Side::Any(_));
        let found = if is_asked { right.or(left) } else { left.or(right) };
        Ok(Some(found.unwrap_or(Filled::Text(String::new()))))
    }
}

impl Side {
    /// The value that it stands for; nothing for a pattern and for alternatives.
    fn filled(&self, facts: &Facts<'_>) -> Result<Option<Filled>, String> {
        match self {
            Self::Place(place) => place.filled(facts).map(Some),
            Self::Len(place) => place.length(facts).map(|length| Some(Filled::Number(length as f64))),
            Self::Has(place) => place.is_there(facts).map(|there| Some(Filled::Text(there.to_string()))),
            Self::Literal(literal) => Ok(Some(literal.filled())),
            Self::Pattern(_) | Self::Any(_) => Ok(None),
        }
    }

    /// Whether a pattern or alternatives cover a value.
    fn covers(&self, found: &Filled) -> bool {
        match self {
            Self::Pattern(pattern) => matches_pattern(pattern, &found.text()),
            Self::Any(alternatives) => alternatives.iter().any(|alternative| match alternative {
                Alternative::Literal(literal) => found.equals(&literal.filled()),
                Alternative::Pattern(pattern) => matches_pattern(pattern, &found.text()),
            }),
            Self::Place(_) | Self::Len(_) | Self::Has(_) | Self::Literal(_) => false,
        }
    }
}

impl Literal {
    fn filled(&self) -> Filled {
        Filled::Text(self.text.clone())
    }
}

impl Filled {
    fn equals(&self, other: &Self) -> bool {
        if self.text() == other.text() {
            return true;
        }
        // "1.0" is not the text 1: numbers are compared as such only where the answer has one.
        let has_number =
            matches!(self, Self::Number(_) | Self::Milliseconds(_)) || matches!(other, Self::Number(_) | Self::Milliseconds(_));
        has_number && matches!((self.number(), other.number()), (Some(one), Some(two)) if (one - two).abs() <= f64::EPSILON * one.abs())
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) | Self::Milliseconds(number) => Some(*number),
            Self::Text(text) => parse::number(text.trim()).map(|(number, _)| number),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Number(number) | Self::Milliseconds(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Milliseconds(millis) if millis.abs() < 60_000.0 => format!("{} ms", millis.round()),
            Self::Milliseconds(millis) => clock::duration(*millis as i64),
            Self::Text(text) if text.is_empty() => "empty".to_owned(),
            Self::Text(text) => format!("“{}”", SafeText::clipped(text, SHOWN)),
        }
    }
}

impl Place {
    fn name(&self) -> &'static str {
        match self {
            Self::Status => "[STATUS]",
            Self::ResponseTime => "[RESPONSE_TIME]",
            Self::Connected => "[CONNECTED]",
            Self::CertificateExpiration => "[CERTIFICATE_EXPIRATION]",
            Self::Value => "[VALUE]",
            Self::Body(_) => "[BODY]",
        }
    }

    fn filled(&self, facts: &Facts<'_>) -> Result<Filled, String> {
        let unknown = |what: &str| format!("there is no {what}");
        match self {
            Self::Status => facts.status.map(|status| Filled::Number(status.into())).ok_or_else(|| unknown("status")),
            Self::ResponseTime => facts.response_ms.map(Filled::Milliseconds).ok_or_else(|| unknown("answer to time")),
            Self::Connected => facts.connected.map(|connected| Filled::Text(connected.to_string())).ok_or_else(|| unknown("connection")),
            Self::CertificateExpiration => {
                facts.certificate_ms.map(|millis| Filled::Milliseconds(millis as f64)).ok_or_else(|| unknown("certificate"))
            }
            Self::Value => facts.value.filter(|value| !value.is_nan()).map(Filled::Number).ok_or_else(|| unknown("value")),
            Self::Body(steps) if steps.is_empty() => match facts.body {
                Body::Text(text, _) => Ok(Filled::Text(text.trim().to_owned())),
                body => Err(body.is_missing()),
            },
            Self::Body(steps) => match found(facts.body, steps)? {
                Some(Value::String(text)) => Ok(Filled::Text(text.clone())),
                Some(Value::Number(number)) => Ok(number.as_f64().map_or_else(|| Filled::Text(number.to_string()), Filled::Number)),
                Some(other) => Ok(Filled::Text(other.to_string())),
                None => Err(format!("the answer has no {}", path(steps))),
            },
        }
    }

    fn length(&self, facts: &Facts<'_>) -> Result<usize, String> {
        let Self::Body(steps) = self else { return Err("only a body has a length".to_owned()) };
        if let (true, Body::Text(text, None)) = (steps.is_empty(), facts.body) {
            return Ok(text.chars().count());
        }
        match found(facts.body, steps)? {
            Some(Value::Array(items)) => Ok(items.len()),
            Some(Value::Object(members)) => Ok(members.len()),
            Some(Value::String(text)) => Ok(text.chars().count()),
            Some(_) => Err(format!("{} has no length", path(steps))),
            None => Err(format!("the answer has no {}", path(steps))),
        }
    }

    fn is_there(&self, facts: &Facts<'_>) -> Result<bool, String> {
        let Self::Body(steps) = self else { return Err("only a body has members".to_owned()) };
        found(facts.body, steps).map(|found| found.is_some())
    }
}

impl Body<'_> {
    fn is_missing(&self) -> String {
        match self {
            Self::None => "there is no body".to_owned(),
            Self::Cut => "the body is larger than what is read".to_owned(),
            Self::Text(..) => "the body is not JSON".to_owned(),
        }
    }
}

/// What stands at a path in a JSON answer.
fn found<'a>(body: Body<'a>, steps: &[Step]) -> Result<Option<&'a Value>, String> {
    let Body::Text(_, Some(value)) = body else { return Err(body.is_missing()) };
    Ok(steps.iter().try_fold(value, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Index(index) => value.get(index),
    }))
}

fn path(steps: &[Step]) -> String {
    let text: String = steps
        .iter()
        .map(|step| match step {
            Step::Member(name) => format!(".{name}"),
            Step::Index(index) => format!("[{index}]"),
        })
        .collect();
    if text.is_empty() { "JSON".to_owned() } else { SafeText::clipped(&text, SHOWN).as_str().to_owned() }
}

/// Whether a text is as a pattern says, in which `*` stands for anything. In one walk over the text.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
