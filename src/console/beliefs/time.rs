//! Going back in time: the whole tab as it was, and nothing can be changed meanwhile.

use super::act;
use super::signs::{brief, minute};
use crate::base::Millis;
use crate::console::request::Request;
use crate::console::state::State;

/// A day and a week, in milliseconds.
pub(super) const DAY: Millis = 24 * 3_600 * 1_000;
pub(super) const WEEK: Millis = 7 * DAY;

/// Go so far back, or forward. Whoever goes past now is in the present.
pub(super) fn travel(state: &mut State, by: Millis) -> Vec<Request> {
    let from = state.beliefs.at.unwrap_or(state.now);
    let to = from.saturating_add(by).max(0);
    if by < 0 && state.beliefs.at.is_some_and(|at| first(state).is_some_and(|first| at < first)) {
        state.say("nothing was believed before that", false);
        return Vec::new();
    }
    if to >= state.now {
        return present(state);
    }
    state.beliefs.at = Some(to);
    state.beliefs.is_stale = false;
    act::load(state)
}

/// Back to the present.
pub(super) fn present(state: &mut State) -> Vec<Request> {
    if state.beliefs.at.take().is_none() {
        state.say("this is how it is now", false);
        return Vec::new();
    }
    act::load(state)
}

/// When the persona's first belief was made.
pub(super) fn first(state: &State) -> Option<Millis> {
    state.beliefs.loaded.as_ref()?.present.rows().iter().map(|row| row.created_at).min()
}

/// The line over the tab while the past is looked at: a label, and where on the way from the first belief to now it is.
pub(super) fn label(state: &State, width: usize) -> Option<String> {
    let at = state.beliefs.at?;
    let words = format!(" AS IT WAS {}, {} ago; read only ", minute(at), brief(state.now - at));
    let room = width.saturating_sub(words.chars().count() + 2);
    let Some(first) = first(state).filter(|_| room >= 14) else { return Some(words) };
    let ends = (format!("{} ", brief(state.now - first)), " now");
    let track = room.saturating_sub(ends.0.chars().count() + ends.1.len());
    if track < 8 {
        return Some(words);
    }
    let whole = (state.now - first).max(1) as f64;
    let place = (((at - first) as f64 / whole).clamp(0.0, 1.0) * (track - 1) as f64).round() as usize;
    let stroke = state.glyphs.border.horizontal_top;
    let track = format!("{}{}{}", stroke.repeat(place), state.glyphs.selection, stroke.repeat(track - 1 - place));
    Some(format!("{words} {}{track}{}", ends.0, ends.1))
}
