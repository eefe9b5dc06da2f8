//! Probes as a person uses them: the real program, real HTTP, real processes that take over from each other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/ledger.rs"]
mod ledger;

use ledger::{Did, Home};
use quarterdeck::store::Address;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// A deck with a `probes.toml`.
struct Deck(Home);

impl Deck {
    fn new(probes: &str) -> Self {
        let deck = Self(Home::new());
        std::fs::write(deck.path("config.toml"), "").unwrap();
        deck.write(probes);
        deck
    }

    fn path(&self, name: &str) -> String {
        self.0.directory.path().join(name).display().to_string()
    }

    fn write(&self, probes: &str) {
        std::fs::write(self.path("probes.toml"), probes).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.0.command(words);
        command.arg("--config").arg(self.path("config.toml"));
        command
    }

    fn run(&self, words: &[&str]) -> Did {
        let output = self.command(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Did { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// `quarterdeck serve`, once it serves.
    fn serve(&self) -> Running {
        let mut child =
            self.command(&["serve", "--listen", "127.0.0.1:0", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("serving"), "{line}");
        Running(child)
    }

    /// A line of `probe list`.
    fn line(&self, name: &str) -> Value {
        let list = self.run(&["probe", "list", "--json"]).done().json();
        let lines = list["probes"].as_array().unwrap();
        lines.iter().find(|line| line["name"] == name).cloned().unwrap_or_else(|| panic!("{name} in {list}"))
    }

    /// Wait until a line is as wanted, and return it.
    #[track_caller]
    fn until(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(|| Some(self.line(name)).filter(|line| wanted(line)), || self.line(name).to_string())
    }
}

#[track_caller]
fn until<T>(mut look: impl FnMut() -> Option<T>, told: impl Fn() -> String) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        // Each look is a process of its own: it takes its time.
        assert!(began.elapsed() < Duration::from_secs(60), "it did not come: {}", told());
    }
}

/// A program that goes on; killed when the test ends without it.
struct Running(Child);

impl Running {
    fn id(&self) -> String {
        self.0.id().to_string()
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.id()]).status().unwrap().success());
    }

    fn end(mut self) -> Option<i32> {
        self.signal("-TERM");
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A web server that answers every request with a status that can be changed.
fn server() -> (String, Arc<AtomicU16>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let status = Arc::new(AtomicU16::new(200));
    let told = Arc::clone(&status);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            answer(stream, told.load(Ordering::SeqCst));
        }
    });
    (address, status)
}

fn answer(mut stream: TcpStream, status: u16) {
    let mut request = [0; 1_024];
    let _ = stream.read(&mut request);
    let body = r#"{"status":"ok"}"#;
    let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
}

fn http(name: &str, address: &str) -> String {
    format!(
        "[[probe]]\nname = \"{name}\"\nsystem = \"web\"\nhttp = \"http://{address}/health\"\ninterval = \"1s\"\ntimeout = \"1s\"\n\
         failures = 2\nsuccesses = 1\nconditions = [\"[STATUS] == 200\", \"[BODY].status == ok\"]\n"
    )
}

#[test]
fn a_file_is_validated_with_the_place_of_every_fault() {
    let deck = Deck::new("[[probe]]\nname = \"a\"\nhttp = \"http://h/\"\nintervall = \"3s\"\n\n[[probe]]\nname = \"b\"\n");
    let did = deck.run(&["probe", "validate"]);
    assert_eq!(did.code, 3, "{did:?}");
    assert!(did.out.contains("line 4, column 1") && did.out.contains("did you mean `interval`?"), "{did:?}");
    assert!(did.out.contains("line 6, column 1") && did.out.contains("2 faults"), "{did:?}");
    let value = deck.run(&["probe", "validate", "--json"]);
    assert_eq!((value.code, value.json()["faults"].as_array().unwrap().len()), (3, 2));
    deck.run(&["probe", "check"]).refused(1, "probe validate");
    deck.write("[[probe]]\nname = \"a\"\ntcp = \"h:1\"\n");
    assert!(deck.run(&["probe", "validate"]).done().out.contains("1 probes"));
    std::fs::remove_file(deck.path("probes.toml")).unwrap();
    assert!(deck.run(&["probe", "validate"]).done().out.contains("nothing is probed"));
    assert!(deck.run(&["probe", "list"]).done().out.contains("probe presets"));
}

#[test]
fn presets_are_shown_with_their_variables_and_sources() {
    let deck = Deck::new("");
    let all = deck.run(&["probe", "presets", "--json"]).done().json();
    let names: Vec<&str> = all["presets"].as_array().unwrap().iter().map(|preset| preset["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["reddit-agent", "advisor-batch", "support-assistant", "module-optimisation", "textbook-rag"]);
    let one = deck.run(&["probe", "presets", "textbook-rag"]).done();
    assert!(one.out.contains("the runbooks of the textbook chatbot") && one.out.contains("qdrant_url"), "{one:?}");
    deck.run(&["probe", "presets", "textbok-rag"]).refused(2, "did you mean \"textbook-rag\"?");
    deck.write("presets = [\"textbook-rag\"]\n[preset.textbook-rag]\nbase_url = \"http://127.0.0.1:1\"\nsystem = \"books\"\n");
    let list = deck.run(&["probe", "list", "--json"]).done().json();
    let lines = list["probes"].as_array().unwrap();
    assert!(lines.iter().all(|line| line["system"] == "books" && line["status"] == "unknown"), "{list}");
    assert!(lines.iter().all(|line| line["name"] != "textbook-redis"), "without its variable a probe is left out: {list}");
}

#[test]
fn a_check_tells_what_is_wrong_and_what_to_try_first() {
    let (address, status) = server();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let deck =
        Deck::new(&format!("{}[[probe]]\nname = \"gone\"\ntcp = \"{free}\"\nremedy = \"Start the shop.\"\n", http("shop", &address)));
    let did = deck.run(&["probe", "check", "shop", "--json"]).done();
    assert_eq!((did.json()["healthy"].as_bool(), did.json()["checks"][0]["status"].as_str()), (Some(true), Some("healthy")));
    status.store(503, Ordering::SeqCst);
    let did = deck.run(&["probe", "check", "--json"]);
    assert_eq!(did.code, 3, "{did:?}");
    let value = did.json();
    let (shop, gone) = (&value["checks"][0], &value["checks"][1]);
    assert_eq!(
        (shop["status"].as_str(), gone["status"].as_str(), gone["cause"].as_str()),
        (Some("unhealthy"), Some("unhealthy"), Some("refused"))
    );
    assert_eq!(gone["remedy"]["text"], "Start the shop.");
    assert!(!shop["remedy"]["text"].as_str().unwrap().is_empty());
    let did = deck.run(&["probe", "check", "gone"]);
    assert!(did.code == 3 && did.out.contains("Start the shop."), "{did:?}");
    deck.run(&["probe", "check", "shopp"]).refused(2, "did you mean \"shop\"?");
}

#[test]
fn what_stands_for_a_name_is_told_nowhere() {
    let (address, _status) = server();
    let deck = Deck::new(&format!(
        "[[probe]]\nname = \"shop\"\nhttp = \"http://{address}/hooks/${{SHOP_KEY}}\"\nconditions = [\"[BODY].status == ${{SHOP_KEY}}\"]\n\
         remedy_command = \"curl http://{address}/hooks/${{SHOP_KEY}}\"\n"
    ));
    let run = |words: &[&str]| {
        let output = deck.command(words).env("SHOP_KEY", "canary-4711").output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let checked = run(&["probe", "check", "--json"]);
    assert!(checked.contains("[BODY].status == [secret] does not hold") && checked.contains("/hooks/${SHOP_KEY}"), "{checked}");
    let history = run(&["probe", "history", "shop", "--json"]);
    let listed = run(&["probe", "list", "--json"]);
    assert!(listed.contains("/hooks/[secret]"), "{listed}");
    for told in [checked, history, listed, run(&["probe", "list"]), run(&["health", "--json"]), run(&["probe", "validate", "--json"])] {
        assert!(!told.contains("canary-4711"), "{told}");
    }
}

#[test]
fn a_service_that_fails_and_comes_back_shows_with_its_history() {
    let (address, status) = server();
    let deck = Deck::new(&http("shop", &address));
    assert_eq!(deck.line("shop")["status"], "unknown");
    let running = deck.serve();
    let line = deck.until("shop", |line| line["status"] == "healthy");
    assert!(line["latencies"][0].as_u64().is_some() && line["next_at"].as_i64().is_some(), "{line}");
    assert!(line["target"].as_str().unwrap().starts_with("http 127.0.0.1"), "{line}");

    status.store(500, Ordering::SeqCst);
    let line = deck.until("shop", |line| line["status"] == "unhealthy");
    assert!(line["since"].as_i64().is_some() && line["last_error"][1].as_str().is_some(), "{line}");
    assert!(line["remedy"]["text"].as_str().unwrap().contains("fails inside") || line["remedy"]["text"].as_str().is_some(), "{line}");

    status.store(200, Ordering::SeqCst);
    deck.until("shop", |line| line["status"] == "healthy");
    let history = deck.run(&["probe", "history", "shop", "--json"]).done().json();
    let to: Vec<&str> = history["changes"].as_array().unwrap().iter().map(|change| change["to"].as_str().unwrap()).collect();
    assert_eq!(to, ["healthy", "unhealthy", "healthy"]);
    assert!(history["sums"][0]["sum"]["failures"].as_i64().unwrap() >= 2, "{history}");
    assert!(deck.run(&["probe", "history", "shop", "--last", "30d"]).done().out.contains("unhealthy"));
    deck.run(&["probe", "history", "shopp"]).refused(2, "did you mean");

    deck.run(&["probe", "pause", "shop", "--reason", "rebuild", "--for", "1h"]).done();
    let line = deck.line("shop");
    assert!(line["paused"][0].as_str() == Some("ana") && line["reason"].as_str().unwrap().contains("rebuild"), "{line}");
    deck.run(&["probe", "pause", "nobody", "--reason", "x"]).refused(2, "no probe");
    deck.run(&["probe", "pause", "shop", "--reason", " "]).refused(2, "reason");
    assert!(deck.run(&["probe", "resume", "shop"]).done().out.contains("looked at again"));
    assert!(deck.run(&["probe", "resume", "shop"]).done().out.contains("was not paused"));

    assert_eq!(running.end(), Some(0));
    let list = deck.run(&["probe", "list", "--json"]).done().json();
    assert_eq!(list["watcher"], Value::Null, "the lease was given back: {list}");
}

#[test]
fn a_broken_file_leaves_what_was_in_force_and_another_process_takes_over() {
    let (address, _status) = server();
    let deck = Deck::new(&http("shop", &address));
    let first = deck.serve();
    deck.until("shop", |line| line["status"] == "healthy");
    let second = deck.serve();
    let watcher = || deck.run(&["probe", "list", "--json"]).done().json()["watcher"].as_str().unwrap_or_default().to_owned();
    assert!(watcher().ends_with(&format!(":{}", first.id())));

    deck.write("[[probe]]\nname = 3\n");
    let own = || deck.run(&["probe", "history", "own/probes", "--json"]).done().json()["status"].clone();
    until(|| Some(()).filter(|()| own() == "degraded"), || own().to_string());
    deck.write(&format!("{}{}", http("shop", &address), http("other", &address)));
    deck.until("other", |line| line["status"] == "healthy");

    // Killed, it gives nothing back; a process of the same machine sees that it is dead.
    first.signal("-KILL");
    drop(first);
    let second_id = second.id();
    until(|| Some(()).filter(|()| watcher().ends_with(&format!(":{second_id}"))), watcher);
    assert_eq!(second.end(), Some(0));
}

/// Probes of these addresses, one a second.
fn ports(addresses: &[String]) -> String {
    let probe = |(number, address): (usize, &String)| {
        format!("[[probe]]\nname = \"p{number}\"\ntcp = \"{address}\"\ninterval = \"1s\"\ntimeout = \"1s\"\nfailures = 2\nsuccesses = 1\n")
    };
    addresses.iter().enumerate().map(probe).collect()
}

#[test]
fn silent_hosts_all_at_once_are_one_finding() {
    let listeners: Vec<TcpListener> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let here: Vec<String> = listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect();
    let deck = Deck::new(&ports(&here));
    let running = deck.serve();
    for number in 0..4 {
        deck.until(&format!("p{number}"), |line| line["status"] == "healthy");
    }
    // The same services on other machines, whose names have no address.
    let away: Vec<String> = (0..4).map(|number| format!("h{number}.invalid:1")).collect();
    deck.write(&ports(&away));
    let held = deck.until("p1", |line| line["reason"].as_str().unwrap().contains("held"));
    assert_eq!(held["status"], "healthy", "it keeps the state it had: {held}");
    let list = deck.run(&["probe", "list", "--json"]).done().json();
    assert!(list["network"].as_str().unwrap().contains("4 of 4 hosts"), "{list}");
    assert_eq!(running.end(), Some(0));
}

#[test]
fn a_whole_stack_of_this_machine_that_is_down_is_unhealthy_and_not_the_network() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let deck = Deck::new(&ports(&["127.0.0.1", "localhost", "127.0.0.2"].map(|host| format!("{host}:{free}"))));
    let running = deck.serve();
    for name in ["p0", "p1", "p2"] {
        let line = deck.until(name, |line| line["status"] == "unhealthy");
        assert!(line["reason"].as_str().unwrap().contains("nobody listens"), "{line}");
    }
    let list = deck.run(&["probe", "list", "--json"]).done().json();
    assert_eq!(list["network"], Value::Null, "{list}");
    assert_eq!(running.end(), Some(0));
}

#[test]
fn a_slow_database_shows_with_who_holds_it() {
    let deck = Deck::new("");
    let running = deck.serve();
    let own = || deck.run(&["probe", "history", "own/database", "--json"]).done().json();
    until(|| Some(()).filter(|()| own()["status"] == "healthy"), || own().to_string());
    let mut hold = deck.command(&["sandbox", "hold-database", "--for", "40s", "--burst", "3000"]).stdout(Stdio::null()).spawn().unwrap();
    let found = until(|| Some(own()).filter(|own| own["status"] == "unhealthy" || own["status"] == "degraded"), || own().to_string());
    let reason = found["reason"].as_str().unwrap();
    assert!(reason.contains("write"), "{reason}");
    hold.kill().unwrap();
    hold.wait().unwrap();
    assert_eq!(running.end(), Some(0));
    let mut command = deck.command(&["sandbox", "hold-database", "--for", "1s"]);
    let output = command.env("QUARTERDECK_MODE", "live").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// What a loop knows of Reddit's limits is seen by another process while the loop waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_shows_with_what_to_do() {
    use quarterdeck::sandbox;
    let deck = Deck::new("");
    if matches!(deck.0.db.address(), Address::Postgres(_)) {
        // The loop is the same there.
        return;
    }
    let faults = vec!["reddit:/message/*=status:429".parse().unwrap()];
    let sandbox = sandbox::start(sandbox::Options { posts: 0, faults, ..sandbox::Options::default() }).await.unwrap();
    deck.run(&["persona", "add", sandbox::ACCOUNT]).done();
    let mut command = deck.command(&["agent", "run", "--json"]);
    for (name, value) in [
        ("QUARTERDECK_MODE", "sandbox".to_owned()),
        ("REDDIT_CLIENT_ID", sandbox::CLIENT_ID.to_owned()),
        ("REDDIT_CLIENT_SECRET", sandbox::CLIENT_SECRET.to_owned()),
        ("REDDIT_USERNAME", sandbox::ACCOUNT.to_owned()),
        ("REDDIT_PASSWORD", sandbox::PASSWORD.to_owned()),
        ("REDDIT_BASE_URL", sandbox.reddit_url()),
        ("REDDIT_OAUTH_URL", sandbox.reddit_url()),
        ("OPENROUTER_API_KEY", sandbox::MODEL_KEY.to_owned()),
        ("OPENROUTER_BASE_URL", sandbox.model_url()),
    ] {
        command.env(name, value);
    }
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let seen = tokio::task::spawn_blocking(move || {
        let running = Running(child);
        let own = || deck.run(&["probe", "history", "own/reddit", "--json"]).done().json();
        let found = until(|| Some(own()).filter(|own| own["status"] == "degraded"), || own().to_string());
        (found, running.end())
    });
    let (found, code) = seen.await.unwrap();
    assert!(found["reason"].as_str().unwrap().contains("429"), "{found}");
    assert_eq!(code, Some(0));
    sandbox.shutdown().await;
}
