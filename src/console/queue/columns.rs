//! The columns of the list: which a person wants to see, and which there is room for.

use crate::console::request::Request;
use crate::console::state::{Layer, State};
use crate::console::text::{Piece, Pieces};
use crate::console::theme::Role;
use crossterm::event::{KeyCode, KeyEvent};
use std::collections::BTreeSet;

/// A column beside the mark and the first words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::console) enum Column {
    Age,
    Verdict,
    /// The state, who has it claimed, or when it leaves.
    State,
    Persona,
    Target,
}

impl Column {
    pub const ALL: [Self; 5] = [Self::Age, Self::Verdict, Self::State, Self::Persona, Self::Target];

    /// Its name, also in the file of what is remembered.
    pub fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Verdict => "verdict",
            Self::State => "state",
            Self::Persona => "persona",
            Self::Target => "target",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Age => "how long ago it was drafted",
            Self::Verdict => "what screening said",
            Self::State => "the state, who has it claimed, or when it leaves",
            Self::Persona => "whose draft it is, when several are listed",
            Self::Target => "the subreddit it goes to",
        }
    }

    /// Cells, with the blank behind it.
    pub fn width(self) -> u16 {
        match self {
            Self::Age => 5,
            Self::Verdict => 10,
            Self::State => 13,
            Self::Persona => 14,
            Self::Target => 14,
        }
    }
}

/// Which columns are not wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::console) struct Columns {
    hidden: BTreeSet<Column>,
}

/// Cells that the first words get before a column is left out for them.
const WORDS: u16 = 20;

impl Columns {
    /// Whether it is wanted.
    pub fn shows(&self, column: Column) -> bool {
        !self.hidden.contains(&column)
    }

    fn toggle(&mut self, column: Column) {
        if !self.hidden.remove(&column) {
            self.hidden.insert(column);
        }
    }

    /// The names of those that are not wanted, for the file.
    pub fn hidden(&self) -> Vec<String> {
        self.hidden.iter().map(|column| column.name().to_owned()).collect()
    }

    /// The same from the file; names of no column are passed over.
    pub fn from_hidden(names: &[String]) -> Self {
        Self { hidden: Column::ALL.into_iter().filter(|column| names.iter().any(|name| name == column.name())).collect() }
    }

    /// The columns there is room for on so many cells, from the left. `several`: whether more than one persona is listed.
    pub fn fitting(&self, width: u16, several: bool) -> Vec<Column> {
        let mut columns: Vec<Column> =
            Column::ALL.into_iter().filter(|column| self.shows(*column) && (several || *column != Column::Persona)).collect();
        // What tells least goes first.
        for least in [Column::State, Column::Persona, Column::Target] {
            let used: u16 = columns.iter().map(|column| column.width()).sum();
            if used + 3 + WORDS > width {
                columns.retain(|column| *column != least);
            }
        }
        columns
    }
}

/// The keys of the layer, for the footer.
pub(in crate::console) const KEYS: [(&str, &str); 3] = [("j/k", "choose"), ("space", "show or hide"), ("esc", "back")];

/// A key while the columns are chosen.
pub(in crate::console) fn key(state: &mut State, key: KeyEvent) -> Vec<Request> {
    let Some(Layer::Columns { at }) = state.layers.last_mut() else { return Vec::new() };
    let last = Column::ALL.len() - 1;
    match key.code {
        KeyCode::Down | KeyCode::Char('j') => *at = (*at + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => *at = at.saturating_sub(1),
        KeyCode::Char(' ' | 'x') | KeyCode::Enter => {
            if let Some(column) = Column::ALL.get(*at) {
                state.queue.columns.toggle(*column);
            }
        }
        _ => drop(state.layers.pop()),
    }
    Vec::new()
}

/// The layer as lines.
pub(in crate::console) fn lines(state: &State, at: usize) -> Vec<Pieces> {
    let one = |(row, column): (usize, Column)| {
        let (marker, role) = if row == at { (">", Role::Selection) } else { (" ", Role::Text) };
        let shown = if state.queue.columns.shows(column) { "[x]" } else { "[ ]" };
        vec![Piece::new(role, &format!(" {marker} {shown} {:<8}", column.name())), Piece::new(Role::Dim, &format!("  {}", column.help()))]
    };
    Column::ALL.into_iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_list_keeps_what_tells_most() {
        let all = Columns::default();
        assert_eq!(all.fitting(120, true), Column::ALL);
        assert_eq!(all.fitting(80, false), [Column::Age, Column::Verdict, Column::State, Column::Target]);
        assert_eq!(all.fitting(60, false), [Column::Age, Column::Verdict, Column::Target]);
        assert_eq!(all.fitting(44, true), [Column::Age, Column::Verdict]);
    }

    #[test]
    fn a_choice_comes_back_from_its_names() {
        let mut columns = Columns::default();
        columns.toggle(Column::Age);
        columns.toggle(Column::Target);
        assert_eq!(columns.hidden(), ["age", "target"]);
        assert_eq!(Columns::from_hidden(&columns.hidden()), columns);
        assert_eq!(Columns::from_hidden(&["colour".to_owned()]), Columns::default());
        columns.toggle(Column::Age);
        assert!(columns.shows(Column::Age) && !columns.shows(Column::Target));
    }
}
