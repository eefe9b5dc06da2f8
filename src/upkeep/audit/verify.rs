//! The walk over a database: one thread reads pages, another one hashes them; nobody who writes waits for either.

use super::chain::{Walk, Walked};
use super::place::{self, Line};
use super::{Audit, Error, Result, key, rows};
use crate::store::audit::{Actor, GENESIS, Page, redactions, stream};
use crate::store::{self, Database};
use crate::upkeep::progress::{Progress, Unit, Watcher};
use crate::upkeep::runs::{self, Done, Kind, Outcome};
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;
use std::sync::mpsc;

/// Pages that are read ahead.
const AHEAD: usize = 4;

/// What is verified.
#[derive(Debug, Clone, Default)]
pub struct Verify {
    /// Begin at this row: what stands before is believed.
    pub from: Option<i64>,
    /// The second place, in place of the one in the settings.
    pub anchor: Option<PathBuf>,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// What walking brought to light.
    #[serde(flatten)]
    pub walked: Walked,
    /// The second place, where there is one.
    pub anchor: Option<PathBuf>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

impl Verified {
    /// Whether nothing was done to the log.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.walked.problems.is_empty()
    }

    /// In a sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let (rows, problems) = (self.walked.rows, self.walked.problems.len());
        match problems {
            0 => {
                let open = self.walked.last - self.walked.anchored;
                match self.walked.checkpoints {
                    0 => format!("{rows} rows, the chain is whole; no checkpoint proves that it was not written anew or cut off"),
                    _ if open == 0 => format!("{rows} rows, the chain is whole and {} checkpoints fit", self.walked.checkpoints),
                    fit => {
                        format!("{rows} rows, the chain is whole and {fit} checkpoints fit; the newest {open} rows rest on the chain alone")
                    }
                }
            }
            _ => {
                let mut words: Vec<&str> = self.walked.problems.iter().map(|found| found.fault.as_str()).collect();
                words.dedup();
                words.sort_unstable();
                words.dedup();
                format!("{rows} rows, {problems} findings: {}", words.join(", "))
            }
        }
    }
}

impl Audit {
    /// Walk the log and compare it with its checkpoints. Blocking. The result stands in `upkeep_runs` and in the log itself; that of a part of
    /// the log, or of a comparison with another place than the one in the settings, only where something was found: it must not take the
    /// place of a finding about the whole.
    ///
    /// # Errors
    /// When the database, the key or the second place cannot be read, [`Error::BehindTheEnd`] and [`Error::Stopped`]. What was done to the log
    /// is no error.
    pub fn verify(&self, what: &Verify, actor: &Actor, watcher: &dyn Watcher) -> Result<Verified> {
        let started_at = self.clock.now();
        let verified = self.examine(what, watcher)?;
        if verified.is_whole() && !self.is_all(what) {
            return Ok(verified);
        }
        let (summary, ended_at, actor) = (verified.summary(), self.clock.now(), actor.clone());
        let detail = json!({
            "rows": verified.walked.rows,
            "head": verified.walked.head,
            "anchored": verified.walked.anchored,
            "from": what.from,
            "problems": verified.walked.problems.iter().take(20).collect::<Vec<_>>(),
        });
        let outcome = if verified.is_whole() { Outcome::Passed } else { Outcome::Problems };
        self.db.write_blocking(move |c| {
            let done = Done { kind: Kind::AuditVerify, started_at, ended_at, outcome, summary: &summary, detail: &detail, actor: &actor };
            runs::record(c, &done)
        })?;
        Ok(verified)
    }

    /// Whether this looks at every row, and at the second place that the settings name, where they name one.
    fn is_all(&self, what: &Verify) -> bool {
        let is_place = match (&what.anchor, &self.settings.anchor_file) {
            (Some(given), Some(own)) => given == own,
            _ => true,
        };
        is_place && what.from.is_none_or(|from| from <= 1)
    }

    /// [`Audit::verify`] that writes nothing down.
    ///
    /// # Errors
    /// As [`Audit::verify`].
    pub fn examine(&self, what: &Verify, watcher: &dyn Watcher) -> Result<Verified> {
        let started_at = self.clock.now();
        let keys = key::load(&self.settings)?;
        let anchor = what.anchor.clone().or_else(|| self.settings.anchor_file.clone());
        // A file that is named in the settings and not written yet is none; one that was asked for has to be there.
        let is_there = what.anchor.is_some() || anchor.as_ref().is_some_and(|path| path.exists());
        // The second place first: what is written there meanwhile is in the database by then.
        let lines: Vec<Line> = match &anchor {
            Some(path) if is_there => place::read(path)?,
            _ => Vec::new(),
        };
        let after = what.from.map_or(0, |from| from.saturating_sub(1).max(0));
        let (redacted, checkpoints, before, last) = self.db.read_blocking(move |c| {
            let before = if after == 0 { Some(GENESIS.to_owned()) } else { rows::hash(c, after)? };
            let last = rows::end(c)?.map_or(0, |(last, ..)| last);
            Ok::<_, store::Error>((redactions(c)?, rows::after(c, i64::MIN, i64::MAX)?, before, last))
        })?;
        // Behind all that there is, and that a checkpoint says there was: a slip of the keyboard, and no row that is missing.
        let of_place = lines.iter().filter_map(|line| line.checkpoint.as_ref());
        let known = checkpoints.iter().chain(of_place).map(|checkpoint| checkpoint.entries).fold(last, i64::max);
        if after > known {
            return Err(Error::BehindTheEnd { from: after.saturating_add(1), last });
        }
        let mut walk = match &before {
            Some(head) => Walk::new(after, head, redacted),
            None => Walk::behind_nothing(after, redacted),
        };
        walk.checkpoints(&checkpoints, &lines, keys.as_ref());
        if let (Some(path), false, Some(_)) = (&anchor, is_there, checkpoints.first()) {
            walk.no_place(path);
        }
        let walked = walked(&self.db, after, last - after, walk, watcher)?;
        Ok(Verified { walked, anchor: anchor.filter(|_| is_there), took_ms: self.clock.now() - started_at })
    }
}

/// Read on one thread, hash on this one.
fn walked(db: &Database, after: i64, total: i64, mut walk: Walk, watcher: &dyn Watcher) -> Result<Walked> {
    let (full, pages) = mpsc::sync_channel::<Page>(AHEAD);
    let (back, empty) = mpsc::sync_channel::<Page>(AHEAD + 2);
    let total = u64::try_from(total).ok();
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().name("audit-reader".to_owned()).spawn_scoped(scope, move || {
            stream(db.address(), after, |page| {
                full.send(page).ok()?;
                Some(empty.try_recv().unwrap_or_default())
            })
        });
        let reader = reader.map_err(|error| Error::Thread(error.to_string()))?;
        let mut done = 0;
        while let Ok(page) = pages.recv() {
            // What was redacted since the walk began was so before this page was read: one look serves all of it.
            let (mut looked, mut failed) = (false, None);
            for row in page.rows() {
                walk.row(&row, || {
                    let newer = (!std::mem::replace(&mut looked, true)).then(|| db.read_blocking(redactions))?;
                    newer.map_err(|error| failed = Some(error)).ok()
                });
            }
            if let Some(error) = failed {
                drop(pages);
                let _ = reader.join();
                return Err(error.into());
            }
            done += page.len() as u64;
            // Room for a page that nobody reads any more is no loss.
            let _ = back.try_send(page);
            watcher.told(Progress { stage: "walking the chain", done, total, unit: Unit::Rows });
            if watcher.is_stopped() {
                drop(pages);
                let _ = reader.join();
                return Err(Error::Stopped);
            }
        }
        reader.join().map_err(|_| Error::Thread("the reader ended by a fault".to_owned()))??;
        Ok(walk.end())
    })
}
