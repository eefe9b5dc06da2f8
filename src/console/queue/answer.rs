//! What comes back to the queue's tab.

use super::act::open_case;
use super::{decide, list};
use crate::console::layers;
use crate::console::request::{Reply, Request};
use crate::console::state::State;

/// An answer for the queue.
pub(in crate::console) fn answer(state: &mut State, reply: Reply) -> Vec<Request> {
    match reply {
        Reply::List { generation, .. } if generation != state.queue.generation => Vec::new(),
        Reply::List { part, from, .. } => {
            let mut requests = if list::came(state, part, &from) { open_case(state) } else { Vec::new() };
            requests.extend(list::go_on(state));
            requests
        }
        Reply::Case(case) => {
            let id = case.item.id.clone();
            decide::case_came(state, case);
            let is_awaited = state.queue.edits_when_read.take_if(|wanted| *wanted == id).is_some();
            if is_awaited && state.layers.is_empty() { layers::edit(state) } else { Vec::new() }
        }
        Reply::Gone { id, why } => {
            state.queue.remove(&id);
            state.say(why, true);
            open_case(state)
        }
        Reply::Decided { seen, decision, result } => decide::decided(state, seen, &decision, result),
        // The shell has taken what is its own.
        _ => Vec::new(),
    }
}
