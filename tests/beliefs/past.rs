//! The past: what was so, what was known, what led to what, and documents that do not hold.

use crate::house::{NOW, belief, count, mira, persona, with_database};
use quarterdeck::memory::edges::{self, Relation};
use quarterdeck::memory::evidence::SourceType;
use quarterdeck::memory::graph::{self, View};
use quarterdeck::memory::history::{self, Moment};
use quarterdeck::memory::interactions::{self, InteractionMetadata, InteractionType, NewInteraction};
use quarterdeck::memory::interchange::{self, Document};
use quarterdeck::memory::revisions::{self, Weighed};
use quarterdeck::memory::{Author, Direction, Strength, stances};
use quarterdeck::store::Conn;
use serde_json::{Value, json};

const DAY: i64 = 86_400_000;

fn say(c: &mut dyn Conn, owner: &quarterdeck::base::PersonaId, belief: &str, id: &str, at: i64) {
    let beliefs = interactions::snapshot(c, owner, &[belief.to_owned()]).unwrap();
    let metadata = InteractionMetadata { beliefs, ..InteractionMetadata::default() };
    let new = NewInteraction {
        content: "Said from it.",
        interaction_type: InteractionType::Comment,
        reddit_id: id,
        subreddit: "test",
        parent_id: None,
        metadata: &metadata,
    };
    interactions::log(c, owner, &new, &Author::new(&mira(), at)).unwrap();
}

#[test]
fn the_chain_leads_from_evidence_to_stance_to_what_was_said() {
    with_database(|c| {
        let actor = mira();
        let owner = persona(c, "owner");
        let held = belief(c, &owner, "Held", 0.6, NOW);
        say(c, &owner, &held, "t1_first", NOW + 1);
        let source = Weighed {
            source_type: SourceType::ExternalLink,
            source_ref: "https://example.org/study",
            strength: Strength::Strong,
            direction: Direction::Increase,
        };
        let change = revisions::weigh_source(c, &owner, &held, &source, "A study", &Author::new(&actor, NOW + 2)).unwrap();
        say(c, &owner, &held, "t1_second", NOW + 3);
        stances::lock(c, &owner, &held, "settled", &Author::new(&actor, NOW + 4)).unwrap();
        say(c, &owner, &held, "t1_third", NOW + 5);

        let chain = history::chain(c, &owner, &held).unwrap();
        assert_eq!(chain.stances.len(), 2);
        let (before, after) = (&chain.stances[0], &chain.stances[1]);
        let said = |posts: &[history::Post]| posts.iter().map(|post| post.reddit_id.clone()).collect::<Vec<_>>();
        assert_eq!((before.until, said(&before.posts)), (Some(NOW + 2), vec!["t1_first".to_owned()]));
        assert_eq!(said(&after.posts), ["t1_second", "t1_third"]);
        assert_eq!((after.stance.id.as_str(), after.evidence.len(), before.evidence.len()), (change.stance_id.as_str(), 1, 0));
        assert_eq!(after.evidence[0].direction, Some(Direction::Increase));
        assert!(chain.unplaced.is_empty() && chain.unplaced_evidence.is_empty());

        let then = graph::detail(c, &owner, &held, &View::then(NOW + 1, NOW + 9)).unwrap();
        assert_eq!(
            (then.row.confidence, then.row.locked, then.posts.len(), then.evidence.len(), then.stances.len()),
            (Some(0.6), false, 1, 0, 1)
        );
        let now = graph::detail(c, &owner, &held, &View::present(NOW + 9)).unwrap();
        assert_eq!(
            (now.row.confidence, now.row.locked, now.posts.len(), now.stances[0].percent_points),
            (Some(0.803), true, 3, Some(20.3))
        );
    });
}

#[test]
fn drift_is_told_in_percent_points_and_only_where_it_is_known() {
    with_database(|c| {
        let actor = mira();
        let owner = persona(c, "owner");
        let (old, calm) = (belief(c, &owner, "Old", 0.6, NOW - 20 * DAY), belief(c, &owner, "Calm", 0.7, NOW - 20 * DAY));
        let young = belief(c, &owner, "Young", 0.5, NOW - DAY);
        revisions::update_by_hand(c, &owner, &old, Some(0.9), None, "x", &Author::new(&actor, NOW - 10 * DAY)).unwrap();
        revisions::update_by_hand(c, &owner, &old, Some(0.45), None, "x", &Author::new(&actor, NOW - DAY)).unwrap();
        let drift = |c: &mut dyn Conn, view: &View, id: &str| {
            graph::overview(c, &owner, view).unwrap().into_iter().find(|row| row.id == id).map(|row| row.drift)
        };
        let week = View::present(NOW);
        assert_eq!([&old, &calm, &young].map(|id| drift(c, &week, id)), [Some(Some(-45.0)), Some(Some(0.0)), Some(None)]);
        let month = View { window: 15 * DAY, ..week };
        assert_eq!(drift(c, &month, &old), Some(Some(-15.0)), "from 0.6 to 0.45");
        let earlier = View::then(NOW - 9 * DAY, NOW);
        assert_eq!((drift(c, &earlier, &old), drift(c, &earlier, &young)), (Some(Some(30.0)), None), "the young one was not there");
    });
}

#[test]
fn what_was_so_and_what_was_known_are_two_things_after_an_import() {
    with_database(|c| {
        let actor = mira();
        let (owner, other) = (persona(c, "owner"), persona(c, "other"));
        let (one, two) = (belief(c, &owner, "One", 0.6, NOW), belief(c, &owner, "Two", 0.6, NOW));
        let edge = edges::add(c, &owner, &one, &two, Relation::Supports, 0.5, &Author::new(&actor, NOW + 1)).unwrap();
        edges::remove(c, &owner, &edge.id, &Author::new(&actor, NOW + 3)).unwrap();
        let document = interchange::export(c, &owner, NOW + 4).unwrap();
        interchange::import(c, &other, &document, "moved", false, &Author::new(&actor, NOW + 100)).unwrap();
        let seen = |c: &mut dyn Conn, owner, at, known_by| {
            let graph = history::as_of(c, owner, Moment { at, known_by }).unwrap();
            (graph.nodes.len(), graph.edges.len())
        };
        assert_eq!(seen(c, &other, NOW + 2, None), (2, 1), "it was so then");
        assert_eq!(seen(c, &other, NOW + 2, Some(NOW + 50)), (0, 0), "and this deck did not know of it yet");
        assert_eq!(seen(c, &other, NOW + 2, Some(NOW + 100)), (2, 1));
        assert_eq!(seen(c, &owner, NOW + 4, Some(NOW + 2)), (2, 1), "before it was removed nobody knew that it would be");
    });
}

/// A document of two beliefs with an edge, to be spoilt.
fn sound(c: &mut dyn Conn) -> (quarterdeck::base::PersonaId, Value) {
    let (owner, other) = (persona(c, "owner"), persona(c, "other"));
    let (one, two) = (belief(c, &owner, "One", 0.6, NOW), belief(c, &owner, "Two", 0.6, NOW));
    edges::add(c, &owner, &one, &two, Relation::Supports, 0.5, &Author::new(&mira(), NOW + 1)).unwrap();
    (other, json!(interchange::export(c, &owner, NOW + 2).unwrap()))
}

#[test]
fn a_document_with_anything_wrong_is_not_written_at_all() {
    with_database(|c| {
        let (other, document) = sound(c);
        type Spoil = fn(&mut Value);
        let spoilt: [(Spoil, &str); 16] = [
            (|it| it["version"] = json!(2), "format"),
            (|it| it["beliefs"][0]["confidence"] = json!(1.5), "beliefs[0].confidence"),
            (|it| it["beliefs"][0]["title"] = json!(" "), "beliefs[0].title"),
            (|it| it["beliefs"][1]["id"] = it["beliefs"][0]["id"].clone(), "beliefs[1].id"),
            (|it| it["beliefs"][1]["stances"][0]["confidence"] = json!(-1), "beliefs[1].stances[0].confidence"),
            (|it| it["beliefs"][1]["stances"][0]["status"] = json!("deprecated"), "beliefs[1].states"),
            (|it| it["beliefs"][1]["states"][0]["stance_id"] = json!("x"), "beliefs[1].states[0].stance_id"),
            (|it| it["beliefs"][1]["states"][0]["held_until"] = json!(5), "beliefs[1].states[0].held_until"),
            (|it| it["beliefs"][1]["states"] = json!([]), "beliefs[1].states"),
            (|it| it["beliefs"][1]["updates"][0]["trigger_type"] = json!("whim"), "beliefs[1].updates[0].trigger_type"),
            (|it| it["beliefs"][0]["id"] = json!("../../etc"), "beliefs[0].id"),
            (|it| it["edges"][0]["target_id"] = json!("nowhere"), "edges[0].target_id"),
            (|it| it["edges"][0]["weight"] = json!(7), "edges[0].weight"),
            (|it| it["edges"][0]["target_id"] = it["edges"][0]["source_id"].clone(), "edges[0]"),
            (|it| it["edges"][0]["held_until"] = json!(1), "edges[0].held_until"),
            (
                |it| {
                    let mut twin = it["edges"][0].clone();
                    twin["id"] = json!("twin");
                    it["edges"].as_array_mut().unwrap().push(twin);
                },
                "edges[1]",
            ),
        ];
        let rows = count(c, "audit_log");
        let actor = mira();
        for (spoil, place) in spoilt {
            let mut document = document.clone();
            spoil(&mut document);
            let document: Document = serde_json::from_value(document).unwrap();
            let done = interchange::import(c, &other, &document, "x", false, &Author::new(&actor, NOW)).unwrap();
            assert!(!done.written && done.problems.iter().any(|problem| problem.place == place), "{place}: {:?}", done.problems);
        }
        let sound: Document = serde_json::from_value(document).unwrap();
        let dry = interchange::import(c, &other, &sound, "x", true, &Author::new(&actor, NOW)).unwrap();
        assert!(!dry.written && dry.problems.is_empty());
        assert_eq!((count(c, "audit_log"), history::present(c, &other).unwrap().nodes.len()), (rows, 0), "nothing was written");
        assert!(interchange::import(c, &other, &sound, "x", false, &Author::new(&actor, NOW)).unwrap().written);
        let again = interchange::import(c, &other, &sound, "x", false, &Author::new(&actor, NOW)).unwrap();
        assert!(!again.written && again.problems[0].what.contains("already"), "{:?}", again.problems);
    });
}
