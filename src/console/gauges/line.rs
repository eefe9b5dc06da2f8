//! A line of numbers: its pieces, and which of its columns belong to which number. What does not fit as a whole is left out. Pure.

use super::Item;
use crate::console::draw::columns;
use crate::console::text::{Piece, Pieces};
use crate::console::theme::Role;

/// Columns between two numbers.
const GAP: usize = 3;

/// A number on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub item: Item,
    /// From this column.
    pub from: usize,
    /// Up to, without, this one.
    pub to: usize,
}

/// A line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::console) struct Line {
    pub pieces: Pieces,
    pub(super) cells: Vec<Cell>,
}

impl Line {
    /// A line of words.
    pub fn words(role: Role, text: &str) -> Self {
        Self { pieces: vec![Piece::new(role, text)], cells: Vec::new() }
    }

    /// Nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A heading with a stroke to the end of the line.
    pub fn heading(text: &str, stroke: &str, width: usize) -> Self {
        let rest = width.saturating_sub(columns(text) + 2);
        let text = if text.is_empty() { String::new() } else { format!(" {text} ") };
        Self { pieces: vec![Piece::new(Role::Heading, &text), Piece::new(Role::Border, &stroke.repeat(rest))], cells: Vec::new() }
    }

    /// What it says.
    #[cfg(test)]
    pub fn text(&self) -> String {
        self.pieces.iter().map(Piece::text).collect()
    }
}

/// Makes a line of at most so many columns.
pub(super) struct Builder {
    line: Line,
    width: usize,
    used: usize,
    is_full: bool,
}

impl Builder {
    /// A line that begins with a name in a column of its own.
    pub fn named(name: &str, name_width: usize, width: usize) -> Self {
        let mut builder = Self { line: Line::default(), width, used: 0, is_full: false };
        builder.push(Role::Dim, &format!("{name:<name_width$}"));
        builder
    }

    /// Columns that are free.
    pub fn room(&self) -> usize {
        self.width.saturating_sub(self.used)
    }

    fn push(&mut self, role: Role, text: &str) {
        self.line.pieces.push(Piece::new(role, text));
        self.used += columns(text);
    }

    /// Words without a number of their own, behind what is there.
    pub fn note(self, role: Role, text: &str) -> Self {
        self.notes(&[(role, text)])
    }

    /// The same in pieces.
    pub fn notes(mut self, parts: &[(Role, &str)]) -> Self {
        let gap = if self.line.cells.is_empty() { 0 } else { GAP };
        let width: usize = parts.iter().map(|(_, text)| columns(text)).sum();
        if self.is_full || width + gap > self.room() {
            self.is_full = true;
            return self;
        }
        self.push(Role::Text, &" ".repeat(gap));
        for (role, text) in parts {
            self.push(*role, text);
        }
        self
    }

    /// A number: words, the number in its role, words behind it. It is shown as a whole or not at all, and nothing behind what did not fit.
    pub fn cell(mut self, item: Item, parts: &[(Role, &str)]) -> Self {
        let width: usize = parts.iter().map(|(_, text)| columns(text)).sum();
        let gap = if self.line.cells.is_empty() { 0 } else { GAP };
        if self.is_full || width + gap > self.room() {
            self.is_full = true;
            return self;
        }
        self.push(Role::Text, &" ".repeat(gap));
        let from = self.used;
        for (role, text) in parts {
            self.push(*role, text);
        }
        self.line.cells.push(Cell { item, from, to: self.used });
        self
    }

    /// Text at the right end, made for the room that is left, at most `most` columns; nothing where there is less than `least`.
    pub fn at_the_end(mut self, role: Role, least: usize, most: usize, make: impl FnOnce(usize) -> String) -> Self {
        let room = self.room().saturating_sub(GAP).min(most);
        if room < least {
            return self;
        }
        let text = make(room);
        let gap = self.room().saturating_sub(columns(&text));
        self.push(Role::Text, &" ".repeat(gap));
        self.push(role, &text);
        self
    }

    /// The line.
    pub fn done(self) -> Line {
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::super::Figure;
    use super::*;

    #[test]
    fn numbers_stand_as_a_whole_or_not_at_all() {
        let line = |width| {
            Builder::named("spend", 10, width)
                .cell(Item::Figure(Figure::Spend), &[(Role::Text, "$1.2345")])
                .cell(Item::Figure(Figure::Calls), &[(Role::Text, "412"), (Role::Dim, " calls")])
                .cell(Item::Before, &[(Role::Text, "1")])
                .done()
        };
        assert_eq!(line(80).text(), "spend     $1.2345   412 calls   1");
        // What would fit behind something that did not is left out as well: a gap would be read as nothing.
        assert_eq!((line(25).text(), line(25).cells.len()), ("spend     $1.2345".to_owned(), 1));
        assert_eq!(line(80).cells.iter().map(|cell| (cell.from, cell.to)).collect::<Vec<_>>(), [(10, 17), (20, 29), (32, 33)]);
        let ended = |width| {
            Builder::named("a", 2, width).note(Role::Text, "bcd").at_the_end(Role::Dim, 4, 6, |room| "x".repeat(room)).done().text()
        };
        assert_eq!((ended(20).as_str(), ended(11).as_str()), ("a bcd         xxxxxx", "a bcd"));
    }
}
