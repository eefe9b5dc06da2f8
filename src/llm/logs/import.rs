//! A whole log into the ledger. One thread cuts it, one reads its lines, one writes; what was read and how far is committed together, so that a
//! run that is killed at any point loses nothing and doubles nothing.

use super::entry::{Doubt, Reject};
use super::files::{self, Counts, Plan, Seen, Step};
use super::money::Unit;
use super::piece::{Found, Reading};
use super::pipeline::{self, Place};
use super::prices::Prices;
use super::source::{Opened, Present, Source, standard_input};
use super::write::{self, Batch, Written};
use super::{Error, Format, Result};
use crate::base::{Millis, Picos};
use crate::llm::ledger::Category;
use crate::store::Database;
use crate::store::audit::Actor;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

/// Calls of one transaction. Others who write wait for as long as it takes, which is a fraction of a second.
pub const BATCH: usize = 50_000;
/// How far the clock may go back between two pieces without being doubted.
const BACK: Millis = 3_600_000;

/// How logs are imported.
#[derive(Debug, Clone)]
pub struct Options {
    /// What amounts count.
    pub unit: Unit,
    /// The zone of times without one.
    pub zone: Option<chrono_tz::Tz>,
    /// The module of a call that names none.
    pub module: String,
    /// The kind of work of a call that does not tell.
    pub category: Category,
    /// The ids of personas by the names that logs may use.
    pub personas: HashMap<String, String>,
    /// Calls of one transaction.
    pub batch: usize,
}

impl Options {
    /// What decides how a line is understood: read with other ones, a file is read anew.
    #[must_use]
    pub fn deciding(&self) -> String {
        let unit = if self.unit == Unit::Cents { "cents" } else { "usd" };
        format!("unit={unit} zone={} module={} category={}", self.zone.map_or("-", |zone| zone.name()), self.module, self.category.as_str())
    }

    /// How lines are read with these options.
    #[must_use]
    pub fn reading(&self, prices: &Arc<Prices>, prices_all: bool, now: Millis) -> Reading {
        Reading {
            unit: self.unit,
            zone: self.zone,
            prices: Arc::clone(prices),
            personas: Arc::new(self.personas.clone()),
            prices_all,
            module: self.module.clone(),
            category: self.category,
            now,
        }
    }
}

/// Where a file was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Begun {
    /// Not at all: it is as it was.
    Unchanged,
    /// Where the last run was.
    Continued,
    /// At its beginning.
    Anew,
}

/// What an import of one file did.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The file.
    pub place: String,
    /// Where it was begun.
    pub begun: Begun,
    /// Lines that were read.
    pub lines: u64,
    /// The first line of them.
    pub first_line: u64,
    /// What was written.
    pub written: Written,
    /// Odd calls: how many, and the line of the first.
    pub doubts: BTreeMap<Doubt, (u64, u64)>,
    /// The first rejected lines.
    pub rejects: Vec<Reject>,
    /// The formats that were met.
    pub formats: Vec<Format>,
    /// When the first and the last call were.
    pub span: Option<(Millis, Millis)>,
    /// Bytes at the end that wait for the rest of their line.
    pub waiting: u64,
}

/// How far a run is, for whoever waits.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Lines read.
    pub lines: u64,
    /// Bytes read from the file, and how many it has.
    pub bytes: (u64, Option<u64>),
    /// Calls committed in this run, known ones included.
    pub committed: u64,
}

/// Rejected lines that are kept to be shown.
const SHOWN: usize = 1_000;

/// What hears of an import while it runs.
pub trait Listener {
    /// It went on.
    fn progress(&mut self, progress: &Progress);

    /// A line was rejected.
    ///
    /// # Errors
    /// When it cannot be written down; the import stops.
    fn rejected(&mut self, place: &str, reject: &Reject) -> Result<()>;

    /// Whether the import is to end; what was read so far is written then.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// An import into a database.
#[derive(Debug, Clone)]
pub struct Importer {
    /// The database.
    pub db: Database,
    /// The price book.
    pub prices: Arc<Prices>,
    /// How logs are read.
    pub options: Options,
    /// Who imports.
    pub actor: Actor,
}

impl Importer {
    /// Import a log.
    ///
    /// # Errors
    /// What cannot be read or written; what was committed before stands, and the next run continues there.
    pub fn import(&self, source: &Source, now: Millis, listener: &mut dyn Listener) -> Result<Imported> {
        let options = self.options.deciding();
        let Source::File(path) = source else {
            let file = self.begin("-", None, &options, now)?;
            let opened = standard_input()?;
            return self.run(source, opened, Place { offset: 0, line: 1 }, (file, None, Counts::default()), Begun::Anew, now, listener);
        };
        let mut present = Present::of(path)?;
        let name = present.path.display().to_string();
        let (device, inode, asked) = (present.device, present.inode, name.clone());
        let candidates = self.db.read_blocking(move |c| files::candidates(c, &asked, device, inode))?;
        let seen = Seen::of(&mut present)?;
        let (begun, known) = match files::plan(&mut present, candidates, &options)? {
            Plan::Unchanged(known) => return Ok(Imported::nothing(source, known.line)),
            Plan::Continue(known) => (Begun::Continued, Some(known)),
            Plan::Anew => (Begun::Anew, None),
        };
        let (file, position, mut line, last, counts) = match known {
            Some(known) => (known.id, known.position, known.line, known.last_call_at, known.counts),
            None => (self.begin(&name, Some(&seen), &options, now)?, 0, 1, None, Counts::default()),
        };
        self.note(file, &name, &seen, false, now)?;
        let (opened, in_line) = present.open_at(position)?;
        // The last line had no end: what follows belongs to it.
        line -= u64::from(in_line && line > 1);
        let imported = self.run(source, opened, Place { offset: position, line }, (file, last, counts), begun, now, listener)?;
        self.note(file, &name, &seen, true, now)?;
        Ok(imported)
    }

    fn begin(&self, name: &str, seen: Option<&Seen>, options: &str, now: Millis) -> Result<i64> {
        let (name, seen, options) = (name.to_owned(), seen.cloned(), options.to_owned());
        Ok(self.db.write_blocking(move |c| files::begin(c, &name, seen.as_ref(), &options, now))?)
    }

    fn note(&self, file: i64, name: &str, seen: &Seen, is_complete: bool, now: Millis) -> Result<()> {
        let (name, seen) = (name.to_owned(), seen.clone());
        Ok(self.db.write_blocking(move |c| files::note(c, file, &name, &seen, is_complete, now))?)
    }

    #[allow(clippy::too_many_arguments, reason = "a run is what all of these say")]
    fn run(
        &self,
        source: &Source,
        opened: Opened,
        from: Place,
        (file, last, before): (i64, Option<Millis>, Counts),
        begun: Begun,
        now: Millis,
        listener: &mut dyn Listener,
    ) -> Result<Imported> {
        let mut run = Run {
            importer: self,
            file,
            rejected_before: before.rejected,
            now,
            last,
            batch: Vec::new(),
            writing: None,
            imported: Imported { begun, first_line: from.line, ..Imported::nothing(source, from.line) },
            committed: 0,
        };
        let (read, size) = (Arc::clone(&opened.read), opened.size);
        let reading = self.options.reading(&self.prices, true, now);
        let ended = pipeline::run(source, opened, from, &reading, 1, |found| {
            let no_zone = found.no_zone.clone();
            run.take(found, listener)?;
            if let Some((line, time)) = no_zone {
                return Err(Error::NoZone { place: source.place(), line, time });
            }
            let bytes = (read.load(Ordering::Relaxed), size);
            listener.progress(&Progress { lines: run.imported.lines, bytes, committed: run.committed });
            if listener.is_stopped() { Err(Error::Stopped { place: source.place() }) } else { Ok(()) }
        });
        // What was found before an error is as good as if the file ended there.
        run.finish()?;
        run.imported.waiting = ended?.waiting;
        Ok(run.imported)
    }
}

impl Imported {
    fn nothing(source: &Source, line: u64) -> Self {
        Self {
            place: source.place(),
            begun: Begun::Unchanged,
            lines: 0,
            first_line: line,
            written: Written::default(),
            doubts: BTreeMap::new(),
            rejects: Vec::new(),
            formats: Vec::new(),
            span: None,
            waiting: 0,
        }
    }
}

struct Run<'a> {
    importer: &'a Importer,
    file: i64,
    rejected_before: u64,
    now: Millis,
    last: Option<Millis>,
    batch: Vec<Found>,
    writing: Option<JoinHandle<crate::store::Result<Written>>>,
    imported: Imported,
    committed: u64,
}

impl Run<'_> {
    fn take(&mut self, mut found: Found, listener: &mut dyn Listener) -> Result<()> {
        if found.no_zone.is_some() {
            // The piece was not read to its end: nothing of it is taken, and the position stays before it.
            return Ok(());
        }
        if let (Some(before), Some(first)) = (self.last, found.calls.first_mut()) {
            first.doubts.add_if(first.at < before - BACK, Doubt::ClockWentBack);
        }
        self.last = found.calls.last().map(|call| call.at).or(self.last);
        self.imported.lines += found.lines;
        for call in &found.calls {
            let (first, last) = self.imported.span.unwrap_or((call.at, call.at));
            self.imported.span = Some((first.min(call.at), last.max(call.at)));
        }
        if let Some(format) = found.format.filter(|format| !self.imported.formats.contains(format)) {
            self.imported.formats.push(format);
        }
        for reject in &found.rejects {
            listener.rejected(&self.imported.place, reject)?;
            if self.imported.rejects.len() < SHOWN {
                self.imported.rejects.push(reject.clone());
            }
        }
        self.batch.push(found);
        let (calls, rejects) =
            self.batch.iter().fold((0, 0), |(calls, rejects), found| (calls + found.calls.len(), rejects + found.rejects.len()));
        // Rejected lines are in memory too.
        if calls + rejects >= self.importer.options.batch { self.write() } else { Ok(()) }
    }

    /// Begin to write the batch, once the one before it is written.
    fn write(&mut self) -> Result<()> {
        self.wait()?;
        let found = std::mem::take(&mut self.batch);
        let Some(last) = found.last() else { return Ok(()) };
        let step = Step { position: last.end, line: last.next_line, tail: last.tail.clone(), format: last.format, last_call_at: self.last };
        for (doubt, (count, line)) in write::doubts(&found) {
            self.imported.doubts.entry(doubt).or_insert((0, line)).0 += count;
        }
        let batch = Batch { file: self.file, place: self.imported.place.clone(), found, step, rejected_before: self.rejected_before };
        self.rejected_before += batch.found.iter().map(|found| found.rejects.len() as u64).sum::<u64>();
        let Importer { db, prices, actor, .. } = self.importer.clone();
        let now = self.now;
        let work = move || db.write_blocking(move |c| write::batch(c, &batch, &prices, &actor, now));
        let spawned = std::thread::Builder::new().name("import-batch".to_owned()).spawn(work);
        self.writing = Some(spawned.map_err(|error| Error::Read { place: self.imported.place.clone(), reason: error.to_string() })?);
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let written = writing.join().map_err(|_| Error::Defect { place: self.imported.place.clone() })??;
        self.committed += written.counts.calls + written.counts.repeated + written.counts.corrected;
        let all = &mut self.imported.written;
        all.counts.plus(&written.counts);
        all.own += written.own;
        all.charged = Picos(all.charged.0.saturating_add(written.charged.0));
        all.unpriced += written.unpriced;
        for (model, count) in written.without_price {
            *all.without_price.entry(model).or_default() += count;
        }
        for (drift, count) in written.drift {
            *all.drift.entry(drift).or_default() += count;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.write()?;
        self.wait()
    }
}
