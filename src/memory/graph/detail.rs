//! One belief with everything that belongs to it.

use super::{BeliefRow, Graph, View};
use crate::base::{Millis, PersonaId};
use crate::memory::beliefs::{self, BeliefUpdate, DETAIL_ROWS};
use crate::memory::edges::{Edge, Relation};
use crate::memory::evidence::{self, EvidenceLink};
use crate::memory::history::{Contradiction, Post, chain};
use crate::memory::stances::{self, Stance};
use crate::memory::suggestions::{self, Suggestion};
use crate::memory::{Error, Result, interactions};
use crate::store::Conn;
use serde::Serialize;

/// A stance with the time it was in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StanceView {
    /// The stance.
    #[serde(flatten)]
    pub stance: Stance,
    /// When another one took its place; none while it is in force.
    pub until: Option<Millis>,
    /// How far confidence moved when it was taken, in percent points; none for the first.
    pub percent_points: Option<f64>,
}

/// A belief that an edge joins to this one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Relative {
    /// The edge.
    pub edge_id: String,
    /// Whether the edge starts at this belief.
    pub outgoing: bool,
    /// How they bear on each other.
    pub relation: Relation,
    /// How much, 0..1.
    pub weight: f64,
    /// The belief at the other end.
    pub other_id: String,
    /// Its title.
    pub other_title: String,
    /// Its confidence.
    pub other_confidence: Option<f64>,
    /// Since when.
    pub since: Millis,
}

/// A belief with everything that belongs to it: the newest [`DETAIL_ROWS`] of each list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BeliefView {
    /// The belief with its measures.
    #[serde(flatten)]
    pub row: BeliefRow,
    /// What it says, in a few sentences.
    pub summary: String,
    /// The stance in force.
    pub stance: Option<String>,
    /// Its stances, newest first. For a sparkline take their confidences from the end.
    pub stances: Vec<StanceView>,
    /// Evidence, newest first.
    pub evidence: Vec<EvidenceLink>,
    /// What was said from it, newest first.
    pub posts: Vec<Post>,
    /// What it is joined to.
    pub relations: Vec<Relative>,
    /// Its history, newest first.
    pub updates: Vec<BeliefUpdate>,
    /// What waits for a person.
    pub suggestions: Vec<Suggestion>,
    /// Contradictions that it is part of.
    pub contradictions: Vec<Contradiction>,
}

/// One belief with everything that belongs to it, as it is, or as it was: then nothing is shown that came later.
///
/// # Errors
/// [`Error::NotFound`], also for a belief that was not there at that time.
pub fn detail(c: &mut dyn Conn, persona: &PersonaId, id: &str, view: &View) -> Result<BeliefView> {
    let graph = Graph::load(c, persona, view)?;
    detail_with(c, persona, id, view, &graph)
}

/// The same for whoever has the graph of that view already: then only what belongs to this belief is read.
///
/// # Errors
/// As [`detail`].
pub fn detail_with(c: &mut dyn Conn, persona: &PersonaId, id: &str, view: &View, graph: &Graph) -> Result<BeliefView> {
    let row = graph.row(id).cloned().ok_or_else(|| Error::not_found("belief", id, persona))?;
    let until = view.at.unwrap_or(Millis::MAX);
    let stances = stances(c, persona, id, until)?;
    let (summary, stance) = match view.at {
        None => (beliefs::require(c, persona, id)?.summary, stances::in_force(c, persona, id)?.map(|stance| stance.text)),
        Some(at) => beliefs::words_at(c, persona, id, at)?,
    };
    let mut evidence = evidence::recent(c, persona, id, DETAIL_ROWS)?;
    evidence.retain(|piece| piece.created_at <= until);
    let posts = interactions::from_belief(c, persona, id, view.at, DETAIL_ROWS)?
        .into_iter()
        .map(|said| {
            let snapshot = said.metadata.beliefs.iter().find(|snapshot| snapshot.belief_id == id).cloned();
            chain::post(said, snapshot.as_ref())
        })
        .collect();
    let mut updates = beliefs::history(c, persona, id, None, DETAIL_ROWS)?;
    updates.retain(|update| update.created_at <= until);
    let contradictions = graph.contradictions_of(id);
    let relations = graph.edges_of(id).filter_map(|edge| relative(graph, edge, id)).collect();
    let suggestions = suggestions::open(c, persona, Some(id))?;
    Ok(BeliefView { row, summary, stance, stances, evidence, posts, relations, updates, suggestions, contradictions })
}

fn stances(c: &mut dyn Conn, persona: &PersonaId, id: &str, until: Millis) -> Result<Vec<StanceView>> {
    let mut taken = stances::list(c, persona, id, DETAIL_ROWS)?;
    taken.retain(|stance| stance.created_at <= until);
    taken.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
    let befores: Vec<Option<f64>> = taken.iter().skip(1).map(|stance| Some(stance.confidence)).chain([None]).collect();
    let mut next: Option<Millis> = None;
    let view = |(stance, before): (Stance, Option<f64>)| {
        let percent_points = before.map(|before| crate::memory::history::difference::percent_points(before, stance.confidence));
        let view = StanceView { until: next, percent_points, stance };
        next = Some(view.stance.created_at);
        view
    };
    Ok(taken.into_iter().zip(befores).map(view).collect())
}

fn relative(graph: &Graph, edge: &Edge, id: &str) -> Option<Relative> {
    let outgoing = edge.source_id == id;
    let other = match (outgoing, edge.target_id == id) {
        (true, _) => &edge.target_id,
        (false, true) => &edge.source_id,
        (false, false) => return None,
    };
    let row = graph.row(other)?;
    Some(Relative {
        edge_id: edge.id.clone(),
        outgoing,
        relation: edge.relation,
        weight: edge.weight,
        other_id: row.id.clone(),
        other_title: row.title.clone(),
        other_confidence: row.confidence,
        since: edge.created_at,
    })
}
