//! What can go wrong when rows past their time are taken away.

use crate::store;

/// The result of retention.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why it was not done: what failed, on what, and what to do next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The file of rules is wrong.
    #[error("{place}: {reason}; nothing was taken away")]
    Rules {
        /// The file, with line and column where they are known.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A file of the archive cannot be used.
    #[error("cannot {what} {path}: {reason}; no row goes that is not archived: ask again once that is mended")]
    Archive {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// Another process is at it.
    #[error("a retention run or an erasure is under way with the archive {path}; wait for its end")]
    Busy {
        /// The directory.
        path: String,
    },
    /// The clock goes wrong.
    #[error("the clock says {now}, but the newest row is of {newest}: set the clock right first; nothing was taken away")]
    Clock {
        /// The clock.
        now: String,
        /// The newest row.
        newest: String,
    },
    /// There is no such rule.
    #[error("there is no rule called {id:?}; there are {known}")]
    NoRule {
        /// What was asked for.
        id: String,
        /// Which there are.
        known: String,
    },
    /// There is no such hold, or it was released already.
    #[error("no hold {id:?} is in force; see `quarterdeck retention hold list`")]
    NoHold {
        /// What was asked for.
        id: String,
    },
    /// A hold that says too little.
    #[error("{0}")]
    Hold(String),
    /// A row changed between being archived and being taken away: it is left for the next batch.
    #[error("a row changed while it was archived")]
    Changed,
}
