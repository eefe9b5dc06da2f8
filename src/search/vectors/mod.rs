//! The index of vectors: which passages lie nearest to a question.
//!
//! Vectors are rows of the database, written in the transaction that writes their passage. In memory there is one shard for each persona and
//! one for the documents of nobody. A shard is scanned exactly, in eight bits a number, and the best are scored again in sixteen; above a size
//! that is measured on this machine a graph is searched in place of the scan. A file holds what was read, so that a start reads only what is
//! new; a file that cannot be used is set aside and made anew from the rows.
//!
//! It embeds nothing, knows no text, and never decides who may see a passage: the caller does, by the scope and the filter it passes.

mod compare;
mod error;
mod file;
mod graph;
mod keep;
mod measure;
mod numbers;
mod rows;
mod shard;
mod state;
mod stored_rows;
mod tend;
#[cfg(test)]
mod tests;
mod verify;

pub use compare::compare;
pub use error::{Error, Result};
pub use keep::{WORTH, backup};
pub use rows::{Former, Position, StoredModel, count_stale, forget, former, models, position, put, remember, stale};
pub use tend::Tended;
pub use verify::Verified;

use crate::base::PersonaId;
use crate::search::embed::Model;
use shard::{Best, Query};
use state::State;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The directory of index files, in the data directory.
pub const DIRECTORY: &str = "index";

/// Candidates by codes that are scored again, beside twice as many as are asked for.
const SPARE: usize = 30;

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

/// What the index holds.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Status {
    /// The model whose vectors these are.
    pub model: String,
    /// Numbers in a vector.
    pub dimensions: usize,
    /// Passages that can be found.
    pub vectors: usize,
    /// The change of the database that is reflected.
    pub change: i64,
    /// Rows read since the file was written.
    pub unsaved: usize,
    /// Each persona's part, and that of nobody.
    pub shards: Vec<ShardStatus>,
    /// Vectors of one persona from which on a graph is used.
    pub graph_from: usize,
    /// Whether that was measured here, and not set.
    pub graph_from_is_measured: bool,
    /// Bytes in memory, graphs included.
    pub memory_bytes: usize,
    /// The file.
    pub file: PathBuf,
    /// Its length; `None` when it was not written yet.
    pub file_bytes: Option<u64>,
    /// What was set aside or refused since the index was opened, and why.
    pub notes: Vec<String>,
}

/// A part of the index.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ShardStatus {
    /// The persona's id; `None` for the documents of nobody.
    pub persona: Option<String>,
    /// Passages that can be found.
    pub vectors: usize,
    /// Rows that were replaced or deleted and still take room.
    pub dead: usize,
    /// Vectors in its graph; `None` where it is scanned.
    pub graph: Option<usize>,
}

/// The vectors of one model, in memory. Clones share them.
///
/// Questions are answered while it catches up, saves, and builds a graph.
#[derive(Debug, Clone)]
pub struct Vectors(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    model: Model,
    dir: PathBuf,
    settings: Settings,
    state: RwLock<State>,
    /// Held by who changes rows or writes the file, so that nobody waits with the state locked.
    keeping: Mutex<()>,
    /// Held by who reads or builds a graph.
    tending: Mutex<()>,
    /// Whether a stored row of the file did not fit its checksum.
    damaged: AtomicBool,
    measured: OnceLock<usize>,
    notes: Mutex<Vec<String>>,
}

impl Vectors {
    /// The index of a model, from its file in `dir` where that is good. A file that is not is set aside: see [`Status::notes`].
    #[must_use]
    pub fn open(dir: &Path, model: Model, settings: &Settings) -> Self {
        let shared = Shared {
            model,
            dir: dir.to_owned(),
            settings: settings.clone(),
            state: RwLock::default(),
            keeping: Mutex::default(),
            tending: Mutex::default(),
            damaged: AtomicBool::new(false),
            measured: OnceLock::new(),
            notes: Mutex::default(),
        };
        let vectors = Self(Arc::new(shared));
        match file::read(&vectors.path(), vectors.model()) {
            Ok(Some(loaded)) => *vectors.write() = State::of(loaded),
            Ok(None) => {}
            Err(error) => vectors.set_aside(&error.to_string()),
        }
        vectors
    }

    /// The model whose vectors these are.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.0.model
    }

    /// The file of the index. It need not exist.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        file::path(&self.0.dir, &self.0.model)
    }

    /// Whether a vector can be looked for: of the model's dimensions, all numbers finite, not zero.
    ///
    /// # Errors
    /// [`Error::Dimensions`], [`Error::NotANumber`], [`Error::Zero`].
    pub fn check(&self, query: &[f32]) -> Result<()> {
        numbers::check(query, self.0.model.dimensions)
    }

    /// The `k` passages of the scope that lie nearest to `query`, the nearest first. A passage that `allowed` refuses is not among them.
    ///
    /// A query that [`Vectors::check`] refuses finds nothing.
    #[must_use]
    pub fn nearest(&self, scope: &Scope, query: &[f32], k: usize, allowed: Option<&dyn Fn(i64) -> bool>) -> Vec<Near> {
        if let Err(error) = self.check(query) {
            tracing::warn!(%error, "a question by meaning finds nothing");
            return Vec::new();
        }
        let query = Query::of(query);
        let state = self.read();
        let shards: Vec<usize> = match scope {
            Scope::All => (0..state.shards.len()).collect(),
            Scope::Nobody => state.shard_of(None).into_iter().collect(),
            Scope::Persona(persona) => state.shard_of(Some(persona.as_str())).into_iter().collect(),
            Scope::PersonaAndNobody(persona) => state.shard_of(Some(persona.as_str())).into_iter().chain(state.shard_of(None)).collect(),
        };
        if k == 0 || shards.is_empty() {
            return Vec::new();
        }
        let live = usize::try_from(state.sums.count).unwrap_or_default();
        let wanted = k.saturating_mul(2).saturating_add(SPARE).min(live);
        let mut best = Best::of(wanted);
        for number in shards {
            if let Some(shard) = state.shards.get(number) {
                shard.search(number, &query, &mut best, wanted, allowed);
            }
        }
        let mut stored = vec![0; self.0.model.dimensions * 2];
        let mut vector = vec![0.0; self.0.model.dimensions];
        let mut found: Vec<Near> = Vec::with_capacity(wanted);
        for candidate in best.into_found() {
            let Some(shard) = state.shards.get(candidate.shard) else { continue };
            let (Some(passage), Some(stamp)) = (shard.passages.get(candidate.row), shard.stamps.get(candidate.row)) else { continue };
            let good = shard.stored.read(candidate.row, &mut stored).is_ok()
                && numbers::stamp(*passage, &stored) == *stamp
                && numbers::read_stored(&stored, &mut vector);
            let similarity = if good {
                numbers::product(query.level, &query.unit, &vector)
            } else {
                // The codes are in memory and checked; the next catching up reads the numbers from the database again.
                self.0.damaged.store(true, Ordering::Relaxed);
                candidate.score
            };
            found.push(Near { passage: *passage, similarity: similarity.clamp(-1.0, 1.0) });
        }
        found.sort_unstable_by(|left, right| right.similarity.total_cmp(&left.similarity).then(left.passage.cmp(&right.passage)));
        found.truncate(k);
        found
    }

    /// What the index holds.
    #[must_use]
    pub fn status(&self) -> Status {
        let (graph_from, graph_from_is_measured) = self.graph_from();
        let state = self.read();
        let dimensions = self.0.model.dimensions;
        let shard = |shard: &shard::Shard| ShardStatus {
            persona: shard.persona.clone(),
            vectors: shard.live,
            dead: shard.len() - shard.live,
            graph: shard.graph.as_ref().map(|graph| graph.points),
        };
        let graphs = state.shards.iter().filter_map(|shard| shard.graph.as_ref()).map(|graph| graph.bytes(dimensions));
        let file = self.path();
        Status {
            model: self.0.model.name.clone(),
            dimensions,
            vectors: usize::try_from(state.sums.count).unwrap_or_default(),
            change: state.position.change,
            unsaved: state.unsaved,
            shards: state.shards.iter().map(shard).collect(),
            graph_from,
            graph_from_is_measured,
            memory_bytes: state.bytes() + graphs.sum::<usize>(),
            file_bytes: std::fs::metadata(&file).ok().map(|found| found.len()),
            file,
            notes: self.notes().clone(),
        }
    }

    /// Vectors of one persona from which on a graph is used, and whether that was measured.
    fn graph_from(&self) -> (usize, bool) {
        match self.0.settings.graph_from {
            Some(set) => (set, false),
            None => (*self.0.measured.get_or_init(|| measure::graph_from(self.0.model.dimensions)), true),
        }
    }

    /// Rename the file, and say why.
    fn set_aside(&self, reason: &str) {
        let note = match file::set_aside(&self.path()) {
            Some(aside) => format!("{reason}; it was set aside as {} and is made anew from the stored vectors", aside.display()),
            None => format!("{reason}; the index is made anew from the stored vectors"),
        };
        self.note(note);
    }

    fn note(&self, note: String) {
        tracing::warn!(note, "index of vectors");
        self.notes().push(note);
    }

    fn notes(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keeping(&self) -> MutexGuard<'_, ()> {
        self.0.keeping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}
