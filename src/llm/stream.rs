//! Folds the events of a streamed answer into one [`Answer`]. Pure.
//!
//! Usage comes where it likes: in a chunk without choices, beside a repeated finish reason, after it, or together with an error. So the
//! finish reason ends nothing; the last usage counts; only `[DONE]` is the end.

use super::wire::{Answer, Problem, choice_error, content, string};
use serde_json::Value;

/// What an event brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing of the answer itself.
    Other,
    /// A piece of the answer: text, reasoning or a tool call.
    Token,
    /// The end.
    Done,
}

/// The answer so far.
#[derive(Debug, Default)]
pub struct Accumulator {
    /// What has come.
    pub answer: Answer,
    error: Option<Value>,
    choices: bool,
    done: bool,
}

impl Accumulator {
    /// Take the data of one event.
    ///
    /// # Errors
    /// [`Problem::NotUnderstood`] when it is neither JSON nor the end mark.
    pub fn event(&mut self, data: &str) -> Result<Step, Problem> {
        let data = data.trim();
        if data == "[DONE]" {
            self.done = true;
            return Ok(Step::Done);
        }
        let chunk: Value =
            serde_json::from_str(data).map_err(|_| Problem::NotUnderstood("an event of the stream is not JSON".to_owned()))?;
        self.answer.read_head(&chunk, data);
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            self.error.get_or_insert_with(|| error.clone());
        }
        let step = if chunk.get("type").and_then(Value::as_str).is_some_and(|kind| kind == "error" || kind.starts_with("response.")) {
            self.response_event(&chunk)
        } else {
            self.choice_event(&chunk)
        };
        // With its usage known, a failed stream has nothing more to say.
        if self.error.is_some() && self.answer.reported.is_some() { Ok(Step::Done) } else { Ok(step) }
    }

    fn choice_event(&mut self, chunk: &Value) -> Step {
        let Some(choice) = chunk.pointer("/choices/0") else { return Step::Other };
        self.choices = true;
        if let Some(reason) = string(choice, "finish_reason") {
            self.answer.finish_reason = Some(reason);
        }
        if let (None, Some(error)) = (&self.error, choice_error(choice)) {
            self.error = Some(error);
        }
        let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) else { return Step::Other };
        let text = content(delta);
        self.answer.text.push_str(&text);
        if let Some(refusal) = string(delta, "refusal").filter(|refusal| !refusal.is_empty()) {
            self.answer.refusal.get_or_insert_default().push_str(&refusal);
        }
        let says = |key: &str| match delta.get(key) {
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            _ => false,
        };
        let piece =
            !text.is_empty() || ["reasoning", "reasoning_content", "reasoning_details", "tool_calls", "refusal"].into_iter().any(says);
        if piece { Step::Token } else { Step::Other }
    }

    /// The events of the Responses API.
    fn response_event(&mut self, chunk: &Value) -> Step {
        let kind = chunk.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "response.output_text.delta" => {
                self.answer.text.push_str(chunk.get("delta").and_then(Value::as_str).unwrap_or_default());
                return Step::Token;
            }
            "response.completed" | "response.incomplete" | "response.failed" => self.choices = true,
            "error" => {
                self.error.get_or_insert_with(|| chunk.clone());
            }
            _ => {}
        }
        if let Some(response) = chunk.get("response") {
            self.answer.read_response(response);
            if let Some(error) = response.get("error").filter(|error| !error.is_null()) {
                self.error.get_or_insert_with(|| error.clone());
            }
        }
        Step::Other
    }

    /// The error that came in the middle, if one did.
    #[must_use]
    pub fn error(&self) -> Option<&Value> {
        self.error.as_ref()
    }

    /// The stream is over: was it a whole answer?
    ///
    /// # Errors
    /// The error that came with it; [`Problem::Interrupted`] when it ended without `[DONE]`; [`Problem::NotUnderstood`] when no choice came.
    pub fn finish(&self) -> Result<(), Problem> {
        match &self.error {
            Some(error) => Err(Problem::Refused(error.clone())),
            None if !self.done => Err(Problem::Interrupted("the stream ended before its end mark".to_owned())),
            None if !self.choices => Err(Problem::NotUnderstood("the stream holds no choices".to_owned())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fold(events: &[&str]) -> Accumulator {
        let mut stream = Accumulator::default();
        for event in events {
            stream.event(event).unwrap();
        }
        stream
    }

    fn delta(text: &str) -> String {
        json!({"id": "g", "model": "m", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}).to_string()
    }

    #[test]
    fn usage_counts_wherever_it_comes_and_the_last_one_wins() {
        let finish = r#"{"choices":[{"delta":{"content":""},"finish_reason":"stop"}]}"#;
        let early = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.1}}"#;
        let late =
            r#"{"choices":[{"delta":{"content":""},"finish_reason":null}],"usage":{"prompt_tokens":9,"completion_tokens":2,"cost":0.20}}"#;
        let stream = fold(&[&delta("Hel"), early, &delta("lo"), finish, late, "[DONE]"]);
        stream.finish().unwrap();
        assert_eq!((stream.answer.text.as_str(), stream.answer.finish_reason.as_deref()), ("Hello", Some("stop")));
        assert_eq!(stream.answer.reported.unwrap().cost.as_deref(), Some("0.20"));
    }

    #[test]
    fn a_stream_without_its_end_mark_is_interrupted() {
        let stream = fold(&[&delta("Hel"), r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#]);
        assert!(matches!(stream.finish(), Err(Problem::Interrupted(_))));
    }

    #[test]
    fn an_error_in_the_middle_is_an_error_with_its_usage() {
        let stream = fold(&[
            &delta("Hel"),
            r#"{"error":{"code":400,"message":"Token limit reached"},"choices":[{"delta":{"content":""},"finish_reason":null}],"usage":{"prompt_tokens":43,"completion_tokens":10,"cost":0}}"#,
        ]);
        assert_eq!(stream.finish(), Err(Problem::Refused(json!({"code": 400, "message": "Token limit reached"}))));
        assert_eq!(stream.answer.reported.unwrap().cost.as_deref(), Some("0"));
    }

    #[test]
    fn reasoning_is_a_token_and_empty_deltas_are_not() {
        let mut stream = Accumulator::default();
        assert_eq!(stream.event(&delta("")), Ok(Step::Other));
        assert_eq!(stream.event(r#"{"choices":[{"delta":{"content":"","reasoning":"hm"}}]}"#), Ok(Step::Token));
        assert_eq!(stream.event("[DONE]"), Ok(Step::Done));
        assert!(stream.event("{").is_err());
    }
}
