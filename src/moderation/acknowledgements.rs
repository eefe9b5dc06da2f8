//! Acknowledgements: what a person has to have read, once, before the program may do it for them.

use super::error::Result;
use super::roles::{self, Right};
use crate::base::Millis;
use crate::store::audit::{self, Actor};
use crate::store::{Conn, feed};
use crate::vals;
use serde_json::{Value, json};

/// The terms of the API and the rules of each subreddit, before anything is sent in live mode.
pub const API_TERMS: &str = "reddit-api-terms";

/// Record that a person has read something. It stays as it was when it is recorded already.
///
/// # Errors
/// When the engine refuses.
pub fn acknowledge(c: &mut dyn Conn, name: &str, detail: &str, actor: &Actor, at: Millis) -> Result<()> {
    roles::require(c, actor, Right::Acknowledge)?;
    let new = c.exec(
        "INSERT INTO acknowledgements (name, acknowledged_by, acknowledged_at, detail) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING",
        vals![name, &actor.name, at, detail],
    )?;
    if new > 0 {
        let (before, after) = (Value::Null, json!({ "acknowledged": true, "detail": detail }));
        audit::append(
            c,
            &audit::Entry {
                at,
                persona: None,
                actor,
                action: "delivery.acknowledge",
                subject_kind: "acknowledgement",
                subject_id: name,
                reason: None,
                before: &before,
                after: &after,
            },
        )?;
        feed::append(c, at, "pauses", None, "delivery.acknowledge", name)?;
    }
    Ok(())
}

/// Whether a person has recorded it.
///
/// # Errors
/// When the engine refuses.
pub fn is_acknowledged(c: &mut dyn Conn, name: &str) -> Result<bool> {
    Ok(c.first("SELECT name FROM acknowledgements WHERE name = $1", vals![name])?.is_some())
}
