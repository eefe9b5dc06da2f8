//! From how many vectors on a graph pays, on this machine.

use super::numbers;
use std::time::{Duration, Instant};

/// What the graph takes to find as much as the scan does: 300,000 vectors of 256 numbers in the scan of the machine it was measured on.
const GRAPH: Duration = Duration::from_millis(4);
/// Rows of the measurement: more than a second-level cache holds.
const ROWS: usize = 32_768;
/// A machine that is busy for a moment must not decide.
const ROUNDS: usize = 5;
pub(super) const LEAST: usize = 50_000;
const MOST: usize = 5_000_000;

/// How many vectors are scanned in the time that a graph takes for a question.
pub(super) fn graph_from(dimensions: usize) -> usize {
    let level = numbers::level();
    let codes: Vec<i8> = (0..ROWS * dimensions).map(|place| (place % 251) as i8).collect();
    let query: Vec<i16> = (0..dimensions).map(|place| (place % 127) as i16).collect();
    let (factors, mut scores) = (vec![1.0; ROWS], vec![0.0; ROWS]);
    let round = || {
        let started = Instant::now();
        numbers::score(level, &query, std::hint::black_box(&codes), &factors, &mut scores);
        std::hint::black_box(&scores);
        started.elapsed()
    };
    let best = std::iter::repeat_with(round).take(ROUNDS).min().unwrap_or(GRAPH);
    let rows = GRAPH.as_nanos() * ROWS as u128 / best.as_nanos().max(1);
    usize::try_from(rows).unwrap_or(MOST).clamp(LEAST, MOST) / 10_000 * 10_000
}

#[cfg(test)]
mod tests {
    #[test]
    fn some_number_between_the_bounds_is_measured() {
        assert!((super::LEAST..=super::MOST).contains(&super::graph_from(64)));
    }
}
