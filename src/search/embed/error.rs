//! What can go wrong with an embedder, and what to do about it.

use std::time::Duration;

/// The result of something that embeds.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: what failed, on what, and what to do next. No message holds the endpoint's key.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A setting is not usable.
    #[error("the setting {setting} is not usable: {reason}")]
    Settings {
        /// Its name.
        setting: &'static str,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// The files of a model cannot be used.
    #[error("the embedding model in {place} cannot be used: {reason}")]
    Model {
        /// The folder, or that it is the one that ships.
        place: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// No connection, or it broke before an answer.
    #[error(
        "the embedding endpoint at {host} cannot be reached ({reason}); start it, or take `search.embedder.url` out to use the model that ships"
    )]
    Unreachable {
        /// The host.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// No answer in time.
    #[error(
        "the embedding endpoint at {host} gave no answer within {} s; raise `search.embedder.timeout_seconds` or lower `search.embedder.batch`",
        .after.as_secs_f64()
    )]
    TimedOut {
        /// The host.
        host: String,
        /// How long.
        after: Duration,
    },
    /// The service answered with a refusal.
    #[error("the embedding endpoint at {host} answered {status}: {message}; {next}")]
    Refused {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What it said, shortened.
        message: String,
        /// What to do about it.
        next: &'static str,
    },
    /// The answer is not what the protocol says.
    #[error("the answer of the embedding endpoint at {host} is not understood: {reason}; check the address and the model's name")]
    Malformed {
        /// The host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The endpoint's vectors have another length than before: behind the name is another model.
    #[error(
        "{model} gave a vector of {found} dimensions where it gave {expected} before: another model stands behind the name; set `search.embedder.dimensions` or the model's name to what it is now and rebuild with `quarterdeck index rebuild`"
    )]
    DimensionChanged {
        /// The model.
        model: String,
        /// Dimensions before.
        expected: usize,
        /// Dimensions now.
        found: usize,
    },
    /// The model in this process failed.
    #[error("{model} could not embed: {reason}")]
    Failed {
        /// The model.
        model: String,
        /// What it said.
        reason: String,
    },
}
