//! How much waits in the queue and in the outbox, and since when.

use super::error::Result;
use super::state::State;
use crate::base::Millis;
use crate::store::Conn;
use crate::vals;

/// Items of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// The state.
    pub state: State,
    /// How many.
    pub items: i64,
    /// When the oldest of them was drafted; `None` of none.
    pub oldest_at: Option<Millis>,
}

/// States in which an item waits for somebody, in the queue first and in the outbox then.
pub const WAITING: [State; 9] = [
    State::Pending,
    State::Blocked,
    State::Claimed,
    State::Held,
    State::Returned,
    State::Scheduled,
    State::Sending,
    State::Unknown,
    State::Unresolved,
];

/// How many items are in each state in which an item waits, zeros among them.
///
/// # Errors
/// When the engine refuses.
pub fn depths(c: &mut dyn Conn) -> Result<Vec<Depth>> {
    WAITING
        .into_iter()
        .map(|state| {
            let row = c.first(
                "SELECT CAST(count(*) AS BIGINT) AS items, min(created_at) AS oldest FROM pending_posts WHERE state = $1",
                vals![state.as_str()],
            )?;
            Ok(match row {
                Some(row) => Depth { state, items: row.int("items")?, oldest_at: row.int_opt("oldest")? },
                None => Depth { state, items: 0, oldest_at: None },
            })
        })
        .collect()
}

/// Items that were to be sent before a moment and are still there.
///
/// # Errors
/// When the engine refuses.
pub fn overdue(c: &mut dyn Conn, before: Millis) -> Result<i64> {
    let row = c.first(
        "SELECT CAST(count(*) AS BIGINT) AS items FROM pending_posts WHERE state = 'scheduled' AND not_before < $1",
        vals![before],
    )?;
    Ok(row.map_or(Ok(0), |row| row.int("items"))?)
}
