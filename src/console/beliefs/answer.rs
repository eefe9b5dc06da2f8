//! What comes back to the beliefs' tab.

use super::act::{detail_wanted, difference_wanted, lay_out, list, load};
use super::wish::{Change, Done};
use super::{Loaded, Reply, Request as Own, asked, moving};
use crate::console::action::Action;
use crate::console::request::Request;
use crate::console::state::State;
use std::sync::Arc;

/// An answer for the tab.
pub(in crate::console) fn answer(state: &mut State, reply: Reply) -> Vec<Request> {
    match reply {
        Reply::Graph { generation, .. } if generation != state.beliefs.generation => Vec::new(),
        Reply::Graph { result, .. } => {
            state.beliefs.loading = false;
            match result {
                Ok(Some(loaded)) => loaded_anew(state, *loaded),
                Ok(None) => Vec::new(),
                Err(why) => {
                    state.beliefs.fault = Some(why.clone());
                    state.say(format!("the beliefs cannot be read: {why}"), true);
                    Vec::new()
                }
            }
        }
        Reply::Detail { id, at, result } => {
            state.beliefs.asks_detail = false;
            let is_wanted = state.beliefs.selected.as_ref() == Some(&id) && state.beliefs.at == at;
            if !is_wanted {
                // Somebody went on meanwhile.
                return detail_wanted(state);
            }
            match result {
                Ok(detail) => {
                    let is_older = state.beliefs.row().is_some_and(|row| *row != detail.row);
                    state.beliefs.detail = Some(detail);
                    lay_out(state);
                    // It was asked for in a graph that has been read again since.
                    if is_older { detail_wanted(state) } else { Vec::new() }
                }
                Err(why) => {
                    state.say(why, true);
                    Vec::new()
                }
            }
        }
        Reply::Odds { graph, result } => {
            match (result, &mut state.beliefs.loaded) {
                (Ok(found), Some(loaded)) if Arc::ptr_eq(&loaded.graph, &graph) => {
                    loaded.contradictions = found;
                    list(state);
                }
                // Another graph is looked at by now.
                (Ok(_), _) => {}
                (Err(why), _) => state.say(format!("what is at odds cannot be told: {why}"), true),
            }
            Vec::new()
        }
        Reply::Difference { since, result } => {
            match result {
                Ok(found) => {
                    state.beliefs.difference = Some((since, found));
                    lay_out(state);
                }
                Err(why) => state.say(format!("what changed cannot be read: {why}"), true),
            }
            Vec::new()
        }
        Reply::Changed { change, result } => changed(state, &change, result),
    }
}

fn loaded_anew(state: &mut State, loaded: Loaded) -> Vec<Request> {
    let graph = Arc::clone(&loaded.graph);
    // What is known of the graph before stays until this one is looked through.
    let known = state.beliefs.loaded.take().map(|before| before.contradictions).unwrap_or_default();
    state.beliefs.loaded = Some(Loaded { contradictions: known, ..loaded });
    state.beliefs.difference = None;
    list(state);
    let mut requests = vec![Request::Beliefs(Own::Odds { graph })];
    requests.extend(difference_wanted(state));
    if state.beliefs.row().is_some() {
        lay_out(state);
        requests.extend(detail_wanted(state));
    } else {
        // The belief at hand is not there at that time, or nothing was at hand yet.
        let place = state.beliefs.top;
        state.beliefs.detail = None;
        let place = if place < state.beliefs.shown.len() { place } else { 0 };
        requests.extend(moving::select(state, place));
    }
    requests
}

fn changed(state: &mut State, change: &Change, result: Result<Done, String>) -> Vec<Request> {
    state.beliefs.busy = None;
    match result {
        Ok(done) => {
            let key = state.key(Action::BeliefUndo);
            let undo = if done.can_be_undone { format!("; {key} takes it back") } else { String::new() };
            state.say(format!("{} {}{undo}", asked::name(&change.title), done.words), false);
            if change.belief.is_empty() {
                state.beliefs.selected = Some(done.belief);
            }
        }
        Err(why) => {
            asked::again(state, change);
            state.say(why, true);
        }
    }
    load(state)
}
