//! The care of the database: is it whole, who holds it, how it grows, what is slow, and the pieces of work that keep it small and quick.
//!
//! | file | what it is for |
//! |---|---|
//! | [`check`](check()) | whether it is whole: quickly, or to the last page |
//! | [`tidy`] | statistics, gaps, the write-ahead log |
//! | [`sizes`](sizes()) | how large tables and indexes are, and how they grow |
//! | [`slow`](slow()) | which statements take long |
//! | [`error`] | what can go wrong |
//!
//! Everything here blocks and may take minutes: call it on a thread of its own. It takes away no row that somebody wrote; that is what
//! retention is for.

mod check;
mod check_server;
pub mod error;
mod invariants;
mod sizes;
mod slow;
pub mod tidy;
mod work;

pub use check::{Checked, Depth, Finding, check};
pub use error::{Error, Result};
pub use sizes::{Grown, Part, Sizes, sizes};
pub use slow::{SlowStatement, slow};
pub use tidy::{Checkpointed, Mode, Optimized, Vacuumed, checkpoint, optimize, vacuum};
pub(crate) use work::bytes;

use crate::store::holders::{self, Holder};
use crate::upkeep::Site;

/// Everybody who has the database open, who does most first: process, program, what it does, since when. On Linux, programs that are not
/// ours are seen too.
///
/// # Errors
/// When the address is none, or a server refuses.
pub fn holders(site: &Site) -> Result<Vec<Holder>> {
    Ok(holders::holders(&site.address()?)?)
}
