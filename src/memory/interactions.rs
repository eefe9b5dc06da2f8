//! Interactions: everything a persona said in public, with what it believed when it said it.

use super::change::{Author, Note, record};
use super::persona_config::bare_subreddit;
use super::{Error, Result, beliefs, personas, stances};
use crate::base::{Millis, PersonaId, Picos, new_id};
use crate::store::{Conn, Row, Val};
use crate::vals;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

const COLUMNS: &str = "id, content, interaction_type, reddit_id, subreddit, parent_id, metadata, created_at, retracted_at";

/// What was said where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InteractionType {
    /// A post of its own.
    Post,
    /// A comment under a post.
    Comment,
    /// An answer to a comment.
    Reply,
}

impl InteractionType {
    const ALL: [Self; 3] = [Self::Post, Self::Comment, Self::Reply];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Comment => "comment",
            Self::Reply => "reply",
        }
    }
}

impl std::str::FromStr for InteractionType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Error::invalid_text("interaction type", text, "post, comment or reply"))
    }
}

/// A belief as it stood when something was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeliefSnapshot {
    /// The belief.
    pub belief_id: String,
    /// Its title then.
    pub title: String,
    /// Its confidence then.
    pub confidence: Option<f64>,
    /// The stance then.
    pub stance: String,
}

/// What is kept with an interaction beside its text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InteractionMetadata {
    /// The model that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens of the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_in: Option<u64>,
    /// Tokens of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_out: Option<u64>,
    /// Cost in pico-dollars. None is unpriced, which is not the same as free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_picos: Option<Picos>,
    /// Ties it to the cycle, the model calls and the queue item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The queue item it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_post_id: Option<String>,
    /// Who approved it; none when it was posted without a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// When it was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Millis>,
    /// Posted without a person's approval.
    pub auto_posted: bool,
    /// The beliefs it was written from, as they stood.
    pub beliefs: Vec<BeliefSnapshot>,
    /// Anything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An interaction to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInteraction<'a> {
    /// The text as it was sent.
    pub content: &'a str,
    /// What it was.
    pub interaction_type: InteractionType,
    /// Its fullname, as `t1_abc`. Known once and for all personas.
    pub reddit_id: &'a str,
    /// Where, with or without `r/`.
    pub subreddit: &'a str,
    /// The fullname of what it answers.
    pub parent_id: Option<&'a str>,
    /// What is kept with it.
    pub metadata: &'a InteractionMetadata,
}

/// An interaction as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Interaction {
    /// Its id.
    pub id: String,
    /// The text as it was sent.
    pub content: String,
    /// How many words that is.
    pub word_count: usize,
    /// What it was.
    pub interaction_type: InteractionType,
    /// Its fullname.
    pub reddit_id: String,
    /// Where, without `r/`.
    pub subreddit: String,
    /// The fullname of what it answers.
    pub parent_id: Option<String>,
    /// What is kept with it.
    pub metadata: InteractionMetadata,
    /// When it was recorded.
    pub created_at: Millis,
    /// When it was taken back after sending, if it was: then it is kept, and not recalled.
    pub retracted_at: Option<Millis>,
}

/// The beliefs as they stand now, to be kept with a draft and later with the interaction. Ids that are not the persona's are left out.
///
/// # Errors
/// When the database fails.
pub fn snapshot(c: &mut dyn Conn, persona: &PersonaId, belief_ids: &[String]) -> Result<Vec<BeliefSnapshot>> {
    let mut snapshot = Vec::with_capacity(belief_ids.len());
    for id in belief_ids {
        let belief = match beliefs::require(c, persona, id) {
            Err(Error::NotFound { .. }) => continue,
            found => found?,
        };
        let stance = stances::in_force(c, persona, id)?.map(|stance| stance.text).unwrap_or_default();
        snapshot.push(BeliefSnapshot { belief_id: belief.id, title: belief.title, confidence: belief.confidence, stance });
    }
    Ok(snapshot)
}

/// Record an interaction. Returns its id.
///
/// # Errors
/// [`Error::PersonaNotFound`]; [`Error::DuplicateInteraction`]; [`Error::Invalid`].
pub fn log(c: &mut dyn Conn, persona: &PersonaId, new: &NewInteraction<'_>, author: &Author<'_>) -> Result<String> {
    personas::get(c, persona)?;
    stances::required("the content", new.content)?;
    let content = new.content;
    let reddit_id = stances::required("reddit_id", new.reddit_id)?;
    let subreddit = stances::required("subreddit", bare_subreddit(new.subreddit))?;
    let parent_id = new.parent_id.map(str::trim).filter(|parent| !parent.is_empty());
    if c.first("SELECT id FROM interactions WHERE reddit_id = $1", vals![reddit_id])?.is_some() {
        return Err(Error::DuplicateInteraction { reddit_id: reddit_id.to_owned() });
    }
    let metadata =
        serde_json::to_value(new.metadata).map_err(|error| Error::invalid("the metadata", error, "values that JSON can hold"))?;
    let id = new_id();
    c.exec(
        "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, parent_id, metadata, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        vals![persona, &id, content, new.interaction_type.as_str(), reddit_id, subreddit, parent_id, metadata.to_string(), author.at],
    )?;
    for belief in &new.metadata.beliefs {
        c.exec(
            "INSERT INTO interaction_beliefs (persona_id, belief_id, created_at, interaction_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            vals![persona, &belief.belief_id, author.at, &id],
        )?;
    }
    let note = Note {
        persona,
        action: "interaction.log",
        subject_kind: "interaction",
        subject_id: &id,
        feed: ("interactions", "new_interaction"),
        feed_subject: None,
        reason: None,
        before: &Value::Null,
        after: &json!({
            "interaction_type": new.interaction_type, "reddit_id": reddit_id, "subreddit": subreddit, "parent_id": parent_id,
            "content_sha256": crate::base::sha256_hex(content.as_bytes()),
        }),
    };
    record(c, author, &note)?;
    Ok(id)
}

/// Whether the persona has an interaction that is this thing, or that answers it: then it is not answered again.
///
/// # Errors
/// When the database fails.
pub fn already_answered(c: &mut dyn Conn, persona: &PersonaId, fullname: &str) -> Result<bool> {
    // Two questions, not one with OR: each has its own index.
    let itself = "SELECT id FROM interactions WHERE persona_id = $1 AND reddit_id = $2 LIMIT 1";
    let answers = "SELECT id FROM interactions WHERE persona_id = $1 AND parent_id = $2 LIMIT 1";
    Ok(c.first(itself, vals![persona, fullname])?.is_some() || c.first(answers, vals![persona, fullname])?.is_some())
}

/// The persona's interaction with this fullname, if it was recorded.
///
/// # Errors
/// When the database fails.
pub fn find(c: &mut dyn Conn, persona: &PersonaId, reddit_id: &str) -> Result<Option<Interaction>> {
    let sql = format!("SELECT {COLUMNS} FROM interactions WHERE persona_id = $1 AND reddit_id = $2");
    c.first(&sql, vals![persona, reddit_id])?.as_ref().map(read).transpose()
}

/// Remember that something said was taken back. It is kept, and no list and no prompt recalls it any more.
///
/// # Errors
/// When the database fails.
pub fn retract(c: &mut dyn Conn, persona: &PersonaId, reddit_id: &str, reason: &str, author: &Author<'_>) -> Result<()> {
    let Some(said) = find(c, persona, reddit_id)?.filter(|said| said.retracted_at.is_none()) else { return Ok(()) };
    c.exec(
        "UPDATE interactions SET retracted_at = $3, updated_at = $3 WHERE persona_id = $1 AND id = $2",
        vals![persona, &said.id, author.at],
    )?;
    let after = json!({ "retracted_at": author.at });
    changed(c, persona, &said, "interaction.retract", reason, &after, author)
}

/// Remember that something said has another text now. What it said before stands in the queue item's revisions.
///
/// # Errors
/// [`Error::Invalid`] for an empty text; when the database fails.
pub fn amend(c: &mut dyn Conn, persona: &PersonaId, reddit_id: &str, content: &str, reason: &str, author: &Author<'_>) -> Result<()> {
    stances::required("the content", content)?;
    let Some(said) = find(c, persona, reddit_id)? else { return Ok(()) };
    let mut metadata = said.metadata.clone();
    metadata.other.insert("amended_at".to_owned(), json!(author.at));
    let metadata = serde_json::to_value(metadata).map_err(|error| Error::invalid("the metadata", error, "values that JSON can hold"))?;
    c.exec(
        "UPDATE interactions SET content = $3, metadata = $4, embedding = NULL, updated_at = $5 WHERE persona_id = $1 AND id = $2",
        vals![persona, &said.id, content, metadata.to_string(), author.at],
    )?;
    let after = json!({ "content_sha256": crate::base::sha256_hex(content.as_bytes()), "amended_at": author.at });
    changed(c, persona, &said, "interaction.amend", reason, &after, author)
}

fn changed(
    c: &mut dyn Conn,
    persona: &PersonaId,
    said: &Interaction,
    action: &str,
    reason: &str,
    after: &Value,
    author: &Author<'_>,
) -> Result<()> {
    let note = Note {
        persona,
        action,
        subject_kind: "interaction",
        subject_id: &said.id,
        feed: ("interactions", "interaction_changed"),
        feed_subject: None,
        reason: Some(reason),
        before: &json!({ "content_sha256": crate::base::sha256_hex(said.content.as_bytes()) }),
        after,
    };
    record(c, author, &note)
}

/// A page of what the persona said and did not take back, newest first, older than `before` (time and id of the last one of the page before).
///
/// # Errors
/// When the database fails.
pub fn recent(c: &mut dyn Conn, persona: &PersonaId, before: Option<(Millis, &str)>, limit: u32) -> Result<Vec<Interaction>> {
    let older = if before.is_some() { "AND (created_at, id) < ($3, $4)" } else { "" };
    let sql = format!(
        "SELECT {COLUMNS} FROM interactions WHERE persona_id = $1 AND retracted_at IS NULL {older} ORDER BY created_at DESC, id DESC LIMIT $2"
    );
    let mut params: Vec<Val> = vals![persona, limit].to_vec();
    if let Some((at, last)) = before {
        params.extend_from_slice(vals![at, last]);
    }
    c.query(&sql, &params)?.iter().map(read).collect()
}

/// The newest comments and replies of the persona in a subreddit that were not taken back, newest first. A draft recalls five.
///
/// # Errors
/// When the database fails.
pub fn recent_in_subreddit(c: &mut dyn Conn, persona: &PersonaId, subreddit: &str, limit: u32) -> Result<Vec<Interaction>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM interactions WHERE persona_id = $1 AND lower(subreddit) = lower(CAST($2 AS TEXT))
         AND retracted_at IS NULL AND interaction_type IN ('comment', 'reply') ORDER BY created_at DESC, id DESC LIMIT $3"
    );
    c.query(&sql, vals![persona, bare_subreddit(subreddit), limit])?.iter().map(read).collect()
}

/// The newest things that were said from a belief, newest first, also those that were taken back; said at or before `until`.
///
/// # Errors
/// When the database fails.
pub fn from_belief(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str, until: Option<Millis>, limit: u32) -> Result<Vec<Interaction>> {
    let columns = COLUMNS.split(", ").map(|column| format!("i.{column}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT {columns} FROM interaction_beliefs b JOIN interactions i ON i.persona_id = b.persona_id AND i.id = b.interaction_id
         WHERE b.persona_id = $1 AND b.belief_id = $2 AND b.created_at <= $3 ORDER BY b.created_at DESC, b.interaction_id DESC LIMIT $4"
    );
    c.query(&sql, vals![persona, belief_id, until.unwrap_or(Millis::MAX), limit])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Interaction> {
    let content = row.text("content")?;
    Ok(Interaction {
        id: row.text("id")?,
        word_count: content.split_whitespace().count(),
        content,
        interaction_type: row.text("interaction_type")?.parse()?,
        reddit_id: row.text("reddit_id")?,
        subreddit: row.text("subreddit")?,
        parent_id: row.text_opt("parent_id")?,
        metadata: row.json("metadata")?,
        created_at: row.int("created_at")?,
        retracted_at: row.int_opt("retracted_at")?,
    })
}
