//! One row of the queue: reading it, and pages of the list.

use super::draft::DraftMetadata;
use super::error::{Error, Result};
use super::evaluation::{Evaluation, Verdict};
use super::state::{PostType, State};
use crate::base::{Millis, PersonaId};
use crate::store::{self, Conn, Row, Val};
use crate::vals;
use serde::Serialize;

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
            verdict: verdict(row)?,
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

fn word<T: std::str::FromStr>(row: &Row, column: &'static str) -> store::Result<T> {
    row.text(column)?.parse().map_err(|_| store::Error::Column { column: column.to_owned(), expected: "a known word" })
}

fn verdict(row: &Row) -> store::Result<Verdict> {
    word(row, "verdict")
}

/// Read one item.
///
/// # Errors
/// [`Error::NotFound`] when this persona has no such item.
pub fn load(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<Item> {
    c.first("SELECT * FROM pending_posts WHERE persona_id = $1 AND id = $2", vals![persona, id])?
        .map_or_else(|| Err(Error::NotFound { id: id.to_owned() }), |row| Item::from_row(&row))
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

/// A line of the list: what a reviewer needs to choose, not the whole case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Whose draft it is.
    pub persona_id: PersonaId,
    /// The item's id.
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// The version to decide on.
    pub version: i64,
    /// Post, comment or reply.
    pub post_type: PostType,
    /// Where it goes.
    pub target_subreddit: String,
    /// What screening said.
    pub verdict: Verdict,
    /// Who has it claimed.
    pub lease_holder: Option<String>,
    /// When the lease ends.
    pub lease_until: Option<Millis>,
    /// Not to be sent before.
    pub not_before: Option<Millis>,
    /// The first 160 characters of the text.
    pub preview: String,
    /// When it was drafted.
    pub created_at: Millis,
}

/// Which lines to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One persona's, or everybody's.
    pub persona: Option<PersonaId>,
    /// The states; empty means those that a reviewer can decide about.
    pub states: Vec<State>,
    /// Only after this line, by its time and id: the last line of the page before.
    pub after: Option<(Millis, String)>,
    /// Leave out what this reviewer passed over.
    pub not_skipped_by: Option<String>,
}

/// One page, oldest first. Each state is read through its own index and the pages are merged, so that no number of finished items
/// makes the list of the open ones slower.
///
/// # Errors
/// When the engine refuses.
pub fn list(c: &mut dyn Conn, filter: &Filter, limit: usize) -> Result<Vec<Line>> {
    const OPEN: [State; 3] = [State::Pending, State::Claimed, State::Held];
    let states = if filter.states.is_empty() { &OPEN[..] } else { &filter.states };
    let (after, after_id) = filter.after.clone().unwrap_or((i64::MIN, String::new()));
    let rows_wanted = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut lines = Vec::new();
    for state in states {
        let by_persona = if filter.persona.is_some() { "AND persona_id = $5" } else { "" };
        let by_skip = match (&filter.not_skipped_by, filter.persona.is_some()) {
            (None, _) => String::new(),
            (Some(_), persona) => format!(
                "AND NOT EXISTS (SELECT 1 FROM skips s WHERE s.persona_id = pending_posts.persona_id AND s.item_id = pending_posts.id
                   AND s.reviewer = ${})",
                if persona { 6 } else { 5 }
            ),
        };
        let sql = format!(
            "SELECT persona_id, id, state, version, post_type, target_subreddit, verdict, lease_holder, lease_until, not_before,
               substr(content, 1, 160) AS preview, created_at FROM pending_posts
             WHERE state = $1 AND (created_at, id) > ($2, $3) {by_persona} {by_skip} ORDER BY created_at, id LIMIT $4"
        );
        let mut params: Vec<Val> = vals![state.as_str(), after, after_id.as_str(), rows_wanted].to_vec();
        params.extend(filter.persona.as_ref().map(Val::from));
        params.extend(filter.not_skipped_by.as_ref().map(Val::from));
        for row in c.query(&sql, &params)? {
            lines.push(Line {
                persona_id: PersonaId::from_stored(row.text("persona_id")?),
                id: row.text("id")?,
                state: word(&row, "state")?,
                version: row.int("version")?,
                post_type: word(&row, "post_type")?,
                target_subreddit: row.text("target_subreddit")?,
                verdict: verdict(&row)?,
                lease_holder: row.text_opt("lease_holder")?,
                lease_until: row.int_opt("lease_until")?,
                not_before: row.int_opt("not_before")?,
                preview: row.text("preview")?,
                created_at: row.int("created_at")?,
            });
        }
    }
    lines.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    lines.truncate(limit);
    Ok(lines)
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
