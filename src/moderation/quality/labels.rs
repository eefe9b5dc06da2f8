//! Labels on what was sent: what a reviewer thinks of it, seen from afterwards. The next prompts read those that have a note.

use super::{NOT_GOLDEN, overturn};
use crate::base::{Millis, PersonaId};
use crate::moderation::corrections::{Correction, CorrectionKind};
use crate::moderation::error::{Error, Result};
use crate::moderation::item::{Item, load};
use crate::moderation::queue::{On, Settings};
use crate::moderation::roles::{self, Right};
use crate::store::{Conn, audit, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a reviewer thinks of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// More of this.
    Good,
    /// It should not have been sent.
    Bad,
    /// It could do harm or cost trust.
    TooRisky,
    /// It says nothing.
    TooWeak,
    /// Not how the persona speaks.
    OffPersona,
}

impl Label {
    /// Every label.
    pub const ALL: [Self; 5] = [Self::Good, Self::Bad, Self::TooRisky, Self::TooWeak, Self::OffPersona];

    /// The word in the database and in commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::TooRisky => "too_risky",
            Self::TooWeak => "too_weak",
            Self::OffPersona => "off_persona",
        }
    }
}

impl std::str::FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL.into_iter().find(|label| label.as_str() == text).ok_or_else(|| format!("{text:?} is none of {}", known()))
    }
}

/// Put a label on a message that was sent. One for each reviewer and item, the latest; the audit log keeps the earlier ones.
///
/// # Errors
/// [`Error::WrongState`] when it was not sent.
pub fn put(c: &mut dyn Conn, on: &On<'_>, label: Label, note: Option<&str>, settings: &Settings) -> Result<Item> {
    roles::require(c, on.actor, Right::Decide)?;
    let item = load(c, on.persona, on.id)?;
    if !item.state.may_be_public() {
        return Err(Error::WrongState { id: item.id.clone(), state: item.state, who: item.decided_by(), wanted: "labelled as sent" });
    }
    write(c, on, label, note)?;
    overturn::look(c, on.persona, settings.overturn_limit, on.at)?;
    Ok(item)
}

pub(super) fn write(c: &mut dyn Conn, on: &On<'_>, label: Label, note: Option<&str>) -> Result<()> {
    let note = note.map(str::trim).filter(|note| !note.is_empty());
    let before = c.first(
        "SELECT label, note FROM feedback_labels WHERE persona_id = $1 AND item_id = $2 AND reviewer = $3",
        vals![on.persona, on.id, &on.actor.name],
    )?;
    let before = match before {
        Some(row) => json!({ "label": row.text("label")?, "note": row.text_opt("note")? }),
        None => Value::Null,
    };
    c.exec(
        "INSERT INTO feedback_labels (persona_id, item_id, reviewer, label, note, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (persona_id, item_id, reviewer) DO UPDATE SET label = $4, note = $5, at = $6",
        vals![on.persona, on.id, &on.actor.name, label.as_str(), note, on.at],
    )?;
    audit::append(
        c,
        &audit::Entry {
            at: on.at,
            persona: Some(on.persona),
            actor: on.actor,
            action: "queue.label",
            subject_kind: "pending_post",
            subject_id: on.id,
            reason: note,
            before: &before,
            after: &json!({ "label": label, "note": note }),
        },
    )?;
    feed::append(c, on.at, "queue", Some(on.persona), "queue.label", on.id)?;
    Ok(())
}

/// A label as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Labelled {
    /// Who.
    pub reviewer: String,
    /// What.
    pub label: String,
    /// Why.
    pub note: Option<String>,
    /// When.
    pub at: Millis,
}

/// The labels of an item, oldest first.
///
/// # Errors
/// When the engine refuses.
pub fn of(c: &mut dyn Conn, persona: &PersonaId, item: &str) -> Result<Vec<Labelled>> {
    c.query(
        "SELECT reviewer, label, note, at FROM feedback_labels WHERE persona_id = $1 AND item_id = $2 ORDER BY at, reviewer",
        vals![persona, item],
    )?
    .iter()
    .map(|row| Ok(Labelled { reviewer: row.text("reviewer")?, label: row.text("label")?, note: row.text_opt("note")?, at: row.int("at")? }))
    .collect()
}

/// The newest labels of a persona that say what was wrong, with a note, newest first: what the next prompts should learn from.
///
/// # Errors
/// When the engine refuses.
pub fn recent(c: &mut dyn Conn, persona: &PersonaId, limit: i64) -> Result<Vec<Correction>> {
    let sql = format!(
        "SELECT l.label, l.note, l.at, substr(p.content, 1, 200) AS excerpt FROM feedback_labels l
         JOIN pending_posts p ON p.persona_id = l.persona_id AND p.id = l.item_id
         WHERE l.persona_id = $1 AND l.label <> 'good' AND l.note IS NOT NULL AND {NOT_GOLDEN} ORDER BY l.at DESC, l.item_id DESC LIMIT $2"
    );
    c.query(&sql, vals![persona, limit])?
        .iter()
        .map(|row| {
            let reason = format!("{}: {}", row.text("label")?, row.text("note")?);
            Ok(Correction { kind: CorrectionKind::Labelled, reason, excerpt: row.text("excerpt")?, at: row.int("at")? })
        })
        .collect()
}

/// How often each label was given since then; every label is there.
///
/// # Errors
/// When the engine refuses.
pub fn counts(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis) -> Result<BTreeMap<String, usize>> {
    let mut found: BTreeMap<String, usize> = Label::ALL.into_iter().map(|label| (label.as_str().to_owned(), 0)).collect();
    let rows = c.query(
        &format!(
            "SELECT l.label, count(*) AS n FROM feedback_labels l JOIN pending_posts p ON p.persona_id = l.persona_id AND p.id = l.item_id
             WHERE l.at >= $1 AND (CAST($2 AS TEXT) IS NULL OR l.persona_id = $2) AND {NOT_GOLDEN} GROUP BY l.label"
        ),
        vals![since, persona],
    )?;
    for row in &rows {
        found.insert(row.text("label")?, usize::try_from(row.int("n")?).unwrap_or(0));
    }
    Ok(found)
}
