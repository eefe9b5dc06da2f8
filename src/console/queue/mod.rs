//! The queue's tab: its list, the item at hand, and what is marked. State only; [`super::update`] changes it, [`super::draw`] shows it.

pub(super) mod act;
pub(super) mod answer;
pub(super) mod case;
pub(super) mod filter;

use super::action::{Action, Scope};
use super::request::{Case, Seen};
use super::state::State;
use super::text::Pieces;
use crate::moderation::listing::{Line, Sort};
use std::collections::BTreeMap;

/// Which part of a case is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum View {
    /// Everything, in order.
    #[default]
    Whole,
    /// What each rule found.
    Rules,
    /// Beliefs and what would change.
    Beliefs,
    /// The thread.
    Thread,
    /// What people changed.
    Difference,
}

/// Which side has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Focus {
    #[default]
    List,
    Case,
}

/// The tables of the keymap that hold, the innermost first: decisions are made from either side.
pub(super) fn scopes(state: &State) -> &'static [Scope] {
    match state.queue.focus {
        Focus::List => &[Scope::Queue],
        Focus::Case => &[Scope::Text, Scope::Queue],
    }
}

/// What the footer names.
pub(super) fn wanted(state: &State) -> &'static [Action] {
    use Action::{Approve, Back, Beliefs, Difference, Edit, Filter, Help, Open, Palette, Quit, Reject, Return, Rules, Skip, Undo};
    match state.queue.focus {
        Focus::List => &[Approve, Reject, Edit, Undo, Open, Help, Filter, Return, Skip, Palette, Quit],
        Focus::Case => &[Approve, Reject, Edit, Undo, Back, Help, Return, Rules, Beliefs, Difference],
    }
}

/// The tab.
#[derive(Debug, Default)]
pub(super) struct Tab {
    pub lines: Vec<Line>,
    /// Whether the database has more behind the last line.
    pub more: bool,
    /// Whether a page was asked for.
    pub loading: bool,
    pub generation: u64,
    /// The item at hand, by id: rows move, it does not.
    pub selected: Option<String>,
    /// The first line that is on the screen.
    pub top: usize,
    pub focus: Focus,
    pub view: View,
    pub case: Option<Box<Case>>,
    /// The case as lines, made when it, its width or its view changed.
    pub case_lines: Vec<Pieces>,
    pub case_top: usize,
    pub filter: String,
    pub filter_fault: Option<String>,
    pub sort: Sort,
    pub marked: BTreeMap<String, Seen>,
    pub masked: bool,
    /// Whether something changed since the list was frozen under an open case.
    pub is_stale: bool,
    /// Decisions under way, by item.
    pub busy: BTreeMap<String, &'static str>,
}

impl Tab {
    /// The place of the item at hand in the list.
    pub fn at(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.lines.iter().position(|line| line.id == *selected)
    }

    /// The line at hand.
    pub fn line(&self) -> Option<&Line> {
        self.at().and_then(|at| self.lines.get(at))
    }

    /// The case, when it is that of the item at hand.
    pub fn open_case(&self) -> Option<&Case> {
        self.case.as_deref().filter(|case| Some(&case.item.id) == self.selected.as_ref())
    }

    /// What is on the screen, to be decided about: the case's version where it is shown, else the line's.
    pub fn seen(&self) -> Option<Seen> {
        if let Some(case) = self.open_case() {
            let item = &case.item;
            return Some(Seen { persona: item.persona_id.clone(), id: item.id.clone(), version: item.version });
        }
        let line = self.line()?;
        Some(Seen { persona: line.persona_id.clone(), id: line.id.clone(), version: line.version })
    }

    /// Move by so many lines; returns whether the item at hand is another one now.
    pub fn step(&mut self, by: isize) -> bool {
        let Some(last) = self.lines.len().checked_sub(1) else { return false };
        let at = self.at().unwrap_or(0);
        let to = at.saturating_add_signed(by).min(last);
        self.select(to)
    }

    /// Go to the line at a place.
    pub fn select(&mut self, place: usize) -> bool {
        let Some(line) = self.lines.get(place) else { return false };
        let is_other = self.selected.as_ref() != Some(&line.id);
        self.selected = Some(line.id.clone());
        if is_other {
            self.case_top = 0;
            self.case_lines.clear();
        }
        is_other
    }

    /// Take a line out, and go to the one that follows it.
    pub fn remove(&mut self, id: &str) {
        let Some(place) = self.lines.iter().position(|line| line.id == id) else { return };
        let was_here = self.selected.as_deref() == Some(id);
        self.lines.remove(place);
        self.marked.remove(id);
        if was_here {
            self.selected = None;
            let place = place.min(self.lines.len().saturating_sub(1));
            self.select(place);
        }
    }
}
