//! What comes back to the gauges' tab.

use super::request::Reply;
use super::{Asked, act, drill};
use crate::console::layers;
use crate::console::new_file::Refused;
use crate::console::request::Request;
use crate::console::state::{self, State};
use crate::console::tabs;

/// An answer for the tab.
pub(in crate::console) fn answer(state: &mut State, reply: Reply) -> Vec<Request> {
    match reply {
        Reply::Figures { generation, result, .. } => {
            if generation != state.gauges.generation {
                // Other numbers are wanted by now, and on their way.
                return Vec::new();
            }
            state.gauges.reading = false;
            match result {
                Ok(Some(figures)) => {
                    state.gauges.fault = None;
                    if state.gauges.paused.is_none() || state.gauges.figures.as_ref().is_none_or(|known| known.wanted != figures.wanted) {
                        state.gauges.figures = Some(figures);
                    }
                    act::lay_out(state);
                }
                Ok(None) => state.gauges.fault = None,
                Err(why) => {
                    if state.gauges.fault.as_ref() != Some(&why) {
                        state.say(format!("the gauges cannot be read: {why}"), true);
                    }
                    state.gauges.fault = Some(why);
                }
            }
            Vec::new()
        }
        Reply::Calls { generation, is_first, result } => {
            if state.gauges.calls.as_ref().is_none_or(|calls| calls.generation != generation) {
                return Vec::new();
            }
            match result {
                Ok(page) => drill::page(state, is_first, page),
                Err(why) => {
                    if let Some(calls) = &mut state.gauges.calls {
                        calls.reading = false;
                        calls.fault = Some(why.clone());
                    }
                    state.say(format!("the calls cannot be read: {why}"), true);
                }
            }
            Vec::new()
        }
        Reply::About { id, result } => {
            if state.gauges.opened.as_ref().is_some_and(|opened| opened.id == id) {
                if let Err(why) = &result {
                    state.say(why.clone(), true);
                }
                if let Some(opened) = &mut state.gauges.opened {
                    opened.about = Some(result);
                }
                drill::lay_out(state);
            }
            Vec::new()
        }
        Reply::Draft { result } => match result {
            Ok(Some((persona, id))) => tabs::open_item(state, &persona, &id),
            Ok(None) => {
                state.say("no draft came of the work that this call belongs to", false);
                Vec::new()
            }
            Err(why) => {
                state.say(why, true);
                Vec::new()
            }
        },
        Reply::Exported { target, result } => {
            match result {
                Ok(()) => state.say(format!("what is shown is written to {}", target.name), false),
                Err(Refused::Exists) => {
                    layers::ask(state, state::Asked::Gauges(Asked::Export), &target.name);
                    state.say(format!("{} exists already and stays as it is: choose another name", target.name), true);
                }
                Err(Refused::Failed(why)) => state.say(why, true),
            }
            Vec::new()
        }
    }
}
