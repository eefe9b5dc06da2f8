//! Importing call logs as a shell meets it: the real program on real files, killed and followed, on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::llm::ledger::rollup;
use quarterdeck::llm::ledger::sketch::Sketch;
use quarterdeck::store::{Address, Database, Val};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// 2025-08-01, and long after it.
const SPAN: (i64, i64) = (1_754_006_400_000, 1_790_000_000_000);

struct Deck {
    directory: tempfile::TempDir,
    database: String,
}

#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// The object of the only file.
    #[track_caller]
    fn file(&self) -> Value {
        let value: Value = serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        value["files"][0].clone()
    }

    #[track_caller]
    fn says(&self, wanted: &[(&str, Value)]) -> &Self {
        let file = self.file();
        for (key, value) in wanted {
            assert_eq!(&file[*key], value, "{key} in {file}");
        }
        self
    }
}

/// What the calls add up to: rows, costs reported, computed, latencies, errors.
#[derive(Debug, PartialEq, Eq)]
struct Sums {
    calls: i64,
    reported: i64,
    computed: i64,
    latency: i64,
    errors: i64,
}

impl Deck {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = std::env::var("QUARTERDECK_TEST_POSTGRES").ok();
        let database = match (std::env::var("QUARTERDECK_TEST_ENGINE").as_deref(), server) {
            (Ok("postgres"), Some(server)) => match quarterdeck::store::testing::fresh_on_server(&server) {
                Address::Postgres(url) => url,
                Address::Sqlite(path) => path.display().to_string(),
            },
            _ => format!("sqlite:{}", directory.path().join("deck.db").display()),
        };
        Self { directory, database }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", self.directory.path()).env("USER", "ana").stdin(Stdio::null());
        command.arg("--data-dir").arg(self.directory.path()).arg("--database").arg(&self.database).args(["import", "calls"]).args(words);
        command
    }

    fn import(&self, file: &Path, words: &[&str]) -> Ran {
        let mut command = self.command(&["--json"]);
        ran(command.args(words).arg(file))
    }

    fn open(&self) -> Database {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Database::open(&Address::parse(&self.database).unwrap(), &clock).unwrap()
    }

    fn sums(&self) -> Sums {
        let query = "SELECT CAST(count(*) AS BIGINT) AS calls, CAST(COALESCE(sum(cost_reported_picos), 0) AS BIGINT) AS reported, \
             CAST(COALESCE(sum(cost_computed_picos), 0) AS BIGINT) AS computed, CAST(COALESCE(sum(latency_us), 0) AS BIGINT) AS latency, \
             CAST(COALESCE(sum(CASE WHEN outcome = 'error' THEN 1 ELSE 0 END), 0) AS BIGINT) AS errors FROM llm_calls";
        let row = self.open().read_blocking(move |c| c.first(query, &[])).unwrap().unwrap();
        let int = |column| row.int(column).unwrap();
        Sums { calls: int("calls"), reported: int("reported"), computed: int("computed"), latency: int("latency"), errors: int("errors") }
    }

    /// The sums that are kept are those that the calls add up to, latencies included.
    #[track_caller]
    fn adds_up(&self) {
        let table = |c: &mut dyn quarterdeck::store::Conn, name: &str, start: &str| {
            c.query(&format!("SELECT * FROM {name} WHERE calls <> 0 ORDER BY {start}, model, module, persona_id, category"), &[])
        };
        // The sum of floats in a sketch depends on their order; what is asked of it does not.
        let sketches = |c: &mut dyn quarterdeck::store::Conn| {
            let rows = c.query("SELECT * FROM roll_sketch ORDER BY span, start, model, module", &[])?;
            let told = rows.iter().map(|row| {
                let percentiles = ["latency", "first_token", "tokens_in", "tokens_out"].map(|column| match row.get(column) {
                    Ok(Val::Blob(bytes)) => Sketch::from_bytes(bytes).unwrap().percentiles(),
                    _ => None,
                });
                format!("{:?} {:?} {:?} {percentiles:?}", row.int("span"), row.int("start"), row.text("model"))
            });
            Ok::<_, quarterdeck::store::Error>(told.collect::<Vec<_>>())
        };
        self.open()
            .write_blocking(move |c| {
                assert_eq!(rollup::differences(c, SPAN.0, SPAN.1)?, []);
                let kept = (table(c, "roll_day", "day")?, table(c, "roll_hour", "hour")?, sketches(c)?);
                rollup::rebuild(c, SPAN.0, SPAN.1)?;
                let again = (table(c, "roll_day", "day")?, table(c, "roll_hour", "hour")?, sketches(c)?);
                assert_eq!(format!("{again:?}"), format!("{kept:?}"));
                Ok::<_, quarterdeck::store::Error>(())
            })
            .unwrap();
    }
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Call number `number` of a log, a minute after the one before.
fn call(number: u32) -> String {
    let at = quarterdeck::base::clock::rfc3339(1_785_000_000_000 + i64::from(number) * 60_000);
    let model = ["openai/gpt-5-mini", "made/up", "openai/gpt-4o-mini"][number as usize % 3];
    let cost = if number.is_multiple_of(4) { String::new() } else { format!(r#""cost_usd":0.{:06},"#, number % 7 + 1) };
    format!(
        r#"{{"timestamp":"{at}","module":"m{}","signature":"s","latency_ms":{}.5,"tokens":{{"input":{},"output":7}},{cost}"success":{},"model":"{model}","persona":"p{}"}}"#,
        number % 2,
        number % 997 + 1,
        number + 1,
        number % 10 != 3,
        number % 3,
    )
}

fn calls(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|number| call(number) + "\n").collect()
}

fn fixture(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/logs").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn the_formats_of_the_runbooks_systems_are_told_and_a_call_counts_once_in_all_of_them() {
    let (Some(modules), Some(interactions), Some(app)) =
        (fixture("modules-calls.jsonl"), fixture("interaction-log.jsonl"), fixture("agent-app.log"))
    else {
        return;
    };
    let deck = Deck::new();
    let first = deck.import(&modules, &[]);
    assert_eq!(first.code, 0, "{first:?}");
    first.says(&[("calls", 300.into()), ("rejected", 0.into()), ("unpriced", 0.into()), ("formats", serde_json::json!(["modules"]))]);
    // The same calls as that system's code writes them: known, whatever they look like there.
    let second = deck.import(&interactions, &[]).file();
    assert_eq!(
        second["calls"].as_u64().unwrap() + second["repeated"].as_u64().unwrap() + second["corrected"].as_u64().unwrap(),
        200,
        "{second}"
    );
    assert_eq!((&second["calls"], &second["formats"]), (&0.into(), &serde_json::json!(["interactions"])), "{second}");
    let refused = deck.import(&app, &[]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("line 3") && refused.err.contains("--zone"), "{refused:?}");
    let third = deck.import(&app, &["--zone", "UTC"]);
    assert_eq!(third.code, 3, "{third:?}");
    third.says(&[("calls", 161.into()), ("rejected", 15.into()), ("other", 24.into()), ("formats", serde_json::json!(["app"]))]);
    let before = deck.sums();
    assert_eq!((before.calls, before.errors), (461, 12));
    for (file, words) in [(&modules, &[][..]), (&interactions, &[]), (&app, &["--zone", "UTC"])] {
        deck.import(file, words).says(&[("begun", "unchanged".into()), ("calls", 0.into())]);
    }
    assert_eq!(deck.sums(), before);
    deck.adds_up();
}

#[test]
fn a_summary_is_what_an_import_adds_up_to() {
    let deck = Deck::new();
    let log = deck.write("calls.log", calls(0..500) + &call(7) + "\n");
    let summary = deck.import(&log, &["--summary"]);
    assert!(!deck.path("deck.db").exists(), "a summary opens no database");
    let value: Value = serde_json::from_str(&summary.out).unwrap();
    deck.import(&log, &[]).says(&[("calls", 500.into()), ("repeated", 1.into()), ("unpriced", value["all"]["unpriced"].clone())]);
    let sums = deck.sums();
    assert_eq!((value["all"]["calls"].as_i64(), value["repeated"].as_i64()), (Some(sums.calls), Some(1)));
    assert_eq!(value["all"]["errors"].as_i64(), Some(sums.errors));
    let row = "SELECT CAST(sum(charged_picos) AS BIGINT) AS charged, CAST(sum(unpriced) AS BIGINT) AS unpriced FROM roll_day";
    let row = deck.open().read_blocking(move |c| c.first(row, &[])).unwrap().unwrap();
    assert_eq!(value["all"]["cost_picos"].as_i64(), Some(row.int("charged").unwrap()));
    assert_eq!(value["all"]["unpriced"].as_i64(), Some(row.int("unpriced").unwrap()));
    assert!(row.int("unpriced").unwrap() > 0, "a model that is made up has no price, and is not free");
    let mut latencies: Vec<i64> = (0..500).map(|number| (number % 997 + 1) * 1_000 + 500).collect();
    latencies.sort_unstable();
    assert_eq!(value["all"]["latency"]["p95"].as_i64(), Some(latencies[(0.95 * 499.0) as usize]));
    let people = ran(deck.command(&["--summary"]).arg(&log));
    assert!(people.out.contains("made/up") && people.out.contains("day (UTC)"), "{people:?}");
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_kept() {
    let deck = Deck::new();
    let text = [
        call(1),
        "{\"timestamp\":\"2025".into(),
        call(2).replace("\"tokens\":{\"input\":3", "\"tokens\":{\"input\":NaN"),
        "text".into(),
        call(3),
    ];
    let log = deck.write("bad.log", text.join("\n") + "\n");
    let rejects = deck.path("rejects.jsonl");
    let told = deck.import(&log, &["--rejects", rejects.to_str().unwrap()]);
    assert_eq!(told.code, 3, "{told:?}");
    told.says(&[("calls", 3.into()), ("rejected", 2.into()), ("lines", 5.into())]);
    let doubts: Vec<_> =
        told.file()["doubts"].as_array().unwrap().iter().map(|doubt| doubt["doubt"].as_str().unwrap().to_owned()).collect();
    assert_eq!(doubts, ["tokens_unreadable", "no_strict_json"]);
    let lines: Vec<Value> = std::fs::read_to_string(&rejects).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines.iter().map(|line| (line["line"].clone(), line["reason"].clone())).collect::<Vec<_>>(),
        [(2.into(), "cut_off".into()), (4.into(), "text".into())]
    );
    let kept = deck.open().read_blocking(|c| c.query("SELECT line, reason FROM import_rejects ORDER BY line", &[])).unwrap();
    assert_eq!(kept.iter().map(|row| row.int("line").unwrap()).collect::<Vec<_>>(), [2, 4]);
    // What cannot be written down is no success.
    let full = deck.import(&deck.write("more.log", "text\n".repeat(2_000)), &["--rejects", "/dev/full"]);
    assert_eq!(full.code, 1, "{full:?}");
    assert!(full.err.contains("/dev/full"), "{full:?}");
    deck.adds_up();
}

#[test]
fn a_call_that_is_told_again_counts_as_it_was_told_last() {
    let deck = Deck::new();
    deck.import(&deck.write("one.log", calls(0..40)), &[]).says(&[("calls", 40.into())]);
    let before = deck.sums();
    // Another cost, another latency, a failure after all: the same call.
    let text = [
        call(1).replace("\"cost_usd\":0.000002", "\"cost_usd\":\"0.5\""),
        call(2).replace("\"latency_ms\":3.5", "\"latency_ms\":90000"),
        call(4).replace("\"success\":true", "\"success\":false"),
        call(5),
    ];
    deck.import(&deck.write("two.log", text.join("\n") + "\n"), &[]).says(&[
        ("calls", 0.into()),
        ("corrected", 3.into()),
        ("repeated", 1.into()),
    ]);
    let after = deck.sums();
    assert_eq!(after.calls, before.calls);
    assert_eq!(after.reported - before.reported, 500_000_000_000 - 2_000_000);
    assert_eq!(after.latency - before.latency, 90_000_000 - 3_500);
    assert_eq!(after.errors - before.errors, 1);
    deck.adds_up();
    // A stream that tells of one call as it grows: the last line has all of its tokens.
    let line = |output: u32| {
        format!(
            r#"{{"timestamp":"2026-08-01T00:00:0{output}Z","requestId":"r","message":{{"id":"msg_1","model":"claude-haiku-4-5","usage":{{"input_tokens":5,"output_tokens":{output}}}}}}}"#
        ) + "\n"
    };
    deck.import(&deck.write("three.log", line(1) + &line(4) + &line(9)), &[]).says(&[("calls", 1.into()), ("corrected", 2.into())]);
    let row = deck.open().read_blocking(|c| c.query("SELECT tokens_out FROM llm_calls WHERE generation_id = 'msg_1'", &[])).unwrap();
    assert_eq!(row.iter().map(|row| row.int("tokens_out").unwrap()).collect::<Vec<_>>(), [9]);
    deck.adds_up();
}

#[test]
fn a_growing_log_is_continued_and_half_a_line_waits() {
    let deck = Deck::new();
    let (whole, next) = (calls(0..3), call(3));
    let (half, rest) = next.split_at(60);
    let log = deck.write("app.log", whole.clone() + half);
    deck.import(&log, &[]).says(&[("calls", 3.into()), ("rejected", 0.into()), ("waiting_bytes", 60.into())]);
    deck.import(&log, &[]).says(&[("begun", "unchanged".into())]);
    let grow = |text: &str| std::fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(text.as_bytes()).unwrap();
    // The rest of the line, without its end: the object is whole.
    grow(rest);
    deck.import(&log, &[]).says(&[
        ("begun", "continued".into()),
        ("calls", 1.into()),
        ("first_line", 4.into()),
        ("waiting_bytes", 0.into()),
    ]);
    grow("\ntext\n");
    let told = deck.import(&log, &[]);
    assert_eq!(told.file()["rejects"][0]["line"], 5, "{told:?}");
    // Cut off, and written to anew.
    deck.write("app.log", calls(10..12));
    deck.import(&log, &[]).says(&[("begun", "anew".into()), ("calls", 2.into())]);
    // Rotated: the old one is known under its new name, the new one is read from its beginning.
    grow(&calls(12..13));
    std::fs::rename(&log, deck.path("app.log.1")).unwrap();
    deck.write("app.log", calls(20..25));
    deck.import(&log, &[]).says(&[("begun", "anew".into()), ("calls", 5.into())]);
    deck.import(&deck.path("app.log.1"), &[]).says(&[("begun", "continued".into()), ("calls", 1.into())]);
    deck.import(&log, &[]).says(&[("begun", "unchanged".into())]);
    assert_eq!(deck.sums().calls, 4 + 3 + 5);
    deck.adds_up();
}

#[test]
fn compressed_logs_and_standard_input_are_read() {
    let deck = Deck::new();
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let zstandard = |text: &str| ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    // Told by their bytes: the names say nothing.
    let gz = deck.write("a.log", [gzip(&calls(0..300)), gzip(&calls(300..400))].concat());
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let zst = deck.write("b.log", [zstandard(&calls(400..700)), skipped.to_vec(), zstandard(&calls(700..800))].concat());
    deck.import(&gz, &[]).says(&[("calls", 400.into())]);
    deck.import(&zst, &[]).says(&[("calls", 400.into())]);
    deck.import(&gz, &[]).says(&[("begun", "unchanged".into())]);
    let cut = std::fs::read(&gz).unwrap();
    let broken = deck.import(&deck.write("c.log", &cut[..cut.len() / 2]), &[]);
    assert_eq!(broken.code, 1, "{broken:?}");
    assert!(broken.err.contains("c.log"), "{broken:?}");
    let mut child = deck.command(&["--json", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(calls(790..810).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&value["files"][0]["calls"], &value["files"][0]["repeated"]), (&10.into(), &10.into()));
    assert_eq!(deck.sums().calls, 810);
    deck.adds_up();
}

#[test]
fn killed_at_any_point_nothing_is_lost_and_nothing_doubled() {
    const CALLS: u32 = 50_000;
    let deck = Deck::new();
    let log = deck.write("calls.log", calls(0..CALLS));
    for commits in 1..5 {
        let mut command = deck.command(&["--batch", "200", "--progress", "always"]);
        let mut child = command.arg(&log).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(child.stderr.take().unwrap()).lines().take(commits).filter(Result::is_ok).count();
        assert_eq!(told, commits, "it ended before it was killed");
        // SIGKILL: between two commits, in one, or behind it.
        child.kill().unwrap();
        child.wait().unwrap();
        // Of one moment: a server may still end what it was asked.
        let (counted, told) = deck
            .open()
            .read_blocking(|c| {
                let counted = c.first("SELECT CAST(count(*) AS BIGINT) AS calls FROM llm_calls", &[])?.unwrap().int("calls")?;
                let told = c.first("SELECT calls FROM import_files WHERE is_current = 1", &[])?.unwrap().int("calls")?;
                Ok::<_, quarterdeck::store::Error>((counted, told))
            })
            .unwrap();
        assert!(counted > 0 && counted < i64::from(CALLS), "{counted}");
        assert_eq!(counted, told, "rows and place are of one transaction");
    }
    deck.import(&log, &[]).says(&[("begun", "continued".into()), ("repeated", 0.into())]);
    let whole = Deck::new();
    whole.import(&log, &[]).says(&[("calls", CALLS.into())]);
    assert_eq!(deck.sums(), whole.sums());
    deck.adds_up();
    deck.import(&log, &[]).says(&[("begun", "unchanged".into())]);
}

#[test]
fn a_log_is_followed_as_it_grows_and_is_rotated() {
    let deck = Deck::new();
    let log = deck.write("app.log", calls(0..2));
    let mut child = deck.command(&["--json", "--follow"]).arg(&log).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = |calls: u64| {
        // What is written in two goes may be told in two lines.
        let mut sum = 0;
        while sum < calls {
            let value: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            sum += value["calls"].as_u64().unwrap();
        }
        assert_eq!(sum, calls);
    };
    told(2);
    let mut open = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    let text = calls(2..4);
    let (front, back) = text.split_at(100);
    open.write_all(front.as_bytes()).unwrap();
    open.write_all(back.as_bytes()).unwrap();
    told(2);
    std::fs::rename(&log, deck.path("app.log.1")).unwrap();
    std::fs::write(&log, calls(10..13)).unwrap();
    told(3);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(deck.sums().calls, 7);
    deck.adds_up();
}

#[test]
fn what_the_deck_called_itself_is_not_counted_twice() {
    use quarterdeck::llm::ledger::{Category, Outcome, Settled, Started, settle, start};
    let deck = Deck::new();
    let call = Started {
        id: "own".into(),
        request_id: "own".into(),
        attempt: 1,
        persona: None,
        module: "draft".into(),
        correlation_id: "c".into(),
        model_asked: "openai/gpt-5-mini".into(),
        streamed: false,
        started_at: 1_785_000_000_000,
        category: Category::default(),
        queued: std::time::Duration::ZERO,
        reserved: None,
    };
    let settled = Settled {
        finished_at: 1_785_000_000_009,
        outcome: Outcome::Ok,
        model_answered: None,
        provider: None,
        generation_id: Some("gen-1".into()),
        service_tier: None,
        latency: std::time::Duration::from_millis(9),
        first_token: None,
        reported: quarterdeck::llm::reported::Reported::read(r#"{"prompt_tokens":10,"completion_tokens":1,"cost":0.25}"#),
        http_status: Some(200),
        error_type: None,
        error_message: None,
        finish_reason: None,
    };
    let book = quarterdeck::llm::price::Book::embedded().unwrap();
    deck.open()
        .write_blocking(move |c| {
            start(c, &call)?;
            settle(c, &book, &call, &settled)
        })
        .unwrap();
    let line = |id: &str| {
        format!(
            r#"{{"id":"{id}","object":"chat.completion","created":1785000000,"model":"openai/gpt-5-mini","usage":{{"prompt_tokens":10,"completion_tokens":1,"cost":0.25}}}}"#
        )
    };
    let log = deck.write("proxy.log", format!("{}\n{}\n", line("gen-1"), line("gen-2")));
    deck.import(&log, &[]).says(&[("calls", 1.into()), ("repeated", 1.into()), ("own", 1.into())]);
    assert_eq!(deck.sums().reported, 500_000_000_000);
    deck.adds_up();
}
