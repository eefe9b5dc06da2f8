//! The spaces that a question is compared in: that of the model in use, and, while passages wait for it, those of the models that read them
//! before. A passage has one vector, its latest, so no passage is in two spaces.
//!
//! A model of before is reached by what was written down when it was in use. The key for an endpoint is not kept: it is the present one, and
//! it is sent only where the settings send it too.

use super::embed::{Embedder, Model, Settings};
use super::vectors::{self, Former, Vectors};
use super::{Error, Result};
use crate::base::{Clock, Millis, SafeText};
use crate::store::Database;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// How long a question waits for a model of before, which may stand behind a network.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long one that did not answer is left alone, in milliseconds.
const REST: Millis = 60_000;

/// A question in one space.
#[derive(Debug, Clone)]
pub(super) struct Space {
    /// What lies in it.
    pub vectors: Vectors,
    /// The question's own vector.
    pub query: Vec<f32>,
}

/// The embedders and indexes of a search, each opened when it is first needed.
pub(super) struct Spaces {
    settings: Settings,
    index: PathBuf,
    how: vectors::Settings,
    embedder: OnceLock<Arc<Embedder>>,
    vectors: OnceLock<Vectors>,
    former: Mutex<HashMap<String, Known>>,
    /// Whether the database knows how the present model is reached.
    is_written_down: AtomicBool,
}

/// What is known of a model of before.
#[derive(Clone)]
enum Known {
    There(Arc<Embedder>, Vectors),
    /// It cannot be reached, and is tried again at this time; none when never.
    Away(Option<Millis>),
}

impl Spaces {
    pub(super) fn new(settings: Settings, index: PathBuf, how: vectors::Settings) -> Self {
        Self {
            settings,
            index,
            how,
            embedder: OnceLock::new(),
            vectors: OnceLock::new(),
            former: Mutex::default(),
            is_written_down: AtomicBool::new(false),
        }
    }

    /// The embedder in use.
    pub(super) fn embedder(&self) -> Result<Arc<Embedder>> {
        if let Some(embedder) = self.embedder.get() {
            return Ok(Arc::clone(embedder));
        }
        let embedder = Embedder::open(&self.settings)?;
        Ok(Arc::clone(self.embedder.get_or_init(|| embedder)))
    }

    /// Its index.
    pub(super) fn vectors(&self) -> Result<Vectors> {
        if let Some(vectors) = self.vectors.get() {
            return Ok(vectors.clone());
        }
        let model = self.embedder()?.model().clone();
        Ok(self.vectors.get_or_init(|| self.open(model)).clone())
    }

    /// Its index, if it was opened.
    pub(super) fn opened(&self) -> Option<&Vectors> {
        self.vectors.get()
    }

    fn open(&self, model: Model) -> Vectors {
        Vectors::open(&self.index, model, &self.how)
    }

    /// How the present model is reached, where the database may not know it yet.
    pub(super) fn to_write_down(&self) -> Option<String> {
        (!self.is_written_down.load(Ordering::Relaxed)).then(|| self.settings.recipe())
    }

    /// The database knows how the present model is reached.
    pub(super) fn written_down(&self) {
        self.is_written_down.store(true, Ordering::Relaxed);
    }

    /// A text in every space that passages lie in, that of the present model first. Where a model does not answer, a note says so; an error
    /// only when none does.
    pub(super) async fn of(&self, db: &Database, clock: &Arc<dyn Clock>, text: &str, notes: &mut Vec<String>) -> Result<Vec<Space>> {
        let present = self.embedder()?;
        let model = present.model().clone();
        let former = db.read(move |c| vectors::former(c, &model)).await?;
        let mut spaces = Vec::with_capacity(1);
        let mut fault: Option<Error> = None;
        match present.embed(&[text]).await {
            Ok(mut read) => spaces.extend(space(self.vectors()?, read.pop().flatten())),
            Err(error) => fault = Some(error.into()),
        }
        for former in former {
            match self.reach(&former, clock.now()) {
                Known::There(embedder, vectors) => {
                    let read = tokio::time::timeout(PATIENCE, embedder.embed(&[text])).await;
                    match read.map_err(|_| "it did not answer in time".to_owned()).and_then(|read| read.map_err(|error| error.to_string()))
                    {
                        Ok(mut read) => spaces.extend(space(vectors, read.pop().flatten())),
                        Err(why) => {
                            self.keep(&former.model.name, Known::Away(Some(clock.now() + REST)));
                            notes.push(waiting(&former.model, &why));
                        }
                    }
                }
                Known::Away(_) => notes.push(waiting(&former.model, "it cannot be reached any more")),
            }
        }
        match fault {
            Some(error) if spaces.is_empty() => Err(error),
            Some(error) => {
                notes.push(format!("only what an earlier model has read was compared by meaning: {error}"));
                Ok(spaces)
            }
            None => Ok(spaces),
        }
    }

    fn keep(&self, name: &str, known: Known) {
        self.former.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), known);
    }

    /// A model of before, opened when it is first asked for. One whose files or address are another model by now is not that model.
    fn reach(&self, former: &Former, now: Millis) -> Known {
        let known = self.former.lock().unwrap_or_else(PoisonError::into_inner).get(&former.model.name).cloned();
        if let Some(known) = known.filter(|known| !matches!(known, Known::Away(Some(until)) if *until <= now)) {
            return known;
        }
        let is_it = |embedder: &Arc<Embedder>| *embedder.model() == former.model;
        let told = former.recipe.as_deref().and_then(|recipe| self.settings.of_recipe(recipe));
        let opened = told.and_then(|settings| Embedder::open(&settings).ok()).filter(is_it);
        // What shipped needs no telling.
        let known = match opened.or_else(|| Embedder::shipped().ok().filter(is_it)) {
            Some(embedder) => Known::There(embedder, self.open(former.model.clone())),
            None => Known::Away(None),
        };
        self.keep(&former.model.name, known.clone());
        known
    }
}

fn space(vectors: Vectors, query: Option<Vec<f32>>) -> Option<Space> {
    query.filter(|query| vectors.check(query).is_ok()).map(|query| Space { vectors, query })
}

fn waiting(model: &Model, why: &str) -> String {
    let (name, why) = (SafeText::clipped(&model.name, 60), SafeText::clipped(why, 160));
    format!("what {name} has read is found by its words until the present model has read it: {why}")
}
