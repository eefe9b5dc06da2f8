//! Questions in common: who asks what somebody is asking already waits for that answer.

use super::cache::Kept;
use crate::llm::error::Error;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What came of a question.
pub(super) type Landed = Result<Arc<Kept>, Error>;

type Waiting = watch::Receiver<Option<Landed>>;

/// The questions under way, by their key.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<String, Waiting>>);

/// How somebody takes part.
pub(super) enum Part {
    /// They ask.
    Lead(Lead),
    /// Somebody asks already.
    Follow(Waiting),
}

/// Who asks on behalf of all. Dropped without a landing, one of the others asks.
pub(super) struct Lead {
    flights: Arc<Flights>,
    key: String,
    sender: watch::Sender<Option<Landed>>,
}

impl Flights {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take part in a question.
    pub(super) fn join(self: &Arc<Self>, key: &str) -> Part {
        let mut flights = self.lock();
        if let Some(waiting) = flights.get(key) {
            return Part::Follow(waiting.clone());
        }
        let (sender, waiting) = watch::channel(None);
        flights.insert(key.to_owned(), waiting);
        Part::Lead(Lead { flights: Arc::clone(self), key: key.to_owned(), sender })
    }
}

impl Lead {
    /// Tell everybody what came of it.
    pub(super) fn land(self, landed: Landed) {
        // Nobody may wait; that is as well.
        let _ = self.sender.send(Some(landed));
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

/// What came of the question of somebody else; `None` when they went away before they knew.
pub(super) async fn landed(mut waiting: Waiting) -> Option<Landed> {
    let landed = waiting.wait_for(Option::is_some).await.ok()?;
    landed.clone()
}
