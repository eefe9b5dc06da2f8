//! What a check brings back before its conditions are looked at.

use super::conditions::{Body, Facts};
use super::outcome::Cause;
use crate::watch::health::Status;
use serde_json::Value;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU8, Ordering};

/// What is wrong with a target, whatever the conditions say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trouble {
    pub status: Status,
    pub cause: Cause,
    pub error: String,
    /// Whether there was a connection all the same; `None` when nobody can tell.
    pub connected: Option<bool>,
}

impl Trouble {
    pub fn unhealthy(cause: Cause, error: impl Into<String>) -> Self {
        Self::new(Status::Unhealthy, cause, error.into())
    }

    pub fn degraded(cause: Cause, error: impl Into<String>) -> Self {
        Self::new(Status::Degraded, cause, error.into())
    }

    pub fn unknown(cause: Cause, error: impl Into<String>) -> Self {
        Self::new(Status::Unknown, cause, error.into())
    }

    fn new(status: Status, cause: Cause, error: String) -> Self {
        let connected = match cause {
            Cause::Refused | Cause::Network => Some(false),
            // Who shows a certificate, or takes part in a handshake, has taken the connection.
            Cause::Tls | Cause::Certificate => Some(true),
            // A name without an address tells nothing of the target, and a time-out may come before and after.
            _ => None,
        };
        Self { status, cause, error, connected }
    }

    /// The same, of a look that knows whether there was a connection.
    pub fn with_connection(self, connected: Option<bool>) -> Self {
        Self { connected, ..self }
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
        let connected = trouble.connected;
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

/// How far a look has come to a connection: what is known of it when it is cut off.
#[derive(Debug, Default)]
pub(super) struct Reached(AtomicU8);

impl Reached {
    const ASKED: u8 = 1;
    const CONNECTED: u8 = 2;

    /// It has an address, and asks there for a connection.
    pub fn asks(&self) {
        self.0.store(Self::ASKED, Ordering::Relaxed);
    }

    /// The connection is there.
    pub fn connected(&self) {
        self.0.store(Self::CONNECTED, Ordering::Relaxed);
    }

    /// Whether there was a connection; `None` when nobody can tell.
    pub fn connection(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            Self::ASKED => Some(false),
            Self::CONNECTED => Some(true),
            _ => None,
        }
    }
}
