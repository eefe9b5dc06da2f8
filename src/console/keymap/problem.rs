//! Something that is wrong, odd or worth knowing about a keymap's file, with its place.

use crate::config::Level;
use std::fmt::{Display, Formatter};
use std::path::PathBuf;

/// A finding about a keymap's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How much it weighs. With an error nothing of the file is in force; the rest leaves it in force.
    pub level: Level,
    /// The file.
    pub file: PathBuf,
    /// Line, from 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// Column in characters, from 1; 0 when it is about the file as a whole.
    pub column: usize,
    /// What is wrong and what to do, as a sentence without its full stop. Text of the file in it is safe to be shown.
    pub reason: String,
}

impl Problem {
    /// Whether the file cannot be used because of it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// The file, with the line and the column when it has them.
    #[must_use]
    pub fn place(&self) -> String {
        let file = self.file.display();
        if self.line == 0 { file.to_string() } else { format!("{file}, line {}, column {}", self.line, self.column) }
    }
}

impl Display for Problem {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.place(), self.reason)
    }
}
