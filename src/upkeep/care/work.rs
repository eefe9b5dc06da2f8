//! What every piece of care has in common: telling where it is, ending when asked, and being written down.

use super::{Error, Result};
use crate::base::Millis;
use crate::store::outside::{Outside, aside};
use crate::store::{self, Database};
use crate::upkeep::Site;
use crate::upkeep::progress::{Progress, Unit, Watcher};
use crate::upkeep::runs::{self, Done, Kind, Outcome};
use serde_json::Value;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// How often whoever watches is told that a long statement still runs, and asked whether it is to end.
const TICK: Duration = Duration::from_millis(200);

/// Run a statement that may take long: whoever watches is told the stage over and over, and can end the statement.
pub(super) fn watched<T>(
    outside: &mut Outside,
    watcher: &dyn Watcher,
    progress: Progress,
    work: impl FnOnce(&mut Outside) -> store::Result<T>,
) -> Result<T> {
    if watcher.is_stopped() {
        return Err(Error::Stopped);
    }
    watcher.told(progress);
    let stopper = outside.stopper();
    let (ended, end) = mpsc::channel::<()>();
    let done = std::thread::scope(|scope| {
        scope.spawn(move || {
            while matches!(end.recv_timeout(TICK), Err(RecvTimeoutError::Timeout)) {
                watcher.told(progress);
                if watcher.is_stopped() {
                    stopper.stop();
                }
            }
        });
        let done = work(outside);
        drop(ended);
        done
    });
    match done {
        // An interrupted statement is an error of the engine; what was meant is known here.
        Err(_) if watcher.is_stopped() => Err(Error::Stopped),
        other => Ok(other?),
    }
}

/// A step of so many.
pub(super) fn step(stage: &'static str, done: u64, total: u64) -> Progress {
    Progress { stage, done, total: Some(total), unit: Unit::Steps }
}

/// What was done, to be written down.
pub(super) struct Record<'a> {
    pub kind: Kind,
    pub started_at: Millis,
    pub outcome: Outcome,
    pub summary: &'a str,
    pub detail: Value,
}

/// Write it down; `None` when it cannot be, which must not hide how it went: a damaged database may refuse.
pub(super) fn record(site: &Site, record: Record<'_>) -> Option<String> {
    let written = aside(|| {
        let db = site.database()?;
        let (actor, ended_at, summary) = (site.actor.clone(), site.clock.now(), record.summary.to_owned());
        write(&db, record.kind, (record.started_at, ended_at), record.outcome, summary, record.detail, actor)
    });
    match written {
        Ok(id) => Some(id),
        Err(error) => {
            tracing::warn!(%error, kind = record.kind.as_str(), "what was done could not be written down");
            None
        }
    }
}

fn write(
    db: &Database,
    kind: Kind,
    (started_at, ended_at): (Millis, Millis),
    outcome: Outcome,
    summary: String,
    detail: Value,
    actor: store::audit::Actor,
) -> store::Result<String> {
    db.write_blocking(move |c| {
        runs::record(c, &Done { kind, started_at, ended_at, outcome, summary: &summary, detail: &detail, actor: &actor })
    })
}

/// Bytes for people.
pub(crate) fn bytes(count: i64) -> String {
    match count {
        ..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{:.1} KiB", count as f64 / 1_024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", count as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", count as f64 / 1_073_741_824.0),
    }
}
