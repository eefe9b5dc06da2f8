//! One try to send an item, and what is due next.

use crate::base::{Millis, PersonaId};
use crate::moderation::error::Result;
use crate::store::{Conn, Row};
use crate::vals;

/// One try to send an item.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Attempt {
    /// The attempt's id.
    pub id: String,
    /// The item.
    pub item_id: String,
    /// The digest of what is sent.
    pub digest: String,
    /// The account it is sent from.
    pub account: String,
    /// The newest message of ours that was known before.
    pub high_water: Option<String>,
    /// When the intent was committed.
    pub started_at: Millis,
    /// When the outcome was final.
    pub finished_at: Option<Millis>,
    /// `confirmed`, `refused`, `not_sent`, `unknown`, `unresolved`, `abandoned`; empty while under way.
    pub outcome: Option<String>,
    /// The other side's code.
    pub code: Option<String>,
    /// The other side's words, or ours.
    pub message: Option<String>,
    /// What it became.
    pub fullname: Option<String>,
    /// How often reading was tried.
    pub reconcile_reads: i64,
    /// How often a complete read did not find it.
    pub complete_absences: i64,
    /// When that was last.
    pub last_absence_at: Option<Millis>,
}

pub(super) fn attempt(row: &Row) -> Result<Attempt> {
    Ok(Attempt {
        id: row.text("id")?,
        item_id: row.text("item_id")?,
        digest: row.text("digest")?,
        account: row.text("account")?,
        high_water: row.text_opt("high_water")?,
        started_at: row.int("started_at")?,
        finished_at: row.int_opt("finished_at")?,
        outcome: row.text_opt("outcome")?,
        code: row.text_opt("code")?,
        message: row.text_opt("message")?,
        fullname: row.text_opt("fullname")?,
        reconcile_reads: row.int("reconcile_reads")?,
        complete_absences: row.int("complete_absences")?,
        last_absence_at: row.int_opt("last_absence_at")?,
    })
}

/// Every attempt of an item, oldest first.
///
/// # Errors
/// When the engine refuses.
pub fn attempts(c: &mut dyn Conn, persona: &PersonaId, item: &str) -> Result<Vec<Attempt>> {
    c.query("SELECT * FROM delivery_attempts WHERE persona_id = $1 AND item_id = $2 ORDER BY started_at, id", vals![persona, item])?
        .iter()
        .map(attempt)
        .collect()
}

/// What has to be done next for a persona, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// Approved items whose undo window is over.
    pub send: Vec<String>,
    /// Items whose answer was lost and that are to be looked for now.
    pub reconcile: Vec<String>,
    /// Items to be looked at in public now.
    pub check: Vec<String>,
    /// Attempts without an outcome. Whoever owns the delivery and has nothing in flight knows that their answers were lost.
    pub open: usize,
    /// When the next of these comes, if nothing is due now.
    pub next_at: Option<Millis>,
}

/// What is due at `now`.
///
/// # Errors
/// When the engine refuses.
pub fn due(c: &mut dyn Conn, persona: &PersonaId, now: Millis) -> Result<Due> {
    let ids = |rows: Vec<Row>| rows.iter().map(|row| row.text("id")).collect::<crate::store::Result<Vec<_>>>();
    let send = c.query(
        "SELECT id FROM pending_posts WHERE persona_id = $1 AND state = 'scheduled' AND not_before <= $2 ORDER BY not_before, id LIMIT 50",
        vals![persona, now],
    )?;
    let reconcile = c.query(
        "SELECT item_id AS id FROM delivery_attempts WHERE next_reconcile_at <= $2 AND persona_id = $1 ORDER BY next_reconcile_at LIMIT 50",
        vals![persona, now],
    )?;
    // What is just being taken away or changed looks for itself.
    let check = c.query(
        "SELECT id FROM pending_posts p WHERE persona_id = $1 AND state IN ('confirmed', 'visible', 'filtered', 'amended') AND next_check_at <= $2
           AND NOT EXISTS (SELECT 1 FROM amendments a
             WHERE a.persona_id = p.persona_id AND a.item_id = p.id AND a.finished_at IS NULL AND a.started_at IS NOT NULL)
         ORDER BY next_check_at, id LIMIT 50",
        vals![persona, now],
    )?;
    let open = c.query(
        "SELECT id FROM delivery_attempts WHERE persona_id = $1 AND finished_at IS NULL AND outcome IS NULL LIMIT 50",
        vals![persona],
    )?;
    let mut next_at: Option<Millis> = None;
    for sql in [
        "SELECT min(not_before) AS at FROM pending_posts WHERE persona_id = $1 AND state = 'scheduled' AND not_before > $2",
        "SELECT min(next_reconcile_at) AS at FROM delivery_attempts WHERE persona_id = $1 AND next_reconcile_at > $2",
        "SELECT min(next_check_at) AS at FROM pending_posts WHERE persona_id = $1 AND state IN ('confirmed', 'visible', 'filtered', 'amended')
           AND next_check_at > $2",
    ] {
        if let Some(at) = c.first(sql, vals![persona, now])?.map_or(Ok(None), |row| row.int_opt("at"))? {
            next_at = Some(next_at.map_or(at, |earlier| earlier.min(at)));
        }
    }
    Ok(Due { send: ids(send)?, reconcile: ids(reconcile)?, check: ids(check)?, open: open.len(), next_at })
}
