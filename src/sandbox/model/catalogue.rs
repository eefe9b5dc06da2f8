//! The models that the sandbox pretends to have, with stated prices. They are round numbers of the sandbox, not the market's.

use serde_json::{Value, json};

/// What a model costs, in dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Input.
    pub prompt: f64,
    /// Output.
    pub completion: f64,
}

impl Price {
    /// Dollars for a call.
    #[must_use]
    pub fn cost(self, prompt: u64, completion: u64) -> f64 {
        (prompt as f64 * self.prompt + completion as f64 * self.completion) / 1e6
    }
}

/// Any model whose name is not listed answers too, at this price.
pub const DEFAULT: Price = Price { prompt: 0.5, completion: 1.5 };

/// Name, price, context length.
const MODELS: &[(&str, Price, u64)] = &[
    ("sandbox/small", Price { prompt: 0.1, completion: 0.4 }, 128_000),
    ("sandbox/large", Price { prompt: 2.0, completion: 8.0 }, 200_000),
    ("openai/gpt-4o-mini", Price { prompt: 0.15, completion: 0.6 }, 128_000),
    ("openai/gpt-4o", Price { prompt: 2.5, completion: 10.0 }, 128_000),
    ("openai/gpt-5-mini", Price { prompt: 0.25, completion: 2.0 }, 400_000),
    ("openai/gpt-5.1-mini", Price { prompt: 0.15, completion: 0.6 }, 400_000),
    ("anthropic/claude-haiku-4.5", Price { prompt: 1.0, completion: 5.0 }, 200_000),
    ("anthropic/claude-4.5-haiku", Price { prompt: 0.25, completion: 1.25 }, 200_000),
    ("anthropic/claude-3.5-haiku", Price { prompt: 0.25, completion: 1.25 }, 200_000),
    ("meta-llama/llama-guard-4-12b", Price { prompt: 0.18, completion: 0.18 }, 163_840),
    ("anthropic/claude-3.5-sonnet", Price { prompt: 3.0, completion: 15.0 }, 200_000),
];

/// The price of a model; routing suffixes such as `:nitro` do not count.
#[must_use]
pub fn price(model: &str) -> Price {
    let name = model.split(':').next().unwrap_or(model);
    MODELS.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name)).map_or(DEFAULT, |(_, price, _)| *price)
}

/// `GET /models`.
#[must_use]
pub fn listed() -> Value {
    // Prices are strings in dollars for one token, as the service writes them.
    let per_token = |price: f64| format!("{:.10}", price / 1e6).trim_end_matches('0').trim_end_matches('.').to_owned();
    let models = MODELS.iter().map(|(name, price, context)| {
        json!({
            "id": name, "canonical_slug": name, "name": format!("{name} (sandbox)"), "created": 1_700_000_000,
            "description": "Scripted answers of the Quarterdeck sandbox; no such model runs here.", "context_length": context,
            "architecture": {"modality": "text->text", "input_modalities": ["text"], "output_modalities": ["text"], "tokenizer": "Other", "instruct_type": null},
            "pricing": {"prompt": per_token(price.prompt), "completion": per_token(price.completion), "request": "0", "image": "0"},
            "top_provider": {"context_length": context, "max_completion_tokens": 16_384, "is_moderated": false}, "per_request_limits": null,
            "supported_parameters": ["max_tokens", "temperature", "response_format", "stop", "seed"],
        })
    });
    json!({"data": models.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_written_for_one_token() {
        let models = listed();
        let small = models["data"].as_array().unwrap().iter().find(|model| model["id"] == "sandbox/small").unwrap();
        assert_eq!(small["pricing"]["prompt"], "0.0000001");
        assert_eq!(price("SANDBOX/small:nitro").completion, 0.4);
        assert!((price("nobody/knows").cost(1_000_000, 0) - 0.5).abs() < 1e-12);
    }
}
