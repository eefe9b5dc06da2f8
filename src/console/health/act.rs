//! What is done in the health tab: going about on the board, folding, filtering, going into a line, asking for care. Pure.

use super::care::{self, Care};
use super::rows::Row;
use super::{Asked, Item, draw, drill, refresh, rows};
use crate::console::action::Action;
use crate::console::request::Request;
use crate::console::state::{self, State, Wish};
use crate::console::{count, layers};
use crate::watch::board::{Board, Line, System};
use crate::watch::health::Status;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

/// Lines of one notch of the wheel.
const WHEEL: isize = 3;

/// Do an action of the tab.
pub(in crate::console) fn act(state: &mut State, action: Action, count: Option<usize>) -> Vec<Request> {
    let page = isize::try_from(draw::rows(state)).unwrap_or(1).max(2) - 1;
    match action {
        Action::Down => go(state, count::times(count, 1)),
        Action::Up => go(state, count::times(count, -1)),
        Action::PageDown => go(state, count::times(count, page)),
        Action::PageUp => go(state, count::times(count, -page)),
        Action::First => go(state, isize::MIN / 2),
        Action::Last => go(state, isize::MAX / 2),
        Action::HealthNext => next_trouble(state),
        Action::HealthOpen => return drill::open(state),
        Action::HealthFold => fold(state),
        Action::HealthFoldAll => fold_all(state),
        Action::HealthFilter => {
            let before = state.health.filter.clone();
            layers::ask(state, state::Asked::Health(Asked::Filter), &before);
        }
        Action::HealthCopy => copy(state),
        Action::HealthRefresh => return refresh::read(state),
        Action::HealthRemedy => return care::remedy(state),
        Action::HealthCheck | Action::HealthPauseProbe => return care::of_probe(state, action),
        Action::HealthCheckDatabase => return care::wanted(state, Care::CheckDatabase),
        Action::HealthVerifyAudit => return care::wanted(state, Care::VerifyAudit),
        Action::HealthVerifyIndex => return care::wanted(state, Care::VerifyIndex),
        Action::HealthRebuildIndex => return care::wanted(state, Care::RebuildIndex),
        Action::HealthBackUp => return care::wanted(state, Care::BackUp),
        Action::HealthDrill => return care::wanted(state, Care::Drill),
        Action::HealthCheckpoint => return care::wanted(state, Care::Checkpoint),
        Action::HealthPauseSending if state.is_stopped() => return care::wanted(state, Care::ResumeSending),
        Action::HealthPauseSending => return care::wanted(state, Care::PauseSending),
        Action::HealthStop => care::stop(state),
        Action::HealthNote => layers::ask(state, state::Asked::Health(Asked::Note), ""),
        // The shell has done what is its own.
        _ => {}
    }
    Vec::new()
}

/// The line of text was finished.
pub(in crate::console) fn entered(state: &mut State, asked: Asked, typed: &str) -> Vec<Request> {
    match asked {
        Asked::Filter => {
            if let Some(why) = rows::fault(typed) {
                layers::ask(state, state::Asked::Health(Asked::Filter), typed);
                state.say(why, true);
                return Vec::new();
            }
            filtered(state, typed);
            Vec::new()
        }
        Asked::Name(ask) => care::named(state, *ask, typed),
        Asked::Note if typed.is_empty() => {
            state.say("nothing was noted", false);
            Vec::new()
        }
        Asked::Note => {
            let system = match &state.health.at {
                Some(Item::System(name)) => Some(name.clone()),
                _ => line(state).map(|line| line.system.clone()),
            };
            vec![Request::Health(super::request::Request::Note { what: typed.to_owned(), system })]
        }
    }
}

/// The filter is being typed, or was.
pub(in crate::console) fn filtered(state: &mut State, typed: &str) {
    state.health.filter = typed.trim().to_owned();
    lay_out(state);
}

/// The place of what is at hand among the rows.
pub(super) fn place(state: &State) -> Option<usize> {
    let tab = &state.health;
    let board = tab.board.as_deref()?;
    let item = tab.at.as_ref()?;
    tab.rows.iter().position(|row| match (row, item) {
        (Row::System { system, .. }, Item::System(name)) => board.systems.get(*system).is_some_and(|system| system.name == *name),
        (Row::Line { system, line }, Item::Line(id)) => {
            board.systems.get(*system).and_then(|system| system.lines.get(*line)).is_some_and(|line| line.id == *id)
        }
        _ => false,
    })
}

fn item(state: &State, row: usize) -> Option<Item> {
    let tab = &state.health;
    let systems = &tab.board.as_deref()?.systems;
    match tab.rows.get(row)? {
        Row::System { system, .. } => systems.get(*system).map(|system| Item::System(system.name.clone())),
        Row::Line { system, line } => systems.get(*system)?.lines.get(*line).map(|line| Item::Line(line.id.clone())),
    }
}

/// The line at hand: of what was gone into, else under the cursor. A system is helped by what helps its worst line; where all of it is well none
/// of its lines is meant.
pub(super) fn line(state: &State) -> Option<&Line> {
    let board = state.health.board.as_deref()?;
    match (&state.health.opened, &state.health.at) {
        (Some(opened), _) => board.line(&opened.id),
        (None, Some(Item::Line(id))) => board.line(id),
        (None, Some(Item::System(_))) => system(state)?.lines.first().filter(|line| !line.counts() || line.status != Status::Healthy),
        (None, None) => None,
    }
}

/// The system at hand.
pub(super) fn system(state: &State) -> Option<&System> {
    let board = state.health.board.as_deref()?;
    match state.health.at.as_ref()? {
        Item::System(name) => board.systems.iter().find(|system| system.name == *name),
        Item::Line(id) => board.systems.iter().find(|system| system.lines.iter().any(|line| line.id == *id)),
    }
}

/// Move by so many rows.
fn go(state: &mut State, by: isize) {
    if state.health.opened.is_some() {
        drill::scroll(state, by);
        return;
    }
    let last = state.health.rows.len().saturating_sub(1);
    let to = place(state).unwrap_or(0).saturating_add_signed(by).min(last);
    take(state, to);
}

fn take(state: &mut State, row: usize) {
    if let Some(item) = item(state, row) {
        choose(state, item);
    }
    keep_in_view(state);
}

/// A person chose what is at hand: it stays at hand, whatever the board does.
pub(super) fn choose(state: &mut State, item: Item) {
    state.health.at = Some(item);
    state.health.is_chosen = true;
}

/// Scroll to where the cursor is.
fn keep_in_view(state: &mut State) {
    let (rows, total) = (draw::rows(state), state.health.rows.len());
    let tab_top = state.health.top;
    let at = place(state).unwrap_or(0);
    let top = if at < tab_top {
        at
    } else if rows > 0 && at >= tab_top + rows {
        at + 1 - rows
    } else {
        tab_top
    };
    // A line stands under the name of its system, where there is room for both.
    let is_headless = |top: usize| matches!(state.health.rows.get(top), Some(Row::Line { .. }));
    let is_head = |row: usize| matches!(state.health.rows.get(row), Some(Row::System { .. }));
    let top = match top.checked_sub(1) {
        Some(above) if is_headless(top) && is_head(above) && at < above + rows => above,
        _ => top,
    };
    state.health.top = top.min(total.saturating_sub(rows));
}

/// Whether a row is a line that counts and is not healthy.
fn hurts(board: &Board, row: &Row) -> bool {
    match row {
        Row::Line { system, line } => {
            let line = board.systems.get(*system).and_then(|system| system.lines.get(*line));
            line.is_some_and(|line| line.counts() && line.status != Status::Healthy)
        }
        Row::System { .. } => false,
    }
}

/// To the next line that is not healthy, and around.
fn next_trouble(state: &mut State) {
    let Some(board) = state.health.board.as_deref() else { return };
    let count = state.health.rows.len();
    let from = place(state).map_or(0, |place| place + 1);
    let is_trouble = |row: &Row| hurts(board, row);
    let found = (0..count).map(|step| (from + step) % count.max(1)).find(|place| state.health.rows.get(*place).is_some_and(is_trouble));
    match found {
        Some(row) => take(state, row),
        None => state.say("nothing that is shown is in trouble", false),
    }
}

/// Fold the system at hand, or unfold it.
pub(super) fn fold(state: &mut State) {
    let Some(name) = system(state).map(|system| system.name.clone()) else {
        state.say("no system is at hand", false);
        return;
    };
    let board = state.health.board.as_deref();
    let is_folded = state.health.rows.iter().any(|row| match row {
        Row::System { system, is_folded: true } => {
            board.and_then(|board| board.systems.get(*system)).is_some_and(|system| system.name == name)
        }
        _ => false,
    });
    state.health.folded.insert(name.clone(), !is_folded);
    choose(state, Item::System(name));
    lay_out(state);
}

/// Fold every system, or unfold every one where all are folded.
fn fold_all(state: &mut State) {
    let any_open = state.health.rows.iter().any(|row| matches!(row, Row::System { is_folded: false, .. }));
    let names: Vec<String> = state.health.board.iter().flat_map(|board| &board.systems).map(|system| system.name.clone()).collect();
    if let Some(name) = system(state).map(|system| system.name.clone()) {
        choose(state, Item::System(name));
    }
    state.health.folded = names.into_iter().map(|name| (name, any_open)).collect();
    lay_out(state);
}

/// Make the rows anew: the board, the size, the filter or the folding changed.
pub(in crate::console) fn lay_out(state: &mut State) {
    let before = place(state);
    if let Some(board) = state.health.board.as_deref() {
        state.health.rows = rows::rows(board, &state.health.filter, &state.health.folded);
    }
    if !state.health.is_chosen {
        // Nobody chose it: what hurts most now is at hand, and what stands on top is seen.
        state.health.at = item(state, worst(state));
        state.health.top = 0;
    } else if place(state).is_none() {
        // What the cursor was on is gone: the same row.
        state.health.at = item(state, before.unwrap_or_else(|| worst(state)).min(state.health.rows.len().saturating_sub(1)));
    }
    keep_in_view(state);
    drill::lay_out(state);
    state.is_dirty = true;
}

/// The row that hurts most: the first line in trouble, else the first line, else the first row.
fn worst(state: &State) -> usize {
    let rows = &state.health.rows;
    let hurting = state.health.board.as_deref().and_then(|board| rows.iter().position(|row| hurts(board, row)));
    hurting.or_else(|| rows.iter().position(|row| matches!(row, Row::Line { .. }))).unwrap_or(0)
}

fn copy(state: &mut State) {
    let text = line(state).map(|line| match line.remedy.as_ref().and_then(|remedy| remedy.command.clone()) {
        Some(command) => command,
        None => format!("{} of {}: {}", line.name, line.system, line.reason),
    });
    match text {
        Some(text) => {
            state.wishes.push(Wish::Copy(crate::base::SafeText::line(&text).as_str().to_owned()));
            state.say("it is in the clipboard of the terminal, if it has one", false);
        }
        None => state.say("no line is at hand", false),
    }
}

/// Leave what is open, the innermost first.
pub(in crate::console) fn back(state: &mut State) -> Vec<Request> {
    if state.health.opened.take().is_some() {
        state.is_dirty = true;
        return Vec::new();
    }
    if !state.health.filter.is_empty() {
        filtered(state, "");
        return Vec::new();
    }
    state.say(format!("{} leaves the console", state.key(Action::Quit)), false);
    Vec::new()
}

/// A click or the wheel in the tab.
pub(in crate::console) fn mouse(state: &mut State, mouse: MouseEvent) -> Vec<Request> {
    match mouse.kind {
        MouseEventKind::ScrollDown => go(state, WHEEL),
        MouseEventKind::ScrollUp => go(state, -WHEEL),
        MouseEventKind::Down(MouseButton::Left) if state.health.opened.is_none() => {
            let list = draw::places(state).list;
            if list.contains(ratatui::layout::Position { x: mouse.column, y: mouse.row }) {
                let row = state.health.top + usize::from(mouse.row - list.y);
                let was_here = place(state) == Some(row);
                if row < state.health.rows.len() {
                    take(state, row);
                    // A second click goes in.
                    return if was_here { drill::open(state) } else { Vec::new() };
                }
            }
        }
        _ => {}
    }
    Vec::new()
}
