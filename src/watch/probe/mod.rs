//! Probes of what stands outside: read from `probes.toml`, run on time, kept as rows.
//!
//! | file | what it is for |
//! |---|---|
//! | [`model`] | what is probed; values only |
//! | [`mod@file`], [`presets`] | `probes.toml`, with the place of everything that is wrong in it; probes of known systems |
//! | [`check`] | one look at one target |
//! | [`state`], [`schedule`], [`network`], [`maintenance`], [`cron`] | what results mean, when they are made, whose fault it is, when it does not matter; pure |
//! | [`engine`], [`lease`] | one process runs all probes; another takes over |
//! | [`rows`], [`pauses`] | states, results, sums, changes; what people stopped |
//! | [`remedy`] | what to try first, by cause |
//!
//! Nothing here changes anything outside: a probe asks, and what it asks is what the file names.

pub mod check;
pub mod cron;
pub mod engine;
pub mod file;
pub mod lease;
pub mod maintenance;
pub mod model;
pub mod network;
pub mod pauses;
pub mod presets;
pub mod remedy;
pub mod rows;
pub mod schedule;
pub mod state;

pub use engine::Engine;
pub use model::{Definitions, Probe};
