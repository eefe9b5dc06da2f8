//! Reads an error answer into a [`Refusal`]. Pure.
//!
//! The code may be an integer, a numeric string, a symbol or null; the body may be another provider's, a web page or nothing at all.

use super::error::{Class, Refusal};
use super::retry;
use super::wire::{string, what_it_is};
use crate::base::{Millis, SafeText};
use serde_json::Value;
use std::time::Duration;

/// The longest message that is kept, in columns.
const MESSAGE_WIDTH: usize = 400;

/// What is known beside the body.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The status of the answer.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<&'a str>,
    /// The model asked.
    pub model: &'a str,
    /// Now, to read a `Retry-After` that is a date.
    pub now: Millis,
}

/// Read the body of an answer whose status is an error.
#[must_use]
pub fn read(body: &str, context: Context<'_>) -> Refusal {
    match serde_json::from_str::<Value>(body) {
        Ok(body) if body.is_object() => {
            let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(&body);
            from_error(error, context)
        }
        _ => from_error(&Value::String(what_it_is(body)), context),
    }
}

/// Read an error object, or an error that is only a text.
#[must_use]
pub fn from_error(error: &Value, context: Context<'_>) -> Refusal {
    let code = match error.get("code") {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let metadata = error.get("metadata").unwrap_or(&Value::Null);
    let availability = error.get("availability").unwrap_or(&Value::Null);
    let symbol = code.clone().filter(|code| code.parse::<f64>().is_err());
    let own_type = string(error, "type").or_else(|| string(error, "status"));
    let error_type = string(metadata, "error_type").or(symbol).or(own_type).or_else(|| string(availability, "code"));
    let code_status = code.as_deref().and_then(|code| code.parse::<u16>().ok()).filter(|code| (400..600).contains(code));
    // Inside an answer with a good status, the error's own code is what counts.
    let status = if context.status < 400 { code_status.unwrap_or(context.status) } else { context.status };
    let waits = availability.get("retry_after").or_else(|| metadata.get("retry_after")).and_then(Value::as_f64);
    let waits = waits.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|wait| !wait.is_zero());
    let header = context.retry_after.and_then(|header| retry::retry_after(header, context.now));
    let in_flight = in_flight(metadata) || (status == 402 && context.retry_after.is_some());
    Refusal {
        class: class(status, error_type.as_deref(), in_flight),
        status,
        model: context.model.to_owned(),
        message: message(error, metadata),
        provider: string(metadata, "provider_name"),
        retry_after: waits.or(header),
        retryable: availability.get("retryable").and_then(Value::as_bool),
        fallback_models: availability
            .get("fallback_models")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        error_type: error_type.map(|word| SafeText::clipped(&word, 80).as_str().to_owned()),
        code: code.map(|word| SafeText::clipped(&word, 80).as_str().to_owned()),
    }
}

fn in_flight(metadata: &Value) -> bool {
    metadata.get("limit_source").is_some_and(|source| source == "openrouter_in_flight_budget")
        || metadata
            .get("reason")
            .and_then(Value::as_str)
            .is_some_and(|reason| matches!(reason, "in_flight_budget_exhausted" | "weight_exceeds_budget"))
}

fn class(status: u16, error_type: Option<&str>, in_flight: bool) -> Class {
    match status {
        401 => Class::Unauthorised,
        402 if in_flight => Class::InFlight,
        402 => Class::OutOfCredit,
        403 => Class::Forbidden,
        404 => Class::NotFound,
        408 | 500..=599 => Class::Unavailable,
        429 => Class::RateLimited,
        400..=499 => Class::BadRequest,
        // A good status, and an error without a code that says more.
        200..=299 => class_of_type(error_type.unwrap_or_default()),
        _ => Class::Unexpected,
    }
}

fn class_of_type(error_type: &str) -> Class {
    match error_type {
        "authentication" | "authentication_error" | "invalid_api_key" => Class::Unauthorised,
        "payment_required" | "insufficient_quota" => Class::OutOfCredit,
        "permission_denied" | "permission_error" => Class::Forbidden,
        "not_found" | "not_found_error" | "model_not_found" | "DeploymentNotFound" => Class::NotFound,
        "rate_limit_exceeded" | "rate_limit_error" => Class::RateLimited,
        "context_length_exceeded"
        | "max_tokens_exceeded"
        | "token_limit_exceeded"
        | "string_too_long"
        | "precondition_failed"
        | "payload_too_large"
        | "unprocessable"
        | "content_policy_violation"
        | "refusal" => Class::BadRequest,
        other if other.starts_with("invalid_") || other.starts_with("image_") => Class::BadRequest,
        _ => Class::Unavailable,
    }
}

fn message(error: &Value, metadata: &Value) -> String {
    let said = error.as_str().map(str::to_owned).or_else(|| string(error, "message")).or_else(|| string(error, "detail"));
    let said = said.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| "no reason given".to_owned());
    let raw = match metadata.get("raw") {
        Some(Value::String(raw)) if !raw.trim().is_empty() => format!(": {raw}"),
        Some(raw @ (Value::Object(_) | Value::Array(_))) => format!(": {raw}"),
        _ => String::new(),
    };
    SafeText::clipped(&format!("{said}{raw}"), MESSAGE_WIDTH).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn at(status: u16) -> Context<'static> {
        Context { status, retry_after: None, model: "m", now: 0 }
    }

    #[test]
    fn the_status_table_holds() {
        use Class::{BadRequest, Forbidden, NotFound, OutOfCredit, RateLimited, Unauthorised, Unavailable, Unexpected};
        let table = [
            (400, BadRequest),
            (401, Unauthorised),
            (402, OutOfCredit),
            (403, Forbidden),
            (404, NotFound),
            (408, Unavailable),
            (413, BadRequest),
            (422, BadRequest),
            (429, RateLimited),
            (500, Unavailable),
            (502, Unavailable),
            (503, Unavailable),
            (504, Unavailable),
            (524, Unavailable),
            (529, Unavailable),
            (301, Unexpected),
        ];
        for (status, class) in table {
            assert_eq!(read("", at(status)).class, class, "{status}");
        }
    }

    #[test]
    fn in_flight_limits_are_told_from_empty_accounts() {
        let flight = json!({"error": {"code": 402, "message": "busy", "metadata": {"limit_source": "openrouter_in_flight_budget", "reason": "weight_exceeds_budget"}}});
        assert_eq!(read(&flight.to_string(), at(402)).class, Class::InFlight);
        let empty = json!({"error": {"code": 402, "message": "no", "metadata": {"limit_source": "openrouter_credits"}}});
        assert_eq!(read(&empty.to_string(), at(402)).class, Class::OutOfCredit);
    }

    #[test]
    fn codes_come_in_every_form() {
        for (code, expected) in [
            (json!(502), Class::Unavailable),
            (json!("401"), Class::Unauthorised),
            (json!("DeploymentNotFound"), Class::NotFound),
            (json!(null), Class::Unavailable),
            (json!("rate_limit_exceeded"), Class::RateLimited),
        ] {
            assert_eq!(from_error(&json!({"code": code, "message": "x"}), at(200)).class, expected, "{code}");
        }
    }

    #[test]
    fn the_body_s_wait_counts_before_the_header() {
        let body = json!({"error": {"code": 503, "message": "x", "availability": {"code": "capacity_exhausted", "retryable": true, "retry_after": 4, "fallback_models": ["a/b"]}}});
        let refusal = read(&body.to_string(), Context { retry_after: Some("9"), ..at(503) });
        assert_eq!(
            (refusal.retry_after, refusal.retryable, refusal.fallback_models),
            (Some(Duration::from_secs(4)), Some(true), vec!["a/b".to_owned()])
        );
        assert_eq!(read("{}", Context { retry_after: Some("9"), ..at(503) }).retry_after, Some(Duration::from_secs(9)));
    }

    #[test]
    fn messages_say_what_the_provider_said_and_stay_text() {
        let body = json!({"error": {"code": 429, "message": "Provider returned error", "metadata": {"provider_name": "Google", "raw": "slow\u{1b}[2J down"}}});
        let text = read(&body.to_string(), at(429)).to_string();
        assert!(text.contains("Google") && text.contains("slow down"), "{text}");
        assert!(read("<html>", at(502)).message.contains("web page"));
        assert_eq!(read(r#"{"message":"model 'x' not found"}"#, at(404)).message, "model 'x' not found");
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in any::<String>(), status in any::<u16>(), header in proptest::option::of(any::<String>())) {
            let _ = read(&body, Context { status, retry_after: header.as_deref(), model: "m", now: 0 });
        }
    }
}
