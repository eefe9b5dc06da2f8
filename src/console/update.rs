//! From an event to the next state, and what has to be asked for. Nothing here waits, reads or draws.

use super::action::{Action, Scope};
use super::keymap::{Chord, Step};
use super::queue::{Focus, View, case, decide, list};
use super::request::{Decision, Reply, Request, Seen};
use super::state::{Asked, Confirm, Layer, State, Wish};
use super::{count, draw, layers};
use crate::moderation::listing::Sort;
use crossterm::event::{Event, KeyEvent, MouseButton, MouseEvent, MouseEventKind};

/// Lines that a page moves by, when the screen is not known better.
const WHEEL: isize = 3;

/// An event of the terminal.
pub(super) fn event(state: &mut State, event: &Event) -> Vec<Request> {
    match event {
        Event::Key(key) => pressed(state, *key),
        Event::Paste(text) => {
            state.is_dirty = true;
            if !layers::paste(state, text) {
                state.say("what was pasted was not taken for keys; paste into a text", false);
            }
            layers::after_text(state)
        }
        Event::Mouse(mouse) => moused(state, *mouse),
        Event::Resize(width, height) => {
            (state.width, state.height) = (*width, *height);
            lay_out(state);
            // A terminal that became small and large again in between lost what stood on it, though its size is the same.
            state.wishes.push(Wish::Redraw);
            Vec::new()
        }
        Event::FocusGained | Event::FocusLost => Vec::new(),
    }
}

fn pressed(state: &mut State, key: KeyEvent) -> Vec<Request> {
    let Some(chord) = Chord::of(&key) else { return Vec::new() };
    state.is_dirty = true;
    if !state.layers.is_empty() {
        return layers::key(state, key);
    }
    let scope = if state.queue.focus == Focus::Case { Scope::Text } else { Scope::Queue };
    if count::takes(state, chord, &[scope, Scope::Queue]) {
        return Vec::new();
    }
    state.pending.push(chord);
    let step = match state.keymap.step(scope, &state.pending) {
        // What the text pane does not know, the queue does: decisions are made from either side.
        Step::None if scope == Scope::Text => state.keymap.step(Scope::Queue, &state.pending),
        step => step,
    };
    match step {
        Step::Action(action) => {
            state.pending.clear();
            act(state, action)
        }
        Step::Prefix(_) => Vec::new(),
        Step::None => {
            let was_sequence = state.pending.len() > 1;
            state.count = None;
            state.pending.clear();
            if was_sequence {
                state.say(format!("no such keys; {} shows what there is", state.key(Action::Help)), false);
            }
            Vec::new()
        }
    }
}

fn moused(state: &mut State, mouse: MouseEvent) -> Vec<Request> {
    let place = draw::layout(state.width, state.height);
    let inside = |area: ratatui::layout::Rect| area.contains(ratatui::layout::Position { x: mouse.column, y: mouse.row });
    if !state.layers.is_empty() {
        return Vec::new();
    }
    state.is_dirty = true;
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
        _ => {
            state.is_dirty = false;
            Vec::new()
        }
    }
}

/// Do an action.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Request> {
    let count = state.count.take();
    let page = isize::try_from(usize::from(draw::layout(state.width, state.height).list.height).saturating_sub(2)).unwrap_or(1).max(1);
    match action {
        Action::Help => push(state, Layer::Help { top: 0 }),
        Action::Palette => push(state, Layer::Palette { typed: String::new(), at: 0 }),
        Action::Quit => state.quits = true,
        Action::Back => return back(state),
        Action::NextTab | Action::PreviousTab => state.say("the queue is the only tab", false),
        Action::Persona => push(state, Layer::Personas { at: 0 }),
        Action::Messages => push(state, Layer::Messages { top: 0 }),
        Action::KillSwitch if state.is_stopped() => push(state, Layer::Question { confirm: Confirm::Resume }),
        Action::KillSwitch => return vec![Request::Pause { stop: true }],
        Action::Mouse => {
            state.mouse = !state.mouse;
            state.wishes.push(Wish::Mouse(state.mouse));
            state.say(if state.mouse { "the mouse is the console's" } else { "the mouse is the terminal's" }, false);
        }
        Action::Suspend => state.wishes.push(Wish::Suspend),
        Action::Redraw => state.wishes.push(Wish::Redraw),
        Action::Down => return go(state, count::times(count, 1)),
        Action::Up => return go(state, count::times(count, -1)),
        Action::PageDown => return go(state, count::times(count, page)),
        Action::PageUp => return go(state, count::times(count, -page)),
        Action::First => return list::to_end(state, false).unwrap_or_else(|| go(state, isize::MIN / 2)),
        Action::Last => return list::to_end(state, true).unwrap_or_else(|| go(state, isize::MAX / 2)),
        Action::Pane => state.queue.focus = if state.queue.focus == Focus::List { Focus::Case } else { Focus::List },
        Action::Open => {
            state.queue.focus = Focus::Case;
            return decide(state, Decision::Claim);
        }
        Action::Approve => return decide(state, Decision::Approve),
        Action::ApproveStay => return decide_staying(state, Decision::Approve),
        Action::Skip => return decide(state, Decision::Skip),
        Action::Claim => {
            let mine =
                state.queue.open_case().is_some_and(|case| case.item.live_lease(state.now).is_some_and(|(holder, _)| holder == state.me));
            return decide(state, if mine { Decision::Release } else { Decision::Claim });
        }
        Action::Undo => return decide::undo(state),
        Action::Columns => push(state, Layer::Columns { at: 0 }),
        Action::Reject if state.queue.seen().is_some() => push(state, Layer::Reject),
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
        Action::SavedFilters => push(state, Layer::Saved { at: 0 }),
        Action::Sort => {
            state.queue.sort = match state.queue.sort {
                Sort::Oldest => Sort::Newest,
                Sort::Newest => Sort::Expiry,
                Sort::Expiry => Sort::Oldest,
            };
            return list(state);
        }
        Action::Metrics => {
            push(state, Layer::Metrics { metrics: None, top: 0 });
            return vec![Request::Stats { persona: state.persona.clone() }];
        }
        Action::Refresh => {
            let mut requests = list(state);
            requests.push(Request::Overview { persona: state.persona.clone() });
            return requests;
        }
    }
    Vec::new()
}

fn push(state: &mut State, layer: Layer) {
    state.layers.push(layer);
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

/// Leave what is open, the innermost first.
fn back(state: &mut State) -> Vec<Request> {
    if state.queue.view != View::Whole {
        show(state, View::Whole);
    } else if state.queue.focus == Focus::Case {
        state.queue.focus = Focus::List;
        // A claim that was made for looking is given back.
        let mine =
            state.queue.open_case().is_some_and(|case| case.item.live_lease(state.now).is_some_and(|(holder, _)| holder == state.me));
        if mine {
            return decide_one(state, Decision::Release, false);
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
    requests.extend(list::go_on(state));
    requests
}

fn scroll(state: &mut State, by: isize) -> Vec<Request> {
    let last = state.queue.case_lines.len().saturating_sub(1);
    state.queue.case_top = state.queue.case_top.saturating_add_signed(by).min(last);
    Vec::new()
}

/// Ask for the case of the item at hand.
pub(super) fn open_case(state: &mut State) -> Vec<Request> {
    let Some(line) = state.queue.line() else { return Vec::new() };
    vec![Request::Case { persona: line.persona_id.clone(), id: line.id.clone() }]
}

/// Ask for the list from its beginning.
pub(super) fn list(state: &mut State) -> Vec<Request> {
    list::ask(state)
}

/// Decide about the item at hand, or about all that are marked.
pub(super) fn decide(state: &mut State, decision: Decision) -> Vec<Request> {
    let count = state.queue.marked.len();
    if count == 0 || !decision.moves_on() {
        return decide_one(state, decision, true);
    }
    // Many at once are not read one by one: approving them leaves out what needs a look.
    let decision = if matches!(decision, Decision::Approve) { Decision::ApproveUnread } else { decision };
    push(state, Layer::Question { confirm: Confirm::Many { decision: Box::new(decision), count } });
    Vec::new()
}

fn decide_staying(state: &mut State, decision: Decision) -> Vec<Request> {
    decide_one(state, decision, false)
}

fn decide_one(state: &mut State, decision: Decision, moves_on: bool) -> Vec<Request> {
    decide::one(state, decision, moves_on)
}

/// Decide about everything that is marked, each by its own version.
pub(super) fn decide_marked(state: &mut State, decision: &Decision) -> Vec<Request> {
    decide::marked(state, decision)
}

/// Make the lines of the case anew.
pub(super) fn lay_out(state: &mut State) {
    let width = state.case_width();
    if let Some(open) = state.queue.open_case() {
        let mut lines = decide::told(state, open, width);
        lines.extend(case::lines(open, state.queue.view, state.queue.masked, width, state.now));
        state.queue.case_lines = lines;
        state.queue.case_top = state.queue.case_top.min(state.queue.case_lines.len().saturating_sub(1));
    }
    state.is_dirty = true;
}

/// An answer came.
pub(super) fn reply(state: &mut State, reply: Reply) -> Vec<Request> {
    state.is_dirty = true;
    match reply {
        Reply::List { generation, .. } if generation != state.queue.generation => Vec::new(),
        Reply::List { part, from, .. } => {
            if list::came(state, part, &from) {
                open_case(state)
            } else {
                Vec::new()
            }
        }
        Reply::Case(case) => {
            decide::case_came(state, case);
            Vec::new()
        }
        Reply::Gone { id, why } => {
            state.queue.remove(&id);
            state.say(why, true);
            open_case(state)
        }
        Reply::Decided { seen, decision, result } => decide::decided(state, seen, &decision, result),
        Reply::Screened { evaluation, generation } => {
            if let Some(Layer::Editor { evaluation: shown, generation: wanted, .. }) = state.layers.last_mut()
                && *wanted == generation
            {
                *shown = Some(evaluation);
            }
            Vec::new()
        }
        Reply::Overview(overview) => {
            list::overviewed(state, *overview);
            Vec::new()
        }
        Reply::Stats(found) => {
            if let Some(Layer::Metrics { metrics, .. }) = state.layers.last_mut() {
                *metrics = Some(found);
            }
            Vec::new()
        }
        Reply::Paused(Ok(stopped)) => {
            let key = state.key(Action::KillSwitch);
            state.say(if stopped { format!("all sending is stopped; {key} lets it go on") } else { "sending goes on".to_owned() }, stopped);
            vec![Request::Overview { persona: state.persona.clone() }]
        }
        Reply::Paused(Err(why)) => {
            state.say(why, true);
            Vec::new()
        }
        Reply::Kept { change, result } => {
            match result {
                Ok(Some(saved)) => state.memory.settled(&change, saved),
                Ok(None) => {}
                Err(why) => state.say(why, true),
            }
            Vec::new()
        }
        Reply::Failed { what, why } => {
            state.queue.loading = false;
            state.say(format!("{what} cannot be read: {why}"), true);
            Vec::new()
        }
    }
}
