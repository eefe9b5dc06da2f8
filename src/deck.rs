//! The open application: settings, database and services. Every face drives this, and nothing else.
//!
//! It knows how the settings map onto the services. It decides nothing itself, prints nothing, and holds no SQL.

use crate::base::Clock;
use crate::config::{self, Settings};
use crate::moderation::{self, Mode};
use crate::store::{self, Address, Database};
use std::sync::Arc;

/// Why the application could not be opened, or one of its services not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong or missing.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The database could not be opened.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The open application. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Deck {
    /// The settings it was opened with.
    pub settings: Arc<Settings>,
    /// The database.
    pub db: Database,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// How much of the world may be touched.
    pub mode: Mode,
}

impl Deck {
    /// Open the database that the settings name. The data directory is made, for its owner only, when it is not there.
    ///
    /// # Errors
    /// [`Error::Store`] as the engine says, [`Error::Config`] when the data directory cannot be made.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let address = Address::parse(&settings.database)?;
        if matches!(address, Address::Sqlite(_)) {
            config::prepare(&settings.data_dir)?;
        }
        let db = Database::open(&address, &clock)?;
        let mode = match settings.mode {
            config::Mode::DryRun => Mode::DryRun,
            config::Mode::Live => Mode::Live,
        };
        Ok(Self { settings: Arc::new(settings), db, clock, mode })
    }

    /// The queue's times and mode.
    #[must_use]
    pub fn moderation(&self) -> moderation::Settings {
        let queue = &self.settings.moderation;
        let millis = |count: u64, unit: i64| i64::try_from(count).unwrap_or(i64::MAX / unit).saturating_mul(unit);
        moderation::Settings {
            undo_comment: millis(queue.undo_seconds_reply, 1_000),
            undo_post: millis(queue.undo_seconds_post, 1_000),
            lease: millis(queue.lease_seconds, 1_000),
            expiry: millis(queue.expiry_hours, 3_600_000),
            max_return_rounds: queue.max_return_rounds.into(),
            mode: self.mode,
        }
    }
}
