//! What can go wrong in a cycle, and what that means for the loop.

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
