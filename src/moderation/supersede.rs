//! A newer draft takes the place of one that nobody has decided: what it answers was edited since.

use super::error::{Error, Result};
use super::item::{Item, load};
use super::queue::{self, NewItem, Settings, without_lease};
use super::state::State;
use super::transition::{Step, take};
use crate::base::{Millis, PersonaId, new_id};
use crate::store::audit::{Actor, ActorKind};
use crate::store::{Conn, Val};
use crate::vals;
use serde_json::json;

/// The states from which an item gives way.
const UNDECIDED: &str = "('pending', 'claimed', 'held', 'blocked', 'returned')";

/// Whether an item still waits for a decision, so that a newer draft may replace it.
#[must_use]
pub fn gives_way(state: State) -> bool {
    state.may_become(State::Superseded)
}

/// Refuse when an item was decided meanwhile: what a person rejected is not drafted again by the back door.
///
/// # Errors
/// [`Error::WrongState`].
pub fn still_gives_way(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<()> {
    let item = load(c, persona, id)?;
    if gives_way(item.state) {
        return Ok(());
    }
    Err(Error::WrongState { id: item.id.clone(), state: item.state, who: item.decided_by(), wanted: "superseded" })
}

/// Queue a draft in the place of the one that waits for the same parent, in one transaction. Where none waits it is queued as any other.
/// What was passed on to somebody stays with them. Returns the new item's id.
///
/// # Errors
/// [`Error::ClaimedByOther`] while somebody works on the old one; [`Error::AlreadyAnswered`] when it was approved or sent, or a person wrote
/// its present text; and the errors of [`queue::enqueue`].
pub fn enqueue_newer(
    c: &mut dyn Conn,
    persona: &PersonaId,
    new: &NewItem,
    settings: &Settings,
    actor: &Actor,
    at: Millis,
) -> Result<String> {
    let Some(parent) = &new.parent_id else { return queue::enqueue(c, persona, new, settings, actor, at) };
    let Some(existing) = queue::open_for_parent(c, persona, parent)? else {
        return queue::enqueue(c, persona, new, settings, actor, at);
    };
    let old = load(c, persona, &existing)?;
    if let Some((holder, until)) = old.live_lease(at) {
        return Err(Error::ClaimedByOther { id: old.id.clone(), holder: holder.to_owned(), until });
    }
    if !gives_way(old.state) || is_by_a_person(c, &old)? {
        return Err(Error::AlreadyAnswered { parent: parent.clone(), existing });
    }
    let id = new_id();
    let reason = format!("a newer draft takes its place: {id}");
    let set = without_lease(vec![("state_reason", Val::from(&reason))]);
    let detail = json!({ "by": id });
    let action = "queue.supersede";
    take(c, Step { item: &old, to: State::Superseded, actor, action, reason: Some(&reason), at, set, detail })?;
    queue::enqueue_as(c, persona, id.clone(), new, settings, actor, at)?;
    if let (Some(to), Some(why)) = (&old.escalated_to, &old.escalation_reason) {
        let item = load(c, persona, &id)?;
        let set = vec![("escalated_to", Val::from(to)), ("escalation_reason", Val::from(why))];
        let detail = json!({ "to": to, "from": old.id });
        take(c, Step { item: &item, to: item.state, actor, action: "queue.escalate", reason: Some(why), at, set, detail })?;
    }
    Ok(id)
}

/// Whether a person wrote the present text: their work is not replaced.
///
/// # Errors
/// When the engine refuses.
pub fn is_by_a_person(c: &mut dyn Conn, item: &Item) -> Result<bool> {
    let row = c.first(
        "SELECT author_kind FROM post_revisions WHERE persona_id = $1 AND item_id = $2 AND revision = $3",
        vals![&item.persona_id, &item.id, item.revision],
    )?;
    Ok(row.is_some_and(|row| row.text("author_kind").is_ok_and(|kind| kind == ActorKind::Human.as_str())))
}

/// The items of a persona that answer something and would give way, oldest first: what may have been edited since.
///
/// # Errors
/// When the engine refuses.
pub fn waiting(c: &mut dyn Conn, persona: &PersonaId, now: Millis, limit: usize) -> Result<Vec<Item>> {
    let rows = c.query(
        &format!(
            "SELECT p.id FROM pending_posts p JOIN post_revisions r ON r.persona_id = p.persona_id AND r.item_id = p.id AND r.revision = p.revision
             WHERE p.persona_id = $1 AND p.parent_id IS NOT NULL AND p.state IN {UNDECIDED} AND r.author_kind <> 'human'
               AND (p.state <> 'claimed' OR p.lease_until <= $2) ORDER BY p.created_at, p.id LIMIT $3"
        ),
        vals![persona, now, i64::try_from(limit).unwrap_or(i64::MAX)],
    )?;
    rows.iter().map(|row| load(c, persona, &row.text("id")?)).collect()
}

/// How many drafts for a parent were replaced by newer ones.
///
/// # Errors
/// When the engine refuses.
pub fn replaced(c: &mut dyn Conn, persona: &PersonaId, parent: &str) -> Result<i64> {
    let row = c.first(
        "SELECT count(*) AS n FROM pending_posts WHERE persona_id = $1 AND parent_id = $2 AND state = 'superseded'",
        vals![persona, parent],
    )?;
    Ok(row.map_or(Ok(0), |row| row.int("n"))?)
}
