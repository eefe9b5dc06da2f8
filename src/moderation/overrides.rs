//! Letting a text pass that a rule blocks: one senior wants it and says why, a second one confirms, for exactly this text.
//!
//! A text that holds a credential is never let through: a person who reads past it does not make it harmless. Only a person's approval
//! counts an override; nothing is sent by itself because of one.

use super::approval;
use super::error::{Error, Result};
use super::evaluation::Verdict;
use super::item::{Item, load, revisions};
use super::queue::{On, decidable, required, seen, without_lease};
use super::roles::{self, Right};
use super::secrets;
use super::state::State;
use super::transition::{Step, take};
use crate::base::{Millis, digest::sha256_parts};
use crate::store::audit::ActorKind;
use crate::store::{Conn, Row, Val};
use crate::vals;
use serde::Serialize;
use serde_json::json;

/// The rule that finds credentials.
const SECRET_RULE: &str = "secret";

/// The wish to let a blocked text pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Override {
    /// Which text of the item.
    pub revision: i64,
    /// Digest of title and text: another text is not covered.
    pub digest: String,
    /// Who wants it.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub asked_at: Millis,
    /// Who confirmed it; `None` while it waits for the second person.
    pub confirmed_by: Option<String>,
    /// When.
    pub confirmed_at: Option<Millis>,
}

fn from_row(row: &Row) -> Result<Override> {
    Ok(Override {
        revision: row.int("revision")?,
        digest: row.text("digest")?,
        asked_by: row.text("asked_by")?,
        reason: row.text("reason")?,
        asked_at: row.int("asked_at")?,
        confirmed_by: row.text_opt("confirmed_by")?,
        confirmed_at: row.int_opt("confirmed_at")?,
    })
}

fn digest(item: &Item) -> String {
    sha256_parts(&[item.title.as_deref().unwrap_or_default().as_bytes(), item.content.as_bytes()])
}

/// The override of the present text of an item, waiting or confirmed. One of an earlier text is not found.
///
/// # Errors
/// When the engine refuses.
pub fn of(c: &mut dyn Conn, item: &Item) -> Result<Option<Override>> {
    c.first(
        "SELECT * FROM overrides WHERE persona_id = $1 AND item_id = $2 AND revision = $3 AND digest = $4",
        vals![&item.persona_id, &item.id, item.revision, digest(item)],
    )?
    .map(|row| from_row(&row))
    .transpose()
}

/// Whether two people let the present text pass.
pub(super) fn is_confirmed(c: &mut dyn Conn, item: &Item) -> Result<bool> {
    Ok(!holds_secret(item) && of(c, item)?.is_some_and(|found| found.confirmed_by.is_some()))
}

/// The column to clear when the text changes: what was said of an override does not hold for the next text.
pub(super) fn forget(c: &mut dyn Conn, item: &Item) -> Result<Option<(&'static str, Val)>> {
    Ok(of(c, item)?.map(|_| ("state_reason", Val::Null)))
}

/// Looked for again, and not only in what screening wrote down: it may have been made by rules that did not look.
fn holds_secret(item: &Item) -> bool {
    let found = |text: &str| !secrets::find(text).is_empty();
    item.evaluation.hits.iter().any(|hit| hit.rule_id == SECRET_RULE) || found(&item.content) || item.title.as_deref().is_some_and(found)
}

/// Ask for a blocked text to pass, or confirm what a colleague asked for. The first call leaves the item where it is; the second, by somebody
/// else who did not write the text, puts it before the reviewers.
///
/// # Errors
/// [`Error::NotAllowed`]; [`Error::WrongState`] when nothing blocks it; [`Error::NoOverride`] for a credential;
/// [`Error::SecondPersonNeeded`] when the same person confirms, or who wrote the text; [`Error::Incomplete`] when it could never be sent;
/// [`Error::Expired`]; the refusals of a claim for a text that was blocked on editing.
pub fn ask_or_confirm(c: &mut dyn Conn, on: &On<'_>, reason: &str) -> Result<(Item, Override)> {
    const ACTION: &str = "overriding the block of";
    roles::require(c, on.actor, Right::Override)?;
    let reason = required("the reason of the override", reason)?;
    let item = overridable(c, on)?;
    let name = &on.actor.name;
    let second = |why: String| Error::SecondPersonNeeded { action: "the override", why, id: item.id.clone() };
    let Some(wish) = of(c, &item)? else {
        let wish = Override {
            revision: item.revision,
            digest: digest(&item),
            asked_by: name.clone(),
            reason: reason.to_owned(),
            asked_at: on.at,
            confirmed_by: None,
            confirmed_at: None,
        };
        // A row of this revision with another digest is of a text that was changed behind the program's back.
        c.exec(
            "INSERT INTO overrides (persona_id, item_id, revision, digest, asked_by, reason, asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (persona_id, item_id, revision)
               DO UPDATE SET digest = $4, asked_by = $5, reason = $6, asked_at = $7, confirmed_by = NULL, confirmed_at = NULL",
            vals![&item.persona_id, &item.id, item.revision, &wish.digest, name, reason, on.at],
        )?;
        let to = if item.state == State::Blocked { State::Blocked } else { State::Pending };
        let set = waiting(&format!("{name} asks for an override: {reason}"));
        let detail = json!({ "revision": item.revision, "digest": wish.digest, "flags": item.evaluation.flags });
        let action = "queue.override_ask";
        let item = take(c, Step { item: &item, to, actor: on.actor, action, reason: Some(reason), at: on.at, set, detail })?;
        return Ok((item, wish));
    };
    if wish.confirmed_by.is_some() {
        return Err(Error::NoOverride {
            id: item.id.clone(),
            why: format!("it was, by {} and a second person; `quarterdeck queue approve` decides about it now", wish.asked_by),
        });
    }
    if wish.asked_by == *name {
        return Err(second(format!("{name} asked for {ACTION}")));
    }
    let texts = revisions(c, &item.persona_id, &item.id)?;
    if texts.last().is_some_and(|text| text.author_kind == ActorKind::Human.as_str() && text.author == *name) {
        return Err(second(format!("{name} wrote the present text of")));
    }
    c.exec(
        "UPDATE overrides SET confirmed_by = $4, confirmed_at = $5 WHERE persona_id = $1 AND item_id = $2 AND revision = $3",
        vals![&item.persona_id, &item.id, item.revision, name, on.at],
    )?;
    let words = format!("override by {}, confirmed by {name}: {}", wish.asked_by, wish.reason);
    let set = waiting(&words);
    let detail = json!({ "revision": item.revision, "digest": wish.digest, "asked_by": wish.asked_by, "flags": item.evaluation.flags });
    let action = "queue.override";
    let item = take(c, Step { item: &item, to: State::Pending, actor: on.actor, action, reason: Some(reason), at: on.at, set, detail })?;
    Ok((item, Override { confirmed_by: Some(name.clone()), confirmed_at: Some(on.at), ..wish }))
}

/// In nobody's hands, with the reason why it waits.
fn waiting(because: &str) -> Vec<(&'static str, Val)> {
    without_lease(vec![("hold_until", Val::Null), ("hold_reason", Val::Null), ("state_reason", Val::from(because))])
}

/// The item, if a rule blocks its present text: thrown out at screening, or edited into it by a person who still has it.
fn overridable(c: &mut dyn Conn, on: &On<'_>) -> Result<Item> {
    const WANTED: &str = "overridden";
    let item = load(c, on.persona, on.id)?;
    let item = if item.state == State::Blocked { item } else { decidable(c, on, WANTED)? };
    seen(c, on, &item)?;
    if item.verdict != Verdict::Block {
        return Err(Error::NoOverride { id: item.id.clone(), why: "no rule blocks it; approve it or reject it".to_owned() });
    }
    if holds_secret(&item) {
        let why =
            "its text holds what looks like a credential, which nobody may publish; take it out with `quarterdeck queue edit`".to_owned();
        return Err(Error::NoOverride { id: item.id, why });
    }
    let missing =
        approval::missing(item.post_type, &item.target_subreddit, item.parent_id.as_deref(), item.title.as_deref(), &item.content);
    if let Some(missing) = missing {
        return Err(Error::Incomplete { id: item.id, missing });
    }
    if item.expires_at <= on.at {
        return Err(Error::Expired { id: item.id.clone(), at: item.expires_at });
    }
    Ok(item)
}
