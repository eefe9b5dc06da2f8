//! What keeps the database small and quick: the planner's statistics, the file without gaps, the write-ahead log taken into the file.

use super::work::{Record, bytes, record, step, watched};
use super::{Error, Result};
use crate::store::holders::{self, Holder, Role};
use crate::store::outside::{Outside, aside};
use crate::store::{self, Address, Conn as _, Engine};
use crate::upkeep::Site;
use crate::upkeep::progress::Watcher;
use crate::upkeep::runs::{Kind, Outcome};
use crate::vals;
use serde::Serialize;
use serde_json::json;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The planner's statistics were brought up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Optimized {
    /// Tables that were looked at; none when nothing had changed enough.
    pub tables: Vec<String>,
    /// Milliseconds that it took.
    pub took_ms: i64,
}

/// Bring the planner's statistics up to date: on SQLite those that are out of date, on PostgreSQL all.
///
/// # Errors
/// [`Error::Store`] when the database refuses, [`Error::Stopped`].
pub fn optimize(site: &Site, watcher: &dyn Watcher) -> Result<Optimized> {
    let address = site.address()?;
    let started_at = site.clock.now();
    let tables = aside(|| {
        let mut outside = Outside::open(&address, false)?;
        match outside.engine() {
            Engine::Sqlite => {
                // 0x10002: all tables, not only those this connection asked; bit 0x1 would only tell what is to be done.
                let planned = outside.rows(Role::Reads, "PRAGMA optimize(0x10003)")?;
                let tables = planned.iter().filter_map(|row| row.text("optimize").ok()).map(|sql| table_of(&sql)).collect::<Vec<_>>();
                watched(&mut outside, watcher, step("gathering statistics", 0, 1), |outside| {
                    outside.batch(Role::Writes, "PRAGMA analysis_limit = 2000; PRAGMA optimize(0x10002)")
                })?;
                Ok::<_, Error>(tables)
            }
            Engine::Postgres => {
                watched(&mut outside, watcher, step("gathering statistics", 0, 1), |outside| outside.batch(Role::Reads, "ANALYZE"))?;
                Ok(vec!["all".to_owned()])
            }
        }
    })?;
    let took_ms = site.clock.now() - started_at;
    let summary =
        if tables.is_empty() { "the statistics were up to date".to_owned() } else { format!("statistics of {}", tables.join(", ")) };
    let detail = json!({ "tables": tables, "took_ms": took_ms });
    record(site, Record { kind: Kind::Optimize, started_at, outcome: Outcome::Passed, summary: &summary, detail });
    Ok(Optimized { tables, took_ms })
}

/// The table in `ANALYZE "main"."table"`.
fn table_of(sql: &str) -> String {
    sql.rsplit('.').next().unwrap_or(sql).trim_matches(['"', ';', ' ']).to_owned()
}

/// The file was written anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vacuumed {
    /// Bytes before, without the log.
    pub before: i64,
    /// Bytes after.
    pub after: i64,
    /// Milliseconds that it took.
    pub took_ms: i64,
}

/// Write the file anew without gaps, its indexes made anew; on PostgreSQL `VACUUM (ANALYZE)`, which stops nobody.
///
/// # Errors
/// [`Error::InUse`] while others write, [`Error::NoRoom`] when the disk cannot hold the copy, [`Error::Stopped`]: the file is then as it was.
pub fn vacuum(site: &Site, watcher: &dyn Watcher) -> Result<Vacuumed> {
    let address = site.address()?;
    let started_at = site.clock.now();
    let (before, after) = aside(|| {
        let mut outside = Outside::open(&address, false)?;
        let before = size(&mut outside)?;
        match &address {
            Address::Sqlite(path) => {
                others_do_not_write(&address, &mut outside)?;
                let room = u64::try_from(before).unwrap_or(0);
                has_room(path, room)?;
                watched(&mut outside, watcher, step("writing the file anew", 0, 2), |outside| {
                    // Else the whole copy would stand in memory. A vacuum alone copies an index as it is, with what is wrong in it.
                    outside.batch(Role::Writes, "PRAGMA temp_store = FILE; REINDEX; VACUUM")
                })?;
                watcher.told(step("emptying the log", 1, 2));
                // Shrinks the file; a reader that is still at it leaves this to the next one.
                truncate(&mut outside)?;
            }
            Address::Postgres(_) => {
                watched(&mut outside, watcher, step("vacuuming tables", 0, 1), |outside| outside.batch(Role::Reads, "VACUUM (ANALYZE)"))?;
            }
        }
        Ok::<_, Error>((before, size(&mut outside)?))
    })?;
    let took_ms = site.clock.now() - started_at;
    let summary = format!("{} before, {} after", bytes(before), bytes(after));
    let detail = json!({ "before": before, "after": after, "took_ms": took_ms });
    record(site, Record { kind: Kind::Vacuum, started_at, outcome: Outcome::Passed, summary: &summary, detail });
    Ok(Vacuumed { before, after, took_ms })
}

fn size(outside: &mut Outside) -> store::Result<i64> {
    let sql = match outside.engine() {
        Engine::Sqlite => "SELECT page_count * page_size AS value FROM pragma_page_count(), pragma_page_size()",
        Engine::Postgres => "SELECT pg_database_size(current_database()) AS value",
    };
    outside.first(sql, vals![])?.map_or(Ok(0), |row| row.int("value"))
}

/// Refuse while another process writes, or will in a moment: an agent that cannot write for a minute loses what it paid for.
fn others_do_not_write(address: &Address, outside: &mut Outside) -> Result<()> {
    let others: Vec<Holder> = holders::holders(address)?.into_iter().filter(|holder| !holder.is_self).collect();
    let writes = |holder: &&Holder| holder.role >= Role::Checkpoints || (holder.is_ours && holder.command.starts_with("agent"));
    let writing: Vec<&Holder> = others.iter().filter(writes).collect();
    if let Some(first) = writing.first() {
        let who = writing.iter().map(|holder| format!("{} {}", holder.name(), holder.role.words())).collect::<Vec<_>>().join(", ");
        return Err(Error::InUse { who, remedy: first.remedy(address) });
    }
    // Whoever writes without being seen is found by trying.
    let tried = outside.batch(Role::Idle, "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK; PRAGMA busy_timeout = 5000");
    match tried {
        Err(store::Error::Locked { holder, .. }) => Err(Error::InUse { who: holder, remedy: "wait for it".to_owned() }),
        other => Ok(other?),
    }
}

/// Where SQLite puts a temporary file, by its own order.
fn temporary() -> PathBuf {
    let named = ["SQLITE_TMPDIR", "TMPDIR"].iter().filter_map(std::env::var_os).map(PathBuf::from);
    named.chain(["/var/tmp", "/usr/tmp", "/tmp"].map(PathBuf::from)).find(|path| path.is_dir()).unwrap_or_else(|| PathBuf::from("."))
}

/// A vacuum writes the database twice: as a temporary file, and from there into the log beside it, which has the new indexes already.
fn has_room(database: &Path, size: u64) -> Result<()> {
    let beside = database.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let temporary = temporary();
    let device = |path: &Path| std::fs::metadata(path).map(|meta| meta.dev()).ok();
    // Some more for what is written meanwhile, and so that the disk is not filled to its last byte.
    let spare = size / 10 + 16 * 1_048_576;
    if device(beside) == device(&temporary) {
        return room(beside, 3 * size + spare);
    }
    room(beside, 2 * size + spare)?;
    room(&temporary, size + spare)
}

fn room(place: &Path, need: u64) -> Result<()> {
    let free = free(place)?;
    if free < need {
        return Err(Error::NoRoom { place: place.display().to_string(), free, need });
    }
    Ok(())
}

/// Bytes that are free in a directory's file system for who runs this.
pub(crate) fn free(place: &Path) -> Result<u64> {
    let told = rustix::fs::statvfs(place).map_err(|error| Error::Room { place: place.display().to_string(), reason: error.to_string() })?;
    Ok(told.f_bavail.saturating_mul(told.f_frsize))
}

/// How much a checkpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As much of the log as no reader needs; nobody waits.
    Passive,
    /// All of it, and the log's file is emptied. Where somebody reads or writes, it is left.
    Truncate,
}

/// The write-ahead log was taken into the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkpointed {
    /// Bytes of the log's file before.
    pub log_before: i64,
    /// Bytes of it afterwards.
    pub log_after: i64,
    /// Pages in the log, and those of them that are in the file by now. Equal when everything is.
    pub pages: (i64, i64),
    /// Whether all that was asked for was done.
    pub is_complete: bool,
    /// Why something was left, where something was: who keeps it.
    pub left: Vec<String>,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// Take the write-ahead log into the file. On PostgreSQL the server does it by itself; this asks for it and needs the right to.
///
/// # Errors
/// [`Error::Store`] when the database refuses, [`Error::Stopped`].
pub fn checkpoint(site: &Site, mode: Mode, watcher: &dyn Watcher) -> Result<Checkpointed> {
    let address = site.address()?;
    let started_at = site.clock.now();
    if watcher.is_stopped() {
        return Err(Error::Stopped);
    }
    watcher.told(step("taking the log into the file", 0, 1));
    let done = aside(|| match &address {
        Address::Sqlite(path) => of_file(&address, path, mode),
        Address::Postgres(_) => {
            let mut outside = Outside::open(&address, false)?;
            watched(&mut outside, watcher, step("checkpointing", 0, 1), |outside| outside.batch(Role::Reads, "CHECKPOINT"))?;
            let (left, remedy) = (Vec::new(), None);
            Ok(Checkpointed { log_before: 0, log_after: 0, pages: (0, 0), is_complete: true, left, remedy })
        }
    })?;
    let summary = if done.is_complete {
        format!("the log had {}, all of it is in the file", bytes(done.log_before))
    } else {
        format!("{} of {} pages are in the file; the rest waits: {}", done.pages.1, done.pages.0, done.left.join(", "))
    };
    let outcome = if done.is_complete { Outcome::Passed } else { Outcome::Problems };
    record(site, Record { kind: Kind::Checkpoint, started_at, outcome, summary: &summary, detail: json!(done) });
    Ok(done)
}

/// Take the log into the file and empty it, and tell whether that was done. Nobody waits, nothing is written down.
pub(crate) fn emptied(address: &Address) -> Result<bool> {
    aside(|| match address {
        Address::Sqlite(_) => {
            let mut outside = Outside::open(address, false)?;
            let (_, log, taken) = ask(&mut outside, "PRAGMA wal_checkpoint(PASSIVE)")?;
            Ok(!truncate(&mut outside)?.0 && taken >= log)
        }
        Address::Postgres(_) => {
            let mut outside = Outside::open(address, false)?;
            outside.batch(Role::Idle, "VACUUM")?;
            Ok(true)
        }
    })
}

/// The size of the log's file, without opening it: closing it again would let go of this process's own locks.
fn log_size(path: &Path) -> i64 {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(name).map_or(0, |meta| i64::try_from(meta.len()).unwrap_or(i64::MAX))
}

/// What the engine answers: whether it was kept from something, pages in the log, pages of it in the file.
fn ask(outside: &mut Outside, sql: &str) -> store::Result<(bool, i64, i64)> {
    let rows = outside.rows(Role::Checkpoints, sql)?;
    let Some(row) = rows.first() else { return Ok((false, 0, 0)) };
    // -1 where there is no log.
    Ok((row.flag("busy")?, row.int("log")?.max(0), row.int("checkpointed")?.max(0)))
}

/// Try a few times in a blink to empty the log. Nobody waits for this: while it waited for readers, no one could write.
fn truncate(outside: &mut Outside) -> store::Result<(bool, i64, i64)> {
    outside.batch(Role::Idle, "PRAGMA busy_timeout = 0")?;
    let mut found = (true, 0, 0);
    for _ in 0..20 {
        found = match ask(outside, "PRAGMA wal_checkpoint(TRUNCATE)") {
            Err(store::Error::Locked { .. }) => (true, found.1, found.2),
            other => other?,
        };
        if !found.0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(found)
}

fn of_file(address: &Address, path: &Path, mode: Mode) -> Result<Checkpointed> {
    let mut outside = Outside::open(address, false)?;
    let log_before = log_size(path);
    let (_, log, taken) = ask(&mut outside, "PRAGMA wal_checkpoint(PASSIVE)")?;
    let mut is_complete = taken >= log;
    if mode == Mode::Truncate {
        let (is_kept, ..) = truncate(&mut outside)?;
        is_complete &= !is_kept;
    }
    let (mut left, mut remedy) = (Vec::new(), None);
    if !is_complete {
        let keeps: Vec<Holder> = holders::holders(address)?
            .into_iter()
            .filter(|holder| holder.role >= Role::Reads && !(holder.is_self && holder.role == Role::Checkpoints))
            .collect();
        remedy = keeps.first().map(|holder| holder.remedy(address));
        left = keeps.iter().map(who_keeps).collect();
        if left.is_empty() {
            left.push("a reader that ended meanwhile".to_owned());
            remedy = Some("ask again".to_owned());
        }
    }
    Ok(Checkpointed { log_before, log_after: log_size(path), pages: (log, taken), is_complete, left, remedy })
}

fn who_keeps(holder: &Holder) -> String {
    let since = holder.since.map_or_else(String::new, |since| format!(" since {}", crate::base::clock::local(since)));
    format!("{} {}{since}", holder.name(), holder.role.words())
}
