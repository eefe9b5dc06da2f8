//! When the numbers are read: when a person asks for others, when calls came in, at most once a second, and when the running minute is over. Pure.
//!
//! Nothing here looks now and then: the shell says when the database changed, and wakes for its clock anyway.

use super::figures::Wanted;
use super::request::Request as Own;
use super::span::MINUTE;
use crate::base::Millis;
use crate::console::request::Request;
use crate::console::state::State;
use crate::console::tabs::Name;
use crate::report::sums::Only;

/// How long numbers stand before they are read again, however many calls come in.
pub(super) const LEAST: Millis = 1_000;

/// Whose calls are shown: the chosen persona's, or everybody's.
pub(super) fn only(state: &State) -> Only {
    Only { persona: state.persona.clone(), ..Only::default() }
}

/// What is to be shown.
fn wanted(state: &State) -> Wanted {
    Wanted { span: state.gauges.span, by: state.gauges.by, only: only(state) }
}

/// Read other numbers, or the same ones because a person asks.
pub(super) fn read(state: &mut State) -> Vec<Request> {
    ask(state, true)
}

fn ask(state: &mut State, is_awaited: bool) -> Vec<Request> {
    let wanted = wanted(state);
    let tab = &mut state.gauges;
    tab.generation += 1;
    tab.reading = true;
    tab.is_stale = false;
    tab.asked_at = state.now;
    // What was sent in the last minute changes without a call.
    let known = tab
        .figures
        .as_ref()
        .filter(|figures| !is_awaited && figures.wanted == wanted && figures.traffic.is_empty() && tab.fault.is_none())
        .map(|figures| (figures.window, figures.position));
    vec![Request::Gauges(Own::Figures { wanted: Box::new(wanted), known, generation: tab.generation, is_awaited })]
}

/// The database changed, or the tab was opened.
pub(in crate::console) fn refreshed(state: &mut State) -> Vec<Request> {
    let is_other = state.gauges.figures.as_ref().is_none_or(|figures| figures.wanted != wanted(state));
    if is_other {
        return if state.gauges.reading { Vec::new() } else { ask(state, true) };
    }
    if !state.gauges.is_live() {
        return Vec::new();
    }
    state.gauges.is_stale = true;
    caught_up(state)
}

/// What was put off, and what a minute that is over makes old.
pub(in crate::console) fn caught_up(state: &mut State) -> Vec<Request> {
    let (now, tab) = (state.now, &state.gauges);
    if tab.reading || !tab.is_live() || now - tab.asked_at < LEAST {
        return Vec::new();
    }
    let is_old = tab.figures.as_ref().is_some_and(|figures| {
        let has_moved = figures.window != tab.span.window(now) && !figures.is_empty;
        let minute_is_over = now.div_euclid(MINUTE) != figures.at.div_euclid(MINUTE) && !figures.traffic.is_empty();
        has_moved || minute_is_over
    });
    if tab.is_stale || is_old { ask(state, false) } else { Vec::new() }
}

/// In how many milliseconds the tab has to look again at what was put off.
pub(in crate::console) fn wakes(state: &State, now: Millis) -> Option<Millis> {
    let tab = &state.gauges;
    let waits = state.tab == Name::Gauges && tab.is_stale && tab.is_live() && !tab.reading;
    waits.then(|| (tab.asked_at + LEAST - now).max(1))
}

/// Another persona is looked at.
pub(in crate::console) fn persona_changed(state: &mut State) -> Vec<Request> {
    state.gauges.calls = None;
    state.gauges.opened = None;
    read(state)
}
