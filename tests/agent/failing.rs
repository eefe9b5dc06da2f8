//! When a service is away, or says what cannot be used: nothing is half done, and who has to know is told.

use super::house::House;
use super::scripted::{Kind, Say, Scripted, sensible};
use quarterdeck::agent::runner::{self, Until};
use quarterdeck::agent::{Error, Observer};
use quarterdeck::moderation::State;
use quarterdeck::sandbox::{Fault, FaultKind};
use std::time::Duration;
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_cannot_be_reached_fails_the_cycle_and_leaves_nothing_behind() {
    let house = House::new(Some("http://127.0.0.1:9/api/v1")).await;
    house.post("Rivers", "How fast do they fall?");
    let (ended, _) = house.cycle().await;
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("cannot be reached") && error.contains("check the network"), "{error}");
    assert!(house.items().await.is_empty());
    let run = house.run().await;
    assert_eq!((run.status.as_str(), run.failures_in_a_row), ("error", 1));
    assert!(run.error_message.unwrap().contains("cannot be reached"));
    house.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_key_is_not_tried_for_every_message() {
    let model = Scripted::start(|_, _| Say::Status(401)).await;
    let house = House::new(Some(&model.url)).await;
    (0..8).for_each(|number| drop(house.post(&format!("Rivers {number}"), "How fast do they fall?")));
    let (ended, _) = house.cycle().await;
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("OPENROUTER_API_KEY"), "{error}");
    assert_eq!((model.asked(Kind::Draft).len(), house.items().await.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_for_one_message_stops_no_other() {
    let model = Scripted::start(|kind, prompt| match kind {
        Kind::Draft if prompt.contains("Rivers") => Say::Status(403),
        kind => sensible(kind),
    })
    .await;
    let house = House::new(Some(&model.url)).await;
    let refused = house.post("Rivers", "How fast do they fall?");
    let others = ["Lakes", "Seas", "Ponds"].map(|title| house.post(title, "How deep?"));
    house.cycles_until(&others.each_ref().map(String::as_str)).await;
    let failures = house.cycles_until_failure().await;
    assert_eq!(failures[0].0, refused);
    assert!(house.items().await.iter().all(|item| item.state == State::Pending));
    assert_eq!(house.run().await.failures_in_a_row, 0);
}

#[tokio::test(start_paused = true)]
async fn five_failed_cycles_in_a_row_end_the_loop_with_its_reason() {
    let house = House::new(None).await;
    let mut services = house.services.clone();
    // Nobody listens there. Time passes by itself while nothing else can happen.
    let secret = |text: &str| secrecy::SecretString::from(text.to_owned());
    let mut settings = quarterdeck::reddit::Settings::new("id", secret("secret"), "DemoAgentBot", "test:quarterdeck:0 (by /u/test)");
    settings.password = Some(secret("password"));
    (settings.login_base, settings.oauth_base) = ("http://127.0.0.1:9".to_owned(), "http://127.0.0.1:9".to_owned());
    let budget = quarterdeck::reddit::RateBudget::new(services.clock.clone());
    services.reddit = quarterdeck::reddit::Client::new(settings, budget, services.clock.clone()).unwrap();
    let began = tokio::time::Instant::now();
    let (_keep, stop) = watch::channel(false);
    let error = runner::run(services, Observer::default(), stop, Until::Stopped).await.unwrap_err();
    assert!(matches!(error, Error::TooManyFailures { failures: 5, .. }), "{error}");
    assert!(began.elapsed() >= Duration::from_secs(2 + 4 + 8 + 16), "it backed off: {:?}", began.elapsed());
    let run = house.run().await;
    // The fifth ends the loop before it is counted as a cycle that waits for a next one.
    assert_eq!((run.status.as_str(), run.failures_in_a_row, run.cycle_count), ("error", 5, 5));
    assert!(run.error_message.unwrap().contains("5 cycles failed in a row"));
    house.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_cycle_forgets_the_failures_before_it() {
    let house = House::new(None).await;
    house.sandbox.add_fault(Fault::times("reddit:/message/inbox", FaultKind::Status { code: 503, html: true }, 1));
    let (ended, _) = house.cycles(2).await;
    ended.unwrap();
    let run = house.run().await;
    assert_eq!((run.status.as_str(), run.failures_in_a_row, run.cycle_count, run.error_message), ("stopped", 0, 2, None));
}
