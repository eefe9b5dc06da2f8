//! What keys and answers do to the view.

use super::request::{Reply, Request as Own};
use super::{Check, Stop, View};
use crate::base::PersonaId;
use crate::console::layers;
use crate::console::request::Request;
use crate::console::state::{Asked, Layer, State};
use crate::console::tabs;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Rows that a page key moves.
const STEP: usize = 10;

/// Open it over the tab.
pub(in crate::console) fn open(state: &mut State) -> Vec<Request> {
    let view = View { loading: true, generation: 1, ..View::default() };
    state.layers.push(Layer::Audit(Box::new(view)));
    vec![Request::Audit(Own::List { filter: String::new(), before: None, generation: 1 })]
}

/// The view, wherever among the layers it is.
fn view(state: &mut State) -> Option<&mut View> {
    state.layers.iter_mut().rev().find_map(|layer| match layer {
        Layer::Audit(view) => Some(view.as_mut()),
        _ => None,
    })
}

/// A key while it is the topmost layer.
pub(in crate::console) fn key(state: &mut State, key: KeyEvent) -> Vec<Request> {
    let now = state.now;
    let Some(view) = view(state) else { return Vec::new() };
    if key.modifiers.contains(KeyModifiers::CONTROL) && key.code != KeyCode::Char('c') {
        return Vec::new();
    }
    if let Check::Done { top, .. } = &mut view.check {
        match scrolled(key.code, *top) {
            Some(to) => *top = to,
            None => view.check = Check::None,
        }
        return Vec::new();
    }
    if let Check::Running { .. } = &view.check {
        if matches!(key.code, KeyCode::Esc | KeyCode::Char('c' | 'q')) {
            view.check = Check::None;
            state.say("the verification was ended; nothing was written down", false);
        }
        return Vec::new();
    }
    match key.code {
        KeyCode::Char('v') => {
            let stop = Arc::new(AtomicBool::new(false));
            view.check = Check::Running { progress: None, since: now, _stop: Stop(Arc::clone(&stop)) };
            return vec![Request::Audit(Own::Verify { stop })];
        }
        KeyCode::Char('o') => return jump(state),
        KeyCode::Char('/') => {
            let before = view.filter.clone();
            layers::ask(state, Asked::Audit, &before);
            return Vec::new();
        }
        KeyCode::Char('r') => {
            view.generation += 1;
            view.loading = true;
            return vec![Request::Audit(Own::List { filter: view.filter.clone(), before: None, generation: view.generation })];
        }
        _ => {}
    }
    if let Some(top) = view.details {
        match scrolled(key.code, top) {
            Some(to) => view.details = Some(to),
            None if matches!(key.code, KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q')) => view.details = None,
            None => {}
        }
        return Vec::new();
    }
    let last = view.rows.len().saturating_sub(1);
    match key.code {
        KeyCode::Down | KeyCode::Char('j') => view.at = (view.at + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => view.at = view.at.saturating_sub(1),
        KeyCode::PageDown | KeyCode::Char(' ') => view.at = (view.at + STEP).min(last),
        KeyCode::PageUp => view.at = view.at.saturating_sub(STEP),
        KeyCode::Home | KeyCode::Char('g') => view.at = 0,
        KeyCode::End | KeyCode::Char('G') => view.at = last,
        KeyCode::Enter if !view.rows.is_empty() => view.details = Some(0),
        KeyCode::Esc | KeyCode::Char('q') if !view.filter.is_empty() => return filtered(state, ""),
        KeyCode::Esc | KeyCode::Char('q') => drop(state.layers.pop()),
        _ => {}
    }
    more(state)
}

fn scrolled(code: KeyCode, top: usize) -> Option<usize> {
    match code {
        KeyCode::Down | KeyCode::Char('j') => Some(top + 1),
        KeyCode::Up | KeyCode::Char('k') => Some(top.saturating_sub(1)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(top + STEP),
        KeyCode::PageUp => Some(top.saturating_sub(STEP)),
        _ => None,
    }
}

/// Read on before the last row is reached.
fn more(state: &mut State) -> Vec<Request> {
    let Some(view) = view(state) else { return Vec::new() };
    if view.loading || view.at + STEP * 2 < view.rows.len() {
        return Vec::new();
    }
    let Some(next) = view.next else { return Vec::new() };
    view.loading = true;
    vec![Request::Audit(Own::List { filter: view.filter.clone(), before: Some(next), generation: view.generation })]
}

/// The filter was typed.
pub(in crate::console) fn entered(state: &mut State, typed: &str) -> Vec<Request> {
    filtered(state, typed)
}

fn filtered(state: &mut State, typed: &str) -> Vec<Request> {
    let Some(view) = view(state) else { return Vec::new() };
    view.filter = typed.to_owned();
    view.generation += 1;
    (view.at, view.details, view.loading) = (0, None, true);
    vec![Request::Audit(Own::List { filter: view.filter.clone(), before: None, generation: view.generation })]
}

/// To the item or the belief that the row is about.
fn jump(state: &mut State) -> Vec<Request> {
    let Some(row) = view(state).and_then(|view| view.chosen().cloned()) else { return Vec::new() };
    let persona = row.persona_id.as_deref().map(PersonaId::from_stored);
    match (row.subject_kind.as_str(), persona) {
        ("pending_post", Some(persona)) => {
            state.layers.clear();
            tabs::open_item(state, &persona, &row.subject_id)
        }
        ("belief", Some(persona)) => {
            state.layers.clear();
            tabs::open_belief(state, &persona, &row.subject_id)
        }
        _ => {
            state.say("what this row is about has no place of its own in the console", false);
            Vec::new()
        }
    }
}

/// An answer came.
pub(in crate::console) fn answered(state: &mut State, reply: Reply) -> Vec<Request> {
    let Some(view) = view(state) else { return Vec::new() };
    match reply {
        Reply::List { part, before, generation } if generation == view.generation => {
            view.loading = false;
            view.next = part.next;
            if before.is_none() {
                view.rows.clear();
            }
            view.rows.extend(part.rows);
            view.at = view.at.min(view.rows.len().saturating_sub(1));
        }
        Reply::List { .. } => {}
        Reply::Progress(now) => {
            if let Check::Running { progress, .. } = &mut view.check {
                *progress = Some(now);
            }
        }
        Reply::Verified(found) => {
            // One that was ended tells nothing any more.
            if matches!(view.check, Check::Running { .. }) {
                view.check = Check::Done { found, top: 0 };
            }
        }
        Reply::Failed { why, generation } => {
            if generation == view.generation {
                view.loading = false;
                state.say(format!("the audit log cannot be read: {why}"), true);
            }
        }
    }
    Vec::new()
}
