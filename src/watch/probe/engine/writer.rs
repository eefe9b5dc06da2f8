//! Results on their way into the database: together, at most once a second, by the process that holds the lease.

use super::Shared;
use crate::base::Millis;
use crate::store;
use crate::watch::probe::check::Outcome;
use crate::watch::probe::lease;
use crate::watch::probe::model::{Definitions, Probe};
use crate::watch::probe::network::{Network, is_silence};
use crate::watch::probe::rows::{self, Taken};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Results that wait at most: an hour of two thousand probes would not help anybody.
const WAITING: usize = 20_000;
/// How long they are gathered before they are written.
const EVERY: Duration = Duration::from_secs(1);

/// A result.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub probe: Arc<Probe>,
    pub outcome: Outcome,
    pub at: Millis,
    pub next_at: Option<Millis>,
}

/// The task that writes.
pub(super) struct Writer {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Writer {
    pub fn start(shared: &Arc<Shared>, definitions: &Definitions) -> (Self, mpsc::Sender<Made>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (stop, stopped) = watch::channel(false);
        let names = definitions.probes.iter().map(|probe| probe.name.clone()).collect();
        let work = Work { shared: Arc::clone(shared), names, waiting: Vec::new(), network: Network::default(), was_found: false };
        (Self { stop, task: tokio::spawn(work.run(receiver, stopped)) }, sender)
    }

    /// Write what is there, and end.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the last results of probes were not written");
        }
    }
}

/// Wait until then; for ever without a time.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

struct Work {
    shared: Arc<Shared>,
    names: BTreeSet<String>,
    waiting: Vec<Made>,
    network: Network,
    was_found: bool,
}

impl Work {
    async fn run(mut self, mut results: mpsc::Receiver<Made>, mut stopped: watch::Receiver<bool>) {
        self.network.keep(|name| self.names.contains(name));
        let (mut write_at, mut is_open) = (None, true);
        loop {
            let is_last = tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => true,
                () = until(write_at) => false,
                // The first result begins the second in which more are gathered; nothing is woken before.
                made = results.recv(), if is_open && write_at.is_none() => {
                    match made {
                        Some(made) => {
                            self.take(made);
                            write_at = Some(Instant::now() + EVERY);
                        }
                        // Nothing is probed, or no longer.
                        None => is_open = false,
                    }
                    continue;
                }
            };
            while let Ok(made) = results.try_recv() {
                self.take(made);
            }
            self.write().await;
            if is_last {
                return;
            }
            // A finding about our own network ends by time alone.
            write_at = (self.was_found || !self.waiting.is_empty()).then(|| Instant::now() + EVERY);
        }
    }

    fn take(&mut self, made: Made) {
        let interval = i64::try_from(made.probe.interval.as_millis()).unwrap_or(i64::MAX / 4);
        self.network.take(&made.probe.name, &made.outcome, interval, made.at);
        self.waiting.push(made);
    }

    async fn write(&mut self) {
        let now = self.shared.options.clock.now();
        let finding = self.network.finding(now).map(|finding| finding.to_string());
        if self.waiting.is_empty() && finding.is_some() == self.was_found {
            return;
        }
        let (batch, process) = (Arc::new(std::mem::take(&mut self.waiting)), self.shared.options.process.clone());
        let silent = if finding.is_some() && !self.was_found { self.network.silent(now) } else { Vec::new() };
        let found = finding.is_some();
        let written = self
            .shared
            .options
            .db
            .write({
                let batch = Arc::clone(&batch);
                move |c| {
                    // Another process may have taken over while these waited: it has newer ones.
                    if lease::watcher(c)?.is_none_or(|watcher| watcher.process != process) {
                        return Ok::<_, store::Error>(());
                    }
                    if lease::found(c, &process, finding.as_deref(), now)? {
                        store::feed::append(c, now, crate::upkeep::runs::TOPIC, None, "network_changed", &process)?;
                    }
                    for (name, from) in &silent {
                        rows::hold(c, name, *from, finding.as_deref().unwrap_or_default(), now)?;
                    }
                    for made in batch.iter() {
                        let held = finding.as_deref().filter(|_| is_silence(&made.outcome));
                        let taken = Taken { probe: &made.probe, outcome: &made.outcome, at: made.at, next_at: made.next_at, held };
                        rows::take(c, &taken)?;
                    }
                    Ok(())
                }
            })
            .await;
        match written {
            Ok(()) => self.was_found = found,
            Err(error) => {
                tracing::warn!(%error, results = batch.len(), "results of probes wait to be written");
                // The closure is gone, or has ended: what it held is ours again. The newest are kept where there are too many.
                let mut batch = Arc::try_unwrap(batch).unwrap_or_else(|batch| batch.as_ref().clone());
                let over = batch.len().saturating_sub(WAITING);
                batch.drain(..over);
                self.waiting = batch;
            }
        }
    }
}
