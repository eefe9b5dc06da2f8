//! The health tab on the screen: what is broken on top, the rows that are visible, the remedy at the bottom; or a line's history. From the
//! state alone, and never more than the rows that are seen.

use super::rows::Row;
use super::{act, head, line};
use crate::base::SafeText;
use crate::console::action::Action;
use crate::console::draw::{columns, layout, put, put_lines};
use crate::console::state::State;
use crate::console::text::{Piece, Pieces, wrap};
use crate::console::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Where the parts of the tab are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub above: Rect,
    pub list: Rect,
    pub below: Rect,
    /// Everything, for a line that was gone into.
    pub whole: Rect,
}

/// The places for a size. Pure arithmetic, so that a click finds what was drawn.
pub(super) fn places(state: &State) -> Places {
    let whole = layout(state.width, state.height).body;
    let above = u16::try_from(head::ABOVE).unwrap_or(0).min(whole.height);
    let below = u16::try_from(head::BELOW).unwrap_or(0).min(whole.height - above);
    let rows = whole.height - above - below;
    Places {
        above: Rect { height: above, ..whole },
        list: Rect { y: whole.y + above, height: rows, ..whole },
        below: Rect { y: whole.y + above + rows, height: below, ..whole },
        whole,
    }
}

/// Lines of what can be moved in.
pub(super) fn rows(state: &State) -> usize {
    let places = places(state);
    usize::from(if state.health.opened.is_some() { places.whole.height.saturating_sub(1) } else { places.list.height })
}

/// Columns of text.
pub(super) fn width(state: &State) -> usize {
    usize::from(layout(state.width, state.height).body.width).saturating_sub(2)
}

fn inside(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
}

/// Draw the tab.
pub(in crate::console) fn draw(state: &mut State, buffer: &mut Buffer) {
    let (state, places) = (&*state, places(state));
    if state.health.opened.is_some() {
        opened(state, buffer, places.whole);
    } else if state.health.board.is_none() {
        empty(state, buffer, places.whole);
    } else {
        put_lines(state, buffer, inside(places.above), &head::above(state, width(state)));
        list(state, buffer, places.list);
        put_lines(state, buffer, inside(places.below), &head::below(state, width(state)));
        beside(state, buffer, places);
    }
}

/// The rows that are visible.
fn list(state: &State, buffer: &mut Buffer, area: Rect) {
    let tab = &state.health;
    let Some(board) = tab.board.as_deref() else { return };
    let (height, here) = (usize::from(area.height), act::place(state));
    let top = tab.top.min(tab.rows.len().saturating_sub(1));
    let text = |row: &Row| -> Option<Pieces> {
        Some(match row {
            Row::System { system, is_folded } => line::system(board.systems.get(*system)?, *is_folded, width(state), &state.glyphs),
            Row::Line { system, line } => line::line(board.systems.get(*system)?.lines.get(*line)?, state.now, width(state), &state.glyphs),
        })
    };
    let shown: Vec<Pieces> = tab.rows.iter().skip(top).take(height).filter_map(text).collect();
    if shown.is_empty() && !tab.filter.is_empty() {
        let words = format!("nothing fits the filter {}; {} takes it away", SafeText::line(&tab.filter), state.key(Action::Back));
        put(buffer, area.x + 1, area.y, area.width.saturating_sub(1), &words, state.theme.style(Role::Dim));
    }
    put_lines(state, buffer, inside(area), &shown);
    if let Some(row) = here.and_then(|here| here.checked_sub(top)).filter(|row| *row < height)
        && let Ok(row) = u16::try_from(row)
    {
        put(buffer, area.x, area.y + row, 1, state.glyphs.selection, state.theme.style(Role::Accent));
        buffer.set_style(Rect { y: area.y + row, height: 1, ..inside(area) }, state.theme.style(Role::Selection));
    }
}

/// The filter, and how many rows are below what is shown: in the stroke below the rows, where they hide nothing.
fn beside(state: &State, buffer: &mut Buffer, places: Places) {
    let tab = &state.health;
    let row = Rect { height: places.below.height.min(1), ..inside(places.below) };
    let top = tab.top.min(tab.rows.len().saturating_sub(1));
    let more = more(state, tab.rows.len().saturating_sub(top + usize::from(places.list.height)));
    let mut words = Vec::new();
    if !tab.filter.is_empty() {
        // The name of what is at hand has the other half.
        let room = (usize::from(row.width) / 2).saturating_sub(columns(&more) + columns(" filter:  "));
        words.push((Role::Accent, format!(" filter: {} ", SafeText::clipped(&tab.filter, room))));
    }
    words.push((Role::Border, more));
    to_the_right(state, buffer, row, &words);
}

/// How many rows are below what is shown; nothing where there are none.
fn more(state: &State, count: usize) -> String {
    if count == 0 { String::new() } else { format!(" {} {count} more ", state.glyphs.down) }
}

/// Words at the right end of a row.
fn to_the_right(state: &State, buffer: &mut Buffer, row: Rect, words: &[(Role, String)]) {
    if row.height == 0 {
        return;
    }
    let needed: usize = words.iter().map(|(_, text)| columns(text)).sum();
    let mut at = row.right().saturating_sub(u16::try_from(needed).unwrap_or(row.width)).max(row.x);
    for (role, text) in words {
        at = put(buffer, at, row.y, row.right().saturating_sub(at), text, state.theme.style(*role));
    }
}

/// What stands there before anything was read, or when nothing can be.
fn empty(state: &State, buffer: &mut Buffer, area: Rect) {
    let (role, text) = match &state.health.fault {
        Some(why) => {
            let key = state.key(Action::HealthRefresh);
            (Role::Bad, format!("The board cannot be read: {}. What is not known is not well. {key} tries again.", SafeText::line(why)))
        }
        None => (Role::Dim, format!("reading {}", state.glyphs.ellipsis)),
    };
    let lines = wrap(&[Piece::new(role, &text)], width(state), 0);
    put_lines(state, buffer, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..inside(area) }, &lines);
}

/// A line's history.
fn opened(state: &State, buffer: &mut Buffer, area: Rect) {
    let Some(opened) = &state.health.opened else { return };
    let rows = usize::from(area.height.saturating_sub(1));
    let top = opened.top.min(opened.lines.len().saturating_sub(rows));
    let until = (top + rows).min(opened.lines.len());
    put_lines(
        state,
        buffer,
        Rect { height: area.height.saturating_sub(1), ..inside(area) },
        opened.lines.get(top..until).unwrap_or_default(),
    );
    let last = inside(Rect { y: area.bottom().saturating_sub(1), height: 1, ..area });
    let more = more(state, opened.lines.len().saturating_sub(until));
    if let Some(job) = super::care::line(state, width(state).saturating_sub(columns(&more))) {
        put_lines(state, buffer, last, &[job]);
    }
    to_the_right(state, buffer, last, &[(Role::Border, more)]);
}
