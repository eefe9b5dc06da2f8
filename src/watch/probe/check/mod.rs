//! One look at one target. Bounded in time and memory, and without a panic whatever the target answers.

use super::model::Probe;
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
    /// How long it took, in microseconds.
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

/// Why no checks can be made.
#[derive(Debug, thiserror::Error)]
#[error("no checks can be made: {reason}")]
pub struct Error {
    /// Why.
    pub reason: String,
}

/// What checks share: clients, made once. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tools {}

impl Tools {
    /// Make them.
    ///
    /// # Errors
    /// When the system's certificates or the client cannot be used.
    pub fn new() -> Result<Self, Error> {
        Ok(Self {})
    }
}

/// Look at a target. Never longer than its timeout.
pub async fn check(probe: &Probe, _tools: &Tools) -> Outcome {
    let error = format!("there is no check of the kind {} yet", probe.target.kind());
    let unknown = Outcome {
        status: Status::Unknown,
        latency_us: None,
        error: Some(error),
        cause: Some(Cause::Other),
        host: None,
        value: None,
        detail: serde_json::Value::Null,
    };
    std::future::ready(unknown).await
}
