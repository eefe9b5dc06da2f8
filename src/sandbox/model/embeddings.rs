//! `POST /v1/embeddings`: vectors made of the texts' words, so that texts with words in common lie near each other. No model runs here.
//!
//! A model's name may end in `-N` for N dimensions; otherwise there are [`DIMENSIONS`].

use super::super::exchange::{Answer, Request};
use super::super::script::mix;
use super::{Model, error};
use serde_json::{Value, json};

/// Numbers in a vector, when the model's name does not say.
pub const DIMENSIONS: usize = 64;
/// Texts in a request.
const MOST_TEXTS: usize = 2048;
/// What a vector may have.
const MOST_DIMENSIONS: usize = 4096;

impl Model {
    /// Answer a request for vectors.
    pub(super) fn embeddings(&self, request: &Request) -> Answer {
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            return error(400, "The body is not JSON", "invalid_request");
        };
        let Some(model) = body["model"].as_str().filter(|model| !model.is_empty()) else {
            return error(400, "you must provide a model parameter", "invalid_request");
        };
        let texts: Option<Vec<&str>> = match &body["input"] {
            Value::String(text) => Some(vec![text]),
            Value::Array(texts) => texts.iter().map(Value::as_str).collect(),
            _ => None,
        };
        // The service refuses empty texts and too many of them.
        let Some(texts) = texts.filter(|texts| (1..=MOST_TEXTS).contains(&texts.len()) && texts.iter().all(|text| !text.is_empty())) else {
            return error(400, "'$.input' is invalid. Please check the API reference", "invalid_request");
        };
        let named = model.rsplit_once('-').and_then(|(_, number)| number.parse().ok());
        let dimensions = named.filter(|number| (2..=MOST_DIMENSIONS).contains(number)).unwrap_or(DIMENSIONS);
        let tokens: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
        let data: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(self.seed, text, dimensions)}))
            .collect();
        Answer::json(json!({"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}))
    }
}

/// The sum of a direction for each word, with length 1. The same text has the same vector at the same seed.
fn vector(seed: u64, text: &str, dimensions: usize) -> Vec<f64> {
    let lower = text.to_lowercase();
    let mut sum = vec![0.0; dimensions];
    for word in lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        for (place, number) in sum.iter_mut().enumerate() {
            let dice = mix(seed, &["embedding", word, &place.to_string()]) % 2001;
            *number += dice as f64 / 1000.0 - 1.0;
        }
    }
    let length = sum.iter().map(|number| number * number).sum::<f64>().sqrt();
    if length > 0.0 {
        sum.iter_mut().for_each(|number| *number /= length);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_words_in_common_lie_nearer() {
        let near = |left: &str, right: &str| -> f64 {
            let (left, right) = (vector(1, left, 64), vector(1, right, 64));
            left.iter().zip(&right).map(|(left, right)| left * right).sum()
        };
        assert!((near("River gauges", "gauges, river!") - 1.0).abs() < 1e-9);
        assert!(near("the river falls", "the river rises") > near("the river falls", "bread needs time") + 0.3);
        assert_eq!(vector(1, "?!", 8), vec![0.0; 8]);
    }
}
