//! What the calls of the ledger add up to, for people: cost, latency, models, tokens, growth, and the reports of a week and of a month.
//!
//! | file | what it is for |
//! |---|---|
//! | [`sums`] | sums and percentiles of any span: whole UTC days and hours from the rollups, ragged ends from the calls |
//!
//! This room reads the ledger and writes nothing. It knows no agent and no face: what it returns is data.

pub mod sums;
