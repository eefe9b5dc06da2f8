//! Probes and heartbeats that people stopped: they are not run, and do not count for their system.

use crate::base::Millis;
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Result, Row, feed};
use crate::upkeep::runs::TOPIC;
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A pause that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// The probe or heartbeat.
    pub name: String,
    /// Since when.
    pub paused_at: Millis,
    /// By whom.
    pub paused_by: String,
    /// Until when; `None` until it is resumed.
    pub until: Option<Millis>,
    /// Why.
    pub reason: String,
}

/// The pauses that stand at `now`, by name.
///
/// # Errors
/// When the engine refuses.
pub fn standing(c: &mut dyn Conn, now: Millis) -> Result<BTreeMap<String, Pause>> {
    let rows =
        c.query("SELECT name, paused_at, paused_by, until, reason FROM probe_pauses WHERE until IS NULL OR until > $1", vals![now])?;
    let one = |row: &Row| {
        let pause = Pause {
            name: row.text("name")?,
            paused_at: row.int("paused_at")?,
            paused_by: row.text("paused_by")?,
            until: row.int_opt("until")?,
            reason: row.text("reason")?,
        };
        Ok((pause.name.clone(), pause))
    };
    rows.iter().map(one).collect()
}

/// When the last pause of each ended, by name.
///
/// # Errors
/// When the engine refuses.
pub fn ended(c: &mut dyn Conn, now: Millis) -> Result<BTreeMap<String, Millis>> {
    let rows = c.query("SELECT name, until FROM probe_pauses WHERE until <= $1", vals![now])?;
    rows.iter().map(|row| Ok((row.text("name")?, row.int("until")?))).collect()
}

/// Stop a probe or heartbeat. A pause that stands gets the new reason and end.
///
/// # Errors
/// When the engine refuses.
pub fn pause(c: &mut dyn Conn, name: &str, until: Option<Millis>, reason: &str, actor: &Actor, now: Millis) -> Result<()> {
    c.exec(
        "INSERT INTO probe_pauses (name, paused_at, paused_by, until, reason) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE SET paused_at = $2, paused_by = $3, until = $4, reason = $5",
        vals![name, now, &actor.name, until, reason],
    )?;
    tell(c, name, actor, "probe.pause", Some(reason), &json!({ "until": until }), now)
}

/// Go on. Returns whether it was paused.
///
/// # Errors
/// When the engine refuses.
pub fn resume(c: &mut dyn Conn, name: &str, actor: &Actor, now: Millis) -> Result<bool> {
    let stood = standing(c, now)?.contains_key(name);
    if stood {
        // It stays with its end: what is expected counts from then on.
        c.exec("UPDATE probe_pauses SET until = $2 WHERE name = $1", vals![name, now])?;
        tell(c, name, actor, "probe.resume", None, &Value::Null, now)?;
    }
    Ok(stood)
}

fn tell(c: &mut dyn Conn, name: &str, actor: &Actor, action: &str, reason: Option<&str>, after: &Value, at: Millis) -> Result<()> {
    let entry =
        audit::Entry { at, persona: None, actor, action, subject_kind: "probe", subject_id: name, reason, before: &Value::Null, after };
    audit::append(c, &entry)?;
    feed::append(c, at, TOPIC, None, action, name)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Error;
    use crate::store::testing::database;

    #[test]
    fn a_pause_ends_by_itself_or_by_hand() {
        let (db, _guard) = database();
        let seen = db
            .write_blocking(|c| {
                let ann = Actor::human("ann");
                pause(c, "shop", Some(10), "rebuild", &ann, 1)?;
                pause(c, "cache", None, "away", &ann, 1)?;
                let names = |all: BTreeMap<String, Pause>| all.into_keys().collect::<Vec<_>>();
                let (before, after) = (names(standing(c, 9)?), names(standing(c, 10)?));
                let resumed = (resume(c, "cache", &ann, 11)?, resume(c, "cache", &ann, 12)?, resume(c, "shop", &ann, 12)?);
                Ok::<_, Error>((before, after, resumed, audit::newest(c, None, 9)?.len()))
            })
            .unwrap();
        assert_eq!(seen.0, ["cache", "shop"]);
        assert_eq!((seen.1, seen.2, seen.3), (vec!["cache".to_owned()], (true, false, false), 3));
    }
}
