//! Beliefs: what holds whatever is done to them, their past, their exchange as documents, and the commands that people and scripts use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod asking;
mod house;
mod isolation;
mod linking;
mod older;
mod past;
mod program;
mod properties;
mod undoing;

#[path = "../support/mod.rs"]
mod support;
