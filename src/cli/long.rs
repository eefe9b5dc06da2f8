//! Long work of upkeep from the command line: on a thread of its own, its progress on standard error where that is a terminal, and ended
//! by Ctrl-C or SIGTERM at the next place where it can end cleanly. What comes to no such place is given up.

use super::signals::{Stopped, give_up};
use super::{Context, Failure};
use crate::base::clock;
use crate::upkeep::progress::{Progress, Unit, Watcher};
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The pause between two looks of the line.
const PAUSE: Duration = Duration::from_millis(100);

struct Shown {
    is_stopped: AtomicBool,
    in_place: bool,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    stage: Option<(&'static str, Instant)>,
    shown: Option<Instant>,
}

impl Watcher for Shown {
    fn told(&self, progress: Progress) {
        if !self.in_place {
            return;
        }
        let now = Instant::now();
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.stage.is_none_or(|(stage, _)| stage != progress.stage) {
            (line.stage, line.shown) = (Some((progress.stage, now)), None);
        }
        if line.shown.is_some_and(|shown| now - shown < PAUSE) {
            return;
        }
        line.shown = Some(now);
        let elapsed = line.stage.map_or(Duration::ZERO, |(_, since)| now - since);
        let mut error = std::io::stderr().lock();
        let _ = write!(error, "\r{}\u{1b}[K", text(&progress, elapsed));
        let _ = error.flush();
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }
}

/// `taking rows away: 3000 of 10000, 1500 a second, 4 s left`.
fn text(progress: &Progress, elapsed: Duration) -> String {
    let Progress { stage, done, total, unit } = *progress;
    let count = |count: u64| match unit {
        Unit::Bytes => crate::upkeep::care::bytes(i64::try_from(count).unwrap_or(i64::MAX)),
        Unit::Rows | Unit::Steps => count.to_string(),
    };
    let mut text = format!("{stage}: ");
    match (unit, total) {
        // A step says nothing about its length; the time does.
        (Unit::Steps, Some(total)) => {
            text.push_str(&format!("step {} of {total}, {}", (done + 1).min(total), clock::duration(millis(elapsed))))
        }
        (_, Some(total)) => text.push_str(&format!("{} of {}", count(done), count(total))),
        (_, None) => text.push_str(&count(done)),
    }
    if unit != Unit::Steps {
        if let Some(rate) = progress.rate(elapsed) {
            text.push_str(&format!(", {} a second", count(rate as u64)));
        }
        if let Some(left) = progress.left(elapsed) {
            text.push_str(&format!(", {} left", clock::duration(millis(left))));
        }
    }
    text
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Take the line away, where there is one.
fn clear(in_place: bool) {
    if in_place {
        let _ = write!(std::io::stderr().lock(), "\r\u{1b}[K");
    }
}

/// Run long work to its end, or until it is told to end.
///
/// # Errors
/// When signals cannot be waited for, or the work panicked.
pub(super) fn run<T: Send>(context: &Context, work: impl FnOnce(&dyn Watcher) -> T + Send) -> Result<T, Failure> {
    let in_place = std::io::stderr().is_terminal() && !context.out.is_json();
    let shown = Shown { is_stopped: AtomicBool::new(false), in_place, line: Mutex::default() };
    let (done, ended) = tokio::sync::oneshot::channel();
    let result = std::thread::scope(|scope| {
        let watcher = &shown;
        context.block_on(async {
            // Waited for before anything is begun.
            let mut stopped = Stopped::new()?;
            scope.spawn(move || {
                // Dropped without an answer by a panic: whoever waits then learns that there is none.
                let _ = done.send(work(watcher));
            });
            let mut ended = ended;
            tokio::select! {
                result = &mut ended => return Ok(result),
                () = stopped.next() => watcher.is_stopped.store(true, Ordering::Relaxed),
            }
            tokio::select! {
                result = &mut ended => Ok::<_, Failure>(result),
                () = stopped.patience() => {
                    clear(in_place);
                    give_up(&context.out)
                }
            }
        })
    });
    clear(in_place);
    result??.map_err(|_| Failure::failed("the work broke off by a fault of this program").hint("see the log; nothing half-done was kept"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_and_how_long() {
        let rows = Progress { stage: "taking away", done: 50, total: Some(100), unit: Unit::Rows };
        assert_eq!(text(&rows, Duration::from_secs(2)), "taking away: 50 of 100, 25 a second, 2 s left");
        let step = Progress { stage: "comparing", done: 1, total: Some(4), unit: Unit::Steps };
        assert_eq!(text(&step, Duration::from_secs(2)), "comparing: step 2 of 4, 2 s");
    }
}
