//! The embedder that ships: how long it takes to load, how many texts a second it embeds on one core, one query, and the memory it takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::search::embed::{Embedder, WordPieces};
use std::hint::black_box;
use std::time::{Duration, Instant};

const TEXTS: usize = 20_000;
const TOKENS: usize = 60;
const ROUNDS: usize = 15;
const QUERY: &str = "why are approved replies not sent anywhere tonight";

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("VmRSS 0");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Time that this thread has run on a processor: others on the machine do not count.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0))
}

/// Texts of about sixty word pieces each, all of them different, with the words of real sections.
fn texts() -> Vec<String> {
    let words: Vec<&str> = include_str!("../tests/search_quality/runbooks.toml")
        .split_whitespace()
        .filter(|word| word.chars().all(|letter| letter.is_ascii_alphabetic() || matches!(letter, ',' | '.')))
        .collect();
    let mut dice = fastrand::Rng::with_seed(1);
    // Two of a hundred of these words are two pieces, and one of ten has a full stop or a comma.
    let length = TOKENS * 91 / 100;
    (0..TEXTS).map(|_| (0..length).map(|_| words[dice.usize(..words.len())]).collect::<Vec<_>>().join(" ")).collect()
}

fn say(name: &str, mut samples: Vec<Duration>) {
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("{name}: n {} best {:.1} us p50 {:.1} us p99 {:.1} us", samples.len(), at(0.0), at(0.5), at(0.99));
}

fn main() {
    let before = resident_kib();
    let start = Instant::now();
    let embedder = Embedder::shipped().unwrap();
    println!("load: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    println!("resident after loading: {} KiB more", resident_kib() - before);
    let start = Instant::now();
    black_box(embedder.embed_now(&[QUERY]));
    println!("first query: {:.1} us", start.elapsed().as_secs_f64() * 1e6);

    let texts = texts();
    let words = WordPieces::read(include_str!("../assets/embedder/tokenizer.json")).unwrap();
    let mut pieces = 0;
    texts.iter().for_each(|text| words.pieces(text, |_| pieces += 1));
    println!("{TEXTS} texts of {:.1} word pieces", pieces as f64 / TEXTS as f64);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let before = resident_kib();
    black_box(embedder.embed_now(&texts[..1000]));
    println!("resident after 1,000 texts: {} KiB more", resident_kib() - before);
    let mut rates: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        let start = on_processor();
        for part in texts.chunks(100) {
            black_box(embedder.embed_now(part));
        }
        rates.push(TEXTS as f64 / (on_processor() - start).as_secs_f64());
    }
    rates.sort_unstable_by(f64::total_cmp);
    println!("texts a second on one core: best {:.0}, median {:.0} of {ROUNDS} rounds", rates[ROUNDS - 1], rates[ROUNDS / 2]);
    let one = |text: &str| -> Vec<Duration> {
        (0..2000)
            .map(|_| {
                let start = Instant::now();
                black_box(embedder.embed_now(&[text]));
                start.elapsed()
            })
            .collect()
    };
    say("a query of eight words", one(QUERY));
    say("a text of 100 kB", one(&"gauges upstream fell again ".repeat(4000)).into_iter().take(200).collect());
}
