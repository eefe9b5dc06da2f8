//! What is under way in this process: turns with each model, cooldowns, questions in common. All clients of a process share it.

use super::cooldown::{Cooldowns, Cooling, Failure};
use super::flight::Flights;
use super::gate::{Gate, Turn, Waits};
use super::live::{Bucket, Live};
use super::settings::Settings;
use super::trace::millis;
use crate::base::Clock;
use crate::llm::error::Error;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The traffic of a process. Clones are the same traffic.
#[derive(Debug, Clone)]
pub struct Traffic(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    epoch: Instant,
    gates: Mutex<BTreeMap<String, Arc<Gate>>>,
    cooldowns: Mutex<Cooldowns>,
    flights: Arc<Flights>,
    in_flight: AtomicUsize,
    waiting: AtomicUsize,
}

/// One more, until it is dropped.
#[derive(Debug)]
struct Counted(Arc<Inner>, fn(&Inner) -> &AtomicUsize);

impl Counted {
    fn new(inner: &Arc<Inner>, which: fn(&Inner) -> &AtomicUsize) -> Self {
        which(inner).fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(inner), which)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, Ordering::Relaxed);
    }
}

/// A call that may be made now. Dropped, the next one may.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) turn: Turn,
    pub(super) waits: Waits,
    _counted: Counted,
}

impl Traffic {
    /// Nothing is under way yet. These limits and cooldowns hold for every client that shares it.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let cooldowns = Mutex::new(Cooldowns::new(settings.cooldown_after, settings.cooldown));
        Self(Arc::new(Inner {
            epoch: Instant::now(),
            settings,
            gates: Mutex::default(),
            cooldowns,
            flights: Arc::default(),
            in_flight: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
        }))
    }

    pub(super) fn flights(&self) -> &Arc<Flights> {
        &self.0.flights
    }

    fn gates(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Gate>>> {
        self.0.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cooldowns(&self) -> MutexGuard<'_, Cooldowns> {
        self.0.cooldowns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gate(&self, model: &str) -> Arc<Gate> {
        let mut gates = self.gates();
        let gate = gates.entry(model.to_owned()).or_insert_with(|| Arc::new(Gate::new(self.0.settings.limits(model))));
        Arc::clone(gate)
    }

    /// Wait for a turn with a model, as long as the settings say.
    ///
    /// # Errors
    /// How long it waited in vain.
    pub(super) async fn enter(&self, model: &str, tokens: u64) -> Result<Pass, Duration> {
        let waiting = Counted::new(&self.0, |inner| &inner.waiting);
        let within = self.0.settings.queue_within;
        let (turn, waits) = tokio::time::timeout(within, self.gate(model).enter(tokens)).await.map_err(|_| within)?;
        drop(waiting);
        Ok(Pass { turn, waits, _counted: Counted::new(&self.0, |inner| &inner.in_flight) })
    }

    /// Wait, as one of those that wait.
    pub(super) async fn wait(&self, time: Duration) {
        let _waiting = Counted::new(&self.0, |inner| &inner.waiting);
        tokio::time::sleep(time).await;
    }

    pub(super) fn cooling(&self, model: &str) -> Option<Cooling> {
        self.cooldowns().cooling(model, self.0.epoch.elapsed())
    }

    pub(super) fn succeeded(&self, model: &str) {
        self.cooldowns().succeeded(model);
    }

    pub(super) fn failed(&self, model: &str, error: &Error) -> Option<Cooling> {
        self.cooldowns().failed(model, Failure::of(error), self.0.epoch.elapsed())
    }

    /// What is under way, to look at.
    #[must_use]
    pub fn live(&self, clock: &dyn Clock) -> Live {
        let gates = self.gates().clone();
        let buckets = gates.iter().filter_map(|(model, gate)| match gate.left() {
            (None, None) => None,
            (requests, tokens) => Some(Bucket {
                model: model.clone(),
                rpm_left: requests.map(|(left, _)| left),
                rpm_limit: requests.map(|(_, limit)| limit),
                tpm_left: tokens.map(|(left, _)| left),
                tpm_limit: tokens.map(|(_, limit)| limit),
            }),
        });
        let buckets = buckets.collect();
        let (at, now) = (self.0.epoch.elapsed(), clock.now());
        let cooling =
            self.cooldowns().all(at).map(|(model, cooling)| (model.to_owned(), now.saturating_add(millis(cooling.left)))).collect();
        Live { in_flight: self.0.in_flight.load(Ordering::Relaxed), waiting: self.0.waiting.load(Ordering::Relaxed), buckets, cooling }
    }
}
