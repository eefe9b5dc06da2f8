//! Text, meaning and both, through the search itself: the same path as a person's question takes.

use super::measure::{Figures, measure};
use super::set::{Set, comments, runbooks};
use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::memory::{Author, PersonaConfig, personas};
use quarterdeck::search::{Page, Question, Ranking, Search, Settings, Zone};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Database, testing};
use std::sync::Arc;

struct World {
    search: Search,
    _directory: tempfile::TempDir,
}

fn open(db: &Database, directory: tempfile::TempDir) -> World {
    let settings = Settings { runbooks: directory.path().join("runbooks"), index: directory.path().join("index"), ..Settings::default() };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let search = Search::new(db.clone(), clock, settings);
    runtime().block_on(search.follow()).unwrap();
    World { search, _directory: directory }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A folder with a file for each section.
fn as_runbooks(set: &Set) -> World {
    let (db, directory) = testing::database();
    std::fs::create_dir(directory.path().join("runbooks")).unwrap();
    for document in &set.documents {
        let heading = document.heading.as_deref().unwrap_or("Section");
        let file = directory.path().join("runbooks").join(format!("{}.md", document.id));
        std::fs::write(file, format!("# {heading}\n{}\n", document.text)).unwrap();
    }
    open(&db, directory)
}

/// A persona that said each of them.
fn as_interactions(set: &Set) -> World {
    let (db, directory) = testing::database();
    let rows: Vec<(String, String)> = set.documents.iter().map(|document| (document.id.clone(), document.text.clone())).collect();
    db.write_blocking(move |c| -> Result<(), quarterdeck::memory::Error> {
        let actor = Actor::human("test");
        let persona = personas::add(c, "QuietOwl", None, &PersonaConfig::default(), &Author::new(&actor, 1))?.id;
        for (id, text) in &rows {
            c.exec(
                "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, metadata, created_at, updated_at)
                 VALUES ($1, $2, $3, 'comment', $2, 'test', '{}', 1, 1)",
                quarterdeck::vals![&persona, id, text],
            )?;
        }
        Ok(())
    })
    .unwrap();
    open(&db, directory)
}

fn figures(world: &World, set: &Set, ranking: Ranking) -> Figures {
    let runtime = runtime();
    measure(set, |text| {
        let plain: String = text.chars().map(|letter| if matches!(letter, '"' | ':') { ' ' } else { letter }).collect();
        let question = Question::parse(&plain, Zone::default(), 0).unwrap();
        let answer = runtime.block_on(world.search.ask_by(&question, Page { limit: 10, after: None }, ranking)).unwrap();
        let id = |id: String| id.split_once(".md#").map_or(id.clone(), |(id, _)| id.to_owned());
        answer.hits.into_iter().map(|hit| id(hit.id)).collect()
    })
}

/// Both sides together are no worse than the better one. The questions are in other words than their answers, so that the words alone find little:
/// what is tested here is that they do not spoil what the meaning finds. Two questions of a set may fall: less than that cannot be told apart.
fn no_worse(kind: &str, world: &World, set: &Set) {
    let [words, meaning, both, ranks] =
        [Ranking::Words, Ranking::Meaning, Ranking::Both, Ranking::Ranks].map(|ranking| figures(world, set, ranking));
    println!("{kind}, {} questions over {} documents", set.questions.len(), set.documents.len());
    for (name, figures) in [("words", &words), ("meaning", &meaning), ("both", &both), ("both by ranks", &ranks)] {
        println!("  {name:14} {figures}");
    }
    for half in [&words, &meaning] {
        let two = 2.0 / set.questions.len() as f64;
        assert!(both.mrr.value + two >= half.mrr.value, "{kind}: MRR {} against {}", both.mrr, half.mrr);
        assert!(both.hit_5.value + two >= half.hit_5.value, "{kind}: hit@5 {} against {}", both.hit_5, half.hit_5);
    }
}

#[test]
fn both_together_are_no_worse_than_the_better_half_on_runbooks() {
    let set = runbooks();
    no_worse("runbooks", &as_runbooks(&set), &set);
}

#[test]
fn both_together_are_no_worse_than_the_better_half_on_comments() {
    let set = comments();
    no_worse("comments", &as_interactions(&set), &set);
}
