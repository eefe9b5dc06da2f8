//! The database: whether it answers, how quickly a write gets through, its log, the room on its disk, when it was checked.

use super::writer;
use super::{Facts, Part, remedy};
use crate::base::{Millis, clock};
use crate::store::holders::holders;
use crate::store::pulse::{Reading, Refusal};
use crate::store::{Address, Conn, Result, newest_version};
use crate::upkeep::runs::{self, Kind, Outcome};
use crate::watch::board::Maintenance;
use crate::watch::health::Status;
use crate::watch::probe::state::latency;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A write-ahead log this large waits for a reader to end: it should have been taken into the file long before.
const LOG_LARGE: u64 = 64 << 20;
/// One this large fills disks.
const LOG_HUGE: u64 = 1 << 30;
/// A read that takes longer is slow.
const READ_SLOW: Duration = Duration::from_secs(1);
/// With less room left a backup, a vacuum or a night of writing may not fit.
const ROOM_LOW: u64 = 1 << 30;
/// With less room left writes fail soon.
const ROOM_NONE: u64 = 200 << 20;
/// A full check is older than this: overdue. The runbooks do it every week.
const CHECK_OVERDUE: Millis = 8 * 86_400_000;

pub(super) fn parts(
    c: &mut dyn Conn,
    facts: &Facts,
    address: &Address,
    pulse: &Reading,
    started: Instant,
    now: Millis,
) -> Result<Vec<Part>> {
    let read = started.elapsed();
    let writer::Measured { slowest, refused, why } = writer::measured(c, pulse, now)?;
    let verdict = writer::verdict(slowest.unwrap_or_default(), refused);
    // Whoever is in the way is looked for only when something is.
    let all = if verdict >= Status::Degraded { holders(address).unwrap_or_default() } else { Vec::new() };
    let holder = writer::culprit(&all);
    let log = file(address).map(|path| size(&with(&path, "-wal")));
    let engine = if matches!(address, Address::Sqlite(_)) { "SQLite" } else { "PostgreSQL" };
    let mut detail = json!({ "millis": read.as_millis(), "schema": newest_version(), "engine": engine, "wal_bytes": log });
    if let (Some(into), Value::Object(more)) = (detail.as_object_mut(), writer::detail(slowest, refused, holder)) {
        into.extend(more);
    }
    let took = slowest.map(|slowest| latency(u64::try_from(slowest.as_micros()).unwrap_or(u64::MAX)));
    let database = if verdict >= Status::Degraded {
        let waits = pulse.waiting.filter(|waiting| Some(*waiting) == slowest).is_some();
        let what = match took.unwrap_or_default() {
            _ if refused > 0 => format!("writes were refused in the last minute: {}", why.as_deref().unwrap_or("the database is locked")),
            took if waits => format!("a write has waited {took} and is not through"),
            took => format!("a write took {took} in the last minute"),
        };
        let is_unwritable = refused > 0 && why.as_deref() == Some(Refusal::Unwritable.reason());
        let (reason, first) = match holder {
            _ if is_unwritable => {
                (what, "See who owns the file and its directory, who may write there, and whether the disk has room.".to_owned())
            }
            Some(holder) if !holder.is_self => {
                (format!("{what}; {} writes", holder.name()), format!("{} holds it: {}.", holder.name(), holder.remedy(address)))
            }
            _ if pulse.held_by.is_some() => {
                let (name, remedy) = pulse.held_by.clone().unwrap_or_default();
                (format!("{what}, while {name} held it"), format!("{name} held it: {remedy}."))
            }
            _ => (what, "See who holds it: an import, a vacuum or another program with the file open; else its disk is slow.".to_owned()),
        };
        Part::hurt("database", verdict, reason, detail, remedy(first, Some("quarterdeck db holders"), None))
    } else if read >= READ_SLOW {
        let first = remedy("See what is slow, and whether the planner's statistics are old.", Some("quarterdeck db slow"), None);
        Part::hurt("database", Status::Degraded, format!("a read took {} ms", read.as_millis()), detail, first)
    } else if let Some(bytes) = log.filter(|bytes| *bytes >= LOG_LARGE) {
        let status = if bytes >= LOG_HUGE { Status::Unhealthy } else { Status::Degraded };
        let first = remedy(
            "A reader keeps the log from being taken into the file: end it, then take the log in.",
            Some("quarterdeck db checkpoint"),
            Some(Maintenance::Checkpoint),
        );
        Part::hurt("database", status, format!("its write-ahead log has {} MiB", bytes >> 20), detail, first)
    } else {
        Part::healthy(
            "database",
            took.map_or_else(|| "it answers".to_owned(), |took| format!("it answers; a write takes up to {took}")),
            detail,
        )
    };
    Ok(vec![database, disk(facts, address), integrity(c, now)?])
}

fn file(address: &Address) -> Option<PathBuf> {
    match address {
        Address::Sqlite(path) => Some(path.clone()),
        Address::Postgres(_) => None,
    }
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

/// Room on the disk of the database, or of the data directory where the database is on a server.
fn disk(facts: &Facts, address: &Address) -> Part {
    let place = file(address).and_then(|path| path.parent().map(Path::to_path_buf)).or_else(|| facts.data_dir.clone());
    let first = |text: &str| remedy(text, Some("quarterdeck db sizes"), None);
    let unknown = |reason: String| Part::hurt("disk", Status::Unknown, reason, Value::Null, first("Look at the server's disk."));
    let Some(place) = place else { return unknown("the database is on a server: its disk is not seen from here".to_owned()) };
    let place = if place.as_os_str().is_empty() { PathBuf::from(".") } else { place };
    let Ok(found) = rustix::fs::statvfs(&place) else { return unknown("how much room its disk has could not be read".to_owned()) };
    let (free, all) = (found.f_bavail.saturating_mul(found.f_frsize), found.f_blocks.saturating_mul(found.f_frsize));
    let needed = file(address).map_or(0, |path| size(&path)).saturating_mul(2);
    let detail = json!({ "free_bytes": free, "disk_bytes": all, "database_bytes": needed / 2 });
    let words = format!("{} MiB of {} GiB are left", free >> 20, all >> 30);
    match () {
        () if free < ROOM_NONE => Part::hurt(
            "disk",
            Status::Unhealthy,
            format!("{words}: writes fail soon"),
            detail,
            first("Make room now: old backups and logs first."),
        ),
        () if free < ROOM_LOW || free < needed => Part::hurt(
            "disk",
            Status::Degraded,
            format!("{words}: a backup or a vacuum may not fit"),
            detail,
            first("Make room: old backups first, then what retention may take."),
        ),
        () => Part::healthy("disk", words, detail),
    }
}

fn integrity(c: &mut dyn Conn, now: Millis) -> Result<Part> {
    let last = runs::last(c, Kind::CheckFull)?;
    let quick = runs::last(c, Kind::CheckQuick)?;
    let newest = [last.clone(), quick].into_iter().flatten().max_by_key(|run| run.ended_at);
    let first = |text: &str| remedy(text, Some("quarterdeck db check --full"), Some(Maintenance::CheckDatabase));
    let detail = json!({ "checked_at": last.as_ref().map(|run| run.ended_at) });
    if let Some(bad) = newest.as_ref().filter(|run| run.outcome == Outcome::Problems) {
        let first =
            remedy("Keep the file as it is, and restore the newest backup that was verified.", Some("quarterdeck backup list"), None);
        return Ok(Part::hurt("integrity", Status::Unhealthy, format!("the last check found problems: {}", bad.summary), detail, first));
    }
    Ok(match last {
        None => Part::hurt(
            "integrity",
            Status::Unknown,
            "it was never checked in full",
            detail,
            first("Check it in full; it may take minutes."),
        ),
        Some(run) if run.outcome == Outcome::Failed => Part::hurt(
            "integrity",
            Status::Degraded,
            format!("the last full check did not end: {}", run.summary),
            detail,
            first("Check it again."),
        ),
        Some(run) => {
            let age = clock::duration(now - run.ended_at);
            if now - run.ended_at > CHECK_OVERDUE {
                Part::hurt(
                    "integrity",
                    Status::Degraded,
                    format!("the last full check is {age} old"),
                    detail,
                    first("Check it in full; it may take minutes."),
                )
            } else {
                Part::healthy("integrity", format!("checked in full {age} ago"), detail)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock as _;
    use crate::base::SystemClock;
    use crate::store::testing::database;
    use crate::store::{Error, audit::Actor};

    fn looked(pulse: Reading) -> Vec<Part> {
        let (db, _guard) = database();
        let address = db.address().clone();
        let now = SystemClock.now();
        db.read_blocking(move |c| parts(c, &Facts::default(), &address, &pulse, Instant::now(), now)).unwrap()
    }

    #[test]
    fn a_slow_or_refused_write_shows_with_a_remedy() {
        let with = |millis, refused| {
            let slowest = Some(Duration::from_millis(millis));
            looked(Reading { beats: 1, last: slowest, slowest, refused, ..Reading::default() }).remove(0)
        };
        assert_eq!(with(3, 0).status, Status::Healthy);
        let slow = with(600, 0);
        assert_eq!((slow.status, slow.remedy.is_some()), (Status::Degraded, true));
        assert!(slow.reason.contains("600 ms"), "{}", slow.reason);
        assert_eq!(with(2_500, 0).status, Status::Unhealthy);
        assert!(with(3, 1).reason.contains("locked"));
        let waits = Reading { waiting: Some(Duration::from_secs(3)), ..Reading::default() };
        let waits = looked(waits).remove(0);
        assert_eq!(waits.status, Status::Unhealthy, "one that waits counts before it has ended");
        assert!(waits.reason.contains("has waited 3.0 s and is not through"), "{}", waits.reason);
        let refused = Reading { refused: 1, refusal: Some(Refusal::Unwritable), ..Reading::default() };
        let refused = looked(refused).remove(0);
        assert!(refused.reason.contains("cannot be written to"), "{}", refused.reason);
        assert!(refused.remedy.unwrap().text.contains("who may write there"));
    }

    #[test]
    fn a_check_that_was_never_made_is_unknown_and_one_that_found_something_is_bad() {
        let (db, _guard) = database();
        let seen = db
            .write_blocking(|c| {
                let never = integrity(c, 10)?.status;
                let mut all = vec![never];
                for (outcome, at, now) in [(Outcome::Passed, 1, 2), (Outcome::Passed, 2, 3 + CHECK_OVERDUE), (Outcome::Problems, 5, 6)] {
                    let done = runs::Done {
                        kind: Kind::CheckFull,
                        started_at: at,
                        ended_at: at,
                        outcome,
                        summary: "rows are missing",
                        detail: &Value::Null,
                        actor: &Actor::human("ann"),
                    };
                    runs::record(c, &done)?;
                    all.push(integrity(c, now)?.status);
                }
                Ok::<_, Error>(all)
            })
            .unwrap();
        assert_eq!(seen, [Status::Unknown, Status::Healthy, Status::Degraded, Status::Unhealthy]);
    }
}
