//! Text, meaning and both, through the search itself: the same path as a person's question takes.

use super::measure::{Figures, measure};
use super::set::{self, Question as Asked, Set};
use quarterdeck::base::{Clock, PersonaId, SystemClock};
use quarterdeck::memory::beliefs::{self, NewBelief};
use quarterdeck::memory::{self, Author, PersonaConfig, Trigger, personas};
use quarterdeck::moderation::{self, Directive, On, RejectCode, decisions, queue};
use quarterdeck::search::{Hit, Page, Question, Ranking, Search, Settings, Zone};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Conn, Database, testing};
use std::collections::HashMap;
use std::sync::Arc;

/// A database that holds the documents of a set.
struct World {
    search: Search,
    /// What narrows a question to their kind.
    filter: &'static str,
    /// Their ids in the set, by what a hit is known by.
    ids: HashMap<String, String>,
    _directory: tempfile::TempDir,
}

impl World {
    fn open(db: &Database, directory: tempfile::TempDir, filter: &'static str, ids: HashMap<String, String>) -> Self {
        let settings =
            Settings { runbooks: directory.path().join("runbooks"), index: directory.path().join("index"), ..Settings::default() };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let search = Search::new(db.clone(), clock, settings);
        runtime().block_on(search.follow()).unwrap();
        Self { search, filter, ids, _directory: directory }
    }

    /// The id of a hit in the set.
    fn id(&self, hit: &Hit) -> String {
        let extract: String = hit.extract.iter().map(|part| letters(part.text.as_str())).collect();
        self.ids.get(&hit.id).or_else(|| self.ids.get(&extract)).cloned().unwrap_or_else(|| panic!("a hit of another kind: {hit:?}"))
    }
}

/// A text without what a line that is cut and marked loses.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A folder with a file for each section.
fn as_runbooks(set: &Set) -> World {
    let (db, directory) = testing::database();
    std::fs::create_dir(directory.path().join("runbooks")).unwrap();
    let mut ids = HashMap::new();
    for document in &set.documents {
        let heading = document.heading.as_deref().unwrap_or("Section");
        let file = directory.path().join("runbooks").join(format!("{}.md", document.id));
        std::fs::write(file, format!("# {heading}\n{}\n", document.text)).unwrap();
        ids.insert(format!("{}.md#1", document.id), document.id.clone());
    }
    World::open(&db, directory, "kind:runbook", ids)
}

/// Write as somebody for a persona that was just made.
fn written<T: Send + 'static>(db: &Database, work: impl FnOnce(&mut dyn Conn, &PersonaId, &Author<'_>) -> T + Send + 'static) -> T {
    db.write_blocking(move |c| -> memory::Result<T> {
        let actor = Actor::human("test");
        let author = Author::new(&actor, 1);
        let persona = personas::add(c, "QuietOwl", None, &PersonaConfig::default(), &author)?.id;
        Ok(work(c, &persona, &author))
    })
    .unwrap()
}

/// A persona that said each of them.
fn as_interactions(set: &Set) -> World {
    let (db, directory) = testing::database();
    let rows: Vec<(String, String)> = set.documents.iter().map(|document| (document.id.clone(), document.text.clone())).collect();
    let ids = rows.iter().map(|(id, _)| (id.clone(), id.clone())).collect();
    written(&db, move |c, persona, _| {
        for (id, text) in &rows {
            c.exec(
                "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, metadata, created_at, updated_at)
                 VALUES ($1, $2, $3, 'comment', $2, 'test', '{}', 1, 1)",
                quarterdeck::vals![persona, id, text],
            )
            .unwrap();
        }
    });
    World::open(&db, directory, "kind:interaction", ids)
}

/// A persona that believes each of them: the first sentence is the summary, the rest its stance.
fn as_beliefs(set: &Set) -> World {
    let (db, directory) = testing::database();
    let rows: Vec<(String, String, String)> = set
        .documents
        .iter()
        .map(|document| (document.id.clone(), document.heading.clone().unwrap_or_default(), document.text.clone()))
        .collect();
    let ids = written(&db, move |c, persona, author| {
        rows.iter()
            .map(|(id, title, text)| {
                let (summary, stance) = text.split_once(". ").unwrap_or((text, text));
                let new = NewBelief { title, summary, confidence: 0.7, tags: &[], stance, rationale: "read" };
                (beliefs::create(c, persona, &new, Trigger::Manual, author).unwrap().id, id.clone())
            })
            .collect()
    });
    World::open(&db, directory, "kind:belief", ids)
}

/// Drafts that were rejected, each for one of them.
fn as_decisions(set: &Set) -> World {
    let (db, directory) = testing::database();
    let rows: Vec<(String, String)> = set.documents.iter().map(|document| (document.id.clone(), document.text.clone())).collect();
    let ids = rows.iter().map(|(id, text)| (letters(&format!("other: {text}")), id.clone())).collect();
    written(&db, move |c, persona, _| {
        let (settings, actor) = (moderation::Settings::default(), Actor::human("ana"));
        for (number, (_, text)) in rows.iter().enumerate() {
            let draft = super::support::comment(&format!("t3_{number}"), &format!("Draft number {number} says something."));
            let id = queue::enqueue(c, persona, &draft, &settings, &Actor::agent("loop"), 1).unwrap();
            let on = On { persona, id: &id, version: None, actor: &actor, at: 2 };
            decisions::reject(c, &on, RejectCode::Other, Directive::Drop, Some(text), &settings).unwrap();
        }
    });
    World::open(&db, directory, "kind:decision", ids)
}

fn figures(world: &World, questions: &[Asked], ranking: Ranking) -> Figures {
    let runtime = runtime();
    measure(questions, |text| {
        // What is typed without a thought of it is no operator.
        let quoted = questions.iter().any(|question| question.text == text && question.how.is_some());
        let plain: String = text.chars().map(|letter| if letter == ':' || (letter == '"' && !quoted) { ' ' } else { letter }).collect();
        let question = Question::parse(&format!("{plain} {}", world.filter), Zone::default(), 0).unwrap();
        let answer = runtime.block_on(world.search.ask_by(&question, Page { limit: 10, after: None }, ranking)).unwrap();
        answer.hits.iter().map(|hit| world.id(hit)).collect()
    })
}

/// Both sides together are no worse than the better one, on questions in other words than the documents, where words find little, and on
/// questions in their words, where the meaning takes one name for another. No allowance: the figures of a set are exact, and repeat.
fn no_worse(kind: &str, set: fn() -> Set, world: fn(&Set) -> World) {
    let mut worse = Vec::new();
    for (which, set) in [("in other words", set()), ("in their words", set::shared(kind, set()))] {
        let world = world(&set);
        let questions = set.questions.as_slice();
        let [words, meaning, both, ranks] =
            [Ranking::Words, Ranking::Meaning, Ranking::Both, Ranking::Ranks].map(|ranking| figures(&world, questions, ranking));
        println!("{kind}, {} questions {which} over {} documents", questions.len(), set.documents.len());
        for (name, figures) in [("words", &words), ("meaning", &meaning), ("both", &both), ("both by ranks", &ranks)] {
            println!("  {name:14} {figures}");
        }
        for (half_name, half) in [("words", &words), ("meaning", &meaning)] {
            for (name, both, half) in [("MRR", both.mrr, half.mrr), ("hit@5", both.hit_5, half.hit_5)] {
                if both.value + 1e-9 < half.value {
                    worse.push(format!("{kind} {which}, {name}: {both} is worse than {half_name} alone, {half}"));
                }
            }
        }
    }
    assert!(worse.is_empty(), "{}", worse.join("\n"));
}

#[test]
fn both_together_are_no_worse_than_the_better_half_on_runbooks() {
    no_worse("runbooks", set::runbooks, as_runbooks);
}

#[test]
fn both_together_are_no_worse_than_the_better_half_on_interactions() {
    no_worse("interactions", set::comments, as_interactions);
}

#[test]
fn both_together_are_no_worse_than_the_better_half_on_beliefs() {
    no_worse("beliefs", set::beliefs, as_beliefs);
}

#[test]
fn both_together_are_no_worse_than_the_better_half_on_decisions() {
    no_worse("decisions", set::decisions, as_decisions);
}
