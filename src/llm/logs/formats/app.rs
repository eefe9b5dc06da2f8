//! An application's own log: objects with a level and a message, some of which tell of a call.

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
    time: Field<'a>,
    asctime: Field<'a>,
    level: Field<'a>,
    levelname: Field<'a>,
    severity: Field<'a>,
    id: Field<'a>,
    request_id: Field<'a>,
    model: Field<'a>,
    tokens: Counts<'a>,
    prompt_tokens: Field<'a>,
    completion_tokens: Field<'a>,
    cost: Option<&'a RawValue>,
    cost_usd: Option<&'a RawValue>,
    latency_ms: Field<'a>,
    duration_ms: Field<'a>,
    success: Field<'a>,
    error: Field<'a>,
    error_type: Field<'a>,
    persona_id: Field<'a>,
    persona: Field<'a>,
    module: Field<'a>,
}

pub(super) fn read(text: &str, unit: Unit) -> Result<Option<Line<'_>>, serde_json::Error> {
    let written: Written<'_> = serde_json::from_str(text)?;
    if !written.level.is_there() && !written.levelname.is_there() && !written.severity.is_there() {
        return Ok(None);
    }
    let costs = written.cost.or(written.cost_usd);
    let counted = written.tokens.is_there() || written.prompt_tokens.is_there() || written.completion_tokens.is_there();
    if costs.is_none() && !(counted && written.model.is_there()) {
        return Ok(Some(Line::Other));
    }
    let at = match moment(&[&written.timestamp, &written.time, &written.asctime]) {
        Ok(at) => at,
        Err((why, detail)) => return Ok(Some(Line::Rejected(why, detail))),
    };
    let mut entry = Entry::at(Format::App, at);
    entry.given = written.id.text();
    entry.request = written.request_id.text();
    entry.model = model(written.model, &mut entry.doubts);
    entry.module = written.module.text();
    entry.persona = written.persona_id.text().or_else(|| written.persona.text());
    entry.latency_us = written.latency_ms.micros(1e3, &mut entry.doubts).or_else(|| written.duration_ms.micros(1e3, &mut entry.doubts));
    if written.prompt_tokens.is_there() || written.completion_tokens.is_there() {
        entry.tokens.input = written.prompt_tokens.count(&mut entry.doubts);
        entry.tokens.output = written.completion_tokens.count(&mut entry.doubts);
    } else {
        entry.tokens = written.tokens.read(&mut entry.doubts);
    }
    (entry.cost, entry.cost_picos) = cost(costs, unit, &mut entry.doubts).unzip();
    (entry.outcome, entry.error_type) = failure(&written.success, written.error, written.error_type);
    Ok(Some(Line::Call(Box::new(entry))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::logs::{Doubt, Moment};

    #[test]
    fn calls_are_told_from_other_events() {
        let text = r#"{"timestamp": "2025-08-01T00:00:07.776", "level": "INFO", "message": "LLM call completed", "model": "a/b", "tokens": 449, "cost": 0.001089, "persona_id": "p0"}"#;
        let Some(Line::Call(call)) = read(text, Unit::Dollars).unwrap() else { panic!() };
        assert_eq!((call.at, call.tokens.total, call.tokens.input), (Moment::Naive(1_754_006_407_776), Some(449), None));
        assert!(call.doubts.has(Doubt::TotalOnly));
        let other = r#"{"timestamp": "2025-08-01T00:00:07.776", "level": "INFO", "message": "Memory store query", "persona_id": "p0"}"#;
        assert_eq!(read(other, Unit::Dollars).unwrap(), Some(Line::Other));
        assert_eq!(read(r#"{"usage":{}}"#, Unit::Dollars).unwrap(), None);
    }
}
