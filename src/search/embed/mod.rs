//! Embedders: a text in, a normalised vector out, so that texts with a like meaning lie near each other.
//!
//! Three kinds: the static model that ships (or another one of its layout from a folder), an OpenAI-compatible endpoint, and a
//! sentence-transformer from a folder (with the cargo feature `candle`). A vector is only comparable with vectors of the same [`Model`].
//!
//! A text that the model cannot read has no vector: the caller answers from the words alone. Nothing here keeps a text or a vector.

mod error;

pub use error::{Error, Result};

use std::sync::Arc;

/// Which model made a vector.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Model {
    /// Unique for what the model is, such as `quarterdeck-static-256@1f3a9c2b`: the same name means comparable vectors.
    pub name: String,
    /// Numbers in a vector.
    pub dimensions: usize,
}

/// Which embedder is used, and how it is reached.
#[derive(Debug, Clone, Default)]
pub struct Settings {}

/// A model that makes vectors of texts.
#[derive(Debug)]
pub enum Embedder {
    /// One vector for each word piece, and their mean.
    Static(Model),
}

impl Embedder {
    /// The model that ships in the program, loaded when it is first asked for and then shared.
    ///
    /// # Errors
    /// [`Error::Model`], when the program was built with broken files. A test guards it.
    pub fn shipped() -> Result<Arc<Self>> {
        Err(Error::Model { place: "this program".to_owned(), reason: "it is not in yet".to_owned() })
    }

    /// The embedder that the settings name.
    ///
    /// # Errors
    /// [`Error::Settings`], [`Error::Model`]; for an endpoint whose dimensions are not set, all that [`embed`](Self::embed) may fail with.
    pub async fn open(_settings: &Settings) -> Result<Arc<Self>> {
        Self::shipped()
    }

    /// Which model this is.
    #[must_use]
    pub fn model(&self) -> &Model {
        let Self::Static(model) = self;
        model
    }

    /// One normalised vector for each text, in the same order; `None` where the model cannot read the text.
    ///
    /// # Errors
    /// When the endpoint or the model fails: then no text of the call has a vector.
    pub async fn embed(&self, texts: &[&str]) -> Result<Vec<Option<Vec<f32>>>> {
        Ok(self.embed_now(texts).unwrap_or_default())
    }

    /// The same at once, for models in this process; `None` for an endpoint.
    #[must_use]
    pub fn embed_now(&self, texts: &[&str]) -> Option<Vec<Option<Vec<f32>>>> {
        Some(vec![None; texts.len()])
    }
}
