//! Second opinions: somebody else says afterwards whether a decision was right.

use super::agreement::Pairs;
use super::labels::{self, Label};
use super::{NOT_GOLDEN, overturn};
use crate::base::{Millis, PersonaId};
use crate::moderation::error::{Error, Result};
use crate::moderation::item::{Item, load};
use crate::moderation::queue::{On, Settings};
use crate::moderation::roles::{self, Right};
use crate::moderation::state::State;
use crate::store::{Conn, audit, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What somebody says of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// It was right.
    Agree,
    /// It should have been the other way.
    Overturn,
}

impl Opinion {
    /// The word in the database and in commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Overturn => "overturn",
        }
    }
}

impl std::str::FromStr for Opinion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "agree" => Ok(Self::Agree),
            "overturn" => Ok(Self::Overturn),
            _ => Err(format!("{text:?} is none of agree, overturn")),
        }
    }
}

/// Whether the machine approved an item: whoever reviewed it is the account it leaves from.
#[must_use]
pub fn is_automatic(item: &Item) -> bool {
    item.reviewed_by.is_some() && item.reviewed_by == item.approval_account
}

/// How an item was decided: `approve` or `reject`; `None` while it is not, or when nobody did.
fn first_decision(item: &Item) -> Option<&'static str> {
    match item.state {
        State::Rejected => Some("reject"),
        state if item.approval_digest.is_some() && (state == State::Scheduled || state == State::Refused || state.may_be_public()) => {
            Some("approve")
        }
        _ => None,
    }
}

/// Record what somebody else than the first reviewer thinks of a decision; the latest opinion of a reviewer counts, the audit log keeps all.
/// Returns the item, which does not change: what was sent stays until somebody retracts it.
///
/// # Errors
/// [`Error::WrongState`] when it is not decided, [`Error::SecondPersonNeeded`] for whoever decided it.
pub fn judge(
    c: &mut dyn Conn,
    on: &On<'_>,
    opinion: Opinion,
    label: Option<Label>,
    note: Option<&str>,
    settings: &Settings,
) -> Result<Item> {
    roles::require(c, on.actor, Right::Decide)?;
    let item = load(c, on.persona, on.id)?;
    let Some(first) = first_decision(&item) else {
        return Err(Error::WrongState { id: item.id.clone(), state: item.state, who: item.decided_by(), wanted: "judged" });
    };
    let first_by = item.reviewed_by.clone().unwrap_or_default();
    if first_by == on.actor.name {
        return Err(Error::SecondPersonNeeded { action: "judging it", why: format!("{first_by} decided"), id: item.id });
    }
    let note = note.map(str::trim).filter(|note| !note.is_empty());
    let kind = if is_automatic(&item) { "machine" } else { "human" };
    let before = c
        .first(
            "SELECT verdict FROM second_opinions WHERE persona_id = $1 AND item_id = $2 AND reviewer = $3",
            vals![on.persona, on.id, &on.actor.name],
        )?
        .map_or(Ok(None), |row| row.text_opt("verdict"))?;
    c.exec(
        "INSERT INTO second_opinions (persona_id, item_id, reviewer, first, first_by, first_kind, verdict, note, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (persona_id, item_id, reviewer) DO UPDATE SET first = $4, first_by = $5, first_kind = $6, verdict = $7, note = $8, at = $9",
        vals![on.persona, on.id, &on.actor.name, first, &first_by, kind, opinion.as_str(), note, on.at],
    )?;
    audit::append(
        c,
        &audit::Entry {
            at: on.at,
            persona: Some(on.persona),
            actor: on.actor,
            action: "queue.judge",
            subject_kind: "pending_post",
            subject_id: on.id,
            reason: note,
            before: &before.map_or(Value::Null, |verdict| json!({ "opinion": verdict })),
            after: &json!({ "opinion": opinion, "of": first, "by": first_by }),
        },
    )?;
    feed::append(c, on.at, "queue", Some(on.persona), "queue.judge", on.id)?;
    if let Some(label) = label {
        labels::write(c, on, label, note)?;
    }
    overturn::look(c, on.persona, settings.overturn_limit, on.at)?;
    Ok(item)
}

/// The items that two people decided one after the other, since then: approved is yes. Taken from second opinions on people's decisions,
/// from two approvals, and from two opinions on an automatic one.
///
/// # Errors
/// When the engine refuses.
pub fn pairs(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis) -> Result<Pairs> {
    let mut pairs = Pairs::default();
    let opinions = c.query(
        &format!(
            "SELECT o.persona_id, o.item_id, o.first, o.first_kind, o.verdict FROM second_opinions o
             JOIN pending_posts p ON p.persona_id = o.persona_id AND p.id = o.item_id
             WHERE o.at >= $1 AND (CAST($2 AS TEXT) IS NULL OR o.persona_id = $2) AND {NOT_GOLDEN} ORDER BY o.at, o.reviewer"
        ),
        vals![since, persona],
    )?;
    // The first person's word on an item that no person had decided; gone once it found its pair.
    let mut alone: HashMap<(String, String), Option<bool>> = HashMap::new();
    for row in &opinions {
        let first = row.text("first")? == "approve";
        let said = first == (row.text("verdict")? == "agree");
        let before = if row.text("first_kind")? == "human" {
            // One pair for an item: the second opinion, not the third.
            let taken = alone.insert((row.text("persona_id")?, row.text("item_id")?), None);
            taken.is_none().then_some(first)
        } else {
            let entry = alone.entry((row.text("persona_id")?, row.text("item_id")?));
            match entry {
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(Some(said));
                    None
                }
                std::collections::hash_map::Entry::Occupied(mut entry) => entry.insert(None),
            }
        };
        if let Some(before) = before {
            pairs.add(before, said);
        }
    }
    let approvals = c.query(
        &format!(
            "SELECT p.state FROM approvals a JOIN pending_posts p ON p.persona_id = a.persona_id AND p.id = a.item_id AND p.revision = a.revision
             WHERE a.at >= $1 AND (CAST($2 AS TEXT) IS NULL OR a.persona_id = $2) AND p.reviewed_by IS NOT NULL
               AND p.reviewed_by <> a.approver AND (p.approval_digest IS NOT NULL OR p.state = 'rejected') AND {NOT_GOLDEN}"
        ),
        vals![since, persona],
    )?;
    for row in &approvals {
        pairs.add(true, row.text("state")? != State::Rejected.as_str());
    }
    Ok(pairs)
}
