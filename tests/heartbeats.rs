//! Heartbeats as jobs report them: by the command, by `heartbeat run` around them, and over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "support/program.rs"]
#[allow(dead_code)] // It serves several tests.
mod program;

use program::{Did, Home};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const FILE: &str = r#"
[[heartbeat]]
name = "nightly"
system = "shop"
cron = "0 3 * * *"
zone = "Europe/Berlin"
grace = "1h"
max_duration = "2h"
remedy = "Look at the import's log."

[[heartbeat]]
name = "hourly"
every = "1h"
"#;

fn home() -> Home {
    let home = Home::new();
    drop(home.open());
    write(&home, FILE);
    home
}

fn write(home: &Home, text: &str) {
    let directory = home.directory.path().join(".config/quarterdeck");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("probes.toml"), text).unwrap();
}

#[track_caller]
fn state(home: &Home, name: &str) -> String {
    let shown = home.run(&["heartbeat", "show", name, "--json"]).done().json();
    shown["heartbeat"]["view"]["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_job_that_never_reported_is_expected_at_one_time_however_often_it_is_asked_for() {
    let home = home();
    let due = || home.run(&["heartbeat", "show", "hourly", "--json"]).done().json()["heartbeat"]["view"]["due"].as_i64().unwrap();
    assert_eq!(due(), due());
    // Another schedule counts from when it is seen.
    let before = due();
    write(&home, &FILE.replace("every = \"1h\"", "every = \"2h\""));
    let after = due();
    assert!(after >= before + 3_600_000 && after == due(), "{before} {after}");
}

#[test]
fn a_job_reports_and_its_state_its_runs_and_its_next_times_are_shown() {
    let home = home();
    let listed = home.run(&["heartbeat", "list", "--json"]).done().json();
    assert_eq!(listed["heartbeats"][0]["view"]["state"], "new");
    assert_eq!(listed["heartbeats"][0]["status"], "unknown", "what has never reported is not known");
    home.run(&["heartbeat", "start", "nightly", "--run", "a"]).says(0, &["nightly: new", "first run is under way"]);
    let ended = home.run(&["heartbeat", "success", "nightly", "--run", "a", "--json"]).done().json();
    assert_eq!((ended["view"]["state"].as_str(), ended["run"].as_str()), (Some("up"), Some("a")));
    assert!(ended["duration_ms"].as_i64().is_some());
    let shown = home.run(&["heartbeat", "show", "nightly"]).done();
    shown.says(0, &["up", "0 3 * * * (Europe/Berlin), grace 1 h, a run takes at most 2 h", "03:00 CE", "03:00 CE", "03:00 CE", "success"]);
    let next = home.run(&["heartbeat", "show", "nightly", "--json"]).json()["heartbeat"]["next"].clone();
    assert_eq!(next.as_array().unwrap().len(), 3, "the next three times: {next}");

    home.run(&["heartbeat", "fail", "nightly", "--exit-status", "3", "--message", "disk \u{1b}[31mfull"])
        .says(0, &["nightly: down", "exit status 3: disk full"]);
    assert_eq!((state(&home, "nightly"), state(&home, "hourly")), ("down".into(), "new".into()));
    home.run(&["heartbeat"]).says(0, &["nightly", "shop", "down"]);
    home.run(&["heartbeat", "success", "nightly"]).says(0, &["nightly: up"]);
    home.run(&["audit", "log", "--json"]).says(0, &["heartbeat.recovered", "heartbeat.failed", "heartbeat.first"]);

    home.run(&["heartbeat", "show", "nightli"]).refused(2, "there are nightly, hourly");
    home.run(&["heartbeat", "start", "nightly", "--run", "a b"]).refused(2, "the id of a run");
    home.run(&["heartbeat", "fail", "nightly", "--exit-status", "0"]).refused(2, "--exit-status");
    home.run(&["heartbeat", "run", "nightly"]).refused(2, "COMMAND");
    home.run(&["heartbeat", "run", "weekly", "--", "true"]).refused(2, "no heartbeat called weekly");
    write(&home, "");
    home.run(&["heartbeat"]).says(0, &["there are no heartbeats"]);
    home.run(&["heartbeat", "start", "nightly"]).refused(2, "add [[heartbeat]]");
}

#[test]
fn a_command_is_run_between_its_reports_and_ends_as_it_ends() {
    let home = home();
    let did = home.run(&["heartbeat", "run", "hourly", "--", "sh", "-c", "echo out; echo err >&2"]).done();
    assert_eq!((did.out.as_str(), did.err.as_str()), ("out\n", "err\n"), "it prints what the command prints, and nothing else");
    assert_eq!(state(&home, "hourly"), "up");
    home.run(&["heartbeat", "run", "hourly", "--", "sh", "-c", "exit 77"]).ended(77);
    let shown = home.run(&["heartbeat", "show", "hourly", "--json"]).json();
    assert_eq!((shown["runs"][0]["outcome"].as_str(), shown["runs"][0]["exit_status"].as_i64()), (Some("failure"), Some(77)));
    assert!(shown["runs"][0]["run"].as_str().is_some() && shown["runs"][0]["started_at"].as_i64().is_some());
    assert_eq!(state(&home, "hourly"), "down");
    let json = home.run(&["heartbeat", "run", "hourly", "--json", "--", "sh", "-c", "echo out"]).done();
    assert_eq!((json.json()["exit_status"].as_i64(), json.json()["reported"].as_bool(), json.err.as_str()), (Some(0), Some(true), "out\n"));
    home.run(&["heartbeat", "run", "hourly", "--", "/no/such/program"]).refused(127, "cannot be run");
    home.run(&["heartbeat", "run", "hourly", "--", "sh", "-c", "kill -9 $$"]).ended(137);
    assert!(home.run(&["heartbeat", "show", "hourly"]).done().out.contains("ended by signal 9"));
}

#[test]
fn sigterm_is_passed_on_and_the_end_of_the_command_waited_for() {
    let home = home();
    let script = "trap 'echo told; exit 5' TERM; echo ready; sleep 600 & wait";
    let mut child = home.command(&["heartbeat", "run", "hourly", "--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    assert_eq!(state(&home, "hourly"), "new", "it is under way");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(lines.next().unwrap().unwrap(), "told");
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert_eq!(state(&home, "hourly"), "down");
}

#[test]
fn a_command_that_does_not_heed_sigterm_is_killed_and_has_failed() {
    let home = home();
    let script = "trap '' TERM; echo ready; exec sleep 600";
    let mut child = home.command(&["heartbeat", "run", "hourly", "--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let asked = Instant::now();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(137));
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    assert!(home.run(&["heartbeat", "show", "hourly"]).done().out.contains("was killed"));
    assert_eq!(state(&home, "hourly"), "down");
}

/// The same command, started by a shell that has done something before.
fn after(shell: &str, command: &Command) -> Command {
    let mut all = Command::new("sh");
    all.args(["-c", &format!("{shell}; exec \"$0\" \"$@\"")]).arg(command.get_program()).args(command.get_args()).env_clear();
    all.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    all
}

#[test]
fn a_job_under_nohup_survives_the_end_of_its_terminal() {
    let home = home();
    let script = "kill -HUP $PPID; kill -HUP $$; echo lived";
    let did =
        Did::of(after("trap '' HUP", &home.command(&["heartbeat", "run", "hourly", "--", "sh", "-c", script])).output().unwrap()).done();
    assert_eq!(did.out, "lived\n");
    assert_eq!(state(&home, "hourly"), "up");
}

#[test]
fn a_job_has_the_limits_that_it_was_given() {
    let home = home();
    let limits = ["-c", "ulimit -Sc; ulimit -Hc"];
    let without = Command::new("sh").args(limits).output().unwrap();
    let with = home.run(&[&["heartbeat", "run", "hourly", "--", "sh"][..], &limits].concat()).done();
    assert_eq!(with.out, String::from_utf8(without.stdout).unwrap());
}

#[test]
fn a_job_runs_though_the_server_takes_the_report_and_says_nothing() {
    let home = home();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://deck@{}/deck", server.local_addr().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.env_clear().env("HOME", home.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin").args(["--database", &url]);
    let began = Instant::now();
    let did = Did::of(command.args(["heartbeat", "run", "hourly", "--", "sh", "-c", "echo out; exit 6"]).output().unwrap()).ended(6);
    assert!(did.out == "out\n" && did.err.contains("does not answer"), "{}", did.err);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn a_job_runs_though_nothing_can_be_reported() {
    let home = home();
    // A probe of the same file needs a secret that cron does not have: the heartbeats are there all the same.
    write(&home, &format!("[[probe]]\nname = \"cache\"\nredis = \"127.0.0.1\"\npassword = \"${{NO_SUCH_SECRET}}\"\n{FILE}"));
    home.run(&["heartbeat", "run", "hourly", "--", "true"]).done();
    assert_eq!(state(&home, "hourly"), "up");
    write(&home, "this is no TOML");
    let did = home.run(&["heartbeat", "run", "hourly", "--", "sh", "-c", "echo out; exit 6"]).ended(6);
    assert!(did.out == "out\n" && did.err.contains("the heartbeat hourly is not reported"), "{}", did.err);
    home.run(&["heartbeat", "success", "hourly"]).refused(1, "probes.toml");
    write(&home, FILE);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(home.path(&format!("deck.db{end}")));
    }
    std::fs::create_dir(home.database()).unwrap();
    let did = home.run(&["heartbeat", "run", "hourly", "--", "sh", "-c", "echo out"]).done();
    assert!(did.out == "out\n" && did.err.contains("is not reported"), "{}", did.err);
}

/// `quarterdeck serve` on a free port.
struct Serving {
    child: Child,
    address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    fn start(home: &Home, more: &[&str]) -> Self {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--json"]);
        let mut child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, address: said["serving"].as_str().unwrap().to_owned() }
    }

    fn post(&self, path: &str, token: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = format!("POST {path} HTTP/1.0\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        // Too much is refused before it is read to its end.
        let _ = stream.write_all(body.as_bytes());
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }
}

#[test]
fn jobs_report_over_http_with_the_token_only() {
    const TOKEN: &str = "0123456789abcdef-0123456789abcdef";
    let home = home();
    let open = Serving::start(&home, &[]);
    let (status, said) = open.post("/heartbeat/nightly", TOKEN, "");
    assert_eq!(status, 403, "without a token nobody is let in");
    assert!(said["error"].as_str().unwrap().contains("--token-file"), "{said}");
    drop(open);

    let path = home.directory.path().join("token");
    std::fs::write(&path, TOKEN).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let serving = Serving::start(&home, &["--token-file", path.to_str().unwrap()]);
    assert_eq!(serving.post("/heartbeat/nightly", "wrong", "").0, 401);
    assert_eq!(state(&home, "nightly"), "new");
    assert_eq!(serving.post("/heartbeat/nightly/start?run=a", TOKEN, "").0, 200);
    let (status, said) = serving.post("/heartbeat/nightly?run=a", TOKEN, "imported 3 rows");
    assert_eq!((status, said["view"]["state"].as_str(), said["run"].as_str()), (200, Some("up"), Some("a")));
    assert!(said["duration_ms"].as_i64().is_some());
    let (status, said) = serving.post("/heartbeat/nightly/17", TOKEN, "disk \u{1b}[2Jfull");
    assert_eq!((status, said["view"]["state"].as_str()), (200, Some("down")));
    assert!(said["view"]["reason"].as_str().unwrap().contains("exit status 17: disk full"), "{said}");
    assert_eq!(serving.post("/heartbeat/nightly/0", TOKEN, "").1["view"]["state"], "up");
    assert_eq!(serving.post("/heartbeat/nightly/fail", TOKEN, "").1["view"]["state"], "down");
    for (path, body, status, words) in [
        ("/heartbeat/weekly", "", 404, "there are nightly, hourly"),
        ("/heartbeat/nightly/300", "", 404, "exit status from 0 to 255"),
        ("/heartbeat/nightly/%1b%5b2J", "", 404, "exit status"),
        ("/heartbeat/nightly?run=a%20b", "", 400, "the id of a run"),
        ("/heartbeat/nightly", &"x".repeat(200_000), 413, "at most"),
    ] {
        let (found, said) = serving.post(path, TOKEN, body);
        assert!(found == status && said["error"].as_str().unwrap().contains(words), "{path}: {found} {said}");
    }
    // The file may change while it serves.
    write(&home, &format!("{FILE}\n[[heartbeat]]\nname = \"weekly\"\nevery = \"7d\"\n"));
    assert_eq!(serving.post("/heartbeat/weekly", TOKEN, "").0, 200);
    write(&home, "this is no TOML");
    assert_eq!(serving.post("/heartbeat/hourly", TOKEN, "").0, 503);
}

#[test]
fn reports_at_the_same_time_are_all_taken() {
    let home = home();
    home.run(&["heartbeat", "success", "hourly"]).done();
    let children: Vec<Child> = (0..4)
        .map(|number| {
            let run = format!("run-{number}");
            home.command(&["heartbeat", "start", "hourly", "--run", &run]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        Did::of(child.wait_with_output().unwrap()).done();
    }
    let shown = home.run(&["heartbeat", "show", "hourly", "--json"]).json();
    assert_eq!(shown["heartbeat"]["view"]["running"].as_array().unwrap().len(), 4);
    let mut numbers: Vec<i64> = shown["runs"].as_array().unwrap().iter().map(|run| run["number"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}
