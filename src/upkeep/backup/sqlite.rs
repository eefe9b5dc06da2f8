//! The embedded engine: the same instant on several connections, a copy of it, and everything that can be compared about it.

use super::digest::{Rows, hex};
use super::manifest::{AuditHead, Table};
use super::work::Tell;
use super::{Error, Fault, Finding, Result};
use crate::store::{self, wait_for_lock};
use crate::upkeep::progress::Unit;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::sync::atomic::Ordering;

/// Pages copied between two looks at whether to stop.
const PAGES: i32 = 2_048;
/// Rows read between two looks at whether to stop.
const ROWS: u64 = 20_000;
/// Steps of the engine between two looks at whether to stop.
const STEPS: i32 = 200_000;
/// Faults of one kind that are named; a damaged file may have millions.
const NAMED: usize = 20;

/// Two connections that see one and the same state of a live database. It is held until they are dropped.
pub(super) struct Snapshot {
    /// For the copy.
    pub(super) copied: Connection,
    /// For counting.
    pub(super) counted: Connection,
}

fn refused(path: &Path, error: &rusqlite::Error) -> Error {
    let place = || path.display().to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Error::Stopped,
        Some(ErrorCode::DiskFull) => Error::io("write", path, &std::io::ErrorKind::StorageFull.into()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            store::Error::Locked { place: place(), holder: store::holders::writer_of(path) }.into()
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            store::Error::Corrupt { place: place(), reason: error.to_string() }.into()
        }
        _ => Error::Engine { path: path.to_path_buf(), reason: error.to_string() },
    }
}

/// What can be read of a damaged file: what `read` answers, and nothing but a finding on `subject` where the engine finds it damaged there.
///
/// # Errors
/// Whatever else `read` failed of.
pub(super) fn salvaged<T: Default>(read: Result<T>, subject: &str, findings: &mut Vec<Finding>) -> Result<T> {
    match read {
        Err(Error::Store(store::Error::Corrupt { reason, .. })) => {
            findings.push(Finding::new(Fault::Damaged, subject, format!("it cannot be read to its end: {reason}")));
            Ok(T::default())
        }
        other => other,
    }
}

fn open_live(path: &Path) -> rusqlite::Result<Connection> {
    // Not created: a backup of nothing would pass for one.
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_handler(Some(wait_for_lock))?;
    // Cells are looked at as in the copy: what is damaged is then found damaged in both.
    connection
        .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -8192;")?;
    Ok(connection)
}

/// Hold one state of the live database at `path`.
///
/// Writers are kept out for as long as it takes to begin two reads: less than a millisecond.
pub(super) fn snapshot(path: &Path) -> Result<Snapshot> {
    let made = || -> rusqlite::Result<Snapshot> {
        let gate = open_live(path)?;
        let (copied, counted) = (open_live(path)?, open_live(path)?);
        for reader in [&copied, &counted] {
            reader.pragma_update(None, "query_only", true)?;
            // Read once before the gate is closed, so that nothing is loaded behind it.
            reader.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        }
        gate.execute_batch("BEGIN IMMEDIATE")?;
        let begun = [&copied, &counted].into_iter().try_for_each(|reader| {
            reader.execute_batch("BEGIN DEFERRED")?;
            reader.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        });
        gate.execute_batch("ROLLBACK")?;
        begun?;
        Ok(Snapshot { copied, counted })
    };
    made().map_err(|error| refused(path, &error))
}

/// Copy what `from` sees into the empty file `to`, and flush it.
pub(super) fn copy(from: &Connection, to: &Path, tell: &Tell) -> Result<()> {
    let failed = |error: rusqlite::Error| refused(to, &error);
    let mut copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    // The file is nothing until it is complete, flushed and renamed: it needs no journal.
    copy.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE;").map_err(failed)?;
    let written = std::fs::File::open(to).map_err(|error| Error::io("read", to, &error))?;
    {
        let backup = Backup::new(from, &mut copy).map_err(failed)?;
        let page: u32 = from.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(failed)?;
        let page = u64::from(page);
        loop {
            // `from` is in a read transaction, so the steps copy one state, and a writer does not make them begin again.
            let step = backup.step(PAGES).map_err(failed)?;
            let at = backup.progress();
            let (rest, all) = (u64::try_from(at.remaining).unwrap_or(0), u64::try_from(at.pagecount).unwrap_or(0));
            tell.told("copying the database", (all - rest) * page, Some(all * page), Unit::Bytes)?;
            match step {
                StepResult::Done => break,
                // A little at a time: a writer whose commit meets one flush of everything would wait for all of it.
                StepResult::More => written.sync_data().map_err(|error| Error::io("write", to, &error))?,
                _ => return Err(Error::Engine { path: to.to_path_buf(), reason: "the copy was locked".to_owned() }),
            }
        }
    }
    // Out of the write-ahead mode: the copy is one file, which can be read where nothing may be written.
    copy.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0)).map_err(failed)?;
    copy.close().map_err(|(_, error)| failed(error))?;
    std::fs::File::open(to).and_then(|file| file.sync_all()).map_err(|error| Error::io("write", to, &error))
}

/// Open a file that nobody writes, without leaving anything beside it.
pub(super) fn open_copy(path: &Path, tell: &Tell) -> Result<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let uri = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let mut connection = Connection::open_with_flags(format!("file:{uri}?immutable=1"), flags)?;
        connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -65536;")?;
        let stop = tell.flag();
        connection.progress_handler(STEPS, Some(move || stop.load(Ordering::Relaxed)))?;
        Ok(connection)
    };
    open().map_err(|error| refused(path, &error))
}

/// Version of the schema: the newest migration; 0 without any.
pub(super) fn schema_version(connection: &Connection, path: &Path) -> Result<i64> {
    let there: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'", [], |row| row.get(0))
        .map_err(|error| refused(path, &error))?;
    if there == 0 {
        return Ok(0);
    }
    let newest = connection.query_row("SELECT coalesce(max(version), 0) FROM schema_migrations", [], |row| row.get(0));
    newest.map_err(|error| refused(path, &error))
}

/// SHA-256 over every table, index, trigger and view.
pub(super) fn schema_digest(connection: &Connection, path: &Path) -> Result<String> {
    let read = || -> rusqlite::Result<String> {
        let mut hasher = Sha256::new();
        let mut statement = connection.prepare(
            "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name, tbl_name",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..4 {
                let text = row.get_ref(column)?.as_bytes().unwrap_or_default();
                hasher.update((text.len() as u64).to_be_bytes());
                hasher.update(text);
            }
        }
        Ok(hex(&hasher.finalize()))
    };
    read().map_err(|error| refused(path, &error))
}

/// The newest row of the audit log.
pub(super) fn audit_head(connection: &Connection, path: &Path) -> Result<Option<AuditHead>> {
    use rusqlite::OptionalExtension as _;
    let there: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'audit_log'", [], |row| row.get(0))
        .map_err(|error| refused(path, &error))?;
    if there == 0 {
        return Ok(None);
    }
    connection
        .query_row("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok(AuditHead { seq: row.get(0)?, hash: row.get(1)? })
        })
        .optional()
        .map_err(|error| refused(path, &error))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Rows and content of every table, in the order of its name, and which of them could not be read to their ends: those have no digest.
///
/// A virtual table holds nothing itself: the tables in its shadow are read. The engine's own statistics are left out.
pub(super) fn tables(connection: &Connection, path: &Path, tell: &Tell) -> Result<(Vec<Table>, Vec<Finding>)> {
    let failed = |error: rusqlite::Error| refused(path, &error);
    let mut names: Vec<(String, bool)> = Vec::new();
    {
        let mut statement = connection
            .prepare(
                "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite_%'
                 ORDER BY name",
            )
            .map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            names.push((row.get(0).map_err(failed)?, row.get(1).map_err(failed)?));
        }
    }
    let (mut tables, mut findings) = (Vec::with_capacity(names.len()), Vec::new());
    let mut done = 0;
    for (name, without_rowid) in names {
        let before = done;
        let read = table(connection, path, &name, without_rowid, &mut done, tell).map(Some);
        let read = salvaged(read, &name, &mut findings)?;
        tables.push(read.unwrap_or(Table { name, rows: done - before, digest: String::new() }));
    }
    Ok((tables, findings))
}

fn table(connection: &Connection, path: &Path, name: &str, without_rowid: bool, done: &mut u64, tell: &Tell) -> Result<Table> {
    let failed = |error: rusqlite::Error| refused(path, &error);
    let order = if without_rowid {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk").map_err(failed)?;
        let keys = statement.query_map([name], |row| row.get::<_, String>(0)).map_err(failed)?;
        keys.map(|key| key.map(|key| quoted(&key))).collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?.join(", ")
    } else {
        "rowid".to_owned()
    };
    // The index of a text key lies elsewhere than its rows: in the order of the rows a table is read from its beginning to its end.
    let mut statement = connection.prepare(&format!("SELECT * FROM {} NOT INDEXED ORDER BY {order}", quoted(name))).map_err(failed)?;
    let columns = statement.column_count();
    let mut digest = Rows::new(statement.column_names());
    let mut count = 0;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        for column in 0..columns {
            match row.get_ref(column).map_err(failed)? {
                ValueRef::Null => digest.null(),
                ValueRef::Integer(value) => digest.fixed(b'i', value.to_be_bytes()),
                ValueRef::Real(value) => digest.fixed(b'r', value.to_bits().to_be_bytes()),
                ValueRef::Text(text) => digest.bytes(b't', text),
                ValueRef::Blob(bytes) => digest.bytes(b'b', bytes),
            }
        }
        count += 1;
        *done += 1;
        if done.is_multiple_of(ROWS) {
            tell.told("comparing rows", *done, None, Unit::Rows)?;
        }
    }
    Ok(Table { name: name.to_owned(), rows: count, digest: digest.finish() })
}

/// What the engine's own full checks find: pages, indexes against their tables, full text, references.
pub(super) fn check(connection: &Connection, path: &Path, subject: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let damaged = |says: String| Finding::new(Fault::Damaged, subject, says);
    let said = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("PRAGMA integrity_check({NAMED})"))?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        lines.collect()
    };
    match said() {
        Ok(lines) => findings.extend(lines.into_iter().filter(|line| line != "ok").map(damaged)),
        Err(error) => match refused(path, &error) {
            Error::Stopped => return Err(Error::Stopped),
            _ => findings.push(damaged(format!("the integrity check broke off: {error}"))),
        },
    }
    let dangling = || -> rusqlite::Result<Vec<(String, i64)>> {
        let mut statement = connection
            .prepare("SELECT \"table\" || ' refers to ' || parent, count(*) FROM pragma_foreign_key_check GROUP BY 1 ORDER BY 1")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    match dangling() {
        Ok(rows) => {
            findings.extend(
                rows.into_iter()
                    .map(|(what, count)| Finding::new(Fault::ForeignKeys, subject, format!("{what}: {count} rows that are not there"))),
            );
        }
        Err(error) => match refused(path, &error) {
            Error::Stopped => return Err(Error::Stopped),
            _ => findings.push(damaged(format!("the references cannot be checked: {error}"))),
        },
    }
    Ok(findings)
}

/// Newest change of the vectors; `None` before there are any.
pub(super) fn vector_change(connection: &Connection, path: &Path) -> Result<Option<i64>> {
    use rusqlite::OptionalExtension as _;
    let there: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'search_vectors_state'", [], |row| row.get(0))
        .map_err(|error| refused(path, &error))?;
    if there == 0 {
        return Ok(None);
    }
    let change = connection.query_row("SELECT change FROM search_vectors_state WHERE id = 1", [], |row| row.get(0)).optional();
    change.map_err(|error| refused(path, &error))
}
