//! Modes of rules that people set while the program runs. They stand above the files, and are in force for the next draft.

use super::model::Mode;
use super::set::{Modes, RuleSet};
use crate::base::Millis;
use crate::moderation::error::{Error, Result};
use crate::moderation::roles::{self, Right};
use crate::store::audit::{self, Actor};
use crate::store::{self, Conn, feed};
use crate::vals;
use serde::Serialize;
use serde_json::json;

/// A mode that somebody set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// The rule.
    pub rule_id: String,
    /// Its mode.
    pub mode: Mode,
    /// Why.
    pub reason: String,
    /// Who.
    pub changed_by: String,
    /// When.
    pub changed_at: Millis,
}

/// Everything that was set.
///
/// # Errors
/// When the engine refuses.
pub fn list(c: &mut dyn Conn) -> Result<Vec<Switch>> {
    c.query("SELECT * FROM rule_modes ORDER BY rule_id", &[])?
        .iter()
        .map(|row| {
            let unknown = || store::Error::Column { column: "mode".to_owned(), expected: "a mode of a rule" };
            Ok(Switch {
                rule_id: row.text("rule_id")?,
                mode: row.text("mode")?.parse().map_err(|_| unknown())?,
                reason: row.text("reason")?,
                changed_by: row.text("changed_by")?,
                changed_at: row.int("changed_at")?,
            })
        })
        .collect()
}

/// The modes that were set, by rule.
///
/// # Errors
/// When the engine refuses.
pub fn modes(c: &mut dyn Conn) -> Result<Modes> {
    Ok(list(c)?.into_iter().map(|switch| (switch.rule_id, switch.mode)).collect())
}

/// Set the mode of a rule; `None` gives it back to the files.
///
/// # Errors
/// [`Error::Invalid`] when there is no such rule, when it is locked and would become milder, or without a reason;
/// [`Error::NotAllowed`] without the right.
pub fn set(c: &mut dyn Conn, rules: &RuleSet, id: &str, mode: Option<Mode>, reason: &str, actor: &Actor, at: Millis) -> Result<()> {
    let reason = crate::moderation::queue::required("the reason", reason)?;
    roles::require(c, actor, Right::Rules)?;
    let unknown = || Error::Invalid {
        what: "the rule",
        found: id.to_owned(),
        expected: "the id of a rule; `quarterdeck rules list --all` names them".to_owned(),
    };
    let rule = rules.rule(id).ok_or_else(unknown)?;
    if let Some(mode) = mode.filter(|mode| rule.locked && *mode < rule.mode) {
        let expected = format!("at least {} for {id}, which is locked because it keeps harm in", rule.mode);
        return Err(Error::Invalid { what: "the mode", found: mode.to_string(), expected });
    }
    let before = c.first("SELECT mode FROM rule_modes WHERE rule_id = $1", vals![id])?.map(|row| row.text("mode")).transpose()?;
    match mode {
        Some(mode) => c.exec(
            "INSERT INTO rule_modes (rule_id, mode, reason, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (rule_id) DO UPDATE SET mode = $2, reason = $3, changed_by = $4, changed_at = $5",
            vals![id, mode.as_str(), reason, &actor.name, at],
        )?,
        None => c.exec("DELETE FROM rule_modes WHERE rule_id = $1", vals![id])?,
    };
    let (before, after) = (json!({ "mode": before, "file": rule.mode }), json!({ "mode": mode, "file": rule.mode }));
    audit::append(
        c,
        &audit::Entry {
            at,
            persona: None,
            actor,
            action: "rules.set_mode",
            subject_kind: "rule",
            subject_id: id,
            reason: Some(reason),
            before: &before,
            after: &after,
        },
    )?;
    feed::append(c, at, "rules", None, "rules.set_mode", id)?;
    Ok(())
}
