//! The list: its heading, its lines, and below them what is about to leave and can still be taken back.

use super::parts::{clip, columns, put};
use super::put_lines;
use crate::base::SafeText;
use crate::console::action::Action;
use crate::console::queue::Focus;
use crate::console::queue::case::verdict;
use crate::console::queue::columns::Column;
use crate::console::state::State;
use crate::console::text::{Piece, wrap};
use crate::console::theme::Role;
use crate::moderation::listing::{Line, Sort};
use crate::moderation::{State as Stage, Verdict};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines of what leaves, at most.
const MOST_LEAVING: usize = 3;

pub(super) fn list(state: &mut State, buffer: &mut Buffer, area: Rect) {
    let below = leaving(state, buffer, area);
    let area = Rect { height: area.height.saturating_sub(below), ..area };
    let rows = usize::from(area.height.saturating_sub(1));
    let at = state.queue.at().unwrap_or(0);
    // The item at hand is kept in view; nothing else moves.
    if at < state.queue.top {
        state.queue.top = at;
    } else if rows > 0 && at >= state.queue.top + rows {
        state.queue.top = at + 1 - rows;
    }
    // No empty place is shown below while there are lines above.
    state.queue.top = state.queue.top.min(state.queue.lines.len().saturating_sub(rows.max(1)));
    let state = &*state;
    heading(state, buffer, area);
    if state.queue.lines.is_empty() {
        let text = empty(state);
        let lines = wrap(&[Piece::new(Role::Dim, &text)], usize::from(area.width).saturating_sub(2), 1);
        put_lines(state, buffer, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }, &lines);
        return;
    }
    let several = state.persona.is_none() && state.overview.personas.len() > 1;
    let targets = state.queue.lines.iter().map(|line| line.target_subreddit.len() + 3).max().unwrap_or(0);
    let targets = u16::try_from(targets).unwrap_or(u16::MAX);
    let shown = state.queue.columns.fitting(area.width, several);
    let columns: Vec<(Column, u16)> = shown
        .into_iter()
        .map(|column| (column, if column == Column::Target { column.width().min(targets) } else { column.width() }))
        .collect();
    for (row, line) in state.queue.lines.iter().skip(state.queue.top).take(rows).enumerate() {
        let y = area.y + 1 + u16::try_from(row).unwrap_or(0);
        one(state, buffer, Rect { y, height: 1, ..area }, line, &columns);
    }
}

/// Why the list is empty, and what to do.
fn empty(state: &State) -> String {
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
    let is_part = queue.more || queue.above;
    // The whole is not counted line by line; without a filter the status line knows it.
    let count = if is_part { queue.lines.len().max(state.overview.waiting) } else { queue.lines.len() };
    let more = if is_part { "+" } else { "" };
    let text = match (&queue.filter_fault, queue.filter.is_empty()) {
        (Some(fault), _) => format!(" ! {}", SafeText::line(fault)),
        (None, true) => format!(" {}, {sort}{marked}", items(count, "")),
        (None, false) => format!(" {}, {sort}, filtered: {}{marked}", items(queue.lines.len(), more), SafeText::line(&queue.filter)),
    };
    let role = if queue.filter_fault.is_some() { Role::Bad } else { Role::Dim };
    let x = put(buffer, area.x, area.y, area.width, &clip(&text, usize::from(area.width)), state.theme.style(role));
    if queue.is_stale && queue.news > 0 {
        let news = format!("  {} new", queue.news);
        put(buffer, x, area.y, area.right().saturating_sub(x), &news, state.theme.style(Role::Accent));
    }
}

/// One line of the list: mark, columns, and the first words.
fn one(state: &State, buffer: &mut Buffer, area: Rect, line: &Line, shown: &[(Column, u16)]) {
    let theme = &state.theme;
    let is_here = state.queue.selected.as_ref() == Some(&line.id);
    let marked = state.queue.marked.contains_key(&line.id);
    let here = if is_here { state.glyphs.selection } else { " " };
    put(buffer, area.x, area.y, 1, here, theme.style(Role::Accent));
    put(buffer, area.x + 1, area.y, 2, if marked { "* " } else { "  " }, theme.style(Role::Accent));
    let mut x = area.x + 3;
    for (column, width) in shown {
        let (role, text) = cell(state, line, *column);
        let room = (*width).min(area.right().saturating_sub(x));
        put(buffer, x, area.y, room, &clip(&text, usize::from(width.saturating_sub(1))), theme.style(role));
        x += width;
    }
    let stage = stage(state, line, false);
    if shown.iter().all(|(column, _)| *column != Column::State) && state.queue.columns.shows(Column::State) && !stage.is_empty() {
        x = put(buffer, x, area.y, area.right().saturating_sub(x), &format!("{stage} "), theme.style(Role::Pending));
    }
    let room = usize::from(area.right().saturating_sub(x));
    if room > 3 {
        put(buffer, x, area.y, area.right().saturating_sub(x), &clip(&line.preview, room), theme.style(Role::Text));
    }
    if is_here {
        // Last, so that its letters are the ones that can be read on its ground.
        let has_focus = state.queue.focus == Focus::List;
        buffer.set_style(area, theme.style(if has_focus { Role::Selection } else { Role::SelectionUnfocused }));
    }
}

fn cell(state: &State, line: &Line, column: Column) -> (Role, String) {
    match column {
        Column::Age => (Role::Dim, format!("{:>4}", brief((state.now - line.created_at).max(0)))),
        Column::Verdict => {
            let (role, word) = verdict(line.verdict);
            let sign = match line.verdict {
                Verdict::Allow => state.glyphs.check,
                Verdict::Review => state.glyphs.warning,
                Verdict::Block => state.glyphs.block,
            };
            (role, format!("{sign} {word}"))
        }
        Column::State => {
            let text = stage(state, line, true);
            (if line.state == Stage::Pending { Role::Dim } else { Role::Pending }, text)
        }
        Column::Persona => {
            let persona = state.overview.personas.iter().find(|persona| persona.id == line.persona_id);
            (Role::Text, persona.map(|persona| format!("u/{}", persona.reddit_username)).unwrap_or_default())
        }
        Column::Target => (Role::Link, format!("r/{}", line.target_subreddit)),
    }
}

/// Where a line stands: who has it, when it leaves. What merely waits is told only where there is a column for it.
fn stage(state: &State, line: &Line, in_full: bool) -> String {
    if let Some(busy) = state.queue.busy.get(&line.id) {
        return format!("{busy} {}", state.glyphs.ellipsis);
    }
    match (line.state, &line.lease_holder, line.not_before) {
        (Stage::Claimed, Some(holder), _) if line.lease_until.is_some_and(|until| until > state.now) => {
            if *holder == state.me {
                "yours".to_owned()
            } else {
                format!("with {}", clip(holder, 12))
            }
        }
        (Stage::Scheduled, _, Some(at)) if at > state.now => format!("leaves {}", brief(at - state.now)),
        (Stage::Scheduled, ..) => "leaves now".to_owned(),
        (Stage::Pending | Stage::Claimed, ..) if in_full => "waits".to_owned(),
        (Stage::Pending | Stage::Claimed, ..) => String::new(),
        (other, ..) => other.to_string(),
    }
}

/// What this reviewer approved and can still take back, with how long that is, the last to leave first. Returns how many rows it takes.
fn leaving(state: &State, buffer: &mut Buffer, area: Rect) -> u16 {
    let waiting: Vec<&Line> = state.overview.leaving.iter().filter(|line| line.not_before.is_some_and(|at| at > state.now)).collect();
    // A list of few lines keeps most of them.
    let most = usize::from(area.height / 6).clamp(1, MOST_LEAVING);
    let rows = waiting.len().min(most);
    if rows == 0 {
        return 0;
    }
    let theme = &state.theme;
    let key = state.key(Action::Undo);
    for (row, line) in waiting.iter().take(rows).enumerate() {
        let y = area.bottom().saturating_sub(u16::try_from(rows - row).unwrap_or(1));
        let left = line.not_before.map(|at| brief(at - state.now + 999)).unwrap_or_default();
        let more = waiting.len() - rows;
        let hint = match (row, more) {
            (0, 0) => format!(" {key} takes it back "),
            (0, _) => format!(" {key} takes it back, {more} more "),
            _ => String::new(),
        };
        let words = u16::try_from(columns(&hint)).unwrap_or(0).min(area.width);
        let mut x = put(buffer, area.x, y, area.width, &format!(" leaves in {left:<4}"), theme.style(Role::Pending));
        x = put(buffer, x, y, area.right().saturating_sub(x), &format!("r/{} ", clip(&line.target_subreddit, 12)), theme.style(Role::Link));
        let room = area.right().saturating_sub(x + words);
        put(buffer, x, y, room, &clip(&line.preview, usize::from(room)), theme.style(Role::Dim));
        put(buffer, area.right() - words, y, words, &hint, theme.style(Role::Key));
    }
    u16::try_from(rows).unwrap_or(0)
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

/// How many, in words.
fn items(count: usize, more: &str) -> String {
    if count == 1 && more.is_empty() { "1 item".to_owned() } else { format!("{count}{more} items") }
}
