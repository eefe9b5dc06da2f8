//! Probes of what stands outside: read from `probes.toml`, run on time, kept as rows.
//!
//! | file | what it is for |
//! |---|---|
//! | [`model`] | what is probed; values only |
//! | [`check`] | one look at one target |

pub mod check;
pub mod model;
