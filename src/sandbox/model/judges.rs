//! The judges of the sandbox: `POST /v1/moderations`, and models whose name holds `llama-guard`. They flag a few words, whole and in any case.
//!
//! A model whose name ends in `-always-safe` says so to everything, as a guard behind a wrong template does.

use super::super::exchange::{Answer, Request};
use super::super::script::mix;
use super::{Model, error};
use serde_json::{Map, Value, json};

/// The words, what the moderation endpoint flags for each, and Llama Guard's code.
const WORDS: [(&str, &[&str], &str); 4] = [
    ("kill", &["harassment", "harassment/threatening", "violence"], "S1"),
    ("bomb", &["illicit", "illicit/violent"], "S9"),
    ("subhuman", &["hate", "harassment"], "S10"),
    ("overdose", &["self-harm", "self-harm/instructions"], "S11"),
];

const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// What the undated name stands for, as the service resolves it.
const LATEST: (&str, &str) = ("omni-moderation-latest", "omni-moderation-2024-09-26");

/// Whether a chat model is a guard.
pub(super) fn is_guard(model: &str) -> bool {
    model.contains("llama-guard")
}

/// What a guard says about a text.
pub(super) fn guard(model: &str, text: &str) -> String {
    let found: Vec<&str> = if model.ends_with("-always-safe") { Vec::new() } else { flagged(text).map(|(_, _, code)| *code).collect() };
    if found.is_empty() { "\n\nsafe".to_owned() } else { format!("\n\nunsafe\n{}", found.join(",")) }
}

fn flagged(text: &str) -> impl Iterator<Item = &'static (&'static str, &'static [&'static str], &'static str)> {
    let words: Vec<String> = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase).collect();
    WORDS.iter().filter(move |(word, _, _)| words.iter().any(|said| said == word))
}

impl Model {
    /// Answer a moderation request.
    pub(super) fn moderations(&self, request: &Request) -> Answer {
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            return error(400, "The body is not JSON", "invalid_request");
        };
        let texts: Vec<String> = match &body["input"] {
            Value::String(text) => vec![text.clone()],
            Value::Array(parts) => {
                parts.iter().filter_map(|part| part.as_str().or_else(|| part["text"].as_str())).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        if texts.is_empty() {
            return error(400, "Input required: specify \"input\"", "invalid_request");
        }
        let model = body["model"].as_str().filter(|model| *model != LATEST.0).unwrap_or(LATEST.1);
        let id = format!("modr-sbx{:016x}", mix(self.seed, &["moderation", &texts.join("\n")]));
        let results: Vec<Value> = texts.iter().map(|text| self.moderated(model, text)).collect();
        Answer::json(json!({"id": id, "model": model, "results": results}))
    }

    fn moderated(&self, model: &str, text: &str) -> Value {
        let found: Vec<&str> = if model.ends_with("-always-safe") {
            Vec::new()
        } else {
            flagged(text).flat_map(|(_, categories, _)| categories.iter().copied()).collect()
        };
        let each = |value: &dyn Fn(&str) -> Value| -> Map<String, Value> {
            CATEGORIES.iter().map(|name| ((*name).to_owned(), value(name))).collect()
        };
        let score = |name: &str| {
            let small = mix(self.seed, &["score", name, text]) % 1000;
            if found.contains(&name) { 0.8 + small as f64 / 10_000.0 } else { small as f64 / 100_000.0 }
        };
        json!({
            "flagged": !found.is_empty(), "categories": each(&|name| json!(found.contains(&name))), "category_scores": each(&|name| json!(score(name))),
            "category_applied_input_types": each(&|_| json!(["text"])),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_flagged_and_an_agreeable_guard_flags_nothing() {
        assert_eq!(guard("meta-llama/llama-guard-4-12b", "I will KILL you with a bomb."), "\n\nunsafe\nS1,S9");
        assert_eq!(guard("meta-llama/llama-guard-4-12b", "A skilled bombardier"), "\n\nsafe");
        assert_eq!(guard("sandbox/llama-guard-always-safe", "I will kill you"), "\n\nsafe");
    }
}
