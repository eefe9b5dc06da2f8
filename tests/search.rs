//! Search as people and programs use it: what is written is found, what is gone is not, and nobody finds what is another's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{Clock, Millis, PersonaId, SystemClock};
use quarterdeck::memory::beliefs::{self, NewBelief};
use quarterdeck::memory::interactions::{self, InteractionMetadata, InteractionType, NewInteraction};
use quarterdeck::memory::{self, Author, PersonaConfig, Trigger, personas};
use quarterdeck::moderation::{self, Directive, On, RejectCode, decisions, queue};
use quarterdeck::search::{Answer, Count, Error, Kind, Page, Question, Ranking, Search, Settings, Zone};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Conn, Database, testing};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

mod support;

const NOW: Millis = 1_780_000_000_000;

struct World {
    db: Database,
    search: Search,
    ada: PersonaId,
    bob: PersonaId,
    directory: tempfile::TempDir,
}

fn open(db: &Database, directory: &tempfile::TempDir) -> Search {
    let settings = Settings {
        runbooks: directory.path().join("runbooks"),
        notes: directory.path().join("notes"),
        index: directory.path().join("index"),
        ..Settings::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Search::new(db.clone(), clock, settings)
}

/// On a thread of its own: a test that runs on an async runtime may not wait in it.
fn blocking<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().expect("it did not panic"))
}

fn write<T: Send + 'static>(db: &Database, work: impl FnOnce(&mut dyn Conn, &Author<'_>) -> memory::Result<T> + Send + 'static) -> T {
    let actor = Actor::human("test");
    blocking(|| db.write_blocking(move |c| work(c, &Author::new(&actor, NOW))).unwrap())
}

fn say(db: &Database, persona: &PersonaId, reddit_id: &str, parent: Option<&str>, subreddit: &str, content: &str) -> String {
    let (persona, reddit_id, subreddit, content) = (persona.clone(), reddit_id.to_owned(), subreddit.to_owned(), content.to_owned());
    let parent = parent.map(str::to_owned);
    write(db, move |c, author| {
        let new = NewInteraction {
            content: &content,
            interaction_type: InteractionType::Comment,
            reddit_id: &reddit_id,
            subreddit: &subreddit,
            parent_id: parent.as_deref(),
            metadata: &InteractionMetadata::default(),
        };
        interactions::log(c, &persona, &new, author)
    })
}

impl World {
    fn new() -> Self {
        let (db, directory) = testing::database();
        let add = |name: &'static str| write(&db, move |c, author| personas::add(c, name, None, &PersonaConfig::default(), author)).id;
        let (ada, bob) = (add("QuietOwl"), add("LoudHeron"));
        let search = open(&db, &directory);
        Self { db, search, ada, bob, directory }
    }

    fn said(&self, persona: &PersonaId, reddit_id: &str, subreddit: &str, content: &str) -> String {
        say(&self.db, persona, reddit_id, None, subreddit, content)
    }

    async fn ask(&self, text: &str) -> Answer {
        self.search.follow().await.unwrap();
        self.page(text, Page::default()).await
    }

    async fn page(&self, text: &str, page: Page) -> Answer {
        let question = Question::parse(text, Zone::default(), SystemClock.now()).unwrap_or_else(|error| panic!("{text}: {error}"));
        self.search.ask(&question, page).await.unwrap()
    }

    async fn ids(&self, text: &str) -> Vec<String> {
        self.ask(text).await.hits.into_iter().map(|hit| hit.id).collect()
    }
}

fn belief(db: &Database, persona: &PersonaId, title: &'static str, stance: &'static str, confidence: f64) -> String {
    let persona = persona.clone();
    write(db, move |c, author| {
        let new = NewBelief { title, summary: title, confidence, tags: &[], stance, rationale: "seen often" };
        beliefs::create(c, &persona, &new, Trigger::Manual, author).map(|belief| belief.id)
    })
}

#[tokio::test]
async fn what_is_written_is_found_by_its_words_its_phrases_and_its_meaning() {
    let world = World::new();
    let ferry = world.said(&world.ada, "t1_a", "rivers", "The ferry stops when the river is too shallow for its draught.");
    let bread = world.said(&world.ada, "t1_b", "baking", "Sourdough needs a warm kitchen, and rotating the loaf once.");
    assert_eq!(world.ids("ferry").await[0], ferry);
    assert_eq!(world.ids("rotate loaves").await[0], bread, "words match by their stem");
    assert_eq!(world.ids("\"warm kitchen\"").await, std::slice::from_ref(&bread));
    assert!(world.ids("\"kitchen warm\"").await.is_empty());
    assert_eq!(world.ids("sourd*").await[0], bread);
    assert!(!world.ids("river -ferry").await.contains(&ferry));
    assert_eq!(world.ids("boat service suspended because of low water").await[0], ferry, "by meaning");
    let hit = &world.ask("shallow river").await.hits[0];
    assert_eq!(hit.reason.words, ["shallow", "river"]);
    assert!(hit.reason.similarity.is_some());
    let marked: Vec<&str> = hit.extract.iter().filter(|part| part.is_match).map(|part| part.text.as_str()).collect();
    assert_eq!(marked, ["river", "shallow"]);
}

#[tokio::test]
async fn what_changes_is_found_as_it_is_now_and_what_is_gone_is_not_found() {
    let world = World::new();
    let id = world.said(&world.ada, "t1_a", "rivers", "Gauges upstream fell.");
    assert_eq!(world.ids("gauges").await, std::slice::from_ref(&id));
    let ada = world.ada.clone();
    write(&world.db, move |c, author| interactions::amend(c, &ada, "t1_a", "Thermometers upstream rose.", "a slip", author));
    assert!(!world.ids("\"gauges\"").await.contains(&id));
    assert_eq!(world.ids("thermometer").await, [id]);
    let ada = world.ada.clone();
    write(&world.db, move |c, author| interactions::retract(c, &ada, "t1_a", "regretted", author));
    assert!(world.ids("thermometers upstream").await.is_empty());

    // Gone without a word in the feed: a person's row deleted by hand takes everything of theirs along, at once.
    world.said(&world.bob, "t1_b", "rivers", "Dredging is postponed.");
    assert_eq!(world.ids("dredging").await.len(), 1);
    let bob = world.bob.clone();
    blocking(|| {
        let sql = "DELETE FROM interactions WHERE persona_id = $1";
        world.db.write_blocking(move |c| c.exec(sql, quarterdeck::vals![&bob])).unwrap();
    });
    assert!(world.page("dredging", Page::default()).await.hits.is_empty());
    let bob = world.bob.clone();
    blocking(|| world.db.write_blocking(move |c| c.exec("DELETE FROM personas WHERE id = $1", quarterdeck::vals![&bob])).unwrap());
    assert!(world.ids("kind:interaction").await.is_empty());
}

#[tokio::test]
async fn beliefs_stances_drafts_decisions_runbooks_and_notes_are_found_by_their_kind() {
    let world = World::new();
    let id = belief(&world.db, &world.ada, "Ferries are public transport", "A ferry is a bus on water.", 0.9);
    let draft = support::comment("t3_x", "The ferry timetable is wrong on Sundays.");
    let (ada, settings) = (world.ada.clone(), moderation::Settings::default());
    let item = blocking(|| {
        world
            .db
            .write_blocking(move |c| -> Result<String, moderation::Error> {
                let id = queue::enqueue(c, &ada, &draft, &settings, &Actor::agent("loop"), NOW)?;
                let actor = Actor::human("ana");
                let on = On { persona: &ada, id: &id, version: None, actor: &actor, at: NOW };
                decisions::reject(c, &on, RejectCode::Other, Directive::Drop, Some("ferry prices are not ours to promise"), &settings)?;
                Ok(id)
            })
            .unwrap()
    });
    std::fs::create_dir(world.directory.path().join("runbooks")).unwrap();
    let file = world.directory.path().join("runbooks/harbour.md");
    std::fs::write(&file, "# Ferry outage\nCall the harbour master.\n\n# Prices\nAsk the council.\n").unwrap();
    std::fs::create_dir(world.directory.path().join("notes")).unwrap();
    std::fs::write(world.directory.path().join("notes/ideas.txt"), "Write about the ferry museum.").unwrap();

    assert_eq!(world.ids("ferry kind:belief").await, std::slice::from_ref(&id));
    assert_eq!(world.ids("ferry kind:stance is:current confidence>0.8").await.len(), 1);
    assert!(world.ids("ferry kind:stance confidence>0.95").await.is_empty());
    assert_eq!(world.ids("ferry kind:draft is:rejected").await, std::slice::from_ref(&item));
    let decision = world.ask("promise prices kind:decision").await;
    assert_eq!(decision.hits[0].parent.as_deref(), Some(item.as_str()));
    assert_eq!(world.ids("ferry kind:runbook").await[0], "harbour.md#1");
    assert_eq!(world.ids("ferry kind:note").await, ["ideas.txt#1"]);
    assert_eq!(world.ids("whom to phone when the boat is down kind:runbook").await[0], "harbour.md#1");

    let thread = world.search.thread(None, Kind::Belief, &id).await.unwrap();
    assert_eq!(thread.children.iter().map(|hit| hit.kind).collect::<Vec<_>>(), [Kind::Stance]);
    std::fs::write(&file, "# Ferry outage\nCall the port authority.\n").unwrap();
    assert!(world.ids("\"harbour master\"").await.is_empty());
    std::fs::remove_file(&file).unwrap();
    assert!(world.ids("kind:runbook").await.is_empty());
}

#[tokio::test]
async fn nobody_finds_what_is_another_ones() {
    let world = World::new();
    let theirs = world.said(&world.bob, "t1_b", "secretplace", "The password of the harbour office is on the wall.");
    let parent = say(&world.db, &world.bob, "t1_c", Some("t1_b"), "secretplace", "Harbour office again.");
    belief(&world.db, &world.bob, "Harbours leak everything", "Harbour walls have ears.", 0.7);
    let ours = world.said(&world.ada, "t1_a", "rivers", "The harbour is closed.");
    let questions = [
        "harbour",
        "\"harbour office\"",
        "harb*",
        "harbour kind:belief",
        "office password wall",
        "subreddit:secretplace harbour",
        "is:comment",
    ];
    for text in questions {
        for hit in world.ask(&format!("{text} persona:QuietOwl")).await.hits {
            assert_eq!(hit.persona.as_ref(), Some(&world.ada), "{text}: {hit:?}");
        }
        for ranking in [Ranking::Words, Ranking::Meaning] {
            let question = Question::parse(&format!("{text} persona:QuietOwl"), Zone::default(), NOW).unwrap();
            let answer = world.search.ask_by(&question, Page::default(), ranking).await.unwrap();
            assert!(answer.hits.iter().all(|hit| hit.persona.as_ref() == Some(&world.ada)), "{text}");
        }
    }
    // A name is not told either, not as a correction and not by counting.
    let answer = world.ask("subreddit:secretplaca persona:QuietOwl harbour").await;
    assert!(answer.notes.iter().all(|note| !note.contains("secretplace")), "{:?}", answer.notes);
    assert_eq!(answer.count, Count::Exactly(0));
    let answer = world.ask("password persona:QuietOwl").await;
    assert!(!answer.hits.iter().any(|hit| hit.id == theirs));
    for persona in [&world.ada] {
        assert!(matches!(world.search.similar(Some(persona), Kind::Interaction, &theirs, 5).await, Err(Error::NotFound { .. })));
        assert!(matches!(world.search.thread(Some(persona), Kind::Interaction, &parent).await, Err(Error::NotFound { .. })));
        assert!(matches!(world.search.text(Some(persona), Kind::Interaction, &theirs).await, Err(Error::NotFound { .. })));
        let near = world.search.similar(Some(persona), Kind::Interaction, &ours, 5).await.unwrap();
        assert!(near.iter().all(|hit| hit.persona.as_ref() == Some(persona)), "{near:?}");
    }
    let thread = world.search.thread(Some(&world.bob), Kind::Interaction, &parent).await.unwrap();
    assert_eq!(thread.parent.unwrap().id, theirs);
}

#[tokio::test]
async fn names_may_be_mistyped_and_it_is_said() {
    let world = World::new();
    let id = world.said(&world.ada, "t1_a", "kubernetes", "The scheduler evicts pods that ask for nothing.");
    belief(&world.db, &world.ada, "Kubernetes schedulers are honest", "They do as they are told.", 0.6);
    let answer = world.ask("subreddit:kubernets pods").await;
    assert_eq!(answer.hits[0].id, id);
    assert!(answer.notes[0].contains("r/kubernetes"), "{:?}", answer.notes);
    let answer = world.ask("persona:QuitOwl pods").await;
    assert!(answer.hits[0].id == id && answer.notes[0].contains("QuietOwl"), "{:?}", answer.notes);
    let answer = world.ask("kubernetis").await;
    assert!(answer.notes[0].contains("kubernetes") && !answer.hits.is_empty(), "{answer:?}");
    let question = Question::parse("persona:zzzzzzzzzz pods", Zone::default(), NOW).unwrap();
    assert!(matches!(world.search.ask(&question, Page::default()).await, Err(Error::Persona { .. })));
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_or_a_repetition() {
    let world = World::new();
    let ada = world.ada.clone();
    write(&world.db, move |c, author| {
        for number in 0..300 {
            let content = format!("Remark {number} about lighthouses {}", ["and keepers", "and lamps", ""][number % 3]);
            let new = NewInteraction {
                content: &content,
                interaction_type: InteractionType::Comment,
                reddit_id: &format!("t1_{number}"),
                subreddit: "sea",
                parent_id: None,
                metadata: &InteractionMetadata::default(),
            };
            interactions::log(c, &ada, &new, author)?;
        }
        Ok(())
    });
    for text in ["lighthouse lamps", "lighthouse*", "subreddit:sea"] {
        let mut seen = std::collections::BTreeSet::new();
        let mut page = Page { limit: 37, after: None };
        world.search.follow().await.unwrap();
        loop {
            let answer = world.page(text, page).await;
            for hit in &answer.hits {
                assert!(seen.insert(hit.id.clone()), "{text}: {} stands on two pages", hit.id);
            }
            let Some(next) = answer.next else { break };
            page.after = Some(next.to_string().parse().unwrap());
        }
        assert_eq!(seen.len(), 300, "{text}");
    }
    assert_eq!(world.ask("lighthouse").await.count, Count::Exactly(300));
}

#[tokio::test]
async fn hostile_questions_and_hostile_texts_do_no_harm() {
    let world = World::new();
    let hostile = "The \u{1b}]52;c;SGVsbG8=\u{7}ferry \u{202e}sknis\u{202c} \u{1b}[2J<b>' OR 1=1 --";
    world.said(&world.ada, "t1_a", "rivers", hostile);
    world.said(&world.ada, "t1_z", "rivers", "我喜欢河流上的渡船");
    for text in [
        "ferry",
        "ferry's",
        "' OR 1=1 --",
        "NEAR(ferry sinks)",
        "ferry OR",
        "AND",
        "\"ferry\" NOT",
        "ferry^2",
        "{title}: ferry",
        "a\0b ferry",
        "ferry & | !",
        "ferry <-> x",
        "渡船",
        "🙂 ferry",
    ] {
        let Ok(question) = Question::parse(text, Zone::default(), NOW) else { panic!("{text:?}") };
        world.search.follow().await.unwrap();
        let answer = world.search.ask(&question, Page::default()).await.unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let json = serde_json::to_string(&answer).unwrap();
        assert!(!json.contains("\\u001b") && !json.contains('\u{202e}'), "{json}");
    }
    assert_eq!(world.ids("渡船").await.len(), 1, "full text answers where there is no vector");
    for (text, words) in [
        ("", "empty"),
        ("  \n\t ", "empty"),
        ("\"open", "not closed"),
        ("!!!", "no letter"),
        ("-ferry", "leave out"),
        ("kind:thing", "no kind"),
        ("since:never", "no time"),
        ("confidence>2", "between 0 and 1"),
        ("subredit:x", "did you mean subreddit"),
    ] {
        let error = Question::parse(text, Zone::default(), NOW).unwrap_err();
        assert!(error.message.contains(words), "{text:?}: {error}");
    }
    assert!(Question::parse(&"ferry ".repeat(20_000), Zone::default(), NOW).is_err());
}

#[tokio::test]
async fn a_text_is_found_within_a_second_while_somebody_keeps_up() {
    let world = World::new();
    world.ask("warm up").await;
    let search = world.search.clone();
    let keeping = tokio::spawn(async move { search.keep_up().await });
    let mut changes = world.db.changes().unwrap();
    // SQLite is looked at ten times a second, PostgreSQL tells: measured 0.03 to 0.1 s. Half of five texts have to keep to the second,
    // because other tests share this machine, and one of them may stop it for longer.
    let mut times = Vec::new();
    for word in ["eel", "otter", "heron", "barge", "weir"] {
        let id = world.said(&world.ada, &format!("t1_{word}"), "rivers", &format!("There is a {word} in the river."));
        let began = std::time::Instant::now();
        let found = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                if world.page(&format!("\"{word}\""), Page::default()).await.hits.iter().any(|hit| hit.id == id) {
                    return;
                }
                // What is taken in gives no hint of its own on PostgreSQL: it is looked again soon.
                let _ = tokio::time::timeout(Duration::from_millis(20), changes.changed()).await;
            }
        });
        found.await.expect("it is found");
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("found after {times:?}");
    assert!(times[2] < Duration::from_secs(1), "{times:?}");
    keeping.abort();
}

fn program(world: &World, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.env_clear().env("HOME", world.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    let address = match world.db.address() {
        Address::Sqlite(path) => format!("sqlite:{}", path.display()),
        Address::Postgres(url) => url.clone(),
    };
    command.arg("--data-dir").arg(world.directory.path()).arg("--database").arg(address).args(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn fill(world: &World, count: usize) {
    let ada = world.ada.clone();
    world
        .db
        .write_blocking(move |c| -> Result<(), quarterdeck::store::Error> {
            for number in 0..count {
                c.exec(
                    "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, metadata, created_at, updated_at)
                     VALUES ($1, $2, $3, 'comment', $4, 'sea', '{}', $5, $5)",
                    quarterdeck::vals![&ada, format!("i{number:05}"), format!("Remark number{number} about a lighthouse"), format!("t1_{number}"), NOW],
                )?;
            }
            Ok(())
        })
        .unwrap();
}

fn counts(db: &Database) -> (i64, i64, i64) {
    db.read_blocking(|c| {
        let mut count = |sql: &str| c.first(sql, &[]).map(|row| row.unwrap().int("n").unwrap());
        Ok::<_, quarterdeck::store::Error>((
            count("SELECT count(*) AS n FROM search_documents")?,
            count("SELECT count(*) AS n FROM search_words")?,
            count("SELECT count(*) AS n FROM search_vectors WHERE vector IS NOT NULL")?,
        ))
    })
    .unwrap()
}

#[test]
fn a_kill_in_the_middle_loses_nothing_and_doubles_nothing() {
    let world = World::new();
    fill(&world, 2_000);
    let mut killed = program(&world, &["search", "lighthouse", "--json"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(killed.stderr.take().unwrap()).read_line(&mut line).unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(line.contains("taking in"), "{line}");
    let (documents, ..) = counts(&world.db);
    assert!(documents < 2_000, "it was killed in the middle");
    let (one, other) =
        (program(&world, &["search", "number1999"]).spawn().unwrap(), program(&world, &["search", "number0"]).spawn().unwrap());
    for process in [one, other] {
        let done = process.wait_with_output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    }
    assert_eq!(counts(&world.db), (2_000, 2_000, 2_000));
}

#[test]
fn the_command_answers_people_and_programs() {
    let world = World::new();
    let id = world.said(&world.ada, "t1_a", "rivers", "The ferry stops when the river is low.");
    world.said(&world.bob, "t1_b", "rivers", "A ferry needs two fathoms of water.");
    let run = |words: &[&str]| program(&world, words).output().unwrap();
    let done = run(&["search", "ferry", "stops", "--json", "--limit", "1"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(answer["hits"][0]["id"], id.as_str());
    assert_eq!(answer["count"]["exactly"], 2);
    let next = answer["next"].as_str().unwrap().to_owned();
    let second: serde_json::Value =
        serde_json::from_slice(&run(&["search", "ferry", "stops", "--json", "--limit", "1", "--after", &next]).stdout).unwrap();
    assert_ne!(second["hits"][0]["id"], id.as_str());
    let similar = run(&["search", "--similar", &format!("interaction:{id}"), "--json"]);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&similar.stdout).unwrap()["hits"].as_array().unwrap().len(), 1);
    assert_eq!(run(&["search", "--similar", &format!("interaction:{id}"), "--persona", "LoudHeron"]).status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run(&["search", "ferry"]).stdout).contains("r/rivers"));
    assert_eq!(run(&["search", "--persona", "QuietOwl", "kind:runbook"]).status.code(), Some(3));
    for wrong in [&["search"][..], &["search", "kind:thing"], &["search", "ferry", "--after", "x"], &["search", "\"open"]] {
        let refused = run(wrong);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}: {}", String::from_utf8_lossy(&refused.stderr));
    }
    let refused = run(&["search", "ferry kind:thing", "--json"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("at character 12"), "{}", String::from_utf8_lossy(&refused.stderr));
}
