//! What comes back to the health tab.

use super::request::{Reply, Request as Own};
use super::{act, drill, refresh};
use crate::console::request::Request;
use crate::console::state::State;

/// An answer for the tab.
pub(in crate::console) fn answer(state: &mut State, reply: Reply) -> Vec<Request> {
    match reply {
        Reply::Board { generation, result, .. } => {
            if generation != state.health.generation {
                return Vec::new();
            }
            state.health.reading = false;
            match result {
                Ok(board) => {
                    state.health.fault = None;
                    let again = reads_again(state, &board);
                    state.health.board = Some(board);
                    act::lay_out(state);
                    again
                }
                Err(why) => {
                    state.health.fault = Some(why);
                    Vec::new()
                }
            }
        }
        Reply::History { id, generation, result } => {
            if let Some(opened) = &mut state.health.opened
                && opened.id == id
                && opened.generation == generation
            {
                opened.history = Some(result);
                drill::lay_out(state);
            }
            Vec::new()
        }
        Reply::Progress { number, progress } => {
            let now = state.now;
            if let Some(job) = state.health.jobs.iter_mut().find(|job| job.number == number) {
                job.told(progress, now);
            }
            Vec::new()
        }
        Reply::Cared { number, result } => {
            let now = state.now;
            if let Some(job) = state.health.jobs.iter_mut().find(|job| job.number == number) {
                job.ended = Some((now, result));
            }
            if let Some(job) = state.health.jobs.iter().find(|job| job.number == number).cloned() {
                // The line of messages has a sign of its own for what went wrong.
                let (text, is_bad) = if job.is_bad() { (job.sentence(state), true) } else { (job.words(state).1, false) };
                state.say(crate::base::SafeText::line(&text).as_str(), is_bad);
            }
            drill::lay_out(state);
            let mut requests = vec![Request::Overview { persona: state.persona.clone() }];
            requests.extend(refresh::read(state));
            requests
        }
        Reply::Noted { result } => {
            match result {
                Ok(()) => state.say("noted: it stands among what changed", false),
                Err(why) => state.say(why, true),
            }
            match state.health.opened.as_ref().map(|opened| opened.id.clone()) {
                Some(id) => drill::read(state, id),
                None => Vec::new(),
            }
        }
    }
}

/// The line that was gone into was looked at again: its history has grown.
fn reads_again(state: &mut State, board: &crate::watch::board::Board) -> Vec<Request> {
    let Some(id) = state.health.opened.as_ref().map(|opened| opened.id.clone()) else { return Vec::new() };
    let looked_at = |board: &crate::watch::board::Board| board.line(&id).map(|line| (line.last_at, line.since, line.status));
    let before = state.health.board.as_deref().and_then(looked_at);
    if looked_at(board) == before {
        return Vec::new();
    }
    state.health.begun += 1;
    let generation = state.health.begun;
    if let Some(opened) = &mut state.health.opened {
        opened.generation = generation;
    }
    let since = board.line(&id).and_then(|line| line.since);
    vec![Request::Health(Own::History { id, since, generation })]
}
