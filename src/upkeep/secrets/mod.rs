//! The secrets of the environment file: which there are, how old, what is wrong with them, and their replacement.
//!
//! | file | what it is for |
//! |---|---|
//! | [`edit`] | one value of an environment file changed, and nothing else; no I/O |
//! | [`mod@file`] | the file on the disk: changed whole or not at all, by one at a time |
//! | [`names`] | which names there are, and where their values are made and revoked |
//! | [`age`] | since when a value is in force |
//! | [`service`] | whether the service takes a value |
//! | [`rotation`] | the steps of a replacement, read from the file itself |
//! | [`check`] | what is wrong with the secrets of an installation |
//! | [`redact`] | taking known secrets out of a text |
//!
//! No value leaves this room in a message, a log, the database or an answer.

pub mod age;
pub mod check;
pub mod edit;
pub mod file;
pub mod names;
pub mod redact;
pub mod rotation;
pub mod service;

use std::path::PathBuf;

/// Why a secret could not be changed. No value of one is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("the environment file {} {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Somebody else changed it at the same time.
    #[error("the environment file {} was changed by somebody else meanwhile: nothing was written; try again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Others can read it.
    #[error("others than its owner can read {}: chmod 600 {}; if others had access, replace its secrets as well", path.display(), path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// No such name.
    #[error("{name} is no secret of this program{}", near.map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name there is.
        near: Option<&'static str>,
    },
    /// The value cannot be one.
    #[error("{name} {reason}")]
    Value {
        /// The name.
        name: String,
        /// What is wrong with the value, which is not repeated.
        reason: String,
    },
    /// The step does not fit the state.
    #[error("{name}: {reason}")]
    Step {
        /// The name.
        name: String,
        /// Why not.
        reason: String,
    },
}

/// The result of looking at or changing secrets.
pub type Result<T, E = Error> = std::result::Result<T, E>;
