//! Checking the index: against the database, against itself, and against an exact search.

use super::{Result, Scope, Vectors, numbers, rows};
use crate::base::PersonaId;
use crate::store::Conn;
use std::time::{Duration, Instant};

/// How many of the nearest are compared.
const K: usize = 10;
/// Rows read and compared at once.
const CHUNK: usize = 1_024;
/// Passages that are named of those that a search for themselves does not find.
const NAMED: usize = 20;
/// Cosines nearer than this are the same: which of two copies of a text is found does not matter.
const SAME: f32 = 1e-5;
/// Recall below which the index is a problem.
const ENOUGH: f64 = 0.98;
/// Share of points that a graph may lose: the scan loses none.
const LOST: f64 = 0.02;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Verified {
    /// Vectors in the index.
    pub vectors: usize,
    /// Vectors that were looked for.
    pub sampled: usize,
    /// Share of the ten nearest by exact search that the index found too; `None` for an empty index.
    pub recall: Option<f64>,
    /// Vectors of the sample that a search for themselves does not find.
    pub lost: usize,
    /// Some of them.
    pub lost_passages: Vec<i64>,
    /// Rows of the index whose stored numbers do not fit their checksum.
    pub damaged: usize,
    /// Stored vectors in the database that do not fit their checksum.
    pub refused: usize,
    /// Median and slowest question of the sample, in microseconds.
    pub median_micros: u64,
    /// The slowest.
    pub slowest_micros: u64,
    /// What is wrong, in sentences; empty when nothing is.
    pub problems: Vec<String>,
}

/// A sampled row, and the cosines of its nearest by exact search, falling.
struct Sample {
    shard: usize,
    row: usize,
    passage: i64,
    unit: Vec<f32>,
    nearest: Vec<f32>,
}

impl Sample {
    fn offer(&mut self, cosine: f32) {
        if self.nearest.len() == K && self.nearest.last().is_some_and(|worst| *worst >= cosine) {
            return;
        }
        let place = self.nearest.partition_point(|better| *better >= cosine);
        self.nearest.insert(place, cosine);
        self.nearest.truncate(K);
    }
}

impl Vectors {
    /// Catch up, then compare the index with the database, every row with its checksum, and the answers for `sample` of its vectors with
    /// those of an exact search in the stored numbers.
    ///
    /// # Errors
    /// As [`Vectors::catch_up`].
    pub fn verify(&self, c: &mut dyn Conn, sample: usize) -> Result<Verified> {
        // Compared with the database anew, whatever was compared before.
        self.write().compared = false;
        let before = self.notes().len();
        self.catch_up(c)?;
        let model = rows::model(c, self.model())?;
        let stored = model.map_or(Ok(rows::Sums::default()), |model| rows::sums(c, model))?;
        let mut verified = Verified { problems: self.notes().get(before..).unwrap_or_default().to_vec(), ..Verified::default() };
        verified.refused = self.read().refused.len();
        if self.read().expected() != stored {
            verified.problems.push("the index does not add up with the database: run `quarterdeck index rebuild`".to_owned());
        }
        let mut samples = self.samples(sample);
        verified.damaged = self.exact(&mut samples);
        verified.vectors = usize::try_from(self.read().sums.count).unwrap_or_default();
        verified.sampled = samples.len();
        self.compare(&samples, &mut verified);
        if verified.damaged > 0 {
            self.0.damaged.store(true, std::sync::atomic::Ordering::Relaxed);
            verified.problems.push(format!("{} rows of the index file are damaged: run `quarterdeck index rebuild`", verified.damaged));
        }
        if verified.refused > 0 {
            verified.problems.push(format!("{} stored vectors are damaged in the database and are not searched", verified.refused));
        }
        if verified.recall.is_some_and(|recall| recall < ENOUGH) {
            verified.problems.push(format!("recall is below {ENOUGH}: raise search.graph_from, so that more is scanned"));
        }
        if verified.lost as f64 > LOST * verified.sampled as f64 {
            verified.problems.push(format!("{} of {} vectors do not find themselves", verified.lost, verified.sampled));
        }
        Ok(verified)
    }

    /// Live rows, evenly spread over all shards.
    fn samples(&self, wanted: usize) -> Vec<Sample> {
        let state = self.read();
        let live = usize::try_from(state.sums.count).unwrap_or_default();
        let step = live.div_ceil(wanted.max(1)).max(1);
        let rows = state.shards.iter().enumerate().flat_map(|(shard, rows)| (0..rows.len()).map(move |row| (shard, row)));
        let live_rows = rows.filter(|(shard, row)| state.shards.get(*shard).is_some_and(|shard| shard.is_live(*row)));
        let mut stored = vec![0; self.model().dimensions * 2];
        let mut samples = Vec::new();
        for (number, row) in live_rows.step_by(step) {
            let Some(shard) = state.shards.get(number) else { continue };
            let mut unit = vec![0.0; self.model().dimensions];
            let Some(passage) = shard.passages.get(row) else { continue };
            if shard.stored.read(row, &mut stored).is_ok() && numbers::read_stored(&stored, &mut unit) {
                samples.push(Sample {
                    shard: number,
                    row,
                    passage: *passage,
                    unit: numbers::normalised(&unit),
                    nearest: Vec::with_capacity(K + 1),
                });
            }
        }
        samples
    }

    /// Find the nearest of every sample among all rows of its shard, and count the rows that do not fit their checksum.
    fn exact(&self, samples: &mut [Sample]) -> usize {
        let (dimensions, level) = (self.model().dimensions, numbers::level());
        let length = dimensions * 2;
        let (mut bytes, mut vector, mut damaged) = (vec![0; CHUNK * length], vec![0.0; dimensions], 0);
        let shards = self.read().shards.len();
        for number in 0..shards {
            let mut from = 0;
            loop {
                // Let go between pieces, so that whoever writes need not wait for the whole.
                let state = self.read();
                let Some(shard) = state.shards.get(number).filter(|shard| from < shard.len()) else { break };
                let rows = CHUNK.min(shard.len() - from);
                let piece = &mut bytes[..rows * length];
                let is_read = shard.stored.read(from, piece).is_ok();
                for (row, stored) in (from..).zip(piece.chunks_exact(length)) {
                    let (Some(passage), Some(stamp)) = (shard.passages.get(row), shard.stamps.get(row)) else { continue };
                    if *stamp == 0 {
                        continue;
                    }
                    if !is_read || numbers::stamp(*passage, stored) != *stamp || !numbers::read_stored(stored, &mut vector) {
                        damaged += 1;
                        continue;
                    }
                    for sample in samples.iter_mut().filter(|sample| sample.shard == number) {
                        // As a question's answers are: what is stored in 16 bits is a unit vector but for its rounding.
                        sample.offer(numbers::product(level, &sample.unit, &vector).clamp(-1.0, 1.0));
                    }
                }
                from += rows;
            }
        }
        damaged
    }

    fn compare(&self, samples: &[Sample], verified: &mut Verified) {
        let personas: Vec<Option<String>> = self.read().shards.iter().map(|shard| shard.persona.clone()).collect();
        let (mut wanted, mut found) = (0, 0);
        let mut took: Vec<Duration> = Vec::with_capacity(samples.len());
        for sample in samples {
            let scope = match personas.get(sample.shard).cloned().flatten() {
                Some(persona) => Scope::Persona(PersonaId::from_stored(persona)),
                None => Scope::Nobody,
            };
            let started = Instant::now();
            let near = self.nearest(&scope, &sample.unit, K, None);
            took.push(started.elapsed());
            let least = sample.nearest.last().copied().unwrap_or(f32::INFINITY);
            let greatest = sample.nearest.first().copied().unwrap_or(f32::INFINITY);
            wanted += sample.nearest.len();
            found += near.iter().filter(|near| near.similarity + SAME >= least).count().min(sample.nearest.len());
            let finds_itself = near.iter().any(|near| near.passage == sample.passage || near.similarity + SAME >= greatest);
            if !finds_itself && self.read().shards.get(sample.shard).is_some_and(|shard| shard.is_live(sample.row)) {
                verified.lost += 1;
                if verified.lost_passages.len() < NAMED {
                    verified.lost_passages.push(sample.passage);
                }
            }
        }
        took.sort_unstable();
        let micros = |time: Option<&Duration>| time.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        verified.recall = (wanted > 0).then(|| f64::from(found as u32) / f64::from(wanted as u32));
        verified.median_micros = micros(took.get(took.len() / 2));
        verified.slowest_micros = micros(took.last());
    }
}
