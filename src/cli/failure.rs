//! How a command ends: done, done with problems found, or failed with a reason and a next step.

use std::process::ExitCode;

/// The exit codes of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: it is done.
    Done,
    /// 1: it failed.
    Failed,
    /// 2: the command line asks for something that does not exist or does not fit.
    Usage,
    /// 3: a check found problems, a bulk decision left items out, or nothing was left to claim.
    Problems,
    /// 4: the role of who asked does not allow it.
    NotAllowed,
    /// Whatever a command ended with that was run for somebody.
    Ended(u8),
}

impl Exit {
    /// The number the shell sees.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Problems => 3,
            Self::NotAllowed => 4,
            Self::Ended(status) => status,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It was a check and found problems, or it was done in part, or there was nothing to do.
    Problems,
    /// A command was run, and ended with this.
    Ended(u8),
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Problems => Self::Problems,
            Outcome::Ended(status) => Self::Ended(status),
        }
    }
}

/// Why a command failed, for a person: what failed, on what, and what to do next.
///
/// Every error of a service becomes one of these in a `From` below, where its exit code and next step are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed, as a sentence without its full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// How the process ends.
    pub exit: Exit,
}

impl Failure {
    /// Something failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Failed }
    }

    /// The command line asks for something that does not fit.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Usage }
    }

    /// The same failure with a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<crate::config::Error> for Failure {
    fn from(error: crate::config::Error) -> Self {
        Self::failed(error.to_string()).hint(error.next_step())
    }
}

impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Self {
        Self { hint: error.next_step().map(str::to_owned), ..Self::failed(error.to_string()) }
    }
}

impl From<crate::deck::Error> for Failure {
    fn from(error: crate::deck::Error) -> Self {
        match error {
            crate::deck::Error::Config(error) => error.into(),
            crate::deck::Error::Store(error) => error.into(),
            crate::deck::Error::Moderation(error) => error.into(),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::llm::account::Error> for Failure {
    fn from(error: crate::llm::account::Error) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<crate::moderation::Error> for Failure {
    fn from(error: crate::moderation::Error) -> Self {
        let exit = if matches!(error, crate::moderation::Error::NotAllowed { .. }) { Exit::NotAllowed } else { Exit::Failed };
        Self { exit, ..Self::failed(error.to_string()) }
    }
}

impl From<crate::agent::relationships::Error> for Failure {
    fn from(error: crate::agent::relationships::Error) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<crate::memory::Error> for Failure {
    fn from(error: crate::memory::Error) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<crate::upkeep::retention::Error> for Failure {
    fn from(error: crate::upkeep::retention::Error) -> Self {
        match error {
            crate::upkeep::retention::Error::Store(error) => error.into(),
            crate::upkeep::retention::Error::NoRule { .. } | crate::upkeep::retention::Error::Hold(_) => Self::usage(error.to_string()),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::upkeep::erasure::Error> for Failure {
    fn from(error: crate::upkeep::erasure::Error) -> Self {
        match error {
            crate::upkeep::erasure::Error::Store(error) => error.into(),
            crate::upkeep::erasure::Error::Name => Self::usage(error.to_string()),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::upkeep::care::Error> for Failure {
    fn from(error: crate::upkeep::care::Error) -> Self {
        match error {
            crate::upkeep::care::Error::Store(error) => error.into(),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::llm::logs::Error> for Failure {
    fn from(error: crate::llm::logs::Error) -> Self {
        match error {
            crate::llm::logs::Error::NoZone { .. } => Self::usage(error.to_string()),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::upkeep::secrets::Error> for Failure {
    fn from(error: crate::upkeep::secrets::Error) -> Self {
        let wrong = matches!(error, crate::upkeep::secrets::Error::Unknown { .. } | crate::upkeep::secrets::Error::Value { .. });
        if wrong {
            Self::usage(error.to_string()).hint("`quarterdeck secrets list` shows the names")
        } else {
            Self::failed(error.to_string())
        }
    }
}

impl From<crate::upkeep::audit::Error> for Failure {
    fn from(error: crate::upkeep::audit::Error) -> Self {
        match error {
            crate::upkeep::audit::Error::BehindTheEnd { .. } => Self::usage(error.to_string()),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::search::vectors::Error> for Failure {
    fn from(error: crate::search::vectors::Error) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<crate::upkeep::backup::Error> for Failure {
    fn from(error: crate::upkeep::backup::Error) -> Self {
        use crate::upkeep::backup::Error;
        match error {
            Error::Store(error) => error.into(),
            Error::NoSuchBackup { .. } | Error::Ambiguous { .. } | Error::Unfit { .. } | Error::NothingInterrupted => {
                Self::usage(error.to_string())
            }
            error => Self::failed(error.to_string()),
        }
    }
}
