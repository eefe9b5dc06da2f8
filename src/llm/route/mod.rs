//! The way of a question: which model is asked, when it is its turn, what is tried when it fails, and what need not be asked at all.
//!
//! | file | what it is for |
//! |---|---|
//! | [`settings`] | what can be set; nothing set means one model, no limits, and fallback as before |
//! | [`choice`] | how hard a question is, and which model that means, pure |
//! | [`allowance`] | requests and tokens of a minute, pure |
//! | [`cooldown`] | which models are left alone for a while, pure |
//! | [`key`], [`cache`] | which questions are the same, and the answers that are kept |
//! | [`traffic`] | what is under way in this process: turns, limits, cooldowns, questions in common |
//! | [`live`] | the same, to look at |
//! | [`trace`] | every decision on the way, as it stands in the ledger |
//! | `ask` | the way itself |
//!
//! Nothing here opens a connection or reads an answer: that is [`super::client`]. Nothing here refuses a call for its cost: that is
//! [`super::budget`]. Waiting is for a turn or a time that is known, never a look now and then.

pub mod allowance;
mod ask;
pub mod cache;
pub mod choice;
pub mod cooldown;
mod flight;
mod gate;
pub mod key;
pub mod live;
pub mod settings;
pub mod trace;
pub mod traffic;

pub(in crate::llm) use ask::{ask, step};
pub use choice::Complexity;
pub use live::Live;
pub use settings::{Limits, Settings};
pub use trace::Trace;
pub use traffic::Traffic;
