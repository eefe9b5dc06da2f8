//! A draft comes into the queue: pending, or blocked when a rule forbids it.

use super::detect::similarity;
use super::draft::DraftMetadata;
use super::error::{Error, Result};
use super::evaluation::{Evaluation, Verdict};
use super::listing;
use super::quality::golden;
use super::queue::Settings;
use super::roles::{self, Right};
use super::state::{PostType, State};
use crate::base::{Millis, PersonaId, new_id};
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Val, feed};
use crate::vals;
use serde_json::{Value, json};

/// A draft to be queued.
#[derive(Debug, Clone)]
pub struct NewItem {
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
    pub evaluation: Evaluation,
    /// The thread, the proposals, the cost and whatever else came with the draft.
    pub draft_metadata: DraftMetadata,
    /// Ties the draft to its model calls and log lines.
    pub correlation_id: String,
}

/// Queue a draft: pending, or blocked when a rule forbids it. Returns its id.
///
/// # Errors
/// [`Error::Invalid`] for empty text, [`Error::AlreadyAnswered`] when this persona already has a draft or an answer for the parent.
pub fn enqueue(c: &mut dyn Conn, persona: &PersonaId, new: &NewItem, settings: &Settings, actor: &Actor, at: Millis) -> Result<String> {
    enqueue_as(c, persona, new_id(), new, settings, actor, at)
}

/// The same under an id that was made before.
pub(super) fn enqueue_as(
    c: &mut dyn Conn,
    persona: &PersonaId,
    id: String,
    new: &NewItem,
    settings: &Settings,
    actor: &Actor,
    at: Millis,
) -> Result<String> {
    roles::require(c, actor, Right::Decide)?;
    if new.content.trim().is_empty() && new.evaluation.verdict != Verdict::Block {
        return Err(Error::Invalid { what: "the draft's text", found: "empty".to_owned(), expected: "some text".to_owned() });
    }
    if let Some(parent) = &new.parent_id
        && let Some(existing) = open_for_parent(c, persona, parent)?
    {
        return Err(Error::AlreadyAnswered { parent: parent.clone(), existing });
    }
    let id = insert(c, persona, id, new, settings, actor, at)?;
    golden::perhaps(c, persona, &id, settings, actor, at)?;
    Ok(id)
}

pub(super) fn insert(
    c: &mut dyn Conn,
    persona: &PersonaId,
    id: String,
    new: &NewItem,
    settings: &Settings,
    actor: &Actor,
    at: Millis,
) -> Result<String> {
    let state = if new.evaluation.verdict == Verdict::Block { State::Blocked } else { State::Pending };
    c.exec(
        "INSERT INTO pending_posts (persona_id, id, state, version, fence, revision, post_type, target_subreddit, parent_id, thread_id,
           parent_author, title, content, verdict, evaluation, draft_metadata, correlation_id, expires_at, created_at, updated_at, simhash)
         VALUES ($1, $2, $3, 1, 0, 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17)",
        vals![
            persona,
            &id,
            state.as_str(),
            new.post_type.as_str(),
            &new.target_subreddit,
            new.parent_id.as_ref(),
            new.thread_id.as_ref(),
            new.parent_author.as_ref(),
            new.title.as_ref(),
            &new.content,
            new.evaluation.verdict.as_str(),
            json!(new.evaluation).to_string(),
            json!(new.draft_metadata).to_string(),
            &new.correlation_id,
            at + settings.expiry,
            at,
            similarity::simhash(&new.content).cast_signed()
        ],
    )?;
    write_marks(c, persona, &id, new)?;
    write_revision(c, persona, &id, 1, new.title.as_deref(), &new.content, actor, None, at)?;
    let after = json!({ "state": state, "version": 1, "verdict": new.evaluation.verdict, "flags": new.evaluation.flags,
        "parent": new.parent_id, "subreddit": new.target_subreddit, "digest": new.evaluation.input_digest });
    audit::append(
        c,
        &audit::Entry {
            at,
            persona: Some(persona),
            actor,
            action: "queue.add",
            subject_kind: "pending_post",
            subject_id: &id,
            reason: None,
            before: &Value::Null,
            after: &after,
        },
    )?;
    feed::append(c, at, "queue", Some(persona), "pending_post_added", &id)?;
    Ok(id)
}

/// What the list is filtered by, beside what the insertion wrote.
fn write_marks(c: &mut dyn Conn, persona: &PersonaId, id: &str, new: &NewItem) -> Result<()> {
    let mut set = listing::columns(new.title.as_deref(), &new.content, &new.evaluation);
    set.push(("tainted", Val::from(new.draft_metadata.tainted)));
    let mut params: Vec<Val> = vals![persona, id].to_vec();
    let mut columns = Vec::with_capacity(set.len());
    for (column, value) in set {
        params.push(value);
        columns.push(format!("{column} = ${}", params.len()));
    }
    c.exec(&format!("UPDATE pending_posts SET {} WHERE persona_id = $1 AND id = $2", columns.join(", ")), &params)?;
    Ok(())
}

/// The item that already answers `parent`, or waits to, if one.
///
/// # Errors
/// When the engine refuses.
pub fn open_for_parent(c: &mut dyn Conn, persona: &PersonaId, parent: &str) -> Result<Option<String>> {
    let row = c.first(
        "SELECT id FROM pending_posts WHERE persona_id = $1 AND parent_id = $2
           AND state NOT IN ('rejected', 'discarded', 'expired', 'abandoned', 'refused', 'superseded') LIMIT 1",
        vals![persona, parent],
    )?;
    Ok(row.map(|row| row.text("id")).transpose()?)
}

#[allow(clippy::too_many_arguments, reason = "the columns of a revision")]
pub(super) fn write_revision(
    c: &mut dyn Conn,
    persona: &PersonaId,
    id: &str,
    revision: i64,
    title: Option<&str>,
    content: &str,
    actor: &Actor,
    note: Option<&str>,
    at: Millis,
) -> Result<()> {
    c.exec(
        "INSERT INTO post_revisions (persona_id, item_id, revision, title, content, author_kind, author, note, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        vals![persona, id, revision, title, content, actor.kind.as_str(), &actor.name, note, at],
    )?;
    Ok(())
}
