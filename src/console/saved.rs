//! The saved filters: choose one, save the one in force, take one away.

use super::action::Action;
use super::layers;
use super::memory::{self, Change, MOST_SAVED};
use super::queue::act;
use super::request::Request;
use super::state::{Asked, Layer, State};
use super::text::{Piece, Pieces, wrap};
use super::theme::Role;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The keys of the layer, for the footer.
pub(super) const KEYS: [(&str, &str); 5] =
    [("j/k", "choose"), ("enter", "apply"), ("s", "save this one"), ("x", "remove"), ("esc", "back")];

/// A key while the list of saved filters is open.
pub(super) fn key(state: &mut State, key: KeyEvent) -> Vec<Request> {
    let last = state.memory.filters.saved.len().saturating_sub(1);
    let Some(Layer::Saved { at }) = state.layers.last_mut() else { return Vec::new() };
    *at = (*at).min(last);
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return Vec::new();
    }
    match key.code {
        KeyCode::Down | KeyCode::Char('j') => *at = (*at + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => *at = at.saturating_sub(1),
        KeyCode::Enter => {
            let chosen = state.memory.filters.saved.values().nth(*at).cloned();
            if let Some(filter) = chosen {
                state.layers.pop();
                state.queue.filter = filter;
                return act::list(state);
            }
        }
        KeyCode::Char('x') => {
            let chosen = state.memory.filters.saved.keys().nth(*at).cloned();
            if let Some(name) = chosen {
                *at = (*at).min(last.saturating_sub(1));
                state.say(format!("the filter {name} is removed"), false);
                return change(state, Change::Remove { name });
            }
        }
        KeyCode::Char('s') => ask_name(state),
        KeyCode::Esc | KeyCode::Char('q' | 'f') => drop(state.layers.pop()),
        _ => {}
    }
    Vec::new()
}

fn ask_name(state: &mut State) {
    if state.queue.filter.trim().is_empty() {
        state.say(format!("no filter is in force that could be saved; {} types one", state.key(Action::Filter)), false);
    } else if let Some(fault) = state.queue.filter_fault.clone() {
        state.say(format!("a filter that is not understood is not saved: {fault}"), true);
    } else {
        layers::ask(state, Asked::FilterName, "");
    }
}

/// The name of the filter in force was typed.
pub(super) fn named(state: &mut State, typed: &str) -> Vec<Request> {
    let name = memory::name(typed);
    if name.is_empty() {
        layers::ask(state, Asked::FilterName, "");
        state.say("a saved filter needs a name", true);
        return Vec::new();
    }
    if state.memory.filters.saved.len() >= MOST_SAVED && !state.memory.filters.saved.contains_key(&name) {
        state.say(format!("{MOST_SAVED} filters are saved, more are not kept; remove one first"), true);
        return Vec::new();
    }
    let filter = state.queue.filter.trim().to_owned();
    state.say(
        if state.memory.store.keeps() { format!("saved as {name}") } else { format!("saved as {name}, until you leave the sandbox") },
        false,
    );
    let place = state.memory.filters.saved.range(..name.clone()).count();
    if let Some(Layer::Saved { at }) = state.layers.last_mut() {
        *at = place;
    }
    change(state, Change::Save { name, filter })
}

fn change(state: &mut State, change: Change) -> Vec<Request> {
    state.memory.filters.change(change.clone());
    vec![Request::Keep { store: state.memory.store.clone(), change }]
}

/// The layer as lines.
pub(super) fn lines(state: &State, at: usize, width: usize) -> Vec<Pieces> {
    if state.memory.filters.saved.is_empty() {
        let text = format!(
            "No filter is saved yet. Type one with {}, as `verdict:review is:free`, come back here and press s: it is kept under a name.",
            state.key(Action::Filter)
        );
        return wrap(&[Piece::new(Role::Dim, &text)], width, 0);
    }
    let at = at.min(state.memory.filters.saved.len() - 1);
    let widest = state.memory.filters.saved.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let one = |(row, (name, filter)): (usize, (&String, &String))| {
        let (marker, role) = if row == at { (">", Role::Selection) } else { (" ", Role::Text) };
        let in_force = if *filter == state.queue.filter { "  (in force)" } else { "" };
        vec![Piece::new(role, &format!(" {marker} {name:<widest$} ")), Piece::new(Role::Dim, &format!(" {filter}{in_force}"))]
    };
    state.memory.filters.saved.iter().enumerate().map(one).collect()
}
