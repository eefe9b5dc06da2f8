//! The beliefs' tab on a graph of 10,000 beliefs and 50,000 edges: from the key to the table, and a key with a neighbourhood to draw.

use super::terminal::Terminal;
use super::{data, print};
use portable_pty::CommandBuilder;
use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::memory::beliefs::{self, NewBelief};
use quarterdeck::memory::edges::{self, Relation};
use quarterdeck::memory::{self, Author, PersonaConfig, Trigger};
use quarterdeck::search::{Search, Settings};
use quarterdeck::store::Conn;
use quarterdeck::store::audit::Actor;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const BELIEFS: usize = 10_000;
const EDGES: usize = 50_000;

/// One persona with a large belief graph, whose edges lead everywhere; search has taken it in, so that only the tab is at work.
fn fill(path: &Path) {
    let db = data::open(path);
    let now = SystemClock.now();
    db.write_blocking(move |c: &mut dyn Conn| -> memory::Result<()> {
        let human = Actor::human("ana");
        let author = Author::new(&human, now);
        let persona = memory::personas::add(c, "DeckBot", None, &PersonaConfig::default(), &author)?.id;
        let mut ids = Vec::with_capacity(BELIEFS);
        for number in 0..BELIEFS {
            let (title, tags) = (format!("Rivers of the {number}th kind rise in spring"), [format!("kind{}", number % 50)]);
            let confidence = 0.01 + 0.98 * ((number * 7_919) % BELIEFS) as f64 / BELIEFS as f64;
            let new =
                NewBelief { title: &title, summary: "They do.", confidence, tags: &tags, stance: "Watch the gauges.", rationale: "seen" };
            ids.push(beliefs::create(c, &persona, &new, Trigger::Manual, &author)?.id);
        }
        for number in 0..EDGES {
            let (from, step) = (number % BELIEFS, 1 + (number / BELIEFS) * 1_777 + number % 97);
            let relation = match number % 40 {
                0 => Relation::Contradicts,
                1..=4 => Relation::DependsOn,
                5..=9 => Relation::EvidenceFor,
                _ => Relation::Supports,
            };
            edges::add(c, &persona, &ids[from], &ids[(from + step) % BELIEFS], relation, 0.5, &author)?;
        }
        Ok(())
    })
    .unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Search::new(db, clock, Settings::default()).follow()).unwrap();
}

/// A console that shows its empty queue and is quiet.
fn opened(program: &impl Fn(&Path) -> CommandBuilder, home: &Path) -> Terminal {
    let mut console = Terminal::start(program(home), true);
    console.frame_with("Nothing waits for you");
    console.settle(Duration::from_millis(600));
    console
}

pub fn run(program: impl Fn(&Path) -> CommandBuilder) {
    let home = tempfile::tempdir().unwrap();
    fill(&home.path().join("deck.db"));
    opened(&program, home.path()).end("q");
    let open = || {
        let mut console = opened(&program, home.path());
        let pressed = console.write("gb");
        let (at, _) = console.frame_with("10000 beliefs");
        console.settle(Duration::from_millis(300));
        console.write("gq");
        console.settle(Duration::from_millis(200));
        console.end("q");
        at - pressed
    };
    print("the tab of 10,000 beliefs and 50,000 edges, from the key to the table", (0..20).map(|_| open()).collect());
    let mut console = opened(&program, home.path());
    console.write("gb");
    console.frame_with("10000 beliefs");
    console.settle(Duration::from_millis(800));
    for (name, first) in [("in its table", ""), ("with the neighbourhood of one edge", "v"), ("with the neighbourhood of two edges", "+")] {
        console.write(first);
        console.settle(Duration::from_millis(300));
        let key = |_| {
            let pressed = console.write("j");
            let (at, _) = console.frame_with("");
            console.settle(Duration::from_millis(60));
            at - pressed
        };
        print(&format!("a key to the end of its frame, {name}"), (0..200).map(key).collect());
    }
    console.end("q");
}
