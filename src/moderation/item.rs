//! One row of the queue: reading it, finding it by a part of its id, and the texts it had.

use super::draft::DraftMetadata;
use super::error::{Error, Result};
use super::evaluation::{Evaluation, Verdict};
use super::state::{PostType, State};
use crate::base::{Millis, PersonaId};
use crate::store::{self, Conn, Row};
use crate::vals;
use serde::Serialize;

pub use super::listing::{Filter, Line, list};

/// A queue item with everything that a decision rests on.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// Whose draft it is.
    pub persona_id: PersonaId,
    /// The item's id.
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// Rises with every change: a decision names the version it saw.
    pub version: i64,
    /// Rises with every claim: the decision of a reviewer who lost the lease is refused.
    pub fence: i64,
    /// Which text this is, from 1.
    pub revision: i64,
    /// Post, comment or reply.
    pub post_type: PostType,
    /// Where it goes, without `r/`.
    pub target_subreddit: String,
    /// Fullname of what is answered.
    pub parent_id: Option<String>,
    /// Fullname of the post the thread hangs on.
    pub thread_id: Option<String>,
    /// Who wrote what is answered.
    pub parent_author: Option<String>,
    /// Title, for a post.
    pub title: Option<String>,
    /// The text.
    pub content: String,
    /// What screening said.
    pub verdict: Verdict,
    /// Screening in full.
    pub evaluation: Evaluation,
    /// The thread, the proposals, the cost and whatever else came with the draft.
    pub draft_metadata: DraftMetadata,
    /// Ties the draft to its model calls and log lines.
    pub correlation_id: String,
    /// How often it went back to the agent.
    pub return_rounds: i64,
    /// Who has it claimed.
    pub lease_holder: Option<String>,
    /// Until when.
    pub lease_until: Option<Millis>,
    /// Set aside until.
    pub hold_until: Option<Millis>,
    /// Set aside why.
    pub hold_reason: Option<String>,
    /// Who has to decide it, when others passed it on.
    pub escalated_to: Option<String>,
    /// Why they did.
    pub escalation_reason: Option<String>,
    /// Who decided.
    pub reviewed_by: Option<String>,
    /// When.
    pub reviewed_at: Option<Millis>,
    /// Digest of exactly what was approved.
    pub approval_digest: Option<String>,
    /// The account it was approved for.
    pub approval_account: Option<String>,
    /// The rules and mode it was approved under.
    pub approval_policy: Option<String>,
    /// Not to be sent before.
    pub not_before: Option<Millis>,
    /// Why it was rejected.
    pub reject_code: Option<String>,
    /// What the agent has to do about it.
    pub reject_directive: Option<String>,
    /// The reviewer's words, on rejecting or returning.
    pub reject_note: Option<String>,
    /// Why it is in this state, in words.
    pub state_reason: Option<String>,
    /// The fullname it was published under.
    pub fullname: Option<String>,
    /// Its link.
    pub permalink: Option<String>,
    /// When it is no longer worth sending.
    pub expires_at: Millis,
    /// When it is next looked at in public.
    pub next_check_at: Option<Millis>,
    /// When it was drafted.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

impl Item {
    /// ` by ana at 2026-11-21 03:40:05`, or nothing when nobody decided yet.
    #[must_use]
    pub fn decided_by(&self) -> String {
        match (&self.reviewed_by, self.reviewed_at) {
            (Some(name), Some(at)) => format!(" by {name} at {}", crate::base::clock::local(at)),
            _ => String::new(),
        }
    }

    /// The holder of a lease that is still running.
    #[must_use]
    pub fn live_lease(&self, now: Millis) -> Option<(&str, Millis)> {
        let until = self.lease_until.filter(|until| *until > now)?;
        (self.state == State::Claimed).then_some((self.lease_holder.as_deref()?, until))
    }

    pub(super) fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            persona_id: PersonaId::from_stored(row.text("persona_id")?),
            id: row.text("id")?,
            state: word(row, "state")?,
            version: row.int("version")?,
            fence: row.int("fence")?,
            revision: row.int("revision")?,
            post_type: word(row, "post_type")?,
            target_subreddit: row.text("target_subreddit")?,
            parent_id: row.text_opt("parent_id")?,
            thread_id: row.text_opt("thread_id")?,
            parent_author: row.text_opt("parent_author")?,
            title: row.text_opt("title")?,
            content: row.text("content")?,
            verdict: word(row, "verdict")?,
            evaluation: row.json("evaluation")?,
            draft_metadata: row.json("draft_metadata")?,
            correlation_id: row.text("correlation_id")?,
            return_rounds: row.int("return_rounds")?,
            lease_holder: row.text_opt("lease_holder")?,
            lease_until: row.int_opt("lease_until")?,
            hold_until: row.int_opt("hold_until")?,
            hold_reason: row.text_opt("hold_reason")?,
            escalated_to: row.text_opt("escalated_to")?,
            escalation_reason: row.text_opt("escalation_reason")?,
            reviewed_by: row.text_opt("reviewed_by")?,
            reviewed_at: row.int_opt("reviewed_at")?,
            approval_digest: row.text_opt("approval_digest")?,
            approval_account: row.text_opt("approval_account")?,
            approval_policy: row.text_opt("approval_policy")?,
            not_before: row.int_opt("not_before")?,
            reject_code: row.text_opt("reject_code")?,
            reject_directive: row.text_opt("reject_directive")?,
            reject_note: row.text_opt("reject_note")?,
            state_reason: row.text_opt("state_reason")?,
            fullname: row.text_opt("fullname")?,
            permalink: row.text_opt("permalink")?,
            expires_at: row.int("expires_at")?,
            next_check_at: row.int_opt("next_check_at")?,
            created_at: row.int("created_at")?,
            updated_at: row.int("updated_at")?,
        })
    }
}

pub(super) fn word<T: std::str::FromStr>(row: &Row, column: &'static str) -> store::Result<T> {
    row.text(column)?.parse().map_err(|_| store::Error::Column { column: column.to_owned(), expected: "a known word" })
}

/// Read one item.
///
/// # Errors
/// [`Error::NotFound`] when this persona has no such item.
pub fn load(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<Item> {
    c.first("SELECT * FROM pending_posts WHERE persona_id = $1 AND id = $2", vals![persona, id])?
        .map_or_else(|| Err(Error::NotFound { id: id.to_owned() }), |row| Item::from_row(&row))
}

/// The newest item that came of a piece of work, as its correlation id names it.
///
/// # Errors
/// When the engine refuses.
pub fn of_work(c: &mut dyn Conn, persona: &PersonaId, correlation_id: &str) -> Result<Option<String>> {
    let row = c.first(
        "SELECT id FROM pending_posts WHERE persona_id = $1 AND correlation_id = $2 ORDER BY created_at DESC, id DESC LIMIT 1",
        vals![persona, correlation_id],
    )?;
    Ok(row.map(|row| row.text("id")).transpose()?)
}

/// The full id of the item that `prefix` begins or ends, among those of `persona`, or of all personas for an operator who named none.
///
/// # Errors
/// [`Error::NotFound`] and [`Error::Ambiguous`].
pub fn find(c: &mut dyn Conn, persona: Option<&PersonaId>, prefix: &str) -> Result<(PersonaId, String)> {
    let missing = || Error::NotFound { id: prefix.to_owned() };
    if prefix.len() < 4 || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return Err(missing());
    }
    if prefix.len() == 36 {
        // A whole id is looked up; a part of one is looked for.
        let row = c.first(
            "SELECT persona_id, id FROM pending_posts WHERE id = $1 AND (CAST($2 AS TEXT) IS NULL OR persona_id = $2)",
            vals![prefix.to_ascii_lowercase(), persona],
        )?;
        let row = row.ok_or_else(missing)?;
        return Ok((PersonaId::from_stored(row.text("persona_id")?), row.text("id")?));
    }
    // Times lead in these ids, so that neighbours share their beginning: their last characters are what people type.
    let rows = c.query(
        "SELECT persona_id, id FROM pending_posts WHERE (id LIKE $1 OR id LIKE $2) AND (CAST($3 AS TEXT) IS NULL OR persona_id = $3) LIMIT 2",
        vals![format!("{prefix}%"), format!("%{prefix}"), persona],
    )?;
    match rows.as_slice() {
        [] => Err(missing()),
        [row] => Ok((PersonaId::from_stored(row.text("persona_id")?), row.text("id")?)),
        _ => Err(Error::Ambiguous { id: prefix.to_owned() }),
    }
}

/// One text of an item, with who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// Its number, from 1.
    pub revision: i64,
    /// Title, for a post.
    pub title: Option<String>,
    /// The text.
    pub content: String,
    /// `agent` or `human`.
    pub author_kind: String,
    /// Who.
    pub author: String,
    /// Why it was written.
    pub note: Option<String>,
    /// When.
    pub created_at: Millis,
}

/// Every text an item had, oldest first.
///
/// # Errors
/// When the engine refuses.
pub fn revisions(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<Vec<Revision>> {
    c.query("SELECT * FROM post_revisions WHERE persona_id = $1 AND item_id = $2 ORDER BY revision", vals![persona, id])?
        .iter()
        .map(|row| {
            Ok(Revision {
                revision: row.int("revision")?,
                title: row.text_opt("title")?,
                content: row.text("content")?,
                author_kind: row.text("author_kind")?,
                author: row.text("author")?,
                note: row.text_opt("note")?,
                created_at: row.int("created_at")?,
            })
        })
        .collect()
}
