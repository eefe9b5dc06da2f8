//! The gauges' tab: what calls of models cost, how fast they are and what of the budgets is left, over a span of time; from each number to the
//! calls behind it, and from a call to its draft. State only; `act`, `drill` and `answer` change it, `draw` shows it.
//!
//! | file | what it is for |
//! |---|---|
//! | `span`, `numbers` | the span of time, numbers as they are written, pure |
//! | `figures` | everything that is shown of a span, as it was read |
//! | `act`, `drill`, `refresh` | what a key does, going to the calls and back, when the numbers are read again |
//! | `request`, `answer` | what is asked of the deck, and what comes back |
//! | `line`, `overview`, `budgets`, `table`, `chart` | the numbers as lines, with the number that each column belongs to |
//! | `calls`, `detail` | the calls behind a number, and one of them |
//! | `export` | what is shown in a file |
//! | `draw` | all of it put into cells |
//!
//! What nobody knows is shown as unknown and never as nothing. This folder computes no sums: they come from [`crate::report`] and the ledger.

pub(super) mod act;
pub(super) mod answer;
mod budgets;
mod calls;
mod chart;
mod detail;
pub(super) mod draw;
mod drill;
pub(super) mod export;
mod figures;
mod line;
mod numbers;
mod overview;
pub(super) mod refresh;
pub(super) mod request;
mod span;
mod table;
#[cfg(test)]
mod tests;

use super::action::{Action, Scope};
use super::state::State;
use super::text::Pieces;
use crate::base::Millis;
use crate::llm::calls::Call;
use crate::llm::calls::behind::Behind;
use crate::llm::ledger::Drift;
use crate::report::sums::By;
use figures::Figures;
use line::Line;
pub(super) use refresh::wakes;
pub(super) use span::Span;

/// A line of text that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Since when and until when.
    Span,
    /// The name of a file.
    Export,
}

impl Asked {
    /// What is asked.
    pub fn title(self) -> &'static str {
        match self {
            Self::Span => "since when, and until when: 7d, yesterday, 2026-11-01 2026-11-07",
            Self::Export => "a new file in this directory: .csv for tables, .json for programs",
        }
    }
}

/// A number on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    Spend,
    Calls,
    PerCall,
    Unknown,
    TokensIn,
    TokensOut,
    Cached,
    Written,
    Reasoning,
    Errors,
    Interrupted,
    Retries,
    FromCache,
    P50,
    P95,
    P99,
    Measured,
    First50,
    First95,
    First99,
    Queue,
    UnderWay,
    Drift(Drift),
}

/// What the cursor can stand on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Figure(Figure),
    /// As long a time before.
    Before,
    Month,
    Budget(String),
    Spike(Millis),
    Traffic(String),
    /// A row of the table, by its name in the ledger.
    Group(String),
}

/// What the table is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    #[default]
    Cost,
    Calls,
    Errors,
    Latency,
    Name,
}

impl Sort {
    const ALL: [Self; 5] = [Self::Cost, Self::Calls, Self::Errors, Self::Latency, Self::Name];

    /// The next one.
    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        Self::ALL.get(at + 1).copied().unwrap_or_default()
    }

    fn words(self) -> &'static str {
        match self {
            Self::Cost => "dearest first",
            Self::Calls => "most calls first",
            Self::Errors => "most errors first",
            Self::Latency => "slowest first",
            Self::Name => "by name",
        }
    }
}

/// The word for what the table is divided by.
fn word(by: By) -> &'static str {
    match by {
        By::Model => "model",
        By::Module => "module",
        By::Persona => "persona",
        By::Category => "category",
        By::Day => "day",
        By::Hour => "hour",
    }
}

/// The calls behind a number, as far as they were read.
#[derive(Debug)]
pub(super) struct Calls {
    /// What they are, for the heading.
    pub title: String,
    pub behind: Behind,
    pub calls: Vec<Call>,
    /// Whether there are more behind the last one.
    pub more: bool,
    /// Whether a page is on its way.
    pub reading: bool,
    pub generation: u64,
    /// The call at hand.
    pub at: usize,
    pub top: usize,
    /// Why the last page could not be read.
    pub fault: Option<String>,
}

impl Calls {
    /// The call at hand.
    pub fn call(&self) -> Option<&Call> {
        self.calls.get(self.at)
    }
}

/// One call, with what belongs to it.
#[derive(Debug)]
pub(super) struct Opened {
    pub id: String,
    pub about: Option<Result<Box<request::About>, String>>,
    pub lines: Vec<Pieces>,
    pub top: usize,
}

/// The tab.
#[derive(Debug)]
pub(super) struct Tab {
    pub span: Span,
    pub by: By,
    pub sort: Sort,
    pub figures: Option<Box<Figures>>,
    /// Why the last reading failed.
    pub fault: Option<String>,
    /// Since when nothing is read again.
    pub paused: Option<Millis>,
    pub generation: u64,
    /// How often calls behind a number were asked for: tells an answer that is no longer wanted.
    pub drilled: u64,
    /// Whether numbers are on their way.
    pub reading: bool,
    /// Something changed that was not read yet.
    pub is_stale: bool,
    /// When numbers were asked for the last time.
    pub asked_at: Millis,
    /// What the cursor is on.
    pub at: Option<Item>,
    /// Which side has the keys, where there are two.
    pub side: usize,
    /// The numbers as lines, made when they, the size or the order changed.
    pub sides: [Vec<Line>; 2],
    pub tops: [usize; 2],
    /// The shape of the span, where there is room for it.
    pub chart: Vec<Line>,
    pub calls: Option<Calls>,
    pub opened: Option<Opened>,
}

impl Default for Tab {
    fn default() -> Self {
        Self {
            span: Span::default(),
            by: By::Model,
            sort: Sort::default(),
            figures: None,
            fault: None,
            paused: None,
            generation: 0,
            drilled: 0,
            reading: false,
            is_stale: false,
            asked_at: 0,
            at: None,
            side: 0,
            sides: [Vec::new(), Vec::new()],
            tops: [0, 0],
            chart: Vec::new(),
            calls: None,
            opened: None,
        }
    }
}

impl Tab {
    /// Whether it follows the present.
    pub fn is_live(&self) -> bool {
        self.span.is_live() && self.paused.is_none()
    }
}

/// The tables of the keymap that hold, the innermost first.
pub(super) fn scopes(_state: &State) -> &'static [Scope] {
    &[Scope::Gauges]
}

/// What the footer names.
pub(super) fn wanted(state: &State) -> &'static [Action] {
    use Action::{
        Back, GaugesBy, GaugesCopy, GaugesCopyId, GaugesDraft, GaugesEarlier, GaugesExport, GaugesLater, GaugesLonger, GaugesNow,
        GaugesOpen, GaugesPause, GaugesShorter, GaugesSort, Help, Palette,
    };
    let tab = &state.gauges;
    match (tab.opened.is_some(), tab.calls.is_some(), tab.span.is_live()) {
        (true, ..) => &[GaugesDraft, Back, GaugesCopy, GaugesCopyId, GaugesExport, Help, Palette],
        (false, true, _) => &[GaugesOpen, GaugesDraft, Back, GaugesExport, GaugesCopy, Help, Palette],
        (false, false, true) => {
            &[GaugesOpen, GaugesLonger, GaugesShorter, GaugesEarlier, GaugesBy, GaugesPause, Help, GaugesSort, GaugesExport, Palette]
        }
        (false, false, false) => &[GaugesOpen, GaugesEarlier, GaugesLater, GaugesNow, GaugesLonger, GaugesShorter, GaugesBy, Help, Palette],
    }
}
