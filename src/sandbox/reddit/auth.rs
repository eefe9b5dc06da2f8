//! Tokens: who may ask for one, what it allows, when it ends.
//!
//! The three ways of being refused differ on purpose: a wrong client is 401, a wrong password arrives as HTTP 200 with `error`, and a
//! refresh token that is spent is 400.

use super::super::exchange::{Answer, Content, Request};
use super::super::script::mix;
use super::Reddit;
use crate::base::Millis;
use axum::http::Method;
use serde_json::json;
use std::collections::HashMap;

/// What a bearer token stands for.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The account; `None` for app-only tokens.
    pub account: Option<String>,
    /// The OAuth client id.
    pub client: String,
    scopes: Vec<String>,
    ends: Millis,
}

impl Grant {
    /// Whether the token carries a scope.
    #[must_use]
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == "*" || granted == scope)
    }
}

/// The scope that an endpoint asks for.
#[must_use]
pub fn scope_of(method: &Method, path: &str) -> Option<&'static str> {
    Some(match path {
        "/api/v1/me" => "identity",
        "/api/submit" | "/api/comment" => "submit",
        "/api/editusertext" | "/api/del" => "edit",
        _ if path.starts_with("/message/") || (path.contains("_message") && *method == Method::POST) => "privatemessages",
        _ if path.starts_with("/user/") && !path.ends_with("/about") => "history",
        _ => "read",
    })
}

/// All tokens in force.
#[derive(Debug)]
pub struct Tokens {
    seed: u64,
    made: u64,
    lifetime: Millis,
    access: HashMap<String, Grant>,
    refresh: HashMap<String, String>,
}

impl Tokens {
    pub(super) fn new(seed: u64, seconds: u32) -> Self {
        Self { seed, made: 0, lifetime: Millis::from(seconds) * 1000, access: HashMap::new(), refresh: HashMap::new() }
    }

    fn fresh(&mut self, kind: &str, account: &str) -> String {
        self.made += 1;
        let number = self.made.to_string();
        format!("sandbox-{kind}-{:016x}{:016x}", mix(self.seed, &[kind, account, &number]), mix(!self.seed, &[kind, &number]))
    }

    pub(super) fn issue_refresh(&mut self, account: &str) -> String {
        let token = self.fresh("refresh", account);
        self.refresh.insert(token.clone(), account.to_owned());
        token
    }

    pub(super) fn expire_all(&mut self) {
        self.access.clear();
    }

    /// The grant behind the bearer token of a request.
    pub(super) fn grant(&self, request: &Request, now: Millis) -> Option<Grant> {
        let (scheme, token) = request.header("authorization")?.split_once(' ')?;
        let grant = scheme.eq_ignore_ascii_case("bearer").then(|| self.access.get(token.trim()))??;
        (now < grant.ends).then(|| grant.clone())
    }

    fn issue(&mut self, account: Option<String>, client: &str, scope: &str, now: Millis) -> serde_json::Value {
        let token = self.fresh("access", account.as_deref().unwrap_or("app"));
        let scope = if scope.trim().is_empty() { "*" } else { scope.trim() };
        let scopes = scope.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
        // Ended tokens go here, at the only place that adds any.
        self.access.retain(|_, grant| now < grant.ends);
        self.access.insert(token.clone(), Grant { account, client: client.to_owned(), scopes, ends: now + self.lifetime });
        json!({"access_token": token, "token_type": "bearer", "expires_in": self.lifetime / 1000, "scope": scope})
    }
}

impl Reddit {
    fn is_client(&self, request: &Request) -> bool {
        let credentials = request.header("authorization").and_then(|value| value.split_once(' '));
        let decoded =
            credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")).and_then(|(_, encoded)| from_base64(encoded.trim()));
        decoded.is_some_and(|decoded| decoded == format!("{}:{}", self.client_id, self.client_secret))
    }

    /// `POST /api/v1/access_token`.
    pub(super) fn token(&self, request: &Request, now: Millis) -> Answer {
        if !self.is_client(request) {
            return Answer::refused(401).with("www-authenticate", "Basic realm=\"reddit\"");
        }
        let client = &self.client_id;
        let scope = request.field("scope");
        match request.field("grant_type") {
            "password" => {
                let account = self.with_password(request.field("username"), request.field("password"), request.field("otp"));
                account.map_or_else(
                    || Answer::json(json!({"error": "invalid_grant"})),
                    |account| Answer::json(self.desk().tokens.issue(Some(account), client, scope, now)),
                )
            }
            "refresh_token" => {
                let mut desk = self.desk();
                let Some(account) = desk.tokens.refresh.remove(request.field("refresh_token")) else {
                    return Answer::refused(400);
                };
                let mut body = desk.tokens.issue(Some(account.clone()), client, scope, now);
                body["refresh_token"] = desk.tokens.issue_refresh(&account).into();
                Answer::json(body)
            }
            "authorization_code" => {
                // The page on which a person allows the app does not exist here; its code is the name of the account.
                let account = request.field("code").strip_prefix("sandbox-").and_then(|name| self.account_name(name));
                let Some(account) = account else { return Answer::json(json!({"error": "invalid_grant"})) };
                let mut desk = self.desk();
                let mut body = desk.tokens.issue(Some(account.clone()), client, scope, now);
                body["refresh_token"] = desk.tokens.issue_refresh(&account).into();
                Answer::json(body)
            }
            "client_credentials" => Answer::json(self.desk().tokens.issue(None, client, scope, now)),
            "https://oauth.reddit.com/grants/installed_client" => {
                if (20..=30).contains(&request.field("device_id").len()) {
                    Answer::json(self.desk().tokens.issue(None, client, scope, now))
                } else {
                    Answer::json(json!({"error": "invalid_request", "error_description": "bad device_id"}))
                }
            }
            _ => Answer::json(json!({"error": "unsupported_grant_type"})),
        }
    }

    /// `POST /api/v1/revoke_token`: 204 whether or not there was such a token.
    pub(super) fn revoke(&self, request: &Request) -> Answer {
        if !self.is_client(request) {
            return Answer::refused(401).with("www-authenticate", "Basic realm=\"reddit\"");
        }
        let token = request.field("token");
        let tokens = &mut self.desk().tokens;
        tokens.access.remove(token);
        if let Some(account) = tokens.refresh.remove(token) {
            tokens.access.retain(|_, grant| grant.account.as_ref() != Some(&account));
        }
        Answer { status: 204, headers: Vec::new(), content: Content::Empty }
    }

    fn account_name(&self, name: &str) -> Option<String> {
        self.world.lock().account(name).map(|account| account.name.clone())
    }

    /// The account, if the password fits: plain, as `password:123456`, or with six digits in `otp`.
    fn with_password(&self, name: &str, password: &str, otp: &str) -> Option<String> {
        let is_code = |code: &str| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
        if !otp.is_empty() && !is_code(otp) {
            return None;
        }
        let state = self.world.lock();
        let account = state.account(name)?;
        let fits = password == account.password
            || password.rsplit_once(':').is_some_and(|(plain, code)| plain == account.password && is_code(code));
        fits.then(|| account.name.clone())
    }
}

/// Base64 with the usual alphabet, padded or not, as text.
fn from_base64(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        buffer = ((buffer << 6) | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_basic_scheme() {
        assert_eq!(from_base64("c2FuZGJveDpzZWNyZXQ=").as_deref(), Some("sandbox:secret"));
        assert_eq!(from_base64("").as_deref(), Some(""));
        assert_eq!(from_base64("***"), None);
    }

    #[test]
    fn scopes_follow_the_endpoint() {
        assert_eq!(scope_of(&Method::POST, "/api/comment"), Some("submit"));
        assert_eq!(scope_of(&Method::POST, "/api/read_message"), Some("privatemessages"));
        assert_eq!(scope_of(&Method::GET, "/user/x/overview"), Some("history"));
        assert_eq!(scope_of(&Method::GET, "/r/test/new"), Some("read"));
    }
}
