//! Which embedder is used, and how it is reached.

use crate::config::EmbedderSettings;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Settings of the embedder. The key does not show in `Debug`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A folder with another model: a static one, or a sentence-transformer with the cargo feature `candle`.
    pub folder: Option<PathBuf>,
    /// Base of an OpenAI-compatible API, up to and without `/embeddings`. It goes before `folder`.
    pub url: Option<String>,
    /// The model asked for at that address.
    pub model: Option<String>,
    /// The key for that address. A server reached over plain `http` may do without.
    pub api_key: Option<SecretString>,
    /// Numbers in a vector of that model.
    pub dimensions: Option<usize>,
    /// Texts in a request, at least 1.
    pub batch: usize,
    /// Characters of a text that are sent; what follows is cut off.
    pub longest: usize,
    /// How long a request may take in all.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folder: None,
            url: None,
            model: None,
            api_key: None,
            dimensions: None,
            batch: 64,
            longest: 8000,
            timeout: Duration::from_secs(30),
        }
    }
}

impl From<&EmbedderSettings> for Settings {
    fn from(settings: &EmbedderSettings) -> Self {
        let EmbedderSettings { folder, url, model, dimensions, api_key, batch, longest, timeout_seconds } = settings.clone();
        Self { folder, url, model, api_key, dimensions, batch, longest, timeout: Duration::from_secs(timeout_seconds) }
    }
}

/// What of the settings says how a model is reached. Never the key.
#[derive(Serialize, Deserialize)]
struct Recipe {
    folder: Option<PathBuf>,
    url: Option<String>,
    model: Option<String>,
    dimensions: Option<usize>,
    batch: usize,
    longest: usize,
}

impl Settings {
    /// How this model is reached, as text to be kept beside its vectors.
    #[must_use]
    pub fn recipe(&self) -> String {
        let Self { folder, url, model, dimensions, batch, longest, .. } = self.clone();
        // The paths and numbers of a settings file are text.
        serde_json::to_string(&Recipe { folder, url, model, dimensions, batch, longest }).unwrap_or_default()
    }

    /// The settings that such a text stands for; none when it is none. The key goes along where the address is the one it is set for.
    #[must_use]
    pub fn of_recipe(&self, recipe: &str) -> Option<Self> {
        let Recipe { folder, url, model, dimensions, batch, longest } = serde_json::from_str(recipe).ok()?;
        let api_key = self.api_key.clone().filter(|_| url.is_some() && url == self.url);
        Some(Self { folder, url, model, dimensions, batch, longest, api_key, timeout: self.timeout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_holds_no_key_and_sends_none_to_another_address() {
        let at = |url: &str| Settings { url: Some(url.into()), api_key: Some("sk-canary".into()), ..Settings::default() };
        let recipe = at("https://one.example/v1").recipe();
        assert!(!recipe.contains("canary") && recipe.contains("one.example"));
        assert!(at("https://one.example/v1").of_recipe(&recipe).is_some_and(|settings| settings.api_key.is_some()));
        assert!(at("https://two.example/v1").of_recipe(&recipe).is_some_and(|settings| settings.api_key.is_none()));
        assert!(at("https://one.example/v1").of_recipe("{").is_none());
    }
}
