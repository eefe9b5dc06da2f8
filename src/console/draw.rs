//! The screen, from the state alone: no reads, no clock, nothing that grows with the data.

mod list;
mod over;
mod parts;

use super::state::State;
use super::theme::Role;
use parts::{clip, put, put_pieces};
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
    Places { tabs: Rect::new(0, 0, width, 1.min(height)), list, case, footer: Rect::new(0, height.saturating_sub(2), width, 2.min(height)) }
}

/// Draw everything.
pub(super) fn draw(state: &mut State, frame: &mut Frame<'_>) {
    let area = frame.area();
    (state.width, state.height) = (area.width, area.height);
    let buffer = frame.buffer_mut();
    // The ground of a theme that brings its own.
    buffer.set_style(area, state.theme.style(Role::Text));
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let words = format!("{} by {} is too small: make it {} by {} or larger", area.width, area.height, LEAST.0, LEAST.1);
        put(buffer, area.x, area.y + area.height / 2, area.width, &words, state.theme.style(Role::Warning));
        return;
    }
    let places = layout(area.width, area.height);
    tabs(state, buffer, places.tabs);
    list::list(state, buffer, places.list);
    parts::case(state, buffer, places.case);
    footer(state, buffer, places.footer);
    let cursor = over::draw(state, frame);
    if let Some((x, y)) = cursor {
        frame.set_cursor_position((x, y));
    }
}

fn tabs(state: &State, buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    let waiting = state.overview.waiting;
    let mut x = put(buffer, area.x, area.y, area.width, " Queue ", theme.style(Role::Heading));
    x = put(buffer, x, area.y, area.right().saturating_sub(x), &format!("{waiting} "), theme.style(Role::Badge));
    let persona = state
        .persona
        .as_ref()
        .and_then(|id| state.overview.personas.iter().find(|persona| persona.id == *id))
        .map_or_else(|| "all personas".to_owned(), |persona| format!("u/{}", persona.reddit_username));
    let (mode_role, mode) = match (state.is_stopped(), state.mode) {
        (true, _) => (Role::Paused, "ALL SENDING IS STOPPED".to_owned()),
        (false, crate::moderation::Mode::Live) => (Role::Live, super::request::mode_word(state.mode).to_owned()),
        (false, _) => (Role::Sandbox, super::request::mode_word(state.mode).to_owned()),
    };
    let agents = match state.overview.agents {
        0 => "no agent runs".to_owned(),
        1 => "an agent runs".to_owned(),
        count => format!("{count} agents run"),
    };
    let time = crate::base::clock::local(state.now);
    let time = time.get(11..16).unwrap_or_default();
    let right = [(Role::Dim, format!("{persona}  {agents}  ")), (mode_role, format!(" {mode} ")), (Role::Dim, format!("  {time} "))];
    let width: usize = right.iter().map(|(_, text)| parts::columns(text)).sum();
    let mut at = area.right().saturating_sub(u16::try_from(width).unwrap_or(area.width)).max(x + 1);
    for (role, text) in right {
        at = put(buffer, at, area.y, area.right().saturating_sub(at), &text, theme.style(role));
    }
}

fn footer(state: &State, buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    if let Some(said) = state.toast() {
        let role = if said.is_error { Role::ErrorToast } else { Role::Toast };
        let text = if said.is_error { format!("{} {}", state.glyphs.block, said.text) } else { said.text.clone() };
        put(buffer, area.x, area.y, area.width, &clip(&text, usize::from(area.width)), theme.style(role));
    } else if state.queue.is_stale {
        let text = super::queue::list::announcement(state);
        put(buffer, area.x, area.y, area.width, &text, theme.style(Role::Accent));
    }
    let mut x = area.x;
    for (key, title) in over::keys(state) {
        let needed = u16::try_from(parts::columns(&key) + parts::columns(title) + 3).unwrap_or(u16::MAX);
        if x + needed > area.right() {
            break;
        }
        x = put(buffer, x, area.y + 1, area.right() - x, &key, theme.style(Role::Key));
        x = put(buffer, x, area.y + 1, area.right() - x, &format!(" {title}  "), theme.style(Role::Dim));
    }
}

/// Draw lines of pieces from the top of an area.
fn put_lines(state: &State, buffer: &mut Buffer, area: Rect, lines: &[super::text::Pieces]) {
    for (row, line) in lines.iter().take(usize::from(area.height)).enumerate() {
        put_pieces(state, buffer, area.x, area.y + u16::try_from(row).unwrap_or(0), area.width, line);
    }
}
