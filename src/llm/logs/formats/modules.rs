//! The log that the runbook of the modules describes: one object a call.

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
    timestamp: Field<'a>,
    id: Field<'a>,
    request_id: Field<'a>,
    module: Field<'a>,
    module_name: Field<'a>,
    signature: Field<'a>,
    module_version: Field<'a>,
    latency_ms: Field<'a>,
    first_token_ms: Field<'a>,
    tokens: Counts<'a>,
    cost_usd: Option<&'a RawValue>,
    success: Field<'a>,
    error: Field<'a>,
    error_type: Field<'a>,
    model: Field<'a>,
    provider: Field<'a>,
    persona: Field<'a>,
}

pub(super) fn read(text: &str, unit: Unit) -> Result<Option<Line<'_>>, serde_json::Error> {
    let written: Written<'_> = serde_json::from_str(text)?;
    if written.module_name.is_there() || (!written.module.is_there() && !written.signature.is_there()) {
        return Ok(None);
    }
    if !written.latency_ms.is_there() && !written.tokens.is_there() && written.cost_usd.is_none() {
        // The same program's line about something else.
        return Ok(Some(Line::Other));
    }
    let at = match moment(&[&written.timestamp]) {
        Ok(at) => at,
        Err((why, detail)) => return Ok(Some(Line::Rejected(why, detail))),
    };
    let mut entry = Entry::at(Format::Modules, at);
    entry.given = written.id.text();
    entry.request = written.request_id.text();
    entry.model = model(written.model, &mut entry.doubts);
    entry.module = written.module.text();
    entry.signature = written.signature.text();
    entry.version = written.module_version.text();
    entry.persona = written.persona.text();
    entry.provider = written.provider.text();
    entry.latency_us = written.latency_ms.micros(1e3, &mut entry.doubts);
    entry.first_token_us = written.first_token_ms.micros(1e3, &mut entry.doubts);
    entry.tokens = written.tokens.read(&mut entry.doubts);
    (entry.cost, entry.cost_picos) = cost(written.cost_usd, unit, &mut entry.doubts).unzip();
    (entry.outcome, entry.error_type) = failure(&written.success, written.error, written.error_type);
    Ok(Some(Line::Call(Box::new(entry))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Picos;
    use crate::llm::ledger::Outcome;
    use crate::llm::logs::{Doubt, Moment, Why};

    fn call(text: &str) -> Entry<'_> {
        match read(text, Unit::Dollars).unwrap().unwrap() {
            Line::Call(entry) => *entry,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_call_is_read_compact_and_spaced() {
        for text in [
            r#"{"timestamp":"2025-08-01T00:00:07.776Z","level":"INFO","module":"optimizer","signature":"validate","latency_ms":498.9,"tokens":{"input":289,"output":160},"cost_usd":0.001089,"success":true,"model":"a/b","module_version":"v1","persona":"p0"}"#,
            r#"{ "timestamp" : "2025-08-01T00:00:07.776Z" , "level": "INFO", "module": "optimizer", "signature": "validate", "latency_ms": 498.9, "tokens": { "input": 289, "output": 160 }, "cost_usd": 0.001089, "success": true, "model": "a/b", "module_version": "v1", "persona": "p0" }"#,
        ] {
            let call = call(text);
            assert_eq!(call.at, Moment::Utc(1_754_006_407_776));
            assert_eq!(
                (call.module.as_deref(), call.signature.as_deref(), call.persona.as_deref()),
                (Some("optimizer"), Some("validate"), Some("p0"))
            );
            assert_eq!((call.latency_us, call.tokens.input, call.tokens.output), (Some(498_900), Some(289), Some(160)));
            assert_eq!((call.cost.as_deref(), call.cost_picos), (Some("0.001089"), Some(Picos(1_089_000_000))));
            assert_eq!((call.outcome, call.doubts.is_empty()), (Outcome::Ok, true));
        }
    }

    #[test]
    fn a_failure_keeps_its_type() {
        let call = call(r#"{"timestamp":"2025-08-01T00:00:07Z","module":"m","latency_ms":1,"success":false,"error_type":"rate_limit"}"#);
        assert_eq!((call.outcome, call.error_type.as_deref()), (Outcome::Error, Some("rate_limit")));
        assert!(call.doubts.has(Doubt::NoModel));
    }

    #[test]
    fn what_is_no_call_is_told() {
        assert_eq!(read(r#"{"usage":{}}"#, Unit::Dollars).unwrap(), None);
        assert_eq!(read(r#"{"module":"m","level":"INFO","event":"reload"}"#, Unit::Dollars).unwrap(), Some(Line::Other));
        assert_eq!(read(r#"{"module":"m","latency_ms":1}"#, Unit::Dollars).unwrap(), Some(Line::Rejected(Why::NoTime, String::new())));
    }
}
