//! What can go wrong when something is looked for or taken in.

use super::embed;
use crate::store;

/// Why a search failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The question cannot be understood.
    #[error(transparent)]
    Syntax(#[from] super::SyntaxError),
    /// There is no such persona.
    #[error("there is no persona '{name}'{hint}")]
    Persona {
        /// As it was asked for, safe to show.
        name: String,
        /// `: did you mean …?`, or what to do.
        hint: String,
    },
    /// There is no such document, or it is not this persona's.
    #[error("there is no {kind} '{id}' to be found: see `quarterdeck search` for ids")]
    NotFound {
        /// What was asked for.
        kind: String,
        /// Its id, safe to show.
        id: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The embedder failed.
    #[error(transparent)]
    Embed(#[from] embed::Error),
    /// The vectors failed.
    #[error(transparent)]
    Vectors(#[from] super::vectors::Error),
    /// A file of the folder cannot be read.
    #[error("{path} cannot be read: {reason}; mend it or move it out of the folder")]
    File {
        /// Where.
        path: String,
        /// What the system said.
        reason: String,
    },
}

/// What a search answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;
