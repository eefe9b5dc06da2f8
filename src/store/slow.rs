//! Statements that take long: noticed where they run, told to the log at once, and kept in a bounded table by the writer when it comes by.

use super::error::excerpt_of;
use super::{Conn, Result};
use crate::base::{Millis, sha256_hex};
use crate::vals;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// From here on a statement is slow.
pub const THRESHOLD: Duration = Duration::from_millis(200);
/// Statements that are kept in memory until they are written down.
const IN_MEMORY: usize = 64;
/// Statements that are kept in the table.
const KEPT: i64 = 200;
/// Characters of a statement that are kept.
const LENGTH: usize = 400;

/// What was noticed of one statement.
#[derive(Debug, Clone, Copy)]
struct Noticed {
    times: i64,
    longest_us: i64,
    total_us: i64,
    last_at: Millis,
}

static IS_NEWS: AtomicBool = AtomicBool::new(false);

fn noticed() -> &'static Mutex<HashMap<String, Noticed>> {
    static NOTICED: OnceLock<Mutex<HashMap<String, Noticed>>> = OnceLock::new();
    NOTICED.get_or_init(Mutex::default)
}

/// Run a statement and notice how long it took.
pub(super) fn timed<T>(sql: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    let took = began.elapsed();
    if took >= THRESHOLD {
        notice(sql, took);
    }
    done
}

#[cold]
fn notice(sql: &str, took: Duration) {
    let statement = excerpt_of(sql, LENGTH);
    let took_us = i64::try_from(took.as_micros()).unwrap_or(i64::MAX);
    tracing::warn!(statement, milliseconds = took_us / 1_000, "a slow statement");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    let mut all = noticed().lock().unwrap_or_else(PoisonError::into_inner);
    // Few statements are slow; more of them than this, and the first ones tell enough.
    if all.len() >= IN_MEMORY && !all.contains_key(&statement) {
        return;
    }
    let entry = all.entry(statement).or_insert(Noticed { times: 0, longest_us: 0, total_us: 0, last_at: now });
    *entry = Noticed {
        times: entry.times + 1,
        longest_us: entry.longest_us.max(took_us),
        total_us: entry.total_us.saturating_add(took_us),
        last_at: now,
    };
    IS_NEWS.store(true, Ordering::Release);
}

/// Whether something is to be written down.
pub(super) fn is_news() -> bool {
    IS_NEWS.load(Ordering::Acquire)
}

/// Write down what was noticed since the last time.
pub(super) fn write(c: &mut dyn Conn) -> Result<()> {
    IS_NEWS.store(false, Ordering::Release);
    let all = std::mem::take(&mut *noticed().lock().unwrap_or_else(PoisonError::into_inner));
    for (statement, seen) in all {
        c.exec(
            "INSERT INTO slow_statements (id, statement, times, longest_us, total_us, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
             ON CONFLICT (id) DO UPDATE SET times = slow_statements.times + excluded.times, last_at = excluded.last_at,
               total_us = slow_statements.total_us + excluded.total_us,
               longest_us = CASE WHEN excluded.longest_us > slow_statements.longest_us THEN excluded.longest_us ELSE slow_statements.longest_us END",
            vals![sha256_hex(statement.as_bytes()), &statement, seen.times, seen.longest_us, seen.total_us, seen.last_at],
        )?;
    }
    c.exec(
        "DELETE FROM slow_statements WHERE id NOT IN (SELECT k.id FROM slow_statements k ORDER BY k.total_us DESC, k.id LIMIT $1)",
        vals![KEPT],
    )?;
    Ok(())
}
