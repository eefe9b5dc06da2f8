//! What happens when too much of what was sent is removed: the subreddit is left alone, and posting without a person ends.
//!
//! Looked at whenever a message is found removed, in the transaction that records it. A person may lift either: `persona set` for the
//! second, and for the first by talking to the moderators of the subreddit before anything else.

use super::error::Result;
use super::item::Item;
use super::mutes::{self, MuteKind};
use super::state::State;
use crate::base::Millis;
use crate::memory::{self, Author};
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Row, feed};
use crate::vals;
use serde_json::{Value, json};

/// The newest messages that are looked at.
const NEWEST: i64 = 20;
/// A subreddit is left alone when at least so many of them were looked at in public …
const SUBREDDIT_LEAST: usize = 4;
/// … and more than this share was removed.
const SUBREDDIT_LIMIT: f64 = 0.5;
/// Posting without a person ends when at least so many automatic ones were looked at …
const AUTOMATIC_LEAST: usize = 8;
/// … and more than this share was removed.
const AUTOMATIC_LIMIT: f64 = 0.25;

/// How many of these were removed, and of how many.
fn removed(rows: &[Row]) -> Result<(usize, usize)> {
    let mut removed = 0;
    for row in rows {
        removed += usize::from(row.text("state")? == State::Filtered.as_str());
    }
    Ok((removed, rows.len()))
}

fn crossed((removed, of): (usize, usize), least: usize, limit: f64) -> bool {
    of >= least && removed as f64 / of as f64 > limit
}

/// Act on a message that was found removed.
///
/// # Errors
/// When the engine refuses.
pub(super) fn look(c: &mut dyn Conn, item: &Item, now: Millis) -> Result<()> {
    let persona = &item.persona_id;
    let system = Actor::system("survival");
    let there = c.query(
        "SELECT state FROM pending_posts WHERE persona_id = $1 AND lower(target_subreddit) = lower(CAST($2 AS TEXT))
           AND state IN ('visible', 'filtered', 'amended') ORDER BY created_at DESC, id DESC LIMIT $3",
        vals![persona, &item.target_subreddit, NEWEST],
    )?;
    let share = removed(&there)?;
    if crossed(share, SUBREDDIT_LEAST, SUBREDDIT_LIMIT) {
        let reason = format!("{} of the newest {} messages there were removed", share.0, share.1);
        if mutes::mute(c, persona, MuteKind::Subreddit, &item.target_subreddit, &reason, &system.name, now)? {
            let after = json!({ "muted": item.target_subreddit, "removed": share.0, "of": share.1 });
            note(c, item, "persona.leave_subreddit", &reason, &after, &system, now)?;
        }
    }
    let automatic = c.query(
        "SELECT state FROM pending_posts WHERE persona_id = $1 AND reviewed_by = approval_account
           AND state IN ('visible', 'filtered', 'amended') ORDER BY created_at DESC, id DESC LIMIT $2",
        vals![persona, NEWEST],
    )?;
    let share = removed(&automatic)?;
    if crossed(share, AUTOMATIC_LEAST, AUTOMATIC_LIMIT) && memory::settings::auto_posting_enabled(c, persona)? {
        memory::settings::set(c, persona, "auto_posting_enabled", Value::Bool(false), &Author::new(&system, now))?;
        let reason = format!("{} of the newest {} automatic messages were removed", share.0, share.1);
        let after = json!({ "auto_posting_enabled": false, "removed": share.0, "of": share.1 });
        note(c, item, "persona.stop_auto_posting", &reason, &after, &system, now)?;
    }
    Ok(())
}

fn note(c: &mut dyn Conn, item: &Item, action: &str, reason: &str, after: &Value, actor: &Actor, at: Millis) -> Result<()> {
    let (persona, before) = (&item.persona_id, Value::Null);
    audit::append(
        c,
        &audit::Entry {
            at,
            persona: Some(persona),
            actor,
            action,
            subject_kind: "persona",
            subject_id: persona.as_str(),
            reason: Some(reason),
            before: &before,
            after,
        },
    )?;
    feed::append(c, at, "personas", Some(persona), action, persona.as_str())?;
    Ok(())
}
