//! The states that a belief was in, one row each with its span: what makes the past of the graph exact and quick to read.
//!
//! Whoever changes a belief leaves a note ([`super::change::record_belief`]), and that keeps the state that resulted. Spans of one belief meet
//! without gap or overlap: a clock that went back does not make a state begin before the one it followed.

use super::Result;
use crate::base::{Millis, PersonaId};
use crate::store::Conn;
use crate::vals;

/// Keep the present state of a belief, when it differs from the one kept last.
pub(super) fn keep(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str, at: Millis) -> Result<()> {
    let present = c.first(
        "SELECT n.title, n.summary, n.tags, n.current_confidence, s.id AS stance_id,
           CASE s.status WHEN 'locked' THEN 1 ELSE 0 END AS locked
         FROM belief_nodes n LEFT JOIN stance_versions s
           ON s.persona_id = n.persona_id AND s.belief_id = n.id AND s.status IN ('current', 'locked')
         WHERE n.persona_id = $1 AND n.id = $2",
        vals![persona, belief_id],
    )?;
    let Some(present) = present else { return Ok(()) };
    let last = c.first(
        "SELECT version, title, summary, tags, confidence, stance_id, locked, held_from FROM belief_versions
         WHERE persona_id = $1 AND belief_id = $2 ORDER BY version DESC LIMIT 1",
        vals![persona, belief_id],
    )?;
    let (title, summary, tags) = (present.text("title")?, present.text("summary")?, present.text("tags")?);
    let (confidence, stance_id, locked) =
        (present.real_opt("current_confidence")?, present.text_opt("stance_id")?, present.flag("locked")?);
    let (mut version, mut from) = (1, at);
    if let Some(last) = last {
        let is_the_same = last.text("title")? == title
            && last.text("summary")? == summary
            && last.text("tags")? == tags
            && last.real_opt("confidence")? == confidence
            && last.text_opt("stance_id")? == stance_id
            && last.flag("locked")? == locked;
        if is_the_same {
            return Ok(());
        }
        version = last.int("version")? + 1;
        from = at.max(last.int("held_from")?);
        c.exec(
            "UPDATE belief_versions SET held_until = $4 WHERE persona_id = $1 AND belief_id = $2 AND version = $3",
            vals![persona, belief_id, version - 1, from],
        )?;
    }
    c.exec(
        "INSERT INTO belief_versions (persona_id, belief_id, version, title, summary, tags, confidence, stance_id, locked, held_from, held_until,
           recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, $11)",
        vals![persona, belief_id, version, title, summary, tags, confidence, stance_id, locked, from, at],
    )?;
    Ok(())
}
