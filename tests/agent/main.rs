//! The loop of an agent against the sandbox: what it drafts and leaves alone, how it fails, how it starts and stops.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod automatic;
mod budgets;
mod drafts;
mod failing;
mod house;
mod judged;
mod personas;
mod policies;
mod process;
mod program;
mod remembering;
mod replies;
mod scripted;
mod team;
