//! The runs: a task for each probe, at its phase.

use super::writer::{Made, Writer};
use super::{AT_ONCE, Checker, Shared};
use crate::base::Millis;
use crate::watch::Status;
use crate::watch::probe::check::{Cause, Outcome};
use crate::watch::probe::model::{Definitions, Probe};
use crate::watch::probe::schedule;
use futures_util::FutureExt as _;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// A look that says nothing at all for so long after its own time-out is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// The tasks of one reading of the file, and what writes their results.
pub(super) struct Runs {
    definitions: Arc<Definitions>,
    tasks: JoinSet<()>,
    paused: watch::Sender<Arc<BTreeSet<String>>>,
    writer: Writer,
}

impl Runs {
    /// Begin: each probe at its phase.
    pub fn start(shared: &Arc<Shared>, definitions: &Arc<Definitions>, last: &BTreeMap<String, Millis>) -> Self {
        let (paused, _) = watch::channel(Arc::default());
        let (writer, results) = Writer::start(shared, definitions);
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        let now = shared.options.clock.now();
        for probe in &definitions.probes {
            let first = schedule::first(&probe.name, probe.interval, last.get(&probe.name).copied(), now);
            let task = Task {
                shared: Arc::clone(shared),
                probe: Arc::new(probe.clone()),
                due: Instant::now() + Duration::from_millis(u64::try_from(first - now).unwrap_or(0)),
                permits: Arc::clone(&permits),
                paused: paused.subscribe(),
                results: results.clone(),
            };
            tasks.spawn(task.run());
        }
        Self { definitions: Arc::clone(definitions), tasks, paused, writer }
    }

    /// Whether these are the definitions that run.
    pub fn runs(&self, definitions: &Arc<Definitions>) -> bool {
        Arc::ptr_eq(&self.definitions, definitions)
    }

    /// These are not run until they are resumed.
    pub fn paused(&self, names: BTreeSet<String>) {
        self.paused.send_replace(Arc::new(names));
    }

    /// Give up what is under way, and write what was found.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.writer.stop().await;
    }
}

struct Task {
    shared: Arc<Shared>,
    probe: Arc<Probe>,
    due: Instant,
    permits: Arc<Semaphore>,
    paused: watch::Receiver<Arc<BTreeSet<String>>>,
    results: mpsc::Sender<Made>,
}

impl Task {
    async fn run(mut self) {
        loop {
            sleep_until(self.due).await;
            let is_paused = self.paused.borrow().contains(&self.probe.name);
            if !is_paused {
                // Closed only when the program ends.
                let Ok(permit) = self.permits.acquire().await else { return };
                self.shared.started(self.due.elapsed());
                let at = self.shared.options.clock.now();
                let outcome = look(&self.shared.checker, Arc::clone(&self.probe)).await;
                drop(permit);
                self.next();
                let left = i64::try_from(self.due.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(0);
                let next_at = Some(self.shared.options.clock.now() + left);
                let made = Made { probe: Arc::clone(&self.probe), outcome, at, next_at };
                if self.results.try_send(made).is_err() {
                    tracing::warn!(probe = self.probe.name, "a result is lost: too many wait to be written");
                }
            } else {
                self.next();
            }
        }
    }

    /// The next time that lies ahead: a run that took longer than its interval leaves times out, and is never made up for.
    fn next(&mut self) {
        let now = Instant::now();
        let behind = now.saturating_duration_since(self.due).as_nanos() / self.probe.interval.as_nanos().max(1);
        let steps = u32::try_from(behind + 1).unwrap_or(u32::MAX);
        self.due = self.due.checked_add(self.probe.interval.saturating_mul(steps)).unwrap_or(now + self.probe.interval);
    }
}

/// Look at a target; never much longer than its time-out, and a defect of the look is told as such.
pub(super) async fn look(checker: &Checker, probe: Arc<Probe>) -> Outcome {
    let patience = probe.timeout + PATIENCE;
    let nothing = |status, error: String, cause| Outcome {
        status,
        latency_us: None,
        error: Some(error),
        cause: Some(cause),
        host: None,
        value: None,
        detail: serde_json::Value::Null,
    };
    match tokio::time::timeout(patience, AssertUnwindSafe(checker(probe)).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => nothing(Status::Unknown, "the check ended by a defect; the log says where".to_owned(), Cause::Other),
        Err(_) => nothing(Status::Unhealthy, format!("no answer within {} s", patience.as_secs()), Cause::Timeout),
    }
}
