//! Embedders: a text in, a normalised vector out, so that texts with a like meaning lie near each other.
//!
//! Three kinds: the static model that ships (or another one of its layout from a folder), an OpenAI-compatible endpoint, and a
//! sentence-transformer from a folder (with the cargo feature `candle`). A vector is only comparable with vectors of the same [`Model`].
//!
//! A text that the model cannot read has no vector: the caller answers from the words alone. Nothing here keeps a text or a vector.

mod endpoint;
mod error;
mod fixed;
mod settings;
mod tensor;
mod text;
#[cfg(feature = "candle")]
mod transformer;
mod wordpiece;

pub use endpoint::Endpoint;
pub use error::{Error, Result};
pub use fixed::Static;
pub use settings::Settings;
#[cfg(feature = "candle")]
pub use transformer::Transformer;
pub use wordpiece::WordPieces;

use std::sync::{Arc, OnceLock};

/// Texts that the static model embeds before other tasks have their turn: about a millisecond.
const AT_ONCE: usize = 100;

/// Which model made a vector.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Model {
    /// Unique for what the model is, such as `quarterdeck-static-256@1f3a9c2b`: the same name means comparable vectors.
    pub name: String,
    /// Numbers in a vector.
    pub dimensions: usize,
}

/// A model that makes vectors of texts.
#[derive(Debug)]
pub enum Embedder {
    /// One vector for each word piece, and their mean: quick, and needs no network.
    Static(Static),
    /// A model behind an OpenAI-compatible API.
    Endpoint(Endpoint),
    /// A sentence-transformer in this process.
    #[cfg(feature = "candle")]
    Transformer(Transformer),
}

impl Embedder {
    /// The model that ships in the program, loaded when it is first asked for and then shared.
    ///
    /// # Errors
    /// [`Error::Model`], when the program was built with broken files. A test guards it.
    pub fn shipped() -> Result<Arc<Self>> {
        static SHIPPED: OnceLock<Result<Arc<Embedder>>> = OnceLock::new();
        SHIPPED.get_or_init(|| Static::shipped().map(|model| Arc::new(Self::Static(model)))).clone()
    }

    /// The embedder that the settings name. Nothing is asked over the network yet.
    ///
    /// # Errors
    /// [`Error::Settings`], [`Error::Model`].
    pub fn open(settings: &Settings) -> Result<Arc<Self>> {
        if let Some(url) = &settings.url {
            return Ok(Arc::new(Self::Endpoint(Endpoint::open(url, settings)?)));
        }
        match &settings.folder {
            #[cfg(feature = "candle")]
            Some(folder) if is_transformer(folder) => Ok(Arc::new(Self::Transformer(Transformer::open(folder)?))),
            Some(folder) => Ok(Arc::new(Self::Static(Static::open(folder)?))),
            None => Self::shipped(),
        }
    }

    /// Which model this is.
    #[must_use]
    pub fn model(&self) -> &Model {
        match self {
            Self::Static(model) => model.model(),
            Self::Endpoint(endpoint) => endpoint.model(),
            #[cfg(feature = "candle")]
            Self::Transformer(model) => model.model(),
        }
    }

    /// One normalised vector for each text, in the same order; `None` where the model cannot read the text.
    ///
    /// # Errors
    /// When the endpoint or the model fails: then no text of the call has a vector.
    pub async fn embed(&self, texts: &[&str]) -> Result<Vec<Option<Vec<f32>>>> {
        match self {
            Self::Static(model) => {
                let mut vectors = Vec::with_capacity(texts.len());
                for part in texts.chunks(AT_ONCE) {
                    vectors.extend(part.iter().map(|text| model.embed(text)));
                    // Other tasks of the thread have their turn.
                    tokio::task::yield_now().await;
                }
                Ok(vectors)
            }
            Self::Endpoint(endpoint) => endpoint.embed(texts).await,
            #[cfg(feature = "candle")]
            Self::Transformer(model) => model.embed(texts).await,
        }
    }

    /// The same at once, for models in this process; `None` for an endpoint, and when the model failed.
    #[must_use]
    pub fn embed_now(&self, texts: &[&str]) -> Option<Vec<Option<Vec<f32>>>> {
        match self {
            Self::Static(model) => Some(texts.iter().map(|text| model.embed(text)).collect()),
            Self::Endpoint(_) => None,
            #[cfg(feature = "candle")]
            Self::Transformer(model) => model.embed_now(texts).ok(),
        }
    }
}

/// Whether a folder holds a network rather than vectors: its configuration names the kind of network.
#[cfg(feature = "candle")]
fn is_transformer(folder: &std::path::Path) -> bool {
    let config = std::fs::read(folder.join("config.json")).ok();
    let config = config.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    config.is_some_and(|config| config["model_type"] == "bert")
}
