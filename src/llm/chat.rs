//! A question to a model, and its answer.

use super::ledger::Category;
use super::route::Complexity;
use super::usage::Usage;
use crate::base::{PersonaId, Picos};
use std::time::Duration;

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one who asks.
    User,
    /// The model, earlier.
    Assistant,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What.
    pub content: String,
}

/// Whether a kept answer will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Caching {
    /// When the answer would come again word for word, which is at temperature 0.
    #[default]
    Usual,
    /// A new answer each time.
    Never,
    /// At any temperature.
    Asked,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// The part of the program that asks: `draft`, `consistency`, `proposals`. Costs are reported by it.
    pub module: String,
    /// The persona on whose behalf.
    pub persona: Option<PersonaId>,
    /// What ties the calls of one piece of work together.
    pub correlation_id: String,
    /// The system message.
    pub system: Option<String>,
    /// What kind of work it belongs to: budgets are divided by it.
    pub category: Category,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The model; the response model of the settings when `None`.
    pub model: Option<String>,
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// The most tokens that the answer may have.
    pub max_tokens: Option<u32>,
    /// Ask for a JSON object.
    pub json_mode: bool,
    /// Ask for a stream: the time to the first token is then known, and a hanging model is noticed earlier.
    pub stream: bool,
    /// How hard it is, where whoever asks knows; by its size and form when `None`.
    pub complexity: Option<Complexity>,
    /// Whether a kept answer will do.
    pub caching: Caching,
    /// A random word in its texts that means nothing, such as the mark of a [`Fence`](super::quote::Fence): two questions that differ in it alone
    /// are the same.
    pub mark: Option<String>,
}

impl ChatRequest {
    /// A question with one user message, a correlation id of its own, and everything else left to the model.
    #[must_use]
    pub fn new(module: impl Into<String>, system: Option<String>, user: impl Into<String>) -> Self {
        Self {
            module: module.into(),
            persona: None,
            correlation_id: crate::base::new_id(),
            system,
            category: Category::default(),
            messages: vec![Message { role: Role::User, content: user.into() }],
            model: None,
            temperature: None,
            max_tokens: None,
            json_mode: false,
            stream: false,
            complexity: None,
            caching: Caching::Usual,
            mark: None,
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatReply {
    /// The text. May be empty: a model may answer with nothing, or with a refusal.
    pub text: String,
    /// The model's refusal, where the service sends it apart from the text.
    pub refusal: Option<String>,
    /// The model that was asked in the attempt that succeeded.
    pub model_asked: String,
    /// The model that answered and is billed.
    pub model_answered: Option<String>,
    /// The provider behind the service.
    pub provider: Option<String>,
    /// Token counts; `None` when the service sent none.
    pub usage: Option<Usage>,
    /// The cost in USD that the service reported, to the last digit.
    pub cost_reported: Option<String>,
    /// The same in pico-dollars.
    pub cost_reported_picos: Option<Picos>,
    /// The cost by the price book; `None` means unpriced or without usage, never free.
    pub cost_computed: Option<Picos>,
    /// The row of the price book that was used.
    pub price_id: Option<String>,
    /// How long the successful attempt took.
    pub latency: Duration,
    /// Time to the first token of a stream.
    pub first_token: Option<Duration>,
    /// Why the answer ended.
    pub finish_reason: Option<String>,
    /// The service's id of the generation.
    pub generation_id: Option<String>,
    /// The ledger row of the successful attempt.
    pub call_id: String,
    /// What the attempts of this question share.
    pub request_id: String,
    /// Attempts made, this one included.
    pub attempts: u32,
}
