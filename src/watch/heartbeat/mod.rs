//! Heartbeats: jobs that say when they run, and are missed when they do not.
//!
//! | file | what it is for |
//! |---|---|
//! | [`schedule`] | when a job is expected next, in its zone; pure |
//! | [`rules`] | what state a heartbeat is in, and since when; pure |
//! | [`ping`] | start, success and failure of a run |
//! | [`rows`] | what is kept of heartbeats and their runs |
//! | `line` | the line of the board |
//! | [`defined`] | the heartbeats of `probes.toml`, also when the rest of it is broken |
//! | [`serve`] | reports over HTTP |
//!
//! When a job is expected follows from its definition and its last report whenever somebody asks: a changed schedule needs no repair, and
//! a job that died while nobody watched is down all the same. **Every** run that has begun is watched, not only the newest.

pub mod defined;
mod line;
pub mod ping;
pub mod rows;
pub mod rules;
pub mod schedule;
pub mod serve;

pub use line::{Known, lines};
pub use ping::{Error, Ping, Pinged, adopt, fail, start, success};
pub use rules::{State, View};
