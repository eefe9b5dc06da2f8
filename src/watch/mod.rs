//! What others watch: metrics for Prometheus, and health for those who restart and who page.
//!
//! | file | what it is for |
//! |---|---|
//! | [`exposition`] | metrics as text, in both formats; pure |
//! | [`collect`], `ledger`, `services` | the values: of model calls, and of everything else |
//! | [`shown`] | the board for programs; pure |
//! | [`board`] | the health board: systems, lines, what hurts most first; pure |
//! | [`heartbeat`] | jobs that say when they run |
//! | [`health`] | the four states; pure |
//! | [`marks`], [`started`], [`events`] | what happened: told by people, found at a start, from every source |
//! | [`own`] | the parts of the deck: each with its cause and one remedy |
//! | [`boards`] | the board, loaded: own parts live, probes and heartbeats from their rows |
//! | [`probe`] | targets outside: what is asked, when, and what it means |
//! | [`token`] | who may ask |
//! | [`loader`], [`server`] | where the board comes from, the endpoint |
//!
//! Every metric is read from the database when it is asked for, so that counters go on where they were after a restart. Probes and heartbeats write
//! what they found, and nothing else is changed here. No text of a persona and no prompt is told.

pub mod board;
pub mod boards;
pub mod collect;
pub mod events;
pub mod exposition;
pub mod health;
pub mod heartbeat;
mod ledger;
pub mod loader;
pub mod marks;
pub mod own;
pub mod probe;
pub mod server;
mod services;
pub mod shown;
pub mod started;
pub mod token;

pub use collect::Collector;
pub use health::Status;
pub use loader::Loader;
pub use server::{Options, Server};
pub use token::Token;

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why there is no endpoint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken, or not ours to take.
    #[error("nothing can be served on {address}: {reason}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        reason: String,
    },
    /// The token's file cannot be used. Its text is not repeated.
    #[error("the token file {path} cannot be used: {reason}", path = path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A result of this room.
pub type Result<T> = std::result::Result<T, Error>;
