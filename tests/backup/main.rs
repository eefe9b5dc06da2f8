//! Backups through the command line, with a real database, and with everything that can go wrong with them.
#![allow(clippy::print_stderr, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faults;
mod house;
mod killed;
mod places;
mod secrets;
mod server;
mod walk;

#[path = "../support/program.rs"]
#[allow(dead_code)]
mod program;
