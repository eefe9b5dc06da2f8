//! The loop of an agent: perceive, decide, recall, draft, check, screen, act, learn.
//!
//! The rules of the loop stand here without I/O: which posts are worth an answer ([`engagement`]), when to look again ([`pacing`]),
//! what the model is shown ([`prompt`]), and within which bounds an operator may set all of it ([`Parameters`]). Randomness, time and
//! texts are passed in.
//!
//! This room may not: send anything to the outside by itself (a draft goes to `moderation`, which alone decides and delivers), change a
//! belief (it proposes; a person approves; only the relations of a belief that a person approved are linked without asking, and only where the
//! settings allow it), let text from outside instruct the model, or know a face.

mod again;
mod cycle;
mod draft;
pub mod engagement;
mod error;
pub mod event;
pub mod pacing;
mod parameters;
mod perceive;
mod policy;
pub mod prompt;
pub mod rate_states;
pub mod relationships;
pub mod runner;
pub mod runs;
mod services;
pub mod stale;
mod statements;
mod taint;

pub use error::{Error, Result};
pub use event::{Event, Observer};
pub use parameters::{ParameterError, Parameters};
pub use services::Services;
