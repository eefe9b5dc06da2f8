//! Taking out all data of one Reddit user: from tables, search, archives, the audit log, and from what backups bring back.
//!
//! | file | what it is for |
//! |---|---|
//! | `words` | finding a person in text |
//! | `catalogue` | where a person can stand |
//! | `rows` | the SQL: tables, search, the audit log |
//! | [`erase`](erase()) | the whole, in its order |
//! | `error` | what can go wrong |
//!
//! Rows stay where they are ours (a draft, a decision, a sum): the person is taken out of them. What they wrote goes whole. The name itself
//! is written down nowhere: the audit log and the list beside the backups hold salted digests. A person who asked to be erased is not
//! written to again, for which the same digest is enough.

mod catalogue;
mod erase;
mod error;
mod rows;
mod words;

pub use erase::{Asked, Erased, Kept, Left, Touched, erase, status};
pub use error::{Error, Result};
