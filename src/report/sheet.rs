//! A table of typed cells, before anybody decides how it looks. Pure.

use super::slo::Level;
use super::sums::{Latencies, Window};
use crate::base::{Millis, Picos};
use crate::llm::ledger::sketch::FEW;
use chrono_tz::Tz;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name in JSON and CSV, with the unit where there is one.
    pub key: &'static str,
    /// Its title for people.
    pub title: &'static str,
}

impl Column {
    /// A column with these names.
    #[must_use]
    pub const fn new(key: &'static str, title: &'static str) -> Self {
        Self { key, title }
    }
}

/// A value with its unit.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Not known, or not applicable.
    Nothing,
    /// Text, which may be from outside.
    Text(String),
    /// A whole number.
    Count(i64),
    /// A number with decimals.
    Number(f64),
    /// An amount in USD.
    Money(Picos),
    /// A share of a whole, 0 to 1.
    Share(f64),
    /// How much more or less than before: 0.2 is 20 % more.
    Change(f64),
    /// A length of time in microseconds; `is_few` when it rests on too few values.
    Micros {
        /// The length.
        us: u64,
        /// Whether it is a percentile of fewer than a hundred values.
        is_few: bool,
    },
    /// How something stands.
    Level(Level),
}

impl Cell {
    /// A share that may be of nothing.
    #[must_use]
    pub fn share(share: Option<f64>) -> Self {
        share.map_or(Self::Nothing, Self::Share)
    }

    /// An amount that may be unknown.
    #[must_use]
    pub fn money(amount: Option<Picos>) -> Self {
        amount.map_or(Self::Nothing, Self::Money)
    }

    /// A number that may not be there.
    #[must_use]
    pub fn number(number: Option<f64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }

    /// How much more now than before; nothing when there was nothing before.
    #[must_use]
    pub fn change(before: f64, now: f64) -> Self {
        if before > 0.0 { Self::Change(now / before - 1.0) } else { Self::Nothing }
    }

    /// A count.
    #[must_use]
    pub fn count(count: u64) -> Self {
        Self::Count(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The three percentiles.
    #[must_use]
    pub fn percentiles(latencies: &Latencies) -> [Self; 3] {
        [latencies.p50_us, latencies.p95_us, latencies.p99_us]
            .map(|value| value.map_or(Self::Nothing, |us| Self::Micros { us, is_few: latencies.n < FEW }))
    }
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sheet {
    /// Its name in JSON.
    pub key: &'static str,
    /// Its title for people.
    pub title: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
    /// The row of sums, where one makes sense.
    pub total: Option<Vec<Cell>>,
}

/// A report: tables and sentences over a span of time.
#[derive(Debug, Clone)]
pub struct Report {
    /// `cost`, `latency`, …
    pub name: &'static str,
    /// Its title for people.
    pub title: String,
    /// The span.
    pub window: Window,
    /// The zone in which it is shown.
    pub zone: Tz,
    /// Tables, the main one first.
    pub sheets: Vec<Sheet>,
    /// What has to be said with them.
    pub notes: Vec<String>,
}

impl Report {
    /// The span for people: `2026-10-01 00:00 to 2026-11-01 00:00 (UTC)`.
    #[must_use]
    pub fn span(&self) -> String {
        let at = |at: Millis| super::period::shown(at, self.zone);
        format!("{} to {} ({})", at(self.window.since), at(self.window.until), self.zone.name())
    }
}
