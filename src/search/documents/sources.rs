//! From rows to documents: what is taken from each table, and what makes a row one that must not be found.

use super::Document;
use crate::search::{Kind, Result};
use crate::store::{Conn, Row};
use crate::vals;

/// What a row says today.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// It is to be found like this.
    There(Box<Document>),
    /// It is not, or not any more, to be found.
    Gone(Kind, String),
}

/// A table whose rows become documents, and the topic of the feed that tells of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// What was said.
    Interactions,
    /// Beliefs with their stances.
    Beliefs,
    /// Drafts with the decisions about them.
    Queue,
}

/// States of a queue item that is not to be found: its time ran out, or it was taken away.
const HIDDEN: [&str; 3] = ["expired", "gone", "retracted"];

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 3] = [Self::Interactions, Self::Beliefs, Self::Queue];

    /// The topic's name in the feed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interactions => "interactions",
            Self::Beliefs => "beliefs",
            Self::Queue => "queue",
        }
    }

    /// The table behind it.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Interactions => "interactions",
            Self::Beliefs => "belief_nodes",
            Self::Queue => "pending_posts",
        }
    }

    /// What a row of the table says today.
    ///
    /// # Errors
    /// When the database fails.
    pub fn load(self, c: &mut dyn Conn, persona: &str, id: &str) -> Result<Vec<Source>> {
        match self {
            Self::Interactions => interaction(c, persona, id),
            Self::Beliefs => belief(c, persona, id),
            Self::Queue => item(c, persona, id),
        }
    }
}

fn there(document: Document) -> Source {
    Source::There(Box::new(document.clipped()))
}

fn base(kind: Kind, row: &Row, persona: &str) -> Result<Document> {
    Ok(Document {
        kind,
        persona: Some(persona.to_owned()),
        source_id: row.text("id")?,
        title: String::new(),
        body: String::new(),
        subreddit: None,
        state: None,
        confidence: None,
        own_name: None,
        parent: None,
        author: None,
        at: 0,
    })
}

fn interaction(c: &mut dyn Conn, persona: &str, id: &str) -> Result<Vec<Source>> {
    let row = c.first(
        "SELECT id, content, interaction_type, reddit_id, subreddit, parent_id, created_at FROM interactions
         WHERE persona_id = $1 AND id = $2 AND retracted_at IS NULL",
        vals![persona, id],
    )?;
    let Some(row) = row else { return Ok(vec![Source::Gone(Kind::Interaction, id.to_owned())]) };
    Ok(vec![there(Document {
        body: row.text("content")?,
        subreddit: Some(row.text("subreddit")?.to_lowercase()),
        state: Some(row.text("interaction_type")?),
        own_name: Some(row.text("reddit_id")?),
        parent: row.text_opt("parent_id")?,
        at: row.int("created_at")?,
        ..base(Kind::Interaction, &row, persona)?
    })])
}

fn belief(c: &mut dyn Conn, persona: &str, id: &str) -> Result<Vec<Source>> {
    let row = c.first(
        "SELECT id, title, summary, tags, current_confidence, updated_at FROM belief_nodes WHERE persona_id = $1 AND id = $2",
        vals![persona, id],
    )?;
    let Some(row) = row else { return Ok(vec![Source::Gone(Kind::Belief, id.to_owned())]) };
    let title = row.text("title")?;
    let stances = c.query(
        "SELECT id, text, confidence, status, rationale, created_at FROM stance_versions WHERE persona_id = $1 AND belief_id = $2
         ORDER BY created_at, id",
        vals![persona, id],
    )?;
    let mut body = row.text("summary")?;
    let mut sources = Vec::with_capacity(stances.len() + 1);
    for stance in &stances {
        let (text, status) = (stance.text("text")?, stance.text("status")?);
        if status != "deprecated" {
            body.push('\n');
            body.push_str(&text);
        }
        let rationale = stance.text_opt("rationale")?.map_or_else(String::new, |rationale| format!("\n{rationale}"));
        sources.push(there(Document {
            title: title.clone(),
            body: text + &rationale,
            state: Some(status),
            confidence: stance.real_opt("confidence")?,
            parent: Some(id.to_owned()),
            at: stance.int("created_at")?,
            ..base(Kind::Stance, stance, persona)?
        }));
    }
    let tags: Vec<String> = row.json("tags")?;
    if !tags.is_empty() {
        body.push('\n');
        body.push_str(&tags.join(", "));
    }
    sources.push(there(Document {
        title,
        body,
        confidence: row.real_opt("current_confidence")?,
        own_name: Some(id.to_owned()),
        at: row.int("updated_at")?,
        ..base(Kind::Belief, &row, persona)?
    }));
    Ok(sources)
}

fn item(c: &mut dyn Conn, persona: &str, id: &str) -> Result<Vec<Source>> {
    let row = c.first(
        "SELECT id, state, target_subreddit, parent_id, parent_author, title, content, created_at FROM pending_posts
         WHERE persona_id = $1 AND id = $2",
        vals![persona, id],
    )?;
    let mut sources = Vec::new();
    let shown = row.filter(|row| row.text("state").is_ok_and(|state| !HIDDEN.contains(&state.as_str())));
    let decisions = c.query(
        "SELECT CAST(seq AS TEXT) AS id, at, actor, action, reason FROM audit_log
         WHERE subject_kind = 'pending_post' AND subject_id = $1 AND persona_id = $2 AND actor_kind = 'human' AND reason IS NOT NULL ORDER BY seq",
        vals![id, persona],
    )?;
    let Some(row) = shown else {
        sources.push(Source::Gone(Kind::QueueItem, id.to_owned()));
        for decision in &decisions {
            sources.push(Source::Gone(Kind::Decision, decision.text("id")?));
        }
        return Ok(sources);
    };
    let subreddit = Some(row.text("target_subreddit")?.to_lowercase());
    for decision in &decisions {
        let reason = decision.text("reason")?;
        if reason.trim().is_empty() {
            continue;
        }
        let action = decision.text("action")?;
        sources.push(there(Document {
            body: reason,
            subreddit: subreddit.clone(),
            state: Some(action.strip_prefix("queue.").unwrap_or(&action).to_owned()),
            parent: Some(id.to_owned()),
            author: Some(decision.text("actor")?),
            at: decision.int("at")?,
            ..base(Kind::Decision, decision, persona)?
        }));
    }
    sources.push(there(Document {
        title: row.text_opt("title")?.unwrap_or_default(),
        body: row.text("content")?,
        subreddit,
        state: Some(row.text("state")?),
        own_name: Some(id.to_owned()),
        parent: row.text_opt("parent_id")?,
        author: row.text_opt("parent_author")?,
        at: row.int("created_at")?,
        ..base(Kind::QueueItem, &row, persona)?
    }));
    Ok(sources)
}

/// Whether the row of a document is still one that may be found. A row that went without a word in the feed is so never shown.
///
/// # Errors
/// When the database fails.
pub fn may_be_shown(c: &mut dyn Conn, kind: Kind, persona: Option<&str>, id: &str) -> Result<bool> {
    let sql = match kind {
        Kind::Interaction => "SELECT id FROM interactions WHERE persona_id = $1 AND id = $2 AND retracted_at IS NULL",
        Kind::Belief => "SELECT id FROM belief_nodes WHERE persona_id = $1 AND id = $2",
        Kind::Stance => "SELECT id FROM stance_versions WHERE persona_id = $1 AND id = $2",
        Kind::QueueItem => {
            "SELECT id FROM pending_posts WHERE persona_id = $1 AND id = $2 AND state NOT IN ('expired', 'gone', 'retracted')"
        }
        Kind::Decision | Kind::Runbook | Kind::Note => return Ok(true),
    };
    Ok(c.first(sql, vals![persona, id])?.is_some())
}
