//! Metrics of everything but model calls: the queue, the outbox, the agents' loops, pauses, search.

use super::collect::Memory;
use super::exposition::{Family, Kind};
use crate::agent::runs;
use crate::base::Millis;
use crate::memory::personas;
use crate::moderation::{depth, pauses};
use crate::search::documents::ingest;
use crate::store::{Conn, Error, Result};
use std::collections::BTreeMap;

/// How long after its time an approved item is overdue.
pub(super) const OVERDUE: Millis = 300_000;

/// The families, read from the services.
///
/// # Errors
/// When the database refuses.
pub(super) fn families(c: &mut dyn Conn, now: Millis, memory: &mut Memory) -> Result<Vec<Family>> {
    let mut all = waiting(c, now)?;
    all.extend(loops(c, now, memory)?);
    let mut paused = Family::new(Kind::Gauge, "quarterdeck_pauses", "Pauses that stand: while one does, some or all sending is held back.");
    paused.set(&[], pauses::list(c, now).map_err(|error| refused(&error))?.len() as f64);
    all.push(paused);
    let mut behind =
        Family::new(Kind::Gauge, "quarterdeck_search_behind", "Changes that search has not taken in; no series when it has never begun.");
    if let Some(changes) = ingest::behind(c).map_err(|error| refused(&error))? {
        behind.set(&[], changes as f64);
    }
    all.push(behind);
    Ok(all)
}

/// An error of a service while it was read, which can only be one of the database.
pub(super) fn refused(error: &dyn std::fmt::Display) -> Error {
    Error::Constraint { reason: error.to_string() }
}

fn waiting(c: &mut dyn Conn, now: Millis) -> Result<Vec<Family>> {
    let mut items = Family::new(
        Kind::Gauge,
        "quarterdeck_items",
        "Items that wait, by state: in the queue up to returned, in the outbox from scheduled on.",
    );
    let mut oldest =
        Family::new(Kind::Gauge, "quarterdeck_oldest_item_age_seconds", "How long ago the oldest item of a state was drafted.");
    for depth in depth::depths(c).map_err(|error| refused(&error))? {
        let labels: [(&'static str, &str); 1] = [("state", depth.state.as_str())];
        items.set(&labels, depth.items as f64);
        if let Some(at) = depth.oldest_at {
            oldest.set(&labels, (now - at).max(0) as f64 / 1e3);
        }
    }
    let mut overdue =
        Family::new(Kind::Gauge, "quarterdeck_outbox_overdue_items", "Approved items that were to be sent more than five minutes ago.");
    overdue.set(&[], depth::overdue(c, now - OVERDUE).map_err(|error| refused(&error))? as f64);
    Ok(vec![items, oldest, overdue])
}

fn loops(c: &mut dyn Conn, now: Millis, memory: &mut Memory) -> Result<Vec<Family>> {
    let names: BTreeMap<_, _> =
        personas::list(c).map_err(|error| refused(&error))?.into_iter().map(|persona| (persona.id, persona.reddit_username)).collect();
    let gauge = |name, help| Family::new(Kind::Gauge, name, help);
    let mut up = gauge(
        "quarterdeck_agent_up",
        "Whether the loop of a persona runs: 1 when its heart beats, 0 when it was lost or ended by an error; no series when it was stopped.",
    );
    let mut beat = gauge("quarterdeck_agent_heartbeat_age_seconds", "How long ago the loop of a persona was heard of.");
    let mut cycles = Family::new(Kind::Counter, "quarterdeck_agent_cycles", "Cycles of the loop of a persona since it was started.");
    let mut failures = gauge("quarterdeck_agent_failed_cycles", "Cycles of the loop of a persona that failed since the last good one.");
    for run in runs::list(c)? {
        let known = names.get(&run.persona_id).map_or("unknown", String::as_str);
        let name = memory.admit("persona", known);
        if name == "other" && known != "other" {
            // Gauges cannot be added up: those beyond the bound are left out.
            continue;
        }
        let labels: [(&'static str, &str); 1] = [("persona", &name)];
        match run.state(now) {
            "running" | "stopping" => up.set(&labels, 1.0),
            // It was stopped on purpose: nobody is to be called.
            "stopped" => continue,
            _ => up.set(&labels, 0.0),
        }
        beat.set(&labels, (now - run.heartbeat_at).max(0) as f64 / 1e3);
        cycles.set(&labels, run.cycle_count as f64);
        failures.set(&labels, run.failures_in_a_row as f64);
    }
    Ok(vec![up, beat, cycles, failures])
}
