//! An erasure in its order: first what keeps the person from coming back, then every place, then the pages that were freed.
//!
//! Killed anywhere, it is asked for again: what is done is found done. The list beside the backups comes first, because a backup that is
//! restored in between would else bring the person back unnoticed.

use super::catalogue;
use super::error::{Error, Result};
use super::rows::{self, Became};
use super::words::Person;
use crate::base::{Millis, new_id};
use crate::moderation::left_alone;
use crate::store::audit::{self, Actor};
use crate::store::outside::aside;
use crate::store::{self, Conn, Database, feed};
use crate::upkeep::progress::{Progress, Unit, Watcher};
use crate::upkeep::retention::archive::{self, Archive, Piece};
use crate::upkeep::retention::holds::{self, plain};
use crate::upkeep::runs::{self, Done, Kind, Outcome};
use crate::upkeep::{Site, backup, care};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};
use std::ops::BitOr;
use std::path::Path;

/// Rows that are changed in one transaction.
const PORTION: usize = 40;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The person, with or without `u/`.
    pub name: String,
    /// Only tell what would be done.
    pub dry_run: bool,
    /// Take an ordinary word for their name wherever it stands.
    pub everywhere: bool,
}

/// Where something was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// The table, or `archive`.
    pub place: String,
    /// Rows of it.
    pub rows: u64,
}

/// What was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The table or file.
    pub place: String,
    /// Rows of it.
    pub rows: u64,
    /// Why, and what to do about it.
    pub why: String,
}

/// The report of an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The request's id, which stands beside the backups and in the audit log in place of the name.
    pub request: String,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Where the person was taken out.
    pub touched: Vec<Touched>,
    /// What was kept.
    pub kept: Vec<Kept>,
    /// Drafts for the person that were withdrawn.
    pub withdrawn: usize,
    /// Whether nothing is left but what was kept for a reason.
    pub is_complete: bool,
}

/// What is left of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// When they were erased last, by the list beside the backups; none when they never were.
    pub erased_at: Option<Millis>,
    /// Where something of them stands.
    pub found: Vec<Touched>,
    /// What is kept for a reason.
    pub kept: Vec<Kept>,
}

/// Take a person out of everything, or tell what that would change.
///
/// # Errors
/// [`Error`]: what was done until then stays done, and asking again does the rest.
pub fn erase(site: &Site, asked: &Asked, watcher: &dyn Watcher) -> Result<Erased> {
    aside(|| {
        let started_at = site.clock.now();
        let mut work = Work::open(site, asked, watcher)?;
        if !asked.dry_run {
            work.begin(&asked.name)?;
        }
        work.everything()?;
        if !asked.dry_run {
            work.finish(started_at)?;
        }
        let mut report = work.report;
        report.is_complete = report.kept.is_empty();
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
        work.everything()?;
        Ok(Left { erased_at, found: work.report.touched, kept: work.report.kept })
    })
}

struct Work<'a> {
    site: &'a Site,
    watcher: &'a dyn Watcher,
    db: Database,
    person: Person,
    write: bool,
    report: Erased,
}

impl<'a> Work<'a> {
    fn open(site: &'a Site, asked: &Asked, watcher: &'a dyn Watcher) -> Result<Self> {
        let name = plain(&asked.name);
        if !(3..=20).contains(&name.len()) || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            return Err(Error::Name);
        }
        let db = site.existing_database()?;
        let mut person = Person::new(&name, asked.everywhere);
        let looked = person.clone();
        let (is_ours, held, ids) = db.read_blocking(move |c| {
            let own = c.first("SELECT 1 AS one FROM personas WHERE lower(reddit_username) = CAST($1 AS TEXT)", vals![looked.name()])?;
            Ok::<_, store::Error>((own.is_some(), holds::of_user(c, looked.name())?, rows::ids(c, &looked)?))
        })?;
        if is_ours {
            return Err(Error::OwnAccount);
        }
        if let Some(hold) = held.filter(|_| !asked.dry_run) {
            return Err(Error::Held { id: crate::base::short(&hold.id).to_owned(), reason: hold.reason });
        }
        person.ids = ids;
        let report =
            Erased { request: new_id(), dry_run: asked.dry_run, touched: Vec::new(), kept: Vec::new(), withdrawn: 0, is_complete: false };
        Ok(Self { site, watcher, db, person, write: !asked.dry_run, report })
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

    fn touched(&mut self, place: &str, rows: u64) {
        if rows > 0 {
            self.report.touched.push(Touched { place: place.to_owned(), rows });
        }
    }

    fn kept(&mut self, place: &str, rows: u64, why: &str) {
        if rows > 0 {
            self.report.kept.push(Kept { place: place.to_owned(), rows, why: why.to_owned() });
        }
    }

    fn everything(&mut self) -> Result<()> {
        let tables = self.db.read_blocking(catalogue::tables)?;
        let steps = tables.len() + 4;
        // What search shows goes first: it is made again from the rows below, which by then say less.
        for (number, table) in tables.iter().enumerate() {
            self.told("going through tables", number, steps)?;
            let (looked, person) = (table.clone(), self.person.clone());
            let keys = self.db.read_blocking(move |c| rows::candidates(c, &looked, &person))?;
            let mut became = Vec::with_capacity(keys.len());
            for portion in keys.chunks(PORTION) {
                let (table, person, keys, write) = (table.clone(), self.person.clone(), portion.to_vec(), self.write);
                became.extend(self.changing(move |c| {
                    keys.iter().map(|key| rows::take_out(c, &table, key, &person, write)).collect::<store::Result<Vec<_>>>()
                })?);
                self.told("going through tables", number, steps)?;
            }
            self.count(&table.name, &became);
        }
        let (person, write, now) = (self.person.clone(), self.write, self.site.clock.now());
        let (cached, mutes, (found, files)) = self.changing(move |c| {
            Ok::<_, store::Error>((
                rows::cached(c, &person, write)?,
                rows::mutes(c, &person, write)?,
                rows::search(c, &person, now, write)?,
            ))
        })?;
        self.touched("response_cache", cached);
        self.touched("mutes", mutes);
        self.touched("search", found);
        for file in files {
            self.kept(&file, 1, "it is a file of yours: take the name out of it, and search follows");
        }
        self.told("going through the audit log", steps - 3, steps)?;
        let person = self.person.clone();
        let logged = self.db.read_blocking(move |c| rows::logged(c, &person))?;
        let mut became = Vec::with_capacity(logged.len());
        for portion in logged.chunks(PORTION) {
            let (person, seqs, write) = (self.person.clone(), portion.to_vec(), self.write);
            let (actor, at, why) = (self.site.actor.clone(), self.site.clock.now(), format!("erasure {}", self.report.request));
            became.extend(self.changing(move |c| {
                seqs.iter().map(|seq| rows::redact(c, *seq, &person, &why, (&actor, at), write)).collect::<store::Result<Vec<_>>>()
            })?);
        }
        self.count("audit_log", &became);
        self.told("going through archives", steps - 2, steps)?;
        self.archives()?;
        self.released_holds()?;
        self.logs();
        Ok(())
    }

    /// Run work in a transaction that writes where this one does, and on a reader where it only looks.
    fn changing<T: Send + 'static>(&self, work: impl FnOnce(&mut dyn Conn) -> store::Result<T> + Send + 'static) -> Result<T> {
        if !self.write {
            return Ok(self.db.read_blocking(work)?);
        }
        Ok(self.db.write_blocking(move |c| {
            rows::overwrite(c)?;
            work(c)
        })?)
    }

    fn count(&mut self, place: &str, became: &[Became]) {
        let count = |what: Became| became.iter().filter(|became| **became == what).count() as u64;
        self.touched(place, count(Became::TakenOut));
        self.kept(place, count(Became::Held), "a legal hold keeps it; ask again once that is released");
        self.kept(place, count(Became::UnderWay), "it is being sent, or it is not known whether it was; settle it, then ask again");
        let perhaps = became.iter().filter(|became| matches!(became, Became::Same(times) if *times > 0)).count() as u64;
        self.kept(place, perhaps, "the name is an ordinary word there and perhaps not meant; `--everywhere` takes it out too");
    }

    /// Holds that were released still name whom they held.
    fn released_holds(&mut self) -> Result<()> {
        let (person, write) = (self.person.clone(), self.write);
        let rows = self.changing(move |c| {
            let found = c.query(
                "SELECT id FROM retention_holds WHERE scope = 'user' AND target = $1 AND released_at IS NOT NULL",
                vals![person.name()],
            )?;
            if write {
                c.exec(
                    "UPDATE retention_holds SET target = '[erased]' WHERE scope = 'user' AND target = $1 AND released_at IS NOT NULL",
                    vals![person.name()],
                )?;
            }
            Ok::<_, store::Error>(found.len() as u64)
        })?;
        self.touched("retention_holds", rows);
        Ok(())
    }

    /// Go through what retention archived. A file that holds the person is written anew.
    fn archives(&mut self) -> Result<()> {
        let dir = self.site.settings.data_dir.join(archive::DIRECTORY);
        let mut lines = 0;
        for name in archive::files(&dir)? {
            let file = name.clone();
            let pieces = self.db.read_blocking(move |c| archive::pieces(c, &file))?;
            let (mut bytes, mut moved, mut changed) = (Vec::new(), Vec::new(), 0);
            for (id, piece) in pieces {
                let text = archive::read(&dir, &piece)?;
                let (text, less) = self.without(&text);
                changed += less;
                let compressed = archive::compress(&text).map_err(|error| Error::File { path: name.clone(), reason: error.to_string() })?;
                let position = bytes.len() as i64;
                let (length, digest) = (compressed.len() as i64, crate::base::sha256_hex(&compressed));
                moved.push((id, Piece { file: name.clone(), position, length, digest }));
                bytes.extend(compressed);
            }
            if changed == 0 {
                continue;
            }
            lines += changed;
            if self.write {
                self.rewrite(&name, &bytes, moved)?;
            }
        }
        self.touched("archive", lines);
        for name in std::fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()) {
            if name.contains(".unsettled-") {
                self.kept(
                    &dir.join(&name).display().to_string(),
                    1,
                    "a killed run left this copy of rows that were still in the database: remove it, its rows are archived again",
                );
            }
        }
        Ok(())
    }

    fn without(&self, text: &str) -> (String, u64) {
        let (mut left, mut changed) = (String::with_capacity(text.len()), 0);
        for line in text.lines() {
            match self.line(line) {
                Some(less) => {
                    changed += 1;
                    left.push_str(&less);
                }
                None => left.push_str(line),
            }
            left.push('\n');
        }
        (left, changed)
    }

    /// A line of an archive without the person: its fields are texts of columns, some of them structured.
    fn line(&self, line: &str) -> Option<String> {
        let mut value: Value = serde_json::from_str(line).ok()?;
        fn walk(person: &Person, value: &mut Value) -> bool {
            match value {
                Value::String(text) => person.taken_out(text).map(|less| *text = less).is_some(),
                Value::Array(values) => values.iter_mut().map(|value| walk(person, value)).fold(false, BitOr::bitor),
                Value::Object(fields) => fields.iter_mut().map(|(_, value)| walk(person, value)).fold(false, BitOr::bitor),
                _ => false,
            }
        }
        walk(&self.person, &mut value).then(|| value.to_string())
    }

    fn rewrite(&self, name: &str, bytes: &[u8], pieces: Vec<(String, Piece)>) -> Result<()> {
        let archive = Archive::open(&self.site.settings.data_dir)?;
        let (file, actor, at, request) = (name.to_owned(), self.site.actor.clone(), self.site.clock.now(), self.report.request.clone());
        archive.replace(name, bytes)?;
        self.db.write_blocking(move |c| {
            for (id, piece) in &pieces {
                c.exec(
                    "UPDATE retention_batches SET position = $2, length = $3, digest = $4, rewritten_at = $5 WHERE id = $1",
                    vals![id, piece.position, piece.length, &piece.digest, at],
                )?;
            }
            let digests: Vec<Value> = pieces.iter().map(|(id, piece)| json!({ "batch": id, "digest": piece.digest })).collect();
            log(c, &actor, "erasure.archive", &request, &json!({ "file": file, "pieces": digests }), at)
        })?;
        Ok(())
    }

    /// Logs are rotated away by themselves, and are not written to by us here; what they hold is told.
    fn logs(&mut self) {
        let mut files = Vec::new();
        let entries = std::fs::read_dir(&self.site.settings.state_dir).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| path.is_file()) {
            // A log is text of some megabytes; what is larger is none of ours.
            let is_small = path.metadata().is_ok_and(|meta| meta.len() <= 64 * 1_048_576);
            if is_small && std::fs::read(&path).is_ok_and(|bytes| self.person.taken_out(&String::from_utf8_lossy(&bytes)).is_some()) {
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
        self.kept(
            &self.site.backups().display().to_string(),
            backups as u64,
            "older backups are not changed: a restore says who has to be erased again, and they are pruned by their age",
        );
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
