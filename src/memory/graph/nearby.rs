//! What lies around a belief. Arithmetic only.

use super::Graph;
use crate::memory::edges::Edge;
use serde::Serialize;
use std::collections::{HashMap, VecDeque};

/// A belief near another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbour {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its confidence.
    pub confidence: Option<f64>,
    /// Whether its stance is locked.
    pub locked: bool,
    /// How many edges it has in the whole graph: more than are shown here when there is more behind it.
    pub degree: u32,
    /// How much rests on it, as a multiple of the average.
    pub centrality: f64,
    /// How many edges away it is; 0 for the belief itself.
    pub hops: u32,
}

/// A belief with what lies around it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbourhood {
    /// The belief in the middle.
    pub center: String,
    /// The beliefs, the one in the middle first, then by hops, and among those the most central first.
    pub nodes: Vec<Neighbour>,
    /// The edges among them. None dangles.
    pub edges: Vec<Edge>,
    /// How many beliefs within the hops are left out, because there were too many.
    pub left_out: usize,
}

pub(super) fn neighbourhood(graph: &Graph, id: &str, hops: u32, limit: usize) -> Option<Neighbourhood> {
    let center = *graph.index.get(id)?;
    let mut distance: HashMap<usize, u32> = HashMap::from([(center, 0)]);
    let mut waiting = VecDeque::from([center]);
    let mut found = vec![center];
    while let Some(present) = waiting.pop_front() {
        let next = distance[&present] + 1;
        if next > hops {
            continue;
        }
        for (_, other) in &graph.around[present] {
            if let std::collections::hash_map::Entry::Vacant(free) = distance.entry(*other) {
                free.insert(next);
                waiting.push_back(*other);
                found.push(*other);
            }
        }
    }
    let rank = |number: &usize| graph.rows[*number].centrality;
    found.sort_by(|one, other| distance[one].cmp(&distance[other]).then(rank(other).total_cmp(&rank(one))).then(one.cmp(other)));
    let left_out = found.len().saturating_sub(limit.max(1));
    found.truncate(limit.max(1));
    let shown: HashMap<usize, ()> = found.iter().map(|number| (*number, ())).collect();
    let mut numbers: Vec<usize> = found
        .iter()
        .flat_map(|number| &graph.around[*number])
        .filter(|(_, other)| shown.contains_key(other))
        .map(|(edge, _)| *edge)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let nodes = found
        .iter()
        .map(|number| {
            let row = &graph.rows[*number];
            Neighbour {
                id: row.id.clone(),
                title: row.title.clone(),
                confidence: row.confidence,
                locked: row.locked,
                degree: row.degree,
                centrality: row.centrality,
                hops: distance[number],
            }
        })
        .collect();
    let edges = numbers.into_iter().map(|number| graph.edges[number].clone()).collect();
    Some(Neighbourhood { center: id.to_owned(), nodes, edges, left_out })
}
