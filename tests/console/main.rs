//! The console on a pseudo-terminal: the real program, real keys, what stands on the screen and what stands in the database afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod beliefs;
mod cases;
mod decisions;
mod editing;
mod ending;
mod faults;
mod gauges;
mod harness;
mod health;
mod hostile;
mod kept;
mod listing;
mod looks;
mod mouse;
mod others;
mod search;
mod stopping;
mod waiting;
