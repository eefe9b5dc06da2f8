//! A real database for a test: an SQLite file in a directory that goes away with the guard.

use super::{Address, Database};
use crate::base::{Clock, SystemClock};
use std::sync::Arc;

/// A fresh, migrated database and the directory it lives in.
///
/// # Panics
/// When the temporary directory or the database cannot be made: the test cannot run then.
#[must_use]
#[allow(clippy::expect_used, reason = "a test that has no database has to stop")]
pub fn database() -> (Database, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::open(&Address::Sqlite(directory.path().join("deck.db")), &clock).expect("a fresh database");
    (database, directory)
}
