//! Asking a model how beliefs bear on each other, over HTTP against the scripted one.

use crate::house::{NOW, belief, mira, persona};
use quarterdeck::agent::relationships as asking;
use quarterdeck::base::{Clock, PersonaId, SystemClock};
use quarterdeck::llm::{self, price};
use quarterdeck::memory::conflicts::Decided;
use quarterdeck::memory::proposals::{self, BeliefProposals, NewBeliefProposal};
use quarterdeck::memory::{Error, edges, relationships, suggestions};
use quarterdeck::sandbox::{self, Options};
use quarterdeck::store::{Conn, Database, testing};
use std::sync::Arc;

fn models(base_url: String, db: &Database) -> llm::Client {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings =
        llm::Settings { base_url, api_key: Some(sandbox::MODEL_KEY.to_owned().into()), max_attempts: 1, ..llm::Settings::default() };
    llm::Client::new(settings, Some(db.clone()), price::Book::embedded().unwrap(), clock).unwrap()
}

async fn filled(db: &Database) -> (PersonaId, String) {
    db.write(|c: &mut dyn Conn| -> Result<(PersonaId, String), Error> {
        let owner = persona(c, "owner");
        for title in ["Gauges", "Maps", "Ferries", "Bridges"] {
            belief(c, &owner, title, 0.6, NOW);
        }
        let id = belief(c, &owner, "Rivers", 0.7, NOW + 1);
        Ok((owner, id))
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_suggests_waits_and_heavy_edges_are_made_only_where_asked_for() {
    let sandbox = sandbox::start(Options::default()).await.unwrap();
    let (db, _directory) = testing::database();
    let (owner, id) = filled(&db).await;
    let client = models(sandbox.model_url(), &db);
    let asked = asking::ask(&db, &client, &owner, &id, None, &mira(), NOW + 2).await.unwrap();
    assert!(!asked.kept.suggested.is_empty() && asked.kept.linked.is_empty(), "{asked:?}");
    let (persona, wanted) = (owner.clone(), asked.kept.suggested.len());
    db.read(move |c: &mut dyn Conn| -> Result<(), Error> {
        assert_eq!(suggestions::list(c, &persona, Decided::Open)?.len(), wanted);
        assert!(edges::list(c, &persona)?.is_empty());
        Ok(())
    })
    .await
    .unwrap();
    let again = asking::ask(&db, &client, &owner, &id, Some(0.0), &mira(), NOW + 3).await.unwrap();
    assert!(again.kept.suggested.is_empty() && again.kept.skipped.iter().all(|why| why.contains("waits already")), "{again:?}");
    let missing = asking::ask(&db, &client, &PersonaId::generate(), &id, None, &mira(), NOW).await.unwrap_err();
    assert!(matches!(missing, asking::Error::Memory(Error::NotFound { .. })), "{missing}");
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_cannot_be_reached_changes_nothing_and_a_new_belief_is_asked_for_three_times() {
    let (db, _directory) = testing::database();
    let (owner, id) = filled(&db).await;
    let client = models("http://127.0.0.1:9".to_owned(), &db);
    let failed = asking::ask(&db, &client, &owner, &id, Some(0.5), &mira(), NOW + 2).await.unwrap_err();
    assert!(failed.to_string().contains("could not be asked for"), "{failed}");
    db.write(move |c: &mut dyn Conn| -> Result<(), Error> {
        let new_belief = NewBeliefProposal {
            title: "Weirs".into(),
            summary: "They hold water back.".into(),
            initial_confidence: 0.5,
            tags: vec![],
            reason: "It came up.".into(),
        };
        let proposed = BeliefProposals { updates: vec![], new_belief: Some(new_belief) };
        let made = proposals::apply_on_approval(c, &owner, &proposed, None, &mira(), NOW + 3)?.new_belief_id.unwrap();
        for _ in 0..relationships::MAX_ATTEMPTS {
            assert_eq!(relationships::requested(c, &owner, 5)?, std::slice::from_ref(&made), "what an approval made is to be linked");
            relationships::asked(c, &owner, &made, Err("the model was away"), NOW + 4)?;
        }
        assert!(relationships::requested(c, &owner, 5)?.is_empty(), "three times, and no more");
        Ok(())
    })
    .await
    .unwrap();
}
