//! How latencies and sizes of calls are spread, over any span of the ledger: percentiles with the number they rest on.
//!
//! Counted exactly over small windows, from the sketches of days and hours over long ones. Sketches are kept by model and module: a
//! narrower question is answered from the calls, and up to [`MOST_READ`] of them.

use super::rollup::{self, DAY, HOUR};
use super::sketch::{Percentiles, Sketch};
use super::spans::{Window, cut};
use super::sums::{By, CALLS, Only, total, widened};
use crate::base::Millis;
use crate::store::{Conn, Result};
use crate::vals;
use serde::Serialize;
use std::collections::BTreeMap;

/// Calls up to which percentiles are counted exactly.
pub const EXACT: i64 = 5_000;
/// Calls up to which they are counted where there are no sketches to take them from.
pub const MOST_READ: i64 = 100_000;

/// What is measured of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// From the request to the end of the answer, in microseconds.
    Latency,
    /// From the request to the first token, in microseconds.
    FirstToken,
    /// Input tokens.
    TokensIn,
    /// Output tokens.
    TokensOut,
}

impl Quantity {
    fn in_sketches(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::FirstToken => "first_token",
            Self::TokensIn => "tokens_in",
            Self::TokensOut => "tokens_out",
        }
    }

    fn in_calls(self) -> &'static str {
        match self {
            Self::Latency => "latency_us",
            Self::FirstToken => "first_token_us",
            Self::TokensIn => "tokens_in",
            Self::TokensOut => "tokens_out",
        }
    }

    fn is_size(self) -> bool {
        matches!(self, Self::TokensIn | Self::TokensOut)
    }
}

/// Percentiles of rank `floor(q * (n - 1))`; all `None` where nothing was measured, or too much of it to be counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// How many values they rest on.
    pub n: u64,
    /// The median.
    pub p50: Option<i64>,
    /// 95 of 100 are not above it.
    pub p95: Option<i64>,
    /// 99 of 100 are not above it.
    pub p99: Option<i64>,
    /// Counted, and not taken from sketches of one percent accuracy.
    pub is_exact: bool,
}

impl Spread {
    fn of(found: Option<Percentiles>, is_exact: bool) -> Self {
        found.map_or(Self { is_exact, ..Self::default() }, |found| Self {
            n: found.count,
            p50: Some(found.p50),
            p95: Some(found.p95),
            p99: Some(found.p99),
            is_exact,
        })
    }
}

/// Values of a group: one place for each quantity that was asked for.
type Groups<T> = BTreeMap<String, Vec<T>>;

fn column(by: By) -> &'static str {
    match by {
        By::Model => "model",
        By::Module => "module",
        By::Persona => "persona_id",
        By::Category => "category",
        By::Day | By::Hour => "''",
    }
}

/// The values of calls in a span, in the order of quantities.
fn values(c: &mut dyn Conn, part: &Window, by: By, only: &Only, quantities: &[Quantity]) -> Result<Groups<Vec<i64>>> {
    let (conditions, mut narrowing) = only.conditions();
    let mut parameters = vals![part.since, part.until].to_vec();
    parameters.append(&mut narrowing);
    let columns: Vec<&str> = quantities.iter().map(|quantity| quantity.in_calls()).collect();
    let text = format!(
        "SELECT {} AS named, tokens_in AS size_in, tokens_out AS size_out, {} FROM {CALLS} WHERE started_at >= $1 AND started_at < $2{conditions}",
        column(by),
        columns.join(", ")
    );
    let mut all: Groups<Vec<i64>> = BTreeMap::new();
    for row in c.query(&text, &parameters)? {
        let group = all.entry(row.text("named")?).or_insert_with(|| vec![Vec::new(); quantities.len()]);
        // As in the sketches: a call without usage has no size.
        let has_size = row.int_opt("size_in")?.unwrap_or(0) > 0 || row.int_opt("size_out")?.unwrap_or(0) > 0;
        for (quantity, values) in quantities.iter().zip(group) {
            if let Some(value) = row.int_opt(quantity.in_calls())?
                && (has_size || !quantity.is_size())
            {
                values.push(value.max(0));
            }
        }
    }
    Ok(all)
}

/// The sketches of a span, by model, by module, or together for every other division.
///
/// # Errors
/// When the database refuses.
pub fn sketches(c: &mut dyn Conn, window: &Window, by: By, only: &Only, quantities: &[Quantity]) -> Result<Vec<(String, Vec<Sketch>)>> {
    let by = if matches!(by, By::Model | By::Module) { by } else { By::Day };
    let parts = cut(widened(c, window)?);
    let mut all: Groups<Sketch> = BTreeMap::new();
    let empty = || vec![Sketch::default(); quantities.len()];
    for (span, part) in parts.days.iter().map(|part| (DAY, part)).chain(parts.hours.iter().map(|part| (HOUR, part))) {
        read_sketches(c, span, part, by, only, quantities, &mut all)?;
    }
    for part in &parts.ragged {
        for (name, values) in values(c, part, by, only, quantities)? {
            for (sketch, values) in all.entry(name).or_insert_with(empty).iter_mut().zip(values) {
                values.into_iter().for_each(|value| sketch.add(value));
            }
        }
    }
    Ok(all.into_iter().collect())
}

fn read_sketches(
    c: &mut dyn Conn,
    span: Millis,
    part: &Window,
    by: By,
    only: &Only,
    quantities: &[Quantity],
    all: &mut Groups<Sketch>,
) -> Result<()> {
    let narrowed = Only { persona: None, category: None, ..only.clone() };
    let (conditions, mut narrowing) = narrowed.conditions();
    let mut parameters = vals![part.since, part.until].to_vec();
    parameters.append(&mut narrowing);
    let columns: Vec<&str> = quantities.iter().map(|quantity| quantity.in_sketches()).collect();
    let text = format!(
        "SELECT {} AS named, {} FROM roll_sketch WHERE span = {span} AND start >= $1 AND start < $2{conditions}",
        column(by),
        columns.join(", ")
    );
    for row in c.query(&text, &parameters)? {
        let group = all.entry(row.text("named")?).or_insert_with(|| vec![Sketch::default(); quantities.len()]);
        for (quantity, sketch) in quantities.iter().zip(group) {
            rollup::merge_column(sketch, &row, quantity.in_sketches())?;
        }
    }
    Ok(())
}

/// How quantities are spread in a window, the group with most values of the first of them first. Days and hours are not told apart: they give
/// one row with an empty name.
///
/// # Errors
/// When the database refuses.
pub fn spread(c: &mut dyn Conn, window: &Window, by: By, only: &Only, quantities: &[Quantity]) -> Result<Vec<(String, Vec<Spread>)>> {
    Ok(spread_with_all(c, window, by, only, quantities)?.0)
}

/// Spreads of groups, and of everything together.
pub type Spreads = (Vec<(String, Vec<Spread>)>, Vec<Spread>);

/// The same, and all groups together, read once.
///
/// # Errors
/// When the database refuses.
pub fn spread_with_all(c: &mut dyn Conn, window: &Window, by: By, only: &Only, quantities: &[Quantity]) -> Result<Spreads> {
    let sums = total(c, window, only)?;
    if sums.calls == 0 {
        return Ok((Vec::new(), vec![Spread::default(); quantities.len()]));
    }
    let is_narrow = only.persona.is_some() || only.category.is_some() || matches!(by, By::Persona | By::Category);
    let most = if is_narrow { MOST_READ } else { EXACT };
    let (mut found, all): Spreads = if sums.calls <= most {
        let counted = values(c, &window.bounded(), by, only, quantities)?;
        let spread = |values: Vec<i64>| Spread::of(Percentiles::exact(values), true);
        let all = (0..quantities.len())
            .map(|index| spread(counted.values().filter_map(|group| group.get(index)).flatten().copied().collect()))
            .collect();
        (counted.into_iter().map(|(name, values)| (name, values.into_iter().map(spread).collect())).collect(), all)
    } else if is_narrow {
        (uncounted(c, window, by, only, quantities)?, quantities.iter().map(|quantity| unknown(*quantity, &sums)).collect())
    } else {
        let merged = sketches(c, window, by, only, quantities)?;
        let spread = |sketch: &Sketch| Spread::of(sketch.percentiles(), false);
        let mut all = vec![Sketch::default(); quantities.len()];
        for (_, sketches) in &merged {
            all.iter_mut().zip(sketches).for_each(|(all, one)| all.merge(one));
        }
        (
            merged.into_iter().map(|(name, sketches)| (name, sketches.iter().map(spread).collect())).collect(),
            all.iter().map(spread).collect(),
        )
    };
    found.sort_by_key(|(_, spreads)| std::cmp::Reverse(spreads.first().map_or(0, |first| first.n)));
    Ok((found, all))
}

/// A count without percentiles; that of first tokens and of sizes is not in the sums.
fn unknown(quantity: Quantity, sums: &super::sums::Sums) -> Spread {
    let n = if quantity == Quantity::Latency { sums.latency_count } else { 0 };
    Spread { n: u64::try_from(n).unwrap_or(0), ..Spread::default() }
}

/// How many values there are, where they are too many to be read and are in no sketch: unknown percentiles, and said so.
fn uncounted(c: &mut dyn Conn, window: &Window, by: By, only: &Only, quantities: &[Quantity]) -> Result<Vec<(String, Vec<Spread>)>> {
    let groups = match by {
        By::Day | By::Hour => vec![(String::new(), total(c, window, only)?)],
        _ => super::sums::by(c, window, by, only)?,
    };
    let count = |quantity: &Quantity, sums: &super::sums::Sums| if *quantity == Quantity::Latency { sums.latency_count } else { 0 };
    let spread = |n: i64| Spread { n: u64::try_from(n).unwrap_or(0), ..Spread::default() };
    Ok(groups.into_iter().map(|(name, sums)| (name, quantities.iter().map(|quantity| spread(count(quantity, &sums))).collect())).collect())
}
