//! Where a value came from.

use std::path::PathBuf;

/// Where a value came from, from the weakest to the strongest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// Path of the file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// The environment file.
    EnvironmentFile {
        /// Path of the file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// The process environment.
    Environment {
        /// Name of the variable.
        name: &'static str,
    },
    /// An option of the command line.
    CommandLine {
        /// The option, with its dashes.
        option: &'static str,
    },
}

impl Source {
    /// The kind of source as one word, for scripts.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::EnvironmentFile { .. } => "environment_file",
            Self::Environment { .. } => "environment",
            Self::CommandLine { .. } => "command_line",
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line } => write!(formatter, "file {}, line {line}", path.display()),
            Self::EnvironmentFile { path, line } => write!(formatter, "environment file {}, line {line}", path.display()),
            Self::Environment { name } => write!(formatter, "environment ({name})"),
            Self::CommandLine { option } => write!(formatter, "command line ({option})"),
        }
    }
}
