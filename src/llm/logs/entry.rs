//! What a line of a log says about a call, borrowed from the line; what is odd about it; and why a line is not taken. Pure.

use super::formats::Format;
use crate::base::{Millis, Picos};
use crate::llm::ledger::{Category, Outcome};
use std::borrow::Cow;

/// When, as far as the line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// UTC.
    Utc(Millis),
    /// By a clock on some wall: milliseconds as if it were UTC. The zone has to be stated by whoever imports.
    Naive(Millis),
}

/// Token counts as the log gives them; `None` is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Input tokens, cached and written ones included.
    pub input: Option<i64>,
    /// Output tokens, reasoning included.
    pub output: Option<i64>,
    /// Input tokens read from a cache.
    pub cached: Option<i64>,
    /// Input tokens written to a cache.
    pub written: Option<i64>,
    /// Those of `written` that were kept for an hour.
    pub written_1h: Option<i64>,
    /// Output tokens spent on reasoning.
    pub reasoning: Option<i64>,
    /// All together, as the log says.
    pub total: Option<i64>,
}

/// A call as a line tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// The format it was read by.
    pub format: Format,
    /// The id that the log gives the call.
    pub given: Option<Cow<'a, str>>,
    /// The id of the request, where it is another one.
    pub request: Option<Cow<'a, str>>,
    /// When.
    pub at: Moment,
    /// The model.
    pub model: Option<Cow<'a, str>>,
    /// The module that asked.
    pub module: Option<Cow<'a, str>>,
    /// Its signature: what was asked.
    pub signature: Option<Cow<'a, str>>,
    /// The version of the module.
    pub version: Option<Cow<'a, str>>,
    /// On whose behalf, in the words of the log.
    pub persona: Option<Cow<'a, str>>,
    /// The provider behind the service.
    pub provider: Option<Cow<'a, str>>,
    /// The tier that served it.
    pub tier: Option<Cow<'a, str>>,
    /// Why the answer ended.
    pub finish: Option<Cow<'a, str>>,
    /// How long it took, in microseconds.
    pub latency_us: Option<i64>,
    /// Time to the first token, in microseconds.
    pub first_token_us: Option<i64>,
    /// Token counts.
    pub tokens: Tokens,
    /// The cost as it was sent, digit by digit.
    pub cost: Option<Cow<'a, str>>,
    /// The same in pico-dollars.
    pub cost_picos: Option<Picos>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer.
    pub http_status: Option<i64>,
    /// The type of the failure.
    pub error_type: Option<Cow<'a, str>>,
    /// What kind of work, where the format tells.
    pub category: Option<Category>,
    /// What is odd about it.
    pub doubts: Doubts,
}

impl Entry<'_> {
    /// A call at a time, of which nothing else is known yet.
    #[must_use]
    pub fn at(format: Format, at: Moment) -> Self {
        Self {
            format,
            given: None,
            request: None,
            at,
            model: None,
            module: None,
            signature: None,
            version: None,
            persona: None,
            provider: None,
            tier: None,
            finish: None,
            latency_us: None,
            first_token_us: None,
            tokens: Tokens::default(),
            cost: None,
            cost_picos: None,
            outcome: Outcome::Ok,
            http_status: None,
            error_type: None,
            category: None,
            doubts: Doubts::default(),
        }
    }
}

/// What a line turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Line<'a> {
    /// A call.
    Call(Box<Entry<'a>>),
    /// Something else that a log of this format may hold.
    Other,
    /// Neither.
    Rejected(Why, String),
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident: $($(#[$doc:meta])* $variant:ident $word:literal $people:literal,)*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word in the database and in JSON.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// What it means, for people.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $people,)*
                }
            }
        }
    };
}

words! {
    /// Something odd about a call that was taken all the same.
    Doubt:
    /// The cost is written as text.
    CostAsText "cost_as_text" "the cost is written as text; it counts",
    /// The cost is no number.
    CostUnreadable "cost_unreadable" "the cost is no number (NaN, a word, too large): it is unknown",
    /// The cost is below zero.
    CostNegative "cost_negative" "the cost is below zero: it is unknown",
    /// The cost is a hundred times what the book says.
    CostInCents "cost_in_cents" "the cost is a hundred times the book's: is the log in cents? then say --cost-unit cents",
    /// A token count is below zero.
    Negative "negative" "a token count is below zero: it is unknown",
    /// A token count is no whole number.
    TokensUnreadable "tokens_unreadable" "a token count is no number: it is unknown",
    /// Only the sum of the tokens is known.
    TotalOnly "total_only" "only the sum of the tokens is given: the book cannot price it",
    /// The total is not input plus output.
    TotalMismatch "total_mismatch" "the total of the tokens is not input plus output",
    /// More reasoning tokens than output tokens.
    ReasoningAboveOutput "reasoning_above_output" "more reasoning tokens than output tokens",
    /// More cached and written tokens than input tokens.
    CacheAboveInput "cache_above_input" "more cached and written tokens than input tokens",
    /// The latency is no number, or below zero.
    LatencyUnreadable "latency_unreadable" "the latency is no number or below zero: it is unknown",
    /// No model is named.
    NoModel "no_model" "no model is named: the call cannot be priced",
    /// A time that the zone's clocks skipped.
    TimeSkipped "time_skipped" "the clocks of the zone skipped this time; read by the offset before the change",
    /// A time that the zone's clocks showed twice.
    TimeTwice "time_twice" "the clocks of the zone showed this time twice; read as the first",
    /// The clock went back against the line before.
    ClockWentBack "clock_went_back" "the clock went back by more than an hour against the call before",
    /// The time is yet to come.
    InFuture "in_future" "the time is more than a day in the future",
    /// `NaN` or `Infinity`, which is no JSON.
    NoStrictJson "no_strict_json" "NaN or Infinity stands where JSON wants a number; read as unknown",
}

words! {
    /// Why a line is not taken.
    Why:
    /// A line of text.
    Text "text" "text, not JSON",
    /// JSON that ends too early.
    CutOff "cut_off" "the object is cut off",
    /// JSON with an error.
    Broken "broken" "broken JSON",
    /// JSON, but no object.
    NoObject "no_object" "JSON, but not an object",
    /// Bytes that are no UTF-8.
    NotText "not_text" "bytes that are not UTF-8",
    /// An object of no format that is known.
    UnknownFormat "unknown_format" "an object of no known format",
    /// No time.
    NoTime "no_time" "no time",
    /// A time that cannot be read.
    TimeUnreadable "time_unreadable" "a time that cannot be read",
    /// A time before 2000 or after 2200.
    TimeOutOfRange "time_out_of_range" "a time before 2000 or after 2200",
    /// A line that is too long.
    TooLong "too_long" "too long",
}

/// A set of doubts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doubts(u32);

impl Doubts {
    /// Take one in.
    pub fn add(&mut self, doubt: Doubt) {
        self.0 |= 1 << doubt as u32;
    }

    /// Take one in when `is`.
    pub fn add_if(&mut self, is: bool, doubt: Doubt) {
        if is {
            self.add(doubt);
        }
    }

    /// Whether it is among them.
    #[must_use]
    pub fn has(self, doubt: Doubt) -> bool {
        self.0 & (1 << doubt as u32) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Doubt> {
        Doubt::ALL.iter().copied().filter(move |doubt| self.has(*doubt))
    }

    /// Their words, separated by commas; `None` when there is none.
    #[must_use]
    pub fn words(self) -> Option<String> {
        (!self.is_empty()).then(|| self.iter().map(Doubt::word).collect::<Vec<_>>().join(","))
    }
}

/// A line that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reject {
    /// Its number in the file, from 1.
    pub line: u64,
    /// Why.
    #[serde(serialize_with = "word")]
    pub why: Why,
    /// What exactly, where more is known.
    pub detail: String,
    /// The beginning of the line. It is shown and written to a file that was asked for, and never kept in the database.
    pub text: String,
}

impl Reject {
    /// The reason as a sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        if self.detail.is_empty() { self.why.meaning().to_owned() } else { format!("{}: {}", self.why.meaning(), self.detail) }
    }
}

fn word<S: serde::Serializer>(why: &Why, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(why.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubts_are_a_set_with_room_for_all() {
        let mut doubts = Doubts::default();
        assert_eq!(doubts.words(), None);
        for doubt in Doubt::ALL {
            assert!(!doubts.has(*doubt));
            doubts.add(*doubt);
        }
        assert_eq!(doubts.iter().count(), Doubt::ALL.len());
        assert!(Doubt::ALL.len() <= 32);
    }
}
