//! `POST /chat/completions`, whole and streamed, with usage and cost.

use super::super::exchange::{Answer, Content, Request};
use super::super::script::mix;
use super::{Model, answers, catalogue, error, judges};
use serde_json::{Value, json};

/// One finished generation.
struct Generation {
    id: String,
    created: i64,
    model: String,
    text: String,
    finish_reason: &'static str,
    usage: Value,
}

impl Model {
    /// Answer a chat request.
    pub(super) fn chat(&self, request: &Request) -> Answer {
        let body: Value = match serde_json::from_slice(&request.body) {
            Ok(body) => body,
            Err(problem) => return error(400, &format!("The body is not JSON: {problem}"), "invalid_request"),
        };
        let named = body["model"].as_str().or_else(|| body["models"].get(0).and_then(Value::as_str)).filter(|model| !model.is_empty());
        let Some(model) = named else {
            return error(400, "No models provided", "invalid_request");
        };
        let Some(messages) = body["messages"].as_array().filter(|messages| !messages.is_empty()) else {
            return error(400, "Input required: specify \"messages\"", "invalid_request");
        };
        let messages: Vec<(String, String)> =
            messages.iter().map(|message| (message["role"].as_str().unwrap_or("user").to_owned(), text_of(&message["content"]))).collect();
        let as_json = matches!(body["response_format"]["type"].as_str(), Some("json_object" | "json_schema"));
        let text = if judges::is_guard(model) {
            judges::guard(model, messages.last().map_or("", |(_, text)| text.as_str()))
        } else {
            answers::answer(self.seed, &messages, as_json)
        };
        let longest = ["max_completion_tokens", "max_tokens"].into_iter().find_map(|field| body[field].as_u64());
        let (text, finish_reason) = clip(text, longest);
        let prompt_tokens: u64 = messages.iter().map(|(_, text)| tokens(text) + 3).sum();
        let completion_tokens = tokens(&text);
        let price = catalogue::price(model);
        let cost = price.cost(prompt_tokens, completion_tokens);
        let usage = json!({
            "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0},
            "cost": cost, "is_byok": false, "cost_details": {
                "upstream_inference_cost": null, "upstream_inference_prompt_cost": price.cost(prompt_tokens, 0),
                "upstream_inference_completions_cost": price.cost(0, completion_tokens),
            },
        });
        let streamed = body["stream"].as_bool().unwrap_or(false);
        let created = self.world.now() / 1000;
        let mut books = self.books();
        books.made += 1;
        let number = books.made.to_string();
        let digest = mix(self.seed, &["generation", &number, &text]);
        let id = format!("gen-{created}-sbx{digest:017x}");
        let record = json!({
            "id": id, "model": model, "provider_name": "sandbox", "total_cost": cost, "usage": cost, "upstream_inference_cost": null, "cache_discount": null,
            "tokens_prompt": prompt_tokens, "tokens_completion": completion_tokens, "native_tokens_prompt": prompt_tokens,
            "native_tokens_completion": completion_tokens, "native_tokens_reasoning": 0, "native_tokens_cached": 0, "latency": 1, "generation_time": 1,
            "moderation_latency": null, "finish_reason": finish_reason, "native_finish_reason": finish_reason, "streamed": streamed, "cancelled": false,
            "is_byok": false, "service_tier": null, "session_id": null, "data_region": "global", "provider_responses": null, "router": null,
            "request_id": format!("req-{number}"), "upstream_id": null, "api_type": "completions", "created_at": crate::base::clock::rfc3339(self.world.now()),
        });
        books.remember(&id, record, cost, self.world.now());
        drop(books);
        let generation = Generation { id, created, model: model.to_owned(), text, finish_reason, usage };
        let answer = if streamed { generation.streamed() } else { Answer::json(generation.whole()) };
        answer.with("x-generation-id", generation.id)
    }
}

impl Generation {
    fn whole(&self) -> Value {
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model, "provider": "sandbox", "system_fingerprint": null,
            "choices": [{
                "index": 0, "logprobs": null, "finish_reason": self.finish_reason, "native_finish_reason": self.finish_reason,
                "message": {"role": "assistant", "content": self.text, "refusal": null, "reasoning": null},
            }],
            "usage": self.usage,
        })
    }

    fn chunk(&self, choices: Value) -> Value {
        json!({"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model, "provider": "sandbox", "choices": choices})
    }

    fn streamed(&self) -> Answer {
        let event = |value: &Value| format!("data: {value}\n\n");
        let mut events = vec![": OPENROUTER PROCESSING\n\n".to_owned(), ": OPENROUTER PROCESSING\n\n".to_owned()];
        let mut part = String::new();
        let words: Vec<&str> = self.text.split_inclusive(' ').collect();
        for (index, word) in words.iter().enumerate() {
            part.push_str(word);
            if index % 3 == 2 || index + 1 == words.len() {
                let delta = json!({"role": "assistant", "content": part});
                events.push(event(
                    &self.chunk(
                        json!([{"index": 0, "delta": delta, "finish_reason": null, "native_finish_reason": null, "logprobs": null}]),
                    ),
                ));
                part.clear();
            }
        }
        let delta = json!({"role": "assistant", "content": ""});
        let reason = self.finish_reason;
        events.push(event(
            &self.chunk(json!([{"index": 0, "delta": delta, "finish_reason": reason, "native_finish_reason": reason, "logprobs": null}])),
        ));
        let mut last = self.chunk(json!([]));
        last["usage"] = self.usage.clone();
        events.push(event(&last));
        events.push("data: [DONE]\n\n".to_owned());
        Answer { status: 200, headers: vec![("cache-control", "no-cache".to_owned())], content: Content::Events(events) }
    }
}

/// Tokens as the sandbox counts them: four bytes each.
fn tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}

/// `text` within `longest` tokens and the reason for which it ends.
fn clip(mut text: String, longest: Option<u64>) -> (String, &'static str) {
    match longest.and_then(|longest| usize::try_from(longest.saturating_mul(4)).ok()) {
        Some(bytes) if bytes < text.len() => {
            let end = (0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            (text, "length")
        }
        _ => (text, "stop"),
    }
}

/// The text of a message: a string, or the text parts of a list.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clipped_answer_says_so_and_stays_text() {
        assert_eq!(clip("äöüäöü".to_owned(), Some(1)), ("äö".to_owned(), "length"));
        assert_eq!(clip("short".to_owned(), Some(500)), ("short".to_owned(), "stop"));
        assert_eq!(tokens("12345"), 2);
    }
}
