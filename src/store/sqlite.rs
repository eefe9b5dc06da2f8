//! The embedded engine: opening a file with the settings that keep it whole, and a [`Conn`] on it.

use super::error::excerpt;
use super::slow::timed;
use super::{Bulk, Conn, Engine, Error, Result, Row, Val, ValRef};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Below this version several processes on one write-ahead log can corrupt it (the WAL-reset bug, fixed in 3.51.3).
const OLDEST_SAFE_VERSION: i32 = 3_051_003;
/// `QDCK` in the file's header: tells our file from any other SQLite database.
const APPLICATION_ID: i32 = 0x5144_434b;
/// How long a statement waits for another process's write.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

thread_local! {
    static WAITING_SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Sleep a random 50 to 250 µs and try again. The stock handler backs off to 100 ms and starves a process for seconds.
pub(crate) fn wait_for_lock(tries: i32) -> bool {
    let since = match (tries, WAITING_SINCE.get()) {
        (1.., Some(since)) => since,
        _ => {
            let now = Instant::now();
            WAITING_SINCE.set(Some(now));
            now
        }
    };
    std::thread::sleep(Duration::from_micros(fastrand::u64(50..250)));
    since.elapsed() < LOCK_PATIENCE
}

/// The journal of a restore of this file. While it is there the file may be the old one, the new one, or between the two.
pub(crate) fn restoring(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".restoring");
    name.into()
}

/// Open the file, creating it (0600, in a 0700 directory) when it is not there.
pub(super) fn open(path: &Path, read_only: bool) -> Result<SqliteConn> {
    if rusqlite::version_number() < OLDEST_SAFE_VERSION {
        return Err(Error::Open {
            place: path.display().to_string(),
            reason: format!("SQLite {} may corrupt a shared write-ahead log; 3.51.3 or newer is needed", rusqlite::version()),
        });
    }
    if restoring(path).exists() {
        return Err(Error::Restoring { place: path.display().to_string() });
    }
    create_private(path).map_err(|error| Error::Open { place: path.display().to_string(), reason: error.to_string() })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| refused(&error, "open", path))?;
    configure(&mut connection, read_only).map_err(|error| refused(&error, "configure", path))?;
    let application: i32 = connection
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .map_err(|error| refused(&error, "PRAGMA application_id", path))?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| refused(&error, "SELECT count(*) FROM sqlite_schema", path))?;
    match (application, tables) {
        (APPLICATION_ID, _) => {}
        // A new file is marked before anything is in it.
        (0, 0) if !read_only => {
            connection
                .pragma_update(None, "application_id", APPLICATION_ID)
                .map_err(|error| refused(&error, "PRAGMA application_id", path))?;
        }
        (0, 0) => {}
        _ => {
            return Err(Error::Open {
                place: path.display().to_string(),
                reason: "it is a SQLite database of another program; name another file".to_owned(),
            });
        }
    }
    Ok(SqliteConn { connection, place: path.display().to_string() })
}

/// An empty database that nobody else sees: for what the migrations make.
pub(super) fn in_memory() -> Result<SqliteConn> {
    let memory = Path::new(":memory:");
    let connection = Connection::open_in_memory().map_err(|error| refused(&error, "open", memory))?;
    Ok(SqliteConn { connection, place: memory.display().to_string() })
}

/// Make an empty file that only its owner can read, in directories that only the owner can enter, unless it is there already.
pub(super) fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    // The -wal and -shm companions inherit the mode of the file, so it has to be right before SQLite first opens it.
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn configure(connection: &mut Connection, read_only: bool) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait_for_lock))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // FULL: an acknowledged decision survives a power cut; group commit pays for it.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA journal_size_limit = 67108864;",
    )?;
    if !read_only {
        // A limit, not a size: what an import changes in a transaction need not be written before its end.
        connection.execute_batch("PRAGMA cache_size = -32768")?;
    }
    connection.pragma_update(None, "query_only", read_only)?;
    if read_only {
        // 16 MiB: the inner pages of a large database stay, where each statement would read them again from the system's cache.
        connection.pragma_update(None, "cache_size", -16_384)?;
    }
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Turn the engine's refusal into ours. `place` is the file.
fn refused(error: &rusqlite::Error, sql: &str, place: &Path) -> Error {
    translate(error, sql, &place.display().to_string())
}

fn translate(error: &rusqlite::Error, sql: &str, place: &str) -> Error {
    let reason = error.to_string();
    let place = place.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let holder = super::holders::writer_of(Path::new(&place));
            Error::Locked { place, holder }
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Error::Corrupt { place, reason },
        Some(
            ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::DiskFull | ErrorCode::SystemIoFailure,
        ) => Error::Open { place, reason },
        Some(ErrorCode::ConstraintViolation) => Error::Constraint { reason },
        _ => Error::Statement { reason, statement: excerpt(sql) },
    }
}

/// A connection to an SQLite file.
#[derive(Debug)]
pub(super) struct SqliteConn {
    pub(super) connection: Connection,
    place: String,
}

impl SqliteConn {
    /// Run statements without parameters or answers.
    pub(super) fn batch(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(|error| translate(&error, sql, &self.place))
    }

    fn bind(statement: &mut rusqlite::CachedStatement<'_>, params: &[Val]) -> rusqlite::Result<()> {
        for (index, value) in params.iter().enumerate() {
            // SQLite takes `$1` as a name: its position follows first appearance, so it is looked up.
            if let Some(position) = statement.parameter_index(&format!("${}", index + 1))? {
                statement.raw_bind_parameter(position, Bound(value))?;
            }
        }
        Ok(())
    }

    fn rows(&self, sql: &str, params: &[Val]) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
        Self::bind(&mut statement, params)?;
        let mut answer = statement.raw_query();
        let mut rows = Vec::new();
        while let Some(row) = answer.next()? {
            let values = (0..columns.len()).map(|index| row.get_ref(index).map(value)).collect::<rusqlite::Result<_>>()?;
            rows.push(Row::new(Arc::clone(&columns), values));
        }
        Ok(rows)
    }

    /// Run a statement and look at each row where it lies, for tables of a million rows.
    pub(super) fn each(&self, sql: &str, params: &[i64], mut look: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>) -> Result<()> {
        let mut run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(rusqlite::params_from_iter(params))?;
            while let Some(row) = rows.next()? {
                look(row)?;
            }
            Ok(())
        };
        run().map_err(|error| translate(&error, sql, &self.place))
    }

    fn changed(&self, sql: &str, params: &[Val]) -> rusqlite::Result<usize> {
        let mut statement = self.connection.prepare_cached(sql)?;
        Self::bind(&mut statement, params)?;
        statement.raw_execute()
    }
}

/// Parameters of one insertion; the engine takes up to 32,766.
const PARAMETERS: usize = 8_192;

/// The text of an insertion of so many rows, of some of the columns, its parameters numbered from the first row's first on.
fn insertion(bulk: &Bulk, used: &[usize], rows: usize) -> String {
    let columns: Vec<&str> = used.iter().filter_map(|column| bulk.columns.get(*column).copied()).collect();
    let row = |number: usize| {
        let places: Vec<String> = (1..=used.len()).map(|place| format!("?{}", number * used.len() + place)).collect();
        format!("({})", places.join(","))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("INSERT INTO {} ({}) VALUES {} {}", bulk.table, columns.join(","), rows.join(","), bulk.on_conflict)
}

impl SqliteConn {
    /// Insert rows, many with one statement: its cursors then stay at the end of an index that grows there. Where rows may be left out, a
    /// statement that left one out is taken back, and its rows and those behind it go one by one.
    fn inserted(&self, bulk: &Bulk, cells: &[ValRef<'_>]) -> rusqlite::Result<Vec<usize>> {
        let width = bulk.columns.len().max(1);
        let mut left_out = Vec::new();
        // Binding and reading NULLs costs as much as values do: a column that no row has is left out.
        let used: Vec<usize> =
            (0..width).filter(|column| cells.iter().skip(*column).step_by(width).any(|cell| *cell != ValRef::Null)).collect();
        let many = (PARAMETERS / used.len().max(1)).max(1);
        let mut done = 0;
        if cells.len() >= many * width && many > 1 {
            let mut statement = self.connection.prepare_cached(&insertion(bulk, &used, many))?;
            for rows in cells.chunks_exact(many * width) {
                if bulk.tells_left_out {
                    self.connection.execute_batch("SAVEPOINT rows")?;
                }
                bind(&mut statement, rows, width, &used)?;
                let inserted = statement.raw_execute()?;
                if bulk.tells_left_out {
                    if inserted < many {
                        self.connection.execute_batch("ROLLBACK TO rows; RELEASE rows")?;
                        break;
                    }
                    self.connection.execute_batch("RELEASE rows")?;
                }
                done += many;
            }
        }
        let rest = cells.get(done * width..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(left_out);
        }
        let mut statement = self.connection.prepare_cached(&insertion(bulk, &used, 1))?;
        for (number, row) in rest.chunks(width).enumerate() {
            bind(&mut statement, row, width, &used)?;
            if statement.raw_execute()? == 0 && bulk.tells_left_out {
                left_out.push(done + number);
            }
        }
        Ok(left_out)
    }
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, rows: &[ValRef<'_>], width: usize, used: &[usize]) -> rusqlite::Result<()> {
    let mut place = 0;
    for row in rows.chunks(width) {
        for column in used {
            place += 1;
            if let Some(cell) = row.get(*column) {
                statement.raw_bind_parameter(place, BoundCell(*cell))?;
            }
        }
    }
    Ok(())
}

impl Conn for SqliteConn {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn query(&mut self, sql: &str, params: &[Val]) -> Result<Vec<Row>> {
        timed(sql, || self.rows(sql, params)).map_err(|error| translate(&error, sql, &self.place))
    }

    fn exec(&mut self, sql: &str, params: &[Val]) -> Result<u64> {
        timed(sql, || self.changed(sql, params)).map(|rows| rows as u64).map_err(|error| translate(&error, sql, &self.place))
    }

    fn insert(&mut self, bulk: &Bulk, cells: &[ValRef<'_>]) -> Result<Vec<usize>> {
        timed(bulk.table, || self.inserted(bulk, cells)).map_err(|error| translate(&error, bulk.table, &self.place))
    }
}

struct BoundCell<'a>(ValRef<'a>);

impl rusqlite::ToSql for BoundCell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            ValRef::Null => ToSqlOutput::Owned(Value::Null),
            ValRef::Int(value) => ToSqlOutput::Owned(Value::Integer(value)),
            ValRef::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            ValRef::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

struct Bound<'a>(&'a Val);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Val::Null => ToSqlOutput::Owned(Value::Null),
            Val::Int(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Val::Real(value) => ToSqlOutput::Owned(Value::Real(*value)),
            Val::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Val::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

fn value(from: ValueRef<'_>) -> Val {
    match from {
        ValueRef::Null => Val::Null,
        ValueRef::Integer(value) => Val::Int(value),
        ValueRef::Real(value) => Val::Real(value),
        ValueRef::Text(bytes) => Val::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Val::Blob(bytes.to_vec()),
    }
}
