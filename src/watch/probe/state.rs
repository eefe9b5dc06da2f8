//! How the results of a probe become its state. Pure.
//!
//! A target is unhealthy after so many failures in a row, healthy again after so many successes in a row, degraded as soon as an answer is
//! slow or says so itself, and unknown without data: before the first result, when a result cannot tell, and when results stop coming.

use super::check::Outcome;
use super::model::Probe;
use crate::base::{Millis, clock};
use crate::watch::health::Status;
use std::time::Duration;

/// A result older than so many intervals says nothing any more.
pub const STALE_AFTER: i64 = 3;

/// What one result says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It answers, slowly or with a complaint.
    Slow,
    /// It fails.
    Bad,
    /// It cannot tell.
    Nothing,
}

/// How many in a row change a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Failures until unhealthy, from 1.
    pub failures: u32,
    /// Successes until healthy again, from 1.
    pub successes: u32,
}

/// How a probe stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Its status.
    pub status: Status,
    /// Since when; `None` while nothing was ever known.
    pub since: Option<Millis>,
    /// Failures in a row.
    pub failures: u32,
    /// Answers in a row, good or slow.
    pub successes: u32,
    /// Good answers in a row.
    pub good: u32,
}

impl Default for State {
    fn default() -> Self {
        Self { status: Status::Unknown, since: None, failures: 0, successes: 0, good: 0 }
    }
}

/// What a result says, by its own verdict and by its latency.
#[must_use]
pub fn verdict(outcome: &Outcome, degraded_over: Option<Duration>) -> Verdict {
    let is_slow = || {
        let limit = degraded_over.map(|limit| u64::try_from(limit.as_micros()).unwrap_or(u64::MAX));
        limit.zip(outcome.latency_us).is_some_and(|(limit, took)| took > limit)
    };
    match outcome.status {
        Status::Unhealthy => Verdict::Bad,
        Status::Unknown => Verdict::Nothing,
        Status::Degraded => Verdict::Slow,
        Status::Healthy if is_slow() => Verdict::Slow,
        Status::Healthy => Verdict::Good,
    }
}

impl State {
    /// The state after one more result.
    #[must_use]
    pub fn after(self, verdict: Verdict, thresholds: Thresholds, at: Millis) -> Self {
        let mut next = match verdict {
            Verdict::Good => Self { failures: 0, successes: self.successes.saturating_add(1), good: self.good.saturating_add(1), ..self },
            Verdict::Slow => Self { failures: 0, successes: self.successes.saturating_add(1), good: 0, ..self },
            Verdict::Bad => Self { failures: self.failures.saturating_add(1), successes: 0, good: 0, ..self },
            Verdict::Nothing => Self { failures: 0, successes: 0, good: 0, ..self },
        };
        let enough = |count: u32, needed: u32| count >= needed.max(1);
        let well = if enough(next.good, thresholds.successes) { Status::Healthy } else { Status::Degraded };
        next.status = match (self.status, verdict) {
            (_, Verdict::Nothing) => Status::Unknown,
            (_, Verdict::Bad) if enough(next.failures, thresholds.failures) => Status::Unhealthy,
            (status, Verdict::Bad) => status,
            (Status::Unknown | Status::Healthy, Verdict::Good) => Status::Healthy,
            (Status::Unknown | Status::Healthy | Status::Degraded, Verdict::Slow) => Status::Degraded,
            (Status::Degraded, Verdict::Good) => well,
            (Status::Unhealthy, _) if enough(next.successes, thresholds.successes) => well,
            (Status::Unhealthy, _) => Status::Unhealthy,
        };
        if next.status != self.status || self.since.is_none() {
            next.since = Some(at);
        }
        next
    }
}

/// When a state says nothing any more: no result for three intervals and the time that a run may take, or a last result that lies further
/// ahead than a run, of a clock that was set back since. The moment from which it is unknown.
#[must_use]
pub fn stale_since(last_at: Millis, probe: &Probe, now: Millis) -> Option<Millis> {
    if last_at > now.saturating_add(run(probe)) {
        return Some(now);
    }
    let from = last_at.saturating_add(STALE_AFTER * millis(probe.interval) + millis(probe.timeout));
    (now > from).then_some(from)
}

/// From one run to the end of the next one: results that are further apart than this in the wrong order tell of a clock that was set back.
#[must_use]
pub fn run(probe: &Probe) -> Millis {
    millis(probe.interval) + millis(probe.timeout)
}

fn millis(length: Duration) -> Millis {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 8)
}

/// Why a state is as it is, in a sentence.
#[must_use]
pub fn reason(state: State, verdict: Verdict, thresholds: Thresholds, outcome: &Outcome, degraded_over: Option<Duration>) -> String {
    let error = || outcome.error.clone().unwrap_or_else(|| "it fails".to_owned());
    match verdict {
        Verdict::Bad if state.status == Status::Unhealthy => error(),
        Verdict::Bad => format!("failed {} of {} times in a row that count: {}", state.failures, thresholds.failures, error()),
        Verdict::Nothing => outcome.error.clone().unwrap_or_else(|| "the result cannot tell".to_owned()),
        Verdict::Slow => outcome.error.clone().unwrap_or_else(|| {
            let took = outcome.latency_us.map_or_else(|| "slowly".to_owned(), |took| format!("in {}", latency(took)));
            let limit = degraded_over.map(|limit| format!("; more than {} is too slow", latency(limit.as_micros() as u64)));
            format!("answers {took}{}", limit.unwrap_or_default())
        }),
        Verdict::Good if state.status == Status::Unhealthy || state.status == Status::Degraded => {
            format!("well again {} of {} times in a row that count", state.good, thresholds.successes)
        }
        Verdict::Good => outcome.latency_us.map_or_else(|| "as it should be".to_owned(), |took| format!("answers in {}", latency(took))),
    }
}

/// A latency for people: `850 µs`, `12 ms`, `3.2 s`.
#[must_use]
pub fn latency(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{} ms", micros / 1_000),
        1_000_000..60_000_000 => format!("{:.1} s", micros as f64 / 1e6),
        _ => clock::duration(i64::try_from(micros / 1_000).unwrap_or(i64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const THREE_TWO: Thresholds = Thresholds { failures: 3, successes: 2 };

    fn states(verdicts: &[Verdict]) -> Vec<Status> {
        let mut state = State::default();
        let mut seen = Vec::new();
        for (at, verdict) in verdicts.iter().enumerate() {
            state = state.after(*verdict, THREE_TWO, at as Millis);
            seen.push(state.status);
        }
        seen
    }

    #[test]
    fn three_failures_in_a_row_make_it_unhealthy_and_two_successes_well_again() {
        use Status::{Degraded, Healthy, Unhealthy, Unknown};
        use Verdict::{Bad, Good, Nothing, Slow};
        assert_eq!(states(&[Good, Bad, Bad, Good, Bad, Bad, Bad]), [Healthy, Healthy, Healthy, Healthy, Healthy, Healthy, Unhealthy]);
        assert_eq!(
            states(&[Bad, Bad, Bad, Good, Bad, Good, Good]),
            [Unknown, Unknown, Unhealthy, Unhealthy, Unhealthy, Unhealthy, Healthy]
        );
        assert_eq!(states(&[Good, Slow, Good, Slow, Good, Good]), [Healthy, Degraded, Degraded, Degraded, Degraded, Healthy]);
        assert_eq!(states(&[Bad, Bad, Bad, Slow, Slow, Good, Good]), [Unknown, Unknown, Unhealthy, Unhealthy, Degraded, Degraded, Healthy]);
        assert_eq!(states(&[Good, Nothing, Good]), [Healthy, Unknown, Healthy]);
    }

    #[test]
    fn results_that_stop_coming_say_nothing() {
        let probe = super::super::model::Probe {
            name: "p".into(),
            system: "s".into(),
            target: super::super::model::Target::Tcp { host: "h".into(), port: 1 },
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
            failures: 3,
            successes: 2,
            conditions: vec![],
            degraded_over: None,
            remedy: None,
            command: None,
            secrets: vec![],
        };
        assert_eq!(stale_since(0, &probe, 100_000), None);
        assert_eq!(stale_since(0, &probe, 100_001), Some(100_000));
        // A clock that was set back by an hour leaves a result of the future behind: it must not look fresh for an hour.
        assert_eq!(stale_since(140_000, &probe, 100_000), None);
        assert_eq!(stale_since(140_001, &probe, 100_000), Some(100_000));
        assert_eq!((stale_since(Millis::MAX, &probe, 5), stale_since(Millis::MIN, &probe, 5).is_some()), (Some(5), true));
    }

    fn verdicts() -> impl Strategy<Value = Vec<Verdict>> {
        let one = prop_oneof![Just(Verdict::Good), Just(Verdict::Slow), Just(Verdict::Bad), Just(Verdict::Nothing)];
        proptest::collection::vec(one, 0..60)
    }

    proptest! {
        #[test]
        fn no_state_is_claimed_that_results_do_not_bear_out(verdicts in verdicts(), failures in 1_u32..6, successes in 1_u32..6) {
            let thresholds = Thresholds { failures, successes };
            let mut state = State::default();
            for (at, verdict) in verdicts.iter().enumerate() {
                let before = state;
                state = state.after(*verdict, thresholds, at as Millis);
                let last = |count: u32| verdicts.get((at + 1).saturating_sub(count as usize)..=at).unwrap_or_default();
                if state.status != before.status {
                    match state.status {
                        Status::Healthy => prop_assert_eq!(*verdict, Verdict::Good),
                        Status::Degraded => prop_assert!(matches!(verdict, Verdict::Slow | Verdict::Good)),
                        Status::Unknown => prop_assert_eq!(*verdict, Verdict::Nothing),
                        Status::Unhealthy => {
                            prop_assert!(last(failures).len() == failures as usize && last(failures).iter().all(|one| *one == Verdict::Bad));
                        }
                    }
                    prop_assert_eq!(state.since, Some(at as Millis));
                    if before.status == Status::Unhealthy && state.status == Status::Healthy {
                        prop_assert!(last(successes).iter().all(|one| *one == Verdict::Good));
                    }
                } else if before.since.is_some() {
                    prop_assert_eq!(state.since, before.since);
                }
                prop_assert!(state.failures == 0 || state.successes == 0);
            }
        }
    }
}
