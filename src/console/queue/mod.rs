//! The queue's tab: its list, the item at hand, and what is marked.
//!
//! Here stand its state and what follows from keys and answers; [`super::update`] hands them on, [`super::draw`] shows it.

pub(super) mod act;
pub(super) mod answer;
pub(super) mod beside;
pub(super) mod case;
pub(super) mod columns;
pub(super) mod decide;
pub(super) mod filter;
pub(super) mod list;
pub(super) mod since;
#[cfg(test)]
pub(super) mod testing;

use super::action::{Action, Scope};
use super::request::{Case, Seen};
use super::state::State;
use super::text::Pieces;
use crate::base::{Millis, PersonaId};
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

/// Something that has to be told about an item: it is not as it was on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub id: String,
    /// The version that was on the screen.
    pub seen: i64,
    /// Why a decision was refused; none where the item changed before there was one.
    pub refused: Option<String>,
    pub at: Millis,
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

/// Lines that a movement may go beyond the window.
const MOST_OWED: isize = 10_000;

/// The tab.
#[derive(Debug, Default)]
pub(super) struct Tab {
    /// A window of the list: it may be longer than memory.
    pub lines: Vec<Line>,
    /// Whether the database has more before the first line.
    pub above: bool,
    /// Whether the database has more behind the last line.
    pub more: bool,
    /// Lines that a movement went beyond the window.
    pub owed: isize,
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
    /// Which filter and whose items the lines were asked for.
    pub asked: (String, Option<PersonaId>),
    pub filter_fault: Option<String>,
    pub sort: Sort,
    pub marked: BTreeMap<String, Seen>,
    pub masked: bool,
    /// The item that is edited as soon as its text is there.
    pub edits_when_read: Option<String>,
    /// Whether something changed since the list was frozen under an open case.
    pub is_stale: bool,
    /// How many more wait since the list was frozen; fewer when it is negative.
    pub news: isize,
    /// A line that stays though the list does not have it any more, until the person goes on: it was approved to stay on, or is open.
    pub stays: Option<String>,
    /// Lines that were taken out with a decision that is under way: a refusal puts them back.
    pub taken: BTreeMap<String, Line>,
    /// What is told about the item at hand before its case.
    pub notice: Option<Notice>,
    /// Texts that were typed for a decision that was refused.
    pub typed: decide::Typed,
    /// The item that a text is being typed about.
    pub asked_for: Option<String>,
    /// Many decisions under way at once.
    pub many: Option<decide::Many>,
    pub columns: columns::Columns,
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
        let signed = |place: usize| isize::try_from(place).unwrap_or(isize::MAX);
        let wanted = signed(self.at().unwrap_or(0)).saturating_add(by).saturating_add(std::mem::take(&mut self.owed));
        let to = wanted.clamp(0, signed(last));
        // The rest of the way is gone when more of the list is there.
        if (wanted < 0 && self.above) || (wanted > to && self.more) {
            self.owed = (wanted - to).clamp(-MOST_OWED, MOST_OWED);
        }
        self.select(usize::try_from(to).unwrap_or(0))
    }

    /// Go to the line at a place.
    pub fn select(&mut self, place: usize) -> bool {
        let Some(line) = self.lines.get(place) else { return false };
        let is_other = self.selected.as_ref() != Some(&line.id);
        self.selected = Some(line.id.clone());
        if is_other {
            // The lines of the case before stay until those of this one come: erasing them for a moment would be a flicker.
            self.case_top = 0;
            self.notice = None;
            self.let_go();
        }
        is_other
    }

    /// Take out the line that stayed, when it is not the one at hand.
    fn let_go(&mut self) {
        if let Some(id) = self.stays.take_if(|id| Some(&*id) != self.selected.as_ref())
            && let Some(place) = self.lines.iter().position(|line| line.id == id)
        {
            self.lines.remove(place);
            self.top -= usize::from(place < self.top);
        }
    }

    /// Put a line where it belongs, unless it is there.
    pub fn put_back(&mut self, line: Line) {
        if self.lines.iter().any(|other| other.id == line.id) {
            return;
        }
        let (sort, place) = (self.sort, line.place(self.sort));
        let is_before = |other: &Line| if sort == Sort::Newest { other.place(sort) > place } else { other.place(sort) < place };
        let at = self.lines.partition_point(is_before);
        self.lines.insert(at, line);
    }

    /// Whether a countdown is on the screen.
    pub fn counts_down(&self, now: Millis) -> bool {
        self.lines.iter().skip(self.top).take(200).any(|line| line.not_before.is_some_and(|at| at > now))
    }

    /// Take a line out, and go to the one that follows it.
    pub fn remove(&mut self, id: &str) {
        let Some(place) = self.lines.iter().position(|line| line.id == id) else { return };
        let was_here = self.selected.as_deref() == Some(id);
        let line = self.lines.remove(place);
        self.taken.insert(line.id.clone(), line);
        self.marked.remove(id);
        if was_here {
            self.selected = None;
            let place = place.min(self.lines.len().saturating_sub(1));
            self.select(place);
        }
    }
}
