//! Committing what reading found of an answer that was lost. Nothing is ever sent again by itself.

use super::attempt::{Attempt, attempt};
use super::settle::{confirm, lose};
use super::{BETWEEN_ABSENCES, RECONCILE_AFTER};
use crate::base::{Millis, PersonaId};
use crate::moderation::error::Result;
use crate::moderation::item::{Item, load};
use crate::moderation::state::State;
use crate::moderation::transition::{Step, take};
use crate::store::audit::Actor;
use crate::store::{Conn, Val};
use crate::vals;
use serde_json::json;

/// After a crash: every attempt under way has lost its answer. Only the process that owns the persona's delivery may say so.
///
/// Returns how many there were.
///
/// # Errors
/// When the engine refuses.
pub fn recover(c: &mut dyn Conn, persona: &PersonaId, now: Millis) -> Result<usize> {
    let rows =
        c.query("SELECT * FROM delivery_attempts WHERE persona_id = $1 AND finished_at IS NULL AND outcome IS NULL", vals![persona])?;
    let actor = Actor::system("recovery");
    for row in &rows {
        let attempt = attempt(row)?;
        let item = load(c, persona, &attempt.item_id)?;
        lose(c, persona, &item, &attempt, "the program stopped before the answer was stored", &actor, now)?;
    }
    Ok(rows.len())
}

/// The attempt of an item that waits for reconciliation.
///
/// # Errors
/// When the engine refuses.
pub fn lost_attempt(c: &mut dyn Conn, persona: &PersonaId, item: &str) -> Result<Option<Attempt>> {
    c.first(
        "SELECT * FROM delivery_attempts WHERE persona_id = $1 AND item_id = $2 AND finished_at IS NULL AND outcome = 'unknown'",
        vals![persona, item],
    )?
    .map(|row| attempt(&row))
    .transpose()
}

/// What a look for a lost message found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is there.
    Found {
        /// Its fullname.
        fullname: String,
        /// Its link.
        permalink: Option<String>,
    },
    /// It is not there, in a listing that was read past the time of the attempt.
    Absent,
    /// Could not be told: the read failed, or the listing did not reach back far enough.
    Unclear {
        /// Why.
        reason: String,
    },
}

/// Commit what a look for a lost message found. Absence in two complete reads, or a last look that told nothing, leaves it to a person:
/// it is never sent again by itself.
///
/// # Errors
/// When the engine refuses.
pub fn reconcile(c: &mut dyn Conn, persona: &PersonaId, attempt: &Attempt, finding: &Finding, now: Millis) -> Result<Item> {
    let item = load(c, persona, &attempt.item_id)?;
    let actor = Actor::system("reconcile");
    let reads = attempt.reconcile_reads + 1;
    let (absences, last_absence, reason) = match finding {
        Finding::Found { fullname, permalink } => {
            return confirm(c, persona, &item, attempt, fullname, permalink.as_deref(), &actor, now);
        }
        Finding::Absent => {
            let counts = attempt.last_absence_at.is_none_or(|last| now - last >= BETWEEN_ABSENCES);
            let last = if counts { Some(now) } else { attempt.last_absence_at };
            (attempt.complete_absences + i64::from(counts), last, "a complete read did not find it".to_owned())
        }
        Finding::Unclear { reason } => (attempt.complete_absences, attempt.last_absence_at, reason.clone()),
    };
    let next = usize::try_from(reads).ok().and_then(|reads| RECONCILE_AFTER.get(reads).zip(RECONCILE_AFTER.get(reads.checked_sub(1)?)));
    let (to, action, outcome, next_at, reason) = match next {
        _ if absences >= 2 => {
            let reason = "two complete reads did not find it: it was most likely never stored".to_owned();
            (State::Unresolved, "delivery.unresolved", "unresolved", None, reason)
        }
        Some((next, previous)) => (State::Unknown, "delivery.reconcile", "unknown", Some(now + next - previous), reason),
        None => {
            (State::Unresolved, "delivery.unresolved", "unresolved", None, format!("reading could not tell whether it was sent: {reason}"))
        }
    };
    c.exec(
        "UPDATE delivery_attempts SET outcome = $3, reconcile_reads = $4, complete_absences = $5, last_absence_at = $6, next_reconcile_at = $7
         WHERE persona_id = $1 AND id = $2 AND finished_at IS NULL",
        vals![persona, &attempt.id, outcome, reads, absences, last_absence, next_at],
    )?;
    let set = vec![("state_reason", Val::from(&reason))];
    let detail = json!({ "attempt": attempt.id, "reads": reads, "complete_absences": absences });
    take(c, Step { item: &item, to, actor: &actor, action, reason: Some(&reason), at: now, set, detail })
}
