//! The care of what is kept: backup and drill, the database, retention and erasure, the audit log, secrets.
//!
//! | file | what it is for |
//! |---|---|
//! | [`backup`] | copies of the deck that are known to be whole: made online, verified, restored, drilled, thinned out |
//! | [`care`] | the database: is it whole, who holds it, how it grows, what keeps it small and quick |
//! | [`erasure`] | taking out all data of one Reddit user |
//! | [`progress`] | how far a long piece of work is, and whether it is to stop |
//! | [`retention`] | what is kept for how long, legal holds, archives |
//! | [`audit`] | whether the audit log is whole: keyed checkpoints, verification |
//! | [`secrets`] | the secrets of the environment file: their age, their change |
//! | [`runs`] | what was done and how it went; ages on the board come from here |
//! | [`site`] | what long work is given |
//!
//! Long work is blocking, runs on a thread of its own and tells a [`progress::Watcher`] where it is. Nothing here knows a face, and nothing
//! here sends anything to the outside.

pub mod audit;
pub mod backup;
pub mod care;
pub mod erasure;
pub mod progress;
pub mod retention;
pub mod runs;
pub mod site;

pub use site::Site;
//pub mod secrets;
pub mod secrets;
