//! The database: its engine, whether it opens, whether it is whole, and its write-ahead log.

use crate::base::clock::duration;
use crate::rounds::bounded::bounded;
use crate::rounds::found::{Found, Look, bytes as bytes_of, count};
use crate::rounds::patient::{Opened, Patient};
use crate::rounds::rows;
use crate::store::audit::Actor;
use crate::store::{self, Database, Error};
use crate::upkeep::care;
use crate::upkeep::progress::Unwatched;
use crate::upkeep::runs::{self, Kind};
use serde_json::json;
use std::time::Duration;

const DAY: i64 = 86_400_000;
/// A full check is due after this.
const FULL_CHECK: i64 = 35 * DAY;
/// Bytes of the log that somebody should look at, and those that fill disks.
const LOG: (u64, u64) = (64 << 20, 1 << 30);

/// The engine has no known fault that damages files.
pub(super) fn engine(_: &Patient) -> Look {
    let (version, is_safe) = store::sqlite_version();
    let detail = json!({ "version": version, "is_safe": is_safe });
    Ok(if is_safe {
        Found::pass(format!("SQLite {version} is built in")).detail(detail)
    } else {
        let why = format!("SQLite {version} may damage a write-ahead log that several processes share; 3.51.3 or newer is needed");
        Found::fail(why).remedy("build or install this program with a newer SQLite", "quarterdeck --version").detail(detail)
    })
}

/// How long a tiny write may take: one that waits for longer keeps decisions waiting.
const WRITE: Duration = Duration::from_secs(2);

/// Whether the open database can be written to, by the tiny write that the health board measures with.
fn written(db: &Database, place: &str) -> Found {
    let db = db.clone();
    match bounded(WRITE, move || db.write_blocking(store::pulse::beat)) {
        Ok(Ok(())) => Found::pass(format!("{place} answers; its schema is of version {}", store::newest_version())),
        Ok(Err(error @ Error::Locked { .. })) => Found::fail(error.to_string()).remedy("find who holds it", "quarterdeck db holders"),
        Ok(Err(error)) => Found::fail(format!("{place} can be read and not written to: {error}")).remedy(
            "see who owns the file and its directory, who may write there, and whether the disk has room",
            "quarterdeck doctor --only permissions,disk",
        ),
        Err(_) => Found::warn(format!("{place} answers, and a write has waited two seconds and is not through"))
            .remedy("find who holds it", "quarterdeck db holders"),
    }
}

/// The database opens and can be written to, and its schema fits this program.
pub(super) fn opens(patient: &Patient) -> Look {
    let place = patient.address().map(|address| address.masked()).unwrap_or_default();
    let detail = json!({ "place": place, "schema": store::newest_version() });
    Ok(match patient.opened() {
        Opened::Open(db) => written(db, &place),
        Opened::Absent(path) => Found::warn(format!("there is no database at {} yet", path.display()))
            .remedy("make it, or say where it is with --database", "quarterdeck db migrate"),
        Opened::Nowhere => Found::unknown("the settings do not say where it is").remedy("correct the settings", "quarterdeck config check"),
        Opened::TooSlow => Found::fail(format!("{place} does not answer within ten seconds"))
            .remedy("look whether its server or its disk answers, and who holds it", "quarterdeck db holders"),
        Opened::Refused(error) => {
            let (text, command) = match error {
                Error::OlderSchema { .. } => ("bring it to the version of this program; it is copied first", "quarterdeck db migrate"),
                Error::NewerSchema { .. } => ("use the newer program", "quarterdeck --version"),
                Error::Corrupt { .. } => ("keep the file as it is, and restore the newest backup", "quarterdeck backup list"),
                Error::Locked { .. } => ("find who holds it", "quarterdeck db holders"),
                Error::ForeignMigration { .. } => ("do not go on: compare the versions, or restore", "quarterdeck backup list"),
                _ => ("look whether the file or the server is there and may be opened", "quarterdeck config show"),
            };
            Found::fail(error.to_string()).remedy(text, command)
        }
    }
    .detail(detail))
}

/// The quick check finds nothing, and the full one is not long ago.
pub(super) fn integrity(patient: &Patient) -> Look {
    let (said, last) = patient.read(|c| Ok::<_, Error>((rows::quick_check(c)?, runs::last(c, Kind::CheckFull)?)))?;
    let now = patient.now();
    let detail = json!({ "quick_check": said, "full_check_at": last.as_ref().map(|run| run.ended_at) });
    if let Some(damage) = said.as_ref().filter(|said| *said != &["ok"]) {
        let first = damage.first().map_or("", String::as_str);
        let why = format!("the quick check found {}: {first}", count(damage.len(), "fault", "faults"));
        return Ok(Found::fail(why)
            .remedy("keep the file as it is, and restore the newest backup", "quarterdeck backup list")
            .detail(detail));
    }
    let full = "quarterdeck db check --full";
    let found = match &last {
        _ if said.is_none() => Found::pass("the server keeps checksums of its own"),
        None => Found::warn("the quick check found nothing; the full check was never made").remedy("check it in full", full),
        Some(run) if run.outcome != runs::Outcome::Passed => {
            Found::fail(format!("the last full check did not pass: {}", run.summary)).remedy("check again, then restore a backup", full)
        }
        Some(run) if now - run.ended_at > FULL_CHECK => {
            Found::warn(format!("the last full check was {} ago", duration(now - run.ended_at))).remedy("check it in full", full)
        }
        Some(run) => Found::pass(format!("the quick check found nothing; the full one {} ago neither", duration(now - run.ended_at))),
    };
    Ok(found.detail(detail))
}

/// The size of the log beside the file; `None` where there is no such file.
fn log_bytes(patient: &Patient) -> Option<u64> {
    let mut name = patient.database_file()?.into_os_string();
    name.push("-wal");
    Some(std::fs::metadata(name).map_or(0, |found| found.len()))
}

/// How a size is judged. Pure.
fn judge_log(size: u64) -> Found {
    let command = "quarterdeck db checkpoint --truncate";
    match size {
        _ if size > LOG.1 => Found::fail(format!("the write-ahead log has grown to {}", bytes_of(size)))
            .remedy("find the reader that holds it, then take it into the file", command),
        _ if size > LOG.0 => Found::warn(format!("the write-ahead log has {}: a long reader may hold it", bytes_of(size)))
            .remedy("take it into the file", command),
        _ => Found::pass(format!("the write-ahead log has {}", bytes_of(size))),
    }
}

/// The write-ahead log is taken into the file.
pub(super) fn wal(patient: &Patient) -> Look {
    let Some(size) = log_bytes(patient) else {
        return Ok(match patient.address() {
            Some(_) => Found::pass("the server keeps its own log"),
            None => Found::unknown("the settings do not say where the database is"),
        });
    };
    Ok(judge_log(size).detail(json!({ "wal_bytes": size })))
}

/// Take the log into the file.
pub(super) fn checkpoint(patient: &Patient, actor: &Actor) -> Result<String, Found> {
    patient.db()?;
    let done = care::checkpoint(&patient.site(actor)?, care::Mode::Truncate, &Unwatched)?;
    let size = |bytes: i64| bytes_of(u64::try_from(bytes).unwrap_or_default());
    match done.left.first() {
        Some(left) if !done.is_complete => Err(Found::warn(format!("some of the log is left: {left}"))),
        _ => Ok(format!("took the log into the file: {} before, {} now", size(done.log_before), size(done.log_after))),
    }
}

impl From<care::Error> for Found {
    fn from(error: care::Error) -> Self {
        match error {
            care::Error::Store(error) => error.into(),
            other => Self::unknown(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::found::Verdict;

    #[test]
    fn a_log_is_judged_by_its_size() {
        assert_eq!(judge_log(0).verdict, Verdict::Pass);
        assert_eq!(judge_log(LOG.0 + 1).verdict, Verdict::Warn);
        assert_eq!(judge_log(LOG.1 + 1).verdict, Verdict::Fail);
    }
}
