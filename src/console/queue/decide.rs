//! What follows from a decision: the next item at once, and what its answer says when it comes. A refusal puts the item back where it was,
//! shows what happened to it since, and asks again for what was typed.

use super::act::{lay_out, open_case};
use super::{Focus, Notice, list};
use crate::base::{Millis, clock, short};
use crate::console::action::Action;
use crate::console::layers;
use crate::console::request::{Case, Decision, Request, Seen};
use crate::console::state::{Asked, State};
use crate::console::text::{Piece, Pieces, wrap};
use crate::console::theme::Role;
use crate::moderation::listing::Line;
use crate::moderation::{Item, State as Stage};
use std::collections::{BTreeMap, BTreeSet};

/// Texts by the item and what they were asked for.
pub(in crate::console) type Typed = BTreeMap<(String, &'static str), String>;

/// Texts that are kept.
const MOST_TYPED: usize = 50;
/// An approval that comes so soon after the text changed was meant for the text before.
const STARTLED: Millis = 700;
/// Characters of a line of the list: a longer text is not approved unread.
const WHOLE: usize = 160;

/// Many decisions under way.
#[derive(Debug, Default)]
pub(in crate::console) struct Many {
    ids: BTreeSet<String>,
    done: usize,
    word: &'static str,
    left_out: usize,
}

fn kind(asked: &Asked) -> Option<&'static str> {
    match asked {
        Asked::Return => Some("return"),
        Asked::Hold => Some("hold"),
        Asked::Escalate => Some("escalate"),
        Asked::RejectNote { .. } => Some("reject"),
        Asked::Audit | Asked::Filter | Asked::FilterName | Asked::Beliefs(_) | Asked::Gauges(_) | Asked::Health(_) | Asked::Search(_) => {
            None
        }
    }
}

/// What was asked for with a decision, and what was typed then.
fn words(decision: &Decision) -> Option<(Asked, String)> {
    match decision {
        Decision::Return { note } => Some((Asked::Return, note.clone())),
        Decision::Hold { length, reason } => Some((Asked::Hold, format!("{} {reason}", clock::duration(*length).replace(' ', "")))),
        Decision::Escalate { to, reason } => Some((Asked::Escalate, format!("{to} {reason}"))),
        Decision::Reject { code, directive, note: Some(note) } => {
            Some((Asked::RejectNote { code: *code, directive: *directive }, note.clone()))
        }
        _ => None,
    }
}

/// A text is about to be asked for: it is about the item at hand. Returns what stands in the field at first.
pub(in crate::console) fn asking(state: &mut State, asked: &Asked, before: &str) -> String {
    let Some(kind) = kind(asked) else { return before.to_owned() };
    state.queue.asked_for = state.queue.selected.clone();
    let kept = state.queue.selected.clone().and_then(|id| state.queue.typed.get(&(id, kind)).cloned());
    if before.is_empty() { kept.unwrap_or_default() } else { before.to_owned() }
}

/// Decide about the item at hand.
pub(in crate::console) fn one(state: &mut State, decision: Decision, moves_on: bool) -> Vec<Request> {
    let Some(seen) = state.queue.seen() else {
        state.say("no item is at hand", false);
        return Vec::new();
    };
    let asked_for = state.queue.asked_for.take();
    if let (Some((asked, text)), Some(kind)) = (words(&decision), words(&decision).and_then(|(asked, _)| kind(&asked)))
        && asked_for.as_ref().is_some_and(|id| *id != seen.id)
    {
        // What was typed about one item is never said of another.
        keep(state, asked_for.unwrap_or_default(), kind, text.clone());
        layers::ask(state, asked, &text);
        state.say(format!("another item is at hand now, {}: nothing was decided", short(&seen.id)), true);
        return Vec::new();
    }
    if let Some(busy) = state.queue.busy.get(&seen.id) {
        state.say(format!("{} is being {busy} already", short(&seen.id)), false);
        return Vec::new();
    }
    if state.queue.open_case().is_none() && matches!(decision, Decision::Approve) {
        // The pane may still show the case before: nobody approves a text that is not on the screen.
        state.say(format!("the text of {} is not here yet: read it, then press again", short(&seen.id)), false);
        return Vec::new();
    }
    let is_startled = state.queue.notice.as_ref().is_some_and(|notice| notice.refused.is_none() && state.now - notice.at < STARTLED);
    if is_startled && matches!(decision, Decision::Approve) {
        state.say("the text changed as you pressed the key: look at it, then press again", true);
        return Vec::new();
    }
    state.queue.busy.insert(seen.id.clone(), decision.done());
    let mut requests = vec![Request::Decide { seen: seen.clone(), decision: decision.clone() }];
    if moves_on && decision.moves_on() {
        // The next item is on the screen at once; a refusal brings this one back.
        state.queue.remove(&seen.id);
        requests.extend(open_case(state));
        requests.extend(list::go_on(state));
    } else if decision.moves_on() {
        state.queue.stays = Some(seen.id);
    }
    requests
}

/// Decide about everything that is marked, each by its own version.
pub(in crate::console) fn marked(state: &mut State, decision: &Decision) -> Vec<Request> {
    let marked = std::mem::take(&mut state.queue.marked);
    let mut many = Many { word: decision.done(), ..Many::default() };
    let mut requests = Vec::with_capacity(marked.len());
    for seen in marked.into_values() {
        let line = state.queue.lines.iter().find(|line| line.id == seen.id);
        if matches!(decision, Decision::ApproveUnread) && line.is_none_or(|line| line.preview.chars().count() >= WHOLE) {
            many.left_out += 1;
            state.say(format!("{} is longer than its line shows: open it to approve it", short(&seen.id)), true);
            continue;
        }
        state.queue.remove(&seen.id);
        state.queue.busy.insert(seen.id.clone(), decision.done());
        many.ids.insert(seen.id.clone());
        requests.push(Request::Decide { seen, decision: decision.clone() });
    }
    state.queue.many = (!many.ids.is_empty()).then_some(many);
    requests.extend(open_case(state));
    requests
}

/// The marked items, so that whoever says yes has read them.
pub(in crate::console) fn evidence(state: &State, width: usize) -> Vec<Pieces> {
    let marked = state.queue.lines.iter().filter(|line| state.queue.marked.contains_key(&line.id));
    let mut lines = vec![Vec::new()];
    for line in marked {
        let (role, word) = super::case::verdict(line.verdict);
        let is_long = line.preview.chars().count() >= WHOLE;
        let pieces = [
            Piece::new(role, &format!("{word}  ")),
            Piece::new(Role::Link, &format!("r/{}  ", line.target_subreddit)),
            Piece::new(Role::Text, &crate::base::SafeText::line(&line.preview).to_string()),
            Piece::new(Role::Warning, if is_long { " (it goes on)" } else { "" }),
        ];
        lines.extend(wrap(&pieces, width, 1));
    }
    lines
}

/// Take back the item at hand, when it can be; otherwise what was approved last.
pub(in crate::console) fn undo(state: &mut State) -> Vec<Request> {
    let here = state.queue.line().filter(|line| line.state == Stage::Scheduled).map(seen_of);
    let last = loop {
        match state.approved.pop() {
            // What was taken back or has left is not asked for again.
            Some(seen) if state.overview.leaving.iter().any(|line| line.id == seen.id && line.not_before > Some(state.now)) => {
                break Some(seen);
            }
            Some(_) => {}
            None => break None,
        }
    };
    let leaving = || state.overview.leaving.iter().find(|line| line.not_before > Some(state.now)).map(seen_of);
    let Some(seen) = here.or(last).or_else(leaving) else {
        state.say("you have approved nothing that could be taken back: nothing of yours waits to leave", false);
        return Vec::new();
    };
    if state.queue.busy.insert(seen.id.clone(), Decision::Undo.done()).is_some() {
        return Vec::new();
    }
    vec![Request::Decide { seen, decision: Decision::Undo }]
}

fn seen_of(line: &Line) -> Seen {
    Seen { persona: line.persona_id.clone(), id: line.id.clone(), version: line.version }
}

/// The answer to a decision.
pub(in crate::console) fn decided(state: &mut State, seen: Seen, decision: &Decision, result: Result<Box<Item>, String>) -> Vec<Request> {
    state.queue.busy.remove(&seen.id);
    let taken = state.queue.taken.remove(&seen.id);
    let is_of_many = state.queue.many.as_mut().is_some_and(|many| many.ids.remove(&seen.id));
    let mut requests = match result {
        Ok(item) => done(state, decision, &item),
        Err(why) if is_of_many => {
            state.say(format!("{} is left out: {}", short(&seen.id), why.replace(&seen.id, short(&seen.id))), true);
            if let Some(many) = &mut state.queue.many {
                many.left_out += 1;
            }
            taken.into_iter().for_each(|line| state.queue.put_back(line));
            return finish_many(state);
        }
        Err(why) => return refused(state, seen, decision, &why, taken),
    };
    if is_of_many {
        if let Some(many) = &mut state.queue.many {
            many.done += 1;
        }
        requests.extend(finish_many(state));
    }
    requests
}

/// Say what became of many decisions, once all are answered.
fn finish_many(state: &mut State) -> Vec<Request> {
    let Some(many) = state.queue.many.take_if(|many| many.ids.is_empty()) else { return Vec::new() };
    if many.left_out > 0 {
        let key = state.key(Action::Messages);
        state.say(format!("{} {}, {} left out; {key} tells why", many.done, many.word, many.left_out), true);
    }
    list::ask(state)
}

fn done(state: &mut State, decision: &Decision, item: &Item) -> Vec<Request> {
    let id = short(&item.id).to_owned();
    state.queue.typed.retain(|(of, _), _| *of != item.id);
    state.overview.leaving.retain(|line| line.id != item.id);
    if let Some(line) = state.queue.lines.iter_mut().find(|line| line.id == item.id) {
        *line = Line::of(item);
    }
    if !matches!(decision, Decision::Claim | Decision::Release) {
        state.queue.notice.take_if(|notice| notice.id == item.id);
    }
    let mut requests = Vec::new();
    match decision {
        Decision::Claim => {}
        Decision::Approve | Decision::ApproveUnread if item.state == Stage::Pending => {
            state.say(format!("{id} approved by you; a second person has to approve it too"), false);
        }
        Decision::Approve | Decision::ApproveUnread => {
            let leaves = item.not_before.map(|at| clock::duration((at - state.now).max(0))).unwrap_or_default();
            state.approved.push(Seen { persona: item.persona_id.clone(), id: item.id.clone(), version: item.version });
            state.overview.leaving.insert(0, Line::of(item));
            state.say(format!("{id} approved, leaves in {leaves}; {} takes it back", state.key(Action::Undo)), false);
        }
        Decision::Undo => {
            state.say(format!("{id} taken back; nothing has left"), false);
            if state.queue.focus == Focus::List && state.layers.is_empty() {
                // It is decided about anew, so it is at hand.
                state.queue.put_back(Line::of(item));
                state.queue.selected = Some(item.id.clone());
                requests.extend(open_case(state));
            }
            requests.extend(list::ask(state));
        }
        other => state.say(format!("{id} {}", other.done()), false),
    }
    if state.queue.selected.as_deref() == Some(&item.id) {
        requests.push(Request::Case { persona: item.persona_id.clone(), id: item.id.clone() });
    }
    requests
}

/// It was not done. What was typed is kept, and the item is looked at again as it is now, where it was.
fn refused(state: &mut State, seen: Seen, decision: &Decision, why: &str, taken: Option<Line>) -> Vec<Request> {
    let why = why.replace(&seen.id, short(&seen.id));
    state.queue.stays.take_if(|id| *id == seen.id);
    if let Some(line) = taken {
        state.queue.put_back(line);
    }
    let typed = words(decision);
    if let Some((asked, text)) = &typed
        && let Some(kind) = kind(asked)
    {
        keep(state, seen.id.clone(), kind, text.clone());
    }
    if let Decision::Edit { text, .. } = decision {
        keep(state, seen.id.clone(), "edit", text.clone());
    }
    let is_here = state.queue.selected.as_deref() == Some(&seen.id);
    let has_another =
        || state.queue.open_case().is_some_and(|case| case.item.live_lease(state.now).is_some_and(|(holder, _)| holder == state.me));
    let is_elsewhere = !state.layers.is_empty() || (state.queue.focus == Focus::Case && !is_here && has_another());
    if is_elsewhere && !matches!(decision, Decision::Claim) {
        let kept = if typed.is_some() || matches!(decision, Decision::Edit { .. }) { ", with what you typed" } else { "" };
        state.say(format!("{} is not {}: {why}; it is in the list again{kept}", short(&seen.id), decision.done()), true);
        return list::ask(state);
    }
    state.say(why.clone(), true);
    if !is_elsewhere {
        state.queue.selected = Some(seen.id.clone());
        state.queue.stays = Some(seen.id.clone());
    }
    state.queue.notice = Some(Notice { id: seen.id.clone(), seen: seen.version, refused: Some(why), at: state.now });
    state.queue.case_top = 0;
    if let Decision::Edit { case, text } = decision {
        layers::open_editor(state, (**case).clone(), text);
    } else if let Some((asked, text)) = typed {
        layers::ask(state, asked, &text);
    }
    let mut requests = vec![Request::Case { persona: seen.persona, id: seen.id }];
    requests.extend(list::ask(state));
    requests
}

fn keep(state: &mut State, id: String, kind: &'static str, text: String) {
    if state.queue.typed.len() >= MOST_TYPED {
        state.queue.typed.pop_first();
    }
    state.queue.typed.insert((id, kind), text);
}

/// The text that was typed for this item and could not be stored.
pub(in crate::console) fn kept_text(state: &State, case: &Case) -> String {
    state.queue.typed.get(&(case.item.id.clone(), "edit")).unwrap_or(&case.item.content).clone()
}

/// A case was read.
pub(in crate::console) fn case_came(state: &mut State, case: Box<Case>) {
    if Some(&case.item.id) != state.queue.selected.as_ref() {
        return;
    }
    if let Some(old) = state.queue.open_case()
        && old.item.revision < case.item.revision
        && case.revisions.last().is_some_and(|revision| revision.author != state.me)
        && state.queue.notice.is_none()
    {
        // Under the eyes of whoever reads it.
        let (id, seen) = (old.item.id.clone(), old.item.version);
        state.queue.notice = Some(Notice { id, seen, refused: None, at: state.now });
        state.queue.case_top = 0;
        state.say("the text was changed just now: what is new in it stands above it", true);
    }
    if let Some(line) = state.queue.lines.iter_mut().find(|line| line.id == case.item.id) {
        *line = Line::of(&case.item);
    }
    state.queue.case = Some(case);
    lay_out(state);
}

/// What has to be told about a case before it.
pub(in crate::console) fn told(state: &State, case: &Case, width: usize) -> Vec<Pieces> {
    let on = if state.queue.focus == Focus::Case { Action::Back } else { Action::Down };
    let keys = [Action::Approve, Action::Reject, on].map(|action| state.key(action));
    let notice = state.queue.notice.as_ref().filter(|notice| notice.id == case.item.id);
    notice.map(|notice| super::case::told(case, notice, &state.me, &keys, width, state.now)).unwrap_or_default()
}
