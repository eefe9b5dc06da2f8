//! Search by words and by meaning over everything that was said, believed and decided.
//!
//! | file | what it is for |
//! |---|---|
//! | [`embed`] | vectors from texts: the model that ships, one from a folder, or an endpoint |
//! | [`question`] | the query language: words, phrases, prefixes, filters |
//! | [`text`] | full text on both engines: words, stems, matches |
//! | [`answer`] | hits, reasons, pages, counts |
//! | [`service`] | [`Search`]: asks, finds what is similar, keeps up with the change feed |
//!
//! This room stands between the agent and moderation: it may call moderation, memory, the pieces of the model client that carry requests, the
//! store, settings and the base; the agent and the open application may call it. It may not change what it finds, decide what is posted, or know a
//! face.

pub mod answer;
pub mod embed;
mod error;
pub mod question;
pub mod service;
pub mod text;

pub use answer::{After, Answer, Count, Hit, Kind, Page, Part, Reason, Thread};
pub use error::{Error, Result};
pub use question::{Filters, Question, SyntaxError, Term, Zone};
pub use service::{Followed, Search};
