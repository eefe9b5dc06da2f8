//! Search as people and programs use it: what is written is found, what is gone is not, and nobody finds what is another's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{Clock, PersonaId, SystemClock};
use quarterdeck::memory::beliefs::NewBelief;
use quarterdeck::memory::interactions::{InteractionMetadata, InteractionType, NewInteraction};
use quarterdeck::memory::{self, Author};
use quarterdeck::moderation::queue;
use quarterdeck::search::{Count, Kind, Page, Question, Ranking, Search, Settings, Zone};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Database, testing};
use std::sync::Arc;

mod support;

struct World {
    db: Database,
    search: Search,
    ada: PersonaId,
    bob: PersonaId,
    directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let (db, directory) = testing::database();
        let add = |name: &'static str| {
            db.write_blocking(move |c| memory::personas::create(c, &memory::NewPersona::named(name), &author())).unwrap()
        };
        let (ada, bob) = (add("QuietOwl"), add("LoudHeron"));
        let search = Self::open(&db, &directory);
        Self { db, search, ada, bob, directory }
    }
}
