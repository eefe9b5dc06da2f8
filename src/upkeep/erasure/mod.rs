//! Taking out all data of one Reddit user: from tables, search, archives, the audit log, and from what backups bring back.
//!
//! | file | what it is for |
//! |---|---|
//! | `words` | finding a person in text |
//! | `catalogue` | where a person can stand |
//! | `held` | what legal holds keep |
//! | `rows` | the SQL: tables, search, the audit log |
//! | `lines` | a person in a line of an archive |
//! | `archives` | the files of the archive |
//! | `copies` | older copies of the whole |
//! | [`erase`](erase()) | the whole, in its order |
//! | `report` | what is asked for and answered |
//! | `error` | what can go wrong |
//!
//! Rows stay where they are ours (a draft, a decision, a sum): the person is taken out of them. What they wrote goes whole. The name itself
//! is written down nowhere: the audit log and the list beside the backups hold salted digests. A person who asked to be erased is not
//! written to again, for which the same digest is enough.

mod archives;
mod catalogue;
mod copies;
mod erase;
mod error;
mod held;
mod lines;
mod report;
mod rows;
mod words;

pub use erase::{erase, status};
pub use error::{Error, Result};
pub use report::{Asked, Erased, Kept, Left, Touched};
