//! Faults: what is lost, what is stored, what arrives damaged.

use crate::visit::{error_code, names, visit};
use quarterdeck::sandbox::{ACCOUNT, Fault, FaultKind};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test]
async fn resets_lose_the_answer_and_only_the_late_ones_store_something() {
    let visit = visit(|_| {}).await;
    let world = visit.sandbox.world();
    let parent = visit.open_post();
    let form = [("thing_id", parent.as_str()), ("text", "Exactly once, please.")];
    let order = |kind| visit.sandbox.add_fault(Fault::times("reddit:/api/comment", kind, 1));

    order(FaultKind::ResetBeforeCommit);
    let error = visit.send("/api/comment", &form).await.unwrap_err();
    assert!(error.is_request() && !error.is_connect(), "{error:?}");
    assert_eq!(world.comments_by(ACCOUNT).len(), 0);

    order(FaultKind::ResetAfterCommit);
    assert!(visit.send("/api/comment", &form).await.is_err());
    assert_eq!(world.comments_by(ACCOUNT).len(), 1);
    assert_eq!(names(&visit.get(&format!("/user/{ACCOUNT}/overview")).await).len(), 1);

    order(FaultKind::LateCommit(Duration::from_secs(45)));
    assert!(visit.send("/api/comment", &form).await.is_err());
    assert_eq!(names(&visit.get(&format!("/user/{ACCOUNT}/overview")).await).len(), 1, "not visible yet");
    visit.clock.advance(45_000);
    assert_eq!(names(&visit.get(&format!("/user/{ACCOUNT}/overview")).await).len(), 2, "visible now");
    assert_eq!(world.requests("reddit:/api/comment"), 3);
    assert!(visit.sandbox.faults().is_empty());
}

#[tokio::test]
async fn damaged_answers_are_damaged_in_the_way_that_was_ordered() {
    let visit = visit(|_| {}).await;
    let parent = visit.open_post();
    let form = [("thing_id", parent.as_str()), ("text", "Hello there, this is a reply.")];
    let order = |kind| visit.sandbox.add_fault(Fault::times("reddit:/api/comment", kind, 1));

    order(FaultKind::Status { code: 503, html: true });
    let answer = visit.send("/api/comment", &form).await.unwrap();
    assert!(answer.status() == 503 && answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    order(FaultKind::Status { code: 500, html: false });
    assert_eq!(
        visit.send("/api/comment", &form).await.unwrap().json::<Value>().await.unwrap(),
        json!({"message": "Internal Server Error", "error": 500})
    );
    order(FaultKind::RateLimitJson(90));
    assert_eq!(visit.post("/api/comment", &form).await["json"]["ratelimit"], 90.0);
    assert_eq!(visit.sandbox.world().comments_by(ACCOUNT).len(), 0, "none of these stores anything");

    order(FaultKind::TruncatedBody);
    let answer = visit.send("/api/comment", &form).await.unwrap();
    assert!(answer.status() == 200 && answer.bytes().await.is_err(), "the body must break off");
    order(FaultKind::Malformed);
    let text = visit.send("/api/comment", &form).await.unwrap().text().await.unwrap();
    assert!(text.len() > 20 && serde_json::from_str::<Value>(&text).is_err());
    order(FaultKind::EmptyThings);
    assert_eq!(visit.post("/api/comment", &form).await, json!({"json": {"errors": [], "data": {"things": []}}}));
    order(FaultKind::Html200);
    let answer = visit.send("/api/comment", &form).await.unwrap();
    assert!(answer.status() == 200 && answer.text().await.unwrap().starts_with("<!doctype html>"));
    assert_eq!(visit.sandbox.world().comments_by(ACCOUNT).len(), 4, "all of these do");

    order(FaultKind::SlowBody(Duration::from_millis(120)));
    let begun = Instant::now();
    assert_eq!(error_code(&visit.post("/api/comment", &form).await), "none");
    assert!(begun.elapsed() >= Duration::from_millis(110));
    order(FaultKind::Timeout(Duration::from_millis(60)));
    let begun = Instant::now();
    assert!(visit.send("/api/comment", &form).await.is_err() && begun.elapsed() >= Duration::from_millis(55));
}
