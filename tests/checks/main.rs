//! Checks of real servers - Redis, PostgreSQL, Prometheus, each started here - and of servers that do what no server should.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod http;
mod local;
mod postgres;
mod programs;
mod prometheus;
mod qdrant;
mod redis;

use quarterdeck::watch::Status;
use quarterdeck::watch::probe::check::{Cause, Outcome, Tools, check};
use quarterdeck::watch::probe::model::{self, Probe, Target};
use std::time::Duration;

/// A probe of a target with these conditions, which has two seconds.
fn probe(target: Target, conditions: &[&str]) -> Probe {
    Probe {
        name: "test".into(),
        system: "tests".into(),
        target,
        interval: model::INTERVAL,
        timeout: Duration::from_secs(2),
        failures: model::FAILURES,
        successes: model::SUCCESSES,
        conditions: conditions.iter().map(|text| (*text).to_owned()).collect(),
        degraded_over: None,
        remedy: None,
        command: None,
        secrets: vec![],
    }
}

async fn look(target: Target, conditions: &[&str]) -> Outcome {
    check(&probe(target, conditions), &Tools::new().unwrap()).await
}

#[track_caller]
fn is_well(outcome: &Outcome) {
    assert_eq!((outcome.status, outcome.error.as_deref(), outcome.cause), (Status::Healthy, None, None), "{outcome:?}");
    assert!(outcome.latency_us.is_some(), "{outcome:?}");
}

/// That it is so, for this cause, and says these words in at most 300 characters.
#[track_caller]
fn is(outcome: &Outcome, status: Status, cause: Cause, words: &str) {
    assert_eq!((outcome.status, outcome.cause), (status, Some(cause)), "{outcome:?}");
    let error = outcome.error.as_deref().unwrap();
    assert!(error.contains(words) && error.chars().count() <= 300, "expected {words:?} in {error}");
}
