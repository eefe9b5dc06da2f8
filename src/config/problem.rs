//! Something that is wrong, missing or odd about the settings.

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing runs before it is put right.
    Error,
    /// A setting that something needs is not set.
    Missing,
    /// It works, and is probably not what was meant.
    Odd,
    /// Good to know; not a problem.
    Note,
}

impl Level {
    /// The level as one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Missing => "missing",
            Self::Odd => "odd",
            Self::Note => "note",
        }
    }

    /// Whether a check that found this has found a problem.
    #[must_use]
    pub fn is_problem(self) -> bool {
        self != Self::Note
    }
}

/// A finding. No field ever holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How much it weighs.
    pub level: Level,
    /// Key of the setting, when it is about one.
    pub setting: Option<&'static str>,
    /// Where: a file with line and column, the environment, the command line.
    pub place: String,
    /// What was found, as a sentence without its full stop.
    pub message: String,
    /// What to do about it.
    pub next: Option<String>,
}

impl Problem {
    pub(super) fn new(level: Level, place: impl ToString, message: impl Into<String>) -> Self {
        Self { level, setting: None, place: place.to_string(), message: message.into(), next: None }
    }

    pub(super) fn about(mut self, setting: &'static super::Setting) -> Self {
        self.setting = Some(setting.key);
        self
    }

    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message)
    }
}
