//! Taking changes back: the history keeps both, and a later change stands in the way.

use crate::house::{NOW, belief, mira, persona, with_database};
use quarterdeck::memory::beliefs::{self, BeliefEdit};
use quarterdeck::memory::edges::{self, Relation};
use quarterdeck::memory::evidence::{self, SourceType};
use quarterdeck::memory::{Author, Direction, Error, Strength, history, revisions, stances, undo};

#[test]
fn changes_are_taken_back_one_after_the_other_and_back_again() {
    with_database(|c| {
        let actor = mira();
        let owner = persona(c, "owner");
        let (held, other) = (belief(c, &owner, "Held", 0.6, NOW), belief(c, &owner, "Other", 0.6, NOW));
        let at = |minutes: i64| Author::new(&actor, NOW + minutes);
        let start = history::present(c, &owner).unwrap().nodes[0].clone();
        revisions::nudge(c, &owner, &held, Direction::Increase, 0.1, None, &at(1)).unwrap();
        let tags = ["new".to_owned()];
        let edit = BeliefEdit { title: Some("Held still"), summary: None, tags: Some(&tags) };
        beliefs::edit(c, &owner, &held, &edit, "clearer", &at(2)).unwrap();
        let edge = edges::add(c, &owner, &held, &other, Relation::Supports, 0.7, &at(3)).unwrap();
        stances::lock(c, &owner, &held, "settled", &at(4)).unwrap();

        assert!(undo::undo(c, &owner, &held, None, " ", &at(5)).is_err(), "a reason is needed");
        for (step, action) in [(5, "belief.lock"), (6, "edge.add"), (7, "belief.edit"), (8, "belief.update")] {
            let undone = undo::undo(c, &owner, &held, None, "a mistake", &at(step)).unwrap();
            assert_eq!(undone.update.action.as_deref(), Some(action));
            assert_eq!(undone.by.undoes.as_deref(), Some(undone.update.id.as_str()));
        }
        let now = history::present(c, &owner).unwrap();
        let node = &now.nodes[0];
        assert_eq!(
            (&node.title, &node.tags, node.confidence, node.locked, now.edges.len()),
            (&start.title, &start.tags, start.confidence, false, 0)
        );
        let none = undo::undo(c, &owner, &held, None, "more", &at(9)).unwrap_err();
        assert!(matches!(none, Error::NotUndoable { .. }) && none.to_string().contains("no change left"), "{none}");
        let all = beliefs::history(c, &owner, &held, None, 50).unwrap();
        assert_eq!(all.len(), 9, "one made, four changes, four taken back: nothing is removed");
        assert_eq!(history::as_of(c, &owner, (NOW + 4).into()).unwrap().edges[0].id, edge.id, "and the past is what it was");

        // What took the edge away is itself a change, and is taken back by a new edge of the same kind.
        let removed = all.iter().find(|change| change.action.as_deref() == Some("edge.remove")).unwrap();
        undo::undo(c, &owner, &held, Some(&removed.id), "it was right", &at(10)).unwrap();
        let again = edges::list(c, &owner).unwrap();
        assert_eq!((again.len(), again[0].relation, again[0].weight), (1, Relation::Supports, 0.7));
        assert!(again[0].id != edge.id);
    });
}

#[test]
fn what_changed_since_stands_in_the_way() {
    with_database(|c| {
        let actor = mira();
        let owner = persona(c, "owner");
        let held = belief(c, &owner, "Held", 0.6, NOW);
        let at = |minutes: i64| Author::new(&actor, NOW + minutes);
        revisions::nudge(c, &owner, &held, Direction::Increase, 0.1, None, &at(1)).unwrap();
        revisions::update_by_hand(c, &owner, &held, Some(0.2), None, "seen otherwise", &at(2)).unwrap();
        evidence::append(c, &owner, &held, SourceType::Note, "a note", Strength::Weak, &at(3)).unwrap();
        let all = beliefs::history(c, &owner, &held, None, 50).unwrap();
        let ids: Vec<&str> = all.iter().map(|change| change.id.as_str()).collect();
        for (number, words) in [(0, "evidence stays"), (2, "changed again since"), (3, "a belief stays")] {
            let refused = undo::undo(c, &owner, &held, Some(ids[number]), "x", &at(4)).unwrap_err();
            assert!(refused.to_string().contains(words), "{refused}");
        }
        undo::undo(c, &owner, &held, Some(ids[1]), "x", &at(5)).unwrap();
        let twice = undo::undo(c, &owner, &held, Some(ids[1]), "x", &at(6)).unwrap_err();
        assert!(twice.to_string().contains("already"), "{twice}");
        undo::undo(c, &owner, &held, Some(ids[2]), "x", &at(7)).unwrap();
        assert_eq!(beliefs::require(c, &owner, &held).unwrap().confidence, Some(0.6), "step by step to where it began");
        assert!(matches!(undo::undo(c, &owner, &held, Some("nothing"), "x", &at(8)), Err(Error::NotFound { .. })));
    });
}
