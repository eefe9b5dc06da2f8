//! What a check brings back before its conditions are looked at.

use super::conditions::{Body, Facts};
use super::outcome::Cause;
use crate::watch::health::Status;
use serde_json::Value;
use std::io::ErrorKind;

/// What is wrong with a target, whatever the conditions say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trouble {
    pub status: Status,
    pub cause: Cause,
    pub error: String,
}

impl Trouble {
    pub fn unhealthy(cause: Cause, error: impl Into<String>) -> Self {
        Self { status: Status::Unhealthy, cause, error: error.into() }
    }

    pub fn degraded(cause: Cause, error: impl Into<String>) -> Self {
        Self { status: Status::Degraded, cause, error: error.into() }
    }

    pub fn unknown(cause: Cause, error: impl Into<String>) -> Self {
        Self { status: Status::Unknown, cause, error: error.into() }
    }

    /// What the system says of a connection to `place`.
    pub fn of_io(error: &std::io::Error, place: &str) -> Self {
        let (cause, text) = match error.kind() {
            ErrorKind::ConnectionRefused => (Cause::Refused, format!("nobody listens on {place}")),
            ErrorKind::TimedOut => (Cause::Timeout, format!("{place} does not answer")),
            ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown => {
                (Cause::Network, format!("no way leads to {place}: {error}"))
            }
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => {
                (Cause::Broken, format!("{place} broke the connection off"))
            }
            _ => (Cause::Other, format!("{place}: {error}")),
        };
        Self::unhealthy(cause, text)
    }
}

/// The text of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Larger than what is read.
    Cut,
    /// The text, and what it says when it is JSON.
    Text(String, Option<Value>),
}

impl Content {
    /// A text, read as JSON where it is.
    pub fn of(bytes: &[u8]) -> Self {
        let json = serde_json::from_slice(bytes).ok();
        Self::Text(String::from_utf8_lossy(bytes).into_owned(), json)
    }
}

/// What a check brings back.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// What is wrong whatever the conditions say.
    pub trouble: Option<Trouble>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// What an HTTP status means that a condition refuses.
    pub status_cause: Option<(Cause, String)>,
    /// Whether there was a connection.
    pub connected: Option<bool>,
    /// Milliseconds until the certificate ends.
    pub certificate_ms: Option<i64>,
    /// The numbers that were measured, each with what it belongs to where there are several. All must fit.
    pub values: Vec<(String, f64)>,
    /// The body.
    pub content: Option<Content>,
    /// Numbers behind it.
    pub detail: Value,
}

impl Look {
    /// A look that brought nothing back.
    pub fn failed(trouble: Trouble) -> Self {
        let no_connection = [Cause::Refused, Cause::Timeout, Cause::Dns, Cause::Network, Cause::Tls, Cause::Certificate];
        let connected = no_connection.contains(&trouble.cause).then_some(false);
        Self { trouble: Some(trouble), connected, ..Self::default() }
    }

    /// What the conditions look at, with one of the values.
    pub fn facts(&self, response_ms: Option<f64>, value: Option<f64>) -> Facts<'_> {
        let body = match &self.content {
            None => Body::None,
            Some(Content::Cut) => Body::Cut,
            Some(Content::Text(text, json)) => Body::Text(text, json.as_ref()),
        };
        Facts { status: self.status, response_ms, connected: self.connected, certificate_ms: self.certificate_ms, value, body }
    }
}
