//! The table of the files that were read: how far, and how each is known again.

use super::source::{Compression, KNOWN_BY, Present};
use super::{Format, Result};
use crate::base::{Millis, sha256_hex};
use crate::store::{self, Bulk, Conn, Row, ValRef};
use crate::vals;

use super::entry::Reject;

/// Rejected lines that are kept of a file. All are counted, and can be written to a file.
pub const REJECTS_KEPT: u64 = 10_000;

/// What was taken from a file, over all runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Calls that were new.
    pub calls: u64,
    /// Lines that repeat a call that is known.
    pub repeated: u64,
    /// Lines that say otherwise of a call that is known: the last one counts.
    pub corrected: u64,
    /// Lines that were not taken.
    pub rejected: u64,
    /// Lines about something else.
    pub other: u64,
}

impl Counts {
    /// These and those.
    pub fn plus(&mut self, other: &Self) {
        self.calls += other.calls;
        self.repeated += other.repeated;
        self.corrected += other.corrected;
        self.rejected += other.rejected;
        self.other += other.other;
    }
}

/// A file as it was when it was read last.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its number: `source_file` of its calls.
    pub id: i64,
    /// The first byte that was not read.
    pub position: u64,
    /// The line that begins there.
    pub line: u64,
    /// When its last call began.
    pub last_call_at: Option<Millis>,
    /// What was taken from it.
    pub counts: Counts,
    size: u64,
    modified_ns: i64,
    head: (u64, String),
    tail: (u64, String),
    is_complete: bool,
    options: String,
}

/// What to do with a file.
#[derive(Debug)]
pub enum Plan {
    /// Nothing: it is as it was.
    Unchanged(Known),
    /// Go on where the last run was.
    Continue(Known),
    /// Read all of it.
    Anew,
}

/// The bytes by which the place that was reached is known again.
#[derive(Debug, Clone)]
pub struct Tail {
    /// How many.
    pub length: u64,
    /// Their digest.
    pub digest: String,
}

impl Default for Tail {
    fn default() -> Self {
        Self::of(b"")
    }
}

impl Tail {
    /// The end of what was read.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let tail = bytes.get(bytes.len().saturating_sub(KNOWN_BY as usize)..).unwrap_or(bytes);
        Self { length: tail.len() as u64, digest: sha256_hex(tail) }
    }
}

const COLUMNS: &str = "id, position, line, last_call_at, calls, repeated, corrected, rejected, other, size, modified_ns, head_length, head_digest, \
    tail_length, tail_digest, is_complete, options";

fn known(row: &Row) -> store::Result<Known> {
    let count = |column| Ok::<_, store::Error>(row.int(column)?.cast_unsigned());
    Ok(Known {
        id: row.int("id")?,
        position: count("position")?,
        line: count("line")?,
        last_call_at: row.int_opt("last_call_at")?,
        counts: Counts {
            calls: count("calls")?,
            repeated: count("repeated")?,
            corrected: count("corrected")?,
            rejected: count("rejected")?,
            other: count("other")?,
        },
        size: count("size")?,
        modified_ns: row.int("modified_ns")?,
        head: (count("head_length")?, row.text("head_digest")?),
        tail: (count("tail_length")?, row.text("tail_digest")?),
        is_complete: row.flag("is_complete")?,
        options: row.text("options")?,
    })
}

/// The files that this one may be: the one at its path, and those that had its number on the disk, because logs are renamed when they are
/// rotated.
///
/// # Errors
/// When the database refuses.
pub fn candidates(c: &mut dyn Conn, path: &str, device: i64, inode: i64) -> store::Result<Vec<Known>> {
    let rows = c.query(
        &format!(
            "SELECT {COLUMNS} FROM import_files WHERE (path = $1 AND is_current = 1) OR (inode = $2 AND device = $3) \
             ORDER BY CASE WHEN path = $1 THEN 0 ELSE 1 END, id DESC LIMIT 8"
        ),
        vals![path, inode, device],
    )?;
    rows.iter().map(known).collect()
}

/// What to do with a file, by what is known of it. `options` are those that decide what a line means.
///
/// # Errors
/// When the file cannot be read.
pub fn plan(present: &mut Present, candidates: Vec<Known>, options: &str) -> Result<Plan> {
    for known in candidates {
        let same_size = known.size == present.size;
        let untouched = same_size && known.modified_ns == present.modified_ns;
        // Read with another zone or another unit, a line means something else.
        if known.options != options || known.head.0 > present.size {
            continue;
        }
        if present.digest(0, known.head.0)?.is_none_or(|digest| digest != known.head.1) {
            continue;
        }
        if present.compression != Compression::None {
            // The place is one of the text, not of the file: it holds only as long as the file is untouched.
            if untouched {
                return Ok(if known.is_complete { Plan::Unchanged(known) } else { Plan::Continue(known) });
            }
            continue;
        }
        let from = known.position.saturating_sub(known.tail.0);
        if known.position > present.size || present.digest(from, known.tail.0)?.is_none_or(|digest| digest != known.tail.1) {
            continue;
        }
        if untouched && known.is_complete {
            return Ok(Plan::Unchanged(known));
        }
        // Written to without having grown: something in the middle may be another now.
        if same_size && known.is_complete && known.position == present.size {
            continue;
        }
        return Ok(Plan::Continue(known));
    }
    Ok(Plan::Anew)
}

/// Note a file that is read from its beginning. Returns its number. Another one that was read at this path is of the past.
///
/// # Errors
/// When the database refuses.
pub fn begin(c: &mut dyn Conn, path: &str, present: Option<&Seen>, options: &str, now: Millis) -> store::Result<i64> {
    c.exec("UPDATE import_files SET is_current = 0, updated_at = $1 WHERE path = $2 AND is_current = 1", vals![now, path])?;
    let last = c.first("SELECT CAST(COALESCE(max(id), 0) AS BIGINT) AS id FROM import_files", &[])?;
    let id = last.map_or(Ok(0), |row| row.int("id"))? + 1;
    let seen = present.cloned().unwrap_or_default();
    c.exec(
        "INSERT INTO import_files (id, path, is_current, device, inode, size, modified_ns, head_length, head_digest, tail_length, tail_digest, \
         position, line, is_complete, options, format, calls, repeated, corrected, rejected, other, last_call_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, 0, 1, 0, $11, NULL, 0, 0, 0, 0, 0, NULL, $12, $12)",
        vals![
            id,
            path,
            present.is_some(),
            seen.device,
            seen.inode,
            seen.size.cast_signed(),
            seen.modified_ns,
            seen.head.length.cast_signed(),
            &seen.head.digest,
            sha256_hex(b""),
            options,
            now
        ],
    )?;
    Ok(id)
}

/// A file as it is when a run looks at it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The device that it is on.
    pub device: i64,
    /// Its number there.
    pub inode: i64,
    /// Its size.
    pub size: u64,
    /// When it was changed last.
    pub modified_ns: i64,
    /// Its beginning.
    pub head: Tail,
}

impl Seen {
    /// Look at the beginning of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(present: &mut Present) -> Result<Self> {
        let length = present.size.min(KNOWN_BY);
        let digest = present.digest(0, length)?;
        let head = digest.map_or_else(|| Tail::of(b""), |digest| Tail { length, digest });
        Ok(Self { device: present.device, inode: present.inode, size: present.size, modified_ns: present.modified_ns, head })
    }
}

/// How far a file was read.
#[derive(Debug, Clone)]
pub struct Step {
    /// The first byte that was not read.
    pub position: u64,
    /// The line that begins there.
    pub line: u64,
    /// The bytes before it.
    pub tail: Tail,
    /// The format of the last call.
    pub format: Option<Format>,
    /// When the last call began.
    pub last_call_at: Option<Millis>,
}

/// Note how far a file was read, and what was taken; in the transaction of what was taken.
///
/// # Errors
/// When the database refuses.
pub fn advance(c: &mut dyn Conn, id: i64, step: &Step, counts: &Counts, now: Millis) -> store::Result<()> {
    c.exec(
        "UPDATE import_files SET position = $1, line = $2, tail_length = $3, tail_digest = $4, format = COALESCE($5, format), \
         last_call_at = COALESCE($6, last_call_at), calls = calls + $7, repeated = repeated + $8, corrected = corrected + $9, \
         rejected = rejected + $10, other = other + $11, updated_at = $12 WHERE id = $13",
        vals![
            step.position.cast_signed(),
            step.line.cast_signed(),
            step.tail.length.cast_signed(),
            &step.tail.digest,
            step.format.map(Format::word),
            step.last_call_at,
            counts.calls.cast_signed(),
            counts.repeated.cast_signed(),
            counts.corrected.cast_signed(),
            counts.rejected.cast_signed(),
            counts.other.cast_signed(),
            now,
            id
        ],
    )?;
    Ok(())
}

/// Note as what a file is known: at the beginning of a run, and at its end that all was read.
///
/// # Errors
/// When the database refuses.
pub fn note(c: &mut dyn Conn, id: i64, path: &str, seen: &Seen, is_complete: bool, now: Millis) -> store::Result<()> {
    c.exec(
        "UPDATE import_files SET path = $1, is_current = 1, device = $2, inode = $3, size = $4, modified_ns = $5, head_length = $6, head_digest = $7, \
         is_complete = $8, updated_at = $9 WHERE id = $10",
        vals![
            path,
            seen.device,
            seen.inode,
            seen.size.cast_signed(),
            seen.modified_ns,
            seen.head.length.cast_signed(),
            &seen.head.digest,
            is_complete,
            now,
            id
        ],
    )?;
    Ok(())
}

const REJECTS: Bulk = Bulk {
    table: "import_rejects",
    columns: &["file_id", "line", "reason", "detail", "at"],
    on_conflict: "ON CONFLICT (file_id, line) DO NOTHING",
    tells_left_out: false,
};

/// Keep rejected lines: the number and the reason.
///
/// # Errors
/// When the database refuses.
pub fn reject(c: &mut dyn Conn, id: i64, rejects: &[&Reject], now: Millis) -> store::Result<()> {
    let mut cells = Vec::with_capacity(rejects.len() * REJECTS.columns.len());
    for reject in rejects {
        cells.extend([
            ValRef::Int(id),
            ValRef::Int(reject.line.cast_signed()),
            ValRef::Text(reject.why.word()),
            ValRef::Text(&reject.detail),
            ValRef::Int(now),
        ]);
    }
    c.insert(&REJECTS, &cells).map(drop)
}
