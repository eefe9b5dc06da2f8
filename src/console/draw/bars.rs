//! The bar of tabs with the state of the deck on top, and the footer: what was said, and the keys that matter now.

use super::over;
use super::parts::{clip, columns, put};
use crate::base::clock;
use crate::console::action::Action;
use crate::console::request::mode_word;
use crate::console::state::{PATIENCE, State, TICK};
use crate::console::tabs::Name;
use crate::console::theme::Role;
use crate::moderation::Mode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::ops::Range;

/// Which columns of the first line belong to which tab.
pub(in crate::console) fn bar(state: &State) -> Vec<(Name, Range<u16>)> {
    let mut from = 0;
    Name::ALL
        .iter()
        .map(|name| {
            let width = columns(name.title()) + 2 + name.badge(state).map_or(0, |badge| columns(&badge) + 1);
            let to = from + u16::try_from(width).unwrap_or(u16::MAX);
            (*name, std::mem::replace(&mut from, to)..to)
        })
        .collect()
}

pub(super) fn top(state: &State, buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    let mut end = area.x;
    for (name, place) in bar(state) {
        let is_open = name == state.tab;
        let x = area.x + place.start;
        let role = if is_open { Role::Heading } else { Role::Dim };
        // The open tab is told by more than its colour.
        let (before, behind) = if is_open && Name::ALL.len() > 1 { ("[", "]") } else { (" ", " ") };
        end = put(buffer, x, area.y, area.right().saturating_sub(x), &format!("{before}{}", name.title()), theme.style(role)).max(end);
        if let Some(badge) = name.badge(state) {
            end = put(buffer, end, area.y, area.right().saturating_sub(end), &format!(" {badge}"), theme.style(Role::Badge)).max(end);
        }
        end = put(buffer, end, area.y, area.right().saturating_sub(end), behind, theme.style(role)).max(end);
    }
    let right = status(state, usize::from(area.right().saturating_sub(end + 1)));
    let width: usize = right.iter().map(|(_, text)| columns(text)).sum();
    let mut at = area.right().saturating_sub(u16::try_from(width).unwrap_or(area.width)).max(end + 1);
    for (role, text) in right {
        at = put(buffer, at, area.y, area.right().saturating_sub(at), &text, theme.style(role));
    }
}

/// The state of the deck in as many words as there is room for: what protects goes last.
fn status(state: &State, room: usize) -> Vec<(Role, String)> {
    let persona = state
        .persona
        .as_ref()
        .and_then(|id| state.overview.personas.iter().find(|persona| persona.id == *id))
        .map_or_else(|| "all personas".to_owned(), |persona| format!("u/{}", persona.reddit_username));
    let agents = match state.overview.agents {
        0 => "no agent runs".to_owned(),
        1 => "an agent runs".to_owned(),
        count => format!("{count} agents run"),
    };
    let (mode_role, mode) = match (state.is_stopped(), state.mode) {
        (true, _) => (Role::Paused, "ALL SENDING IS STOPPED"),
        (false, Mode::Live) => (Role::Live, mode_word(state.mode)),
        (false, _) => (Role::Sandbox, mode_word(state.mode)),
    };
    let time = crate::base::clock::local(state.now);
    let unread = (state.unread > 0).then(|| (Role::ErrorToast, format!(" ! {} ", state.unread)));
    let reads = state.read_only.then(|| (Role::Paused, " READ-ONLY ".to_owned()));
    let always = [(mode_role, format!(" {mode} ")), (Role::Dim, format!(" {} ", time.get(11..16).unwrap_or_default()))];
    let budget = state.overview.budgets.first().map(|(name, percent)| {
        let role = if *percent >= 100 { Role::Bad } else { Role::Warning };
        (role, format!(" {} {percent}% spent ", clip(name, 12)))
    });
    let always: Vec<(Role, String)> = unread.into_iter().chain(budget).chain(reads).chain(always).collect();
    let needed: usize = always.iter().map(|(_, text)| columns(text)).sum();
    let optional = [format!("{persona}  {agents}  "), format!("{persona}  "), format!("{}  ", clip(&persona, 12))];
    let fits = optional.into_iter().find(|text| needed + columns(text) <= room);
    fits.map(|text| (Role::Dim, text)).into_iter().chain(always).collect()
}

pub(super) fn footer(state: &State, buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    if let Some(said) = state.toast() {
        let role = if said.is_error { Role::ErrorToast } else { Role::Toast };
        let text = if said.is_error { format!("{} {}", state.glyphs.block, said.text) } else { said.text.clone() };
        put(buffer, area.x, area.y, area.width, &clip(&text, usize::from(area.width)), theme.style(role));
    } else if let Some(waited) = state.waits.length(state.now).filter(|waited| *waited >= PATIENCE) {
        let signs = state.glyphs.spinner;
        let turn = usize::try_from(waited / TICK).unwrap_or(0) % signs.len();
        let long = if waited < 2_000 { String::new() } else { format!(", {}", clock::duration(waited)) };
        let text = format!("{} waiting for the database{long}", signs.get(turn).copied().unwrap_or_default());
        put(buffer, area.x, area.y, area.width, &text, theme.style(Role::Warning));
    } else if state.tab == Name::Queue && state.queue.is_stale {
        let text = crate::console::queue::list::announcement(state);
        put(buffer, area.x, area.y, area.width, &text, theme.style(Role::Accent));
    }
    for (place, key, title, _) in hints(state, area) {
        let x = put(buffer, place.start, area.y + 1, area.right() - place.start, &key, theme.style(Role::Key));
        put(buffer, x, area.y + 1, area.right() - x, &format!(" {title}  "), theme.style(Role::Dim));
    }
}

/// The keys in the footer with their columns, as many as fit.
fn hints(state: &State, area: Rect) -> Vec<(Range<u16>, String, &'static str, Option<Action>)> {
    let mut from = area.x;
    let mut all = Vec::new();
    for (key, title, action) in over::keys(state) {
        let width = u16::try_from(columns(&key) + columns(title) + 3).unwrap_or(u16::MAX);
        if from.saturating_add(width) > area.right() {
            break;
        }
        all.push((from..from + width, key, title, action));
        from += width;
    }
    all
}

/// The action whose key stands in this column of the last line.
pub(in crate::console) fn key_at(state: &State, column: u16) -> Option<Action> {
    let area = super::layout(state.width, state.height).footer;
    hints(state, area).into_iter().find(|(place, ..)| place.contains(&column)).and_then(|(.., action)| action)
}
