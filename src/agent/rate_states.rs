//! What the loop of an account knows of Reddit's limits, kept with every beat of its heart: another process cannot ask the client.

use crate::base::Millis;
use crate::reddit::budget::BudgetSnapshot;
use crate::store::{Conn, Result, Row};
use crate::vals;
use serde::Serialize;

/// What was known of an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RateState {
    /// The account.
    pub account: String,
    /// `host:pid` of the loop's process.
    pub process: String,
    /// When it was known.
    pub at: Millis,
    /// Requests that the bucket holds at most.
    pub capacity: i64,
    /// Requests kept for reconciling.
    pub reserve: i64,
    /// Requests in it.
    pub available: f64,
    /// Until when nothing may leave, after a 429.
    pub blocked_until: Option<Millis>,
    /// Until when the account may post nothing.
    pub paused_until: Option<Millis>,
    /// Requests left in the window that Reddit's headers tell of.
    pub remaining: Option<f64>,
    /// When that window ends.
    pub resets_at: Option<Millis>,
    /// When Reddit last answered 429.
    pub limited_at: Option<Millis>,
}

/// Write down what is known of an account.
///
/// # Errors
/// When the engine refuses.
pub fn note(c: &mut dyn Conn, account: &str, process: &str, snapshot: &BudgetSnapshot, now: Millis) -> Result<()> {
    let same = |name: &String| name.eq_ignore_ascii_case(account);
    let window = snapshot.windows.iter().find(|(name, _)| same(name)).map(|(_, window)| window);
    let paused = snapshot.paused.iter().find(|(name, _)| same(name)).map(|(_, until)| *until);
    c.exec(
        "INSERT INTO rate_states (account, process, at, capacity, reserve, available, blocked_until, paused_until, remaining, resets_at,
           limited_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (account) DO UPDATE SET process = $2, at = $3, capacity = $4, reserve = $5, available = $6, blocked_until = $7,
           paused_until = $8, remaining = $9, resets_at = $10, limited_at = $11",
        vals![
            account,
            process,
            now,
            i64::from(snapshot.capacity),
            i64::from(snapshot.reserve),
            snapshot.available,
            snapshot.blocked_until,
            paused,
            window.map(|window| window.remaining),
            window.map(|window| window.resets_at),
            snapshot.limited_at
        ],
    )?;
    Ok(())
}

/// What is known of every account.
///
/// # Errors
/// When the engine refuses.
pub fn list(c: &mut dyn Conn) -> Result<Vec<RateState>> {
    c.query("SELECT * FROM rate_states ORDER BY account", &[])?.iter().map(one).collect()
}

fn one(row: &Row) -> Result<RateState> {
    Ok(RateState {
        account: row.text("account")?,
        process: row.text("process")?,
        at: row.int("at")?,
        capacity: row.int("capacity")?,
        reserve: row.int("reserve")?,
        available: row.real("available")?,
        blocked_until: row.int_opt("blocked_until")?,
        paused_until: row.int_opt("paused_until")?,
        remaining: row.real_opt("remaining")?,
        resets_at: row.int_opt("resets_at")?,
        limited_at: row.int_opt("limited_at")?,
    })
}
