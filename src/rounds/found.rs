//! What a look at something gives: a verdict, why, and what to do first. Pure.

use serde::Serialize;
use serde_json::Value;

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// It could not be told. Never taken for good.
    Unknown,
    /// It works, and somebody should look.
    Warn,
    /// It does not work, or will not for long.
    Fail,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The one thing to try first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// In a sentence that says what to do.
    pub text: String,
    /// The command to type, where there is one.
    pub command: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// How it is.
    pub verdict: Verdict,
    /// Why, in a sentence. It holds nothing secret.
    pub why: String,
    /// What to do first; `None` where nothing is to be done.
    pub remedy: Option<Box<Remedy>>,
    /// The one number that counts, with its unit, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Numbers behind it.
    pub detail: Value,
}

/// What a look gives. The other side is a finding as well: what kept it from looking.
pub type Look = Result<Found, Found>;

impl Found {
    fn new(verdict: Verdict, why: impl Into<String>) -> Self {
        Self { verdict, why: why.into(), remedy: None, number: None, detail: Value::Null }
    }

    /// As it should be.
    #[must_use]
    pub fn pass(why: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, why)
    }

    /// It works, and somebody should look.
    #[must_use]
    pub fn warn(why: impl Into<String>) -> Self {
        Self::new(Verdict::Warn, why)
    }

    /// It does not work.
    #[must_use]
    pub fn fail(why: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, why)
    }

    /// It could not be told.
    #[must_use]
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown, why)
    }

    /// The same with what to do first, and the command to type.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<String>, command: impl Into<String>) -> Self {
        let command = command.into();
        self.remedy = Some(Box::new(Remedy { text: text.into(), command: (!command.is_empty()).then_some(command) }));
        self
    }

    /// The same with the one number that counts.
    #[must_use]
    pub fn number(mut self, number: impl Into<String>) -> Self {
        self.number = Some(number.into());
        self
    }

    /// The same with numbers behind it.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

impl From<crate::store::Error> for Found {
    fn from(error: crate::store::Error) -> Self {
        use crate::store::Error;
        match error {
            Error::Corrupt { .. } => {
                Self::fail(error.to_string()).remedy("keep the file as it is, and restore the newest backup", "quarterdeck backup list")
            }
            Error::Locked { .. } => Self::unknown(error.to_string()).remedy("find who holds it", "quarterdeck db holders"),
            _ => Self::unknown(error.to_string()),
        }
    }
}

impl From<crate::moderation::Error> for Found {
    fn from(error: crate::moderation::Error) -> Self {
        Self::unknown(error.to_string())
    }
}

/// `1 item`, `2 items`.
#[must_use]
pub fn count(number: impl TryInto<i64>, one: &str, many: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A number of bytes for people.
#[must_use]
pub fn bytes(count: u64) -> String {
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{:.1} KiB", count as f64 / 1_024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", count as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", count as f64 / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_worse_than_pass_and_a_failure_is_the_worst() {
        let mut all = [Verdict::Fail, Verdict::Pass, Verdict::Warn, Verdict::Unknown];
        all.sort();
        assert_eq!(all, [Verdict::Pass, Verdict::Unknown, Verdict::Warn, Verdict::Fail]);
        assert_eq!(Found::warn("x").remedy("do", "").remedy.unwrap().command, None);
    }
}
