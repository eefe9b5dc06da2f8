//! How the client reaches its models.

use secrecy::SecretString;
use std::time::Duration;

/// Settings of the client. The key does not show in `Debug`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The API's base, `http` or `https`, without `/chat/completions`.
    pub base_url: String,
    /// The key. A server reached over plain `http` may do without.
    pub api_key: Option<SecretString>,
    /// The model that writes.
    pub response_model: String,
    /// The model that judges; another one than the writer, so that nobody marks their own work.
    pub consistency_model: String,
    /// The model that suggests how beliefs bear on each other.
    pub relationship_model: String,
    /// Models to turn to, in this order, when the one that was asked is not to be had.
    pub fallback_models: Vec<String>,
    /// Which model for which question, limits, cooldowns, kept answers.
    pub route: super::route::Settings,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a streamed answer may take to its first token.
    pub first_token_timeout: Duration,
    /// How long one attempt may take in all.
    pub total_timeout: Duration,
    /// Attempts with each model, at least 1.
    pub max_attempts: u32,
    /// The first wait between attempts; it doubles up to sixteen times this.
    pub retry_base: Duration,
    /// The command that is run when a threshold of a budget is reached that notifies; what happened is JSON on its input. Empty for none.
    pub budget_notify: Vec<String>,
    /// The application's name, for the service's statistics.
    pub app_title: Option<String>,
    /// The application's address, for the service's statistics.
    pub app_referer: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://openrouter.ai/api/v1".to_owned(),
            api_key: None,
            response_model: "openai/gpt-5-mini".to_owned(),
            consistency_model: "anthropic/claude-haiku-4.5".to_owned(),
            relationship_model: "anthropic/claude-haiku-4.5".to_owned(),
            fallback_models: Vec::new(),
            route: super::route::Settings::default(),
            connect_timeout: Duration::from_secs(10),
            first_token_timeout: Duration::from_secs(60),
            total_timeout: Duration::from_secs(180),
            max_attempts: 3,
            retry_base: Duration::from_millis(500),
            budget_notify: Vec::new(),
            app_title: Some("Quarterdeck".to_owned()),
            app_referer: None,
        }
    }
}
