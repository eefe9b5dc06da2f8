//! A run: rule by rule, in batches so small that nobody waits for them, each archived before it goes and written down in the audit log.

use super::archive::{self, Archive, Piece};
use super::cutoff;
use super::error::{Error, Result};
use super::kind::Kind;
use super::pieces::{self, InStep};
use super::rows::{self, Key};
use super::rules::Rule;
use crate::base::{Millis, clock, new_id};
use crate::store::audit::{self, Actor};
use crate::store::holders::Role;
use crate::store::outside::{Outside, aside};
use crate::store::{self, Conn, Database, Engine, feed};
use crate::upkeep::Site;
use crate::upkeep::progress::{Progress, Unit, Watcher};
use crate::upkeep::runs::{self, Done, Kind as RunKind, Outcome};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a batch may hold the writer. A decision that comes at its worst moment waits for it, and for its flush.
const HELD: Duration = Duration::from_millis(4);
/// Rows of a batch, at the least and at the most.
const ROWS: std::ops::RangeInclusive<usize> = 1..=512;
/// Keys that are looked for at once.
const KEYS: i64 = 4_096;
/// Batches after which the log is taken into the file, so that no one else's write has to.
const BETWEEN_CHECKPOINTS: u32 = 16;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Only this rule.
    pub rule: Option<String>,
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RanRule {
    /// The rule.
    pub rule: String,
    /// Rows that went.
    pub gone: u64,
    /// In so many batches.
    pub batches: u64,
    /// The file that they are in; none for a rule without an archive, or when nothing went.
    pub file: Option<String>,
    /// Rows past their time that a legal hold keeps.
    pub held: i64,
    /// Rows past their time that something still needs.
    pub live: i64,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// Its id.
    pub id: String,
    /// Rule by rule.
    pub rules: Vec<RanRule>,
    /// Rows that went, all together.
    pub gone: u64,
    /// Whether it was asked to end before it was done. The next run goes on.
    pub is_stopped: bool,
    /// What a killed run had archived without taking it away: moved here. The rows were still in the database.
    pub unsettled: Vec<String>,
    /// Archives whose bytes are not those that the database knows: left as they are.
    pub broken: Vec<String>,
    /// The longest that a batch held the writer, in microseconds.
    pub longest_us: i64,
    /// Milliseconds that it took.
    pub took_ms: i64,
}

/// Take away what is past its time.
///
/// # Errors
/// [`Error`]: what went before it went is archived and written down; the next run goes on.
pub fn run(site: &Site, asked: &Asked, watcher: &dyn Watcher) -> Result<Ran> {
    let mut rules = super::rules(site)?;
    if let Some(id) = &asked.rule {
        let known = rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>().join(", ");
        rules.retain(|rule| rule.id == *id);
        if rules.is_empty() {
            return Err(Error::NoRule { id: id.clone(), known });
        }
    }
    aside(|| {
        let started_at = site.clock.now();
        let mut run = Run::open(site, watcher)?;
        let done = run.all(rules);
        let ran = Ran { took_ms: site.clock.now() - started_at, ..run.ran };
        let outcome = if done.is_ok() { Outcome::Passed } else { Outcome::Failed };
        let (db, actor, at, noted) = (run.db.clone(), site.actor.clone(), site.clock.now(), ran.clone());
        if let Err(error) = &done {
            tracing::warn!(%error, "retention ended early");
        }
        let reason = done.as_ref().err().map(ToString::to_string);
        let written = db.write_blocking(move |c| write_down(c, &noted, reason.as_deref(), outcome, (started_at, at), &actor));
        done?;
        written?;
        Ok(ran)
    })
}

fn write_down(
    c: &mut dyn Conn,
    ran: &Ran,
    failure: Option<&str>,
    outcome: Outcome,
    (started_at, ended_at): (Millis, Millis),
    actor: &Actor,
) -> store::Result<String> {
    let mut summary = format!("{} rows past their time went", ran.gone);
    if ran.is_stopped {
        summary.push_str("; ended when asked, the next run goes on");
    }
    if let Some(failure) = failure {
        summary = format!("{summary}; then: {failure}");
    }
    let rules: Vec<&RanRule> = ran.rules.iter().filter(|rule| rule.gone > 0 || rule.held > 0).collect();
    let detail = json!({ "run": ran.id, "rules": rules, "unsettled": ran.unsettled, "broken": ran.broken, "longest_us": ran.longest_us });
    runs::record(c, &Done { kind: RunKind::Retention, started_at, ended_at, outcome, summary: &summary, detail: &detail, actor })
}

struct Run<'a> {
    site: &'a Site,
    watcher: &'a dyn Watcher,
    db: Database,
    archive: Archive,
    /// For checkpoints; none on a server.
    outside: Option<Outside>,
    now: Millis,
    ran: Ran,
    /// Rows of the next batch, by how long the last ones took.
    rows: usize,
    batches: u32,
}

impl<'a> Run<'a> {
    fn open(site: &'a Site, watcher: &'a dyn Watcher) -> Result<Self> {
        let db = site.existing_database()?;
        let now = site.clock.now();
        if let Some(newest) = db.read_blocking(rows::newest)?.filter(|newest| *newest > now + super::DAY) {
            return Err(Error::Clock { now: clock::local(now), newest: clock::local(newest) });
        }
        let archive = Archive::open(&site.settings.data_dir)?;
        let InStep { unsettled, broken } = pieces::bring_in_step(&archive, &db, &site.actor, now)?;
        for file in &unsettled {
            tracing::warn!(file, "a killed run had archived this; its rows were still in the database");
        }
        for file in &broken {
            tracing::warn!(file, "this archive does not match its digests, and is left as it is");
        }
        let outside = match Outside::open(db.address(), false) {
            Ok(outside) if outside.engine() == Engine::Sqlite => Some(outside),
            _ => None,
        };
        let ran = Ran { id: new_id(), rules: Vec::new(), gone: 0, is_stopped: false, unsettled, broken, longest_us: 0, took_ms: 0 };
        Ok(Self { site, watcher, db, archive, outside, now, ran, rows: 16, batches: 0 })
    }

    fn all(&mut self, rules: Vec<Rule>) -> Result<()> {
        for rule in rules {
            let (Some(kind), Some(cutoff)) = (rule.of(), cutoff(&rule, self.now)) else { continue };
            let counted = rule.clone();
            let count = self.db.read_blocking(move |c| rows::count(c, kind, &counted, Some(cutoff)))?;
            let number = self.ran.rules.len();
            self.ran.rules.push(RanRule { rule: rule.id.clone(), gone: 0, batches: 0, file: None, held: count.held, live: count.live });
            let total = u64::try_from(count.rows).unwrap_or(0);
            self.rule(kind, &rule, cutoff, number, total)?;
            if self.ran.is_stopped {
                break;
            }
        }
        Ok(())
    }

    fn rule(&mut self, kind: &'static Kind, rule: &Rule, cutoff: Millis, number: usize, total: u64) -> Result<()> {
        let file = format!(
            "{}-{}-{}{}",
            rule.id,
            clock::rfc3339(self.now).get(..10).unwrap_or("day"),
            crate::base::short(&self.ran.id),
            archive::ENDING
        );
        // Rows that changed under our hands stay for the next run, so that one that always does so does not keep this one.
        let mut refused = 0_i64;
        loop {
            let looked = rule.clone();
            let limit = KEYS + refused;
            let keys = self.db.read_blocking(move |c| rows::keys(c, kind, &looked, cutoff, limit))?;
            let found = keys.len() as i64;
            let mut rest = keys.as_slice();
            let mut gone = 0;
            while !rest.is_empty() {
                if self.watcher.is_stopped() {
                    self.ran.is_stopped = true;
                    return Ok(());
                }
                let (batch, later) = rest.split_at(self.rows.min(rest.len()));
                rest = later;
                let went = match self.batch(kind, rule, cutoff, batch, &file) {
                    Err(Error::Changed) => {
                        let mut went = 0;
                        for key in batch {
                            match self.batch(kind, rule, cutoff, std::slice::from_ref(key), &file) {
                                Ok(()) => went += 1,
                                Err(Error::Changed) => refused += 1,
                                Err(error) => return Err(error),
                            }
                        }
                        went
                    }
                    other => other.map(|()| batch.len() as u64)?,
                };
                gone += went;
                self.ran.gone += went;
                if let Some(ran) = self.ran.rules.get_mut(number) {
                    ran.gone += went;
                    ran.batches += 1;
                    ran.file = rule.archive.then(|| self.archive.dir().join(&file).display().to_string()).filter(|_| ran.gone > 0);
                    let done = ran.gone;
                    self.watcher.told(Progress { stage: kind.name, done, total: Some(total.max(done)), unit: Unit::Rows });
                }
            }
            if found < limit || gone == 0 {
                return Ok(());
            }
        }
    }

    /// Archive some rows and take them away.
    fn batch(&mut self, kind: &'static Kind, rule: &Rule, cutoff: Millis, keys: &[Key], file: &str) -> Result<()> {
        let piece = if rule.archive {
            let read = keys.to_vec();
            let lines = self.db.read_blocking(move |c| rows::lines(c, kind, &read))?;
            if lines.lines().count() != keys.len() {
                return Err(Error::Changed);
            }
            let piece = self.archive.append(file, &lines)?;
            super::crash("archived");
            Some((piece, lines))
        } else {
            None
        };
        let id = new_id();
        let work = Batch {
            id: id.clone(),
            run: self.ran.id.clone(),
            kind,
            rule: rule.clone(),
            cutoff,
            keys: keys.to_vec(),
            piece: piece.clone(),
            actor: self.site.actor.clone(),
            at: self.site.clock.now(),
        };
        let done = self.db.write_blocking(move |c| {
            let began = Instant::now();
            work.write(c)?;
            Ok::<_, Error>(began)
        });
        let done = match done {
            // Committed or not? The row of the batch tells.
            Err(Error::Store(store::Error::CommitUnknown { reason })) => match self.is_there(&id) {
                Ok(true) => Ok(Instant::now()),
                Ok(false) => Err(Error::Store(store::Error::CommitUnknown { reason })),
                Err(error) => return Err(error),
            },
            other => other,
        };
        match done {
            Ok(began) => {
                super::crash("gone");
                self.paced(began.elapsed(), keys.len());
                Ok(())
            }
            Err(error) => {
                if let Some((piece, _)) = piece {
                    self.archive.take_back(&piece)?;
                }
                Err(error)
            }
        }
    }

    fn is_there(&self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        Ok(self.db.read_blocking(move |c| c.first("SELECT 1 AS one FROM retention_batches WHERE id = $1", vals![id]))?.is_some())
    }

    /// Fit the next batch to how long this one held the writer, and leave the writer to others for at least as long.
    fn paced(&mut self, held: Duration, rows: usize) {
        self.ran.longest_us = self.ran.longest_us.max(i64::try_from(held.as_micros()).unwrap_or(i64::MAX));
        if rows >= self.rows.min(4) {
            let fitting = rows as f64 * HELD.as_secs_f64() / held.as_secs_f64().max(1e-6);
            // Grows slowly and shrinks at once: one quick batch says little about the next.
            self.rows = (fitting as usize).min(self.rows * 2).clamp(*ROWS.start(), *ROWS.end());
        }
        self.batches += 1;
        if self.batches.is_multiple_of(BETWEEN_CHECKPOINTS)
            && let Some(outside) = &mut self.outside
            && let Err(error) = outside.rows(Role::Checkpoints, "PRAGMA wal_checkpoint(PASSIVE)")
        {
            tracing::debug!(%error, "checkpoint between batches");
        }
        let others = u32::try_from(self.db.waiting()).unwrap_or(8).min(8);
        std::thread::sleep(held.clamp(Duration::from_micros(500), Duration::from_millis(25)) * (1 + others));
    }
}

/// A batch on its way into the writer.
struct Batch {
    id: String,
    run: String,
    kind: &'static Kind,
    rule: Rule,
    cutoff: Millis,
    keys: Vec<Key>,
    piece: Option<(Piece, String)>,
    actor: Actor,
    at: Millis,
}

impl Batch {
    fn write(self, c: &mut dyn Conn) -> Result<()> {
        let Self { id, run, kind, rule, cutoff, keys, piece, actor, at } = self;
        // What is in the file must be what goes: a label may have come since.
        if let Some((_, archived)) = &piece
            && rows::lines(c, kind, &keys)? != *archived
        {
            return Err(Error::Changed);
        }
        rows::take_away(c, kind, &rule, cutoff, &keys)?;
        rows::move_horizon(c, kind, cutoff)?;
        let (file, position, length, digest) =
            piece.map_or((None, 0, 0, None), |(piece, _)| (Some(piece.file), piece.position, piece.length, Some(piece.digest)));
        let count = keys.len() as i64;
        c.exec(
            "INSERT INTO retention_batches (id, run_id, rule, kind, rows_gone, file, position, length, digest, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            vals![&id, &run, &rule.id, kind.name, count, file.clone(), position, length, digest.clone(), at],
        )?;
        let after = json!({ "run": run, "rule": rule.id, "kind": kind.name, "days": rule.days, "rows": count, "file": file, "position": position,
            "length": length, "digest": digest });
        audit::append(
            c,
            &audit::Entry {
                at,
                persona: None,
                actor: &actor,
                action: "retention.batch",
                subject_kind: "retention_batch",
                subject_id: &id,
                reason: None,
                before: &Value::Null,
                after: &after,
            },
        )?;
        feed::append(c, at, runs::TOPIC, None, "retention.batch", &id)?;
        Ok(())
    }
}
