//! Several people at one queue: two approvals where a policy asks for them, handing over, passing on, passing over.

use super::approval;
use super::error::{Error, Result};
use super::evaluation::Verdict;
use super::item::{Item, revisions};
use super::queue::{On, Settings, claimed, decidable, required, without_lease};
use super::roles;
use super::state::{PostType, State};
use super::transition::{Step, take};
use crate::base::PersonaId;
use crate::store::audit::ActorKind;
use crate::store::{Conn, Val};
use crate::vals;
use serde::Serialize;
use serde_json::json;

/// After so many people passed an item over, it is passed on to whoever looks for such items.
pub const SKIPS_UNTIL_ESCALATION: i64 = 3;

/// Which items need two people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondApprover {
    /// None: one person decides.
    #[default]
    Never,
    /// Posts of our own, and answers to a text that tries to instruct its reader.
    Risky,
    /// These, and whatever screening did not find clean.
    Flagged,
    /// All.
    Always,
}

impl SecondApprover {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::Never, Self::Risky, Self::Flagged, Self::Always];

    /// The word in the settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Risky => "risky",
            Self::Flagged => "flagged",
            Self::Always => "always",
        }
    }

    /// Whether this item needs two people.
    #[must_use]
    pub fn asks_for(self, item: &Item) -> bool {
        let risky = item.post_type == PostType::Post || item.draft_metadata.tainted;
        match self {
            Self::Never => false,
            Self::Risky => risky,
            Self::Flagged => risky || item.verdict != Verdict::Allow,
            Self::Always => true,
        }
    }
}

impl std::str::FromStr for SecondApprover {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|value| value.as_str() == text)
            .ok_or_else(|| format!("{text:?} is none of never, risky, flagged, always"))
    }
}

/// Who approved the present text of an item so far.
///
/// # Errors
/// When the engine refuses.
pub fn approvers(c: &mut dyn Conn, item: &Item) -> Result<Vec<String>> {
    let rows = c.query(
        "SELECT approver FROM approvals WHERE persona_id = $1 AND item_id = $2 AND revision = $3 ORDER BY at, approver",
        vals![&item.persona_id, &item.id, item.revision],
    )?;
    Ok(rows.iter().map(|row| row.text("approver")).collect::<crate::store::Result<_>>()?)
}

/// The first of two approvals: recorded, and the item goes back to the queue for somebody else. `None` when this approval completes it.
///
/// One login has one vote, and whoever wrote the present text cannot be the one who lets it pass.
pub(super) fn first_approval(c: &mut dyn Conn, item: &Item, on: &On<'_>, account: &str, settings: &Settings) -> Result<Option<Item>> {
    if !settings.second_approver.asks_for(item) {
        return Ok(None);
    }
    let name = &on.actor.name;
    let texts = revisions(c, &item.persona_id, &item.id)?;
    if texts.last().is_some_and(|text| text.author_kind == ActorKind::Human.as_str() && text.author == *name) {
        return Err(Error::SecondPersonNeeded {
            action: "approving it",
            why: format!("{name} wrote the present text of"),
            id: item.id.clone(),
        });
    }
    let before = approvers(c, item)?;
    if before.contains(name) {
        return Err(Error::SecondPersonNeeded { action: "approving it", why: format!("{name} has approved"), id: item.id.clone() });
    }
    let digest = approval::digest(item, account, &approval::policy(settings.mode));
    c.exec(
        "INSERT INTO approvals (persona_id, item_id, revision, approver, digest, at) VALUES ($1, $2, $3, $4, $5, $6)",
        vals![&item.persona_id, &item.id, item.revision, name, &digest, on.at],
    )?;
    if !before.is_empty() {
        return Ok(None);
    }
    let detail = json!({ "digest": digest, "revision": item.revision, "approvals": 1, "needed": 2 });
    let set = without_lease(vec![("state_reason", Val::from(format!("approved by {name}; a second person has to")))]);
    take(c, Step { item, to: State::Pending, actor: on.actor, action: "queue.approve_first", reason: None, at: on.at, set, detail })
        .map(Some)
}

/// Hand a claimed item to a colleague: they have it, under a fresh lease.
///
/// # Errors
/// The refusals of a claim; [`Error::Invalid`] without a name.
pub fn hand_over(c: &mut dyn Conn, on: &On<'_>, to: &str, settings: &Settings) -> Result<Item> {
    let to = required("the colleague's name", to)?;
    let item = claimed(c, on, settings, "handed over")?;
    roles::can_decide(c, to)?;
    let set = vec![("lease_holder", Val::from(to)), ("lease_until", Val::Int(on.at + settings.lease)), ("fence", Val::Int(item.fence + 1))];
    let detail = json!({ "from": on.actor.name, "to": to });
    take(c, Step { item: &item, to: State::Claimed, actor: on.actor, action: "queue.hand_over", reason: None, at: on.at, set, detail })
}

/// Pass an item on to a person who has to decide it.
///
/// # Errors
/// The refusals of a claim; [`Error::Invalid`] without a name or a reason.
pub fn escalate(c: &mut dyn Conn, on: &On<'_>, to: &str, reason: &str) -> Result<Item> {
    let (to, reason) = (required("the name of who has to decide", to)?, required("the reason", reason)?);
    let item = decidable(c, on, "escalated")?;
    roles::can_decide(c, to)?;
    pass_on(c, &item, on, to, reason)
}

fn pass_on(c: &mut dyn Conn, item: &Item, on: &On<'_>, to: &str, reason: &str) -> Result<Item> {
    let set = without_lease(vec![
        ("escalated_to", Val::from(to)),
        ("escalation_reason", Val::from(reason)),
        ("hold_until", Val::Null),
        ("hold_reason", Val::Null),
    ]);
    let detail = json!({ "to": to });
    take(c, Step { item, to: State::Pending, actor: on.actor, action: "queue.escalate", reason: Some(reason), at: on.at, set, detail })
}

/// Pass an item over: it is not listed for this reviewer any more. After [`SKIPS_UNTIL_ESCALATION`] people did so it says that it needs
/// somebody.
///
/// # Errors
/// The refusals of a claim.
pub fn skip(c: &mut dyn Conn, on: &On<'_>, reason: Option<&str>) -> Result<Item> {
    let item = decidable(c, on, "skipped")?;
    c.exec(
        "INSERT INTO skips (persona_id, item_id, reviewer, reason, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (persona_id, item_id, reviewer) DO UPDATE SET reason = $4, at = $5",
        vals![on.persona, on.id, &on.actor.name, reason, on.at],
    )?;
    let skipped = count_skips(c, on.persona, on.id)?;
    let set = without_lease(if skipped >= SKIPS_UNTIL_ESCALATION {
        vec![("state_reason", Val::from(format!("{skipped} people passed it over")))]
    } else {
        vec![]
    });
    let detail = json!({ "skipped_by": skipped });
    take(c, Step { item: &item, to: State::Pending, actor: on.actor, action: "queue.skip", reason, at: on.at, set, detail })
}

fn count_skips(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<i64> {
    let row = c.first("SELECT count(*) AS n FROM skips WHERE persona_id = $1 AND item_id = $2", vals![persona, id])?;
    Ok(row.map_or(Ok(0), |row| row.int("n"))?)
}
