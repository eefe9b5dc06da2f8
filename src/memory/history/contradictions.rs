//! Where beliefs that are both held high cannot both be right. Rules only, no I/O.
//!
//! A belief *commits to* another along an edge `supports`, `evidence_for` or `depends_on`, from its source to its target: whoever holds the source
//! has reason to hold the target, or needs it. Beliefs A and C, both with a confidence of at least `high`, are in contradiction when
//!
//! - an edge `contradicts` joins them, in either direction (direct: the path is A alone), or
//! - A commits to B in at most [`MAX_STEPS`] steps, and an edge `contradicts` joins B and C, in either direction (implied; B may be held low).
//!
//! Each pair is listed once, with its shortest path, among equally short ones the heaviest. A path does not go through C itself.

use crate::memory::edges::{Edge, Relation};
use serde::Serialize;
use std::collections::{HashMap, VecDeque};

/// How many steps a belief commits.
pub const MAX_STEPS: usize = 3;

/// A belief as this rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Its confidence; none is not held.
    pub confidence: Option<f64>,
}

/// A belief named in a contradiction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its confidence.
    pub confidence: Option<f64>,
}

/// Two beliefs that are both held high and cannot both be right.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contradiction {
    /// From the first belief along what it commits to; the last one here is what the other contradicts. One entry when it is direct.
    pub path: Vec<Named>,
    /// The relation of each step of the path.
    pub steps: Vec<Relation>,
    /// The belief at the other side.
    pub against: Named,
    /// The edge `contradicts`.
    pub edge_id: String,
    /// 0..1: the lower of the two confidences, times the weights of all edges on the way.
    pub severity: f64,
}

impl Contradiction {
    /// Whether an edge joins the two directly.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.path.len() == 1
    }
}

/// Every contradiction among these beliefs, the most severe first.
#[must_use]
pub fn contradictions(beliefs: &[Held<'_>], edges: &[Edge], high: f64) -> Vec<Contradiction> {
    let index: HashMap<&str, usize> = beliefs.iter().enumerate().map(|(number, belief)| (belief.id, number)).collect();
    let ends = |edge: &Edge| Some((*index.get(edge.source_id.as_str())?, *index.get(edge.target_id.as_str())?));
    let is_high = |number: usize| beliefs[number].confidence.is_some_and(|confidence| confidence >= high);
    // Who commits to a belief: walked backwards from the contradiction, so that only what leads there is looked at.
    let mut committed: HashMap<usize, Vec<(usize, &Edge)>> = HashMap::new();
    for edge in edges.iter().filter(|edge| edge.relation != Relation::Contradicts) {
        if let Some((source, target)) = ends(edge) {
            committed.entry(target).or_default().push((source, edge));
        }
    }
    let mut found: HashMap<(usize, usize), Contradiction> = HashMap::new();
    for edge in edges.iter().filter(|edge| edge.relation == Relation::Contradicts) {
        let Some((source, target)) = ends(edge) else { continue };
        for (touched, against) in [(source, target), (target, source)] {
            if !is_high(against) {
                continue;
            }
            for walk in walks(touched, against, &committed) {
                let first = walk.nodes[0];
                if !is_high(first) {
                    continue;
                }
                let lower = beliefs[first].confidence.unwrap_or(0.0).min(beliefs[against].confidence.unwrap_or(0.0));
                let contradiction = Contradiction {
                    path: walk.nodes.iter().map(|number| named(&beliefs[*number])).collect(),
                    steps: walk.steps,
                    against: named(&beliefs[against]),
                    edge_id: edge.id.clone(),
                    severity: lower * edge.weight * walk.weight,
                };
                let pair = (first.min(against), first.max(against));
                let is_better = found.get(&pair).is_none_or(|known| {
                    let (one, other) = (&contradiction, known);
                    (one.path.len(), -one.severity) < (other.path.len(), -other.severity)
                });
                if is_better {
                    found.insert(pair, contradiction);
                }
            }
        }
    }
    let mut found: Vec<Contradiction> = found.into_values().collect();
    found.sort_by(|one, other| {
        other
            .severity
            .total_cmp(&one.severity)
            .then_with(|| (&one.path[0].id, &one.against.id).cmp(&(&other.path[0].id, &other.against.id)))
    });
    found
}

struct Walk {
    nodes: Vec<usize>,
    steps: Vec<Relation>,
    weight: f64,
}

/// Shortest ways that lead to `end` and do not touch `avoided`, one from each belief, the way of no steps first.
fn walks(end: usize, avoided: usize, committed: &HashMap<usize, Vec<(usize, &Edge)>>) -> Vec<Walk> {
    // For each belief that was reached: the steps from it to the end, the next belief on the way, by which edge, and the weight of the whole.
    let mut reached: HashMap<usize, (usize, usize, Relation, f64)> = HashMap::from([(end, (0, end, Relation::Supports, 1.0))]);
    let mut order = vec![end];
    let mut waiting = VecDeque::from([end]);
    while let Some(present) = waiting.pop_front() {
        let (distance, _, _, weight) = reached[&present];
        if distance == MAX_STEPS {
            continue;
        }
        for (source, edge) in committed.get(&present).into_iter().flatten().filter(|(source, _)| *source != avoided) {
            let candidate = (distance + 1, present, edge.relation, weight * edge.weight);
            match reached.get(source) {
                Some(known) if known.0 < candidate.0 || (known.0 == candidate.0 && known.3 >= candidate.3) => {}
                Some(_) => {
                    reached.insert(*source, candidate);
                }
                None => {
                    reached.insert(*source, candidate);
                    order.push(*source);
                    waiting.push_back(*source);
                }
            }
        }
    }
    order
        .into_iter()
        .map(|start| {
            let mut walk = Walk { nodes: vec![start], steps: Vec::new(), weight: reached[&start].3 };
            let mut present = start;
            while present != end {
                let (_, next, relation, _) = reached[&present];
                walk.nodes.push(next);
                walk.steps.push(relation);
                present = next;
            }
            walk
        })
        .collect()
}

fn named(belief: &Held<'_>) -> Named {
    Named { id: belief.id.to_owned(), title: belief.title.to_owned(), confidence: belief.confidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(source: &str, relation: Relation, target: &str, weight: f64) -> Edge {
        Edge { id: format!("{source}{target}"), source_id: source.into(), target_id: target.into(), relation, weight, created_at: 0 }
    }

    fn ways(held: &[(&str, f64)], edges: &[Edge]) -> Vec<(String, String)> {
        let beliefs: Vec<Held<'_>> = held.iter().map(|(id, confidence)| Held { id, title: id, confidence: Some(*confidence) }).collect();
        let way = |path: &[Named]| path.iter().map(|named| named.id.as_str()).collect::<String>();
        contradictions(&beliefs, edges, 0.8).iter().map(|found| (way(&found.path), found.against.id.clone())).collect()
    }

    fn pair(path: &str, against: &str) -> (String, String) {
        (path.to_owned(), against.to_owned())
    }

    #[test]
    fn a_supports_b_and_b_contradicts_c() {
        let edges = [edge("a", Relation::Supports, "b", 1.0), edge("b", Relation::Contradicts, "c", 1.0)];
        assert_eq!(ways(&[("a", 0.9), ("b", 0.3), ("c", 0.8)], &edges), [pair("ab", "c")], "what lies between may be held low");
        assert_eq!(ways(&[("a", 0.9), ("b", 0.9), ("c", 0.79)], &edges), [], "just below high is not high");
        let both = ways(&[("a", 0.9), ("b", 0.85), ("c", 0.8)], &edges);
        assert_eq!(both.len(), 2, "the direct one and the implied one: {both:?}");
        let turned = [edge("a", Relation::DependsOn, "b", 1.0), edge("c", Relation::Contradicts, "b", 1.0)];
        assert_eq!(ways(&[("a", 0.9), ("b", 0.3), ("c", 0.8)], &turned), [pair("ab", "c")], "it contradicts in either direction");
        let backwards = [edge("b", Relation::Supports, "a", 1.0), edge("b", Relation::Contradicts, "c", 1.0)];
        assert_eq!(ways(&[("a", 0.9), ("b", 0.3), ("c", 0.8)], &backwards), [], "what is supported commits to nothing");
    }

    #[test]
    fn the_shortest_way_counts_and_long_ways_do_not() {
        let held = [("a", 0.9), ("b", 0.5), ("c", 0.5), ("d", 0.5), ("e", 0.5), ("z", 0.9)];
        let chain = |last: &str| {
            let names = ["a", "b", "c", "d", "e"];
            let end = names.iter().position(|name| *name == last).unwrap();
            let mut edges: Vec<Edge> = (0..end).map(|at| edge(names[at], Relation::Supports, names[at + 1], 0.9)).collect();
            edges.push(edge(last, Relation::Contradicts, "z", 1.0));
            edges
        };
        assert_eq!(ways(&held, &chain("d")), [pair("abcd", "z")]);
        assert_eq!(ways(&held, &chain("e")), [], "four steps are too far to hold anybody to");
        let mut short = chain("d");
        short.push(edge("a", Relation::EvidenceFor, "d", 0.1));
        assert_eq!(ways(&held, &short), [pair("ad", "z")], "the short way, though it is lighter");
    }

    #[test]
    fn circles_end_and_a_belief_is_not_against_itself() {
        let edges =
            [edge("a", Relation::Supports, "b", 1.0), edge("b", Relation::Supports, "a", 1.0), edge("b", Relation::Contradicts, "a", 1.0)];
        assert_eq!(ways(&[("a", 0.9), ("b", 0.9)], &edges), [pair("b", "a")]);
        assert_eq!(ways(&[("a", 0.9)], &edges), [], "edges to beliefs that are not shown are left out");
    }
}
