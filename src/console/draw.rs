//! The screen, from the state alone: no reads, no clock, nothing that grows with the data.

mod bars;
mod list;
mod over;
mod parts;

use super::action::Action;
use super::state::State;
use super::tabs::Name;
use super::theme::Role;
pub(super) use bars::{bar, key_at};
use parts::put_pieces;
pub(super) use parts::{clip, columns, put};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Smallest screen that is drawn.
const LEAST: (u16, u16) = (60, 16);
/// From this width on list and case stand side by side.
const SIDE_BY_SIDE: u16 = 100;

/// Where the parts of the screen are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub tabs: Rect,
    /// What the tab has.
    pub body: Rect,
    pub list: Rect,
    pub case: Rect,
    pub footer: Rect,
}

/// The places for a size. Pure arithmetic, so that a click finds what was drawn.
pub(super) fn layout(width: u16, height: u16) -> Places {
    let body = Rect::new(0, 1, width, height.saturating_sub(3));
    let (list, case) = if width >= SIDE_BY_SIDE {
        let columns = (width * 2 / 5).clamp(44, 80);
        (Rect { width: columns, ..body }, Rect { x: columns, width: width - columns, ..body })
    } else {
        let rows = (body.height / 3).clamp(4, 9).min(body.height);
        (Rect { height: rows, ..body }, Rect { y: body.y + rows, height: body.height - rows, ..body })
    };
    let footer = Rect::new(0, height.saturating_sub(2), width, 2.min(height));
    Places { tabs: Rect::new(0, 0, width, 1.min(height)), body, list, case, footer }
}

/// Whether the screen has no room for the deck: then nothing of it is shown, and no key decides anything.
pub(super) fn is_too_small(state: &State) -> bool {
    state.width < LEAST.0 || state.height < LEAST.1
}

/// Draw everything.
pub(super) fn draw(state: &mut State, frame: &mut Frame<'_>) {
    let area = frame.area();
    (state.width, state.height) = (area.width, area.height);
    let buffer = frame.buffer_mut();
    // The ground of a theme that brings its own.
    buffer.set_style(area, state.theme.style(Role::Text));
    if is_too_small(state) {
        let words = format!("{} by {} is too small: make it {} by {} or larger", area.width, area.height, LEAST.0, LEAST.1);
        let keys = if state.is_stopped() {
            format!("ALL SENDING IS STOPPED; {} quits", state.key(Action::Quit))
        } else {
            format!("{} stops all sending, {} quits", state.key(Action::KillSwitch), state.key(Action::Quit))
        };
        let middle = area.y + area.height / 2;
        for (y, words, role) in [(middle, words, Role::Warning), (middle + 1, keys, Role::Dim)] {
            put(buffer, area.x, y, area.width, &words, state.theme.style(role));
        }
        return;
    }
    let places = layout(area.width, area.height);
    bars::top(state, buffer, places.tabs);
    let mut field = None;
    match state.tab {
        Name::Beliefs => super::beliefs::draw::draw(state, buffer),
        Name::Queue => {
            list::list(state, buffer, places.list);
            parts::case(state, buffer, places.case);
        }
        Name::Gauges => super::gauges::draw::draw(state, buffer),
        Name::Health => super::health::draw::draw(state, buffer),
        Name::Search => field = super::search::draw::draw(state, buffer),
    }
    bars::footer(state, buffer, places.footer);
    let cursor = over::draw(state, frame).or(field);
    if let Some((x, y)) = cursor {
        frame.set_cursor_position((x, y));
    }
}

/// Draw lines of pieces from the top of an area.
pub(super) fn put_lines(state: &State, buffer: &mut Buffer, area: Rect, lines: &[super::text::Pieces]) {
    for (row, line) in lines.iter().take(usize::from(area.height)).enumerate() {
        put_pieces(state, buffer, area.x, area.y + u16::try_from(row).unwrap_or(0), area.width, line);
    }
}
