//! An erasure in its order: first what keeps the person from coming back, then every place, then the pages that were freed.
//!
//! Killed anywhere, it is asked for again: what is done is found done. The list beside the backups comes first, because a backup that is
//! restored in between would else bring the person back unnoticed.

use super::catalogue::{self, Table};
use super::error::{Error, Result};
use super::held::Holds;
use super::report::{Asked, Erased, Kept, Left, Touched};
use super::rows::{self, Became, Doing};
use super::words::Person;
use crate::base::{Millis, new_id};
use crate::moderation::left_alone;
use crate::store::audit::{self, Actor};
use crate::store::outside::aside;
use crate::store::{self, Conn, Database, feed};
use crate::upkeep::progress::{Progress, Unit, Watcher};
use crate::upkeep::retention::archive::Archive;
use crate::upkeep::retention::holds::{self, plain};
use crate::upkeep::runs::{self, Done, Kind, Outcome};
use crate::upkeep::{Site, backup, care};
use crate::vals;
use serde_json::{Value, json};
use std::path::Path;

/// Rows that are changed in one transaction.
const PORTION: usize = 40;

/// Why something stays under a hold.
pub(super) const HELD: &str = "a legal hold keeps it; ask again once that is released";
/// Why something stays that is perhaps meant.
pub(super) const PERHAPS: &str =
    "the name is an ordinary word there, or a part of a longer one, and perhaps not meant; `--everywhere` takes it out too";

/// Take a person out of everything, or tell what that would change.
///
/// # Errors
/// [`Error`]: what was done until then stays done, and asking again does the rest.
pub fn erase(site: &Site, asked: &Asked, watcher: &dyn Watcher) -> Result<Erased> {
    aside(|| {
        let started_at = site.clock.now();
        let mut work = Work::open(site, asked, watcher)?;
        work.know()?;
        if !asked.dry_run {
            work.begin(&asked.name)?;
        }
        work.everything()?;
        if !asked.dry_run {
            work.finish(started_at)?;
        }
        let mut report = work.report;
        report.is_complete = report.kept.iter().all(|kept| kept.goes_by_itself);
        Ok(report)
    })
}

/// Look again whether anything of a person is left: in every text of every table, in search, in the archives and in the audit log.
///
/// # Errors
/// As [`erase`].
pub fn status(site: &Site, name: &str, everywhere: bool, watcher: &dyn Watcher) -> Result<Left> {
    let erased = backup::erasures::read(&site.backups())?;
    let erased_at = erased.iter().filter(|erased| erased.is_of(name)).map(|erased| erased.at).max();
    aside(|| {
        let asked = Asked { name: name.to_owned(), dry_run: true, everywhere };
        let mut work = Work::open(site, &asked, watcher)?;
        work.know()?;
        work.everything()?;
        Ok(Left { erased_at, found: work.report.touched, kept: work.report.kept })
    })
}

pub(super) struct Work<'a> {
    pub(super) site: &'a Site,
    watcher: &'a dyn Watcher,
    pub(super) db: Database,
    pub(super) person: Person,
    /// The archive, which nobody else writes to meanwhile; none where nothing is changed.
    pub(super) archive: Option<Archive>,
    pub(super) report: Erased,
}

impl<'a> Work<'a> {
    fn open(site: &'a Site, asked: &Asked, watcher: &'a dyn Watcher) -> Result<Self> {
        let name = plain(&asked.name);
        if !(3..=20).contains(&name.len()) || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            return Err(Error::Name);
        }
        let db = site.existing_database()?;
        let person = Person::new(&name, asked.everywhere);
        let looked = person.clone();
        let (is_ours, held) = db.read_blocking(move |c| {
            let own = c.first("SELECT 1 AS one FROM personas WHERE lower(reddit_username) = CAST($1 AS TEXT)", vals![looked.name()])?;
            Ok::<_, store::Error>((own.is_some(), holds::of_user(c, looked.name())?))
        })?;
        if is_ours {
            return Err(Error::OwnAccount);
        }
        if let Some(hold) = held.filter(|_| !asked.dry_run) {
            return Err(Error::Held { id: crate::base::short(&hold.id).to_owned(), reason: hold.reason });
        }
        // Before anything is changed: a retention run that archives meanwhile would be overwritten.
        let archive = if asked.dry_run { None } else { Some(Archive::open(&site.settings.data_dir)?) };
        let report = Erased {
            request: new_id(),
            dry_run: asked.dry_run,
            touched: Vec::new(),
            kept: Vec::new(),
            withdrawn: 0,
            to_read_again: 0,
            is_complete: false,
        };
        Ok(Self { site, watcher, db, person, archive, report })
    }

    pub(super) fn writes(&self) -> bool {
        self.archive.is_some()
    }

    /// Which posts and comments are theirs, by everything that tells, before any of it goes.
    fn know(&mut self) -> Result<()> {
        let person = self.person.clone();
        let mut ids = self.db.read_blocking(move |c| rows::ids(c, &person))?;
        ids.extend(self.archived_ids()?);
        ids.sort();
        ids.dedup();
        self.person.ids = ids;
        Ok(())
    }

    fn doing(&self) -> Doing {
        Doing { person: self.person.clone(), write: self.writes(), actor: self.site.actor.clone(), at: self.site.clock.now() }
    }

    /// What keeps the person from coming back.
    fn begin(&mut self, name: &str) -> Result<()> {
        let now = self.site.clock.now();
        let erased = backup::erasures::Erased::new(name, now, &self.report.request);
        backup::erasures::append(&self.site.backups(), &erased)?;
        let (person, actor, request) = (self.person.name().to_owned(), self.site.actor.clone(), self.report.request.clone());
        self.report.withdrawn = self.db.write_blocking(move |c| {
            let ended = left_alone::withdraw(c, &person, &actor, now)?.len();
            c.exec(
                "INSERT INTO erased_people (id, salt, digest, run_id, at) VALUES ($1, $2, $3, $4, $5)",
                vals![new_id(), &erased.salt, &erased.digest, &request, now],
            )?;
            let after = json!({ "request": request, "salt": erased.salt, "digest": erased.digest, "withdrawn": ended });
            log(c, &actor, "erasure.begin", &request, &after, now)?;
            Ok::<_, Error>(ended)
        })?;
        Ok(())
    }

    fn told(&self, stage: &'static str, done: usize, total: usize) -> Result<()> {
        self.watcher.told(Progress { stage, done: done as u64, total: Some(total as u64), unit: Unit::Steps });
        if self.watcher.is_stopped() { Err(Error::Stopped) } else { Ok(()) }
    }

    pub(super) fn touched(&mut self, place: &str, rows: u64) {
        if rows > 0 {
            self.report.touched.push(Touched { place: place.to_owned(), rows });
        }
    }

    pub(super) fn kept(&mut self, place: &str, rows: u64, why: &str) {
        if rows > 0 {
            self.report.kept.push(Kept { place: place.to_owned(), rows, why: why.to_owned(), goes_by_itself: false });
        }
    }

    fn everything(&mut self) -> Result<()> {
        let tables = self.db.read_blocking(catalogue::tables)?;
        let (last, first): (Vec<Table>, Vec<Table>) =
            tables.into_iter().partition(|table| catalogue::SOURCES.contains(&table.name.as_str()));
        let steps = first.len() + last.len() + 4;
        for (number, table) in first.iter().enumerate() {
            self.table(table, (number, steps))?;
        }
        let doing = self.doing();
        let (cached, mutes) = self.changing(move |c| {
            let holds = Holds::load(c)?;
            Ok((rows::cached(c, &doing)?, rows::mutes(c, &holds, &doing)?))
        })?;
        self.count("response_cache", &cached);
        self.count("mutes", &mutes);
        self.told("going through the audit log", first.len(), steps)?;
        self.audit_log()?;
        self.told("going through archives", first.len() + 1, steps)?;
        self.archives()?;
        for (number, table) in last.iter().enumerate() {
            self.table(table, (first.len() + 2 + number, steps))?;
        }
        // Search is made again from the rows, which by now say less.
        self.told("going through search", steps - 2, steps)?;
        let doing = self.doing();
        let (found, files) = self.changing(move |c| Ok(rows::search(c, &doing)?))?;
        self.touched("search", found);
        for file in files {
            self.kept(&file, 1, "it is a file of yours: take the name out of it, and search follows");
        }
        self.logs();
        self.copies()
    }

    /// Go through a table, portion by portion.
    fn table(&mut self, table: &Table, (number, steps): (usize, usize)) -> Result<()> {
        self.told("going through tables", number, steps)?;
        let (looked, person) = (table.clone(), self.person.clone());
        let keys = self.db.read_blocking(move |c| rows::candidates(c, &looked, &person))?;
        let mut became = Vec::with_capacity(keys.len());
        for portion in keys.chunks(PORTION) {
            let (table, doing, keys) = (table.clone(), self.doing(), portion.to_vec());
            became.extend(self.changing(move |c| {
                let holds = Holds::load(c)?;
                keys.iter().map(|key| rows::take_out(c, &table, key, &holds, &doing)).collect::<Result<Vec<_>>>()
            })?);
            self.told("going through tables", number, steps)?;
        }
        self.report.to_read_again += became.iter().filter(|became| **became == Became::ToReadAgain).count();
        self.count(&table.name, &became);
        let (looked, doing) = (table.clone(), self.doing());
        let (gone, named) = self.changing(move |c| Ok(rows::named(c, &looked, &doing)?))?;
        self.touched(&table.name, gone);
        self.kept(&table.name, named, "the name is part of the key, which cannot be changed: remove what is called so, then ask again");
        Ok(())
    }

    fn audit_log(&mut self) -> Result<()> {
        let person = self.person.clone();
        let logged = self.db.read_blocking(move |c| rows::logged(c, &person))?;
        let mut became = Vec::with_capacity(logged.len());
        for portion in logged.chunks(PORTION) {
            let (seqs, doing, why) = (portion.to_vec(), self.doing(), format!("erasure {}", self.report.request));
            became.extend(self.changing(move |c| {
                let holds = Holds::load(c)?;
                Ok(seqs.iter().map(|seq| rows::redact(c, *seq, &why, &holds, &doing)).collect::<store::Result<Vec<_>>>()?)
            })?);
        }
        self.count("audit_log", &became);
        Ok(())
    }

    /// Run work in a transaction that writes where this one does, and on a reader where it only looks.
    fn changing<T: Send + 'static>(&self, work: impl FnOnce(&mut dyn Conn) -> Result<T> + Send + 'static) -> Result<T> {
        if !self.writes() {
            return self.db.read_blocking(work);
        }
        self.db.write_blocking(move |c| {
            rows::overwrite(c)?;
            work(c)
        })
    }

    fn count(&mut self, place: &str, became: &[Became]) {
        let count = |what: Became| became.iter().filter(|became| **became == what).count() as u64;
        self.touched(place, count(Became::TakenOut) + count(Became::ToReadAgain));
        self.kept(place, count(Became::Held), HELD);
        self.kept(place, count(Became::UnderWay), "it is being sent, or it is not known whether it was; settle it, then ask again");
        self.kept(place, count(Became::Edited), "somebody edited it, so that it cannot be redacted: `quarterdeck audit verify` says which");
        let perhaps = became.iter().filter(|became| matches!(became, Became::Same(times) if *times > 0)).count() as u64;
        self.kept(place, perhaps, PERHAPS);
    }

    /// Logs are rotated away by themselves, and are not written to by us here; what they hold is told.
    fn logs(&mut self) {
        let mut files = Vec::new();
        let entries = std::fs::read_dir(&self.site.settings.state_dir).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| path.is_file()) {
            // A log is text of some megabytes; what is larger is none of ours.
            let is_small = path.metadata().is_ok_and(|meta| meta.len() <= 64 * 1_048_576);
            let is_named = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).lines().any(|line| self.person.taken_out(line).is_some());
            if is_small && std::fs::read(&path).is_ok_and(is_named) {
                files.push(path.display().to_string());
            }
        }
        for file in files {
            self.kept(&file, 1, "a log file names the person: remove it, or wait until it is rotated away");
        }
    }

    fn finish(&mut self, started_at: Millis) -> Result<()> {
        self.db.write_blocking(|c| {
            rows::overwrite(c)?;
            rows::merge_words(c)
        })?;
        // Vectors of texts that are gone: the files are made anew from the rows.
        let index = self.site.settings.data_dir.join(crate::search::vectors::DIRECTORY);
        self.remove_index(&index)?;
        let backups = std::fs::read_dir(self.site.backups()).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()).count();
        if backups > 0 {
            self.report.kept.push(Kept {
                place: self.site.backups().display().to_string(),
                rows: backups as u64,
                why: "older backups are not changed: a restore says who has to be erased again, and they are pruned by their age"
                    .to_owned(),
                goes_by_itself: true,
            });
        }
        let (report, actor, now) = (self.report.clone(), self.site.actor.clone(), self.site.clock.now());
        let rows: u64 = report.touched.iter().map(|touched| touched.rows).sum();
        let summary = format!("a person was taken out of {rows} rows in {} places", report.touched.len());
        let detail =
            json!({ "request": report.request, "touched": report.touched, "kept": report.kept.len(), "withdrawn": report.withdrawn });
        self.db.write_blocking(move |c| {
            let done = Done {
                kind: Kind::Erasure,
                started_at,
                ended_at: now,
                outcome: Outcome::Passed,
                summary: &summary,
                detail: &detail,
                actor: &actor,
            };
            runs::record(c, &done)
        })?;
        self.freed()
    }

    /// What was freed before this erasure, and by others, was not overwritten: the file is written anew, where that can be done now.
    fn freed(&mut self) -> Result<()> {
        let (why, remedy) = match care::vacuum(self.site, self.watcher) {
            Ok(_) => return Ok(()),
            Err(care::Error::Stopped) => return Err(Error::Stopped),
            Err(error) => (error.to_string(), "afterwards `quarterdeck db vacuum` does it"),
        };
        let emptied = care::tidy::emptied(self.db.address()).unwrap_or(false);
        let why =
            format!("pages that were freed earlier may still hold old text, because the file could not be written anew: {why}; {remedy}");
        self.kept("free pages of the database", 1, &why);
        if !emptied {
            self.kept("the log of the database", 1, "somebody reads: `quarterdeck db checkpoint --truncate` says who, and empties it");
        }
        Ok(())
    }

    fn remove_index(&mut self, index: &Path) -> Result<()> {
        let mut files = 0;
        for path in std::fs::read_dir(index).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                self.kept(
                    &path.display().to_string(),
                    1,
                    "a copy of the index holds vectors of what was said: remove it, and copy the index anew",
                );
            } else {
                std::fs::remove_file(&path).map_err(|error| Error::File { path: path.display().to_string(), reason: error.to_string() })?;
                files += 1;
            }
        }
        self.touched("index files", files);
        Ok(())
    }
}

fn log(c: &mut dyn Conn, actor: &Actor, action: &str, request: &str, after: &Value, at: Millis) -> store::Result<()> {
    let entry = audit::Entry {
        at,
        persona: None,
        actor,
        action,
        subject_kind: "erasure",
        subject_id: request,
        reason: None,
        before: &Value::Null,
        after,
    };
    audit::append(c, &entry)?;
    feed::append(c, at, runs::TOPIC, None, action, request)?;
    Ok(())
}
