//! The rules: what they find and where, what is said about broken ones, what they know of the past, and the command that cares for them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod engine;
mod evasions;
mod past;
mod program;
