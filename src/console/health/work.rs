//! Care of the deck, done beside the screen: each piece on a thread of its own, which tells how far it is and may be asked to end.

use super::care::{Care, Told};
use crate::base::Millis;
use crate::console::request::Desk;
use crate::moderation::pauses::{self, Scope};
use crate::search::embed::Model;
use crate::search::vectors::{self, StoredModel, Vectors};
use crate::store::audit::Actor;
use crate::store::{self, Conn, Database};
use crate::upkeep::audit::{Audit, Verify};
use crate::upkeep::progress::{Progress, Unit, Watcher};
use crate::upkeep::{Site, backup, care, runs};
use crate::watch::probe::pauses as probes;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often the screen hears how far the work is.
const TOLD: Duration = Duration::from_millis(100);
/// Vectors of the index that are looked for.
const SAMPLE: usize = 200;

/// Tells the screen, not more often than it can show.
struct Teller<F> {
    tell: F,
    last: Mutex<Option<(Instant, &'static str)>>,
    stop: Arc<AtomicBool>,
}

impl<F: Fn(Progress) + Send + Sync> Watcher for Teller<F> {
    fn told(&self, progress: Progress) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = last.is_none_or(|(at, stage)| stage != progress.stage || at.elapsed() >= TOLD);
        if is_new {
            *last = Some((Instant::now(), progress.stage));
            drop(last);
            (self.tell)(progress);
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Do it.
pub(super) async fn run(
    desk: &Desk,
    care: Care,
    stop: Arc<AtomicBool>,
    tell: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Told, String> {
    let watcher = Teller { tell, last: Mutex::new(None), stop };
    match care {
        Care::PauseSending => sending(desk, true).await,
        Care::ResumeSending => sending(desk, false).await,
        Care::Check(name) => check(desk, &name).await,
        Care::PauseProbe(name) => pause(desk, name, true).await,
        Care::ResumeProbe(name) => pause(desk, name, false).await,
        care => {
            let (site, db) = (desk.deck.site(desk.actor.clone()), desk.deck.db.clone());
            let audit = desk.deck.audit();
            beside(move || blocking(&care, &audit, &site, &db, &watcher)).await
        }
    }
}

/// Run blocking work on a thread of its own.
async fn beside(work: impl FnOnce() -> Result<Told, String> + Send + 'static) -> Result<Told, String> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let spawned = std::thread::Builder::new().name("upkeep".to_owned()).spawn(move || drop(sender.send(work())));
    spawned.map_err(|error| format!("no thread can be started for it: {error}"))?;
    receiver.await.unwrap_or_else(|_| Err("it ended by a defect; the log says where".to_owned()))
}

async fn sending(desk: &Desk, stop: bool) -> Result<Told, String> {
    let (actor, now) = (desk.actor.clone(), desk.deck.clock.now());
    let work = move |c: &mut dyn Conn| match stop {
        true => pauses::pause(c, &Scope::All, "stopped in the health tab", None, &actor, now).map(|()| true),
        false => pauses::resume(c, &Scope::All, &actor, now),
    };
    desk.deck.db.write(work).await.map_err(|error| error.to_string())?;
    Ok(well(if stop { "nothing is sent until it is resumed" } else { "what was approved is sent again" }))
}

async fn check(desk: &Desk, name: &str) -> Result<Told, String> {
    let (is_well, text) = desk.deck.look_at(name).await.map_err(|error| error.to_string())?;
    Ok(Told { is_problem: !is_well, text })
}

async fn pause(desk: &Desk, name: String, stop: bool) -> Result<Told, String> {
    let (actor, now) = (desk.actor.clone(), desk.deck.clock.now());
    let work = move |c: &mut dyn Conn| match stop {
        true => probes::pause(c, &name, None, "paused in the health tab", &actor, now).map(|()| true),
        false => probes::resume(c, &name, &actor, now),
    };
    desk.deck.db.write(work).await.map_err(|error: store::Error| error.to_string())?;
    Ok(well(if stop { "nobody is told of it until somebody resumes it" } else { "it is watched again" }))
}

fn well(text: impl Into<String>) -> Told {
    Told { is_problem: false, text: text.into() }
}

fn blocking(care: &Care, audit: &Audit, site: &Site, db: &Database, watcher: &dyn Watcher) -> Result<Told, String> {
    match care {
        Care::CheckDatabase => check_database(site, watcher),
        Care::VerifyAudit => verify_audit(audit, site, watcher),
        Care::VerifyIndex => index(site, db, watcher, false),
        Care::RebuildIndex => index(site, db, watcher, true),
        Care::BackUp => {
            let made = backup::create(site, &backup::Create::default(), watcher).map_err(|error| error.to_string())?;
            Ok(well(format!("{}: {} rows, {:.1} MiB, verified", made.name, made.rows, made.bytes as f64 / 1_048_576.0)))
        }
        Care::Drill => {
            let drilled = backup::drill(site, None, watcher).map_err(|error| error.to_string())?;
            Ok(match drilled.findings.as_slice() {
                [] => well(format!(
                    "{} came back in {}, {} behind the present",
                    drilled.backup.name,
                    crate::base::clock::duration(drilled.recovery_time),
                    crate::base::clock::duration(drilled.recovery_point)
                )),
                [first, rest @ ..] => Told {
                    is_problem: true,
                    text: format!("{first}{}", if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) }),
                },
            })
        }
        Care::Checkpoint => checkpoint(site, watcher),
        _ => Err("this is not done on a thread of its own".to_owned()),
    }
}

fn check_database(site: &Site, watcher: &dyn Watcher) -> Result<Told, String> {
    let checked = care::check(site, care::Depth::Full, watcher).map_err(|error| error.to_string())?;
    let took = crate::base::clock::duration(checked.took_ms);
    Ok(match checked.findings.as_slice() {
        [] => well(format!("nothing was found in {took}")),
        [first, rest @ ..] => Told { is_problem: true, text: format!("{}; {}{}", first.what, first.remedy, and_more(rest.len())) },
    })
}

fn checkpoint(site: &Site, watcher: &dyn Watcher) -> Result<Told, String> {
    let done = care::checkpoint(site, care::Mode::Truncate, watcher).map_err(|error| error.to_string())?;
    let mib = |bytes: i64| format!("{:.1} MiB", bytes as f64 / 1_048_576.0);
    let text = format!("the log had {} and has {}", mib(done.log_before), mib(done.log_after));
    Ok(match done.is_complete {
        true => well(text),
        false => Told { is_problem: true, text: format!("{text}; {}", done.remedy.unwrap_or_else(|| done.left.join("; "))) },
    })
}

fn verify_audit(audit: &Audit, site: &Site, watcher: &dyn Watcher) -> Result<Told, String> {
    let found = audit.verify(&Verify::default(), &site.actor, watcher).map_err(|error| error.to_string())?;
    Ok(Told { is_problem: !found.is_whole(), text: found.summary() })
}

/// How many more findings there are than the one that is told.
fn and_more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" and {count} more") }
}

/// Verify the indexes, or make them anew.
fn index(site: &Site, db: &Database, watcher: &dyn Watcher, rebuilds: bool) -> Result<Told, String> {
    let began = site.clock.now();
    let text = |error: vectors::Error| error.to_string();
    let dir = site.settings.data_dir.join(vectors::DIRECTORY);
    let models: Vec<StoredModel> = db.read_blocking(|c| vectors::models(c)).map_err(text)?;
    let settings = vectors::Settings { graph_from: site.settings.graph_from };
    let total = Some(u64::try_from(models.len()).unwrap_or(0));
    let (mut problems, mut vectors_seen, mut recall) = (Vec::new(), 0_u64, None::<f64>);
    for (number, model) in models.iter().enumerate() {
        if watcher.is_stopped() {
            return Err("it was stopped; what was done of it stays".to_owned());
        }
        let stage = if rebuilds { "making the index anew" } else { "comparing with an exact search" };
        watcher.told(Progress { stage, done: u64::try_from(number).unwrap_or(0), total, unit: Unit::Steps });
        let open = Vectors::open(&dir, Model { name: model.name.clone(), dimensions: model.dimensions }, &settings);
        if rebuilds {
            open.clear();
        }
        let behind = open.clone();
        db.read_blocking(move |c| behind.catch_up(c)).map_err(text)?;
        open.tend().map_err(text)?;
        if rebuilds {
            open.save().map_err(text)?;
            problems.extend(open.status().notes);
            vectors_seen += u64::try_from(open.status().vectors).unwrap_or(0);
        } else {
            let checked = open.clone();
            let verified = db.read_blocking(move |c| checked.verify(c, SAMPLE)).map_err(text)?;
            vectors_seen += u64::try_from(verified.vectors).unwrap_or(0);
            recall = match (recall, verified.recall) {
                (Some(known), Some(found)) => Some(known.min(found)),
                (known, found) => known.or(found),
            };
            problems.extend(verified.problems);
        }
    }
    let told = match (problems.first(), models.is_empty()) {
        (_, true) => well("nothing has a vector yet"),
        (Some(first), _) => Told { is_problem: true, text: format!("{first}; {} in all", problems.len()) },
        (None, _) if rebuilds => well(format!("{vectors_seen} vectors, made anew")),
        (None, _) => {
            well(format!("{vectors_seen} vectors, recall {}", recall.map_or_else(|| "unknown".to_owned(), |recall| format!("{recall:.4}"))))
        }
    };
    let kind = if rebuilds { runs::Kind::IndexRebuild } else { runs::Kind::IndexVerify };
    record(db, site, kind, began, &told, &json!({ "vectors": vectors_seen, "recall": recall }))?;
    Ok(told)
}

/// Write down what was done.
fn record(db: &Database, site: &Site, kind: runs::Kind, began: Millis, told: &Told, detail: &Value) -> Result<(), String> {
    let (ended, actor, summary, detail): (Millis, Actor, String, Value) =
        (site.clock.now(), site.actor.clone(), told.text.clone(), detail.clone());
    let outcome = if told.is_problem { runs::Outcome::Problems } else { runs::Outcome::Passed };
    db.write_blocking(move |c| {
        runs::record(
            c,
            &runs::Done { kind, started_at: began, ended_at: ended, outcome, summary: &summary, detail: &detail, actor: &actor },
        )
    })
    .map(drop)
    .map_err(|error: store::Error| error.to_string())
}
