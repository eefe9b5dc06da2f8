//! Where the endpoint gets the board from: who opens it knows what is probed, and this room's server does not.

use super::board::Board;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Loading = Pin<Box<dyn Future<Output = Board> + Send>>;

/// Loads the board as it is now. Cheap to clone.
#[derive(Clone)]
pub struct Loader(Arc<dyn Fn() -> Loading + Send + Sync>);

impl Loader {
    /// A loader that asks this.
    pub fn new<F, B>(load: F) -> Self
    where
        F: Fn() -> B + Send + Sync + 'static,
        B: Future<Output = Board> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(load())))
    }

    /// The board as it is now.
    pub async fn load(&self) -> Board {
        (self.0)().await
    }
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Loader")
    }
}
