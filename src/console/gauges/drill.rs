//! From a number to the calls behind it, from a call to what belongs to it and to its draft, and back, one step at a time. Pure.

use super::request::{PAGE, Request as Own};
use super::{Calls, Figure, Item, Opened, detail, refresh, table, word};
use crate::base::PersonaId;
use crate::console::request::Request;
use crate::console::state::State;
use crate::llm::budget::Scope;
use crate::llm::calls::Call;
use crate::llm::calls::behind::{Behind, Which};
use crate::llm::ledger::Window;
use crate::report::sums::{By, Only};

/// So many calls before the end of what was read the next page is asked for.
const NEAR: usize = 30;

/// The calls behind a number, with the words for them and how many there are, where that is known.
fn behind(state: &State, item: &Item) -> Option<(String, Behind, Option<i64>)> {
    let figures = state.gauges.figures.as_deref()?;
    let total = &figures.total;
    let only = refresh::only(state);
    let of = |title: &str, which, count| Some((title.to_owned(), Behind { window: figures.window, only: only.clone(), which }, count));
    let slow = |title: &str, least: Option<u64>| {
        let least = i64::try_from(least?).ok()?;
        of(title, Which::Slow(least), None)
    };
    let slow_to_begin = |title: &str, least: Option<u64>| {
        let least = i64::try_from(least?).ok()?;
        of(title, Which::SlowToBegin(least), None)
    };
    match item {
        Item::Figure(figure) => match figure {
            Figure::Spend | Figure::Calls | Figure::PerCall => of("all calls", Which::All, Some(total.calls)),
            Figure::TokensIn | Figure::TokensOut | Figure::Written | Figure::Reasoning => of("all calls", Which::All, Some(total.calls)),
            Figure::Unknown => of("calls of unknown cost", Which::Unpriced, Some(total.unpriced)),
            Figure::Cached => of("calls with cached tokens", Which::Cached, (total.tokens_cached == 0).then_some(0)),
            Figure::Errors => of("calls that failed", Which::Failed, Some(total.errors)),
            Figure::Interrupted => of("calls that were interrupted", Which::Interrupted, Some(total.interrupted)),
            Figure::Retries => of("repeated attempts", Which::Retried, Some(total.retries)),
            Figure::FromCache => of("answers from the cache", Which::FromCache, Some(total.cache_hits)),
            Figure::P50 => slow("calls at P50 and slower", figures.latency.p50_us),
            Figure::P95 => slow("calls at P95 and slower", figures.latency.p95_us),
            Figure::P99 => slow("calls at P99 and slower", figures.latency.p99_us),
            Figure::Measured => of("calls of known latency", Which::Slow(0), Some(total.latency_count)),
            Figure::First50 => slow_to_begin("first token at P50 and later", figures.first_token.p50_us),
            Figure::First95 => slow_to_begin("first token at P95 and later", figures.first_token.p95_us),
            Figure::First99 => slow_to_begin("first token at P99 and later", figures.first_token.p99_us),
            Figure::Queue => of("calls that waited to be sent", Which::Waited, (total.queue_us == 0).then_some(0)),
            Figure::UnderWay => under_way(state, only),
            Figure::Drift(class) => of(&format!("calls whose costs are {}", class.as_str()), Which::Drift(*class), None),
        },
        Item::Before => {
            let behind = Behind { window: figures.before_window, only, which: Which::All };
            Some(("calls of the time before".to_owned(), behind, Some(figures.before.calls)))
        }
        Item::Month => {
            let until = figures.at + 1;
            let window = Window { since: crate::llm::budget::Period::Month.around(figures.at, chrono_tz::Tz::UTC).start, until };
            Some(("calls of this month".to_owned(), Behind { window, only: Only::default(), which: Which::All }, None))
        }
        Item::Budget(name) => {
            let outlook = figures.budgets.iter().find(|budget| budget.budget.name == *name)?;
            let only = match &outlook.budget.scope {
                Scope::Global => Only::default(),
                Scope::Category(category) => Only { category: Some(*category), ..Only::default() },
                Scope::Persona(persona) => Only { persona: Some(persona.clone()), ..Only::default() },
                Scope::Module(module) => Only { module: Some(module.clone()), ..Only::default() },
                Scope::Model(model) => Only { model: Some(model.clone()), ..Only::default() },
            };
            let window = Window { since: outlook.used.span.start, until: outlook.used.span.end.unwrap_or(i64::MAX).min(figures.at + 1) };
            Some((format!("calls of the budget {name}"), Behind { window, only, which: Which::All }, None))
        }
        Item::Spike(start) => {
            let window = Window { since: *start, until: start + super::span::DAY };
            Some(("calls of that day".to_owned(), Behind { window, only: Only::default(), which: Which::All }, None))
        }
        Item::Traffic(model) => {
            let only = Only { model: Some(model.clone()), ..only };
            let window = Window { since: figures.at - 60_000, until: i64::MAX };
            Some((format!("calls of {model} in the last minute"), Behind { window, only, which: Which::All }, None))
        }
        Item::Group(name) => {
            let by = figures.wanted.by;
            let narrowed = match by {
                By::Model => Only { model: Some(name.clone()), ..only },
                By::Module => Only { module: Some(name.clone()), ..only },
                By::Persona => Only { persona: Some(PersonaId::from_stored(name.clone())), ..only },
                By::Category => Only { category: name.parse().ok(), ..only },
                By::Day | By::Hour => only,
            };
            let count = figures.groups.iter().find(|group| group.name == *name).map(|group| group.sums.calls);
            let behind = Behind { window: figures.window, only: narrowed, which: Which::All };
            Some((format!("calls of {} {}", word(by), table::shown(state, by, name)), behind, count))
        }
    }
}

fn under_way(state: &State, only: Only) -> Option<(String, Behind, Option<i64>)> {
    let figures = state.gauges.figures.as_deref()?;
    let since = figures.traffic.iter().filter_map(|one| one.oldest).min().unwrap_or(figures.at);
    let count = figures.traffic.iter().map(|one| one.under_way).sum();
    Some(("calls under way".to_owned(), Behind { window: Window { since, until: i64::MAX }, only, which: Which::UnderWay }, Some(count)))
}

/// Go one step in: from the number to its calls, from the call to what belongs to it, from there to its draft.
pub(super) fn open(state: &mut State) -> Vec<Request> {
    if state.gauges.opened.is_some() {
        return draft(state);
    }
    if state.gauges.calls.is_some() {
        return open_call(state);
    }
    let Some(item) = super::act::here(state) else {
        state.say("no number is at hand", false);
        return Vec::new();
    };
    match behind(state, &item) {
        Some((title, _, Some(0))) => {
            state.say(format!("there are no {} in this span", title.trim_start_matches("all ")), false);
            Vec::new()
        }
        Some((title, behind, _)) => {
            state.gauges.drilled += 1;
            let generation = state.gauges.drilled;
            let request = Own::Calls { behind: Box::new(behind.clone()), before: None, generation };
            state.gauges.calls =
                Some(Calls { title, behind, calls: Vec::new(), more: false, reading: true, generation, at: 0, top: 0, fault: None });
            vec![Request::Gauges(request)]
        }
        None => {
            state.say("nothing is known of it yet", false);
            Vec::new()
        }
    }
}

fn open_call(state: &mut State) -> Vec<Request> {
    let Some(id) = state.gauges.calls.as_ref().and_then(Calls::call).map(|call| call.id.clone()) else {
        state.say("no call is at hand", false);
        return Vec::new();
    };
    state.gauges.opened = Some(Opened { id: id.clone(), about: None, lines: Vec::new(), top: 0 });
    vec![Request::Gauges(Own::About { persona: state.persona.clone(), id })]
}

/// The call at hand.
pub(super) fn call(state: &State) -> Option<&Call> {
    match &state.gauges.opened {
        Some(opened) => opened.about.as_ref()?.as_ref().ok().map(|about| &about.call),
        None => state.gauges.calls.as_ref().and_then(Calls::call),
    }
}

/// Go to the draft that came of the call at hand.
pub(super) fn draft(state: &mut State) -> Vec<Request> {
    let Some(call) = call(state) else {
        state.say("no call is at hand", false);
        return Vec::new();
    };
    match call.persona_id.clone() {
        Some(persona) => {
            let request = Own::Draft { persona: PersonaId::from_stored(persona), correlation_id: call.correlation_id.clone() };
            vec![Request::Gauges(request)]
        }
        None => {
            state.say("the call was made on nobody's behalf, so it belongs to no draft", false);
            Vec::new()
        }
    }
}

/// Move in the calls.
pub(super) fn go(state: &mut State, by: isize) -> Vec<Request> {
    let Some(calls) = &mut state.gauges.calls else { return Vec::new() };
    let Some(last) = calls.calls.len().checked_sub(1) else { return Vec::new() };
    calls.at = calls.at.saturating_add_signed(by).min(last);
    if !calls.more || calls.reading || calls.at + NEAR < calls.calls.len() {
        return Vec::new();
    }
    calls.reading = true;
    let before = calls.calls.last().map(|call| (call.started_at, call.id.clone()));
    vec![Request::Gauges(Own::Calls { behind: Box::new(calls.behind.clone()), before, generation: calls.generation })]
}

/// A page of calls came.
pub(super) fn page(state: &mut State, is_first: bool, mut page: Vec<Call>) {
    let Some(calls) = &mut state.gauges.calls else { return };
    calls.reading = false;
    calls.fault = None;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    calls.more = page.len() > most;
    page.truncate(most);
    if is_first {
        calls.calls = page;
        (calls.at, calls.top) = (0, 0);
    } else {
        calls.calls.extend(page);
    }
}

/// Scroll what is told of a call.
pub(super) fn scroll(state: &mut State, by: isize) {
    let room = super::draw::rows(state);
    if let Some(opened) = &mut state.gauges.opened {
        opened.top = opened.top.saturating_add_signed(by).min(opened.lines.len().saturating_sub(room));
    }
}

/// Make the lines of the open call anew.
pub(super) fn lay_out(state: &mut State) {
    let width = super::draw::width(state);
    let Some(opened) = &state.gauges.opened else { return };
    let lines = match &opened.about {
        Some(Ok(about)) => detail::lines(state, about, width),
        _ => Vec::new(),
    };
    if let Some(opened) = &mut state.gauges.opened {
        opened.top = opened.top.min(lines.len().saturating_sub(1));
        opened.lines = lines;
    }
}
