//! The beliefs' tab: what a persona believes as a table and as a graph, one belief with all that belongs to it, now or as it was. State
//! only; `act` and `answer` change it, `draw` shows it.
//!
//! | file | what it is for |
//! |---|---|
//! | `act`, `moving`, `time` | what a key does: everything, going about, going back in time |
//! | `asked`, `wish`, `pick` | what is asked of a person for a change: texts, the change itself, a choice of several |
//! | `request`, `answer` | what is asked of the deck, and what comes back |
//! | `rows` | which beliefs are listed, in which order |
//! | `kept` | what is remembered between two starts |
//! | `graph`, `detail`, `difference` | the pane, as lines of text |
//! | `signs`, `draw` | shapes, and how all of it is put into cells |
//!
//! What it shows was loaded as a whole: a [`Graph`] of some thousand beliefs is small, and everything but the detail of one belief is arithmetic.

pub(super) mod act;
pub(super) mod answer;
pub(super) mod asked;
mod detail;
mod difference;
pub(super) mod draw;
mod graph;
mod kept;
mod moving;
pub(super) mod pick;
pub(super) mod request;
mod rows;
pub(super) mod signs;
#[cfg(test)]
mod tests;
mod time;
mod wish;

pub(super) use asked::Asked;
pub(super) use kept::Kept;
pub(super) use moving::mouse;
pub(super) use pick::Pick;
pub(super) use request::{Reply, Request};

use super::action::{Action, Scope};
use super::state::State;
use super::text::Pieces;
use crate::base::{Millis, PersonaId};
use crate::memory::graph::{BeliefRow, BeliefView, Graph};
use crate::memory::history::{Contradiction, Difference};
use rows::{Filter, Sort};
use std::sync::Arc;

/// Most beliefs that are drawn around one.
const MOST_DRAWN: usize = 200;
/// Most edges that are followed from one.
const MOST_HOPS: u32 = 4;

/// What stands in the pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum View {
    /// One belief with all that belongs to it.
    #[default]
    Detail,
    /// What lies around it.
    Graph,
    /// What changed between the time looked at and now.
    Difference,
}

/// Which side has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Focus {
    #[default]
    List,
    Pane,
}

/// A persona's graph as it was read.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    /// At the time looked at.
    pub graph: Arc<Graph>,
    /// As it is; the same one where the present is looked at.
    pub present: Arc<Graph>,
    /// Titles and tags in small letters, for the filter; in the order of the graph.
    pub words: Vec<String>,
    /// Where beliefs that are held high are at odds.
    pub contradictions: Vec<Contradiction>,
    /// Where the feed of changes stood.
    pub position: i64,
}

/// The tab.
#[derive(Debug, Default)]
pub(super) struct Tab {
    /// Whose beliefs are loaded, or being loaded.
    pub persona: Option<PersonaId>,
    pub loaded: Option<Loaded>,
    /// Why nothing could be loaded.
    pub fault: Option<String>,
    pub loading: bool,
    /// Whether something changed while a person was in the middle of something.
    pub is_stale: bool,
    pub generation: u64,
    /// The time looked at; none for the present.
    pub at: Option<Millis>,
    /// The beliefs that are listed, by their place in the graph.
    pub shown: Vec<usize>,
    /// The belief at hand, by id: rows move, it does not. It need not be among those that are listed.
    pub selected: Option<String>,
    pub top: usize,
    pub focus: Focus,
    pub view: View,
    pub filter: String,
    pub filter_fault: Option<String>,
    /// The last one that was understood: it is in force while a faulty one is typed.
    pub in_force: Filter,
    pub sort: Sort,
    pub is_reversed: bool,
    pub hops: u32,
    /// The belief in the graph that the keys are on.
    pub near: Option<String>,
    /// The beliefs that were walked from, the last one last.
    pub trail: Vec<String>,
    /// What changed, since when.
    pub difference: Option<(Millis, Box<Difference>)>,
    pub detail: Option<Box<BeliefView>>,
    /// Whether a detail was asked for and did not come yet.
    pub asks_detail: bool,
    /// The pane as lines, made when what it shows, or its width, changed.
    pub lines: Vec<Pieces>,
    /// Of the lines of a graph, which belief each is about.
    pub nodes: Vec<Option<String>>,
    pub pane_top: usize,
    /// A change under way.
    pub busy: Option<&'static str>,
}

impl Tab {
    /// The belief at hand.
    pub fn row(&self) -> Option<&BeliefRow> {
        self.loaded.as_ref()?.graph.row(self.selected.as_deref()?)
    }

    /// Its place in the list.
    pub fn place(&self) -> Option<usize> {
        let (loaded, selected) = (self.loaded.as_ref()?, self.selected.as_ref()?);
        self.shown.iter().position(|number| loaded.graph.rows().get(*number).is_some_and(|row| row.id == *selected))
    }

    /// The belief at a place of the list.
    pub fn listed(&self, place: usize) -> Option<&BeliefRow> {
        self.loaded.as_ref()?.graph.rows().get(*self.shown.get(place)?)
    }

    /// The detail, when it is that of the belief at hand.
    pub fn open_detail(&self) -> Option<&BeliefView> {
        self.detail.as_deref().filter(|detail| Some(&detail.row.id) == self.selected.as_ref())
    }

    /// How many edges are followed.
    pub fn reach(&self) -> u32 {
        self.hops.clamp(1, MOST_HOPS)
    }
}

/// Whose beliefs are to be shown: the chosen persona, or the only one there is.
pub(super) fn persona(state: &State) -> Option<PersonaId> {
    match (&state.persona, state.overview.personas.as_slice()) {
        (Some(chosen), _) => Some(chosen.clone()),
        (None, [only]) => Some(only.id.clone()),
        (None, _) => None,
    }
}

/// The tables of the keymap that hold: what is done about a belief is done from either side.
pub(super) fn scopes(_state: &State) -> &'static [Scope] {
    &[Scope::Beliefs, Scope::Text]
}

/// What the footer names.
pub(super) fn wanted(state: &State) -> &'static [Action] {
    use Action::{
        Back, BeliefAccept, BeliefConfidence, BeliefEarlier, BeliefFilter, BeliefGraph, BeliefLater, BeliefLock, BeliefMoreHops, BeliefNow,
        BeliefNudgeUp, BeliefOpen, BeliefSort, BeliefWalkBack, Help, Palette, Quit,
    };
    let tab = &state.beliefs;
    match (tab.at.is_some(), tab.focus, tab.view) {
        (true, ..) => &[BeliefEarlier, BeliefLater, BeliefNow, BeliefGraph, BeliefOpen, Help, Back, Palette],
        (false, Focus::Pane, View::Graph) => &[BeliefOpen, BeliefWalkBack, BeliefMoreHops, Back, Help, BeliefGraph, BeliefNudgeUp],
        (false, Focus::Pane, _) => &[BeliefGraph, BeliefConfidence, BeliefNudgeUp, BeliefLock, Back, Help, BeliefAccept],
        (false, Focus::List, _) => {
            &[BeliefOpen, BeliefGraph, BeliefFilter, BeliefSort, BeliefEarlier, Help, BeliefConfidence, Palette, Quit]
        }
    }
}
