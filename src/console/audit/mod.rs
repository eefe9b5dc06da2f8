//! The audit log, over whatever tab is open: what was done, by whom, what it changed; the way to the item or belief; verification.
//!
//! A layer and no tab: it is looked into from anywhere, for a moment, and gives back what was on the screen before.

mod act;
mod draw;
pub(super) mod request;
#[cfg(test)]
mod tests;

pub(super) use act::{answered, entered, key, open};
pub(super) use draw::{keys, lines, title};

use crate::store::audit::Record;
use crate::upkeep::audit::Verified;
use crate::upkeep::progress::Progress;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Rows that are read at a time.
pub(super) const PAGE: usize = 100;

/// What the layer shows.
#[derive(Debug, Default)]
pub(in crate::console) struct View {
    /// The filter as it was typed.
    pub filter: String,
    /// The rows that were read, newest first.
    pub rows: Vec<Record>,
    /// Where to go on.
    pub next: Option<i64>,
    /// The chosen one.
    pub at: usize,
    /// Whether it is shown with before and after; how far that is scrolled.
    pub details: Option<usize>,
    /// Whether rows are on the way.
    pub loading: bool,
    /// Tells an answer that is no longer wanted.
    pub generation: u64,
    /// Verification from here.
    pub check: Check,
}

/// A verification.
#[derive(Debug, Default)]
pub(in crate::console) enum Check {
    /// None was asked for.
    #[default]
    None,
    /// It runs, until it is dropped.
    Running { progress: Option<Progress>, since: crate::base::Millis, _stop: Stop },
    /// What it found, and how far that is scrolled.
    Done { found: Box<Result<Verified, String>>, top: usize },
}

impl View {
    /// The chosen row.
    pub fn chosen(&self) -> Option<&Record> {
        self.rows.get(self.at)
    }
}

/// Ends a verification when the view that asked for it is gone: nobody looks at what it would find.
#[derive(Debug)]
pub(in crate::console) struct Stop(pub Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
