//! What screening costs: each detector on a text of 10,000 characters, and a draft against 100,000 earlier ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::memory::{self, Author, PersonaConfig};
use quarterdeck::moderation::detect::similarity::{DUPLICATE, SimilarityIndex};
use quarterdeck::moderation::detect::words::WordList;
use quarterdeck::moderation::detect::{links, opaque, personal, stop};
use quarterdeck::moderation::rules::{self, DEFAULT, History, Mode, Modes, RuleSet, Signal, Signals, Subject, backtest};
use quarterdeck::moderation::screening::{self, ConsistencyResult, Outgoing, Surroundings};
use quarterdeck::moderation::{self, DraftMetadata, NewItem, PostType, Settings, queue};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Conn, Database};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Earlier drafts that a new one is compared with.
const EARLIER: usize = 100_000;
/// Length of the text that detectors go over, in bytes.
const LENGTH: usize = 10_000;
const RUNS: usize = 500;

/// Words that sentences are made of; few enough that drafts share many of them.
const WORDS: [&str; 48] = [
    "river",
    "levels",
    "fall",
    "slower",
    "than",
    "the",
    "maps",
    "say",
    "because",
    "gauges",
    "were",
    "set",
    "after",
    "a",
    "dam",
    "was",
    "built",
    "and",
    "nobody",
    "moved",
    "them",
    "since",
    "in",
    "autumn",
    "you",
    "can",
    "see",
    "old",
    "water",
    "line",
    "above",
    "new",
    "one",
    "agency",
    "publishes",
    "readings",
    "every",
    "morning",
    "but",
    "it",
    "corrects",
    "only",
    "once",
    "year",
    "boat",
    "with",
    "deep",
    "keel",
];

fn percentiles(name: &str, mut samples: Vec<Duration>) {
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("{name}: n {} p50 {:.1} us p99 {:.1} us max {:.1} us", samples.len(), at(0.5), at(0.99), at(1.0));
}

fn measure<T>(name: &str, runs: usize, mut operation: impl FnMut() -> T) {
    black_box(operation());
    let samples = (0..runs).map(|_| {
        let started = Instant::now();
        black_box(operation());
        started.elapsed()
    });
    percentiles(name, samples.collect());
}

/// A text of `count` words.
fn sentence(random: &mut fastrand::Rng, count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        text.push_str(WORDS[random.usize(..WORDS.len())]);
        text.push_str(if number % 12 == 11 { ". " } else { " " });
    }
    text
}

/// Prose with what detectors look twice at: numbers, dates, links, an address.
fn long_text() -> String {
    let mut random = fastrand::Rng::with_seed(3);
    let mut text = String::new();
    while text.len() < LENGTH {
        text.push_str(&sentence(&mut random, 60));
        text.push_str("On 2024-05-06 at 12:30 they read 1,234.5 m (see https://example.org/levels?year=2024 and main.rs, v1.2.3). ");
    }
    text.truncate(LENGTH);
    text
}

/// Texts made to be slow: every character begins something.
fn hostile() {
    let digits = "4111 0151-2 +49(1) ".repeat(LENGTH / 19);
    measure("personal data in 10,000 hostile characters", RUNS, || personal::find(&digits));
    let dots = "[a](b.com/x) c.io www.d.eu ".repeat(LENGTH / 27);
    measure("links in 10,000 hostile characters", RUNS, || links::find(&dots));
    let brackets = "[](".repeat(LENGTH / 3);
    measure("links in 10,000 brackets", RUNS, || links::find(&brackets));
    let words = "shit kill you i'll ".repeat(LENGTH / 19);
    measure("words in 10,000 hostile characters", RUNS, || WordList::embedded().find(&words));
    let stops = "stop the bot, leave me a reply. ".repeat(LENGTH / 32);
    measure("asked to stop in 10,000 hostile characters", RUNS, || stop::reason(&stops));
    let random = "4f9aK2mQ7zX1bN8cV5tR3wYe6uIoPl0s ".repeat(LENGTH / 33);
    measure("random values in 10,000 hostile characters", RUNS, || (opaque::high_entropy(&random), opaque::base64_payloads(&random)));
}

/// A draft of about 120 words, edited, against all earlier ones, comparing words included.
fn duplicates() {
    let mut random = fastrand::Rng::with_seed(7);
    let earlier: Vec<String> = (0..EARLIER).map(|_| sentence(&mut random, 120)).collect();
    let mut index = SimilarityIndex::new();
    for (id, text) in earlier.iter().enumerate() {
        index.add(id, text);
    }
    // One sentence in five is another.
    let edited: Vec<String> = (0..RUNS)
        .map(|number| {
            let old = &earlier[number * (EARLIER / RUNS)];
            let words: Vec<&str> = old.split_whitespace().collect();
            format!("{} {} {}", words[..48].join(" "), sentence(&mut random, 24), words[72..].join(" "))
        })
        .collect();
    let found = edited.iter().enumerate().filter(|(number, text)| {
        let near = index.near(text, DUPLICATE);
        near.len() == 1 && near[0].id == number * (EARLIER / RUNS)
    });
    println!("near-duplicates: {} of {RUNS} edited copies found, and nothing else", found.count());
    let mut next = edited.iter().cycle();
    measure("near-duplicates: 1 draft against 100,000", RUNS, || next.next().map(|text| index.near(text, DUPLICATE)));
}

fn detectors() {
    let text = long_text();
    measure("personal data in 10,000 characters", RUNS, || personal::find(&text));
    measure("links in 10,000 characters", RUNS, || links::find(&text));
    measure("words in 10,000 characters", RUNS, || WordList::embedded().find(&text));
    measure("asked to stop in 10,000 characters", RUNS, || stop::reason(&text));
    measure("encoded messages in 10,000 characters", RUNS, || opaque::base64_payloads(&text));
    measure("random values in 10,000 characters", RUNS, || opaque::high_entropy(&text));
}

/// A thousand rules of a user's own beside those that ship: words, patterns, and some of other kinds.
fn own_rules() -> String {
    let mut random = fastrand::Rng::with_seed(11);
    let mut word = || -> String { (0..random.usize(5..10)).map(|_| random.lowercase()).collect() };
    let mut file = String::new();
    for number in 0..1_000 {
        let check = match number % 10 {
            0..=5 => format!("kind = \"text\", words = [\"{}\", \"{} {}\"], contains = [\"{}\"]", word(), word(), word(), word()),
            6..=8 => {
                format!("kind = \"text\", patterns = ['\\b{}s?\\b.{{0,20}}\\b{}(?:ed|ing)?\\b', '{}[0-9]{{2,4}}']", word(), word(), word())
            }
            _ => format!("kind = \"links\", deny = [\"{}.com\"]", word()),
        };
        file.push_str(&format!(
            "[[rule]]\nid = \"own_{number}\"\ntitle = \"t\"\ndoes = \"d\"\nwhy = \"w\"\nowner = \"me\"\nmode = \"review\"\nweight = 0.1\ncheck = {{ {check} }}\n"
        ));
    }
    file
}

fn rule_set() {
    let text = long_text();
    let fine = ConsistencyResult::NotNeeded;
    let signals = Signals { consistency: Some(&fine), history: Signal::Known(History::default()), ..Signals::default() };
    let subject =
        Subject { outgoing: Outgoing { title: None, content: &text }, persona: "ana", subreddit: "rivers", at: 1_800_000_000_000 };
    let shipped = RuleSet::embedded().unwrap();
    measure("the rules that ship on 10,000 characters", RUNS, || rules::evaluate(&shipped, &Modes::new(), &subject, &signals));
    let own = own_rules();
    let started = Instant::now();
    let all = RuleSet::read(&[("default", DEFAULT), ("own", &own)]).unwrap();
    println!("reading and compiling {} rules: {:.0} ms", all.rules().len(), started.elapsed().as_secs_f64() * 1e3);
    measure("the same and 1,000 of a user's own", RUNS, || rules::evaluate(&all, &Modes::new(), &subject, &signals));
    let short: String = text.chars().take(500).collect();
    let subject = Subject { outgoing: Outgoing { title: None, content: &short }, ..subject };
    measure("the same on 500 characters", RUNS, || rules::evaluate(&all, &Modes::new(), &subject, &signals));
}

/// 100,000 stored decisions, looked at with two sets of modes.
fn past_decisions() {
    let directory = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = Database::open(&Address::Sqlite(directory.path().join("deck.db")), &clock).unwrap();
    let fine = ConsistencyResult::NotNeeded;
    let mut random = fastrand::Rng::with_seed(5);
    let drafts: Vec<String> = (0..EARLIER).map(|_| sentence(&mut random, 60)).collect();
    let evaluation =
        screening::evaluate(Outgoing { title: None, content: &drafts[0] }, Surroundings { consistency: Some(&fine), tainted: false });
    db.write_blocking(move |c: &mut dyn Conn| -> moderation::Result<()> {
        let (human, agent) = (Actor::human("ana"), Actor::agent("DeckBot"));
        let persona = memory::personas::add(c, "DeckBot", None, &PersonaConfig::default(), &Author::new(&human, 1))?.id;
        for (number, content) in drafts.into_iter().enumerate() {
            let new = NewItem {
                post_type: PostType::Comment,
                target_subreddit: "rivers".into(),
                parent_id: Some(format!("t3_{number}")),
                thread_id: Some(format!("t3_{number}")),
                parent_author: Some("reader".into()),
                title: None,
                content,
                evaluation: evaluation.clone(),
                draft_metadata: DraftMetadata { consistency: Some(ConsistencyResult::NotNeeded), ..DraftMetadata::default() },
                correlation_id: "bench".into(),
            };
            queue::enqueue(c, &persona, &new, &Settings::default(), &agent, 1_800_000_000_000 + number as i64)?;
        }
        c.exec(
            "UPDATE pending_posts SET reviewed_by = 'ana', state = CASE WHEN created_at % 3 = 0 THEN 'rejected' ELSE 'visible' END",
            &[],
        )?;
        Ok(())
    })
    .unwrap();
    let shipped = RuleSet::embedded().unwrap();
    let (now, other) = (Modes::new(), Modes::from([("rude".to_owned(), Mode::Review)]));
    let pair = (backtest::Candidate { rules: &shipped, modes: &now }, backtest::Candidate { rules: &shipped, modes: &other });
    let started = Instant::now();
    let mut told = 0;
    let result = backtest::run(&db, pair, None, 0, |_, _| told += 1).unwrap();
    println!("backtest of {} decisions: {:.2} s, progress told {told} times", result.decisions, started.elapsed().as_secs_f64());
}

fn main() {
    detectors();
    hostile();
    duplicates();
    rule_set();
    past_decisions();
}
