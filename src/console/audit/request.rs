//! What the view asks, and what comes back.

use super::PAGE;
use crate::console::request::Desk;
use crate::store::Conn;
use crate::upkeep::audit::log::{self, Filter, Part};
use crate::upkeep::audit::{Verified, Verify};
use crate::upkeep::progress::{Progress, Watcher};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often progress is told: a screen shows no more.
const PAUSE: Duration = Duration::from_millis(50);

/// What is asked.
#[derive(Debug, Clone)]
pub(in crate::console) enum Request {
    /// Rows that pass a filter.
    List { filter: String, before: Option<i64>, generation: u64 },
    /// Walk the chain.
    Verify { stop: Arc<AtomicBool> },
}

/// What comes back.
#[derive(Debug)]
pub(in crate::console) enum Reply {
    List { part: Part, before: Option<i64>, generation: u64 },
    Progress(Progress),
    Verified(Box<Result<Verified, String>>),
    Failed { why: String, generation: u64 },
}

impl Request {
    /// Whether a person waits for its answer; progress says for itself that work is under way.
    pub fn is_awaited(&self) -> bool {
        matches!(self, Self::List { .. })
    }
}

impl Reply {
    /// Whether a person waited for it.
    pub fn is_awaited(&self) -> bool {
        matches!(self, Self::List { .. } | Self::Failed { .. })
    }
}

/// Answer. Progress goes out by `tell` on the way.
pub(in crate::console) async fn answer(desk: &Desk, request: Request, tell: impl Fn(Reply) + Send + Sync + 'static) -> Reply {
    match request {
        Request::List { filter, before, generation } => {
            let read = desk.deck.db.read(move |c: &mut dyn Conn| -> Result<Part, crate::memory::Error> {
                let mut filter = Filter::of_line(&filter);
                if let Some(name) = filter.persona.take() {
                    filter.persona = Some(crate::memory::personas::find(c, &name)?.id.as_str().to_owned());
                }
                Ok(log::newest(c, &filter, before, PAGE)?)
            });
            match read.await {
                Ok(part) => Reply::List { part, before, generation },
                Err(error) => Reply::Failed { why: error.to_string(), generation },
            }
        }
        Request::Verify { stop } => {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let (audit, actor) = (desk.deck.audit(), desk.actor.clone());
            let watcher = Told { tell: Box::new(tell), stop, last: Mutex::new(None) };
            let writes = !desk.deck.settings.console.read_only;
            let work = move || {
                let what = Verify::default();
                // A console that only reads walks the log all the same, and leaves no row of its own in it.
                let found = if writes { audit.verify(&what, &actor, &watcher) } else { audit.examine(&what, &watcher) };
                // Whoever asked may have left the console.
                let _ = sender.send(found.map_err(|error| error.to_string()));
            };
            let started = std::thread::Builder::new().name("audit-verify".to_owned()).spawn(work);
            let found = match started {
                Ok(_) => receiver.await.unwrap_or_else(|_| Err("the verification ended by a fault".to_owned())),
                Err(error) => Err(format!("the system gives no further thread: {error}")),
            };
            Reply::Verified(Box::new(found))
        }
    }
}

struct Told {
    tell: Box<dyn Fn(Reply) + Send + Sync>,
    stop: Arc<AtomicBool>,
    last: Mutex<Option<Instant>>,
}

impl Watcher for Told {
    fn told(&self, progress: Progress) {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= PAUSE) {
            *last = Some(Instant::now());
            (self.tell)(Reply::Progress(progress));
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
