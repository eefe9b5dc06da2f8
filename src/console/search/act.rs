//! What is done in the search tab: typing, choosing, opening, narrowing. Pure: a state in, requests out.

use super::ask::{self, Why};
use super::{Focus, Key, View, draw, facets, layer, preview, words};
use crate::base::SafeText;
use crate::console::action::Action;
use crate::console::request::Request;
use crate::console::state::{Layer, State, Wish};
use crate::console::tabs::{self, Name};
use crate::console::{count, layers};
use crate::search::{Hit, Kind};
use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};

/// Lines of one notch of the wheel.
const WHEEL: isize = 3;

/// The tab was opened: the field has the keys.
pub(in crate::console) fn entered(state: &mut State, from: Name) {
    if from != Name::Search {
        state.search.from = from;
    }
    state.search.focus = Focus::Field;
}

/// A key for the field.
pub(in crate::console) fn typed(state: &mut State, key: KeyEvent) -> Option<Vec<Request>> {
    if state.search.focus != Focus::Field || !state.pending.is_empty() {
        return None;
    }
    match key.code {
        KeyCode::Enter => return Some(to_results(state)),
        KeyCode::Up | KeyCode::Down if state.search.field.is_blank() || state.search.recalled.is_some() => {
            return Some(recall(state, key.code == KeyCode::Up));
        }
        KeyCode::Down => return Some(to_results(state)),
        KeyCode::Up => return Some(Vec::new()),
        _ => {}
    }
    if !state.search.field.key(key)? {
        return Some(Vec::new());
    }
    // A question that was typed leads nowhere back.
    state.search.before.clear();
    Some(changed(state))
}

/// A text was pasted into the tab; whether the field took it.
pub(in crate::console) fn pasted(state: &mut State, text: &str) -> Option<Vec<Request>> {
    if state.search.focus != Focus::Field {
        return None;
    }
    if !state.search.field.insert(text) {
        state.say("what was pasted is longer than a question may be; the rest of it is left out", true);
    }
    Some(changed(state))
}

fn changed(state: &mut State) -> Vec<Request> {
    state.search.recalled = None;
    ask::typed(state)
}

/// Ask something else in the place of what stands in the field.
fn put(state: &mut State, text: &str) -> Vec<Request> {
    state.search.field = super::Field::of(text);
    changed(state)
}

fn to_results(state: &mut State) -> Vec<Request> {
    state.search.remember();
    if state.search.shown.hits.is_empty() && state.search.under_way == 0 {
        return Vec::new();
    }
    state.search.focus = Focus::List;
    Vec::new()
}

/// An earlier question, or a later one.
fn recall(state: &mut State, earlier: bool) -> Vec<Request> {
    let tab = &mut state.search;
    let at = match (tab.recalled, earlier) {
        (None, true) => tab.history.len().checked_sub(1),
        (Some(at), true) => Some(at.saturating_sub(1)),
        (Some(at), false) => Some(at + 1).filter(|at| *at < tab.history.len()),
        (None, false) => return to_results(state),
    };
    if at.is_none() && earlier {
        state.say("nothing was asked before", false);
        return Vec::new();
    }
    let text = at.and_then(|at| tab.history.get(at)).cloned().unwrap_or_default();
    let requests = put(state, &text);
    state.search.recalled = at;
    requests
}

/// Do an action of the tab.
pub(in crate::console) fn act(state: &mut State, action: Action, count: Option<usize>) -> Vec<Request> {
    let page = isize::try_from(draw::results(state)).unwrap_or(1).max(1);
    match action {
        Action::Down => return go(state, count::times(count, 1)),
        Action::Up => return go(state, count::times(count, -1)),
        Action::PageDown => return go(state, count::times(count, page)),
        Action::PageUp => return go(state, count::times(count, -page)),
        Action::First => return go(state, isize::MIN / 2),
        Action::Last => return go(state, isize::MAX / 2),
        Action::Pane => {
            state.search.focus = match state.search.focus {
                Focus::Field => return to_results(state),
                Focus::List => Focus::Preview,
                Focus::Preview => Focus::List,
            };
        }
        Action::SearchField => state.search.focus = Focus::Field,
        Action::SearchOpen => return open(state),
        Action::SearchText => show(state, View::Text),
        Action::SearchThread => show(state, View::Thread),
        Action::SearchSimilar => return similar(state),
        Action::SearchNarrow => match facets::gathered(state).is_empty() {
            true => state.say("there are no results to narrow", false),
            false => state.layers.push(Layer::Search(layer::Layer::Facets { at: 0, all: facets::gathered(state) })),
        },
        Action::SearchWiden => {
            let text = words::widened(state.search.field.text());
            return put(state, &text);
        }
        Action::SearchSaved => state.layers.push(Layer::Search(layer::Layer::Saved { at: 0 })),
        Action::SearchCopy => match state.search.hit() {
            Some(hit) => {
                let text: String = hit.extract.iter().map(|part| part.text.as_str()).collect();
                state.wishes.push(Wish::Copy(text));
                state.say("the extract is in the clipboard of the terminal, if it has one", false);
            }
            None => state.say("no result is at hand", false),
        },
        Action::SearchCopyId => match state.search.hit().map(|hit| hit.id.clone()) {
            Some(id) => {
                state.say(format!("{} (copied)", SafeText::line(&id)), false);
                state.wishes.push(Wish::Copy(id));
            }
            None => state.say("no result is at hand", false),
        },
        Action::SearchExport => match state.search.shown.hits.is_empty() {
            true => state.say("there are no results to write into a file", false),
            false => layers::ask(state, crate::console::state::Asked::Search(layer::Asked::Export), "answers.jsonl"),
        },
        Action::SearchRefresh => return refresh(state),
        // The shell has done what is its own.
        _ => {}
    }
    Vec::new()
}

/// Show what is new, from the first result on.
fn refresh(state: &mut State) -> Vec<Request> {
    if let Some(waiting) = state.search.waiting.take() {
        let requests = super::answer::replace(state, *waiting);
        // What is new may stand above: the list begins at its first result, as far as the one at hand stays in view.
        state.search.top = 0;
        return requests;
    }
    let mut requests = ask::typed(state);
    requests.extend(ask::follow(state));
    requests
}

fn show(state: &mut State, view: View) {
    let preview = &mut state.search.preview;
    preview.view = if preview.view == view { View::Whole } else { view };
    preview.top = 0;
    lay_out(state);
}

/// Move in the part that has the keys; from the field into the results.
fn go(state: &mut State, by: isize) -> Vec<Request> {
    if state.search.focus == Focus::Preview {
        scroll(state, by);
        return Vec::new();
    }
    let Some(last) = state.search.shown.hits.len().checked_sub(1) else { return Vec::new() };
    if state.search.focus == Focus::Field {
        state.search.remember();
        state.search.focus = Focus::List;
    } else if by < 0 && state.search.at() == Some(0) && by > isize::MIN / 2 {
        // Above the first result stands the field.
        state.search.focus = Focus::Field;
        return Vec::new();
    }
    let to = state.search.at().unwrap_or(0).saturating_add_signed(by).min(last);
    choose(state, to)
}

fn choose(state: &mut State, place: usize) -> Vec<Request> {
    state.search.choose(place);
    let mut requests = ask::look(state);
    requests.extend(ask::go_on(state));
    requests
}

fn scroll(state: &mut State, by: isize) {
    let preview = &mut state.search.preview;
    let last = preview.lines.len().saturating_sub(1);
    preview.top = preview.top.saturating_add_signed(by).min(last);
    state.search.moved = true;
}

/// Open the document at hand where it belongs.
fn open(state: &mut State) -> Vec<Request> {
    let Some(hit) = state.search.hit().cloned() else {
        state.say("no result is at hand", false);
        return Vec::new();
    };
    state.search.remember();
    let key = Key::of(&hit);
    state.search.chosen = Some(key);
    match (hit.kind, &hit.persona, &hit.parent) {
        (Kind::QueueItem, Some(persona), _) => tabs::open_item(state, persona, &hit.id),
        (Kind::Decision, Some(persona), Some(item)) => tabs::open_item(state, persona, item),
        (Kind::Belief, Some(persona), _) => tabs::open_belief(state, persona, &hit.id),
        (Kind::Stance, Some(persona), Some(belief)) => tabs::open_belief(state, persona, belief),
        _ => {
            show_text(state);
            Vec::new()
        }
    }
}

/// Show the whole text of the document at hand.
fn show_text(state: &mut State) {
    state.search.focus = Focus::Preview;
    if state.search.preview.view != View::Text {
        show(state, View::Text);
    }
}

/// Ask for what is similar to the document at hand; `esc` comes back to the question of before.
fn similar(state: &mut State) -> Vec<Request> {
    match state.search.hit().map(|hit| (hit.kind, hit.id.clone())) {
        Some((kind, id)) => similar_to(state, kind, &id),
        None => {
            state.say("no result is at hand", false);
            Vec::new()
        }
    }
}

/// Ask for what is similar to a document, from any tab.
pub(in crate::console) fn similar_to(state: &mut State, kind: Kind, id: &str) -> Vec<Request> {
    let mut requests = if state.tab == Name::Search { Vec::new() } else { tabs::open(state, Name::Search) };
    state.search.remember();
    let before = state.search.field.text().to_owned();
    if !before.trim().is_empty() {
        state.search.before.push(before);
    }
    requests.extend(put(state, &words::filter("like", &format!("{kind}:{id}"))));
    state.search.chosen = None;
    state.search.focus = Focus::List;
    requests
}

/// Leave what is open, the innermost first.
pub(in crate::console) fn back(state: &mut State) -> Vec<Request> {
    if state.search.preview.view != View::Whole && state.search.focus == Focus::Preview {
        show(state, View::Whole);
        state.search.focus = Focus::List;
        return Vec::new();
    }
    match state.search.focus {
        Focus::Preview => state.search.focus = Focus::List,
        Focus::List if state.search.preview.view != View::Whole => show(state, View::Whole),
        Focus::List | Focus::Field if !state.search.before.is_empty() => {
            let text = state.search.before.pop().unwrap_or_default();
            return put(state, &text);
        }
        Focus::List => state.search.focus = Focus::Field,
        Focus::Field if !state.search.field.text().is_empty() => return put(state, ""),
        Focus::Field => {
            let to = state.search.from;
            return tabs::open(state, to);
        }
    }
    Vec::new()
}

/// A click or the wheel in the tab.
pub(in crate::console) fn mouse(state: &mut State, mouse: MouseEvent) -> Vec<Request> {
    let place = draw::places(state.width, state.height);
    let inside = |area: ratatui::layout::Rect| area.contains(ratatui::layout::Position { x: mouse.column, y: mouse.row });
    match mouse.kind {
        MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
            let by = if mouse.kind == MouseEventKind::ScrollDown { WHEEL } else { -WHEEL };
            if inside(place.preview) {
                scroll(state, by);
                return Vec::new();
            }
            let Some(last) = state.search.shown.hits.len().checked_sub(1) else { return Vec::new() };
            let to = state.search.at().unwrap_or(0).saturating_add_signed(by).min(last);
            choose(state, to)
        }
        MouseEventKind::Down(MouseButton::Left) if inside(place.field) => {
            state.search.focus = Focus::Field;
            Vec::new()
        }
        MouseEventKind::Down(MouseButton::Left) if inside(place.list) => {
            let row = usize::from(mouse.row - place.list.y) / usize::from(place.rows_each) + state.search.top;
            if row >= state.search.shown.hits.len() {
                return Vec::new();
            }
            state.search.focus = Focus::List;
            choose(state, row)
        }
        MouseEventKind::Down(MouseButton::Left) if inside(place.preview) => {
            state.search.focus = Focus::Preview;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Another question that was chosen from a list: it is asked, and its results have the keys.
pub(super) fn chosen(state: &mut State, text: &str) -> Vec<Request> {
    let requests = put(state, text);
    state.search.remember();
    state.search.focus = Focus::List;
    requests
}

/// The facet was put into the question, or taken out of it.
pub(super) fn toggled(state: &mut State, facet: words::Facet, value: &str) -> Vec<Request> {
    let text = words::toggled(state.search.field.text(), facet, value);
    put(state, &text)
}

/// Another persona is looked at.
pub(in crate::console) fn persona_changed(state: &mut State) -> Vec<Request> {
    let mut requests = ask::typed(state);
    requests.extend(ask::follow(state));
    requests
}

/// The database changed, or the tab was opened.
pub(in crate::console) fn refreshed(state: &mut State) -> Vec<Request> {
    let tab = &state.search;
    let is_new = tab.shown.text != tab.field.text() && tab.under_way == 0 && tab.fault.is_none();
    let mut requests = if is_new { ask::ask(state, Why::Typed) } else { Vec::new() };
    requests.extend(ask::follow(state));
    requests
}

/// Make the lines of the preview anew.
pub(in crate::console) fn lay_out(state: &mut State) {
    let width = usize::from(draw::places(state.width, state.height).preview.width).saturating_sub(2);
    let tab = &state.search;
    let lines = match tab.hit() {
        Some(hit) => preview::lines(&preview::Sheet {
            hit,
            looked: tab.preview.looked.as_ref(),
            terms: &tab.shown.terms,
            view: tab.preview.view,
            width,
            now: state.now,
            glyphs: &state.glyphs,
        }),
        None => Vec::new(),
    };
    let preview = &mut state.search.preview;
    preview.top = preview.top.min(lines.len().saturating_sub(1));
    preview.lines = lines;
    state.is_dirty = true;
}

/// Whose a document is, for a person.
pub(super) fn owner(hit: &Hit) -> Option<String> {
    hit.persona_name.as_ref().map(|name| format!("u/{name}"))
}
