//! SIGTERM in the middle of every long command: it ends within thirty seconds, says honestly how it ended, and leaves nothing half done.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "support/ledger.rs"]
mod ledger;

use ledger::Home;
use quarterdeck::agent::runs;
use quarterdeck::base::{PersonaId, clock};
use quarterdeck::sandbox;
use quarterdeck::search::embed::Model;
use quarterdeck::search::vectors;
use quarterdeck::store::{Address, audit};
use quarterdeck::upkeep::runs as upkeep;
use quarterdeck::vals;
use serde_json::Value;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Within this a process has to be gone.
const WITHIN: Duration = Duration::from_secs(30);

/// A program that goes on; killed when the test ends without it.
struct Running {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    err: Option<BufReader<ChildStderr>>,
    input: Option<ChildStdin>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How it ended.
struct Ended {
    code: Option<i32>,
    took: Duration,
    out: String,
    err: String,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().map(BufReader::new), child.stderr.take().map(BufReader::new));
        let input = child.stdin.take();
        Self { child, out, err, input }
    }

    /// Read what it says until this is said.
    fn until(&mut self, words: &str) -> String {
        until(self.out.as_mut().unwrap(), words)
    }

    /// The same of what it says beside its result.
    fn until_noted(&mut self, words: &str) -> String {
        until(self.err.as_mut().unwrap(), words)
    }

    fn ask(&self) {
        // It may be gone already.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).stderr(Stdio::null()).status().unwrap();
    }

    /// Ask it to end, and wait until it is gone.
    fn stop(self) -> Ended {
        let asked = Instant::now();
        self.ask();
        self.gone(asked)
    }

    /// Ask it to end again and again, as somebody does who has no patience.
    fn stop_at_once(mut self) -> Ended {
        let asked = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            self.ask();
        }
        self.gone(asked)
    }

    /// Wait until it is gone. What it still says is read meanwhile: a full pipe must not hold it up.
    fn gone(mut self, asked: Instant) -> Ended {
        let (mut out, mut err) = (self.out.take().unwrap(), self.err.take().unwrap());
        let saying = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = out.read_to_string(&mut text);
            text
        });
        let noting = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            text
        });
        let code = self.child.wait().unwrap().code();
        Ended { code, took: asked.elapsed(), out: saying.join().unwrap(), err: noting.join().unwrap() }
    }
}

fn until(reader: &mut impl std::io::BufRead, words: &str) -> String {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "it ended without {words:?}: {all}");
        all.push_str(&line);
        if line.contains(words) {
            return all;
        }
    }
}

impl Ended {
    #[track_caller]
    fn in_time(&self, code: i32) -> &Self {
        assert!(self.took < WITHIN, "it took {:?}", self.took);
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }
}

/// The sandbox as another program, and the settings that it prints.
fn sandbox(home: &Home, faults: &[&str]) -> (Running, Vec<(String, String)>) {
    let mut command = home.command(&["sandbox", "--port", "0", "--json"]);
    for fault in faults {
        command.args(["--fault", fault]);
    }
    let mut running = Running::start(command);
    let said: Value = serde_json::from_str(&running.until("{")).unwrap();
    let variables = said["environment"].as_object().unwrap();
    let variables = variables.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    (running, variables)
}

/// A connection that asks for nothing and is never closed by this side.
fn idle(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n").unwrap();
    stream
}

#[test]
fn the_endpoint_and_the_sandbox_end_although_somebody_holds_a_connection() {
    let home = Home::new();
    let mut serving = Running::start(home.command(&["serve", "--listen", "127.0.0.1:0", "--json"]));
    let said: Value = serde_json::from_str(&serving.until("serving")).unwrap();
    let _held = idle(said["serving"].as_str().unwrap());
    serving.stop().in_time(0);

    let (sandbox, variables) = sandbox(&home, &[]);
    let url = &variables.iter().find(|(name, _)| name == "REDDIT_BASE_URL").unwrap().1;
    let _held = idle(url.split("://").nth(1).unwrap().split('/').next().unwrap());
    sandbox.stop().in_time(0);
}

#[test]
fn an_agent_whose_model_does_not_answer_ends_and_hands_back_what_it_held() {
    let home = Home::new();
    let (_sandbox, variables) = sandbox(&home, &["model:/chat/completions=timeout:600s"]);
    home.run(&["budget", "set", "daily", "--limit", "100", "--period", "day"]).done();
    let with = |words: &[&str]| {
        let mut command = home.command(words);
        command.envs(variables.clone()).env("QUARTERDECK_AGENT_MIN_PROBABILITY", "1.0").env("QUARTERDECK_AGENT_MAX_PROBABILITY", "1.0");
        command
    };
    assert!(with(&["persona", "add", sandbox::ACCOUNT, "--subreddit", "test"]).output().is_ok());
    let added = with(&["persona", "list", "--json"]).output().unwrap();
    if !String::from_utf8_lossy(&added.stdout).contains(sandbox::ACCOUNT) {
        assert!(with(&["seed"]).output().unwrap().status.success());
    }
    let mut running = Running::start(with(&["agent", "run", "--json"]));
    running.until("started");
    // A call is under way when the ledger has it.
    let mut changes = home.db.changes().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let calls = || {
        let row =
            home.db.read_blocking(|c| c.first("SELECT CAST(count(*) AS BIGINT) AS calls FROM llm_calls WHERE outcome = 'started'", &[]));
        row.unwrap().unwrap().int("calls").unwrap()
    };
    let waiting = Instant::now();
    while calls() == 0 {
        assert!(waiting.elapsed() < Duration::from_secs(60), "no model was asked");
        let _ = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(1), changes.changed()).await });
    }
    running.stop().in_time(0);
    let runs = home.db.read_blocking(runs::list).unwrap();
    assert!(!runs.is_empty() && runs.iter().all(|run| run.status == "stopped"), "{runs:?}");
    let held = home.db.read_blocking(|c| {
        c.first("SELECT CAST(count(*) AS BIGINT) AS held FROM pending_posts WHERE state IN ('sending', 'claimed')", &[])
    });
    assert_eq!(held.unwrap().unwrap().int("held").unwrap(), 0);
    // What its call may have cost is settled by whoever comes next, and until then it is set aside.
    let fixed = home.run(&["doctor", "--json", "--only", "agents,leases"]);
    assert!(home.db.read_blocking(audit::verify).unwrap().problems.is_empty(), "{fixed:?}");
}

#[test]
fn a_demonstration_that_is_stopped_leaves_nothing_behind() {
    let home = Home::new();
    let temporary = home.directory.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.env_clear().env("HOME", home.directory.path()).env("USER", "ana").env("TMPDIR", &temporary);
    command.args(["demo", "--headless", "--cycles", "1000", "--posts", "200"]);
    let mut running = Running::start(command);
    running.until("queue");
    let ended = running.stop();
    ended.in_time(1);
    assert!(ended.err.contains("stopped before its end"), "{}", ended.err);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "the demonstration's directory is gone");
}

fn call(number: u32) -> String {
    let at = clock::rfc3339(1_785_000_000_000 + i64::from(number) * 60_000);
    format!(
        r#"{{"timestamp":"{at}","module":"m","signature":"s","latency_ms":1.5,"tokens":{{"input":1,"output":7}},"cost_usd":0.000001,"success":true,"model":"made/up","persona":"p"}}"#
    )
}

fn calls(home: &Home) -> i64 {
    let row = home.db.read_blocking(|c| c.first("SELECT CAST(count(*) AS BIGINT) AS calls FROM llm_calls", &[]));
    row.unwrap().unwrap().int("calls").unwrap()
}

#[test]
fn an_import_that_is_stopped_keeps_what_it_read_and_the_next_one_goes_on_there() {
    let home = Home::new();
    let total = 120_000;
    let log = home.directory.path().join("calls.jsonl");
    let rejects = home.directory.path().join("rejects.jsonl");
    let text: String = (0..total).map(|number| call(number) + "\n").collect();
    std::fs::write(&log, format!("no call\n{text}")).unwrap();
    let words =
        ["import", "calls", log.to_str().unwrap(), "--batch", "2000", "--progress", "always", "--rejects", rejects.to_str().unwrap()];
    let mut running = Running::start(home.command(&words));
    running.until_noted("calls committed");
    let ended = running.stop();
    ended.in_time(1);
    assert!(ended.err.contains("was stopped") && ended.err.contains("the next run continues there"), "{}", ended.err);
    let read = calls(&home);
    assert!(read > 0 && read < i64::from(total), "{read}");
    let rejected: Vec<String> = std::fs::read_to_string(&rejects).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(rejected.len(), 1);
    assert!(serde_json::from_str::<Value>(&rejected[0]).is_ok(), "a rejected line is written whole");
    let next = home.run(&["import", "calls", log.to_str().unwrap(), "--json"]);
    assert!(next.code == 0 || next.code == 3, "{next:?}");
    assert_eq!(calls(&home), i64::from(total), "nothing is lost, and nothing counts twice");
    home.run(&["doctor", "--only", "ledger"]).done();
}

#[test]
fn following_a_log_ends_when_it_is_told_to() {
    let home = Home::new();
    let log = home.directory.path().join("calls.jsonl");
    std::fs::write(&log, call(1) + "\n").unwrap();
    let mut running = Running::start(home.command(&["import", "calls", "--follow", "--json", log.to_str().unwrap()]));
    running.until("lines");
    let ended = running.stop();
    ended.in_time(0);
    assert_eq!(calls(&home), 1);
}

#[test]
fn an_import_from_a_pipe_that_says_nothing_ends_too() {
    let home = Home::new();
    let mut running = Running::start(home.command(&["import", "calls", "-", "--progress", "always"]));
    let mut input = running.input.take().unwrap();
    // More than a pipe holds: when it is written, the import has begun to read.
    for number in 0..2_000 {
        writeln!(input, "{}", call(number)).unwrap();
    }
    let ended = running.stop();
    ended.in_time(1);
    assert!(ended.err.contains("stopped"), "{}", ended.err);
    drop(input);
}

#[test]
fn a_round_that_is_stopped_gives_up_what_hangs_and_says_so_in_its_report() {
    let home = Home::new();
    let state = home.directory.path().join(".local/state/quarterdeck");
    std::fs::create_dir_all(&state).unwrap();
    // A log on a disk that does not answer.
    assert!(Command::new("mkfifo").arg(state.join("quarterdeck.log")).status().unwrap().success());
    let to = home.directory.path().join("round.md");
    let mut running = Running::start(home.command(&["round", "daily", "--to", to.to_str().unwrap()]));
    running.until("spend of yesterday");
    let ended = running.stop();
    ended.in_time(1);
    assert!(ended.err.contains("stopped before its end"), "{}", ended.err);
    let report = std::fs::read_to_string(&to).unwrap();
    assert!(report.contains("the round was stopped") && report.contains("health board"), "{report}");
    let last = home.db.read_blocking(|c| upkeep::last(c, upkeep::Kind::Round)).unwrap().unwrap();
    assert_eq!((last.outcome, last.detail["stopped"].as_bool()), (upkeep::Outcome::Failed, Some(true)));
}

#[test]
fn following_the_board_ends_when_it_is_told_to() {
    let home = Home::new();
    let mut running = Running::start(home.command(&["health", "--watch", "--json"]));
    running.until("{");
    let ended = running.stop();
    assert!(ended.took < WITHIN && ended.code.is_some(), "{:?}: {}", ended.code, ended.err);
}

/// The program over another database.
fn over(home: &Home, database: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.env_clear().env("HOME", home.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin");
    command.arg("--data-dir").arg(home.directory.path()).args(["--database", database]).args(words);
    command
}

#[test]
fn a_server_that_takes_the_connection_and_says_nothing_keeps_no_command() {
    let home = Home::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://deck@{}/deck", server.local_addr().unwrap());
    let waiting = Running::start(over(&home, &url, &["db", "status"]));
    let _held = server.accept().unwrap();
    let begun = Instant::now();
    let checking = Running::start(over(&home, &url, &["db", "check", "--quick"]));
    // It is connected, and waits for an answer that does not come.
    let _held_too = server.accept().unwrap();
    let ended = checking.stop_at_once();
    assert!(ended.in_time(1).err.contains("stopped before the end"), "{}", ended.err);
    // By itself it gives up too, and says whose fault it is.
    let ended = waiting.gone(begun);
    assert!(ended.in_time(1).err.contains("did not answer within"), "{}", ended.err);
}

#[test]
fn a_check_of_a_probe_that_is_stopped_takes_the_command_of_the_probe_with_it() {
    let home = Home::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = server.local_addr().unwrap().to_string().replace(':', "/");
    let directory = home.directory.path().join(".config/quarterdeck");
    std::fs::create_dir_all(&directory).unwrap();
    // It holds a connection for as long as it lives.
    let script = format!("exec 3<>/dev/tcp/{place}; exec sleep 600");
    let probe = format!("[[probe]]\nname = \"job\"\ninterval = \"1h\"\ntimeout = \"5m\"\ncommand = [\"bash\", \"-c\", \"{script}\"]\n");
    std::fs::write(directory.join("probes.toml"), probe).unwrap();
    let running = Running::start(home.command(&["probe", "check"]));
    let (mut held, _) = server.accept().unwrap();
    let ended = running.stop();
    assert!(ended.in_time(1).err.contains("stopped before the end"), "{}", ended.err);
    held.set_read_timeout(Some(WITHIN)).unwrap();
    assert_eq!(held.read(&mut [0]).unwrap(), 0, "the command is gone");
}

/// A database that is large enough for work on it to be met in the middle.
fn large() -> Home {
    let home = Home::new();
    let log = home.directory.path().join("calls.jsonl");
    let text: String = (0..60_000).map(|number| call(number) + "\n").collect();
    std::fs::write(&log, text).unwrap();
    home.run(&["import", "calls", log.to_str().unwrap(), "--json"]).done();
    let written = home.db.write_blocking(|c| {
        let (model, persona) = (Model { name: "made-up".to_owned(), dimensions: 32 }, PersonaId::from_stored("ana"));
        let numbers = |passage: i64| {
            let mut random = fastrand::Rng::with_seed(passage.unsigned_abs());
            (0..32).map(|_| random.f32() - 0.5).collect::<Vec<_>>()
        };
        (1..=300).try_for_each(|passage| vectors::put(c, passage, Some(&persona), &model, Some(&numbers(passage)), 1))
    });
    written.unwrap();
    home.run(&["index", "rebuild"]).done();
    home
}

/// Whether a process has begun to work on the database.
fn is_at_work(home: &Home, process: u32) -> bool {
    match home.db.address() {
        // The engine has its file open.
        Address::Sqlite(_) => {
            let files = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
            files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|path| path.to_string_lossy().contains(".db"))
        }
        Address::Postgres(_) => home
            .db
            .read_blocking(move |c| {
                let name = format!("quarterdeck ({process})");
                c.first("SELECT 1 AS one FROM pg_stat_activity WHERE application_name = CAST($1 AS TEXT)", vals![name])
            })
            .unwrap()
            .is_some(),
    }
}

#[test]
fn backups_checks_and_retention_end_and_leave_nothing_half_done() {
    let home = large();
    let data = home.directory.path();
    let entries = |directory: &Path| -> Vec<String> {
        let all = std::fs::read_dir(directory).into_iter().flatten().flatten();
        all.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let export = data.join("log.csv").display().to_string();
    for words in [
        &["backup", "create"][..],
        &["db", "check", "--full"],
        &["db", "optimize"],
        &["db", "vacuum"],
        &["retention", "run"],
        &["audit", "verify"],
        &["audit", "export", "--format", "csv", "--to", &export],
        &["index", "rebuild"],
        &["index", "verify"],
        &["index", "backup"],
        &["report", "cost"],
        &["round", "weekly"],
        &["doctor"],
    ] {
        let running = Running::start(home.command(words));
        // It may be over by the time that the request arrives, which is an end as well.
        let waiting = Instant::now();
        while !is_at_work(&home, running.child.id()) && waiting.elapsed() < Duration::from_secs(5) {
            std::thread::yield_now();
        }
        let ended = running.stop();
        assert!(ended.took < WITHIN, "{words:?} took {:?}", ended.took);
        assert!(ended.code.is_some(), "{words:?} says itself how it ended, and is not killed by the signal: {}", ended.err);
        assert!(ended.code != Some(1) || ended.err.contains("error:"), "{words:?} says why: {}", ended.err);
        // Nothing of a backup that was not finished lies about under the name of one.
        let listed = home.run(&["backup", "list", "--json"]).done().json();
        for backup in listed["backups"].as_array().unwrap() {
            assert!(backup["problem"].is_null(), "{words:?}: {backup} in {:?}", entries(&data.join("backups")));
        }
        assert!(!entries(data).iter().any(|name| name.starts_with(".doctor-")), "{words:?}: {:?}", entries(data));
        assert!(entries(&data.join("index")).iter().any(|name| name.ends_with(".vectors")), "{words:?}: the index is there");
        assert!(home.db.read_blocking(audit::verify).unwrap().problems.is_empty(), "{words:?}");
    }
    home.run(&["index", "verify"]).done();
    home.run(&["backup", "create"]).done();
    home.run(&["backup", "verify"]).done();
    // A drill that is stopped leaves no scratch place.
    let temporary = data.join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = home.command(&["backup", "drill"]);
    command.env("TMPDIR", &temporary);
    let ended = Running::start(command).stop();
    assert!(ended.took < WITHIN, "{:?}", ended.took);
    assert_eq!(calls(&home), 60_000);
    home.run(&["db", "check", "--quick"]).done();
}
