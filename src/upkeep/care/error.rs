//! What can go wrong in the care of the database.

use crate::store;

/// The result of a piece of care.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why it was not done: what failed, on what, and what to do next. The database is as it was.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Others use the database, and the work needs it alone.
    #[error("the database is in use, and this needs it alone: {who}; {remedy}, then ask again")]
    InUse {
        /// Who, in a list.
        who: String,
        /// What to do about the first of them.
        remedy: String,
    },
    /// The disk has no room for it.
    #[error("{place} has {free} bytes left and this needs {need}: free some room there, then ask again")]
    NoRoom {
        /// The directory.
        place: String,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are needed.
        need: u64,
    },
    /// How much room there is cannot be told.
    #[error("it cannot be told how much room {place} has ({reason}); see whether the directory is there and can be entered")]
    Room {
        /// The directory.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// It was asked to stop.
    #[error("stopped as asked; the database is as it was, and the work can be started again")]
    Stopped,
}
