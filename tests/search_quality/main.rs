//! How well search finds: questions in other words than the documents that answer them, and questions in their words.
//!
//! The sets are plain files beside this one, written for this purpose. Each test ranks the documents of a set for each of its questions, prints hit@1,
//! hit@5 and MRR with bootstrap intervals, and holds a floor. `cargo test --test search_quality -- --nocapture` shows the figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod fusion;
mod meaning;
mod measure;
mod set;
#[path = "../support/mod.rs"]
mod support;
