//! Edges that a model suggests: kept, decided once, made without asking only where that is allowed.

use crate::house::{NOW, belief, mira, persona, with_database};
use quarterdeck::llm::relationships::Suggested;
use quarterdeck::memory::conflicts::Decided;
use quarterdeck::memory::edges::{self, Relation};
use quarterdeck::memory::graph::{Graph, View};
use quarterdeck::memory::suggestions::{self, Accepted};
use quarterdeck::memory::{Author, Error, Strength, relationships, revisions};

fn wish(target: &str, relation: &str, weight: f64) -> Suggested {
    Suggested { target_id: target.into(), target_title: "T".into(), relation: relation.into(), weight, reasoning: "They meet.".into() }
}

#[test]
fn suggestions_wait_are_decided_once_and_a_refused_one_does_not_come_back() {
    with_database(|c| {
        let actor = mira();
        let author = Author::new(&actor, NOW);
        let owner = persona(c, "owner");
        let (one, two, three) =
            (belief(c, &owner, "One", 0.6, NOW), belief(c, &owner, "Two", 0.6, NOW), belief(c, &owner, "Three", 0.9, NOW));
        let wishes = [wish(&two, "supports", 0.8), wish(&three, "contradicts", 0.3), wish(&two, "likes", 0.5), wish(&one, "supports", 0.5)];
        let kept = relationships::keep(c, &owner, &one, &wishes, Some("a-model"), None, &author).unwrap();
        assert_eq!((kept.suggested.len(), kept.linked.len(), kept.skipped.len()), (2, 0, 2), "{kept:?}");
        assert!(edges::list(c, &owner).unwrap().is_empty(), "a suggestion links nothing");
        let again = relationships::keep(c, &owner, &one, &wishes[..2], None, None, &author).unwrap();
        assert!(again.suggested.is_empty() && again.skipped[0].contains("waits already"), "{again:?}");
        let graph = Graph::load(c, &owner, &View::present(NOW)).unwrap();
        let waiting = |id: &str| graph.row(id).unwrap().suggestions;
        assert_eq!((waiting(&one), waiting(&two), waiting(&three)), (2, 1, 1));

        assert!(matches!(suggestions::accept(c, &owner, &kept.suggested[0], "", &author), Err(Error::Invalid { .. })));
        let Accepted::Edge(edge) = suggestions::accept(c, &owner, &kept.suggested[0], "sound", &author).unwrap() else { panic!() };
        assert_eq!((edge.source_id.as_str(), edge.target_id.as_str(), edge.weight), (one.as_str(), two.as_str(), 0.8));
        let twice = suggestions::refuse(c, &owner, &kept.suggested[0], "no", &author).unwrap_err();
        assert!(matches!(twice, Error::Decided { .. }) && twice.to_string().contains("accepted already, by mira"), "{twice}");
        suggestions::refuse(c, &owner, &kept.suggested[1], "far-fetched", &author).unwrap();
        let back = relationships::keep(c, &owner, &one, &wishes[..2], None, Some(0.0), &author).unwrap();
        assert!(back.linked.is_empty() && back.skipped[0].contains("already") && back.skipped[1].contains("refused before"), "{back:?}");
        let decided = suggestions::list(c, &owner, Decided::Refused).unwrap();
        let suggestions::Suggestion::Relationship(refused) = &decided[0] else { panic!() };
        assert_eq!((refused.decided_by.as_deref(), refused.reason.as_deref()), (Some("mira"), Some("far-fetched")));
    });
}

#[test]
fn only_heavy_edges_are_made_without_asking() {
    with_database(|c| {
        let actor = mira();
        let author = Author::new(&actor, NOW);
        let owner = persona(c, "owner");
        let (one, two) = (belief(c, &owner, "One", 0.6, NOW), belief(c, &owner, "Two", 0.6, NOW));
        let wishes = [wish(&two, "supports", 0.5), wish(&two, "evidence_for", 0.49)];
        let kept = relationships::keep(c, &owner, &one, &wishes, None, Some(0.5), &author).unwrap();
        assert_eq!((kept.linked.len(), kept.suggested.len()), (1, 1));
        assert_eq!(edges::list(c, &owner).unwrap()[0].relation, Relation::Supports);
        assert_eq!(suggestions::list(c, &owner, Decided::Linked).unwrap().len(), 1, "and it is told apart from what a person accepted");
    });
}

#[test]
fn a_conflict_that_was_refused_for_high_confidence_waits_and_is_decided() {
    with_database(|c| {
        let actor = mira();
        let author = Author::new(&actor, NOW);
        let owner = persona(c, "owner");
        let sure = belief(c, &owner, "Sure", 0.8, NOW);
        for _ in 0..2 {
            revisions::update_from_conflict(c, &owner, &sure, "A reader disagrees.", Strength::Moderate, Some("t1_x"), &author).unwrap();
        }
        let waiting = suggestions::open(c, &owner, Some(&sure)).unwrap();
        assert_eq!(waiting.len(), 1, "the same conflict waits once");
        let Accepted::Stance(change) = suggestions::accept(c, &owner, waiting[0].id(), "the reader is right", &author).unwrap() else {
            panic!()
        };
        assert_eq!((change.old_confidence, change.new_confidence), (Some(0.8), 0.708), "by the whole strength of the evidence");
        revisions::update_from_conflict(c, &owner, &sure, "Another one.", Strength::Weak, None, &author).unwrap();
        assert!(suggestions::open(c, &owner, None).unwrap().is_empty(), "below 0.8 it yields by itself");
    });
}
