//! What the search tab asks of the deck, and what comes back.

use super::Key;
use super::ask::Why;
use super::export::{self, Target};
use crate::console::memory::{Change, Saved, Shelf, Store};
use crate::console::request::Desk;
use crate::memory::beliefs;
use crate::memory::stances::{self, Stance};
use crate::search::{Answer, Followed, Hit, Kind, Page, Question, Term, Thread};
use crate::store::Conn;

/// A document to be read.
#[derive(Debug, Clone)]
pub(in crate::console) struct Look {
    pub key: Key,
    /// What it hangs on: for a stance its belief.
    pub belief: Option<String>,
}

/// A document with what it stands among.
#[derive(Debug, Clone)]
pub(in crate::console) struct Looked {
    pub text: String,
    pub thread: Thread,
    /// The belief's title and the stance in force, for beliefs and stances.
    pub stance: Option<(String, Option<Stance>)>,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(in crate::console) enum Request {
    /// A page of what fits a question. `generation` tells an answer that is no longer wanted.
    Ask { question: Box<Question>, page: Page, generation: u64, why: Why },
    /// A document as a whole.
    Look(Box<Look>),
    /// Take in what is new in the database.
    Follow,
    /// Write results into a file.
    Export { target: Target, question: String, hits: Vec<Hit> },
    /// Save a question under a name, or take one away.
    Keep { store: Store, change: Change },
}

/// What comes back.
#[derive(Debug)]
pub(in crate::console) enum Reply {
    Asked {
        text: String,
        terms: Vec<Term>,
        generation: u64,
        why: Why,
        result: Result<Answer, String>,
    },
    Looked {
        key: Key,
        result: Result<Box<Looked>, String>,
    },
    /// How far the look at the changes is.
    Following(Followed),
    /// It is over.
    Followed(Result<Followed, String>),
    Exported {
        target: Target,
        result: Result<usize, export::Refused>,
    },
    Kept {
        change: Change,
        result: Result<Option<Saved>, String>,
    },
}

impl Reply {
    /// Whether a person waits for it: not for what goes on behind the screen.
    pub fn is_awaited(&self) -> bool {
        !matches!(self, Self::Following(_) | Self::Followed(_))
    }
}

impl Request {
    /// Whether a person waits for its answer.
    pub fn is_awaited(&self) -> bool {
        !matches!(self, Self::Follow)
    }
}

/// Follow the changes of the database, telling after each batch how far it is.
pub(in crate::console) async fn follow(desk: &Desk, tell: impl Fn(Reply) + Send + Sync) -> Reply {
    let mut on_the_way = |followed: &Followed| tell(Reply::Following(followed.clone()));
    Reply::Followed(desk.deck.search().follow_with(&mut on_the_way).await.map_err(|error| error.to_string()))
}

/// Answer a request.
pub(in crate::console) async fn answer(desk: &Desk, request: Request) -> Reply {
    match request {
        Request::Ask { question, page, generation, why } => {
            let result = desk.deck.search().ask(&question, page).await.map_err(|error| error.to_string());
            let Question { text, words, .. } = *question;
            Reply::Asked { text, terms: words, generation, why, result }
        }
        Request::Look(look) => {
            let result = looked(desk, &look).await.map(Box::new);
            Reply::Looked { key: look.key, result }
        }
        Request::Follow => follow(desk, |_| ()).await,
        Request::Export { target, question, hits } => {
            let result = export::write(&target, &question, &hits).map(|()| hits.len());
            Reply::Exported { target, result }
        }
        Request::Keep { store, change } => {
            let result = store.change(Shelf::Searches, &change);
            Reply::Kept { change, result }
        }
    }
}

async fn looked(desk: &Desk, look: &Look) -> Result<Looked, String> {
    let Key { kind, persona, id } = &look.key;
    let text = desk.deck.search().text(persona.as_ref(), *kind, id).await.map_err(|error| error.to_string())?;
    let thread = desk.deck.search().thread(persona.as_ref(), *kind, id).await.map_err(|error| error.to_string())?;
    let belief = match kind {
        Kind::Belief => Some(id.clone()),
        Kind::Stance => look.belief.clone(),
        Kind::Interaction | Kind::QueueItem | Kind::Decision | Kind::Runbook | Kind::Note => None,
    };
    let stance = match (persona.clone(), belief) {
        (Some(persona), Some(belief)) => {
            let read = move |c: &mut dyn Conn| {
                let title = beliefs::require(c, &persona, &belief)?.title;
                Ok::<_, crate::memory::Error>((title, stances::in_force(c, &persona, &belief)?))
            };
            // The document was read a moment ago: what is gone since then is left out.
            desk.deck.db.read(read).await.ok()
        }
        _ => None,
    };
    Ok(Looked { text, thread, stance })
}
