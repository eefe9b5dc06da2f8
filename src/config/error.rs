//! Why there are no settings to work with.

use super::{Problem, Purpose};
use std::path::PathBuf;

/// The settings cannot be used as they stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// At least one setting or file is wrong.
    #[error("{first}{}", more(*others))]
    Invalid {
        /// The first finding.
        first: Box<Problem>,
        /// How many more there are.
        others: usize,
    },
    /// Settings are missing that the work asked for needs.
    #[error("not set: {}; {}", names.join(", "), purpose.sentence())]
    Missing {
        /// Environment names of the missing settings.
        names: Vec<&'static str>,
        /// What they are needed for.
        purpose: Purpose,
    },
    /// A directory cannot be made or used.
    #[error("the directory {} cannot be used: {reason}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::Invalid { first, .. } => {
                first.next.clone().unwrap_or_else(|| "see all findings with `quarterdeck config check`".to_owned())
            }
            Self::Missing { .. } => {
                "set them in the environment or in the environment file; `quarterdeck config path` says where that is".to_owned()
            }
            Self::Directory { .. } => "choose another place with --data-dir, or make this one writable".to_owned(),
        }
    }
}

fn more(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " (and 1 more; `quarterdeck config check` lists them)".to_owned(),
        _ => format!(" (and {others} more; `quarterdeck config check` lists them)"),
    }
}
