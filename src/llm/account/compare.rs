//! The service's view of what was spent beside our own, and whether the two agree. Pure, but for one function that reads our own.

use super::Key;
use crate::base::{Millis, Picos};
use crate::llm::budget::Period;
use crate::llm::ledger::lookup;
use crate::store::{Conn, Result};
use serde::Serialize;

/// Amounts this near are the same whatever their share: a tenth of a cent.
const NEAR: i64 = 1_000_000_000;
/// Under this share of its limit a key is nearly used up.
const LOW: f64 = 0.1;

/// How two views of a period stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// They agree.
    Same,
    /// The service counts more: another program uses the key, or calls of ours are of unknown cost.
    ServiceMore,
    /// We count more: calls of ours were made with another key or elsewhere.
    LedgerMore,
    /// The ledger is younger than the period, so that it does not have all of it.
    Younger,
}

impl Verdict {
    /// In a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Same => "they agree",
            Self::ServiceMore => "the service counts more: another program uses the key, or a cost of ours is unknown",
            Self::LedgerMore => "the ledger counts more: calls were made with another key or elsewhere",
            Self::Younger => "not comparable: the ledger is younger than the period",
        }
    }
}

/// A period in both views.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Which: the present UTC day, week or month.
    pub period: Period,
    /// When it began.
    pub since: Millis,
    /// Spent, as the service says.
    pub service: Picos,
    /// Spent, as our ledger says.
    pub ledger: Picos,
    /// Calls of ours whose cost is not known.
    pub unknown: u64,
    /// How the two stand to each other.
    pub verdict: Verdict,
}

/// Compare two amounts of a period. `tolerance` is the share of the larger one by which they may differ.
#[must_use]
pub fn verdict(service: Picos, ledger: Picos, is_younger: bool, tolerance: f64) -> Verdict {
    let distance = service.0.abs_diff(ledger.0);
    let allowed = (service.0.max(ledger.0) as f64 * tolerance.max(0.0)).max(NEAR as f64);
    match () {
        () if distance as f64 <= allowed => Verdict::Same,
        () if ledger > service => Verdict::LedgerMore,
        () if is_younger => Verdict::Younger,
        () => Verdict::ServiceMore,
    }
}

/// Compare what the service says of a key with our own calls of the same periods, which are UTC's as the service's are.
///
/// # Errors
/// When the database refuses.
pub fn compare(c: &mut dyn Conn, key: &Key, now: Millis, tolerance: f64) -> Result<Vec<Compared>> {
    let first = lookup::first_call(c)?;
    let mut all = Vec::new();
    for (period, service) in [(Period::Day, key.day), (Period::Week, key.week), (Period::Month, key.month)] {
        let since = period.around(now, chrono_tz::Tz::UTC).start;
        let (ledger, unknown) = lookup::charged(c, since, now.saturating_add(1))?;
        let is_younger = first.is_none_or(|first| first > since);
        all.push(Compared { period, since, service, ledger, unknown, verdict: verdict(service, ledger, is_younger, tolerance) });
    }
    Ok(all)
}

/// What a person should know of a key before it stops them, as sentences.
#[must_use]
pub fn warnings(key: &Key, now: Millis) -> Vec<String> {
    let mut all = Vec::new();
    if let (Some(limit), Some(remaining)) = (key.limit, key.remaining) {
        if remaining.0 <= 0 {
            all.push(format!("the limit of the key is used up: {limit}"));
        } else if (remaining.0 as f64) < limit.0 as f64 * LOW {
            all.push(format!("only {remaining} of the key's {limit} are left"));
        }
    }
    let ends = key.expires_at.as_deref().and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok()).map(|at| at.timestamp_millis());
    match ends.map(|ends| ends - now) {
        Some(left) if left <= 0 => all.push("the key has expired".to_owned()),
        Some(left) if left < 7 * 86_400_000 => all.push(format!("the key expires in {}", crate::base::clock::duration(left))),
        _ => {}
    }
    if key.free_requests_left == Some(0) {
        all.push("no requests to free models are left today".to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOLLAR: i64 = 1_000_000_000_000;

    #[test]
    fn views_agree_within_their_tolerance_and_the_larger_one_is_named() {
        let of = |service, ledger, younger| verdict(Picos(service), Picos(ledger), younger, 0.01);
        assert_eq!(of(100 * DOLLAR, 99 * DOLLAR, false), Verdict::Same);
        assert_eq!(of(100 * DOLLAR, 98 * DOLLAR, false), Verdict::ServiceMore);
        assert_eq!(of(100 * DOLLAR, 98 * DOLLAR, true), Verdict::Younger);
        assert_eq!(of(98 * DOLLAR, 100 * DOLLAR, true), Verdict::LedgerMore);
        assert_eq!(of(0, NEAR, false), Verdict::Same);
        assert_eq!(verdict(Picos(DOLLAR), Picos(0), false, f64::NAN), Verdict::ServiceMore);
    }

    #[test]
    fn a_key_that_will_stop_soon_says_so() {
        let key = Key {
            label: String::new(),
            limit: Some(Picos(100 * DOLLAR)),
            remaining: Some(Picos(9 * DOLLAR)),
            reset: None,
            total: Picos::ZERO,
            day: Picos::ZERO,
            week: Picos::ZERO,
            month: Picos::ZERO,
            own_keys_month: None,
            is_free_tier: false,
            expires_at: Some("1970-01-03T00:00:00Z".into()),
            free_requests_left: Some(0),
        };
        let told = warnings(&key, 0);
        assert!(told.len() == 3 && told[0].contains("$9.00") && told[1].contains("2 d"), "{told:?}");
        assert_eq!(warnings(&key, 4 * 86_400_000)[1], "the key has expired");
        let fine = Key { remaining: Some(Picos(50 * DOLLAR)), expires_at: None, free_requests_left: None, ..key };
        assert!(warnings(&fine, 0).is_empty());
    }
}
