//! Digits before a movement: `5j` goes five down. A digit that a keymap binds is that key, never a count.

use super::action::Scope;
use super::keymap::{Chord, Step};
use super::state::State;
use crossterm::event::{KeyCode, KeyModifiers};

/// Nobody means more; it also keeps the arithmetic small.
const MOST: usize = 9_999;

/// Whether a key is part of a count, or ends one without doing anything. `scopes` are looked into for a key of its own.
pub(super) fn takes(state: &mut State, chord: Chord, scopes: &[Scope]) -> bool {
    if !state.pending.is_empty() || chord.modifiers() != KeyModifiers::NONE {
        return false;
    }
    match chord.code() {
        KeyCode::Esc if state.count.is_some() => {
            state.count = None;
            true
        }
        KeyCode::Char(digit) => {
            let Some(digit) = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()) else { return false };
            let is_bound = scopes.iter().any(|scope| state.keymap.step(*scope, &[chord]) != Step::None);
            // A count does not begin with nothing.
            if is_bound || (digit == 0 && state.count.is_none()) {
                return false;
            }
            state.count = Some((state.count.unwrap_or(0) * 10 + digit).min(MOST));
            true
        }
        _ => false,
    }
}

/// How far a movement goes that goes `by` without a count.
pub(super) fn times(count: Option<usize>, by: isize) -> isize {
    by.saturating_mul(count.and_then(|count| isize::try_from(count).ok()).unwrap_or(1))
}
