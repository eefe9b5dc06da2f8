//! What a report asks of the ledger: sums, series and latencies of any span. The statements stand with their tables, in [`crate::llm::ledger`].

use crate::llm::ledger::spread::{self, Quantity, Spread};
use crate::store::{Conn, Result};
use serde::Serialize;

pub use crate::llm::ledger::Window;
pub use crate::llm::ledger::sums::{By, Only, Step, Sums, by, by_model_and_module, failures, in_flight, series, total};

/// Percentiles of rank `floor(q * (n - 1))`, in microseconds; all `None` where nothing was measured, or where it is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Latencies {
    /// How many values they rest on.
    pub n: u64,
    /// The median.
    pub p50_us: Option<u64>,
    /// 95 of 100 are not above it.
    pub p95_us: Option<u64>,
    /// 99 of 100 are not above it.
    pub p99_us: Option<u64>,
    /// Counted exactly, and not taken from sketches of one percent accuracy.
    pub is_exact: bool,
}

impl From<Spread> for Latencies {
    fn from(spread: Spread) -> Self {
        let micros = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        Self { n: spread.n, p50_us: micros(spread.p50), p95_us: micros(spread.p95), p99_us: micros(spread.p99), is_exact: spread.is_exact }
    }
}

/// Latencies of whole answers and to the first token, the group with most answers first. By day or hour they are not told apart: one row with an
/// empty name.
///
/// # Errors
/// When the database refuses.
pub fn latencies(c: &mut dyn Conn, window: &Window, by: By, only: &Only) -> Result<Vec<(String, Latencies, Latencies)>> {
    Ok(latencies_with_all(c, window, by, only)?.0)
}

/// Latencies of groups, and of everything together: answer and first token.
pub type AllLatencies = (Vec<(String, Latencies, Latencies)>, (Latencies, Latencies));

/// The same, and all together, read once.
///
/// # Errors
/// When the database refuses.
pub fn latencies_with_all(c: &mut dyn Conn, window: &Window, by: By, only: &Only) -> Result<AllLatencies> {
    let (groups, all) = spread::spread_with_all(c, window, by, only, &[Quantity::Latency, Quantity::FirstToken])?;
    let at = |spreads: &[Spread], index: usize| Latencies::from(spreads.get(index).copied().unwrap_or_default());
    let groups = groups.into_iter().map(|(name, spreads)| (name, at(&spreads, 0), at(&spreads, 1))).collect();
    Ok((groups, (at(&all, 0), at(&all, 1))))
}
