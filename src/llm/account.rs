//! What the service itself says of our calls: the key with its limits and use, and what a call cost whose answer broke off.
//!
//! Both are OpenRouter's: another service may have neither, which is told and is no fault. Amounts keep the digits in which they came.

pub mod compare;

use super::Client;
use super::connection::{address, chain, without_key};
use super::ledger::lookup::{self, Found, Lost};
use super::reported::Reported;
use crate::base::{Millis, Picos, SafeText};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the service may take to answer.
const WITHIN: Duration = Duration::from_secs(30);
/// The largest answer that is read, in bytes.
const LARGEST: usize = 1 << 20;
/// The service may not know a generation yet that ended so short a time ago.
const FRESH: Millis = 60_000;
/// The waits until it does: fifteen seconds in all.
const WAITS: [Duration; 5] =
    [Duration::from_millis(250), Duration::from_millis(750), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// Why the service's own view is not known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The address is not usable.
    #[error(transparent)]
    Client(#[from] super::Error),
    /// The ledger refused.
    #[error("the call ledger: {0}")]
    Ledger(#[from] crate::store::Error),
    /// The service has no such thing.
    #[error("{host} does not answer at {path}: it may be another service than OpenRouter, whose own view of the calls is not known then")]
    Unsupported {
        /// The host.
        host: String,
        /// What was asked for.
        path: &'static str,
    },
    /// The service refused.
    #[error("{host} refused {path} with {status}: {message}; {}", next_step(*.status))]
    Refused {
        /// The host.
        host: String,
        /// What was asked for.
        path: &'static str,
        /// The status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// No answer came.
    #[error("{host} cannot be reached ({reason}); check the network and the base URL")]
    Unreachable {
        /// The host.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// The answer is not what the contract says.
    #[error("what {host} answered at {path} is not understood: {reason}")]
    NotUnderstood {
        /// The host.
        host: String,
        /// What was asked for.
        path: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

fn next_step(status: u16) -> &'static str {
    match status {
        401 => "check OPENROUTER_API_KEY",
        402 => "add credits or raise the key's limit",
        429 => "try again in a minute",
        500.. => "try again later",
        _ => "check the key and the base URL",
    }
}

/// The result of asking the service.
pub type Result<T> = std::result::Result<T, Error>;

/// The key that calls are made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Its name, with most of it masked by the service.
    pub label: String,
    /// What may be spent with it; `None` is not limited.
    pub limit: Option<Picos>,
    /// What is left of that.
    pub remaining: Option<Picos>,
    /// When the limit begins anew: `daily`, `weekly`, `monthly`; `None` is never.
    pub reset: Option<String>,
    /// Spent in all.
    pub total: Picos,
    /// Spent on this UTC day.
    pub day: Picos,
    /// Spent in this UTC week, from Monday.
    pub week: Picos,
    /// Spent in this UTC month.
    pub month: Picos,
    /// Spent this month on provider keys of one's own, which the service does not charge.
    pub own_keys_month: Option<Picos>,
    /// Whether nothing was ever paid for it.
    pub is_free_tier: bool,
    /// When it ends, as the service writes it.
    pub expires_at: Option<String>,
    /// Requests to free models left today, where the service says so.
    pub free_requests_left: Option<i64>,
}

fn amount(data: &Value, name: &str) -> std::result::Result<Option<Picos>, String> {
    let wrong = || format!("{name} is no amount in USD");
    let number = match data.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64().ok_or_else(wrong)?,
        Some(Value::String(text)) => text.trim().parse().map_err(|_| wrong())?,
        Some(_) => return Err(wrong()),
    };
    Picos::from_usd(number).map(Some).ok_or_else(wrong)
}

fn word(data: &Value, name: &str) -> Option<String> {
    data.get(name).and_then(Value::as_str).map(|text| SafeText::clipped(text, 120).as_str().to_owned())
}

impl Key {
    /// Read the body of `GET /key`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(body: &str) -> std::result::Result<Self, String> {
        let body: Value = serde_json::from_str(body).map_err(|_| "it is not JSON".to_owned())?;
        let data = body.get("data").filter(|data| data.is_object()).ok_or("it has no data")?;
        let used = |name: &str| amount(data, name).and_then(|amount| amount.ok_or_else(|| format!("{name} is missing")));
        Ok(Self {
            label: word(data, "label").unwrap_or_default(),
            limit: amount(data, "limit")?,
            remaining: amount(data, "limit_remaining")?,
            reset: word(data, "limit_reset"),
            total: used("usage")?,
            day: used("usage_daily")?,
            week: used("usage_weekly")?,
            month: used("usage_monthly")?,
            own_keys_month: amount(data, "byok_usage_monthly")?.filter(|picos| picos.0 != 0),
            is_free_tier: data.get("is_free_tier").and_then(Value::as_bool).unwrap_or(false),
            expires_at: word(data, "expires_at"),
            free_requests_left: data.pointer("/free_model_daily_requests/remaining").and_then(Value::as_i64),
        })
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<Digits<'a>>,
}

#[derive(Deserialize)]
struct Digits<'a> {
    #[serde(borrow)]
    total_cost: Option<&'a RawValue>,
}

/// Read the body of `GET /generation`.
///
/// # Errors
/// What is wrong with it; a generation without a cost is not found yet.
pub fn read_generation(body: &str, id: &str) -> std::result::Result<Found, String> {
    let value: Value = serde_json::from_str(body).map_err(|_| "it is not JSON".to_owned())?;
    let data = value.get("data").filter(|data| data.is_object()).ok_or("it has no data")?;
    if data.get("id").and_then(Value::as_str) != Some(id) {
        return Err("it is about another generation".to_owned());
    }
    // The digits as they came; a number that passes through a float may come out with others.
    let digits = serde_json::from_str::<Envelope<'_>>(body).ok().and_then(|envelope| envelope.data?.total_cost.map(RawValue::get));
    let digits = digits.filter(|digits| *digits != "null").ok_or("it names no cost")?;
    let count = |names: [&str; 2]| names.iter().find_map(|name| data.get(*name).and_then(Value::as_i64));
    let usage = json!({
        "prompt_tokens": count(["native_tokens_prompt", "tokens_prompt"]),
        "completion_tokens": count(["native_tokens_completion", "tokens_completion"]),
        "prompt_tokens_details": { "cached_tokens": data.get("native_tokens_cached") },
        "completion_tokens_details": { "reasoning_tokens": data.get("native_tokens_reasoning") },
    });
    // Written as text, so that the digits stay.
    let text = usage.to_string();
    let text = format!("{{\"cost\":{digits},{}", text.strip_prefix('{').unwrap_or("}"));
    let reported = Reported::read(&text).filter(|reported| reported.cost_picos.is_some_and(|picos| picos.0 >= 0));
    Ok(Found {
        generation_id: id.to_owned(),
        reported: reported.ok_or("its cost is no amount in USD")?,
        model: word(data, "model"),
        provider: word(data, "provider_name"),
        service_tier: word(data, "service_tier"),
        finish_reason: word(data, "finish_reason"),
    })
}

/// What came of looking up the cost of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Recovered {
    /// It is known now.
    Cost {
        /// The cost in USD as the service reports it, to the last digit.
        cost: String,
        /// The same in pico-dollars.
        picos: Picos,
        /// How far it is from the price book.
        drift: super::ledger::Drift,
    },
    /// Somebody else wrote it down meanwhile.
    Already,
    /// The service does not know the generation.
    NotFound,
    /// It could not be looked up.
    Failed {
        /// Why not.
        reason: String,
    },
}

/// A call, and what came of looking up its cost.
#[derive(Debug, Clone, Serialize)]
pub struct LookedUp {
    /// The call.
    #[serde(flatten)]
    pub call: Lost,
    /// What came of it.
    #[serde(flatten)]
    pub recovered: Recovered,
}

impl Client {
    /// The key's limits and use.
    ///
    /// # Errors
    /// When the service cannot be asked, does not know the question, or its answer is not understood.
    pub async fn key(&self) -> Result<Key> {
        const PATH: &str = "/key";
        let (status, body) = self.get("key", PATH, &[]).await?;
        match status {
            200 => Key::read(&body).map_err(|reason| self.not_understood(PATH, reason)),
            404 | 405 => Err(Error::Unsupported { host: self.host().to_owned(), path: PATH }),
            status => Err(self.refusal(PATH, status, &body)),
        }
    }

    /// What the service knows of a generation; `None` when it does not know it (yet).
    ///
    /// # Errors
    /// As [`Client::key`].
    pub async fn generation(&self, id: &str) -> Result<Option<Found>> {
        const PATH: &str = "/generation";
        let (status, body) = self.get("generation", PATH, &[("id", id)]).await?;
        match status {
            200 => read_generation(&body, id).map(Some).map_err(|reason| self.not_understood(PATH, reason)),
            404 => Ok(None),
            status => Err(self.refusal(PATH, status, &body)),
        }
    }

    /// Look up what interrupted calls since a moment cost, at most `limit` of them, and write it down, each once. A generation that has just ended
    /// may not be known yet: it is asked for again for a quarter of a minute.
    ///
    /// # Errors
    /// When the ledger refuses. What a single call fails with stands in its result.
    pub async fn recover_costs(&self, since: Millis, limit: u32) -> Result<Vec<LookedUp>> {
        let Some(database) = self.ledger() else { return Ok(Vec::new()) };
        let lost = database.read(move |c| lookup::lost(c, since, limit)).await?;
        let mut all = Vec::with_capacity(lost.len());
        for call in lost {
            let recovered = match self.patiently(&call).await {
                Ok(None) => Recovered::NotFound,
                Ok(Some(found)) => {
                    let (client, id, at) = (self.clone(), call.id.clone(), self.clock().now());
                    let (cost, picos) = (found.reported.cost.clone(), found.reported.cost_picos);
                    let written = database.write(move |c| lookup::write(c, client.prices(), &id, &found, at)).await?;
                    match written {
                        None => Recovered::Already,
                        Some((drift, reached)) => {
                            super::budget::notice::tell(reached, &self.settings().budget_notify);
                            Recovered::Cost { cost: cost.unwrap_or_default(), picos: picos.unwrap_or_default(), drift }
                        }
                    }
                }
                // The next one would fail as well.
                Err(error @ (Error::Refused { status: 401, .. } | Error::Unreachable { .. })) => return Err(error),
                Err(error) => Recovered::Failed { reason: error.to_string() },
            };
            all.push(LookedUp { call, recovered });
        }
        Ok(all)
    }

    async fn patiently(&self, call: &Lost) -> Result<Option<Found>> {
        let is_fresh = self.clock().now().saturating_sub(call.finished_at.unwrap_or(call.started_at)) < FRESH;
        let mut waits = WAITS.into_iter().filter(|_| is_fresh);
        loop {
            let asked = self.generation(&call.generation_id).await;
            let again = match &asked {
                Ok(None) => true,
                Err(Error::Refused { status, .. }) => *status == 429 || *status >= 500,
                _ => false,
            };
            match waits.next().filter(|_| again) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return asked,
            }
        }
    }

    async fn get(&self, place: &str, path: &'static str, query: &[(&str, &str)]) -> Result<(u16, String)> {
        let url = address(&self.settings().base_url, place, "base_url", "https://openrouter.ai/api/v1")?;
        let key = self.settings().api_key.as_ref();
        let broken = |error: &reqwest::Error| Error::Unreachable { host: self.host().to_owned(), reason: without_key(chain(error), key) };
        let sent = self.http().get(url).query(query).timeout(WITHIN).send().await;
        let mut response = sent.map_err(|error| broken(&error))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST {
                return Err(self.not_understood(path, format!("it is larger than {LARGEST} bytes")));
            }
        }
        Ok((response.status().as_u16(), without_key(String::from_utf8_lossy(&bytes).into_owned(), key)))
    }

    fn not_understood(&self, path: &'static str, reason: String) -> Error {
        Error::NotUnderstood { host: self.host().to_owned(), path, reason }
    }

    fn refusal(&self, path: &'static str, status: u16, body: &str) -> Error {
        let said = serde_json::from_str::<Value>(body).ok();
        let said = said.as_ref().and_then(|body| body.pointer("/error/message")).and_then(Value::as_str).unwrap_or("no reason given");
        Error::Refused { host: self.host().to_owned(), path, status, message: SafeText::clipped(said, 300).as_str().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn generation(cost: &str) -> String {
        format!(
            r#"{{"data":{{"id":"gen-1","model":"a/b","provider_name":"P","total_cost":{cost},"tokens_prompt":9,"native_tokens_prompt":10,"native_tokens_completion":25,"native_tokens_cached":3,"native_tokens_reasoning":null,"is_byok":false}}}}"#
        )
    }

    #[test]
    fn a_key_is_read_with_its_limits() {
        let body = r#"{"data":{"label":"sk-or-v1-au7...890","limit":100,"limit_remaining":74.5,"limit_reset":"monthly","usage":25.5,"usage_daily":1.25,
            "usage_weekly":"2.5","usage_monthly":25.5,"byok_usage_monthly":17.38,"is_free_tier":false,"expires_at":"2027-12-31T23:59:59Z",
            "free_model_daily_requests":{"used":3,"limit":50,"remaining":47}}}"#;
        let key = Key::read(body).unwrap();
        assert_eq!((key.limit, key.remaining), (Some(Picos(100_000_000_000_000)), Some(Picos(74_500_000_000_000))));
        assert_eq!((key.day, key.week, key.free_requests_left), (Picos(1_250_000_000_000), Picos(2_500_000_000_000), Some(47)));
        let unlimited = Key::read(r#"{"data":{"limit":null,"usage":0,"usage_daily":0,"usage_weekly":0,"usage_monthly":0}}"#).unwrap();
        assert_eq!((unlimited.limit, unlimited.total), (None, Picos::ZERO));
        for (body, word) in [
            ("<html>", "not JSON"),
            ("{}", "no data"),
            (r#"{"data":{"usage":1}}"#, "usage_daily is missing"),
            (r#"{"data":{"usage":"NaN"}}"#, "usage is no amount"),
        ] {
            assert!(Key::read(body).unwrap_err().contains(word), "{body}");
        }
    }

    #[test]
    fn a_generation_keeps_its_digits_and_counts_as_the_model_does() {
        let found = read_generation(&generation("0.0076509169000000005"), "gen-1").unwrap();
        assert_eq!(
            (found.reported.cost.as_deref(), found.reported.cost_picos),
            (Some("0.0076509169000000005"), Some(Picos(7_650_916_900)))
        );
        let usage = found.reported.usage.unwrap();
        assert_eq!((usage.input, usage.output, usage.cached, usage.reasoning), (10, 25, 3, 0));
        assert_eq!(read_generation(&generation("0"), "gen-1").unwrap().reported.cost_picos, Some(Picos::ZERO), "nothing is a cost");
        for cost in ["null", "-1", "\"much\"", "1e300", "\"NaN\""] {
            assert!(read_generation(&generation(cost), "gen-1").is_err(), "{cost}");
        }
        assert!(read_generation(&generation("1"), "gen-2").unwrap_err().contains("another"));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in any::<String>(), cost in "[-0-9.eE\"naN]{0,12}") {
            let _ = (Key::read(&body), read_generation(&body, "gen-1"), read_generation(&generation(&cost), "gen-1"));
        }
    }
}
