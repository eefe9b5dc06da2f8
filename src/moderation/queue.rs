//! Items on their way to a decision: claimed, released, held, returned.

use super::approval;
use super::clock;
use super::detect::similarity;
use super::draft::DraftMetadata;
use super::error::{Error, Result};
use super::evaluation::{Evaluation, Verdict};
use super::item::{Item, load};
use super::listing;
use super::overrides;
use super::roles::{self, Right};
use super::state::State;
use super::team::SecondApprover;
use super::transition::{Step, changed, take};
use crate::base::{Millis, PersonaId};
use crate::store::audit::Actor;
use crate::store::{Conn, Val};
use serde_json::{Value, json};

pub use super::enqueue::{NewItem, enqueue, open_for_parent};
pub(super) use super::enqueue::{enqueue_as, insert, write_revision};
pub use super::sweep::{Swept, sweep};

/// How long things take in the queue. All in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Undo window of comments and replies.
    pub undo_comment: Millis,
    /// Undo window of posts.
    pub undo_post: Millis,
    /// How long a claim lasts without being renewed.
    pub lease: Millis,
    /// How long a draft is worth sending.
    pub expiry: Millis,
    /// How often a draft may go back to the agent.
    pub max_return_rounds: i64,
    /// How much of the world may be touched.
    pub mode: approval::Mode,
    /// Which items need two people.
    pub second_approver: SecondApprover,
    /// Of a hundred automatic approvals, so many are looked at by a person afterwards.
    pub sample_percent: i64,
    /// Beside a hundred items that are queued, so many golden ones are put.
    pub golden_per_hundred: i64,
    /// Automatic posting ends when more than so many of a hundred automatic approvals are overturned.
    pub overturn_limit: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            undo_comment: 30_000,
            undo_post: 300_000,
            lease: 300_000,
            expiry: 86_400_000,
            max_return_rounds: 3,
            mode: approval::Mode::DryRun,
            second_approver: SecondApprover::Never,
            sample_percent: 10,
            golden_per_hundred: 0,
            overturn_limit: 15,
        }
    }
}

/// Who acts on which version of which item, and when.
#[derive(Debug, Clone)]
pub struct On<'a> {
    /// The persona the item belongs to.
    pub persona: &'a PersonaId,
    /// The item's full id.
    pub id: &'a str,
    /// The version that was on the screen; `None` where a script takes it as it is.
    pub version: Option<i64>,
    /// Who acts.
    pub actor: &'a Actor,
    /// When.
    pub at: Millis,
}

/// The item, in the version that was seen, not in another reviewer's hands, in a state that can still be decided.
pub(super) fn decidable(c: &mut dyn Conn, on: &On<'_>, wanted: &'static str) -> Result<Item> {
    roles::require(c, on.actor, Right::Decide)?;
    clock::against_log(c, on.actor, on.at)?;
    let item = load(c, on.persona, on.id)?;
    if let Some((holder, until)) = item.live_lease(on.at)
        && holder != on.actor.name
    {
        return Err(Error::ClaimedByOther { id: item.id.clone(), holder: holder.to_owned(), until });
    }
    if !item.state.is_open() {
        return Err(Error::WrongState { id: item.id.clone(), state: item.state, who: item.decided_by(), wanted });
    }
    if let Some(to) = item.escalated_to.as_ref().filter(|to| **to != on.actor.name)
        && !roles::was_given(c, on.actor, Right::DecideEscalated)?
    {
        return Err(Error::Escalated { id: item.id.clone(), to: to.clone() });
    }
    seen(c, on, &item)?;
    Ok(item)
}

/// The item is in the version that was on the screen.
pub(super) fn seen(c: &mut dyn Conn, on: &On<'_>, item: &Item) -> Result<()> {
    match on.version {
        Some(seen) if seen != item.version => Err(changed(c, item, seen)?),
        _ => Ok(()),
    }
}

const NO_LEASE: [(&str, Val); 2] = [("lease_holder", Val::Null), ("lease_until", Val::Null)];

pub(super) fn without_lease(more: Vec<(&'static str, Val)>) -> Vec<(&'static str, Val)> {
    NO_LEASE.iter().cloned().chain(more).collect()
}

/// Claim an item for its reviewer, or renew the reviewer's own lease.
///
/// # Errors
/// [`Error::ClaimedByOther`], [`Error::WrongState`], [`Error::Changed`].
pub fn claim(c: &mut dyn Conn, on: &On<'_>, settings: &Settings) -> Result<Item> {
    let item = decidable(c, on, "claimed")?;
    claim_decidable(c, on, &item, settings)
}

fn claim_decidable(c: &mut dyn Conn, on: &On<'_>, item: &Item, settings: &Settings) -> Result<Item> {
    let renewed = item.live_lease(on.at).is_some();
    // A renewal keeps the fence: it is the same reviewer at the same work.
    let fence = if renewed { item.fence } else { item.fence + 1 };
    let set = vec![
        ("lease_holder", Val::from(&on.actor.name)),
        ("lease_until", Val::Int(on.at + settings.lease)),
        ("fence", Val::Int(fence)),
        ("hold_until", Val::Null),
        ("hold_reason", Val::Null),
    ];
    let action = if renewed { "queue.renew" } else { "queue.claim" };
    let mut detail = json!({ "holder": on.actor.name, "until": on.at + settings.lease });
    // A claim that nobody gave back is taken over in the open: by a wrong clock it may have been running still.
    if let (Some(former), Some(ended), false) = (&item.lease_holder, item.lease_until, renewed) {
        detail["taken_from"] = json!({ "holder": former, "until": ended });
    }
    take(c, Step { item, to: State::Claimed, actor: on.actor, action, reason: None, at: on.at, set, detail })
}

/// The item claimed by whoever decides: as it is when they hold it, claimed on the spot when nobody does.
pub(super) fn claimed(c: &mut dyn Conn, on: &On<'_>, settings: &Settings, wanted: &'static str) -> Result<Item> {
    let item = decidable(c, on, wanted)?;
    if item.live_lease(on.at).is_some() {
        return Ok(item);
    }
    claim_decidable(c, on, &item, settings)
}

/// Give an item back to the queue. A senior may give back what somebody else has claimed.
///
/// # Errors
/// [`Error::ClaimedByOther`], [`Error::WrongState`] when it is neither claimed nor held.
pub fn release(c: &mut dyn Conn, on: &On<'_>) -> Result<Item> {
    let item = match decidable(c, on, "released") {
        Err(Error::ClaimedByOther { .. }) if roles::was_given(c, on.actor, Right::ReleaseOthers)? => {
            let item = load(c, on.persona, on.id)?;
            seen(c, on, &item)?;
            item
        }
        decidable => decidable?,
    };
    let holder = item.live_lease(on.at).filter(|(holder, _)| *holder != on.actor.name);
    let detail = holder.map_or(Value::Null, |(holder, _)| json!({ "claimed_by": holder }));
    if item.state == State::Pending {
        return Err(Error::WrongState { id: item.id.clone(), state: item.state, who: String::new(), wanted: "released" });
    }
    let set = without_lease(vec![("hold_until", Val::Null), ("hold_reason", Val::Null)]);
    take(c, Step { item: &item, to: State::Pending, actor: on.actor, action: "queue.release", reason: None, at: on.at, set, detail })
}

/// Set an item aside until a time, with a reason.
///
/// # Errors
/// As a decision; [`Error::Invalid`] when the time is over or the reason is empty.
pub fn hold(c: &mut dyn Conn, on: &On<'_>, until: Millis, reason: &str) -> Result<Item> {
    if until <= on.at {
        return Err(Error::Invalid { what: "the end of the hold", found: "in the past".to_owned(), expected: "a time to come".to_owned() });
    }
    let reason = required("the reason of the hold", reason)?;
    let item = decidable(c, on, "held")?;
    if item.state == State::Held {
        return Err(Error::WrongState { id: item.id.clone(), state: item.state, who: String::new(), wanted: "held" });
    }
    let set = without_lease(vec![("hold_until", Val::Int(until)), ("hold_reason", Val::from(reason))]);
    let detail = json!({ "until": until });
    take(c, Step { item: &item, to: State::Held, actor: on.actor, action: "queue.hold", reason: Some(reason), at: on.at, set, detail })
}

/// Send an item back to the agent with a note: it writes the next revision.
///
/// # Errors
/// As a decision; [`Error::Invalid`] without a note or after too many rounds.
pub fn return_to_agent(c: &mut dyn Conn, on: &On<'_>, note: &str, settings: &Settings) -> Result<Item> {
    let note = required("the note", note)?;
    let item = claimed(c, on, settings, "returned")?;
    if item.return_rounds >= settings.max_return_rounds {
        return Err(Error::Invalid {
            what: "the number of returns",
            found: format!("already {}", item.return_rounds),
            expected: format!("at most {}: edit it yourself or reject it", settings.max_return_rounds),
        });
    }
    let set = without_lease(vec![("reject_note", Val::from(note)), ("return_rounds", Val::Int(item.return_rounds + 1))]);
    take(
        c,
        Step {
            item: &item,
            to: State::Returned,
            actor: on.actor,
            action: "queue.return",
            reason: Some(note),
            at: on.at,
            set,
            detail: Value::Null,
        },
    )
}

/// The agent's next revision of an item that was returned: screened anew, and back in the queue. `metadata` replaces what came with the
/// earlier text, so that what is proposed and applied belongs to the text that is sent; the cost of the earlier texts stays in the sum.
///
/// # Errors
/// [`Error::WrongState`] when the item was not returned.
pub fn resubmit(c: &mut dyn Conn, on: &On<'_>, content: &str, evaluation: &Evaluation, metadata: &DraftMetadata) -> Result<Item> {
    roles::require(c, on.actor, Right::Decide)?;
    let item = load(c, on.persona, on.id)?;
    if item.state != State::Returned {
        return Err(Error::WrongState { id: item.id.clone(), state: item.state, who: item.decided_by(), wanted: "resubmitted" });
    }
    let to = if evaluation.verdict == Verdict::Block { State::Blocked } else { State::Pending };
    let revision = item.revision + 1;
    write_revision(c, on.persona, on.id, revision, item.title.as_deref(), content, on.actor, item.reject_note.as_deref(), on.at)?;
    let earlier = &item.draft_metadata;
    let cost = metadata.cost_picos.zip(earlier.cost_picos).map(|(now, before)| now.saturating_add(before));
    let metadata = DraftMetadata {
        tokens_in: metadata.tokens_in.saturating_add(earlier.tokens_in),
        tokens_out: metadata.tokens_out.saturating_add(earlier.tokens_out),
        cost_picos: cost,
        ..metadata.clone()
    };
    let mut set = new_text(revision, content, item.title.as_deref(), evaluation);
    set.push(("draft_metadata", Val::from(json!(metadata).to_string())));
    set.extend(overrides::forget(c, &item)?);
    set.push(("tainted", Val::from(metadata.tainted)));
    let detail = json!({ "revision": revision, "digest": evaluation.input_digest, "verdict": evaluation.verdict });
    take(c, Step { item: &item, to, actor: on.actor, action: "queue.resubmit", reason: None, at: on.at, set, detail })
}

/// The columns that a new text changes. An approval of an earlier text is void.
pub(super) fn new_text(revision: i64, content: &str, title: Option<&str>, evaluation: &Evaluation) -> Vec<(&'static str, Val)> {
    let mut set = vec![
        ("revision", Val::Int(revision)),
        ("content", Val::from(content)),
        ("simhash", Val::Int(similarity::simhash(content).cast_signed())),
        ("title", Val::from(title)),
        ("verdict", Val::from(evaluation.verdict.as_str())),
        ("evaluation", Val::from(json!(evaluation).to_string())),
        ("approval_digest", Val::Null),
        ("approval_account", Val::Null),
        ("approval_policy", Val::Null),
    ];
    set.extend(listing::columns(title, content, evaluation));
    set
}

pub(super) fn required<'a>(what: &'static str, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::Invalid { what, found: "empty".to_owned(), expected: "a few words".to_owned() });
    }
    Ok(text)
}
