//! OpenAI's moderation endpoint: `POST {base}/v1/moderations`, thirteen categories with a score each. Free of charge.
//!
//! The model is pinned by its dated name, and the answer has to come from it: a default that moves would change what past scores mean.

use super::{JudgeRequest, JudgedCategory, Judgement, MODULE, Settings, other_model};
use crate::base::{Clock, new_id};
use crate::llm::budget::reserve::Need;
use crate::llm::connection::{address, chain, http_client, without_key};
use crate::llm::error::{Error, Result};
use crate::llm::ledger::{Outcome, Settled, Started};
use crate::llm::{Client, wire};
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the names of the models begin with that cost nothing.
pub(super) const FREE_MODELS: &str = "omni-moderation";
/// The largest answer that is read, in bytes.
const MAX_BODY: usize = 1 << 20;

/// Every category; an answer with others, or with fewer, is not understood.
const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// The judge.
#[derive(Debug)]
pub(super) struct OpenaiModeration {
    /// Keeps the ledger.
    ledger: Client,
    http: reqwest::Client,
    endpoint: Url,
    key: Option<SecretString>,
    model: String,
    timeout: Duration,
}

/// What came of an exchange, beside the judgement.
#[derive(Debug, Default)]
struct Seen {
    status: Option<u16>,
    model: Option<String>,
    id: Option<String>,
}

/// Why there is no judgement, and how the ledger calls it.
struct Failed {
    outcome: Outcome,
    kind: &'static str,
    reason: String,
}

impl Failed {
    fn new(outcome: Outcome, kind: &'static str, reason: impl Into<String>) -> Self {
        Self { outcome, kind, reason: reason.into() }
    }
}

impl OpenaiModeration {
    pub(super) fn new(settings: &Settings, ledger: Client) -> Result<Self> {
        const BASE: &str = "moderation.openai_base_url";
        // Other programs read the same name from the environment, and want `/v1` at its end.
        let base = settings.openai_base_url.trim().trim_end_matches('/');
        let endpoint = address(base.strip_suffix("/v1").unwrap_or(base), "v1/moderations", BASE, "https://api.openai.com")?;
        if settings.openai_api_key.is_none() && endpoint.scheme() == "https" {
            let reason = "it is not set, and moderation.judges names openai_moderation; set OPENAI_API_KEY, or take the judge off the list";
            return Err(Error::Settings { setting: "moderation.openai_api_key", reason: reason.to_owned() });
        }
        let own = crate::llm::Settings { api_key: settings.openai_api_key.clone(), app_title: None, ..crate::llm::Settings::default() };
        Ok(Self {
            http: http_client(&own, &endpoint)?,
            ledger,
            endpoint,
            key: settings.openai_api_key.clone(),
            model: settings.openai_moderation_model.clone(),
            timeout: settings.timeout,
        })
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        self.ledger.clock()
    }

    /// Judge a text: one attempt, one ledger row. The service reports no usage and no cost, so the row has neither.
    pub(super) async fn judge(&self, request: &JudgeRequest) -> Judgement {
        let call = Started {
            id: new_id(),
            request_id: new_id(),
            attempt: 1,
            persona: Some(request.persona.clone()),
            module: MODULE.to_owned(),
            correlation_id: request.correlation_id.clone(),
            model_asked: self.model.clone(),
            streamed: false,
            started_at: self.clock().now(),
            category: crate::llm::ledger::Category::Infrastructure,
            queued: Duration::ZERO,
            reserved: None,
        };
        let start = Instant::now();
        let open = match self.ledger.open_call(&call, &Need::Free).await {
            Ok(open) => open,
            Err(error) => return Judgement::unknown(error.to_string()),
        };
        let mut seen = Seen::default();
        let exchanged = tokio::time::timeout(self.timeout, self.exchange(&request.text, &mut seen)).await;
        let judged = exchanged.unwrap_or_else(|_| {
            let reason = format!("no answer within {} s", self.timeout.as_secs_f64());
            Err(Failed::new(Outcome::Interrupted, "timeout", reason))
        });
        let failed = judged.as_ref().err();
        let settled = Settled {
            finished_at: self.clock().now(),
            outcome: failed.map_or(Outcome::Ok, |failed| failed.outcome),
            model_answered: seen.model,
            provider: None,
            generation_id: seen.id,
            service_tier: None,
            latency: start.elapsed(),
            first_token: None,
            reported: None,
            http_status: seen.status,
            error_type: failed.map(|failed| failed.kind.to_owned()),
            error_message: failed.map(|failed| failed.reason.clone()),
            finish_reason: None,
        };
        match (open.settle(&settled).await, judged) {
            (Err(error), _) => Judgement::unknown(error.to_string()),
            (Ok(_), Ok(judgement)) => judgement,
            (Ok(_), Err(failed)) => Judgement::unknown(failed.reason),
        }
    }

    async fn exchange(&self, text: &str, seen: &mut Seen) -> std::result::Result<Judgement, Failed> {
        let body = json!({ "model": self.model, "input": text }).to_string();
        let broken = |error: reqwest::Error| {
            let reason = without_key(format!("the moderation service cannot be reached ({})", chain(&error)), self.key.as_ref());
            let outcome = if error.is_connect() || error.is_builder() { Outcome::Error } else { Outcome::Interrupted };
            Failed::new(outcome, if outcome == Outcome::Error { "unreachable" } else { "interrupted" }, reason)
        };
        let sent = self.http.post(self.endpoint.clone()).header(CONTENT_TYPE, "application/json").body(body).send().await;
        let mut response = sent.map_err(broken)?;
        seen.status = Some(response.status().as_u16());
        match response.status().as_u16() {
            200 => {}
            401 => {
                return Err(Failed::new(
                    Outcome::Error,
                    "unauthorised",
                    "the moderation service does not know the key; check OPENAI_API_KEY",
                ));
            }
            429 => return Err(Failed::new(Outcome::Error, "rate_limit", "the moderation service says 429: too many requests")),
            status => return Err(Failed::new(Outcome::Error, "refused", format!("the moderation service says {status}"))),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_BODY {
                return Err(Failed::new(Outcome::Malformed, "malformed", format!("the answer is larger than {MAX_BODY} bytes")));
            }
        }
        let text = without_key(String::from_utf8_lossy(&bytes).into_owned(), self.key.as_ref());
        let malformed = |reason: String| Failed::new(Outcome::Malformed, "malformed", format!("the answer is not understood: {reason}"));
        let value: Value = serde_json::from_str(&text).map_err(|_| malformed(format!("it is not JSON but {}", wire::what_it_is(&text))))?;
        let word = |key: &str| wire::string(&value, key).map(|word| crate::base::SafeText::clipped(&word, 200).as_str().to_owned());
        (seen.model, seen.id) = (word("model"), word("id"));
        if let Some(reason) = other_model(&self.model, value.get("model").and_then(Value::as_str)) {
            return Err(Failed::new(Outcome::Malformed, "other_model", reason));
        }
        read(&value).map_err(malformed)
    }
}

/// Read an answer whose model has been looked at. Pure.
///
/// # Errors
/// What is wrong with it: every field counts, and `flagged` has to agree with the categories.
pub fn read(value: &Value) -> std::result::Result<Judgement, String> {
    let results = value.get("results").and_then(Value::as_array).ok_or("results is missing or not a list")?;
    let [result] = results.as_slice() else { return Err(format!("it holds {} results for one text", results.len())) };
    let flagged = result.get("flagged").and_then(Value::as_bool).ok_or("flagged is missing or not true or false")?;
    let (flags, scores) = (all(result, "categories")?, all(result, "category_scores")?);
    let mut categories = Vec::new();
    for name in CATEGORIES {
        let flag = flags.get(name).and_then(Value::as_bool).ok_or_else(|| format!("the category {name} is not true or false"))?;
        let score = scores.get(name).and_then(Value::as_f64).ok_or_else(|| format!("the score of {name} is not a number"))?;
        if !(0.0..=1.0).contains(&score) {
            return Err(format!("the score of {name} is {score}, not between 0 and 1"));
        }
        if flag {
            categories.push(JudgedCategory { name: name.to_owned(), score: Some(score) });
        }
    }
    match (flagged, categories.is_empty()) {
        (false, true) => Ok(Judgement::Safe),
        (true, false) => Ok(Judgement::Unsafe { categories }),
        (true, true) => Err("it is flagged and no category is".to_owned()),
        (false, false) => Err("it is not flagged and a category is".to_owned()),
    }
}

/// The object under `key`, which has to hold exactly the categories.
fn all<'a>(result: &'a Value, key: &str) -> std::result::Result<&'a Map<String, Value>, String> {
    let object = result.get(key).and_then(Value::as_object).ok_or_else(|| format!("{key} is missing or not an object"))?;
    if let Some(name) = CATEGORIES.into_iter().find(|name| !object.contains_key(*name)) {
        return Err(format!("{key} does not hold {name}"));
    }
    match object.keys().find(|name| !CATEGORIES.contains(&name.as_str())) {
        Some(name) => Err(format!("{key} holds a category that is not known: {name}")),
        None => Ok(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(flagged: &[&str]) -> Value {
        let flags: Map<String, Value> = CATEGORIES.iter().map(|name| ((*name).to_owned(), json!(flagged.contains(name)))).collect();
        let scores: Map<String, Value> =
            CATEGORIES.iter().map(|name| ((*name).to_owned(), json!(if flagged.contains(name) { 0.97 } else { 0.0001 }))).collect();
        json!({"id": "modr-1", "model": "omni-moderation-2024-09-26", "results": [{"flagged": !flagged.is_empty(), "categories": flags, "category_scores": scores}]})
    }

    #[test]
    fn a_well_formed_answer_is_read() {
        assert_eq!(read(&answer(&[])), Ok(Judgement::Safe));
        let Ok(Judgement::Unsafe { categories }) = read(&answer(&["violence", "hate"])) else { panic!() };
        let found: Vec<_> = categories.iter().map(|category| (category.name.as_str(), category.score)).collect();
        assert_eq!(found, [("hate", Some(0.97)), ("violence", Some(0.97))]);
    }

    #[test]
    fn one_wrong_field_makes_it_unusable() {
        let changes: Vec<(&str, Value)> = vec![
            ("/results", json!([])),
            ("/results", json!({})),
            ("/results", json!([{}, {}])),
            ("/results/0", json!("safe")),
            ("/results/0/flagged", json!("false")),
            ("/results/0/flagged", json!(true)),
            ("/results/0/flagged", Value::Null),
            ("/results/0/categories", json!([])),
            ("/results/0/categories", json!({})),
            ("/results/0/categories/hate", json!(0)),
            ("/results/0/categories/hate", json!(true)),
            ("/results/0/categories/hate", Value::Null),
            ("/results/0/category_scores", Value::Null),
            ("/results/0/category_scores/hate", json!("0.1")),
            ("/results/0/category_scores/hate", json!(1.2)),
            ("/results/0/category_scores/hate", json!(-0.1)),
        ];
        for (pointer, value) in changes {
            let mut whole = answer(&[]);
            *whole.pointer_mut(pointer).unwrap() = value.clone();
            assert!(read(&whole).is_err(), "{pointer} {value}");
        }
        let mut more = answer(&[]);
        more["results"][0]["categories"]["astrology"] = json!(false);
        assert!(read(&more).unwrap_err().contains("astrology"));
        let mut fewer = answer(&[]);
        fewer["results"][0]["category_scores"].as_object_mut().unwrap().remove("illicit");
        assert!(read(&fewer).unwrap_err().contains("illicit"));
    }

    proptest! {
        #[test]
        fn any_number_in_place_of_a_flag_is_no_flag(number in any::<f64>()) {
            let mut whole = answer(&[]);
            whole["results"][0]["flagged"] = json!(number);
            prop_assert!(read(&whole).is_err());
        }
    }
}
