//! Search over 100,000 and 1,000,000 interactions: taking them in, opening the index, and questions from end to end.
//!
//! `QUARTERDECK_BENCH_SEARCH=100000` picks sizes, separated by commas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::memory::{self, Author, PersonaConfig};
use quarterdeck::search::{Page, Question, Ranking, Search, Settings, Zone};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Database};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const QUESTIONS: usize = 1_000;
/// Rows of one transaction of the fill.
const ROWS: usize = 20_000;

/// Words as often as the project's own pages have them, and a tail of rare ones.
struct Words {
    common: Vec<String>,
    dice: fastrand::Rng,
}

impl Words {
    fn new() -> Self {
        let mut common = Vec::new();
        let pages = std::fs::read_dir("docs")
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "md"));
        for page in pages {
            let text = std::fs::read_to_string(page).unwrap();
            common.extend(text.split(|letter: char| !letter.is_alphabetic()).filter(|word| word.len() > 1).map(str::to_lowercase));
        }
        Self { common, dice: fastrand::Rng::with_seed(7) }
    }

    fn text(&mut self) -> String {
        let count = self.dice.usize(25..75);
        let words: Vec<String> = (0..count)
            .map(|_| {
                if self.dice.u8(..10) == 0 {
                    // Names, numbers, places: each of them seldom, some more often than others.
                    format!("name{}", (self.dice.f64().powi(3) * 50_000.0) as u32)
                } else {
                    self.common[self.dice.usize(..self.common.len())].clone()
                }
            })
            .collect();
        words.join(" ")
    }

    /// What somebody asks: two to five words of something that was said.
    fn question(&mut self) -> String {
        let text = self.text();
        let words: Vec<&str> = text.split(' ').collect();
        let count = self.dice.usize(2..=5);
        (0..count).map(|_| words[self.dice.usize(..words.len())]).collect::<Vec<_>>().join(" ")
    }
}

fn resident_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn percentile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0
}

fn open(db: &Database, directory: &tempfile::TempDir) -> Search {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Search::new(db.clone(), clock, Settings { index: directory.path().join("index"), ..Settings::default() })
}

fn main() {
    let sizes = std::env::var("QUARTERDECK_BENCH_SEARCH").unwrap_or_else(|_| "100000,1000000".to_owned());
    for size in sizes.split(',').filter_map(|size| size.trim().parse::<usize>().ok()) {
        run(size);
    }
}

fn run(size: usize) {
    let directory = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = Database::open(&Address::Sqlite(directory.path().join("deck.db")), &clock).unwrap();
    let mut words = Words::new();
    let persona = db
        .write_blocking(|c| {
            let actor = Actor::human("bench");
            memory::personas::add(c, "QuietOwl", None, &PersonaConfig::default(), &Author::new(&actor, 1)).map(|persona| persona.id)
        })
        .unwrap();
    for first in (0..size).step_by(ROWS) {
        let texts: Vec<String> = (0..ROWS.min(size - first)).map(|_| words.text()).collect();
        let persona = persona.clone();
        db.write_blocking(move |c| -> Result<(), quarterdeck::store::Error> {
            for (number, text) in texts.iter().enumerate() {
                let number = (first + number) as i64;
                c.exec(
                    "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, metadata, created_at, updated_at)
                     VALUES ($1, $2, $3, 'comment', $4, $5, '{}', $6, $6)",
                    quarterdeck::vals![&persona, format!("i{number:08}"), text, format!("t1_{number}"), format!("sub{}", number % 40), number],
                )?;
            }
            Ok(())
        })
        .unwrap();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let search = open(&db, &directory);
    let started = Instant::now();
    let followed = runtime.block_on(search.follow()).unwrap();
    let took = started.elapsed();
    println!(
        "{size} interactions taken in with words and vectors: {:.1} s, {:.0} a second",
        took.as_secs_f64(),
        followed.written as f64 / took.as_secs_f64()
    );

    let ask = |search: &Search, text: &str, ranking| {
        let question = Question::parse(text, Zone::default(), 0).unwrap();
        runtime.block_on(search.ask_by(&question, Page::default(), ranking)).unwrap()
    };
    let started = Instant::now();
    ask(&search, "first question", Ranking::Both);
    println!("  first question, vectors read from the database: {:.2} s", started.elapsed().as_secs_f64());
    runtime.block_on(search.save_index()).unwrap();
    drop(search);
    let search = open(&db, &directory);
    let started = Instant::now();
    ask(&search, "first question", Ranking::Both);
    println!(
        "  the same after a start, index read from its file: {:.2} s; resident {} MB",
        started.elapsed().as_secs_f64(),
        resident_megabytes()
    );

    let questions: Vec<String> = (0..QUESTIONS).map(|_| words.question()).collect();
    for (name, ranking) in [("words", Ranking::Words), ("meaning", Ranking::Meaning), ("both", Ranking::Both)] {
        // Each way with a fresh knowledge of words: what a question costs the first time it is asked.
        let search = open(&db, &directory);
        ask(&search, "first question", ranking);
        let mut slowest: HashMap<u64, &str> = HashMap::new();
        let mut times: Vec<Duration> = questions
            .iter()
            .map(|text| {
                let started = Instant::now();
                ask(&search, text, ranking);
                let took = started.elapsed();
                slowest.insert(took.as_micros() as u64, text);
                took
            })
            .collect();
        let worst = slowest.iter().max_by_key(|(took, _)| **took).map_or("", |(_, text)| text);
        let (half, most) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        println!("  {name:8} p50 {half:6.2} ms, p99 {most:6.2} ms over {QUESTIONS} questions; the slowest: {worst}");
    }
    for filter in ["subreddit:sub7", "subreddit:sub7 since:2020-01-01", "persona:QuietOwl"] {
        let mut times: Vec<Duration> = questions
            .iter()
            .take(200)
            .map(|text| {
                let started = Instant::now();
                ask(&search, &format!("{text} {filter}"), Ranking::Both);
                started.elapsed()
            })
            .collect();
        let (half, most) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        println!("  both, {filter}: p50 {half:.2} ms, p99 {most:.2} ms");
    }
}
