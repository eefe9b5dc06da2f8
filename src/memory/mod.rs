//! Personas, what they believe and why, and what they said.
//!
//! One file per aggregate: the SQL of a table stands in the file of its aggregate and nowhere else. Rules without I/O stand apart
//! ([`confidence`], [`persona_config`], the types of [`proposals`]). Every operation is a plain function `fn op(c: &mut dyn Conn, …)`
//! for one transaction of the caller, takes the [`crate::base::PersonaId`] whose rows it may touch, and treats another persona's id as
//! not found. Every change of a belief leaves a row in its history, one audit row and one change-feed row in the same transaction.
//!
//! This room may not: speak to a network or a model, read a clock (time is passed in), decide what is posted, or know a face.

mod change;
mod error;
mod versions;

pub mod beliefs;
pub mod confidence;
pub mod conflicts;
pub mod demo_world;
pub mod edges;
pub mod evidence;
pub mod graph;
pub mod history;
pub mod interactions;
pub mod interchange;
pub mod persona_config;
pub mod personas;
pub mod proposals;
pub mod relationships;
pub mod revisions;
pub mod seed;
pub mod settings;
pub mod short_ids;
pub mod stances;
pub mod suggestions;
pub mod undo;

pub use change::{Author, Trigger};
pub use confidence::{Direction, Strength};
pub use error::{Error, Result};
pub use persona_config::PersonaConfig;
pub use personas::Persona;
pub use proposals::{BeliefChangesApplied, BeliefProposals, BeliefUpdateProposal, NewBeliefProposal};
