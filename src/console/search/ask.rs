//! What is asked of the search, and when: while a person types, when the database changed, at the end of the list.

use super::request::{Look, Request as Own};
use super::{Key, Shown};
use crate::console::request::Request;
use crate::console::state::State;
use crate::search::{Page, Question, Zone};

/// Results of one page.
const PAGE: u32 = 50;
/// Results that a page may have.
const LARGEST_PAGE: usize = 200;
/// So many questions may be on their way: what is typed meanwhile waits, and only its newest form.
const MOST_UNDER_WAY: usize = 3;
/// So many results before the end of the list the next page is asked for.
const NEAR: usize = 20;

/// Why something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Why {
    /// A person changed the question.
    Typed,
    /// The database changed.
    Changed,
    /// The list came to its end.
    Next,
}

/// The text of the question is another one: it is asked at once.
pub(in crate::console) fn typed(state: &mut State) -> Vec<Request> {
    let tab = &mut state.search;
    tab.moved = false;
    tab.waiting = None;
    ask(state, Why::Typed)
}

/// Ask what stands in the field. What cannot be understood is told, and the last results stay.
pub(super) fn ask(state: &mut State, why: Why) -> Vec<Request> {
    state.is_dirty = true;
    let (now, persona) = (state.now, state.persona.clone());
    let tab = &mut state.search;
    if tab.field.is_blank() {
        tab.generation += 1;
        (tab.fault, tab.trouble, tab.put_off, tab.waiting, tab.chosen) = (None, None, None, None, None);
        tab.shown = Shown::default();
        (tab.top, tab.paging) = (0, false);
        return look(state);
    }
    let mut question = match Question::parse(tab.field.text(), Zone::Local, now) {
        Ok(question) => question,
        Err(fault) => {
            tab.fault = Some(fault);
            return Vec::new();
        }
    };
    tab.fault = None;
    // What was asked before and answers this question as well has not to be asked again.
    let is_waited_for = why == Why::Changed && tab.under_way > 0;
    if tab.under_way >= MOST_UNDER_WAY || is_waited_for {
        tab.put_off = Some(if tab.put_off == Some(Why::Typed) { Why::Typed } else { why });
        return Vec::new();
    }
    tab.put_off = None;
    tab.under_way += 1;
    tab.generation += 1;
    tab.paging = false;
    tab.asked_at = now;
    let filters = &mut question.filters;
    if let (Some(persona), true, true) = (persona, filters.personas.is_empty(), filters.not_personas.is_empty()) {
        filters.personas.push(persona.to_string());
    }
    let seen = if why == Why::Changed { tab.shown.hits.len().min(LARGEST_PAGE) } else { 0 };
    let limit = u32::try_from(seen).unwrap_or(PAGE).max(PAGE);
    let page = Page { limit, after: None };
    vec![Request::Search(Own::Ask { question: Box::new(question), page, generation: tab.generation, why })]
}

/// A question that was put off is asked, when there is room for it again.
pub(super) fn put_off(state: &mut State) -> Vec<Request> {
    match state.search.put_off {
        Some(why) => ask(state, why),
        None => Vec::new(),
    }
}

/// The next page, when the document at hand is near the end of what is there.
pub(super) fn go_on(state: &mut State) -> Vec<Request> {
    let (now, persona) = (state.now, state.persona.clone());
    let tab = &mut state.search;
    let is_near = tab.at().is_some_and(|at| at + NEAR >= tab.shown.hits.len());
    let (true, false, Some(after)) = (is_near, tab.paging, tab.shown.next) else { return Vec::new() };
    // The text in the field may be another one already: its own answer comes.
    let Ok(mut question) = Question::parse(&tab.shown.text, Zone::Local, now) else { return Vec::new() };
    if tab.under_way > 0 || question.text != tab.field.text() {
        return Vec::new();
    }
    let filters = &mut question.filters;
    if let (Some(persona), true, true) = (persona, filters.personas.is_empty(), filters.not_personas.is_empty()) {
        filters.personas.push(persona.to_string());
    }
    tab.paging = true;
    tab.under_way += 1;
    let page = Page { limit: PAGE, after: Some(after) };
    vec![Request::Search(Own::Ask { question: Box::new(question), page, generation: tab.generation, why: Why::Next })]
}

/// Read the document at hand, when it is another one.
pub(super) fn look(state: &mut State) -> Vec<Request> {
    let here = state.search.hit().map(Key::of);
    if here == state.search.preview.about {
        super::act::lay_out(state);
        return Vec::new();
    }
    let preview = &mut state.search.preview;
    (preview.about, preview.looked, preview.top) = (here, None, 0);
    super::act::lay_out(state);
    look_again(state)
}

/// Read the document at hand.
pub(super) fn look_again(state: &mut State) -> Vec<Request> {
    let Some(hit) = state.search.hit() else { return Vec::new() };
    let look = Look { key: Key::of(hit), belief: hit.parent.clone() };
    vec![Request::Search(Own::Look(Box::new(look)))]
}

/// Take in what is new in the database, one at a time.
pub(super) fn follow(state: &mut State) -> Vec<Request> {
    let following = &mut state.search.following;
    if following.is_under_way {
        following.again = true;
        return Vec::new();
    }
    following.is_under_way = true;
    (following.again, following.taken) = (false, 0);
    vec![Request::Search(Own::Follow)]
}
