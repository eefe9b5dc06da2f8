//! What the next prompts learn from: rejections with a note, and edits that a person gave a reason for.

use super::error::Result;
use super::quality::NOT_GOLDEN;
use crate::base::{Millis, PersonaId};
use crate::store::Conn;
use crate::vals;
use similar::{ChangeTag, TextDiff};

/// The most characters of an excerpt.
const EXCERPT: usize = 100;

/// What a person did with the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrectionKind {
    /// Rejected it.
    Rejected,
    /// Changed it, and it was approved then.
    Edited,
    /// Said of it, after it was sent, what was wrong.
    Labelled,
}

/// A rejection or an edit that the next prompts should learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// What was done.
    pub kind: CorrectionKind,
    /// Why: `tone: too preachy`, or the words that came with the edit.
    pub reason: String,
    /// Of a rejection, the first 200 characters of the draft; of an edit, the first words that changed, before and after.
    pub excerpt: String,
    /// When it was decided.
    pub at: Millis,
}

/// The newest corrections of a persona, newest first: rejections with a note, and edits by people with a reason, of items that were
/// approved and not taken back.
///
/// # Errors
/// When the engine refuses.
pub fn recent(c: &mut dyn Conn, persona: &PersonaId, limit: i64) -> Result<Vec<Correction>> {
    let mut found = Vec::new();
    for row in c.query(
        &format!(
            "SELECT p.reject_code, p.reject_note, substr(p.content, 1, 200) AS excerpt, p.created_at,
               COALESCE(p.reviewed_at, p.created_at) AS decided_at
             FROM pending_posts p WHERE p.persona_id = $1 AND p.state = 'rejected' AND p.reject_note IS NOT NULL AND {NOT_GOLDEN}
             ORDER BY p.created_at DESC, p.id DESC LIMIT $2"
        ),
        vals![persona, limit],
    )? {
        found.push(Correction {
            kind: CorrectionKind::Rejected,
            reason: format!("{}: {}", row.text("reject_code")?, row.text("reject_note")?),
            excerpt: row.text("excerpt")?,
            at: row.int("decided_at")?,
        });
    }
    // CROSS JOIN: SQLite begins with the few texts that have a note, where it would else walk through all texts of the persona.
    for row in c.query(
        &format!(
            "SELECT r.note, r.content AS after_text, b.content AS before_text, r.created_at
         FROM post_revisions r CROSS JOIN post_revisions b CROSS JOIN pending_posts p
         WHERE r.persona_id = $1 AND r.author_kind = 'human' AND r.note IS NOT NULL
           AND b.persona_id = r.persona_id AND b.item_id = r.item_id AND b.revision = r.revision - 1
           AND p.persona_id = r.persona_id AND p.id = r.item_id AND p.approval_digest IS NOT NULL
           AND p.state NOT IN ('rejected', 'discarded', 'expired', 'superseded', 'retracted') AND {NOT_GOLDEN}
         ORDER BY r.created_at DESC, r.item_id DESC, r.revision DESC LIMIT $2"
        ),
        vals![persona, limit],
    )? {
        found.push(Correction {
            kind: CorrectionKind::Edited,
            reason: row.text("note")?,
            excerpt: difference(&row.text("before_text")?, &row.text("after_text")?),
            at: row.int("created_at")?,
        });
    }
    // Stable: of one moment, as the database gave them.
    found.sort_by_key(|correction| std::cmp::Reverse(correction.at));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// The words that went and the words that came, each cut: `“a long remark” became “a remark”`.
fn difference(before: &str, after: &str) -> String {
    let difference = TextDiff::from_words(before, after);
    let words = |without: ChangeTag| {
        let changes = difference.iter_all_changes().filter(|change| change.tag() != without).collect::<Vec<_>>();
        let first = changes.iter().position(|change| change.tag() != ChangeTag::Equal).unwrap_or(0);
        let last = changes.iter().rposition(|change| change.tag() != ChangeTag::Equal).map_or(first, |last| last + 1);
        let text: String = changes.get(first..last).unwrap_or_default().iter().map(|change| change.value()).collect();
        cut(text.trim())
    };
    match (words(ChangeTag::Insert), words(ChangeTag::Delete)) {
        (gone, come) if come.is_empty() => format!("“{gone}” was taken out"),
        (gone, come) if gone.is_empty() => format!("“{come}” was put in"),
        (gone, come) => format!("“{gone}” became “{come}”"),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_shows_what_changed() {
        assert_eq!(difference("a very long remark here", "a short remark here"), "“very long” became “short”");
        assert_eq!(difference("a remark, obviously, here", "a remark, here"), "“obviously,” was taken out");
        assert_eq!(difference("a remark", "a fine remark"), "“fine” was put in");
        assert!(difference("ä".repeat(500).as_str(), "b").chars().count() < 130);
    }
}
