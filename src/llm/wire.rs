//! The chat-completions wire: the body that is sent, and the body that comes back in one piece. Pure.
//!
//! Reading is lenient about everything that does not matter and strict about what does: an answer without choices is not an answer.

use super::reported::Reported;
use super::{ChatRequest, Role};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The body of a request.
#[must_use]
pub fn request_body(request: &ChatRequest, model: &str) -> Value {
    let system = request.system.iter().map(|text| json!({ "role": "system", "content": text }));
    let others = request.messages.iter().map(|message| {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        json!({ "role": role, "content": message.content })
    });
    let mut body = json!({ "model": model, "messages": system.chain(others).collect::<Vec<_>>(), "stream": request.stream });
    if let Some(fields) = body.as_object_mut() {
        if let Some(temperature) = request.temperature {
            fields.insert("temperature".to_owned(), json!(temperature));
        }
        if let Some(max_tokens) = request.max_tokens {
            fields.insert("max_tokens".to_owned(), json!(max_tokens));
        }
        if request.json_mode {
            fields.insert("response_format".to_owned(), json!({ "type": "json_object" }));
        }
        if request.stream {
            // OpenRouter sends usage anyway; other compatible servers wait to be asked.
            fields.insert("stream_options".to_owned(), json!({ "include_usage": true }));
        }
    }
    body
}

/// What an answer says, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The generation's id.
    pub id: Option<String>,
    /// The model that really answered, and is billed.
    pub model: Option<String>,
    /// The provider behind the service.
    pub provider: Option<String>,
    /// The text.
    pub text: String,
    /// The model's own refusal to answer, where it is sent apart from the text.
    pub refusal: Option<String>,
    /// Why it ended: `stop`, `length`, `tool_calls`, `content_filter`, …
    pub finish_reason: Option<String>,
    /// The tier that served it.
    pub service_tier: Option<String>,
    /// Usage and cost; the last that was sent.
    pub reported: Option<Reported>,
}

/// Why an answer is not one.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// It carries an error: the value of `error`.
    Refused(Value),
    /// It is not what the protocol says.
    NotUnderstood(String),
    /// It ended in the middle.
    Interrupted(String),
}

/// The parts of a body whose digits matter.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Raw {
    usage: Option<Box<RawValue>>,
    response: Option<RawResponse>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawResponse {
    usage: Option<Box<RawValue>>,
}

impl Answer {
    /// Read a whole body: of a chat completion, or of the Responses API.
    ///
    /// # Errors
    /// The [`Problem`]; what could be read before it stays in `self`.
    pub fn read_body(&mut self, text: &str) -> Result<(), Problem> {
        let body: Value = serde_json::from_str(text).map_err(|_| Problem::NotUnderstood(what_it_is(text)))?;
        if !body.is_object() {
            return Err(Problem::NotUnderstood("the body is JSON, but not an object".to_owned()));
        }
        self.read_head(&body, text);
        if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
            return Err(Problem::Refused(error.clone()));
        }
        if body.get("output").is_some_and(Value::is_array) {
            self.read_response(&body);
            return Ok(());
        }
        let choice = body.pointer("/choices/0").ok_or_else(|| Problem::NotUnderstood("the body has no choices".to_owned()))?;
        self.finish_reason = string(choice, "finish_reason");
        if let Some(message) = choice.get("message").filter(|message| message.is_object()) {
            self.text.push_str(&content(message));
            self.refusal = string(message, "refusal").filter(|text| !text.is_empty());
        }
        choice_error(choice).map_or(Ok(()), |error| Err(Problem::Refused(error)))
    }

    /// The fields beside the choices, of a whole body or of one chunk. `text` is the JSON that `body` was read from.
    pub(super) fn read_head(&mut self, body: &Value, text: &str) {
        self.id = string(body, "id").or(self.id.take());
        self.model = string(body, "model").or(self.model.take());
        self.provider = string(body, "provider").or(self.provider.take());
        self.service_tier = string(body, "service_tier").or(self.service_tier.take());
        let has_usage = |body: &Value| body.get("usage").is_some_and(Value::is_object);
        if has_usage(body) || body.get("response").is_some_and(has_usage) {
            let raw: Raw = serde_json::from_str(text).unwrap_or_default();
            let usage = raw.usage.or_else(|| raw.response?.usage);
            self.reported = usage.and_then(|usage| Reported::read(usage.get())).or(self.reported.take());
        }
    }

    /// The object of the Responses API: text in `output[].content[]`, the reason in `status`.
    pub(super) fn read_response(&mut self, response: &Value) {
        self.id = string(response, "id").or(self.id.take());
        self.model = string(response, "model").or(self.model.take());
        self.service_tier = string(response, "service_tier").or(self.service_tier.take());
        self.finish_reason = string(response, "status").or(self.finish_reason.take());
        let items = response.get("output").and_then(Value::as_array).into_iter().flatten();
        let parts = items.filter_map(|item| item.get("content").and_then(Value::as_array)).flatten();
        let text: String = parts
            .filter(|part| part.get("type").is_some_and(|kind| kind == "output_text"))
            .map(|part| string(part, "text").unwrap_or_default())
            .collect();
        if !text.is_empty() {
            self.text = text;
        }
    }
}

/// The error that a choice carries: its own, or none but a finish reason of `error`.
pub(super) fn choice_error(choice: &Value) -> Option<Value> {
    let own = choice.get("error").filter(|error| !error.is_null());
    own.cloned().or_else(|| {
        let failed = choice.get("finish_reason").is_some_and(|reason| reason == "error");
        failed.then(|| json!({ "message": "the provider ended the answer with an error" }))
    })
}

/// The content of a message or a delta: text, or a list of parts with text.
pub(super) fn content(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect(),
        _ => String::new(),
    }
}

pub(super) fn string(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// A few words on a body that is not JSON.
pub(super) fn what_it_is(text: &str) -> String {
    let start = text.trim_start();
    if start.is_empty() {
        "the body is empty".to_owned()
    } else if start.starts_with('<') {
        "the body is a web page".to_owned()
    } else if start.starts_with('{') || start.starts_with('[') {
        "the body is cut off or damaged JSON".to_owned()
    } else {
        "the body is not JSON".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::ChatRequest;
    use proptest::prelude::*;

    fn read(body: &Value) -> (Answer, Result<(), Problem>) {
        let mut answer = Answer::default();
        let result = answer.read_body(&body.to_string());
        (answer, result)
    }

    #[test]
    fn a_request_says_only_what_was_asked_for() {
        let mut request = ChatRequest::new("draft", Some("be kind".into()), "hello");
        assert_eq!(
            request_body(&request, "m"),
            json!({"model": "m", "stream": false, "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}]})
        );
        request.json_mode = true;
        request.stream = true;
        request.max_tokens = Some(200);
        let body = request_body(&request, "m");
        assert_eq!(body["response_format"]["type"], "json_object");
        assert_eq!(body["stream_options"]["include_usage"], true);
        assert_eq!(body["max_tokens"], 200);
    }

    #[test]
    fn errors_inside_a_good_status_are_found() {
        assert!(matches!(read(&json!({"error": {"code": 502}, "user_id": "u"})).1, Err(Problem::Refused(_))));
        let (answer, result) = read(
            &json!({"id": "g", "model": "m", "choices": [{"finish_reason": "error", "error": {"code": 502}, "message": {"content": "half"}}], "usage": {"prompt_tokens": 3}}),
        );
        assert_eq!(result, Err(Problem::Refused(json!({"code": 502}))));
        assert_eq!((answer.id.as_deref(), answer.reported.unwrap().usage.unwrap().input), (Some("g"), 3));
    }

    #[test]
    fn what_is_not_an_answer_is_told_in_words() {
        for (text, words) in [
            ("", "empty"),
            ("<html>", "web page"),
            ("{\"choices\":[", "cut off"),
            ("OK", "not JSON"),
            ("[]", "not an object"),
            ("{}", "no choices"),
            (r#"{"choices":[]}"#, "no choices"),
        ] {
            let mut answer = Answer::default();
            assert!(matches!(answer.read_body(text), Err(Problem::NotUnderstood(reason)) if reason.contains(words)), "{text}");
        }
    }

    #[test]
    fn content_may_come_in_parts() {
        let (answer, result) = read(
            &json!({"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "finish_reason": "stop"}]}),
        );
        assert_eq!((answer.text.as_str(), result), ("ab", Ok(())));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Answer::default().read_body(&text);
        }
    }
}
