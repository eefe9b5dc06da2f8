//! What is done in the gauges' tab: going about among numbers, choosing the span, pausing, exporting. Pure: a state in, requests out.

use super::line::{Cell, Line};
use super::span::Span;
use super::{Asked, Item, drill, export, refresh, table};
use super::{budgets, chart, draw, overview};
use crate::base::SafeText;
use crate::console::action::Action;
use crate::console::request::Request;
use crate::console::state::{self, State, Wish};
use crate::console::{count, layers};
use crate::report::sums::By;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

/// Lines of one notch of the wheel.
const WHEEL: isize = 3;
/// The fewest and the most rows of the chart.
const CHART: (usize, usize) = (6, 16);

/// Do an action of the tab.
pub(in crate::console) fn act(state: &mut State, action: Action, count: Option<usize>) -> Vec<Request> {
    let page = isize::try_from(draw::rows(state)).unwrap_or(1).max(2) - 1;
    let times = count.and_then(|count| i64::try_from(count).ok()).unwrap_or(1);
    match action {
        Action::Down => return go(state, count::times(count, 1)),
        Action::Up => return go(state, count::times(count, -1)),
        Action::PageDown => return go(state, count::times(count, page)),
        Action::PageUp => return go(state, count::times(count, -page)),
        Action::First => return go(state, isize::MIN / 2),
        Action::Last => return go(state, isize::MAX / 2),
        Action::Pane => other_side(state),
        Action::GaugesNext => along(state, 1),
        Action::GaugesPrevious => along(state, -1),
        Action::GaugesOpen => return drill::open(state),
        Action::GaugesDraft => return drill::draft(state),
        Action::GaugesLonger => return zoom(state, true),
        Action::GaugesShorter => return zoom(state, false),
        Action::GaugesEarlier => return scrub(state, -times),
        Action::GaugesLater => return scrub(state, times),
        Action::GaugesNow => return now(state),
        Action::GaugesSpan => layers::ask(state, state::Asked::Gauges(Asked::Span), ""),
        Action::GaugesPause => return pause(state),
        Action::GaugesBy => {
            state.gauges.by = match state.gauges.by {
                By::Model => By::Module,
                By::Module => By::Persona,
                By::Persona => By::Category,
                By::Category | By::Day | By::Hour => By::Model,
            };
            return changed(state);
        }
        Action::GaugesSort => {
            state.gauges.sort = state.gauges.sort.next();
            lay_out(state);
        }
        Action::GaugesExport => match is_something_shown(state) {
            true => layers::ask(state, state::Asked::Gauges(Asked::Export), export::suggestion(state)),
            false => state.say("there is nothing to write into a file", false),
        },
        Action::GaugesCopy => copy(state),
        Action::GaugesCopyId => copy_id(state),
        Action::GaugesRefresh => return read_again(state),
        // The shell has done what is its own.
        _ => {}
    }
    Vec::new()
}

fn is_something_shown(state: &State) -> bool {
    let tab = &state.gauges;
    match (&tab.opened, &tab.calls) {
        (Some(opened), _) => matches!(opened.about, Some(Ok(_))),
        (None, Some(calls)) => !calls.calls.is_empty(),
        (None, None) => tab.figures.is_some(),
    }
}

/// Read what is on the screen once more.
fn read_again(state: &mut State) -> Vec<Request> {
    if state.gauges.opened.is_none()
        && let Some(calls) = &mut state.gauges.calls
    {
        calls.reading = true;
        let behind = Box::new(calls.behind.clone());
        return vec![Request::Gauges(super::request::Request::Calls { behind, before: None, generation: calls.generation })];
    }
    refresh::read(state)
}

/// Other numbers are wanted: what was open of the ones before is left.
fn changed(state: &mut State) -> Vec<Request> {
    state.gauges.calls = None;
    state.gauges.opened = None;
    refresh::read(state)
}

fn zoom(state: &mut State, longer: bool) -> Vec<Request> {
    match state.gauges.span.zoomed(longer) {
        Some(span) => {
            state.gauges.span = span;
            changed(state)
        }
        None => {
            let key = state.key(Action::GaugesSpan);
            state.say(
                if longer { format!("a month is the longest; {key} takes a span of your own") } else { "this is the shortest".into() },
                false,
            );
            Vec::new()
        }
    }
}

/// So many spans back or on.
fn scrub(state: &mut State, times: i64) -> Vec<Request> {
    let (span, now) = (state.gauges.span, state.now);
    let to = if times < 0 { span.earlier(now, -times) } else { span.later(now, times) };
    if to == span {
        state.say(if times < 0 { "there is nothing before that" } else { "this goes up to now" }, false);
        return Vec::new();
    }
    state.gauges.span = to;
    if to.is_live() {
        // Whoever comes back to the present wants to see it go on.
        state.gauges.paused = None;
    }
    changed(state)
}

fn now(state: &mut State) -> Vec<Request> {
    if state.gauges.is_live() {
        state.say("this goes up to now", false);
        return Vec::new();
    }
    state.gauges.span.past = None;
    state.gauges.paused = None;
    changed(state)
}

fn pause(state: &mut State) -> Vec<Request> {
    if !state.gauges.span.is_live() {
        let key = state.key(Action::GaugesNow);
        state.say(format!("the past stands still; {key} returns to the present"), false);
        return Vec::new();
    }
    if state.gauges.paused.take().is_some() {
        state.say("the numbers go on", false);
        return refresh::read(state);
    }
    state.gauges.paused = Some(state.now);
    let key = state.key(Action::GaugesPause);
    state.say(format!("the numbers stand still; {key} lets them go on"), false);
    Vec::new()
}

/// The line of text was finished.
pub(in crate::console) fn entered(state: &mut State, asked: Asked, typed: &str) -> Vec<Request> {
    let again = |state: &mut State, why: String| {
        layers::ask(state, state::Asked::Gauges(asked), typed);
        state.say(why, true);
        Vec::new()
    };
    match asked {
        Asked::Span => match Span::typed(typed, state.now) {
            Ok(span) => {
                state.gauges.span = span;
                changed(state)
            }
            Err(why) => again(state, SafeText::line(&why).as_str().to_owned()),
        },
        Asked::Export => match export::Target::named(typed) {
            Ok(target) => {
                let text = export::text(state, target.form);
                vec![Request::Gauges(super::request::Request::Export { target, text })]
            }
            Err(why) => again(state, why),
        },
    }
}

/// Where the cursor is: side, line and number.
pub(super) fn place(state: &State) -> Option<(usize, usize, usize)> {
    let tab = &state.gauges;
    let of_side = |side: usize| {
        let lines = tab.sides.get(side)?;
        let item = tab.at.as_ref()?;
        lines.iter().enumerate().find_map(|(number, line)| {
            let cell = line.cells.iter().position(|cell| cell.item == *item)?;
            Some((side, number, cell))
        })
    };
    let sides = [tab.side, 1 - tab.side.min(1)];
    sides.into_iter().find_map(of_side).or_else(|| {
        // What the cursor was on is gone: the first number of the side.
        sides.into_iter().find_map(|side| tab.sides.get(side)?.iter().position(|line| !line.cells.is_empty()).map(|line| (side, line, 0)))
    })
}

/// The number that the cursor is on.
pub(super) fn here(state: &State) -> Option<Item> {
    let (side, line, cell) = place(state)?;
    Some(state.gauges.sides.get(side)?.get(line)?.cells.get(cell)?.item.clone())
}

fn take(state: &mut State, side: usize, line: usize, cell: usize) {
    let item =
        state.gauges.sides.get(side).and_then(|lines| lines.get(line)).and_then(|line| line.cells.get(cell)).map(|cell| cell.item.clone());
    if item.is_some() {
        state.gauges.at = item;
        state.gauges.side = side;
    }
}

/// Move by so many lines.
fn go(state: &mut State, by: isize) -> Vec<Request> {
    if state.gauges.opened.is_some() {
        drill::scroll(state, by);
        return Vec::new();
    }
    if state.gauges.calls.is_some() {
        return drill::go(state, by);
    }
    let Some((side, at, cell)) = place(state) else { return Vec::new() };
    let lines = state.gauges.sides.get(side).map(Vec::as_slice).unwrap_or_default();
    let stops: Vec<usize> = lines.iter().enumerate().filter(|(_, line)| !line.cells.is_empty()).map(|(number, _)| number).collect();
    let stop = stops.iter().position(|line| *line == at).unwrap_or(0);
    let to = stop.saturating_add_signed(by).min(stops.len().saturating_sub(1));
    let Some(to) = stops.get(to).copied() else { return Vec::new() };
    // The number that stands nearest to the column of this one.
    let column = lines.get(at).and_then(|line| line.cells.get(cell)).map_or(0, |cell| cell.from);
    let nearest = lines.get(to).map_or(0, |line| nearest(line, column));
    take(state, side, to, nearest);
    Vec::new()
}

fn nearest(line: &Line, column: usize) -> usize {
    let distance =
        |cell: &Cell| if (cell.from..cell.to).contains(&column) { 0 } else { cell.from.abs_diff(column).min(cell.to.abs_diff(column)) };
    line.cells.iter().enumerate().min_by_key(|(_, cell)| distance(cell)).map_or(0, |(number, _)| number)
}

/// Go to the next number, or the one before: along the line, and on to the next line.
fn along(state: &mut State, by: isize) {
    if state.gauges.calls.is_some() {
        return;
    }
    let Some((side, at, cell)) = place(state) else { return };
    let all: Vec<(usize, usize)> = state
        .gauges
        .sides
        .get(side)
        .into_iter()
        .flatten()
        .enumerate()
        .flat_map(|(line, cells)| (0..cells.cells.len()).map(move |cell| (line, cell)))
        .collect();
    let here = all.iter().position(|place| *place == (at, cell)).unwrap_or(0);
    let to = here.saturating_add_signed(by).min(all.len().saturating_sub(1));
    if let Some((line, cell)) = all.get(to).copied() {
        take(state, side, line, cell);
    }
}

fn other_side(state: &mut State) {
    let side = place(state).map_or(0, |(side, ..)| side);
    let other = 1 - side.min(1);
    let line = state.gauges.sides.get(other).and_then(|lines| lines.iter().position(|line| !line.cells.is_empty()));
    match line {
        Some(line) => take(state, other, line, 0),
        None => {
            // One column holds everything: to the table, and back to the numbers.
            let lines = state.gauges.sides.get(side).map(Vec::as_slice).unwrap_or_default();
            let is_row = |line: &Line| line.cells.iter().any(|cell| matches!(cell.item, Item::Group(_)));
            let on_row = matches!(state.gauges.at, Some(Item::Group(_)));
            let to = lines.iter().position(|line| !line.cells.is_empty() && is_row(line) != on_row);
            if let Some(to) = to {
                take(state, side, to, 0);
            }
        }
    }
}

/// Make the lines anew.
pub(in crate::console) fn lay_out(state: &mut State) {
    let places = draw::places(state);
    let width = |area: ratatui::layout::Rect| usize::from(area.width).saturating_sub(2);
    let mut chart = Vec::new();
    let sides = match state.gauges.figures.as_deref() {
        None => [Vec::new(), Vec::new()],
        Some(figures) if figures.is_empty => [Vec::new(), Vec::new()],
        Some(figures) => {
            let left = width(places.left);
            let mut numbers = overview::lines(state, figures, left);
            if places.right.width == 0 {
                numbers.extend(budgets::lines(state, figures, left, true));
                numbers.extend(table::lines(state, figures, left));
                [numbers, Vec::new()]
            } else {
                let right = width(places.right);
                numbers.push(Line::empty());
                numbers.extend(budgets::lines(state, figures, left, false));
                let rows = numbers.len().saturating_sub(2).clamp(CHART.0, CHART.1);
                chart = chart::lines(state, figures, width(places.chart), rows);
                let mut others = table::lines(state, figures, right);
                others.extend(overview::buckets(state, figures, right));
                [numbers, others]
            }
        }
    };
    state.gauges.sides = sides;
    state.gauges.chart = chart;
    drill::lay_out(state);
    state.is_dirty = true;
}

fn copy(state: &mut State) {
    let text = match (&state.gauges.opened, &state.gauges.calls) {
        (Some(opened), _) => {
            let lines: Vec<String> = opened.lines.iter().map(|line| line.iter().map(|piece| piece.text()).collect()).collect();
            Some(lines.join("\n"))
        }
        (None, Some(calls)) => calls.call().map(super::calls::words),
        (None, None) => place(state).and_then(|(side, line, _)| {
            let line = state.gauges.sides.get(side)?.get(line)?;
            Some(line.pieces.iter().map(|piece| piece.text()).collect::<String>())
        }),
    };
    match text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) {
        Some(text) => {
            state.wishes.push(Wish::Copy(text));
            state.say("it is in the clipboard of the terminal, if it has one", false);
        }
        None => state.say("nothing is at hand", false),
    }
}

fn copy_id(state: &mut State) {
    match drill::call(state).map(|call| call.id.clone()) {
        Some(id) => {
            state.say(format!("{} (copied)", SafeText::line(&id)), false);
            state.wishes.push(Wish::Copy(id));
        }
        None => state.say("no call is at hand", false),
    }
}

/// Leave what is open, the innermost first.
pub(in crate::console) fn back(state: &mut State) -> Vec<Request> {
    let tab = &mut state.gauges;
    if tab.opened.take().is_some() || tab.calls.take().is_some() {
        return Vec::new();
    }
    if !state.gauges.is_live() {
        return now(state);
    }
    state.say(format!("{} leaves the console", state.key(Action::Quit)), false);
    Vec::new()
}

/// A click or the wheel in the tab.
pub(in crate::console) fn mouse(state: &mut State, mouse: MouseEvent) -> Vec<Request> {
    match mouse.kind {
        MouseEventKind::ScrollDown => go(state, WHEEL),
        MouseEventKind::ScrollUp => go(state, -WHEEL),
        MouseEventKind::Down(MouseButton::Left) => {
            clicked(state, mouse.column, mouse.row);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn clicked(state: &mut State, column: u16, row: u16) {
    let places = draw::places(state);
    let inside = |area: ratatui::layout::Rect| area.contains(ratatui::layout::Position { x: column, y: row });
    if let Some(calls) = &mut state.gauges.calls {
        let first = places.whole.y + draw::HEADING;
        if state.gauges.opened.is_none() && inside(places.whole) && row >= first {
            let to = calls.top + usize::from(row - first);
            if to < calls.calls.len() {
                calls.at = to;
            }
        }
        return;
    }
    for (side, area) in [places.left, places.right].into_iter().enumerate().filter(|(_, area)| inside(*area)) {
        let line = usize::from(row - area.y) + state.gauges.tops.get(side).copied().unwrap_or(0);
        let Some(found) = state.gauges.sides.get(side).and_then(|lines| lines.get(line)).filter(|line| !line.cells.is_empty()) else {
            return;
        };
        let cell = nearest(found, usize::from(column.saturating_sub(area.x + 1)));
        take(state, side, line, cell);
    }
}
