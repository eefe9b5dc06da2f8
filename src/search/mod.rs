//! Search by words and by meaning over everything that was said, believed and decided.
//!
//! | file | what it is for |
//! |---|---|
//! | [`embed`] | vectors from texts: the model that ships, one from a folder, or an endpoint |
//! | [`question`] | the query language: words, phrases, prefixes, filters |
//! | [`text`] | full text on both engines: words, stems, matches |
//! | [`documents`] | what can be found, made of rows and files, in step with the change feed |
//! | [`answer`] | hits, reasons, pages, counts |
//! | `ask` | one question answered: names, candidates, ranking, extracts |
//! | [`fusion`] | one score of words and meaning |
//! | [`service`] | [`Search`]: asks, finds what is similar, keeps up with the change feed |
//! | `spaces` | the model in use, and those of before while passages wait for it |
//! | [`vectors`] | which passages lie nearest: stored vectors, exact scan, graph, files |
//!
//! This room stands between the agent and moderation: it may call moderation, memory, the pieces of the model client that carry requests, the
//! store, settings and the base; the agent and the open application may call it. It may not change what it finds, decide what is posted, or know a
//! face.

pub mod answer;
mod ask;
pub mod documents;
pub mod embed;
mod error;
pub mod fusion;
pub mod question;
pub mod service;
mod spaces;
pub mod text;
pub mod vectors;

pub use answer::{After, Answer, Count, Hit, Kind, Page, Part, Reason, Thread};
pub use error::{Error, Result};
pub use fusion::Ranking;
pub use question::{Filters, Question, SyntaxError, Term, Zone};
pub use service::{Followed, Search, Settings};
