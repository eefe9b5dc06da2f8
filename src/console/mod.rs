//! The console: a keyboard-driven terminal interface on the same services that the subcommands drive.
//!
//! An event becomes a [`action::Action`], the state changes at once, and what needs the database goes to a task of its own; its answer
//! comes back as a message. Drawing is a pure function of the state, and happens only when something changed. This room may not hold SQL or
//! rules of its own, may not wait for anything while it handles an event, and shows text from outside only after it was made safe.

pub mod action;
mod audit;
mod beliefs;
mod count;
mod draw;
mod ends;
mod gauges;
mod health;
pub mod keymap;
mod layers;
mod looks;
mod memory;
mod new_file;
pub mod plain;
mod queue;
mod request;
mod run;
mod saved;
mod search;
#[cfg(test)]
mod snapshots;
mod state;
mod tabs;
mod terminal;
mod text;
pub mod theme;
mod update;

pub use run::run;
