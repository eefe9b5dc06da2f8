//! How far an import is, on standard error: lines, rate, time left.

use crate::base::clock;
use crate::llm::logs::import::Progress;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// When progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum When {
    /// On a terminal.
    Auto,
    /// Always: a line for each batch that was committed.
    Always,
    /// Never.
    Never,
}

/// The pause between two looks of the same line.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Meter {
    in_place: bool,
    a_line_each: bool,
    started: Option<(Instant, u64, u64)>,
    shown: Option<Instant>,
    committed: u64,
}

impl Meter {
    pub(super) fn new(when: When) -> Self {
        let in_place = when == When::Auto && std::io::stderr().is_terminal();
        Self { in_place, a_line_each: when == When::Always, started: None, shown: None, committed: 0 }
    }

    pub(super) fn show(&mut self, progress: &Progress) {
        if self.a_line_each {
            if progress.committed != self.committed {
                self.committed = progress.committed;
                let _ = writeln!(std::io::stderr().lock(), "{} lines read, {} calls committed", progress.lines, progress.committed);
            }
            return;
        }
        if !self.in_place {
            return;
        }
        let now = Instant::now();
        let (started, lines, bytes) = *self.started.get_or_insert((now, progress.lines, progress.bytes.0));
        if self.shown.is_some_and(|shown| now - shown < PAUSE) {
            return;
        }
        self.shown = Some(now);
        let text = line(progress, (now - started, lines, bytes));
        let mut error = std::io::stderr().lock();
        let _ = write!(error, "\r{text}\u{1b}[K");
        let _ = error.flush();
    }

    /// Take the line away, and begin anew with the next file.
    pub(super) fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[K");
        }
        (self.started, self.committed) = (None, 0);
    }
}

/// What is shown: since when, and from which line and byte on, it is measured.
fn line(progress: &Progress, (elapsed, lines, bytes): (Duration, u64, u64)) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let rate = progress.lines.saturating_sub(lines) as f64 / seconds;
    let (read, size) = progress.bytes;
    let mut text = format!("{} lines, {rate:.0} a second", progress.lines);
    if let Some(size) = size.filter(|size| *size > 0) {
        text = format!("{text}, {:.0} %", read as f64 * 100.0 / size as f64);
        let speed = read.saturating_sub(bytes) as f64 / seconds;
        if speed > 0.0 {
            let left = size.saturating_sub(read) as f64 / speed;
            text = format!("{text}, {} left", clock::duration((left * 1_000.0) as i64));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_share_and_time_left_are_shown() {
        let progress = Progress { lines: 3_000, bytes: (600, Some(1_000)), committed: 0 };
        assert_eq!(line(&progress, (Duration::from_secs(2), 1_000, 200)), "3000 lines, 1000 a second, 60 %, 2 s left");
        let endless = Progress { bytes: (600, None), ..progress };
        assert_eq!(line(&endless, (Duration::from_secs(2), 1_000, 200)), "3000 lines, 1000 a second");
    }
}
