//! What both share: time, limits, control, seeds, closing.

use crate::visit::{NOON, error_code, names, visit};
use quarterdeck::base::Clock as _;
use quarterdeck::sandbox::{self, Arrival, Options};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test]
async fn posts_and_answers_arrive_as_the_clock_goes_on() {
    let visit = visit(|options| (options.posts, options.arrival) = (18, Arrival::Every(Duration::from_secs(10)))).await;
    let count = async || visit.get("/r/all/new?limit=100").await["data"]["dist"].as_u64().unwrap();
    assert_eq!(count().await, 6);
    visit.clock.advance(50_000);
    assert_eq!(count().await, 11);
    for _ in 0..6 {
        let post = visit.open_post();
        visit.reply(&post, "A reply to look at.").await;
        visit.clock.advance(10_000);
    }
    visit.clock.advance(60_000);
    let answers = visit.get("/message/comments").await;
    assert!(!names(&answers).is_empty(), "somebody answers within a minute");
}

#[tokio::test]
async fn the_request_budget_is_counted_per_client_and_ends_in_429() {
    let visit = visit(|options| options.request_limit = 3).await;
    let first = visit.request(reqwest::Method::GET, "/api/v1/me").send().await.unwrap();
    assert_eq!(
        (first.headers()["x-ratelimit-used"].to_str().unwrap(), first.headers()["x-ratelimit-remaining"].to_str().unwrap()),
        ("1", "2.0")
    );
    assert_eq!((visit.status("/api/v1/me").await, visit.status("/api/v1/me").await), (200, 200));
    let refused = visit.request(reqwest::Method::GET, "/api/v1/me").send().await.unwrap();
    assert_eq!(refused.status(), 429);
    let wait: i64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    visit.clock.advance(wait * 1000);
    assert_eq!(visit.status("/api/v1/me").await, 200);
}

#[tokio::test]
async fn the_control_endpoint_shows_and_changes_the_world() {
    let visit = visit(|_| {}).await;
    let (status, made) =
        visit.control("/world", &json!({"action": "add_post", "subreddit": "test", "title": "From outside", "text": "Hello"})).await;
    assert_eq!(status, 200);
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(visit.control("/world", &json!({"action": "lock", "id": id})).await.0, 200);
    assert_eq!(error_code(&visit.reply(&id, "hello there").await), "THREAD_LOCKED");
    let (status, refused) = visit.control("/world", &json!({"action": "lock", "id": "t3_zz"})).await;
    assert!(status == 400 && refused["error"].as_str().unwrap().contains("t3_zz"));
    let (_, faults) = visit.control("/faults", &json!({"fault": "reddit:/api/comment=status:503*1"})).await;
    assert_eq!(faults["faults"][0]["kind"], "status:503");
    assert_eq!(visit.control("/faults", &json!({"target": "model:*", "kind": "malformed", "probability": 0.5})).await.0, 200);
    assert_eq!(visit.control("/faults", &json!({"fault": "nonsense"})).await.0, 400);
    let state: Value = visit.client.get(format!("{}/state", visit.sandbox.control_url())).send().await.unwrap().json().await.unwrap();
    assert_eq!((state["sandbox"].as_bool(), state["faults"].as_array().unwrap().len()), (Some(true), 2));
    let cleared = visit.client.delete(format!("{}/faults", visit.sandbox.control_url())).send().await.unwrap();
    assert_eq!(cleared.json::<Value>().await.unwrap()["cleared"], 2);
}

#[tokio::test]
async fn it_listens_on_loopback_only_and_closes_while_a_request_hangs() {
    let visit = visit(|options| options.faults = vec!["reddit:/api/v1/me=timeout:1h".parse().unwrap()]).await;
    assert!(visit.sandbox.address().ip().is_loopback());
    let hanging = tokio::spawn(visit.request(reqwest::Method::GET, "/api/v1/me").send());
    while visit.sandbox.world().requests("reddit:/api/v1/me") == 0 {
        tokio::task::yield_now().await;
    }
    let taken = visit.sandbox.address().port();
    let error = sandbox::start(Options { port: Some(taken), ..Options::default() }).await.unwrap_err();
    assert!(error.to_string().contains("--port"), "{error}");
    visit.sandbox.shutdown().await;
    assert!(hanging.await.unwrap().is_err());
    assert!(visit.clock.now() == NOON);
}

#[tokio::test]
async fn the_same_seed_makes_the_same_world() {
    let titles = async |seed| {
        let visit = visit(|options| options.seed = seed).await;
        let page = visit.get("/r/all/new?limit=50").await;
        page["data"]["children"]
            .as_array()
            .unwrap()
            .iter()
            .map(|child| (child["data"]["name"].to_string(), child["data"]["title"].to_string()))
            .collect::<Vec<_>>()
    };
    assert_eq!(titles(3).await, titles(3).await);
    assert_ne!(titles(3).await, titles(4).await);
}

#[tokio::test]
async fn a_world_of_200_posts_answers_quickly() {
    let visit = visit(|options| (options.posts, options.request_limit) = (200, 100_000)).await;
    visit.get("/r/all/new?limit=10").await;
    let begun = Instant::now();
    for _ in 0..100 {
        visit.get("/r/all/new?limit=10").await;
    }
    let each = begun.elapsed() / 100;
    println!("one page of ten posts: {each:?}, client included, unoptimised");
    assert!(each < Duration::from_millis(20), "{each:?}");
}
