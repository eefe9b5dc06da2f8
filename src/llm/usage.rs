//! Token usage, brought from the shapes of the providers into one.
//!
//! Pure. The same word means different things: OpenAI counts cached tokens inside the input, Anthropic and Bedrock beside it, Cohere bills
//! other numbers than it counts. Numbers that contradict each other are kept and flagged: recorded traffic holds every kind of contradiction,
//! and a call that was paid for must not be lost over one.

use serde_json::Value;

/// Whose words a usage object is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `prompt_tokens` and `completion_tokens`; cached tokens are inside the prompt. OpenAI chat, OpenRouter, Groq, Mistral, DeepSeek, …
    Chat,
    /// `input_tokens` with `input_tokens_details`; cached tokens are inside. OpenAI and OpenRouter Responses.
    Responses,
    /// `input_tokens`, beside it `cache_read_input_tokens` and `cache_creation_input_tokens`, which are not inside.
    Anthropic,
    /// `inputTokens`, beside it `cacheReadInputTokens` and `cacheWriteInputTokens`, which are not inside.
    Bedrock,
    /// `billed_units`, which is what costs money, and `tokens`, which is what the model saw.
    Cohere,
}

/// Something in a usage object that contradicts itself. The numbers are kept as they came, except that none is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// More reasoning tokens than output tokens.
    ReasoningAboveOutput,
    /// More cached and written tokens than input tokens.
    CacheAboveInput,
    /// The total is not input plus output.
    TotalMismatch,
    /// A negative count, taken as zero.
    Negative,
}

impl Flag {
    /// The word that stands in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ReasoningAboveOutput => "reasoning_above_output",
            Self::CacheAboveInput => "cache_above_input",
            Self::TotalMismatch => "total_mismatch",
            Self::Negative => "negative",
        }
    }
}

/// Token counts of one call, in one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens, cached and written ones included.
    pub input: i64,
    /// Output tokens, reasoning included.
    pub output: i64,
    /// Input tokens read from a cache.
    pub cached: i64,
    /// Input tokens written to a cache, whatever its lifetime.
    pub written: i64,
    /// Those of `written` that were kept for an hour.
    pub written_1h: i64,
    /// Those of `written` that were kept for twelve hours.
    pub written_12h: i64,
    /// Output tokens spent on reasoning.
    pub reasoning: i64,
    /// Whose words it was written in.
    pub shape: Shape,
    /// Its contradictions.
    pub flags: Vec<Flag>,
}

impl Usage {
    /// Read a usage object. `None` when it holds no token count in any known shape: then the usage is unknown, not zero.
    #[must_use]
    pub fn read(usage: &Value) -> Option<Self> {
        let mut read = Reader { usage, negative: false };
        let shape = shape_of(usage)?;
        let mut found = match shape {
            Shape::Chat => read.chat(),
            Shape::Responses => read.responses(),
            Shape::Anthropic => read.anthropic(),
            Shape::Bedrock => read.bedrock(),
            Shape::Cohere => read.cohere(),
        };
        let total = read.count(&["/total_tokens", "/totalTokens"]);
        found.shape = shape;
        let rules = [
            (read.negative, Flag::Negative),
            (found.reasoning > found.output, Flag::ReasoningAboveOutput),
            (found.cached.saturating_add(found.written) > found.input, Flag::CacheAboveInput),
            (total.is_some_and(|total| total != found.input.saturating_add(found.output)), Flag::TotalMismatch),
        ];
        found.flags = rules.into_iter().filter_map(|(broken, flag)| broken.then_some(flag)).collect();
        Some(found)
    }

    /// The contradictions as the ledger keeps them; `None` when there is none.
    #[must_use]
    pub fn flag_words(&self) -> Option<String> {
        (!self.flags.is_empty()).then(|| self.flags.iter().map(|flag| flag.word()).collect::<Vec<_>>().join(","))
    }
}

fn shape_of(usage: &Value) -> Option<Shape> {
    let number = |pointer: &str| usage.pointer(pointer).is_some_and(Value::is_number);
    if number("/billed_units/input_tokens") || number("/billed_units/output_tokens") || number("/tokens/input_tokens") {
        Some(Shape::Cohere)
    } else if number("/prompt_tokens") || number("/completion_tokens") {
        Some(Shape::Chat)
    } else if number("/inputTokens") || number("/outputTokens") {
        Some(Shape::Bedrock)
    } else if number("/input_tokens") || number("/output_tokens") {
        let beside = number("/cache_read_input_tokens") || number("/cache_creation_input_tokens") || usage.get("cache_creation").is_some();
        Some(if beside && !usage.get("input_tokens_details").is_some_and(Value::is_object) { Shape::Anthropic } else { Shape::Responses })
    } else {
        None
    }
}

struct Reader<'a> {
    usage: &'a Value,
    negative: bool,
}

impl Reader<'_> {
    /// The first of these that is a number.
    fn count(&mut self, pointers: &[&str]) -> Option<i64> {
        let value = pointers.iter().find_map(|pointer| self.usage.pointer(pointer).filter(|value| value.is_number()))?;
        // A float is a count that passed through a language without integers; the cast stops at the bounds.
        let count = value.as_i64().or_else(|| value.as_f64().map(|float| float as i64))?;
        self.negative |= count < 0;
        Some(count.max(0))
    }

    fn or_zero(&mut self, pointers: &[&str]) -> i64 {
        self.count(pointers).unwrap_or(0)
    }

    fn usage(&mut self, input: i64, output: i64) -> Usage {
        Usage { input, output, cached: 0, written: 0, written_1h: 0, written_12h: 0, reasoning: 0, shape: Shape::Chat, flags: Vec::new() }
    }

    fn chat(&mut self) -> Usage {
        let (input, output) = (self.or_zero(&["/prompt_tokens"]), self.or_zero(&["/completion_tokens"]));
        Usage {
            cached: self.or_zero(&[
                "/prompt_tokens_details/cached_tokens",
                "/prompt_token_details/cached_tokens",
                "/prompt_cache_hit_tokens",
                "/num_cached_tokens",
                "/cached_tokens",
            ]),
            written: self.or_zero(&["/prompt_tokens_details/cache_write_tokens", "/prompt_token_details/cache_write_tokens"]),
            reasoning: self.or_zero(&["/completion_tokens_details/reasoning_tokens", "/completion_token_details/reasoning_tokens"]),
            ..self.usage(input, output)
        }
    }

    fn responses(&mut self) -> Usage {
        let (input, output) = (self.or_zero(&["/input_tokens"]), self.or_zero(&["/output_tokens"]));
        Usage {
            cached: self.or_zero(&["/input_tokens_details/cached_tokens"]),
            written: self.or_zero(&["/input_tokens_details/cache_write_tokens"]),
            reasoning: self.or_zero(&["/output_tokens_details/reasoning_tokens", "/output_tokens_details/thinking_tokens"]),
            ..self.usage(input, output)
        }
    }

    fn anthropic(&mut self) -> Usage {
        let cached = self.or_zero(&["/cache_read_input_tokens"]);
        let five_minutes = self.or_zero(&["/cache_creation/ephemeral_5m_input_tokens"]);
        let hour = self.or_zero(&["/cache_creation/ephemeral_1h_input_tokens"]);
        let written = self.count(&["/cache_creation_input_tokens"]).unwrap_or(0).max(five_minutes.saturating_add(hour));
        let input = self.or_zero(&["/input_tokens"]).saturating_add(cached).saturating_add(written);
        let output = self.or_zero(&["/output_tokens"]);
        Usage {
            cached,
            written,
            written_1h: hour,
            reasoning: self.or_zero(&["/output_tokens_details/thinking_tokens", "/output_tokens_details/reasoning_tokens"]),
            ..self.usage(input, output)
        }
    }

    fn bedrock(&mut self) -> Usage {
        let cached = self.or_zero(&["/cacheReadInputTokens", "/cacheReadInputTokenCount"]);
        let written = self.or_zero(&["/cacheWriteInputTokens", "/cacheWriteInputTokenCount"]);
        let input = self.or_zero(&["/inputTokens"]).saturating_add(cached).saturating_add(written);
        let output = self.or_zero(&["/outputTokens"]);
        Usage { cached, written, ..self.usage(input, output) }
    }

    /// The billed units are what costs money. Cached tokens are counted among the unbilled ones and are left out.
    fn cohere(&mut self) -> Usage {
        let input = self.or_zero(&["/billed_units/input_tokens", "/tokens/input_tokens"]);
        let output = self.or_zero(&["/billed_units/output_tokens", "/tokens/output_tokens"]);
        self.usage(input, output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn counts(usage: &Value) -> (i64, i64, i64, i64) {
        let usage = Usage::read(usage).unwrap();
        (usage.input, usage.output, usage.cached, usage.written)
    }

    #[test]
    fn cached_tokens_are_counted_once_in_every_shape() {
        assert_eq!(
            counts(&json!({"prompt_tokens": 20, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 12}})),
            (20, 5, 12, 0)
        );
        assert_eq!(counts(&json!({"input_tokens": 20, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 12}})), (20, 5, 12, 0));
        assert_eq!(
            counts(&json!({"input_tokens": 4, "output_tokens": 5, "cache_read_input_tokens": 18, "cache_creation_input_tokens": 3})),
            (25, 5, 18, 3)
        );
        assert_eq!(counts(&json!({"inputTokens": 4, "outputTokens": 5, "cacheReadInputTokens": 18, "totalTokens": 27})), (22, 5, 18, 0));
        assert_eq!(
            counts(&json!({"billed_units": {"input_tokens": 7, "output_tokens": 2}, "tokens": {"input_tokens": 900, "output_tokens": 2}})),
            (7, 2, 0, 0)
        );
    }

    #[test]
    fn missing_usage_is_unknown_not_zero() {
        for nothing in [json!(null), json!({}), json!([]), json!({"prompt_tokens": null}), json!("12")] {
            assert_eq!(Usage::read(&nothing), None);
        }
    }

    #[test]
    fn contradictions_are_flagged_and_kept() {
        let usage = Usage::read(&json!({"prompt_tokens": 35, "completion_tokens": 10, "total_tokens": 109,
            "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 30},
            "completion_tokens_details": {"reasoning_tokens": 11}}))
        .unwrap();
        assert_eq!(usage.flags, [Flag::ReasoningAboveOutput, Flag::CacheAboveInput, Flag::TotalMismatch]);
        assert_eq!((usage.input, usage.output, usage.reasoning), (35, 10, 11));
        assert_eq!(Usage::read(&json!({"prompt_tokens": -3})).unwrap().flags, [Flag::Negative]);
    }

    #[test]
    fn details_may_be_null_or_misspelt() {
        assert_eq!(counts(&json!({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": null})), (9, 1, 0, 0));
        assert_eq!(
            counts(&json!({"prompt_tokens": 9, "completion_tokens": 1, "prompt_token_details": {"cached_tokens": 4}})),
            (9, 1, 4, 0)
        );
    }

    proptest! {
        #[test]
        fn no_number_makes_it_panic_or_go_negative(input in any::<f64>(), output in any::<i64>(), cached in any::<i64>(), written in any::<i64>()) {
            for usage in [
                json!({"prompt_tokens": input, "completion_tokens": output, "cached_tokens": cached}),
                json!({"input_tokens": output, "cache_read_input_tokens": cached, "cache_creation_input_tokens": written}),
                json!({"inputTokens": output, "cacheReadInputTokens": cached, "cacheWriteInputTokens": written, "totalTokens": output}),
            ] {
                if let Some(usage) = Usage::read(&usage) {
                    prop_assert!(usage.input >= 0 && usage.output >= 0 && usage.cached >= 0 && usage.written >= 0);
                }
            }
        }
    }
}
