//! Keeping the index with the database and on the disk: catching up, saving, starting anew, copying.

use super::graph::GraphFiles;
use super::rows::{self, Changed};
use super::state::State;
use super::{Error, Result, Vectors, file};
use crate::store::Conn;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Rows read at once: applying them locks questions out for about a millisecond.
const BATCH: i64 = 1_000;
/// Rows read since the last saving, for it to be worth another one: this many, or one in so many of all.
pub const WORTH: usize = 1_000;
const WORTH_SHARE: usize = 20;

impl Vectors {
    /// Read what changed in the database since the position that the index reflects. Returns how many rows were read.
    ///
    /// An index of another database, of a later state of this one, or that does not add up with it, is set aside and read anew.
    ///
    /// # Errors
    /// When the database refuses; [`Error::Dimensions`] when it has vectors of this model with other dimensions. What was read until then stays.
    pub fn catch_up(&self, c: &mut dyn Conn) -> Result<usize> {
        let _keeping = self.keeping();
        if self.0.damaged.swap(false, Ordering::Relaxed) {
            self.start_anew("stored numbers in the index file are damaged");
        }
        let there = rows::position(c)?;
        let (here, compared) = {
            let state = self.read();
            (state.position.clone(), state.compared)
        };
        if !here.database.is_empty() && here.database != there.database {
            self.start_anew("the index is of another database");
        } else if here.change > there.change {
            self.start_anew("the index is newer than the database, which was put back to an earlier state");
        }
        if compared && here == there {
            return Ok(0);
        }
        let model = rows::model(c, &self.0.model)?;
        let mut read = self.follow(c, model)?;
        if !self.read().compared {
            let stored = model.map_or(Ok(rows::Sums::default()), |model| rows::sums(c, model))?;
            if self.read().expected() != stored {
                self.start_anew("the index does not add up with the database");
                read += self.follow(c, model)?;
            }
            self.write().compared = true;
        }
        self.write().position = there;
        Ok(read)
    }

    /// Read changed rows until there are none left.
    fn follow(&self, c: &mut dyn Conn, model: Option<i64>) -> Result<usize> {
        let mut read = 0;
        loop {
            let after = self.read().position.change;
            let changed: Vec<Changed> = rows::changed(c, after, BATCH)?;
            let Some(last) = changed.last().map(|changed| changed.change) else { break };
            read += changed.len();
            let mut state = self.write();
            for changed in changed {
                state.apply(changed, model, self.0.model.dimensions);
            }
            state.position.change = last;
        }
        let refused = self.read().refused.len();
        if read > 0 && refused > 0 {
            self.note(format!(
                "{refused} stored vectors are damaged and are not searched: write them anew with `quarterdeck index rebuild`"
            ));
        }
        Ok(read)
    }

    /// Forget everything that is in memory, and set the file aside.
    fn start_anew(&self, reason: &str) {
        self.set_aside(reason);
        *self.write() = State::default();
    }

    /// Forget everything: the next [`Vectors::catch_up`] reads every stored vector. The file stays until [`Vectors::save`] replaces it.
    pub fn clear(&self) {
        let _keeping = self.keeping();
        *self.write() = State::default();
    }

    /// Whether so much was read since the file was written that a start would take notably longer.
    #[must_use]
    pub fn is_worth_saving(&self) -> bool {
        let state = self.read();
        let all = usize::try_from(state.sums.count).unwrap_or_default();
        state.unsaved >= WORTH.max(all / WORTH_SHARE)
    }

    /// Write the file. The old one is there until the new one is complete and flushed. Shards with many dead rows are made compact before.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self) -> Result<()> {
        let _keeping = self.keeping();
        let path = self.path();
        crate::config::prepare(&self.0.dir).map_err(|error| Error::file("written", &path, error))?;
        let sparse: Vec<usize> = {
            let state = self.read();
            (0..state.shards.len()).filter(|number| state.shards.get(*number).is_some_and(super::shard::Shard::is_sparse)).collect()
        };
        for number in sparse {
            let compacted = self.write().compact(number, self.0.model.dimensions);
            compacted.map_err(|error| Error::file("read", &path, error))?;
        }
        let replaced: Vec<GraphFiles> = self.read().shards.iter().filter_map(|shard| shard.graph_files.clone()).collect();
        let graphs = self.write_graphs()?;
        let needed: Vec<GraphFiles> = graphs.iter().flatten().cloned().collect();
        let written = {
            let state = self.read();
            file::write(&path, &self.0.model, &state.position, state.sums, &state.shards, graphs.clone())?
        };
        let mut state = self.write();
        for ((shard, offset), graph) in state.shards.iter_mut().zip(&written.offsets).zip(graphs) {
            let rows = shard.len();
            shard.stored.filed(Arc::clone(&written.file), *offset, rows);
            shard.graph_files = graph;
        }
        state.unsaved = 0;
        drop(state);
        file::tidy(&self.0.dir, &self.0.model, &needed, &replaced);
        Ok(())
    }

    /// Write the graphs that have no files yet, and name the files of every shard's graph.
    fn write_graphs(&self) -> Result<Vec<Option<GraphFiles>>> {
        let graphs: Vec<_> = self.read().shards.iter().map(|shard| (shard.graph.clone(), shard.graph_files.clone())).collect();
        let mut files = Vec::with_capacity(graphs.len());
        for (graph, named) in graphs {
            files.push(match graph {
                None => named,
                Some(graph) => match graph.files.get() {
                    Some(files) => Some(files.clone()),
                    None => {
                        let name = format!("{}-graph-{}", file::stem(&self.0.model), crate::base::new_id());
                        let written = graph.write(&self.0.dir, &name)?;
                        Some(graph.files.get_or_init(|| written).clone())
                    }
                },
            });
        }
        Ok(files)
    }
}

/// Copy the saved index of `vectors` into `to`, which is made when it is not there: its file and those of its graphs. Returns the copies.
///
/// # Errors
/// [`Error::File`] when there is no saved index, or a copy cannot be written or differs from what was copied.
pub fn backup(vectors: &Vectors, to: &Path) -> Result<Vec<PathBuf>> {
    let _keeping = vectors.keeping();
    crate::config::prepare(to).map_err(|error| Error::file("written", to, error))?;
    let mut copies = Vec::new();
    let mut names = file::names(&vectors.path())?;
    // The file that names the others comes last: a copy without it is seen to be incomplete.
    names.reverse();
    for from in names {
        let name = from.file_name().unwrap_or_default();
        let copy = to.join(name);
        if copy.canonicalize().is_ok_and(|copy| from.canonicalize().is_ok_and(|from| from == copy)) {
            return Err(Error::file("copied", &from, "the copy would be the file itself"));
        }
        let beside = to.join(format!("{}.writing", name.to_string_lossy()));
        if let Err(error) = copied(&from, &beside, &copy) {
            // What is not whole is of no use to anybody, and takes room where there may be none.
            let _ = std::fs::remove_file(&beside);
            return Err(error);
        }
        copies.push(copy);
    }
    copies.reverse();
    Ok(copies)
}

/// Copy a file beside the place of its copy, compare, and put it there.
fn copied(from: &Path, beside: &Path, copy: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::file("written", copy, error);
    std::fs::copy(from, beside).map_err(failed)?;
    std::fs::File::open(beside).and_then(|file| file.sync_all()).map_err(failed)?;
    if file::checksum(beside)? != file::checksum(from)? {
        return Err(Error::file("written", copy, "the copy differs from the file"));
    }
    std::fs::rename(beside, copy).map_err(failed)
}
