//! The headless demo on a world of 200 posts: when the first draft is in the queue, counted from the start of the command's work.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::process::Command;
use std::time::Instant;

fn main() {
    let mut runs = Vec::new();
    for _ in 0..7 {
        let started = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_quarterdeck"))
            .args(["demo", "--headless", "--cycles", "1", "--posts", "200", "--json"])
            .output()
            .expect("the demo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        let summary: serde_json::Value = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .find(|line: &serde_json::Value| line["event"] == "summary")
            .expect("a summary");
        runs.push((summary["first_draft_ms"].as_u64().expect("a draft"), started.elapsed().as_millis()));
    }
    runs.sort_unstable();
    println!("first draft queued: median {} ms, worst {} ms; whole command: median {} ms", runs[3].0, runs[6].0, runs[3].1);
}
