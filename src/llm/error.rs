//! What can go wrong with a model call, and what to do about it.

use crate::store;
use std::time::Duration;

/// The result of something that talks to a model.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: what failed, on what, and what to do next. No message holds the key.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A setting is not usable.
    #[error("the model setting {setting} is not usable: {reason}")]
    Settings {
        /// Its name.
        setting: &'static str,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// There is no key for a server that needs one.
    #[error("there is no key for the model service at {host}; set OPENROUTER_API_KEY, or point the base URL at a local server")]
    NoKey {
        /// The host.
        host: String,
    },
    /// The service answered with a refusal.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// No connection, or it broke before an answer.
    #[error("the model service at {host} cannot be reached ({reason}); check the network and the base URL")]
    Unreachable {
        /// The host.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// No answer in time.
    #[error("{model} gave no {awaited} within {} s; try again, choose a faster model, or raise the timeout", .after.as_secs_f64())]
    TimedOut {
        /// The model asked.
        model: String,
        /// What was awaited: `first token` or `complete answer`.
        awaited: &'static str,
        /// How long.
        after: Duration,
    },
    /// The answer ended in the middle. It may have cost money.
    #[error("the answer of {model} broke off ({reason}); what it cost is unknown until it is looked up{}", generation_hint(.generation_id.as_deref()))]
    Interrupted {
        /// The model asked.
        model: String,
        /// How it ended.
        reason: String,
        /// Where to look up the cost.
        generation_id: Option<String>,
    },
    /// The answer is not what the protocol says.
    #[error("the answer of {model} is not understood: {reason}; check that the base URL is an OpenAI-compatible API")]
    Malformed {
        /// The model asked.
        model: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Too much was asked at once. Nothing was sent.
    #[error("{model} was not asked: its turn did not come within {} s; raise route.queue_seconds or the limits of the model, ask less at once, or add a fallback model", .after.as_secs())]
    Crowded {
        /// The model.
        model: String,
        /// How long it waited.
        after: Duration,
    },
    /// Several attempts failed; the last failure is told.
    #[error("gave up after {attempts} attempts with {models}: {last}")]
    GaveUp {
        /// How many attempts were made.
        attempts: u32,
        /// The models tried, in order.
        models: String,
        /// The last failure.
        last: Box<Error>,
    },
    /// A price book cannot be read.
    #[error("the price book {place} cannot be read: {reason}")]
    Prices {
        /// Which book.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A budget does not allow the call. Nothing was sent.
    #[error("{0}")]
    OverBudget(Box<super::budget::Refused>),
    /// The ledger could not be written. No call is made without its row.
    #[error("the call ledger: {0}")]
    Ledger(#[from] store::Error),
}

impl Error {
    /// The word that stands in the ledger as the type of the error.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Settings { .. } => "settings".to_owned(),
            Self::NoKey { .. } => "no_key".to_owned(),
            Self::Refused(refusal) => refusal.kind(),
            Self::Unreachable { .. } => "unreachable".to_owned(),
            Self::TimedOut { .. } => "timeout".to_owned(),
            Self::Interrupted { .. } => "interrupted".to_owned(),
            Self::Malformed { .. } => "malformed".to_owned(),
            Self::Crowded { .. } => "crowded".to_owned(),
            Self::GaveUp { last, .. } => last.kind(),
            Self::Prices { .. } => "prices".to_owned(),
            Self::OverBudget(_) => "over_budget".to_owned(),
            Self::Ledger(_) => "ledger".to_owned(),
        }
    }

    /// The refusal behind it, if the service answered with one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::GaveUp { last, .. } => last.refusal(),
            _ => None,
        }
    }
}

fn generation_hint(id: Option<&str>) -> String {
    id.map_or_else(String::new, |id| format!(" (generation {id})"))
}

/// What a refusal means, by the status table of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 400, 413, 422 and other client errors: the request is wrong.
    BadRequest,
    /// 401: the key is wrong.
    Unauthorised,
    /// 402: credits or the key's limit are used up.
    OutOfCredit,
    /// 402 with an in-flight limit: too many calls at once.
    InFlight,
    /// 403: a guardrail, moderation, or a workspace's budget.
    Forbidden,
    /// 404: no such model or endpoint.
    NotFound,
    /// 429.
    RateLimited,
    /// 408 and 5xx: the service or the provider behind it has a problem.
    Unavailable,
    /// Anything else, as a redirect.
    Unexpected,
}

impl Class {
    /// Is the same request worth another attempt later?
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, Self::InFlight | Self::RateLimited | Self::Unavailable)
    }

    fn word(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthorised => "unauthorised",
            Self::OutOfCredit => "out_of_credit",
            Self::InFlight => "in_flight_limit",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limit",
            Self::Unavailable => "unavailable",
            Self::Unexpected => "unexpected_status",
        }
    }
}

/// A refusal, read from the status, the headers and the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it means.
    pub class: Class,
    /// The status that counts: that of the answer, or the error's own code inside an answer with status 200.
    pub status: u16,
    /// The model asked.
    pub model: String,
    /// The error's code, as text: a number, a numeric string or a symbol in the original.
    pub code: Option<String>,
    /// The service's own type of the error.
    pub error_type: Option<String>,
    /// What the service said.
    pub message: String,
    /// The provider behind the service.
    pub provider: Option<String>,
    /// When the service wants the next attempt.
    pub retry_after: Option<Duration>,
    /// What the service says about another attempt, where it says something.
    pub retryable: Option<bool>,
    /// Models that the service offers instead.
    pub fallback_models: Vec<String>,
}

impl Refusal {
    /// The word for the ledger.
    #[must_use]
    pub fn kind(&self) -> String {
        self.error_type.clone().unwrap_or_else(|| self.class.word().to_owned())
    }

    fn next_step(&self) -> String {
        match self.class {
            Class::BadRequest => "the request has to change".to_owned(),
            Class::Unauthorised => "check OPENROUTER_API_KEY; calls stay off until it is right".to_owned(),
            Class::OutOfCredit => "add credits or raise the key's limit".to_owned(),
            Class::InFlight => "fewer calls at once".to_owned(),
            Class::Forbidden => "a guardrail, moderation or a workspace budget says no; see the service's reason".to_owned(),
            Class::NotFound if self.fallback_models.is_empty() => "check the name of the model".to_owned(),
            Class::NotFound => format!("check the name of the model; offered instead: {}", self.fallback_models.join(", ")),
            Class::RateLimited => match self.retry_after {
                Some(wait) => format!("wait {} s, or add a fallback model", wait.as_secs()),
                None => "wait, or add a fallback model".to_owned(),
            },
            Class::Unavailable => "try again later, or add a fallback model".to_owned(),
            Class::Unexpected => "check the base URL".to_owned(),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let provider = self.provider.as_ref().map_or_else(String::new, |provider| format!(" (provider {provider})"));
        let code = self.code.as_ref().filter(|code| **code != self.status.to_string());
        let code = code.map_or_else(String::new, |code| format!(" {code}"));
        write!(
            formatter,
            "the model service refused {}{provider} with {}{code}: {}; {}",
            self.model,
            self.status,
            self.message.trim_end_matches('.'),
            self.next_step()
        )
    }
}
