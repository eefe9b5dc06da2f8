//! How quickly writes get through, as this process sees it: by tiny writes that change nothing, one at a time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Beats that are remembered.
const KEPT: usize = 64;
/// One that waits longer looks who is in the way.
pub(super) const SLOW: Duration = Duration::from_millis(300);
/// How far back they count.
const WINDOW: Duration = Duration::from_secs(60);

/// How quickly writes got through in the last minute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Tiny writes that ended.
    pub beats: usize,
    /// The last of them.
    pub last: Option<Duration>,
    /// The slowest of them.
    pub slowest: Option<Duration>,
    /// Those that the database refused, because it was locked or could not be written.
    pub refused: usize,
    /// For how long one waits now.
    pub waiting: Option<Duration>,
    /// Who held the database while one waited, and how to get rid of it.
    pub held_by: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy)]
struct Beat {
    ended: Instant,
    took: Duration,
    refused: bool,
}

/// The beats of one open database.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<(Option<Instant>, VecDeque<Beat>)>, Mutex<Option<(Instant, String, String)>>);

impl Pulse {
    /// Begin one; `None` while another one is under way.
    pub(super) fn begin(&self) -> Option<Instant> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0.is_some() {
            return None;
        }
        state.0 = Some(Instant::now());
        state.0
    }

    /// It ended.
    pub(super) fn end(&self, began: Instant, refused: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = None;
        if state.1.len() == KEPT {
            state.1.pop_front();
        }
        state.1.push_back(Beat { ended: Instant::now(), took: began.elapsed(), refused });
    }

    /// Somebody holds the database while one waits.
    pub(super) fn held(&self, name: String, remedy: String) {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), name, remedy));
    }

    /// How it went in the last minute.
    pub(super) fn reading(&self) -> Reading {
        let held = self.1.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let held_by = held.filter(|(at, _, _)| at.elapsed() <= WINDOW).map(|(_, name, remedy)| (name, remedy));
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted: Vec<&Beat> = state.1.iter().filter(|beat| beat.ended.elapsed() <= WINDOW).collect();
        Reading {
            beats: counted.len(),
            last: counted.last().map(|beat| beat.took),
            slowest: counted.iter().map(|beat| beat.took).max(),
            refused: counted.iter().filter(|beat| beat.refused).count(),
            waiting: state.0.map(|began| began.elapsed()),
            held_by,
        }
    }
}
