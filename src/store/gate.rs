//! Whether the engine that is built in may be used, and the one piece of care that needs a connection outside any transaction.

use super::backend::Backend;
use super::{Address, Conn as _, Engine, Error, Result};

/// The version of SQLite that is built in, and whether it is free of the fault that damages a shared write-ahead log (fixed in 3.51.3).
#[must_use]
pub fn sqlite_version() -> (&'static str, bool) {
    (rusqlite::version(), rusqlite::version_number() >= super::sqlite::OLDEST_SAFE_VERSION)
}

/// Take the write-ahead log into the file and empty it. Nothing on a server. It loses nothing, also when it is cut off.
///
/// # Errors
/// [`Error::Locked`] when a reader or a writer holds the log; the engine's refusals.
pub fn checkpoint(address: &Address) -> Result<()> {
    let mut backend = Backend::open(address, false)?;
    if backend.engine() == Engine::Postgres {
        return Ok(());
    }
    let row = backend.first("PRAGMA wal_checkpoint(TRUNCATE)", &[])?;
    let busy = row.map_or(Ok(0), |row| row.int("busy"))?;
    if busy == 0 { Ok(()) } else { Err(Error::Locked { place: address.masked() }) }
}
