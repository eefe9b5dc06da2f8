//! Evidence: what a belief rests on.

use super::change::{Author, Note, Trigger, record_belief};
use super::revisions::Weighed;
use super::{Direction, Error, Result, Strength, beliefs, stances};
use crate::base::{Millis, PersonaId, new_id};
use crate::store::{Conn, Row};
use crate::vals;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest reference, in characters.
pub const MAX_REFERENCE: usize = 2_000;

/// What a piece of evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceType {
    /// A comment, by its fullname or permalink.
    RedditComment,
    /// A page, by its address.
    ExternalLink,
    /// A person's note.
    Note,
}

impl SourceType {
    const ALL: [Self; 3] = [Self::RedditComment, Self::ExternalLink, Self::Note];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RedditComment => "reddit_comment",
            Self::ExternalLink => "external_link",
            Self::Note => "note",
        }
    }
}

impl std::str::FromStr for SourceType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|source| source.as_str() == text)
            .ok_or_else(|| Error::invalid_text("source type", text, "reddit_comment, external_link or note"))
    }
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvidenceLink {
    /// Its id.
    pub id: String,
    /// The belief it speaks for or against.
    pub belief_id: String,
    /// The stance that it rests under: the one that it led to where it was weighed, else the one in force when it was added.
    pub stance_id: Option<String>,
    /// What it is.
    pub source_type: SourceType,
    /// Where it is, or what it says.
    pub source_ref: String,
    /// How strong it is.
    pub strength: Strength,
    /// Which way it was weighed; none when it only was added.
    pub direction: Option<Direction>,
    /// When it was added.
    pub created_at: Millis,
}

/// Add evidence to a belief. Its confidence stays; the belief is touched. Returns the evidence's id.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`].
pub fn append(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    source_type: SourceType,
    source_ref: &str,
    strength: Strength,
    author: &Author<'_>,
) -> Result<String> {
    let source_ref = checked_reference(source_ref)?;
    beliefs::require(c, persona, belief_id)?;
    let stance_id = stances::in_force(c, persona, belief_id)?.map(|stance| stance.id);
    let id = new_id();
    let piece = Piece { id: &id, stance_id: stance_id.as_deref(), source_type, source_ref, strength, direction: None };
    add(c, persona, belief_id, &piece, author)?;
    Ok(id)
}

/// Evidence that was weighed, under the stance that came of it. The caller has changed the belief.
pub(super) fn insert(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    stance_id: Option<&str>,
    source: &Weighed<'_>,
    source_ref: &str,
    author: &Author<'_>,
) -> Result<String> {
    let id = new_id();
    let (source_type, strength, direction) = (source.source_type, source.strength, Some(source.direction));
    add(c, persona, belief_id, &Piece { id: &id, stance_id, source_type, source_ref, strength, direction }, author)?;
    Ok(id)
}

/// A reference that says something and is not too long.
pub(super) fn checked_reference(source_ref: &str) -> Result<&str> {
    let source_ref = stances::required("the source reference", source_ref)?;
    if source_ref.chars().count() > MAX_REFERENCE {
        return Err(Error::invalid_text("the source reference", source_ref, format!("at most {MAX_REFERENCE} characters")));
    }
    Ok(source_ref)
}

struct Piece<'a> {
    id: &'a str,
    stance_id: Option<&'a str>,
    source_type: SourceType,
    source_ref: &'a str,
    strength: Strength,
    direction: Option<Direction>,
}

fn add(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str, piece: &Piece<'_>, author: &Author<'_>) -> Result<()> {
    let Piece { id, stance_id, source_type, source_ref, strength, direction } = *piece;
    c.exec(
        "INSERT INTO evidence_links (persona_id, id, belief_id, stance_id, source_type, source_ref, strength, created_at, updated_at, direction)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)",
        vals![
            persona,
            id,
            belief_id,
            stance_id,
            source_type.as_str(),
            source_ref,
            strength.as_str(),
            author.at,
            direction.map(Direction::as_str)
        ],
    )?;
    beliefs::touch(c, persona, belief_id, author.at)?;
    let after = json!({
        "evidence_id": id, "stance_id": stance_id, "source_type": source_type, "source_ref": source_ref, "strength": strength,
        "direction": direction,
    });
    let reason = match direction {
        None => format!("{strength} evidence added"),
        Some(direction) => format!("{strength} evidence weighed: {direction}"),
    };
    let note = Note {
        persona,
        action: "evidence.append",
        subject_kind: "evidence",
        subject_id: id,
        feed: ("beliefs", "evidence_added"),
        feed_subject: Some(belief_id),
        reason: Some(&reason),
        before: &Value::Null,
        after: &after,
    };
    record_belief(c, author, belief_id, Trigger::Evidence, &note)
}

/// The newest evidence of a belief, newest first.
///
/// # Errors
/// When the database fails.
pub fn recent(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str, limit: u32) -> Result<Vec<EvidenceLink>> {
    c.query(
        "SELECT id, belief_id, stance_id, source_type, source_ref, strength, direction, created_at FROM evidence_links
         WHERE persona_id = $1 AND belief_id = $2 ORDER BY created_at DESC, id DESC LIMIT $3",
        vals![persona, belief_id, limit],
    )?
    .iter()
    .map(read)
    .collect()
}

fn read(row: &Row) -> Result<EvidenceLink> {
    Ok(EvidenceLink {
        id: row.text("id")?,
        belief_id: row.text("belief_id")?,
        stance_id: row.text_opt("stance_id")?,
        source_type: row.text("source_type")?.parse()?,
        source_ref: row.text("source_ref")?,
        strength: row.text("strength")?.parse()?,
        direction: row.text_opt("direction")?.map(|direction| direction.parse()).transpose()?,
        created_at: row.int("created_at")?,
    })
}
