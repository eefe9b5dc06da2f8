//! Which embedder is used, and how it is reached.

use crate::config::EmbedderSettings;
use secrecy::SecretString;
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
