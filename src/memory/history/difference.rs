//! What changed between two states of the graph. Rules only, no I/O.

use super::as_of::{BeliefThen, GraphThen};
use crate::memory::edges::Edge;
use serde::Serialize;
use std::collections::BTreeMap;

/// A belief that was otherwise before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// Its title after.
    pub title: String,
    /// Which of its parts differ: title, summary, tags, confidence, stance, locked.
    pub parts: Vec<&'static str>,
    /// How far confidence moved, in percent points; none where one of both was unknown.
    pub percent_points: Option<f64>,
    /// As it was.
    pub before: BeliefThen,
    /// As it became.
    pub after: BeliefThen,
}

/// What changed from one state to another.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Beliefs that were not there before.
    pub added: Vec<BeliefThen>,
    /// Beliefs that are not there after: only when the later time stands first.
    pub removed: Vec<BeliefThen>,
    /// Beliefs that differ, those whose confidence moved furthest first.
    pub changed: Vec<Changed>,
    /// Edges that were not there before.
    pub edges_added: Vec<Edge>,
    /// Edges that are not there after.
    pub edges_removed: Vec<Edge>,
}

impl Difference {
    /// Whether both states are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && self.edges_added.is_empty()
            && self.edges_removed.is_empty()
    }
}

/// What changed from `before` to `after`.
#[must_use]
pub fn difference(before: &GraphThen, after: &GraphThen) -> Difference {
    let old: BTreeMap<&str, &BeliefThen> = before.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let new: BTreeMap<&str, &BeliefThen> = after.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut changed: Vec<Changed> =
        after.nodes.iter().filter_map(|node| old.get(node.id.as_str()).and_then(|old| changed(old, node))).collect();
    let distance = |change: &Changed| change.percent_points.unwrap_or(0.0).abs();
    changed.sort_by(|one, other| distance(other).total_cmp(&distance(one)).then_with(|| one.id.cmp(&other.id)));
    let without = |edges: &[Edge], other: &[Edge]| -> Vec<Edge> {
        let known: std::collections::HashSet<&str> = other.iter().map(|edge| edge.id.as_str()).collect();
        edges.iter().filter(|edge| !known.contains(edge.id.as_str())).cloned().collect()
    };
    Difference {
        added: after.nodes.iter().filter(|node| !old.contains_key(node.id.as_str())).cloned().collect(),
        removed: before.nodes.iter().filter(|node| !new.contains_key(node.id.as_str())).cloned().collect(),
        changed,
        edges_added: without(&after.edges, &before.edges),
        edges_removed: without(&before.edges, &after.edges),
    }
}

fn changed(before: &BeliefThen, after: &BeliefThen) -> Option<Changed> {
    let differs = [
        ("title", before.title != after.title),
        ("summary", before.summary != after.summary),
        ("tags", before.tags != after.tags),
        ("confidence", before.confidence != after.confidence),
        ("stance", before.stance != after.stance),
        ("locked", before.locked != after.locked),
    ];
    let parts: Vec<&'static str> = differs.iter().filter(|(_, differs)| *differs).map(|(part, _)| *part).collect();
    if parts.is_empty() {
        return None;
    }
    let percent_points = before.confidence.zip(after.confidence).map(|(before, after)| percent_points(before, after));
    Some(Changed { id: after.id.clone(), title: after.title.clone(), parts, percent_points, before: before.clone(), after: after.clone() })
}

/// How far a confidence moved, in percent points with one decimal.
#[must_use]
pub fn percent_points(before: f64, after: f64) -> f64 {
    ((after - before) * 1_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::edges::Relation;

    fn node(id: &str, confidence: f64) -> BeliefThen {
        BeliefThen {
            id: id.into(),
            title: id.to_uppercase(),
            summary: String::new(),
            confidence: Some(confidence),
            tags: vec![],
            stance_id: Some(format!("s-{id}")),
            stance: Some("I hold it.".into()),
            locked: false,
            since: 0,
        }
    }

    fn edge(id: &str) -> Edge {
        Edge { id: id.into(), source_id: "a".into(), target_id: "b".into(), relation: Relation::Supports, weight: 0.5, created_at: 0 }
    }

    #[test]
    fn what_moved_furthest_comes_first_and_what_is_the_same_not_at_all() {
        let before = GraphThen { nodes: vec![node("a", 0.5), node("b", 0.5), node("c", 0.5)], edges: vec![edge("e1")] };
        let mut after = GraphThen { nodes: vec![node("a", 0.52), node("b", 0.1), node("c", 0.5), node("d", 0.9)], edges: vec![edge("e2")] };
        after.nodes[2].locked = true;
        let found = difference(&before, &after);
        let moved: Vec<_> = found.changed.iter().map(|change| (change.id.as_str(), change.parts.clone(), change.percent_points)).collect();
        assert_eq!(moved, [("b", vec!["confidence"], Some(-40.0)), ("a", vec!["confidence"], Some(2.0)), ("c", vec!["locked"], Some(0.0))]);
        assert_eq!((found.added.len(), found.removed.len()), (1, 0));
        assert_eq!((found.edges_added[0].id.as_str(), found.edges_removed[0].id.as_str()), ("e2", "e1"));
        assert!(difference(&after, &after).is_empty());
        assert_eq!(difference(&after, &before).removed.len(), 1, "backwards it is the other way round");
    }
}
