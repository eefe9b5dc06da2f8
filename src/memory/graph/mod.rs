//! The belief graph as a screen needs it: rows with measures, the neighbourhood of a belief, one belief with all that belongs to it.
//!
//! [`Graph::load`] reads a persona's graph once, as it is or as it was; everything about it afterwards ([`Graph::rows`], [`Graph::neighbourhood`],
//! [`Graph::contradictions`]) is arithmetic in memory, quick enough for every frame. [`overview`] and [`neighbourhood`] do both steps at once.

mod detail;
mod load;
mod measures;
mod nearby;

pub use detail::{BeliefView, Relative, StanceView, detail, detail_with};
pub use nearby::{Neighbour, Neighbourhood};

use super::edges::Edge;
use super::history::Contradiction;
use super::history::contradictions::{Held, Web};
use super::{Result, confidence};
use crate::base::{Millis, PersonaId};
use crate::store::Conn;
use serde::Serialize;
use std::collections::HashMap;

/// The span that drift is measured over, unless another is asked for: seven days, in milliseconds.
pub const DRIFT_WINDOW: Millis = 7 * 24 * 3_600 * 1_000;

/// When a graph is looked at, and against what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// As it was at this time; none for as it is.
    pub at: Option<Millis>,
    /// The present time.
    pub now: Millis,
    /// Drift is measured against this long before the time looked at, in milliseconds.
    pub window: Millis,
}

impl View {
    /// The graph as it is, with drift over [`DRIFT_WINDOW`].
    #[must_use]
    pub fn present(now: Millis) -> Self {
        Self { at: None, now, window: DRIFT_WINDOW }
    }

    /// The graph as it was at `at`.
    #[must_use]
    pub fn then(at: Millis, now: Millis) -> Self {
        Self { at: Some(at), ..Self::present(now) }
    }

    /// The time that drift is measured against.
    #[must_use]
    pub fn before(&self) -> Millis {
        self.at.unwrap_or(self.now).saturating_sub(self.window.max(0))
    }
}

/// One belief in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BeliefRow {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// 0..1; none when nothing was decided yet.
    pub confidence: Option<f64>,
    /// How far confidence moved over the window, in percent points; none for a belief that is younger than the window or had no confidence.
    pub drift: Option<f64>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether its stance is locked.
    pub locked: bool,
    /// When it was made.
    pub created_at: Millis,
    /// When it, its stance or its evidence last changed.
    pub last_change: Millis,
    /// How many edges it has, in and out.
    pub degree: u32,
    /// How much rests on it: PageRank along "rests on", as a multiple of the average (1.0 is average). See [`Graph::load`].
    pub centrality: f64,
    /// Suggested edges and conflicts that wait for a person, as of now.
    pub suggestions: u32,
}

/// A persona's graph in memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    rows: Vec<BeliefRow>,
    edges: Vec<Edge>,
    index: HashMap<String, usize>,
    /// For each edge, the numbers of its source and its target.
    ends: Vec<(usize, usize)>,
    /// For each belief, the numbers of its edges and of the beliefs at their other ends.
    around: Vec<Vec<(usize, usize)>>,
}

impl Graph {
    /// Read a persona's graph. Centrality is PageRank (damping 0.85) in which a belief passes weight on to what it rests on: to the source of
    /// `supports` and `evidence_for`, to the target of `depends_on`, in proportion to the weights of those edges. `contradicts` does not count.
    ///
    /// # Errors
    /// [`super::Error::PersonaNotFound`]; when the database fails.
    pub fn load(c: &mut dyn Conn, persona: &PersonaId, view: &View) -> Result<Self> {
        load::load(c, persona, view)
    }

    /// The beliefs, in the order they were made.
    #[must_use]
    pub fn rows(&self) -> &[BeliefRow] {
        &self.rows
    }

    /// The edges. None dangles.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// One belief.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<&BeliefRow> {
        self.index.get(id).and_then(|number| self.rows.get(*number))
    }

    /// The edges of one belief, in both directions.
    pub fn edges_of(&self, id: &str) -> impl Iterator<Item = &Edge> {
        let around = self.index.get(id).and_then(|number| self.around.get(*number));
        around.into_iter().flatten().filter_map(|(edge, _)| self.edges.get(*edge))
    }

    /// What lies within `hops` edges of a belief, in any direction, nearest first, at most `limit` beliefs; none when it is not in the graph.
    #[must_use]
    pub fn neighbourhood(&self, id: &str, hops: u32, limit: usize) -> Option<Neighbourhood> {
        nearby::neighbourhood(self, id, hops, limit)
    }

    /// Where beliefs that are held high are at odds: see [`contradictions`](super::history::contradictions).
    #[must_use]
    pub fn contradictions(&self) -> Vec<Contradiction> {
        self.web(|web| web.contradictions())
    }

    /// Those that one belief is part of, from what lies around it alone: quick in a graph of any size. None of a belief that is not in the graph.
    #[must_use]
    pub fn contradictions_of(&self, id: &str) -> Vec<Contradiction> {
        self.index.get(id).map_or_else(Vec::new, |number| self.web(|web| web.contradictions_of(*number)))
    }

    fn web<T>(&self, walk: impl FnOnce(&Web<'_>) -> T) -> T {
        let belief = |number: usize| {
            let row = &self.rows[number];
            Held { id: &row.id, title: &row.title, confidence: row.confidence }
        };
        walk(&Web { belief: &belief, edges: &self.edges, ends: &self.ends, around: &self.around, high: confidence::HIGH })
    }
}

/// Every belief of a persona as a row with its measures.
///
/// # Errors
/// As [`Graph::load`].
pub fn overview(c: &mut dyn Conn, persona: &PersonaId, view: &View) -> Result<Vec<BeliefRow>> {
    Ok(Graph::load(c, persona, view)?.rows)
}

/// The neighbourhood of a belief. Whoever draws it again and again keeps a [`Graph`] and asks that.
///
/// # Errors
/// As [`Graph::load`]; [`super::Error::NotFound`] when the belief is not in the graph at that time.
pub fn neighbourhood(c: &mut dyn Conn, persona: &PersonaId, id: &str, hops: u32, limit: usize, view: &View) -> Result<Neighbourhood> {
    let graph = Graph::load(c, persona, view)?;
    graph.neighbourhood(id, hops, limit).ok_or_else(|| super::Error::not_found("belief", id, persona))
}
