//! The list as a window on something longer: which part is asked for, and what an answer does to the lines that are there.
//!
//! The item at hand is an id, so that lines may come and go around it. A window keeps at most [`WINDOW`] lines.

use super::super::request::{From, Overview, Part, Request};
use super::super::state::State;
use super::{Focus, filter};
use crate::console::action::Action;
use crate::moderation::listing::Filter;

/// Lines that are kept.
const WINDOW: usize = 1_000;
/// So many lines before an end of the window the next part is asked for.
const NEAR: usize = 80;

/// Ask for the list, where the item at hand is: from its beginning as long as that is near.
pub(in crate::console) fn ask(state: &mut State) -> Vec<Request> {
    // Another filter has nothing to do with where one was.
    let asked = (state.queue.filter.clone(), state.persona.clone());
    let is_other = std::mem::replace(&mut state.queue.asked, asked.clone()) != asked;
    let here = state.queue.at().filter(|at| !is_other && (state.queue.above || *at >= NEAR)).and_then(|at| state.queue.lines.get(at));
    let from = here.map_or(From::Start, |line| From::Around(line.place(state.queue.sort)));
    ask_from(state, from)
}

fn ask_from(state: &mut State, from: From) -> Vec<Request> {
    match wanted(state) {
        Ok(filter) => {
            state.queue.filter_fault = None;
            state.queue.generation += 1;
            state.queue.loading = true;
            vec![Request::List { filter: Box::new(filter), from, generation: state.queue.generation }]
        }
        Err(fault) => {
            state.queue.filter_fault = Some(fault);
            Vec::new()
        }
    }
}

fn wanted(state: &State) -> Result<Filter, String> {
    filter::parse(&state.queue.filter, state.persona.as_ref(), &state.me, state.queue.sort, state.now)
}

/// The item at hand moved: the next part is asked for before the window ends.
pub(in crate::console) fn go_on(state: &mut State) -> Vec<Request> {
    let queue = &state.queue;
    let (Some(at), false) = (queue.at(), queue.loading) else { return Vec::new() };
    let from = if at + NEAR >= queue.lines.len() && queue.more {
        queue.lines.last().map(|line| From::After(line.place(queue.sort)))
    } else if at < NEAR && queue.above {
        queue.lines.first().map(|line| From::Before(line.place(queue.sort)))
    } else {
        None
    };
    let (Some(from), Ok(filter)) = (from, wanted(state)) else { return Vec::new() };
    state.queue.loading = true;
    vec![Request::List { filter: Box::new(filter), from, generation: state.queue.generation }]
}

/// To the first or the last line of all.
pub(in crate::console) fn to_end(state: &mut State, last: bool) -> Option<Vec<Request>> {
    let is_elsewhere = if last { state.queue.more } else { state.queue.above };
    if state.queue.focus == Focus::Case || !is_elsewhere {
        return None;
    }
    state.queue.selected = None;
    state.queue.owed = 0;
    Some(ask_from(state, if last { From::End } else { From::Start }))
}

/// A part of the list came. Returns whether the case at hand has to be read.
pub(in crate::console) fn came(state: &mut State, part: Part, from: &From) -> bool {
    let queue = &mut state.queue;
    queue.loading = false;
    match from {
        From::After(_) => {
            queue.more = part.below;
            queue.lines.extend(part.lines);
            let over = queue.lines.len().saturating_sub(WINDOW).min(queue.at().unwrap_or(0));
            queue.lines.drain(..over);
            queue.above |= over > 0;
            queue.top = queue.top.saturating_sub(over);
            return queue.owed != 0 && queue.step(0);
        }
        From::Before(_) => {
            queue.above = part.above;
            let count = part.lines.len();
            queue.lines.splice(0..0, part.lines);
            queue.top += count;
            let keep = WINDOW.max(queue.at().unwrap_or(0) + NEAR);
            if queue.lines.len() > keep {
                queue.lines.truncate(keep);
                queue.more = true;
            }
            return queue.owed != 0 && queue.step(0);
        }
        From::Start | From::End | From::Around(_) => {}
    }
    let place = queue.at();
    let row = place.map_or(0, |place| place.saturating_sub(queue.top));
    let held = place.and_then(|place| queue.lines.get(place)).cloned();
    let is_held = queue.focus == Focus::Case || queue.stays.is_some();
    (queue.lines, queue.above, queue.more) = (part.lines, part.above, part.below);
    // Lines whose decision is under way were gone from the screen already.
    let busy = &queue.busy;
    queue.lines.retain(|line| !queue.taken.contains_key(&line.id) || !busy.contains_key(&line.id));
    queue.taken.retain(|id, _| busy.contains_key(id));
    queue.is_stale = false;
    queue.news = 0;
    let goes_to_an_end = match from {
        From::End => true,
        From::Start => place.is_some_and(|place| place > NEAR) && queue.at().is_none(),
        _ => false,
    };
    if let (Some(line), true, false) = (held, is_held, goes_to_an_end)
        && queue.at().is_none()
    {
        queue.stays = Some(line.id.clone());
        queue.put_back(line);
    }
    match queue.at() {
        Some(at) if !matches!(from, From::End) => queue.top = at.saturating_sub(row),
        _ => {
            let last = queue.lines.len().saturating_sub(1);
            let to = match from {
                From::End => last,
                From::Start if goes_to_an_end => 0,
                // Where the item at hand was, the next one is.
                From::Around((at, id)) => {
                    let (sort, gone) = (queue.sort, (*at, id.clone()));
                    let newest = sort == crate::moderation::listing::Sort::Newest;
                    queue.lines.partition_point(|line| if newest { line.place(sort) > gone } else { line.place(sort) < gone })
                }
                _ => place.unwrap_or(0),
            };
            queue.selected = None;
            queue.select(to.min(last));
            queue.top = queue.at().unwrap_or(0).saturating_sub(row);
        }
    }
    if queue.owed != 0 {
        queue.step(0);
    }
    if queue.lines.is_empty() {
        queue.selected = None;
        queue.case = None;
        queue.case_lines.clear();
    }
    true
}

/// What stands in the status line came.
pub(in crate::console) fn overviewed(state: &mut State, overview: Overview) {
    if state.queue.is_stale {
        let count = |waiting: usize| isize::try_from(waiting).unwrap_or(isize::MAX);
        state.queue.news += count(overview.waiting) - count(state.overview.waiting);
    }
    state.overview = overview;
}

/// What is told while the list stands still though the database has another one.
pub(in crate::console) fn announcement(state: &State) -> String {
    let key = state.key(Action::Refresh);
    let what = match state.queue.news {
        1 => "1 new item waits".to_owned(),
        count @ 2.. => format!("{count} new items wait"),
        _ => "the list has changed".to_owned(),
    };
    format!("{what}; {key} lists it as it is now, and so does leaving this item")
}
