//! The vectors of one persona, or of nobody, in memory: codes to scan, and the stored numbers to score the best again with.
//!
//! A row is never moved, so that a graph can name it: a changed passage is a new row, the old one is dead (its stamp is 0) until the shard is
//! made compact. Codes are in memory; the stored numbers, twice as large, are read from the index file where that has them.

use super::graph::{Graph, GraphFiles};
use super::numbers;
use super::stored_rows::StoredRows;
use fearless_simd::Level;
use std::sync::Arc;

/// Rows that are scored at once: their codes and scores stay in the cache.
const BLOCK: usize = 512;
/// Share of dead rows, one in so many, from which on a shard is made compact.
const DEAD_SHARE: usize = 4;
/// Rows below which compaction is not worth anything.
const FEW: usize = 1_000;
/// Rows that are asked to learn how many a filter lets pass.
const SAMPLE: usize = 256;
/// A filter that lets fewer than one in so many pass makes the graph lose what it should find: then the rows are scanned.
const SELECTIVE: usize = 3;

/// A row that may be among the nearest, with its score by codes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub score: f32,
    pub shard: usize,
    pub row: usize,
}

/// The best candidates so far: at most twice as many as are wanted, then cut back.
#[derive(Debug)]
pub(super) struct Best {
    wanted: usize,
    found: Vec<Candidate>,
    /// What a row must exceed to be among them.
    pub threshold: f32,
}

impl Best {
    pub(super) fn of(wanted: usize) -> Self {
        Self { wanted: wanted.max(1), found: Vec::new(), threshold: f32::NEG_INFINITY }
    }

    pub(super) fn offer(&mut self, candidate: Candidate) {
        self.found.push(candidate);
        if self.found.len() >= self.wanted * 2 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.found.len() > self.wanted {
            self.found.select_nth_unstable_by(self.wanted - 1, |left, right| right.score.total_cmp(&left.score));
            self.found.truncate(self.wanted);
            self.threshold = self.found.last().map_or(f32::NEG_INFINITY, |worst| worst.score);
        }
    }

    pub(super) fn into_found(mut self) -> Vec<Candidate> {
        self.cut();
        self.found
    }
}

/// A question in the forms that the rows are compared with.
#[derive(Debug)]
pub(super) struct Query {
    /// Normalised.
    pub unit: Vec<f32>,
    /// Its codes, for the graph.
    pub codes: Vec<i8>,
    /// Its codes, for the scan.
    pub wide: Vec<i16>,
    /// What makes the codes a unit vector.
    pub factor: f32,
    pub level: Level,
}

impl Query {
    pub(super) fn of(vector: &[f32]) -> Self {
        let unit = numbers::normalised(vector);
        let mut codes = Vec::with_capacity(unit.len());
        let factor = numbers::quantise(&unit, &mut codes);
        let wide = codes.iter().map(|code| i16::from(*code)).collect();
        Self { unit, codes, wide, factor, level: numbers::level() }
    }
}

/// The rows of one persona, or of nobody.
#[derive(Debug, Default)]
pub(super) struct Shard {
    /// The persona's id; `None` for nobody.
    pub persona: Option<String>,
    pub passages: Vec<i64>,
    /// Checksum of each row; 0 for a dead one.
    pub stamps: Vec<u32>,
    pub factors: Vec<f32>,
    pub codes: Vec<i8>,
    pub stored: StoredRows,
    pub live: usize,
    pub graph: Option<Arc<Graph>>,
    /// Files of a graph that was not read yet.
    pub graph_files: Option<GraphFiles>,
    /// Grows when rows move: what was learnt of them before is worth nothing then.
    pub generation: u64,
}

impl Shard {
    pub(super) fn new(persona: Option<String>, dimensions: usize) -> Self {
        Self { persona, stored: StoredRows::new(dimensions * 2), ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.passages.len()
    }

    /// Whether the row is the latest of its passage.
    pub(super) fn is_live(&self, row: usize) -> bool {
        self.stamps.get(row).is_some_and(|stamp| *stamp != 0)
    }

    /// Add a row and return its number.
    pub(super) fn push(&mut self, passage: i64, stamp: u32, vector: &[f32], stored: &[u8]) -> usize {
        let factor = numbers::quantise(vector, &mut self.codes);
        self.factors.push(factor);
        self.passages.push(passage);
        self.stamps.push(stamp);
        self.stored.push(stored);
        self.live += 1;
        self.passages.len() - 1
    }

    /// Take a row out. Returns the stamp it had; 0 when it was out already.
    pub(super) fn kill(&mut self, row: usize) -> u32 {
        let had = self.stamps.get_mut(row).map_or(0, std::mem::take);
        self.live -= usize::from(had != 0);
        had
    }

    /// Whether so many rows are dead that the rest should move together.
    pub(super) fn is_sparse(&self) -> bool {
        let dead = self.len() - self.live;
        dead > FEW && dead * DEAD_SHARE > self.len()
    }

    /// Offer the rows that may be among the nearest.
    pub(super) fn search(&self, number: usize, query: &Query, best: &mut Best, wanted: usize, allowed: Option<&dyn Fn(i64) -> bool>) {
        let graph = self.graph.as_ref().filter(|graph| graph.rows <= self.len() && !self.is_selective(allowed));
        let Some(graph) = graph else { return self.scan(number, 0, query, best, allowed) };
        let passes =
            |row: usize| self.is_live(row) && self.passages.get(row).is_some_and(|passage| allowed.is_none_or(|allowed| allowed(*passage)));
        let found = graph.nearest(query, wanted, &passes);
        if found.len() < wanted.min(self.live.saturating_sub(self.len() - graph.rows)) && found.len() < wanted {
            return self.scan(number, 0, query, best, allowed);
        }
        for (row, score) in found {
            best.offer(Candidate { score, shard: number, row });
        }
        self.scan(number, graph.rows, query, best, allowed);
    }

    /// Whether a filter lets so few rows pass that the graph would lose some.
    fn is_selective(&self, allowed: Option<&dyn Fn(i64) -> bool>) -> bool {
        let Some(allowed) = allowed else { return false };
        let step = (self.len() / SAMPLE).max(1);
        let sample = || self.passages.iter().step_by(step);
        sample().filter(|passage| allowed(**passage)).count() * SELECTIVE < sample().count()
    }

    /// Score every row from `from` on.
    pub(super) fn scan(&self, number: usize, from: usize, query: &Query, best: &mut Best, allowed: Option<&dyn Fn(i64) -> bool>) {
        let dimensions = query.wide.len();
        let mut scores = [0.0_f32; BLOCK];
        let blocks = self.codes.chunks(BLOCK * dimensions).zip(self.factors.chunks(BLOCK)).zip(self.stamps.chunks(BLOCK)).enumerate();
        for (block, ((codes, factors), stamps)) in blocks.skip(from / BLOCK) {
            let scores = &mut scores[..factors.len()];
            numbers::score(query.level, &query.wide, codes, factors, scores);
            for (offset, (score, stamp)) in scores.iter().zip(stamps).enumerate() {
                if *score * query.factor <= best.threshold || *stamp == 0 {
                    continue;
                }
                let row = block * BLOCK + offset;
                if row < from || allowed.is_some_and(|allowed| self.passages.get(row).is_none_or(|passage| !allowed(*passage))) {
                    continue;
                }
                best.offer(Candidate { score: *score * query.factor, shard: number, row });
            }
        }
    }

    /// Move the live rows together. The graph goes: it names rows by their numbers.
    ///
    /// # Errors
    /// When the stored numbers cannot be read from the file; the shard is as it was.
    pub(super) fn compact(&mut self, dimensions: usize) -> std::io::Result<()> {
        let rows: Vec<usize> = (0..self.len()).filter(|row| self.is_live(*row)).collect();
        let stored = self.stored.gathered(&rows)?;
        let mut codes = Vec::with_capacity(rows.len() * dimensions);
        for row in &rows {
            codes.extend_from_slice(self.codes.get(row * dimensions..(row + 1) * dimensions).unwrap_or_default());
        }
        let pick = |row: &usize| self.passages.get(*row).copied().unwrap_or_default();
        let passages = rows.iter().map(pick).collect();
        let stamps = rows.iter().map(|row| self.stamps.get(*row).copied().unwrap_or_default()).collect();
        let factors = rows.iter().map(|row| self.factors.get(*row).copied().unwrap_or_default()).collect();
        (self.passages, self.stamps, self.factors, self.codes, self.stored) = (passages, stamps, factors, codes, stored);
        (self.graph, self.graph_files) = (None, None);
        self.generation += 1;
        Ok(())
    }

    /// Bytes that the shard holds in memory, without its graph.
    pub(super) fn bytes(&self) -> usize {
        self.codes.capacity() + self.stored.bytes() + self.passages.capacity() * 8 + (self.stamps.capacity() + self.factors.capacity()) * 4
    }
}
