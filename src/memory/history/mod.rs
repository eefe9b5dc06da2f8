//! What a persona believed at a time, what changed between two times, what a belief rests on and what was said from it, and where beliefs are
//! at odds.
//!
//! Two times count. When something was so is `held_from` and `held_until` of a state or an edge; when this database learned of it is
//! `recorded_at`. They differ only for history that was imported. [`as_of()`] answers by the first, and with [`Moment::known_by`] by both.
//!
//! Nothing here changes anything.

pub mod as_of;
pub mod chain;
pub mod contradictions;
pub mod difference;

pub use as_of::{BeliefThen, GraphThen, Moment, as_of, present};
pub use chain::{Chain, Post, StanceLink, chain};
pub use contradictions::Contradiction;
pub use difference::{Difference, difference};
