//! One budget of requests for all accounts of an application: whoever wants to send waits here first.

use super::answer::Answer;
use super::bucket::{Bucket, Impossible};
use super::window::Window;
use crate::base::{Clock, Millis};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use super::bucket::Priority;

/// Why no token was given.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NoToken {
    /// It would take longer than the caller is willing to wait.
    #[error("no request may leave for another {0:?}")]
    TooLong(Duration),
    /// No wait would help.
    #[error(transparent)]
    Impossible(#[from] Impossible),
}

/// The budget of an application (a client id), shared by all its accounts.
#[derive(Debug)]
pub struct RateBudget {
    clock: Arc<dyn Clock>,
    state: Mutex<Bucket>,
    /// One queue for each priority: first come, first served, and neither writing nor reconciling stands behind the rest.
    queues: [tokio::sync::Mutex<()>; 3],
}

/// The budget at one moment, for display.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetSnapshot {
    /// Tokens the bucket holds at most.
    pub capacity: u32,
    /// Tokens kept for reconciling.
    pub reserve: u32,
    /// Tokens in it now.
    pub available: f64,
    /// Until when nothing at all may leave, after a 429.
    pub blocked_until: Option<Millis>,
    /// When Reddit last answered 429.
    pub limited_at: Option<Millis>,
    /// What Reddit's headers told, by account.
    pub windows: Vec<(String, Window)>,
    /// Accounts that may post nothing, and until when.
    pub paused: Vec<(String, Millis)>,
}

impl RateBudget {
    /// The default budget: 60 tokens, one more every second, 5 of them in reserve.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(Bucket::standard(clock.now())), clock, queues: Default::default() })
    }

    /// A budget of another size.
    ///
    /// # Errors
    /// [`Impossible::Budget`] when it would let nothing through.
    pub fn with(capacity: u32, per_second: f64, reserve: u32, clock: Arc<dyn Clock>) -> Result<Arc<Self>, Impossible> {
        let state = Mutex::new(Bucket::full(capacity, per_second, reserve, clock.now())?);
        Ok(Arc::new(Self { clock, state, queues: Default::default() }))
    }

    fn state(&self) -> MutexGuard<'_, Bucket> {
        // Nothing in the arithmetic panics half way; a poisoned lock still guards a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take `n` tokens, waiting at most `patience` for them.
    ///
    /// # Errors
    /// [`NoToken::TooLong`] as soon as it is clear that the wait would be longer; [`NoToken::Impossible`] when no wait would help.
    pub async fn acquire(&self, n: u32, priority: Priority, patience: Duration) -> Result<(), NoToken> {
        let [reads, writes, reconciling] = &self.queues;
        let queue = match priority {
            Priority::Normal => reads,
            Priority::Write => writes,
            Priority::Reconcile => reconciling,
        };
        let Ok(_turn) = tokio::time::timeout(patience, queue.lock()).await else {
            return Err(NoToken::TooLong(patience));
        };
        let mut now = self.clock.now();
        let give_up = now + millis(patience);
        loop {
            let wait = match self.state().take(n, priority, now)? {
                Ok(()) => return Ok(()),
                Err(wait) => wait,
            };
            if now + wait > give_up {
                return Err(NoToken::TooLong(length(wait)));
            }
            tokio::time::sleep(length(wait)).await;
            // That time has passed even where the clock stands still, as in tests, or was set back.
            now = self.clock.now().max(now + wait);
        }
    }

    /// Take `n` tokens if they are there.
    ///
    /// # Errors
    /// [`Impossible::Count`] when no wait would help.
    pub fn try_acquire(&self, n: u32, priority: Priority) -> Result<bool, Impossible> {
        let now = self.clock.now();
        Ok(self.state().take(n, priority, now)?.is_ok())
    }

    /// Tokens in the bucket now, computed afresh.
    #[must_use]
    pub fn available(&self) -> f64 {
        self.state().available(self.clock.now())
    }

    /// Take in what an answer for `account` says about the rate.
    pub fn observe(&self, account: &str, answer: &Answer) {
        let now = self.clock.now();
        let mut state = self.state();
        if let Some(window) = Window::told(&answer.headers, now) {
            state.told(account, window, now);
        }
        if answer.status == 429 {
            state.block(now + millis(answer.rate_wait()), now);
        }
    }

    /// Let `account` post nothing for this long: Reddit's limit on an account, apart from the rate of requests.
    pub fn pause_account(&self, account: &str, pause: Duration) {
        let now = self.clock.now();
        self.state().pause(account, now + millis(pause), now);
    }

    /// Until when `account` may post nothing, if so.
    #[must_use]
    pub fn account_paused_until(&self, account: &str) -> Option<Millis> {
        let now = self.clock.now();
        self.state().paused().get(account).copied().filter(|until| *until > now)
    }

    /// For how long `account` may still post nothing, if so.
    #[must_use]
    pub fn account_pause_left(&self, account: &str) -> Option<Duration> {
        self.account_paused_until(account).map(|until| length(until - self.clock.now()))
    }

    /// The budget now, for display.
    #[must_use]
    pub fn snapshot(&self) -> BudgetSnapshot {
        let now = self.clock.now();
        let mut state = self.state();
        state.settle(now);
        let (capacity, reserve) = state.size();
        BudgetSnapshot {
            capacity,
            reserve,
            available: state.available(now),
            blocked_until: state.blocked_until(now),
            limited_at: state.limited_at(),
            windows: state.windows().iter().map(|(account, window)| (account.clone(), window.clone())).collect(),
            paused: state.paused().iter().map(|(account, until)| (account.clone(), *until)).collect(),
        }
    }
}

fn millis(length: Duration) -> Millis {
    Millis::try_from(length.as_millis()).unwrap_or(Millis::MAX / 4)
}

fn length(millis: Millis) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::TestClock;
    use crate::reddit::headers::Headers;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn budget() -> (Arc<RateBudget>, TestClock) {
        let clock = TestClock::at(1_000_000);
        (RateBudget::new(Arc::new(clock.clone())), clock)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_when_it_is_empty_waits_for_the_refill_also_on_a_clock_that_stands() {
        let (budget, _clock) = budget();
        budget.acquire(55, Priority::Normal, HOUR).await.unwrap();
        let start = tokio::time::Instant::now();
        for _ in 0..3 {
            budget.acquire(1, Priority::Normal, HOUR).await.unwrap();
        }
        assert_eq!(start.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn reconciling_does_not_stand_behind_the_rest() {
        let (budget, _clock) = budget();
        budget.acquire(55, Priority::Normal, HOUR).await.unwrap();
        let waiting = tokio::spawn({
            let budget = Arc::clone(&budget);
            async move { budget.acquire(40, Priority::Normal, HOUR).await }
        });
        tokio::task::yield_now().await;
        let start = tokio::time::Instant::now();
        budget.acquire(1, Priority::Reconcile, HOUR).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        waiting.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_too_long_is_told_at_once() {
        let (budget, clock) = budget();
        budget.observe("a", &Answer::new(429, Headers::from_pairs([("retry-after", "90")]), ""));
        let start = tokio::time::Instant::now();
        let refused = budget.acquire(1, Priority::Reconcile, Duration::from_secs(60)).await;
        assert_eq!((refused, start.elapsed()), (Err(NoToken::TooLong(Duration::from_secs(90))), Duration::ZERO));
        assert_eq!(budget.snapshot().blocked_until, Some(clock.now() + 90_000));
        clock.advance(90_000);
        assert_eq!(budget.try_acquire(1, Priority::Normal), Ok(true));
        assert!(budget.try_acquire(0, Priority::Normal).is_err());
    }

    #[test]
    fn what_is_shown_is_never_stale() {
        let (budget, clock) = budget();
        assert_eq!(budget.try_acquire(30, Priority::Normal), Ok(true));
        assert_eq!(budget.available(), 30.0);
        clock.advance(10_000);
        assert_eq!((budget.available(), budget.snapshot().available), (40.0, 40.0));
        budget.pause_account("a", Duration::from_secs(77));
        assert_eq!(budget.account_paused_until("a"), Some(clock.now() + 77_000));
        assert_eq!(budget.account_paused_until("b"), None);
        clock.advance(77_000);
        assert_eq!(budget.account_paused_until("a"), None);
    }
}
