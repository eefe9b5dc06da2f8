//! The tabs: which there are, which is open, and what of the shell's work each of them does itself.
//!
//! A tab is a folder of this room with its state, its actions, its requests and its drawing. This file is the only one that knows them all.

use super::action::{Action, Scope};
use super::beliefs;
use super::gauges;
use super::health;
use super::keymap::Chord;
use super::queue;
use super::request::Request;
use super::search;
use super::state::State;
use crate::base::{Millis, PersonaId};
use crossterm::event::{KeyEvent, MouseEvent};

/// A tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Name {
    /// The moderation queue.
    #[default]
    Queue,
    /// What a persona believes.
    Beliefs,
    /// Search over everything.
    Search,
    /// What calls cost, and how fast they are.
    Gauges,
    /// What is broken, since when, and what to do next.
    Health,
}

impl Name {
    /// Every tab, from left to right.
    pub const ALL: &'static [Self] = &[Self::Queue, Self::Beliefs, Self::Search, Self::Gauges, Self::Health];

    /// The word in the tab bar, and in the file that remembers it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Beliefs => "beliefs",
            Self::Search => "search",
            Self::Gauges => "gauges",
            Self::Health => "health",
        }
    }

    /// The word as a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Queue => "Queue",
            Self::Beliefs => "Beliefs",
            Self::Search => "Search",
            Self::Gauges => "Gauges",
            Self::Health => "Health",
        }
    }

    /// The tab of this word.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|name| name.word() == word)
    }

    /// The tab that an action belongs to; `None` for one that makes sense in every tab.
    fn of(action: Action) -> Option<Self> {
        match action.scope() {
            Scope::Queue => Some(Self::Queue),
            Scope::Beliefs => Some(Self::Beliefs),
            Scope::Search => Some(Self::Search),
            Scope::Gauges => Some(Self::Gauges),
            Scope::Health => Some(Self::Health),
            Scope::Global | Scope::Text => None,
        }
    }

    /// What stands beside its name: how much of it waits for a person.
    pub fn badge(self, state: &State) -> Option<String> {
        match self {
            Self::Queue => (state.overview.waiting > 0).then(|| state.overview.waiting.to_string()),
            Self::Beliefs => (state.overview.suggestions > 0).then(|| state.overview.suggestions.to_string()),
            Self::Health => Some(state.health.unhealthy()).filter(|count| *count > 0).map(|count| count.to_string()),
            Self::Search | Self::Gauges => None,
        }
    }
}

/// The tables of the keymap that hold now, the innermost first.
pub(super) fn scopes(state: &State) -> &'static [Scope] {
    match state.tab {
        Name::Queue => queue::scopes(state),
        Name::Beliefs => beliefs::scopes(state),
        Name::Search => search::scopes(state),
        Name::Gauges => gauges::scopes(state),
        Name::Health => health::scopes(state),
    }
}

/// Whether a table of the keymap holds anywhere in the open tab.
pub(super) fn holds(state: &State, scope: Scope) -> bool {
    matches!(scope, Scope::Global | Scope::Text) || scopes(state).contains(&scope)
}

/// A key for a text of the tab itself, before the keymap; `None` when no text of it has the keys.
pub(super) fn typed(state: &mut State, key: KeyEvent) -> Option<Vec<Request>> {
    match state.tab {
        Name::Queue | Name::Beliefs | Name::Gauges | Name::Health => None,
        Name::Search => search::act::typed(state, key),
    }
}

/// A text that was pasted; `None` when no text of the tab has the keys.
pub(super) fn pasted(state: &mut State, text: &str) -> Option<Vec<Request>> {
    match state.tab {
        Name::Queue | Name::Beliefs | Name::Gauges | Name::Health => None,
        Name::Search => search::act::pasted(state, text),
    }
}

/// The keys of a text of the tab itself, for the footer while it has them.
pub(super) fn field_keys(state: &State) -> Option<&'static [(&'static str, &'static str)]> {
    match state.tab {
        Name::Queue | Name::Beliefs | Name::Gauges | Name::Health => None,
        Name::Search => search::field_keys(state),
    }
}

/// Do an action of a tab; one of another tab opens that tab first.
pub(super) fn act(state: &mut State, action: Action, count: Option<usize>) -> Vec<Request> {
    let mut requests = match Name::of(action) {
        Some(name) if name != state.tab => open(state, name),
        _ => Vec::new(),
    };
    requests.extend(match state.tab {
        Name::Queue => queue::act::act(state, action, count),
        Name::Beliefs => beliefs::act::act(state, action, count),
        Name::Search => search::act::act(state, action, count),
        Name::Gauges => gauges::act::act(state, action, count),
        Name::Health => health::act::act(state, action, count),
    });
    requests
}

/// Leave what is open in the tab, the innermost first.
pub(super) fn back(state: &mut State) -> Vec<Request> {
    match state.tab {
        Name::Queue => queue::act::back(state),
        Name::Beliefs => beliefs::act::back(state),
        Name::Search => search::act::back(state),
        Name::Gauges => gauges::act::back(state),
        Name::Health => health::act::back(state),
    }
}

/// A click or the wheel below the tab bar.
pub(super) fn mouse(state: &mut State, mouse: MouseEvent) -> Vec<Request> {
    match state.tab {
        Name::Queue => queue::act::mouse(state, mouse),
        Name::Beliefs => beliefs::mouse(state, mouse),
        Name::Search => search::act::mouse(state, mouse),
        Name::Gauges => gauges::act::mouse(state, mouse),
        Name::Health => health::act::mouse(state, mouse),
    }
}

/// Go to a tab.
pub(super) fn open(state: &mut State, name: Name) -> Vec<Request> {
    let from = std::mem::replace(&mut state.tab, name);
    state.pending.clear();
    if name == Name::Search {
        search::act::entered(state, from);
    }
    lay_out(state);
    if name == Name::Beliefs {
        beliefs::act::opened(state);
    }
    refreshed(state)
}

/// Show an item of the queue in its tab, whatever its state.
pub(super) fn open_item(state: &mut State, persona: &PersonaId, id: &str) -> Vec<Request> {
    if state.persona.as_ref().is_some_and(|chosen| chosen != persona) {
        state.persona = None;
    }
    state.queue.filter = format!("id:{id}");
    state.queue.selected = Some(id.to_owned());
    state.queue.focus = queue::Focus::List;
    let before = state.queue.generation;
    let mut requests = open(state, Name::Queue);
    if state.queue.generation == before {
        requests.extend(queue::act::list(state));
    }
    requests
}

/// Show a belief in its graph.
pub(super) fn open_belief(state: &mut State, persona: &PersonaId, id: &str) -> Vec<Request> {
    state.pending.clear();
    beliefs::act::go_to(state, persona, id)
}

/// Go so many tabs to the right, and around.
pub(super) fn turn(state: &mut State, by: isize) -> Vec<Request> {
    let count = isize::try_from(Name::ALL.len()).unwrap_or(1);
    let at = Name::ALL.iter().position(|name| *name == state.tab).and_then(|at| isize::try_from(at).ok()).unwrap_or(0);
    let to = usize::try_from((at + by).rem_euclid(count)).unwrap_or(0);
    let name = Name::ALL.get(to).copied().unwrap_or_default();
    if name == state.tab {
        state.say("there is no other tab", false);
        return Vec::new();
    }
    open(state, name)
}

/// A click into the tab bar.
pub(super) fn clicked(state: &mut State, column: u16) -> Vec<Request> {
    let at = super::draw::bar(state).into_iter().find(|(_, columns)| columns.contains(&column)).map(|(name, _)| name);
    match at {
        Some(name) if name != state.tab => open(state, name),
        _ => Vec::new(),
    }
}

/// The database changed, or the tab was opened: what it shows is read again, unless a person is in the middle of something.
pub(super) fn refreshed(state: &mut State) -> Vec<Request> {
    let mut requests = vec![Request::Overview { persona: state.persona.clone() }];
    requests.extend(match state.tab {
        Name::Queue => queue::act::refreshed(state),
        Name::Beliefs => beliefs::act::refreshed(state),
        Name::Search => search::act::refreshed(state),
        Name::Gauges => gauges::refresh::refreshed(state),
        Name::Health => Vec::new(),
    });
    // What is broken is seen from every tab.
    requests.extend(health::refresh::refreshed(state));
    requests
}

/// Another persona, or all of them, is looked at.
pub(super) fn persona_changed(state: &mut State) -> Vec<Request> {
    let mut requests = vec![Request::Overview { persona: state.persona.clone() }];
    requests.extend(match state.tab {
        Name::Queue => queue::act::list(state),
        Name::Beliefs => beliefs::act::load(state),
        Name::Search => search::act::persona_changed(state),
        Name::Gauges => gauges::refresh::persona_changed(state),
        Name::Health => Vec::new(),
    });
    requests.extend(health::refresh::refreshed(state));
    requests
}

/// What was put off while a person was in the middle of something.
pub(super) fn caught_up(state: &mut State) -> Vec<Request> {
    let mut requests = match state.tab {
        Name::Queue => queue::act::caught_up(state),
        Name::Beliefs => beliefs::act::caught_up(state),
        Name::Search | Name::Health => Vec::new(),
        Name::Gauges => gauges::refresh::caught_up(state),
    };
    requests.extend(health::refresh::caught_up(state));
    requests
}

/// In how many milliseconds the tab has to look again at something that was put off.
pub(super) fn wakes(state: &State, now: Millis) -> Option<Millis> {
    let of_tab = match state.tab {
        Name::Queue | Name::Beliefs | Name::Search | Name::Health => None,
        Name::Gauges => gauges::wakes(state, now),
    };
    [of_tab, health::wakes(state, now)].into_iter().flatten().min()
}

/// The size of the screen, or what a tab shows, changed.
pub(super) fn lay_out(state: &mut State) {
    match state.tab {
        Name::Queue => queue::act::lay_out(state),
        Name::Beliefs => beliefs::act::lay_out(state),
        Name::Search => search::act::lay_out(state),
        Name::Gauges => gauges::act::lay_out(state),
        Name::Health => health::act::lay_out(state),
    }
    state.is_dirty = true;
}

/// The actions that the footer names when nothing else is open, the most wanted first.
pub(super) fn wanted(state: &State) -> &'static [Action] {
    match state.tab {
        Name::Queue => queue::wanted(state),
        Name::Beliefs => beliefs::wanted(state),
        Name::Search => search::wanted(state),
        Name::Gauges => gauges::wanted(state),
        Name::Health => health::wanted(state),
    }
}

/// Whether the footer names an action: what would be refused, or does nothing for what is at hand, is not offered.
pub(super) fn offers(state: &State, action: Action) -> bool {
    let is_refused = state.read_only && action.changes();
    !is_refused && (Name::of(action) != Some(Name::Health) || health::offers(state, action))
}

/// A word or two for what an action does to what is at hand.
pub(super) fn title(state: &State, action: Action) -> &'static str {
    let own = if Name::of(action) == Some(Name::Health) { health::title(state, action) } else { None };
    own.unwrap_or_else(|| action.title())
}

/// What may follow keys that were begun, with what it does.
pub(super) fn follows(state: &State, pending: &[Chord]) -> Vec<(String, Action)> {
    let mut all: Vec<(String, Action)> = Vec::new();
    for scope in scopes(state) {
        if let super::keymap::Step::Prefix(next) = state.keymap.step(*scope, pending) {
            all.extend(next.into_iter().filter(|(keys, _)| !all.iter().any(|(known, _)| known == keys)).collect::<Vec<_>>());
        }
    }
    all
}
