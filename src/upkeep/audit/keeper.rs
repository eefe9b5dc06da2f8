//! Makes checkpoints by itself, in whatever runs for long: the console, the agents, the endpoint. Several may do so at once: one makes it.

use super::anchor::When;
use super::{Audit, Error, rows};
use crate::base::Millis;
use crate::store::Result;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

/// The shortest time between two looks, however much is written.
const BREATH: Duration = Duration::from_secs(2);
/// How long nothing is tried after a failure: a key that is missing is still missing a second later.
const AFTER_FAILURE: Duration = Duration::from_secs(600);

/// Ends with its value.
#[derive(Debug)]
pub struct Keeper(JoinHandle<()>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Begin to keep the log anchored, on the runtime that this is called from.
#[must_use]
pub fn start(audit: Audit) -> Keeper {
    Keeper(tokio::spawn(keep(audit)))
}

async fn keep(audit: Audit) {
    let mut changes = audit.db.changes().ok();
    let mut said = String::new();
    loop {
        let mut next = match look(&audit).await {
            Ok(Some(wait)) if wait > 0 => Duration::from_millis(wait.unsigned_abs()),
            // What has a row in the log and none in the change feed gives no hint.
            Ok(None) => Duration::from_secs(60),
            Ok(Some(_)) => match anchored(&audit).await {
                Ok(()) => {
                    said.clear();
                    BREATH
                }
                Err(error) => {
                    let text = error.to_string();
                    // Once, and again when it is another one.
                    if text != said {
                        tracing::error!(%error, "no checkpoint of the audit log could be made");
                        said = text;
                    }
                    sleep(AFTER_FAILURE).await;
                    continue;
                }
            },
            Err(error) => {
                tracing::warn!(%error, "whether a checkpoint of the audit log is due is not known");
                Duration::from_secs(60)
            }
        };
        next = next.max(BREATH);
        let until = Instant::now() + next;
        sleep(BREATH).await;
        match &mut changes {
            Some(changed) => tokio::select! {
                () = sleep_until(until) => {}
                seen = changed.changed() => if seen.is_err() { changes = None },
            },
            None => sleep_until(until).await,
        }
    }
}

/// Milliseconds until a checkpoint is due, 0 or less when it is now; `None` when nothing is new.
async fn look(audit: &Audit) -> Result<Option<Millis>> {
    let (now, settings) = (audit.clock.now(), audit.settings.clone());
    audit
        .db
        .read(move |c| {
            let covered = rows::last(c)?.map_or(0, |last| last.entries);
            let Some((entries, ..)) = rows::end(c)? else { return Ok(None) };
            if entries == covered {
                return Ok(None);
            }
            if entries < covered || entries - covered >= settings.rows {
                return Ok(Some(0));
            }
            Ok(rows::written(c, covered)?.map(|written| written + settings.interval - now))
        })
        .await
}

/// On a thread of its own: the second place may be a slow disk.
async fn anchored(audit: &Audit) -> std::result::Result<(), Error> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let audit = audit.clone();
    let work = move || {
        // Whoever asked may be gone; the checkpoint stands all the same.
        let _ = sender.send(audit.anchor(When::Due).map(drop));
    };
    std::thread::Builder::new().name("audit-anchor".to_owned()).spawn(work).map_err(|error| Error::Thread(error.to_string()))?;
    receiver.await.unwrap_or_else(|_| Err(Error::Thread("the thread ended".to_owned())))
}
