//! How quickly writes get through, as this process sees it: by tiny writes that change nothing, one at a time.

use super::{Conn, Result};
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
    /// Those that the database refused.
    pub refused: usize,
    /// Why it refused the last of those.
    pub refusal: Option<Refusal>,
    /// For how long one waits now.
    pub waiting: Option<Duration>,
    /// Who held the database while one waited, and how to get rid of it.
    pub held_by: Option<(String, String)>,
}

/// Why the database refused a tiny write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Another process held it for longer than a write waits.
    Locked,
    /// It can be read only, or cannot be opened for writing any more.
    Unwritable,
}

impl Refusal {
    /// Why, as the end of a sentence.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Locked => "the database is locked",
            Self::Unwritable => "the database cannot be written to",
        }
    }

    fn of(error: &super::Error) -> Self {
        if matches!(error, super::Error::Locked { .. }) { Self::Locked } else { Self::Unwritable }
    }
}

/// The tiny write: it changes no row, so that nothing is written, and is refused where a write would be.
///
/// # Errors
/// When the database cannot be written to.
pub fn beat(c: &mut dyn Conn) -> Result<()> {
    c.exec("UPDATE topic SET seq = seq WHERE name = ''", &[]).map(drop)
}

#[derive(Debug, Clone, Copy)]
struct Beat {
    /// Counted from 1.
    number: u64,
    ended: Instant,
    took: Duration,
    refusal: Option<Refusal>,
}

#[derive(Debug, Default)]
struct Beats {
    began: Option<Instant>,
    ended: u64,
    kept: VecDeque<Beat>,
}

/// The beats of one open database.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<Beats>, Mutex<Option<(Instant, String, String)>>);

impl Pulse {
    /// Begin one; `None` while another one is under way.
    pub(super) fn begin(&self) -> Option<Instant> {
        let mut beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if beats.began.is_some() {
            return None;
        }
        beats.began = Some(Instant::now());
        beats.began
    }

    /// It ended.
    pub(super) fn end(&self, began: Instant, done: &Result<()>) {
        let mut beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beats.began = None;
        beats.ended += 1;
        if beats.kept.len() == KEPT {
            beats.kept.pop_front();
        }
        let refusal = done.as_ref().err().map(Refusal::of);
        let beat = Beat { number: beats.ended, ended: Instant::now(), took: began.elapsed(), refusal };
        beats.kept.push_back(beat);
    }

    /// Somebody holds the database while one waits.
    pub(super) fn held(&self, name: String, remedy: String) {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), name, remedy));
    }

    /// How it went in the last minute.
    pub(super) fn reading(&self) -> Reading {
        self.after(0).0
    }

    /// How it went in the last minute, of the beats after the one with this number; and the number of the last one.
    pub(super) fn after(&self, number: u64) -> (Reading, u64) {
        let held = self.1.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let held_by = held.filter(|(at, _, _)| at.elapsed() <= WINDOW).map(|(_, name, remedy)| (name, remedy));
        let beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted: Vec<&Beat> = beats.kept.iter().filter(|beat| beat.number > number && beat.ended.elapsed() <= WINDOW).collect();
        let reading = Reading {
            beats: counted.len(),
            last: counted.last().map(|beat| beat.took),
            slowest: counted.iter().map(|beat| beat.took).max(),
            refused: counted.iter().filter(|beat| beat.refusal.is_some()).count(),
            refusal: counted.iter().rev().find_map(|beat| beat.refusal),
            waiting: beats.began.map(|began| began.elapsed()),
            held_by,
        };
        (reading, beats.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::super::backend::Backend;
    use super::*;
    use crate::store::Address;
    use crate::store::testing::database;

    #[test]
    fn a_beat_is_told_once_to_who_writes_it_down_and_for_a_minute_to_who_looks() {
        let pulse = Pulse::default();
        let beat = || pulse.end(pulse.begin().unwrap(), &Ok(()));
        beat();
        beat();
        let (first, mark) = pulse.after(0);
        assert_eq!((first.beats, mark), (2, 2));
        let (again, mark) = pulse.after(mark);
        assert_eq!((again.beats, again.slowest, mark), (0, None, 2), "nothing ended since");
        beat();
        assert_eq!((pulse.after(mark).0.beats, pulse.reading().beats), (1, 3));
    }

    #[tokio::test]
    async fn a_beat_is_refused_where_a_write_would_be_and_changes_nothing() {
        let (db, _guard) = database();
        db.beat().await.unwrap();
        assert_eq!((db.pulse().beats, db.pulse().refused), (1, 0));
        // A connection to a server is not opened for reading alone.
        let Address::Sqlite(path) = db.address().clone() else { return };
        let log = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
        let before = log();
        db.beat().await.unwrap();
        assert_eq!(log(), before, "nothing is written");
        let address = db.address().clone();
        let refused = std::thread::spawn(move || beat(Backend::open(&address, true).unwrap().conn())).join().unwrap();
        let refused = refused.unwrap_err();
        assert_eq!(Refusal::of(&refused), Refusal::Unwritable, "{refused}");
    }
}
