//! The one way an item changes: guarded by state and version, with its audit row and its feed row in the same transaction.

use super::error::{Error, Result};
use super::item::{Item, load};
use super::quality::golden;
use super::state::State;
use crate::base::Millis;
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Val, feed};
use serde_json::{Value, json};

/// A step to be taken.
pub(super) struct Step<'a> {
    /// The item as it was read in this transaction.
    pub item: &'a Item,
    /// Where it goes.
    pub to: State,
    /// Who.
    pub actor: &'a Actor,
    /// What, as `queue.approve`.
    pub action: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// When.
    pub at: Millis,
    /// Columns that change besides state, version and time.
    pub set: Vec<(&'static str, Val)>,
    /// What the audit row says beside the state.
    pub detail: Value,
}

/// Take a step. Returns the item as it is afterwards.
pub(super) fn take(c: &mut dyn Conn, step: Step<'_>) -> Result<Item> {
    let Step { item, to, .. } = step;
    if !item.state.may_become(to) {
        return Err(Error::ForbiddenStep { id: item.id.clone(), from: item.state, to });
    }
    // Whatever path led here: a golden item never leaves.
    if to.may_be_public() && golden::is_golden(c, &item.persona_id, &item.id)? {
        return Err(Error::ForbiddenStep { id: item.id.clone(), from: item.state, to });
    }
    let mut sql = "UPDATE pending_posts SET state = $1, version = version + 1, updated_at = $2".to_owned();
    let mut params: Vec<Val> = crate::vals![to.as_str(), step.at, &item.persona_id, &item.id, item.version, item.state.as_str()].to_vec();
    for (column, value) in step.set {
        params.push(value);
        sql.push_str(&format!(", {column} = ${}", params.len()));
    }
    sql.push_str(" WHERE persona_id = $3 AND id = $4 AND version = $5 AND state = $6");
    if c.exec(&sql, &params)? != 1 {
        let found = load(c, &item.persona_id, &item.id)?;
        return Err(changed(c, &found, item.version)?);
    }
    let before = json!({ "state": item.state, "version": item.version });
    let mut after = json!({ "state": to, "version": item.version + 1 });
    if let (Some(after), Value::Object(detail)) = (after.as_object_mut(), step.detail) {
        after.extend(detail);
    }
    audit::append(
        c,
        &audit::Entry {
            at: step.at,
            persona: Some(&item.persona_id),
            actor: step.actor,
            action: step.action,
            subject_kind: "pending_post",
            subject_id: &item.id,
            reason: step.reason,
            before: &before,
            after: &after,
        },
    )?;
    golden::observe(c, item, step.action, step.actor, step.at)?;
    feed::append(c, step.at, "queue", Some(&item.persona_id), step.action, &item.id)?;
    load(c, &item.persona_id, &item.id)
}

/// The refusal of a decision on a version that is gone: with who changed it last, and when.
pub(super) fn changed(c: &mut dyn Conn, found: &Item, seen: i64) -> Result<Error> {
    let last = audit::history(c, "pending_post", &found.id)?.pop();
    let who = last.map_or_else(String::new, |row| format!(", {} by {} at {}", row.action, row.actor, crate::base::clock::local(row.at)));
    Ok(Error::Changed { id: found.id.clone(), seen, found: found.version, state: found.state, who })
}
