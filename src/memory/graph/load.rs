//! Reading a graph from the database, as it is or as it was.

use super::measures;
use super::{BeliefRow, Graph, View};
use crate::base::{Millis, PersonaId};
use crate::memory::edges::{self, Edge};
use crate::memory::history::difference::percent_points;
use crate::memory::{Result, personas};
use crate::store::{Conn, Row};
use crate::vals;
use std::collections::HashMap;

pub(super) fn load(c: &mut dyn Conn, persona: &PersonaId, view: &View) -> Result<Graph> {
    personas::get(c, persona)?;
    let (rows, edges) = match view.at {
        None => present(c, persona)?,
        Some(at) => then(c, persona, at)?,
    };
    let index: HashMap<String, usize> = rows.iter().enumerate().map(|(number, row)| (row.id.clone(), number)).collect();
    let (count, kept) = (rows.len(), edges.len());
    let mut graph = Graph { around: vec![Vec::new(); count], rows, edges: Vec::with_capacity(kept), index, ends: Vec::with_capacity(kept) };
    for edge in edges {
        let Some((source, target)) = graph.index.get(&edge.source_id).copied().zip(graph.index.get(&edge.target_id).copied()) else {
            continue;
        };
        let number = graph.edges.len();
        graph.around[source].push((number, target));
        graph.around[target].push((number, source));
        graph.ends.push((source, target));
        graph.edges.push(edge);
    }
    let centrality = measures::centrality(graph.rows.len(), &graph.ends, &graph.edges);
    let waiting = waiting(c, persona)?;
    let drift = drift(c, persona, view.before())?;
    for (number, row) in graph.rows.iter_mut().enumerate() {
        row.degree = u32::try_from(graph.around[number].len()).unwrap_or(u32::MAX);
        row.centrality = centrality[number];
        row.suggestions = waiting.get(&row.id).copied().unwrap_or(0);
        row.drift = match (drift.get(&row.id), row.confidence) {
            // In force then and since replaced: here is what it was.
            (Some(before), Some(now)) => before.map(|before| percent_points(before, now)),
            // Nothing replaced it: it is what it was, if it was there.
            (None, Some(_)) => (row.created_at <= view.before()).then_some(0.0),
            (_, None) => None,
        };
    }
    Ok(graph)
}

fn present(c: &mut dyn Conn, persona: &PersonaId) -> Result<(Vec<BeliefRow>, Vec<Edge>)> {
    let nodes = c.query(
        "SELECT n.id, n.title, n.current_confidence AS confidence, n.tags, CASE s.status WHEN 'locked' THEN 1 ELSE 0 END AS locked,
           n.created_at, n.updated_at AS last_change
         FROM belief_nodes n LEFT JOIN stance_versions s ON s.persona_id = n.persona_id AND s.belief_id = n.id AND s.status IN ('current', 'locked')
         WHERE n.persona_id = $1 ORDER BY n.id",
        vals![persona],
    )?;
    let edges =
        c.query("SELECT id, source_id, target_id, relation, weight, created_at FROM belief_edges WHERE persona_id = $1", vals![persona])?;
    read(&nodes, &edges)
}

fn then(c: &mut dyn Conn, persona: &PersonaId, at: Millis) -> Result<(Vec<BeliefRow>, Vec<Edge>)> {
    let nodes = c.query(
        "SELECT v.belief_id AS id, v.title, v.confidence, v.tags, v.locked, n.created_at,
           CASE WHEN e.latest > v.held_from THEN e.latest ELSE v.held_from END AS last_change
         FROM belief_versions v JOIN belief_nodes n ON n.persona_id = v.persona_id AND n.id = v.belief_id
         LEFT JOIN (SELECT belief_id, max(created_at) AS latest FROM evidence_links WHERE persona_id = $1 AND created_at <= $2 GROUP BY belief_id) e
           ON e.belief_id = v.belief_id
         WHERE v.persona_id = $1 AND v.held_from <= $2 AND (v.held_until IS NULL OR v.held_until > $2) ORDER BY v.belief_id",
        vals![persona, at],
    )?;
    let edges = c.query(
        "SELECT edge_id AS id, source_id, target_id, relation, weight, held_from AS created_at FROM belief_edge_periods
         WHERE persona_id = $1 AND held_from <= $2 AND (held_until IS NULL OR held_until > $2)",
        vals![persona, at],
    )?;
    read(&nodes, &edges)
}

fn read(nodes: &[Row], edges: &[Row]) -> Result<(Vec<BeliefRow>, Vec<Edge>)> {
    let rows = nodes.iter().map(row).collect::<Result<_>>()?;
    Ok((rows, edges.iter().map(edges::read).collect::<Result<_>>()?))
}

fn row(row: &Row) -> Result<BeliefRow> {
    Ok(BeliefRow {
        id: row.text("id")?,
        title: row.text("title")?,
        confidence: row.real_opt("confidence")?,
        drift: None,
        tags: row.json("tags")?,
        locked: row.flag("locked")?,
        created_at: row.int("created_at")?,
        last_change: row.int("last_change")?,
        degree: 0,
        centrality: 1.0,
        suggestions: 0,
    })
}

/// What waits for a person, by belief: at either end of a suggested edge.
fn waiting(c: &mut dyn Conn, persona: &PersonaId) -> Result<HashMap<String, u32>> {
    let rows = c.query(
        "SELECT belief_id, CAST(count(*) AS BIGINT) AS n FROM (
           SELECT belief_id FROM belief_conflicts WHERE persona_id = $1 AND state = 'open'
           UNION ALL SELECT source_id AS belief_id FROM belief_suggestions WHERE persona_id = $1 AND state = 'open'
           UNION ALL SELECT target_id AS belief_id FROM belief_suggestions WHERE persona_id = $1 AND state = 'open'
         ) waiting GROUP BY belief_id",
        vals![persona],
    )?;
    rows.iter().map(|row| Ok((row.text("belief_id")?, u32::try_from(row.int("n")?).unwrap_or(u32::MAX)))).collect()
}

/// Confidence then, of the beliefs that have changed since.
fn drift(c: &mut dyn Conn, persona: &PersonaId, before: Millis) -> Result<HashMap<String, Option<f64>>> {
    let rows = c.query(
        "SELECT belief_id, confidence FROM belief_versions WHERE persona_id = $1 AND held_until > $2 AND held_from <= $2",
        vals![persona, before],
    )?;
    rows.iter().map(|row| Ok((row.text("belief_id")?, row.real_opt("confidence")?))).collect()
}
