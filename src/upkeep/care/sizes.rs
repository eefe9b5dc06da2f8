//! How large tables and indexes are, and how they grow: the sizes of each day are kept, so that growth is measured and not guessed.

use super::work::{step, watched};
use super::{Error, Result};
use crate::base::Millis;
use crate::store::holders::Role;
use crate::store::outside::{Outside, aside};
use crate::store::{self, Conn, Engine, Row};
use crate::upkeep::Site;
use crate::upkeep::progress::Watcher;
use crate::vals;
use serde::Serialize;
use std::collections::BTreeMap;

const DAY: Millis = 86_400_000;
/// How long the sizes of a day are kept.
const KEPT_DAYS: i64 = 800;

/// A table or an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// The table it belongs to: its own name for a table.
    pub table: String,
    /// Whether it is an index.
    pub is_index: bool,
    /// Bytes of its pages.
    pub bytes: i64,
    /// Bytes in them that hold nothing.
    pub unused: i64,
    /// How it grew, by the nearest kept day that is at least so many days back: 1, 7, 30.
    pub grown: [Option<Grown>; 3],
}

/// How much something grew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Grown {
    /// Bytes more than then; less when it shrank.
    pub bytes: i64,
    /// Days between.
    pub days: i64,
}

/// The sizes of everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Bytes of the database, without its log.
    pub total: i64,
    /// Bytes of pages that nothing uses; a vacuum gives them back.
    pub free: i64,
    /// Bytes of the log's file; none on a server.
    pub log: Option<i64>,
    /// Bytes that are free on the disk; none on a server.
    pub disk_free: Option<u64>,
    /// Growth of the whole, as of a [`Part`].
    pub grown: [Option<Grown>; 3],
    /// Tables and indexes, the largest first.
    pub parts: Vec<Part>,
    /// Days until the disk is full at the growth of the last 30 days, or 7, or one; none when that cannot be told.
    pub days_left: Option<i64>,
}

/// The name under which the size of the whole is kept.
const WHOLE: &str = "";

/// The size of each table and index in the file: its pages, read one by one.
const OF_FILE: &str =
    "SELECT s.name AS name, coalesce(m.tbl_name, s.name) AS tab, CASE WHEN m.type = 'index' THEN 1 ELSE 0 END AS is_index,
    s.pgsize AS bytes, s.unused AS unused FROM dbstat s LEFT JOIN sqlite_schema m ON m.name = s.name WHERE s.aggregate = TRUE";
const OF_SERVER: &str = "SELECT CAST(c.relname AS TEXT) AS name, CAST(coalesce(t.relname, c.relname) AS TEXT) AS tab,
    CASE WHEN c.relkind = 'i' THEN 1 ELSE 0 END AS is_index,
    CASE WHEN c.relkind = 'i' THEN pg_relation_size(c.oid) ELSE pg_table_size(c.oid) END AS bytes, CAST(0 AS BIGINT) AS unused
  FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = i.indrelid
  WHERE c.relkind IN ('r', 'i') AND c.relnamespace = CAST(current_schema() AS regnamespace)";

/// Measure, keep what was measured for today, and compare with the days before.
///
/// # Errors
/// [`Error::Store`] when the database refuses, [`Error::Stopped`].
pub fn sizes(site: &Site, watcher: &dyn Watcher) -> Result<Sizes> {
    let address = site.address()?;
    let now = site.clock.now();
    let mut sizes = aside(|| measure(&address, watcher))?;
    let names: Vec<(String, i64)> =
        std::iter::once((WHOLE.to_owned(), sizes.total)).chain(sizes.parts.iter().map(|part| (part.name.clone(), part.bytes))).collect();
    let past = aside(|| site.database()?.write_blocking(move |c| keep(c, now, &names)))?;
    sizes.grown = grown(&past, WHOLE, sizes.total, now);
    for part in &mut sizes.parts {
        part.grown = grown(&past, &part.name, part.bytes, now);
    }
    let rate = sizes.grown.iter().rev().flatten().find(|grown| grown.bytes > 0);
    sizes.days_left = rate.zip(sizes.disk_free).map(|(grown, free)| {
        let free = i64::try_from(free).unwrap_or(i64::MAX);
        free.saturating_mul(grown.days) / grown.bytes
    });
    Ok(sizes)
}

fn measure(address: &store::Address, watcher: &dyn Watcher) -> Result<Sizes> {
    let mut outside = Outside::open(address, true)?;
    let sql = match outside.engine() {
        Engine::Sqlite => OF_FILE,
        Engine::Postgres => OF_SERVER,
    };
    let rows = watched(&mut outside, watcher, step("measuring", 0, 1), |outside| outside.rows(Role::Reads, sql))?;
    let mut parts = rows.iter().map(part).collect::<store::Result<Vec<_>>>()?;
    parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let value = |outside: &mut Outside, sql: &str| outside.first(sql, vals![])?.map_or(Ok(0), |row| row.int("value"));
    let (total, free, log, disk_free) = match address {
        store::Address::Sqlite(path) => {
            let page = "SELECT page_count * page_size AS value FROM pragma_page_count(), pragma_page_size()";
            let free = "SELECT freelist_count * page_size AS value FROM pragma_freelist_count(), pragma_page_size()";
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            let log = std::fs::metadata(log).map_or(0, |meta| i64::try_from(meta.len()).unwrap_or(i64::MAX));
            let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| std::path::Path::new("."));
            (value(&mut outside, page)?, value(&mut outside, free)?, Some(log), super::tidy::free(beside).ok())
        }
        store::Address::Postgres(_) => (value(&mut outside, "SELECT pg_database_size(current_database()) AS value")?, 0, None, None),
    };
    Ok(Sizes { total, free, log, disk_free, grown: [None; 3], parts, days_left: None })
}

fn part(row: &Row) -> store::Result<Part> {
    Ok(Part {
        name: row.text("name")?,
        table: row.text("tab")?,
        is_index: row.flag("is_index")?,
        bytes: row.int("bytes")?,
        unused: row.int("unused")?,
        grown: [None; 3],
    })
}

/// What was measured on the days before, by name: day and bytes, the newest first.
type Past = BTreeMap<String, Vec<(i64, i64)>>;

fn keep(c: &mut dyn Conn, now: Millis, names: &[(String, i64)]) -> Result<Past> {
    let today = now.div_euclid(DAY);
    let mut past = Past::new();
    for row in c.query("SELECT name, day, bytes FROM table_sizes WHERE day < $1 ORDER BY name, day DESC", vals![today])? {
        past.entry(row.text("name")?).or_default().push((row.int("day")?, row.int("bytes")?));
    }
    for (name, bytes) in names {
        c.exec(
            "INSERT INTO table_sizes (day, name, bytes, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (day, name) DO UPDATE SET bytes = excluded.bytes, at = excluded.at",
            vals![today, name, *bytes, now],
        )?;
    }
    c.exec("DELETE FROM table_sizes WHERE day < $1", vals![today - KEPT_DAYS])?;
    Ok::<_, Error>(past)
}

fn grown(past: &Past, name: &str, bytes: i64, now: Millis) -> [Option<Grown>; 3] {
    let today = now.div_euclid(DAY);
    [1, 7, 30].map(|days| {
        let before = past.get(name)?.iter().find(|(day, _)| today - day >= days)?;
        Some(Grown { bytes: bytes - before.1, days: today - before.0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_from_the_nearest_day_that_is_old_enough() {
        let past = Past::from([("calls".to_owned(), vec![(99, 80), (97, 70), (60, 10)])]);
        let now = 100 * DAY + 5;
        let told = grown(&past, "calls", 100, now);
        assert_eq!(told, [Some(Grown { bytes: 20, days: 1 }), Some(Grown { bytes: 90, days: 40 }), Some(Grown { bytes: 90, days: 40 })]);
        assert_eq!(grown(&past, "other", 100, now), [None; 3]);
    }
}
