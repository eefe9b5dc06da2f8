//! What comes back to the queue's tab.

use super::act::{lay_out, list, open_case};
use crate::console::action::Action;
use crate::console::layers;
use crate::console::request::{Decision, Reply, Request, Seen};
use crate::console::state::State;
use crate::moderation::{Item, State as Stage};

/// An answer for the queue.
pub(in crate::console) fn answer(state: &mut State, reply: Reply) -> Vec<Request> {
    match reply {
        Reply::List { generation, .. } if generation != state.queue.generation => Vec::new(),
        Reply::List { lines, more, continued, .. } => {
            state.queue.loading = false;
            state.queue.more = more;
            if continued {
                state.queue.lines.extend(lines);
                return Vec::new();
            }
            let place = state.queue.at().unwrap_or(0);
            state.queue.lines = lines;
            if state.queue.at().is_none() {
                state.queue.selected = None;
                state.queue.select(place.min(state.queue.lines.len().saturating_sub(1)));
                if state.queue.lines.is_empty() {
                    state.queue.case = None;
                    state.queue.case_lines.clear();
                }
            }
            open_case(state)
        }
        Reply::Case(case) => {
            if Some(&case.item.id) == state.queue.selected.as_ref() {
                state.queue.case = Some(case);
                lay_out(state);
            }
            Vec::new()
        }
        Reply::Gone { id, why } => {
            state.queue.remove(&id);
            state.say(why, true);
            open_case(state)
        }
        Reply::Decided { seen, decision, result } => decided(state, seen, &decision, result),
        // The shell has taken what is its own.
        _ => Vec::new(),
    }
}

fn decided(state: &mut State, seen: Seen, decision: &Decision, result: Result<Box<Item>, String>) -> Vec<Request> {
    state.queue.busy.remove(&seen.id);
    let mut requests = Vec::new();
    match result {
        Ok(item) => {
            let short = crate::base::short(&item.id);
            match decision {
                Decision::Claim => {}
                Decision::Approve | Decision::ApproveUnread if item.state == Stage::Pending => {
                    state.say(format!("{short} approved by you; a second person has to approve it too"), false);
                }
                Decision::Approve | Decision::ApproveUnread => {
                    let leaves = item.not_before.map(|at| crate::base::clock::duration((at - state.now).max(0))).unwrap_or_default();
                    state.approved.push(Seen { persona: item.persona_id.clone(), id: item.id.clone(), version: item.version });
                    state.say(format!("{short} approved, leaves in {leaves}; {} takes it back", state.key(Action::Undo)), false);
                }
                Decision::Undo => {
                    state.say(format!("{short} taken back; nothing has left"), false);
                    requests.extend(list(state));
                }
                other => state.say(format!("{short} {}", other.done()), false),
            }
            if state.queue.selected.as_deref() == Some(&item.id) {
                requests.push(Request::Case { persona: item.persona_id.clone(), id: item.id.clone() });
            }
        }
        Err(why) => {
            state.say(why, true);
            if let Decision::Edit { case, text } = decision {
                // What was typed is not lost.
                layers::open_editor(state, (**case).clone(), text);
            }
            // It is looked at again as it is now, where it was.
            state.queue.selected = Some(seen.id.clone());
            requests.extend(list(state));
        }
    }
    requests
}
