//! Being asked to end: told to whoever works, and to whoever waits for work.

use super::bounded::NoResult;
use crate::upkeep::progress::{Progress, Watcher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a piece of work may go on after it was asked to end. Below the thirty seconds within which a process has to be gone.
pub const GRACE: Duration = Duration::from_secs(20);

type Waker = Box<dyn Fn() + Send>;

/// A request to end, shared by who asks and who works.
#[derive(Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Default)]
struct Inner {
    asked: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

enum Event<T> {
    Done(T),
    Asked,
}

impl Stop {
    /// Ask for the end.
    pub fn ask(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        if let Some(wake) = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            wake();
        }
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Do `work` on a thread of its own, no longer than `limit`, and no longer than [`GRACE`] once the end is asked for.
    ///
    /// # Errors
    /// [`NoResult`] when it did not end in time, or broke off.
    pub fn bounded<T: Send + 'static>(&self, limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NoResult> {
        let (sender, receiver) = channel();
        let asked = sender.clone();
        *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(move || {
            let _ = asked.send(Event::Asked);
        }));
        let started = std::thread::Builder::new().name("step".to_owned()).spawn(move || {
            // A panic must not look like waiting: the sender that is kept for the asking would hold the channel open.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            let _ = sender.send(Event::Done(done));
        });
        if started.is_err() {
            return Err(NoResult::Broke);
        }
        let mut limit = if self.is_asked() { GRACE.min(limit) } else { limit };
        let result = loop {
            match receiver.recv_timeout(limit) {
                Ok(Event::Done(Ok(done))) => break Ok(done),
                Ok(Event::Done(Err(_))) | Err(RecvTimeoutError::Disconnected) => break Err(NoResult::Broke),
                Ok(Event::Asked) => limit = GRACE.min(limit),
                Err(RecvTimeoutError::Timeout) => break Err(NoResult::TooSlow),
            }
        };
        *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
        result
    }
}

/// Progress that is told to somebody, and ends when the end is asked for.
pub struct Watched {
    stop: Stop,
    tell: Box<dyn Fn(Progress) + Send + Sync>,
}

impl Watched {
    /// Of this stop, telling this.
    pub fn new(stop: Stop, tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self { stop, tell: Box::new(tell) }
    }
}

impl Watcher for Watched {
    fn told(&self, progress: Progress) {
        (self.tell)(progress);
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_asked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_heeds_the_request_ends_and_what_breaks_is_told() {
        let stop = Stop::default();
        let (began, begun) = channel();
        let (asker, worker) = (stop.clone(), stop.clone());
        let asking = std::thread::spawn(move || {
            begun.recv().unwrap();
            asker.ask();
        });
        let done = stop.bounded(Duration::from_secs(60), move || {
            began.send(()).unwrap();
            while !worker.is_asked() {
                std::thread::yield_now();
            }
            7
        });
        asking.join().unwrap();
        assert_eq!(done, Ok(7));
        #[allow(clippy::panic, reason = "a fault of a step is what is tried here")]
        let broke = stop.bounded(Duration::from_secs(60), || {
            if std::hint::black_box(true) {
                panic!("a fault")
            }
        });
        assert_eq!(broke, Err(NoResult::Broke));
    }
}
