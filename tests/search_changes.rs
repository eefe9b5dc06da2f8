//! Search while things change under it: another model, rows that go away, pages that are turned while somebody writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{Clock, Millis, PersonaId, SystemClock};
use quarterdeck::memory::beliefs::{self, NewBelief};
use quarterdeck::memory::interactions::{self, InteractionMetadata, InteractionType, NewInteraction};
use quarterdeck::memory::{self, Author, PersonaConfig, Trigger, personas};
use quarterdeck::moderation::{self, Directive, On, RejectCode, decisions, queue};
use quarterdeck::search::vectors::{self, Scope};
use quarterdeck::search::{Answer, Error, Kind, Page, Question, Ranking, Search, Settings, Zone, embed};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Conn, Database, testing};
use quarterdeck::vals;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod support;

const NOW: Millis = 1_780_000_000_000;

struct World {
    db: Database,
    search: Search,
    ada: PersonaId,
    bob: PersonaId,
    directory: tempfile::TempDir,
}

/// On a thread of its own: a test that runs on an async runtime may not wait in it.
fn blocking<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().expect("it did not panic"))
}

fn write<T: Send + 'static>(db: &Database, work: impl FnOnce(&mut dyn Conn, &Author<'_>) -> memory::Result<T> + Send + 'static) -> T {
    let actor = Actor::human("test");
    blocking(|| db.write_blocking(move |c| work(c, &Author::new(&actor, NOW))).unwrap())
}

/// A statement that no part of the program makes: somebody at the database's own prompt.
fn by_hand(db: &Database, sql: &'static str, id: &str) {
    let id = id.to_owned();
    blocking(|| db.write_blocking(move |c| c.exec(sql, vals![&id])).unwrap());
}

fn numbers(db: &Database, sql: &'static str) -> Vec<i64> {
    let read = move |c: &mut dyn Conn| -> Result<Vec<i64>, quarterdeck::store::Error> {
        c.query(sql, &[])?.iter().map(|row| row.int("n")).collect()
    };
    blocking(|| db.read_blocking(read).unwrap())
}

fn say(c: &mut dyn Conn, persona: &PersonaId, reddit_id: &str, content: &str, author: &Author<'_>) -> memory::Result<String> {
    let new = NewInteraction {
        content,
        interaction_type: InteractionType::Comment,
        reddit_id,
        subreddit: "rivers",
        parent_id: None,
        metadata: &InteractionMetadata::default(),
    };
    interactions::log(c, persona, &new, author)
}

impl World {
    fn new() -> Self {
        let (db, directory) = testing::database();
        let add = |name: &'static str| write(&db, move |c, author| personas::add(c, name, None, &PersonaConfig::default(), author)).id;
        let (ada, bob) = (add("QuietOwl"), add("LoudHeron"));
        let search = open(&db, directory.path(), None);
        Self { db, search, ada, bob, directory }
    }

    fn said(&self, persona: &PersonaId, reddit_id: &str, content: &str) -> String {
        let (persona, reddit_id, content) = (persona.clone(), reddit_id.to_owned(), content.to_owned());
        write(&self.db, move |c, author| say(c, &persona, &reddit_id, &content, author))
    }

    async fn page(&self, text: &str, page: Page) -> Answer {
        ask(&self.search, text, page, Ranking::Both).await
    }

    async fn ids(&self, text: &str) -> Vec<String> {
        self.search.follow().await.unwrap();
        ids(&self.page(text, Page::default()).await)
    }
}

fn open(db: &Database, directory: &Path, model: Option<PathBuf>) -> Search {
    let embed = embed::Settings { folder: model, ..embed::Settings::default() };
    let settings = Settings { index: directory.join("index"), embed, ..Settings::default() };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Search::new(db.clone(), clock, settings)
}

async fn ask(search: &Search, text: &str, page: Page, ranking: Ranking) -> Answer {
    let question = Question::parse(text, Zone::default(), NOW).unwrap();
    search.ask_by(&question, page, ranking).await.unwrap()
}

fn ids(answer: &Answer) -> Vec<String> {
    answer.hits.iter().map(|hit| hit.id.clone()).collect()
}

/// The model that ships with every vector turned round: as good as it, and in a space where nothing of the other means anything.
fn another_model(directory: &Path) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/embedder");
    let folder = directory.join("turned");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(shipped.join("tokenizer.json"), folder.join("tokenizer.json")).unwrap();
    let mut bytes = std::fs::read(shipped.join("model.safetensors")).unwrap();
    let header = 8 + usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    bytes[header..].chunks_exact_mut(256).for_each(<[u8]>::reverse);
    std::fs::write(folder.join("model.safetensors"), bytes).unwrap();
    folder
}

#[tokio::test]
async fn a_text_that_the_new_model_has_not_reached_is_found_in_the_space_of_the_old_one() {
    let world = World::new();
    let ada = world.ada.clone();
    write(&world.db, move |c, author| {
        for number in 0..400 {
            say(c, &ada, &format!("t1_{number}"), &format!("Remark {number} about a lighthouse and its keeper."), author)?;
        }
        say(c, &ada, "t1_ferry", "The boat service is suspended because the water is too low.", author)
    });
    world.search.follow().await.unwrap();
    let question = "ferry cancelled in shallow channel";
    let nearest = |search: &Search| {
        let search = search.clone();
        async move { ask(&search, question, Page::default(), Ranking::Meaning).await }
    };
    let ferry = nearest(&world.search).await.hits.remove(0);
    assert_eq!(ferry.parent, None);
    assert!(ferry.extract.iter().any(|part| part.text.as_str().contains("boat service")), "{ferry:?}");

    // The new model is stopped in the middle: the newest text is in the old space alone.
    let turned = another_model(world.directory.path());
    let search = open(&world.db, world.directory.path(), Some(turned.clone()));
    let half_way = tokio::sync::Notify::new();
    let mut left = 0;
    let mut tell = |followed: &quarterdeck::search::Followed| {
        left = followed.to_embed;
        half_way.notify_one();
    };
    tokio::select! {
        biased;
        () = half_way.notified() => {}
        done = search.follow_with(&mut tell) => panic!("it was not stopped: {done:?}"),
    }
    assert!(left > 100, "{left} passages wait");
    let models = numbers(&world.db, "SELECT count(*) AS n FROM search_vectors WHERE model IS NOT NULL GROUP BY model");
    assert_eq!((models.len(), models.iter().sum::<i64>()), (2, 401), "{models:?}");
    let answer = nearest(&search).await;
    assert_eq!(answer.hits[0].id, ferry.id, "{:?}", answer.notes);
    assert_eq!(answer.notes, Vec::<String>::new());

    // Each is found once, whichever space it is in; and so it is in another process, whose present model is the old one again.
    for search in [&search, &open(&world.db, world.directory.path(), None)] {
        for ranking in [Ranking::Meaning, Ranking::Both] {
            let answer = ask(search, "lighthouse keeper", Page { limit: 200, after: None }, ranking).await;
            let found: HashSet<String> = ids(&answer).into_iter().collect();
            assert_eq!((found.len(), answer.hits.len()), (200, 200));
        }
        assert_eq!(nearest(search).await.hits[0].id, ferry.id);
        assert!(!search.similar(None, Kind::Interaction, &ferry.id, 5).await.unwrap().is_empty());
    }

    // A model that cannot be had any more is said, and the words answer.
    let away = turned.with_extension("away");
    std::fs::rename(&turned, &away).unwrap();
    let answer = ask(&open(&world.db, world.directory.path(), None), "boat service", Page::default(), Ranking::Both).await;
    assert!(answer.notes.iter().any(|note| note.contains("turned-256") && note.contains("found by its words")), "{:?}", answer.notes);
    assert_eq!(answer.hits[0].id, ferry.id);

    std::fs::rename(&away, &turned).unwrap();
    let search = open(&world.db, world.directory.path(), Some(turned));
    assert_eq!(search.follow().await.unwrap().to_embed, 0);
    assert_eq!(numbers(&world.db, "SELECT count(*) AS n FROM search_vectors WHERE model IS NOT NULL GROUP BY model"), [401]);
    assert_eq!(nearest(&search).await.hits[0].id, ferry.id);
}

#[tokio::test]
async fn what_is_like_a_document_is_not_the_document() {
    let world = World::new();
    let ferry = world.said(&world.ada, "t1_a", "The ferry stops when the river is low.");
    let boat = world.said(&world.ada, "t1_b", "A boat needs two fathoms of water in the river.");
    let theirs = world.said(&world.bob, "t1_c", "The ferry waits for the tide of the river.");
    let like = world.ids(&format!("like:{ferry}")).await;
    assert!(!like.contains(&ferry) && like.contains(&boat) && like.contains(&theirs), "{like:?}");
    let like = world.ids(&format!("river like:interaction:{ferry}")).await;
    assert!(!like.contains(&ferry) && like.contains(&boat), "{like:?}");
    let question = Question::parse(&format!("like:{theirs} persona:QuietOwl"), Zone::default(), NOW).unwrap();
    let refused = world.search.ask(&question, Page::default()).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })), "another persona's document is not found: {refused:?}");
}

impl World {
    /// A comment, a belief, a draft and a decision about another draft, for a persona.
    fn busy(&self, persona: &PersonaId, mark: &'static str) -> String {
        self.said(persona, &format!("t1_{mark}"), &format!("The {mark} ferry is late."));
        let (owner, settings) = (persona.clone(), moderation::Settings::default());
        write(&self.db, move |c, author| {
            let title = format!("The {mark} is a good boat");
            let new =
                NewBelief { title: &title, summary: "It floats.", confidence: 0.7, tags: &[], stance: "I like it.", rationale: "seen" };
            beliefs::create(c, &owner, &new, Trigger::Manual, author)
        });
        let owner = persona.clone();
        blocking(|| {
            let work = move |c: &mut dyn Conn| -> Result<String, moderation::Error> {
                let (loop_, actor) = (Actor::agent("loop"), Actor::human("ana"));
                let mut draft = support::comment(&format!("t3_{mark}"), &format!("The {mark} timetable is wrong."));
                draft.parent_author = Some(format!("reader_{mark}"));
                let id = queue::enqueue(c, &owner, &draft, &settings, &loop_, NOW)?;
                let other = support::comment(&format!("t3_{mark}2"), &format!("The {mark} prices are wrong."));
                let rejected = queue::enqueue(c, &owner, &other, &settings, &loop_, NOW)?;
                let on = On { persona: &owner, id: &rejected, version: None, actor: &actor, at: NOW };
                decisions::reject(c, &on, RejectCode::Other, Directive::Drop, Some("not ours to promise"), &settings)?;
                Ok(id)
            };
            self.db.write_blocking(work).unwrap()
        })
    }

    /// Documents, words, vectors in use, and what the counts of documents and words say.
    fn sizes(&self) -> [i64; 5] {
        let count = |sql| numbers(&self.db, sql)[0];
        [
            count("SELECT count(*) AS n FROM search_documents"),
            count("SELECT count(*) AS n FROM search_words"),
            count("SELECT count(*) AS n FROM search_vectors WHERE model IS NOT NULL"),
            count("SELECT seq AS n FROM search_positions WHERE name = 'documents'"),
            count("SELECT seq AS n FROM search_positions WHERE name = 'words'"),
        ]
    }
}

#[tokio::test]
async fn a_persona_that_is_deleted_is_forgotten_with_its_words_names_and_vectors_at_once() {
    let world = World::new();
    world.busy(&world.ada, "Kestrel");
    world.search.follow().await.unwrap();
    let before = world.sizes();
    world.busy(&world.bob, "Merlin");
    world.search.follow().await.unwrap();
    let both = world.sizes();
    assert_eq!(both[0], 2 * before[0], "{both:?}");
    // The index is loaded, and must learn of it by the rows alone.
    let index = world.search.vectors().unwrap();
    let everything = embed::Embedder::shipped().unwrap().embed_now(&["a boat"]).unwrap().remove(0).unwrap();
    let theirs = Scope::Persona(world.bob.clone());
    let caught_up = index.clone();
    world.db.read(move |c| caught_up.catch_up(c)).await.unwrap();
    assert!(!index.nearest(&theirs, &everything, 10, None).is_empty());

    by_hand(&world.db, "DELETE FROM personas WHERE id = $1", world.bob.as_str());
    assert_eq!(world.sizes(), before);
    assert_eq!(numbers(&world.db, "SELECT count(*) AS n FROM search_names WHERE name LIKE '%erlin%'"), [0]);
    assert_eq!(numbers(&world.db, "SELECT count(*) AS n FROM search_vectors WHERE persona_id IS NOT NULL AND model IS NULL"), [0]);
    let caught_up = index.clone();
    assert!(world.db.read(move |c| caught_up.catch_up(c)).await.unwrap() > 0, "the index is told");
    assert!(index.nearest(&theirs, &everything, 10, None).is_empty());
    let caught_up = index.clone();
    let verified = world.db.read(move |c| caught_up.verify(c, 50)).await.unwrap();
    assert_eq!(verified.problems, Vec::<String>::new());
    assert!(world.ids("\"ferry\"").await.len() == 1 && world.ids("\"Merlin\"").await.is_empty());
    assert_eq!(world.search.follow().await.unwrap().removed, 0, "nothing is left to take out");
}

#[tokio::test]
async fn whatever_takes_a_row_away_takes_its_vectors_along_in_the_same_transaction() {
    let world = World::new();
    let draft = world.busy(&world.ada, "Kestrel");
    world.search.follow().await.unwrap();
    let of = |kind: &'static str| {
        let sql = "SELECT count(*) AS n FROM search_documents d JOIN search_passages p ON p.document = d.id
                   JOIN search_vectors v ON v.passage = p.id WHERE d.kind = $1 AND v.model IS NOT NULL";
        blocking(|| world.db.read_blocking(move |c| c.first(sql, vals![kind])).unwrap().unwrap().int("n").unwrap())
    };
    let in_use = || numbers(&world.db, "SELECT count(*) AS n FROM search_vectors WHERE model IS NOT NULL")[0];
    assert_eq!((of("interaction"), of("belief"), of("stance"), of("queue_item"), of("decision"), in_use()), (1, 1, 1, 2, 1, 6));

    let ada = world.ada.clone();
    write(&world.db, move |c, author| interactions::retract(c, &ada, "t1_Kestrel", "regretted", author));
    assert_eq!((of("interaction"), in_use()), (0, 5), "taken back");
    let late = NOW + 400 * 86_400_000;
    blocking(|| world.db.write_blocking(move |c| moderation::queue::sweep(c, late)).unwrap());
    assert_eq!((of("queue_item"), in_use()), (1, 4), "expired: {draft}");
    by_hand(&world.db, "DELETE FROM stance_versions WHERE persona_id = $1", world.ada.as_str());
    assert_eq!((of("stance"), in_use()), (0, 3));
    by_hand(&world.db, "DELETE FROM belief_nodes WHERE persona_id = $1", world.ada.as_str());
    assert_eq!((of("belief"), in_use()), (0, 2));
    by_hand(&world.db, "DELETE FROM pending_posts WHERE persona_id = $1", world.ada.as_str());
    assert_eq!((of("queue_item"), of("decision"), in_use()), (0, 0, 0), "with what was decided about it");
    assert_eq!(world.sizes(), [0; 5]);
    let changes = numbers(&world.db, "SELECT change AS n FROM search_vectors ORDER BY change");
    let newest = blocking(|| world.db.read_blocking(vectors::position).unwrap());
    assert_eq!(changes.last(), Some(&newest.change), "an index that follows misses none of it");
}

#[tokio::test]
async fn pages_hold_still_while_somebody_writes() {
    let world = World::new();
    let ada = world.ada.clone();
    write(&world.db, move |c, author| {
        for number in 0..600 {
            let more = ["lamps and keepers", "lamps", "keepers and their boats in every storm of the year", ""][number % 4];
            say(c, &ada, &format!("t1_{number}"), &format!("Remark {number} about lighthouses {more}"), author)?;
        }
        Ok(())
    });
    world.search.follow().await.unwrap();
    for (text, writes) in [("lighthouse lamps", false), ("lighthouse lamps", true), ("keepers of a lamp in a storm", true)] {
        let first = world.page(text, Page { limit: 200, after: None }).await;
        let (mut seen, mut scores) = (Vec::new(), Vec::new());
        let mut page = Page { limit: 30, after: None };
        let mut number = 0;
        loop {
            let answer = world.page(text, page).await;
            seen.extend(ids(&answer));
            scores.extend(answer.hits.iter().map(|hit| hit.score));
            let Some(next) = answer.next else { break };
            page.after = Some(next.to_string().parse().unwrap());
            number += 1;
            if writes {
                // Better than anything on the pages that are still to come.
                let id = world.said(
                    &world.ada,
                    &format!("t1_new_{text}_{number}"),
                    "Lighthouse lamps, lighthouse lamps: keepers of a lamp in a storm.",
                );
                world.search.follow().await.unwrap();
                assert!(!seen.contains(&id));
            }
        }
        let once: HashSet<&String> = seen.iter().collect();
        assert_eq!(once.len(), seen.len(), "{text}: nothing comes twice");
        let old = numbers(&world.db, "SELECT count(*) AS n FROM interactions WHERE reddit_id NOT LIKE 't1_new%'");
        assert!(!writes || old == [600]);
        assert!(seen.len() >= 600, "{text}: nothing is left out: {} of 600", seen.len());
        // What is written makes words less rare, and so moves the scores of a later page, though not the order of its list.
        assert!(writes || scores.is_sorted_by(|one, other| one >= other), "{text}: the scores fall");
        assert_eq!(seen[..60], ids(&first)[..60], "{text}: short pages are cut from the list that a long one shows");
    }
}

#[tokio::test]
async fn pages_go_on_where_what_ended_the_last_one_is_gone() {
    let world = World::new();
    let ada = world.ada.clone();
    write(&world.db, move |c, author| {
        (0..40).try_for_each(|number| {
            say(c, &ada, &format!("t1_{number}"), &format!("Lighthouse {}", "again ".repeat(number)), author).map(drop)
        })
    });
    world.search.follow().await.unwrap();
    let all = ids(&world.page("lighthouse", Page { limit: 40, after: None }).await);
    let first = world.page("lighthouse", Page { limit: 10, after: None }).await;
    by_hand(&world.db, "DELETE FROM interactions WHERE id = $1", &all[9]);
    let second = world.page("lighthouse", Page { limit: 10, after: first.next }).await;
    assert_eq!(ids(&second), all[10..20]);
}

#[tokio::test]
async fn what_is_mistyped_is_found_beside_many_names() {
    let world = World::new();
    let ada = world.ada.clone();
    let (ferry, names) = (world.said(&world.ada, "t1_a", "The scheduler evicts pods that ask for nothing."), 30_000);
    world
        .db
        .write(move |c| -> Result<(), quarterdeck::store::Error> {
            for number in 0..names {
                // More than are before them in the alphabet.
                c.exec(
                    "INSERT INTO search_names (kind, persona_id, name) VALUES ('author', $1, $2)",
                    vals![&ada, format!("aaa_reader_{number:06}")],
                )?;
            }
            c.exec("INSERT INTO search_names (kind, persona_id, name) VALUES ('title', $1, 'Scheduler of zeppelins')", vals![&ada])?;
            c.exec("INSERT INTO search_names (kind, persona_id, name) VALUES ('subreddit', $1, 'zookeepers')", vals![&ada]).map(drop)
        })
        .await
        .unwrap();
    for mistyped in ["shceduler", "scheduer", "schedduler", "schedulre", "scheduker"] {
        let found = world.ids(&format!("{mistyped} subreddit:rivers")).await;
        assert_eq!(found.first(), Some(&ferry), "{mistyped}");
    }
    for mistyped in ["rviers", "rivrs", "riverrs"] {
        assert_eq!(world.ids(&format!("scheduler subreddit:{mistyped}")).await, std::slice::from_ref(&ferry), "{mistyped}");
    }
    assert!(world.ids("scheduler subreddit:zookeprs persona:LoudHeron").await.is_empty());
}
