//! Samples: a share of what was approved without a person is looked at by one afterwards.
//!
//! Which ones is drawn from the item's id and a secret of the database: nobody who writes drafts can tell beforehand, and whoever has the
//! database can draw again and find the same ones.

use super::{NOT_GOLDEN, draw, salt};
use crate::base::{Millis, PersonaId};
use crate::moderation::error::Result;
use crate::moderation::item::Item;
use crate::store::Conn;
use crate::vals;
use serde::Serialize;

/// Whether this item is among the `percent` of a hundred that are looked at.
#[must_use]
pub fn is_picked(salt: &str, item: &str, percent: i64) -> bool {
    let percent = u64::try_from(percent).unwrap_or(0);
    draw(salt, "sample", item, 10_000) < percent.saturating_mul(100)
}

/// Pick an item that was just approved automatically, or leave it. The audit log is silent about it: whoever wrote the draft reads that too.
///
/// # Errors
/// When the engine refuses.
pub(in crate::moderation) fn pick(c: &mut dyn Conn, item: &Item, percent: i64, at: Millis) -> Result<bool> {
    if percent <= 0 || !is_picked(&salt(c)?, &item.id, percent) {
        return Ok(false);
    }
    c.exec(
        "INSERT INTO samples (persona_id, item_id, percent, picked_at) VALUES ($1, $2, $3, $4) ON CONFLICT (persona_id, item_id) DO NOTHING",
        vals![&item.persona_id, &item.id, percent, at],
    )?;
    Ok(true)
}

/// A sampled item that waits for a second opinion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Whose draft it was.
    pub persona_id: PersonaId,
    /// The item.
    pub id: String,
    /// Where it stands.
    pub state: String,
    /// Where it went.
    pub target_subreddit: String,
    /// The first 160 characters of the text.
    pub preview: String,
    /// When it was picked.
    pub picked_at: Millis,
}

/// The sampled items that nobody judged yet, oldest first. An approval that was taken back needs no second opinion.
///
/// # Errors
/// When the engine refuses.
pub fn waiting(c: &mut dyn Conn, persona: Option<&PersonaId>, limit: usize) -> Result<Vec<Waiting>> {
    let sql = format!(
        "SELECT p.persona_id, p.id, p.state, p.target_subreddit, substr(p.content, 1, 160) AS preview, s.picked_at
         FROM samples s JOIN pending_posts p ON p.persona_id = s.persona_id AND p.id = s.item_id
         WHERE (CAST($1 AS TEXT) IS NULL OR s.persona_id = $1) AND p.reviewed_by = p.approval_account AND {NOT_GOLDEN}
           AND NOT EXISTS (SELECT 1 FROM second_opinions o WHERE o.persona_id = s.persona_id AND o.item_id = s.item_id)
         ORDER BY s.picked_at, s.item_id LIMIT $2"
    );
    c.query(&sql, vals![persona, i64::try_from(limit).unwrap_or(i64::MAX)])?
        .iter()
        .map(|row| {
            Ok(Waiting {
                persona_id: PersonaId::from_stored(row.text("persona_id")?),
                id: row.text("id")?,
                state: row.text("state")?,
                target_subreddit: row.text("target_subreddit")?,
                preview: row.text("preview")?,
                picked_at: row.int("picked_at")?,
            })
        })
        .collect()
}

/// How the sampled automatic approvals fared with the people who looked at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Precision {
    /// Sampled.
    pub picked: usize,
    /// A person agreed.
    pub agreed: usize,
    /// A person would have decided otherwise.
    pub overturned: usize,
}

/// The precision of automatic approvals picked since then, by the first opinion on each.
///
/// # Errors
/// When the engine refuses.
pub fn precision(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis) -> Result<Precision> {
    let rows = c.query(
        "SELECT s.persona_id, s.item_id, o.verdict FROM samples s
         LEFT JOIN second_opinions o ON o.persona_id = s.persona_id AND o.item_id = s.item_id
           AND NOT EXISTS (SELECT 1 FROM second_opinions earlier WHERE earlier.persona_id = o.persona_id AND earlier.item_id = o.item_id
             AND (earlier.at, earlier.reviewer) < (o.at, o.reviewer))
         WHERE s.picked_at >= $1 AND (CAST($2 AS TEXT) IS NULL OR s.persona_id = $2)",
        vals![since, persona],
    )?;
    let mut found = Precision { picked: rows.len(), ..Precision::default() };
    for row in &rows {
        match row.text_opt("verdict")?.as_deref() {
            Some("agree") => found.agreed += 1,
            Some(_) => found.overturned += 1,
            None => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_kept_and_the_choice_is_repeated() {
        let ids: Vec<String> = (0..4_000).map(|number| format!("item-{number}")).collect();
        let picked = |salt: &str, percent| ids.iter().filter(|id| is_picked(salt, id, percent)).count();
        assert_eq!((picked("s", 0), picked("s", 100), picked("s", -5)), (0, ids.len(), 0));
        assert!((340..460).contains(&picked("s", 10)), "{}", picked("s", 10));
        assert_eq!(picked("s", 10), picked("s", 10));
        // Whoever is in a small sample is in every larger one, and another salt picks others.
        assert!(ids.iter().all(|id| !is_picked("s", id, 10) || is_picked("s", id, 30)));
        assert!(ids.iter().any(|id| is_picked("s", id, 10) != is_picked("t", id, 10)));
    }
}
