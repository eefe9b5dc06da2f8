//! The loop of one persona: it owns the persona's cycles and its deliveries, beats its heart, and stops when it is asked to.

use super::cycle;
use super::error::{Error, Result};
use super::event::{Event, Observer};
use super::pacing::{self, AfterFailure, LastCycle};
use super::runs;
use super::services::Services;
use crate::base::{Millis, clock};
use crate::llm::ledger;
use crate::moderation::deliver::Deliverer;
use crate::moderation::{Item, outbox};
use crate::store::Conn;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

/// How long what is in flight may take to finish after the loop was asked to stop.
pub const GRACE: Duration = Duration::from_secs(30);

/// How long the loop runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until it is asked to stop.
    Stopped,
    /// For so many cycles, and until nothing is left to be delivered at once.
    Cycles(u32),
}

/// Run the loop of one persona until it ends or `stop` becomes true.
///
/// # Errors
/// [`Error::AlreadyRunning`], [`Error::Lock`], [`Error::Parameter`] before it began; [`Error::TooManyFailures`] when it gave up; the
/// database's refusals.
pub async fn run(services: Services, observer: Observer, stop: watch::Receiver<bool>, until: Until) -> Result<()> {
    services.parameters.check()?;
    let _lock = lock(&services)?;
    let process = process_name();
    acquire(&services, &process).await?;
    let recovered = recover(&services).await?;
    observer.tell(Event::Started { persona: services.persona.reddit_username.clone(), recovered });
    let (ending, ends) = watch::channel(false);
    let delivery = {
        let observer = observer.clone();
        tokio::spawn(deliverer(&services).run(move |item| tell(&observer, item), ends))
    };
    let result = cycles(&services, &observer, stop, until, &process).await;
    // Deliveries under way are finished; what is not begun stays scheduled, and is sent by the next run.
    let _ = ending.send(true);
    if timeout(GRACE, delivery).await.is_err() {
        tracing::warn!("a delivery did not end within {GRACE:?}; its answer is looked for at the next start");
    }
    if matches!(until, Until::Cycles(_)) {
        // What the cycles made due is sent before the end; what is still in its undo window is left to the next run.
        let (_keep, ends) = watch::channel(false);
        for item in &deliverer(&services).round(&ends).await?.moved {
            tell(&observer, item);
        }
    }
    let failure = result.as_ref().err().map(ToString::to_string);
    let (persona, now) = (services.persona.id.clone(), services.clock.now());
    services.db.write(move |c| runs::ended(c, &persona, &process, failure.as_deref(), now)).await?;
    observer.tell(Event::Stopped { persona: services.persona.reddit_username.clone() });
    result
}

async fn cycles(services: &Services, observer: &Observer, stop: watch::Receiver<bool>, until: Until, process: &str) -> Result<()> {
    let mut rng = services.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
    let stop = stop_signal(services, stop, process).await?;
    let mut last = LastCycle { active: false, was_burst: false };
    let mut failures = 0;
    let mut made = 0;
    loop {
        let began = services.clock.now();
        let outcome = cycle(services, observer, &mut rng, &stop).await;
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
        failures = if failure.is_some() { failures + 1 } else { 0 };
        let wait = if failures == 0 {
            let hour = local_hour(services.clock.now());
            let wait = pacing::next_wait(services.parameters.pacing, services.parameters.interval_seconds, hour, last, &mut rng);
            last = LastCycle { active: drafted > 0, was_burst: wait.burst };
            wait.duration
        } else {
            match pacing::after_failure(failures, &mut rng) {
                AfterFailure::Retry(wait) => wait,
                AfterFailure::Stop => {
                    return Err(Error::TooManyFailures { failures, last: failure.unwrap_or_default() });
                }
            }
        };
        let enough = matches!(until, Until::Cycles(most) if made >= most);
        let wait = if matches!(until, Until::Cycles(_)) && failures == 0 { Duration::ZERO } else { wait };
        let (persona, process, now) = (services.persona.id.clone(), process.to_owned(), services.clock.now());
        let next_at = now + Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX / 2);
        services.db.write(move |c| runs::cycle_done(c, &persona, &process, failure.as_deref(), next_at, now)).await?;
        if enough {
            return outcome.map(drop);
        }
        let mut stopped = stop.clone();
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return Ok(()),
            () = sleep_until(Instant::now() + wait) => {}
        }
    }
}

/// A cycle, given up [`GRACE`] after the loop was asked to stop. Giving up loses nothing: what was not stored is read again next time.
async fn cycle(services: &Services, observer: &Observer, rng: &mut fastrand::Rng, stop: &watch::Receiver<bool>) -> Result<cycle::Done> {
    let mut stopped = stop.clone();
    let asked = stop.clone();
    let grace_over = async move {
        if stopped.wait_for(|stop| *stop).await.is_ok() {
            tokio::time::sleep(GRACE).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        done = cycle::run(services, observer, rng, move || *asked.borrow()) => done,
        () = grace_over => Ok(cycle::Done::default()),
    }
}

/// One signal out of three: the caller's, a stop that another process asked for, and the loss of the run to another process.
/// The heart is beaten by the same task.
async fn stop_signal(services: &Services, mut stop: watch::Receiver<bool>, process: &str) -> Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(*stop.borrow());
    let mut changes = services.db.changes()?;
    let (services, process) = (services.clone(), process.to_owned());
    tokio::spawn(async move {
        let mut heart = interval(Duration::from_millis(runs::HEARTBEAT.unsigned_abs()));
        heart.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut caller_is_gone = false;
        loop {
            let beat = tokio::select! {
                () = sender.closed() => return,
                changed = stop.changed(), if !caller_is_gone => {
                    caller_is_gone = changed.is_err();
                    if *stop.borrow() {
                        let _ = sender.send(true);
                        return;
                    }
                    continue;
                }
                _ = heart.tick() => true,
                changed = changes.changed() => {
                    if changed.is_err() {
                        continue;
                    }
                    false
                }
            };
            let (persona, process, now) = (services.persona.id.clone(), process.clone(), services.clock.now());
            let asked = if beat {
                services.db.write(move |c| runs::beat(c, &persona, &process, now)).await
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
                Ok(true) => {
                    let _ = sender.send(true);
                    return;
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the heartbeat could not be written"),
            }
        }
    });
    Ok(receiver)
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

fn tell(observer: &Observer, item: &Item) {
    observer.tell(Event::Delivery {
        id: item.id.clone(),
        state: item.state,
        fullname: item.fullname.clone(),
        reason: item.state_reason.clone(),
    });
}

/// The deliverer of a persona.
#[must_use]
pub fn deliverer(services: &Services) -> Deliverer {
    Deliverer {
        db: services.db.clone(),
        reddit: services.reddit.clone(),
        clock: Arc::clone(&services.clock),
        mode: services.moderation.mode,
        persona: services.persona.id.clone(),
        account: services.persona.reddit_username.clone(),
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
            ledger::recover(c, now, now)?;
            Ok(outbox::recover(c, &persona, now)?)
        })
        .await
}

/// `host:pid`, by which another process recognises this one.
fn process_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::env::var("HOSTNAME")).unwrap_or_default();
    let host = host.trim();
    format!("{}:{}", if host.is_empty() { "localhost" } else { host }, std::process::id())
}

fn local_hour(now: Millis) -> u32 {
    use chrono::Timelike as _;
    chrono::DateTime::from_timestamp_millis(now).map_or(12, |time| time.with_timezone(&chrono::Local).hour())
}
