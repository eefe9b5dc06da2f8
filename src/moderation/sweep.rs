//! Deadlines of the queue: leases, holds and drafts that end by themselves.

use super::error::Result;
use super::item::load;
use super::queue::without_lease;
use super::state::State;
use super::transition::{Step, take};
use crate::base::{Millis, PersonaId};
use crate::store::audit::Actor;
use crate::store::{Conn, Val};
use crate::vals;
use serde_json::Value;

/// What [`sweep`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Items whose time was over.
    pub expired: usize,
    /// Leases that ran out.
    pub leases_ended: usize,
    /// Holds that ended.
    pub holds_ended: usize,
}

/// Let deadlines pass: leases and holds end, old drafts expire. A deadline never approves, and is never logged as a person's refusal.
///
/// # Errors
/// When the engine refuses.
pub fn sweep(c: &mut dyn Conn, at: Millis) -> Result<Swept> {
    let timeout = Actor::timeout("deadline");
    let mut swept = Swept::default();
    let due = c.query(
        "SELECT persona_id, id FROM pending_posts WHERE state IN ('pending', 'blocked', 'held', 'returned') AND expires_at <= $1 LIMIT 500",
        vals![at],
    )?;
    for row in &due {
        let item = load(c, &PersonaId::from_stored(row.text("persona_id")?), &row.text("id")?)?;
        let set = vec![("state_reason", Val::from("not decided in time"))];
        let reason = Some("not decided in time");
        take(c, Step { item: &item, to: State::Expired, actor: &timeout, action: "queue.expire", reason, at, set, detail: Value::Null })?;
        swept.expired += 1;
    }
    let due = c.query("SELECT persona_id, id FROM pending_posts WHERE state = 'claimed' AND lease_until <= $1 LIMIT 500", vals![at])?;
    for row in &due {
        let item = load(c, &PersonaId::from_stored(row.text("persona_id")?), &row.text("id")?)?;
        let set = without_lease(vec![]);
        let reason = item.lease_holder.as_ref().map(|holder| format!("the lease of {holder} ran out"));
        take(
            c,
            Step {
                item: &item,
                to: State::Pending,
                actor: &timeout,
                action: "queue.lease_over",
                reason: reason.as_deref(),
                at,
                set,
                detail: Value::Null,
            },
        )?;
        swept.leases_ended += 1;
    }
    let due = c.query("SELECT persona_id, id FROM pending_posts WHERE state = 'held' AND hold_until <= $1 LIMIT 500", vals![at])?;
    for row in &due {
        let item = load(c, &PersonaId::from_stored(row.text("persona_id")?), &row.text("id")?)?;
        let set = vec![("hold_until", Val::Null), ("hold_reason", Val::Null)];
        take(
            c,
            Step {
                item: &item,
                to: State::Pending,
                actor: &timeout,
                action: "queue.hold_over",
                reason: None,
                at,
                set,
                detail: Value::Null,
            },
        )?;
        swept.holds_ended += 1;
    }
    Ok(swept)
}
