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

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn gate(concurrent: u32, requests: u32, tokens: u32) -> Arc<Gate> {
        Arc::new(Gate::new(Limits {
            concurrent: NonZeroU32::new(concurrent),
            requests: NonZeroU32::new(requests),
            tokens: NonZeroU32::new(tokens),
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_limited_waits_for_nothing() {
        let gate = gate(0, 0, 0);
        for _ in 0..100 {
            let (_turn, waits) = Arc::clone(&gate).enter(1_000_000).await;
            assert_eq!((waits.sum(), waits.each().count()), (Duration::ZERO, 0));
        }
        assert_eq!(gate.left(), (None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_above_the_requests_of_a_minute_waits_until_the_first_is_a_minute_old() {
        let (gate, start) = (gate(0, 3, 0), Instant::now());
        let mut at = Vec::new();
        for _ in 0..7 {
            let (_turn, waits) = Arc::clone(&gate).enter(1).await;
            at.push((start.elapsed().as_secs(), waits.requests.as_secs()));
        }
        assert_eq!(at, [(0, 0), (0, 0), (0, 0), (60, 60), (60, 0), (60, 0), (120, 60)]);
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_that_were_not_needed_let_the_next_one_through_at_once() {
        let gate = gate(0, 0, 1_000);
        let (mut first, _) = Arc::clone(&gate).enter(900).await;
        let start = Instant::now();
        let second = tokio::spawn(Arc::clone(&gate).enter(800));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!second.is_finished());
        first.used(150);
        let (_turn, waits) = second.await.unwrap();
        assert_eq!((start.elapsed(), waits.tokens), (Duration::from_secs(5), Duration::from_secs(5)));
        assert_eq!(gate.left(), (None, Some((50, 1_000))));
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_first_goes_first_and_who_goes_away_holds_nobody_up() {
        let gate = gate(1, 60, 0);
        let (first, _) = Arc::clone(&gate).enter(1).await;
        let mut line = Vec::new();
        for number in 0..3 {
            let gate = Arc::clone(&gate);
            line.push(tokio::spawn(async move {
                let (_turn, waits) = gate.enter(1).await;
                tokio::time::sleep(Duration::from_secs(1)).await;
                (number, waits.concurrency)
            }));
            tokio::task::yield_now().await;
        }
        line.remove(1).abort();
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(first);
        let mut done = Vec::new();
        for one in line {
            done.push(one.await.unwrap());
        }
        assert_eq!(done, [(0, Duration::from_secs(2)), (2, Duration::from_secs(3))]);
        assert_eq!(gate.left().0, Some((57, 60)), "who went away took nothing of the minute");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_sent_is_given_back() {
        let gate = gate(0, 1, 100);
        let (mut turn, _) = Arc::clone(&gate).enter(100).await;
        turn.unused();
        assert_eq!(gate.left(), (Some((1, 1)), Some((100, 100))));
    }
}
