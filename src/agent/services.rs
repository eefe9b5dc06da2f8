//! What the loop of one persona works with.

use super::Parameters;
use crate::base::Clock;
use crate::memory::Persona;
use crate::store::Database;
use std::path::PathBuf;
use std::sync::Arc;

/// One persona's services. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Services {
    /// The database.
    pub db: Database,
    /// Reddit, under the persona's own account.
    pub reddit: crate::reddit::Client,
    /// The models.
    pub llm: crate::llm::Client,
    /// Who judges drafts besides the offline rules; nobody by default.
    pub judges: crate::llm::judge::Judges,
    /// Search over what the persona said before; without it the newest is what it remembers.
    pub search: Option<crate::search::Search>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// The queue's times and the mode.
    pub moderation: crate::moderation::Settings,
    /// The rules that every draft is looked at with.
    pub screener: crate::moderation::rules::Screener,
    /// Whose loop it is.
    pub persona: Persona,
    /// How the loop behaves.
    pub parameters: Parameters,
    /// Where the lock that keeps a second loop of this persona off this machine lies.
    pub lock_dir: PathBuf,
    /// Seed of the dice; `None` for real ones.
    pub seed: Option<u64>,
}
