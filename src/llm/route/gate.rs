//! The turn of a question with one model: so many calls at once, so many requests and tokens in any minute.
//!
//! Who comes first goes first. Only the first in the line looks at the limits, and sleeps until the moment at which they let it through, or
//! until somebody gave something back.

use super::allowance::{Allowance, Taken};
use super::settings::Limits;
use super::trace::Awaited;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The limits of one model, and what is taken of them.
#[derive(Debug)]
pub(super) struct Gate {
    epoch: Instant,
    permits: Option<Arc<Semaphore>>,
    /// Held by the first in the line.
    turn: tokio::sync::Mutex<()>,
    minute: Mutex<Minute>,
    given_back: Notify,
}

#[derive(Debug, Default)]
struct Minute {
    requests: Option<Allowance>,
    tokens: Option<Allowance>,
}

/// How long a question waited, and for what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Waits {
    concurrency: Duration,
    requests: Duration,
    tokens: Duration,
}

impl Waits {
    fn add(&mut self, awaited: Awaited, time: Duration) {
        match awaited {
            Awaited::Tokens => self.tokens += time,
            _ => self.requests += time,
        }
    }

    /// In all.
    pub(super) fn sum(self) -> Duration {
        self.concurrency + self.requests + self.tokens
    }

    /// Each that there was.
    pub(super) fn each(self) -> impl Iterator<Item = (Awaited, Duration)> {
        let all = [(Awaited::Concurrency, self.concurrency), (Awaited::Requests, self.requests), (Awaited::Tokens, self.tokens)];
        all.into_iter().filter(|(_, time)| !time.is_zero())
    }
}

/// A turn that has come. Dropped, the next one may come.
#[derive(Debug)]
pub(super) struct Turn {
    gate: Arc<Gate>,
    _permit: Option<OwnedSemaphorePermit>,
    requests: Option<Taken>,
    tokens: Option<Taken>,
}

/// What is left of a minute, and the limit.
pub(super) type Left = Option<(u64, u64)>;

impl Gate {
    pub(super) fn new(limits: Limits) -> Self {
        let permits = limits.concurrent.map(|most| Arc::new(Semaphore::new(usize::try_from(most.get()).unwrap_or(Semaphore::MAX_PERMITS))));
        let minute = Minute { requests: limits.requests.map(Allowance::of), tokens: limits.tokens.map(Allowance::of) };
        Self { epoch: Instant::now(), permits, turn: tokio::sync::Mutex::default(), minute: Mutex::new(minute), given_back: Notify::new() }
    }

    fn minute(&self) -> MutexGuard<'_, Minute> {
        self.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left of this minute's requests and tokens.
    pub(super) fn left(&self) -> (Left, Left) {
        let (at, minute) = (self.epoch.elapsed(), self.minute());
        let left = |allowance: &Option<Allowance>| allowance.as_ref().map(|allowance| (allowance.left(at), allowance.limit()));
        (left(&minute.requests), left(&minute.tokens))
    }

    /// Wait for a turn with about `tokens` tokens.
    pub(super) async fn enter(self: Arc<Self>, tokens: u64) -> (Turn, Waits) {
        let mut waits = Waits::default();
        let permit = match &self.permits {
            None => None,
            Some(permits) => match Arc::clone(permits).try_acquire_owned() {
                Ok(permit) => Some(permit),
                Err(_) => {
                    let start = Instant::now();
                    // It is never closed; were it, nothing would be limited rather than stand still.
                    let permit = Arc::clone(permits).acquire_owned().await.ok();
                    waits.concurrency = start.elapsed();
                    permit
                }
            },
        };
        let line = {
            let minute = self.minute();
            match (&minute.requests, &minute.tokens) {
                (None, None) => None,
                (Some(_), _) => Some(Awaited::Requests),
                (None, Some(_)) => Some(Awaited::Tokens),
            }
        };
        let Some(line) = line else { return (Turn { gate: self, _permit: permit, requests: None, tokens: None }, waits) };
        let (gate, start) = (Arc::clone(&self), Instant::now());
        let first = match gate.turn.try_lock() {
            Ok(first) => first,
            Err(_) => {
                let first = gate.turn.lock().await;
                // Whoever stands in front waits for the minute as well; for which part of it is not told apart.
                waits.add(line, start.elapsed());
                first
            }
        };
        let (requests, tokens) = loop {
            let given_back = self.given_back.notified();
            let (wait, awaited) = match self.take(tokens) {
                Ok(taken) => break taken,
                Err(wait) => wait,
            };
            let start = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = given_back => {}
            }
            waits.add(awaited, start.elapsed());
        };
        drop(first);
        (Turn { gate: self, _permit: permit, requests, tokens }, waits)
    }

    /// Take both or neither.
    #[allow(clippy::type_complexity, reason = "it is taken apart at once")]
    fn take(&self, amount: u64) -> Result<(Option<Taken>, Option<Taken>), (Duration, Awaited)> {
        let (at, mut minute) = (self.epoch.elapsed(), self.minute());
        let Minute { requests, tokens } = &mut *minute;
        let request = requests.as_mut().map(|requests| requests.take(1, at)).transpose().map_err(|wait| (wait, Awaited::Requests))?;
        match tokens.as_mut().map(|tokens| tokens.take(amount, at)).transpose() {
            Ok(tokens) => Ok((request, tokens)),
            Err(wait) => {
                if let (Some(requests), Some(taken)) = (requests, request) {
                    requests.correct(taken, 0);
                }
                Err((wait, Awaited::Tokens))
            }
        }
    }
}

impl Turn {
    /// It took so many tokens in the end.
    pub(super) fn used(&mut self, tokens: u64) {
        let Some(taken) = self.tokens.take() else { return };
        if let Some(allowance) = &mut self.gate.minute().tokens {
            allowance.correct(taken, tokens);
        }
        self.gate.given_back.notify_one();
    }

    /// Nothing was sent.
    pub(super) fn unused(&mut self) {
        self.used(0);
        let Some(taken) = self.requests.take() else { return };
        if let Some(allowance) = &mut self.gate.minute().requests {
            allowance.correct(taken, 0);
        }
        self.gate.given_back.notify_one();
    }
}
