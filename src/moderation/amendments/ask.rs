//! Committing a wish about what was sent, its confirmation by a second person, and taking it back.

use super::{Amendment, Kind, Outcome, load, open};
use crate::base::digest::sha256_parts;
use crate::base::{PersonaId, new_id};
use crate::moderation::approval::{self, Mode};
use crate::moderation::decisions;
use crate::moderation::error::{Error, Result};
use crate::moderation::evaluation::{Evaluation, Verdict};
use crate::moderation::item::{self, Item};
use crate::moderation::queue::{On, Settings, required};
use crate::moderation::roles::{self, Right};
use crate::moderation::state::{PostType, State};
use crate::moderation::transition::changed;
use crate::store::audit::{self, Actor};
use crate::store::{Conn, feed};
use crate::vals;
use serde_json::{Value, json};

/// What a person wishes about something that was sent.
#[derive(Debug, Clone, Copy)]
pub enum Wish<'a> {
    /// Delete it.
    Retract,
    /// Give it this text.
    Amend {
        /// The text as it shall be.
        text: &'a str,
        /// What screening says of it.
        evaluation: &'a Evaluation,
    },
}

impl Wish<'_> {
    fn kind(self) -> Kind {
        match self {
            Self::Retract => Kind::Retract,
            Self::Amend { .. } => Kind::Amend,
        }
    }
}

/// Whether an item in this state can be the subject of such a wish.
pub(super) fn fits(kind: Kind, state: State) -> bool {
    match kind {
        Kind::Retract => matches!(state, State::Confirmed | State::Visible | State::Filtered | State::Amended),
        Kind::Amend => matches!(state, State::Confirmed | State::Visible | State::Amended),
    }
}

fn not_there(kind: Kind, item: &Item) -> Error {
    let there = match kind {
        Kind::Retract => "was not deleted",
        Kind::Amend => "stands in public",
    };
    Error::NotThere { id: item.id.clone(), state: item.state, there, wanted: kind.participle() }
}

/// Whether this item can be the subject of such a wish now.
///
/// # Errors
/// [`Error::NotThere`].
pub fn check(kind: Kind, item: &Item) -> Result<()> {
    if fits(kind, item.state) { Ok(()) } else { Err(not_there(kind, item)) }
}

/// What a wish binds to. An item that changed since, another account, other rules: the digest differs, and nothing is done.
pub(super) fn digest(kind: Kind, item: &Item, text: Option<&str>, account: &str, policy: &str) -> String {
    let revision = item.revision.to_be_bytes();
    // Taking away holds whatever the text is by now.
    let (before, text): (&[u8], &str) = match kind {
        Kind::Retract => (&[], ""),
        Kind::Amend => (&revision, text.unwrap_or_default()),
    };
    sha256_parts(&[
        kind.as_str().as_bytes(),
        item.id.as_bytes(),
        item.fullname.as_deref().unwrap_or_default().as_bytes(),
        before,
        text.as_bytes(),
        account.to_lowercase().as_bytes(),
        policy.as_bytes(),
    ])
}

/// Ask that what was sent be deleted, or be given another text. The deliverer of the persona carries it out: an amend after the undo window, a
/// retract at once. Where the policy asks for two people for the new text, an amend waits for [`confirm`]; a retract never does, and takes
/// the place of an amend that is open.
///
/// # Errors
/// [`Error::NotThere`], [`Error::Changed`], [`Error::Blocked`] for a text that screening forbids, [`Error::Incomplete`] for one that could
/// never be sent, [`Error::AmendmentOpen`], [`Error::Invalid`] without a reason or a change, [`Error::OtherMode`].
pub fn ask(c: &mut dyn Conn, on: &On<'_>, wish: Wish<'_>, reason: &str, account: &str, settings: &Settings) -> Result<Amendment> {
    let reason = required("the reason", reason)?;
    roles::require(c, on.actor, Right::Retract)?;
    let item = item::load(c, on.persona, on.id)?;
    let kind = wish.kind();
    check(kind, &item)?;
    if let Some(seen) = on.version
        && seen != item.version
    {
        return Err(changed(c, &item, seen)?);
    }
    if item.fullname.is_none() {
        return Err(Error::Incomplete { id: item.id, missing: "it is not known under which name it was published".to_owned() });
    }
    let sent_in = item.approval_policy.as_deref().and_then(|policy| policy.rsplit('/').next());
    if let Some(sent_in) = sent_in.filter(|sent_in| settings.mode != Mode::DryRun && *sent_in != settings.mode.as_str()) {
        return Err(Error::OtherMode { id: item.id, sent_in: sent_in.to_owned(), mode: settings.mode });
    }
    let (text, evaluation) = match wish {
        Wish::Retract => (None, None),
        Wish::Amend { text, evaluation } => {
            if crate::reddit::names::same_text(text, &item.content) {
                let expected = "another text than the one that is there".to_owned();
                return Err(Error::Invalid { what: "the new text", found: "the present one".to_owned(), expected });
            }
            let title = item.title.as_deref();
            if let Some(missing) = approval::missing(item.post_type, &item.target_subreddit, item.parent_id.as_deref(), title, text) {
                return Err(Error::Incomplete { id: item.id, missing });
            }
            if evaluation.verdict == Verdict::Block {
                return Err(Error::Blocked { id: item.id, flags: evaluation.summary() });
            }
            (Some(text), Some(evaluation))
        }
    };
    if let Some(other) = open(c, on.persona, on.id)? {
        if (kind, other.kind) != (Kind::Retract, Kind::Amend) {
            return Err(already(&other));
        }
        let message = format!("{} asked for a retract", on.actor.name);
        abandon(c, on.persona, &other, &message, on.actor, on.at)?;
    }
    // The mode it was sent in is the one it is taken away in; a new text holds under the rules it was screened by.
    let policy = match kind {
        Kind::Retract => item.approval_policy.clone().unwrap_or_else(|| approval::policy(settings.mode)),
        Kind::Amend => approval::policy(settings.mode),
    };
    let mut proposed = item.clone();
    proposed.verdict = evaluation.map_or(item.verdict, |evaluation| evaluation.verdict);
    let two = kind == Kind::Amend && settings.second_approver.asks_for(&proposed);
    let digest = digest(kind, &item, text, account, &policy);
    let id = new_id();
    let next_try_at = (!two).then(|| on.at + undo_window(kind, &item, settings));
    c.exec(
        "INSERT INTO amendments (persona_id, id, item_id, kind, text, evaluation, digest, policy, reason, asked_by, asked_at, next_try_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        vals![
            on.persona,
            &id,
            on.id,
            kind.as_str(),
            text,
            evaluation.map(|evaluation| json!(evaluation).to_string()),
            &digest,
            &policy,
            reason,
            &on.actor.name,
            on.at,
            next_try_at
        ],
    )?;
    let detail = json!({ "amendment": id, "digest": digest, "policy": policy, "second_person": two });
    note(c, on.persona, on.id, &format!("queue.{}", kind.as_str()), Some(reason), &detail, on.actor, on.at)?;
    load(c, on.persona, &id)
}

fn undo_window(kind: Kind, item: &Item, settings: &Settings) -> i64 {
    match (kind, item.post_type) {
        (Kind::Retract, _) => 0,
        (Kind::Amend, PostType::Post) => settings.undo_post,
        (Kind::Amend, _) => settings.undo_comment,
    }
}

/// Confirm an amend as the second person. It holds for exactly the text that was asked for.
///
/// # Errors
/// [`Error::NoAmendment`] when none waits for this, [`Error::SecondPersonNeeded`] for who asked, [`Error::AmendmentStale`] when the item, the
/// account or the rules changed since.
pub fn confirm(c: &mut dyn Conn, on: &On<'_>, account: &str, settings: &Settings) -> Result<Amendment> {
    roles::require(c, on.actor, Right::Retract)?;
    let item = item::load(c, on.persona, on.id)?;
    let waiting = open(c, on.persona, on.id)?.filter(Amendment::needs_second_person);
    let Some(waiting) = waiting else { return Err(Error::NoAmendment { id: item.id, wanted: "confirmed" }) };
    if waiting.asked_by == on.actor.name {
        let why = format!("{} asked for the new text of", on.actor.name);
        return Err(Error::SecondPersonNeeded { action: "confirming it", why, id: item.id });
    }
    check(waiting.kind, &item)?;
    if digest(waiting.kind, &item, waiting.text.as_deref(), account, &approval::policy(settings.mode)) != waiting.digest {
        return Err(Error::AmendmentStale { id: item.id });
    }
    c.exec(
        "UPDATE amendments SET confirmed_by = $3, confirmed_at = $4, next_try_at = $5 WHERE persona_id = $1 AND id = $2",
        vals![on.persona, &waiting.id, &on.actor.name, on.at, on.at + undo_window(waiting.kind, &item, settings)],
    )?;
    let detail = json!({ "amendment": waiting.id, "digest": waiting.digest });
    note(c, on.persona, on.id, "queue.amend_confirm", None, &detail, on.actor, on.at)?;
    load(c, on.persona, &waiting.id)
}

/// Take a wish back that was not begun.
///
/// # Errors
/// [`Error::NoAmendment`] when there is none, [`Error::AmendmentStarted`] once it was begun: the message may have changed already.
pub fn cancel(c: &mut dyn Conn, on: &On<'_>) -> Result<Amendment> {
    roles::require(c, on.actor, Right::Retract)?;
    let item = item::load(c, on.persona, on.id)?;
    let Some(open) = open(c, on.persona, on.id)? else { return Err(Error::NoAmendment { id: item.id, wanted: "taken back" }) };
    if open.started_at.is_some() {
        return Err(Error::AmendmentStarted { id: item.id, kind: open.kind.as_str() });
    }
    let message = format!("{} took it back", on.actor.name);
    abandon(c, on.persona, &open, &message, on.actor, on.at)?;
    load(c, on.persona, &open.id)
}

/// Take back what can be taken back: an open wish about something sent, else an approval that has not left.
///
/// # Errors
/// As [`cancel`] and [`decisions::undo`].
pub fn undo(c: &mut dyn Conn, on: &On<'_>) -> Result<(Item, Option<Amendment>)> {
    if open(c, on.persona, on.id)?.is_some() {
        let taken = cancel(c, on)?;
        return Ok((item::load(c, on.persona, on.id)?, Some(taken)));
    }
    Ok((decisions::undo(c, on)?, None))
}

fn abandon(c: &mut dyn Conn, persona: &PersonaId, open: &Amendment, message: &str, actor: &Actor, at: i64) -> Result<()> {
    c.exec(
        "UPDATE amendments SET outcome = $3, message = $4, finished_at = $5, next_try_at = NULL
         WHERE persona_id = $1 AND id = $2 AND finished_at IS NULL",
        vals![persona, &open.id, Outcome::Abandoned.as_str(), message, at],
    )?;
    let detail = json!({ "amendment": open.id, "tries": open.tries });
    note(c, persona, &open.item_id, &format!("queue.{}_abandon", open.kind.as_str()), Some(message), &detail, actor, at)
}

fn already(other: &Amendment) -> Error {
    Error::AmendmentOpen { id: other.item_id.clone(), kind: other.kind.as_str(), by: other.asked_by.clone(), at: other.asked_at }
}

/// What happened to a wish, where it does not change the item itself.
#[allow(clippy::too_many_arguments, reason = "the parts of an audit row")]
pub(super) fn note(
    c: &mut dyn Conn,
    persona: &PersonaId,
    item: &str,
    action: &str,
    reason: Option<&str>,
    detail: &Value,
    actor: &Actor,
    at: i64,
) -> Result<()> {
    audit::append(
        c,
        &audit::Entry {
            at,
            persona: Some(persona),
            actor,
            action,
            subject_kind: "pending_post",
            subject_id: item,
            reason,
            before: &Value::Null,
            after: detail,
        },
    )?;
    feed::append(c, at, "queue", Some(persona), action, item)?;
    Ok(())
}
