//! The open search: one question at a time, and the feed followed meanwhile.

use super::documents::{folders, ingest, sources::Topic};
use super::embed::{self, Embedder};
use super::spaces::{Space, Spaces};
use super::vectors::{self, Vectors};
use super::{Answer, Hit, Kind, Page, Question, Ranking, Result, Thread, ask};
use crate::base::{Clock, PersonaId};
use crate::store::{Conn, Database};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::Mutex as AsyncMutex;

/// Texts that are given to the embedder at once.
const TEXTS: usize = 128;
/// Counting of passages that wait stops here.
const COUNTED: i64 = 100_000;

/// What the search works with.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Folder of runbooks. One that is not there is empty.
    pub runbooks: PathBuf,
    /// Folder of notes.
    pub notes: PathBuf,
    /// Where the index of vectors is kept.
    pub index: PathBuf,
    /// Which embedder is used.
    pub embed: embed::Settings,
    /// How the vectors are kept.
    pub vectors: vectors::Settings,
}

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
    /// What was passed over: files that could not be read, an embedder that does not answer.
    pub notes: Vec<String>,
}

/// Search over one database. Cheap to clone; loads nothing before it is asked.
#[derive(Clone)]
pub struct Search(Arc<Inner>);

struct Inner {
    db: Database,
    clock: Arc<dyn Clock>,
    settings: Settings,
    spaces: Spaces,
    frequencies: Mutex<ask::Frequencies>,
    /// Names that people mistype, once a mistyped one was met.
    names: Mutex<Option<Arc<ask::Names>>>,
    /// One look at the feed at a time in this process: a second one would only find the first one's work done.
    following: AsyncMutex<()>,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Search").field("db", &self.0.db).finish_non_exhaustive()
    }
}

impl Inner {
    fn names(&self) -> std::sync::MutexGuard<'_, Option<Arc<ask::Names>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Search {
    /// Search over a database. Nothing is read or loaded yet.
    #[must_use]
    pub fn new(db: Database, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let spaces = Spaces::new(settings.embed.clone(), settings.index.clone(), settings.vectors.clone());
        Self(Arc::new(Inner {
            db,
            clock,
            settings,
            spaces,
            frequencies: Mutex::default(),
            names: Mutex::default(),
            following: AsyncMutex::default(),
        }))
    }

    /// The embedder, loaded when it is first asked for.
    ///
    /// # Errors
    /// When its files cannot be used.
    pub fn embedder(&self) -> Result<Arc<Embedder>> {
        self.0.spaces.embedder()
    }

    /// The index of vectors, loaded when it is first asked for.
    ///
    /// # Errors
    /// As [`Search::embedder`]: an index is one model's.
    pub fn vectors(&self) -> Result<Vectors> {
        self.0.spaces.vectors()
    }

    /// One page of what fits a question, best first.
    ///
    /// # Errors
    /// [`Error::Persona`](super::Error::Persona) for a name that nothing is near to; [`Error::NotFound`](super::Error::NotFound) for `like:`; as the database says.
    pub async fn ask(&self, question: &Question, page: Page) -> Result<Answer> {
        self.ask_by(question, page, Ranking::Both).await
    }

    /// [`Search::ask`] by one side alone, for comparison.
    ///
    /// # Errors
    /// As [`Search::ask`].
    pub async fn ask_by(&self, question: &Question, page: Page, ranking: Ranking) -> Result<Answer> {
        let started = Instant::now();
        let mut notes = Vec::new();
        let like = match &question.like {
            Some(id) => Some(self.text_of(None, None, id.clone()).await?),
            None => None,
        };
        let needs_meaning = ranking != Ranking::Words && (!question.words.is_empty() || like.is_some());
        let text = like.as_ref().map_or_else(|| question.meaning(), |(_, text)| text.clone());
        let spaces = if needs_meaning { self.spaces(&text, like.is_some(), &mut notes).await? } else { Vec::new() };
        let (inner, question) = (Arc::clone(&self.0), question.clone());
        let mut answer = self
            .0
            .db
            .read(move |c| {
                for space in &spaces {
                    space.vectors.catch_up(c)?;
                }
                // A question never waits for another one: each takes the table of frequencies, and puts back what it learned.
                let mut frequencies = std::mem::take(&mut *inner.frequencies.lock().unwrap_or_else(PoisonError::into_inner));
                let known = inner.names().clone();
                let had_names = known.is_some();
                let (like, mut spelling) = (like.as_ref().map(|(row, _)| row), ask::Spelling(known));
                let mut with = ask::With { spaces: &spaces, like, frequencies: &mut frequencies, spelling: &mut spelling, ranking };
                let answer = ask::ask(c, &question, page, &mut with);
                if !had_names && spelling.0.is_some() {
                    *inner.names() = spelling.0;
                }
                *inner.frequencies.lock().unwrap_or_else(PoisonError::into_inner) = frequencies;
                answer
            })
            .await?;
        answer.notes.splice(0..0, notes);
        answer.took = started.elapsed();
        Ok(answer)
    }

    /// A text in all spaces. Without any the words answer alone, unless the meaning `is_all` that was asked for.
    async fn spaces(&self, text: &str, is_all: bool, notes: &mut Vec<String>) -> Result<Vec<Space>> {
        match self.0.spaces.of(&self.0.db, &self.0.clock, text, notes).await {
            Err(error) if !is_all => {
                notes.push(format!("only words were compared: {error}"));
                Ok(Vec::new())
            }
            found => found,
        }
    }

    async fn text_of(&self, persona: Option<&PersonaId>, kind: Option<Kind>, id: String) -> Result<(ask::Stored, String)> {
        let persona = persona.cloned();
        let row = self.0.db.read(move |c| ask::document(c, persona.as_ref(), kind, &id)).await?;
        let text = super::documents::whole(&row.title, &row.body);
        Ok((row, text))
    }

    /// What is nearest in meaning to a document. With a persona only what is that persona's, and only if the document is.
    ///
    /// # Errors
    /// [`Error::NotFound`](super::Error::NotFound); as the embedder and the database say.
    pub async fn similar(&self, persona: Option<&PersonaId>, kind: Kind, id: &str, limit: u32) -> Result<Vec<Hit>> {
        let (row, text) = self.text_of(persona, Some(kind), id.to_owned()).await?;
        let spaces = self.spaces(&text, true, &mut Vec::new()).await?;
        let persona = persona.cloned();
        self.0
            .db
            .read(move |c| {
                for space in &spaces {
                    space.vectors.catch_up(c)?;
                }
                ask::similar(c, persona.as_ref(), &row, &spaces, limit)
            })
            .await
    }

    /// What a document stands among: what it answers, what answers it, and what was said beside it, all of the same persona.
    ///
    /// # Errors
    /// [`Error::NotFound`](super::Error::NotFound); as the database says.
    pub async fn thread(&self, persona: Option<&PersonaId>, kind: Kind, id: &str) -> Result<Thread> {
        let (persona, id) = (persona.cloned(), id.to_owned());
        self.0
            .db
            .read(move |c| {
                let row = ask::document(c, persona.as_ref(), Some(kind), &id)?;
                ask::thread(c, &row)
            })
            .await
    }

    /// The whole text of a document, as it was written: for a preview, through [`SafeText`](crate::base::SafeText).
    ///
    /// # Errors
    /// [`Error::NotFound`](super::Error::NotFound); as the database says.
    pub async fn text(&self, persona: Option<&PersonaId>, kind: Kind, id: &str) -> Result<String> {
        Ok(self.text_of(persona, Some(kind), id.to_owned()).await?.0.body)
    }

    /// Take in what the change feed brought since the last look, until nothing is left; the first time, everything that is there.
    ///
    /// # Errors
    /// As the database says: then nothing of that batch is written, and the next look begins with it.
    pub async fn follow(&self) -> Result<Followed> {
        self.follow_with(&mut |_| ()).await
    }

    /// [`Search::follow`], telling after each batch how far it is.
    ///
    /// # Errors
    /// As [`Search::follow`].
    pub async fn follow_with<F: FnMut(&Followed)>(&self, tell: &mut F) -> Result<Followed> {
        let _alone = self.0.following.lock().await;
        let mut followed = Followed::default();
        if !self.0.db.read(ingest::has_begun).await? {
            self.0.db.write(ingest::begin).await?;
        }
        followed.to_fill = self.0.db.read(ingest::to_fill).await?;
        self.folders(&mut followed).await?;
        loop {
            // What is new goes before what was there already: it has to be found within a second.
            self.news(&mut followed, tell).await?;
            let mut is_more = false;
            for topic in Topic::ALL {
                if let Some(batch) = self.0.db.read(move |c| ingest::fill(c, topic)).await? {
                    let rows = if batch.is_full { ingest::BATCH.unsigned_abs() } else { followed.to_fill };
                    self.take(batch, &mut followed, None).await?;
                    followed.to_fill = followed.to_fill.saturating_sub(rows);
                    tell(&followed);
                    is_more = true;
                    break;
                }
            }
            if !is_more {
                break;
            }
        }
        followed.to_fill = 0;
        self.names_again().await?;
        self.read_again(&mut followed, tell).await?;
        Ok(followed)
    }

    /// Read the names anew that people mistype, where documents came or went, so that no question waits for it.
    async fn names_again(&self) -> Result<()> {
        let Some(known) = self.0.names().clone() else { return Ok(()) };
        let read = move |c: &mut dyn Conn| if known.is_of(c)? { Ok(None) } else { ask::Names::load(c).map(Some) };
        let read: Option<ask::Names> = self.0.db.read(read).await?;
        if let Some(names) = read {
            *self.0.names() = Some(Arc::new(names));
        }
        Ok(())
    }

    /// What the feed brought.
    async fn news<F: FnMut(&Followed)>(&self, followed: &mut Followed, tell: &mut F) -> Result<()> {
        for topic in Topic::ALL {
            while let Some(batch) = self.0.db.read(move |c| ingest::news(c, topic)).await? {
                self.take(batch, followed, None).await?;
                tell(followed);
            }
        }
        Ok(())
    }

    /// [`Search::follow`] after every hint that something changed. Ends when the database is closed; failures are noted in the log, and the
    /// next hint begins where the last one failed.
    ///
    /// # Errors
    /// When the changes cannot be watched.
    pub async fn keep_up(&self) -> Result<()> {
        let mut changes = self.0.db.changes()?;
        loop {
            if let Err(error) = self.follow().await {
                tracing::warn!(%error, "what was written cannot be taken in for search");
            }
            if let Err(error) = self.save_index().await {
                tracing::warn!(%error, "the index of vectors cannot be saved");
            }
            self.tend();
            if changes.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Give large parts of the index their graph, on a thread of its own: it takes minutes, and the scan answers meanwhile.
    fn tend(&self) {
        let Some(vectors) = self.0.spaces.opened().cloned() else { return };
        let work = move || match vectors.tend() {
            Ok(tended) if tended.built > 0 => {
                if let Err(error) = vectors.save() {
                    tracing::warn!(%error, "the index of vectors cannot be saved with its graph");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the graph of the index of vectors cannot be made"),
        };
        if let Err(error) = std::thread::Builder::new().name("search-graph".to_owned()).spawn(work) {
            tracing::warn!(%error, "no thread for the graph of the index of vectors");
        }
    }

    /// Save the index of vectors when enough has changed that the next start would take long without it. On a thread of its own: a large
    /// index takes seconds.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub async fn save_index(&self) -> Result<()> {
        let Some(vectors) = self.0.spaces.opened().cloned().filter(Vectors::is_worth_saving) else { return Ok(()) };
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = move || {
            // Whoever asked may have gone away; the file is written all the same.
            let _ = sender.send(vectors.save());
        };
        if std::thread::Builder::new().name("search-index".to_owned()).spawn(work).is_err() {
            return Ok(());
        }
        Ok(receiver.await.unwrap_or(Ok(()))?)
    }

    /// Write a batch, with its vectors where the embedder is in this process.
    async fn take(&self, batch: ingest::Batch, followed: &mut Followed, files: Option<folders::Changed>) -> Result<()> {
        let embedder = self.embedder()?;
        let texts: Vec<String> = batch.drafts.iter().flat_map(ingest::Draft::texts).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let read = if texts.is_empty() { Some(Vec::new()) } else { embedder.embed_now(&texts) }.unwrap_or_default();
        let (model, at) = (embedder.model().clone(), self.0.clock.now());
        let recipe = self.0.spaces.to_write_down();
        let (wrote, is_known) = self
            .0
            .db
            .write(move |c| {
                if let Some(files) = &files {
                    folders::stamp(c, files)?;
                }
                let wrote = ingest::write(c, &batch, &model, &read, at)?;
                Ok::<_, super::Error>((wrote, written_down(c, &model, recipe.as_deref())?))
            })
            .await?;
        if is_known {
            self.0.spaces.written_down();
        }
        if let Some(wrote) = wrote {
            followed.written += wrote.written;
            followed.removed += wrote.removed;
        }
        Ok(())
    }

    /// Files that are new, changed or gone.
    async fn folders(&self, followed: &mut Followed) -> Result<()> {
        for (kind, folder) in [(Kind::Runbook, &self.0.settings.runbooks), (Kind::Note, &self.0.settings.notes)] {
            if folder.as_os_str().is_empty() {
                continue;
            }
            let found = folders::list(folder, &mut followed.notes);
            let changed = self
                .0
                .db
                .read(move |c| {
                    let mut notes = Vec::new();
                    folders::changed(c, kind, &found, &mut notes).map(|changed| (changed, notes))
                })
                .await?;
            followed.notes.extend(changed.1);
            if let Some(mut changed) = changed.0 {
                let batch = ingest::batch_of(std::mem::take(&mut changed.drafts), changed.gone.clone());
                self.take(batch, followed, Some(changed)).await?;
            }
        }
        Ok(())
    }

    /// Passages that have no vector of the present model: of an endpoint all of them, after a change of the model those of before.
    async fn read_again<F: FnMut(&Followed)>(&self, followed: &mut Followed, tell: &mut F) -> Result<()> {
        let embedder = self.embedder()?;
        let model = embedder.model().clone();
        let of = model.clone();
        followed.to_embed = self.0.db.read(move |c| ingest::count_unread(c, &of, COUNTED)).await?;
        while followed.to_embed > 0 {
            let of = model.clone();
            let unread = self.0.db.read(move |c| ingest::unread(c, &of, TEXTS as i64)).await?;
            if unread.is_empty() {
                followed.to_embed = 0;
                break;
            }
            let (passages, texts): (Vec<_>, Vec<String>) = unread.into_iter().unzip();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let read = match embedder.embed(&texts).await {
                Ok(read) => read,
                Err(error) => {
                    followed.notes.push(format!("{} passages wait for their vectors: {error}", followed.to_embed));
                    break;
                }
            };
            let (of, at, count) = (model.clone(), self.0.clock.now(), passages.len() as u64);
            let recipe = self.0.spaces.to_write_down();
            let write = move |c: &mut dyn Conn| {
                ingest::write_read(c, &passages, &of, &read, at)?;
                written_down(c, &of, recipe.as_deref())
            };
            if self.0.db.write(write).await? {
                self.0.spaces.written_down();
            }
            followed.to_embed = followed.to_embed.saturating_sub(count);
            tell(followed);
            self.news(followed, tell).await?;
        }
        Ok(())
    }
}

/// Write down how the model is reached, where that is not known to have been done.
fn written_down(c: &mut dyn Conn, model: &embed::Model, recipe: Option<&str>) -> Result<bool> {
    Ok(match recipe {
        Some(recipe) => vectors::remember(c, model, recipe)?,
        None => true,
    })
}
