//! The kill switch: while a pause stands, nothing is sent. Checked in the transaction that commits a delivery's intent.

use super::error::Result;
use super::roles::{self, Right};
use crate::base::{Millis, PersonaId};
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Row, feed};
use crate::vals;
use serde::Serialize;
use serde_json::json;

/// What a pause covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every persona.
    All,
    /// One persona.
    Persona(PersonaId),
    /// One account on the outside, paused by its own rate limit or by trouble with it.
    Account(String),
}

impl Scope {
    fn key(&self) -> String {
        match self {
            Self::All => "*".to_owned(),
            Self::Persona(persona) => format!("persona:{persona}"),
            Self::Account(account) => format!("account:{}", account.to_lowercase()),
        }
    }
}

/// A pause that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// `*`, `persona:ID` or `account:NAME`.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub paused_by: String,
    /// Since when.
    pub paused_at: Millis,
    /// Until when; without end when `None`.
    pub until: Option<Millis>,
}

fn from_row(row: &Row) -> Result<Pause> {
    Ok(Pause {
        scope: row.text("scope")?,
        reason: row.text("reason")?,
        paused_by: row.text("paused_by")?,
        paused_at: row.int("paused_at")?,
        until: row.int_opt("until")?,
    })
}

/// Pause a scope. A pause that already stands gets the new reason and end.
///
/// # Errors
/// When the engine refuses.
pub fn pause(c: &mut dyn Conn, scope: &Scope, reason: &str, until: Option<Millis>, actor: &Actor, at: Millis) -> Result<()> {
    roles::require(c, actor, Right::Pause)?;
    let key = scope.key();
    c.exec(
        "INSERT INTO pauses (scope, reason, paused_by, paused_at, until) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (scope) DO UPDATE SET reason = $2, paused_by = $3, paused_at = $4, until = $5",
        vals![&key, reason, &actor.name, at, until],
    )?;
    note(c, scope, &key, "pause", Some(reason), actor, at, &json!({ "paused": true, "until": until }))
}

/// Lift a pause. Returns whether there was one.
///
/// # Errors
/// When the engine refuses.
pub fn resume(c: &mut dyn Conn, scope: &Scope, actor: &Actor, at: Millis) -> Result<bool> {
    roles::require(c, actor, Right::Resume)?;
    let key = scope.key();
    let lifted = c.exec("DELETE FROM pauses WHERE scope = $1", vals![&key])? > 0;
    if lifted {
        note(c, scope, &key, "resume", None, actor, at, &json!({ "paused": false }))?;
    }
    Ok(lifted)
}

/// Pause everything in a copy of the deck that is put in place of another one, and keep the pauses that stood there.
///
/// No role is asked for: whoever may put a deck in place of another one may do more than this, and it only stops.
///
/// # Errors
/// When the engine refuses.
pub fn take_over(c: &mut dyn Conn, stood: &[Pause], why: &str, actor: &Actor, at: Millis) -> Result<()> {
    let all = Scope::All.key();
    let mut reason = why.to_owned();
    for pause in stood {
        if pause.scope == all {
            let is_same = pause.reason.starts_with(why);
            reason = if is_same { pause.reason.clone() } else { format!("{why}; before that: {}", pause.reason) };
            continue;
        }
        c.exec(
            "INSERT INTO pauses (scope, reason, paused_by, paused_at, until) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (scope) DO UPDATE SET reason = $2, paused_by = $3, paused_at = $4, until = $5",
            vals![&pause.scope, &pause.reason, &pause.paused_by, pause.paused_at, pause.until],
        )?;
        // The key says which persona it is of; that one need not be in this copy.
        let after = json!({ "paused": true, "until": pause.until, "taken_over": true });
        note(c, &Scope::All, &pause.scope, "pause", Some(&pause.reason), actor, at, &after)?;
    }
    c.exec(
        "INSERT INTO pauses (scope, reason, paused_by, paused_at, until) VALUES ($1, $2, $3, $4, NULL)
         ON CONFLICT (scope) DO UPDATE SET reason = $2, paused_by = $3, paused_at = $4, until = NULL",
        vals![&all, &reason, &actor.name, at],
    )?;
    let after = json!({ "paused": true, "until": null });
    note(c, &Scope::All, &all, "pause", Some(&reason), actor, at, &after)
}

#[allow(clippy::too_many_arguments, reason = "one audit row needs all of them, and its callers share it")]
fn note(
    c: &mut dyn Conn,
    scope: &Scope,
    key: &str,
    action: &str,
    reason: Option<&str>,
    actor: &Actor,
    at: Millis,
    after: &serde_json::Value,
) -> Result<()> {
    let persona = match scope {
        Scope::Persona(persona) => Some(persona),
        _ => None,
    };
    let before = serde_json::Value::Null;
    let action = format!("delivery.{action}");
    audit::append(
        c,
        &audit::Entry { at, persona, actor, action: &action, subject_kind: "pause", subject_id: key, reason, before: &before, after },
    )?;
    feed::append(c, at, "pauses", persona, &action, key)?;
    Ok(())
}

/// The pause that stops this persona and account at `now`, if one.
///
/// # Errors
/// When the engine refuses.
pub fn in_force(c: &mut dyn Conn, persona: &PersonaId, account: &str, now: Millis) -> Result<Option<Pause>> {
    let keys = [Scope::All.key(), Scope::Persona(persona.clone()).key(), Scope::Account(account.to_owned()).key()];
    c.first(
        "SELECT * FROM pauses WHERE scope IN ($1, $2, $3) AND (until IS NULL OR until > $4) ORDER BY scope LIMIT 1",
        vals![&keys[0], &keys[1], &keys[2], now],
    )?
    .map(|row| from_row(&row))
    .transpose()
}

/// Every pause that stands at `now`.
///
/// # Errors
/// When the engine refuses.
pub fn list(c: &mut dyn Conn, now: Millis) -> Result<Vec<Pause>> {
    c.query("SELECT * FROM pauses WHERE until IS NULL OR until > $1 ORDER BY scope", vals![now])?.iter().map(from_row).collect()
}
