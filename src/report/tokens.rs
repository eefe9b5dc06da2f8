//! How many tokens calls read and write, divided by anything.

use super::sheet::{Cell, Column, Report, Sheet};
use super::sums::{By, Sums};
use super::{Asked, cost};
use crate::llm::ledger::spread::{self, Quantity, Spread};
use crate::store::{Conn, Result};
use std::collections::BTreeMap;

/// Tokens divided as asked; by model and by module with the sizes of calls.
///
/// # Errors
/// When the database refuses.
pub fn report(c: &mut dyn Conn, asked: &Asked) -> Result<Report> {
    let groups = cost::groups(c, asked)?;
    let mut sizes: BTreeMap<String, Vec<Spread>> = BTreeMap::new();
    if matches!(asked.by, By::Model | By::Module) {
        sizes.extend(spread::spread(c, &asked.window, asked.by, &asked.only, &[Quantity::TokensIn, Quantity::TokensOut])?);
    }
    Ok(of(asked, &groups, &sizes))
}

fn of(asked: &Asked, groups: &[(String, Sums)], sizes: &BTreeMap<String, Vec<Spread>>) -> Report {
    let mut columns = vec![
        asked.heading(),
        Column::new("calls", "calls"),
        Column::new("tokens_in", "in"),
        Column::new("tokens_out", "out"),
        Column::new("tokens_cached", "cached"),
        Column::new("cached_share", "of in"),
        Column::new("tokens_written", "written"),
        Column::new("tokens_reasoning", "reasoning"),
        Column::new("tokens_per_call", "a call"),
    ];
    let has_sizes = matches!(asked.by, By::Model | By::Module);
    if has_sizes {
        columns.extend([
            Column::new("sized_calls", "n"),
            Column::new("p50_tokens_in", "in P50"),
            Column::new("p95_tokens_in", "in P95"),
            Column::new("p50_tokens_out", "out P50"),
            Column::new("p95_tokens_out", "out P95"),
        ]);
    }
    let row = |name: &str, sums: &Sums, spreads: Option<&Vec<Spread>>| {
        let mut cells = vec![
            Cell::Text(name.to_owned()),
            Cell::Count(sums.calls),
            Cell::Count(sums.tokens_in),
            Cell::Count(sums.tokens_out),
            Cell::Count(sums.tokens_cached),
            Cell::share(sums.cached_share()),
            Cell::Count(sums.tokens_written),
            Cell::Count(sums.tokens_reasoning),
            Cell::number(sums.tokens_per_call()),
        ];
        if has_sizes {
            let at = |index: usize| spreads.and_then(|spreads| spreads.get(index)).copied();
            let size = |value: Option<i64>| value.map_or(Cell::Nothing, Cell::Count);
            cells.push(at(0).map_or(Cell::Nothing, |spread| Cell::count(spread.n)));
            for spread in [at(0), at(1)] {
                cells.extend([size(spread.and_then(|spread| spread.p50)), size(spread.and_then(|spread| spread.p95))]);
            }
        }
        cells
    };
    let total = groups.iter().fold(Sums::default(), |mut all, (_, sums)| {
        all.add(sums);
        all
    });
    let sheet = Sheet {
        key: "tokens",
        title: "Tokens".to_owned(),
        columns,
        rows: groups.iter().map(|(name, sums)| row(name, sums, sizes.get(name))).collect(),
        total: (!groups.is_empty()).then(|| row("total", &total, None)),
    };
    Report {
        name: "tokens",
        title: format!("Tokens by {}", asked.heading().title),
        window: asked.window,
        zone: asked.zone,
        sheets: vec![sheet],
        notes: if groups.is_empty() { vec![cost::nothing()] } else { Vec::new() },
    }
}
