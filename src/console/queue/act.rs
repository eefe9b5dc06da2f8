//! What is done in the queue's tab: moving, deciding, marking, filtering. Pure: a state in, requests out.

use super::{Focus, View, case, decide as decisions, list as window};
use crate::console::action::Action;
use crate::console::request::{Decision, Request, Seen};
use crate::console::state::{Asked, Confirm, Layer, State, Wish};
use crate::console::{count, draw, layers};
use crate::moderation::listing::Sort;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

/// Lines of one notch of the wheel.
const WHEEL: isize = 3;

/// Do an action of the queue.
pub(in crate::console) fn act(state: &mut State, action: Action, count: Option<usize>) -> Vec<Request> {
    let page = isize::try_from(usize::from(draw::layout(state.width, state.height).list.height).saturating_sub(2)).unwrap_or(1).max(1);
    match action {
        Action::Down => return go(state, count::times(count, 1)),
        Action::Up => return go(state, count::times(count, -1)),
        Action::PageDown => return go(state, count::times(count, page)),
        Action::PageUp => return go(state, count::times(count, -page)),
        Action::First => return window::to_end(state, false).unwrap_or_else(|| go(state, isize::MIN / 2)),
        Action::Last => return window::to_end(state, true).unwrap_or_else(|| go(state, isize::MAX / 2)),
        Action::Pane => state.queue.focus = if state.queue.focus == Focus::List { Focus::Case } else { Focus::List },
        Action::Open => {
            state.queue.focus = Focus::Case;
            // Looking needs no claim where nothing can be decided.
            if state.read_only {
                return Vec::new();
            }
            return decide(state, Decision::Claim);
        }
        Action::Approve => return decide(state, Decision::Approve),
        Action::ApproveStay => return decisions::one(state, Decision::Approve, false),
        Action::Skip => return decide(state, Decision::Skip),
        Action::Claim => {
            let mine =
                state.queue.open_case().is_some_and(|case| case.item.live_lease(state.now).is_some_and(|(holder, _)| holder == state.me));
            return decide(state, if mine { Decision::Release } else { Decision::Claim });
        }
        Action::Undo => return decisions::undo(state),
        Action::Columns => state.layers.push(Layer::Columns { at: 0 }),
        Action::Reject if state.queue.seen().is_some() => state.layers.push(Layer::Reject),
        Action::Return if state.queue.seen().is_some() => layers::ask(state, Asked::Return, ""),
        Action::Hold if state.queue.seen().is_some() => layers::ask(state, Asked::Hold, ""),
        Action::Escalate if state.queue.seen().is_some() => layers::ask(state, Asked::Escalate, ""),
        Action::Edit => return layers::edit(state),
        Action::EditOutside => match (state.queue.seen(), state.queue.open_case()) {
            (Some(seen), Some(case)) => {
                let text = case.item.content.clone();
                state.wishes.push(Wish::Editor { seen: seen.clone(), text });
                return vec![Request::Decide { seen, decision: Decision::Claim }];
            }
            _ => state.say("no item is open", false),
        },
        Action::Reject | Action::Return | Action::Hold | Action::Escalate => state.say("no item is at hand", false),
        Action::Rules => show(state, View::Rules),
        Action::Beliefs => show(state, View::Beliefs),
        Action::Thread => show(state, View::Thread),
        Action::Difference => show(state, View::Difference),
        Action::Mask => {
            state.queue.masked = !state.queue.masked;
            lay_out(state);
        }
        Action::Copy => match state.queue.open_case() {
            Some(case) => {
                let text = case.item.content.clone();
                state.wishes.push(Wish::Copy(text));
                state.say("the draft is in the clipboard of the terminal, if it has one", false);
            }
            None => state.say("no item is open", false),
        },
        Action::Link => {
            let link = state.queue.open_case().and_then(|case| {
                let own = case.item.permalink.clone();
                own.or_else(|| case.item.draft_metadata.thread.last().and_then(|entry| entry.permalink.clone()))
            });
            match link {
                Some(link) => {
                    state.wishes.push(Wish::Copy(link.clone()));
                    state.say(format!("{} (copied)", crate::base::SafeText::line(&link)), false);
                }
                None => state.say("no link is known", false),
            }
        }
        Action::Mark => {
            if let Some(line) = state.queue.line() {
                let seen = Seen { persona: line.persona_id.clone(), id: line.id.clone(), version: line.version };
                if state.queue.marked.remove(&seen.id).is_none() {
                    state.queue.marked.insert(seen.id.clone(), seen);
                }
            }
            return go(state, 1);
        }
        Action::MarkAlike => mark_alike(state),
        Action::Filter => {
            let before = state.queue.filter.clone();
            layers::ask(state, Asked::Filter, &before);
        }
        Action::SavedFilters => state.layers.push(Layer::Saved { at: 0 }),
        Action::Sort => {
            state.queue.sort = match state.queue.sort {
                Sort::Oldest => Sort::Newest,
                Sort::Newest => Sort::Expiry,
                Sort::Expiry => Sort::Oldest,
            };
            return list(state);
        }
        Action::Metrics => {
            state.layers.push(Layer::Metrics { metrics: None, top: 0 });
            return vec![Request::Stats { persona: state.persona.clone() }];
        }
        Action::Refresh => {
            let mut requests = list(state);
            requests.push(Request::Overview { persona: state.persona.clone() });
            return requests;
        }
        // The shell has done what is its own.
        _ => {}
    }
    Vec::new()
}

/// A click or the wheel in the tab.
pub(in crate::console) fn mouse(state: &mut State, mouse: MouseEvent) -> Vec<Request> {
    let place = draw::layout(state.width, state.height);
    let inside = |area: ratatui::layout::Rect| area.contains(ratatui::layout::Position { x: mouse.column, y: mouse.row });
    match mouse.kind {
        MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
            let by = if mouse.kind == MouseEventKind::ScrollDown { WHEEL } else { -WHEEL };
            if inside(place.case) { scroll(state, by) } else { go(state, by) }
        }
        MouseEventKind::Down(MouseButton::Left) if inside(place.list) => {
            state.queue.focus = Focus::List;
            let row = usize::from(mouse.row - place.list.y).saturating_sub(1) + state.queue.top;
            if state.queue.select(row) { open_case(state) } else { Vec::new() }
        }
        MouseEventKind::Down(MouseButton::Left) if inside(place.case) => {
            state.queue.focus = Focus::Case;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn mark_alike(state: &mut State) {
    let Some(like) = state.queue.line().cloned() else { return };
    let alike: Vec<Seen> = state
        .queue
        .lines
        .iter()
        .filter(|line| line.verdict == like.verdict && line.state == like.state && line.target_subreddit == like.target_subreddit)
        .map(|line| Seen { persona: line.persona_id.clone(), id: line.id.clone(), version: line.version })
        .collect();
    state.say(format!("{} items are marked; approving or rejecting now asks about all of them", alike.len()), false);
    state.queue.marked.extend(alike.into_iter().map(|seen| (seen.id.clone(), seen)));
}

fn show(state: &mut State, view: View) {
    state.queue.view = if state.queue.view == view { View::Whole } else { view };
    state.queue.case_top = 0;
    lay_out(state);
}

/// Move in the pane that has the keys.
fn go(state: &mut State, by: isize) -> Vec<Request> {
    if state.queue.focus == Focus::Case {
        return scroll(state, by);
    }
    let is_other = state.queue.step(by);
    let mut requests = if is_other { open_case(state) } else { Vec::new() };
    requests.extend(window::go_on(state));
    requests
}

fn scroll(state: &mut State, by: isize) -> Vec<Request> {
    let last = state.queue.case_lines.len().saturating_sub(1);
    state.queue.case_top = state.queue.case_top.saturating_add_signed(by).min(last);
    Vec::new()
}

/// Ask for the case of the item at hand.
pub(in crate::console) fn open_case(state: &mut State) -> Vec<Request> {
    let Some(line) = state.queue.line() else { return Vec::new() };
    vec![Request::Case { persona: line.persona_id.clone(), id: line.id.clone() }]
}

/// Ask for the list, where the item at hand is.
pub(in crate::console) fn list(state: &mut State) -> Vec<Request> {
    window::ask(state)
}

/// Decide about the item at hand, or about all that are marked.
pub(in crate::console) fn decide(state: &mut State, decision: Decision) -> Vec<Request> {
    let count = state.queue.marked.len();
    if count == 0 || !decision.moves_on() {
        return decisions::one(state, decision, true);
    }
    // Many at once are not read one by one: approving them leaves out what needs a look.
    let decision = if matches!(decision, Decision::Approve) { Decision::ApproveUnread } else { decision };
    state.layers.push(Layer::Question { confirm: Confirm::Many { decision: Box::new(decision), count } });
    Vec::new()
}

/// Make the lines of the case anew.
pub(in crate::console) fn lay_out(state: &mut State) {
    let width = state.case_width();
    if let Some(open) = state.queue.open_case() {
        let mut lines = decisions::told(state, open, width);
        lines.extend(case::lines(open, state.queue.view, state.queue.masked, width, state.now));
        state.queue.case_lines = lines;
        state.queue.case_top = state.queue.case_top.min(state.queue.case_lines.len().saturating_sub(1));
    }
    state.is_dirty = true;
}

/// Leave what is open, the innermost first.
pub(in crate::console) fn back(state: &mut State) -> Vec<Request> {
    if state.queue.view != View::Whole {
        show(state, View::Whole);
    } else if state.queue.focus == Focus::Case {
        state.queue.focus = Focus::List;
        // A claim that was made for looking is given back.
        let mine =
            state.queue.open_case().is_some_and(|case| case.item.live_lease(state.now).is_some_and(|(holder, _)| holder == state.me));
        if mine {
            return decisions::one(state, Decision::Release, false);
        }
    } else if !state.queue.marked.is_empty() {
        state.queue.marked.clear();
    } else if !state.queue.filter.is_empty() {
        state.queue.filter.clear();
        return list(state);
    } else {
        state.say(format!("{} leaves the console", state.key(Action::Quit)), false);
    }
    Vec::new()
}

/// The database changed: the list is read again, unless a person is in the middle of an item.
pub(in crate::console) fn refreshed(state: &mut State) -> Vec<Request> {
    let is_busy = state.queue.focus == Focus::Case || !state.layers.is_empty();
    if is_busy || state.queue.loading {
        state.queue.is_stale = true;
        state.is_dirty = true;
        return Vec::new();
    }
    list(state)
}

/// The item was left: what changed meanwhile is read.
pub(in crate::console) fn caught_up(state: &mut State) -> Vec<Request> {
    if !state.queue.is_stale || state.queue.focus == Focus::Case || !state.layers.is_empty() || state.queue.loading {
        return Vec::new();
    }
    state.queue.is_stale = false;
    list(state)
}
