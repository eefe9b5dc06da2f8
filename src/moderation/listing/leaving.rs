//! What a person approved and can still take back.

use super::Line;
use super::select::COLUMNS;
use crate::base::{Millis, PersonaId};
use crate::moderation::error::Result;
use crate::store::Conn;
use crate::vals;

/// The items that this reviewer approved and that leave after `now`, the last to leave first, at most `limit`.
///
/// # Errors
/// When the engine refuses.
pub fn leaving(c: &mut dyn Conn, reviewer: &str, persona: Option<&PersonaId>, now: Millis, limit: i64) -> Result<Vec<Line>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM pending_posts WHERE state = 'scheduled' AND reviewed_by = $1 AND not_before > $2
           AND (CAST($3 AS TEXT) IS NULL OR persona_id = $3) ORDER BY not_before DESC, id DESC LIMIT $4"
    );
    let rows = c.query(&sql, vals![reviewer, now, persona, limit])?;
    Ok(rows.iter().map(Line::from_row).collect::<Result<_, _>>()?)
}
