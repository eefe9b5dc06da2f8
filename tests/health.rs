//! The board for scripts and cron, what happened, and the same over HTTP: the real program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
#[path = "support/program.rs"]
mod program;

use program::{Did, Home};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A program that goes on; killed when the test ends without it.
struct Running {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(home: &Home, words: &[&str]) -> Self {
        let mut child = home.command(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Ask it to end; its exit code.
    fn end(mut self) -> Option<i32> {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

fn get(address: &str, path: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}")))
}

fn names(board: &Value) -> Vec<String> {
    let systems = board["systems"].as_array().unwrap();
    let of =
        |system: &Value| system["lines"].as_array().unwrap().iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    systems.iter().flat_map(of).collect()
}

#[test]
fn exit_codes_say_whether_what_was_asked_for_is_well() {
    let home = Home::seeded();
    // Nothing is known of loops that never ran: that is no health.
    let all = home.run(&["health"]);
    all.says(3, &["unknown", "own"]).says(3, &["agent"]);
    home.run(&["health", "database"]).done();
    home.run(&["health", "own/database", "queue"]).done();
    home.run(&["health", "agent"]).ended(3);
    home.run(&["health", "agent", "--allow", "unknown"]).done();
    home.run(&["health", "agent", "--allow", "degraded"]).ended(3);
    home.run(&["health", "--system", "Quarterdeck", "database"]).done();
    // A check of nothing is no check.
    home.run(&["health", "nonesuch"]).refused(2, "there is no nonesuch on the board");
    home.run(&["health", "--system", "nonesuch"]).refused(2, "there is no nonesuch on the board");
    home.run(&["health", "database", "--allow", "unhealthy"]).ended(2);
}

#[test]
fn a_database_that_nobody_can_write_to_is_not_healthy() {
    let home = Home::seeded();
    let db = home.open();
    let (begun, is_held) = std::sync::mpsc::channel();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let holder = std::thread::spawn(move || {
        db.write_blocking(move |_| {
            begun.send(()).unwrap();
            let _ = held.recv();
            Ok::<_, quarterdeck::store::Error>(())
        })
    });
    is_held.recv().unwrap();
    // Whether somebody probes or not: one look is enough.
    home.run(&["health", "database", "--no-check"]).says(3, &["degraded", "is not through"]);
    drop(release);
    holder.join().unwrap().unwrap();
    home.run(&["health", "database"]).done();
}

#[test]
fn only_what_is_asked_for_and_not_paused_is_probed_where_nobody_else_does() {
    let home = Home::seeded();
    let probe = |name: &str| format!("[[probe]]\nname = \"{name}\"\ncommand = [\"/usr/bin/touch\", \"{}\"]\n\n", home.path(name));
    std::fs::write(home.path("probes.toml"), ["one", "two", "three"].map(probe).concat()).unwrap();
    let config = home.path("config.toml");
    std::fs::write(&config, "").unwrap();
    let run = |words: &[&str]| home.run(&[&["--config", config.as_str()][..], words].concat());
    let looked = |names: [&str; 3]| names.map(|name| std::fs::exists(home.path(name)).unwrap());
    run(&["probe", "pause", "two", "--reason", "it is rebuilt"]).done();
    run(&["health", "one", "two"]).says(0, &["one"]);
    assert_eq!(looked(["one", "two", "three"]), [true, false, false], "of the two that were asked for one is paused");
    run(&["health"]).ended(3);
    assert_eq!(looked(["one", "two", "three"]), [true, false, true]);
}

#[test]
fn json_is_one_object_with_every_line_and_its_reason() {
    let home = Home::seeded();
    let board = home.run(&["health", "--json"]).ended(3).json();
    assert_eq!(board["status"], "unknown");
    assert!(names(&board).contains(&"own/database".to_owned()), "{board}");
    let line = &board["systems"][0]["lines"][0];
    assert!(line["reason"].as_str().is_some_and(|reason| !reason.is_empty()) && line["kind"] == "own", "{line}");
    assert!(board["components"].as_array().unwrap().iter().any(|part| part["name"] == "database" && part["status"] == "healthy"));
    let one = home.run(&["health", "database", "--json"]).done().json();
    assert_eq!(names(&one), ["own/database"]);
    assert!(one["systems"][0]["lines"][0]["since"].is_null(), "nobody probed: since when it is so is not known, and not since now");
}

#[test]
fn a_database_that_cannot_be_read_is_a_failure_and_no_state() {
    let home = Home::new();
    std::fs::write(home.database(), "this is no database, and it is long enough to be looked at as one").unwrap();
    let did = home.run(&["health"]);
    assert_eq!(did.code, 1, "{}{}", did.out, did.err);
}

#[test]
fn who_only_looks_makes_no_deck_in_a_place_that_was_mistyped() {
    let home = Home::new();
    let elsewhere = home.path("srv/dekc");
    for words in [
        &["health"][..],
        &["mark", "list"],
        &["heartbeat", "list"],
        &["audit", "verify"],
        &["audit", "log"],
        &["retention", "run", "--dry-run"],
        &["retention", "hold", "list"],
        &["erase", "status", "somebody"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", home.directory.path()).env("USER", "ana").args(["--data-dir", &elsewhere]).args(words);
        Did::of(command.stdin(Stdio::null()).output().unwrap()).refused(1, "`quarterdeck db migrate` makes it");
        assert!(!std::path::Path::new(&home.path("srv")).exists(), "{words:?}");
    }
    // A word before a colon is no file.
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.env_clear().env("HOME", home.directory.path()).env("USER", "ana").current_dir(home.directory.path());
    let did = Did::of(command.args(["--database", "foo:bar", "pause", "--reason", "x"]).stdin(Stdio::null()).output().unwrap());
    assert!(did.code != 0 && did.err.contains("the engine is not known"), "{}", did.err);
    assert!(!std::path::Path::new(&home.path("foo:bar")).exists());
}

#[test]
fn a_database_that_cannot_be_opened_comes_with_a_next_step() {
    let home = Home::new();
    std::fs::create_dir(home.database()).unwrap();
    let did = home.run(&["--json", "team", "list"]).ended(1);
    let said: Value = serde_json::from_str(&did.err).unwrap();
    assert!(said["next"].as_str().is_some_and(|next| next.contains("quarterdeck doctor")), "{said}");
}

#[test]
fn changes_are_followed_line_by_line() {
    let home = Home::seeded();
    let mut watching = Running::start(&home, &["health", "--watch", "--json", "budgets"]);
    assert_eq!(names(&watching.line()), ["own/budgets"]);
    home.run(&["budget", "set", "daily", "--limit", "100", "--period", "day"]).done();
    let change = watching.line();
    assert_eq!(
        (change["id"].as_str(), change["from"].as_str(), change["to"].as_str()),
        (Some("own/budgets"), Some("unknown"), Some("healthy"))
    );
    assert_eq!(watching.end(), Some(0), "the state at the end counts");
}

#[test]
fn what_happened_is_marked_and_found_again() {
    let home = Home::seeded();
    home.run(&["mark", "deployment", "assistant 2.4.1", "--system", "assistant", "--at", "10m"]).done();
    home.run(&["mark", "note", "the network people work tonight"]).done();
    home.run(&["pause", "--reason", "odd answers"]).done();
    home.run(&["mark", "note", "  "]).refused(2, "1 to 300 characters");
    home.run(&["mark", "note", "x", "--at", "2999-01-01"]).refused(2, "happened already");
    home.run(&["mark", "deployment", &"x".repeat(301)]).refused(2, "300 characters");
    home.run(&["mark", "deployment", "x", "--system", ""]).refused(2, "1 to 64 characters");
    let events = home.run(&["mark", "list", "--json"]).done().json();
    let told: Vec<&str> = events["events"].as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap()).collect();
    assert_eq!(told[..2], ["all sending: paused (odd answers)", "the network people work tonight"]);
    assert!(told.contains(&"assistant: assistant 2.4.1"), "{told:?}");
    home.run(&["mark", "list"]).says(0, &["pause", "note", "deployment"]);
    let only = home.run(&["mark", "list", "--system", "assistant", "--json"]).done().json();
    assert_eq!(only["events"].as_array().unwrap().len(), 1);
    home.run(&["mark", "list", "--since", "1h", "--until", "2h"]).refused(2, "--since");
}

#[test]
fn a_start_is_a_mark_and_so_are_settings_that_changed() {
    let home = Home::seeded();
    let serve = |interval: &str| {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--json"]);
        command.env("QUARTERDECK_AGENT_INTERVAL_SECONDS", interval);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut running = Running { child, out };
        let address = running.line()["serving"].as_str().unwrap().to_owned();
        let found = get(&address, "/health");
        (found, get(&address, "/health/ready"), get(&address, "/health/live"), running.end())
    };
    let (health, ready, live, code) = serve("60");
    assert_eq!((health.0, ready.0, live.0, code), (200, 200, 200, Some(0)));
    assert!(names(&health.1).contains(&"own/database".to_owned()) && ready.1["ready"] == true && live.1["alive"] == true);
    serve("61");
    let events = home.run(&["mark", "list", "--json"]).done().json();
    let told: Vec<&str> = events["events"].as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap()).collect();
    assert_eq!(told.iter().filter(|what| what.starts_with("serve started as ")).count(), 2, "{told:?}");
    assert!(told.iter().any(|what| what.contains("for the first time")), "{told:?}");
    assert!(told.iter().any(|what| what.contains("changed: agent.interval_seconds")), "{told:?}");
}
