//! Whatever is done to beliefs in whatever order: the invariants hold, and the past is what it was.

use crate::house::{NOW, mira, persona};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use quarterdeck::base::{Millis, PersonaId};
use quarterdeck::llm::relationships::Suggested;
use quarterdeck::memory::beliefs::{self, BeliefEdit, NewBelief};
use quarterdeck::memory::conflicts::Decided;
use quarterdeck::memory::edges::{self, Relation};
use quarterdeck::memory::evidence::{self, SourceType};
use quarterdeck::memory::graph::{Graph, View};
use quarterdeck::memory::history::{self, GraphThen, difference};
use quarterdeck::memory::revisions::{self, Weighed};
use quarterdeck::memory::stances::{self, NewStance, StanceStatus};
use quarterdeck::memory::{Author, Direction, Error, Result, Strength, Trigger, interchange, relationships, suggestions, undo};
use quarterdeck::store::{Conn, audit, testing};
use std::collections::HashSet;

#[derive(Debug, Clone)]
enum Step {
    Create(f64),
    Edit(usize, u8),
    Stance(usize, f64),
    Set(usize, f64),
    Weigh(usize, usize, bool),
    Evidence(usize, usize),
    Conflict(usize, usize),
    Nudge(usize, f64, bool),
    Lock(usize),
    Unlock(usize),
    Link(usize, usize, usize, f64),
    Unlink(usize),
    Suggest(usize, usize, usize, f64, bool),
    Decide(usize, bool),
    Undo(usize),
    UndoOne(usize, usize),
}

/// Mostly numbers that are confidences, now and then one that is none.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![12 => 0.0..=1.0, 1 => Just(0.0), 1 => Just(1.0), 1 => Just(-0.1), 1 => Just(1.1), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..6usize;
    prop_oneof![
        2 => number().prop_map(Step::Create),
        1 => (which.clone(), 0..4u8).prop_map(|(belief, what)| Step::Edit(belief, what)),
        2 => (which.clone(), number()).prop_map(|(belief, value)| Step::Stance(belief, value)),
        2 => (which.clone(), number()).prop_map(|(belief, value)| Step::Set(belief, value)),
        2 => (which.clone(), 0..3usize, any::<bool>()).prop_map(|(belief, strength, up)| Step::Weigh(belief, strength, up)),
        1 => (which.clone(), 0..3usize).prop_map(|(belief, strength)| Step::Evidence(belief, strength)),
        2 => (which.clone(), 0..3usize).prop_map(|(belief, strength)| Step::Conflict(belief, strength)),
        1 => (which.clone(), number(), any::<bool>()).prop_map(|(belief, amount, up)| Step::Nudge(belief, amount, up)),
        2 => which.clone().prop_map(Step::Lock),
        2 => which.clone().prop_map(Step::Unlock),
        3 => (which.clone(), which.clone(), 0..4usize, number()).prop_map(|(one, two, relation, weight)| Step::Link(one, two, relation, weight)),
        2 => which.clone().prop_map(Step::Unlink),
        2 => (which.clone(), which.clone(), 0..4usize, number(), any::<bool>())
            .prop_map(|(one, two, relation, weight, link)| Step::Suggest(one, two, relation, weight, link)),
        2 => (which.clone(), any::<bool>()).prop_map(|(which, accept)| Step::Decide(which, accept)),
        2 => which.clone().prop_map(Step::Undo),
        1 => (which, 0..8usize).prop_map(|(belief, change)| Step::UndoOne(belief, change)),
    ]
}

fn take(c: &mut dyn Conn, owner: &PersonaId, ids: &mut Vec<String>, step: &Step, author: &Author<'_>) -> Result<()> {
    let way = |up: bool| if up { Direction::Increase } else { Direction::Decrease };
    let id = |which: usize| ids.get(which % ids.len().max(1)).cloned().unwrap_or_else(|| "none".to_owned());
    match *step {
        Step::Create(confidence) => {
            let title = format!("Belief {}", ids.len());
            let tags = ["One".to_owned(), "one".to_owned()];
            let new = NewBelief { title: &title, summary: "It says.", confidence, tags: &tags, stance: "I hold it.", rationale: "Why." };
            ids.push(beliefs::create(c, owner, &new, Trigger::Manual, author)?.id);
        }
        Step::Edit(which, what) => {
            let title = format!("Edited {what}");
            let tags = [format!("tag {what}")];
            let edit = match what {
                0 => BeliefEdit { title: Some(&title), ..BeliefEdit::default() },
                1 => BeliefEdit { summary: Some(&title), tags: Some(&tags), ..BeliefEdit::default() },
                2 => BeliefEdit { tags: Some(&[]), ..BeliefEdit::default() },
                _ => BeliefEdit { title: Some("  "), ..BeliefEdit::default() },
            };
            beliefs::edit(c, owner, &id(which), &edit, "because", author)?;
        }
        Step::Stance(which, confidence) => {
            let new = NewStance { text: "I hold it otherwise.", confidence, rationale: "Why." };
            stances::update(c, owner, &id(which), &new, Trigger::Governor, author)?;
        }
        Step::Set(which, confidence) => drop(revisions::update_by_hand(c, owner, &id(which), Some(confidence), None, "Why.", author)?),
        Step::Weigh(which, strength, up) => {
            let source =
                Weighed { source_type: SourceType::Note, source_ref: "a note", strength: Strength::ALL[strength], direction: way(up) };
            revisions::weigh_source(c, owner, &id(which), &source, "Why.", author)?;
        }
        Step::Evidence(which, strength) => {
            evidence::append(c, owner, &id(which), SourceType::ExternalLink, "https://example.org", Strength::ALL[strength], author)?;
        }
        Step::Conflict(which, strength) => {
            revisions::update_from_conflict(c, owner, &id(which), "It was said.", Strength::ALL[strength], None, author)?;
        }
        Step::Nudge(which, amount, up) => drop(revisions::nudge(c, owner, &id(which), way(up), amount, None, author)?),
        Step::Lock(which) => drop(stances::lock(c, owner, &id(which), "because", author)?),
        Step::Unlock(which) => drop(stances::unlock(c, owner, &id(which), "because", author)?),
        Step::Link(one, two, relation, weight) => {
            edges::add(c, owner, &id(one), &id(two), Relation::ALL[relation], weight, author)?;
        }
        Step::Unlink(which) => {
            let all = edges::list(c, owner)?;
            let edge = all.get(which % all.len().max(1)).map_or("none", |edge| edge.id.as_str());
            edges::remove(c, owner, edge, author)?;
        }
        Step::Suggest(one, two, relation, weight, link) => {
            let relation = Relation::ALL[relation].as_str().to_owned();
            let suggested = Suggested { target_id: id(two), target_title: "T".into(), relation, weight, reasoning: "Why.".into() };
            relationships::keep(c, owner, &id(one), &[suggested], Some("a-model"), link.then_some(0.5), author)?;
        }
        Step::Decide(which, accept) => {
            let open = suggestions::list(c, owner, Decided::Open)?;
            let one = open.get(which % open.len().max(1)).map_or("none", |one| one.id()).to_owned();
            if accept {
                suggestions::accept(c, owner, &one, "because", author)?;
            } else {
                suggestions::refuse(c, owner, &one, "because", author)?;
            }
        }
        Step::Undo(which) => drop(undo::undo(c, owner, &id(which), None, "because", author)?),
        Step::UndoOne(which, change) => {
            let all = beliefs::history(c, owner, &id(which), None, 50)?;
            let change = all.get(change % all.len().max(1)).map_or("none", |change| change.id.as_str()).to_owned();
            undo::undo(c, owner, &id(which), Some(&change), "because", author)?;
        }
    }
    Ok(())
}

fn invariants(c: &mut dyn Conn, owner: &PersonaId, ids: &[String]) {
    for id in ids {
        let detail = beliefs::get(c, owner, id).unwrap();
        let in_force: Vec<_> = detail.stances.iter().filter(|stance| stance.status != StanceStatus::Deprecated).collect();
        assert_eq!(in_force.len(), 1, "one stance is in force: {:?}", detail.stances);
        assert_eq!(Some(in_force[0].confidence), detail.belief.confidence, "and its confidence is the belief's");
        let stances: HashSet<&str> = detail.stances.iter().map(|stance| stance.id.as_str()).collect();
        assert!(detail.evidence.iter().all(|piece| piece.stance_id.as_deref().is_some_and(|id| stances.contains(id))));
    }
    let all = edges::list(c, owner).unwrap();
    let known: HashSet<&str> = ids.iter().map(String::as_str).collect();
    let ends: HashSet<_> = all.iter().map(|edge| (&edge.source_id, &edge.target_id, edge.relation)).collect();
    assert_eq!(ends.len(), all.len(), "no edge is there twice: {all:?}");
    assert!(all.iter().all(|edge| {
        edge.source_id != edge.target_id && known.contains(edge.source_id.as_str()) && known.contains(edge.target_id.as_str())
    }));
}

/// One run: every step in a savepoint, as the services do it, so that a refusal leaves nothing.
fn run(c: &mut dyn Conn, number: u64, steps: &[(Step, i64)]) {
    let (owner, other) = (persona(c, &format!("owner{number}")), persona(c, &format!("other{number}")));
    let mut ids: Vec<String> = Vec::new();
    let mut moments: Vec<(Millis, GraphThen)> = Vec::new();
    let mut now = NOW;
    for (step, pause) in steps {
        now += pause;
        let actor = mira();
        let before = history::present(c, &owner).unwrap();
        let done = take(c, &owner, &mut ids, step, &Author::new(&actor, now));
        let after = history::present(c, &owner).unwrap();
        if let Err(refused) = &done {
            assert!(!matches!(refused, Error::Store(_)), "{step:?}: {refused}");
            assert_eq!(before, after, "a refusal changes nothing: {step:?}");
        }
        moments.retain(|(at, _)| *at != now);
        moments.push((now, after));
    }
    invariants(c, &owner, &ids);
    for (at, graph) in &moments {
        let then = history::as_of(c, &owner, (*at).into()).unwrap();
        assert_eq!(&then, graph, "as of {at} it is what it was");
    }
    let present = history::present(c, &owner).unwrap();
    assert_eq!(history::as_of(c, &owner, now.into()).unwrap(), present, "as of now it is what it is");
    assert_eq!(history::as_of(c, &owner, (NOW - 1).into()).unwrap(), GraphThen::default(), "before the first there was nothing");
    let (view, then) = (View::present(now), View::then(now, now));
    let (one, two) = (Graph::load(c, &owner, &view).unwrap(), Graph::load(c, &owner, &then).unwrap());
    assert_eq!(one.rows(), two.rows(), "and so are its measures");
    for row in one.rows() {
        let near = one.neighbourhood(&row.id, 2, 5).unwrap();
        let shown: HashSet<&str> = near.nodes.iter().map(|node| node.id.as_str()).collect();
        assert!(near.edges.iter().all(|edge| shown.contains(edge.source_id.as_str()) && shown.contains(edge.target_id.as_str())));
    }
    for pair in moments.windows(2) {
        let changed = difference(&pair[0].1, &pair[1].1);
        assert_eq!(changed.is_empty(), same(&pair[0].1, &pair[1].1), "{changed:?}");
    }
    let exported = interchange::export(c, &owner, now).unwrap();
    let actor = mira();
    let imported = interchange::import(c, &other, &exported, "moved", false, &Author::new(&actor, now + 5)).unwrap();
    assert!(imported.written && imported.problems.is_empty(), "{:?}", imported.problems);
    let again = interchange::export(c, &other, now).unwrap();
    assert_eq!((&again.beliefs, &again.edges), (&exported.beliefs, &exported.edges), "out and in and out again is the same");
    for (at, graph) in &moments {
        assert_eq!(&history::as_of(c, &other, (*at).into()).unwrap(), graph, "the past came along");
    }
}

/// Whether two states differ in nothing that a difference tells: not in since when, and not in a stance that says the same.
fn same(one: &GraphThen, other: &GraphThen) -> bool {
    let plain = |graph: &GraphThen| {
        let mut graph = graph.clone();
        for node in &mut graph.nodes {
            (node.since, node.stance_id) = (0, None);
        }
        graph
    };
    plain(one) == plain(other)
}

#[test]
fn invariants_hold_and_history_reproduces_the_present_whatever_is_done() {
    let (database, _directory) = testing::database();
    let cases = if std::env::var("QUARTERDECK_TEST_ENGINE").is_ok_and(|engine| engine == "postgres") { 10 } else { 60 };
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let number = std::sync::atomic::AtomicU64::new(0);
    let steps = prop::collection::vec((step(), 0..4i64), 1..45);
    runner
        .run(&steps, |steps| {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let done = database.write_blocking(move |c| {
                let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(c, number, &steps)));
                Ok::<_, Error>(ran.map_err(|cause| cause.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic".to_owned())))
            });
            done.unwrap().map_err(TestCaseError::fail)
        })
        .unwrap();
    let chain = database.read_blocking(audit::verify).unwrap();
    assert!(chain.problems.is_empty() && chain.rows > 0);
}
