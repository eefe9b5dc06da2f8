//! How hard a question is, which model that means, and which ones follow it. Pure.
//!
//! The size of a question is what is known before it is asked, and its form says the rest: an answer in a given form (JSON) is a judgement or a
//! list, which takes less than a text that somebody will read.

use super::settings::Settings;
use super::trace::Why;
use crate::llm::chat::ChatRequest;
use serde::{Deserialize, Serialize};

/// How hard a question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complexity {
    /// Short, or to be answered in a given form.
    Simple,
    /// Neither.
    Standard,
    /// Long.
    Complex,
}

impl Complexity {
    /// The word in traces and settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Standard => "standard",
            Self::Complex => "complex",
        }
    }

    fn easier(self) -> Self {
        match self {
            Self::Simple | Self::Standard => Self::Simple,
            Self::Complex => Self::Standard,
        }
    }
}

/// A model and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The model.
    pub model: String,
    /// How hard the question is.
    pub complexity: Complexity,
    /// Why this model.
    pub why: Why,
}

/// How hard a question of `tokens` input tokens is: by its size, and one step easier when its answer has a given form.
#[must_use]
pub fn complexity(tokens: i64, fixed_form: bool, settings: &Settings) -> Complexity {
    let by_size = match tokens {
        tokens if tokens > settings.complex_above => Complexity::Complex,
        tokens if tokens < settings.simple_below => Complexity::Simple,
        _ => Complexity::Standard,
    };
    if fixed_form { by_size.easier() } else { by_size }
}

/// The model to ask: the one that is named, else the one that is set for questions this hard, else the usual one.
#[must_use]
pub fn choose(request: &ChatRequest, tokens: i64, settings: &Settings, usual: &str) -> Choice {
    let complexity = request.complexity.unwrap_or_else(|| complexity(tokens, request.json_mode, settings));
    let set = match complexity {
        Complexity::Simple => &settings.simple_model,
        Complexity::Standard => &settings.standard_model,
        Complexity::Complex => &settings.complex_model,
    };
    let (model, why) = match (&request.model, set) {
        (Some(named), _) => (named.as_str(), Why::Named),
        (None, Some(set)) => (set.as_str(), Why::Complexity),
        (None, None) => (usual, Why::Usual),
    };
    Choice { model: model.to_owned(), complexity, why }
}

/// The models to ask in order, each once.
#[must_use]
pub fn chain(first: &str, fallbacks: &[String]) -> Vec<String> {
    let mut models = vec![first.to_owned()];
    for model in fallbacks {
        if !models.contains(model) {
            models.push(model.clone());
        }
    }
    models
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settings() -> Settings {
        Settings { simple_model: Some("small".into()), complex_model: Some("large".into()), ..Settings::default() }
    }

    #[test]
    fn nothing_set_is_the_usual_model_for_everything() {
        let request = ChatRequest::new("draft", None, "hello");
        for tokens in [0, 499, 500, 8_000, 8_001, i64::MAX] {
            let choice = choose(&request, tokens, &Settings::default(), "usual");
            assert_eq!((choice.model.as_str(), choice.why), ("usual", Why::Usual), "{tokens}");
        }
    }

    #[test]
    fn size_and_form_decide_and_a_name_goes_before_both() {
        let request = ChatRequest::new("draft", None, "hello");
        let model = |request: &ChatRequest, tokens| choose(request, tokens, &settings(), "usual").model;
        assert_eq!(
            [model(&request, 499), model(&request, 500), model(&request, 8_000), model(&request, 8_001)],
            ["small", "usual", "usual", "large"]
        );
        let form = ChatRequest { json_mode: true, ..request.clone() };
        assert_eq!([model(&form, 500), model(&form, 8_001)], ["small", "usual"]);
        let named = ChatRequest { model: Some("mine".into()), ..request.clone() };
        assert_eq!(choose(&named, 1, &settings(), "usual").why, Why::Named);
        let told = ChatRequest { complexity: Some(Complexity::Complex), ..request };
        assert_eq!(model(&told, 1), "large");
    }

    #[test]
    fn no_model_is_asked_twice() {
        let fallbacks = ["b".to_owned(), "a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(chain("a", &fallbacks), ["a", "b", "c"]);
    }

    proptest! {
        #[test]
        fn a_longer_question_is_never_easier(one in any::<i64>(), other in any::<i64>(), form in any::<bool>()) {
            let (short, long) = (one.min(other), one.max(other));
            prop_assert!(complexity(short, form, &settings()) <= complexity(long, form, &settings()));
            prop_assert!(complexity(one, true, &settings()) <= complexity(one, false, &settings()));
        }
    }
}
