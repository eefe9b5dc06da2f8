//! Recorded traffic and price tables of others, read by the model room. Runs where the fixtures are present, and says so where not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use quarterdeck::llm::error::Class;
use quarterdeck::llm::price::import::{self, Source};
use quarterdeck::llm::price::{Book, Rates, cost};
use quarterdeck::llm::refusal;
use quarterdeck::llm::sse::Parser;
use quarterdeck::llm::stream::Accumulator;
use quarterdeck::llm::usage::{Flag, Shape, Usage};
use quarterdeck::llm::wire::{Answer, Problem};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

fn fixture(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/llm").join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(_) => {
            println!("skipped: {} not present", path.display());
            None
        }
    }
}

fn lines<T: for<'a> Deserialize<'a>>(text: &str) -> Vec<T> {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[derive(Deserialize)]
struct Exchange {
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    uri: String,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    headers: HashMap<String, String>,
    sse: bool,
    body: Box<RawValue>,
}

/// Reads a stream in chunks of `size` bytes, as the network might deliver it.
fn read_stream(body: &str, size: usize) -> (Accumulator, Result<(), Problem>) {
    let (mut parser, mut stream) = (Parser::new(), Accumulator::default());
    for chunk in body.as_bytes().chunks(size) {
        for event in parser.push(chunk).unwrap() {
            stream.event(&event.data).unwrap();
        }
    }
    let end = stream.finish();
    (stream, end)
}

/// The text of the last `"cost":` in a body, found without any of the code under test.
fn last_cost(body: &str) -> Option<String> {
    let at = body.rfind("\"cost\":")? + "\"cost\":".len();
    Some(body[at..].trim_start().chars().take_while(|character| !matches!(character, ',' | '}') && !character.is_whitespace()).collect())
}

/// The last usage object with token counts anywhere in a value.
fn find_usage(value: &Value) -> Option<&Value> {
    value.get("usage").filter(|usage| usage.is_object()).or_else(|| value.get("response").and_then(find_usage))
}

fn assert_answer(answer: &Answer, body: &str, usage: Option<&Value>, place: &str) {
    let reported = answer.reported.as_ref();
    assert_eq!(reported.and_then(|reported| reported.cost.clone()), last_cost(body), "{place}: the cost is the body's, digit by digit");
    let counts = reported.and_then(|reported| reported.usage.as_ref()).map(|usage| (usage.input, usage.output));
    let number = |usage: &Value, keys: [&str; 2]| keys.iter().find_map(|key| usage[key].as_i64()).unwrap();
    let expected =
        usage.map(|usage| (number(usage, ["prompt_tokens", "input_tokens"]), number(usage, ["completion_tokens", "output_tokens"])));
    assert_eq!(counts, expected, "{place}: the tokens are the body's");
    assert!(answer.model.is_some() && answer.id.is_some(), "{place}");
}

#[test]
fn recorded_openrouter_traffic_is_read_as_what_it_is() {
    let Some(text) = fixture("openrouter_http.jsonl") else { return };
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, exchange) in lines::<Exchange>(&text).into_iter().enumerate() {
        let place = format!("line {} {}", number + 1, exchange.request.uri);
        let response = exchange.response;
        if response.status >= 400 {
            let context = refusal::Context { status: response.status, retry_after: None, model: "m", now: 0 };
            let refused = refusal::read(response.body.get(), context);
            assert_eq!(refused.class, Class::RateLimited, "{place}");
            assert_eq!(refused.provider.as_deref(), Some("Google"), "{place}");
            assert!(refused.message.contains("rate-limited upstream"), "{place}: {}", refused.message);
            *seen.entry("refused").or_default() += 1;
        } else if response.sse {
            let body: String = serde_json::from_str(response.body.get()).unwrap();
            let events: Vec<Value> = body.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
            let (stream, end) = read_stream(&body, 7);
            assert_answer(&stream.answer, &body, events.iter().rev().find_map(find_usage), &place);
            let (whole, whole_end) = read_stream(&body, body.len());
            assert_eq!((&whole.answer, &whole_end), (&stream.answer, &end), "{place}: chunks make no difference");
            if events.iter().any(|event| event.get("error").is_some_and(|error| !error.is_null())) {
                let Err(Problem::Refused(error)) = end else { panic!("{place}: {end:?}") };
                let refused = refusal::from_error(&error, refusal::Context { status: 200, retry_after: None, model: "m", now: 0 });
                assert_eq!((refused.class, refused.message.as_str()), (Class::BadRequest, "Token limit reached"), "{place}");
                *seen.entry("stream with an error").or_default() += 1;
            } else {
                assert_eq!(end, Ok(()), "{place}");
                assert!(stream.answer.finish_reason.is_some(), "{place}");
                *seen.entry("stream").or_default() += 1;
            }
            // The same stream without its end is interrupted, wherever the usage was.
            let cut = body.rfind("data: [DONE]").unwrap();
            let (cut, end) = read_stream(&body[..cut], 11);
            assert!(cut.error().is_some() || matches!(end, Err(Problem::Interrupted(_))), "{place}");
        } else {
            let body = response.body.get();
            let mut answer = Answer::default();
            assert_eq!(answer.read_body(body), Ok(()), "{place}");
            let value: Value = serde_json::from_str(body).unwrap();
            assert_answer(&answer, body, find_usage(&value), &place);
            let expected = value.pointer("/choices/0/message/content").and_then(Value::as_str);
            assert!(expected.is_none_or(|text| text == answer.text), "{place}");
            *seen.entry("body").or_default() += 1;
        }
    }
    println!("{seen:?}");
    assert_eq!(seen.values().sum::<usize>(), text.lines().count());
    assert_eq!((seen["refused"], seen["stream with an error"], seen["stream"]), (1, 1, 6));
}

#[test]
fn recorded_refusals_of_many_providers_are_classified() {
    let Some(text) = fixture("errors_http.jsonl") else { return };
    for exchange in lines::<Exchange>(&text) {
        let (place, response) = (&exchange.request.uri, &exchange.response);
        let retry_after = response.headers.get("retry-after").map(String::as_str);
        let refused = refusal::read(response.body.get(), refusal::Context { status: response.status, retry_after, model: "m", now: 0 });
        let class = match response.status {
            400 => Class::BadRequest,
            401 => Class::Unauthorised,
            404 => Class::NotFound,
            429 => Class::RateLimited,
            other => panic!("{place}: the recording has a status {other} that this test does not know"),
        };
        assert_eq!(refused.class, class, "{place}");
        assert_ne!(refused.message, "no reason given", "{place}: the provider said why");
        let code =
            serde_json::from_str::<Value>(response.body.get()).unwrap().pointer("/error/code").filter(|code| !code.is_null()).cloned();
        assert_eq!(refused.code.is_some(), code.is_some(), "{place}: integer, numeric string and symbol are all read");
    }
}

#[test]
fn recorded_usage_is_normalised() {
    let Some(text) = fixture("usage_vectors.jsonl") else { return };
    let (mut flags, mut shapes, mut unknown) = (BTreeMap::<&str, usize>::new(), BTreeMap::<String, usize>::new(), 0);
    let rows: Vec<Value> = lines(&text);
    for row in &rows {
        let Some(usage) = Usage::read(&row["usage"]) else {
            unknown += 1;
            continue;
        };
        *shapes.entry(format!("{:?}", usage.shape)).or_default() += 1;
        usage.flags.iter().for_each(|flag| *flags.entry(flag.word()).or_default() += 1);
        let host = row["host"].as_str().unwrap();
        if host == "api.anthropic.com" {
            let count = |key: &str| row["usage"][key].as_i64().unwrap_or(0);
            let all = count("input_tokens") + count("cache_read_input_tokens") + count("cache_creation_input_tokens");
            assert_eq!((usage.input, usage.output), (all, count("output_tokens")), "{row}");
            assert!(!usage.flags.contains(&Flag::CacheAboveInput), "{row}");
        }
        if host.starts_with("bedrock") && usage.shape == Shape::Bedrock && row["usage"].get("totalTokens").is_some() {
            assert!(!usage.flags.contains(&Flag::TotalMismatch), "{row}");
        }
        if host == "generativelanguage.googleapis.com" {
            assert_eq!(usage.flags, [Flag::TotalMismatch], "{row}");
        }
    }
    println!("{} rows, {shapes:?}, {flags:?}, {unknown} without token counts", rows.len());
    assert_eq!(unknown, 0);
    assert!(shapes.len() == 5, "every shape is among them");
}

#[derive(Deserialize)]
struct OracleRow {
    model: String,
    scenario: String,
    prompt_tokens: i64,
    completion_tokens: i64,
    cached_tokens: i64,
    cache_write_tokens: i64,
    cache_write_1h: i64,
    reasoning_tokens: i64,
    service_tier: Option<String>,
    prompt_cost: f64,
    completion_cost: f64,
    rule: String,
}

#[test]
fn computed_costs_agree_with_an_independent_calculator() {
    let (Some(prices), Some(oracle)) = (fixture("litellm_prices_1.109.1.json"), fixture("litellm_cost_oracle.jsonl")) else { return };
    let (source, table) = import::read(&prices).unwrap();
    assert_eq!(source, Source::LiteLlm);
    let prices: HashMap<String, Rates> = table.prices.into_iter().collect();
    println!("{} prices, {} rows rejected", prices.len(), table.rejected.len());
    assert!(prices.len() > 3000 && table.rejected.iter().all(|rejected| !rejected.reason.is_empty()));
    let near = |ours: f64, theirs: f64| (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-12);
    let (mut total, mut agreed, mut misses) = (0, 0, BTreeMap::<String, usize>::new());
    for row in lines::<OracleRow>(&oracle).into_iter().filter(|row| row.rule == "generic") {
        total += 1;
        let usage = Usage {
            input: row.prompt_tokens,
            output: row.completion_tokens,
            cached: row.cached_tokens,
            written: row.cache_write_tokens,
            written_1h: row.cache_write_1h,
            written_12h: 0,
            reasoning: row.reasoning_tokens,
            shape: Shape::Chat,
            flags: Vec::new(),
        };
        let name = row.model.strip_prefix("openrouter/").unwrap_or(&row.model);
        let ours = prices.get(name).and_then(|rates| cost(rates, &usage, row.service_tier.as_deref(), 0));
        if ours.is_some_and(|ours| near(ours.input, row.prompt_cost) && near(ours.output, row.completion_cost)) {
            agreed += 1;
        } else {
            *misses.entry(format!("{} {} {ours:?} {} {}", row.model, row.scenario, row.prompt_cost, row.completion_cost)).or_default() += 1;
        }
    }
    println!("{agreed} of {total} agree");
    for miss in misses.keys().take(60) {
        println!("  differs: {miss}");
    }
    assert!(agreed == total, "{agreed} of {total}");
}

#[test]
fn the_models_list_of_openrouter_is_imported() {
    let Some(text) = fixture("openrouter_models_api_llm-openrouter.json") else { return };
    let (source, table) = import::read(&text).unwrap();
    assert_eq!((source, table.rejected.len()), (Source::OpenRouter, 0));
    let rates = |name: &str| table.prices.iter().find(|(model, _)| model == name).map(|(_, rates)| rates).unwrap();
    let sonnet = rates("anthropic/claude-sonnet-4");
    assert_eq!(sonnet.in_force(200_000, None, 0).input, Some(3e-6));
    assert_eq!(sonnet.in_force(200_001, None, 0).input, Some(6e-6));
    assert_eq!(sonnet.in_force(200_001, None, 0).output, Some(2.25e-5));
    assert_eq!(rates("anthropic/claude-4-sonnet-20250522"), sonnet, "the permanent slug, which answers carry, has the same price");
    assert_eq!(rates("openai/gpt-4.1-mini").base.cache_read, Some(1e-7));
    // The embedded book says the same where both speak.
    let book = Book::embedded().unwrap();
    for (model, rates) in &table.prices {
        if let Some(own) = book.in_force(model, 1_795_000_000_000) {
            let near = |ours: Option<f64>, theirs: Option<f64>| (ours.unwrap() - theirs.unwrap()).abs() < 1e-15;
            assert!(near(own.rates.base.input, rates.base.input) && near(own.rates.base.output, rates.base.output), "{model}");
        }
    }
}

#[derive(Deserialize)]
struct Truth {
    request_model: String,
    response_model: String,
    prompt_tokens: i64,
    completion_tokens: i64,
    cached: i64,
    reported_cost: f64,
    class_: String,
}

/// The embedded book against real charges: where it has a price and the charge is an ordinary one, both agree to the pico-dollar.
#[test]
fn the_embedded_book_agrees_with_ordinary_charges() {
    let Some(text) = fixture("openrouter_cost_truth.jsonl") else { return };
    let book = Book::embedded().unwrap();
    let (mut agreed, mut unpriced, mut different) = (0, 0, Vec::new());
    for row in lines::<Truth>(&text) {
        let usage = serde_json::json!({"prompt_tokens": row.prompt_tokens, "completion_tokens": row.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": row.cached}});
        let usage = Usage::read(&usage).unwrap();
        match book.in_force(&row.response_model, 1_795_000_000_000).and_then(|price| cost(&price.rates, &usage, None, 0)) {
            None => unpriced += 1,
            Some(ours) if (ours.total.to_usd() - row.reported_cost).abs() < 1e-12 => agreed += 1,
            Some(ours) => different.push(format!(
                "{} as {}: {} for {} ({})",
                row.request_model,
                row.response_model,
                ours.total.to_usd(),
                row.reported_cost,
                row.class_
            )),
        }
    }
    println!("{agreed} agree, {unpriced} unpriced, different: {different:#?}");
    assert!(different.iter().all(|row| !row.ends_with("(match)")), "{different:#?}");
    assert!(agreed >= 5);
}
