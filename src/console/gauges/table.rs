//! What cost how much: one table, divided by what a person chooses. Pure.

use super::figures::{Figures, Group};
use super::line::{Cell, Line};
use super::{Item, Sort, numbers, word};
use crate::base::SafeText;
use crate::console::beliefs::signs::Signs;
use crate::console::draw::{clip, columns};
use crate::console::state::State;
use crate::console::text::Piece;
use crate::console::theme::Role;
use crate::llm::ledger::sketch::FEW;
use crate::report::sums::{By, Sums};

/// Names of the columns with their widths, from the left on; the name of the group has what is left.
const COLUMNS: [(Column, &str, usize); 10] = [
    (Column::Bar, "", 9),
    (Column::Share, "share", 6),
    (Column::Cost, "cost", 12),
    (Column::Calls, "calls", 7),
    (Column::Errors, "errors", 8),
    (Column::P95, "P95", 9),
    (Column::P50, "P50", 9),
    (Column::P99, "P99", 9),
    (Column::TokensIn, "in", 7),
    (Column::TokensOut, "out", 7),
];
/// The least that a name has.
const LEAST_NAME: usize = 20;
/// A name with more than this gives the rest to another column.
const ENOUGH_NAME: usize = 27;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Bar,
    Share,
    Cost,
    Calls,
    Errors,
    P50,
    P95,
    P99,
    TokensIn,
    TokensOut,
}

/// The order in which columns stand.
const ORDER: [Column; 10] = [
    Column::Bar,
    Column::Share,
    Column::Cost,
    Column::Calls,
    Column::Errors,
    Column::TokensIn,
    Column::TokensOut,
    Column::P50,
    Column::P95,
    Column::P99,
];

/// The columns that fit, each with its name and width, and the width of the group's name.
fn fitting(width: usize) -> (usize, Vec<(Column, &'static str, usize)>) {
    let mut name = width;
    let mut chosen = Vec::new();
    for (column, title, wide) in COLUMNS {
        let least = if chosen.len() < 6 { LEAST_NAME } else { ENOUGH_NAME };
        if name < least + wide {
            break;
        }
        name -= wide;
        chosen.push((column, title, wide));
    }
    chosen.sort_by_key(|(column, ..)| ORDER.iter().position(|known| known == column));
    (name, chosen)
}

/// The groups in their order.
pub(super) fn sorted(figures: &Figures, sort: Sort) -> Vec<&Group> {
    let mut all: Vec<&Group> = figures.groups.iter().collect();
    let p95 = |group: &Group| group.latency.as_ref().and_then(|latency| latency.p95_us);
    // What is equal stays in the order of cost.
    match sort {
        Sort::Cost => {}
        Sort::Calls => all.sort_by_key(|group| std::cmp::Reverse(group.sums.calls)),
        Sort::Errors => all.sort_by(|a, b| failed(&b.sums).total_cmp(&failed(&a.sums))),
        Sort::Latency => all.sort_by_key(|group| std::cmp::Reverse(p95(group))),
        Sort::Name => all.sort_by(|a, b| a.name.cmp(&b.name)),
    }
    all
}

fn failed(sums: &Sums) -> f64 {
    if sums.calls > 0 { sums.errors as f64 / sums.calls as f64 } else { 0.0 }
}

/// What a group is called on the screen.
pub(super) fn shown(state: &State, by: By, name: &str) -> String {
    if by == By::Persona {
        let known = state.overview.personas.iter().find(|persona| persona.id.as_str() == name);
        return match (known, name.is_empty()) {
            (Some(persona), _) => format!("u/{}", SafeText::line(&persona.reddit_username)),
            (None, true) => "nobody's".to_owned(),
            (None, false) => SafeText::line(name).as_str().to_owned(),
        };
    }
    SafeText::line(name).as_str().to_owned()
}

/// The table, under its heading.
pub(super) fn lines(state: &State, figures: &Figures, width: usize) -> Vec<Line> {
    let by = figures.wanted.by;
    let (name_width, chosen) = fitting(width);
    let title = format!("cost by {}, {}", word(by), state.gauges.sort.words());
    let mut lines = vec![Line::heading(&title, state.glyphs.border.horizontal_top, width)];
    if figures.groups.is_empty() {
        return lines;
    }
    let mut heading = format!("{:<name_width$}", "");
    for (column, title, wide) in &chosen {
        match column {
            Column::Bar => heading.push_str(&format!("{title:<wide$}")),
            _ => heading.push_str(&format!("{title:>wide$}")),
        }
    }
    lines.push(Line::words(Role::Dim, &heading));
    let whole = figures.total.charged.0;
    let largest = figures.groups.iter().map(|group| group.sums.charged.0).max().unwrap_or(0);
    for group in sorted(figures, state.gauges.sort) {
        lines.push(one(state, by, group, (whole, largest), name_width, &chosen));
    }
    if figures.left_out > 0 {
        lines.push(Line::words(Role::Dim, &format!("and {} more that cost less", figures.left_out)));
    }
    lines
}

fn one(
    state: &State,
    by: By,
    group: &Group,
    (whole, largest): (i64, i64),
    name_width: usize,
    chosen: &[(Column, &'static str, usize)],
) -> Line {
    let sums = &group.sums;
    let name = clip(&shown(state, by, &group.name), name_width.saturating_sub(1));
    let gap = name_width.saturating_sub(columns(&name));
    let mut line = Line { pieces: vec![Piece::new(Role::Text, &format!("{name}{}", " ".repeat(gap)))], cells: Vec::new() };
    let share = |of: i64| (of > 0).then(|| sums.charged.0 as f64 / of as f64);
    let latency = group.latency.unwrap_or_default();
    let few = if latency.n < FEW { Role::Dim } else { Role::Text };
    let mut used = name_width;
    for (column, _, wide) in chosen {
        let (role, text) = match column {
            Column::Bar => (Role::Accent, format!("{} ", Signs::of(&state.glyphs).bar(Some(share(largest).unwrap_or(0.0)), wide - 1))),
            Column::Share => (Role::Text, numbers::share(share(whole))),
            // A sum with a part that nobody knows is at least so much.
            Column::Cost if sums.unpriced > 0 && sums.unpriced == sums.calls => (Role::Warning, numbers::UNKNOWN.to_owned()),
            Column::Cost if sums.unpriced > 0 => (Role::Warning, format!("{}+?", numbers::money(sums.charged))),
            Column::Cost => (Role::Heading, numbers::money(sums.charged)),
            Column::Calls => (Role::Text, numbers::count(sums.calls)),
            Column::Errors if sums.errors > 0 => (Role::Bad, format!("{} {}", state.glyphs.block, numbers::share(Some(failed(sums))))),
            Column::Errors => (Role::Dim, numbers::share(Some(0.0))),
            Column::P50 => (Role::Text, numbers::micros(latency.p50_us)),
            Column::P95 => (few, numbers::micros(latency.p95_us)),
            Column::P99 => (few, numbers::micros(latency.p99_us)),
            Column::TokensIn => (Role::Dim, numbers::count(sums.tokens_in)),
            Column::TokensOut => (Role::Dim, numbers::count(sums.tokens_out)),
        };
        let gap = wide.saturating_sub(columns(&text));
        let text = if *column == Column::Bar { text } else { format!("{}{text}", " ".repeat(gap)) };
        used += wide.max(&columns(&text));
        line.pieces.push(Piece::new(role, &text));
    }
    line.cells.push(Cell { item: Item::Group(group.name.clone()), from: 0, to: used });
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_and_no_number_is_cut() {
        for width in 20..200 {
            let (name, chosen) = fitting(width);
            let used: usize = name + chosen.iter().map(|(.., wide)| wide).sum::<usize>();
            assert_eq!(used, width, "{width}");
            // A number has a blank before it and its own columns.
            let wide_enough = |column: Column, text: &str| chosen.iter().all(|(known, _, wide)| *known != column || columns(text) < *wide);
            assert!(
                wide_enough(Column::Cost, "$0.012345+?") && wide_enough(Column::Errors, "✗ 100 %") && wide_enough(Column::P95, "99m 59s")
            );
        }
        assert!(fitting(78).1.iter().any(|(column, ..)| *column == Column::P95));
    }
}
