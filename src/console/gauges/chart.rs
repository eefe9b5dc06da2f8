//! A series as columns of blocks: the shape of a span at a glance, where there is room. Pure.

use super::figures::Figures;
use super::line::Line;
use super::{numbers, overview};
use crate::base::clock;
use crate::console::draw::columns;
use crate::console::state::State;
use crate::console::text::Piece;
use crate::console::theme::{Glyphs, Role};
use crate::report::sums::Step;

/// Columns of the amounts on the left.
const LEFT: usize = 10;
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The spend of each step, `rows` high, under its heading.
pub(super) fn lines(state: &State, figures: &Figures, width: usize, rows: usize) -> Vec<Line> {
    let step = match figures.step {
        Step::Minute => "minute",
        Step::Hour => "hour",
        Step::Day => "day",
    };
    let stroke = state.glyphs.border.horizontal_top;
    let mut lines = vec![Line::heading(&format!("spend by {step}"), stroke, width)];
    let room = width.saturating_sub(LEFT + 1);
    let values = overview::folded(&figures.series, room, overview::spent);
    let each = (room / values.len().max(1)).clamp(1, 6);
    let largest = largest(figures, room);
    for row in (0..rows).rev() {
        let label = match row {
            _ if row + 1 == rows => numbers::usd(largest),
            0 => "$0".to_owned(),
            _ => String::new(),
        };
        let bars: String = values.iter().map(|value| column(&state.glyphs, *value, row, rows, each)).collect();
        let pieces = vec![Piece::new(Role::Dim, &format!("{label:>LEFT$} ")), Piece::new(Role::Accent, &bars)];
        lines.push(Line { pieces, cells: Vec::new() });
    }
    let time = |at| {
        let time = clock::local(at);
        time.get(5..16).unwrap_or_default().to_owned()
    };
    let (from, until) =
        (time(figures.window.since), if figures.wanted.span.is_live() { "now".to_owned() } else { time(figures.window.until) });
    let gap = (values.len() * each).saturating_sub(columns(&from) + columns(&until));
    lines.push(Line::words(Role::Dim, &format!("{:LEFT$} {from}{}{until}", "", " ".repeat(gap.max(1)))));
    lines
}

/// The largest value that a column stands for, in USD.
fn largest(figures: &Figures, room: usize) -> f64 {
    let wide = room.min(figures.series.len()).max(1);
    let sum = |column: usize| {
        let (from, to) = (column * figures.series.len() / wide, (column + 1) * figures.series.len() / wide);
        figures.series.get(from..to).unwrap_or_default().iter().map(|(_, sums)| sums.charged.to_usd()).sum::<f64>()
    };
    (0..wide).map(sum).fold(0.0, f64::max)
}

/// The cell of a column in a row, counted from below.
fn column(glyphs: &Glyphs, value: Option<f64>, row: usize, rows: usize, each: usize) -> String {
    // Columns with room have a gap between them.
    let (wide, gap) = if each >= 3 { (each - 1, 1) } else { (each, 0) };
    let sign = match value {
        None if row == 0 => glyphs.dot,
        None => " ",
        Some(value) => {
            let eighths = (value.clamp(0.0, 1.0) * (rows * 8) as f64).round() as usize;
            // What is not nothing is seen.
            let eighths = if value > 0.0 { eighths.max(1) } else { eighths };
            let here = eighths.saturating_sub(row * 8).min(8);
            match *glyphs == Glyphs::ASCII {
                true if here >= 4 || (row == 0 && here > 0) => "#",
                true => " ",
                false => EIGHTHS.get(here).copied().unwrap_or(" "),
            }
        }
    };
    format!("{}{}", sign.repeat(wide), " ".repeat(gap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_high_as_their_value_and_nothing_is_not_unknown() {
        let high = |value| (0..2).map(|row| column(&Glyphs::UNICODE, value, row, 2, 1)).collect::<String>();
        assert_eq!([high(Some(1.0)), high(Some(0.5)), high(Some(0.001)), high(Some(0.0)), high(None)], ["██", "█ ", "▁ ", "  ", "· "]);
        let plain = |value| (0..2).map(|row| column(&Glyphs::ASCII, value, row, 2, 4)).collect::<String>();
        assert_eq!([plain(Some(1.0)), plain(Some(0.01)), plain(None)], ["### ### ", "###     ", "...     "]);
    }
}
