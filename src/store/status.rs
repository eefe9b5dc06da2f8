//! What state the database is in: for people, for scripts and for the health board.

use super::backend::Backend;
use super::migrate as schema;
use super::{Address, Conn, Engine, Error, Result, Sql};
use crate::base::Millis;
use serde::Serialize;

/// The state of the database.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// `SQLite` or `PostgreSQL`.
    pub engine: String,
    /// The engine's version.
    pub engine_version: String,
    /// The file or the server, a password masked.
    pub place: String,
    /// Size in bytes: the file without its log, or the database on the server.
    pub size_bytes: i64,
    /// Size of the write-ahead log in bytes, where there is one.
    pub wal_bytes: Option<i64>,
    /// `wal` on SQLite; on a server how commits are made durable.
    pub journal_mode: String,
    /// The schema's version.
    pub schema_version: i64,
    /// The newest version that this program knows.
    pub newest_version: i64,
    /// Rows in each table.
    pub tables: Vec<TableRows>,
    /// `Some(true)` when the check passed, `Some(false)` when it found damage, `None` when this engine offers no check.
    pub integrity_ok: Option<bool>,
    /// What the check said.
    pub integrity: Vec<String>,
}

/// The size of one table.
#[derive(Debug, Clone, Serialize)]
pub struct TableRows {
    /// The table's name.
    pub table: String,
    /// How many rows it has.
    pub rows: i64,
}

const TABLES: Sql = Sql {
    sqlite: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    postgres: "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables
               WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name",
};
const VERSION: Sql = Sql { sqlite: "SELECT sqlite_version() AS value", postgres: "SELECT current_setting('server_version') AS value" };
const SIZE: Sql = Sql {
    sqlite: "SELECT page_count * page_size AS value FROM pragma_page_count(), pragma_page_size()",
    postgres: "SELECT pg_database_size(current_database()) AS value",
};
const JOURNAL: Sql = Sql {
    sqlite: "SELECT journal_mode AS value FROM pragma_journal_mode()",
    postgres: "SELECT 'synchronous_commit ' || current_setting('synchronous_commit') AS value",
};

/// Look at the database at `address`, creating nothing.
///
/// # Errors
/// [`Error::Open`] when there is nothing there, and the engine's refusals. A schema of another program version is reported, not refused.
pub fn status(address: &Address) -> Result<Status> {
    let address = address.clone();
    on_own_thread(move || {
        if let Address::Sqlite(path) = &address
            && !path.exists()
            && !super::restoring(path).exists()
        {
            return Err(nothing_there(&address));
        }
        let mut backend = Backend::open(&address, true)?;
        let engine = backend.engine();
        let text = |backend: &mut Backend, sql: Sql| backend.first(sql.on(engine), &[])?.map_or(Ok(String::new()), |row| row.text("value"));
        let schema_version = match schema::version(&mut backend) {
            Err(Error::NewerSchema { found, .. }) => found,
            other => other?,
        };
        let names = backend.query(TABLES.on(engine), &[])?;
        let mut tables = Vec::new();
        for row in &names {
            let table = row.text("name")?;
            // The name comes from the catalogue, and quoting it keeps an odd one from being read as SQL.
            let count = backend.first(&format!("SELECT count(*) AS rows FROM \"{}\"", table.replace('"', "\"\"")), &[])?;
            tables.push(TableRows { table, rows: count.map_or(Ok(0), |row| row.int("rows"))? });
        }
        let (integrity_ok, integrity) = match engine {
            Engine::Sqlite => sqlite_integrity(&mut backend)?,
            Engine::Postgres => (None, vec!["not checked: the server keeps its own checksums".to_owned()]),
        };
        let wal_bytes = match &address {
            Address::Sqlite(path) => {
                let mut name = path.as_os_str().to_owned();
                name.push("-wal");
                Some(std::fs::metadata(name).map_or(0, |file| i64::try_from(file.len()).unwrap_or(i64::MAX)))
            }
            Address::Postgres(_) => None,
        };
        Ok(Status {
            engine: engine.to_string(),
            engine_version: text(&mut backend, VERSION)?,
            place: address.masked(),
            size_bytes: backend.first(SIZE.on(engine), &[])?.map_or(Ok(0), |row| row.int("value"))?,
            wal_bytes,
            journal_mode: text(&mut backend, JOURNAL)?,
            schema_version,
            newest_version: schema::newest(),
            tables,
            integrity_ok,
            integrity,
        })
    })
}

/// There is no deck at the address.
pub(super) fn nothing_there(address: &Address) -> Error {
    let reason = match address {
        Address::Sqlite(_) => "there is no such file yet; `quarterdeck db migrate` makes it",
        Address::Postgres(_) => "there is no deck in it yet; `quarterdeck db migrate` makes one",
    };
    Error::Open { place: address.masked(), reason: reason.to_owned() }
}

fn sqlite_integrity(backend: &mut Backend) -> Result<(Option<bool>, Vec<String>)> {
    let mut said =
        backend.query("PRAGMA integrity_check(20)", &[])?.iter().map(|row| row.text("integrity_check")).collect::<Result<Vec<_>>>()?;
    let sound = said == ["ok"];
    let dangling = backend.query("PRAGMA foreign_key_check", &[])?.len();
    if dangling > 0 {
        said.push(format!("{dangling} rows refer to rows that are not there"));
    }
    Ok((Some(sound && dangling == 0), said))
}

/// Bring the schema of the database at `address` to `target`, or to the newest version. Returns the versions that were passed.
///
/// An SQLite file that holds something is copied to `FILE.before-VERSION` first.
///
/// # Errors
/// When a step is refused: it is rolled back, those before it stay. [`Error::Open`] when the copy cannot be made.
pub fn migrate(address: &Address, target: Option<i64>, now: Millis) -> Result<Vec<i64>> {
    let address = address.clone();
    on_own_thread(move || {
        let mut backend = Backend::open(&address, false)?;
        let target = target.unwrap_or_else(schema::newest);
        let present = schema::version(&mut backend)?;
        if let Address::Sqlite(path) = &address
            && present > 0
            && present != target
        {
            let copy = format!("{}.before-{present}-{now}", path.display());
            // VACUUM INTO would create it readable by others; an empty file it fills as it is.
            super::sqlite::create_private(std::path::Path::new(&copy))
                .map_err(|error| Error::Open { place: copy.clone(), reason: error.to_string() })?;
            backend.exec("VACUUM INTO $1", crate::vals![copy.as_str()])?;
        }
        schema::migrate_to(&mut backend, target, now)
    })
}

/// The server's client must not be driven from a thread that belongs to an async runtime.
fn on_own_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    std::thread::spawn(work).join().map_err(|_| Error::Closed)?
}
