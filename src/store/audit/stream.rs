//! The whole log, page by page, for verification and export: a million rows without a long reader and without a value for each column.

use super::hash::Stored;
use crate::store::backend::Backend;
use crate::store::sqlite::SqliteConn;
use crate::store::{Address, Conn as _, Result, Row, Val};
use crate::vals;
use std::ops::Range;

/// Rows of a page. Each page is one statement, so that a checkpoint of the write-ahead log waits for milliseconds only.
const PAGE: i64 = 8_192;
/// The same on a server, whose answers are kept whole.
const SERVER_PAGE: i64 = 2_000;
const COLUMNS: &str = "seq, at, persona_id, actor_kind, actor, action, subject_kind, subject_id, reason, before_digest, after_digest,
  detail, prev_hash, hash";
/// Columns of text.
const TEXTS: usize = 12;
/// Their names, in the order of [`COLUMNS`].
const NAMES: [&str; TEXTS] = [
    "persona_id",
    "actor_kind",
    "actor",
    "action",
    "subject_kind",
    "subject_id",
    "reason",
    "before_digest",
    "after_digest",
    "detail",
    "prev_hash",
    "hash",
];

/// Where each text of a row begins and ends.
type Columns = [Option<(u32, u32)>; TEXTS];

/// Rows in the order of the log, their texts in one buffer.
#[derive(Debug, Default)]
pub struct Page {
    text: Vec<u8>,
    rows: Vec<(i64, i64, Columns)>,
}

impl Page {
    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Its rows.
    pub fn rows(&self) -> impl Iterator<Item = Stored<'_>> {
        self.rows.iter().map(|(seq, at, columns)| {
            let text = |column: usize| {
                let (from, to) = columns.get(column).copied().flatten()?;
                self.text.get(Range { start: from as usize, end: to as usize })
            };
            Stored::of(*seq, *at, text)
        })
    }

    fn begin(&mut self, seq: i64, at: i64) {
        self.rows.push((seq, at, [None; TEXTS]));
    }

    fn put(&mut self, column: usize, bytes: &[u8]) {
        let from = self.text.len();
        self.text.extend_from_slice(bytes);
        // A page is some megabytes: what a row may hold is bounded by what is written into it.
        let span = (u32::try_from(from).unwrap_or(u32::MAX), u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.2.get_mut(column)) {
            *cell = Some(span);
        }
    }

    /// Add a row of an ordinary answer.
    pub(super) fn push_row(&mut self, row: &Row) -> Result<()> {
        self.begin(row.int("seq")?, row.int("at")?);
        for (column, name) in NAMES.iter().enumerate() {
            match row.get(name)? {
                Val::Text(text) => self.put(column, text.as_bytes()),
                Val::Blob(bytes) => self.put(column, bytes),
                _ => {}
            }
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.text.clear();
        self.rows.clear();
    }
}

/// Read every row behind `after`, on a connection of its own and in pages by key. `each` takes a full page and gives an empty one for the
/// next, or `None` to stop. Returns when all was read.
///
/// # Errors
/// When the database cannot be opened or read.
pub fn stream(address: &Address, after: i64, mut each: impl FnMut(Page) -> Option<Page>) -> Result<()> {
    let mut backend = Backend::open(address, true)?;
    let mut last = after;
    let mut page = Page::default();
    loop {
        page.clear();
        match &mut backend {
            Backend::Sqlite(conn) => conn.audit_page(&mut page, last)?,
            Backend::Postgres(conn) => {
                let sql = format!("SELECT {COLUMNS} FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT $2");
                for row in conn.query(&sql, vals![last, SERVER_PAGE])? {
                    page.push_row(&row)?;
                }
            }
        }
        let Some((seq, ..)) = page.rows.last() else { return Ok(()) };
        last = *seq;
        match each(page) {
            Some(next) => page = next,
            None => return Ok(()),
        }
    }
}

impl SqliteConn {
    /// The next rows, their bytes copied once and nothing made of them.
    fn audit_page(&self, page: &mut Page, after: i64) -> Result<()> {
        let sql = format!("SELECT {COLUMNS} FROM audit_log WHERE seq > ?1 ORDER BY seq LIMIT ?2");
        self.each(&sql, &[after, PAGE], |row| {
            page.begin(row.get(0)?, row.get(1)?);
            for column in 0..TEXTS {
                match row.get_ref(column + 2)? {
                    rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => page.put(column, bytes),
                    _ => {}
                }
            }
            Ok(())
        })
    }
}
