//! The arithmetic of the budget: a bucket of tokens, the windows of Reddit's headers, and pauses. No clock and no waiting in here.

use super::window::Window;
use crate::base::Millis;
use std::collections::BTreeMap;

/// Tokens of the default budget.
pub const CAPACITY: u32 = 60;
/// Tokens that come back every second.
pub const PER_SECOND: f64 = 1.0;
/// Tokens of it that only reconciling and the look before sending may use.
pub const RESERVE: u32 = 5;

/// Whose turn it is when little is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// Reads of every day: they leave the reserve alone and keep the even pace that Reddit's headers ask for.
    #[default]
    Normal,
    /// Requests that write: they leave the reserve alone, but keep no pace, because the look before sending is only good for a moment.
    Write,
    /// Reads that look for a lost answer or look once more before sending: may use the reserve, and keep no even pace.
    Reconcile,
}

/// Why a request can never have its tokens.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Impossible {
    /// Less than one, or more than the bucket ever holds.
    #[error("{asked} tokens were asked for at once; from 1 to {most} are possible")]
    Count {
        /// How many were asked for.
        asked: u32,
        /// How many the bucket gives at most.
        most: u32,
    },
    /// A bucket that gives nothing.
    #[error("a budget of capacity {capacity} with a reserve of {reserve} and {per_second} tokens a second lets no request through")]
    Budget {
        /// Tokens it holds.
        capacity: u32,
        /// Tokens kept back.
        reserve: u32,
        /// Tokens that come back every second.
        per_second: f64,
    },
}

/// The state of a budget at some moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    capacity: u32,
    reserve: u32,
    per_second: f64,
    tokens: f64,
    updated_at: Millis,
    blocked_until: Millis,
    windows: BTreeMap<String, Window>,
    paused: BTreeMap<String, Millis>,
    limited_at: Option<Millis>,
}

impl Bucket {
    /// The full default bucket.
    #[must_use]
    pub fn standard(now: Millis) -> Self {
        Self::of(CAPACITY, PER_SECOND, RESERVE, now)
    }

    /// A full bucket of another size.
    ///
    /// # Errors
    /// [`Impossible::Budget`] when it would let nothing through.
    pub fn full(capacity: u32, per_second: f64, reserve: u32, now: Millis) -> Result<Self, Impossible> {
        if reserve >= capacity || !per_second.is_finite() || per_second <= 0.0 {
            return Err(Impossible::Budget { capacity, reserve, per_second });
        }
        Ok(Self::of(capacity, per_second, reserve, now))
    }

    fn of(capacity: u32, per_second: f64, reserve: u32, now: Millis) -> Self {
        Self {
            capacity,
            reserve,
            per_second,
            tokens: f64::from(capacity),
            updated_at: now,
            blocked_until: now,
            windows: BTreeMap::new(),
            paused: BTreeMap::new(),
            limited_at: None,
        }
    }

    /// Tokens in the bucket at `now`, computed afresh.
    #[must_use]
    pub fn available(&self, now: Millis) -> f64 {
        let passed = (now - self.updated_at).max(0) as f64 / 1_000.0;
        (self.tokens + passed * self.per_second).min(f64::from(self.capacity))
    }

    /// Tokens the bucket holds at most, and how many of them are kept for reconciling.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.capacity, self.reserve)
    }

    /// Bring everything to `now`. When the clock was set back, no time has passed and every end moves with it.
    pub fn settle(&mut self, now: Millis) {
        let set_back = (self.updated_at - now).max(0);
        if set_back > 0 {
            self.updated_at -= set_back;
            self.blocked_until -= set_back;
            self.limited_at = self.limited_at.map(|at| at - set_back);
            self.paused.values_mut().for_each(|until| *until -= set_back);
            for window in self.windows.values_mut() {
                window.resets_at -= set_back;
                window.next_at -= set_back;
            }
        }
        self.tokens = self.available(now);
        self.updated_at = now;
        self.windows.retain(|_, window| window.resets_at > now || window.next_at > now);
        self.paused.retain(|_, until| *until > now);
    }

    /// Take `n` tokens at `now`, or tell how many milliseconds to wait before asking again.
    ///
    /// # Errors
    /// [`Impossible::Count`] when no wait would help.
    pub fn take(&mut self, n: u32, priority: Priority, now: Millis) -> Result<Result<(), Millis>, Impossible> {
        let kept = if priority == Priority::Reconcile { 0 } else { self.reserve };
        let most = self.capacity - kept;
        if n < 1 || n > most {
            return Err(Impossible::Count { asked: n, most });
        }
        self.settle(now);
        let missing = f64::from(n + kept) - self.tokens;
        let refill = if missing > 0.0 { (missing / self.per_second * 1_000.0).ceil() as Millis } else { 0 };
        let paced = priority == Priority::Normal;
        let window = self.windows.values().map(|window| window.wait(n, f64::from(kept), paced, now)).max().unwrap_or_default();
        let wait = refill.max(window).max(self.blocked_until - now);
        if wait > 0 {
            return Ok(Err(wait));
        }
        self.tokens -= f64::from(n);
        self.windows.values_mut().for_each(|window| window.count(n, now));
        Ok(Ok(()))
    }

    /// Take in the window that an answer for `account` tells of.
    pub fn told(&mut self, account: &str, newer: Window, now: Millis) {
        self.settle(now);
        let window = match self.windows.remove(account) {
            Some(known) => known.after(newer, now),
            None => newer,
        };
        self.windows.insert(account.to_owned(), window);
    }

    /// Let nothing leave before `until`.
    pub fn block(&mut self, until: Millis, now: Millis) {
        self.settle(now);
        self.blocked_until = self.blocked_until.max(until);
        self.limited_at = Some(now);
    }

    /// When Reddit last said that there were too many requests.
    #[must_use]
    pub fn limited_at(&self) -> Option<Millis> {
        self.limited_at
    }

    /// Until when nothing may leave, if so.
    #[must_use]
    pub fn blocked_until(&self, now: Millis) -> Option<Millis> {
        Some(self.blocked_until).filter(|until| *until > now)
    }

    /// Let `account` post nothing before `until`. A pause is never shortened.
    pub fn pause(&mut self, account: &str, until: Millis, now: Millis) {
        self.settle(now);
        let known = self.paused.entry(account.to_owned()).or_insert(until);
        *known = until.max(*known);
    }

    /// Until when each account may post nothing.
    #[must_use]
    pub fn paused(&self) -> &BTreeMap<String, Millis> {
        &self.paused
    }

    /// What Reddit's headers told, by account.
    #[must_use]
    pub fn windows(&self) -> &BTreeMap<String, Window> {
        &self.windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reddit::headers::Headers;
    use proptest::prelude::*;

    fn bucket() -> Bucket {
        Bucket::full(60, 1.0, 5, 0).unwrap()
    }

    fn told(remaining: &str, reset: &str, now: Millis) -> Window {
        let pairs = [("x-ratelimit-remaining", remaining), ("x-ratelimit-used", "1"), ("x-ratelimit-reset", reset)];
        Window::told(&Headers::from_pairs(pairs), now).unwrap()
    }

    #[test]
    fn it_starts_full_and_refills_one_a_second() {
        let mut bucket = bucket();
        assert_eq!(bucket.take(55, Priority::Normal, 0), Ok(Ok(())));
        assert_eq!(bucket.take(1, Priority::Normal, 0), Ok(Err(1_000)));
        assert_eq!((bucket.available(0), bucket.available(2_500), bucket.available(1_000_000)), (5.0, 7.5, 60.0));
        assert_eq!(bucket.take(1, Priority::Normal, 1_000), Ok(Ok(())));
    }

    #[test]
    fn counts_that_never_fit_are_errors() {
        assert_eq!(bucket().take(0, Priority::Normal, 0), Err(Impossible::Count { asked: 0, most: 55 }));
        assert_eq!(bucket().take(61, Priority::Reconcile, 0), Err(Impossible::Count { asked: 61, most: 60 }));
        assert!(Bucket::full(5, 1.0, 5, 0).is_err() && Bucket::full(5, 0.0, 0, 0).is_err() && Bucket::full(5, f64::NAN, 0, 0).is_err());
    }

    #[test]
    fn the_reserve_is_for_reconciling_alone() {
        let mut bucket = bucket();
        assert_eq!(bucket.take(55, Priority::Normal, 0), Ok(Ok(())));
        assert_eq!(bucket.take(5, Priority::Reconcile, 0), Ok(Ok(())));
        assert_eq!(bucket.take(1, Priority::Reconcile, 0), Ok(Err(1_000)));
        let mut bucket = self::bucket();
        bucket.told("a", told("5", "30", 0), 0);
        assert_eq!(bucket.take(1, Priority::Normal, 0), Ok(Err(30_000)));
        assert_eq!(bucket.take(1, Priority::Reconcile, 0), Ok(Ok(())));
    }

    #[test]
    fn the_stricter_of_bucket_and_headers_wins() {
        let mut bucket = bucket();
        bucket.told("a", told("0", "42", 0), 0);
        assert_eq!(bucket.take(1, Priority::Reconcile, 0), Ok(Err(42_000)));
        bucket.told("b", told("900", "590", 0), 0);
        assert_eq!(bucket.take(1, Priority::Reconcile, 41_000), Ok(Err(1_000)));
        assert_eq!(bucket.take(1, Priority::Normal, 42_000), Ok(Ok(())));
    }

    #[test]
    fn a_write_does_not_stand_between_look_and_sending_for_the_sake_of_an_even_pace() {
        let mut bucket = bucket();
        let pairs = [("x-ratelimit-remaining", "500"), ("x-ratelimit-used", "500"), ("x-ratelimit-reset", "400")];
        bucket.told("a", Window::told(&Headers::from_pairs(pairs), 0).unwrap(), 0);
        assert_eq!(bucket.take(1, Priority::Normal, 0), Ok(Err(10_000)));
        assert_eq!(bucket.take(1, Priority::Write, 0), Ok(Ok(())));
        bucket.told("a", told("5", "30", 0), 0);
        assert_eq!(bucket.take(1, Priority::Write, 0), Ok(Err(30_000)));
    }

    #[test]
    fn nothing_left_and_no_seconds_to_go_still_waits_a_full_second() {
        let mut bucket = bucket();
        bucket.told("a", told("0.0", "0", 0), 0);
        assert_eq!(bucket.take(1, Priority::Normal, 0), Ok(Err(1_000)));
        assert_eq!(bucket.take(1, Priority::Normal, 1_000), Ok(Ok(())));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_the_refill() {
        let mut bucket = bucket();
        bucket.settle(10_000_000);
        assert_eq!(bucket.take(55, Priority::Normal, 10_000_000), Ok(Ok(())));
        bucket.block(10_002_000, 10_000_000);
        assert_eq!(bucket.take(1, Priority::Normal, 5_000), Ok(Err(2_000)));
        assert_eq!(bucket.take(1, Priority::Normal, 7_000), Ok(Ok(())));
    }

    #[test]
    fn a_pause_is_never_shortened_and_ends() {
        let mut bucket = bucket();
        bucket.pause("a", 5_000, 0);
        bucket.pause("a", 3_000, 0);
        assert_eq!(bucket.paused().get("a"), Some(&5_000));
        bucket.settle(5_000);
        assert!(bucket.paused().is_empty());
    }

    proptest! {
        #[test]
        fn no_more_leave_than_the_bucket_and_the_refill_allow(steps in proptest::collection::vec((1..10_u32, 0..3_000_i64), 1..60)) {
            let mut bucket = bucket();
            let (mut now, mut taken) = (0, 0.0);
            for (n, passes) in steps {
                now += passes;
                if bucket.take(n, Priority::Normal, now).unwrap().is_ok() {
                    taken += f64::from(n);
                }
                prop_assert!(taken <= 60.0 + now as f64 / 1_000.0 + 1e-6);
                prop_assert!(bucket.available(now) >= 5.0 - 1e-6);
            }
        }

        #[test]
        fn waiting_as_told_is_enough(n in 1..55_u32, remaining in 0..100_u32, reset in 0..700_u32) {
            let mut bucket = bucket();
            bucket.told("a", told(&remaining.to_string(), &reset.to_string(), 0), 0);
            let mut now = 0;
            let mut turns = 0;
            while let Err(wait) = bucket.take(n, Priority::Normal, now).unwrap() {
                now += wait;
                turns += 1;
                prop_assert!(turns < 4, "still waiting at {now}");
            }
        }
    }
}
