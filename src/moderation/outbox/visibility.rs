//! Committing what a sent message looks like in public, and when to look again.

use super::CHECK_AFTER;
use crate::base::{Millis, PersonaId};
use crate::moderation::amendments;
use crate::moderation::error::Result;
use crate::moderation::item::{Item, load};
use crate::moderation::state::State;
use crate::moderation::survival;
use crate::moderation::transition::{Step, take};
use crate::store::audit::Actor;
use crate::store::{Conn, Val};
use crate::vals;
use serde_json::Value;

/// What a look at a sent message in public found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody can read it.
    Visible,
    /// A moderator or a filter removed it.
    Filtered,
    /// It was deleted.
    Gone,
}

/// Commit what a look in public found, and when to look next.
///
/// # Errors
/// When the engine refuses.
pub fn record_visibility(c: &mut dyn Conn, persona: &PersonaId, id: &str, seen: Option<(Visibility, String)>, now: Millis) -> Result<Item> {
    let item = load(c, persona, id)?;
    let sent_at = c
        .first(
            "SELECT max(finished_at) AS at FROM delivery_attempts WHERE persona_id = $1 AND item_id = $2 AND outcome = 'confirmed'",
            vals![persona, id],
        )?
        .map_or(Ok(None), |row| row.int_opt("at"))?
        .unwrap_or(now);
    // A new text is looked at as often as a new message.
    let amended_at = amendments::last_amended(c, persona, id)?;
    let sent_at = amended_at.map_or(sent_at, |at| at.max(sent_at));
    let next = CHECK_AFTER.iter().map(|after| sent_at + after).find(|at| *at > now);
    let (to, reason) = match seen {
        Some((Visibility::Visible, reason)) => (if amended_at.is_some() { State::Amended } else { State::Visible }, reason),
        Some((Visibility::Filtered, reason)) => (State::Filtered, reason),
        Some((Visibility::Gone, reason)) => (State::Gone, reason),
        // It could not be looked at: what was known stays, and the next look is a minute away.
        None => {
            c.exec(
                "UPDATE pending_posts SET next_check_at = $3 WHERE persona_id = $1 AND id = $2",
                vals![persona, id, now + CHECK_AFTER[0]],
            )?;
            return Ok(item);
        }
    };
    let next = if to == State::Gone { None } else { next };
    let set = vec![("next_check_at", Val::from(next)), ("state_reason", Val::from(&reason))];
    let actor = Actor::system("visibility");
    let seen = take(
        c,
        Step { item: &item, to, actor: &actor, action: "delivery.seen", reason: Some(&reason), at: now, set, detail: Value::Null },
    )?;
    if to == State::Filtered && item.state != State::Filtered {
        survival::look(c, &seen, now)?;
    }
    Ok(seen)
}
