//! What one look at a target found.

use crate::watch::health::Status;

/// Why a target is not well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nobody listens.
    Refused,
    /// No answer in time.
    Timeout,
    /// The name has no address.
    Dns,
    /// No secure connection.
    Tls,
    /// The certificate ends too soon, or is not for this host.
    Certificate,
    /// An HTTP status that was not expected.
    Status(u16),
    /// A condition does not hold.
    Condition,
    /// It does not let us in.
    Auth,
    /// The answer is larger than what is read.
    TooLarge,
    /// It sends us elsewhere.
    Redirect,
    /// The answer is not understood.
    Broken,
    /// A limit of the target is near or reached.
    Limit,
    /// A command ended with this.
    Exit(i32),
    /// What is asked for is not there.
    Missing,
    /// The network does not carry anything.
    Network,
    /// Anything else.
    Other,
}

/// What one look found.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How the target is.
    pub status: Status,
    /// How long it took, in microseconds; `None` when there was no answer.
    pub latency_us: Option<u64>,
    /// What is wrong, without secrets, at most 300 characters.
    pub error: Option<String>,
    /// Why.
    pub cause: Option<Cause>,
    /// The host that was asked, for telling a fault of our own network.
    pub host: Option<String>,
    /// The value that was measured.
    pub value: Option<f64>,
    /// Numbers behind it.
    pub detail: serde_json::Value,
}
