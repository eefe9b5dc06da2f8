//! What is asked of this machine: ports, commands and log files.

use super::{check, is, is_well, look, probe};
use quarterdeck::watch::Status;
use quarterdeck::watch::probe::check::{Cause, Tools};
use quarterdeck::watch::probe::model::{Probe, Target};
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_port_is_open_or_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = |host: &str| Target::Tcp { host: host.to_owned(), port };
    is_well(&look(target("127.0.0.1"), &["[CONNECTED] == true"]).await);
    is_well(&look(target("localhost"), &[]).await);
    is(&look(target("127.0.0.1"), &["[CONNECTED] == false"]).await, Status::Unhealthy, Cause::Condition, "it is “true”");
    drop(listener);
    is(&look(target("127.0.0.1"), &[]).await, Status::Unhealthy, Cause::Refused, "nobody listens");
    is(&look(target("no-such-host.invalid"), &[]).await, Status::Unhealthy, Cause::Dns, "no address");
    is(&look(target("\u{1b}[2J\nhost"), &[]).await, Status::Unhealthy, Cause::Dns, "no address");
}

fn shell(script: &str) -> Target {
    Target::Command { argv: vec!["sh".into(), "-c".into(), script.into()], env: vec![] }
}

/// A firewall that opens must show, whatever stands behind it does with the connection.
#[tokio::test]
async fn what_takes_a_connection_is_not_closed_though_it_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let http = |scheme: &str, port: u16| Target::Http {
        url: format!("{scheme}://127.0.0.1:{port}/"),
        method: "GET".into(),
        headers: vec![],
        body: None,
        follow: false,
    };
    let redis = Target::Redis { host: "127.0.0.1".into(), port, password: None };
    let url = format!("postgres://u@127.0.0.1:{port}/x");
    let postgres = Target::Postgres { url: url.into(), connections_degraded: 0.8, connections_unhealthy: 0.95 };
    let closed = ["[CONNECTED] == false"];
    for target in [redis, http("http", port), http("https", port), postgres] {
        let hasty = Probe { timeout: Duration::from_millis(300), ..probe(target, &closed) };
        is(&check(&hasty, &Tools::new().unwrap()).await, Status::Unhealthy, Cause::Timeout, "no whole answer");
    }
    drop(listener);
    for target in [http("http", port), Target::Redis { host: "127.0.0.1".into(), port, password: None }] {
        let outcome = look(target, &closed).await;
        assert_eq!((outcome.status, outcome.error), (Status::Healthy, None));
    }
    // Of a name without an address nobody knows.
    is(&look(Target::Tcp { host: "no-such-host.invalid".into(), port: 1 }, &closed).await, Status::Unhealthy, Cause::Dns, "no address");
}

#[tokio::test]
async fn a_command_is_its_exit_code() {
    is_well(&look(shell("exit 0"), &[]).await);
    let failed = look(shell("echo begun; echo 'no \u{1b}[31mdisk\u{1b}[0m' >&2; exit 3"), &[]).await;
    is(&failed, Status::Unhealthy, Cause::Exit(3), "sh ended with 3: no disk");
    assert_eq!(failed.value, Some(3.0));
    is(&look(shell("kill -9 $$"), &[]).await, Status::Unhealthy, Cause::Exit(137), "signal 9");
    is_well(&look(shell("echo '{\"lag\": 4}'"), &["[BODY].lag < 5"]).await);
    is(&look(shell("echo '{\"lag\": 9}'"), &["[BODY].lag < 5"]).await, Status::Unhealthy, Cause::Condition, "it is 9");
    let missing = Target::Command { argv: vec!["/no/such/program".into(), "--password=s3cr3t".into()], env: vec![] };
    let missing = look(missing, &[]).await;
    is(&missing, Status::Unhealthy, Cause::Missing, "there is no program program");
    assert!(!format!("{missing:?}").contains("s3cr3t"));
    let plain = tempfile::NamedTempFile::new().unwrap();
    let plain = Target::Command { argv: vec![plain.path().display().to_string()], env: vec![] };
    is(&look(plain, &[]).await, Status::Unhealthy, Cause::Auth, "may not be run");
    is(&look(Target::Command { argv: vec![], env: vec![] }, &[]).await, Status::Unknown, Cause::Other, "no command");
    // Nothing to read, and none of our environment.
    is_well(&look(shell("cat"), &[]).await);
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    is_well(&look(shell("test -z \"$CARGO_MANIFEST_DIR\" && test -n \"$PATH\""), &[]).await);
    // What the file gives it besides, which is told nowhere.
    let env = vec![("DOOR".to_owned(), "s3cr3t-door".into())];
    let given = Target::Command { argv: vec!["sh".into(), "-c".into(), "echo no $DOOR >&2; test -z \"$DOOR\"".into()], env };
    let given = look(given, &[]).await;
    is(&given, Status::Unhealthy, Cause::Exit(1), "sh ended with 1: no [secret]");
    // More output than anybody wants.
    let flood = look(shell("head -c 50000000 /dev/zero; exit 4"), &[]).await;
    is(&flood, Status::Unhealthy, Cause::Exit(4), "ended with 4");
    assert_eq!((flood.detail["cut"].as_bool(), flood.detail["output_bytes"].as_u64()), (Some(true), Some(65_536)));
}

/// Whether a process is there and runs.
fn lives(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

fn wait_until_dead(pid: &str) {
    let started = Instant::now();
    while lives(pid) {
        assert!(started.elapsed() < Duration::from_secs(10), "{pid} lives on");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn a_command_that_does_not_end_is_killed_with_its_children() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("child");
    let script = format!("sleep 600 & echo $! > {}; trap '' TERM; sleep 600", file.display());
    let hasty = Probe { timeout: Duration::from_millis(500), ..probe(shell(&script), &[]) };
    let started = Instant::now();
    is(&check(&hasty, &Tools::new().unwrap()).await, Status::Unhealthy, Cause::Timeout, "was killed with what it had started");
    assert!(started.elapsed() < Duration::from_secs(20));
    wait_until_dead(std::fs::read_to_string(&file).unwrap().trim());
    // It ends and leaves something behind that holds its output.
    let started = Instant::now();
    is_well(&look(shell(&format!("sleep 600 & echo $! > {}", file.display())), &[]).await);
    assert!(started.elapsed() < Duration::from_secs(20));
    wait_until_dead(std::fs::read_to_string(&file).unwrap().trim());
}

struct Log {
    directory: tempfile::TempDir,
    now: i64,
}

impl Log {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), now: chrono::Utc::now().timestamp() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("app.log")
    }

    /// A time so many seconds ago.
    fn ago(&self, seconds: i64) -> String {
        chrono::DateTime::from_timestamp(self.now - seconds, 0).unwrap().format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    fn write(&self, path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
    }

    fn target(&self, error: &str) -> Target {
        Target::LogFile { path: self.path(), error: error.into(), window: Duration::from_secs(300), max_rate: 0.1, min_lines: 10 }
    }
}

#[tokio::test]
async fn a_log_is_the_rate_of_its_errors_in_the_window() {
    let log = Log::new();
    is(&look(log.target("ERROR"), &[]).await, Status::Unhealthy, Cause::Missing, "no file app.log");
    // An hour of errors long ago, and two in the last twenty lines.
    let mut text = String::new();
    for second in (400..4_000).rev() {
        writeln!(text, "{} ERROR old", log.ago(second)).unwrap();
    }
    for number in (0..20).rev() {
        writeln!(text, "{} {} x\n  a line of its stack with ERROR", log.ago(number * 10), if number < 2 { "ERROR" } else { "INFO" })
            .unwrap();
    }
    log.write(&log.path(), &text);
    let outcome = look(log.target("^\\S+ ERROR"), &["[VALUE] < 0.2"]).await;
    is_well(&outcome);
    assert_eq!((outcome.value, outcome.detail["lines"].as_u64(), outcome.host), (Some(0.1), Some(20), None));
    is(
        &look(log.target("x"), &[]).await,
        Status::Unhealthy,
        Cause::Limit,
        "20 of 20 lines of the last 5 min tell of errors: 100.0 %, more than 10.0 %",
    );
    is(&look(log.target("ERROR"), &["[VALUE] < 0.05"]).await, Status::Unhealthy, Cause::Condition, "it is 0.1");
    is(&look(log.target("("), &[]).await, Status::Unknown, Cause::Other, "expression");

    // JSON lines, and the rest of the window in the file that was rotated away.
    let line = |second: i64, success: bool| format!("{{\"timestamp\":\"{}\",\"success\":{success}}}\n", log.ago(second));
    log.write(&log.directory.path().join("app.log.1"), &(20..32).rev().map(|second| line(second, false)).collect::<String>());
    log.write(&log.path(), &(0..4).rev().map(|second| line(second, true)).collect::<String>());
    let rotated = look(log.target("\"success\":false"), &[]).await;
    is(&rotated, Status::Unhealthy, Cause::Limit, "12 of 16 lines");
    log.write(&log.directory.path().join("app.log.1"), "");
    is(&look(log.target("\"success\":false"), &[]).await, Status::Unknown, Cause::Missing, "4 lines of the last 5 min, 10 are needed");
    log.write(&log.path(), &format!("{} ERROR\n", log.ago(7_200)));
    is(&look(log.target("ERROR"), &[]).await, Status::Unknown, Cause::Missing, "the newest is 2 h");
    log.write(&log.path(), "ERROR without a time\n");
    is(&look(log.target("ERROR"), &[]).await, Status::Unknown, Cause::Missing, "no line says when it was written");
    log.write(&log.path(), "");
    is(&look(log.target("ERROR"), &[]).await, Status::Unknown, Cause::Missing, "0 lines");
    std::fs::remove_file(log.path()).unwrap();
    std::fs::create_dir(log.path()).unwrap();
    is(&look(log.target("ERROR"), &[]).await, Status::Unknown, Cause::Other, "not a file");
}

#[tokio::test]
async fn a_log_of_any_size_is_read_from_its_end_only() {
    let log = Log::new();
    let file = std::fs::File::create(log.path()).unwrap();
    // 40 GB of nothing before the lines: read from the beginning it would take minutes.
    file.set_len(40 << 30).unwrap();
    let mut text = "\n".to_owned();
    for number in (0..30).rev() {
        writeln!(text, "{} INFO x", log.ago(number)).unwrap();
    }
    std::os::unix::fs::FileExt::write_all_at(&file, text.as_bytes(), 40 << 30).unwrap();
    let outcome = look(log.target("ERROR"), &[]).await;
    is_well(&outcome);
    assert_eq!((outcome.detail["lines"].as_u64(), outcome.detail["cut"].as_bool()), (Some(30), Some(true)));
}
