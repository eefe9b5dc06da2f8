//! How much rests on each belief. Arithmetic only.

use crate::memory::edges::{Edge, Relation};

const DAMPING: f64 = 0.85;
/// More change nothing that anybody would see.
const ROUNDS: usize = 30;
/// When no belief's share moves by more than this, it is settled.
const SETTLED: f64 = 1e-9;

/// PageRank along "rests on", as multiples of the average. `ends` are the numbers of each edge's source and target.
pub(super) fn centrality(beliefs: usize, ends: &[(usize, usize)], edges: &[Edge]) -> Vec<f64> {
    let passes: Vec<(usize, usize, f64)> = ends
        .iter()
        .zip(edges)
        .filter_map(|((source, target), edge)| match edge.relation {
            Relation::Supports | Relation::EvidenceFor => Some((*target, *source, edge.weight)),
            Relation::DependsOn => Some((*source, *target, edge.weight)),
            Relation::Contradicts => None,
        })
        .filter(|(_, _, weight)| *weight > 0.0)
        .collect();
    let mut sums = vec![0.0; beliefs];
    for (from, _, weight) in &passes {
        sums[*from] += weight;
    }
    let mut ranks = vec![1.0; beliefs];
    for _ in 0..ROUNDS {
        // What rests on nothing gives its share to all alike.
        let idle: f64 = ranks.iter().zip(&sums).filter(|(_, sum)| **sum == 0.0).map(|(rank, _)| rank).sum();
        let base = (1.0 - DAMPING) + DAMPING * idle / beliefs.max(1) as f64;
        let mut next = vec![base; beliefs];
        for (from, to, weight) in &passes {
            next[*to] += DAMPING * ranks[*from] * weight / sums[*from];
        }
        let moved = ranks.iter().zip(&next).map(|(before, after)| (before - after).abs()).fold(0.0, f64::max);
        ranks = next;
        if moved < SETTLED {
            break;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(relation: Relation) -> Edge {
        Edge { id: String::new(), source_id: String::new(), target_id: String::new(), relation, weight: 0.5, created_at: 0 }
    }

    #[test]
    fn what_others_rest_on_counts_most() {
        // 1 and 2 are supported by 0; 3 depends on 0; 3 contradicts 1.
        let ends = [(0, 1), (0, 2), (3, 0), (3, 1)];
        let edges = [edge(Relation::Supports), edge(Relation::EvidenceFor), edge(Relation::DependsOn), edge(Relation::Contradicts)];
        let ranks = centrality(4, &ends, &edges);
        assert!(ranks[0] > 2.0 && ranks[1] < 1.0, "{ranks:?}");
        assert!((ranks[1] - ranks[2]).abs() < 1e-6, "a contradiction is no foundation: {ranks:?}");
        assert!((ranks.iter().sum::<f64>() - 4.0).abs() < 1e-6, "the average is one: {ranks:?}");
        assert!(centrality(0, &[], &[]).is_empty());
        assert_eq!(centrality(2, &[], &[]), [1.0, 1.0]);
    }
}
