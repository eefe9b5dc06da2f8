//! Making a backup.

use super::manifest::{self, Database, Index, Manifest};
use super::work::{Tell, both};
use super::{Backup, Create, Error, Finding, Result, crash, examine, files, listing, place, records, server, sqlite};
use crate::base::Millis;
use crate::store::holders::{Role, Seat};
use crate::store::{self, Address};
use crate::upkeep::Site;
use crate::upkeep::runs::{Kind, Outcome};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

/// The database of SQLite in a backup.
const SQLITE_FILE: &str = "deck.db";

/// What to do about a database that is damaged.
const REMEDY: &str = "keep this copy for what can still be read of it; `quarterdeck db check --full` says more, and \
                      `quarterdeck backup restore NAME --in-place` puts back a whole one that `quarterdeck backup list` names";

/// What was copied of the database.
pub(super) struct Copied {
    pub(super) database: Database,
    pub(super) file: manifest::File,
    pub(super) snapshot_at: Millis,
    /// Newest change of the vectors in the snapshot.
    pub(super) change: Option<i64>,
    /// What the full checks found in the copy.
    pub(super) findings: Vec<Finding>,
}

/// [`super::create`].
pub(super) fn create(site: &Site, asked: &Create, tell: &Tell) -> Result<Backup> {
    let started_at = site.clock.now();
    match make(site, asked, started_at, tell) {
        Err(Error::Stopped) => Err(Error::Stopped),
        Err(error) => {
            let summary = format!("no backup was made: {error}");
            records::note(site, Kind::Backup, started_at, Outcome::Failed, &clipped(&summary), &json!({}));
            Err(error)
        }
        done => done,
    }
}

/// A sentence for a row.
pub(super) fn clipped(text: &str) -> String {
    text.chars().take(500).collect()
}

fn make(site: &Site, asked: &Create, started_at: Millis, tell: &Tell) -> Result<Backup> {
    let (dir, address) = (site.backups(), site.address()?);
    if let Address::Sqlite(path) = &address
        && store::restoring(path).exists()
    {
        return Err(store::Error::Restoring { place: path.display().to_string() }.into());
    }
    let source_bytes = size_of(&address)?;
    let _held = place::hold(&dir)?;
    place::room(&dir, source_bytes)?;
    let sources = files::collect(&site.settings, asked.passphrase.as_ref())?;
    place::room(&dir, source_bytes + sources.bytes())?;
    let name = place::name(started_at);
    let target = dir.join(&name);
    let half = place::Passing::half_made(&dir, &name)?;
    let into = half.path();
    crash::point("backup:begun");

    // Before the snapshot: an index that is behind the rows is caught up, one that is ahead of them would have to be made anew.
    let mut written = sources.write(files::INDEX, into, tell)?;
    let copied = match &address {
        Address::Sqlite(path) => copy_sqlite(site, path, into, tell)?,
        Address::Postgres(url) => server::copy(site, url, into, tell)?,
    };
    crash::point("backup:copied");
    let index = copied.change.filter(|_| !written.is_empty()).map(|change| Index { change });
    written.push(copied.file);
    written.extend(sources.write(files::CONFIG, into, tell)?);
    written.extend(sources.write(files::SECRETS, into, tell)?);
    written.sort_by(|one, other| one.path.cmp(&other.path));
    crash::point("backup:files");

    let manifest = Manifest {
        format: manifest::FORMAT,
        name: name.clone(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        snapshot_at: copied.snapshot_at,
        ended_at: site.clock.now(),
        database: copied.database,
        files: written,
        index,
        redacted: sources.redacted.clone(),
    };
    let mut text = serde_json::to_string_pretty(&manifest)
        .map_err(|error| Error::Manifest { name: name.clone(), reason: format!("it cannot be written: {error}") })?;
    text.push('\n');
    let digest = crate::base::sha256_hex(text.as_bytes());
    place::write(&into.join(manifest::FILE_NAME), text.as_bytes())?;
    place::write(&into.join(manifest::DIGEST_NAME), format!("{digest}  {}\n", manifest::FILE_NAME).as_bytes())?;
    flush(into, &manifest)?;
    crash::point("backup:manifest");
    tell.check()?;
    half.rename(&target)?;
    crash::point("backup:renamed");

    let mut backup = listing::backup(&target, &name, None);
    let took = site.clock.now() - started_at;
    let is_whole = copied.findings.is_empty();
    let outcome = if is_whole { Outcome::Passed } else { Outcome::Problems };
    let mut detail = records::detail(&backup);
    detail["took_ms"] = took.into();
    detail["findings"] = records::findings(&copied.findings);
    let summary = if is_whole {
        format!("{name}: {} in {} tables, {}", counted(backup.rows), manifest.database.tables.len(), place::size(backup.bytes))
    } else {
        format!("{name} was made of a damaged database: {}", joined(&copied.findings))
    };
    backup.notes.extend(sources.notes);
    backup.notes.extend(copied.findings.iter().map(ToString::to_string));
    if !is_whole {
        backup.notes.push(REMEDY.to_owned());
    }
    backup.is_faulty = !is_whole;
    let unwritten = records::note(site, Kind::Backup, started_at, outcome, &clipped(&summary), &detail);
    backup.verified_at = (is_whole && unwritten.is_none()).then(|| site.clock.now());
    backup.notes.extend(unwritten);
    crash::point("backup:recorded");
    Ok(backup)
}

/// Rows for people.
fn counted(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

/// Findings as one sentence.
pub(super) fn joined(findings: &[Finding]) -> String {
    let mut texts: Vec<String> = findings.iter().take(5).map(ToString::to_string).collect();
    if findings.len() > texts.len() {
        texts.push(format!("and {} more", findings.len() - texts.len()));
    }
    texts.join("; ")
}

/// Bring every directory of the backup to the disk; its files are there already.
fn flush(into: &Path, manifest: &Manifest) -> Result<()> {
    let mut directories: Vec<PathBuf> =
        manifest.files.iter().filter_map(|file| into.join(&file.path).parent().map(Path::to_path_buf)).collect();
    directories.push(into.to_path_buf());
    directories.sort();
    directories.dedup();
    directories.iter().rev().try_for_each(|directory| place::flush_directory(directory))
}

/// How much the database will take.
fn size_of(address: &Address) -> Result<u64> {
    match address {
        Address::Sqlite(path) => {
            let found = std::fs::metadata(path).map_err(|error| Error::io("read", path, &error))?;
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            Ok(found.len() + std::fs::metadata(log).map_or(0, |log| log.len()))
        }
        Address::Postgres(url) => server::size(url),
    }
}

/// Copy an SQLite database while it is written, count what the snapshot holds, and compare the copy with it.
fn copy_sqlite(site: &Site, path: &Path, into: &Path, tell: &Tell) -> Result<Copied> {
    let to = &into.join(SQLITE_FILE);
    drop(place::new_file(to)?);
    let found = std::fs::metadata(path).map_err(|error| Error::io("read", path, &error))?;
    // So that whoever looks for what holds the log finds this.
    let seat = Seat::take(&Address::Sqlite(path.to_path_buf()), 1);
    let marks = seat.as_ref().map(Seat::marks);
    if let Some(marks) = &marks {
        marks.begins(0, Role::Reads);
    }
    let snapshot = sqlite::snapshot(path)?;
    let snapshot_at = site.clock.now();
    let sqlite::Snapshot { copied, counted } = snapshot;
    let (copy_is_there, wait_for_copy) = mpsc::sync_channel::<()>(1);
    let (mut findings, (database, file, change, unread)) = both(
        || {
            sqlite::copy(&copied, to, tell)?;
            drop(copied);
            // Nobody waits any more when the counting failed: that is told by its own error.
            let _ = copy_is_there.send(());
            drop(copy_is_there);
            let copy = sqlite::open_copy(to, tell)?;
            sqlite::check(&copy, to, SQLITE_FILE)
        },
        move || {
            // A database that is damaged is copied as far as it can be read: it may be all that is left.
            let (tables, mut unread) = sqlite::tables(&counted, path, tell)?;
            let database = Database {
                engine: "sqlite".to_owned(),
                engine_version: rusqlite::version().to_owned(),
                schema_version: sqlite::salvaged(sqlite::schema_version(&counted, path), "schema_migrations", &mut unread)?,
                schema_digest: sqlite::schema_digest(&counted, path)?,
                file: SQLITE_FILE.to_owned(),
                audit: sqlite::salvaged(sqlite::audit_head(&counted, path), "audit_log", &mut unread)?,
                tables,
            };
            let change = sqlite::salvaged(sqlite::vector_change(&counted, path), "search_vectors_state", &mut unread)?;
            drop(counted);
            if let Some(marks) = &marks {
                marks.ends(0);
            }
            // The copying failed, which is told by its own error.
            wait_for_copy.recv().map_err(|_| Error::Stopped)?;
            let copy = sqlite::open_copy(to, tell)?;
            let (copied, unread_there) = sqlite::tables(&copy, to, tell)?;
            let mut faults = examine::compare_tables(&database.tables, &copied);
            if sqlite::schema_digest(&copy, to)? != database.schema_digest {
                faults.push(Finding::new(super::Fault::WrongSchema, SQLITE_FILE, "its schema is not that of the snapshot"));
            }
            for finding in unread_there {
                if !unread.contains(&finding) {
                    unread.push(finding);
                }
            }
            if !faults.is_empty() && unread.is_empty() {
                return Err(Error::Differs { faults: joined(&faults) });
            }
            // Where a table cannot be read to its end, one connection may read further than the other.
            unread.extend(faults);
            let file = files::entry(into, SQLITE_FILE, "database", place::mode(&found), snapshot_at, tell)?;
            Ok((database, file, change, unread))
        },
    )?;
    findings.extend(unread);
    Ok(Copied { database, file, snapshot_at, change, findings: super::verify::sorted(findings) })
}
