//! What is looked at: settings, directories, database, terminal. Each is there also when another is broken.

use super::bounded::bounded;
use super::found::Found;
use crate::base::{Clock, Millis};
use crate::config::{Loaded, Settings};
use crate::search::{self, Search};
use crate::store::audit::Actor;
use crate::store::{self, Address, Conn, Database};
use crate::upkeep::{Site, audit};
use crate::watch::board::Board;
use crate::watch::boards;
use crate::watch::own::Facts;
use crate::watch::probe::file;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long the database may take to open. Longer than it waits for another process's lock.
const OPENING: Duration = Duration::from_secs(10);

/// The terminal of whoever asks.
#[derive(Debug, Clone, Default)]
pub struct Terminal {
    /// Whether there is one.
    pub is_there: bool,
    /// Columns and rows, where it tells them.
    pub size: Option<(u16, u16)>,
    /// The variables that say what it can do, those that are set.
    pub environment: BTreeMap<String, String>,
}

/// Variables that say what a terminal can do.
pub const TERMINAL_VARIABLES: [&str; 12] =
    ["TERM", "COLORTERM", "TERM_PROGRAM", "TMUX", "STY", "NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG", "SSH_TTY", "COLUMNS", "LINES"];

/// What became of opening the database.
#[derive(Debug, Clone)]
pub enum Opened {
    /// It is open.
    Open(Database),
    /// There is none yet.
    Absent(PathBuf),
    /// The engine refused.
    Refused(store::Error),
    /// It does not answer.
    TooSlow,
    /// The settings do not say where it is.
    Nowhere,
}

/// How services are set up, when the settings can be used: the open application knows, which stands above this room.
#[derive(Clone, Copy)]
pub struct SetUp {
    /// Search.
    pub search: fn(&Settings) -> search::Settings,
    /// The audit log.
    pub audit: fn(&Settings) -> audit::Settings,
}

/// What is looked at.
pub struct Patient {
    /// The layers of settings, with what was found wrong in them.
    pub loaded: Loaded,
    /// The settings, where nothing in them is wrong.
    pub settings: Option<Settings>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// The terminal of whoever asks.
    pub terminal: Terminal,
    set_up: SetUp,
    opened: OnceLock<Opened>,
}

impl Patient {
    /// Of these settings. Nothing is opened yet.
    #[must_use]
    pub fn new(loaded: Loaded, clock: Arc<dyn Clock>, terminal: Terminal, set_up: SetUp) -> Arc<Self> {
        let settings = loaded.settings().ok();
        Arc::new(Self { loaded, settings, clock, terminal, set_up, opened: OnceLock::new() })
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The data directory, also where other settings are broken.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.shown("data_dir").map_or_else(|| self.loaded.directories().data_dir.clone(), PathBuf::from)
    }

    /// Where logs, reports and the like are written.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.loaded.directories().state_dir
    }

    /// The database file, where it is one.
    #[must_use]
    pub fn database_file(&self) -> Option<PathBuf> {
        match self.address()? {
            Address::Sqlite(path) => Some(path),
            Address::Postgres(_) => None,
        }
    }

    /// Where the database is.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        let text = match &self.settings {
            Some(settings) => settings.database.clone(),
            // A password is masked here, so only a file can be opened while the settings are broken.
            None => self.shown("database").filter(|text| text.starts_with("sqlite:"))?,
        };
        Address::parse(&text).ok()
    }

    fn shown(&self, key: &str) -> Option<String> {
        self.loaded.shown().into_iter().find(|shown| shown.setting.key == key)?.value
    }

    /// What became of opening the database: tried once, and for a bounded time. Nothing is made that is not there.
    pub fn opened(&self) -> &Opened {
        self.opened.get_or_init(|| {
            let Some(address) = self.address() else { return Opened::Nowhere };
            if let Address::Sqlite(path) = &address
                && std::fs::metadata(path).map_or(true, |found| found.len() == 0)
            {
                return Opened::Absent(path.clone());
            }
            let clock = Arc::clone(&self.clock);
            match bounded(OPENING, move || Database::open(&address, &clock)) {
                Ok(Ok(db)) => Opened::Open(db),
                Ok(Err(error)) => Opened::Refused(error),
                Err(_) => Opened::TooSlow,
            }
        })
    }

    /// The open database.
    ///
    /// # Errors
    /// A finding that says that it is not open; the check `database` tells why.
    pub fn db(&self) -> Result<&Database, Found> {
        match self.opened() {
            Opened::Open(db) => Ok(db),
            Opened::Absent(_) => Err(Found::unknown("there is no database yet")),
            _ => Err(Found::unknown("the database cannot be opened: see the check `database`")),
        }
    }

    /// Read the database.
    ///
    /// # Errors
    /// A finding when it is not open or refuses.
    pub fn read<T, E>(&self, work: impl FnOnce(&mut dyn Conn) -> Result<T, E> + Send + 'static) -> Result<T, Found>
    where
        T: Send + 'static,
        E: From<store::Error> + Into<Found> + Send + 'static,
    {
        self.db()?.read_blocking(work).map_err(Into::into)
    }

    /// The settings.
    ///
    /// # Errors
    /// A finding when something is wrong in them.
    pub fn settings(&self) -> Result<&Settings, Found> {
        self.settings.as_ref().ok_or_else(|| Found::unknown("the settings cannot be used: see the check `configuration`"))
    }

    /// The installation as upkeep sees it, on behalf of who asked.
    ///
    /// # Errors
    /// A finding when the settings cannot be used.
    pub fn site(&self, actor: &Actor) -> Result<Site, Found> {
        Ok(Site { settings: Arc::new(self.settings()?.clone()), clock: Arc::clone(&self.clock), actor: actor.clone() })
    }

    /// Search over the open database. It loads nothing until it is asked.
    ///
    /// # Errors
    /// A finding when settings or database cannot be used.
    pub fn search(&self) -> Result<Search, Found> {
        let settings = (self.set_up.search)(self.settings()?);
        Ok(Search::new(self.db()?.clone(), Arc::clone(&self.clock), settings))
    }

    /// The audit log over the open database.
    ///
    /// # Errors
    /// A finding when settings or database cannot be used.
    pub fn audit(&self) -> Result<audit::Audit, Found> {
        let settings = (self.set_up.audit)(self.settings()?);
        Ok(audit::Audit::new(self.db()?.clone(), Arc::clone(&self.clock), settings))
    }

    /// The definitions of probes and heartbeats, read anew.
    #[must_use]
    pub fn probes(&self) -> file::Source {
        let directories = self.loaded.directories();
        file::Source::open(&directories.config_dir, &directories.environment_file)
    }

    /// The health board.
    ///
    /// # Errors
    /// A finding when settings or database cannot be used.
    pub fn board(&self) -> Result<Board, Found> {
        let facts = Facts::of(self.settings()?);
        let db = self.db()?;
        self.wait(boards::load_current(db, &self.probes(), &facts, self.clock.as_ref()))
    }

    /// Drive asynchronous work from a thread that belongs to no runtime.
    ///
    /// # Errors
    /// A finding when the system gives no runtime.
    pub fn wait<F: Future>(&self, work: F) -> Result<F::Output, Found> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Found::unknown(format!("the program's threads cannot be started: {error}")))?;
        Ok(runtime.block_on(work))
    }
}
