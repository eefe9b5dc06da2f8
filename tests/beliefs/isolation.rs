//! Two personas on one deck: no operation of one reaches a row of the other, whatever id it is given. And values that are none.

use crate::house::{NOW, belief, count, mira, persona, with_database};
use quarterdeck::llm::relationships::Suggested;
use quarterdeck::memory::beliefs::{self, BeliefEdit, NewBelief};
use quarterdeck::memory::conflicts::{self, Decided};
use quarterdeck::memory::edges::{self, Relation};
use quarterdeck::memory::evidence::{self, SourceType};
use quarterdeck::memory::graph::{self, Graph, View};
use quarterdeck::memory::history;
use quarterdeck::memory::interactions::{self, BeliefSnapshot, InteractionMetadata, InteractionType, NewInteraction};
use quarterdeck::memory::revisions::{self, ConflictOutcome, Weighed};
use quarterdeck::memory::short_ids::{self, Named};
use quarterdeck::memory::stances::{self, NewStance};
use quarterdeck::memory::{Author, Direction, Error, Strength, Trigger, interchange, relationships, suggestions, undo};

#[test]
fn no_operation_reaches_another_personas_rows() {
    with_database(|c| {
        let actor = mira();
        let author = Author::new(&actor, NOW);
        let (ours, theirs) = (persona(c, "ours"), persona(c, "theirs"));
        let (mine, other) = (belief(c, &ours, "Mine", 0.9, NOW), belief(c, &ours, "Other", 0.6, NOW));
        let edge = edges::add(c, &ours, &mine, &other, Relation::Supports, 0.5, &author).unwrap();
        let wish = Suggested {
            target_id: other.clone(),
            target_title: "Other".into(),
            relation: "contradicts".into(),
            weight: 0.4,
            reasoning: "Why.".into(),
        };
        let waiting = relationships::keep(c, &ours, &mine, std::slice::from_ref(&wish), None, None, &author).unwrap().suggested[0].clone();
        let outcome = revisions::update_from_conflict(c, &ours, &mine, "It is said.", Strength::Weak, None, &author).unwrap();
        let ConflictOutcome::RefusedHighConfidence { review, .. } = outcome else { panic!("{outcome:?}") };
        let snapshot = BeliefSnapshot { belief_id: mine.clone(), title: "Mine".into(), confidence: Some(0.9), stance: "I hold it.".into() };
        let metadata = InteractionMetadata { beliefs: vec![snapshot], ..InteractionMetadata::default() };
        let said = NewInteraction {
            content: "Said from it.",
            interaction_type: InteractionType::Comment,
            reddit_id: "t1_said",
            subreddit: "test",
            parent_id: None,
            metadata: &metadata,
        };
        interactions::log(c, &ours, &said, &author).unwrap();
        let change = beliefs::history(c, &ours, &mine, None, 1).unwrap()[0].id.clone();
        let before = (history::present(c, &ours).unwrap(), count(c, "audit_log"), count(c, "belief_updates"), count(c, "change_feed"));

        let view = View::present(NOW);
        let stance = NewStance { text: "Theirs now.", confidence: 0.1, rationale: "Because." };
        let edit = BeliefEdit { title: Some("Theirs"), ..BeliefEdit::default() };
        let weighed = Weighed { source_type: SourceType::Note, source_ref: "x", strength: Strength::Weak, direction: Direction::Increase };
        let refusals: Vec<(&str, Error)> = vec![
            ("get", beliefs::get(c, &theirs, &mine).unwrap_err()),
            ("edit", beliefs::edit(c, &theirs, &mine, &edit, "x", &author).unwrap_err()),
            ("stance", stances::update(c, &theirs, &mine, &stance, Trigger::Manual, &author).unwrap_err()),
            ("lock", stances::lock(c, &theirs, &mine, "x", &author).unwrap_err()),
            ("unlock", stances::unlock(c, &theirs, &mine, "x", &author).unwrap_err()),
            ("evidence", evidence::append(c, &theirs, &mine, SourceType::Note, "x", Strength::Weak, &author).unwrap_err()),
            ("weigh", revisions::weigh_source(c, &theirs, &mine, &weighed, "x", &author).unwrap_err()),
            ("update", revisions::update_from_evidence(c, &theirs, &mine, Strength::Weak, Direction::Increase, "x", &author).unwrap_err()),
            ("conflict", revisions::update_from_conflict(c, &theirs, &mine, "x", Strength::Weak, None, &author).unwrap_err()),
            ("nudge", revisions::nudge(c, &theirs, &mine, Direction::Increase, 0.1, None, &author).unwrap_err()),
            ("by hand", revisions::update_by_hand(c, &theirs, &mine, Some(0.2), None, "x", &author).unwrap_err()),
            ("link", edges::add(c, &theirs, &mine, &other, Relation::DependsOn, 0.5, &author).unwrap_err()),
            ("unlink", edges::remove(c, &theirs, &edge.id, &author).unwrap_err()),
            ("undo", undo::undo(c, &theirs, &mine, Some(&change), "x", &author).unwrap_err()),
            ("candidates", relationships::candidates(c, &theirs, &mine).unwrap_err()),
            ("suggest", relationships::keep(c, &theirs, &mine, std::slice::from_ref(&wish), None, None, &author).unwrap_err()),
            ("accept", suggestions::accept(c, &theirs, &waiting, "x", &author).unwrap_err()),
            ("refuse", suggestions::refuse(c, &theirs, &waiting, "x", &author).unwrap_err()),
            ("accept a conflict", suggestions::accept(c, &theirs, &review, "x", &author).unwrap_err()),
            ("refuse a conflict", conflicts::refuse(c, &theirs, &review, "x", &author).unwrap_err()),
            ("chain", history::chain(c, &theirs, &mine).unwrap_err()),
            ("detail", graph::detail(c, &theirs, &mine, &view).unwrap_err()),
            ("neighbourhood", graph::neighbourhood(c, &theirs, &mine, 2, 50, &view).unwrap_err()),
            ("short id", short_ids::resolve(c, &theirs, Named::Belief, &mine[mine.len() - 8..]).unwrap_err()),
            ("title", short_ids::resolve(c, &theirs, Named::Belief, "Mine").unwrap_err()),
            ("edge id", short_ids::resolve(c, &theirs, Named::Edge, &edge.id).unwrap_err()),
            ("suggestion id", short_ids::resolve(c, &theirs, Named::Suggestion, &waiting).unwrap_err()),
            ("change id", short_ids::resolve(c, &theirs, Named::Change, &change).unwrap_err()),
        ];
        for (what, refusal) in refusals {
            assert!(matches!(refusal, Error::NotFound { .. }), "{what}: {refusal}");
        }
        assert_eq!(history::present(c, &theirs).unwrap(), history::GraphThen::default());
        assert_eq!(history::as_of(c, &theirs, NOW.into()).unwrap(), history::GraphThen::default());
        assert!(graph::overview(c, &theirs, &view).unwrap().is_empty());
        assert!(suggestions::open(c, &theirs, None).unwrap().is_empty());
        assert!(interactions::from_belief(c, &theirs, &mine, None, 10).unwrap().is_empty());
        assert!(relationships::requested(c, &theirs, 10).unwrap().is_empty());
        assert!(interchange::export(c, &theirs, NOW).unwrap().beliefs.is_empty());

        // An edge between two personas, by an id of each.
        let stranger = belief(c, &theirs, "Theirs", 0.5, NOW);
        assert!(matches!(edges::add(c, &ours, &mine, &stranger, Relation::Supports, 0.5, &author), Err(Error::NotFound { .. })));
        let across = Suggested { target_id: stranger.clone(), ..wish };
        let kept = relationships::keep(c, &ours, &mine, &[across], None, Some(0.0), &author).unwrap();
        assert!(kept.linked.is_empty() && kept.suggested.is_empty() && kept.skipped.len() == 1, "{kept:?}");
        let after =
            (history::present(c, &ours).unwrap(), count(c, "audit_log") - 1, count(c, "belief_updates") - 1, count(c, "change_feed") - 1);
        assert_eq!(after, before, "refusals leave no trace; the one row more is the belief of the other persona");
    });
}

#[test]
fn numbers_that_are_no_confidences_are_refused_on_every_path() {
    with_database(|c| {
        let actor = mira();
        let author = Author::new(&actor, NOW);
        let owner = persona(c, "owner");
        let (one, two) = (belief(c, &owner, "One", 0.5, NOW), belief(c, &owner, "Two", 0.5, NOW));
        let rows = count(c, "audit_log");
        for bad in [f64::NAN, -0.01, 1.01, f64::INFINITY, f64::NEG_INFINITY] {
            let new = NewBelief { title: "T", summary: "S", confidence: bad, tags: &[], stance: "X", rationale: "R" };
            let stance = NewStance { text: "X", confidence: bad, rationale: "R" };
            let refusals = [
                beliefs::create(c, &owner, &new, Trigger::Manual, &author).unwrap_err(),
                stances::update(c, &owner, &one, &stance, Trigger::Manual, &author).unwrap_err(),
                revisions::update_by_hand(c, &owner, &one, Some(bad), None, "R", &author).unwrap_err(),
                revisions::nudge(c, &owner, &one, Direction::Increase, bad, None, &author).unwrap_err(),
                edges::add(c, &owner, &one, &two, Relation::Supports, bad, &author).unwrap_err(),
                beliefs::query(c, &owner, &beliefs::BeliefFilter { tags: vec![], min_confidence: Some(bad) }).unwrap_err(),
                beliefs::recall(c, &owner, bad, 5).unwrap_err(),
            ];
            for refusal in refusals {
                assert!(matches!(refusal, Error::Invalid { .. }), "{bad}: {refusal}");
            }
        }
        for strange in ["", "huge", "Strong", "0.2"] {
            assert!(strange.parse::<Strength>().is_err() && strange.parse::<Relation>().is_err() && strange.parse::<SourceType>().is_err());
        }
        assert_eq!(count(c, "audit_log"), rows, "nothing was written");
        assert_eq!(history::present(c, &owner).unwrap().nodes.len(), 2);
    });
}

#[test]
fn a_locked_stance_stays_on_every_path_and_says_what_to_do() {
    with_database(|c| {
        let actor = mira();
        let author = Author::new(&actor, NOW + 1);
        let owner = persona(c, "owner");
        let held = belief(c, &owner, "Held", 0.9, NOW);
        // A conflict that was raised before the lock waits on.
        let outcome = revisions::update_from_conflict(c, &owner, &held, "It is said.", Strength::Weak, None, &author).unwrap();
        let ConflictOutcome::RefusedHighConfidence { review, .. } = outcome else { panic!("{outcome:?}") };
        revisions::nudge(c, &owner, &held, Direction::Decrease, 0.05, None, &author).unwrap();
        stances::lock(c, &owner, &held, "settled", &author).unwrap();
        let before = history::present(c, &owner).unwrap();
        let stance = NewStance { text: "X", confidence: 0.1, rationale: "R" };
        let edit = BeliefEdit { summary: Some("Another"), ..BeliefEdit::default() };
        let weighed =
            Weighed { source_type: SourceType::Note, source_ref: "x", strength: Strength::Strong, direction: Direction::Decrease };
        let refusals = [
            stances::update(c, &owner, &held, &stance, Trigger::Governor, &author).unwrap_err(),
            beliefs::edit(c, &owner, &held, &edit, "R", &author).unwrap_err(),
            revisions::update_from_evidence(c, &owner, &held, Strength::Strong, Direction::Decrease, "R", &author).unwrap_err(),
            revisions::weigh_source(c, &owner, &held, &weighed, "R", &author).unwrap_err(),
            revisions::nudge(c, &owner, &held, Direction::Decrease, 0.5, None, &author).unwrap_err(),
            revisions::update_by_hand(c, &owner, &held, Some(0.1), None, "R", &author).unwrap_err(),
            suggestions::accept(c, &owner, &review, "R", &author).unwrap_err(),
        ];
        for refusal in refusals {
            assert!(matches!(refusal, Error::Locked { .. }) && refusal.to_string().contains("unlock it first"), "{refusal}");
        }
        let change = beliefs::history(c, &owner, &held, None, 10).unwrap();
        let nudge = change.iter().find(|change| change.action.as_deref() == Some("belief.update")).unwrap();
        assert!(matches!(undo::undo(c, &owner, &held, Some(&nudge.id), "R", &author), Err(Error::Locked { .. })));
        let conflict = revisions::update_from_conflict(c, &owner, &held, "x", Strength::Strong, None, &author).unwrap();
        assert_eq!(conflict, ConflictOutcome::RefusedLocked);
        assert_eq!(history::present(c, &owner).unwrap(), before);
        assert_eq!(conflicts::list(c, &owner, Decided::Open).unwrap().len(), 1, "the conflict waits on");
        evidence::append(c, &owner, &held, SourceType::Note, "kept for later", Strength::Weak, &author).unwrap();
        assert_eq!(Graph::load(c, &owner, &View::present(NOW)).unwrap().row(&held).unwrap().confidence, before.nodes[0].confidence);
    });
}
