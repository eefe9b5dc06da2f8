//! The list, the case, and how text is put into cells.

use super::put_lines;
use crate::base::SafeText;
use crate::console::queue::case::verdict;
use crate::console::queue::{Focus, View};
use crate::console::state::State;
use crate::console::text::Pieces;
use crate::console::theme::Role;
use crate::moderation::listing::{Line, Sort};
use crate::moderation::{State as Stage, Verdict};
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

pub(super) fn list(state: &mut State, buffer: &mut Buffer, area: Rect) {
    let rows = usize::from(area.height.saturating_sub(1));
    let at = state.queue.at().unwrap_or(0);
    // The item at hand is kept in view; nothing else moves.
    if at < state.queue.top {
        state.queue.top = at;
    } else if rows > 0 && at >= state.queue.top + rows {
        state.queue.top = at + 1 - rows;
    }
    let state = &*state;
    heading(state, buffer, area);
    let has_focus = state.queue.focus == Focus::List;
    if state.queue.lines.is_empty() {
        let text = empty(state);
        let lines =
            crate::console::text::wrap(&[crate::console::text::Piece::new(Role::Dim, &text)], usize::from(area.width).saturating_sub(2), 1);
        put_lines(state, buffer, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }, &lines);
        return;
    }
    for (row, line) in state.queue.lines.iter().skip(state.queue.top).take(rows).enumerate() {
        let y = area.y + 1 + u16::try_from(row).unwrap_or(0);
        let is_here = state.queue.selected.as_ref() == Some(&line.id);
        one(state, buffer, Rect { y, height: 1, ..area }, line, is_here, has_focus);
    }
}

/// Why the list is empty, and what to do.
fn empty(state: &State) -> String {
    use crate::console::action::Action;
    if state.queue.loading {
        return "reading …".to_owned();
    }
    if !state.queue.filter.is_empty() {
        return format!("nothing fits this filter; {} takes it away", state.key(Action::Back));
    }
    if state.overview.agents == 0 {
        return "Nothing waits for you, and no agent runs here. `quarterdeck agent run` starts one; what it drafts appears here by itself."
            .to_owned();
    }
    "Nothing waits for you. What the agents draft appears here by itself.".to_owned()
}

fn heading(state: &State, buffer: &mut Buffer, area: Rect) {
    let queue = &state.queue;
    let sort = match queue.sort {
        Sort::Oldest => "oldest first",
        Sort::Newest => "newest first",
        Sort::Expiry => "first to expire",
    };
    let marked = if queue.marked.is_empty() { String::new() } else { format!("  {} marked", queue.marked.len()) };
    let more = if queue.more { "+" } else { "" };
    let text = match (&queue.filter_fault, queue.filter.is_empty()) {
        (Some(fault), _) => format!(" ! {fault}"),
        (None, true) => format!(" {}{more} items, {sort}{marked}", queue.lines.len()),
        (None, false) => format!(" {}{more} of {}: {}{marked}", queue.lines.len(), sort, queue.filter),
    };
    let role = if queue.filter_fault.is_some() { Role::Bad } else { Role::Dim };
    put(buffer, area.x, area.y, area.width, &clip(&text, usize::from(area.width)), state.theme.style(role));
}

/// One line of the list: mark, age, verdict, state, place, and the first words.
fn one(state: &State, buffer: &mut Buffer, area: Rect, line: &Line, is_here: bool, has_focus: bool) {
    let theme = &state.theme;
    let paint = |role: Role| theme.style(role);
    let marked = state.queue.marked.contains_key(&line.id);
    let here = if is_here { state.glyphs.selection } else { " " };
    put(buffer, area.x, area.y, 1, here, paint(Role::Accent));
    let mut x = put(buffer, area.x + 1, area.y, 2, if marked { "* " } else { "  " }, paint(Role::Accent)).max(area.x + 2);
    let age = brief((state.now - line.created_at).max(0));
    x = put(buffer, x, area.y, 5, &format!("{age:>4} "), paint(Role::Dim)).max(x + 5);
    let (role, word) = verdict(line.verdict);
    let sign = match line.verdict {
        Verdict::Allow => state.glyphs.check,
        Verdict::Review => state.glyphs.warning,
        Verdict::Block => state.glyphs.block,
    };
    x = put(buffer, x, area.y, 10, &format!("{sign} {word:<8}"), paint(role));
    let stage = stage(state, line);
    if !stage.is_empty() {
        x = put(buffer, x, area.y, area.right().saturating_sub(x), &format!("{stage} "), paint(Role::Pending));
    }
    let place = clip(&format!("r/{}", line.target_subreddit), 16);
    x = put(buffer, x, area.y, area.right().saturating_sub(x), &format!("{place} "), paint(Role::Link));
    let room = usize::from(area.right().saturating_sub(x));
    if room > 3 {
        put(buffer, x, area.y, area.right().saturating_sub(x), &clip(SafeText::line(&line.preview).as_str(), room), paint(Role::Text));
    }
    if is_here {
        // Last, so that its letters are the ones that can be read on its ground.
        buffer.set_style(area, theme.style(if has_focus { Role::Selection } else { Role::SelectionUnfocused }));
    }
}

/// What a line says beside its verdict: who has it, how long it waits.
fn stage(state: &State, line: &Line) -> String {
    if let Some(busy) = state.queue.busy.get(&line.id) {
        return format!("{busy} …");
    }
    match (line.state, &line.lease_holder, line.not_before) {
        (Stage::Claimed, Some(holder), _) if line.lease_until.is_some_and(|until| until > state.now) => {
            if *holder == state.me {
                "yours".to_owned()
            } else {
                format!("with {}", clip(holder, 12))
            }
        }
        (Stage::Scheduled, _, Some(at)) if at > state.now => format!("leaves in {}", brief(at - state.now)),
        (Stage::Pending | Stage::Claimed, ..) => String::new(),
        (other, ..) => other.to_string(),
    }
}

/// An age in its largest unit: `40s`, `12m`, `3h`, `9d`.
fn brief(millis: i64) -> String {
    match millis / 1_000 {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
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
    let lines = &state.queue.case_lines;
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
