//! What the code of the modules really writes, which is not what its runbook says: other names, milliseconds, a version that is a word or an
//! object.

use super::super::entry::{Entry, Line};
use super::super::field::{Counts, Field, cost};
use super::super::money::Unit;
use super::{Format, failure, model, moment};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Written<'a> {
    #[serde(borrow)]
    timestamp_ms: Field<'a>,
    timestamp: Field<'a>,
    id: Field<'a>,
    request_id: Field<'a>,
    module_name: Field<'a>,
    module_version: Field<'a>,
    signature: Field<'a>,
    latency_ms: Field<'a>,
    tokens: Counts<'a>,
    cost_usd: Option<&'a RawValue>,
    model: Field<'a>,
    success: Field<'a>,
    error: Field<'a>,
    metadata: Metadata<'a>,
}

/// An object with more in it than is asked for, or something else altogether.
#[derive(Default)]
struct Metadata<'a>(Field<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Metadata<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Object<'a> {
            #[serde(borrow)]
            persona: Field<'a>,
        }
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        let object: Object<'de> = serde_json::from_str(raw.get()).unwrap_or_default();
        Ok(Self(object.persona))
    }
}

pub(super) fn read(text: &str, unit: Unit) -> Result<Option<Line<'_>>, serde_json::Error> {
    let written: Written<'_> = serde_json::from_str(text)?;
    if !written.module_name.is_there() {
        return Ok(None);
    }
    let at = match moment(&[&written.timestamp_ms, &written.timestamp]) {
        Ok(at) => at,
        Err((why, detail)) => return Ok(Some(Line::Rejected(why, detail))),
    };
    let mut entry = Entry::at(Format::Interactions, at);
    entry.given = written.id.text();
    entry.request = written.request_id.text();
    entry.model = model(written.model, &mut entry.doubts);
    entry.module = written.module_name.text();
    entry.signature = written.signature.text();
    entry.version = written.module_version.text();
    entry.persona = written.metadata.0.text();
    entry.latency_us = written.latency_ms.micros(1e3, &mut entry.doubts);
    entry.tokens = written.tokens.read(&mut entry.doubts);
    (entry.cost, entry.cost_picos) = cost(written.cost_usd, unit, &mut entry.doubts).unzip();
    (entry.outcome, entry.error_type) = failure(&written.success, written.error, Field::None);
    Ok(Some(Line::Call(Box::new(entry))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::ledger::Outcome;
    use crate::llm::logs::Moment;

    #[test]
    fn versions_are_words_or_objects() {
        for (version, found) in [("\"Baseline\"", Some("Baseline")), (r#"{"Optimized":"v1"}"#, Some("v1")), ("null", None)] {
            let text = format!(
                r#"{{"module_name":"planner","module_version":{version},"signature":"s","input":{{"intent":"x"}},"output":{{"r":["a"]}},"timestamp_ms":1754006407776,"latency_ms":498,"tokens":{{"prompt_tokens":289,"completion_tokens":160,"total_tokens":449}},"cost_usd":0.001089,"model":"a/b","success":false,"error":"rate_limit","metadata":{{"x":1,"persona":"p0"}}}}"#
            );
            let Some(Line::Call(call)) = read(&text, Unit::Dollars).unwrap() else { panic!("{text}") };
            assert_eq!((call.version.as_deref(), call.at, call.persona.as_deref()), (found, Moment::Utc(1_754_006_407_776), Some("p0")));
            assert_eq!((call.outcome, call.error_type.as_deref(), call.tokens.total), (Outcome::Error, Some("rate_limit"), Some(449)));
            assert!(call.doubts.is_empty());
        }
    }
}
