//! When to try again, how long to wait, and when to turn to the next model. Pure.

use super::error::{Class, Error};
use crate::base::Millis;
use std::time::Duration;

/// The longest wait asked for by a server that is honoured. Who asks for more is left for the next model.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// How many doublings the wait stops at: 0.5 s becomes 8 s.
const MAX_DOUBLINGS: u32 = 4;

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The same model again, after this time.
    Again(Duration),
    /// The next model of the list, at once; the end if there is none.
    OtherModel,
    /// Nothing: no other attempt can mend this.
    Stop,
}

/// Decide after `attempt` (from 1) attempts with one model have failed, the last with `error`. `jitter` is in 0..1.
#[must_use]
pub fn next(error: &Error, attempt: u32, max_attempts: u32, base: Duration, jitter: f64) -> Next {
    let (transient, retry_after) = match error {
        Error::Refused(refusal) => match refusal.class {
            // The service's own word on it counts more than the status.
            Class::NotFound | Class::Unavailable | Class::RateLimited if refusal.retryable == Some(false) => {
                return if refusal.class.is_transient() { Next::OtherModel } else { Next::Stop };
            }
            Class::NotFound if refusal.retryable == Some(true) => (true, refusal.retry_after),
            class => (class.is_transient(), refusal.retry_after),
        },
        Error::Unreachable { .. } | Error::TimedOut { .. } | Error::Interrupted { .. } | Error::Malformed { .. } => (true, None),
        Error::Settings { .. }
        | Error::NoKey { .. }
        | Error::GaveUp { .. }
        | Error::Prices { .. }
        | Error::OverBudget(_)
        | Error::Ledger(_) => (false, None),
    };
    match retry_after {
        _ if !transient => Next::Stop,
        _ if attempt >= max_attempts => Next::OtherModel,
        Some(wait) if wait > MAX_RETRY_AFTER => Next::OtherModel,
        Some(wait) if !wait.is_zero() => Next::Again(wait),
        _ => Next::Again(backoff(attempt, base, jitter)),
    }
}

/// The wait after `attempt` (from 1) failed attempts: `base`, doubled each time up to sixteen times `base`, and up to half of it more by jitter.
#[must_use]
pub fn backoff(attempt: u32, base: Duration, jitter: f64) -> Duration {
    let doubled = base.saturating_mul(1 << attempt.saturating_sub(1).min(MAX_DOUBLINGS));
    doubled + doubled.mul_f64(jitter.clamp(0.0, 1.0) / 2.0)
}

/// The value of a `Retry-After` header: seconds, or an HTTP date. `None` for anything else and for a time that has passed.
#[must_use]
pub fn retry_after(value: &str, now: Millis) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok().filter(|wait| !wait.is_zero());
    }
    let until = chrono::DateTime::parse_from_rfc2822(value).ok()?.timestamp_millis();
    let wait = u64::try_from(until.checked_sub(now)?).ok()?;
    (wait > 0).then_some(Duration::from_millis(wait))
}

#[cfg(test)]
mod tests {
    use super::super::error::Refusal;
    use super::*;

    const BASE: Duration = Duration::from_millis(500);

    fn refused(class: Class, retry_after: Option<u64>, retryable: Option<bool>) -> Error {
        Error::Refused(Box::new(Refusal {
            class,
            status: 0,
            model: "m".into(),
            code: None,
            error_type: None,
            message: "no".into(),
            provider: None,
            retry_after: retry_after.map(Duration::from_secs),
            retryable,
            fallback_models: vec![],
        }))
    }

    #[test]
    fn waits_double_up_to_eight_seconds() {
        let waits: Vec<u128> = (1..=7).map(|attempt| backoff(attempt, BASE, 0.0).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(backoff(1, BASE, 1.0).as_millis(), 750);
    }

    #[test]
    fn only_what_can_mend_itself_is_tried_again() {
        let decide = |class| next(&refused(class, None, None), 1, 3, BASE, 0.0);
        for class in [Class::RateLimited, Class::Unavailable, Class::InFlight] {
            assert_eq!(decide(class), Next::Again(BASE));
        }
        for class in [Class::BadRequest, Class::Unauthorised, Class::OutOfCredit, Class::Forbidden, Class::NotFound, Class::Unexpected] {
            assert_eq!(decide(class), Next::Stop);
        }
        assert_eq!(next(&refused(Class::Unavailable, None, None), 3, 3, BASE, 0.0), Next::OtherModel);
    }

    #[test]
    fn the_server_s_wish_is_honoured_within_a_minute() {
        assert_eq!(next(&refused(Class::RateLimited, Some(7), None), 1, 3, BASE, 0.0), Next::Again(Duration::from_secs(7)));
        assert_eq!(next(&refused(Class::RateLimited, Some(61), None), 1, 3, BASE, 0.0), Next::OtherModel);
        assert_eq!(next(&refused(Class::Unavailable, None, Some(false)), 1, 3, BASE, 0.0), Next::OtherModel);
        assert_eq!(next(&refused(Class::NotFound, None, Some(true)), 1, 3, BASE, 0.0), Next::Again(BASE));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after(" 12 ", 0), Some(Duration::from_secs(12)));
        assert_eq!(retry_after("0.5", 0), Some(Duration::from_millis(500)));
        assert_eq!(retry_after("Thu, 01 Jan 1970 00:00:30 GMT", 10_000), Some(Duration::from_secs(20)));
        for nothing in ["0", "-3", "soon", "", "inf", "nan", "Thu, 01 Jan 1970 00:00:05 GMT"] {
            assert_eq!(retry_after(nothing, 10_000), None, "{nothing}");
        }
    }
}
