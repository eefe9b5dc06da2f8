//! Going about in the tab: through the list, through the pane, along edges; by keys and by mouse. Pure.

use super::act::{detail_wanted, lay_out, list};
use super::rows::Sort;
use super::{Focus, View, draw};
use crate::console::request::Request;
use crate::console::state::State;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// Lines of one notch of the wheel.
const WHEEL: isize = 3;
/// Most beliefs of a walk that are remembered.
const LONGEST: usize = 100;

/// Move by so many on the side that has the keys.
pub(super) fn go(state: &mut State, by: isize) -> Vec<Request> {
    match (state.beliefs.focus, state.beliefs.view) {
        (Focus::List, _) => {
            let Some(last) = state.beliefs.shown.len().checked_sub(1) else { return Vec::new() };
            let to = match state.beliefs.place() {
                Some(place) => place.saturating_add_signed(by).min(last),
                // Where one walked out of the list, it goes on where the list stands.
                None => state.beliefs.top.min(last),
            };
            select(state, to)
        }
        (Focus::Pane, View::Graph) => {
            near(state, by);
            Vec::new()
        }
        (Focus::Pane, _) => scroll(state, by),
    }
}

fn scroll(state: &mut State, by: isize) -> Vec<Request> {
    let last = state.beliefs.lines.len().saturating_sub(1);
    state.beliefs.pane_top = state.beliefs.pane_top.saturating_add_signed(by).min(last);
    Vec::new()
}

/// Go to the belief at a place of the list.
pub(super) fn select(state: &mut State, place: usize) -> Vec<Request> {
    let Some(id) = state.beliefs.listed(place).map(|row| row.id.clone()) else {
        lay_out(state);
        return Vec::new();
    };
    state.beliefs.trail.clear();
    visit(state, id)
}

/// Take a belief in hand, wherever it stands.
pub(super) fn visit(state: &mut State, id: String) -> Vec<Request> {
    let tab = &mut state.beliefs;
    if tab.selected.as_ref() != Some(&id) {
        tab.selected = Some(id);
        tab.near = None;
        tab.pane_top = 0;
    }
    lay_out(state);
    detail_wanted(state)
}

pub(super) fn focus(state: &mut State, focus: Focus) {
    state.beliefs.focus = focus;
    lay_out(state);
}

/// Into the pane; there, along the edge to the belief that the keys are on.
pub(super) fn open(state: &mut State) -> Vec<Request> {
    if state.beliefs.focus == Focus::List {
        focus(state, Focus::Pane);
        return Vec::new();
    }
    match (state.beliefs.view, state.beliefs.near.clone(), state.beliefs.selected.clone()) {
        (View::Detail, ..) => {
            state.beliefs.view = View::Graph;
            lay_out(state);
            Vec::new()
        }
        (View::Graph, Some(near), Some(from)) if near != from => {
            state.beliefs.trail.push(from);
            if state.beliefs.trail.len() > LONGEST {
                state.beliefs.trail.remove(0);
            }
            visit(state, near)
        }
        _ => Vec::new(),
    }
}

/// Back along the way that was walked.
pub(super) fn walk_back(state: &mut State) -> Vec<Request> {
    match state.beliefs.trail.pop() {
        Some(before) => visit(state, before),
        None => {
            state.say("you walked along no edge", false);
            Vec::new()
        }
    }
}

/// The beliefs of the graph from top to bottom, each with its line.
fn nodes(state: &State) -> Vec<(usize, &String)> {
    state.beliefs.nodes.iter().enumerate().filter_map(|(line, id)| id.as_ref().map(|id| (line, id))).collect()
}

/// Put the keys on the belief so many further down in the graph.
fn near(state: &mut State, by: isize) {
    let nodes = nodes(state);
    let at = nodes.iter().position(|(_, id)| Some(*id) == state.beliefs.near.as_ref());
    let center = nodes.iter().position(|(_, id)| Some(*id) == state.beliefs.selected.as_ref()).unwrap_or(0);
    let Some(last) = nodes.len().checked_sub(1) else { return };
    let to = at.unwrap_or(center).saturating_add_signed(by).min(last);
    let id = nodes.get(to).map(|(_, id)| (*id).clone());
    state.beliefs.near = id;
    keep_near(state);
}

/// Keep the belief that the keys are on in view; at first that is the one in the middle.
pub(super) fn keep_near(state: &mut State) {
    let nodes = nodes(state);
    let line_of = |wanted: Option<&String>| nodes.iter().find(|(_, id)| Some(*id) == wanted).map(|(line, _)| *line);
    let is_gone = line_of(state.beliefs.near.as_ref()).is_none();
    let wanted = if is_gone { state.beliefs.selected.clone() } else { state.beliefs.near.clone() };
    let line = line_of(wanted.as_ref()).unwrap_or(0);
    let rows = draw::pane_rows(state).max(1);
    let tab = &mut state.beliefs;
    tab.near = wanted;
    if is_gone {
        // The middle of the graph in the middle of the pane.
        let spare = tab.lines.len().saturating_sub(rows);
        tab.pane_top = (line + 2).saturating_sub(rows / 2).min(spare);
    } else if line < tab.pane_top + 1 {
        tab.pane_top = line.saturating_sub(1);
    } else if line + 2 > tab.pane_top + rows {
        tab.pane_top = line + 2 - rows;
    }
}

/// A click or the wheel in the tab.
pub(in crate::console) fn mouse(state: &mut State, mouse: MouseEvent) -> Vec<Request> {
    let places = draw::places(state);
    let at = Position { x: mouse.column, y: mouse.row };
    match mouse.kind {
        MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
            let by = if mouse.kind == MouseEventKind::ScrollDown { WHEEL } else { -WHEEL };
            if places.pane.contains(at) {
                return scroll(state, by);
            }
            let before = std::mem::replace(&mut state.beliefs.focus, Focus::List);
            let requests = go(state, by);
            state.beliefs.focus = before;
            requests
        }
        MouseEventKind::Down(MouseButton::Left) if places.list.contains(at) => {
            focus(state, Focus::List);
            match usize::from(mouse.row - places.list.y).checked_sub(draw::HEADING) {
                Some(row) => {
                    let place = row + state.beliefs.top;
                    select(state, place)
                }
                None => {
                    if let Some(sort) = draw::column_at(places.list, mouse.column).filter(|_| mouse.row > places.list.y) {
                        order(state, sort);
                    }
                    Vec::new()
                }
            }
        }
        MouseEventKind::Down(MouseButton::Left) if places.pane.contains(at) => {
            let row = usize::from(mouse.row - places.pane.y).checked_sub(1).map(|row| row + state.beliefs.pane_top);
            let clicked = row.and_then(|row| state.beliefs.nodes.get(row).cloned().flatten());
            let had_focus = state.beliefs.focus == Focus::Pane;
            focus(state, Focus::Pane);
            match clicked.filter(|_| state.beliefs.view == View::Graph) {
                Some(id) if had_focus && state.beliefs.near.as_ref() == Some(&id) => return open(state),
                Some(id) => state.beliefs.near = Some(id),
                None => {}
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Order by a column; by the same one again, the other way round.
fn order(state: &mut State, sort: Sort) {
    state.beliefs.is_reversed = state.beliefs.sort == sort && !state.beliefs.is_reversed;
    state.beliefs.sort = sort;
    list(state);
}
