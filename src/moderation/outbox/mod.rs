//! The outbox: no request that writes to the outside without a committed intent, and no answer that is not committed.
//!
//! An attempt is open while its `finished_at` is empty; a unique index allows one open attempt an item. An open attempt without outcome is
//! under way; one with the outcome `unknown` is being reconciled by reading; `unresolved` waits for a person.
//!
//! | file | what stands in it |
//! |---|---|
//! | `attempt` | one try to send an item, and what is due next |
//! | `intent` | committing that an item is about to be sent |
//! | `settle` | committing what came of it |
//! | `reconcile` | committing what reading found of an answer that was lost |
//! | `visibility` | committing what the message looks like in public |

mod attempt;
mod intent;
mod reconcile;
mod settle;
mod visibility;

pub use attempt::{Attempt, Due, attempts, due};
pub use intent::{Intent, commit_intent, defer, withdraw_for_rules};
pub use reconcile::{Finding, lost_attempt, reconcile, recover};
pub use settle::{Aftermath, Answer, follow, settle};
pub use visibility::{Visibility, record_visibility};

use crate::base::Millis;

/// After how long reading begins when an answer was lost, counted from when it was lost.
pub const RECONCILE_AFTER: [Millis; 4] = [5_000, 30_000, 120_000, 600_000];
/// Absence is believed after two complete reads that lie at least this far apart.
pub const BETWEEN_ABSENCES: Millis = 60_000;
/// When a message is looked at in public, counted from when it was sent.
pub const CHECK_AFTER: [Millis; 4] = [60_000, 900_000, 7_200_000, 86_400_000];
