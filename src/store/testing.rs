//! A real database for a test: an SQLite file, or a fresh database on the server that `QUARTERDECK_TEST_POSTGRES` names when
//! `QUARTERDECK_TEST_ENGINE` is `postgres`. The same tests so run on both engines.

use super::{Address, Database, Engine, Error};
use crate::base::{Clock, SystemClock, new_id};
use std::sync::Arc;

/// A fresh, migrated database and a directory for its files, which goes away with the guard.
///
/// # Panics
/// When the directory or the database cannot be made: the test cannot run then.
#[must_use]
#[allow(clippy::expect_used, reason = "a test that has no database has to stop")]
pub fn database() -> (Database, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let server = std::env::var("QUARTERDECK_TEST_POSTGRES").ok();
    let address = match (std::env::var("QUARTERDECK_TEST_ENGINE").as_deref(), server) {
        (Ok("postgres"), Some(server)) => fresh_on_server(&server),
        _ => Address::Sqlite(directory.path().join("deck.db")),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::open(&address, &clock).expect("a fresh database");
    (database, directory)
}

/// Take away what keeps the audit log from being edited, as somebody with the file in their hands can.
///
/// # Panics
/// When the database refuses.
#[allow(clippy::expect_used, reason = "a test that cannot tamper has to stop")]
pub fn unlock_audit_log(database: &Database) {
    database
        .write_blocking(|c| {
            let (log, checkpoints) = match c.engine() {
                Engine::Sqlite => ("", ""),
                Engine::Postgres => (" ON audit_log", " ON audit_checkpoints"),
            };
            for (name, table) in [
                ("audit_log_is_not_edited", log),
                ("audit_log_is_not_cut", log),
                ("audit_log_is_not_replaced", log),
                ("audit_checkpoints_are_not_edited", checkpoints),
                ("audit_checkpoints_are_not_cut", checkpoints),
            ] {
                c.exec(&format!("DROP TRIGGER IF EXISTS {name}{table}"), &[])?;
            }
            Ok::<_, Error>(())
        })
        .expect("the triggers of the audit log are dropped");
}

/// Make a new database beside the one in `server`'s path, and name it. Databases of a test server are not removed: the server goes.
///
/// # Panics
/// When the server cannot be reached.
#[must_use]
#[allow(clippy::expect_used, reason = "a test that has no database has to stop")]
pub fn fresh_on_server(server: &str) -> Address {
    let name = format!("test_{}", new_id().replace('-', "_"));
    let (url, create) = (server.to_owned(), format!("CREATE DATABASE {name}"));
    // On a thread of its own: the client must not be driven from inside an async runtime.
    std::thread::spawn(move || {
        let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("the test server");
        client.batch_execute(&create).expect("a new database on the test server");
    })
    .join()
    .expect("the test server");
    let (front, query) = server.split_once('?').map_or((server, None), |(front, query)| (front, Some(query)));
    let authority = front.find("://").map_or(0, |scheme| scheme + 3);
    let base = front[authority..].find('/').map_or(front, |slash| &front[..authority + slash]);
    let url = query.map_or_else(|| format!("{base}/{name}"), |query| format!("{base}/{name}?{query}"));
    Address::parse(&url).expect("the address of the new database")
}
