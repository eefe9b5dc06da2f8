//! The gauges' tab on the screen: the span, the numbers beside each other or one below the other, the calls behind one, a call. From the state alone.

use super::span::{Kind, Span};
use super::{act, calls};
use crate::base::{SafeText, clock};
use crate::console::action::Action;
use crate::console::draw::{clip, columns, layout, put, put_lines};
use crate::console::state::State;
use crate::console::text::{Piece, wrap};
use crate::console::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines above the first call: what they are, and the names of the columns.
pub(super) const HEADING: u16 = 2;
/// From this width on numbers and table stand side by side.
const SIDE_BY_SIDE: u16 = 130;

/// Where the parts of the tab are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub status: Rect,
    /// Everything below the status.
    pub whole: Rect,
    /// The numbers and the budgets; on a narrow screen everything.
    pub left: Rect,
    /// Beside them, where there is room for it.
    pub chart: Rect,
    /// The table below both; without columns where one side holds everything.
    pub right: Rect,
}

/// The places for a size. Pure arithmetic, so that a click finds what was drawn.
pub(super) fn places(state: &State) -> Places {
    let body = layout(state.width, state.height).body;
    let status = Rect { height: 1.min(body.height), ..body };
    let whole = Rect { y: body.y + status.height, height: body.height - status.height, ..body };
    if body.width < SIDE_BY_SIDE {
        let none = Rect { width: 0, ..whole };
        return Places { status, whole, left: whole, chart: none, right: none };
    }
    let width = (body.width * 4 / 7).clamp(78, 110);
    // The numbers have the rows that they need, as far as the table keeps a third.
    let needed = state.gauges.sides.first().map_or(0, Vec::len) + 1;
    let rows = u16::try_from(needed).unwrap_or(u16::MAX).min(whole.height * 2 / 3);
    let above = Rect { height: rows, ..whole };
    Places {
        status,
        whole,
        left: Rect { width, ..above },
        chart: Rect { x: whole.x + width, width: whole.width - width, ..above },
        right: Rect { y: whole.y + rows, height: whole.height - rows, ..whole },
    }
}

/// Lines of what can be moved in.
pub(super) fn rows(state: &State) -> usize {
    let places = places(state);
    let above = if state.gauges.opened.is_none() && state.gauges.calls.is_some() { HEADING } else { 0 };
    usize::from(places.whole.height.saturating_sub(above))
}

/// The columns of the text of a call.
pub(super) fn width(state: &State) -> usize {
    usize::from(places(state).whole.width).saturating_sub(2)
}

/// Draw the tab.
pub(in crate::console) fn draw(state: &mut State, buffer: &mut Buffer) {
    let places = places(state);
    status(state, buffer, places.status);
    if state.gauges.opened.is_some() {
        opened(state, buffer, places.whole);
    } else if state.gauges.calls.is_some() {
        calls::draw(state, buffer, places.whole);
    } else if state.gauges.sides.iter().all(Vec::is_empty) {
        empty(state, buffer, places.whole);
    } else {
        numbers(state, buffer, places);
    }
}

/// The kinds of spans, which one it is, and whether it goes on.
fn status(state: &State, buffer: &mut Buffer, area: Rect) {
    let tab = &state.gauges;
    let theme = &state.theme;
    let mut x = area.x;
    let room = |x: u16| area.right().saturating_sub(x);
    for kind in Kind::ALL {
        // One's own span is named where there is one.
        if kind == Kind::Custom && tab.span.kind != Kind::Custom {
            continue;
        }
        let is_here = kind == tab.span.kind;
        let (before, behind) = if is_here { ("[", "]") } else { (" ", " ") };
        let role = if is_here { Role::Heading } else { Role::Dim };
        x = put(buffer, x, area.y, room(x), &format!("{before}{}{behind}", kind.word()), theme.style(role));
    }
    let now = tab.figures.as_ref().map_or(state.now, |figures| figures.at);
    x = put(buffer, x + 1, area.y, room(x + 1), &tab.span.words(now), theme.style(Role::Text));
    let (role, text) = standing(state, tab.span);
    let width = u16::try_from(columns(&text)).unwrap_or(0);
    if x + width < area.right() {
        put(buffer, area.right() - width, area.y, width, &text, theme.style(role));
    }
}

/// Whether the numbers go on, stand still, or are of the past.
fn standing(state: &State, span: Span) -> (Role, String) {
    let tab = &state.gauges;
    let time = |at: i64| clock::local(at).get(11..16).unwrap_or_default().to_owned();
    match (&tab.fault, span.is_live(), tab.paused) {
        (Some(_), ..) => (Role::ErrorToast, format!(" {} CANNOT BE READ ", state.glyphs.block)),
        (None, false, _) => (Role::Paused, " THE PAST ".to_owned()),
        (None, true, Some(since)) => (Role::Paused, format!(" PAUSED {} ", time(since))),
        (None, true, None) => (Role::Dim, tab.figures.as_ref().map_or_else(String::new, |figures| format!(" live {} ", time(figures.at)))),
    }
}

/// How many of so many lines are shown in so many rows: where they do not fit, the last row says how many are below.
fn shown(lines: usize, height: u16) -> usize {
    let rows = usize::from(height);
    if lines > rows { rows.saturating_sub(1) } else { rows }
}

/// Both sides, each scrolled to where the cursor is.
fn numbers(state: &mut State, buffer: &mut Buffer, places: Places) {
    let here = act::place(state);
    for (side, area) in [places.left, places.right].into_iter().enumerate() {
        let rows = shown(state.gauges.sides.get(side).map_or(0, Vec::len), area.height);
        let Some(lines) = state.gauges.sides.get(side).map(Vec::len) else { continue };
        let Some(top) = state.gauges.tops.get_mut(side) else { continue };
        if let Some((_, line, _)) = here.filter(|(known, ..)| *known == side) {
            // The number at hand is kept in view; a heading above it with it.
            if line <= *top + 1 {
                *top = line.saturating_sub(2);
            } else if rows > 0 && line >= *top + rows {
                *top = line + 1 - rows;
            }
        }
        *top = (*top).min(lines.saturating_sub(rows.max(1)));
    }
    let state = &*state;
    let inside = Rect { x: places.chart.x + 1, width: places.chart.width.saturating_sub(2), ..places.chart };
    let chart: Vec<_> = state.gauges.chart.iter().map(|line| line.pieces.clone()).collect();
    put_lines(state, buffer, inside, &chart);
    for (side, area) in [places.left, places.right].into_iter().enumerate().filter(|(_, area)| area.width > 0) {
        let (lines, top) = (&state.gauges.sides[side], state.gauges.tops[side]);
        let inside = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let rows = shown(lines.len(), area.height);
        let pieces: Vec<_> = lines.iter().skip(top).take(rows).map(|line| line.pieces.clone()).collect();
        put_lines(state, buffer, inside, &pieces);
        below(state, buffer, area, lines.len().saturating_sub(top + rows));
        let Some((_, line, cell)) = here.filter(|(known, line, _)| *known == side && *line >= top) else { continue };
        let (Some(cell), Ok(row)) = (lines.get(line).and_then(|line| line.cells.get(cell)), u16::try_from(line - top)) else { continue };
        if row >= area.height {
            continue;
        }
        put(buffer, area.x, area.y + row, 1, state.glyphs.selection, state.theme.style(Role::Accent));
        let column = |column: usize| u16::try_from(column).unwrap_or(u16::MAX).min(inside.width);
        let (from, to) = (column(cell.from), column(cell.to));
        buffer.set_style(Rect { x: inside.x + from, y: area.y + row, width: to - from, height: 1 }, state.theme.style(Role::Selection));
    }
}

/// How many lines are below what is shown.
fn below(state: &State, buffer: &mut Buffer, area: Rect, count: usize) {
    if count == 0 || area.height == 0 {
        return;
    }
    let text = format!(" {} {count} more ", state.glyphs.down);
    let width = u16::try_from(columns(&text)).unwrap_or(0);
    put(buffer, area.right().saturating_sub(width), area.bottom() - 1, width, &text, state.theme.style(Role::Border));
}

/// What stands there without numbers.
fn empty(state: &State, buffer: &mut Buffer, area: Rect) {
    let tab = &state.gauges;
    let width = usize::from(area.width).saturating_sub(2);
    let mut lines = Vec::new();
    let mut add = |role, text: &str| lines.extend(wrap(&[Piece::new(role, text)], width, 1));
    match (&tab.fault, &tab.figures) {
        (Some(why), _) => {
            let key = state.key(Action::GaugesRefresh);
            add(Role::Bad, &format!("The ledger cannot be read: {}. {key} tries again.", SafeText::line(why)));
        }
        (None, None) => add(Role::Dim, &format!("reading {}", state.glyphs.ellipsis)),
        (None, Some(_)) => {
            add(Role::Text, "No model was called yet: the ledger is empty.");
            add(Role::Text, "");
            add(
                Role::Dim,
                "Calls come in while an agent runs (`quarterdeck agent run`), and from logs (`quarterdeck import calls FILE`). They stand here at once.",
            );
        }
    }
    put_lines(state, buffer, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }, &lines);
}

/// One call.
fn opened(state: &State, buffer: &mut Buffer, area: Rect) {
    let Some(opened) = &state.gauges.opened else { return };
    let inside = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    match &opened.about {
        None => {
            let text = format!("reading {}", state.glyphs.ellipsis);
            put(buffer, inside.x, inside.y, inside.width, &text, state.theme.style(Role::Dim));
        }
        Some(Err(why)) => {
            let text = clip(SafeText::line(why).as_str(), usize::from(inside.width));
            put(buffer, inside.x, inside.y, inside.width, &text, state.theme.style(Role::Bad));
        }
        Some(Ok(_)) => {
            let rows = shown(opened.lines.len(), area.height);
            let until = (opened.top + rows).min(opened.lines.len());
            put_lines(state, buffer, inside, opened.lines.get(opened.top..until).unwrap_or_default());
            below(state, buffer, area, opened.lines.len().saturating_sub(until));
        }
    }
}
