//! Committing that an item is about to be sent: everything that may still forbid it is checked in the same transaction.

use super::attempt::{Attempt, attempt};
use crate::base::{Millis, PersonaId, new_id};
use crate::moderation::approval::{self, Mode};
use crate::moderation::decisions::back_to_review;
use crate::moderation::error::Result;
use crate::moderation::item::{Item, load};
use crate::moderation::mutes;
use crate::moderation::pauses::{self, Pause};
use crate::moderation::quality::golden;
use crate::moderation::state::State;
use crate::moderation::transition::{Step, take};
use crate::store::audit::Actor;
use crate::store::{Conn, Val};
use crate::vals;
use serde_json::{Value, json};

/// What became of the wish to send an item.
#[derive(Debug, Clone)]
pub enum Intent {
    /// The intent is committed: send it now, once.
    Go(Box<Item>, Attempt),
    /// A pause stands.
    Paused(Pause),
    /// It is not scheduled any more, or not yet due.
    NotDue,
    /// It does not leave now: it went back to review, expired, or waits for the end of the quiet hours.
    Withdrawn(String),
    /// This deck sends nothing.
    DryRun,
}

/// Commit the intent to send an item: the pause, the approval's digest, the account and the rules are checked in this transaction.
///
/// # Errors
/// When the engine refuses.
pub fn commit_intent(c: &mut dyn Conn, persona: &PersonaId, id: &str, account: &str, mode: Mode, now: Millis) -> Result<Intent> {
    let item = load(c, persona, id)?;
    if item.state != State::Scheduled || item.not_before.is_none_or(|not_before| not_before > now) {
        return Ok(Intent::NotDue);
    }
    if item.expires_at <= now {
        return withdraw(c, &item, "its time ran out before it could be sent", now);
    }
    // Somebody may have asked to be left alone after this item was approved.
    let author = item.parent_author.as_deref().unwrap_or_default();
    let around = (item.thread_id.as_deref(), author, item.target_subreddit.as_str());
    if let Some(muted) = mutes::reason_after(c, persona, around, item.reviewed_at.unwrap_or(item.created_at))? {
        return withdraw(c, &item, &muted, now);
    }
    if mode == Mode::DryRun {
        return Ok(Intent::DryRun);
    }
    if let Some(pause) = pauses::in_force(c, persona, account, now)? {
        return Ok(Intent::Paused(pause));
    }
    let system = Actor::system("delivery");
    if golden::is_golden(c, persona, id)? {
        return gone(c, &item, &system, now);
    }
    let policy = approval::policy(mode);
    let digest = approval::digest(&item, account, &policy);
    if item.approval_digest.as_deref() != Some(digest.as_str()) {
        let reason = if item.approval_policy.as_deref() != Some(policy.as_str()) {
            format!("approved under {}, in force is {policy}: please approve again", item.approval_policy.as_deref().unwrap_or("no rules"))
        } else if item.approval_account.as_deref() != Some(account) {
            format!("approved for {}, the account is {account}: please approve again", item.approval_account.as_deref().unwrap_or("nobody"))
        } else {
            "the text is not the one that was approved: please approve again".to_owned()
        };
        back_to_review(c, &item, &system, "delivery.stale", Some(&reason), now)?;
        return Ok(Intent::Withdrawn(reason));
    }
    let attempt_id = new_id();
    let high_water = c
        .first(
            "SELECT fullname FROM delivery_attempts WHERE persona_id = $1 AND account = $2 AND fullname IS NOT NULL
             ORDER BY started_at DESC, id DESC LIMIT 1",
            vals![persona, account],
        )?
        .map_or(Ok(None), |row| row.text_opt("fullname"))?;
    c.exec(
        "INSERT INTO delivery_attempts (persona_id, id, item_id, revision, digest, account, high_water, started_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        vals![persona, &attempt_id, id, item.revision, &digest, account, high_water, now],
    )?;
    let detail = json!({ "attempt": attempt_id, "digest": digest, "account": account });
    let set = vec![("state_reason", Val::Null)];
    let item =
        take(c, Step { item: &item, to: State::Sending, actor: &system, action: "delivery.intent", reason: None, at: now, set, detail })?;
    let row = c.first("SELECT * FROM delivery_attempts WHERE persona_id = $1 AND id = $2", vals![persona, &attempt_id])?;
    let row = row.ok_or_else(|| crate::store::Error::Column { column: "id".to_owned(), expected: "the attempt just written" })?;
    Ok(Intent::Go(Box::new(item), attempt(&row)?))
}

/// Let an item wait for the end of the quiet hours. The approval stands.
///
/// # Errors
/// When the engine refuses.
pub fn defer(c: &mut dyn Conn, item: &Item, until: Millis, now: Millis) -> Result<Intent> {
    if item.state != State::Scheduled || item.not_before.is_none_or(|not_before| not_before > now) {
        return Ok(Intent::NotDue);
    }
    let reason = format!("quiet hours until {}", crate::base::clock::local(until));
    let set = vec![("not_before", Val::Int(until)), ("state_reason", Val::from(&reason))];
    let (actor, detail) = (Actor::system("quiet hours"), json!({ "not_before": until }));
    let step = Step { item, to: State::Scheduled, actor: &actor, action: "delivery.deferred", reason: Some(&reason), at: now, set, detail };
    take(c, step)?;
    Ok(Intent::Withdrawn(reason))
}

/// Put an item that is about to leave back before a reviewer, because the rules of now find something that those of then did not.
///
/// # Errors
/// When the engine refuses.
pub fn withdraw_for_rules(c: &mut dyn Conn, persona: &PersonaId, id: &str, found: &str, now: Millis) -> Result<Intent> {
    let item = load(c, persona, id)?;
    if item.state != State::Scheduled {
        return Ok(Intent::NotDue);
    }
    let reason = format!("the rules changed since it was approved, and find {found}");
    back_to_review(c, &item, &Actor::system("delivery"), "delivery.stale", Some(&reason), now)?;
    Ok(Intent::Withdrawn(reason))
}

/// A golden item ends here, as one does whose thread is gone. That is no lie: what it answers does not exist.
fn gone(c: &mut dyn Conn, item: &Item, actor: &Actor, now: Millis) -> Result<Intent> {
    let reason = format!("what it answers was deleted or removed ({})", item.parent_id.as_deref().unwrap_or_default());
    let (set, detail) = (vec![("state_reason", Val::from(&reason))], json!({ "code": "parent_gone" }));
    take(c, Step { item, to: State::Expired, actor, action: "delivery.expired", reason: Some(&reason), at: now, set, detail })?;
    Ok(Intent::Withdrawn(reason))
}

fn withdraw(c: &mut dyn Conn, item: &Item, reason: &str, now: Millis) -> Result<Intent> {
    let (actor, set) = (Actor::timeout("deadline"), vec![("state_reason", Val::from(reason))]);
    take(
        c,
        Step { item, to: State::Expired, actor: &actor, action: "queue.expire", reason: Some(reason), at: now, set, detail: Value::Null },
    )?;
    Ok(Intent::Withdrawn(reason.to_owned()))
}
