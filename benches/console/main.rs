//! The console in a pseudo-terminal of 120 by 40, as a person would feel it: the start, a key, a held key, a filter, an idle screen.
//!
//! The real program on a database of 100,000 pending items and 1,000,000 interactions, and programs that people know beside it. A frame ends
//! with the end of the terminal's synchronized update. Words after `--` choose parts: `start move lock agent held filter idle memory peers
//! beliefs health`; the last two have databases of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod beliefs;
mod data;
mod health;
mod peers;
mod terminal;

use data::Agent;
use portable_pty::CommandBuilder;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use terminal::Terminal;

/// The case of an item is on the screen.
const CASE: &str = "the draft";

#[derive(Default, Clone, Copy)]
struct Row {
    n: usize,
    p50: f64,
    p99: f64,
    max: f64,
}

/// In milliseconds.
fn percentiles(mut samples: Vec<Duration>) -> Row {
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    Row { n: samples.len(), p50: at(0.5), p99: at(0.99), max: at(1.0) }
}

fn print(name: &str, samples: Vec<Duration>) {
    let Row { n, p50, p99, max } = percentiles(samples);
    println!("{name}: n {n} p50 {p50:.1} ms p99 {p99:.1} ms max {max:.1} ms");
}

fn program(home: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.env_clear();
    for (name, value) in [("HOME", home.to_str().unwrap()), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("USER", "ana")] {
        command.env(name, value);
    }
    command.env("DATABASE_URL", format!("sqlite:{}", home.join("deck.db").display()));
    command
}

/// A console that has drawn its first case and is quiet.
fn opened(home: &Path) -> Terminal {
    let mut console = Terminal::start(program(home), true);
    console.frame_with(CASE);
    console.settle(Duration::from_millis(300));
    console
}

fn starts(home: &Path, answers: bool) -> Vec<Duration> {
    let start = || {
        let mut console = Terminal::start(program(home), answers);
        let (at, _) = console.frame_with(CASE);
        let took = at - console.started;
        console.end("q");
        took
    };
    (0..40).map(|_| start()).collect()
}

/// Moves up and down; the case follows in a frame of its own.
fn moves(console: &mut Terminal, count: usize) -> (Vec<Duration>, Vec<usize>) {
    (0..count)
        .map(|number| {
            let moved = console.move_cursor(if number % 40 < 20 { "j" } else { "k" });
            console.listen(Duration::from_millis(30));
            moved
        })
        .unzip()
}

fn held(console: &mut Terminal) {
    console.write("gg");
    console.settle(Duration::from_millis(400));
    let began = Instant::now();
    for number in 1..600_u32 {
        let due = began + Duration::from_secs_f64(f64::from(number) / 60.0);
        console.listen(due.saturating_duration_since(Instant::now()));
        console.write("j");
    }
    console.listen(Duration::from_millis(16));
    let lag = console.until_quiet("j", Duration::from_millis(400)).as_secs_f64() * 1e3;
    let is_there = console.screen.screen().contents().contains("number 600 ");
    println!(
        "a key held for 10 s at 60 a second: the last frame, with its case, {lag:.1} ms after the last key; all keys counted: {is_there}"
    );
}

fn filters(console: &mut Terminal) -> Vec<Duration> {
    let mut samples = Vec::new();
    for words in ["river gauge", "number 4711", "zeppelin", "subreddit:rivers7", "shows it well", "99999 shows"] {
        console.write("/");
        console.settle(Duration::from_millis(200));
        for letter in words.chars() {
            samples.push(console.until_quiet(&letter.to_string(), Duration::from_millis(120)));
        }
        for _ in words.chars() {
            samples.push(console.until_quiet("\x7f", Duration::from_millis(120)));
        }
        console.write("\x1b");
        console.settle(Duration::from_millis(200));
    }
    samples
}

fn idle(name: &str, console: &mut Terminal) {
    let before = console.used();
    let bytes = console.listen(Duration::from_secs(10));
    let after = console.used();
    println!(
        "{name}: {} wake-ups, {bytes} bytes, {:.3} % of a core in 10 s",
        after.wakes - before.wakes,
        (after.nanoseconds - before.nanoseconds) as f64 / 1e8
    );
}

/// Queue drafts at a rate until the work is done.
fn while_an_agent_writes<T>(path: &Path, every: Duration, work: impl FnOnce() -> T) -> T {
    let is_done = Arc::new(AtomicBool::new(false));
    let (path, ends) = (path.to_path_buf(), Arc::clone(&is_done));
    let agent = std::thread::spawn(move || {
        let mut agent = Agent::new(&path);
        while !ends.load(Ordering::SeqCst) {
            agent.queue();
            std::thread::sleep(every);
        }
    });
    let result = work();
    is_done.store(true, Ordering::SeqCst);
    agent.join().unwrap();
    result
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    if wanted("beliefs") {
        beliefs::run(program);
    }
    if wanted("health") {
        health::run(program);
    }
    if words.iter().any(|word| !matches!(word.as_str(), "beliefs" | "health")) || words.is_empty() {
        queue(wanted);
    }
}

/// All that is measured on the large queue.
fn queue(wanted: impl Fn(&str) -> bool) {
    let (directory, path) = data::copy();
    let home = directory.path();
    opened(home).end("q");

    if wanted("start") {
        print("start to the first case on the screen", starts(home, true));
        print("the same on a terminal that answers nothing", starts(home, false));
    }
    if wanted("move") {
        let mut console = opened(home);
        let (times, mut bytes) = moves(&mut console, 400);
        print("a key to the end of its frame", times);
        bytes.sort_unstable();
        println!("bytes of a cursor's move: median {}, most {}", bytes[bytes.len() / 2], bytes[bytes.len() - 1]);
        console.end("q");
    }
    if wanted("lock") {
        let mut console = opened(home);
        let lock = rusqlite::Connection::open(&path).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        print("a key while another process holds the database's lock", moves(&mut console, 200).0);
        lock.execute_batch("ROLLBACK").unwrap();
        console.end("q");
    }
    if wanted("agent") {
        let mut console = opened(home);
        let (times, _) = while_an_agent_writes(&path, Duration::from_millis(20), || moves(&mut console, 300));
        print("a key while an agent queues 50 drafts a second", times);
        console.end("q");
    }
    if wanted("held") {
        let mut console = opened(home);
        held(&mut console);
        console.end("q");
    }
    if wanted("filter") {
        let mut console = opened(home);
        print("a letter of a filter to its result and case on the screen", filters(&mut console));
        console.end("q");
    }
    if wanted("idle") {
        let mut console = opened(home);
        console.listen(Duration::from_secs(12));
        idle("idle on a still tab", &mut console);
        console.write("A");
        console.listen(Duration::from_secs(7));
        console.write("/state:scheduled\r");
        console.listen(Duration::from_secs(2));
        idle("idle with a countdown on the screen", &mut console);
        console.end("q");
    }
    if wanted("memory") {
        let mut console = opened(home);
        let (before, own_before) = console.resident();
        let mut agent = Agent::new(&path);
        for _ in 0..10_000 {
            agent.queue();
            console.settle(Duration::ZERO);
        }
        console.settle(Duration::from_millis(500));
        let (after, own) = console.resident();
        println!(
            "resident memory: {before:.1} MB at the start (its own {own_before:.1}), {after:.1} MB after 10,000 drafts (its own {own:.1})"
        );
        console.end("q");
    }
    if wanted("peers") {
        peers::run(|| program(home), home);
    }
}
