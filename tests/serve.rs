//! The metrics and health endpoint of the real program over real HTTP, and a real Prometheus where one is installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "support/ledger.rs"]
mod ledger;

use ledger::{Call, Home};
use quarterdeck::base::{Clock as _, Millis, SystemClock};
use quarterdeck::llm::ledger::Outcome;
use quarterdeck::store::Address;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TOKEN: &str = "0123456789abcdef-0123456789abcdef";
const PROMETHEUS: &str =
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// A program that goes on; killed when the test ends without it.
struct Running {
    child: Child,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answer {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The values of series that begin so.
    fn values(&self, begin: &str) -> Vec<f64> {
        self.body.lines().filter(|line| line.starts_with(begin)).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect()
    }

    #[track_caller]
    fn value(&self, series: &str) -> f64 {
        let values = self.values(&format!("{series} "));
        assert_eq!(values.len(), 1, "{series} in {}", self.body);
        values[0]
    }
}

impl Running {
    /// `quarterdeck serve` on a free port.
    fn start(home: &Home, more: &[&str]) -> Self {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--json"]);
        let mut child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, address: said["serving"].as_str().unwrap().to_owned() }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask(&self.address, "GET", path, headers)
    }

    /// Ask it to end; its exit code.
    fn end(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

fn ask(address: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Answer { status, headers, body: body.to_owned() }
}

const MODEL: &str = "openai/gpt-5-mini";

fn filled() -> Home {
    let home = Home::new();
    let now = SystemClock.now();
    let day = 86_400_000;
    let mut calls: Vec<Call> = (0..10).map(|number| Call::of(now - number * day / 2 - 1_000, MODEL, "draft", "0.01", 900)).collect();
    calls.push(Call::of(now - 2_000, MODEL, "draft", "0", 70_000).failed(Outcome::Error));
    calls.push(Call::of(now - 3_000, MODEL, "canary", "0", 10).failed(Outcome::Interrupted));
    calls.push(Call::of(now - 500, MODEL, "draft", "0", 10).under_way());
    // Names that want out of their quotation marks.
    calls.push(Call::of(now - 4_000, "evil\"} 1\n# TYPE x counter\nx{a=\"\\", "draft", "0.5", 100));
    home.calls(calls);
    home
}

#[test]
fn metrics_are_those_of_the_ledger_in_both_formats_and_go_on_after_a_restart() {
    let home = filled();
    home.run(&["budget", "set", "daily", "--limit", "100", "--period", "day"]).done();
    let running = Running::start(&home, &[]);
    let text = running.get("/metrics", &[]);
    assert_eq!((text.status, text.headers["content-type"].as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    let draft = format!("{{model=\"{MODEL}\",module=\"draft\"}}");
    assert!((text.value(&format!("llm_cost_usd_total{draft}")) - 0.1).abs() < 1e-9);
    assert_eq!(text.value(&format!("llm_calls_total{{model=\"{MODEL}\",module=\"draft\",outcome=\"error\"}}")), 1.0);
    assert_eq!(text.value(&format!("llm_tokens_total{{model=\"{MODEL}\",module=\"draft\",type=\"input\"}}")), 10_000.0);
    assert_eq!(text.value(&format!("llm_unpriced_calls_total{{model=\"{MODEL}\",module=\"canary\"}}")), 1.0, "unknown is not nothing");
    assert_eq!(text.value("dspy_requests_total{module=\"draft\"}"), 12.0);
    assert_eq!(text.value("dspy_request_errors_total{module=\"draft\",error_type=\"timeout\"}"), 1.0);
    assert_eq!(text.value("dspy_request_duration_seconds_count{module=\"draft\"}"), 12.0);
    assert!(text.value("dspy_request_duration_seconds{module=\"draft\",quantile=\"0.5\"}") > 0.8);
    let generative = format!("gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openrouter\",gen_ai_response_model=\"{MODEL}\"");
    let bucket = |le: &str| text.value(&format!("gen_ai_client_operation_duration_seconds_bucket{{{generative},le=\"{le}\"}}"));
    assert_eq!((bucket("0.64"), bucket("1.28"), bucket("81.92"), bucket("+Inf")), (1.0, 11.0, 12.0, 12.0));
    assert_eq!(text.value(&format!("gen_ai_client_token_usage_sum{{{generative},gen_ai_token_type=\"output\"}}")), 1_000.0);
    assert_eq!(text.value("llm_inflight"), 1.0);
    assert_eq!(text.value("llm_budget_limit_usd{budget=\"daily\",scope=\"global\",period=\"day\"}"), 100.0);
    assert_eq!(text.value("quarterdeck_items{state=\"pending\"}"), 0.0);
    assert!(text.values("x{").is_empty() && text.values("x ").is_empty(), "a name has made a series of its own");

    let open = running.get("/metrics", &[("Accept", PROMETHEUS)]);
    assert_eq!(open.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(
        open.body.ends_with("\n# EOF\n")
            && open.body.contains("# TYPE llm_calls counter\n")
            && open.body.contains("# UNIT llm_cost_usd usd\n")
    );
    let series = |answer: &Answer| {
        // These go with the clock.
        let moves = ["age_seconds", "burn_ratio", "forecast_usd"];
        let still = |line: &&str| !line.starts_with('#') && !moves.iter().any(|name| line.contains(name));
        let mut lines: Vec<String> = answer.body.lines().filter(still).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert!(series(&text) == series(&open), "the same series in both:\n{}\n{}", text.body, open.body);

    assert_eq!(running.end(), Some(0), "SIGTERM ends it in order");
    let again = Running::start(&home, &[]);
    assert!(series(&again.get("/metrics", &[])) == series(&text), "a restart loses nothing");
    home.calls(vec![Call::of(SystemClock.now(), MODEL, "draft", "0.01", 50)]);
    assert_eq!(again.get("/metrics", &[]).value("dspy_requests_total{module=\"draft\"}"), 13.0);
    assert_eq!(again.get("/metric", &[]).status, 404);
    assert_eq!(ask(&again.address, "POST", "/metrics", &[]).status, 405);
}

#[test]
fn health_tells_each_part_with_its_reason_and_what_is_not_known_is_unknown() {
    let home = Home::new();
    let running = Running::start(&home, &[]);
    assert_eq!((running.get("/health/live", &[]).status, running.get("/health/live", &[]).json()["alive"].as_bool()), (200, Some(true)));
    let health = running.get("/health", &[]);
    assert_eq!(health.status, 200);
    let value = health.json();
    let of = |value: &Value, name: &str| {
        let all = value["components"].as_array().unwrap();
        all.iter().find(|component| component["name"] == name).unwrap_or_else(|| panic!("{name} in {value}")).clone()
    };
    assert_eq!(value["status"], "unknown", "nothing has run: {value}");
    for (name, status) in [
        ("database", "healthy"),
        ("agent", "unknown"),
        ("queue", "healthy"),
        ("outbox", "healthy"),
        ("index", "unknown"),
        ("budgets", "unknown"),
    ] {
        assert_eq!(of(&value, name)["status"], status, "{value}");
    }
    assert!(of(&value, "agent")["reason"].as_str().unwrap().contains("no loop has ever run"));
    let ready = running.get("/health/ready", &[]);
    assert_eq!((ready.status, ready.json()["ready"].as_bool()), (200, Some(true)));

    // A database that no longer answers: nothing of it is guessed, and no path or address is told.
    home.db.write_blocking(|c| c.exec("DROP TABLE agent_runs", &[])).unwrap();
    let health = running.get("/health", &[]);
    assert_eq!((health.status, health.json()["status"].as_str()), (503, Some("unhealthy")));
    assert_eq!(
        (of(&health.json(), "database")["status"].as_str(), of(&health.json(), "queue")["status"].as_str()),
        (Some("unhealthy"), Some("unknown"))
    );
    assert!(!health.body.contains("agent_runs") && !health.body.contains("deck.db"), "{}", health.body);
    assert_eq!((running.get("/health/ready", &[]).status, running.get("/health/live", &[]).status), (503, 200));
    let metrics = running.get("/metrics", &[]);
    assert_eq!(metrics.status, 503, "part of the metrics would be read as the whole");
    assert!(!metrics.body.contains("agent_runs"), "{}", metrics.body);
}

fn file(home: &Home, text: &str, mode: u32) -> PathBuf {
    let path = home.directory.path().join("token");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_token_is_asked_for_and_its_file_is_a_secret() {
    let home = Home::new();
    let path = file(&home, &format!("{TOKEN}\n"), 0o600);
    let running = Running::start(&home, &["--token-file", path.to_str().unwrap()]);
    for path in ["/metrics", "/health", "/health/ready"] {
        let refused = running.get(path, &[]);
        assert_eq!((refused.status, refused.headers["www-authenticate"].as_str()), (401, "Bearer"), "{path}");
        assert_eq!(running.get(path, &[("Authorization", "Bearer wrong")]).status, 401);
        assert_eq!(running.get(path, &[("Authorization", &format!("Bearer {TOKEN}"))]).status, 200, "{path}");
    }
    assert_eq!(running.get("/health/live", &[]).status, 200, "whether it lives is no secret");

    let serve = |home: &Home| home.run(&["serve", "--listen", "127.0.0.1:0", "--token-file", path.to_str().unwrap()]);
    for (text, mode, words) in [(TOKEN, 0o644, "chmod 600"), ("short", 0o600, "at least 16")] {
        file(&home, text, mode);
        let did = serve(&home).refused(1, words);
        assert!(!did.err.contains(text), "{did:?}");
    }
    std::fs::remove_file(&path).unwrap();
    serve(&home).refused(1, "token");
}

#[test]
fn a_port_that_is_taken_is_told_with_what_to_do() {
    let home = Home::new();
    let running = Running::start(&home, &[]);
    home.run(&["serve", "--listen", &running.address]).refused(1, "--listen");
    home.run(&["serve", "--listen", "everywhere"]).refused(2, "--listen");
    // Before any loop begins: there is no persona here, and still it is the port that is told.
    home.run(&["agent", "run", "--serve", &running.address]).refused(1, &running.address);
    home.run(&["agent", "run", "--token-file", "x"]).refused(2, "--serve");
}

/// A program of the package `prometheus`; says so where it is not installed.
fn installed(name: &str) -> Option<PathBuf> {
    let found =
        std::env::var_os("PATH").and_then(|path| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()));
    if found.is_none() {
        eprintln!("skipped: {name} is not installed (Debian package prometheus)");
    }
    found
}

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/prometheus")
}

#[track_caller]
fn succeeds(command: &mut Command, input: Option<&str>) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.unwrap_or_default().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
}

#[test]
fn promtool_finds_nothing_wrong_with_metrics_rules_and_configuration() {
    let Some(promtool) = installed("promtool") else { return };
    let home = filled();
    home.run(&["seed"]).done();
    home.run(&["budget", "preset", "advisor"]).done();
    let running = Running::start(&home, &[]);
    succeeds(Command::new(&promtool).args(["check", "metrics"]), Some(&running.get("/metrics", &[]).body));
    succeeds(Command::new(&promtool).args(["check", "rules"]).arg(assets().join("alerts.yml")), None);
    succeeds(Command::new(&promtool).args(["check", "config"]).arg(assets().join("prometheus.yml")), None);
    succeeds(Command::new(&promtool).args(["test", "rules"]).arg(assets().join("alerts_test.yml")), None);
}

#[test]
fn a_real_prometheus_scrapes_it_and_loads_the_rules() {
    let Some(prometheus) = installed("prometheus") else { return };
    let home = filled();
    let token = file(&home, TOKEN, 0o600);
    let running = Running::start(&home, &["--token-file", token.to_str().unwrap()]);
    // The example as it ships, with this port, the token and a faster clock.
    let example = std::fs::read_to_string(assets().join("prometheus.yml")).unwrap();
    let config = example
        .replace("127.0.0.1:9464", &running.address)
        .replace("scrape_interval: 15s", "scrape_interval: 1s")
        .replace("# authorization:", "authorization:")
        .replace("#   type:", "  type:")
        .replace("#   credentials_file: /etc/prometheus/quarterdeck-token", &format!("  credentials_file: {}", token.display()))
        .replace("- alerts.yml", &format!("- {}", assets().join("alerts.yml").display()));
    assert!(
        config.contains(&running.address) && config.contains(token.to_str().unwrap()) && !config.contains("# authorization"),
        "{config}"
    );
    let path = home.directory.path().join("prometheus.yml");
    std::fs::write(&path, config).unwrap();
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut child = Command::new(prometheus)
        .arg(format!("--config.file={}", path.display()))
        .arg(format!("--storage.tsdb.path={}", home.directory.path().join("tsdb").display()))
        .arg(format!("--web.listen-address={address}"))
        .args(["--log.level=info", "--log.format=json"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let server = Running { child, address };
    let mut said = Vec::new();
    for line in log.lines().map_while(Result::ok) {
        said.push(line);
        if said.last().unwrap().contains("Server is ready to receive web requests") {
            break;
        }
    }
    assert!(said.last().is_some_and(|line| line.contains("Server is ready")), "{said:?}");
    let query = |text: &str| ask(&server.address, "GET", &format!("/api/v1/query?query={text}"), &[]).json()["data"]["result"].clone();
    // It scrapes within a second of being ready: its own answers are the clock.
    let started = Instant::now();
    let up = loop {
        let up = query("up{job=\"quarterdeck\"}");
        if up[0]["value"][1] == "1" || started.elapsed() > Duration::from_secs(30) {
            break up;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    };
    assert_eq!(up[0]["value"][1], "1", "{up} {}", ask(&server.address, "GET", "/api/v1/targets", &[]).body);
    assert_eq!(query("dspy_requests_total{module=\"draft\"}")[0]["value"][1], "12");
    assert_eq!(query("sum(llm_calls_total)")[0]["value"][1], "13");
    assert_eq!(query("count(gen_ai_client_operation_duration_seconds_bucket{le=\"1.28\"})")[0]["value"][1], "2");
    let rules = ask(&server.address, "GET", "/api/v1/rules", &[]).json();
    let rules: Vec<&Value> =
        rules["data"]["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() >= 15 && rules.iter().all(|rule| rule["health"] != "err"), "{rules:?}");
}

/// The loop of an agent with its endpoint: ready when it runs, not before, and ended together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_serves_beside_its_loop() {
    use quarterdeck::sandbox;
    let home = Home::new();
    if matches!(home.db.address(), Address::Postgres(_)) {
        // The loop is the same there; what is served of it is read in the other tests.
        return;
    }
    let sandbox = sandbox::start(sandbox::Options { posts: 0, ..sandbox::Options::default() }).await.unwrap();
    home.run(&["persona", "add", sandbox::ACCOUNT]).done();
    let mut command = home.command(&["agent", "run", "--serve", "127.0.0.1:0", "--json"]);
    for (name, value) in [
        ("QUARTERDECK_MODE", "sandbox".to_owned()),
        ("QUARTERDECK_AGENT_INTERVAL_SECONDS", "86400".to_owned()),
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
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (out, err) = (BufReader::new(child.stdout.take().unwrap()), BufReader::new(child.stderr.take().unwrap()));
    let said = tokio::task::spawn_blocking(move || {
        let address = err
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("http://").map(|(_, rest)| rest.trim_end_matches("/metrics").to_owned()));
        // The first event is told when the loop is there.
        let event = out.lines().map_while(Result::ok).next();
        (address, event)
    });
    let (address, event) = tokio::time::timeout(Duration::from_secs(30), said).await.unwrap().unwrap();
    let running = Running { child, address: address.expect("an address") };
    assert!(event.is_some(), "an event");
    let answers = tokio::task::spawn_blocking(move || {
        let (ready, metrics) = (running.get("/health/ready", &[]), running.get("/metrics", &[]));
        (ready, metrics, running.end())
    });
    let (ready, metrics, code) = answers.await.unwrap();
    assert_eq!(ready.status, 200, "{}", ready.body);
    assert_eq!(metrics.value(&format!("quarterdeck_agent_up{{persona=\"{}\"}}", sandbox::ACCOUNT)), 1.0);
    assert_eq!(code, Some(0), "both end together");
    sandbox.shutdown().await;
}

#[test]
fn many_names_do_not_make_many_series() {
    let home = Home::new();
    let now: Millis = SystemClock.now() - 1_000;
    let names: Vec<&'static str> = (0..150).map(|number| &*Box::leak(format!("made/up-{number}").into_boxed_str())).collect();
    home.calls(names.iter().map(|name| Call::of(now, name, "draft", "0.01", 10)).collect());
    let running = Running::start(&home, &[]);
    let answer = running.get("/metrics", &[]);
    let series = answer.values("llm_cost_usd_total{");
    assert_eq!(series.len(), 101);
    assert!((series.iter().sum::<f64>() - 1.5).abs() < 1e-6, "nothing is lost: what is beyond the bound is under one name");
    assert!((answer.value("llm_cost_usd_total{model=\"other\",module=\"draft\"}") - 0.5).abs() < 1e-6);
}
