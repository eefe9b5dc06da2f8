//! Llama Guard through the model service. It answers in text: `safe`, or `unsafe` and on the next line its codes.
//!
//! The draft is the one message of the conversation, without a system message: the model's own template holds its policy. Another model is never
//! fallen back to, because its `safe` would mean something else.

use super::{JudgeRequest, JudgedCategory, Judgement, MODULE, Settings, other_model};
use crate::base::Clock;
use crate::llm::chat::Caching;
use crate::llm::{ChatRequest, Client, Result};
use std::sync::Arc;

/// Enough for all fourteen codes.
const MAX_TOKENS: u32 = 100;

/// What its codes stand for, `S1` first.
const CATEGORIES: [&str; 14] = [
    "violent crimes",
    "non-violent crimes",
    "sex crimes",
    "child sexual exploitation",
    "defamation",
    "specialised advice",
    "privacy",
    "intellectual property",
    "indiscriminate weapons",
    "hate",
    "self-harm",
    "sexual content",
    "elections",
    "code interpreter abuse",
];

/// The judge.
#[derive(Debug)]
pub(super) struct LlamaGuard {
    client: Client,
    model: String,
}

impl LlamaGuard {
    pub(super) fn new(settings: &Settings, models: &Client) -> Result<Self> {
        let own = crate::llm::Settings {
            fallback_models: Vec::new(),
            // A second attempt would only keep the draft from the person who can judge it.
            max_attempts: 1,
            total_timeout: settings.timeout,
            ..models.settings().clone()
        };
        Ok(Self { client: models.with_settings(own)?, model: settings.llama_guard_model.clone() })
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        self.client.clock()
    }

    pub(super) async fn judge(&self, request: &JudgeRequest) -> Judgement {
        let question = ChatRequest {
            persona: Some(request.persona.clone()),
            correlation_id: request.correlation_id.clone(),
            model: Some(self.model.clone()),
            temperature: Some(0.0),
            max_tokens: Some(MAX_TOKENS),
            // A canary that is answered from the cache tells nothing about the judge.
            caching: Caching::Never,
            ..ChatRequest::new(MODULE, None, request.text.clone())
        };
        let reply = match self.client.chat(question).await {
            Ok(reply) => reply,
            Err(error) => return Judgement::unknown(error.to_string()),
        };
        if let Some(reason) = other_model(&self.model, reply.model_answered.as_deref()) {
            return Judgement::unknown(reason);
        }
        match reply.finish_reason.as_deref() {
            None | Some("stop") => read(&reply.text),
            // `S1` may be the beginning of `S10`.
            Some(reason) => Judgement::unknown(format!("the answer did not end by itself ({reason})")),
        }
    }
}

/// Read its answer. Pure.
#[must_use]
pub fn read(answer: &str) -> Judgement {
    let lines: Vec<&str> = answer.trim().lines().map(str::trim).collect();
    let codes = match lines[..] {
        ["safe"] => return Judgement::Safe,
        ["unsafe", codes] => codes,
        ["unsafe"] => return Judgement::unknown("the answer says unsafe and names no category"),
        [] => return Judgement::unknown("the answer is empty"),
        _ => return Judgement::unknown("the answer is not in the judge's form"),
    };
    let mut categories = Vec::new();
    for code in codes.split(',').map(str::trim) {
        let number =
            code.strip_prefix('S').filter(|number| !number.starts_with(['0', '+'])).and_then(|number| number.parse::<usize>().ok());
        let Some(name) = number.and_then(|number| CATEGORIES.get(number.checked_sub(1)?)) else {
            return Judgement::unknown(format!("the answer names a category that there is not: {code}"));
        };
        let name = format!("{code} {name}");
        if !categories.iter().any(|known: &JudgedCategory| known.name == name) {
            categories.push(JudgedCategory { name, score: None });
        }
    }
    Judgement::Unsafe { categories }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn its_two_forms_are_read() {
        for answer in ["safe", "\n\nsafe", " safe \n"] {
            assert_eq!(read(answer), Judgement::Safe, "{answer:?}");
        }
        let Judgement::Unsafe { categories } = read("\n\nunsafe\nS2, S10,S2") else { panic!() };
        let names: Vec<_> = categories.iter().map(|category| category.name.as_str()).collect();
        assert_eq!(names, ["S2 non-violent crimes", "S10 hate"]);
    }

    #[test]
    fn whatever_is_not_in_its_form_is_unknown() {
        for answer in [
            "",
            "\n",
            "Safe",
            "SAFE",
            "safe.",
            "safe\nS1",
            "safe\n\nThe text is harmless.",
            "unsafe",
            "unsafe\n",
            "unsafe S1",
            "unsafe\nS0",
            "unsafe\nS15",
            "unsafe\nS01",
            "unsafe\nS+1",
            "unsafe\ns1",
            "unsafe\nS1 S2",
            "unsafe\nS1,",
            "unsafe\nhate",
            "unsafe\nS1\nS2",
            "unsafe\nS99999999999999999999999",
            "I would say that this is safe",
            "{\"result\": \"safe\"}",
        ] {
            assert!(matches!(read(answer), Judgement::Unknown { .. }), "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn only_the_word_itself_is_safe(answer in any::<String>()) {
            prop_assert_eq!(read(&answer) == Judgement::Safe, answer.trim() == "safe");
        }
    }
}
