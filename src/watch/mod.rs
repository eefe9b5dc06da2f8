//! What others watch: metrics for Prometheus, and health for those who restart and who page.
//!
//! | file | what it is for |
//! |---|---|
//! | [`exposition`] | metrics as text, in both formats; pure |
//! | [`collect`], `ledger`, `services` | the values: of model calls, and of everything else |
//! | [`shown`] | the board for programs; pure |
//! | [`board`] | the health board: systems, lines, what hurts most first; pure |
//! | [`health`] | how each part of the deck is, with the reason |
//! | [`marks`], [`started`], [`events`] | what happened: told by people, found at a start, from every source |
//! | [`probe`] | targets outside: what is asked, when, and what it means |
//! | [`token`] | who may ask |
//! | [`loader`], [`server`] | where the board comes from, the endpoint |
//!
//! Every value is read from the database when it is asked for, so that counters go on where they were after a restart. This room changes
//! nothing, and tells no text of a persona and no prompt.

pub mod board;
pub mod collect;
pub mod events;
pub mod exposition;
pub mod health;
mod ledger;
pub mod loader;
pub mod marks;
pub mod probe;
pub mod server;
mod services;
pub mod shown;
pub mod started;
pub mod token;

pub use collect::Collector;
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

/// A board of the deck's own parts alone.
pub async fn own_board(db: &crate::store::Database, clock: &dyn crate::base::Clock) -> board::Board {
    let found = health::look(db, clock).await;
    let now = clock.now();
    let lines = found.components.into_iter().map(|one| board::Line {
        id: format!("own/{}", one.name),
        system: "quarterdeck".into(),
        name: one.name.into(),
        kind: board::Kind::Own,
        status: one.status,
        since: None,
        reason: one.reason,
        last_error: None,
        latencies: Vec::new(),
        last_at: Some(now),
        next_at: None,
        remedy: None,
        paused: None,
        maintenance_until: None,
        detail: one.detail,
    });
    board::Board::of(lines.collect(), now, None, None)
}
