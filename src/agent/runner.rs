//! The loop of one persona: it owns the persona's cycles and its deliveries, beats its heart, and stops when it is asked to.

use super::cycle;
use super::error::{Error, Result};
use super::event::{Event, Observer};
use super::pacing::{self, AfterFailure, LastCycle};
use super::rate_states;
use super::relationships;
use super::runs;
use super::services::Services;
use crate::base::{Millis, clock};
use crate::llm::ledger;
use crate::moderation::deliver::{Deliverer, Round};
use crate::moderation::outbox;
use crate::store::Conn;
use std::fs::File;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout_at};

/// How long what is in flight may take to finish after the loop was asked to stop.
pub const GRACE: Duration = Duration::from_secs(28);
/// Rounds of deliveries after the last of a number of cycles.
const LAST_ROUNDS: u32 = 4;

/// How long the loop runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until it is asked to stop.
    Stopped,
    /// For so many cycles, and until nothing is left to be delivered at once.
    Cycles(u32),
}

/// Run the loop of one persona until it ends or `stop` becomes true. Whether it runs, and how it ended, stands in the database meanwhile.
///
/// A stop is obeyed within [`GRACE`]: the item at hand is finished, deliveries under way too, and nothing new is begun.
///
/// # Errors
/// [`Error::AlreadyRunning`], [`Error::Lock`], [`Error::Parameter`] before it began; [`Error::TooManyFailures`] when it gave up; the
/// database's refusals.
pub async fn run(services: Services, observer: Observer, stop: watch::Receiver<bool>, until: Until) -> Result<()> {
    services.parameters.check()?;
    let _lock = lock(&services)?;
    let process = process_name();
    acquire(&services, &process).await?;
    let result = own(&services, &observer, stop, until, &process).await;
    let failure = result.as_ref().err().map(ToString::to_string);
    let (persona, now) = (services.persona.id.clone(), services.clock.now());
    let ended = services.db.write(move |c| runs::ended(c, &persona, &process, failure.as_deref(), now)).await;
    observer.tell(Event::Stopped { persona: services.persona.reddit_username.clone() });
    result.and(ended.map_err(Error::from))
}

/// The loop, by the process that owns the persona.
async fn own(services: &Services, observer: &Observer, stop: watch::Receiver<bool>, until: Until, process: &str) -> Result<()> {
    let recovered = recover(services).await?;
    observer.tell(Event::Started { persona: services.persona.reddit_username.clone(), recovered });
    let stopping = Stopping::new(*stop.borrow());
    let _heart = Heart(tokio::spawn(listen(services.clone(), process.to_owned(), stop.clone(), stopping.clone())));
    let mut delivery = {
        let observer = observer.clone();
        tokio::spawn(deliverer(services).run(move |round| tell(&observer, round), stopping.watch()))
    };
    let result = tokio::select! {
        result = cycles(services, observer, &stopping, until, process) => result,
        error = broken(services, &mut delivery) => Err(error),
    };
    // Deliveries under way are finished; what is not begun stays scheduled, and is sent by the next run.
    let was_asked = stopping.is_asked();
    stopping.ask();
    let in_time = delivery.is_finished() || timeout_at(stopping.deadline(), &mut delivery).await.is_ok();
    if !in_time {
        tracing::warn!("a delivery did not end within {GRACE:?}; its answer is looked for at the next start");
    }
    if matches!(until, Until::Cycles(_)) && in_time && !was_asked && !matches!(result, Err(Error::Deliveries { .. })) {
        // What the cycles made due is sent before the end; what is still in its undo window is left to the next run.
        let sent = last_rounds(services, observer, &stop).await;
        return result.and(sent);
    }
    result
}

async fn last_rounds(services: &Services, observer: &Observer, stop: &watch::Receiver<bool>) -> Result<()> {
    let deliverer = deliverer(services);
    for _ in 0..LAST_ROUNDS {
        let round = deliverer.round(stop).await?;
        tell(observer, &round);
        if round.is_idle() {
            break;
        }
    }
    Ok(())
}

/// Waits for the deliveries to end by a defect. One that ends because the loop is stopping is as it should be.
async fn broken(services: &Services, delivery: &mut JoinHandle<()>) -> Error {
    match delivery.await {
        Ok(()) => std::future::pending().await,
        Err(error) => Error::Deliveries { persona: services.persona.reddit_username.clone(), reason: error.to_string() },
    }
}

/// The wish to stop, whoever had it, and until when what is in flight may go on.
#[derive(Debug, Clone)]
struct Stopping(Arc<(watch::Sender<bool>, OnceLock<Instant>)>);

impl Stopping {
    fn new(asked: bool) -> Self {
        let stopping = Self(Arc::new((watch::channel(false).0, OnceLock::new())));
        if asked {
            stopping.ask();
        }
        stopping
    }

    fn ask(&self) {
        self.deadline();
        self.0.0.send_replace(true);
    }

    fn is_asked(&self) -> bool {
        *self.0.0.borrow()
    }

    fn watch(&self) -> watch::Receiver<bool> {
        self.0.0.subscribe()
    }

    /// [`GRACE`] after the first who asked.
    fn deadline(&self) -> Instant {
        *self.0.1.get_or_init(|| Instant::now() + GRACE)
    }

    async fn asked(&self) {
        // It cannot be closed while we hold its sender.
        let _ = self.watch().wait_for(|asked| *asked).await;
    }
}

/// The task that beats the heart; it ends with the loop, not before.
struct Heart(JoinHandle<()>);

impl Drop for Heart {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn cycles(services: &Services, observer: &Observer, stopping: &Stopping, until: Until, process: &str) -> Result<()> {
    let mut rng = services.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
    let mut last = LastCycle { active: false, was_burst: false };
    let mut failures = 0;
    let mut made = 0;
    loop {
        // What approvals since the last cycle made is linked first; it has its own bounds and fails nothing.
        if !stopping.is_asked() {
            relationships::follow_up(services).await;
        }
        let began = services.clock.now();
        let outcome = cycle(services, observer, &mut rng, stopping).await;
        made += 1;
        let (drafted, failure) = match &outcome {
            Ok(done) => (done.drafted, None),
            Err(error) => (0, Some(error.to_string())),
        };
        observer.tell(Event::CycleDone {
            persona: services.persona.reddit_username.clone(),
            drafted,
            took: services.clock.now() - began,
            failure: failure.clone(),
        });
        let is_broken = outcome.as_ref().is_err_and(|error| !error.is_over_budget());
        failures = if is_broken { failures + 1 } else { 0 };
        let mut gives_up = None;
        let wait = if failures == 0 {
            let hour = local_hour(services.clock.now());
            let wait = pacing::next_wait(services.parameters.pacing, services.parameters.interval_seconds, hour, last, &mut rng);
            last = LastCycle { active: drafted > 0, was_burst: wait.burst };
            wait.duration
        } else {
            match pacing::after_failure(failures, &mut rng) {
                AfterFailure::Retry(wait) => wait,
                AfterFailure::Stop => {
                    gives_up = Some(Error::TooManyFailures { failures, last: failure.clone().unwrap_or_default() });
                    Duration::ZERO
                }
            }
        };
        let enough = matches!(until, Until::Cycles(most) if made >= most);
        let wait = if matches!(until, Until::Cycles(_)) && failures == 0 { Duration::ZERO } else { wait };
        let (persona, process, now) = (services.persona.id.clone(), process.to_owned(), services.clock.now());
        let next_at = now + Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX / 2);
        let noted = services.db.write(move |c| runs::cycle_done(c, &persona, &process, failure.as_deref(), next_at, now)).await;
        if let Err(error) = noted {
            // A database that stays away fails the next cycles, and by that ends the loop.
            tracing::warn!(%error, "how a cycle went could not be written down");
        }
        if let Some(error) = gives_up {
            return Err(error);
        }
        if enough {
            return outcome.map(drop);
        }
        tokio::select! {
            () = stopping.asked() => return Ok(()),
            () = sleep_until(Instant::now() + wait) => {}
        }
    }
}

/// A cycle, given up [`GRACE`] after the loop was asked to stop. Giving up loses nothing: what was not stored is read again next time.
async fn cycle(services: &Services, observer: &Observer, rng: &mut fastrand::Rng, stopping: &Stopping) -> Result<cycle::Done> {
    let grace_over = async {
        stopping.asked().await;
        sleep_until(stopping.deadline()).await;
    };
    tokio::select! {
        done = cycle::run(services, observer, rng, || stopping.is_asked()) => done,
        () = grace_over => Ok(cycle::Done::default()),
    }
}

/// Beats the heart for as long as the loop lives, and hears who wants it to stop: the caller, another process through the database, or a
/// process that took the persona over.
async fn listen(services: Services, process: String, stop: watch::Receiver<bool>, stopping: Stopping) {
    let mut heart = interval(Duration::from_millis(runs::HEARTBEAT.unsigned_abs()));
    heart.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut caller = Some(stop);
    let mut changes = services.db.changes().inspect_err(|error| tracing::warn!(%error, "a stop is heard by the heartbeat only")).ok();
    loop {
        let beat = tokio::select! {
            asked = heard(&mut caller, |stop| *stop) => {
                caller = None;
                if asked {
                    stopping.ask();
                }
                continue;
            }
            _ = heart.tick() => true,
            alive = changed(&mut changes), if !stopping.is_asked() => {
                if !alive {
                    changes = None;
                }
                false
            }
        };
        let (persona, process, now) = (services.persona.id.clone(), process.clone(), services.clock.now());
        let asked = if beat {
            let (account, limits) = (services.persona.reddit_username.clone(), services.reddit.budget().snapshot());
            services
                .db
                .write(move |c| {
                    rate_states::note(c, &account, &process, &limits, now)?;
                    runs::beat(c, &persona, &process, now)
                })
                .await
        } else {
            services
                .db
                .read(move |c: &mut dyn Conn| {
                    let run = runs::get(c, &persona)?;
                    Ok(run.is_none_or(|run| run.process != process || run.stop_requested_by.is_some()))
                })
                .await
        };
        match asked {
            Ok(true) => stopping.ask(),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the heartbeat could not be written"),
        }
    }
}

/// Waits until the value is as wanted; false when the channel closed before. For ever where there is none.
async fn heard(channel: &mut Option<watch::Receiver<bool>>, wanted: impl FnMut(&bool) -> bool) -> bool {
    match channel {
        Some(channel) => channel.wait_for(wanted).await.is_ok(),
        None => std::future::pending().await,
    }
}

/// Waits for the next change; false when the channel closed. For ever where there is none.
async fn changed(channel: &mut Option<watch::Receiver<u64>>) -> bool {
    match channel {
        Some(channel) => channel.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}

/// Keep a second loop of this persona off this machine. The system drops the lock when the process dies, however it dies.
fn lock(services: &Services) -> Result<File> {
    let path = services.lock_dir.join(format!("agent-{}.lock", services.persona.id));
    let failed = |reason: String| Error::Lock { path: path.display().to_string(), reason };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(|error| failed(error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::AlreadyRunning {
            persona: services.persona.reddit_username.clone(),
            process: "on this machine".to_owned(),
            ago: "a moment".to_owned(),
        }),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error.to_string())),
    }
}

fn tell(observer: &Observer, round: &Round) {
    round.events().for_each(|event| observer.tell(event));
}

/// The deliverer of a persona.
#[must_use]
pub fn deliverer(services: &Services) -> Deliverer {
    Deliverer {
        db: services.db.clone(),
        reddit: services.reddit.clone(),
        clock: Arc::clone(&services.clock),
        mode: services.moderation.mode,
        overturn_limit: services.moderation.overturn_limit,
        persona: services.persona.id.clone(),
        account: services.persona.reddit_username.clone(),
        screener: services.screener.clone(),
    }
}

async fn acquire(services: &Services, process: &str) -> Result<()> {
    let (persona, name, now) = (services.persona.id.clone(), process.to_owned(), services.clock.now());
    let parameters = serde_json::to_value(&services.parameters).unwrap_or_default();
    match services.db.write(move |c| runs::acquire(c, &persona, &name, &parameters, true, now)).await? {
        None => Ok(()),
        Some(other) => Err(Error::AlreadyRunning {
            persona: services.persona.reddit_username.clone(),
            process: other.process,
            ago: clock::duration(now - other.heartbeat_at),
        }),
    }
}

/// Put what a crash left behind in order: sends without an answer are unknown, calls without an end are interrupted.
async fn recover(services: &Services) -> Result<usize> {
    let (persona, now) = (services.persona.id.clone(), services.clock.now());
    services
        .db
        .write(move |c: &mut dyn Conn| -> Result<usize> {
            ledger::recover(c, &persona, now, now)?;
            crate::llm::budget::admission::recover(c, now)?;
            Ok(outbox::recover(c, &persona, now)?)
        })
        .await
}

/// `host:pid`, by which another process recognises this one.
#[must_use]
pub fn process_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::env::var("HOSTNAME")).unwrap_or_default();
    let host = host.trim();
    format!("{}:{}", if host.is_empty() { "localhost" } else { host }, std::process::id())
}

fn local_hour(now: Millis) -> u32 {
    use chrono::Timelike as _;
    chrono::DateTime::from_timestamp_millis(now).map_or(12, |time| time.with_timezone(&chrono::Local).hour())
}
