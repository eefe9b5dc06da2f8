//! The models side by side: what they cost, how fast and how well they answer, and how far their prices are from the book.

use super::sheet::{Cell, Column, Report, Sheet};
use super::sums::{self, By, Latencies, Sums};
use super::{Asked, cost};
use crate::base::Picos;
use crate::store::{Conn, Result};
use std::collections::BTreeMap;

/// Every model of a window, the dearest first.
///
/// # Errors
/// When the database refuses.
pub fn report(c: &mut dyn Conn, asked: &Asked) -> Result<Report> {
    let groups = sums::by(c, &asked.window, By::Model, &asked.only)?;
    let latencies = sums::latencies(c, &asked.window, By::Model, &asked.only)?;
    let latencies: BTreeMap<String, (Latencies, Latencies)> =
        latencies.into_iter().map(|(name, answer, first)| (name, (answer, first))).collect();
    Ok(of(asked, &groups, &latencies))
}

fn of(asked: &Asked, groups: &[(String, Sums)], latencies: &BTreeMap<String, (Latencies, Latencies)>) -> Report {
    let total = groups.iter().fold(Sums::default(), |mut all, (_, sums)| {
        all.add(sums);
        all
    });
    let row = |name: &str, sums: &Sums, (answer, first): (Latencies, Latencies)| {
        let tokens = sums.tokens_in + sums.tokens_out;
        let mut cells = vec![
            Cell::Text(name.to_owned()),
            Cell::Count(sums.calls),
            if total.calls > 0 { Cell::Share(sums.calls as f64 / total.calls as f64) } else { Cell::Nothing },
            Cell::Money(sums.charged),
            if total.charged.0 > 0 { Cell::Share(sums.charged.0 as f64 / total.charged.0 as f64) } else { Cell::Nothing },
            Cell::money(sums.per_call()),
            Cell::money(Picos::from_usd(sums.charged.to_usd() * 1e6 / tokens.max(1) as f64).filter(|_| tokens > 0)),
            Cell::share(sums.error_share()),
            Cell::count(answer.n),
        ];
        cells.extend(Cell::percentiles(&answer));
        cells.push(Cell::percentiles(&first)[0].clone());
        cells.push(if sums.computed.0 > 0 { Cell::Change(sums.drift.0 as f64 / sums.computed.0 as f64) } else { Cell::Nothing });
        cells.push(Cell::Count(sums.odd));
        cells
    };
    let of_model = |name: &str| latencies.get(name).copied().unwrap_or_default();
    let sheet = Sheet {
        key: "models",
        title: "Models".to_owned(),
        columns: vec![
            Column::new("model", "model"),
            Column::new("calls", "calls"),
            Column::new("calls_share", "share"),
            Column::new("cost_usd", "cost"),
            Column::new("cost_share", "share"),
            Column::new("cost_per_call_usd", "a call"),
            Column::new("cost_per_million_tokens_usd", "1M tokens"),
            Column::new("failed_share", "failed"),
            Column::new("n", "n"),
            Column::new("p50_ms", "P50"),
            Column::new("p95_ms", "P95"),
            Column::new("p99_ms", "P99"),
            Column::new("first_token_p50_ms", "first token"),
            Column::new("drift", "drift"),
            Column::new("odd_calls", "odd"),
        ],
        rows: groups.iter().map(|(name, sums)| row(name, sums, of_model(name))).collect(),
        total: None,
    };
    let mut notes = if groups.is_empty() { vec![cost::nothing()] } else { Vec::new() };
    notes.extend(cost::unknown_cost(&total));
    if total.odd > 0 {
        notes.push(format!(
            "{} of the calls have a price that is not that of the book, or none: `quarterdeck prices` shows the book.",
            super::format::count(total.odd)
        ));
    }
    Report { name: "models", title: "Models".to_owned(), window: asked.window, zone: asked.zone, sheets: vec![sheet], notes }
}
