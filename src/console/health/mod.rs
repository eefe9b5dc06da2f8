//! The health tab: what is broken, since when, what to do next; from each line to its history and to what changed before, and the care of the
//! deck at hand. State only; `act`, `care`, `drill` and `answer` change it, `draw` shows it.
//!
//! | file | what it is for |
//! |---|---|
//! | `rows` | which rows the board has: filter, folding; pure |
//! | `words`, `line`, `head` | states as words and signs, a row, what stands above and below; pure |
//! | `act`, `refresh` | what a key does, when the board is read again |
//! | `care`, `work` | what can be done at hand, how it is confirmed; how it is done, beside the screen |
//! | `drill`, `history` | a line's history, and what changed before its last change |
//! | `request`, `answer` | what is asked of the deck, and what comes back |
//! | `draw` | all of it put into cells |
//!
//! What nobody knows is unknown and never green. This folder probes nothing and repairs nothing itself: the board comes from
//! [`crate::watch`], the care from [`crate::upkeep`].

pub(super) mod act;
pub(super) mod answer;
pub(super) mod care;
pub(super) mod draw;
mod drill;
mod head;
mod history;
mod line;
pub(super) mod refresh;
pub(super) mod request;
mod rows;
#[cfg(test)]
pub(super) mod tests;
mod words;
mod work;

use super::action::{Action, Scope};
use super::state::State;
use super::text::Pieces;
use crate::base::Millis;
use crate::watch::board::{Board, Kind, Maintenance};
use crate::watch::health::Status;
pub(super) use care::{Ask, Job};
pub(super) use refresh::wakes;
use rows::Row;
use std::collections::BTreeMap;

/// A line of text that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// Which lines are shown.
    Filter,
    /// The name of what is about to go, typed.
    Name(Box<Ask>),
    /// What happened, for a mark.
    Note,
}

impl Asked {
    /// What is asked.
    pub fn title(&self) -> String {
        match self {
            Self::Filter => "filter: words of names and reasons, is:unhealthy is:degraded is:unknown is:healthy is:paused".to_owned(),
            Self::Name(ask) => ask.asks_for_name(),
            Self::Note => "what happened? It stands among what changed, for everybody".to_owned(),
        }
    }
}

/// What the cursor is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    System(String),
    /// A line, by its id.
    Line(String),
}

/// A line that was gone into.
#[derive(Debug)]
pub(super) struct Opened {
    /// The line's id.
    pub id: String,
    pub history: Option<Result<Box<history::History>, String>>,
    pub generation: u64,
    pub lines: Vec<Pieces>,
    pub top: usize,
}

/// The tab.
#[derive(Debug, Default)]
pub(super) struct Tab {
    pub board: Option<Box<Board>>,
    /// Why the last reading failed.
    pub fault: Option<String>,
    pub generation: u64,
    /// Whether a board is on its way.
    pub reading: bool,
    /// Something changed that was not read yet.
    pub is_stale: bool,
    /// When a board was asked for the last time.
    pub asked_at: Millis,
    /// What the cursor is on.
    pub at: Option<Item>,
    /// Whether a person put the cursor there; until they do it stands on what hurts most.
    pub is_chosen: bool,
    /// The first row that is shown.
    pub top: usize,
    /// Systems that a person folded (true) or unfolded; the others are folded while they are healthy.
    pub folded: BTreeMap<String, bool>,
    pub filter: String,
    /// The rows, made when the board, the filter or the folding changed.
    pub rows: Vec<Row>,
    pub opened: Option<Opened>,
    /// What was begun at hand, the newest last.
    pub jobs: Vec<Job>,
    /// How often something was begun.
    pub begun: u64,
}

impl Tab {
    /// How many lines are unhealthy and count.
    pub fn unhealthy(&self) -> usize {
        let lines = self.board.iter().flat_map(|board| &board.systems).flat_map(|system| &system.lines);
        lines.filter(|line| line.counts() && line.status == Status::Unhealthy).count()
    }
}

/// The tables of the keymap that hold, the innermost first.
pub(super) fn scopes(_state: &State) -> &'static [Scope] {
    &[Scope::Health]
}

/// What the remedy of the line at hand does by its key, where it does anything.
fn at_hand(state: &State) -> Option<Maintenance> {
    act::line(state)?.remedy.as_ref()?.maintenance
}

/// Whether a key of the footer does anything for the line at hand.
pub(super) fn offers(state: &State, action: Action) -> bool {
    let kind = act::line(state).map(|line| line.kind);
    match action {
        Action::HealthRemedy => at_hand(state).is_some(),
        Action::HealthCheck => matches!(kind, Some(Kind::Probe | Kind::Own)),
        Action::HealthPauseProbe => matches!(kind, Some(Kind::Probe | Kind::Heartbeat)),
        _ => true,
    }
}

/// What a key does here, where that is more than its title.
pub(super) fn title(state: &State, action: Action) -> Option<&'static str> {
    let line = act::line(state);
    match action {
        Action::HealthRemedy => at_hand(state).map(head::does),
        Action::HealthPauseProbe => line.map(|line| if line.paused.is_some() { "resume" } else { "pause" }),
        _ => None,
    }
}

/// What the footer names.
pub(super) fn wanted(state: &State) -> &'static [Action] {
    use Action::{
        Back, HealthBackUp, HealthCheck, HealthCopy, HealthFilter, HealthFold, HealthOpen, HealthPauseProbe, HealthRemedy, HealthStop,
        Help, Palette,
    };
    let tab = &state.health;
    match (tab.opened.is_some(), tab.jobs.iter().any(Job::is_under_way)) {
        (_, true) => &[HealthStop, HealthOpen, Help, Back, Palette, HealthFilter],
        (true, _) => &[Back, HealthRemedy, Help, Palette, HealthCheck, HealthPauseProbe, HealthCopy],
        (false, _) => &[HealthOpen, HealthRemedy, Help, Palette, HealthCheck, HealthPauseProbe, HealthFilter, HealthFold, HealthBackUp],
    }
}
