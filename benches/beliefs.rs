//! The belief graph at 10,000 beliefs and 50,000 edges: what a screen waits for when it opens, and what it redraws with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::base::{Clock, Millis, PersonaId, SystemClock};
use quarterdeck::memory::graph::{self, Graph, View};
use quarterdeck::memory::history;
use quarterdeck::memory::{self, Author, PersonaConfig, edges, personas};
use quarterdeck::memory::{Direction, Trigger, beliefs, revisions};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Conn, Database};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BELIEFS: usize = 10_000;
const EDGES: usize = 50_000;
const NUDGES: usize = 5_000;
const DAY: Millis = 86_400_000;
const NOW: Millis = 1_790_000_000_000;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let deck = Database::open(&Address::Sqlite(directory.path().join("deck.db")), &clock).unwrap();
    let started = Instant::now();
    let (persona, ids) = fill(&deck);
    println!("filled with {BELIEFS} beliefs, {EDGES} edges and {NUDGES} changes in {:.1} s", started.elapsed().as_secs_f64());

    let view = View::present(NOW);
    report("open: the graph with all measures", 30, || read(&deck, &persona, move |c, persona| Graph::load(c, persona, &view).unwrap()));
    let then = View::then(NOW - 10 * DAY, NOW);
    report("open as of ten days ago", 30, || read(&deck, &persona, move |c, persona| Graph::load(c, persona, &then).unwrap()));
    let graph = read(&deck, &persona, move |c, persona| Graph::load(c, persona, &view).unwrap());
    for hops in 1..=3 {
        let mut at = 0;
        report(&format!("neighbourhood of {hops} hops, at most 200 beliefs"), 500, || {
            at = (at + 97) % ids.len();
            graph.neighbourhood(&ids[at], hops, 200).unwrap()
        });
    }
    report("contradictions", 20, || graph.contradictions());
    println!("  {} contradictions", graph.contradictions().len());
    let mut at = 0;
    report("one belief with everything", 30, || {
        at = (at + 97) % ids.len();
        let id = ids[at].clone();
        read(&deck, &persona, move |c, persona| graph::detail(c, persona, &id, &view).unwrap())
    });
    let shared = Arc::new(graph.clone());
    report("one belief with everything, with the graph in hand", 30, || {
        at = (at + 97) % ids.len();
        let (id, graph) = (ids[at].clone(), Arc::clone(&shared));
        read(&deck, &persona, move |c, persona| graph::detail_with(c, persona, &id, &view, &graph).unwrap())
    });
    report("whole graph as of ten days ago, with texts", 20, || {
        read(&deck, &persona, |c, persona| history::as_of(c, persona, (NOW - 10 * DAY).into()).unwrap())
    });
    report("difference over ten days", 10, || {
        read(&deck, &persona, |c, persona| {
            let before = history::as_of(c, persona, (NOW - 10 * DAY).into()).unwrap();
            history::difference(&before, &history::present(c, persona).unwrap())
        })
    });
    let document = read(&deck, &persona, |c, persona| memory::interchange::export(c, persona, NOW).unwrap());
    let started = Instant::now();
    let written = deck
        .write_blocking(move |c: &mut dyn Conn| {
            let actor = Actor::human("bench");
            let author = Author::new(&actor, NOW);
            let other = personas::add(c, "Other", None, &PersonaConfig::default(), &author)?.id;
            memory::interchange::import(c, &other, &document, "bench", false, &author)
        })
        .unwrap();
    println!("import of the whole: {:.2} s, {} problems", started.elapsed().as_secs_f64(), written.problems.len());
}

fn read<T: Send + 'static>(deck: &Database, persona: &PersonaId, work: impl FnOnce(&mut dyn Conn, &PersonaId) -> T + Send + 'static) -> T {
    let persona = persona.clone();
    deck.read_blocking(move |c: &mut dyn Conn| Ok::<T, memory::Error>(work(c, &persona))).unwrap()
}

fn report<T>(name: &str, times: usize, mut work: impl FnMut() -> T) {
    let mut samples: Vec<Duration> = Vec::with_capacity(times);
    for _ in 0..times {
        let started = Instant::now();
        std::hint::black_box(work());
        samples.push(started.elapsed());
    }
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{name}: n {times} p50 {:.3} ms p99 {:.3} ms max {:.3} ms", at(0.5), at(0.99), at(1.0));
}

fn fill(deck: &Database) -> (PersonaId, Vec<String>) {
    deck.write_blocking(|c: &mut dyn Conn| -> memory::Result<(PersonaId, Vec<String>)> {
        let mut random = fastrand::Rng::with_seed(7);
        let actor = Actor::human("bench");
        let at = |days: i64| NOW - days * DAY;
        let persona = personas::add(c, "Bench", None, &PersonaConfig::default(), &Author::new(&actor, at(40)))?.id;
        let mut ids = Vec::with_capacity(BELIEFS);
        for number in 0..BELIEFS {
            let tags = [format!("tag{}", number % 40), format!("field{}", number % 7)];
            let new = beliefs::NewBelief {
                title: &format!("Belief number {number} about rivers and gauges"),
                summary: "Levels fall slower than the maps say, wherever they were measured for long enough.",
                confidence: f64::from(random.u32(100..990)) / 1000.0,
                tags: &tags,
                stance: "Old maps are a beginning; the gauge decides, and it has to be read in every season.",
                rationale: "It was taught.",
            };
            ids.push(beliefs::create(c, &persona, &new, Trigger::Manual, &Author::new(&actor, at(30)))?.id);
        }
        let mut made = HashSet::new();
        while made.len() < EDGES {
            // A few beliefs have many edges, as in real graphs.
            let skewed = (random.f64().powi(3) * BELIEFS as f64) as usize;
            let (source, target, relation) = (random.usize(..BELIEFS), skewed, edges::Relation::ALL[random.usize(..40).saturating_sub(36)]);
            if source != target && made.insert((source, target, relation)) {
                let weight = f64::from(random.u32(10..90)) / 100.0;
                edges::add(c, &persona, &ids[source], &ids[target], relation, weight, &Author::new(&actor, at(20)))?;
            }
        }
        for _ in 0..NUDGES {
            let direction = if random.bool() { Direction::Increase } else { Direction::Decrease };
            let author = Author::new(&actor, at(random.i64(1..15)));
            revisions::nudge(c, &persona, &ids[random.usize(..BELIEFS)], direction, 0.1, None, &author)?;
        }
        Ok((persona, ids))
    })
    .unwrap()
}
