//! Committing what came of an attempt, with everything that follows from it.

use super::attempt::Attempt;
use super::{CHECK_AFTER, RECONCILE_AFTER};
use crate::base::{Millis, PersonaId};
use crate::memory::interactions::{self, InteractionMetadata, NewInteraction};
use crate::memory::{self, Author};
use crate::moderation::decisions::back_to_review;
use crate::moderation::draft::DraftMetadata;
use crate::moderation::error::Result;
use crate::moderation::item::{Item, load};
use crate::moderation::mutes::{self, MuteKind};
use crate::moderation::pauses::{self, Scope};
use crate::moderation::state::State;
use crate::moderation::transition::{Step, take};
use crate::store::audit::Actor;
use crate::store::{Conn, Val};
use crate::vals;
use serde_json::json;

/// What an attempt to send, or a look at the outside before it, came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is there.
    Confirmed {
        /// Its fullname.
        fullname: String,
        /// Its link, where the answer had one.
        permalink: Option<String>,
    },
    /// Nothing left the machine, or the other side surely did nothing: try again later.
    NotSent {
        /// Why.
        reason: String,
        /// How long to wait at least.
        wait: Millis,
    },
    /// The account has to pause as a whole.
    AccountPaused {
        /// The other side's code.
        code: String,
        /// Its words.
        reason: String,
        /// How long; without end where a person has to look after the account.
        pause: Option<Millis>,
    },
    /// The thread is closed to us: nothing to send any more.
    Expired {
        /// The other side's code, or what the look found.
        code: String,
        /// In words.
        reason: String,
    },
    /// The other side said no for good.
    Refused {
        /// Its code.
        code: String,
        /// Its words.
        reason: String,
    },
    /// A person has to look at it again: something changed, or a field was refused.
    BackToReview {
        /// The code, or what changed.
        code: String,
        /// In words, with the difference.
        reason: String,
    },
    /// The answer was lost.
    Unknown {
        /// How.
        reason: String,
    },
}

/// What follows an answer beside what happens with the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Aftermath {
    /// The person who is answered is left alone from now on.
    pub mute_user: bool,
    /// Nothing is sent to the subreddit any more.
    pub disable_target: bool,
    /// How long the whole account pauses, whatever happens with the item.
    pub account_pause: Option<Millis>,
}

/// Commit what follows an answer.
///
/// # Errors
/// When the engine refuses.
pub fn follow(c: &mut dyn Conn, item: &Item, account: &str, aftermath: Aftermath, reason: &str, now: Millis) -> Result<()> {
    let actor = Actor::system("delivery");
    let persona = &item.persona_id;
    if let (true, Some(user)) = (aftermath.mute_user, item.parent_author.as_deref()) {
        mutes::mute(c, persona, MuteKind::User, user, reason, &actor.name, now)?;
    }
    if aftermath.disable_target {
        mutes::mute(c, persona, MuteKind::Subreddit, &item.target_subreddit, reason, &actor.name, now)?;
    }
    if let Some(pause) = aftermath.account_pause {
        pauses::pause(c, &Scope::Account(account.to_owned()), reason, Some(now + pause.max(1_000)), &actor, now)?;
    }
    Ok(())
}

/// Commit what an attempt came to, together with everything that follows from it.
///
/// # Errors
/// When the engine refuses; then the attempt stays open and is reconciled.
pub fn settle(c: &mut dyn Conn, persona: &PersonaId, attempt: &Attempt, answer: &Answer, now: Millis) -> Result<Item> {
    let item = load(c, persona, &attempt.item_id)?;
    let actor = Actor::system("delivery");
    let step = |item: &Item, to, action: &str, reason: Option<&str>, set, detail, c: &mut dyn Conn| {
        take(c, Step { item, to, actor: &actor, action, reason, at: now, set, detail })
    };
    match answer {
        Answer::Confirmed { fullname, permalink } => confirm(c, persona, &item, attempt, fullname, permalink.as_deref(), &actor, now),
        Answer::NotSent { reason, wait } => {
            close(c, persona, attempt, "not_sent", None, reason, now)?;
            let not_before = now + (*wait).max(1_000);
            let set = vec![("not_before", Val::Int(not_before)), ("state_reason", Val::from(reason))];
            step(&item, State::Scheduled, "delivery.not_sent", Some(reason), set, json!({ "not_before": not_before }), c)
        }
        Answer::AccountPaused { code, reason, pause } => {
            close(c, persona, attempt, "not_sent", Some(code), reason, now)?;
            let until = pause.map(|pause| now + pause.max(1_000));
            pauses::pause(c, &Scope::Account(attempt.account.clone()), reason, until, &actor, now)?;
            let not_before = until.unwrap_or(now + CHECK_AFTER[1]);
            let set = vec![("not_before", Val::Int(not_before)), ("state_reason", Val::from(reason))];
            step(&item, State::Scheduled, "delivery.deferred", Some(reason), set, json!({ "code": code, "not_before": not_before }), c)
        }
        Answer::Expired { code, reason } => {
            close(c, persona, attempt, "refused", Some(code), reason, now)?;
            let set = vec![("state_reason", Val::from(reason))];
            step(&item, State::Expired, "delivery.expired", Some(reason), set, json!({ "code": code }), c)
        }
        Answer::Refused { code, reason } => {
            close(c, persona, attempt, "refused", Some(code), reason, now)?;
            let set = vec![("state_reason", Val::from(reason))];
            step(&item, State::Refused, "delivery.refused", Some(reason), set, json!({ "code": code }), c)
        }
        Answer::BackToReview { code, reason } => {
            close(c, persona, attempt, "not_sent", Some(code), reason, now)?;
            back_to_review(c, &item, &actor, "delivery.stale", Some(reason), now)
        }
        Answer::Unknown { reason } => lose(c, persona, &item, attempt, reason, &actor, now),
    }
}

fn close(
    c: &mut dyn Conn,
    persona: &PersonaId,
    attempt: &Attempt,
    outcome: &str,
    code: Option<&String>,
    message: &str,
    now: Millis,
) -> Result<()> {
    c.exec(
        "UPDATE delivery_attempts SET outcome = $3, code = $4, message = $5, finished_at = $6, next_reconcile_at = NULL
         WHERE persona_id = $1 AND id = $2 AND finished_at IS NULL",
        vals![persona, &attempt.id, outcome, code, message, now],
    )?;
    Ok(())
}

pub(super) fn lose(
    c: &mut dyn Conn,
    persona: &PersonaId,
    item: &Item,
    attempt: &Attempt,
    reason: &str,
    actor: &Actor,
    now: Millis,
) -> Result<Item> {
    c.exec(
        "UPDATE delivery_attempts SET outcome = 'unknown', message = $3, next_reconcile_at = $4
         WHERE persona_id = $1 AND id = $2 AND finished_at IS NULL",
        vals![persona, &attempt.id, reason, now + RECONCILE_AFTER[0]],
    )?;
    let set = vec![("state_reason", Val::from(reason))];
    let detail = json!({ "attempt": attempt.id });
    take(c, Step { item, to: State::Unknown, actor, action: "delivery.unknown", reason: Some(reason), at: now, set, detail })
}

#[allow(clippy::too_many_arguments, reason = "the whole of a confirmed delivery")]
pub(super) fn confirm(
    c: &mut dyn Conn,
    persona: &PersonaId,
    item: &Item,
    attempt: &Attempt,
    fullname: &str,
    permalink: Option<&str>,
    actor: &Actor,
    now: Millis,
) -> Result<Item> {
    c.exec(
        "UPDATE delivery_attempts SET outcome = 'confirmed', fullname = $3, finished_at = $4, next_reconcile_at = NULL
         WHERE persona_id = $1 AND id = $2 AND finished_at IS NULL",
        vals![persona, &attempt.id, fullname, now],
    )?;
    let mut metadata: DraftMetadata = item.draft_metadata.clone();
    remember(c, persona, item, &metadata, fullname, now)?;
    // What was approved with the text is applied with it, once: an approval that was undone has changed no belief.
    let reviewer =
        if metadata.auto_posted { Actor::agent("auto-posting") } else { Actor::human(item.reviewed_by.clone().unwrap_or_default()) };
    let applied = memory::proposals::apply_on_approval(c, persona, &metadata.belief_proposals, item.parent_id.as_deref(), &reviewer, now)?;
    let detail = json!({ "attempt": attempt.id, "fullname": fullname, "belief_changes_applied": applied });
    metadata.belief_changes_applied = Some(applied);
    let set = vec![
        ("fullname", Val::from(fullname)),
        ("permalink", Val::from(permalink)),
        ("draft_metadata", Val::from(json!(metadata).to_string())),
        ("next_check_at", Val::Int(now + CHECK_AFTER[0])),
        ("state_reason", Val::Null),
    ];
    take(c, Step { item, to: State::Confirmed, actor, action: "delivery.confirmed", reason: None, at: now, set, detail })
}

/// What was said goes to memory, with the beliefs as they were when it was written.
fn remember(c: &mut dyn Conn, persona: &PersonaId, item: &Item, metadata: &DraftMetadata, fullname: &str, now: Millis) -> Result<()> {
    if interactions::find(c, persona, fullname)?.is_some() {
        return Ok(());
    }
    let interaction = InteractionMetadata {
        model: metadata.model.clone(),
        tokens_in: Some(metadata.tokens_in),
        tokens_out: Some(metadata.tokens_out),
        cost_picos: metadata.cost_picos,
        correlation_id: Some(item.correlation_id.clone()),
        pending_post_id: Some(item.id.clone()),
        approved_by: item.reviewed_by.clone().filter(|_| !metadata.auto_posted),
        approved_at: item.reviewed_at,
        auto_posted: metadata.auto_posted,
        beliefs: metadata.beliefs.clone(),
        ..InteractionMetadata::default()
    };
    let system = Actor::system("delivery");
    let new = NewInteraction {
        content: &item.content,
        interaction_type: item.post_type.as_str().parse()?,
        reddit_id: fullname,
        subreddit: &item.target_subreddit,
        parent_id: item.parent_id.as_deref(),
        metadata: &interaction,
    };
    interactions::log(c, persona, &new, &Author::new(&system, now))?;
    Ok(())
}
