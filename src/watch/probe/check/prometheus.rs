//! A value asked of a Prometheus server. No data is unknown, and several series must all fit.

use super::http::{self, Request};
use super::look::{Content, Look, Trouble};
use super::outcome::Cause;
use super::{MOST, Tools};
use crate::base::SafeText;
use serde_json::{Value, json};

/// Ask for the value of now.
pub(super) async fn look(url: &str, query: &str, tools: &Tools) -> Look {
    let Ok(mut address) = url::Url::parse(&format!("{}/api/v1/query", url.trim_end_matches('/'))) else {
        return Look::failed(Trouble::unknown(Cause::Other, "the address is not usable"));
    };
    address.query_pairs_mut().append_pair("query", query);
    let request = Request { url: address.as_str(), method: "GET", headers: &[], body: None, follow: false, wants_body: true };
    let answer = match http::ask(&request, tools).await {
        Ok(answer) => answer,
        Err(trouble) => return Look::failed(trouble),
    };
    let mut look = Look { connected: Some(true), status: Some(answer.status), certificate_ms: answer.certificate_ms, ..Look::default() };
    let trouble = match (&answer.content, http::cause_of(&answer)) {
        (Some(Content::Text(_, Some(value))), refused) => match series(value) {
            Ok(found) => {
                look.detail = json!({ "series": found.len() });
                look.values = found;
                look.trouble = nothing(&look.values);
                return look;
            }
            Err(trouble) => refused
                .filter(|(cause, _)| !matches!(cause, Cause::Status(_)))
                .map_or(trouble, |(cause, text)| Trouble::unhealthy(cause, text)),
        },
        (_, Some((cause, text))) => Trouble::unhealthy(cause, text),
        (Some(Content::Cut), None) => {
            Trouble::unhealthy(Cause::TooLarge, format!("the answer is larger than {MOST} bytes: ask for fewer series"))
        }
        _ => Trouble::unhealthy(Cause::Broken, "the answer is not that of a Prometheus server"),
    };
    look.trouble = Some(trouble);
    look
}

/// What makes values no values.
fn nothing(values: &[(String, f64)]) -> Option<Trouble> {
    if values.is_empty() {
        return Some(Trouble::unknown(Cause::Missing, "there is no data: no series answers the question"));
    }
    let nan = values.iter().find(|(_, value)| value.is_nan())?;
    Some(Trouble::unknown(Cause::Missing, format!("there is no number: {} is NaN, as a share of nothing is", nan.0)))
}

/// The series of an answer: their labels and values.
fn series(answer: &Value) -> Result<Vec<(String, f64)>, Trouble> {
    if answer["status"] != "success" {
        let text = answer["error"].as_str().unwrap_or("it does not say why");
        return Err(Trouble::unhealthy(Cause::Broken, format!("it refuses the question: {text}")));
    }
    let broken = || Trouble::unhealthy(Cause::Broken, "the answer is not that of a Prometheus server");
    let value = |pair: &Value| pair[1].as_str().and_then(number).ok_or_else(broken);
    let result = &answer["data"]["result"];
    match answer["data"]["resultType"].as_str() {
        Some("scalar") => Ok(vec![("the scalar".to_owned(), value(result)?)]),
        Some("vector") => {
            let all = result.as_array().ok_or_else(broken)?;
            all.iter().map(|one| Ok((labels(&one["metric"]), value(&one["value"])?))).collect()
        }
        Some(kind @ ("matrix" | "string")) => {
            Err(Trouble::unhealthy(Cause::Broken, format!("the question answers with a {kind}: ask for one value at one time")))
        }
        _ => Err(broken()),
    }
}

fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        other => other.parse().ok(),
    }
}

fn labels(metric: &Value) -> String {
    let Some(members) = metric.as_object().filter(|members| !members.is_empty()) else { return "the series".to_owned() };
    let name = members.get("__name__").and_then(Value::as_str).unwrap_or_default();
    let pairs: Vec<String> = members
        .iter()
        .filter(|(label, _)| *label != "__name__")
        .map(|(label, value)| format!("{label}={}", value.as_str().unwrap_or_default()))
        .collect();
    SafeText::clipped(&format!("{name}{{{}}}", pairs.join(", ")), 80).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::health::Status;

    #[test]
    fn answers_are_values_or_say_why_not() {
        let vector = |result: Value| series(&json!({ "status": "success", "data": { "resultType": "vector", "result": result } }));
        let found =
            vector(json!([{ "metric": { "__name__": "up", "job": "a" }, "value": [1.5, "1"] }, { "metric": {}, "value": [1, "+Inf"] }]))
                .unwrap();
        assert_eq!(found, [("up{job=a}".to_owned(), 1.0), ("the series".to_owned(), f64::INFINITY)]);
        assert_eq!(nothing(&vector(json!([])).unwrap()).unwrap().status, Status::Unknown);
        let nan = vector(json!([{ "metric": {}, "value": [1, "NaN"] }])).unwrap();
        assert_eq!(nothing(&nan).unwrap().status, Status::Unknown);
        assert!(vector(json!([{ "metric": {}, "value": [1, "x"] }])).is_err() && vector(json!({})).is_err());
        let refused = series(&json!({ "status": "error", "errorType": "bad_data", "error": "parse error" })).unwrap_err();
        assert!(refused.error.contains("parse error"), "{refused:?}");
        assert!(
            series(&json!({ "status": "success", "data": { "resultType": "matrix", "result": [] } })).unwrap_err().error.contains("matrix")
        );
        assert!(series(&json!([])).is_err());
    }
}
