//! What was sent: how far it is from the first draft, and what was answered twice.

use super::NOT_GOLDEN;
use crate::base::{Millis, PersonaId};
use crate::moderation::error::Result;
use crate::store::Conn;
use crate::vals;

/// For each message sent: how far its text is from the first draft, 0 the same, 1 all different.
pub(super) fn revised(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis) -> Result<Vec<f64>> {
    let rows = c.query(
        &format!(
            "SELECT first.content AS drafted, p.content AS sent FROM pending_posts p
             JOIN post_revisions first ON first.persona_id = p.persona_id AND first.item_id = p.id AND first.revision = 1
             WHERE p.state IN ('confirmed', 'visible', 'filtered', 'gone', 'retracted', 'amended') AND p.created_at >= $1
               AND (CAST($2 AS TEXT) IS NULL OR p.persona_id = $2) AND {NOT_GOLDEN} ORDER BY p.created_at DESC, p.id LIMIT 2000"
        ),
        vals![since, persona],
    )?;
    rows.iter()
        .map(|row| {
            let (drafted, sent) = (row.text("drafted")?, row.text("sent")?);
            Ok(if drafted == sent { 0.0 } else { 1.0 - f64::from(similar::TextDiff::from_words(&drafted, &sent).ratio()) })
        })
        .collect()
}

/// How many messages one persona answered more than once, with an answer in the window.
pub(super) fn duplicates(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis) -> Result<usize> {
    let row = c.first(
        "SELECT count(*) AS n FROM (SELECT persona_id, parent_id FROM interactions
           WHERE parent_id IS NOT NULL AND (CAST($2 AS TEXT) IS NULL OR persona_id = $2)
           GROUP BY persona_id, parent_id HAVING count(*) > 1 AND max(created_at) >= $1) twice",
        vals![since, persona],
    )?;
    Ok(row.map_or(Ok(0), |row| row.int("n")).map(|count| usize::try_from(count).unwrap_or(0))?)
}
