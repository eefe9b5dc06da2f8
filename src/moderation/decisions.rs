//! What a reviewer decides: approve, edit, reject, undo, discard; and what a person says of an unresolved delivery.

use super::approval;
use super::error::{Error, Result};
use super::evaluation::{Evaluation, Verdict};
use super::item::{Item, load};
use super::mutes::{self, MuteKind};
use super::overrides;
use super::quality::{NOT_GOLDEN, golden, sampling};
use super::queue::{On, Settings, claim, claimed, new_text, required, seen, without_lease, write_revision};
use super::roles::{self, Right};
use super::state::{Directive, PostType, RejectCode, State};
use super::team;
use super::transition::{Step, take};
use crate::base::Millis;
use crate::store::audit::Actor;
use crate::store::{Conn, Val, feed};
use crate::vals;
use serde_json::{Value, json};

/// Approve an item: it leaves for `account` when the undo window is over. Where the policy asks for two people, the first approval is
/// recorded and the item stays pending.
///
/// # Errors
/// [`Error::Incomplete`], [`Error::Blocked`], [`Error::Expired`], and the refusals of a claim.
pub fn approve(c: &mut dyn Conn, on: &On<'_>, account: &str, settings: &Settings) -> Result<Item> {
    let item = claimed(c, on, settings, "approved")?;
    if let Some(missing) = missing(&item) {
        return Err(Error::Incomplete { id: item.id, missing });
    }
    if item.verdict == Verdict::Block && !overrides::is_confirmed(c, &item)? {
        return Err(Error::Blocked { id: item.id.clone(), flags: item.evaluation.summary() });
    }
    if item.expires_at <= on.at {
        return Err(Error::Expired { id: item.id.clone(), at: item.expires_at });
    }
    if let Some(waiting) = team::first_approval(c, &item, on, account, settings)? {
        return Ok(waiting);
    }
    schedule(c, &item, account, on.actor, on.at, settings, "queue.approve")
}

/// Approve a draft that screening allowed, without a person, for a persona that posts by itself.
///
/// # Errors
/// [`Error::Blocked`] when screening asked for more than a machine may decide, [`Error::WrongState`] when it is not pending,
/// [`Error::Escalated`] when a person has to decide it.
pub fn approve_automatically(c: &mut dyn Conn, on: &On<'_>, account: &str, settings: &Settings) -> Result<Item> {
    roles::require(c, on.actor, Right::Decide)?;
    let item = load(c, on.persona, on.id)?;
    if item.state != State::Pending {
        return Err(Error::WrongState { id: item.id.clone(), state: item.state, who: item.decided_by(), wanted: "approved" });
    }
    if let Some(to) = &item.escalated_to {
        return Err(Error::Escalated { id: item.id.clone(), to: to.clone() });
    }
    seen(c, on, &item)?;
    if item.verdict != Verdict::Allow || !item.evaluation.missing.is_empty() {
        return Err(Error::Blocked { id: item.id.clone(), flags: item.evaluation.summary() });
    }
    if let Some(missing) = missing(&item) {
        return Err(Error::Incomplete { id: item.id, missing });
    }
    let approved = schedule(c, &item, account, on.actor, on.at, settings, "queue.auto_approve")?;
    sampling::pick(c, &approved, settings.sample_percent, on.at)?;
    Ok(approved)
}

fn missing(item: &Item) -> Option<String> {
    approval::missing(item.post_type, &item.target_subreddit, item.parent_id.as_deref(), item.title.as_deref(), &item.content)
}

fn schedule(c: &mut dyn Conn, item: &Item, account: &str, actor: &Actor, at: Millis, settings: &Settings, action: &str) -> Result<Item> {
    let undo = if item.post_type == PostType::Post { settings.undo_post } else { settings.undo_comment };
    let policy = approval::policy(settings.mode);
    let digest = approval::digest(item, account, &policy);
    let detail = json!({ "digest": digest, "account": account, "policy": policy, "revision": item.revision, "not_before": at + undo });
    let set = without_lease(vec![
        ("reviewed_by", Val::from(&actor.name)),
        ("reviewed_at", Val::Int(at)),
        ("approval_digest", Val::from(digest)),
        ("approval_account", Val::from(account)),
        ("approval_policy", Val::from(policy)),
        ("not_before", Val::Int(at + undo)),
        ("state_reason", Val::Null),
    ]);
    take(c, Step { item, to: State::Scheduled, actor, action, reason: None, at, set, detail })
}

/// Change the text of an item. It is screened anew by the caller, stays with its reviewer, and any approval is void.
///
/// # Errors
/// As [`edit_because`].
pub fn edit(
    c: &mut dyn Conn,
    on: &On<'_>,
    title: Option<&str>,
    content: &str,
    evaluation: &Evaluation,
    settings: &Settings,
) -> Result<Item> {
    edit_because(c, on, title, content, None, evaluation, settings)
}

/// The same, saying why: when the item is approved, the next prompts learn from it.
///
/// A draft that a rule blocks may be edited as well. When nothing in the new text is blocked, it goes to who wrote it; else it stays blocked.
///
/// # Errors
/// [`Error::Incomplete`] when the new text could never be sent, and the refusals of a claim.
pub fn edit_because(
    c: &mut dyn Conn,
    on: &On<'_>,
    title: Option<&str>,
    content: &str,
    why: Option<&str>,
    evaluation: &Evaluation,
    settings: &Settings,
) -> Result<Item> {
    let why = why.map(str::trim).filter(|why| !why.is_empty());
    let present = load(c, on.persona, on.id)?;
    let is_blocked = present.state == State::Blocked;
    let item = if is_blocked {
        roles::require(c, on.actor, Right::Decide)?;
        seen(c, on, &present)?;
        present
    } else {
        claimed(c, on, settings, "edited")?
    };
    let title = title.or(item.title.as_deref());
    if let Some(missing) = approval::missing(item.post_type, &item.target_subreddit, item.parent_id.as_deref(), title, content) {
        return Err(Error::Incomplete { id: item.id, missing });
    }
    let revision = item.revision + 1;
    write_revision(c, on.persona, on.id, revision, title, content, on.actor, why, on.at)?;
    let to = match (is_blocked, evaluation.verdict) {
        (true, Verdict::Block) => State::Blocked,
        (true, _) => State::Pending,
        (false, _) => State::Claimed,
    };
    let mut set = new_text(revision, content, title, evaluation);
    set.extend(overrides::forget(c, &item)?);
    let detail = json!({ "revision": revision, "digest": evaluation.input_digest, "verdict": evaluation.verdict });
    let edited = take(c, Step { item: &item, to, actor: on.actor, action: "queue.edit", reason: why, at: on.at, set, detail })?;
    if to == State::Pending {
        return claim(c, &On { version: Some(edited.version), ..on.clone() }, settings);
    }
    Ok(edited)
}

/// Reject an item, with a typed reason and what the agent has to do about it.
///
/// # Errors
/// [`Error::Invalid`] when `other` comes without a note or the directive has nobody to apply to, and the refusals of a claim.
pub fn reject(
    c: &mut dyn Conn,
    on: &On<'_>,
    code: RejectCode,
    directive: Directive,
    note: Option<&str>,
    settings: &Settings,
) -> Result<Item> {
    let note = note.map(str::trim).filter(|note| !note.is_empty());
    if code == RejectCode::Other {
        required("the note of a rejection for another reason", note.unwrap_or_default())?;
    }
    let item = claimed(c, on, settings, "rejected")?;
    let reason = note.map_or_else(|| code.as_str().to_owned(), |note| format!("{code}: {note}"));
    let nobody =
        |what| Error::Invalid { what: "the directive", found: directive.as_str().to_owned(), expected: format!("an item that has {what}") };
    // Nothing follows from a golden item.
    let real = !golden::is_golden(c, on.persona, on.id)?;
    match directive {
        Directive::MuteThread => {
            let thread = item.thread_id.as_ref().or(item.parent_id.as_ref()).ok_or_else(|| nobody("a thread"))?;
            if real {
                mutes::mute(c, on.persona, MuteKind::Thread, thread, &reason, &on.actor.name, on.at)?;
            }
        }
        Directive::MuteUser => {
            let user = item.parent_author.as_ref().ok_or_else(|| nobody("an author it answers"))?;
            if real {
                mutes::mute(c, on.persona, MuteKind::User, user, &reason, &on.actor.name, on.at)?;
            }
        }
        Directive::FixBelief if real => {
            feed::append(c, on.at, "beliefs", Some(on.persona), "belief_fix_requested", &item.id)?;
        }
        Directive::Drop | Directive::Redraft | Directive::FixBelief => {}
    }
    let set = without_lease(vec![
        ("reviewed_by", Val::from(&on.actor.name)),
        ("reviewed_at", Val::Int(on.at)),
        ("reject_code", Val::from(code.as_str())),
        ("reject_directive", Val::from(directive.as_str())),
        ("reject_note", Val::from(note)),
    ]);
    let detail = json!({ "code": code, "directive": directive });
    take(
        c,
        Step { item: &item, to: State::Rejected, actor: on.actor, action: "queue.reject", reason: Some(&reason), at: on.at, set, detail },
    )
}

/// Take an approval back before the item has left. Somebody else's takes a senior.
///
/// # Errors
/// [`Error::TooLateToUndo`] once it left, [`Error::WrongState`] when it was never approved.
pub fn undo(c: &mut dyn Conn, on: &On<'_>) -> Result<Item> {
    roles::require(c, on.actor, Right::Decide)?;
    let item = load(c, on.persona, on.id)?;
    if item.state.may_be_public() {
        return Err(Error::TooLateToUndo { id: item.id.clone(), state: item.state });
    }
    if item.state != State::Scheduled {
        return Err(Error::WrongState { id: item.id.clone(), state: item.state, who: item.decided_by(), wanted: "undone" });
    }
    if item.reviewed_by.as_deref() != Some(on.actor.name.as_str()) {
        roles::require(c, on.actor, Right::UndoOthers)?;
    }
    seen(c, on, &item)?;
    back_to_review(c, &item, on.actor, "queue.undo", None, on.at)
}

/// Put an item that was approved back before a reviewer; the approval is void.
pub(super) fn back_to_review(c: &mut dyn Conn, item: &Item, actor: &Actor, action: &str, reason: Option<&str>, at: Millis) -> Result<Item> {
    let set = vec![
        ("reviewed_by", Val::Null),
        ("reviewed_at", Val::Null),
        ("approval_digest", Val::Null),
        ("approval_account", Val::Null),
        ("approval_policy", Val::Null),
        ("not_before", Val::Null),
        ("state_reason", Val::from(reason)),
    ];
    take(c, Step { item, to: State::Pending, actor, action, reason, at, set, detail: Value::Null })
}

/// Throw a blocked draft away.
///
/// # Errors
/// [`Error::WrongState`] when it is not blocked.
pub fn discard(c: &mut dyn Conn, on: &On<'_>, reason: &str) -> Result<Item> {
    roles::require(c, on.actor, Right::Discard)?;
    let item = load(c, on.persona, on.id)?;
    if item.state != State::Blocked {
        return Err(Error::WrongState { id: item.id.clone(), state: item.state, who: item.decided_by(), wanted: "discarded" });
    }
    seen(c, on, &item)?;
    let set = vec![("reviewed_by", Val::from(&on.actor.name)), ("reviewed_at", Val::Int(on.at))];
    take(
        c,
        Step {
            item: &item,
            to: State::Discarded,
            actor: on.actor,
            action: "queue.discard",
            reason: Some(reason),
            at: on.at,
            set,
            detail: Value::Null,
        },
    )
}

/// What a person found out about a delivery that reading could not resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It is there, under this fullname.
    Sent {
        /// `t1_…` or `t3_…`.
        fullname: String,
    },
    /// It is not there, and shall be sent again. Needs somebody else than the approver.
    Resend,
    /// It is given up.
    Abandon,
}

/// Resolve a delivery that waits for a person.
///
/// # Errors
/// [`Error::WrongState`] when it does not wait, [`Error::SecondPersonNeeded`] for a resend by the approver.
pub fn resolve(c: &mut dyn Conn, on: &On<'_>, resolution: &Resolution, settings: &Settings) -> Result<Item> {
    roles::require(c, on.actor, Right::Resolve)?;
    let item = load(c, on.persona, on.id)?;
    if item.state != State::Unresolved {
        return Err(Error::WrongState { id: item.id.clone(), state: item.state, who: item.decided_by(), wanted: "resolved" });
    }
    seen(c, on, &item)?;
    let (outcome, to, set) = match resolution {
        Resolution::Sent { fullname } => {
            let expected = if item.post_type == PostType::Post { "t3_" } else { "t1_" };
            let wanted = || Error::Invalid { what: "the fullname", found: fullname.clone(), expected: format!("{expected} and an id") };
            let id = fullname.strip_prefix(expected).ok_or_else(wanted)?;
            if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(wanted());
            }
            let set = vec![("fullname", Val::from(fullname)), ("next_check_at", Val::Int(on.at)), ("state_reason", Val::Null)];
            ("confirmed", State::Confirmed, set)
        }
        Resolution::Resend => {
            if item.reviewed_by.as_deref() == Some(on.actor.name.as_str()) {
                return Err(Error::SecondPersonNeeded { action: "sending again", why: format!("{} approved", on.actor.name), id: item.id });
            }
            ("not_sent", State::Scheduled, vec![("not_before", Val::Int(on.at + settings.undo_comment)), ("state_reason", Val::Null)])
        }
        Resolution::Abandon => ("abandoned", State::Abandoned, vec![("state_reason", Val::from("given up by a person"))]),
    };
    c.exec(
        "UPDATE delivery_attempts SET outcome = $3, finished_at = $4, next_reconcile_at = NULL, message = $5
         WHERE persona_id = $1 AND item_id = $2 AND finished_at IS NULL",
        vals![on.persona, on.id, outcome, on.at, format!("resolved by {}", on.actor.name)],
    )?;
    let detail = json!({ "resolution": outcome });
    take(c, Step { item: &item, to, actor: on.actor, action: "queue.resolve", reason: None, at: on.at, set, detail })
}

/// What the next prompts should learn from, newest first: see [`super::corrections`].
///
/// # Errors
/// When the engine refuses.
pub fn recent_corrections(c: &mut dyn Conn, persona: &crate::base::PersonaId, limit: i64) -> Result<Vec<super::corrections::Correction>> {
    super::corrections::recent(c, persona, limit)
}

/// Whether the loop may draft for `parent`: nothing of ours waits or stands there, and no rejection forbids it.
///
/// A rejection with the directive `redraft` allows one more draft; every other one, and a blocked draft that was thrown away, leaves the
/// parent alone for good.
///
/// # Errors
/// When the engine refuses.
pub fn may_draft(c: &mut dyn Conn, persona: &crate::base::PersonaId, parent: &str) -> Result<bool> {
    let rows = c.query(
        "SELECT state, reject_directive, directive_consumed_at FROM pending_posts WHERE persona_id = $1 AND parent_id = $2",
        vals![persona, parent],
    )?;
    for row in &rows {
        // The newer draft that took its place speaks for it.
        if row.text("state")? == State::Superseded.as_str() {
            continue;
        }
        let redraft = row.text("state")? == State::Rejected.as_str()
            && row.text_opt("reject_directive")?.as_deref() == Some(Directive::Redraft.as_str())
            && row.int_opt("directive_consumed_at")?.is_none();
        if !redraft {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Mark that the loop obeyed the directives of this parent's rejections: a redraft is granted once.
///
/// # Errors
/// When the engine refuses.
pub fn consume_directives(c: &mut dyn Conn, persona: &crate::base::PersonaId, parent: &str, at: Millis) -> Result<()> {
    c.exec(
        "UPDATE pending_posts SET directive_consumed_at = $3
         WHERE persona_id = $1 AND parent_id = $2 AND state = 'rejected' AND directive_consumed_at IS NULL",
        vals![persona, parent, at],
    )?;
    Ok(())
}

/// The rejected items whose reviewer asked for another draft that was not written yet, oldest decision first.
///
/// # Errors
/// When the engine refuses.
pub fn redrafts_wanted(c: &mut dyn Conn, persona: &crate::base::PersonaId, limit: usize) -> Result<Vec<Item>> {
    let rows = c.query(
        &format!(
            "SELECT p.id FROM pending_posts p WHERE p.persona_id = $1 AND p.state = 'rejected' AND p.reject_directive = 'redraft'
               AND p.directive_consumed_at IS NULL AND p.parent_id IS NOT NULL AND {NOT_GOLDEN} ORDER BY p.reviewed_at, p.id LIMIT $2"
        ),
        vals![persona, i64::try_from(limit).unwrap_or(i64::MAX)],
    )?;
    rows.iter().map(|row| load(c, persona, &row.text("id")?)).collect()
}
