//! Somebody asked to be left alone: the person and the thread are muted, and what waits to be said to them is never sent.

use super::error::Result;
use super::item::{Item, load};
use super::mutes::{self, MuteKind};
use super::state::State;
use super::transition::{Step, take};
use crate::base::{Millis, PersonaId, SafeText};
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Val, feed};
use crate::vals;
use serde_json::{Value, json};

/// Who asked, where, and in which words.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Their name.
    pub author: &'a str,
    /// Fullname of the post the thread hangs on, where it is known.
    pub thread: Option<&'a str>,
    /// Fullname of the message.
    pub message: &'a str,
    /// What it was taken for: `asks to be left alone`.
    pub reason: &'a str,
}

/// Obey. Returns the items that will not be sent any more.
///
/// # Errors
/// When the engine refuses.
pub fn obey(c: &mut dyn Conn, persona: &PersonaId, request: &Request<'_>, at: Millis) -> Result<Vec<Item>> {
    let actor = Actor::system("stop words");
    let reason = format!("u/{} {} ({})", SafeText::line(request.author), request.reason, request.message);
    let mut new = mutes::mute(c, persona, MuteKind::User, request.author, &reason, &actor.name, at)?;
    if let Some(thread) = request.thread {
        new |= mutes::mute(c, persona, MuteKind::Thread, thread, &reason, &actor.name, at)?;
    }
    if new {
        let (before, after) = (Value::Null, json!({ "user": request.author, "thread": request.thread, "message": request.message }));
        audit::append(
            c,
            &audit::Entry {
                at,
                persona: Some(persona),
                actor: &actor,
                action: "persona.leave_alone",
                subject_kind: "persona",
                subject_id: persona.as_str(),
                reason: Some(&reason),
                before: &before,
                after: &after,
            },
        )?;
        feed::append(c, at, "personas", Some(persona), "persona.leave_alone", persona.as_str())?;
    }
    let rows = c.query(
        "SELECT id FROM pending_posts WHERE persona_id = $1 AND (lower(parent_author) = lower(CAST($2 AS TEXT)) OR thread_id = $3)
           AND state IN ('pending', 'blocked', 'claimed', 'held', 'returned', 'scheduled')",
        vals![persona, request.author, request.thread],
    )?;
    let mut ended = Vec::new();
    for row in &rows {
        let item = load(c, persona, &row.text("id")?)?;
        let set = vec![("lease_holder", Val::Null), ("lease_until", Val::Null), ("state_reason", Val::from(&reason))];
        let step = Step {
            item: &item,
            to: State::Expired,
            actor: &actor,
            action: "queue.leave_alone",
            reason: Some(&reason),
            at,
            set,
            detail: Value::Null,
        };
        ended.push(take(c, step)?);
    }
    Ok(ended)
}

/// Withdraw what waits to be said to a person, of every persona: they asked to be erased. Nothing is muted, because a mute holds a name.
///
/// # Errors
/// When the engine refuses.
pub fn withdraw(c: &mut dyn Conn, author: &str, actor: &Actor, at: Millis) -> Result<Vec<Item>> {
    let rows = c.query(
        "SELECT persona_id, id FROM pending_posts WHERE lower(parent_author) = lower(CAST($1 AS TEXT))
           AND state IN ('pending', 'blocked', 'claimed', 'held', 'returned', 'scheduled') ORDER BY persona_id, id",
        vals![author],
    )?;
    let reason = "the person it answers asked to be erased";
    let mut ended = Vec::new();
    for row in &rows {
        let item = load(c, &PersonaId::from_stored(row.text("persona_id")?), &row.text("id")?)?;
        let set = vec![("lease_holder", Val::Null), ("lease_until", Val::Null), ("state_reason", Val::from(reason))];
        let step = Step {
            item: &item,
            to: State::Expired,
            actor,
            action: "queue.leave_alone",
            reason: Some(reason),
            at,
            set,
            detail: Value::Null,
        };
        ended.push(take(c, step)?);
    }
    Ok(ended)
}

/// A draft that waits says something else than it did, because somebody was taken out of it: whoever has it or approved it has to read it
/// again. Answers whether it waited.
///
/// # Errors
/// When the engine refuses.
pub fn read_again(c: &mut dyn Conn, persona: &PersonaId, id: &str, actor: &Actor, at: Millis) -> Result<bool> {
    let item = load(c, persona, id)?;
    let to = match item.state {
        State::Pending | State::Claimed | State::Held | State::Scheduled => State::Pending,
        State::Blocked => State::Blocked,
        // The agent writes the next text of what was returned; the others are past every decision.
        _ => return Ok(false),
    };
    // Among two approvers, the first read another text.
    c.exec("DELETE FROM approvals WHERE persona_id = $1 AND item_id = $2", vals![persona, id])?;
    let reason = "somebody who asked to be erased was taken out of it: read it again";
    let mut set: Vec<(&'static str, Val)> = ["lease_holder", "lease_until", "hold_until", "hold_reason", "reviewed_by", "reviewed_at"]
        .into_iter()
        .chain(["approval_digest", "approval_account", "approval_policy", "not_before"])
        .map(|column| (column, Val::Null))
        .collect();
    set.push(("state_reason", Val::from(reason)));
    let step = Step { item: &item, to, actor, action: "queue.read_again", reason: Some(reason), at, set, detail: Value::Null };
    take(c, step)?;
    Ok(true)
}
