//! The health of the deck and of what it watches, for every face: the board, the probes, one look at all of them.

use super::Deck;
use crate::agent::runner::process_name;
use crate::store;
use crate::store::audit::Actor;
use crate::watch::board::Board;
use crate::watch::own::Facts;
use crate::watch::probe::check::{self, Tools};
use crate::watch::probe::file::Source;
use crate::watch::probe::{engine, lease, pauses};
use crate::watch::{self, Loader, boards, heartbeat};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Targets that are looked at together by one look at all of them.
const TOGETHER: usize = 64;

/// Why not every target could be looked at.
#[derive(Debug, thiserror::Error)]
pub enum NotProbed {
    /// Another process does already.
    #[error("another process probes already")]
    Elsewhere,
    /// The checks cannot be made.
    #[error(transparent)]
    Tools(#[from] check::Error),
    /// One of them could not be looked at.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Deck {
    /// `probes.toml` as it was read last.
    #[must_use]
    pub fn probes(&self) -> &Source {
        self.probes.get_or_init(|| boards::source(&self.site(Actor::system("probes"))))
    }

    /// The board as it is now. It always comes: what cannot be read is unknown, and says why.
    pub async fn board(&self) -> Board {
        // Only an engine that runs takes up a changed file by itself.
        self.probes().reload();
        boards::load_current(&self.db, self.probes(), &Facts::of(&self.settings), self.clock.as_ref()).await
    }

    /// The board, for those who ask for it again and again.
    #[must_use]
    pub fn boards(&self) -> Loader {
        let deck = self.clone();
        Loader::new(move || {
            let deck = deck.clone();
            async move { deck.board().await }
        })
    }

    /// Look at one target now, whoever probes. Returns what was found in a sentence, and whether it is well.
    ///
    /// # Errors
    /// When there is no such probe, or the database refuses.
    pub async fn look_at(&self, name: &str) -> Result<(bool, String), NotProbed> {
        let tools = Tools::new()?;
        self.probes().reload();
        let definitions = self.probes().current().definitions;
        let (outcome, _) = engine::check_now(&self.db, self.clock.as_ref(), &tools, &definitions, name).await?;
        let took = outcome.latency_us.map(|us| format!(" in {}", crate::report::format::micros(us))).unwrap_or_default();
        Ok(match &outcome.error {
            Some(error) => (false, format!("{error}{took}")),
            None => (outcome.status <= watch::Status::Healthy, format!("{}{took}", outcome.status)),
        })
    }

    /// Look once at the targets that are wanted, by the names of their probes, where nobody else does. Those that are paused are left alone.
    /// The lease is held meanwhile, and a schedule of a heartbeat that is seen for the first time counts from now on.
    ///
    /// # Errors
    /// [`NotProbed::Elsewhere`] when another process has the lease; when the checks cannot be made or the database refuses.
    pub async fn probe_once(&self, wanted: impl Fn(&str) -> bool) -> Result<(), NotProbed> {
        let tools = Tools::new()?;
        let (process, now) = (process_name(), self.clock.now());
        let definitions = self.probes().current().definitions;
        let (mine, known) = (process.clone(), Arc::clone(&definitions));
        let kept = self.db.write(move |c| {
            if !lease::keep(c, &mine, now)? {
                return Ok::<_, store::Error>(None);
            }
            heartbeat::adopt(c, &known.heartbeats, now)?;
            pauses::standing(c, now).map(Some)
        });
        let Some(paused) = kept.await? else { return Err(NotProbed::Elsewhere) };
        let (room, mut looks) = (Arc::new(Semaphore::new(TOGETHER)), tokio::task::JoinSet::new());
        for probe in definitions.probes.iter().filter(|probe| wanted(&probe.name) && !paused.contains_key(&probe.name)) {
            let (deck, tools, definitions, name) = (self.clone(), tools.clone(), Arc::clone(&definitions), probe.name.clone());
            let room = Arc::clone(&room);
            looks.spawn(async move {
                // It is never closed.
                let _place = room.acquire().await;
                engine::check_now(&deck.db, deck.clock.as_ref(), &tools, &definitions, &name).await.map(drop)
            });
        }
        let mut failed = None;
        while let Some(look) = looks.join_next().await {
            if let Ok(Err(error)) = look {
                failed = Some(error);
            }
        }
        self.db.write(move |c| lease::release(c, &process)).await?;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}
