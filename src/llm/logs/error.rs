//! What can go wrong with a whole log. A single line that is wrong is no error: it is rejected and reported.

/// The result of an operation on logs.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What failed, on what, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("{place} cannot be read: {reason}")]
    Read {
        /// The file.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// A time without a zone, and none was stated.
    #[error("{place}, line {line}: the time {time} has no zone; say which clock wrote it, as --zone UTC or --zone Europe/Berlin")]
    NoZone {
        /// The file.
        place: String,
        /// The line.
        line: u64,
        /// The time as it stands there.
        time: String,
    },
    /// The file cannot be watched.
    #[error("{place} cannot be followed: {reason}; import it again instead, which continues where it was")]
    Watch {
        /// The file.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// The rejected lines cannot be written down.
    #[error("the rejected lines cannot be written to {place}: {reason}; what was imported so far stands, and the next run continues there")]
    Rejects {
        /// The file.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// The import was asked to end.
    #[error("reading {place} was stopped; what was read so far is imported, and the next run continues there")]
    Stopped {
        /// The file.
        place: String,
    },
    /// The price book is wrong.
    #[error(transparent)]
    Prices(#[from] crate::llm::Error),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// A thread of the import ended by a defect.
    #[error("reading {place} ended by a defect; what was imported so far stands, and the next run continues there")]
    Defect {
        /// The file.
        place: String,
    },
}
