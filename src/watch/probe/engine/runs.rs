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
    /// Begin: each probe at its phase, but for those that are paused.
    pub fn start(shared: &Arc<Shared>, definitions: &Arc<Definitions>, last: &BTreeMap<String, Millis>, paused: BTreeSet<String>) -> Self {
        let (paused, _) = watch::channel(Arc::new(paused));
        let (writer, results) = Writer::start(shared, definitions);
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        let now = shared.options.clock.now();
        for probe in &definitions.probes {
            let first = schedule::first(&probe.name, probe.interval, last.get(&probe.name).copied(), now);
            let task = Task {
                shared: Arc::clone(shared),
                probe: Arc::new(probe.clone()),
                due: Instant::now() + millis(first - now),
                soon: None,
                ran: None,
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
        // Each of the tasks wakes for a change.
        self.paused.send_if_modified(|before| {
            let is_other = **before != names;
            if is_other {
                *before = Arc::new(names);
            }
            is_other
        });
    }

    /// Give up what is under way, and write what was found.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.writer.stop().await;
    }
}

fn millis(length: Millis) -> Duration {
    Duration::from_millis(u64::try_from(length).unwrap_or(0))
}

struct Task {
    shared: Arc<Shared>,
    probe: Arc<Probe>,
    /// The next time at its phase.
    due: Instant,
    /// A run before that, after a pause.
    soon: Option<Instant>,
    /// When the last run began.
    ran: Option<Instant>,
    permits: Arc<Semaphore>,
    paused: watch::Receiver<Arc<BTreeSet<String>>>,
    results: mpsc::Sender<Made>,
}

impl Task {
    async fn run(mut self) {
        loop {
            let (at, is_paused) = (self.soon.unwrap_or(self.due), self.is_paused());
            tokio::select! {
                () = sleep_until(at), if !is_paused => {}
                changed = self.paused.changed() => {
                    // Nobody pauses any more when the runs are over.
                    if changed.is_err() {
                        return;
                    }
                    if is_paused && !self.is_paused() {
                        self.resumed();
                    }
                    continue;
                }
            }
            // Closed only when the program ends.
            let Ok(permit) = self.permits.acquire().await else { return };
            self.shared.started(at.elapsed());
            self.ran = Some(Instant::now());
            let began = self.shared.options.clock.now();
            let outcome = look(&self.shared.checker, Arc::clone(&self.probe)).await;
            drop(permit);
            self.soon = None;
            self.next();
            let left = i64::try_from(self.due.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(0);
            let next_at = Some(self.shared.options.clock.now() + left);
            let made = Made { probe: Arc::clone(&self.probe), outcome, at: began, next_at };
            if self.results.try_send(made).is_err() {
                tracing::warn!(probe = self.probe.name, "a result is lost: too many wait to be written");
            }
        }
    }

    fn is_paused(&self) -> bool {
        self.paused.borrow().contains(&self.probe.name)
    }

    /// Times in a pause are left out. A probe that has not run for an interval runs soon, and then at its phase: until then nothing is known.
    fn resumed(&mut self) {
        self.next();
        let now = Instant::now();
        let is_old = self.ran.is_none_or(|ran| now.saturating_duration_since(ran) >= self.probe.interval);
        let soon = now + millis(schedule::soon(&self.probe.name, self.probe.interval));
        self.soon = (is_old && soon < self.due).then_some(soon);
    }

    /// The next time that lies ahead: a run that took longer than its interval leaves times out, and is never made up for.
    fn next(&mut self) {
        let now = Instant::now();
        if now < self.due {
            return;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SystemClock;
    use crate::store::testing::database;
    use crate::watch::own::Facts;
    use crate::watch::probe::engine::Options;
    use crate::watch::probe::file::{FILE_NAME, Source};
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;

    #[tokio::test(start_paused = true)]
    async fn a_probe_runs_soon_after_a_long_pause_and_then_at_its_phase_again() {
        let (db, _guard) = database();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(FILE_NAME), "[[probe]]\nname = \"shop\"\ntcp = \"h:1\"\ninterval = \"1h\"\n").unwrap();
        let source = Source::open(directory.path(), &directory.path().join("environment"));
        let probe = source.current().definitions.probe("shop").unwrap().clone();
        let began = Instant::now();
        let runs: Arc<Mutex<Vec<u64>>> = Arc::default();
        let checker: Checker = {
            let runs = Arc::clone(&runs);
            Arc::new(move |_| {
                runs.lock().unwrap().push(began.elapsed().as_secs());
                Box::pin(std::future::pending())
            })
        };
        let options = Options { db, clock: Arc::new(SystemClock), source, process: "host:1".into(), facts: Facts::default() };
        let shared = Arc::new(Shared { options, checker, late: Mutex::default(), watches: AtomicBool::new(true) });
        let (paused, is_paused) = watch::channel(Arc::new(BTreeSet::from(["shop".to_owned()])));
        let (results, _kept) = mpsc::channel(9);
        let hour = Duration::from_secs(3_600);
        let task = Task {
            shared,
            probe: Arc::new(probe),
            due: began + hour / 2,
            soon: None,
            ran: Some(began),
            permits: Arc::new(Semaphore::new(1)),
            paused: is_paused,
            results,
        };
        let task = tokio::spawn(task.run());
        tokio::time::sleep(hour + hour / 3).await;
        assert!(runs.lock().unwrap().is_empty(), "paused");
        paused.send_replace(Arc::default());
        tokio::time::sleep(Duration::from_secs(60)).await;
        let soon = runs.lock().unwrap().clone();
        assert!(soon.len() == 1 && soon[0] < 4_800 + 30, "within half a minute: {soon:?}");
        tokio::time::sleep(hour).await;
        assert_eq!(runs.lock().unwrap()[1..], [5_400], "at its phase");
        task.abort();
    }
}
