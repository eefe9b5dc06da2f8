//! A sandbox, a database, a persona, and its loop in this process.

use quarterdeck::agent::engagement::EngagementConfig;
use quarterdeck::agent::runner::{self, Until};
use quarterdeck::agent::runs::{self, Run};
use quarterdeck::agent::{self, Event, Observer, Parameters, Services};
use quarterdeck::base::{Clock, PersonaId, SystemClock};
use quarterdeck::llm;
use quarterdeck::memory::{self, Author, PersonaConfig};
use quarterdeck::moderation::{self, Item, Mode, item};
use quarterdeck::reddit::{self, RateBudget};
use quarterdeck::sandbox::{self, NewPost, Options, Sandbox};
use quarterdeck::search::Search;
use quarterdeck::store::audit::{self, Actor};
use quarterdeck::store::{Address, Conn, Database};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

pub const READ: &str = "reddit:/api/read_message";
/// A test that waits longer than this has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct House {
    pub sandbox: Sandbox,
    pub deck: Database,
    pub persona: PersonaId,
    pub services: Services,
    pub directory: tempfile::TempDir,
}

pub fn config(subreddits: &[&str]) -> PersonaConfig {
    PersonaConfig { target_subreddits: subreddits.iter().map(|name| (*name).to_owned()).collect(), ..PersonaConfig::default() }
}

pub fn ana() -> Actor {
    Actor::human("ana")
}

impl House {
    /// A world without posts, and a persona with one belief that answers every post it sees. `model` is the sandbox's own where `None`.
    pub async fn new(model: Option<&str>) -> Self {
        let sandbox = sandbox::start(Options { posts: 0, request_limit: 100_000, ..Options::default() }).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let directory = tempfile::tempdir().unwrap();
        let deck = Database::open(&Address::Sqlite(directory.path().join("deck.db")), &clock).unwrap();
        let now = clock.now();
        let persona = deck
            .write(move |c: &mut dyn Conn| -> memory::Result<_> {
                let author = ana();
                let author = Author::new(&author, now);
                let persona = memory::personas::add(c, sandbox::ACCOUNT, None, &config(&["test"]), &author)?;
                let belief = memory::beliefs::NewBelief {
                    title: "Open data",
                    summary: "Measurements belong to everybody",
                    confidence: 0.8,
                    tags: &[],
                    stance: "Measurements that the public paid for belong to the public.",
                    rationale: "seeded",
                };
                memory::beliefs::create(c, &persona.id, &belief, memory::Trigger::Manual, &author)?;
                Ok(persona)
            })
            .await
            .unwrap();
        let secret = |text: &str| SecretString::from(text.to_owned());
        let mut settings =
            reddit::Settings::new(sandbox::CLIENT_ID, secret(sandbox::CLIENT_SECRET), sandbox::ACCOUNT, "test:quarterdeck:0 (by /u/test)");
        settings.password = Some(secret(sandbox::PASSWORD));
        settings.retry.attempts = 1;
        (settings.login_base, settings.oauth_base) = (sandbox.reddit_url(), sandbox.reddit_url());
        let models = llm::Settings {
            base_url: model.map_or_else(|| sandbox.model_url(), str::to_owned),
            api_key: Some(secret(sandbox::MODEL_KEY)),
            max_attempts: 1,
            ..llm::Settings::default()
        };
        let answer_all = EngagementConfig { min_probability: 1.0, max_probability: 1.0, ..EngagementConfig::default() };
        let services = Services {
            db: deck.clone(),
            reddit: reddit::Client::new(settings, RateBudget::new(Arc::clone(&clock)), Arc::clone(&clock)).unwrap(),
            llm: llm::Client::new(models, Some(deck.clone()), llm::price::Book::embedded().unwrap(), Arc::clone(&clock)).unwrap(),
            judges: llm::judge::Judges::default(),
            search: Some(Search::new(
                deck.clone(),
                Arc::clone(&clock),
                quarterdeck::search::Settings { index: directory.path().join("index"), ..Default::default() },
            )),
            clock,
            screener: quarterdeck::moderation::rules::Screener::open(None).unwrap(),
            moderation: moderation::Settings { mode: Mode::Sandbox, undo_comment: 0, ..moderation::Settings::default() },
            persona: persona.clone(),
            parameters: Parameters { engagement: answer_all, interval_seconds: 86_400, ..Parameters::default() },
            lock_dir: directory.path().to_path_buf(),
            // `choose` takes one post or more: with this seed and few posts it takes them all, which each test checks.
            seed: Some(7),
        };
        Self { sandbox, deck, persona: persona.id, services, directory }
    }

    pub fn post(&self, title: &str, text: &str) -> String {
        let new =
            NewPost { subreddit: "test".into(), author: "reader".into(), title: title.into(), text: text.into(), ..NewPost::default() };
        self.sandbox.world().add_post(new).unwrap()
    }

    /// One cycle to its end, deliveries included, and what it told.
    pub async fn cycle(&self) -> (agent::Result<()>, Vec<Event>) {
        self.cycles(1).await
    }

    pub async fn cycles(&self, number: u32) -> (agent::Result<()>, Vec<Event>) {
        let (sender, mut events) = mpsc::unbounded_channel();
        let (_keep, stop) = watch::channel(false);
        let ended = runner::run(self.services.clone(), Observer::new(sender), stop, Until::Cycles(number)).await;
        let mut told = Vec::new();
        while let Ok(event) = events.try_recv() {
            told.push(event);
        }
        (ended, told)
    }

    /// Cycles until every one of these has an item, at most ten: how many posts one cycle takes up is drawn.
    pub async fn cycles_until(&self, parents: &[&str]) {
        for _ in 0..10 {
            self.cycle().await.0.unwrap();
            let items = self.items().await;
            if parents.iter().all(|parent| items.iter().any(|item| item.parent_id.as_deref() == Some(parent))) {
                return;
            }
        }
        panic!("not drafted: {parents:?}");
    }

    /// Cycles until a message failed, at most ten; what failed in that cycle.
    pub async fn cycles_until_failure(&self) -> Vec<(String, String)> {
        for _ in 0..10 {
            let (ended, events) = self.cycle().await;
            ended.unwrap();
            if !failed(&events).is_empty() {
                return failed(&events);
            }
        }
        panic!("nothing failed");
    }

    /// Every item of the persona, oldest first.
    pub async fn items(&self) -> Vec<Item> {
        let persona = self.persona.clone();
        let mut items = self
            .deck
            .read(move |c: &mut dyn Conn| -> moderation::Result<Vec<Item>> {
                let rows = c.query("SELECT id FROM pending_posts WHERE persona_id = $1", quarterdeck::vals![&persona])?;
                rows.iter().map(|row| item::load(c, &persona, &row.text("id")?)).collect()
            })
            .await
            .unwrap();
        items.sort_by_key(|item| (item.created_at, item.id.clone()));
        items
    }

    pub async fn item_for(&self, parent: &str) -> Item {
        self.items().await.into_iter().rev().find(|item| item.parent_id.as_deref() == Some(parent)).unwrap()
    }

    /// Do something in the database as a person would.
    pub async fn act<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Conn, &PersonaId, i64) -> moderation::Result<T> + Send + 'static,
    ) -> T {
        let (persona, now) = (self.persona.clone(), SystemClock.now());
        self.deck.write(move |c| work(c, &persona, now)).await.unwrap()
    }

    pub async fn run(&self) -> Run {
        let persona = self.persona.clone();
        self.deck.read(move |c| runs::get(c, &persona)).await.unwrap().unwrap()
    }

    /// Comments in the inbox that are still unread.
    pub async fn unread(&self) -> Vec<String> {
        self.services
            .reddit
            .unread(25)
            .await
            .unwrap()
            .items
            .into_iter()
            .filter(|message| message.was_comment)
            .map(|message| message.fullname)
            .collect()
    }

    pub async fn audit_holds(&self) {
        let chain = self.deck.read(audit::verify).await.unwrap();
        assert!(chain.problems.is_empty(), "{:?}", chain.problems);
    }
}

pub fn skipped<'a>(events: &'a [Event], wanted: &str) -> Option<&'a str> {
    events.iter().find_map(|event| match event {
        Event::Skipped { parent, reason } if parent == wanted => Some(reason.as_str()),
        _ => None,
    })
}

pub fn queued(events: &[Event]) -> Vec<String> {
    let parent = |event: &Event| match event {
        Event::Queued { parent, .. } => Some(parent.clone()),
        _ => None,
    };
    events.iter().filter_map(parent).collect()
}

pub fn failed(events: &[Event]) -> Vec<(String, String)> {
    let failure = |event: &Event| match event {
        Event::ItemFailed { parent, error } => Some((parent.clone(), error.clone())),
        _ => None,
    };
    events.iter().filter_map(failure).collect()
}
