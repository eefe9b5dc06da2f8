//! What comes back to the search tab.

use super::ask::{self, Why, look_again};
use super::request::Reply;
use super::{Focus, Key, Shown, export, layer};
use crate::console::layers;
use crate::console::request::Request;
use crate::console::state::{Asked, State};
use crate::search::{Answer, Followed, Term};

/// An answer for the tab.
pub(in crate::console) fn answer(state: &mut State, reply: Reply) -> Vec<Request> {
    match reply {
        Reply::Asked { text, terms, generation, why, result } => {
            state.search.under_way = state.search.under_way.saturating_sub(1);
            let mut requests = if generation == state.search.generation { asked(state, text, terms, why, result) } else { Vec::new() };
            requests.extend(ask::put_off(state));
            requests
        }
        Reply::Looked { key, result } => {
            if state.search.preview.about.as_ref() == Some(&key) {
                state.search.preview.looked = Some(result);
                super::act::lay_out(state);
            }
            Vec::new()
        }
        Reply::Following(progress) => followed(state, progress),
        Reply::Followed(result) => over(state, result),
        Reply::Exported { target, result } => {
            match result {
                Ok(count) => state.say(format!("{count} results are written to {}", target.name), false),
                Err(export::Refused::Exists) => {
                    layers::ask(state, Asked::Search(layer::Asked::Export), &target.name);
                    state.say(format!("{} exists already and stays as it is: choose another name", target.name), true);
                }
                Err(export::Refused::Failed(why)) => state.say(why, true),
            }
            Vec::new()
        }
        Reply::Kept { change, result } => {
            match result {
                Ok(Some(saved)) => state.memory.searches.settled(&change, saved),
                Ok(None) => {}
                Err(why) => state.say(why, true),
            }
            Vec::new()
        }
    }
}

fn asked(state: &mut State, text: String, terms: Vec<Term>, why: Why, result: Result<Answer, String>) -> Vec<Request> {
    let answer = match result {
        Ok(answer) => answer,
        Err(fault) => {
            state.search.paging = false;
            state.search.trouble = Some(fault);
            return Vec::new();
        }
    };
    state.search.trouble = None;
    let shown = Shown::of(text, terms, answer);
    match why {
        Why::Next => append(state, shown),
        Why::Typed if state.search.moved => announce(state, shown),
        Why::Changed if state.search.focus != Focus::Field => announce(state, shown),
        Why::Typed | Why::Changed => replace(state, shown),
    }
}

/// The results as they are now. The document at hand keeps its place on the screen.
pub(super) fn replace(state: &mut State, shown: Shown) -> Vec<Request> {
    let tab = &mut state.search;
    let row = tab.at().map_or(0, |at| at.saturating_sub(tab.top));
    tab.waiting = None;
    tab.shown = shown;
    let kept = tab.chosen.as_ref().and_then(|chosen| tab.shown.hits.iter().position(|hit| chosen.is(hit)));
    match kept {
        Some(at) => tab.top = at.saturating_sub(row),
        None => (tab.chosen, tab.top) = (None, 0),
    }
    if tab.focus != Focus::Field && tab.shown.hits.is_empty() {
        tab.focus = Focus::Field;
    }
    let mut requests = ask::look(state);
    if requests.is_empty() {
        // The same document, but maybe not the same text.
        requests = look_again(state);
    }
    requests
}

/// A newer answer, while a person looks at the one before: what did not move is taken up, the rest is told.
fn announce(state: &mut State, shown: Shown) -> Vec<Request> {
    if shown.is_alike(&state.search.shown) {
        return replace(state, shown);
    }
    state.search.waiting = Some(Box::new(shown));
    Vec::new()
}

fn append(state: &mut State, shown: Shown) -> Vec<Request> {
    let tab = &mut state.search;
    tab.paging = false;
    tab.shown.next = shown.next;
    let known: Vec<Key> = tab.shown.hits.iter().map(Key::of).collect();
    tab.shown.hits.extend(shown.hits.into_iter().filter(|hit| !known.iter().any(|known| known.is(hit))));
    for note in shown.notes {
        if !tab.shown.notes.contains(&note) {
            tab.shown.notes.push(note);
        }
    }
    Vec::new()
}

/// A look at the changes came on, or is over.
fn followed(state: &mut State, followed: Followed) -> Vec<Request> {
    let following = &mut state.search.following;
    let taken = followed.written + followed.removed;
    let is_new = taken > following.taken;
    following.taken = taken;
    (following.to_fill, following.to_embed, following.notes) = (followed.to_fill, followed.to_embed, followed.notes);
    if is_new && !state.search.field.is_blank() { ask::ask(state, Why::Changed) } else { Vec::new() }
}

fn over(state: &mut State, result: Result<Followed, String>) -> Vec<Request> {
    state.search.following.is_under_way = false;
    let mut requests = match result {
        Ok(last) => {
            state.search.following.trouble = None;
            followed(state, last)
        }
        Err(why) => {
            if state.search.following.trouble.as_ref() != Some(&why) {
                state.search.following.trouble = Some(why.clone());
                state.say(format!("what is new cannot be taken into the search: {why}"), true);
            }
            return Vec::new();
        }
    };
    if state.search.following.again {
        requests.extend(ask::follow(state));
    }
    requests
}
