//! The results as lines: what each is, where and when it was said, and why it is here.

use super::act;
use super::draw::Places;
use crate::base::SafeText;
use crate::console::draw::{clip, columns, put};
use crate::console::state::State;
use crate::console::theme::{Glyphs, Role};
use crate::search::{Hit, Kind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Cells of the bar of a similarity.
const BAR: usize = 4;

/// The sign of a kind: a shape of its own, whatever the colour.
pub(super) fn sign(kind: Kind, glyphs: &Glyphs) -> &'static str {
    let (unicode, ascii) = match kind {
        Kind::Interaction => ("»", "\""),
        Kind::Belief => ("◆", "*"),
        Kind::Stance => ("◇", "o"),
        Kind::QueueItem => ("□", "#"),
        Kind::Decision => ("✓", "+"),
        Kind::Runbook => ("≡", "="),
        Kind::Note => ("¶", "~"),
    };
    if glyphs.ellipsis.is_ascii() { ascii } else { unicode }
}

/// The short word of a kind.
pub(super) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Interaction => "said",
        Kind::Belief => "belief",
        Kind::Stance => "stance",
        Kind::QueueItem => "item",
        Kind::Decision => "decision",
        Kind::Runbook => "runbook",
        Kind::Note => "note",
    }
}

/// A similarity as a bar.
pub(super) fn bar(similarity: f32, glyphs: &Glyphs) -> String {
    // At most BAR, and NaN is nothing: the cast saturates.
    let full = ((similarity.clamp(0.0, 1.0) * BAR as f32).round() as usize).min(BAR);
    let (on, off) = if glyphs.ellipsis.is_ascii() { ("#", ".") } else { ("█", "░") };
    format!("{}{}", on.repeat(full), off.repeat(BAR - full))
}

/// A bar and a number in nine columns, or as many blanks.
fn nearness(hit: &Hit, glyphs: &Glyphs) -> String {
    match hit.reason.similarity {
        Some(similarity) => format!("{} {similarity:.2}", bar(similarity, glyphs)),
        None => String::new(),
    }
}

/// An age in its largest unit: `40s`, `12m`, `3h`, `9d`.
pub(super) fn age(millis: i64) -> String {
    match millis.max(0) / 1_000 {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// Where it belongs: a place, or whose it is.
fn place(hit: &Hit) -> String {
    match &hit.subreddit {
        Some(place) => format!("r/{}", SafeText::line(place)),
        None => act::owner(hit).unwrap_or_default(),
    }
}

/// The results that are in view.
pub(super) fn draw(state: &State, buffer: &mut Buffer, places: &Places, has_focus: bool) {
    let area = places.list;
    let rows = usize::from(area.height / places.rows_each);
    let at = state.search.at();
    for (row, (index, hit)) in state.search.shown.hits.iter().enumerate().skip(state.search.top).take(rows).enumerate() {
        let y = area.y + u16::try_from(row).unwrap_or(0) * places.rows_each;
        let one = Rect { y, height: places.rows_each, ..area };
        let is_here = at == Some(index);
        let here = if is_here { state.glyphs.selection } else { " " };
        put(buffer, one.x, one.y, 1, here, state.theme.style(Role::Accent));
        if places.rows_each > 1 {
            high(state, buffer, one, hit)
        } else {
            flat(state, buffer, one, hit)
        }
        if is_here {
            // Last, so that its letters are the ones that can be read on its ground.
            buffer.set_style(one, state.theme.style(if has_focus { Role::Selection } else { Role::SelectionUnfocused }));
        }
    }
}

/// The sign and the word of a kind; returns the column behind them.
fn kind(state: &State, buffer: &mut Buffer, area: Rect, hit: &Hit) -> u16 {
    let text = format!("{} {:<9}", sign(hit.kind, &state.glyphs), word(hit.kind));
    put(buffer, area.x + 1, area.y, area.width.saturating_sub(1), &text, state.theme.style(Role::Badge))
}

/// Text that ends at the right border of an area; returns the column before it.
fn put_right(buffer: &mut Buffer, area: Rect, text: &str, style: ratatui::style::Style) -> u16 {
    let width = u16::try_from(columns(text)).unwrap_or(area.width).min(area.width);
    let x = area.right() - width;
    put(buffer, x, area.y, width, text, style);
    x
}

/// A result on one line.
fn flat(state: &State, buffer: &mut Buffer, area: Rect, hit: &Hit) {
    let theme = &state.theme;
    let x = kind(state, buffer, area, hit);
    let near = format!(" {:>9} {:>4} ", nearness(hit, &state.glyphs), age(state.now - hit.at));
    let mut end = put_right(buffer, area, &near, theme.style(Role::Dim));
    // What does not fit is in the preview.
    let side = |x: u16, end: u16| Rect { x, width: end.saturating_sub(x), height: 1, ..area };
    let words = clip(&hit.reason.words.join(" "), 16);
    let where_it_is = clip(&place(hit), 12);
    for (text, role) in [(words, Role::Accent), (where_it_is, Role::Link)] {
        if !text.is_empty() && end.saturating_sub(x) > 38 {
            end = put_right(buffer, side(x, end), &format!(" {text}"), theme.style(role));
        }
    }
    let room = end.saturating_sub(x);
    put(buffer, x, area.y, room, &clip(hit.title.as_str(), usize::from(room)), theme.style(Role::Text));
}

/// A result on two lines.
fn high(state: &State, buffer: &mut Buffer, area: Rect, hit: &Hit) {
    let theme = &state.theme;
    let x = kind(state, buffer, area, hit);
    let first = Rect { x, width: area.right().saturating_sub(x), height: 1, ..area };
    let end = put_right(buffer, first, &format!(" {:>4} ", age(state.now - hit.at)), theme.style(Role::Dim));
    let room = end.saturating_sub(x);
    put(buffer, x, area.y, room, &clip(hit.title.as_str(), usize::from(room)), theme.style(Role::Text));
    let second = Rect { y: area.y + 1, ..first };
    let end = put_right(buffer, second, &format!(" {} ", nearness(hit, &state.glyphs)), theme.style(Role::Dim));
    let room = |x: u16| usize::from(end.saturating_sub(x));
    let after = put(buffer, x, second.y, end.saturating_sub(x), &format!("{}  ", clip(&place(hit), room(x) / 2)), theme.style(Role::Link));
    put(buffer, after, second.y, end.saturating_sub(after), &clip(&hit.reason.words.join(" "), room(after)), theme.style(Role::Accent));
}
