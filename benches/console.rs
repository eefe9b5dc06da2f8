//! The console in a pseudo-terminal of 120 by 40, as a person would feel it: the start, a key, an idle screen.
//!
//! The real program on a database of 100,000 pending items. A frame ends with the end of the terminal's synchronized update.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::memory::beliefs::{self, NewBelief};
use quarterdeck::memory::edges::{self, Relation};
use quarterdeck::memory::{self, Author, PersonaConfig, Trigger};
use quarterdeck::moderation::screening::{self, ConsistencyResult, Outgoing, Surroundings};
use quarterdeck::moderation::{self, DraftMetadata, NewItem, PostType, Settings, queue};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Conn, Database};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const ITEMS: usize = 100_000;
const BELIEFS: usize = 10_000;
const EDGES: usize = 50_000;
const FRAME_END: &[u8] = b"\x1b[?2026l";

fn fill(path: &Path) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = Database::open(&Address::Sqlite(path.to_path_buf()), &clock).unwrap();
    let fine = ConsistencyResult::NotNeeded;
    let around = Surroundings { consistency: Some(&fine), tainted: false };
    let evaluation = screening::evaluate(Outgoing { title: None, content: "They fall slower than the maps say." }, around);
    let now = clock.now();
    db.write_blocking(move |c: &mut dyn Conn| -> moderation::Result<()> {
        let (human, agent) = (Actor::human("ana"), Actor::agent("DeckBot"));
        let persona = memory::personas::add(c, "DeckBot", None, &PersonaConfig::default(), &Author::new(&human, 1))?.id;
        for number in 0..ITEMS {
            let new = NewItem {
                post_type: PostType::Comment,
                target_subreddit: format!("rivers{}", number % 40),
                parent_id: Some(format!("t3_{number}")),
                thread_id: Some(format!("t3_{number}")),
                parent_author: Some("reader".into()),
                title: None,
                content: format!("They fall slower than the maps say, and gauge number {number} shows it well enough for everybody."),
                evaluation: evaluation.clone(),
                draft_metadata: DraftMetadata { consistency: Some(ConsistencyResult::NotNeeded), ..DraftMetadata::default() },
                correlation_id: "bench".into(),
            };
            queue::enqueue(c, &persona, &new, &Settings::default(), &agent, now - ITEMS as i64 + number as i64)?;
        }
        Ok(())
    })
    .unwrap();
}

/// One persona with a large belief graph, whose edges lead everywhere.
fn fill_beliefs(path: &Path) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = Database::open(&Address::Sqlite(path.to_path_buf()), &clock).unwrap();
    let now = clock.now();
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
}

fn beliefs_tab() {
    let home = tempfile::tempdir().unwrap();
    fill_beliefs(&home.path().join("deck.db"));
    let opened: Vec<Duration> = (0..10)
        .map(|_| {
            let mut console = Console::start(home.path());
            console.frame_with("Nothing waits for you");
            console.settle(Duration::from_millis(300));
            let pressed = Instant::now();
            console.writer.write_all(b"gb").unwrap();
            console.writer.flush().unwrap();
            let (at, _) = console.frame_with("10000 beliefs");
            let took = at - pressed;
            console.quit();
            took
        })
        .collect();
    percentiles("the tab of 10,000 beliefs and 50,000 edges: from the key to the table", opened);
    let mut console = Console::start(home.path());
    console.frame_with("Nothing waits for you");
    console.key("gb");
    console.frame_with("10000 beliefs");
    console.settle(Duration::from_millis(500));
    for (name, first) in [("in the table", ""), ("with its neighbourhood of two edges", "v+")] {
        console.writer.write_all(first.as_bytes()).unwrap();
        console.settle(Duration::from_millis(300));
        let moves: Vec<Duration> = (0..200)
            .map(|_| {
                let (took, _) = console.key("j");
                console.settle(Duration::from_millis(60));
                took
            })
            .collect();
        percentiles(&format!("a key to the end of its frame, {name}"), moves);
    }
    console.quit();
}

struct Console {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    bytes: Receiver<(Instant, Vec<u8>)>,
    writer: Box<dyn std::io::Write + Send>,
    _master: Box<dyn MasterPty + Send>,
    started: Instant,
}

impl Console {
    fn start(home: &Path) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear();
        for (name, value) in [("HOME", home.to_str().unwrap()), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("USER", "ana")] {
            command.env(name, value);
        }
        command.env("DATABASE_URL", format!("sqlite:{}", home.join("deck.db").display()));
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..length].to_vec())).is_err() {
                    break;
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self { child, bytes, writer, _master: pair.master, started }
    }

    /// Read until what came holds `wanted` and a frame ended; returns when, and how much came.
    fn frame_with(&self, wanted: &str) -> (Instant, usize) {
        let mut seen: Vec<u8> = Vec::new();
        loop {
            let (at, bytes) = self.bytes.recv_timeout(Duration::from_secs(20)).expect("the console says nothing");
            seen.extend(bytes);
            if String::from_utf8_lossy(&seen).contains(wanted) && seen.ends_with(FRAME_END) {
                return (at, seen.len());
            }
        }
    }

    fn key(&mut self, key: &str) -> (Duration, usize) {
        while self.bytes.try_recv().is_ok() {}
        let pressed = Instant::now();
        self.writer.write_all(key.as_bytes()).unwrap();
        self.writer.flush().unwrap();
        let (at, length) = self.frame_with("");
        (at - pressed, length)
    }

    /// Read until nothing came for so long.
    fn settle(&self, quiet: Duration) -> usize {
        let mut length = 0;
        while let Ok((_, bytes)) = self.bytes.recv_timeout(quiet) {
            length += bytes.len();
        }
        length
    }

    fn switches(&self) -> u64 {
        let pid = self.child.process_id().unwrap();
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        tasks
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok())
            .filter_map(|status| {
                let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?.to_owned();
                line.split_whitespace().nth(1)?.parse::<u64>().ok()
            })
            .sum()
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.process_id().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn quit(mut self) {
        self.writer.write_all(b"q").unwrap();
        self.child.wait().unwrap();
    }
}

fn percentiles(name: &str, mut samples: Vec<Duration>) {
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{name}: n {} p50 {:.1} ms p99 {:.1} ms max {:.1} ms", samples.len(), at(0.5), at(0.99), at(1.0));
}

fn main() {
    beliefs_tab();
    let home = tempfile::tempdir().unwrap();
    fill(&home.path().join("deck.db"));
    let starts: Vec<Duration> = (0..20)
        .map(|_| {
            let console = Console::start(home.path());
            let (at, _) = console.frame_with("the draft");
            let took = at - console.started;
            console.quit();
            took
        })
        .collect();
    percentiles("start to the first case on the screen", starts);

    let mut console = Console::start(home.path());
    console.frame_with("the draft");
    console.settle(Duration::from_millis(300));
    let mut lengths = Vec::new();
    let moves: Vec<Duration> = (0..300)
        .map(|number| {
            let (took, length) = console.key(if number % 40 < 20 { "j" } else { "k" });
            lengths.push(length);
            // The case follows in a frame of its own.
            console.settle(Duration::from_millis(40));
            took
        })
        .collect();
    lengths.sort_unstable();
    percentiles("a key to the end of its frame", moves);
    println!("bytes of a cursor's move: median {}, most {}", lengths[lengths.len() / 2], lengths[lengths.len() - 1]);

    // Somebody else holds the database.
    let lock = rusqlite::Connection::open(home.path().join("deck.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked: Vec<Duration> = (0..100)
        .map(|number| {
            let (took, _) = console.key(if number % 40 < 20 { "j" } else { "k" });
            console.settle(Duration::from_millis(40));
            took
        })
        .collect();
    lock.execute_batch("ROLLBACK").unwrap();
    percentiles("the same while another process holds the database's lock", locked);

    console.settle(Duration::from_millis(500));
    let (before, idle) = (console.switches(), Duration::from_secs(10));
    let bytes = console.settle(idle);
    println!("idle for 10 s: {} wake-ups, {bytes} bytes", console.switches() - before);
    println!("resident memory: {:.1} MB", console.resident_kib() as f64 / 1024.0);
    console.quit();
}
