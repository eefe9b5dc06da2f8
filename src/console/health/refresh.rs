//! When the board is read: when the tab is opened, when the database changed, at most once a second, seldomer while another tab is open. Pure.

use super::Tab;
use super::request::Request as Own;
use crate::base::Millis;
use crate::console::request::Request;
use crate::console::state::State;
use crate::console::tabs::Name;
use crate::watch::board::Kind;

/// How long a board stands before it is read again while it is looked at.
pub(super) const LEAST: Millis = 1_000;
/// The same while another tab is open: then the badge is all that is seen of it.
const LEAST_ELSEWHERE: Millis = 3_000;
/// What is read when it is asked for, and what time alone changes, as a heartbeat that is late, is read anew after this time, also for the
/// number beside the tab's name.
const OLD: Millis = 15_000;
/// A result is on the board so long after its run was due: results are written together, once a second.
const WRITTEN: Millis = 1_500;
/// How long after the start the board is read for its badge.
const FIRST: Millis = 500;

fn is_open(state: &State) -> bool {
    state.tab == Name::Health
}

/// Read the board, because a person asks or because something changed.
pub(super) fn read(state: &mut State) -> Vec<Request> {
    ask(state, true)
}

fn ask(state: &mut State, is_awaited: bool) -> Vec<Request> {
    let tab = &mut state.health;
    tab.generation += 1;
    tab.reading = true;
    tab.is_stale = false;
    tab.asked_at = state.now;
    vec![Request::Health(Own::Board { generation: tab.generation, is_awaited })]
}

/// The database changed, or the tab was opened.
pub(in crate::console) fn refreshed(state: &mut State) -> Vec<Request> {
    if state.health.board.is_none() {
        if state.health.reading {
            return Vec::new();
        }
        if is_open(state) {
            return ask(state, true);
        }
        // At the start the tab that is open goes first.
        if !state.health.is_stale {
            state.health.asked_at = state.now - LEAST_ELSEWHERE + FIRST;
        }
    }
    state.health.is_stale = true;
    caught_up(state)
}

/// What was put off.
pub(in crate::console) fn caught_up(state: &mut State) -> Vec<Request> {
    let (now, tab) = (state.now, &state.health);
    if tab.reading || (tab.board.is_none() && !tab.is_stale) {
        return Vec::new();
    }
    let least = if is_open(state) { LEAST } else { LEAST_ELSEWHERE };
    let age = now - tab.asked_at;
    let old = if is_open(state) { old(tab) } else { OLD };
    if (tab.is_stale && age >= least) || age >= old { ask(state, false) } else { Vec::new() }
}

/// How long the board stands that is looked at: results change no state most of the time, and then nothing tells of them.
fn old(tab: &Tab) -> Millis {
    let lines = tab.board.iter().flat_map(|board| &board.systems).flat_map(|system| &system.lines);
    let next = lines.filter(|line| line.kind == Kind::Probe && line.counts()).filter_map(|line| line.next_at).min();
    next.map_or(OLD, |next| (next + WRITTEN - tab.asked_at).clamp(2 * LEAST, OLD))
}

/// In how many milliseconds the tab has to look again.
pub(in crate::console) fn wakes(state: &State, now: Millis) -> Option<Millis> {
    let tab = &state.health;
    let is_open = is_open(state);
    let age = now - tab.asked_at;
    let put_off = (tab.is_stale && !tab.reading).then(|| if is_open { LEAST } else { LEAST_ELSEWHERE } - age);
    // What is looked at counts up: ages, and the time until the next check.
    let is_known = tab.board.is_some() || is_open;
    let old = (is_known && !tab.reading).then(|| (if is_open { old(tab) } else { OLD }) - age);
    let works = tab.jobs.iter().any(super::Job::is_under_way).then_some(500);
    let fades = if is_open { super::care::fades(state, now) } else { None };
    [put_off, old, works, fades].into_iter().flatten().min().map(|wait| wait.max(1))
}
