//! How long a queue decision takes to be durable while an agent writes, and the first page of a list of 100,000 pending items.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::base::{Clock, Millis, PersonaId, SystemClock};
use quarterdeck::memory::{self, Author, PersonaConfig};
use quarterdeck::moderation::bulk::{self, Chosen, Decision};
use quarterdeck::moderation::listing::{self, By, Holder, Sort};
use quarterdeck::moderation::screening::{ConsistencyResult, Outgoing, Surroundings, evaluate};
use quarterdeck::moderation::{
    self, Directive, DraftMetadata, Filter, Hit, Mode, NewItem, On, PostType, RejectCode, Settings, Verdict, decisions, queue,
};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Conn, Database};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const T0: Millis = 1_700_000_000_000;
const PENDING: usize = 100_000;
const DECISIONS: usize = 2_000;
/// The item that the rare filters find: late in the list.
const NEEDLE: usize = 90_000;
const BULK: usize = 1_000;

/// Between 200 and 500 characters, of common words in another order each time.
fn text(number: usize) -> String {
    const WORDS: [&str; 40] = [
        "levels",
        "fall",
        "slower",
        "than",
        "the",
        "maps",
        "say",
        "and",
        "gauges",
        "show",
        "rivers",
        "carry",
        "more",
        "water",
        "after",
        "rain",
        "people",
        "who",
        "live",
        "near",
        "them",
        "know",
        "that",
        "old",
        "tables",
        "were",
        "made",
        "for",
        "another",
        "climate",
        "which",
        "is",
        "why",
        "every",
        "spring",
        "brings",
        "a",
        "surprise",
        "somewhere",
        "downstream",
    ];
    let mut random = fastrand::Rng::with_seed(number as u64);
    let mut text = format!("A remark about rivers, number {number}:");
    for _ in 0..random.usize(32..80) {
        text.push(' ');
        text.push_str(WORDS[random.usize(..WORDS.len())]);
    }
    text
}

fn draft(number: usize) -> NewItem {
    let content =
        if number == PENDING / 2 { "The quagga mussel is everywhere now, says the lake authority.".to_owned() } else { text(number) };
    let around = Surroundings { consistency: Some(&ConsistencyResult::NotNeeded), tainted: false };
    let mut evaluation = evaluate(Outgoing { title: None, content: &content }, around);
    // Nine of ten have a few common rules, three of all have a rare one.
    let mut fired = Vec::new();
    if !number.is_multiple_of(10) {
        fired.extend(["length", "link"].iter().filter(|_| number.is_multiple_of(3)));
        fired.push(&"tone");
    }
    if [NEEDLE, NEEDLE + 10, NEEDLE + 20].contains(&number) {
        fired.push(&"rare_rule");
    }
    for rule in fired {
        evaluation.verdict = Verdict::Review;
        evaluation.hits.push(Hit {
            rule_id: (*rule).to_owned(),
            rule_version: 1,
            severity: Verdict::Review,
            weight: 0.1,
            spans: vec![],
            message: "A sentence for the reviewer that says what it is about.".into(),
            evidence: None,
        });
    }
    NewItem {
        post_type: PostType::Comment,
        target_subreddit: match number {
            NEEDLE => "lonely".into(),
            _ => format!("place{}", number % 20),
        },
        parent_id: Some(format!("t3_{number}")),
        thread_id: Some(format!("t3_{number}")),
        parent_author: Some(format!("reader{}", number % 5_000)),
        title: None,
        evaluation,
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

/// Pages and counts, each on a connection that has just been opened: its cache is empty.
fn list(address: &Address, clock: &Arc<dyn Clock>) {
    let plain = Filter::default;
    let text = |words: &str| Filter { text: Some(words.into()), ..plain() };
    let now = T0 + 1_000;
    let filters: Vec<(&str, usize, Filter)> = vec![
        ("plain", 50, plain()),
        ("newest first", 50, Filter { sort: Sort::Newest, ..plain() }),
        ("first to expire", 50, Filter { sort: Sort::Expiry, ..plain() }),
        ("after 50,000 others", 50, Filter { after: Some((T0 + 50_000, String::new())), ..plain() }),
        ("verdict allow", 50, Filter { verdicts: vec![Verdict::Allow], ..plain() }),
        ("verdict block, none", 0, Filter { verdicts: vec![Verdict::Block], ..plain() }),
        ("common rule", 50, Filter { rule: Some("tone".into()), ..plain() }),
        ("rule of three", 3, Filter { rule: Some("rare_rule".into()), ..plain() }),
        ("rule of three, first to expire", 3, Filter { rule: Some("rare_rule".into()), sort: Sort::Expiry, ..plain() }),
        ("subreddit", 50, Filter { subreddit: Some("Place7".into()), ..plain() }),
        ("subreddit of one", 1, Filter { subreddit: Some("lonely".into()), ..plain() }),
        ("author of 20", 20, Filter { author: Some("Reader4999".into()), ..plain() }),
        ("posts, none", 0, Filter { post_type: Some(PostType::Post), ..plain() }),
        ("mine, none", 0, Filter { holder: Some(Holder::Is { name: "ana".into(), at: now }), ..plain() }),
        ("nobody has it", 50, Filter { holder: Some(Holder::Nobody { at: now }), ..plain() }),
        ("escalated to, none", 0, Filter { escalated_to: Some("ana".into()), ..plain() }),
        ("tainted, none", 0, Filter { tainted: Some(true), ..plain() }),
        ("score, none", 0, Filter { least_score: Some(0.99), ..plain() }),
        ("expires soon, none", 0, Filter { expires_before: Some(T0), ..plain() }),
        ("drafted before, none", 0, Filter { created_before: Some(T0), ..plain() }),
        ("text, common", 50, text("every spring")),
        ("text of one", 1, text("QUAGGA")),
        ("text of one, first to expire", 1, Filter { sort: Sort::Expiry, ..text("quagga mussel") }),
        ("text, none", 0, text("zebra crossing")),
        ("text, none, four letters", 0, text("zqxj")),
        ("text and subreddit, none", 0, Filter { subreddit: Some("lonely".into()), ..text("zebra crossing") }),
        (
            "everything at once",
            0,
            Filter {
                rule: Some("rare_rule".into()),
                subreddit: Some("lonely".into()),
                author: Some("nobody".into()),
                holder: Some(Holder::NobodyElse { name: "ana".into(), at: now }),
                not_skipped_by: Some("ana".into()),
                verdicts: vec![Verdict::Review],
                ..text("rivers")
            },
        ),
    ];
    for (name, expected, filter) in filters {
        let pages = (0..20).map(|_| {
            let fresh = Database::open(address, clock).unwrap();
            fresh.read_blocking(|c: &mut dyn Conn| c.first("SELECT 1 AS one", &[])).unwrap();
            let filter = filter.clone();
            let started = Instant::now();
            let page = fresh.read_blocking(move |c: &mut dyn Conn| listing::page(c, &filter, 50)).unwrap();
            let took = started.elapsed();
            assert_eq!((page.lines.len(), page.stopped), (expected, false), "{name}");
            took
        });
        percentiles(&format!("page of 50, {name}"), pages.collect());
    }
    for (name, by) in [("state", By::State), ("subreddit", By::Subreddit), ("verdict", By::Verdict), ("rule", By::Rule)] {
        let counts = (0..10).map(|_| {
            let fresh = Database::open(address, clock).unwrap();
            let started = Instant::now();
            let count = fresh.read_blocking(move |c: &mut dyn Conn| listing::count(c, &Filter::default(), by)).unwrap();
            assert_eq!(count.total, PENDING as i64);
            started.elapsed()
        });
        percentiles(&format!("count by {name}"), counts.collect());
    }
}

/// A thousand approvals, a thousand rejections: each with its audit row, flushed.
fn decide_in_bulk(deck: &Database, clock: &Arc<dyn Clock>, persona: &PersonaId) {
    let console = Database::open(deck.address(), clock).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let actor = Actor::human("ana");
    let rejection = Decision::Reject { code: RejectCode::TooWeak, directive: Directive::Drop, note: None };
    for (name, verdict, decision) in [("approve", Verdict::Allow, Decision::Approve), ("reject", Verdict::Review, rejection)] {
        let mut samples = Vec::new();
        for _ in 0..3 {
            let filter = Filter { persona: Some(persona.clone()), verdicts: vec![verdict], ..Filter::default() };
            let lines = console.read_blocking(move |c: &mut dyn Conn| listing::list(c, &filter, BULK)).unwrap();
            let chosen: Vec<Chosen> = lines.iter().map(Chosen::from).collect();
            let started = Instant::now();
            let report = runtime.block_on(bulk::decide(&console, &chosen, &decision, &actor, T0 + 200_000, &settings()));
            samples.push(started.elapsed());
            assert_eq!((report.decided, report.refused.len()), (BULK, 0), "{report:?}");
        }
        percentiles(&format!("bulk {name} of {BULK}"), samples);
    }
    let verified = console.read_blocking(|c: &mut dyn Conn| quarterdeck::store::audit::verify(c)).unwrap();
    println!("audit log: {} rows, {} problems", verified.rows, verified.problems.len());
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

    list(&address, &clock);
    decide_in_bulk(&deck, &clock, &persona);

    // The operator's console is another process with its own connection; here it is another handle.
    let console = Database::open(&address, &clock).unwrap();
    for (part, (name, pause)) in
        [("an agent writes 50 drafts a second", Duration::from_millis(20)), ("an agent writes without a pause", Duration::ZERO)]
            .into_iter()
            .enumerate()
    {
        let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
        let ids = &ids[60_000 + part * DECISIONS..][..DECISIONS];
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
        let on = On { persona: &persona, id: &id, version: Some(1), actor: &actor, at: T0 + 3_000_000 };
        decisions::approve(c, &on, "BenchBot", &settings())
    });
    approved.unwrap();
    let took = started.elapsed();
    // Two milliseconds between two decisions are quicker than anybody is.
    std::thread::sleep(Duration::from_millis(2));
    took
}
