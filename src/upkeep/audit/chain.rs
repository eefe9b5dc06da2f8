//! Walking the chain of hashes, and naming what was done to it. No I/O: rows go in one after the other, findings come out at the end.

use super::checkpoint::{Checkpoint, Signature};
use super::key::Keys;
use super::place::{self, Line};
use crate::base::{Millis, clock};
use crate::store::audit::{GENESIS, Redaction, Stored};
use serde::Serialize;
use std::collections::BTreeMap;

/// Broken rows that are kept to find out what was done to them; those behind them are counted.
const KEPT: usize = 512;
/// How far the numbers of rows may have been moved, for a row to be found at another place.
const FARTHEST: i64 = 64;
/// Findings of a kind that are named one by one.
const NAMED: usize = 100;

/// What was done to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A row says something else than when it was written.
    Edited,
    /// Rows were taken out.
    Missing,
    /// Rows stand in another order than they were written in.
    Reordered,
    /// The end of the log was cut off.
    Truncated,
    /// A row was edited and all hashes behind it were computed anew.
    Rewritten,
    /// A checkpoint was made with a key that is not here.
    WrongKey,
    /// A checkpoint was not made with the key that it names.
    ForgedCheckpoint,
    /// A checkpoint was taken away.
    MissingCheckpoint,
    /// The second place does not belong to this log, or does not say the same.
    WrongAnchor,
}

impl Fault {
    /// Its word, in lists and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
            Self::Rewritten => "rewritten",
            Self::WrongKey => "wrong_key",
            Self::ForgedCheckpoint => "forged_checkpoint",
            Self::MissingCheckpoint => "missing_checkpoint",
            Self::WrongAnchor => "wrong_anchor",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn next(self) -> &'static str {
        match self {
            Self::Edited | Self::Missing | Self::Reordered | Self::Rewritten => {
                "keep this database as it is, find out who had access to it, and compare these rows with the newest backup"
            }
            Self::Truncated => {
                "compare the end of the log with the newest backup; where this database was restored from one, name a new audit.anchor_file"
            }
            Self::WrongKey => "copy audit.key from where the checkpoints are made, or set QUARTERDECK_AUDIT_KEY as it is there",
            Self::ForgedCheckpoint | Self::MissingCheckpoint => {
                "keep this database and the anchor file as they are, and find out who had access to them"
            }
            Self::WrongAnchor => "give the anchor file of this database with --anchor, or correct audit.anchor_file",
        }
    }
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was done.
    pub fault: Fault,
    /// The first row concerned; 0 where it concerns none.
    pub seq: i64,
    /// The last row concerned.
    pub to: i64,
    /// In a sentence.
    pub what: String,
}

/// What walking brought to light.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Walked {
    /// Rows that were checked.
    pub rows: i64,
    /// The number of the last row.
    pub last: i64,
    /// Its hash.
    pub head: String,
    /// Rows that are covered by a checkpoint whose signature is good and that fits; those behind rest on the chain alone.
    pub anchored: i64,
    /// Checkpoints that fit.
    pub checkpoints: usize,
    /// Rows whose personal detail was taken out in the one sanctioned way.
    pub redacted: i64,
    /// What was done to the log; empty when nothing was.
    pub problems: Vec<Finding>,
    /// What is worth knowing and proves nothing.
    pub notes: Vec<String>,
}

/// A row whose content does not fit its hash, as far as it is needed to find where it belongs.
struct Broken {
    seq: i64,
    belongs: Option<i64>,
    row: Option<Owned>,
}

/// A copy of a row.
struct Owned {
    texts: Vec<Option<Vec<u8>>>,
    seq: i64,
    at: Millis,
}

impl Owned {
    fn of(row: &Stored<'_>) -> Self {
        let texts = [
            row.persona_id,
            Some(row.actor_kind),
            Some(row.actor),
            Some(row.action),
            Some(row.subject_kind),
            Some(row.subject_id),
            row.reason,
            Some(row.before_digest),
            Some(row.after_digest),
            Some(row.detail),
            Some(row.prev_hash),
            Some(row.hash),
        ];
        Self { texts: texts.into_iter().map(|text| text.map(<[u8]>::to_vec)).collect(), seq: row.seq, at: row.at }
    }

    fn stored(&self) -> Stored<'_> {
        let text = |column: usize| self.texts.get(column).and_then(Option::as_deref);
        Stored::of(self.seq, self.at, text)
    }
}

/// The walk.
pub struct Walk {
    last: i64,
    head: Vec<u8>,
    at: Millis,
    /// Whether the row before fits its own hash.
    before_fits: bool,
    rows: i64,
    redacted: i64,
    /// What was redacted when the walk began, and what was by the time of the last look.
    redactions: BTreeMap<i64, Redaction>,
    redacted_since: BTreeMap<i64, Redaction>,
    /// The heads that signed checkpoints name, by the row that they are of.
    heads: BTreeMap<i64, Vec<(String, String)>>,
    fitting: usize,
    anchored: i64,
    /// The first row of a checkpoint that does not fit, and the last one seen that does not.
    rewritten: Option<(i64, i64, String)>,
    broken: Vec<Broken>,
    broken_unkept: i64,
    shift: i64,
    back: Vec<(i64, Millis)>,
    back_count: u64,
    problems: Vec<Finding>,
    notes: Vec<String>,
}

fn finding(fault: Fault, seq: i64, to: i64, what: impl Into<String>) -> Finding {
    Finding { fault, seq, to, what: what.into() }
}

fn span(from: i64, to: i64) -> String {
    if from == to { format!("row {from}") } else { format!("rows {from} to {to}") }
}

impl Walk {
    /// A walk from behind row `after`, whose hash is `head`; from the beginning: 0 and [`GENESIS`].
    #[must_use]
    pub fn new(after: i64, head: &str, redactions: BTreeMap<i64, Redaction>) -> Self {
        Self {
            last: after,
            head: head.as_bytes().to_vec(),
            at: Millis::MIN,
            before_fits: true,
            rows: 0,
            redacted: 0,
            redactions,
            redacted_since: BTreeMap::new(),
            heads: BTreeMap::new(),
            fitting: 0,
            anchored: after,
            rewritten: None,
            broken: Vec::new(),
            broken_unkept: 0,
            shift: 0,
            back: Vec::new(),
            back_count: 0,
            problems: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// From behind a row that should be there and is not.
    #[must_use]
    pub fn behind_nothing(after: i64, redactions: BTreeMap<i64, Redaction>) -> Self {
        let mut walk = Self::new(after, "", redactions);
        walk.before_fits = false;
        walk.problem(finding(Fault::Missing, after, after, format!("row {after} is missing")));
        walk
    }

    /// From the beginning.
    #[must_use]
    pub fn whole(redactions: BTreeMap<i64, Redaction>) -> Self {
        Self::new(0, GENESIS, redactions)
    }

    /// Take the checkpoints of the database and the lines of the second place. Only what is signed by a key that is here counts.
    pub fn checkpoints(&mut self, of_database: &[Checkpoint], of_place: &[Line], keys: Option<&Keys>) {
        let mut unknown: BTreeMap<&str, usize> = BTreeMap::new();
        let mut before: Option<&Checkpoint> = None;
        for checkpoint in of_database {
            let name = format!("checkpoint {}", checkpoint.number);
            match checkpoint.signature(keys) {
                Signature::Good => self.expect(checkpoint, name.clone()),
                Signature::UnknownKey => *unknown.entry(&checkpoint.key).or_default() += 1,
                Signature::Forged => {
                    let what = format!("{name} was not made with the key {} that it names: it was changed or forged", checkpoint.key);
                    self.problem(finding(Fault::ForgedCheckpoint, checkpoint.entries, checkpoint.entries, what));
                }
            }
            let (number, mac) = before.map_or((0, ""), |before| (before.number, before.mac.as_str()));
            // Where numbers of the second place were passed over, the signature before tells that nothing is missing.
            if checkpoint.prev != mac {
                let what = if checkpoint.number > number + 1 {
                    format!("checkpoints {} to {} are gone from the database", number + 1, checkpoint.number - 1)
                } else {
                    format!("checkpoint {} does not follow the one before it", checkpoint.number)
                };
                self.problem(finding(Fault::MissingCheckpoint, checkpoint.entries, checkpoint.entries, what));
            }
            before = Some(checkpoint);
        }
        let newest = of_database.last().map_or(0, |checkpoint| checkpoint.number);
        let known: BTreeMap<i64, &Checkpoint> = of_database.iter().map(|checkpoint| (checkpoint.number, checkpoint)).collect();
        let mut beyond = 0;
        let torn = place::torn(of_place, of_database);
        for line in of_place {
            let name = format!("line {} of the anchor file", line.line);
            let Some(checkpoint) = &line.checkpoint else {
                if torn.contains(&line.line) {
                    self.notes
                        .push(format!("{name} was cut off while it was written; what it began stands whole behind it, or is written next"));
                    continue;
                }
                self.problem(finding(Fault::WrongAnchor, 0, 0, format!("{name} is no checkpoint")));
                continue;
            };
            let of_row = checkpoint.entries;
            match checkpoint.signature(keys) {
                Signature::UnknownKey => {
                    *unknown.entry(&checkpoint.key).or_default() += 1;
                    continue;
                }
                Signature::Forged => {
                    let what = format!("{name} was not made with the key {} that it names: it was changed or forged", checkpoint.key);
                    self.problem(finding(Fault::ForgedCheckpoint, of_row, of_row, what));
                    continue;
                }
                Signature::Good => {}
            }
            match known.get(&checkpoint.number) {
                Some(same) if *same == checkpoint => {}
                Some(_) => {
                    let what = format!("{name} and checkpoint {} of the database are not the same", checkpoint.number);
                    self.problem(finding(Fault::WrongAnchor, of_row, of_row, what));
                    self.expect(checkpoint, name);
                }
                None => {
                    beyond = beyond.max(checkpoint.number);
                    self.expect(checkpoint, name);
                }
            }
        }
        if beyond > newest {
            let what = format!("checkpoints {} to {beyond} stand in the anchor file and not in the database", newest + 1);
            self.problem(finding(Fault::MissingCheckpoint, 0, 0, what));
        } else if beyond > 0 {
            self.problem(finding(Fault::MissingCheckpoint, 0, 0, "the anchor file has checkpoints that are gone from the database"));
        }
        for (key, count) in unknown {
            let what = match keys {
                Some(_) => format!("{count} checkpoints were made with the key {key}, which is not here: nobody can tell whether they fit"),
                None => format!("{count} checkpoints were made with the key {key}, and there is no key here"),
            };
            self.problem(finding(Fault::WrongKey, 0, 0, what));
        }
    }

    /// The second place that the settings name is not there, though there are checkpoints.
    pub fn no_place(&mut self, path: &std::path::Path) {
        self.notes.push(format!(
            "the anchor file {} is not there: it is written with the next checkpoint, or `quarterdeck audit anchor` makes one now",
            path.display()
        ));
    }

    fn expect(&mut self, checkpoint: &Checkpoint, name: String) {
        self.heads.entry(checkpoint.entries).or_default().push((checkpoint.head.clone(), name));
    }

    fn problem(&mut self, finding: Finding) {
        self.problems.push(finding);
    }

    /// The next row. `newer` is asked for what is redacted by now when a row does not fit what was known at the beginning: somebody's detail
    /// may have been taken out since. `None` when there is nothing newer.
    pub fn row(&mut self, row: &Stored<'_>, newer: impl FnOnce() -> Option<BTreeMap<i64, Redaction>>) {
        let has_gap = row.seq != self.last + 1;
        if has_gap {
            let (from, to) = (self.last + 1, row.seq - 1);
            let verb = if from == to { "is" } else { "are" };
            self.problem(finding(Fault::Missing, from, to, format!("{} {verb} missing", span(from, to))));
        }
        let follows = row.prev_hash == self.head;
        let computed = row.computed();
        let mut fits = computed == row.hash;
        if !fits {
            fits = self.is_redacted(row, &computed);
            if !fits && let Some(redactions) = newer() {
                self.redacted_since = redactions;
                fits = self.is_redacted(row, &computed);
            }
            self.redacted += i64::from(fits);
        }
        if !fits {
            self.broke(row);
        } else if !follows && !has_gap && self.before_fits {
            let seq = self.last;
            let what = if seq == 0 {
                "row 1 does not begin the chain: what stood before it was taken out and the rest renumbered".to_owned()
            } else {
                format!("row {seq} was edited and its own hash computed anew: row {} does not follow it", row.seq)
            };
            self.problem(finding(if seq == 0 { Fault::Missing } else { Fault::Edited }, seq.max(1), seq.max(1), what));
        }
        if row.at < self.at {
            self.back_count += 1;
            if self.back.len() < 3 {
                self.back.push((row.seq, self.at - row.at));
            }
        }
        // What a checkpoint says is compared with rows that fit: of the others it is known already.
        if let Some(expected) = self.heads.remove(&row.seq) {
            for (head, name) in expected.into_iter().filter(|_| fits) {
                if head.as_bytes() == row.hash {
                    self.fitting += 1;
                    if self.rewritten.is_none() {
                        self.anchored = row.seq;
                    }
                } else {
                    let from = self.anchored + 1;
                    self.rewritten.get_or_insert((from, row.seq, name)).1 = row.seq;
                }
            }
        }
        (self.last, self.at, self.before_fits) = (row.seq, row.at, fits);
        self.head.clear();
        self.head.extend_from_slice(row.hash);
        self.rows += 1;
    }

    /// Whether a row that does not fit its hash says what the log allows it to say since.
    fn is_redacted(&self, row: &Stored<'_>, computed: &[u8]) -> bool {
        let mut allowed = [&self.redactions, &self.redacted_since].into_iter().filter_map(|known| known.get(&row.seq));
        allowed.any(|redaction| redaction.hash.as_bytes() == row.hash && redaction.content.as_bytes() == computed)
    }

    /// A row that does not fit its hash: edited, or from another place.
    fn broke(&mut self, row: &Stored<'_>) {
        let is_of = |seq: i64| seq != row.seq && row.computed_as(seq) == row.hash;
        let mut belongs = (self.shift != 0 && is_of(row.seq + self.shift)).then(|| row.seq + self.shift);
        if belongs.is_none() && self.broken.len() < KEPT {
            belongs = (1..=FARTHEST).flat_map(|by| [row.seq + by, row.seq - by]).find(|seq| is_of(*seq));
            self.shift = belongs.map_or(self.shift, |seq| seq - row.seq);
        }
        if belongs.is_none() && self.broken.len() >= KEPT {
            self.broken_unkept += 1;
            return;
        }
        let kept = belongs.is_none().then(|| Owned::of(row));
        self.broken.push(Broken { seq: row.seq, belongs, row: kept });
    }

    /// The end of the log was reached.
    #[must_use]
    pub fn end(mut self) -> Walked {
        self.name_broken();
        if let Some((from, to, name)) = self.rewritten.take() {
            let what = format!(
                "the chain was computed anew somewhere in {}: it is whole in itself, and {name} was made over other rows",
                span(from, to)
            );
            self.problem(finding(Fault::Rewritten, from, to, what));
        }
        if let Some((entries, names)) = self.heads.range(self.last + 1..).next_back() {
            let name = names.first().map_or_else(String::new, |(_, name)| name.clone());
            let (from, to) = (self.last + 1, *entries);
            let what = format!("{} were cut off the end: {name} was made when the log had {to} rows", span(from, to));
            self.problems.push(finding(Fault::Truncated, from, to, what));
        }
        if self.back_count > 0 {
            let first: Vec<String> = self.back.iter().map(|(seq, by)| format!("at row {seq} by {}", clock::duration(*by))).collect();
            let more = if self.back_count > 3 { format!(", and {} times more", self.back_count - 3) } else { String::new() };
            self.notes.push(format!("the clock went backwards {}{more}", first.join(", ")));
        }
        if self.redacted > 0 {
            self.notes
                .push(format!("personal detail was taken out of {} rows; each has a row `audit.redact` that says why", self.redacted));
        }
        self.problems.sort_by_key(|found| (found.seq, found.fault));
        Walked {
            rows: self.rows,
            last: self.last,
            head: String::from_utf8_lossy(&self.head).into_owned(),
            anchored: self.anchored.min(self.last),
            checkpoints: self.fitting,
            redacted: self.redacted,
            problems: self.problems,
            notes: self.notes,
        }
    }

    fn name_broken(&mut self) {
        let mut broken = std::mem::take(&mut self.broken);
        // Rows that changed places are each other's: what was not found near by is looked for among them.
        let places: Vec<i64> = broken.iter().map(|row| row.seq).collect();
        if places.len() <= KEPT {
            for one in &mut broken {
                let Some(row) = one.row.take() else { continue };
                let stored = row.stored();
                one.belongs = places.iter().copied().find(|seq| *seq != stored.seq && stored.computed_as(*seq) == stored.hash);
            }
        }
        // Everything from a row to the end stands too early by the same number: rows were taken out before, and the numbers closed up.
        let shifted = broken.first().and_then(|first| Some((first.seq, first.belongs? - first.seq))).filter(|(from, by)| {
            *by > 0 && broken.len() as i64 == self.last - from + 1 && broken.iter().all(|one| one.belongs == Some(one.seq + by))
        });
        if let Some((from, by)) = shifted {
            let what = format!("{} were taken out, and the rows behind renumbered", span(from, from + by - 1));
            self.problem(finding(Fault::Missing, from, from + by - 1, what));
            return;
        }
        let (mut edited, mut named) = (0_usize, 0_usize);
        for one in &broken {
            named += 1;
            if named > NAMED {
                edited += 1;
                continue;
            }
            self.problem(match one.belongs {
                Some(place) => finding(Fault::Reordered, one.seq, one.seq, format!("row {} was written as row {place}", one.seq)),
                None => finding(Fault::Edited, one.seq, one.seq, format!("row {} was edited: it does not match its hash", one.seq)),
            });
        }
        let more = i64::try_from(edited).unwrap_or(i64::MAX).saturating_add(self.broken_unkept);
        if more > 0 {
            self.problem(finding(Fault::Edited, self.last, self.last, format!("{more} further rows do not match their hashes")));
        }
    }
}
