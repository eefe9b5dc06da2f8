//! How messages fared where they were sent.

use super::NOT_GOLDEN;
use crate::base::{Millis, PersonaId};
use crate::moderation::error::Result;
use crate::store::Conn;
use crate::vals;
use serde::Serialize;
use std::collections::BTreeMap;

/// How messages fared in one subreddit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Survival {
    /// Sent.
    pub sent: usize,
    /// Seen in public at the last look.
    pub visible: usize,
    /// Removed by a moderator or a filter.
    pub filtered: usize,
    /// Deleted.
    pub gone: usize,
    /// Still there at the last look, a day after sending.
    pub survived_24h: usize,
    /// Of so many it is known whether they survived the day.
    pub settled: usize,
    /// Who removed them, by Reddit's `removed_by_category`; `unknown` where it did not say.
    pub removed_by_category: BTreeMap<String, usize>,
    /// How often Reddit answered that the account is too fast.
    pub ratelimits: usize,
}

/// By subreddit, of what was drafted since then.
pub(super) fn survival(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis) -> Result<BTreeMap<String, Survival>> {
    let rows = c.query(
        &format!(
            "SELECT p.target_subreddit, p.state, CASE WHEN p.state = 'filtered' THEN p.state_reason END AS reason,
               CASE WHEN p.next_check_at IS NULL THEN 1 ELSE 0 END AS is_last, count(*) AS n FROM pending_posts p
             WHERE p.state IN ('confirmed', 'visible', 'filtered', 'gone', 'retracted', 'amended') AND p.created_at >= $1
               AND (CAST($2 AS TEXT) IS NULL OR p.persona_id = $2) AND {NOT_GOLDEN} GROUP BY 1, 2, 3, 4"
        ),
        vals![since, persona],
    )?;
    let size = |count: i64| usize::try_from(count).unwrap_or(0);
    let mut found: BTreeMap<String, Survival> = BTreeMap::new();
    for row in &rows {
        let count = size(row.int("n")?);
        let entry = found.entry(row.text("target_subreddit")?).or_default();
        entry.sent += count;
        match row.text("state")?.as_str() {
            state @ ("visible" | "amended") => {
                entry.visible += if state == "visible" { count } else { 0 };
                if row.flag("is_last")? {
                    entry.survived_24h += count;
                    entry.settled += count;
                }
            }
            "filtered" => {
                entry.filtered += count;
                entry.settled += count;
                let reason = row.text_opt("reason")?.unwrap_or_default();
                let category = reason.strip_prefix("removed by ").unwrap_or("unknown");
                *entry.removed_by_category.entry(category.to_owned()).or_default() += count;
            }
            "gone" => {
                entry.gone += count;
                entry.settled += count;
            }
            _ => {}
        }
    }
    let limited = c.query(
        "SELECT p.target_subreddit, count(*) AS n FROM delivery_attempts a
         JOIN pending_posts p ON p.persona_id = a.persona_id AND p.id = a.item_id
         WHERE a.code = 'RATELIMIT' AND a.started_at >= $1 AND (CAST($2 AS TEXT) IS NULL OR a.persona_id = $2) GROUP BY p.target_subreddit",
        vals![since, persona],
    )?;
    for row in &limited {
        found.entry(row.text("target_subreddit")?).or_default().ratelimits = size(row.int("n")?);
    }
    Ok(found)
}
