//! The stock Python client against the sandbox: proof that the sandbox speaks the protocol and not merely our own idea of it.
//!
//! Needs `python3` (or the interpreter named by `QUARTERDECK_PYTHON`) with the package `praw`; says so and passes where they are absent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::sandbox::{self, ACCOUNT, CLIENT_ID, CLIENT_SECRET, Options, PASSWORD};
use serde_json::Value;
use std::process::Command;

/// The exit status with which the script says that the package is missing.
const ABSENT: i32 = 77;

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_python_client_lives_in_the_sandbox() {
    // The stock client spreads its requests over the window: a wide limit keeps it from waiting.
    let sandbox = sandbox::start(Options { posts: 200, request_limit: 1_000_000, ..Options::default() }).await.unwrap();
    let python = std::env::var("QUARTERDECK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/praw_client.py");
    let mut command = Command::new(&python);
    command.arg(script).args([sandbox.reddit_url().as_str(), ACCOUNT, PASSWORD, CLIENT_ID, CLIENT_SECRET]);
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    let output = match tokio::task::block_in_place(|| command.output()) {
        Ok(output) if output.status.code() != Some(ABSENT) => output,
        Ok(_) => return println!("skipped: python package praw not present for {python}"),
        Err(error) => return println!("skipped: python package praw not present, {python} does not run: {error}"),
    };
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    println!("{}", stdout.trim());

    let done: Value = serde_json::from_str(stdout.trim()).unwrap();
    let world = sandbox.world();
    let replies = world.comments_by(ACCOUNT);
    assert_eq!(replies.len(), 2, "one reply to a post, one to a comment, each stored once");
    assert_eq!((replies[0].text.as_str(), replies[1].marks.deleted), ("An edited reply.", true));
    assert_eq!(done["replied"], replies[0].id.as_str());
    let posts = world.posts_by(ACCOUNT);
    assert_eq!(posts.len(), 2);
    assert_eq!((posts[0].text.as_str(), posts[0].marks.locked, posts[1].marks.deleted), ("New text.", true, true));
    assert_eq!(world.replies_to(&replies[0].id).len(), 1);
    sandbox.shutdown().await;
}
