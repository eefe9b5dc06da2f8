//! Moderation: what screening says of a draft, what a person decides, and how it leaves the house exactly once.
//!
//! It owns the queue, the outbox, the mutes and the pauses. Rules and states stand in files without I/O ([`screening`], [`state`],
//! [`approval`]); every change of an item goes through one guarded step that writes its audit row and its feed row. It may not draft, may
//! not decide for a person, and may not send anything without a committed intent.

pub mod acknowledgements;
pub mod amendments;
pub mod approval;
pub mod bulk;
pub mod clock;
pub mod corrections;
mod crash;
pub mod decisions;
pub mod deliver;
pub mod depth;
pub mod detect;
pub mod draft;
mod enqueue;
mod error;
pub mod evaluation;
pub mod item;
pub mod judged;
pub mod left_alone;
pub mod listing;
pub mod mutes;
pub mod outbox;
mod outside;
pub mod overrides;
pub mod pauses;
pub mod policies;
pub mod proposed;
pub mod pull;
pub mod quality;
pub mod queue;
pub mod roles;
pub mod rules;
pub mod screening;
pub mod secrets;
pub mod state;
pub mod stats;
pub mod supersede;
mod survival;
mod sweep;
pub mod team;
mod transition;

pub use approval::Mode;
pub use draft::{DraftMetadata, ThreadEntry};
pub use error::{Error, Result};
pub use evaluation::{Evaluation, Hit, Span, Verdict};
pub use item::Item;
pub use listing::{Filter, Line};
pub use queue::{NewItem, On, Settings};
pub use roles::{Right, Role};
pub use state::{Directive, PostType, RejectCode, State};
pub use team::SecondApprover;
