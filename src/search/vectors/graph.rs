//! The graph of a large shard: `hnsw_rs` over the codes, with a distance of our own.
//!
//! It is built in one pass and knows no deletion: dead rows are passed over in the search, and a shard with many of them is built anew. It
//! loses some points, which [`verify`](super::Vectors::verify) counts; what it finds is scored again, so its eight bits cost nothing.

use super::numbers;
use super::shard::Query;
use super::{Error, Result};
use hnsw_rs::prelude::{AnnT as _, Distance, Hnsw, HnswIo};
use std::path::Path;

/// Links of a point on a layer above the lowest; twice as many there.
const LINKS: usize = 24;
/// Points looked at for the links of a new one.
const EFFORT: usize = 200;
/// The only number of layers that can be written to a file.
const LAYERS: usize = 16;
/// Points looked at for a question, for each that is wanted.
const LOOK: usize = 3;
/// The least points looked at for a question.
const LOOK_AT_LEAST: usize = 128;
/// Bytes of a factor behind its codes.
const FACTOR: usize = 4;

/// One less the cosine of two rows, each its codes and then the four bytes of its factor.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CodesDistance;

impl Distance<i8> for CodesDistance {
    fn eval(&self, left: &[i8], right: &[i8]) -> f32 {
        let (Some((left, left_factor)), Some((right, right_factor))) =
            (left.split_last_chunk::<FACTOR>(), right.split_last_chunk::<FACTOR>())
        else {
            return 2.0;
        };
        let factor = |bytes: &[i8; FACTOR]| f32::from_le_bytes(bytes.map(|byte| byte.cast_unsigned()));
        let cosine = numbers::codes_product(numbers::level(), left, right) as f32 * factor(left_factor) * factor(right_factor);
        (1.0 - cosine).clamp(0.0, 2.0)
    }
}

/// What the graph keeps of a row.
fn point(codes: &[i8], factor: f32) -> Vec<i8> {
    codes.iter().copied().chain(factor.to_le_bytes().map(u8::cast_signed)).collect()
}

/// A graph over the first rows of a shard.
pub(super) struct Graph {
    hnsw: Hnsw<'static, i8, CodesDistance>,
    /// How many rows it was made of: `0..rows`.
    pub rows: usize,
    /// Its points: the rows that were live.
    pub points: usize,
    /// The name of its files, once it has some.
    pub files: std::sync::OnceLock<GraphFiles>,
}

/// Where a graph is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct GraphFiles {
    /// Both files begin with this.
    pub name: String,
    /// Checksum of the file of links, and of the file of points.
    pub checksums: [u32; 2],
    /// Rows that the graph was made of.
    pub rows: usize,
    /// Points in it.
    pub points: usize,
    /// Rows have the numbers of this machine.
    pub machine: String,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Graph").field("rows", &self.rows).field("points", &self.points).finish_non_exhaustive()
    }
}

/// A graph that is being made.
pub(super) struct Builder {
    hnsw: Hnsw<'static, i8, CodesDistance>,
    points: usize,
}

impl Builder {
    pub(super) fn new(rows: usize) -> Self {
        Self { hnsw: Hnsw::new(LINKS, rows.max(1), LAYERS, EFFORT, CodesDistance), points: 0 }
    }

    /// Insert rows, on all cores.
    pub(super) fn insert(&mut self, rows: &[(usize, Vec<i8>, f32)]) {
        let points: Vec<(usize, Vec<i8>)> = rows.iter().map(|(row, codes, factor)| (*row, point(codes, *factor))).collect();
        let points: Vec<(&Vec<i8>, usize)> = points.iter().map(|(row, point)| (point, *row)).collect();
        self.hnsw.parallel_insert(&points);
        self.points += points.len();
    }

    pub(super) fn finish(self, rows: usize) -> Graph {
        Graph { hnsw: self.hnsw, rows, points: self.points, files: std::sync::OnceLock::new() }
    }
}

impl Graph {
    /// At most `wanted` rows that pass, with their cosines by codes.
    pub(super) fn nearest(&self, query: &Query, wanted: usize, passes: &dyn Fn(usize) -> bool) -> Vec<(usize, f32)> {
        let look = (wanted * LOOK).max(LOOK_AT_LEAST);
        let filter = |row: &usize| passes(*row);
        let found = self.hnsw.search_filter(&point(&query.codes, query.factor), wanted, look, Some(&filter));
        found.iter().map(|neighbour| (neighbour.d_id, 1.0 - neighbour.distance)).collect()
    }

    /// Bytes in memory, about: the points, and their links with what the crate keeps around each.
    pub(super) fn bytes(&self, dimensions: usize) -> usize {
        self.points * (dimensions + FACTOR + LINKS * 2 * 24 + 200)
    }

    /// Write both files into `dir` and say what they are.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(super) fn write(&self, dir: &Path, name: &str) -> Result<GraphFiles> {
        let written = self.hnsw.file_dump(dir, name).map_err(|error| Error::file("written", &dir.join(name), error))?;
        let mut checksums = [0; 2];
        for (checksum, path) in checksums.iter_mut().zip(paths(dir, &written)) {
            *checksum = super::file::checksum(&path)?;
            let flushed = std::fs::File::open(&path).and_then(|file| file.sync_all());
            flushed.map_err(|error| Error::file("written", &path, error))?;
        }
        Ok(GraphFiles { name: written, checksums, rows: self.rows, points: self.points, machine: machine() })
    }

    /// Read a graph from its files.
    ///
    /// # Errors
    /// [`Error::File`] when they are not exactly what was written: the crate that reads them ends the process on others.
    pub(super) fn read(dir: &Path, files: &GraphFiles) -> Result<Self> {
        for (checksum, path) in files.checksums.iter().zip(paths(dir, &files.name)) {
            if files.machine != machine() {
                return Err(Error::file("used", &path, "it is of another kind of machine"));
            }
            if super::file::checksum(&path)? != *checksum {
                return Err(Error::file("used", &path, "it is damaged"));
            }
        }
        // What is read borrows from its reader, which is a few names: it stays as long as the process.
        let reader = Box::leak(Box::new(HnswIo::new(dir, &files.name)));
        let hnsw: Hnsw<'static, i8, CodesDistance> =
            reader.load_hnsw().map_err(|error| Error::file("read", &dir.join(&files.name), error))?;
        Ok(Self { hnsw, rows: files.rows, points: files.points, files: std::sync::OnceLock::from(files.clone()) })
    }
}

/// Numbers in the files have the width and order of the machine.
fn machine() -> String {
    format!("{}-{}", std::env::consts::ARCH, usize::BITS)
}

/// The two files of a graph.
pub(super) fn paths(dir: &Path, name: &str) -> [std::path::PathBuf; 2] {
    [dir.join(format!("{name}.hnsw.graph")), dir.join(format!("{name}.hnsw.data"))]
}
