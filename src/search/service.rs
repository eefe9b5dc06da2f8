//! The open search: one question at a time, and the feed followed meanwhile.

use super::{Answer, Count, Hit, Kind, Page, Question, Result, Thread};
use crate::base::PersonaId;
use std::time::Duration;

/// What one look at the change feed brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Followed {
    /// Documents written anew or again.
    pub written: u64,
    /// Documents taken out.
    pub removed: u64,
    /// Rows of an existing database that are still to be taken in by the first fill; 0 when it is done.
    pub to_fill: u64,
    /// Passages that wait for a vector of the present model.
    pub to_embed: u64,
    /// Files that could not be read, each with the reason.
    pub notes: Vec<String>,
}

/// Search over one database. Cheap to clone; loads nothing before it is asked.
#[derive(Debug, Clone, Default)]
pub struct Search {}

impl Search {
    /// One page of what fits a question, best first.
    ///
    /// # Errors
    /// [`Error::Persona`](super::Error::Persona) for a name that nothing is near to; as the database says.
    pub async fn ask(&self, _question: &Question, _page: Page) -> Result<Answer> {
        Ok(Answer { hits: Vec::new(), next: None, count: Count::Exactly(0), notes: Vec::new(), took: Duration::ZERO })
    }

    /// What is nearest in meaning to a document. With a persona only what is that persona's, and only if the document is.
    ///
    /// # Errors
    /// [`Error::NotFound`](super::Error::NotFound); as the database says.
    pub async fn similar(&self, _persona: Option<&PersonaId>, _kind: Kind, _id: &str, _limit: u32) -> Result<Vec<Hit>> {
        Ok(Vec::new())
    }

    /// What a document stands among.
    ///
    /// # Errors
    /// [`Error::NotFound`](super::Error::NotFound); as the database says.
    pub async fn thread(&self, _persona: Option<&PersonaId>, _kind: Kind, _id: &str) -> Result<Thread> {
        Ok(Thread::default())
    }

    /// The whole text of a document, for a preview.
    ///
    /// # Errors
    /// [`Error::NotFound`](super::Error::NotFound); as the database says.
    pub async fn text(&self, _persona: Option<&PersonaId>, _kind: Kind, _id: &str) -> Result<String> {
        Ok(String::new())
    }

    /// Take in what the change feed brought since the last look.
    ///
    /// # Errors
    /// As the database and the embedder say: then nothing of the batch is written, and the next look begins with it.
    pub async fn follow(&self) -> Result<Followed> {
        Ok(Followed::default())
    }

    /// [`Search::follow`] after every hint that something changed. Ends when the database is closed.
    ///
    /// # Errors
    /// When the changes cannot be watched.
    pub async fn keep_up(&self) -> Result<()> {
        Ok(())
    }
}
