//! The two limiters: requests per client in windows of ten minutes, and writes per account.

use super::super::exchange::Answer;
use super::auth::Grant;
use crate::base::Millis;
use std::collections::HashMap;
use std::time::Duration;

/// The length of a window in milliseconds: "averaged over ten minutes".
const WINDOW: Millis = 600_000;

/// Counters.
#[derive(Debug)]
pub struct Limits {
    per_window: u32,
    between_writes: Option<Duration>,
    windows: HashMap<String, (Millis, u32)>,
    /// When an account may write again, by account and kind of write; `*` as the kind is every write.
    next_write: HashMap<(String, &'static str), Millis>,
}

/// Where a client stands in its window.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    used: u32,
    limit: u32,
    /// Seconds until the window ends.
    pub reset: i64,
}

impl Quota {
    /// Whether the request that was just counted is still within the limit.
    pub(super) fn allowed(self) -> bool {
        self.used <= self.limit
    }

    /// The answer with the three counters.
    pub(super) fn headers(self, answer: Answer) -> Answer {
        let remaining = self.limit.saturating_sub(self.used);
        answer
            .with("x-ratelimit-used", self.used.to_string())
            .with("x-ratelimit-remaining", format!("{remaining}.0"))
            .with("x-ratelimit-reset", self.reset.to_string())
    }
}

impl Limits {
    pub(super) fn new(per_window: u32, between_writes: Option<Duration>) -> Self {
        Self { per_window, between_writes, windows: HashMap::new(), next_write: HashMap::new() }
    }

    /// Count a request of this client and account.
    pub(super) fn count(&mut self, grant: &Grant, now: Millis) -> Quota {
        let key = format!("{} {}", grant.client, grant.account.as_deref().unwrap_or("-"));
        let start = now - now.rem_euclid(WINDOW);
        let window = self.windows.entry(key).or_insert((start, 0));
        if window.0 != start {
            *window = (start, 0);
        }
        window.1 = window.1.saturating_add(1);
        Quota { used: window.1, limit: self.per_window, reset: (start + WINDOW - now + 999) / 1000 }
    }

    /// Refuse every write of an account for some seconds.
    pub(super) fn hold(&mut self, account: &str, now: Millis, seconds: f64) {
        self.next_write.insert((account.to_lowercase(), "*"), now.saturating_add((seconds.max(0.0) * 1000.0) as Millis));
    }

    /// Seconds until the account may make a write of this kind; `None` when it may now.
    pub(super) fn wait(&self, account: &str, kind: &'static str, now: Millis) -> Option<f64> {
        let account = account.to_lowercase();
        let next = ["*", kind].into_iter().filter_map(|kind| self.next_write.get(&(account.clone(), kind))).max()?;
        (*next > now).then(|| (*next - now) as f64 / 1000.0)
    }

    /// A write of this kind was made.
    pub(super) fn wrote(&mut self, account: &str, kind: &'static str, now: Millis) {
        if let Some(between) = self.between_writes {
            let between = i64::try_from(between.as_millis()).unwrap_or(WINDOW);
            self.next_write.insert((account.to_lowercase(), kind), now.saturating_add(between));
        }
    }
}

/// The sentence that goes with a wait, in the unit that the real service would use: it says less than the number.
#[must_use]
pub fn sentence(seconds: f64) -> String {
    let (count, unit) = if seconds >= 60.0 { ((seconds / 60.0).floor(), "minute") } else { (seconds.ceil().max(1.0), "second") };
    let plural = if count > 1.0 { "s" } else { "" };
    format!("you are doing that too much. try again in {count} {unit}{plural}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_rounds_where_the_number_does_not() {
        assert_eq!(sentence(76.3), "you are doing that too much. try again in 1 minute.");
        assert_eq!(sentence(5.2), "you are doing that too much. try again in 6 seconds.");
    }

    #[test]
    fn a_hold_covers_every_kind_and_ends() {
        let mut limits = Limits::new(10, Some(Duration::from_secs(5)));
        limits.wrote("Me", "comment", 1_000);
        assert_eq!(limits.wait("me", "comment", 2_000), Some(4.0));
        assert_eq!(limits.wait("me", "submit", 2_000), None);
        limits.hold("me", 2_000, 30.0);
        assert_eq!(limits.wait("me", "submit", 2_000), Some(30.0));
        assert_eq!(limits.wait("me", "submit", 32_000), None);
    }
}
