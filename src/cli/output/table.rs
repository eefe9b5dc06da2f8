//! Tables without borders. Every cell is neutralised on its way in.

use crate::base::SafeText;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement};

/// What a cell's colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Wants attention.
    Warning,
    /// Is wrong.
    Bad,
    /// Matters less than the rest.
    Faint,
}

struct Entry {
    text: String,
    tone: Option<Tone>,
}

/// Rows under a heading.
pub struct Table {
    heading: Vec<&'static str>,
    right: Vec<usize>,
    rows: Vec<Vec<Entry>>,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(heading: &[&'static str]) -> Self {
        Self { heading: heading.to_vec(), right: Vec::new(), rows: Vec::new() }
    }

    /// Put a column, counted from 0, to the right: for numbers.
    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        self.right.push(column);
        self
    }

    /// Add a row. Text from outside may be passed as it is.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        let clean = |cell: String| Entry { text: SafeText::line(&cell).as_str().to_owned(), tone: None };
        self.rows.push(cells.into_iter().map(|cell| clean(cell.into())).collect());
        self
    }

    /// Give a cell of the last row a tone.
    pub fn tone(&mut self, column: usize, tone: Tone) -> &mut Self {
        if let Some(entry) = self.rows.last_mut().and_then(|row| row.get_mut(column)) {
            entry.tone = Some(tone);
        }
        self
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Width of the terminal, when there is one.
    pub(super) fn terminal_width() -> Option<u16> {
        comfy_table::Table::new().width()
    }

    /// How many columns it takes where nothing is shortened.
    #[must_use]
    pub fn width(&self) -> usize {
        self.render(false, None).lines().map(textwrap::core::display_width).max().unwrap_or(0)
    }

    /// The table as text, in at most `width` columns.
    #[must_use]
    pub fn render(&self, color: bool, width: Option<u16>) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING).force_no_tty();
        match width {
            Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        if color {
            table.enforce_styling();
        }
        let heading = self.heading.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold));
        table.set_header(heading.collect::<Vec<_>>());
        for row in &self.rows {
            table.add_row(row.iter().map(cell).collect::<Vec<_>>());
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if self.right.contains(&index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.trim_fmt()
    }
}

fn cell(entry: &Entry) -> Cell {
    let cell = Cell::new(&entry.text);
    match entry.tone {
        None => cell,
        Some(Tone::Good) => cell.fg(Color::Green),
        Some(Tone::Warning) => cell.fg(Color::Yellow),
        Some(Tone::Bad) => cell.fg(Color::Red),
        Some(Tone::Faint) => cell.add_attribute(Attribute::Dim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["id", "what", "n"]).right(2);
        table.row(["1", "an \u{1b}[2Jevil\nline", "5"]).tone(1, Tone::Bad);
        table.row(["22", "short", "500"]);
        table
    }

    #[test]
    fn columns_line_up_and_foreign_text_cannot_steer() {
        let lines = ["id  what            n", "1   an evil line    5", "22  short         500"];
        assert_eq!(table().render(false, None), lines.join("\n"));
    }

    #[test]
    fn colours_come_only_when_asked_for() {
        assert!(!table().render(false, Some(80)).contains('\u{1b}'));
        assert!(table().render(true, Some(80)).contains("\u{1b}["));
    }

    #[test]
    fn a_narrow_terminal_wraps_and_loses_nothing() {
        let mut table = Table::new(&["id", "what"]);
        table.row(["1", "one two three four five six seven eight nine ten"]);
        let text = table.render(false, Some(20));
        assert!(text.lines().all(|line| line.chars().count() <= 20), "{text}");
        assert!(text.contains("ten"), "{text}");
    }
}
