//! Which models are left alone for a while: those that said so, and those that failed too often in a row. Pure.
//!
//! What is wrong with a request, a key or an account does not count: another model would not mend it. Times are counted from any moment that stays the same.

use crate::llm::error::{Class, Error};
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest that a model is left alone because it said so.
const LONGEST: Duration = Duration::from_secs(3_600);

/// What a failure means for the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing: it lies elsewhere.
    Elsewhere,
    /// It is in trouble.
    Trouble,
    /// It wants to be left alone for so long.
    Wait(Duration),
}

impl Failure {
    /// What an error means.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Refused(refusal) => match (refusal.class, refusal.retry_after) {
                (Class::RateLimited | Class::Unavailable | Class::InFlight, Some(wait)) if !wait.is_zero() => Self::Wait(wait),
                (Class::RateLimited | Class::Unavailable, _) => Self::Trouble,
                _ => Self::Elsewhere,
            },
            Error::TimedOut { .. } | Error::Interrupted { .. } | Error::Malformed { .. } => Self::Trouble,
            // The service is not there at all: that is no model's fault.
            _ => Self::Elsewhere,
        }
    }
}

/// Why a model is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It asked for it.
    Asked,
    /// So many failures in a row.
    Failures(u32),
}

impl Why {
    /// In a sentence.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Asked => "the service asked to wait".to_owned(),
            Self::Failures(count) => format!("{count} failures in a row"),
        }
    }
}

/// A model that is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cooling {
    /// For how much longer.
    pub left: Duration,
    /// Why.
    pub why: Why,
}

#[derive(Debug, Clone, Copy, Default)]
struct Health {
    failures: u32,
    until: Option<(Duration, Why)>,
}

/// What is known about the models of a process.
#[derive(Debug, Clone)]
pub struct Cooldowns {
    after: u32,
    lasts: Duration,
    models: BTreeMap<String, Health>,
}

impl Cooldowns {
    /// Nothing is known yet. A model is left alone for `lasts` when it failed `after` times in a row.
    #[must_use]
    pub fn new(after: u32, lasts: Duration) -> Self {
        Self { after: after.max(1), lasts, models: BTreeMap::new() }
    }

    /// A model answered.
    pub fn succeeded(&mut self, model: &str) {
        self.models.remove(model);
    }

    /// A model failed. Tells when it is left alone from now on.
    pub fn failed(&mut self, model: &str, failure: Failure, at: Duration) -> Option<Cooling> {
        if failure == Failure::Elsewhere {
            return None;
        }
        let health = self.models.entry(model.to_owned()).or_default();
        health.failures = health.failures.saturating_add(1);
        let cooling = match failure {
            Failure::Wait(wait) => Cooling { left: wait.min(LONGEST), why: Why::Asked },
            _ if health.failures >= self.after => Cooling { left: self.lasts, why: Why::Failures(health.failures) },
            _ => return None,
        };
        // Never shortened by a later failure of a call that was under way already.
        if health.until.is_some_and(|(until, _)| until >= at + cooling.left) {
            return None;
        }
        health.until = Some((at + cooling.left, cooling.why));
        Some(cooling)
    }

    /// Whether a model is left alone now. After it, the next failure begins it anew at once.
    #[must_use]
    pub fn cooling(&self, model: &str, at: Duration) -> Option<Cooling> {
        let (until, why) = self.models.get(model)?.until?;
        (until > at).then(|| Cooling { left: until - at, why })
    }

    /// Every model that is left alone now.
    pub fn all(&self, at: Duration) -> impl Iterator<Item = (&str, Cooling)> {
        self.models.keys().filter_map(move |model| Some((model.as_str(), self.cooling(model, at)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn cooldowns() -> Cooldowns {
        Cooldowns::new(3, 30 * SECOND)
    }

    #[test]
    fn failures_in_a_row_count_and_an_answer_ends_them() {
        let mut known = cooldowns();
        for _ in 0..2 {
            assert_eq!(known.failed("a", Failure::Trouble, SECOND), None);
        }
        known.succeeded("a");
        for _ in 0..2 {
            assert_eq!(known.failed("a", Failure::Trouble, SECOND), None);
        }
        assert_eq!(known.failed("a", Failure::Trouble, SECOND).map(|cooling| cooling.why), Some(Why::Failures(3)));
        assert_eq!(known.cooling("a", 2 * SECOND).map(|cooling| cooling.left), Some(29 * SECOND));
        assert_eq!((known.cooling("b", SECOND), known.cooling("a", 31 * SECOND)), (None, None));
        assert!(known.failed("a", Failure::Trouble, 40 * SECOND).is_some(), "one more is enough then");
    }

    #[test]
    fn a_wish_to_wait_is_kept_for_everybody_up_to_an_hour() {
        let mut known = cooldowns();
        assert_eq!(known.failed("a", Failure::Wait(7 * SECOND), SECOND), Some(Cooling { left: 7 * SECOND, why: Why::Asked }));
        assert_eq!(known.failed("a", Failure::Wait(2 * SECOND), SECOND), None, "never shortened");
        assert_eq!(known.all(SECOND).map(|(model, _)| model).collect::<Vec<_>>(), ["a"]);
        assert_eq!(known.failed("b", Failure::Wait(Duration::MAX), SECOND).map(|cooling| cooling.left), Some(LONGEST));
    }

    #[test]
    fn what_lies_elsewhere_does_not_count() {
        let mut known = cooldowns();
        for error in [
            Error::NoKey { host: "h".into() },
            Error::Unreachable { host: "h".into(), reason: "r".into() },
            Error::Settings { setting: "s", reason: "r".into() },
        ] {
            for _ in 0..9 {
                assert_eq!(known.failed("a", Failure::of(&error), SECOND), None, "{error}");
            }
        }
        assert_eq!(Failure::of(&Error::TimedOut { model: "a".into(), awaited: "first token", after: SECOND }), Failure::Trouble);
    }
}
