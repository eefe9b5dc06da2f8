//! Taking a change of a belief back: by another change the other way, with a reason. Nothing is removed from the history.
//!
//! What can be taken back: a change of stance or confidence, an edit, a lock, an unlock, an edge made or removed; also a change that took another one
//! back. Only what is still as the change left it: a later change to the same thing is taken back first. Evidence and the making of a belief stay.

use super::beliefs::{self, BeliefEdit, BeliefUpdate};
use super::change::{Author, Trigger};
use super::edges::{self, Relation};
use super::stances::{self, NewStance};
use super::{Error, Result};
use crate::base::PersonaId;
use crate::store::Conn;
use crate::vals;
use serde::Serialize;
use serde_json::Value;

/// How many changes back is looked for one that can be taken back.
const LOOK_BACK: u32 = 200;

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Undone {
    /// The change that was taken back.
    pub update: BeliefUpdate,
    /// The change that took it back, as it stands in the history now.
    pub by: BeliefUpdate,
}

/// Take a change back; without `update_id`, the newest one that can be taken back and was not made by taking one back.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NotUndoable`]; [`Error::Locked`]; [`Error::Invalid`] without a reason.
pub fn undo(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    update_id: Option<&str>,
    reason: &str,
    author: &Author<'_>,
) -> Result<Undone> {
    let reason = stances::required("the reason", reason)?;
    let belief = beliefs::require(c, persona, belief_id)?;
    let history = beliefs::history(c, persona, belief_id, None, LOOK_BACK)?;
    let taken_back: Vec<&str> = history.iter().filter_map(|update| update.undoes.as_deref()).collect();
    let update = match update_id {
        Some(id) => history.iter().find(|update| update.id == id).ok_or_else(|| Error::not_found("change", id, persona))?,
        None => history
            .iter()
            .find(|update| update.undoes.is_none() && is_of_a_kind(update) && !taken_back.contains(&update.id.as_str()))
            .ok_or_else(|| Error::NotUndoable {
                id: belief_id.to_owned(),
                why: format!("{:?} has no change left that could be taken back", belief.title),
            })?,
    };
    let refuse = |why: &str| Error::NotUndoable { id: update.id.clone(), why: why.to_owned() };
    if taken_back.contains(&update.id.as_str()) {
        return Err(refuse("it was taken back already; take the change back that did it"));
    }
    let author = Author { undoes: Some(update.id.clone()), because: Some(reason.to_owned()), ..author.clone() };
    let (old, new) = (&update.old_value, &update.new_value);
    match update.action.as_deref() {
        Some("belief.update") => {
            let in_force = stances::in_force(c, persona, belief_id)?;
            stances::refuse_locked(&belief, in_force.as_ref())?;
            let text = old["text"].as_str().ok_or_else(|| refuse("there was no stance before it"))?;
            let confidence = old["confidence"].as_f64().ok_or_else(|| refuse("there was no confidence before it"))?;
            let stays =
                in_force.as_ref().is_some_and(|stance| new["text"] == stance.text.as_str() && new["confidence"] == stance.confidence);
            if !stays {
                return Err(refuse("the stance was changed again since; take that change back first"));
            }
            let rationale = format!("Taken back by {}: {reason}", author.updated_by);
            let stance = NewStance { text, confidence, rationale: &rationale };
            stances::update(c, persona, belief_id, &stance, Trigger::Manual, &author)?;
        }
        Some("belief.edit") => {
            let is_now = |key: &str, value: Value| new[key] == value;
            if !is_now("title", belief.title.clone().into())
                || !is_now("summary", belief.summary.clone().into())
                || !is_now("tags", belief.tags.clone().into())
            {
                return Err(refuse("the belief was edited again since; take that change back first"));
            }
            let tags: Vec<String> = serde_json::from_value(old["tags"].clone()).unwrap_or_default();
            let edit = BeliefEdit { title: old["title"].as_str(), summary: old["summary"].as_str(), tags: Some(&tags) };
            beliefs::edit(c, persona, belief_id, &edit, reason, &author)?;
        }
        Some("belief.lock") => match stances::unlock(c, persona, belief_id, reason, &author) {
            Err(Error::NoStance { .. }) => return Err(refuse("it was unlocked since")),
            done => drop(done?),
        },
        Some("belief.unlock") => match stances::lock(c, persona, belief_id, reason, &author) {
            Err(Error::NoStance { .. }) => return Err(refuse("it was locked again since")),
            done => drop(done?),
        },
        Some("edge.add") => match edges::remove(c, persona, new["edge_id"].as_str().unwrap_or_default(), &author) {
            Err(Error::NotFound { .. }) => return Err(refuse("the edge was removed since")),
            done => drop(done?),
        },
        Some("edge.remove") => {
            let (source, target) = (old["source_id"].as_str().unwrap_or_default(), old["target_id"].as_str().unwrap_or_default());
            let relation: Relation = old["relation"].as_str().unwrap_or_default().parse()?;
            let weight = old["weight"].as_f64().ok_or_else(|| refuse("its weight was not kept"))?;
            match edges::add(c, persona, source, target, relation, weight, &author) {
                Err(Error::DuplicateEdge { .. }) => return Err(refuse("the same edge was made again since")),
                done => drop(done?),
            }
        }
        Some("evidence.append") => return Err(refuse("evidence stays; take the change of confidence back that it led to")),
        Some("belief.create") => return Err(refuse("a belief stays once it is held; lower its confidence instead")),
        _ => return Err(refuse("it was written before changes could be taken back; make the opposite change by hand")),
    }
    let update = update.clone();
    let by = c
        .first(
            "SELECT id FROM belief_updates WHERE persona_id = $1 AND undoes = $2 AND belief_id = $3",
            vals![persona, &update.id, belief_id],
        )?
        .ok_or_else(|| Error::not_found("change", &update.id, persona))?
        .text("id")?;
    let by = beliefs::history(c, persona, belief_id, None, LOOK_BACK)?
        .into_iter()
        .find(|found| found.id == by)
        .ok_or_else(|| Error::not_found("change", &by, persona))?;
    Ok(Undone { update, by })
}

/// Whether a change can be taken back by its kind. Whether it can be now is seen when it is tried.
#[must_use]
pub fn is_of_a_kind(update: &BeliefUpdate) -> bool {
    matches!(update.action.as_deref(), Some("belief.update" | "belief.edit" | "belief.lock" | "belief.unlock" | "edge.add" | "edge.remove"))
}
