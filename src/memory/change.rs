//! What every change leaves behind: a row in the belief's history, one audit row, one change-feed row.

use super::{Result, versions};
use crate::base::{Millis, PersonaId, new_id};
use crate::store::audit::{self, Actor};
use crate::store::{Conn, feed};
use crate::vals;
use serde_json::Value;

/// Who makes a change and when.
#[derive(Debug, Clone)]
pub struct Author<'a> {
    /// When, in UTC milliseconds.
    pub at: Millis,
    /// Who answers for it in the audit log.
    pub actor: &'a Actor,
    /// How the belief's own history names them: `agent`, a person's name, `moderation:<user>`.
    pub updated_by: String,
    /// The change in a belief's history that this one takes back, if it does.
    pub(super) undoes: Option<String>,
    /// Why, in a person's words, where the operation asks for no reason itself.
    pub(super) because: Option<String>,
}

impl<'a> Author<'a> {
    /// The actor under their own name.
    #[must_use]
    pub fn new(actor: &'a Actor, at: Millis) -> Self {
        Self { at, actor, updated_by: actor.name.clone(), undoes: None, because: None }
    }

    /// The same with a reason, for operations that ask for none: adding and removing edges. An empty one is none.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.because = Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        self
    }

    /// The actor as the reviewer of a draft: `moderation:<user>` in a belief's history.
    #[must_use]
    pub fn moderation(actor: &'a Actor, at: Millis) -> Self {
        Self { at, actor, updated_by: format!("moderation:{}", actor.name), undoes: None, because: None }
    }
}

/// What set off a change of a belief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A person decided it.
    Manual,
    /// Evidence was weighed.
    Evidence,
    /// A statement conflicted with the belief.
    Conflict,
    /// A person accepted what the introspective chat proposed.
    Governor,
}

impl Trigger {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Evidence => "evidence",
            Self::Conflict => "conflict",
            Self::Governor => "governor",
        }
    }
}

/// One change as the audit log and the change feed record it.
pub(super) struct Note<'a> {
    pub persona: &'a PersonaId,
    /// `belief.update` and the like.
    pub action: &'a str,
    pub subject_kind: &'a str,
    pub subject_id: &'a str,
    /// The feed's topic and the kind of the entry in it.
    pub feed: (&'a str, &'a str),
    /// The subject of the feed entry where it is not the subject of the audit row: an edge's change is news about its belief.
    pub feed_subject: Option<&'a str>,
    pub reason: Option<&'a str>,
    pub before: &'a Value,
    pub after: &'a Value,
}

/// Append the audit row and the change-feed row.
pub(super) fn record(c: &mut dyn Conn, author: &Author<'_>, note: &Note<'_>) -> Result<()> {
    let entry = audit::Entry {
        at: author.at,
        persona: Some(note.persona),
        actor: author.actor,
        action: note.action,
        subject_kind: note.subject_kind,
        subject_id: note.subject_id,
        reason: note.reason,
        before: note.before,
        after: note.after,
    };
    audit::append(c, &entry)?;
    let (topic, kind) = note.feed;
    feed::append(c, author.at, topic, Some(note.persona), kind, note.feed_subject.unwrap_or(note.subject_id))?;
    Ok(())
}

/// Append to the history of a belief, beside [`record`], and keep the state that resulted: this is what a change of a belief leaves behind.
pub(super) fn record_belief(c: &mut dyn Conn, author: &Author<'_>, belief_id: &str, trigger: Trigger, note: &Note<'_>) -> Result<()> {
    c.exec(
        "INSERT INTO belief_updates (persona_id, id, belief_id, old_value, new_value, reason, trigger_type, updated_by, created_at, updated_at,
           action, undoes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)",
        vals![
            note.persona,
            new_id(),
            belief_id,
            note.before.to_string(),
            note.after.to_string(),
            note.reason.unwrap_or(note.action),
            trigger.as_str(),
            author.updated_by.as_str(),
            author.at,
            note.action,
            author.undoes.as_deref(),
        ],
    )?;
    versions::keep(c, note.persona, belief_id, author.at)?;
    record(c, author, note)
}
