//! The shapes that the sandbox serves, beside the recorded answers of the real service where those are present.

use crate::visit::visit;
use quarterdeck::sandbox::{ACCOUNT, NewPost};
use serde_json::Value;
use std::path::Path;

/// A recorded body; `None`, with a note, where the recordings are not present.
fn recorded(name: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/reddit").join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            println!("skipped: ../shared/fixtures/reddit/{name} not present");
            None
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Every field that both sides have must be of the same type, and most fields of the sandbox must exist in the recording.
fn compare(what: &str, ours: &Value, theirs: &Value) {
    let (ours, theirs) = (ours.as_object().unwrap(), theirs.as_object().unwrap());
    let mut shared = 0;
    for (field, value) in ours {
        let Some(real) = theirs.get(field) else { continue };
        shared += 1;
        let (left, right) = (kind(value), kind(real));
        // `edited` is false or a number; a null says nothing about the type.
        let free = left == "null" || right == "null" || field == "edited" || field == "replies";
        assert!(free || left == right, "{what}.{field}: {left} here, {right} in the recording");
    }
    assert!(shared * 10 >= ours.len() * 8, "{what}: only {shared} of {} fields exist in the recording", ours.len());
}

#[tokio::test]
async fn things_have_the_fields_and_types_of_the_recordings() {
    let visit = visit(|_| {}).await;
    let world = visit.sandbox.world();
    let post =
        world.add_post(NewPost { subreddit: "test".into(), title: "A shape".into(), text: "Text".into(), ..NewPost::default() }).unwrap();
    let reply = visit.reply(&post, "A reply with a shape.").await;
    let thing = visit.get(&format!("/api/info?id={post}")).await["data"]["children"][0]["data"].clone();
    if let Some(real) = recorded("D01-t3-locked.derived.json") {
        compare("t3", &thing, &real["data"]);
    }
    if let Some(real) = recorded("W05-comment-2016.body.json") {
        assert_eq!(reply["json"]["errors"], real["json"]["errors"]);
        let ours = &reply["json"]["data"]["things"][0]["data"];
        assert_eq!(kind(&ours["name"]), kind(&real["json"]["data"]["things"][0]["data"]["name"]));
    }
    if let Some(real) = recorded("W09-edit-ok.body.json") {
        compare("t1", &reply["json"]["data"]["things"][0]["data"], &real["json"]["data"]["things"][0]["data"]);
    }
    if let Some(real) = recorded("R01-me-2025.body.json") {
        let me = visit.get("/api/v1/me").await;
        for field in ["name", "id", "is_suspended", "link_karma", "comment_karma", "has_verified_email", "inbox_count", "created_utc"] {
            assert_eq!(kind(&me[field]), kind(&real[field]), "me.{field}");
        }
    }
    if let Some(real) = recorded("R12-post-requirements.body.json") {
        compare("requirements", &visit.get("/api/v1/sandbox_strict/post_requirements").await, &real);
    }
    if let Some(real) = recorded("R11-subreddit-rules.body.json") {
        compare("rule", &visit.get("/r/test/about/rules").await["rules"][0], &real["rules"][0]);
    }
    if let Some(real) = recorded("R20-unread-empty.body.json") {
        visit.send("/api/read_all_messages", &[]).await.unwrap();
        assert_eq!(visit.get("/message/unread").await, real);
    }
}

#[tokio::test]
async fn refusals_are_the_recorded_ones() {
    let visit = visit(|_| {}).await;
    let world = visit.sandbox.world();
    let post = visit.open_post();
    let comment = world.add_reply(&post, "sbx_moss_and_math", "Soon gone.").unwrap();
    world.delete(&comment).unwrap();
    if let Some(real) = recorded("X02-DELETED_COMMENT-reply.body.json") {
        assert_eq!(visit.reply(&comment, "hello there").await, real);
    }
    if let Some(real) = recorded("X05-SUBREDDIT_NOEXIST.body.json") {
        assert_eq!(visit.post("/api/submit", &[("sr", "?"), ("title", "title"), ("kind", "self"), ("text", "body")]).await, real);
    }
    if let Some(real) = recorded("X04-ALREADY_SUB-submit-link.body.json") {
        let link = [("sr", "test"), ("title", "One link"), ("kind", "link"), ("url", "https://example.org/")];
        visit.post("/api/submit", &link).await;
        assert_eq!(visit.post("/api/submit", &link).await, real);
    }
    if let Some(real) = recorded("H01-401-json.body.json") {
        visit.sandbox.expire_tokens();
        let refused = visit.request(reqwest::Method::GET, "/api/v1/me").send().await.unwrap();
        assert_eq!(refused.json::<Value>().await.unwrap(), real);
    }
}

#[tokio::test]
async fn what_moderators_remove_its_author_still_sees_and_others_do_not() {
    let mut visit = visit(|_| {}).await;
    let parent = visit.open_post();
    let own = visit.reply(&parent, "Removed soon.").await["json"]["data"]["things"][0]["data"]["name"].as_str().unwrap().to_owned();
    visit.sandbox.world().remove(&own).unwrap();
    let path = format!("/api/info?id={own}");
    assert_eq!(visit.get(&path).await["data"]["children"][0]["data"]["body"], "Removed soon.");
    let (_, app_only) = visit.token(&[("grant_type", "client_credentials")]).await;
    visit.token = app_only["access_token"].as_str().unwrap().to_owned();
    let seen = visit.get(&path).await["data"]["children"][0]["data"].clone();
    assert_eq!((seen["body"].as_str(), seen["author"].as_str()), (Some("[removed]"), Some("[deleted]")));
    assert!(visit.get(&format!("/user/{ACCOUNT}/comments")).await["data"]["children"].as_array().unwrap().is_empty());
}
