//! Writing a document that was found right, all of it, in the caller's transaction.

use super::check::{Problem, check};
use super::{BeliefDocument, Counts, Document};
use crate::base::{PersonaId, sha256_hex};
use crate::memory::change::{Author, Note, record};
use crate::memory::{Result, personas, stances};
use crate::store::{Conn, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// How much the document holds.
    pub counts: Counts,
    /// What is wrong; when there is anything, nothing was written.
    pub problems: Vec<Problem>,
    /// Whether it was written.
    pub written: bool,
}

/// Import a document into a persona. With `dry_run`, or with a problem, nothing is written.
///
/// # Errors
/// [`crate::memory::Error::PersonaNotFound`]; [`crate::memory::Error::Invalid`] without a reason; when the database fails.
pub fn import(
    c: &mut dyn Conn,
    persona: &PersonaId,
    document: &Document,
    reason: &str,
    dry_run: bool,
    author: &Author<'_>,
) -> Result<Imported> {
    let reason = stances::required("the reason", reason)?;
    personas::get(c, persona)?;
    let mut done = Imported { counts: document.counts(), problems: check(document), written: false };
    if done.problems.is_empty() {
        done.problems = collisions(c, persona, document)?;
    }
    if !done.problems.is_empty() || dry_run {
        return Ok(done);
    }
    for belief in &document.beliefs {
        write(c, persona, belief, author)?;
    }
    for edge in &document.edges {
        let params = vals![
            persona,
            &edge.id,
            &edge.source_id,
            &edge.target_id,
            edge.relation.as_str(),
            edge.weight,
            edge.held_from,
            edge.held_until,
            author.at,
            edge.held_until.map(|_| author.at)
        ];
        c.exec(
            "INSERT INTO belief_edge_periods (persona_id, edge_id, source_id, target_id, relation, weight, held_from, held_until, recorded_at,
               end_recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params,
        )?;
        if edge.held_until.is_none() {
            c.exec(
                "INSERT INTO belief_edges (persona_id, id, source_id, target_id, relation, weight, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
                &params[..7],
            )?;
        }
    }
    let digest = sha256_hex(json!(document.beliefs).to_string().as_bytes());
    let note = Note {
        persona,
        action: "belief.import",
        subject_kind: "persona",
        subject_id: persona.as_str(),
        feed: ("beliefs", "beliefs_imported"),
        feed_subject: None,
        reason: Some(reason),
        before: &Value::Null,
        after: &json!({"from": document.persona, "exported_at": document.exported_at, "counts": done.counts, "beliefs_sha256": digest}),
    };
    record(c, author, &note)?;
    done.written = true;
    Ok(done)
}

/// Ids that the persona has already, and edges that would be there twice.
fn collisions(c: &mut dyn Conn, persona: &PersonaId, document: &Document) -> Result<Vec<Problem>> {
    let mut found = Vec::new();
    let mut look = |place: String, table: &str, id: &str| -> Result<bool> {
        let column = if table == "belief_edge_periods" { "edge_id" } else { "id" };
        let sql = format!("SELECT {column} FROM {table} WHERE persona_id = $1 AND {column} = $2");
        let is_there = c.first(&sql, vals![persona, id])?.is_some();
        if is_there && found.len() < super::MAX_PROBLEMS {
            found.push(Problem { place, what: format!("the persona has {id} already; nothing that is there is overwritten") });
        }
        Ok(is_there)
    };
    for (number, belief) in document.beliefs.iter().enumerate() {
        let place = format!("beliefs[{number}]");
        // What belongs to a belief that is there is there as well: one problem says it.
        if look(format!("{place}.id"), "belief_nodes", &belief.id)? {
            continue;
        }
        for (number, stance) in belief.stances.iter().enumerate() {
            look(format!("{place}.stances[{number}].id"), "stance_versions", &stance.id)?;
        }
        for (number, piece) in belief.evidence.iter().enumerate() {
            look(format!("{place}.evidence[{number}].id"), "evidence_links", &piece.id)?;
        }
        for (number, update) in belief.updates.iter().enumerate() {
            look(format!("{place}.updates[{number}].id"), "belief_updates", &update.id)?;
        }
    }
    for (number, edge) in document.edges.iter().enumerate() {
        look(format!("edges[{number}].id"), "belief_edge_periods", &edge.id)?;
    }
    Ok(found)
}

fn write(c: &mut dyn Conn, persona: &PersonaId, belief: &BeliefDocument, author: &Author<'_>) -> Result<()> {
    let id = belief.id.as_str();
    c.exec(
        "INSERT INTO belief_nodes (persona_id, id, title, summary, current_confidence, tags, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        vals![
            persona,
            id,
            &belief.title,
            &belief.summary,
            belief.confidence,
            json!(belief.tags).to_string(),
            belief.created_at,
            belief.updated_at
        ],
    )?;
    for stance in &belief.stances {
        c.exec(
            "INSERT INTO stance_versions (persona_id, id, belief_id, text, confidence, status, rationale, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vals![
                persona,
                &stance.id,
                id,
                &stance.text,
                stance.confidence,
                stance.status.as_str(),
                stance.rationale.as_deref(),
                stance.created_at,
                stance.updated_at
            ],
        )?;
    }
    for piece in &belief.evidence {
        c.exec(
            "INSERT INTO evidence_links (persona_id, id, belief_id, stance_id, source_type, source_ref, strength, created_at, updated_at, direction)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)",
            vals![
                persona,
                &piece.id,
                id,
                piece.stance_id.as_ref(),
                piece.source_type.as_str(),
                &piece.source_ref,
                piece.strength.as_str(),
                piece.created_at,
                piece.direction.map(crate::memory::Direction::as_str)
            ],
        )?;
    }
    for update in &belief.updates {
        c.exec(
            "INSERT INTO belief_updates (persona_id, id, belief_id, old_value, new_value, reason, trigger_type, updated_by, created_at, updated_at,
               action, undoes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)",
            vals![
                persona,
                &update.id,
                id,
                update.old_value.to_string(),
                update.new_value.to_string(),
                &update.reason,
                &update.trigger_type,
                &update.updated_by,
                update.created_at,
                update.action.as_ref(),
                update.undoes.as_ref()
            ],
        )?;
    }
    for (number, state) in (1_i64..).zip(&belief.states) {
        c.exec(
            "INSERT INTO belief_versions (persona_id, belief_id, version, title, summary, tags, confidence, stance_id, locked, held_from, held_until,
               recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            vals![
                persona,
                id,
                number,
                &state.title,
                &state.summary,
                json!(state.tags).to_string(),
                state.confidence,
                state.stance_id.as_ref(),
                state.locked,
                state.held_from,
                state.held_until,
                author.at
            ],
        )?;
    }
    // Whoever follows the feed learns of each belief, as if it had been made here.
    feed::append(c, author.at, "beliefs", Some(persona), "belief_created", id)?;
    Ok(())
}
