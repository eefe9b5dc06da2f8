//! An answer as it came, and what it means for a request that reads.

use super::error::{Error, Result};
use super::excerpt::{clean, excerpt};
use super::headers::Headers;
use serde_json::Value;
use std::time::Duration;

/// How long a 429 makes us wait that does not say how long.
pub const UNTOLD_WAIT: Duration = Duration::from_mins(1);

/// An answer as it came: any status, any body.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that mean something.
    pub headers: Headers,
    /// The body, as far as it came.
    pub body: Vec<u8>,
    /// Why the body is not whole, if it is not.
    pub cut: Option<String>,
}

impl Answer {
    /// A whole answer.
    #[must_use]
    pub fn new(status: u16, headers: Headers, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers, body: body.into(), cut: None }
    }

    /// Whether the access token was refused: the header decides, the body may be a page.
    #[must_use]
    pub fn is_invalid_token(&self) -> bool {
        self.status == 401 && self.headers.names_error("invalid_token")
    }

    /// Whether the status says that it worked.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// How long a 429 asks us to wait; a minute where it does not say.
    #[must_use]
    pub fn rate_wait(&self) -> Duration {
        self.headers.asks_to_wait().unwrap_or(UNTOLD_WAIT)
    }

    /// The body as JSON; `None` when it is cut, empty, or something else.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        if self.cut.is_some() { None } else { serde_json::from_slice(&self.body).ok() }
    }

    /// What the body says, in a few words.
    #[must_use]
    pub fn says(&self) -> String {
        excerpt(&self.body)
    }

    /// The `reason` of an error envelope: a code, or a word such as `quarantined`.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let json = self.json()?;
        Some(clean(json.get("reason")?.as_str()?)).filter(|reason| !reason.is_empty())
    }
}

/// The JSON of an answer to a request that reads.
///
/// # Errors
/// What the status, the headers or the body say instead.
pub fn read(what: &str, answer: &Answer) -> Result<Value> {
    if !answer.is_success() {
        return Err(failure(what, answer));
    }
    if let Some(cut) = &answer.cut {
        return Err(Error::Unavailable { what: what.to_owned(), reason: format!("the answer broke off: {cut}") });
    }
    match serde_json::from_slice(&answer.body) {
        Ok(value) => Ok(value),
        Err(_) if answer.body.is_empty() => Err(Error::malformed(what, format!("HTTP {} without a body", answer.status))),
        Err(_) => Err(Error::malformed(what, format!("HTTP {} without JSON: {}", answer.status, answer.says()))),
    }
}

/// What an answer other than success means.
#[must_use]
pub fn failure(what: &str, answer: &Answer) -> Error {
    let what = what.to_owned();
    let said = || format!("HTTP {}: {}", answer.status, answer.says());
    match answer.status {
        300..400 => {
            let to = answer.headers.location.as_deref().map_or_else(|| "nowhere".to_owned(), clean);
            // A subreddit that does not exist redirects to the search for one.
            if to.contains("/subreddits/search") {
                Error::NotFound { what, reason: "no such subreddit".to_owned() }
            } else {
                Error::Redirected { what, to }
            }
        }
        401 if answer.is_invalid_token() => {
            Error::Forbidden { what, reason: "the access token was refused, also after a fresh login".to_owned() }
        }
        401 => Error::Forbidden { what, reason: said() },
        403 if answer.headers.names_error("insufficient_scope") => {
            Error::Forbidden { what, reason: "the token lacks the scope for this; log in again with it".to_owned() }
        }
        403 => Error::Forbidden { what, reason: answer.reason().unwrap_or_else(said) },
        404 => Error::NotFound { what, reason: answer.reason().unwrap_or_else(said) },
        429 => Error::RateLimited { what, wait: answer.rate_wait() },
        408 | 500.. => Error::Unavailable { what, reason: said() },
        400..500 => {
            let json = answer.json().unwrap_or_default();
            let fields = json.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            Error::BadRequest {
                what,
                reason: answer.reason().unwrap_or_else(said),
                explanation: json.get("explanation").and_then(Value::as_str).map(clean),
                fields: fields.iter().filter_map(Value::as_str).map(clean).collect(),
            }
        }
        status => Error::Malformed { what, reason: format!("HTTP {status} is no answer to this") },
    }
}
