//! Tending the graphs: reading them from their files, building those that are missing or out of date. Questions are answered meanwhile.

use super::graph::{Builder, Graph};
use super::{Result, Vectors};
use std::sync::{Arc, TryLockError};

/// Rows copied out of a shard at once, while questions go on.
const CHUNK: usize = 8_192;
/// Share of rows behind a graph, one in so many of it, from which on it is built anew.
const BEHIND: usize = 4;

/// What was done to the graphs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tended {
    /// Graphs read from their files.
    pub read: usize,
    /// Graphs built.
    pub built: usize,
    /// Graphs given up, because their shard became small enough to be scanned.
    pub dropped: usize,
}

/// What a shard's graph needs.
enum Need {
    Nothing,
    Read(super::graph::GraphFiles),
    Build,
    Drop,
}

impl Vectors {
    /// Give every large shard its graph. It takes minutes for a million vectors and all cores: run it on a thread of its own, then
    /// [`Vectors::save`]. When somebody tends already there is nothing to do.
    ///
    /// # Errors
    /// None yet; a graph that cannot be read is noted and built anew.
    pub fn tend(&self) -> Result<Tended> {
        let _tending = match self.0.tending.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(Tended::default()),
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        };
        let mut tended = Tended::default();
        let least = self.0.settings.graph_from.unwrap_or(super::measure::LEAST) / 2;
        let is_small = self.read().shards.iter().all(|shard| shard.live < least && shard.graph.is_none() && shard.graph_files.is_none());
        if is_small {
            // Where no graph can pay, nothing is measured.
            return Ok(tended);
        }
        let (graph_from, _) = self.graph_from();
        let shards = self.read().shards.len();
        for number in 0..shards {
            match self.need(number, graph_from) {
                Need::Nothing => {}
                Need::Drop => {
                    if let Some(shard) = self.write().shards.get_mut(number) {
                        (shard.graph, shard.graph_files) = (None, None);
                    }
                    tended.dropped += 1;
                }
                Need::Read(files) => match Graph::read(&self.0.dir, &files) {
                    Ok(graph) => {
                        let generation = self.generation(number);
                        tended.read += usize::from(self.give(number, generation, graph, Some(&files)));
                    }
                    Err(error) => {
                        self.note(format!("{error}; the graph is built anew, and the scan answers meanwhile"));
                        for path in super::graph::paths(&self.0.dir, &files.name) {
                            super::file::set_aside(&path);
                        }
                        if let Some(shard) = self.write().shards.get_mut(number) {
                            shard.graph_files = None;
                        }
                        tended.built += usize::from(self.build(number));
                    }
                },
                Need::Build => tended.built += usize::from(self.build(number)),
            }
        }
        Ok(tended)
    }

    fn need(&self, number: usize, graph_from: usize) -> Need {
        let state = self.read();
        let Some(shard) = state.shards.get(number) else { return Need::Nothing };
        // The margin keeps a shard at the border from losing and gaining its graph with every row.
        if shard.live < graph_from / 2 || shard.live == 0 {
            return if shard.graph.is_some() || shard.graph_files.is_some() { Need::Drop } else { Need::Nothing };
        }
        match (&shard.graph, &shard.graph_files) {
            (Some(graph), _) if (shard.len() - graph.rows.min(shard.len())) * BEHIND > graph.rows => Need::Build,
            (Some(_), _) => Need::Nothing,
            (None, Some(files)) => Need::Read(files.clone()),
            (None, None) if shard.live >= graph_from => Need::Build,
            (None, None) => Need::Nothing,
        }
    }

    fn generation(&self, number: usize) -> Option<u64> {
        self.read().shards.get(number).map(|shard| shard.generation)
    }

    /// Build the graph of a shard from its codes, piece by piece. False when the rows moved meanwhile: the next tending builds it.
    fn build(&self, number: usize) -> bool {
        let generation = self.generation(number);
        let dimensions = self.0.model.dimensions;
        let mut builder = Builder::new(self.read().shards.get(number).map_or(0, super::shard::Shard::len));
        let mut from = 0;
        loop {
            let piece: Vec<(usize, Vec<i8>, f32)> = {
                let state = self.read();
                let Some(shard) = state.shards.get(number).filter(|shard| Some(shard.generation) == generation) else { return false };
                let to = (from + CHUNK).min(shard.len());
                let row = |row: usize| {
                    let codes = shard.codes.get(row * dimensions..(row + 1) * dimensions)?;
                    shard.is_live(row).then(|| Some((row, codes.to_vec(), *shard.factors.get(row)?)))?
                };
                let piece = (from..to).filter_map(row).collect();
                if from == to {
                    break;
                }
                from = to;
                piece
            };
            builder.insert(&piece);
        }
        self.give(number, generation, builder.finish(from), None)
    }

    /// Hand a graph to its shard, when it still is what the graph was made of.
    fn give(&self, number: usize, generation: Option<u64>, graph: Graph, files: Option<&super::graph::GraphFiles>) -> bool {
        let mut state = self.write();
        let Some(shard) = state.shards.get_mut(number) else { return false };
        let is_that = Some(shard.generation) == generation
            && graph.rows <= shard.len()
            && files.is_none_or(|files| shard.graph_files.as_ref() == Some(files));
        if is_that {
            shard.graph = Some(Arc::new(graph));
        }
        is_that
    }
}
