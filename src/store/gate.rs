//! Whether the engine that is built in may be used.

/// The version of SQLite that is built in, and whether it is free of the fault that damages a shared write-ahead log (fixed in 3.51.3).
#[must_use]
pub fn sqlite_version() -> (&'static str, bool) {
    (rusqlite::version(), rusqlite::version_number() >= super::sqlite::OLDEST_SAFE_VERSION)
}
