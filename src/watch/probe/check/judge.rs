//! What a look means: the target's own troubles, then the conditions, then whether it was slow. Pure.

use super::conditions::{Condition, Verdict};
use super::look::{Content, Look, Trouble};
use super::outcome::{Cause, Outcome};
use super::secrets::Secrets;
use crate::base::{SafeText, clock};
use crate::watch::health::Status;
use crate::watch::probe::model::{Probe, Target};
use std::time::Duration;

/// Columns of an error.
const LONGEST: usize = 300;

/// What one look at a probe's target comes to.
pub(super) fn outcome(probe: &Probe, conditions: &[Condition], look: Look, elapsed: Option<Duration>, secrets: &Secrets) -> Outcome {
    // What broke off behind the connection is no answer to time.
    let broke_off = look.status.is_none() && look.trouble.as_ref().is_some_and(|trouble| trouble.connected == Some(true));
    let answered = (look.connected == Some(true) && !broke_off) || !look.values.is_empty();
    let trouble = judged(probe, conditions, &look, elapsed);
    let latency_us = elapsed.filter(|_| answered).map(|elapsed| u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
    let (status, cause, error) = match trouble {
        None => (Status::Healthy, None, None),
        Some(Trouble { status, cause, error, .. }) => {
            (status, Some(cause), Some(SafeText::clipped(&secrets.without(error), LONGEST).as_str().to_owned()))
        }
    };
    Outcome {
        status,
        latency_us,
        error,
        cause,
        host: host(&probe.target),
        value: look.values.first().map(|(_, value)| *value).filter(|value| value.is_finite()),
        detail: secrets.without_value(look.detail),
    }
}

fn judged(probe: &Probe, conditions: &[Condition], look: &Look, elapsed: Option<Duration>) -> Option<Trouble> {
    let response_ms = elapsed.map(|elapsed| elapsed.as_secs_f64() * 1_000.0);
    let answered = look.connected != Some(false);
    match &look.trouble {
        // What must not be reachable is well when it is not.
        Some(trouble) if !answered => {
            let asks = conditions.iter().any(Condition::is_about_connection);
            let holds = |condition: &Condition| condition.verdict(&look.facts(None, None)) == Verdict::Holds;
            return if asks && conditions.iter().all(holds) { None } else { Some(trouble.clone()) };
        }
        Some(trouble) if trouble.status == Status::Unknown => return Some(trouble.clone()),
        _ => {}
    }
    let mut worst = look.trouble.clone();
    for condition in conditions {
        if worst.as_ref().is_some_and(|trouble| trouble.status == Status::Unhealthy) {
            break;
        }
        if let Some(found) = refused(condition, look, response_ms)
            && worst.as_ref().is_none_or(|trouble| trouble.status < found.status)
        {
            worst = Some(found);
        }
    }
    if worst.is_some() {
        return worst;
    }
    let (limit, elapsed) = (probe.degraded_over?, elapsed?);
    if elapsed <= limit {
        return None;
    }
    let shown = |length: Duration| clock::duration(i64::try_from(length.as_millis()).unwrap_or(i64::MAX));
    Some(Trouble::degraded(Cause::Timeout, format!("it took {}, more than {}", shown(elapsed), shown(limit))))
}

/// What a condition has against a look, if anything.
fn refused(condition: &Condition, look: &Look, response_ms: Option<f64>) -> Option<Trouble> {
    let one = |value: Option<f64>| match condition.verdict(&look.facts(response_ms, value)) {
        Verdict::Holds => None,
        Verdict::Fails { reason, is_mild } => Some((reason, is_mild)),
    };
    let (reason, is_mild) = if condition.is_about_value() && look.values.len() > 1 {
        look.values
            .iter()
            .find_map(|(series, value)| one(Some(*value)).map(|(reason, is_mild)| (format!("{reason}, of {series}"), is_mild)))?
    } else {
        one(look.values.first().map(|(_, value)| *value))?
    };
    let cause = if condition.is_about_status() {
        look.status_cause.as_ref().map_or(Cause::Condition, |(cause, _)| *cause)
    } else if condition.is_about_certificate() {
        Cause::Certificate
    } else if condition.is_about_body() && look.content == Some(Content::Cut) {
        Cause::TooLarge
    } else {
        Cause::Condition
    };
    let text = match &look.status_cause {
        Some((_, text)) if condition.is_about_status() => format!("{reason}; {text}"),
        _ => reason,
    };
    Some(if is_mild { Trouble::degraded(cause, text) } else { Trouble::unhealthy(cause, text) })
}

/// The host that a target stands on.
fn host(target: &Target) -> Option<String> {
    let of_url = |url: &str| url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
    match target {
        Target::Http { url, .. } | Target::Qdrant { url, .. } | Target::Prometheus { url, .. } => of_url(url),
        Target::Postgres { url, .. } => super::postgres::host(url),
        Target::Tcp { host, .. } | Target::Redis { host, .. } => Some(host.to_ascii_lowercase()),
        Target::Command { .. } | Target::LogFile { .. } => None,
    }
}
