//! What may be taken in any minute: requests or tokens. Pure.
//!
//! A bucket that refills at a steady rate lets up to twice its size through in a minute: what it held, and what came back. This one gets back what
//! was taken when that is a minute old, so that no minute, wherever it begins, holds more than the limit, and all of the limit can be used.
//! Times are counted from any moment that stays the same.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

/// What the limit is for.
pub const MINUTE: Duration = Duration::from_secs(60);
/// What is taken within so many milliseconds is remembered as one: at most 600 numbers, whatever the limit. It comes back that much later.
const SLOT: u64 = 100;
/// Slots after which one has come back: a whole minute behind its end.
const SLOTS: u64 = 60_000 / SLOT + 1;

/// What was taken of a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    limit: u64,
    taken: u64,
    slots: VecDeque<(u64, u64)>,
}

/// Something that was taken, to correct it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    slot: u64,
    amount: u64,
}

fn slot(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX) / SLOT
}

impl Allowance {
    /// An allowance of which nothing is taken.
    #[must_use]
    pub fn of(limit: NonZeroU32) -> Self {
        Self { limit: limit.get().into(), taken: 0, slots: VecDeque::new() }
    }

    /// How much any minute may hold.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How much could be taken now.
    #[must_use]
    pub fn left(&self, at: Duration) -> u64 {
        let old: u64 = self.slots.iter().take_while(|(first, _)| first + SLOTS <= slot(at)).map(|(_, amount)| amount).sum();
        self.limit.saturating_sub(self.taken.saturating_sub(old))
    }

    /// Take `amount` now. What is more than the limit takes all of it: it could never be taken otherwise.
    ///
    /// # Errors
    /// How long to wait before asking again, never zero.
    pub fn take(&mut self, amount: u64, at: Duration) -> Result<Taken, Duration> {
        let (now, amount) = (slot(at), amount.min(self.limit));
        while let Some((first, old)) = self.slots.front().copied()
            && first + SLOTS <= now
        {
            self.slots.pop_front();
            self.taken = self.taken.saturating_sub(old);
        }
        let mut missing = (self.taken + amount).saturating_sub(self.limit);
        if missing == 0 {
            // A moment that lies before the last one counts as that one: time stands still rather than goes back.
            let now = self.slots.back().map_or(now, |(last, _)| now.max(*last));
            match self.slots.back_mut() {
                Some((last, sum)) if *last == now => *sum += amount,
                _ => self.slots.push_back((now, amount)),
            }
            self.taken += amount;
            return Ok(Taken { slot: now, amount });
        }
        let mut until = now + 1;
        for (first, old) in &self.slots {
            until = first + SLOTS;
            missing = missing.saturating_sub(*old);
            if missing == 0 {
                break;
            }
        }
        Err(Duration::from_millis(until.saturating_mul(SLOT)).saturating_sub(at).max(Duration::from_millis(1)))
    }

    /// What was taken turned out to be another amount. What is a minute old is not changed any more.
    pub fn correct(&mut self, taken: Taken, actual: u64) {
        let Some((_, sum)) = self.slots.iter_mut().find(|(first, _)| *first == taken.slot) else { return };
        let after = (*sum).saturating_sub(taken.amount).saturating_add(actual);
        self.taken = self.taken.saturating_sub(*sum).saturating_add(after);
        *sum = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allowance(limit: u32) -> Allowance {
        Allowance::of(NonZeroU32::new(limit).unwrap())
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn all_of_it_can_be_taken_and_comes_back_after_a_minute() {
        let mut minute = allowance(3);
        for _ in 0..3 {
            assert!(minute.take(1, at(50)).is_ok());
        }
        assert_eq!((minute.left(at(50)), minute.left(at(60_099)), minute.left(at(60_100))), (0, 0, 3));
        assert_eq!(minute.take(1, at(50)), Err(at(60_050)));
        assert!(minute.take(3, at(60_100)).is_ok());
    }

    #[test]
    fn what_is_larger_than_the_limit_waits_for_all_of_it() {
        let mut minute = allowance(100);
        assert!(minute.take(1, at(0)).is_ok());
        assert_eq!(minute.take(5_000, at(0)), Err(at(60_100)));
        assert!(minute.take(5_000, at(60_100)).is_ok());
        assert_eq!(minute.left(at(60_100)), 0);
    }

    #[test]
    fn an_estimate_is_corrected_both_ways() {
        let mut minute = allowance(1_000);
        let first = minute.take(900, at(0)).unwrap();
        assert!(minute.take(200, at(10)).is_err());
        minute.correct(first, 100);
        assert_eq!(minute.left(at(10)), 900);
        let second = minute.take(200, at(10)).unwrap();
        minute.correct(second, 5_000);
        assert_eq!((minute.left(at(10)), minute.left(at(60_100))), (0, 1_000));
        assert!(minute.take(1, at(60_100)).is_ok());
        minute.correct(first, 7);
        assert_eq!(minute.left(at(60_100)), 999, "what is old is not changed");
    }

    proptest! {
        #[test]
        fn no_minute_ever_holds_more_than_the_limit(limit in 1_u32..60, steps in prop::collection::vec((0_u64..9_000, 0_u64..30), 1..120)) {
            let mut minute = allowance(limit);
            let (mut now, mut all) = (0, Vec::new());
            for (passes, amount) in steps {
                now += passes;
                if minute.take(amount, at(now)).is_ok() {
                    all.push((now, amount.min(u64::from(limit))));
                }
                for (from, _) in &all {
                    let sum: u64 = all.iter().filter(|(when, _)| (*from..from + 60_000).contains(when)).map(|(_, amount)| amount).sum();
                    prop_assert!(sum <= u64::from(limit), "{sum} of {limit} from {from} on: {all:?}");
                }
                prop_assert!(minute.slots.len() <= SLOTS as usize + 1);
            }
        }

        #[test]
        fn waiting_as_told_is_enough(limit in 1_u32..1_000, steps in prop::collection::vec((0_u64..5_000, 1_u64..2_000), 1..60)) {
            let mut minute = allowance(limit);
            let mut now = Duration::ZERO;
            for (passes, amount) in steps {
                now += at(passes);
                let left = minute.left(now);
                match minute.take(amount, now) {
                    Ok(_) => prop_assert!(amount.min(limit.into()) <= left),
                    Err(wait) => {
                        prop_assert!(amount.min(limit.into()) > left && wait <= MINUTE + at(2 * SLOT));
                        now += wait;
                        prop_assert!(minute.take(amount, now).is_ok(), "after {wait:?}");
                    }
                }
            }
        }
    }
}
