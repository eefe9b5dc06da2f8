//! The graph as it was at a time, and as it is now, in the same form: asked for the present moment the two are equal.

use crate::base::{Millis, PersonaId};
use crate::memory::edges::{self, Edge};
use crate::memory::{Result, personas};
use crate::store::{Conn, Row};
use crate::vals;
use serde::Serialize;

/// A time to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// What was so at this time, UTC milliseconds. What changed in this very millisecond has changed.
    pub at: Millis,
    /// As far as this database knew at that time; none for what it knows now.
    pub known_by: Option<Millis>,
}

impl From<Millis> for Moment {
    fn from(at: Millis) -> Self {
        Self { at, known_by: None }
    }
}

/// A belief as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BeliefThen {
    /// Its id.
    pub id: String,
    /// Its title then.
    pub title: String,
    /// Its summary then.
    pub summary: String,
    /// 0..1; none when it had none.
    pub confidence: Option<f64>,
    /// Its tags then.
    pub tags: Vec<String>,
    /// The stance in force then.
    pub stance_id: Option<String>,
    /// What that stance says.
    pub stance: Option<String>,
    /// Whether that stance was locked then.
    pub locked: bool,
    /// Since when it was as it was.
    pub since: Millis,
}

/// The graph as it was. No edge dangles.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GraphThen {
    /// The beliefs, in the order of their ids, which is the order they were made in.
    pub nodes: Vec<BeliefThen>,
    /// The edges among them, in the order of their ids.
    pub edges: Vec<Edge>,
}

const THEN: &str = "SELECT v.belief_id AS id, v.title, v.summary, v.tags, v.confidence, v.stance_id, v.locked, v.held_from, s.text
  FROM belief_versions v LEFT JOIN stance_versions s ON s.persona_id = v.persona_id AND s.id = v.stance_id
  WHERE v.persona_id = $1 AND v.held_from <= $2";

/// The graph as it was at a time. Before the persona's first belief it is empty.
///
/// # Errors
/// [`crate::memory::Error::PersonaNotFound`]; when the database fails.
pub fn as_of(c: &mut dyn Conn, persona: &PersonaId, moment: Moment) -> Result<GraphThen> {
    personas::get(c, persona)?;
    let at = moment.at;
    let (nodes, edges) = match moment.known_by {
        None => (
            c.query(&format!("{THEN} AND (v.held_until IS NULL OR v.held_until > $2) ORDER BY v.belief_id"), vals![persona, at])?,
            c.query(
                "SELECT edge_id AS id, source_id, target_id, relation, weight, held_from AS created_at FROM belief_edge_periods
                 WHERE persona_id = $1 AND held_from <= $2 AND (held_until IS NULL OR held_until > $2) ORDER BY edge_id",
                vals![persona, at],
            )?,
        ),
        // What was recorded later is left out first; the last state of what remains is the one that was known.
        Some(known) => (
            c.query(
                &format!(
                    "{THEN} AND v.recorded_at <= $3 AND NOT EXISTS (SELECT 1 FROM belief_versions later
                       WHERE later.persona_id = v.persona_id AND later.belief_id = v.belief_id AND later.version > v.version
                         AND later.held_from <= $2 AND later.recorded_at <= $3)
                     ORDER BY v.belief_id"
                ),
                vals![persona, at, known],
            )?,
            c.query(
                "SELECT edge_id AS id, source_id, target_id, relation, weight, held_from AS created_at FROM belief_edge_periods
                 WHERE persona_id = $1 AND held_from <= $2 AND recorded_at <= $3
                   AND (held_until IS NULL OR held_until > $2 OR end_recorded_at > $3) ORDER BY edge_id",
                vals![persona, at, known],
            )?,
        ),
    };
    read(&nodes, &edges)
}

/// The graph as it is, from the tables that are in force: what [`as_of`] has to reproduce.
///
/// # Errors
/// As [`as_of`].
pub fn present(c: &mut dyn Conn, persona: &PersonaId) -> Result<GraphThen> {
    personas::get(c, persona)?;
    let nodes = c.query(
        "SELECT n.id, n.title, n.summary, n.tags, n.current_confidence AS confidence, s.id AS stance_id, s.text,
           CASE s.status WHEN 'locked' THEN 1 ELSE 0 END AS locked, v.held_from
         FROM belief_nodes n
         LEFT JOIN stance_versions s ON s.persona_id = n.persona_id AND s.belief_id = n.id AND s.status IN ('current', 'locked')
         JOIN belief_versions v ON v.persona_id = n.persona_id AND v.belief_id = n.id AND v.held_until IS NULL
         WHERE n.persona_id = $1 ORDER BY n.id",
        vals![persona],
    )?;
    let edges = c.query(
        "SELECT id, source_id, target_id, relation, weight, created_at FROM belief_edges WHERE persona_id = $1 ORDER BY id",
        vals![persona],
    )?;
    read(&nodes, &edges)
}

fn read(nodes: &[Row], edges: &[Row]) -> Result<GraphThen> {
    let nodes = nodes.iter().map(node).collect::<Result<Vec<_>>>()?;
    let edges = edges.iter().map(edges::read).collect::<Result<Vec<_>>>()?;
    // The database makes sure of it at any one time of writing; what was known at a time may know an edge before its end.
    let is_there = |id: &str| nodes.binary_search_by(|node| node.id.as_str().cmp(id)).is_ok();
    let edges = edges.into_iter().filter(|edge| is_there(&edge.source_id) && is_there(&edge.target_id)).collect();
    Ok(GraphThen { nodes, edges })
}

fn node(row: &Row) -> Result<BeliefThen> {
    Ok(BeliefThen {
        id: row.text("id")?,
        title: row.text("title")?,
        summary: row.text("summary")?,
        confidence: row.real_opt("confidence")?,
        tags: row.json("tags")?,
        stance_id: row.text_opt("stance_id")?,
        stance: row.text_opt("text")?,
        locked: row.flag("locked")?,
        since: row.int("held_from")?,
    })
}
