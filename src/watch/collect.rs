//! Every metric of the deck, read when it is asked for.

use super::exposition::{Family, Kind};
use super::{ledger, services};
use crate::base::Clock;
use crate::llm::ledger::sketch::Sketch;
use crate::report::slo::Preset;
use crate::store::{Database, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Values that a label may have; those that come later are counted under `other`.
const MOST_VALUES: usize = 100;
/// Series that are kept from falling; a process never has more.
const MOST_SERIES: usize = 200_000;

/// What the metrics say beside what stands in the database.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The version of the program.
    pub version: &'static str,
    /// The service that the models are asked at, as `openrouter`.
    pub provider: String,
    /// What is fast enough.
    pub preset: &'static Preset,
}

/// What is remembered from one scrape to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    admitted: HashMap<&'static str, BTreeSet<String>>,
    highest: HashMap<String, f64>,
    pub(super) past: Past,
}

/// Sketches of the days that are over, by model.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) until: i64,
    /// Calls that they were made of: another number means that they have to be made anew.
    pub(super) calls: i64,
    pub(super) sketches: BTreeMap<String, Vec<Sketch>>,
}

impl Memory {
    /// A label's value, or `other` when it already has as many as it may have.
    pub(super) fn admit(&mut self, label: &'static str, value: &str) -> String {
        let known = self.admitted.entry(label).or_default();
        if known.contains(value) {
            return value.to_owned();
        }
        if known.len() < MOST_VALUES {
            known.insert(value.to_owned());
            return value.to_owned();
        }
        "other".to_owned()
    }

    /// The highest value that a series has had.
    fn raise(&mut self, key: String, value: f64) -> f64 {
        if self.highest.len() >= MOST_SERIES && !self.highest.contains_key(&key) {
            return value;
        }
        let highest = self.highest.entry(key).or_insert(value);
        *highest = highest.max(value);
        *highest
    }
}

/// Collects the metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Collector {
    db: Database,
    clock: Arc<dyn Clock>,
    facts: Arc<Facts>,
    memory: Arc<Mutex<Memory>>,
}

impl Collector {
    /// A collector over a database.
    #[must_use]
    pub fn new(db: Database, clock: Arc<dyn Clock>, facts: Facts) -> Self {
        Self { db, clock, facts: Arc::new(facts), memory: Arc::default() }
    }

    /// The database that it reads.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// The present.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// All families.
    ///
    /// # Errors
    /// When the database refuses: part of the metrics would be read as the whole.
    pub async fn collect(&self) -> Result<Vec<Family>> {
        let (now, facts, memory) = (self.clock.now(), Arc::clone(&self.facts), Arc::clone(&self.memory));
        self.db
            .read(move |c| {
                // What a scrape that broke off left in it is as good as before.
                let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
                let mut all = ledger::families(c, now, &facts, &mut memory)?;
                for family in &mut all {
                    // A call that was taken for lost and is settled after all leaves the one sum for the other.
                    if matches!(family.kind(), Kind::Counter | Kind::Summary | Kind::Histogram) {
                        family.raise(|key, value| memory.raise(key, value));
                    }
                }
                all.push(build(&facts));
                all.extend(services::families(c, now, &mut memory)?);
                Ok(all)
            })
            .await
    }
}

fn build(facts: &Facts) -> Family {
    let mut family = Family::new(Kind::Info, "quarterdeck_build", "The program that is asked.");
    family.set(&[("version", facts.version)], 1.0);
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_no_more_values_than_they_may() {
        let mut memory = Memory::default();
        for number in 0..MOST_VALUES {
            assert_ne!(memory.admit("model", &format!("m{number}")), "other");
        }
        assert_eq!(memory.admit("model", "one more"), "other");
        assert_eq!(memory.admit("model", "m3"), "m3", "what is known stays");
        assert_eq!(memory.admit("module", "one more"), "one more", "another label");
    }
}
