//! What is done in the beliefs' tab: reading, looking, changing. Pure: a state in, requests out.

use super::asked::{self, Value};
use super::rows::{self, Filter};
use super::wish::{Field, Wish};
use super::{Asked, Focus, Request as Own, View, detail, difference, draw, graph, moving, persona, pick, time};
use crate::base::PersonaId;
use crate::console::action::Action;
use crate::console::request::Request;
use crate::console::state::{self, Layer, State};
use crate::console::tabs::Name;
use crate::console::{count, layers};
use crate::memory::{Direction, undo};

/// Do an action of the tab.
pub(in crate::console) fn act(state: &mut State, action: Action, count: Option<usize>) -> Vec<Request> {
    let times = |by: i64| by.saturating_mul(count.and_then(|count| i64::try_from(count).ok()).unwrap_or(1));
    match action {
        Action::Down => return moving::go(state, count::times(count, 1)),
        Action::Up => return moving::go(state, count::times(count, -1)),
        Action::PageDown => return moving::go(state, count::times(count, draw::page(state))),
        Action::PageUp => return moving::go(state, count::times(count, -draw::page(state))),
        Action::First => return moving::go(state, isize::MIN / 2),
        Action::Last => return moving::go(state, isize::MAX / 2),
        Action::Pane => moving::focus(state, if state.beliefs.focus == Focus::List { Focus::Pane } else { Focus::List }),
        Action::BeliefOpen => return moving::open(state),
        Action::BeliefWalkBack => return moving::walk_back(state),
        Action::BeliefGraph => show(state, View::Graph),
        Action::BeliefDifference => return compare(state),
        Action::BeliefMoreHops => hop(state, 1),
        Action::BeliefFewerHops => hop(state, -1),
        Action::BeliefSort => {
            state.beliefs.sort = state.beliefs.sort.next();
            state.beliefs.is_reversed = false;
            list(state);
        }
        Action::BeliefReverse => {
            state.beliefs.is_reversed = !state.beliefs.is_reversed;
            list(state);
        }
        Action::BeliefFilter => {
            let before = state.beliefs.filter.clone();
            ask(state, Asked::Filter, &before);
        }
        Action::BeliefRefresh => return load(state),
        Action::BeliefEarlier => return time::travel(state, times(-time::DAY)),
        Action::BeliefLater => return time::travel(state, times(time::DAY)),
        Action::BeliefWeekEarlier => return time::travel(state, times(-time::WEEK)),
        Action::BeliefWeekLater => return time::travel(state, times(time::WEEK)),
        Action::BeliefNow => return time::present(state),
        change if may_change(state) => start(state, change, count),
        _ => {}
    }
    Vec::new()
}

/// Whether a change may be begun: the present is looked at, and somebody's beliefs are.
fn may_change(state: &mut State) -> bool {
    if state.beliefs.at.is_some() {
        let key = state.key(Action::BeliefNow);
        state.say(format!("the past is not changed; {key} returns to the present"), true);
        return false;
    }
    if state.beliefs.persona.is_none() {
        let key = state.key(Action::Persona);
        state.say(format!("beliefs belong to one persona; {key} chooses whose are shown"), true);
        return false;
    }
    true
}

/// Begin a change: ask what has to be told for it.
fn start(state: &mut State, action: Action, count: Option<usize>) {
    if action == Action::BeliefCreate {
        asked::create(state);
        return;
    }
    let Some(row) = state.beliefs.row().cloned() else {
        state.say("no belief is at hand", false);
        return;
    };
    let seen = state.beliefs.open_detail().and_then(|detail| detail.stances.first()).map(|view| view.stance.id.clone());
    let moves = matches!(
        action,
        Action::BeliefConfidence
            | Action::BeliefStance
            | Action::BeliefTitle
            | Action::BeliefSummary
            | Action::BeliefTags
            | Action::BeliefNudgeUp
            | Action::BeliefNudgeDown
    );
    if moves && row.locked {
        let key = state.key(Action::BeliefUnlock);
        state.say(format!("{} is locked; {key} unlocks it, with a reason", asked::name(&row.title)), true);
        return;
    }
    let needs_detail = matches!(action, Action::BeliefConfidence | Action::BeliefStance | Action::BeliefSummary | Action::BeliefUndo);
    if needs_detail && state.beliefs.open_detail().is_none() {
        state.say("it is still being read", false);
        return;
    }
    let detail = state.beliefs.open_detail();
    match action {
        Action::BeliefConfidence => {
            asked::value(state, &row, Value::Confidence { seen }, "", "");
        }
        Action::BeliefStance => {
            let before = detail.and_then(|detail| detail.stance.clone()).unwrap_or_default();
            asked::value(state, &row, Value::Text { seen }, &before, "");
        }
        Action::BeliefTitle => asked::value(state, &row, Value::Words(Field::Title), &row.title, ""),
        Action::BeliefTags => asked::value(state, &row, Value::Words(Field::Tags), &row.tags.join(", "), ""),
        Action::BeliefSummary => {
            let before = detail.map(|detail| detail.summary.clone()).unwrap_or_default();
            asked::value(state, &row, Value::Words(Field::Summary), &before, "");
        }
        Action::BeliefNudgeUp | Action::BeliefNudgeDown => {
            let direction = if action == Action::BeliefNudgeUp { Direction::Increase } else { Direction::Decrease };
            // What the weak, the moderate and the strong nudge are called in the arithmetic.
            let amount = match count {
                None | Some(0 | 1) => 0.05,
                Some(2) => 0.15,
                Some(_) => 0.5,
            };
            asked::because(state, &row, Wish::Nudge { direction, amount });
        }
        Action::BeliefLock if row.locked => state.say("it is locked already", false),
        Action::BeliefLock => asked::because(state, &row, Wish::Lock),
        Action::BeliefUnlock if !row.locked => state.say("it is not locked", false),
        Action::BeliefUnlock => asked::because(state, &row, Wish::Unlock),
        Action::BeliefLink => pick::target(state, &row),
        Action::BeliefUnlink => pick::edge(state, &row),
        Action::BeliefAccept => pick::suggestion(state, &row, true),
        Action::BeliefRefuse => pick::suggestion(state, &row, false),
        Action::BeliefUndo => {
            let updates = detail.map(|detail| detail.updates.as_slice()).unwrap_or_default();
            let taken_back: Vec<&str> = updates.iter().filter_map(|update| update.undoes.as_deref()).collect();
            let newest = updates
                .iter()
                .find(|update| update.undoes.is_none() && undo::is_of_a_kind(update) && !taken_back.contains(&update.id.as_str()));
            match newest.map(|update| update.id.clone()) {
                Some(update) => asked::because(state, &row, Wish::Undo { update }),
                None => state.say("nothing about it can be taken back: evidence and the making of a belief stay", false),
            }
        }
        // The shell has done what is its own.
        _ => {}
    }
}

/// Ask for a line of text.
pub(super) fn ask(state: &mut State, asked: Asked, before: &str) {
    layers::ask(state, state::Asked::Beliefs(Box::new(asked)), before);
}

fn show(state: &mut State, view: View) {
    state.beliefs.view = if state.beliefs.view == view { View::Detail } else { view };
    state.beliefs.pane_top = 0;
    lay_out(state);
}

/// What changed: since the time looked at, or in the last week.
fn compare(state: &mut State) -> Vec<Request> {
    show(state, View::Difference);
    difference_wanted(state)
}

/// Ask for the difference, where it is looked at and not there.
pub(super) fn difference_wanted(state: &mut State) -> Vec<Request> {
    let Some(persona) = state.beliefs.persona.clone() else { return Vec::new() };
    if state.beliefs.view != View::Difference || state.beliefs.difference.is_some() {
        return Vec::new();
    }
    let since = state.beliefs.at.unwrap_or(state.now - time::WEEK);
    vec![Request::Beliefs(Own::Difference { persona, since })]
}

fn hop(state: &mut State, by: i32) {
    let reach = state.beliefs.reach();
    let to = reach.saturating_add_signed(by).clamp(1, super::MOST_HOPS);
    if to == reach {
        state.say(if by > 0 { format!("{to} edges are the furthest") } else { "one edge is the least".to_owned() }, false);
    }
    state.beliefs.hops = to;
    state.beliefs.view = View::Graph;
    lay_out(state);
}

/// The tab was opened: where everybody's items are shown, it asks whose beliefs.
pub(in crate::console) fn opened(state: &mut State) {
    if persona(state).is_none() && state.overview.personas.len() > 1 && state.layers.is_empty() {
        state.layers.push(Layer::Personas { at: 1 });
    }
}

/// Show a belief in its graph, whoever holds it: where another tab leads here.
pub(in crate::console) fn go_to(state: &mut State, persona: &PersonaId, id: &str) -> Vec<Request> {
    if super::persona(state).as_ref() != Some(persona) {
        state.persona = Some(persona.clone());
    }
    state.tab = Name::Beliefs;
    state.beliefs.at = None;
    let requests = load(state);
    let tab = &mut state.beliefs;
    (tab.view, tab.focus, tab.near) = (View::Graph, Focus::Pane, None);
    tab.trail.clear();
    tab.selected = Some(id.to_owned());
    lay_out(state);
    requests
}

/// Read everything anew.
pub(in crate::console) fn load(state: &mut State) -> Vec<Request> {
    let wanted = persona(state);
    let tab = &mut state.beliefs;
    if tab.persona != wanted {
        // The filter and the order stay; a belief of somebody else does not.
        *tab = super::Tab {
            filter: std::mem::take(&mut tab.filter),
            sort: tab.sort,
            is_reversed: tab.is_reversed,
            hops: tab.hops,
            view: tab.view,
            at: tab.at,
            generation: tab.generation,
            selected: tab.selected.take().filter(|_| tab.persona.is_none()),
            ..super::Tab::default()
        };
        tab.persona = wanted;
    }
    read(state, None)
}

fn read(state: &mut State, known: Option<i64>) -> Vec<Request> {
    let tab = &mut state.beliefs;
    let Some(persona) = tab.persona.clone() else { return Vec::new() };
    tab.generation += 1;
    tab.loading = true;
    tab.fault = None;
    state.is_dirty = true;
    vec![Request::Beliefs(Own::Graph { persona, at: tab.at, known, generation: tab.generation })]
}

/// The database changed, or the tab was opened: it is read again where that shows anything new.
pub(in crate::console) fn refreshed(state: &mut State) -> Vec<Request> {
    if persona(state) != state.beliefs.persona || state.beliefs.loaded.is_none() {
        return if state.beliefs.loading { Vec::new() } else { load(state) };
    }
    if !state.layers.is_empty() || state.beliefs.loading {
        state.beliefs.is_stale = true;
        return Vec::new();
    }
    // The past does not change.
    if state.beliefs.at.is_some() {
        return Vec::new();
    }
    let known = state.beliefs.loaded.as_ref().map(|loaded| loaded.position);
    read(state, known)
}

/// What was put off while a text was typed; and whose beliefs are shown, once it is known who there is.
pub(in crate::console) fn caught_up(state: &mut State) -> Vec<Request> {
    let is_known = state.beliefs.persona.is_some() || persona(state).is_none();
    if state.beliefs.loading || !state.layers.is_empty() || (is_known && !state.beliefs.is_stale) {
        return Vec::new();
    }
    state.beliefs.is_stale = false;
    refreshed(state)
}

/// List what passes the filter, in order; the belief at hand stays at hand.
pub(super) fn list(state: &mut State) {
    let is_past = state.beliefs.at.is_some();
    let tab = &mut state.beliefs;
    match Filter::parse(&tab.filter) {
        Ok(filter) => (tab.in_force, tab.filter_fault) = (filter, None),
        Err(fault) => tab.filter_fault = Some(fault),
    }
    let Some(loaded) = &tab.loaded else { return };
    tab.shown = rows::listed(loaded, &tab.in_force, tab.sort, tab.is_reversed, is_past);
}

/// The filter was typed: what it leaves is listed, and where the belief at hand is not among it, the first is.
pub(in crate::console) fn filtered(state: &mut State, typed: String) -> Vec<Request> {
    state.beliefs.filter = typed;
    list(state);
    if state.beliefs.place().is_none() {
        return moving::select(state, 0);
    }
    Vec::new()
}

/// Ask for the detail of the belief at hand, unless one is on its way: who holds a key down waits for one, not for each.
pub(super) fn detail_wanted(state: &mut State) -> Vec<Request> {
    let tab = &mut state.beliefs;
    let (Some(persona), Some(loaded), Some(id)) = (&tab.persona, &tab.loaded, &tab.selected) else { return Vec::new() };
    if tab.asks_detail || loaded.graph.row(id).is_none() {
        return Vec::new();
    }
    tab.asks_detail = true;
    vec![Request::Beliefs(Own::Detail { persona: persona.clone(), graph: loaded.graph.clone(), id: id.clone(), at: tab.at })]
}

/// Make the lines of the pane anew.
pub(in crate::console) fn lay_out(state: &mut State) {
    let width = draw::pane_width(state);
    let (lines, nodes) = match state.beliefs.view {
        View::Graph => graph::lines(state, width),
        View::Detail => (detail::lines(state, width), Vec::new()),
        View::Difference => (difference::lines(state, width), Vec::new()),
    };
    let tab = &mut state.beliefs;
    (tab.lines, tab.nodes) = (lines, nodes);
    tab.pane_top = tab.pane_top.min(tab.lines.len().saturating_sub(1));
    if tab.view == View::Graph {
        moving::keep_near(state);
    }
    state.is_dirty = true;
}

/// Leave what is open, the innermost first.
pub(in crate::console) fn back(state: &mut State) -> Vec<Request> {
    if state.beliefs.focus == Focus::Pane {
        moving::focus(state, Focus::List);
    } else if state.beliefs.view != View::Detail {
        show(state, View::Detail);
    } else if !state.beliefs.filter.is_empty() {
        return filtered(state, String::new());
    } else if state.beliefs.at.is_some() {
        return time::present(state);
    } else {
        state.say(format!("{} leaves the console", state.key(Action::Quit)), false);
    }
    Vec::new()
}
