//! Logs in: calls that other programs made, read from their logs into the ledger, or summed up straight from the file.
//!
//! | file | what it is for |
//! |---|---|
//! | [`entry`], [`field`], [`stamp`], [`money`] | what a line says: values as they come, times, amounts; pure |
//! | [`formats`] | one parser a format, and how a format is told; pure |
//! | [`lines`], [`split`] | objects in a piece of a file, over several lines too, and where a file may be cut; pure |
//! | [`piece`] | the calls of a piece of a file, compact |
//! | [`prices`] | the price book in memory |
//! | [`source`] | opening files, compressed ones too; telling a file that grew from one that was replaced |
//! | [`pipeline`] | reading, parsing and taking in at the same time, in order |
//! | [`summary`] | everything that is asked of a log, without a database |
//! | [`files`], [`mod@write`], [`import`] | the tables, a batch in one transaction, a whole file |
//! | [`follow`] | waiting for a file to grow |
//!
//! A line is a call, something else that a log may hold, or rejected with its number and its reason. What is odd in a call is counted as a
//! [`Doubt`]; what is not known stays unknown. This room reads no prompt and keeps none, and writes only `import_files`, `import_rejects` and,
//! with their sums, rows of `llm_calls`.

pub mod entry;
pub mod error;
pub mod field;
pub mod files;
pub mod follow;
pub mod formats;
pub mod import;
pub mod lines;
pub mod money;
pub mod piece;
pub mod pipeline;
pub mod prices;
pub mod source;
pub mod split;
pub mod stamp;
pub mod summary;
pub mod write;
mod zstandard;

pub use entry::{Doubt, Doubts, Entry, Moment, Reject, Why};
pub use error::{Error, Result};
pub use formats::Format;
pub use import::{Imported, Options};
pub use summary::Summary;
