//! The engine: in one process of all that are open every probe runs at its time, in a task of its own; the others stand by.
//!
//! Results are written together, at most once a second. A target that is slow delays no other, and no probe runs twice at once: its task begins
//! the next run when the last one has ended. What cannot be written waits, up to a bound.

mod runs;
mod writer;

use super::check::{self, Outcome, Tools};
use super::file::Source;
use super::model::{Definitions, Probe};
use super::rows::{self, Change, Taken};
use super::{lease, pauses};
use crate::base::{Clock, Millis};
use crate::store::{self, Database};
use crate::watch::heartbeat;
use crate::watch::own::{self, Facts};
use runs::Runs;
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Checks that are under way at once, at most: sockets and processes are not endless.
pub const AT_ONCE: usize = 512;
/// How long the engine may take to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How many starts are kept for [`Engine::lateness`].
const STARTS: usize = 16_384;
/// Beats between two looks at the own parts.
const OWN_EVERY: u64 = 2;
/// Beats between two samples of memory, and between two rounds of taking away.
const SAMPLE_EVERY: u64 = 6;
/// How long old results are taken away at once, in batches that others get between: the next round goes on.
const TRIMMING: Duration = Duration::from_secs(2);

/// A look at a target, as a value: tests put their own in.
pub type Checker = Arc<dyn Fn(Arc<Probe>) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

/// What the engine works with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database.
    pub db: Database,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// What is probed.
    pub source: Source,
    /// `host:pid` of this process.
    pub process: String,
    /// What the own parts are looked at with.
    pub facts: Facts,
}

/// Why a probe could not be run at once.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such probe.
    #[error("there is no probe called {name:?}{}; `quarterdeck probe list` shows them", .near.as_ref().map(|near| format!("; did you mean {near:?}?")).unwrap_or_default())]
    NoProbe {
        /// What was asked for.
        name: String,
        /// The name that is nearest.
        near: Option<String>,
    },
    /// The checks cannot be made.
    #[error(transparent)]
    Tools(#[from] check::Error),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// An engine that runs until it is stopped.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

pub(super) struct Shared {
    options: Options,
    checker: Checker,
    late: Mutex<VecDeque<Duration>>,
    watches: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Shared {
    fn started(&self, late: Duration) {
        let mut starts = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        if starts.len() == STARTS {
            starts.pop_front();
        }
        starts.push_back(late);
    }
}

impl Engine {
    /// Begin: to probe when no other process does, else to stand by.
    ///
    /// # Errors
    /// When the checks cannot be made.
    pub fn start(options: Options) -> Result<Self, Error> {
        let tools = Tools::new()?;
        let checker: Checker = Arc::new(move |probe: Arc<Probe>| {
            let tools = tools.clone();
            Box::pin(async move { check::check(&probe, &tools).await })
        });
        Ok(Self::start_with(options, checker))
    }

    /// Begin, with looks of one's own.
    #[must_use]
    pub fn start_with(options: Options, checker: Checker) -> Self {
        let shared = Arc::new(Shared { options, checker, late: Mutex::default(), watches: AtomicBool::new(false) });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(drive(Arc::clone(&shared), stopped));
        Self { shared, stop, task }
    }

    /// Whether this process probes, and does not only stand by.
    #[must_use]
    pub fn watches(&self) -> bool {
        self.shared.watches.load(Ordering::SeqCst)
    }

    /// What is probed, and what is wrong with the file.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.shared.options.source
    }

    /// How late the last runs began, against their time.
    #[must_use]
    pub fn lateness(&self) -> Vec<Duration> {
        self.shared.late.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// Run a probe at once, whoever probes.
    ///
    /// # Errors
    /// When there is no such probe, or the database refuses.
    pub async fn check_now(&self, name: &str) -> Result<(Outcome, Option<Change>), Error> {
        let Options { db, clock, source, .. } = &self.shared.options;
        check_with(db, clock.as_ref(), &self.shared.checker, &source.current().definitions, name).await
    }

    /// Stop: no run is begun, those under way are given up, what was found is written, and another process may probe.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            tracing::warn!("the probes did not end in time");
            self.task.abort();
        }
    }
}

/// Run a probe at once in a process without an engine, and write down what was found.
///
/// # Errors
/// When there is no such probe, or the database refuses.
pub async fn check_now(
    db: &Database,
    clock: &dyn Clock,
    tools: &Tools,
    definitions: &Definitions,
    name: &str,
) -> Result<(Outcome, Option<Change>), Error> {
    let tools = tools.clone();
    let checker: Checker = Arc::new(move |probe: Arc<Probe>| {
        let tools = tools.clone();
        Box::pin(async move { check::check(&probe, &tools).await })
    });
    check_with(db, clock, &checker, definitions, name).await
}

async fn check_with(
    db: &Database,
    clock: &dyn Clock,
    checker: &Checker,
    definitions: &Definitions,
    name: &str,
) -> Result<(Outcome, Option<Change>), Error> {
    let Some(probe) = definitions.probe(name) else {
        let near = crate::config::nearest(name, definitions.probes.iter().map(|probe| probe.name.as_str()));
        return Err(Error::NoProbe { name: name.to_owned(), near: near.map(str::to_owned) });
    };
    let (probe, at) = (Arc::new(probe.clone()), clock.now());
    let outcome = runs::look(checker, Arc::clone(&probe)).await;
    let found = outcome.clone();
    let change = db
        .write(move |c| {
            let next_at = rows::state(c, &probe.name)?.and_then(|known| known.next_at);
            rows::take(c, &Taken { probe: &probe, outcome: &found, at, next_at, held: None })
        })
        .await?;
    Ok((outcome, change))
}

/// Everything that happens from beat to beat.
async fn drive(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let mut beats = interval(Duration::from_millis(lease::BEAT.unsigned_abs()));
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watching = Watching::new(Arc::clone(&shared));
    loop {
        tokio::select! {
            biased;
            // It cannot be closed while the engine holds its sender; an engine that was dropped stops too.
            _ = stopped.wait_for(|stopped| *stopped) => break,
            _ = beats.tick() => {}
        }
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => break,
            () = watching.beat() => {}
        }
    }
    if let Some(runs) = watching.runs.take() {
        runs.stop().await;
    }
    shared.watches.store(false, Ordering::SeqCst);
    let process = shared.options.process.clone();
    if let Err(error) = shared.options.db.write(move |c| lease::release(c, &process)).await {
        tracing::warn!(%error, "the lease of the probes could not be given back; it ends by itself");
    }
}

struct Watching {
    shared: Arc<Shared>,
    runs: Option<Runs>,
    beat: u64,
    /// What was written last of the own parts.
    own: BTreeMap<String, crate::watch::Status>,
    /// The tiny write that was written down last.
    measured: u64,
    /// The definitions whose schedules of heartbeats were written down.
    adopted: Option<Arc<Definitions>>,
}

impl Watching {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, runs: None, beat: 0, own: BTreeMap::new(), measured: 0, adopted: None }
    }

    async fn beat(&mut self) {
        let number = self.beat;
        self.beat += 1;
        let Options { db, clock, source, process, .. } = &self.shared.options;
        source.reload();
        db.beat();
        let (now, process, sample) = (clock.now(), process.clone(), number.is_multiple_of(SAMPLE_EVERY));
        let bytes = if sample { own::memory::resident() } else { None };
        // With the lease, which is written anyway: a deck that is well writes nothing else.
        let (ended, measured) = db.pulse_after(self.measured);
        let measures = number % OWN_EVERY == 1;
        let kept = db
            .write(move |c| {
                let mine = lease::keep(c, &process, now)?;
                if let Some(bytes) = bytes {
                    own::memory::sample(c, &process, bytes, now)?;
                }
                if mine && measures {
                    own::writer::note(c, &ended, now)?;
                }
                let pauses = pauses::standing(c, now)?;
                Ok::<_, store::Error>((mine, pauses, if mine { rows::last(c)? } else { BTreeMap::new() }))
            })
            .await;
        let (mine, pauses, last) = match kept {
            Ok(kept) => kept,
            Err(error) => {
                // It goes on as it was: the lease outlasts two beats that fail, and results wait.
                tracing::warn!(%error, "the lease of the probes could not be kept");
                return;
            }
        };
        self.shared.watches.store(mine, Ordering::SeqCst);
        if measures || !mine {
            self.measured = measured;
        }
        if !mine {
            if let Some(runs) = self.runs.take() {
                tracing::info!("another process probes now");
                runs.stop().await;
            }
            self.own.clear();
            return;
        }
        let definitions = self.shared.options.source.current().definitions;
        self.adopt(now, &definitions).await;
        if self.runs.as_ref().is_none_or(|runs| !runs.runs(&definitions)) {
            if let Some(runs) = self.runs.take() {
                runs.stop().await;
            }
            self.runs = Some(Runs::start(&self.shared, &definitions, &last, pauses.into_keys().collect()));
        } else if let Some(runs) = &self.runs {
            runs.paused(pauses.into_keys().collect());
        }
        if number.is_multiple_of(OWN_EVERY) {
            self.own_parts(now, &definitions).await;
        }
        if number.is_multiple_of(SAMPLE_EVERY) {
            self.trim(now, TRIMMING).await;
        }
    }

    /// A schedule of a heartbeat that is new counts from now on, also when its job never reports.
    async fn adopt(&mut self, now: Millis, definitions: &Arc<Definitions>) {
        if self.adopted.as_ref().is_some_and(|adopted| Arc::ptr_eq(adopted, definitions)) {
            return;
        }
        let known = Arc::clone(definitions);
        match self.shared.options.db.write(move |c| heartbeat::adopt(c, &known.heartbeats, now)).await {
            Ok(_) => self.adopted = Some(Arc::clone(definitions)),
            Err(error) => tracing::warn!(%error, "schedules of heartbeats could not be written down; it is tried again"),
        }
    }

    /// Look at the own parts, and write down those that changed.
    async fn own_parts(&mut self, now: Millis, definitions: &Arc<Definitions>) {
        let Options { db, clock, facts, source, .. } = &self.shared.options;
        let mut parts = own::look(db, facts, clock.as_ref()).await;
        parts.extend(own::probes(&source.current()));
        let changed: Vec<_> = parts.into_iter().filter(|part| self.own.get(&part.id()) != Some(&part.status)).collect();
        let known: Vec<_> = changed.iter().map(|part| (part.id(), part.status)).collect();
        let definitions = Arc::clone(definitions);
        let written = db
            .write(move |c| {
                for part in &changed {
                    rows::note(c, &part.id(), part.status, &part.reason, &part.detail, now)?;
                }
                own::heartbeats(c, &definitions, now)
            })
            .await;
        match written {
            Ok(()) => self.own.extend(known),
            Err(error) => tracing::warn!(%error, "how the own parts are could not be written down"),
        }
    }

    /// Take away what is past its time, a batch after the other, and no longer than so at once.
    async fn trim(&self, now: Millis, longest: Duration) {
        let began = Instant::now();
        while began.elapsed() < longest {
            match self.shared.options.db.write(move |c| rows::trim(c, now)).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "old results could not be taken away");
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
