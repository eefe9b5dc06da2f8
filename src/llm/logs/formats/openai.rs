//! Answers in the manner of OpenAI, OpenRouter or Anthropic, one a line: alone, inside the line of a proxy (`response`, `body`), of a batch
//! (`response.body`), or of an assistant's transcript (`message`).

use super::super::entry::{Doubt, Entry, Line, Moment};
use super::super::field::{Field, cost};
use super::super::money::Unit;
use super::{Format, failure, model, moment};
use crate::llm::ledger::{Category, Outcome};
use crate::llm::reported::Reported;
use crate::llm::usage::{Flag, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

/// How deep an answer may be wrapped.
const DEPTH: usize = 3;

/// An answer, or what stands around one.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Layer<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    request_id: Field<'a>,
    #[serde(rename = "requestId")]
    request: Field<'a>,
    custom_id: Field<'a>,
    object: Field<'a>,
    created: Field<'a>,
    created_at: Field<'a>,
    timestamp: Field<'a>,
    time: Field<'a>,
    ts: Field<'a>,
    #[serde(rename = "startTime")]
    start_time: Field<'a>,
    model: Field<'a>,
    provider: Field<'a>,
    service_tier: Field<'a>,
    usage: Option<&'a RawValue>,
    choices: Option<&'a RawValue>,
    stop_reason: Field<'a>,
    status: Field<'a>,
    status_code: Field<'a>,
    error: Option<&'a RawValue>,
    response: Option<&'a RawValue>,
    body: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    latency_ms: Field<'a>,
    duration_ms: Field<'a>,
    response_ms: Field<'a>,
    latency: Field<'a>,
    ttft_ms: Field<'a>,
    cost: Option<&'a RawValue>,
    cost_usd: Option<&'a RawValue>,
    #[serde(rename = "costUSD")]
    cost_in_usd: Option<&'a RawValue>,
    response_cost: Option<&'a RawValue>,
    spend: Option<&'a RawValue>,
    module: Field<'a>,
    persona: Field<'a>,
    success: Field<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice<'a> {
    #[serde(borrow)]
    finish_reason: Field<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refused<'a> {
    #[serde(borrow)]
    code: Field<'a>,
    r#type: Field<'a>,
}

fn is_object(raw: Option<&RawValue>) -> Option<&str> {
    raw.map(RawValue::get).filter(|text| text.starts_with('{'))
}

/// The first of these that is there.
fn first<'a>(fields: impl IntoIterator<Item = Field<'a>>) -> Field<'a> {
    fields.into_iter().find(Field::is_there).unwrap_or_default()
}

pub(super) fn read(text: &str, unit: Unit) -> Result<Option<Line<'_>>, serde_json::Error> {
    let mut layers: Vec<Layer<'_>> = vec![serde_json::from_str(text)?];
    while let Some(inner) = layers.last().and_then(|layer| is_object(layer.response).or(is_object(layer.body)).or(is_object(layer.message)))
        && layers.len() <= DEPTH
    {
        layers.push(serde_json::from_str(inner)?);
    }
    let is_batch = layers.first().is_some_and(|layer| layer.custom_id.is_there());
    let usage = layers.iter().rev().find_map(|layer| is_object(layer.usage));
    let refusal = layers.iter().rev().find_map(|layer| layer.error).filter(|raw| raw.get() != "null");
    let choices = layers.iter().rev().find_map(|layer| layer.choices);
    if usage.is_none() && refusal.is_none() && choices.is_none() {
        // A transcript holds what the person wrote as well, a stream its beginning.
        let wraps = layers.len() > 1 || layers.first().is_some_and(|layer| layer.object.is_there() || layer.request.is_there());
        return Ok(wraps.then_some(Line::Other));
    }
    let at = match time(&layers) {
        Ok(at) => at,
        Err((why, detail)) => return Ok(Some(Line::Rejected(why, detail))),
    };
    let mut entry = Entry::at(Format::OpenAi, at);
    // What stands nearest to the answer is what it says of itself; what a proxy adds stands further out.
    for layer in layers.into_iter().rev() {
        let doubts = &mut entry.doubts;
        entry.given = entry.given.or_else(|| layer.id.text());
        entry.request = entry.request.or_else(|| first([layer.request_id, layer.request, layer.custom_id]).text());
        entry.model = entry.model.or_else(|| layer.model.text());
        entry.provider = entry.provider.or_else(|| layer.provider.text());
        entry.tier = entry.tier.or_else(|| layer.service_tier.text());
        entry.finish = entry.finish.or_else(|| layer.stop_reason.text());
        entry.module = entry.module.or_else(|| layer.module.text());
        entry.persona = entry.persona.or_else(|| layer.persona.text());
        let seconds = layer.latency.micros(1e6, doubts);
        let millis = first([layer.latency_ms, layer.duration_ms, layer.response_ms]).micros(1e3, doubts);
        entry.latency_us = entry.latency_us.or(millis).or(seconds);
        entry.first_token_us = entry.first_token_us.or_else(|| layer.ttft_ms.micros(1e3, doubts));
        entry.http_status = entry.http_status.or(match (&layer.status_code, &layer.status) {
            (Field::Int(status), _) | (Field::None, Field::Int(status)) => Some(*status),
            _ => None,
        });
        if entry.cost.is_none() {
            let raw = layer.cost.or(layer.cost_usd).or(layer.cost_in_usd).or(layer.response_cost).or(layer.spend);
            (entry.cost, entry.cost_picos) = cost(raw, unit, doubts).unzip();
        }
        if let Field::Bool(false) = layer.success {
            entry.outcome = Outcome::Error;
        }
    }
    if let Some(choices) = choices {
        let found: Vec<Choice<'_>> = serde_json::from_str(choices.get()).unwrap_or_default();
        entry.finish = found.into_iter().next().and_then(|choice| choice.finish_reason.text()).or(entry.finish);
    }
    if let Some(usage) = usage {
        take_usage(&mut entry, usage, unit);
    }
    if let Some(refusal) = refusal {
        let refused: Refused<'_> = serde_json::from_str(refusal.get()).unwrap_or_default();
        let word = serde_json::from_str::<Field<'_>>(refusal.get()).unwrap_or_default();
        let (outcome, kind) = failure(
            &Field::Bool(false),
            first([refused.r#type, refused.code]),
            if is_object(Some(refusal)).is_some() { Field::None } else { word },
        );
        (entry.outcome, entry.error_type) = (outcome, kind);
    }
    if entry.http_status.is_some_and(|status| status >= 400) {
        entry.outcome = Outcome::Error;
    }
    entry.category = is_batch.then_some(Category::Batch);
    let named = entry.model.take().map_or(Field::None, Field::Text);
    entry.model = model(named, &mut entry.doubts);
    Ok(Some(Line::Call(Box::new(entry))))
}

/// The time of the line, else that of the answer. The outermost is the one that the writer of the log measured.
fn time(layers: &[Layer<'_>]) -> Result<Moment, (super::Why, String)> {
    let fields: Vec<&Field<'_>> = layers
        .iter()
        .flat_map(|layer| [&layer.timestamp, &layer.time, &layer.ts, &layer.start_time])
        .chain(layers.iter().rev().flat_map(|layer| [&layer.created, &layer.created_at]))
        .collect();
    moment(&fields)
}

/// Token counts by the shape of the provider, and the cost where it stands among them.
fn take_usage(entry: &mut Entry<'_>, usage: &str, unit: Unit) {
    let Some(reported) = Reported::read(usage) else { return };
    if let Some(usage) = &reported.usage {
        let known = |count: i64| (!usage.flags.contains(&Flag::Negative)).then_some(count);
        entry.tokens.input = known(usage.input);
        entry.tokens.output = known(usage.output);
        entry.tokens.cached = known(usage.cached);
        entry.tokens.written = known(usage.written);
        entry.tokens.written_1h = known(usage.written_1h);
        entry.tokens.reasoning = known(usage.reasoning);
        doubt(entry, usage);
    } else {
        entry.doubts.add(Doubt::TokensUnreadable);
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Money<'a> {
        #[serde(borrow)]
        cost: Option<&'a RawValue>,
    }
    if entry.cost.is_none() {
        let money: Money<'_> = serde_json::from_str(usage).unwrap_or_default();
        let mut doubts = entry.doubts;
        let found = cost(money.cost, unit, &mut doubts).map(|(text, amount)| (std::borrow::Cow::Owned(text.into_owned()), amount));
        (entry.cost, entry.cost_picos) = found.unzip();
        entry.doubts = doubts;
    }
}

fn doubt(entry: &mut Entry<'_>, usage: &Usage) {
    for flag in &usage.flags {
        entry.doubts.add(match flag {
            Flag::ReasoningAboveOutput => Doubt::ReasoningAboveOutput,
            Flag::CacheAboveInput => Doubt::CacheAboveInput,
            Flag::TotalMismatch => Doubt::TotalMismatch,
            Flag::Negative => Doubt::Negative,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Picos;
    use crate::llm::logs::Why;

    fn call(text: &str) -> Entry<'_> {
        match read(text, Unit::Dollars).unwrap().unwrap() {
            Line::Call(entry) => *entry,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_alone_and_wrapped() {
        let answer = r#"{"id":"gen-1","object":"chat.completion","created":1754006407,"model":"openai/gpt-5-mini","provider":"OpenAI","choices":[{"finish_reason":"stop","message":{"content":"x"}}],"usage":{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25,"prompt_tokens_details":{"cached_tokens":12},"cost":0.00045}}"#;
        let alone = call(answer);
        assert_eq!(
            (alone.given.as_deref(), alone.at, alone.finish.as_deref()),
            (Some("gen-1"), Moment::Utc(1_754_006_407_000), Some("stop"))
        );
        assert_eq!((alone.tokens.input, alone.tokens.cached, alone.cost_picos), (Some(20), Some(12), Some(Picos(450_000_000))));
        let wrapped = format!(
            r#"{{"timestamp":"2025-08-01T00:00:09Z","latency_ms":812,"request":{{"model":"asked"}},"response":{answer},"module":"reply"}}"#
        );
        let wrapped = call(&wrapped);
        assert_eq!(
            (wrapped.given.as_deref(), wrapped.at, wrapped.latency_us),
            (Some("gen-1"), Moment::Utc(1_754_006_409_000), Some(812_000))
        );
        assert_eq!(wrapped.module.as_deref(), Some("reply"));
        let batch = format!(
            r#"{{"id":"batch_req_1","custom_id":"c-1","response":{{"status_code":200,"request_id":"r-1","body":{answer}}},"error":null}}"#
        );
        let batch = call(&batch);
        assert_eq!((batch.given.as_deref(), batch.request.as_deref(), batch.category), (Some("gen-1"), Some("r-1"), Some(Category::Batch)));
        assert_eq!((batch.http_status, batch.outcome), (Some(200), Outcome::Ok));
    }

    #[test]
    fn anthropic_counts_the_cache_beside_the_input() {
        let text = r#"{"type":"assistant","timestamp":"2025-08-01T00:00:07Z","requestId":"req_1","costUSD":0.5,"message":{"id":"msg_1","type":"message","model":"claude-haiku-4-5","stop_reason":"end_turn","usage":{"input_tokens":4,"output_tokens":5,"cache_read_input_tokens":18,"cache_creation_input_tokens":3}}}"#;
        let call = call(text);
        assert_eq!(
            (call.tokens.input, call.tokens.cached, call.given.as_deref(), call.request.as_deref()),
            (Some(25), Some(18), Some("msg_1"), Some("req_1"))
        );
        assert_eq!((call.cost_picos, call.finish.as_deref()), (Some(Picos(500_000_000_000)), Some("end_turn")));
        let person = r#"{"type":"user","timestamp":"2025-08-01T00:00:07Z","message":{"role":"user","content":"hello"}}"#;
        assert_eq!(read(person, Unit::Dollars).unwrap(), Some(Line::Other));
    }

    #[test]
    fn a_refusal_is_a_call_that_failed() {
        let call = call(r#"{"created":1754006407,"model":"m","error":{"code":429,"message":"slow down","type":"rate_limit"}}"#);
        assert_eq!((call.outcome, call.error_type.as_deref()), (Outcome::Error, Some("rate_limit")));
        assert_eq!(
            read(r#"{"model":"m","usage":{"prompt_tokens":1}}"#, Unit::Dollars).unwrap(),
            Some(Line::Rejected(Why::NoTime, String::new()))
        );
        assert_eq!(read(r#"{"a":1}"#, Unit::Dollars).unwrap(), None);
    }
}
