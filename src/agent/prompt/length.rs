//! How long a comment is, in three words: so that a persona does not always write the same length.

/// The length of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// At most 20 words.
    Short,
    /// At most 50 words.
    Medium,
    /// More.
    Long,
}

impl Length {
    /// The length of a text by its words.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text.split_whitespace().count() {
            0..=20 => Self::Short,
            21..=50 => Self::Medium,
            _ => Self::Long,
        }
    }

    /// The label in a prompt.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Short => "SHORT",
            Self::Medium => "MEDIUM",
            Self::Long => "LONG",
        }
    }
}

/// What the labels mean, as the model is told.
pub(super) const DEFINITIONS: &str =
    "Lengths: SHORT is 10 to 20 words. MEDIUM is 2 or 3 sentences, 30 to 50 words. LONG is 60 to 100 words.";

/// Advice on the next length after what was written lately; `None` when it varies enough.
pub(super) fn advice(recent: &[Length]) -> Option<&'static str> {
    let count = |length: Length| recent.iter().filter(|recent| **recent == length).count();
    if count(Length::Short) >= 3 {
        return Some("Most of these are SHORT: make this one MEDIUM or LONG.");
    }
    if count(Length::Long) >= 2 {
        return Some("Several of these are LONG: make this one SHORT or MEDIUM.");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_go_by_words() {
        for (words, length) in [(0, Length::Short), (20, Length::Short), (21, Length::Medium), (50, Length::Medium), (51, Length::Long)] {
            assert_eq!(Length::of(&"word ".repeat(words)), length, "{words}");
        }
    }

    #[test]
    fn advice_comes_when_lengths_repeat() {
        use Length::{Long, Medium, Short};
        assert!(advice(&[Short, Short, Long, Short]).unwrap().contains("MEDIUM or LONG"));
        assert!(advice(&[Long, Short, Long, Medium]).unwrap().contains("SHORT or MEDIUM"));
        assert_eq!(advice(&[Short, Medium, Long, Short]), None);
    }
}
