//! The parts of the OpenAI-compatible model API that clients use, with OpenRouter's extras. Answers depend on the seed and the request only.

pub mod answers;
pub mod catalogue;
pub mod chat;
pub mod embeddings;
mod judges;
mod prompts;

use super::exchange::{Answer, Request};
use super::world::World;
use axum::http::Method;
use chrono::Datelike as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many generations are remembered for `/generation`.
const REMEMBERED: usize = 10_000;
/// What the sandbox's wallet holds, in dollars.
const CREDITS: f64 = 100.0;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// The model side of the sandbox.
#[derive(Debug)]
pub struct Model {
    seed: u64,
    key: Option<String>,
    world: World,
    books: Mutex<Books>,
}

/// What was generated and what it cost.
#[derive(Debug, Default)]
struct Books {
    made: u64,
    usage: f64,
    /// Spent by UTC day, counted from the epoch.
    days: BTreeMap<i64, f64>,
    order: VecDeque<String>,
    generations: HashMap<String, Value>,
}

impl Model {
    pub(super) fn new(seed: u64, key: Option<String>, world: World) -> Self {
        Self { seed, key, world, books: Mutex::default() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answer one request.
    pub(super) fn answer(&self, request: &Request) -> Answer {
        let path = request.path.strip_prefix("/api").unwrap_or(&request.path);
        let path = path.strip_prefix("/v1").unwrap_or(path);
        if path == "/models" && request.method == Method::GET {
            return Answer::json(catalogue::listed());
        }
        let token = request.header("authorization").and_then(|value| value.split_once(' ')).map(|(_, token)| token.trim());
        let known = token.is_some_and(|token| !token.is_empty() && self.key.as_deref().is_none_or(|key| key == token));
        if !known {
            return error(401, "No auth credentials found or key unknown to the sandbox", "authentication");
        }
        match (request.method.as_str(), path) {
            ("POST", "/chat/completions") => self.chat(request),
            ("POST", "/embeddings") => self.embeddings(request),
            ("POST", "/moderations") => self.moderations(request),
            ("GET", "/generation") => self
                .books()
                .generations
                .get(request.param("id"))
                .map_or_else(|| error(404, "Generation not found", "not_found"), |generation| Answer::json(json!({"data": generation}))),
            ("GET", "/key") => Answer::json(self.key_info()),
            ("GET", "/credits") => Answer::json(json!({"data": {"total_credits": CREDITS, "total_usage": self.books().usage}})),
            _ => error(404, "Not found", "not_found"),
        }
    }

    fn key_info(&self) -> Value {
        let today = self.world.now().div_euclid(DAY);
        let first = chrono::DateTime::from_timestamp_millis(self.world.now()).map_or(1, |now| i64::from(now.day()));
        let books = self.books();
        let since = |day: i64| books.days.range(day..).map(|(_, cost)| cost).sum::<f64>();
        // 1970-01-01 was a Thursday; a week begins on Monday.
        let (daily, weekly, monthly) = (since(today), since(today - (today + 3).rem_euclid(7)), since(today - first + 1));
        json!({"data": {
            "label": "sandbox", "limit": CREDITS, "limit_remaining": CREDITS - books.usage, "limit_reset": null, "usage": books.usage, "usage_daily": daily,
            "usage_weekly": weekly, "usage_monthly": monthly, "byok_usage": 0, "byok_usage_daily": 0, "byok_usage_weekly": 0, "byok_usage_monthly": 0,
            "include_byok_in_limit": false, "is_free_tier": false, "is_management_key": false, "is_provisioning_key": false, "expires_at": null,
            "creator_user_id": "user_sandbox", "rate_limit": {"requests": -1, "interval": "10s", "note": "deprecated"},
        }})
    }
}

impl Books {
    fn remember(&mut self, id: &str, generation: Value, cost: f64, now: i64) {
        self.usage += cost;
        *self.days.entry(now.div_euclid(DAY)).or_default() += cost;
        self.order.push_back(id.to_owned());
        self.generations.insert(id.to_owned(), generation);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.generations.remove(&oldest);
        }
    }
}

/// An error in the envelope of the service.
#[must_use]
pub fn error(status: u16, message: &str, error_type: &str) -> Answer {
    let body = json!({"error": {"code": status, "message": message, "metadata": {"error_type": error_type, "provider_name": "sandbox"}}, "user_id": "user_sandbox"});
    Answer::status(status, body)
}

/// The error that a fault with this status stands for.
#[must_use]
pub fn fault(status: u16) -> Answer {
    let (message, error_type) = match status {
        400 => ("The sandbox was told to refuse this request", "invalid_request"),
        401 => ("The sandbox was told not to know this key", "authentication"),
        402 => ("Insufficient credits", "payment_required"),
        403 => ("The sandbox was told to forbid this request", "permission_denied"),
        404 => ("No endpoints found for this model", "not_found"),
        413 => ("Request too large", "payload_too_large"),
        429 => ("Rate limit exceeded", "rate_limit_exceeded"),
        529 => ("Provider overloaded", "provider_overloaded"),
        _ => ("Provider returned error", "provider_unavailable"),
    };
    error(status, message, error_type)
}

/// A platform rate limit.
#[must_use]
pub fn rate_limited(seconds: u32, now: i64) -> Answer {
    let reset = now.saturating_add(i64::from(seconds) * 1000);
    fault(429)
        .with("retry-after", seconds.to_string())
        .with("x-ratelimit-limit", "20")
        .with("x-ratelimit-remaining", "0")
        .with("x-ratelimit-reset", reset.to_string())
}
