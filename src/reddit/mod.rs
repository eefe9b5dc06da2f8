//! The Reddit client: what it reads, what it writes, how fast it may, and what every answer means.
//!
//! | file | what stands in it |
//! |---|---|
//! | [`client`] | the client: one request with its token, its place in the budget, and its retries; what it reads and writes stands in `reads` and `writes` |
//! | [`auth`], [`token`], [`token_file`] | log in, keep the token fresh, store a rotated refresh token before it counts |
//! | [`budget`], [`bucket`], [`window`] | how many requests may leave: one budget for all accounts of an application |
//! | [`classify`], [`refusals`], [`outcome`] | what became of a request that writes |
//! | [`answer`], [`headers`], [`excerpt`] | an answer as it came, and what it means for a request that reads |
//! | [`things`], [`listing`], [`people`], [`requirements`], [`wire`] | posts, comments, messages, accounts, rules: read leniently |
//! | [`submission`], [`names`] | what we send, and its limits, checked before it is sent |
//! | [`settings`], `transport`, [`error`] | credentials and addresses; the connection; what can go wrong |
//!
//! What this room may not do: send a request that writes twice, follow a redirect, decide whether something is sent, touch the database,
//! let a secret into a message, or take anything that Reddit says for more than data.

pub mod answer;
pub mod auth;
pub mod bucket;
pub mod budget;
pub mod classify;
pub mod client;
pub mod error;
pub mod excerpt;
pub mod headers;
pub mod listing;
pub mod names;
pub mod outcome;
pub mod people;
mod reads;
pub mod refusals;
pub mod requirements;
pub mod settings;
pub mod submission;
pub mod things;
pub mod token;
pub mod token_file;
mod transport;
pub mod window;
pub mod wire;
mod writes;

pub use budget::{BudgetSnapshot, Priority, RateBudget};
pub use classify::Action;
pub use client::Client;
pub use error::{Error, Result};
pub use listing::{Page, Thread};
pub use outcome::{Consequence, ExpiredBecause, Field, RefusalClass, WriteOutcome};
pub use people::{Me, Message, MessageKind, SubredditRule};
pub use reads::{SearchSort, TimeFilter};
pub use requirements::{PostRequirements, Violation};
pub use settings::{RetryPolicy, Settings};
pub use submission::{Submission, SubmissionBody};
pub use things::{Comment, Post, Thing};
