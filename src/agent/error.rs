//! What can go wrong in a cycle, and what that means for the loop.

use crate::llm::Class;

/// The result of an agent operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the loop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process runs this persona.
    #[error("the agent of {persona} already runs ({process}, heard of {ago} ago); stop it with `quarterdeck agent stop`")]
    AlreadyRunning {
        /// The persona's name.
        persona: String,
        /// `host:pid`.
        process: String,
        /// How long since its last heartbeat.
        ago: String,
    },
    /// The lock file cannot be used.
    #[error("the lock file {path} cannot be used: {reason}; check that the data directory is yours")]
    Lock {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// Too many cycles failed one after the other.
    #[error("{failures} cycles failed in a row, the last one with: {last}; the loop stopped, start it again when that is mended")]
    TooManyFailures {
        /// How many.
        failures: u32,
        /// The last failure.
        last: String,
    },
    /// The model answered, but wrote nothing.
    #[error("{model} answered without a text ({reason}); nothing was queued, and the message is tried again in a later cycle")]
    NoText {
        /// The model that answered.
        model: String,
        /// Why it ended, as the service says, or its refusal.
        reason: String,
    },
    /// The task that delivers ended by a defect.
    #[error("the deliveries of {persona} ended by a defect ({reason}); the loop stopped, start it again")]
    Deliveries {
        /// The persona's name.
        persona: String,
        /// What the runtime said.
        reason: String,
    },
    /// A parameter is out of its range.
    #[error(transparent)]
    Parameter(#[from] super::ParameterError),
    /// Reddit could not be read.
    #[error("reading Reddit failed: {0}")]
    Reddit(#[from] crate::reddit::Error),
    /// The model could not be asked.
    #[error("asking the model failed: {0}")]
    Model(#[from] crate::llm::Error),
    /// The queue refused.
    #[error(transparent)]
    Moderation(#[from] crate::moderation::Error),
    /// The belief store refused.
    #[error(transparent)]
    Memory(#[from] crate::memory::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

impl Error {
    /// Whether every other message would fail for the same reason. Then the cycle has failed, and not only this message.
    pub(super) fn concerns_all(&self) -> bool {
        match self {
            Self::Model(error) => match error.refusal() {
                Some(refusal) => matches!(refusal.class, Class::Unauthorised | Class::OutOfCredit | Class::NotFound),
                None => matches!(error.kind().as_str(), "unreachable" | "no_key" | "settings" | "ledger" | "over_budget"),
            },
            Self::Reddit(error) => matches!(error, crate::reddit::Error::Login { .. }),
            Self::Store(_) => true,
            _ => false,
        }
    }

    /// Whether a budget did not allow a call. That is no defect: the loop waits for the money, and goes on sending what was approved.
    pub(super) fn is_over_budget(&self) -> bool {
        matches!(self, Self::Model(crate::llm::Error::OverBudget(_)))
    }
}
