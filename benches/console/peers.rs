//! Programs that people know, measured in the same run and in the same way: those that are installed.

use crate::terminal::Terminal;
use crate::{Row, percentiles};
use portable_pty::CommandBuilder;
use std::path::Path;
use std::time::Duration;

/// Name, arguments, the keys that move down and up, the key that ends it.
const PEERS: [(&str, &[&str], [&str; 2], &str); 5] = [
    ("tig", &[], ["j", "k"], "Q"),
    ("htop", &[], ["\x1b[B", "\x1b[A"], "q"),
    ("btop", &["--utf-force"], ["\x1b[B", "\x1b[A"], "q"),
    ("gitui", &[], ["\x1b[B", "\x1b[A"], "q"),
    ("btm", &[], ["\x1b[B", "\x1b[A"], "q"),
];

/// How often each is started.
const STARTS: usize = 10;
const KEYS: usize = 150;

pub fn run(ours: impl Fn() -> CommandBuilder, home: &Path) {
    println!("\nside by side: start to forty letters, key to the first byte back, ten idle seconds");
    let ours = || ours();
    let theirs = |name: &str, words: &[&str]| {
        let mut command = CommandBuilder::new(name);
        command.args(words);
        command.env_clear();
        for (name, value) in
            [("HOME", home.to_str().unwrap()), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin:/usr/local/bin")]
        {
            command.env(name, value);
        }
        command.cwd(env!("CARGO_MANIFEST_DIR"));
        command
    };
    let is_there = |name: &str| ["/usr/bin", "/bin", "/usr/local/bin"].iter().any(|place| Path::new(place).join(name).exists());
    let there: Vec<_> = PEERS.iter().filter(|(name, ..)| is_there(name)).collect();
    for (name, ..) in PEERS.iter().filter(|(name, ..)| !is_there(name)) {
        println!("{name} is not installed");
    }
    let mut starts: Vec<Vec<Duration>> = vec![Vec::new(); there.len() + 1];
    // In turns, so that what else the machine does falls on all of them.
    for _ in 0..STARTS {
        for (place, samples) in starts.iter_mut().enumerate() {
            let (command, quit) = match place.checked_sub(1).and_then(|place| there.get(place)) {
                Some((name, words, _, quit)) => (theirs(name, words), *quit),
                None => (ours(), "q"),
            };
            let mut terminal = Terminal::start(command, true);
            let took = terminal.first_letters() - terminal.started;
            terminal.settle(Duration::from_millis(100));
            terminal.end(quit);
            samples.push(took);
        }
    }
    for (place, samples) in starts.into_iter().enumerate() {
        let (name, command, [down, up], quit) = match place.checked_sub(1).and_then(|place| there.get(place)) {
            Some((name, words, keys, quit)) => (*name, theirs(name, words), *keys, *quit),
            None => ("quarterdeck", ours(), ["j", "k"], "q"),
        };
        let mut terminal = Terminal::start(command, true);
        terminal.first_letters();
        terminal.listen(Duration::from_secs(2));
        let keys: Vec<Duration> = (0..KEYS)
            .filter_map(|number| {
                let took = terminal.first_byte(if number % 20 < 10 { down } else { up });
                terminal.settle(Duration::from_millis(25));
                took
            })
            .collect();
        terminal.listen(Duration::from_secs(8));
        let before = terminal.used();
        let bytes = terminal.listen(Duration::from_secs(10));
        let after = terminal.used();
        let (resident, own) = terminal.resident();
        terminal.end(quit);
        let start = percentiles(samples);
        let key = if keys.is_empty() { Row::default() } else { percentiles(keys) };
        println!(
            "{name}: start p50 {:.0} ms (max {:.0}), key p50 {:.2} p99 {:.1} ms (n {}), idle {:.1} wake-ups/s {:.2} % of a core {} bytes/s, \
             resident {resident:.1} MB (own {own:.1})",
            start.p50,
            start.max,
            key.p50,
            key.p99,
            key.n,
            (after.wakes - before.wakes) as f64 / 10.0,
            (after.nanoseconds - before.nanoseconds) as f64 / 1e8,
            bytes / 10
        );
    }
}
