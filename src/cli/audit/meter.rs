//! How far a long piece of upkeep is, on standard error of a terminal: what is done, the share, the rate, the time left.

use crate::base::clock;
use crate::upkeep::progress::{Progress, Unit, Watcher};
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// A line that is written over and over; nothing where standard error is no terminal.
pub(super) struct Meter(Mutex<State>);

struct State {
    in_place: bool,
    stage: Option<(&'static str, Instant)>,
    shown: Option<Instant>,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { in_place: std::io::stderr().is_terminal(), stage: None, shown: None }))
    }
}

impl Watcher for Meter {
    fn told(&self, progress: Progress) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let begun = match state.stage {
            Some((stage, begun)) if stage == progress.stage => begun,
            _ => {
                state.stage = Some((progress.stage, now));
                now
            }
        };
        if !state.in_place || state.shown.is_some_and(|shown| now - shown < PAUSE) {
            return;
        }
        state.shown = Some(now);
        let mut error = std::io::stderr().lock();
        let _ = write!(error, "\r{}\u{1b}[K", line(&progress, now - begun));
        let _ = error.flush();
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let state = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.shown.is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let unit = match progress.unit {
        Unit::Bytes => "bytes",
        Unit::Rows => "rows",
        Unit::Steps => "steps",
    };
    let mut text = format!("{}: {} {unit}", progress.stage, progress.done);
    if let Some(total) = progress.total.filter(|total| *total > 0) {
        text = format!("{text}, {} %", progress.done.min(total) * 100 / total);
    }
    if let Some(rate) = progress.rate(elapsed) {
        text = format!("{text}, {rate:.0} a second");
    }
    if let Some(left) = progress.left(elapsed) {
        text = format!("{text}, {} left", clock::duration(i64::try_from(left.as_millis()).unwrap_or(i64::MAX)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_rate_and_time_left_are_shown() {
        let half = Progress { stage: "walking the chain", done: 500, total: Some(1_000), unit: Unit::Rows };
        assert_eq!(line(&half, Duration::from_secs(1)), "walking the chain: 500 rows, 50 %, 500 a second, 1 s left");
    }
}
