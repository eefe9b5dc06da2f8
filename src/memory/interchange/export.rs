//! Reading everything of a persona's beliefs, in an order that depends on nothing but the rows.

use super::{BeliefDocument, Document, EdgeDocument, EvidenceDocument, FORMAT, StanceDocument, StateDocument, UpdateDocument, VERSION};
use crate::base::{Millis, PersonaId};
use crate::memory::{Error, Result, personas, stances};
use crate::store::{Conn, Row};
use crate::vals;
use std::collections::HashMap;

/// A persona's beliefs with their whole history.
///
/// # Errors
/// [`Error::PersonaNotFound`]; when the database fails.
pub fn export(c: &mut dyn Conn, persona: &PersonaId, now: Millis) -> Result<Document> {
    let username = personas::get(c, persona)?.reddit_username;
    let mut all = |sql: &str| Ok::<_, Error>(c.query(sql, vals![persona])?);
    let nodes = all(
        "SELECT id, title, summary, current_confidence, tags, created_at, updated_at FROM belief_nodes WHERE persona_id = $1 ORDER BY id",
    )?;
    let mut stances = grouped(
        &all("SELECT id, belief_id, text, confidence, status, rationale, created_at, updated_at FROM stance_versions
          WHERE persona_id = $1 ORDER BY belief_id, created_at, id")?,
        stance,
    )?;
    let mut evidence = grouped(
        &all("SELECT id, belief_id, stance_id, source_type, source_ref, strength, direction, created_at FROM evidence_links
          WHERE persona_id = $1 ORDER BY belief_id, created_at, id")?,
        piece,
    )?;
    let mut updates = grouped(
        &all(
            "SELECT id, belief_id, old_value, new_value, reason, trigger_type, updated_by, created_at, action, undoes FROM belief_updates
          WHERE persona_id = $1 ORDER BY belief_id, created_at, id",
        )?,
        update,
    )?;
    let mut states = grouped(
        &all("SELECT belief_id, title, summary, tags, confidence, stance_id, locked, held_from, held_until FROM belief_versions
          WHERE persona_id = $1 ORDER BY belief_id, version")?,
        state,
    )?;
    let edges = all("SELECT edge_id, source_id, target_id, relation, weight, held_from, held_until FROM belief_edge_periods
      WHERE persona_id = $1 ORDER BY edge_id")?;
    let beliefs = nodes.iter().map(|row| {
        let id = row.text("id")?;
        Ok(BeliefDocument {
            title: row.text("title")?,
            summary: row.text("summary")?,
            confidence: row.real_opt("current_confidence")?,
            tags: row.json("tags")?,
            created_at: row.int("created_at")?,
            updated_at: row.int("updated_at")?,
            stances: stances.remove(&id).unwrap_or_default(),
            evidence: evidence.remove(&id).unwrap_or_default(),
            updates: updates.remove(&id).unwrap_or_default(),
            states: states.remove(&id).unwrap_or_default(),
            id,
        })
    });
    Ok(Document {
        format: FORMAT.to_owned(),
        version: VERSION,
        persona: username,
        exported_at: now,
        beliefs: beliefs.collect::<Result<_>>()?,
        edges: edges.iter().map(edge).collect::<Result<_>>()?,
    })
}

fn grouped<T>(rows: &[Row], read: fn(&Row) -> Result<T>) -> Result<HashMap<String, Vec<T>>> {
    let mut groups: HashMap<String, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(row.text("belief_id")?).or_default().push(read(row)?);
    }
    Ok(groups)
}

fn stance(row: &Row) -> Result<StanceDocument> {
    Ok(StanceDocument {
        id: row.text("id")?,
        text: row.text("text")?,
        confidence: row.real("confidence")?,
        status: stances::StanceStatus::from_stored(&row.text("status")?)?,
        rationale: row.text_opt("rationale")?,
        created_at: row.int("created_at")?,
        updated_at: row.int("updated_at")?,
    })
}

fn piece(row: &Row) -> Result<EvidenceDocument> {
    Ok(EvidenceDocument {
        id: row.text("id")?,
        stance_id: row.text_opt("stance_id")?,
        source_type: row.text("source_type")?.parse()?,
        source_ref: row.text("source_ref")?,
        strength: row.text("strength")?.parse()?,
        direction: row.text_opt("direction")?.map(|direction| direction.parse()).transpose()?,
        created_at: row.int("created_at")?,
    })
}

fn update(row: &Row) -> Result<UpdateDocument> {
    Ok(UpdateDocument {
        id: row.text("id")?,
        old_value: row.json("old_value")?,
        new_value: row.json("new_value")?,
        reason: row.text("reason")?,
        trigger_type: row.text("trigger_type")?,
        updated_by: row.text("updated_by")?,
        created_at: row.int("created_at")?,
        action: row.text_opt("action")?,
        undoes: row.text_opt("undoes")?,
    })
}

fn state(row: &Row) -> Result<StateDocument> {
    Ok(StateDocument {
        title: row.text("title")?,
        summary: row.text("summary")?,
        tags: row.json("tags")?,
        confidence: row.real_opt("confidence")?,
        stance_id: row.text_opt("stance_id")?,
        locked: row.flag("locked")?,
        held_from: row.int("held_from")?,
        held_until: row.int_opt("held_until")?,
    })
}

fn edge(row: &Row) -> Result<EdgeDocument> {
    Ok(EdgeDocument {
        id: row.text("edge_id")?,
        source_id: row.text("source_id")?,
        target_id: row.text("target_id")?,
        relation: row.text("relation")?.parse()?,
        weight: row.real("weight")?,
        held_from: row.int("held_from")?,
        held_until: row.int_opt("held_until")?,
    })
}
