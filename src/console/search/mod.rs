//! The search tab: a question, its answer, and the document at hand. State only; `ask`, `act` and `answer` change it, `draw` shows it.
//!
//! The results may change while a person types, never while they choose: the document at hand is kept by its id, and what a change of the
//! database brings is told first. This folder may not read anything by itself; what it asks of the search goes through `request`.

pub(super) mod act;
pub(super) mod answer;
pub(super) mod ask;
pub(super) mod draw;
mod export;
mod facets;
mod field;
pub(super) mod layer;
mod list;
mod marks;
mod preview;
pub(super) mod request;
mod saved;
#[cfg(test)]
pub(super) mod tests;
mod words;

use super::action::{Action, Scope};
use super::state::State;
use super::tabs::Name;
use super::text::Pieces;
use crate::base::{Millis, PersonaId};
use crate::search::{After, Answer, Count, Hit, Kind, SyntaxError, Term};
pub(super) use field::Field;
use std::time::Duration;

/// Questions that are remembered.
pub(super) const MOST_REMEMBERED: usize = 50;

/// Which part has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Focus {
    /// The question.
    #[default]
    Field,
    /// The results.
    List,
    /// The document at hand.
    Preview,
}

/// What the preview shows of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum View {
    /// Why it was found, what it stands among, and its text.
    #[default]
    Whole,
    /// Its text.
    Text,
    /// What it answers and what answers it.
    Thread,
}

/// A document, whatever the list does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub kind: Kind,
    pub persona: Option<PersonaId>,
    pub id: String,
}

impl Key {
    pub fn of(hit: &Hit) -> Self {
        Self { kind: hit.kind, persona: hit.persona.clone(), id: hit.id.clone() }
    }

    pub fn is(&self, hit: &Hit) -> bool {
        self.kind == hit.kind && self.id == hit.id && self.persona == hit.persona
    }
}

/// An answer on the screen, with what was asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    /// What was typed.
    pub text: String,
    /// Its words, for the marks in a document.
    pub terms: Vec<Term>,
    pub hits: Vec<Hit>,
    pub next: Option<After>,
    /// How many fit; `None` before anything was asked.
    pub count: Option<Count>,
    pub notes: Vec<String>,
    pub took: Duration,
}

impl Shown {
    pub fn of(text: String, terms: Vec<Term>, answer: Answer) -> Self {
        let Answer { hits, next, count, notes, took } = answer;
        Self { text, terms, hits, next, count: Some(count), notes, took }
    }

    /// How many of these documents are not among the others.
    pub fn new_to(&self, other: &Self) -> usize {
        self.hits.iter().filter(|hit| !other.hits.iter().any(|known| Key::of(hit).is(known))).count()
    }

    /// Whether both have the same documents in the same order.
    pub fn is_alike(&self, other: &Self) -> bool {
        self.hits.len() == other.hits.len() && self.hits.iter().zip(&other.hits).all(|(hit, known)| Key::of(hit).is(known))
    }
}

/// The document at hand, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Preview {
    pub about: Option<Key>,
    pub looked: Option<Result<Box<request::Looked>, String>>,
    pub view: View,
    /// The document as lines, made when it, its width or its view changed.
    pub lines: Vec<Pieces>,
    pub top: usize,
}

/// How the search keeps up with the database.
#[derive(Debug, Default)]
pub(super) struct Following {
    pub is_under_way: bool,
    /// Something changed meanwhile.
    pub again: bool,
    /// Documents that this look took in or out so far.
    pub taken: u64,
    /// Rows that the first fill still has to take in.
    pub to_fill: u64,
    /// Passages that wait for a vector.
    pub to_embed: u64,
    /// What was passed over.
    pub notes: Vec<String>,
    /// What went wrong the last time, to be told once.
    pub trouble: Option<String>,
}

/// The tab.
#[derive(Debug, Default)]
pub(super) struct Tab {
    pub field: Field,
    pub focus: Focus,
    /// The tab that was open before.
    pub from: Name,
    /// Tells an answer that is no longer wanted.
    pub generation: u64,
    /// Questions on their way.
    pub under_way: usize,
    /// A question that has to wait for one of them.
    pub put_off: Option<ask::Why>,
    /// Whether the next page is on its way.
    pub paging: bool,
    /// What is wrong in the text; the last results stay.
    pub fault: Option<SyntaxError>,
    /// Why the last question was not answered.
    pub trouble: Option<String>,
    pub shown: Shown,
    /// A newer answer that would move what a person looks at.
    pub waiting: Option<Box<Shown>>,
    /// The document that a person chose; the first one is at hand until they do.
    pub chosen: Option<Key>,
    /// Whether a person moved since they asked.
    pub moved: bool,
    /// The first result on the screen.
    pub top: usize,
    pub preview: Preview,
    /// Questions of before, the newest last.
    pub history: Vec<String>,
    /// Which of them stands in the field.
    pub recalled: Option<usize>,
    /// Questions that a person left for what is similar to a result.
    pub before: Vec<String>,
    pub following: Following,
    /// When the last question was asked.
    pub asked_at: Millis,
}

impl Tab {
    /// The place of the document at hand.
    pub fn at(&self) -> Option<usize> {
        let chosen = self.chosen.as_ref().and_then(|chosen| self.shown.hits.iter().position(|hit| chosen.is(hit)));
        chosen.or_else(|| (!self.shown.hits.is_empty()).then_some(0))
    }

    /// The document at hand.
    pub fn hit(&self) -> Option<&Hit> {
        self.at().and_then(|at| self.shown.hits.get(at))
    }

    /// Choose the result at a place; returns whether another one is at hand now.
    pub fn choose(&mut self, place: usize) -> bool {
        let before = self.at();
        let Some(hit) = self.shown.hits.get(place) else { return false };
        self.chosen = Some(Key::of(hit));
        self.moved = true;
        before != Some(place)
    }

    /// Keep a question for later, as the newest.
    pub fn remember(&mut self) {
        let text = self.field.text().trim().to_owned();
        self.recalled = None;
        if text.is_empty() || self.fault.is_some() {
            return;
        }
        self.history.retain(|known| *known != text);
        self.history.push(text);
        let over = self.history.len().saturating_sub(MOST_REMEMBERED);
        self.history.drain(..over);
    }
}

/// The tables of the keymap that hold, the innermost first.
pub(super) fn scopes(state: &State) -> &'static [Scope] {
    match state.search.focus {
        Focus::Field | Focus::List => &[Scope::Search],
        Focus::Preview => &[Scope::Text, Scope::Search],
    }
}

/// What the footer names.
pub(super) fn wanted(state: &State) -> &'static [Action] {
    use Action::{
        Back, Help, Palette, SearchCopy, SearchExport, SearchField, SearchNarrow, SearchOpen, SearchRefresh, SearchSaved, SearchSimilar,
        SearchText, SearchThread,
    };
    match state.search.focus {
        Focus::List if state.search.waiting.is_some() => {
            &[SearchRefresh, SearchOpen, SearchField, SearchSimilar, SearchNarrow, SearchCopy, Help, SearchSaved, SearchExport, Palette]
        }
        Focus::Field | Focus::List => {
            &[SearchOpen, SearchField, SearchSimilar, SearchNarrow, SearchCopy, Help, SearchSaved, SearchText, SearchExport, Palette]
        }
        Focus::Preview => &[Back, SearchOpen, SearchText, SearchThread, SearchSimilar, SearchCopy, SearchField, Help],
    }
}

/// The keys of the field, for the footer while it has them.
pub(super) fn field_keys(state: &State) -> Option<&'static [(&'static str, &'static str)]> {
    let is_typing = state.search.focus == Focus::Field && state.pending.is_empty();
    match (is_typing, state.search.field.is_blank()) {
        (false, _) => None,
        (true, true) => Some(&[("up", "earlier questions"), ("esc", "leave"), ("f1", "keys"), ("ctrl-c", "quit")]),
        (true, false) => Some(&[("enter", "results"), ("ctrl-w", "take a word away"), ("esc", "clear"), ("f1", "keys")]),
    }
}
