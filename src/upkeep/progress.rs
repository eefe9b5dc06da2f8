//! How far a long piece of work is: told by whoever works, shown by a face, which may also ask for its end.

use std::time::Duration;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Rows of tables.
    Rows,
    /// Pieces of work of the same kind: files, tables, checks.
    Steps,
}

/// Where the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, as `copying pages`.
    pub stage: &'static str,
    /// How much of it is done.
    pub done: u64,
    /// How much there is, where it is known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Unit,
}

/// Who is told. Called often and from any thread: it must not block.
pub trait Watcher: Send + Sync {
    /// The work is here now.
    fn told(&self, progress: Progress);

    /// Whether the work is to end at the next place where it can end cleanly.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn told(&self, _: Progress) {}
}

impl Progress {
    /// How much is done in a second; `None` in the first instant.
    #[must_use]
    pub fn rate(&self, elapsed: Duration) -> Option<f64> {
        let seconds = elapsed.as_secs_f64();
        (seconds > 0.05).then(|| self.done as f64 / seconds)
    }

    /// How long the rest takes at the rate so far; `None` while that cannot be told.
    #[must_use]
    pub fn left(&self, elapsed: Duration) -> Option<Duration> {
        let rate = self.rate(elapsed).filter(|rate| *rate > 0.0)?;
        let rest = self.total?.saturating_sub(self.done) as f64;
        Duration::try_from_secs_f64(rest / rate).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_the_beginning_did() {
        let half = Progress { stage: "copying", done: 50, total: Some(100), unit: Unit::Bytes };
        assert_eq!(half.left(Duration::from_secs(2)), Some(Duration::from_secs(2)));
        assert_eq!(half.left(Duration::ZERO), None);
        assert_eq!(Progress { total: None, ..half }.left(Duration::from_secs(2)), None);
        assert_eq!(Progress { done: 0, ..half }.left(Duration::from_secs(2)), None);
    }
}
