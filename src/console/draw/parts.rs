//! The case, and how text is put into cells.

use super::put_lines;
use crate::base::SafeText;
use crate::console::queue::{Focus, View};
use crate::console::state::{PATIENCE, State};
use crate::console::text::Pieces;
use crate::console::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr as _;

/// Columns of a text.
pub(in crate::console) fn columns(text: &str) -> usize {
    text.width()
}

/// Text cut to so many columns, with an ellipsis where it was cut.
pub(in crate::console) fn clip(text: &str, width: usize) -> String {
    SafeText::clipped(text, width).as_str().to_owned()
}

/// Put safe text into cells; returns the column after it.
pub(in crate::console) fn put(buffer: &mut Buffer, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
    if width == 0 || y >= buffer.area.bottom() || x >= buffer.area.right() {
        return x;
    }
    buffer.set_stringn(x, y, text, usize::from(width), style).0
}

/// Put the pieces of a line into cells.
pub(super) fn put_pieces(state: &State, buffer: &mut Buffer, mut x: u16, y: u16, width: u16, pieces: &Pieces) {
    let end = x.saturating_add(width);
    for piece in pieces {
        x = put(buffer, x, y, end.saturating_sub(x), piece.text(), state.theme.style(piece.role));
    }
}

pub(super) fn case(state: &State, buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    let has_focus = state.queue.focus == Focus::Case;
    let stroke = state.glyphs.border.horizontal_top;
    let border = theme.style(if has_focus { Role::BorderFocused } else { Role::Border });
    let view = match state.queue.view {
        View::Whole => "case",
        View::Rules => "what the rules found",
        View::Beliefs => "beliefs",
        View::Thread => "thread",
        View::Difference => "difference",
    };
    let title = match state.queue.line() {
        Some(item) => format!("{stroke} {} {view} ", crate::base::short(&item.id)),
        None => stroke.to_owned(),
    };
    let rule = stroke.repeat(usize::from(area.width));
    put(buffer, area.x, area.y, area.width, &rule, border);
    put(buffer, area.x, area.y, area.width, &title, border);
    // Another case than the chosen one is shown no longer than a person needs to notice.
    let is_shown = state.queue.open_case().is_some() || state.waits.length(state.now).is_some_and(|waited| waited < PATIENCE);
    let lines = if is_shown { state.queue.case_lines.as_slice() } else { &[] };
    let inside = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(1) };
    let from = state.queue.case_top.min(lines.len());
    put_lines(state, buffer, inside, lines.get(from..).unwrap_or_default());
    let below = lines.len().saturating_sub(from + usize::from(inside.height));
    if below > 0 {
        let text = format!(" {below} more lines ");
        let width = u16::try_from(text.width()).unwrap_or(0);
        put(buffer, area.right().saturating_sub(width + 1), area.y, width, &text, border);
    }
}
