//! The window of requests that Reddit's headers tell of, and the pace that it asks for.

use super::headers::Headers;
use crate::base::Millis;

/// Length of a window, seconds.
const WINDOW: f64 = 600.0;
/// The longest pause between two requests while something is left, seconds.
const PACE_MOST: f64 = 10.0;
/// Two resets that lie this close together are of the same window, milliseconds.
const SAME_WINDOW: Millis = 3_000;

/// Seconds to wait before the next request, from the numbers of the last answer; the formula of prawcore 4.0.0.
///
/// With nothing left the wait lasts to the end of the window, and at least a full second: a window with nothing left and no seconds to go
/// has been seen to answer 429.
#[must_use]
pub fn pace(remaining: f64, used: f64, reset: f64) -> f64 {
    if remaining <= 0.0 {
        return reset.max(1.0);
    }
    let fair_share = WINDOW - WINDOW / (remaining + used) * used;
    (reset - fair_share).max(0.0).min(reset).min(PACE_MOST)
}

/// What is left of a window, counted on between answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Requests left.
    pub remaining: f64,
    /// Requests made.
    pub used: f64,
    /// When it ends.
    pub resets_at: Millis,
    /// When the next request may leave.
    pub next_at: Millis,
}

impl Window {
    /// The window that an answer tells of; `None` when it does not tell.
    #[must_use]
    pub fn told(headers: &Headers, now: Millis) -> Option<Self> {
        let (remaining, reset) = (headers.remaining?, headers.reset?);
        let mut window = Self { remaining, used: headers.used.unwrap_or_default().max(0.0), resets_at: now + millis(reset), next_at: now };
        window.set_pace(now);
        Some(window)
    }

    /// This window after a newer answer. While it lasts, what we counted ourselves stands if it is stricter.
    #[must_use]
    pub fn after(self, newer: Self, now: Millis) -> Self {
        if (self.resets_at - newer.resets_at).abs() > SAME_WINDOW || self.resets_at <= now {
            return newer;
        }
        let mut merged = Self { remaining: self.remaining.min(newer.remaining), used: self.used.max(newer.used), ..newer };
        merged.set_pace(now);
        merged
    }

    /// Count `n` requests that leave at `now`.
    pub fn count(&mut self, n: u32, now: Millis) {
        self.remaining -= f64::from(n);
        self.used += f64::from(n);
        self.set_pace(now);
    }

    /// Milliseconds until `n` more may leave with `kept` left over; `paced` also keeps the even pace.
    #[must_use]
    pub fn wait(&self, n: u32, kept: f64, paced: bool, now: Millis) -> Millis {
        if self.remaining - f64::from(n) < kept {
            // At least the full second, also when the window is about to end.
            return (self.resets_at - now).max(self.next_at - now).max(1);
        }
        if paced { (self.next_at - now).max(0) } else { 0 }
    }

    fn set_pace(&mut self, now: Millis) {
        let reset = (self.resets_at - now).max(0) as f64 / 1_000.0;
        self.next_at = now + millis(pace(self.remaining, self.used, reset));
    }
}

fn millis(seconds: f64) -> Millis {
    (seconds * 1_000.0).ceil() as Millis
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(remaining: &str, used: &str, reset: &str, now: Millis) -> Window {
        let pairs = [("x-ratelimit-remaining", remaining), ("x-ratelimit-used", used), ("x-ratelimit-reset", reset)];
        Window::told(&Headers::from_pairs(pairs), now).unwrap()
    }

    #[test]
    fn the_pace_slows_down_whoever_is_ahead_of_the_even_rate() {
        assert_eq!(pace(500.0, 500.0, 400.0), 10.0);
        assert_eq!(pace(7.0, 593.0, 3.0), 0.0);
        assert_eq!(pace(0.0, 1_000.0, 42.0), 42.0);
        assert_eq!(pace(0.0, 1_000.0, 0.0), 1.0);
    }

    #[test]
    fn an_answer_that_came_late_does_not_give_back_what_was_counted() {
        let mut window = told("10.0", "590", "30", 0);
        window.count(3, 1_000);
        let merged = window.after(told("9", "591", "29", 1_000), 1_000);
        assert_eq!(merged.remaining, 7.0);
        let fresh = merged.after(told("600", "0", "600", 31_000), 31_000);
        assert_eq!(fresh.remaining, 600.0);
    }

    proptest! {
        #[test]
        fn the_pace_is_a_finite_wait_within_the_window(remaining in -10.0..10_000.0_f64, used in 0.0..10_000.0_f64, reset in 0.0..600.0_f64) {
            let wait = pace(remaining, used, reset);
            prop_assert!((0.0..=600.0).contains(&wait));
            prop_assert!(remaining > 0.0 || wait >= 1.0);
        }
    }
}
