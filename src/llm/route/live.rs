//! What is under way in this process, to look at.

use crate::base::Millis;
use serde::Serialize;

/// The traffic of a process at some moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Live {
    /// Calls that were sent and have no answer yet.
    pub in_flight: usize,
    /// Questions that wait for their turn.
    pub waiting: usize,
    /// The limits of a minute, of each model that has one and was asked, by name.
    pub buckets: Vec<Bucket>,
    /// Models that are left alone, with the moment until which, by name.
    pub cooling: Vec<(String, Millis)>,
}

/// What is left of a minute's requests and tokens for a model. `None` where nothing is limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// The model.
    pub model: String,
    /// Requests that could leave now.
    pub rpm_left: Option<u64>,
    /// Requests of any minute.
    pub rpm_limit: Option<u64>,
    /// Tokens that could be asked for now.
    pub tpm_left: Option<u64>,
    /// Tokens of any minute.
    pub tpm_limit: Option<u64>,
}
