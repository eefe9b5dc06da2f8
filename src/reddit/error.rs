//! What can go wrong between us and Reddit, each with the next step.

use crate::base::clock::duration;
use std::path::PathBuf;
use std::time::Duration;

/// The result of a request that reads, or of making a client.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be had from Reddit. `what` names the request, as `GET /r/rust/new`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The credentials were refused. Reddit says so with HTTP 200 as well.
    #[error("Reddit refused the login of {account}: {reason}. {next}")]
    Login {
        /// The account, without `u/`.
        account: String,
        /// What was refused.
        reason: String,
        /// What to do next, a sentence.
        next: String,
    },
    /// 403: not allowed for this account, or a scope is missing.
    #[error(
        "{what}: Reddit does not allow it ({reason}). Check that the account may see and use this place, and that the token has the scope"
    )]
    Forbidden {
        /// The request.
        what: String,
        /// Reddit's reason.
        reason: String,
    },
    /// 404, or a redirect to the search for a subreddit.
    #[error("{what}: Reddit knows no such thing ({reason}). Check the name or id; it may have been deleted or banned")]
    NotFound {
        /// The request.
        what: String,
        /// Reddit's reason.
        reason: String,
    },
    /// 429, or the budget would make us wait longer than we are willing to.
    #[error("{what}: too many requests; free again in {}. Wait, or lower the number of personas or the polling rate", spell(.wait))]
    RateLimited {
        /// The request.
        what: String,
        /// How long to wait.
        wait: Duration,
    },
    /// No connection, a timeout, a lost answer, 408 or 5xx.
    #[error("{what}: Reddit cannot be reached or does not answer ({reason}). Try again later; see https://www.redditstatus.com")]
    Unavailable {
        /// The request.
        what: String,
        /// What happened.
        reason: String,
    },
    /// 400 and other refusals of the request as it was written.
    #[error("{what}: Reddit refused the request: {reason}{}{}. Correct the field and try again", dash(.explanation), named(.fields))]
    BadRequest {
        /// The request.
        what: String,
        /// Reddit's code, or `HTTP 400`.
        reason: String,
        /// Reddit's words.
        explanation: Option<String>,
        /// The fields it names.
        fields: Vec<String>,
    },
    /// An answer that could not be understood.
    #[error(
        "{what}: the answer could not be understood ({reason}). Try again; if it stays, the API has changed or something stands between"
    )]
    Malformed {
        /// The request.
        what: String,
        /// What was wrong with it.
        reason: String,
    },
    /// A redirect. None is ever followed.
    #[error(
        "{what}: redirected to {to}, which is never followed. Check the addresses in the configuration, and whether the login still holds"
    )]
    Redirected {
        /// The request.
        what: String,
        /// Where to, cleaned.
        to: String,
    },
    /// Refused here, before anything was sent.
    #[error("{what}: {reason}")]
    Invalid {
        /// The request or setting.
        what: String,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// The file of the refresh token.
    #[error("refresh token file {}: {reason}. {next}", .path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What failed.
        reason: String,
        /// What to do next, a sentence.
        next: String,
    },
}

impl Error {
    /// How long to wait before the same thing is tried again, where that is known.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { wait, .. } => Some(*wait),
            // Wrong credentials do not mend themselves, and repeated tries lock an account.
            Self::Login { .. } | Self::TokenFile { .. } => Some(Duration::from_mins(15)),
            _ => None,
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. })
    }

    pub(super) fn invalid(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), reason: reason.into() }
    }

    pub(super) fn malformed(what: &str, reason: impl Into<String>) -> Self {
        Self::Malformed { what: what.to_owned(), reason: reason.into() }
    }
}

fn spell(wait: &Duration) -> String {
    duration(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

fn dash(explanation: &Option<String>) -> String {
    explanation.as_ref().map_or_else(String::new, |explanation| format!(" - {explanation}"))
}

fn named(fields: &[String]) -> String {
    if fields.is_empty() { String::new() } else { format!(" (field {})", fields.join(", ")) }
}
