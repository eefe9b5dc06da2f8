//! The saved searches: choose one, save the one that was asked, take one away.

use super::layer::{Asked, Layer};
use super::{act, request};
use crate::console::action::Action;
use crate::console::layers;
use crate::console::memory::{self, Change, MOST_SAVED};
use crate::console::request::Request;
use crate::console::state::{Asked as Line, Layer as Over, State};
use crate::console::text::{Piece, Pieces, wrap};
use crate::console::theme::Role;
use crossterm::event::{KeyCode, KeyEvent};

/// The keys of the list, for the footer.
pub(super) const KEYS: [(&str, &str); 5] = [("j/k", "choose"), ("enter", "ask"), ("s", "save this one"), ("x", "remove"), ("esc", "back")];

/// A key of the list that does not move in it.
pub(super) fn key(state: &mut State, key: KeyEvent, at: usize) -> Vec<Request> {
    let chosen = state.memory.searches.saved.iter().nth(at).map(|(name, text)| (name.clone(), text.clone()));
    match (key.code, chosen) {
        (KeyCode::Enter, Some((_, text))) => {
            state.layers.pop();
            act::chosen(state, &text)
        }
        (KeyCode::Char('x'), Some((name, _))) => {
            state.say(format!("the search {name} is removed"), false);
            change(state, Change::Remove { name })
        }
        (KeyCode::Char('s'), _) => {
            ask_name(state);
            Vec::new()
        }
        (KeyCode::Char('f'), _) => {
            state.layers.pop();
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn ask_name(state: &mut State) {
    if state.search.field.is_blank() {
        state.say(format!("nothing is asked that could be saved; {} types a question", state.key(Action::SearchField)), false);
    } else if let Some(fault) = &state.search.fault {
        let why = format!("a search that is not understood is not saved: {fault}");
        state.say(why, true);
    } else {
        layers::ask(state, Line::Search(Asked::Name), "");
    }
}

/// The name of the search was typed.
pub(super) fn named(state: &mut State, typed: &str) -> Vec<Request> {
    let name = memory::name(typed);
    let saved = &state.memory.searches.saved;
    if name.is_empty() {
        layers::ask(state, Line::Search(Asked::Name), "");
        state.say("a saved search needs a name", true);
        return Vec::new();
    }
    if saved.len() >= MOST_SAVED && !saved.contains_key(&name) {
        state.say(format!("{MOST_SAVED} searches are saved, more are not kept; remove one first"), true);
        return Vec::new();
    }
    let place = saved.range(..name.clone()).count();
    let filter = state.search.field.text().trim().to_owned();
    let until = if state.memory.store.keeps() { "" } else { ", until you leave the sandbox" };
    state.say(format!("saved as {name}{until}"), false);
    if let Some(Over::Search(Layer::Saved { at })) = state.layers.last_mut() {
        *at = place;
    }
    change(state, Change::Save { name, filter })
}

fn change(state: &mut State, change: Change) -> Vec<Request> {
    state.memory.searches.change(change.clone());
    vec![Request::Search(request::Request::Keep { store: state.memory.store.clone(), change })]
}

/// The list as lines.
pub(super) fn lines(state: &State, at: usize, width: usize) -> Vec<Pieces> {
    let saved = &state.memory.searches.saved;
    if saved.is_empty() {
        let text =
            "No search is saved yet. Ask one, as `rivers kind:belief since:7d`, come back here and press s: it is kept under a name.";
        return wrap(&[Piece::new(Role::Dim, text)], width, 0);
    }
    let at = at.min(saved.len() - 1);
    let widest = saved.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let one = |(row, (name, text)): (usize, (&String, &String))| {
        let (marker, role) = if row == at { (">", Role::Selection) } else { (" ", Role::Text) };
        let asked = if *text == state.search.field.text().trim() { "  (asked now)" } else { "" };
        vec![Piece::new(role, &format!(" {marker} {name:<widest$} ")), Piece::new(Role::Dim, &format!(" {text}{asked}"))]
    };
    saved.iter().enumerate().map(one).collect()
}
