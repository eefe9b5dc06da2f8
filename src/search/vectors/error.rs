//! What can go wrong with vectors and their index.

use std::path::{Path, PathBuf};

/// Why a vector was refused or the index could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A vector of another length than its model's.
    #[error("a vector has {found} numbers and its model makes {expected}: was the model changed? Look at `quarterdeck index status`")]
    Dimensions {
        /// What the model makes.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// A vector with NaN or an infinity in it.
    #[error("a vector has a number at place {place} that is none: the model that made it is broken")]
    NotANumber {
        /// Which, from 0.
        place: usize,
    },
    /// A vector without a direction.
    #[error("a vector is zero, so that nothing is near it: a text that the model cannot read has no vector")]
    Zero,
    /// A stored vector that does not fit its row.
    #[error("the stored vector of passage {passage} is damaged: `quarterdeck index verify` lists such rows")]
    Damaged {
        /// The passage.
        passage: i64,
    },
    /// A file of the index cannot be read or written.
    #[error("the index file {} cannot be {what}: {reason}", path.display())]
    File {
        /// Read, written, …
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The database refused.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

impl Error {
    /// A file that cannot be used.
    pub(super) fn file(what: &'static str, path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::File { what, path: path.to_owned(), reason: reason.to_string() }
    }
}

/// The result of something to do with vectors.
pub type Result<T, E = Error> = std::result::Result<T, E>;
