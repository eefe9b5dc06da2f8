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

/// Letters of the name of a tab that is not open, where there is no room for all of them.
const SHORT: usize = 3;

/// Which columns of the first line belong to which tab, and what stands there of its name.
fn titles(state: &State) -> Vec<(Name, &'static str, Range<u16>)> {
    let all = |is_short: bool| -> Vec<(Name, &'static str, Range<u16>)> {
        let mut from = 0;
        let one = |name: &Name| {
            let whole = name.title();
            let title = if is_short && *name != state.tab { whole.get(..SHORT).unwrap_or(whole) } else { whole };
            let width = columns(title) + 2 + name.badge(state).map_or(0, |badge| columns(&badge) + 1);
            let to = from + u16::try_from(width).unwrap_or(u16::MAX);
            (*name, title, std::mem::replace(&mut from, to)..to)
        };
        Name::ALL.iter().map(one).collect()
    };
    let whole = all(false);
    let end = whole.last().map_or(0, |(_, _, place)| usize::from(place.end));
    // What protects is never cut: names of tabs are, before it.
    if end + 1 + width_of(&protects(state, true)) > usize::from(state.width) { all(true) } else { whole }
}

/// Which columns of the first line belong to which tab.
pub(in crate::console) fn bar(state: &State) -> Vec<(Name, Range<u16>)> {
    titles(state).into_iter().map(|(name, _, place)| (name, place)).collect()
}

pub(super) fn top(state: &State, buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    let mut end = area.x;
    for (name, title, place) in titles(state) {
        let is_open = name == state.tab;
        let x = area.x + place.start;
        let role = if is_open { Role::Heading } else { Role::Dim };
        // The open tab is told by more than its colour.
        let (before, behind) = if is_open && Name::ALL.len() > 1 { ("[", "]") } else { (" ", " ") };
        end = put(buffer, x, area.y, area.right().saturating_sub(x), &format!("{before}{title}"), theme.style(role)).max(end);
        if let Some(badge) = name.badge(state) {
            end = put(buffer, end, area.y, area.right().saturating_sub(end), &format!(" {badge}"), theme.style(Role::Badge)).max(end);
        }
        end = put(buffer, end, area.y, area.right().saturating_sub(end), behind, theme.style(role)).max(end);
    }
    let right = status(state, usize::from(area.right().saturating_sub(end + 1)));
    let width = width_of(&right);
    let mut at = area.right().saturating_sub(u16::try_from(width).unwrap_or(area.width)).max(end + 1);
    for (role, text) in right {
        at = put(buffer, at, area.y, area.right().saturating_sub(at), &text, theme.style(role));
    }
}

/// Pieces of the state of the deck.
type Parts = Vec<(Role, String)>;

fn width_of(parts: &[(Role, String)]) -> usize {
    parts.iter().map(|(_, text)| columns(text)).sum()
}

/// What protects: whether anything is sent, and whether anything can be changed from here.
fn protects(state: &State, is_short: bool) -> Parts {
    let reads = state.read_only.then(|| (Role::Paused, if is_short { " RO " } else { " READ-ONLY " }.to_owned()));
    let (role, mode) = match (state.is_stopped(), state.mode) {
        (true, _) => (Role::Paused, if is_short { "STOPPED" } else { "ALL SENDING IS STOPPED" }),
        (false, Mode::Live) => (Role::Live, mode_word(state.mode)),
        (false, _) => (Role::Sandbox, mode_word(state.mode)),
    };
    reads.into_iter().chain([(role, format!(" {mode} "))]).collect()
}

/// The state of the deck in as many words as there is room for: the clock goes first, then how much was not read, then the budget, then the
/// long words; what protects stays.
fn status(state: &State, room: usize) -> Parts {
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
    let time = crate::base::clock::local(state.now);
    let time = (Role::Dim, format!(" {} ", time.get(11..16).unwrap_or_default()));
    let unread = (state.unread > 0).then(|| (Role::ErrorToast, format!(" ! {} ", state.unread)));
    let budget = state.overview.budgets.first().map(|(name, percent)| {
        let role = if *percent >= 100 { Role::Bad } else { Role::Warning };
        (role, format!(" {} {percent}% spent ", clip(name, 12)))
    });
    let with = |left_out: usize| -> Parts {
        let unread = unread.clone().filter(|_| left_out < 2);
        let budget = budget.clone().filter(|_| left_out < 3);
        let time = (left_out < 1).then(|| time.clone());
        unread.into_iter().chain(budget).chain(protects(state, left_out > 3)).chain(time).collect()
    };
    let always = (0..4).map(with).find(|parts| width_of(parts) <= room).unwrap_or_else(|| with(4));
    let needed = width_of(&always);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::search::tests::state as fresh;
    use crate::moderation::pauses::Pause;

    fn first_line(state: &State) -> String {
        let area = Rect::new(0, 0, state.width, 1);
        let mut buffer = Buffer::empty(area);
        top(state, &mut buffer, area);
        (0..state.width).map(|x| buffer[(x, 0)].symbol()).collect::<String>()
    }

    #[test]
    fn what_protects_stands_whole_in_the_first_line_however_narrow_it_is() {
        let mut state = fresh();
        let pause = Pause { scope: "*".into(), paused_at: 0, paused_by: "ana".into(), until: None, reason: "x".into() };
        state.overview.pauses = vec![pause];
        state.overview.budgets = vec![("the whole deck".into(), 80)];
        (state.overview.waiting, state.overview.suggestions, state.unread) = (123, 45, 3);
        for tab in Name::ALL {
            state.tab = *tab;
            for width in 60..=140 {
                for read_only in [false, true] {
                    (state.width, state.read_only) = (width, read_only);
                    let line = first_line(&state);
                    assert!(line.contains(" ALL SENDING IS STOPPED ") || line.contains(" STOPPED "), "{width}: {line}");
                    assert!(!read_only || line.contains(" READ-ONLY ") || line.contains(" RO "), "{width}: {line}");
                    // Whatever stands there is whole, and a click finds the tab that it hits.
                    let open = format!("[{}", tab.title());
                    assert!(line.contains(&open), "{width}: {line}");
                    let place = bar(&state).into_iter().find(|(name, _)| name == tab).unwrap().1;
                    assert_eq!(line.chars().nth(usize::from(place.start)), Some('['));
                }
            }
        }
        (state.width, state.read_only) = (140, false);
        assert!(first_line(&state).contains("ALL SENDING IS STOPPED"));
    }
}
