//! Memory through a real database: isolation between personas, stances, evidence, proposals, settings, seed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use quarterdeck::base::{Millis, PersonaId};
use quarterdeck::memory::beliefs::{self, Belief, BeliefFilter, NewBelief};
use quarterdeck::memory::conflicts::{self, Decided};
use quarterdeck::memory::edges::{self, Relation};
use quarterdeck::memory::evidence::{self, SourceType};
use quarterdeck::memory::interactions::{self, BeliefSnapshot, InteractionMetadata, InteractionType, NewInteraction};
use quarterdeck::memory::proposals::{self, BeliefProposals, BeliefUpdateProposal, NewBeliefProposal};
use quarterdeck::memory::revisions::{self, ConflictOutcome};
use quarterdeck::memory::stances::{self, NewStance, StanceStatus};
use quarterdeck::memory::{Author, Direction, Error, PersonaConfig, Result, Strength, Trigger, personas, seed, settings};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Conn, testing};
use quarterdeck::vals;
use serde_json::json;

const NOW: Millis = 1_790_000_000_000;

/// Runs `work` in one committed transaction of a fresh database.
fn with_database(work: fn(&mut dyn Conn)) {
    let (database, _directory) = testing::database();
    let done = database.write_blocking(move |c| {
        work(c);
        Ok::<(), Error>(())
    });
    done.unwrap();
}

fn operator() -> Actor {
    Actor::human("mira")
}

fn persona(c: &mut dyn Conn, name: &str) -> PersonaId {
    personas::add(c, name, None, &PersonaConfig::default(), &Author::new(&operator(), NOW)).unwrap().id
}

fn belief(c: &mut dyn Conn, owner: &PersonaId, title: &str, confidence: f64) -> Belief {
    let tags = ["Science".to_owned(), title.to_owned(), "science".to_owned(), " ".to_owned()];
    let new = NewBelief { title, summary: "What it says.", confidence, tags: &tags, stance: "I hold it.", rationale: "It was taught." };
    beliefs::create(c, owner, &new, Trigger::Manual, &Author::new(&operator(), NOW)).unwrap()
}

fn count(c: &mut dyn Conn, table: &str) -> i64 {
    c.first(&format!("SELECT count(*) AS n FROM {table}"), &[]).unwrap().unwrap().int("n").unwrap()
}

fn in_force(c: &mut dyn Conn, owner: &PersonaId, id: &str) -> usize {
    let stances = beliefs::get(c, owner, id).unwrap().stances;
    stances.iter().filter(|stance| stance.status != StanceStatus::Deprecated).count()
}

#[test]
fn another_personas_rows_are_not_found() {
    with_database(|c| {
        let operator = operator();
        let author = Author::new(&operator, NOW);
        let (ours, theirs) = (persona(c, "ours"), persona(c, "theirs"));
        let (mine, other) = (belief(c, &ours, "Mine", 0.6), belief(c, &ours, "Other", 0.6));
        let edge = edges::add(c, &ours, &mine.id, &other.id, Relation::Supports, 0.5, &author).unwrap();
        let said = log(c, &ours, "t1_said", Some("t3_post")).unwrap();
        let untouched = (count(c, "audit_log"), count(c, "belief_updates"));

        let stance = NewStance { text: "Theirs now.", confidence: 0.1, rationale: "Because." };
        let refusals: Vec<Error> = vec![
            beliefs::get(c, &theirs, &mine.id).unwrap_err(),
            stances::update(c, &theirs, &mine.id, &stance, Trigger::Manual, &author).unwrap_err(),
            stances::lock(c, &theirs, &mine.id, "mine", &author).unwrap_err(),
            stances::unlock(c, &theirs, &mine.id, "mine", &author).unwrap_err(),
            evidence::append(c, &theirs, &mine.id, SourceType::Note, "a note", Strength::Weak, &author).unwrap_err(),
            revisions::update_from_evidence(c, &theirs, &mine.id, Strength::Weak, Direction::Increase, "x", &author).unwrap_err(),
            revisions::update_from_conflict(c, &theirs, &mine.id, "x", Strength::Weak, None, &author).unwrap_err(),
            revisions::nudge(c, &theirs, &mine.id, Direction::Increase, 0.1, None, &author).unwrap_err(),
            revisions::update_by_hand(c, &theirs, &mine.id, Some(0.2), None, "x", &author).unwrap_err(),
            edges::add(c, &theirs, &mine.id, &other.id, Relation::Contradicts, 0.5, &author).unwrap_err(),
            edges::remove(c, &theirs, &edge.id, &author).unwrap_err(),
        ];
        for refusal in refusals {
            assert!(matches!(refusal, Error::NotFound { .. }), "{refusal}");
            assert!(refusal.to_string().contains(theirs.as_str()), "the message names the persona: {refusal}");
        }
        let their_belief = belief(c, &theirs, "Theirs", 0.5);
        let across = edges::add(c, &ours, &mine.id, &their_belief.id, Relation::Supports, 0.5, &author).unwrap_err();
        assert!(matches!(across, Error::NotFound { .. }), "{across}");
        assert_eq!((count(c, "audit_log"), count(c, "belief_updates")), (untouched.0 + 1, untouched.1 + 1), "refusals leave no trace");

        assert_eq!(beliefs::query(c, &theirs, &BeliefFilter::default()).unwrap().nodes, [their_belief]);
        assert_eq!(stances::in_force(c, &theirs, &mine.id).unwrap(), None);
        assert!(beliefs::history(c, &theirs, &mine.id, None, 10).unwrap().is_empty());
        assert!(interactions::recent(c, &theirs, None, 10).unwrap().is_empty());
        assert!(!interactions::already_answered(c, &theirs, "t3_post").unwrap());
        assert_eq!(interactions::find(c, &theirs, "t1_said").unwrap(), None);
        assert_eq!(interactions::find(c, &ours, "t1_said").unwrap().unwrap().id, said);
        let nobody = PersonaId::generate();
        assert!(matches!(beliefs::query(c, &nobody, &BeliefFilter::default()), Err(Error::PersonaNotFound { .. })));
        assert!(matches!(settings::set(c, &nobody, "humor", json!(0.1), &author), Err(Error::PersonaNotFound { .. })));
    });
}

#[test]
fn personas_are_found_by_id_and_by_name_and_names_are_taken_in_any_case() {
    with_database(|c| {
        let operator = operator();
        let author = Author::new(&operator, NOW);
        let id = persona(c, "DemoAgentBot");
        for key in [id.as_str(), "DemoAgentBot", "demoagentbot", "u/DemoAgentBot"] {
            assert_eq!(personas::find(c, key).unwrap().id, id, "{key}");
        }
        assert!(matches!(personas::find(c, "nobody"), Err(Error::PersonaNotFound { .. })));
        let twin = personas::add(c, "demoAGENTbot", None, &PersonaConfig::default(), &author).unwrap_err();
        assert!(twin.to_string().contains("DemoAgentBot"), "{twin}");
        assert!(personas::add(c, "no", None, &PersonaConfig::default(), &author).is_err());

        let changed = personas::set_config_key(c, &id, "target_subreddits", json!(["r/test"]), &author).unwrap();
        assert_eq!(changed.config.target_subreddits, ["test"]);
        assert_eq!(personas::get(c, &id).unwrap(), changed);
        let rows = count(c, "audit_log");
        personas::set_config_key(c, &id, "target_subreddits", json!(["test"]), &author).unwrap();
        assert_eq!(count(c, "audit_log"), rows, "setting what is set already is no change");
        let wrong = personas::set_config_key(c, &id, "persona_style.humor", json!(3), &author).unwrap_err();
        assert!(wrong.to_string().contains("persona_style.humor"), "{wrong}");
        assert_eq!(personas::list(c).unwrap(), [changed]);

        c.exec("UPDATE personas SET config = $1", vals![r#"{"tone": 7}"#]).unwrap();
        let broken = personas::list(c).unwrap_err().to_string();
        assert!(broken.contains("tone") && broken.contains("DemoAgentBot"), "{broken}");
    });
}

#[test]
fn a_filtered_view_has_no_dangling_edge() {
    with_database(|c| {
        let operator = operator();
        let author = Author::new(&operator, NOW);
        let owner = persona(c, "owner");
        let (sure, fair, unsure) = (belief(c, &owner, "Sure", 0.9), belief(c, &owner, "Fair", 0.6), belief(c, &owner, "Unsure", 0.2));
        let kept = edges::add(c, &owner, &sure.id, &fair.id, Relation::Supports, 0.5, &author).unwrap();
        edges::add(c, &owner, &fair.id, &unsure.id, Relation::DependsOn, 0.5, &author).unwrap();
        assert_eq!(sure.tags, ["Science", "Sure"], "a tag is kept once, whatever its case");

        let view = beliefs::query(c, &owner, &BeliefFilter { tags: vec![], min_confidence: Some(0.6) }).unwrap();
        assert_eq!((view.nodes, view.edges), (vec![sure.clone(), fair.clone()], vec![kept]));
        let tagged = BeliefFilter { tags: vec!["unSURE".into(), "nothing".into()], min_confidence: None };
        let view = beliefs::query(c, &owner, &tagged).unwrap();
        assert_eq!((view.nodes, view.edges), (vec![unsure], vec![]));
        let bad = beliefs::query(c, &owner, &BeliefFilter { tags: vec![], min_confidence: Some(1.5) }).unwrap_err();
        assert!(bad.to_string().contains("min_confidence"), "{bad}");
        assert_eq!(beliefs::recall(c, &owner, 0.5, 10).unwrap(), [sure, fair], "most confident first");
    });
}

#[test]
fn edges_are_made_once_and_never_to_oneself() {
    with_database(|c| {
        let operator = operator();
        let author = Author::new(&operator, NOW);
        let owner = persona(c, "owner");
        let (one, two) = (belief(c, &owner, "One", 0.5), belief(c, &owner, "Two", 0.5));
        let edge = edges::add(c, &owner, &one.id, &two.id, Relation::Supports, 0.5, &author).unwrap();
        let twin = edges::add(c, &owner, &one.id, &two.id, Relation::Supports, 0.9, &author).unwrap_err();
        assert!(matches!(&twin, Error::DuplicateEdge { edge_id, .. } if *edge_id == edge.id), "{twin}");
        edges::add(c, &owner, &two.id, &one.id, Relation::Supports, 0.5, &author).unwrap();
        edges::add(c, &owner, &one.id, &two.id, Relation::Contradicts, 0.5, &author).unwrap();
        assert!(matches!(edges::add(c, &owner, &one.id, &one.id, Relation::Supports, 0.5, &author), Err(Error::SelfEdge { .. })));
        assert!(matches!(edges::add(c, &owner, &one.id, &two.id, Relation::DependsOn, 1.1, &author), Err(Error::Invalid { .. })));
        assert_eq!(edges::remove(c, &owner, &edge.id, &author).unwrap(), edge);
        assert!(matches!(edges::remove(c, &owner, &edge.id, &author), Err(Error::NotFound { .. })));
        assert_eq!(edges::list(c, &owner).unwrap().len(), 2);
    });
}

#[test]
fn a_new_stance_replaces_the_current_one_and_a_locked_one_stays() {
    with_database(|c| {
        let operator = operator();
        let owner = persona(c, "owner");
        let held = belief(c, &owner, "Held", 0.6);
        let author = Author::new(&operator, NOW + 1);
        let stance = NewStance { text: "I hold it more.", confidence: 1.0, rationale: "I saw it." };
        let change = stances::update(c, &owner, &held.id, &stance, Trigger::Governor, &author).unwrap();
        assert_eq!((change.old_confidence, change.new_confidence), (Some(0.6), 1.0));

        let author = Author::new(&operator, NOW + 2);
        let locked = stances::lock(c, &owner, &held.id, "settled", &author).unwrap();
        assert_eq!(locked, change.stance_id);
        assert!(matches!(stances::lock(c, &owner, &held.id, "again", &author), Err(Error::NoStance { .. })));
        let before = beliefs::get(c, &owner, &held.id).unwrap();
        let refused = stances::update(c, &owner, &held.id, &stance, Trigger::Manual, &author).unwrap_err();
        assert!(refused.to_string().contains("unlock it first"), "{refused}");
        assert!(matches!(
            revisions::update_from_evidence(c, &owner, &held.id, Strength::Strong, Direction::Decrease, "x", &author),
            Err(Error::Locked { .. })
        ));
        assert!(matches!(revisions::update_by_hand(c, &owner, &held.id, Some(0.1), None, "x", &author), Err(Error::Locked { .. })));
        assert_eq!(
            revisions::update_from_conflict(c, &owner, &held.id, "x", Strength::Strong, None, &author).unwrap(),
            ConflictOutcome::RefusedLocked
        );
        assert_eq!(beliefs::get(c, &owner, &held.id).unwrap(), before, "a refusal changes nothing");

        stances::unlock(c, &owner, &held.id, "new facts", &author).unwrap();
        assert!(matches!(stances::unlock(c, &owner, &held.id, "again", &author), Err(Error::NoStance { .. })));
        let author = Author::new(&operator, NOW + 3);
        revisions::update_by_hand(c, &owner, &held.id, None, Some("I put it differently."), "clearer", &author).unwrap();
        revisions::update_by_hand(c, &owner, &held.id, Some(0.0), None, "never mind", &author).unwrap();

        let detail = beliefs::get(c, &owner, &held.id).unwrap();
        assert_eq!(detail.belief.confidence, Some(0.0));
        let shown: Vec<(StanceStatus, f64, &str)> =
            detail.stances.iter().map(|stance| (stance.status, stance.confidence, stance.text.as_str())).collect();
        assert_eq!(
            shown,
            [
                (StanceStatus::Current, 0.0, "I put it differently."),
                (StanceStatus::Deprecated, 1.0, "I put it differently."),
                (StanceStatus::Deprecated, 1.0, "I hold it more."),
                (StanceStatus::Deprecated, 0.6, "I hold it."),
            ]
        );
        let triggers: Vec<&str> = detail.updates.iter().map(|update| update.trigger_type.as_str()).collect();
        assert_eq!(triggers, ["manual", "manual", "manual", "manual", "governor", "manual"]);
        let mut paged = Vec::new();
        while let page @ [_, ..] =
            &*beliefs::history(c, &owner, &held.id, paged.last().map(|(at, id): &(Millis, String)| (*at, id.as_str())), 4).unwrap()
        {
            paged.extend(page.iter().map(|update| (update.created_at, update.id.clone())));
        }
        assert_eq!(paged.len(), 6, "pages neither skip nor repeat");
    });
}

#[test]
fn every_change_leaves_one_history_row_one_audit_row_and_one_feed_row() {
    with_database(|c| {
        let operator = operator();
        let author = Author::new(&operator, NOW);
        let owner = persona(c, "owner");
        let (one, two) = (belief(c, &owner, "One", 0.5), belief(c, &owner, "Two", 0.5));
        let traces = |c: &mut dyn Conn| (count(c, "belief_updates"), count(c, "audit_log"), count(c, "change_feed"));
        let mut last = traces(c);
        let mut one_more = |c: &mut dyn Conn, what: &str| {
            let now = traces(c);
            assert_eq!(now, (last.0 + 1, last.1 + 1, last.2 + 1), "{what}");
            last = now;
        };
        let edge = edges::add(c, &owner, &one.id, &two.id, Relation::Supports, 0.5, &author).unwrap();
        one_more(c, "edge added");
        edges::remove(c, &owner, &edge.id, &author).unwrap();
        one_more(c, "edge removed");
        evidence::append(c, &owner, &one.id, SourceType::Note, "a note", Strength::Weak, &author).unwrap();
        one_more(c, "evidence");
        revisions::nudge(c, &owner, &one.id, Direction::Increase, 0.1, None, &author).unwrap();
        one_more(c, "nudge");
        revisions::update_from_conflict(c, &owner, &one.id, "a contradiction", Strength::Weak, None, &author).unwrap();
        one_more(c, "conflict");
        stances::lock(c, &owner, &one.id, "settled", &author).unwrap();
        one_more(c, "lock");
        stances::unlock(c, &owner, &one.id, "unsettled", &author).unwrap();
        one_more(c, "unlock");
    });
}

#[test]
fn evidence_and_conflicts_move_confidence_and_say_so() {
    with_database(|c| {
        let operator = operator();
        let agent = Actor::agent("agent");
        let author = Author::new(&agent, NOW + 1);
        let owner = persona(c, "owner");
        let (fair, sure) = (belief(c, &owner, "Fair", 0.6), belief(c, &owner, "Sure", 0.8));
        let change =
            revisions::update_from_evidence(c, &owner, &fair.id, Strength::Strong, Direction::Increase, "A study", &author).unwrap();
        assert_eq!(change.new_confidence, 0.803);
        let now = stances::in_force(c, &owner, &fair.id).unwrap().unwrap();
        assert_eq!(now.text, "I hold it.");
        assert_eq!(now.rationale.unwrap(), "A study (Evidence: strong, Direction: increase, Confidence: 0.600 -> 0.803)");
        let update = &beliefs::history(c, &owner, &fair.id, None, 1).unwrap()[0];
        assert_eq!((update.trigger_type.as_str(), update.updated_by.as_str()), ("evidence", "agent"));
        assert_eq!((&update.old_value["confidence"], &update.new_value["confidence"]), (&json!(0.6), &json!(0.803)));

        let refused = revisions::update_from_conflict(c, &owner, &sure.id, "It is said.", Strength::Moderate, None, &author).unwrap();
        let ConflictOutcome::RefusedHighConfidence { confidence: 0.8, review } = refused else { panic!("{refused:?}") };
        let waiting = conflicts::list(c, &owner, Decided::Open).unwrap();
        assert_eq!((waiting.len(), &waiting[0].id, waiting[0].explanation.as_str()), (1, &review, "It is said."));
        let ConflictOutcome::Applied(change) =
            revisions::update_from_conflict(c, &owner, &sure.id, "It was measured.", Strength::Strong, None, &author).unwrap()
        else {
            panic!("strong evidence applies");
        };
        assert_eq!(change.new_confidence, 0.708, "cautiously: as moderate evidence");
        let now = stances::in_force(c, &owner, &sure.id).unwrap().unwrap();
        let expected = "Conflict detected: It was measured. (strong evidence provided) (Conflict resolution: 0.800 -> 0.708)";
        assert_eq!(now.rationale.unwrap(), expected);

        let author = Author::new(&operator, NOW + 2);
        let nudged = revisions::nudge(c, &owner, &sure.id, Direction::Decrease, 0.05, None, &author).unwrap();
        assert!((0.60..0.708).contains(&nudged.new_confidence), "the rule decides, not the amount: {nudged:?}");
        assert!(revisions::nudge(c, &owner, &sure.id, Direction::Decrease, 0.6, None, &author).is_err());

        let stance = stances::in_force(c, &owner, &sure.id).unwrap().unwrap();
        evidence::append(c, &owner, &sure.id, SourceType::RedditComment, "t1_abc", Strength::Moderate, &author).unwrap();
        let detail = beliefs::get(c, &owner, &sure.id).unwrap();
        assert_eq!(detail.evidence[0].stance_id.as_deref(), Some(stance.id.as_str()));
        assert_eq!(detail.belief.confidence, Some(nudged.new_confidence), "evidence alone moves nothing");
        assert_eq!(detail.belief.updated_at, NOW + 2);
        assert!(evidence::append(c, &owner, &sure.id, SourceType::Note, "  ", Strength::Weak, &author).is_err());
    });
}

#[derive(Debug, Clone)]
enum Step {
    Evidence(usize, bool),
    Conflict(usize),
    Nudge(f64, bool),
    ByHand(f64),
    Lock,
    Unlock,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_usize, any::<bool>()).prop_map(|(strength, up)| Step::Evidence(strength, up)),
        (0..3_usize).prop_map(Step::Conflict),
        (-0.1..0.7_f64, any::<bool>()).prop_map(|(amount, up)| Step::Nudge(amount, up)),
        (-0.2..1.2_f64).prop_map(Step::ByHand),
        Just(Step::Lock),
        Just(Step::Unlock),
    ]
}

fn take_step(c: &mut dyn Conn, owner: &PersonaId, id: &str, step: &Step, author: &Author<'_>) -> Result<()> {
    let way = |up: bool| if up { Direction::Increase } else { Direction::Decrease };
    match *step {
        Step::Evidence(strength, up) => {
            revisions::update_from_evidence(c, owner, id, Strength::ALL[strength], way(up), "x", author).map(drop)
        }
        Step::Conflict(strength) => revisions::update_from_conflict(c, owner, id, "x", Strength::ALL[strength], None, author).map(drop),
        Step::Nudge(amount, up) => revisions::nudge(c, owner, id, way(up), amount, None, author).map(drop),
        Step::ByHand(confidence) => revisions::update_by_hand(c, owner, id, Some(confidence), None, "x", author).map(drop),
        Step::Lock => stances::lock(c, owner, id, "x", author).map(drop),
        Step::Unlock => stances::unlock(c, owner, id, "x", author).map(drop),
    }
}

#[test]
fn exactly_one_stance_is_in_force_whatever_happens() {
    with_database(|c| {
        let operator = operator();
        let owner = persona(c, "owner");
        let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
        let c = std::cell::RefCell::new(c);
        runner
            .run(&proptest::collection::vec(step(), 1..25), |steps| {
                let c: &mut dyn Conn = &mut **c.borrow_mut();
                let held = belief(c, &owner, "Held", 0.5);
                for (index, step) in steps.iter().enumerate() {
                    let author = Author::new(&operator, NOW + index as i64);
                    if let Err(error) = take_step(c, &owner, &held.id, step, &author) {
                        prop_assert!(!matches!(error, Error::Store(_)), "{step:?}: {error}");
                    }
                    prop_assert_eq!(in_force(c, &owner, &held.id), 1, "after {:?}", step);
                    let detail = beliefs::get(c, &owner, &held.id).unwrap();
                    prop_assert_eq!(detail.belief.confidence, Some(detail.stances[0].confidence));
                }
                Ok(())
            })
            .unwrap();
    });
}

fn log(c: &mut dyn Conn, owner: &PersonaId, reddit_id: &str, parent_id: Option<&str>) -> Result<String> {
    let metadata = InteractionMetadata {
        model: Some("vendor/model".into()),
        tokens_in: Some(900),
        tokens_out: Some(60),
        beliefs: vec![BeliefSnapshot { belief_id: "b".into(), title: "B".into(), confidence: Some(0.6), stance: "I hold it.".into() }],
        ..InteractionMetadata::default()
    };
    let new = NewInteraction {
        content: "Three short words\n",
        interaction_type: InteractionType::Comment,
        reddit_id,
        subreddit: "r/Test",
        parent_id,
        metadata: &metadata,
    };
    interactions::log(c, owner, &new, &Author::new(&Actor::agent("agent"), NOW))
}

#[test]
fn interactions_are_recorded_once_with_what_was_believed() {
    with_database(|c| {
        let (owner, other) = (persona(c, "owner"), persona(c, "other"));
        log(c, &owner, "t1_one", Some("t3_post")).unwrap();
        log(c, &owner, "t1_two", None).unwrap();
        for who in [&owner, &other] {
            let twin = log(c, who, "t1_one", None).unwrap_err();
            assert!(matches!(twin, Error::DuplicateInteraction { .. }), "{twin}");
        }
        assert!(matches!(log(c, &owner, " ", None), Err(Error::Invalid { .. })));
        for (fullname, answered) in [("t3_post", true), ("t1_one", true), ("t3_other", false)] {
            assert_eq!(interactions::already_answered(c, &owner, fullname).unwrap(), answered, "{fullname}");
        }
        let page = interactions::recent(c, &owner, None, 1).unwrap();
        assert_eq!((page[0].reddit_id.as_str(), page[0].word_count, page[0].subreddit.as_str()), ("t1_two", 3, "Test"));
        assert_eq!(page[0].content, "Three short words\n", "kept as it was sent, to the byte");
        assert_eq!((page[0].metadata.cost_picos, page[0].metadata.beliefs[0].confidence), (None, Some(0.6)));
        let next = interactions::recent(c, &owner, Some((page[0].created_at, &page[0].id)), 10).unwrap();
        assert_eq!(next.iter().map(|said| said.reddit_id.as_str()).collect::<Vec<_>>(), ["t1_one"]);
        assert_eq!(interactions::recent_in_subreddit(c, &owner, "test", 5).unwrap().len(), 2);
        assert!(interactions::recent_in_subreddit(c, &owner, "bottest", 5).unwrap().is_empty());

        let (held, theirs) = (belief(c, &owner, "Held", 0.6), belief(c, &other, "Theirs", 0.6));
        let snapshot = interactions::snapshot(c, &owner, &[held.id.clone(), theirs.id]).unwrap();
        let expected = BeliefSnapshot { belief_id: held.id, title: "Held".into(), confidence: Some(0.6), stance: "I hold it.".into() };
        assert_eq!(snapshot, [expected], "another persona's belief never gets into a snapshot");
    });
}

#[test]
fn settings_overlay_the_configuration_and_only_true_turns_auto_posting_on() {
    with_database(|c| {
        let operator = operator();
        let author = Author::new(&operator, NOW);
        let owner = persona(c, "owner");
        assert!(!settings::auto_posting_enabled(c, &owner).unwrap(), "off when nothing was said");
        settings::set_text(c, &owner, settings::AUTO_POSTING, "true", &author).unwrap();
        assert!(settings::auto_posting_enabled(c, &owner).unwrap());
        for stored in ["\"false\"", "false", "1", "yes", "", "null"] {
            c.exec("UPDATE agent_config SET config_value = $1", vals![stored]).unwrap();
            assert!(!settings::auto_posting_enabled(c, &owner).unwrap(), "{stored:?}");
        }
        settings::set_text(c, &owner, "tone", "dry", &author).unwrap();
        assert_eq!(settings::get(c, &owner, "tone").unwrap(), Some(json!("dry")));
        assert_eq!(settings::effective(c, &owner).unwrap()["tone"], "dry");
        assert!(settings::remove(c, &owner, "tone", &author).unwrap());
        assert!(!settings::remove(c, &owner, "tone", &author).unwrap());
        assert_eq!(settings::effective(c, &owner).unwrap()["tone"], "casual");
        let secret = settings::set_text(c, &owner, "openai_api_key", "sk-very-secret", &author).unwrap_err();
        assert!(!secret.to_string().contains("very-secret"), "{secret}");
    });
}

fn update(of: &Belief, proposed: f64, strength: Strength) -> BeliefUpdateProposal {
    BeliefUpdateProposal {
        belief_id: of.id.clone(),
        belief_title: of.title.clone(),
        current_confidence: of.confidence.unwrap(),
        proposed_confidence: proposed,
        reason: "A reader showed data.".into(),
        evidence_strength: strength,
    }
}

#[test]
fn approved_proposals_are_really_applied_and_refusals_are_told() {
    with_database(|c| {
        let operator = operator();
        let owner = persona(c, "owner");
        let (up, locked, same) = (belief(c, &owner, "Up", 0.6), belief(c, &owner, "Locked", 0.7), belief(c, &owner, "Same", 0.5));
        stances::lock(c, &owner, &locked.id, "settled", &Author::new(&operator, NOW)).unwrap();
        let new_belief = NewBeliefProposal {
            title: "Slow food is worth the wait".into(),
            summary: "Cooking from scratch teaches patience.".into(),
            initial_confidence: 0.5,
            tags: vec!["food".into()],
            reason: "It came up.".into(),
        };
        let proposed = BeliefProposals {
            updates: vec![
                update(&up, 0.61, Strength::Strong),
                update(&locked, 0.2, Strength::Weak),
                update(&same, 0.5, Strength::Strong),
                update(&up, 0.9, Strength::Weak),
            ],
            new_belief: Some(new_belief),
        };
        let outcome = proposals::apply_on_approval(c, &owner, &proposed, Some("t1_asked"), &operator, NOW + 5).unwrap();
        assert_eq!((outcome.updates_applied, outcome.errors.len()), (1, 0));
        assert_eq!((outcome.applied[0].old_confidence, outcome.applied[0].new_confidence), (Some(0.6), 0.803));
        let refused: Vec<&str> = outcome.refused.iter().map(|refused| refused.title.as_str()).collect();
        assert_eq!(refused, ["Locked", "Up"], "the locked one, and the fourth of at most three");
        assert!(outcome.refused[0].reason.contains("locked"), "{:?}", outcome.refused);

        let moved = beliefs::get(c, &owner, &up.id).unwrap();
        let changed = moved.updates.iter().find(|update| update.action.as_deref() == Some("belief.update")).unwrap();
        assert_eq!((moved.belief.confidence, changed.updated_by.as_str()), (Some(0.803), "moderation:mira"));
        assert!(changed.reason.starts_with("[Approved by mira] A reader showed data. (Evidence: strong"), "{changed:?}");
        let kept = &moved.evidence[0];
        assert_eq!((kept.source_ref.as_str(), kept.direction), ("t1_asked", Some(Direction::Increase)));
        assert_eq!(kept.stance_id.as_deref(), Some(moved.stances[0].id.as_str()), "evidence hangs on the stance that it led to");
        assert_eq!(beliefs::get(c, &owner, &same.id).unwrap().stances.len(), 1, "equal numbers are nothing to do");
        let created = beliefs::get(c, &owner, &outcome.new_belief_id.clone().unwrap()).unwrap();
        assert_eq!(created.stances[0].rationale.as_deref(), Some("[Created from interaction approved by mira] It came up."));

        let again = proposals::apply_on_approval(c, &owner, &proposed, Some("t1_asked"), &operator, NOW + 6).unwrap();
        assert!(!again.new_belief_created && again.refused.iter().any(|refused| refused.reason.contains("nearly the same title")));
        let other = persona(c, "other");
        let strange = BeliefProposals { updates: vec![update(&up, 0.9, Strength::Weak)], new_belief: None };
        let outcome = proposals::apply_on_approval(c, &other, &strange, Some("t1_asked"), &operator, NOW + 7).unwrap();
        assert!(outcome.updates_applied == 0 && outcome.refused.len() == 1, "another persona's belief is missing: {outcome:?}");
        let nonsense = BeliefProposals { updates: vec![update(&up, 7.0, Strength::Weak)], new_belief: None };
        let outcome = proposals::apply_on_approval(c, &owner, &nonsense, Some("t1_asked"), &operator, NOW + 8).unwrap();
        assert!(outcome.updates_applied == 0 && outcome.errors.len() == 1, "{outcome:?}");
    });
}

#[test]
fn seeding_twice_is_seeding_once() {
    with_database(|c| {
        let system = Actor::system("seed");
        let author = Author::new(&system, NOW);
        let first = seed::apply(c, &author).unwrap();
        assert_eq!((first.persona_created, first.beliefs_created, first.edges_created, first.skipped.is_none()), (true, 8, 6, true));
        let second = seed::apply(c, &author).unwrap();
        assert_eq!((second.persona_created, second.beliefs_created, second.edges_created), (false, 0, 0));
        assert!(second.skipped.unwrap().contains("8 beliefs"));
        let graph = beliefs::query(c, &first.persona, &BeliefFilter::default()).unwrap();
        assert_eq!((graph.nodes.len(), graph.edges.len()), (8, 6));
        for node in &graph.nodes {
            assert_eq!(in_force(c, &first.persona, &node.id), 1, "{}", node.title);
            assert!(!node.tags.is_empty(), "{}", node.title);
        }
        assert!(!settings::auto_posting_enabled(c, &first.persona).unwrap());
    });
}
