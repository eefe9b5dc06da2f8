//! Which statements take long, as the processes of this deck noticed.

use super::Result;
use crate::base::Millis;
use crate::store::outside::aside;
use crate::store::{self, Conn};
use crate::upkeep::Site;
use crate::vals;
use serde::Serialize;

/// A statement that took long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlowStatement {
    /// The beginning of its text, which holds no values.
    pub statement: String,
    /// How often it took long.
    pub times: i64,
    /// The longest, in microseconds.
    pub longest_us: i64,
    /// All together, in microseconds.
    pub total_us: i64,
    /// When it took long first.
    pub first_at: Millis,
    /// When it took long last.
    pub last_at: Millis,
}

/// The statements that took longer than [`store::slow::THRESHOLD`], those with the longest time in sum first.
///
/// # Errors
/// When the database refuses.
pub fn slow(site: &Site, limit: u32) -> Result<Vec<SlowStatement>> {
    aside(|| site.database()?.read_blocking(move |c| newest(c, limit)))
}

fn newest(c: &mut dyn Conn, limit: u32) -> Result<Vec<SlowStatement>> {
    let rows = c.query(
        "SELECT statement, times, longest_us, total_us, first_at, last_at FROM slow_statements ORDER BY total_us DESC, id LIMIT $1",
        vals![i64::from(limit)],
    )?;
    let read = |row: &store::Row| {
        Ok::<_, store::Error>(SlowStatement {
            statement: row.text("statement")?,
            times: row.int("times")?,
            longest_us: row.int("longest_us")?,
            total_us: row.int("total_us")?,
            first_at: row.int("first_at")?,
            last_at: row.int("last_at")?,
        })
    };
    Ok(rows.iter().map(read).collect::<store::Result<Vec<_>>>()?)
}
