//! Committing that a wish is about to be carried out, and what came of it.

use super::ask::{digest, fits, note};
use super::{AGAIN_AFTER, Amendment, Kind, Outcome, load};
use crate::base::{Millis, PersonaId};
use crate::memory::{Author, interactions};
use crate::moderation::approval::{self, Mode};
use crate::moderation::error::Result;
use crate::moderation::item::{self, Item};
use crate::moderation::outbox::CHECK_AFTER;
use crate::moderation::pauses::{self, Scope};
use crate::moderation::queue::{new_text, write_revision};
use crate::moderation::state::State;
use crate::moderation::survival;
use crate::moderation::transition::{Step, take};
use crate::store::audit::Actor;
use crate::store::{Conn, Val};
use crate::vals;
use serde_json::json;

/// What became of the intent to carry a wish out.
#[derive(Debug, Clone)]
pub enum Begin {
    /// The intent is committed.
    Go(Box<Item>, Box<Amendment>),
    /// It has ended without a request: there is nothing left to do, or it does not hold any more.
    Ended(Box<Item>, Box<Amendment>),
    /// A pause stands, or this deck sends nothing.
    Held,
    /// It is not open, or not yet due.
    NotDue,
}

/// Commit the intent to carry a wish out: pause, mode, account and the item's state are checked in this transaction.
///
/// # Errors
/// When the engine refuses.
pub fn begin(c: &mut dyn Conn, persona: &PersonaId, id: &str, account: &str, mode: Mode, now: Millis) -> Result<Begin> {
    let wish = load(c, persona, id)?;
    if wish.finished_at.is_some() || wish.next_try_at.is_none_or(|at| at > now) {
        return Ok(Begin::NotDue);
    }
    let item = item::load(c, persona, &wish.item_id)?;
    let end = |c: &mut dyn Conn, outcome: Outcome, message: &str| -> Result<Begin> {
        let wish = finish(c, persona, &item, &wish, outcome, message, now)?;
        Ok(Begin::Ended(Box::new(item.clone()), Box::new(wish)))
    };
    match (wish.kind, item.state) {
        (Kind::Retract, State::Gone) => return end(c, Outcome::Done, "it was deleted already"),
        (kind, state) if !fits(kind, state) => return end(c, Outcome::Refused, &format!("the item is {state} now")),
        _ => {}
    }
    if mode == Mode::DryRun || pauses::in_force(c, persona, account, now)?.is_some() {
        return Ok(Begin::Held);
    }
    let same_rules = match wish.kind {
        // Taking away holds under any rules, but only where it was sent.
        Kind::Retract => wish.policy.rsplit('/').next() == Some(mode.as_str()),
        Kind::Amend => wish.policy == approval::policy(mode),
    };
    if !same_rules {
        let message = format!("asked for under {}, in force is {}: please ask again", wish.policy, approval::policy(mode));
        return end(c, Outcome::Refused, &message);
    }
    if digest(wish.kind, &item, wish.text.as_deref(), account, &wish.policy) != wish.digest {
        return end(c, Outcome::Refused, "the item or its account changed since it was asked for: please ask again");
    }
    let after = usize::try_from(wish.tries).ok().and_then(|tries| AGAIN_AFTER.get(tries));
    let Some(after) = after else {
        let message = wish.message.clone().unwrap_or_else(|| "no try came to an end".to_owned());
        return end(c, Outcome::Failed, &message);
    };
    // If this process dies now, the next try is set already.
    c.exec(
        "UPDATE amendments SET started_at = coalesce(started_at, CAST($3 AS BIGINT)), tries = tries + 1, next_try_at = $4
         WHERE persona_id = $1 AND id = $2",
        vals![persona, id, now, now + after],
    )?;
    let detail = json!({ "amendment": id, "try": wish.tries + 1, "digest": wish.digest, "account": account });
    let action = format!("delivery.{}_intent", wish.kind.as_str());
    note(c, persona, &item.id, &action, None, &detail, &Actor::system("delivery"), now)?;
    Ok(Begin::Go(Box::new(item), Box::new(load(c, persona, id)?)))
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// It is so, and was seen to be so.
    Done {
        /// What was seen.
        words: String,
        /// The new text is there, and removed or hidden from others.
        is_filtered: bool,
    },
    /// There is nothing left that could get a new text.
    Gone,
    /// It cannot be done.
    Refused {
        /// Why.
        reason: String,
    },
    /// Try again.
    NotYet {
        /// Why.
        reason: String,
        /// How long to wait at least; the usual time, where it is longer.
        wait: Millis,
    },
    /// A pause came in between: nothing was tried.
    Held {
        /// How long to wait.
        wait: Millis,
    },
    /// The account has to pause as a whole.
    AccountPaused {
        /// The other side's words.
        reason: String,
        /// How long; without end where a person has to look after the account.
        pause: Option<Millis>,
    },
}

/// Commit what a try came to, together with everything that follows from it.
///
/// # Errors
/// When the engine refuses; then it is tried again, which does no harm.
pub fn settle(c: &mut dyn Conn, persona: &PersonaId, id: &str, carried: &Carried, now: Millis) -> Result<(Item, Amendment)> {
    let wish = load(c, persona, id)?;
    let item = item::load(c, persona, &wish.item_id)?;
    if wish.finished_at.is_some() {
        // Another wish took its place while it was under way; that one looks for itself.
        return Ok((item, wish));
    }
    let last = wish.tries >= i64::try_from(AGAIN_AFTER.len()).unwrap_or(i64::MAX);
    match carried {
        Carried::Done { words, is_filtered } => {
            close(c, persona, &wish, Outcome::Done, words, now)?;
            let item = match wish.kind {
                Kind::Retract => retracted(c, &item, &wish, words, now)?,
                Kind::Amend => amended(c, &item, &wish, words, *is_filtered, now)?,
            };
            Ok((item, load(c, persona, id)?))
        }
        Carried::Gone => {
            let words = "it was deleted before it got its new text";
            close(c, persona, &wish, Outcome::Refused, words, now)?;
            let set = vec![("state_reason", Val::from(words)), ("next_check_at", Val::Null)];
            let detail = json!({ "amendment": id });
            let actor = Actor::system("delivery");
            let step =
                Step { item: &item, to: State::Gone, actor: &actor, action: "delivery.seen", reason: Some(words), at: now, set, detail };
            Ok((take(c, step)?, load(c, persona, id)?))
        }
        Carried::Refused { reason } => {
            let wish = finish(c, persona, &item, &wish, Outcome::Refused, reason, now)?;
            Ok((item, wish))
        }
        Carried::NotYet { reason, .. } if last => {
            let wish = finish(c, persona, &item, &wish, Outcome::Failed, reason, now)?;
            Ok((item, wish))
        }
        Carried::NotYet { reason, wait } => {
            let next = wish.next_try_at.unwrap_or(now).max(now + wait);
            again(c, persona, &item, &wish, wish.tries, reason, next, now)
        }
        Carried::Held { wait } => again(c, persona, &item, &wish, wish.tries - 1, "a pause stands", now + wait, now),
        Carried::AccountPaused { reason, pause } => {
            let until = pause.map(|pause| now + pause.max(1_000));
            let account = crate::memory::personas::get(c, persona)?.reddit_username;
            pauses::pause(c, &Scope::Account(account), reason, until, &Actor::system("delivery"), now)?;
            again(c, persona, &item, &wish, wish.tries - 1, reason, until.unwrap_or(now + CHECK_AFTER[1]), now)
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "the parts of a retry")]
fn again(
    c: &mut dyn Conn,
    persona: &PersonaId,
    item: &Item,
    wish: &Amendment,
    tries: i64,
    reason: &str,
    next: Millis,
    now: Millis,
) -> Result<(Item, Amendment)> {
    c.exec(
        "UPDATE amendments SET message = $3, next_try_at = $4, tries = $5 WHERE persona_id = $1 AND id = $2",
        vals![persona, &wish.id, reason, next, tries],
    )?;
    let detail = json!({ "amendment": wish.id, "tries": tries, "next_try_at": next });
    let action = format!("delivery.{}_again", wish.kind.as_str());
    note(c, persona, &item.id, &action, Some(reason), &detail, &Actor::system("delivery"), now)?;
    Ok((item.clone(), load(c, persona, &wish.id)?))
}

fn retracted(c: &mut dyn Conn, item: &Item, wish: &Amendment, words: &str, now: Millis) -> Result<Item> {
    let actor = Actor::system("delivery");
    if let Some(fullname) = item.fullname.as_deref() {
        interactions::retract(c, &item.persona_id, fullname, &wish.reason, &Author::new(&actor, now))?;
    }
    let reason = format!("{}, as {} asked: {}", words, wish.asked_by, wish.reason);
    let set = vec![("state_reason", Val::from(&reason)), ("next_check_at", Val::Null)];
    let detail = json!({ "amendment": wish.id, "asked_by": wish.asked_by });
    take(
        c,
        Step { item, to: State::Retracted, actor: &actor, action: "delivery.retracted", reason: Some(&wish.reason), at: now, set, detail },
    )
}

fn amended(c: &mut dyn Conn, item: &Item, wish: &Amendment, words: &str, is_filtered: bool, now: Millis) -> Result<Item> {
    let (actor, author) = (Actor::system("delivery"), Actor::human(wish.asked_by.clone()));
    let text = wish.text.as_deref().unwrap_or_default();
    let evaluation = wish.evaluation.as_ref().unwrap_or(&item.evaluation);
    let (persona, title) = (&item.persona_id, item.title.as_deref());
    if let Some(fullname) = item.fullname.as_deref() {
        interactions::amend(c, persona, fullname, text, &wish.reason, &Author::new(&actor, now))?;
    }
    let revision = item.revision + 1;
    write_revision(c, persona, &item.id, revision, title, text, &author, Some(&wish.reason), now)?;
    let reason = format!("{}, as {} asked: {}", words, wish.asked_by, wish.reason);
    let mut set = new_text(revision, text, title, evaluation);
    // What it was sent under stays known: it says in which world the message stands.
    set.retain(|(column, _)| !column.starts_with("approval_"));
    set.extend([
        ("approval_digest", Val::from(&wish.digest)),
        ("approval_policy", Val::from(&wish.policy)),
        ("state_reason", Val::from(&reason)),
        ("next_check_at", Val::Int(now + CHECK_AFTER[0])),
    ]);
    let to = if is_filtered { State::Filtered } else { State::Amended };
    let detail = json!({ "amendment": wish.id, "asked_by": wish.asked_by, "confirmed_by": wish.confirmed_by, "revision": revision });
    let done = take(c, Step { item, to, actor: &actor, action: "delivery.amended", reason: Some(&wish.reason), at: now, set, detail })?;
    if is_filtered {
        survival::look(c, &done, now)?;
    }
    Ok(done)
}

fn close(c: &mut dyn Conn, persona: &PersonaId, wish: &Amendment, outcome: Outcome, message: &str, now: Millis) -> Result<()> {
    c.exec(
        "UPDATE amendments SET outcome = $3, message = $4, finished_at = $5, next_try_at = NULL
         WHERE persona_id = $1 AND id = $2 AND finished_at IS NULL",
        vals![persona, &wish.id, outcome.as_str(), message, now],
    )?;
    Ok(())
}

/// End a wish that leaves the item as it is.
fn finish(
    c: &mut dyn Conn,
    persona: &PersonaId,
    item: &Item,
    wish: &Amendment,
    outcome: Outcome,
    message: &str,
    now: Millis,
) -> Result<Amendment> {
    close(c, persona, wish, outcome, message, now)?;
    let detail = json!({ "amendment": wish.id, "outcome": outcome, "tries": wish.tries });
    let action = format!("delivery.{}_{}", wish.kind.as_str(), outcome.as_str());
    note(c, persona, &item.id, &action, Some(message), &detail, &Actor::system("delivery"), now)?;
    load(c, persona, &wish.id)
}
