//! What can go wrong when a person's data is taken out.

use crate::store;

/// The result of an erasure.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why it was not done. No message holds the name: messages go to the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Archives could not be read or written.
    #[error(transparent)]
    Archive(#[from] crate::upkeep::retention::Error),
    /// The list beside the backups could not be written.
    #[error("what was erased could not be noted beside the backups: {0}; ask again once it can, or a restore brings the person back")]
    Backups(#[from] crate::upkeep::backup::Error),
    /// A queue item could not be withdrawn or put back before its reviewer.
    #[error("a draft that waits could not be withdrawn or put before a reviewer again: {0}")]
    Withdraw(#[from] crate::moderation::Error),
    /// No Reddit name.
    #[error("this is no Reddit name: it has 3 to 20 letters, digits, hyphens and underscores")]
    Name,
    /// A persona's own account.
    #[error("this is the account of a persona of this deck, and not somebody else's: `quarterdeck persona` is about those")]
    OwnAccount,
    /// A legal hold keeps everything of this person.
    #[error("a legal hold keeps everything about this person (hold {id}, {reason}): nothing was erased; ask again once it is released")]
    Held {
        /// The hold.
        id: String,
        /// Why it was placed.
        reason: String,
    },
    /// A file could not be taken away.
    #[error("cannot remove {path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// It was asked to stop.
    #[error("stopped as asked; part of it is done: ask again to do the rest")]
    Stopped,
}
