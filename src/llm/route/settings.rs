//! What can be set about the way of a question.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

/// Settings of the way. The default asks one model for everything, limits nothing, and keeps answers that would come again word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The model for simple questions; the usual one when `None`.
    pub simple_model: Option<String>,
    /// The model for standard questions; the usual one when `None`.
    pub standard_model: Option<String>,
    /// The model for complex questions; the usual one when `None`.
    pub complex_model: Option<String>,
    /// A question of fewer input tokens is simple.
    pub simple_below: i64,
    /// A question of more input tokens is complex.
    pub complex_above: i64,
    /// The limits of every model that has none of its own.
    pub limits: Limits,
    /// The limits of single models, by the name that is asked for.
    pub model_limits: BTreeMap<String, Limits>,
    /// How long a question waits for its turn with a model.
    pub queue_within: Duration,
    /// So many failures in a row, and a model is left alone.
    pub cooldown_after: u32,
    /// For so long.
    pub cooldown: Duration,
    /// Whether answers are kept.
    pub cache: bool,
    /// Parts of the program whose answers may be kept although they are not asked at temperature 0.
    pub cache_modules: Vec<String>,
    /// How long an answer is kept, by what it is.
    pub lasting: Lasting,
}

/// How long answers are kept. Zero is not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// Texts that somebody might publish.
    pub draft: Duration,
    /// Judgements of a text.
    pub judgement: Duration,
    /// What a model suggests about beliefs.
    pub suggestion: Duration,
    /// Everything else.
    pub other: Duration,
}

/// What one model may be asked for. `None` is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls at the same time.
    pub concurrent: Option<NonZeroU32>,
    /// Requests in any minute.
    pub requests: Option<NonZeroU32>,
    /// Tokens in any minute, input and output together.
    pub tokens: Option<NonZeroU32>,
}

impl Limits {
    /// These limits, and where they have none those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            concurrent: self.concurrent.or(other.concurrent),
            requests: self.requests.or(other.requests),
            tokens: self.tokens.or(other.tokens),
        }
    }
}

impl Settings {
    /// The limits of a model.
    #[must_use]
    pub fn limits(&self, model: &str) -> Limits {
        self.model_limits.get(model).copied().unwrap_or_default().or(self.limits)
    }
}

impl Default for Settings {
    fn default() -> Self {
        const HOUR: u64 = 3_600;
        Self {
            simple_model: None,
            standard_model: None,
            complex_model: None,
            simple_below: 500,
            complex_above: 8_000,
            limits: Limits::default(),
            model_limits: BTreeMap::new(),
            queue_within: Duration::from_secs(120),
            cooldown_after: 3,
            cooldown: Duration::from_secs(30),
            cache: true,
            cache_modules: Vec::new(),
            lasting: Lasting {
                draft: Duration::from_secs(300),
                judgement: Duration::from_secs(HOUR),
                suggestion: Duration::from_secs(7 * 24 * HOUR),
                other: Duration::from_secs(300),
            },
        }
    }
}
