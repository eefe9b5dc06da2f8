//! The search tab on the screen: the question, what is wrong or new, the results, the document at hand. From the state alone.

use super::{Focus, View, facets, list, words};
use crate::base::SafeText;
use crate::console::action::Action;
use crate::console::draw::{clip, columns, layout, put, put_lines};
use crate::console::state::State;
use crate::console::text::{Piece, wrap};
use crate::console::theme::Role;
use crate::search::Kind;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// What stands before the question.
const PROMPT: &str = " search: ";
/// Lines of the question and of what is said about it.
const ABOVE: u16 = 3;

/// Where the parts of the tab are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub field: Rect,
    /// Two lines: numbers, or what is wrong.
    pub status: Rect,
    pub list: Rect,
    pub preview: Rect,
    /// Lines of one result.
    pub rows_each: u16,
}

/// The places for a size. Pure arithmetic, so that a click finds what was drawn.
pub(super) fn places(width: u16, height: u16) -> Places {
    let whole = layout(width, height);
    let body = whole.body;
    let above = ABOVE.min(body.height);
    let below = Rect { y: body.y + above, height: body.height - above, ..body };
    let field = Rect { height: above.min(1), ..body };
    let status = Rect { y: body.y + field.height, height: above - field.height, ..body };
    if whole.list.width < body.width {
        let list = Rect { width: whole.list.width, ..below };
        let preview = Rect { x: whole.case.x, width: whole.case.width, ..below };
        return Places { field, status, list, preview, rows_each: 2 };
    }
    let rows = (below.height / 2).clamp(3, 14).min(below.height);
    let list = Rect { height: rows, ..below };
    let preview = Rect { y: below.y + rows, height: below.height - rows, ..below };
    Places { field, status, list, preview, rows_each: 1 }
}

/// How many results are in view.
pub(super) fn results(state: &State) -> usize {
    let places = places(state.width, state.height);
    usize::from(places.list.height / places.rows_each)
}

/// Draw the tab; returns where the cursor stands, when the field has the keys.
pub(in crate::console) fn draw(state: &mut State, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let places = places(state.width, state.height);
    let rows = usize::from(places.list.height / places.rows_each);
    // The document at hand is kept in view; nothing else moves.
    let at = state.search.at().unwrap_or(0);
    if at < state.search.top {
        state.search.top = at;
    } else if rows > 0 && at >= state.search.top + rows {
        state.search.top = at + 1 - rows;
    }
    let state = &*state;
    let cursor = field(state, buffer, places.field, places.status);
    if state.search.shown.hits.is_empty() {
        empty(state, buffer, places.list.union(places.preview));
    } else {
        list::draw(state, buffer, &places, state.search.focus == Focus::List);
        preview(state, buffer, places.preview);
    }
    (state.search.focus == Focus::Field && state.layers.is_empty()).then_some(cursor)
}

/// The part of a text that is in view, from so many columns on.
fn window(text: &str, skipped: usize, width: usize) -> String {
    let (mut column, mut shown) = (0, String::new());
    for letter in text.graphemes(true) {
        let end = column + letter.width();
        if column >= skipped && end <= skipped + width {
            shown.push_str(letter);
        }
        column = end;
    }
    shown
}

/// The question with what is to be said about it; returns the place of its cursor.
fn field(state: &State, buffer: &mut Buffer, area: Rect, status: Rect) -> (u16, u16) {
    let tab = &state.search;
    let has_focus = tab.focus == Focus::Field;
    let role = if has_focus { Role::Key } else { Role::Dim };
    let x = put(buffer, area.x, area.y, area.width, PROMPT, state.theme.style(role));
    let room = usize::from(area.right().saturating_sub(x + 1)).max(1);
    let skipped = tab.field.column().saturating_sub(room - 1);
    let text = window(tab.field.text(), skipped, room);
    if tab.field.text().is_empty() {
        put(
            buffer,
            x,
            area.y,
            area.right().saturating_sub(x),
            "words, \"a phrase\", begin*, -without, kind:belief since:7d",
            state.theme.style(Role::Dim),
        );
    } else {
        put(buffer, x, area.y, area.right().saturating_sub(x), &text, state.theme.style(Role::Text));
    }
    match &tab.fault {
        Some(fault) => {
            let before: String = tab.field.text().chars().take(fault.position).collect();
            let column = columns(&before).saturating_sub(skipped).min(room - 1);
            let caret = x + u16::try_from(column).unwrap_or(0);
            put(buffer, caret, status.y, 1, "^", state.theme.style(Role::Bad));
            let message = format!(" ! {}", SafeText::line(&fault.message));
            put(buffer, status.x, status.y + 1, status.width, &clip(&message, usize::from(status.width)), state.theme.style(Role::Bad));
        }
        None => said(state, buffer, status),
    }
    (x + u16::try_from(tab.field.column() - skipped).unwrap_or(0), area.y)
}

/// How many there are, what is new, what is still to come; below it the kinds.
fn said(state: &State, buffer: &mut Buffer, area: Rect) {
    let tab = &state.search;
    let line = |buffer: &mut Buffer, row: u16, parts: &[(Role, String)]| {
        let mut x = area.x + 1;
        for (role, text) in parts {
            let room = area.right().saturating_sub(x);
            x = put(buffer, x, area.y + row, room, &clip(&format!("{text}  "), usize::from(room)), state.theme.style(*role));
        }
    };
    let mut parts: Vec<(Role, String)> = Vec::new();
    if let Some(why) = &tab.trouble {
        parts.push((Role::Bad, format!("! {}", SafeText::line(why))));
    }
    if let Some(waiting) = &tab.waiting {
        let new = waiting.new_to(&tab.shown);
        let key = state.key(Action::SearchRefresh);
        let what = match new {
            0 => "the results have changed".to_owned(),
            1 => "1 new result".to_owned(),
            new => format!("{new} new results"),
        };
        parts.push((Role::Accent, format!("{what}; {key} shows {}", if new == 1 { "it" } else { "them" })));
    }
    if let Some(count) = tab.shown.count {
        let what = if count.to_string() == "1" { "result" } else { "results" };
        parts.push((Role::Text, format!("{count} {what}")));
        parts.push((Role::Dim, format!("{:.1} ms", tab.shown.took.as_secs_f64() * 1_000.0)));
    }
    if let Some(name) = state.persona.as_ref().and_then(|id| state.overview.personas.iter().find(|persona| persona.id == *id)) {
        parts.push((Role::Dim, format!("of u/{} only", SafeText::line(&name.reddit_username))));
    }
    parts.extend(progress(state).map(|text| (Role::Pending, text)));
    let notes = tab.shown.notes.iter().chain(&tab.following.notes);
    parts.extend(notes.map(|note| (Role::Warning, SafeText::line(note).to_string())));
    line(buffer, 0, &parts);
    let kinds: Vec<(Role, String)> = facets::kinds(&tab.shown.hits).into_iter().map(|(kind, count)| kind_of(state, kind, count)).collect();
    line(buffer, 1, &kinds);
}

/// A kind with how many of the results are of it; in brackets when the question asks for it.
fn kind_of(state: &State, kind: Kind, count: usize) -> (Role, String) {
    let more = if state.search.shown.next.is_some() { "+" } else { "" };
    let text = format!("{} {} {count}{more}", list::sign(kind, &state.glyphs), list::word(kind));
    match words::has(state.search.field.text(), words::Facet::Kind, kind.as_str()) {
        true => (Role::Accent, format!("[{text}]")),
        false => (Role::Dim, text),
    }
}

/// What the search has still to take in.
fn progress(state: &State) -> Option<String> {
    let following = &state.search.following;
    match (following.to_fill, following.to_embed) {
        (0, 0) => None,
        (0, vectors) => Some(format!("{vectors} texts wait for their meaning; their words are found already")),
        (rows, _) => Some(format!("{rows} rows of this database are still to be taken in")),
    }
}

/// What stands there without results.
fn empty(state: &State, buffer: &mut Buffer, area: Rect) {
    let tab = &state.search;
    let width = usize::from(area.width).saturating_sub(2);
    let mut lines = Vec::new();
    let mut text = |role, text: &str| lines.extend(wrap(&[Piece::new(role, text)], width, 1));
    if tab.field.is_blank() {
        text(
            Role::Dim,
            "Type what you look for: it is found by its words and by its meaning, in what was said, believed, drafted, decided and noted.",
        );
        text(Role::Text, "");
        for (sample, meaning) in [
            ("refund policy", "documents about it"),
            ("\"refund policy\"", "with these words in this order"),
            ("refund* -billing", "words that begin so, without a word"),
            ("kind:belief confidence>0.8", "beliefs that are held high"),
            ("kind:interaction kind:decision", "also: stance queue_item runbook note"),
            ("persona:Ada subreddit:rust is:pending", "of these only"),
            ("since:7d until:yesterday", "of a time"),
        ] {
            text(Role::Text, &format!("  {sample:<38}  {meaning}"));
        }
        let earlier: Vec<&String> = tab.history.iter().rev().take(5).collect();
        if !earlier.is_empty() {
            text(Role::Text, "");
            text(Role::Dim, "Earlier questions (up):");
            for question in earlier {
                text(Role::Text, &format!("  {}", clip(question, width.saturating_sub(4))));
            }
        }
    } else if tab.shown.count.is_some() && tab.fault.is_none() && tab.under_way == 0 {
        text(Role::Dim, "Nothing fits. Fewer words or filters find more; a word* finds what begins so.");
    }
    put_lines(state, buffer, Rect { y: area.y, ..area }, &lines);
}

/// The document at hand.
fn preview(state: &State, buffer: &mut Buffer, area: Rect) {
    let tab = &state.search;
    let has_focus = tab.focus == Focus::Preview;
    let stroke = state.glyphs.border.horizontal_top;
    let border = state.theme.style(if has_focus { Role::BorderFocused } else { Role::Border });
    let view = match tab.preview.view {
        View::Whole => "",
        View::Text => "text ",
        View::Thread => "thread ",
    };
    let rule = stroke.repeat(usize::from(area.width));
    put(buffer, area.x, area.y, area.width, &rule, border);
    if let Some(hit) = tab.hit() {
        let id = if hit.persona.is_some() { crate::base::short(&hit.id).to_owned() } else { clip(&hit.id, 40) };
        let title = format!("{stroke} {} {} {view}", list::word(hit.kind), SafeText::line(&id));
        put(buffer, area.x, area.y, area.width, &title, border);
    }
    let inside = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(1) };
    let lines = &tab.preview.lines;
    let from = tab.preview.top.min(lines.len());
    put_lines(state, buffer, inside, lines.get(from..).unwrap_or_default());
    let below = lines.len().saturating_sub(from + usize::from(inside.height));
    if below > 0 {
        let text = format!(" {below} more lines ");
        let width = u16::try_from(columns(&text)).unwrap_or(0);
        put(buffer, area.right().saturating_sub(width + 1), area.y, width, &text, border);
    }
}
