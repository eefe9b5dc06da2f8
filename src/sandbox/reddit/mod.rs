//! The parts of the Reddit API that clients use, as `facts` of recorded answers describe them.
//!
//! Every answer is made under the world's lock by plain functions from a request and the world; no handler waits for anything.

pub mod auth;
pub mod limits;
pub mod listings;
mod places;
mod search;
pub mod things;
mod threads;
pub mod writes;

use super::Options;
use super::exchange::{Answer, Content, Request};
use super::world::World;
use auth::{Grant, Tokens};
use axum::http::Method;
use limits::Limits;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The Reddit side of the sandbox.
#[derive(Debug)]
pub struct Reddit {
    world: World,
    desk: Mutex<Desk>,
    client_id: String,
    client_secret: String,
}

/// What the service remembers beside the world: tokens and counters.
#[derive(Debug)]
struct Desk {
    tokens: Tokens,
    limits: Limits,
}

/// One authorised request.
struct Call<'a> {
    request: &'a Request,
    grant: &'a Grant,
    now: i64,
}

impl Reddit {
    pub(super) fn new(options: &Options, world: World) -> Self {
        let desk = Desk {
            tokens: Tokens::new(options.seed, options.token_seconds),
            limits: Limits::new(options.request_limit, options.action_interval),
        };
        Self { world, desk: Mutex::new(desk), client_id: options.client_id.clone(), client_secret: options.client_secret.clone() }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh refresh token for an account, as if its owner had allowed the app.
    pub(super) fn issue_refresh_token(&self, account: &str) -> String {
        self.desk().tokens.issue_refresh(account)
    }

    /// Every access token ends now.
    pub(super) fn expire_tokens(&self) {
        self.desk().tokens.expire_all();
    }

    /// The next writes of an account are refused with `RATELIMIT` for this long.
    pub(super) fn limit_account(&self, account: &str, seconds: f64) {
        let now = self.world.now();
        self.desk().limits.hold(account, now, seconds);
    }

    /// Answer one request.
    pub(super) fn answer(&self, request: &Request) -> Answer {
        let mut answer = self.routed(request);
        if request.query.get("raw_json").is_none_or(|value| value != "1")
            && let Content::Json(body) = &mut answer.content
        {
            escape(body);
        }
        answer
    }

    fn routed(&self, request: &Request) -> Answer {
        let now = self.world.now();
        match request.path.as_str() {
            "/api/v1/access_token" | "/api/v1/revoke_token" if request.method != Method::POST => return Answer::refused(405),
            "/api/v1/access_token" => return self.token(request, now),
            "/api/v1/revoke_token" => return self.revoke(request),
            _ => {}
        }
        let (grant, quota) = {
            let mut desk = self.desk();
            let Some(grant) = desk.tokens.grant(request, now) else {
                return Answer::refused(401).with("www-authenticate", "Bearer realm=\"reddit\", error=\"invalid_token\"");
            };
            let quota = desk.limits.count(&grant, now);
            (grant, quota)
        };
        if !quota.allowed() {
            return quota.headers(Answer::refused(429).with("retry-after", quota.reset.to_string()));
        }
        let call = Call { request, grant: &grant, now };
        if let Some(scope) = auth::scope_of(&request.method, &request.path).filter(|scope| !grant.allows(scope)) {
            let header = format!("Bearer realm=\"reddit\", error=\"insufficient_scope\", scope=\"{scope}\"");
            return Answer::refused(403).with("www-authenticate", header);
        }
        let answer = if request.method == Method::POST { self.write(&call) } else { self.read(&call) };
        // The real service leaves the counters out of most refusals.
        if matches!(answer.status, 401 | 403) || answer.status >= 500 { answer } else { quota.headers(answer) }
    }
}

/// What the service does to text unless the client asks for `raw_json=1`.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(['&', '<', '>']) => {
            *text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        }
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(fields) => fields.values_mut().for_each(escape),
        _ => {}
    }
}
