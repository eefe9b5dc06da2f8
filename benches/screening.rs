//! What screening costs: each detector on a text of 10,000 characters, and a draft against 100,000 earlier ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::moderation::detect::similarity::{DUPLICATE, SimilarityIndex};
use quarterdeck::moderation::detect::words::WordList;
use quarterdeck::moderation::detect::{links, opaque, personal, stop};
use std::hint::black_box;
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

fn main() {
    detectors();
    hostile();
    duplicates();
}
