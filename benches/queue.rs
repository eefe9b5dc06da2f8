//! How long a queue decision takes to be durable while an agent writes, and the first page of a list of 100,000 pending items.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::base::{Clock, Millis, PersonaId, SystemClock};
use quarterdeck::memory::{self, Author, PersonaConfig};
use quarterdeck::moderation::screening::{ConsistencyResult, Outgoing, Surroundings, evaluate};
use quarterdeck::moderation::{self, DraftMetadata, Filter, Mode, NewItem, On, PostType, Settings, decisions, item, queue};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Conn, Database};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const T0: Millis = 1_700_000_000_000;
const PENDING: usize = 100_000;
const DECISIONS: usize = 2_000;

fn draft(number: usize) -> NewItem {
    let content = format!("A remark about rivers, number {number}: levels fall slower than the maps say, and the gauges show it.");
    let around = Surroundings { consistency: Some(&ConsistencyResult::NotNeeded), tainted: false };
    NewItem {
        post_type: PostType::Comment,
        target_subreddit: "test".into(),
        parent_id: Some(format!("t3_{number}")),
        thread_id: Some(format!("t3_{number}")),
        parent_author: Some("reader".into()),
        title: None,
        evaluation: evaluate(Outgoing { title: None, content: &content }, around),
        content,
        draft_metadata: DraftMetadata::default(),
        correlation_id: "bench".into(),
    }
}

fn settings() -> Settings {
    Settings { mode: Mode::Sandbox, ..Settings::default() }
}

fn percentiles(name: &str, mut samples: Vec<Duration>) {
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{name}: n {} p50 {:.3} ms p99 {:.3} ms max {:.3} ms", samples.len(), at(0.5), at(0.99), at(1.0));
}

fn fill(deck: &Database, persona: &PersonaId) -> Vec<String> {
    let mut ids = Vec::with_capacity(PENDING);
    for first in (0..PENDING).step_by(1_000) {
        let persona = persona.clone();
        let added = deck.write_blocking(move |c| -> moderation::Result<Vec<String>> {
            let agent = Actor::agent("bench");
            let add = |number| queue::enqueue(c, &persona, &draft(number), &settings(), &agent, T0 + number as Millis);
            (first..first + 1_000).map(add).collect()
        });
        ids.extend(added.unwrap());
    }
    ids
}

/// An agent that queues draft after draft. Returns when it is told to.
fn write_like_an_agent(deck: &Database, persona: &PersonaId, first: usize, pause: Duration, stop: &AtomicBool, written: &AtomicU64) {
    let mut number = first;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let persona = persona.clone();
        let at = T0 + number as Millis;
        deck.write_blocking(move |c| queue::enqueue(c, &persona, &draft(number), &settings(), &Actor::agent("bench"), at)).unwrap();
        written.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(pause);
    }
}

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let address = Address::Sqlite(directory.path().join("deck.db"));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let deck = Database::open(&address, &clock).unwrap();
    let added = deck.write_blocking(|c| {
        let actor = Actor::human("bench");
        memory::personas::add(c, "BenchBot", None, &PersonaConfig::default(), &Author::new(&actor, T0))
    });
    let persona = added.unwrap().id;
    let started = Instant::now();
    let ids = fill(&deck, &persona);
    println!("filling: {PENDING} items in {:.1} s", started.elapsed().as_secs_f64());

    let pages = (0..500).map(|_| {
        let started = Instant::now();
        let page = deck.read_blocking(|c: &mut dyn Conn| item::list(c, &Filter::default(), 50)).unwrap();
        assert_eq!(page.len(), 50);
        started.elapsed()
    });
    percentiles("first page of 50, 100,000 pending", pages.collect());

    // The operator's console is another process with its own connection; here it is another handle.
    let console = Database::open(&address, &clock).unwrap();
    for (part, (name, pause)) in
        [("an agent writes 50 drafts a second", Duration::from_millis(20)), ("an agent writes without a pause", Duration::ZERO)]
            .into_iter()
            .enumerate()
    {
        let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
        let ids = &ids[part * DECISIONS..][..DECISIONS];
        let decided = std::thread::scope(|scope| {
            scope.spawn(|| write_like_an_agent(&deck, &persona, (part + 1) * 1_000_000, pause, &stop, &written));
            let samples: Vec<Duration> = ids.iter().map(|id| decide(&console, &persona, id)).collect();
            stop.store(true, Ordering::Relaxed);
            samples
        });
        percentiles(&format!("decision durable while {name}"), decided);
        println!("  meanwhile it committed {} drafts", written.load(Ordering::Relaxed));
    }
}

fn decide(console: &Database, persona: &PersonaId, id: &str) -> Duration {
    let (persona, id) = (persona.clone(), id.to_owned());
    let started = Instant::now();
    let approved = console.write_blocking(move |c| {
        let actor = Actor::human("ana");
        let on = On { persona: &persona, id: &id, version: Some(1), actor: &actor, at: T0 + 1 };
        decisions::approve(c, &on, "BenchBot", &settings())
    });
    approved.unwrap();
    let took = started.elapsed();
    // Two milliseconds between two decisions are quicker than anybody is.
    std::thread::sleep(Duration::from_millis(2));
    took
}
