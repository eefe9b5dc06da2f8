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
use std::collections::{BTreeSet, HashMap, HashSet};

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

/// Beliefs and the edges among them, ready to be walked. Edges that lead out of it are not part of it.
#[derive(Clone, Copy)]
pub struct Web<'a> {
    /// A belief by its number.
    pub belief: &'a dyn Fn(usize) -> Held<'a>,
    /// The edges.
    pub edges: &'a [Edge],
    /// For each edge, the numbers of its source and its target.
    pub ends: &'a [(usize, usize)],
    /// For each belief, its edges in the order of their numbers, and the belief at the other end of each.
    pub around: &'a [Vec<(usize, usize)>],
    /// The confidence that is held high.
    pub high: f64,
}

/// One way to read an edge `contradicts`, in the order in which they are read: the edge, and whether it is read from its target.
type Reading = (usize, bool);

impl Web<'_> {
    /// Every contradiction, the most severe first.
    #[must_use]
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let readings = (0..self.edges.len()).filter(|edge| self.contradicts(*edge)).flat_map(|edge| [(edge, false), (edge, true)]);
        let mut found = HashMap::new();
        for reading in readings {
            self.read(reading, &mut found, |_, _| true);
        }
        sorted(found.into_values().collect())
    }

    /// Those that a belief is part of, at either end or on the way: as [`Web::contradictions`] lists them, from what lies around it alone.
    #[must_use]
    pub fn contradictions_of(&self, belief: usize) -> Vec<Contradiction> {
        // Whatever it commits to may be contradicted, and it may itself contradict.
        let mut readings: BTreeSet<Reading> = BTreeSet::new();
        for touched in self.commitments(belief) {
            readings.extend(self.readings(touched).map(|(edge, from_target)| (edge, !from_target)));
        }
        readings.extend(self.readings(belief));
        let mut pairs: BTreeSet<(usize, usize)> = BTreeSet::new();
        for reading in &readings {
            let against = self.sides(*reading).1;
            if self.is_high(against) {
                for walk in self.walks(*reading) {
                    if self.is_high(walk.nodes[0]) && (against == belief || walk.nodes.contains(&belief)) {
                        pairs.insert(pair(walk.nodes[0], against));
                    }
                }
            }
        }
        // Each pair is told by its best way, which may lead elsewhere: every reading that joins one of these two with the other.
        let mut ways: HashMap<usize, HashSet<usize>> = HashMap::new();
        let mut deciding: BTreeSet<Reading> = BTreeSet::new();
        for (one, other) in &pairs {
            for (first, against) in [(*one, *other), (*other, *one)] {
                let reached = ways.entry(first).or_insert_with(|| self.commitments(first));
                deciding.extend(self.readings(against).filter(|reading| reached.contains(&self.sides(*reading).0)));
            }
        }
        let mut found = HashMap::new();
        for reading in deciding {
            self.read(reading, &mut found, |first, against| pairs.contains(&pair(first, against)));
        }
        let name = (self.belief)(belief);
        let is_part = |found: &Contradiction| found.against.id == name.id || found.path.iter().any(|named| named.id == name.id);
        sorted(found.into_values().filter(is_part).collect())
    }

    fn contradicts(&self, edge: usize) -> bool {
        self.edges[edge].relation == Relation::Contradicts
    }

    fn is_high(&self, number: usize) -> bool {
        (self.belief)(number).confidence.is_some_and(|confidence| confidence >= self.high)
    }

    /// What a reading touches, and what that is against.
    fn sides(&self, (edge, from_target): Reading) -> (usize, usize) {
        let (source, target) = self.ends[edge];
        if from_target { (target, source) } else { (source, target) }
    }

    /// The readings in which a belief is what the other side is against.
    fn readings(&self, against: usize) -> impl Iterator<Item = Reading> + '_ {
        self.around[against].iter().filter(|(edge, _)| self.contradicts(*edge)).map(move |(edge, _)| (*edge, self.ends[*edge].0 == against))
    }

    /// A belief and all that it commits to.
    fn commitments(&self, belief: usize) -> HashSet<usize> {
        let mut reached = HashSet::from([belief]);
        let mut last = vec![belief];
        for _ in 0..MAX_STEPS {
            let next: Vec<usize> = last
                .iter()
                .flat_map(|present| self.around[*present].iter().filter(|(edge, _)| self.ends[*edge].0 == *present))
                .filter(|(edge, other)| !self.contradicts(*edge) && reached.insert(*other))
                .map(|(_, other)| *other)
                .collect();
            last = next;
        }
        reached
    }

    /// Keep the best way of each pair that a reading brings.
    fn read(&self, reading: Reading, found: &mut HashMap<(usize, usize), Contradiction>, wanted: impl Fn(usize, usize) -> bool) {
        let against = self.sides(reading).1;
        if !self.is_high(against) {
            return;
        }
        let edge = &self.edges[reading.0];
        for walk in self.walks(reading) {
            let first = walk.nodes[0];
            if !self.is_high(first) || !wanted(first, against) {
                continue;
            }
            let [one, other] = [first, against].map(|number| (self.belief)(number).confidence.unwrap_or(0.0));
            let severity = one.min(other) * edge.weight * walk.weight;
            let known = found.get(&pair(first, against));
            if known.is_none_or(|known| (walk.nodes.len(), -severity) < (known.path.len(), -known.severity)) {
                let contradiction = Contradiction {
                    path: walk.nodes.iter().map(|number| named(&(self.belief)(*number))).collect(),
                    steps: walk.steps,
                    against: named(&(self.belief)(against)),
                    edge_id: edge.id.clone(),
                    severity,
                };
                found.insert(pair(first, against), contradiction);
            }
        }
    }

    /// Shortest ways that lead to what a reading touches and do not go through what it is against, one from each belief, the way of no steps
    /// first; among equally short ones the heaviest. They are walked backwards, so that only what leads there is looked at.
    fn walks(&self, reading: Reading) -> Vec<Walk> {
        let (end, avoided) = self.sides(reading);
        // For each belief that was reached: the steps from it to the end, the next belief on the way, by which edge, and the weight of the whole.
        let mut reached: HashMap<usize, (usize, usize, Relation, f64)> = HashMap::from([(end, (0, end, Relation::Supports, 1.0))]);
        let mut order = vec![end];
        let mut at = 0;
        while let Some(present) = order.get(at).copied() {
            at += 1;
            let (distance, _, _, weight) = reached[&present];
            if distance == MAX_STEPS {
                break;
            }
            for (edge, source) in &self.around[present] {
                if self.ends[*edge].1 != present || self.contradicts(*edge) || *source == avoided {
                    continue;
                }
                let edge = &self.edges[*edge];
                let candidate = (distance + 1, present, edge.relation, weight * edge.weight);
                match reached.get(source) {
                    Some(known) if known.0 < candidate.0 || (known.0 == candidate.0 && known.3 >= candidate.3) => {}
                    Some(_) => {
                        reached.insert(*source, candidate);
                    }
                    None => {
                        reached.insert(*source, candidate);
                        order.push(*source);
                    }
                }
            }
        }
        let walk = |start: usize| {
            let mut walk = Walk { nodes: vec![start], steps: Vec::new(), weight: reached[&start].3 };
            let mut present = start;
            while present != end {
                let (_, next, relation, _) = reached[&present];
                walk.nodes.push(next);
                walk.steps.push(relation);
                present = next;
            }
            walk
        };
        order.into_iter().map(walk).collect()
    }
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

fn sorted(mut found: Vec<Contradiction>) -> Vec<Contradiction> {
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

fn named(belief: &Held<'_>) -> Named {
    Named { id: belief.id.to_owned(), title: belief.title.to_owned(), confidence: belief.confidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(source: &str, relation: Relation, target: &str, weight: f64) -> Edge {
        Edge { id: format!("{source}{target}"), source_id: source.into(), target_id: target.into(), relation, weight, created_at: 0 }
    }

    /// All contradictions; and those of each belief, found from what lies around it, are those of all that it is part of.
    fn all(held: &[(String, f64)], edges: &[Edge]) -> Vec<Contradiction> {
        let place = |id: &str| held.iter().position(|(known, _)| known == id);
        let mut around = vec![Vec::new(); held.len()];
        let (mut ends, mut inside) = (Vec::new(), Vec::new());
        for edge in edges {
            if let Some((source, target)) = place(&edge.source_id).zip(place(&edge.target_id)) {
                around[source].push((inside.len(), target));
                around[target].push((inside.len(), source));
                ends.push((source, target));
                inside.push(edge.clone());
            }
        }
        let belief = |number: usize| {
            let (id, confidence) = &held[number];
            Held { id, title: id, confidence: Some(*confidence) }
        };
        let web = Web { belief: &belief, edges: &inside, ends: &ends, around: &around, high: 0.8 };
        let all = web.contradictions();
        for (number, (id, _)) in held.iter().enumerate() {
            let is_part = |found: &&Contradiction| found.against.id == *id || found.path.iter().any(|named| named.id == *id);
            let part: Vec<Contradiction> = all.iter().filter(is_part).cloned().collect();
            assert_eq!(web.contradictions_of(number), part, "of {id}");
        }
        all
    }

    fn ways(held: &[(&str, f64)], edges: &[Edge]) -> Vec<(String, String)> {
        let held: Vec<(String, f64)> = held.iter().map(|(id, confidence)| ((*id).to_owned(), *confidence)).collect();
        let way = |path: &[Named]| path.iter().map(|named| named.id.as_str()).collect::<String>();
        all(&held, edges).iter().map(|found| (way(&found.path), found.against.id.clone())).collect()
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
    fn what_lies_around_a_belief_is_enough_to_know_its_contradictions() {
        let mut dice = fastrand::Rng::with_seed(5);
        let mut found = 0;
        for round in 0..60 {
            let count = dice.usize(4..40);
            let held: Vec<(String, f64)> = (0..count).map(|number| (format!("n{number:02}"), dice.f64())).collect();
            let edges: Vec<Edge> = (0..count * dice.usize(1..5))
                .map(|_| {
                    let (source, target) = (dice.usize(..count), dice.usize(..count));
                    let relation = [Relation::Contradicts, Relation::Supports, Relation::DependsOn, Relation::EvidenceFor][dice.usize(..4)];
                    (source, target, relation)
                })
                .filter(|(source, target, _)| source != target)
                .enumerate()
                // Few weights, so that many ways are alike.
                .map(|(number, (source, target, relation))| Edge {
                    id: format!("e{number:03}"),
                    weight: [0.25, 0.5, 1.0][number % 3],
                    ..edge(&held[source].0, relation, &held[target].0, 0.5)
                })
                .collect();
            found += all(&held, &edges).len();
            assert!(round < 59 || found > 100, "{found}");
        }
    }

    #[test]
    fn circles_end_and_a_belief_is_not_against_itself() {
        let edges =
            [edge("a", Relation::Supports, "b", 1.0), edge("b", Relation::Supports, "a", 1.0), edge("b", Relation::Contradicts, "a", 1.0)];
        assert_eq!(ways(&[("a", 0.9), ("b", 0.9)], &edges), [pair("b", "a")]);
        assert_eq!(ways(&[("a", 0.9)], &edges), [], "edges to beliefs that are not shown are left out");
    }
}
