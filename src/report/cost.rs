//! What calls cost, divided by anything.

use super::sheet::{Cell, Column, Report, Sheet};
use super::sums::{self, By, Sums};
use super::{Asked, days, period};
use crate::store::{Conn, Result};

/// Costs divided as asked, the dearest first, or day by day.
///
/// # Errors
/// When the database refuses.
pub fn report(c: &mut dyn Conn, asked: &Asked) -> Result<Report> {
    let groups = groups(c, asked)?;
    let total = groups.iter().fold(Sums::default(), |mut all, (_, sums)| {
        all.add(sums);
        all
    });
    Ok(of(asked, &groups, &total))
}

/// The sums divided as asked, under the names that people know.
///
/// # Errors
/// When the database refuses.
pub fn groups(c: &mut dyn Conn, asked: &Asked) -> Result<Vec<(String, Sums)>> {
    if asked.by == By::Day {
        let days = days::by_day(c, &asked.window, asked.zone, &asked.only)?;
        return Ok(days
            .into_iter()
            .filter(|(_, sums)| sums.calls != 0)
            .map(|(day, sums)| (period::day(day.since, asked.zone), sums))
            .collect());
    }
    let all = sums::by(c, &asked.window, asked.by, &asked.only)?;
    Ok(all.into_iter().map(|(group, sums)| (asked.name(&group), sums)).collect())
}

/// What has to be said when there is nothing to show.
#[must_use]
pub fn nothing() -> String {
    "There were no calls in this span.".to_owned()
}

/// What has to be said of calls whose cost nobody knows.
#[must_use]
pub fn unknown_cost(sums: &Sums) -> Option<String> {
    let (are, is) = (sums.unpriced != 1, if sums.unpriced == 1 { "call is" } else { "calls are" });
    (sums.unpriced > 0).then(|| {
        format!(
            "{} {is} of unknown cost and not in these amounts: no cost was reported, and no price is known or {} interrupted.",
            super::format::count(sums.unpriced),
            if are { "they were" } else { "it was" }
        )
    })
}

/// The table of costs. Pure.
#[must_use]
pub fn sheet(heading: Column, groups: &[(String, Sums)], total: &Sums) -> Sheet {
    let share = |sums: &Sums| if total.charged.0 > 0 { Cell::Share(sums.charged.0 as f64 / total.charged.0 as f64) } else { Cell::Nothing };
    let row = |name: &str, sums: &Sums| {
        vec![
            Cell::Text(name.to_owned()),
            Cell::Count(sums.calls),
            Cell::Money(sums.charged),
            share(sums),
            Cell::money(sums.per_call()),
            Cell::money(sums.per_success()),
            Cell::Money(sums.reported),
            Cell::Money(sums.computed),
            Cell::Count(sums.unpriced),
            Cell::share(sums.error_share()),
        ]
    };
    Sheet {
        key: "cost",
        title: "Cost".to_owned(),
        columns: vec![
            heading,
            Column::new("calls", "calls"),
            Column::new("cost_usd", "cost"),
            Column::new("share", "share"),
            Column::new("cost_per_call_usd", "a call"),
            Column::new("cost_per_success_usd", "a success"),
            Column::new("reported_usd", "reported"),
            Column::new("computed_usd", "by the book"),
            Column::new("unknown_cost_calls", "unknown"),
            Column::new("failed_share", "failed"),
        ],
        rows: groups.iter().map(|(name, sums)| row(name, sums)).collect(),
        total: (!groups.is_empty()).then(|| row("total", total)),
    }
}

fn of(asked: &Asked, groups: &[(String, Sums)], total: &Sums) -> Report {
    let mut notes: Vec<String> = Vec::new();
    if groups.is_empty() {
        notes.push(nothing());
    }
    notes.extend(unknown_cost(total));
    Report {
        name: "cost",
        title: format!("Cost by {}", asked.heading().title),
        window: asked.window,
        zone: asked.zone,
        sheets: vec![sheet(asked.heading(), groups, total)],
        notes,
    }
}
