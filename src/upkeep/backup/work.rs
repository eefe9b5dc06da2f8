//! Long work on a thread of its own, while the caller's thread tells the watcher where it is and asks whether to stop.

use super::{Error, Result};
use crate::upkeep::progress::{Progress, Unit, Watcher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// How soon a wish to stop is heard.
const HEARD_WITHIN: Duration = Duration::from_millis(50);

/// What the work tells, and where it asks whether to stop. Clones tell the same watcher.
#[derive(Debug, Clone)]
pub(super) struct Tell {
    stop: Arc<AtomicBool>,
    to: mpsc::Sender<Progress>,
}

impl Tell {
    /// The work is here now.
    ///
    /// # Errors
    /// [`Error::Stopped`] when it is to end.
    pub(super) fn told(&self, stage: &'static str, done: u64, total: Option<u64>, unit: Unit) -> Result<()> {
        // A watcher that is gone is no reason to stop.
        let _ = self.to.send(Progress { stage, done, total, unit });
        self.check()
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// [`Error::Stopped`] when not.
    pub(super) fn check(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::Stopped) } else { Ok(()) }
    }

    /// Set when the work is to end; for a handler inside the engine.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }
}

/// Do `work`, telling `watcher`.
pub(super) fn watched<T: Send>(watcher: &dyn Watcher, work: impl FnOnce(&Tell) -> Result<T> + Send) -> Result<T> {
    let (to, from) = mpsc::channel();
    let tell = Tell { stop: Arc::default(), to };
    let stop = tell.flag();
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || work(&tell));
        loop {
            match from.recv_timeout(HEARD_WITHIN) {
                Ok(progress) => watcher.told(progress),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if watcher.is_stopped() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Do two things at the same time. The first error counts; both have ended when it is known.
pub(super) fn both<A, B: Send>(first: impl FnOnce() -> Result<A>, second: impl FnOnce() -> Result<B> + Send) -> Result<(A, B)> {
    std::thread::scope(|scope| {
        let second = scope.spawn(second);
        let first = first();
        let second = second.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((first?, second?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upkeep::progress::Unwatched;
    use std::sync::Mutex;

    struct Impatient(Mutex<Vec<u64>>);

    impl Watcher for Impatient {
        fn told(&self, progress: Progress) {
            self.0.lock().unwrap().push(progress.done);
        }

        fn is_stopped(&self) -> bool {
            self.0.lock().unwrap().len() >= 3
        }
    }

    #[test]
    fn work_that_is_asked_to_stop_stops() {
        let watcher = Impatient(Mutex::default());
        let done = watched(&watcher, |tell| (1..).try_for_each(|step| tell.told("counting", step, None, Unit::Steps)));
        assert!(matches!(done, Err(Error::Stopped)));
        assert_eq!(watcher.0.lock().unwrap()[..3], [1, 2, 3]);
        assert_eq!(watched(&Unwatched, |_| both(|| Ok(1), || Ok(2))).unwrap(), (1, 2));
        assert!(watched(&Unwatched, |_| both(|| Ok(1), || Err::<(), _>(Error::Stopped))).is_err());
    }
}
