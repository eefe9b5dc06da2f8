//! What an erasure is asked for, and what it answers. Pure.

use crate::base::Millis;
use serde::Serialize;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The person, with or without `u/`.
    pub name: String,
    /// Only tell what would be done.
    pub dry_run: bool,
    /// Take an ordinary word for their name wherever it stands.
    pub everywhere: bool,
}

/// Where something was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// The table, or `archive`.
    pub place: String,
    /// Rows of it.
    pub rows: u64,
}

/// What was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The table or file.
    pub place: String,
    /// Rows of it.
    pub rows: u64,
    /// Why, and what to do about it.
    pub why: String,
    /// Whether it goes by itself with time, and nobody has to do anything.
    pub goes_by_itself: bool,
}

/// The report of an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The request's id, which stands beside the backups and in the audit log in place of the name.
    pub request: String,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Where the person was taken out.
    pub touched: Vec<Touched>,
    /// What was kept.
    pub kept: Vec<Kept>,
    /// Drafts for the person that were withdrawn.
    pub withdrawn: usize,
    /// Drafts that name the person and wait: changed, and to be read again by whoever decides.
    pub to_read_again: usize,
    /// Whether nothing is left for anybody to do.
    pub is_complete: bool,
}

/// What is left of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// When they were erased last, by the list beside the backups; none when they never were.
    pub erased_at: Option<Millis>,
    /// Where something of them stands.
    pub found: Vec<Touched>,
    /// What is kept for a reason.
    pub kept: Vec<Kept>,
}

impl Left {
    /// Whether nothing is left, neither for a reason nor without one.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.found.is_empty() && self.kept.is_empty()
    }
}
