//! The care of what is kept: backup and drill, the database, retention and erasure, the audit log, secrets.
//!
//! | file | what it is for |
//! |---|---|
//! | [`progress`] | how far a long piece of work is, and whether it is to stop |
//! | [`audit`] | whether the audit log is whole: keyed checkpoints, verification |
//! | [`secrets`] | the secrets of the environment file: their age, their change |
//! | [`runs`] | what was done and how it went; ages on the board come from here |
//!
//! Long work is blocking, runs on a thread of its own and tells a [`progress::Watcher`] where it is. Nothing here knows a face, and nothing
//! here sends anything to the outside.

pub mod audit;
pub mod progress;
pub mod runs;
pub mod secrets;
