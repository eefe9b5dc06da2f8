//! What long work of upkeep is given: the settings of the installation, the present, and who asked.

use crate::base::Clock;
use crate::config::Settings;
use crate::store::audit::Actor;
use crate::store::{self, Address, Database};
use std::path::PathBuf;
use std::sync::Arc;

/// An installation, as upkeep sees it. It need not have a database that can be opened: a restore may be what makes one.
#[derive(Debug, Clone)]
pub struct Site {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Who asked for the work.
    pub actor: Actor,
}

impl Site {
    /// Where the database is.
    ///
    /// # Errors
    /// [`store::Error::Address`] when the setting is not an address.
    pub fn address(&self) -> store::Result<Address> {
        Address::parse(&self.settings.database)
    }

    /// The open database.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn database(&self) -> store::Result<Database> {
        Database::open(&self.address()?, &self.clock)
    }

    /// The open database, where there is one: for work that only looks.
    ///
    /// # Errors
    /// As [`Database::open_existing`].
    pub fn existing_database(&self) -> store::Result<Database> {
        Database::open_existing(&self.address()?, &self.clock)
    }

    /// Where backups are kept: the setting `backup.dir`, else `backups` in the data directory.
    #[must_use]
    pub fn backups(&self) -> PathBuf {
        self.settings.backup.dir.clone()
    }
}
