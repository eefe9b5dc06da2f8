//! A probe for tests.

use crate::watch::probe::model::{self, Probe, Target};

/// A probe of a target, with nothing else said.
pub(super) fn probe(target: Target) -> Probe {
    Probe {
        name: "test".into(),
        system: "tests".into(),
        target,
        interval: model::INTERVAL,
        timeout: model::TIMEOUT,
        failures: model::FAILURES,
        successes: model::SUCCESSES,
        conditions: vec![],
        degraded_over: None,
        remedy: None,
        command: None,
        secrets: vec![],
    }
}
