//! A log of 1,000,000 calls: every aggregate at once, the import into a database, the second run, and `jq` with the questions of the runbook.
//!
//! `cargo bench --bench logs -- 100000` takes another size. The program is the real one, each time as a process of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MODELS: [&str; 6] = [
    "anthropic/claude-haiku-4.5",
    "anthropic/claude-sonnet-4.5",
    "anthropic/claude-3.5-haiku",
    "openai/gpt-5",
    "openai/gpt-4o-mini",
    "google/gemini-2.5-flash",
];
const MODULES: [(&str, &str); 8] = [
    ("optimizer", "validate_intent"),
    ("consistency", "verify"),
    ("planner", "consolidate"),
    ("responder", "reply"),
    ("semantic", "check_completeness"),
    ("reviewer", "extract_requirements"),
    ("summarizer", "analyze"),
    ("router", "choose"),
];

/// The log that the runbook describes, half of it with blanks behind its colons: always the same bytes for a size. 90 days.
fn generate(path: &Path, lines: u64) {
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(path).unwrap());
    let mut dice = fastrand::Rng::with_seed(22);
    let step = 90 * 86_400_000 / lines as i64;
    for line in 0..lines {
        let at = 1_754_006_400_000 + line as i64 * step;
        let at = quarterdeck::base::clock::rfc3339(at);
        let (module, signature) = MODULES[dice.usize(..MODULES.len())];
        let model = MODELS[dice.usize(..MODELS.len())];
        let failed = dice.u16(..250) == 0;
        let (input, output) = (dice.u32(50..3_000), if failed { 0 } else { dice.u32(10..900) });
        // Log-normal, as latencies are, with a few that hang.
        let normal: f64 = (0..12).map(|_| dice.f64()).sum::<f64>() - 6.0;
        let latency = if dice.u16(..200) == 0 { dice.f64() * 60_000.0 + 60_000.0 } else { (5.4 + 0.8 * normal).exp() };
        let cost = f64::from(input) * 1e-6 + f64::from(output) * 5e-6;
        let error = ["rate_limit", "timeout", "api_error"][dice.usize(..3)];
        let version = ["v1", "v2"][dice.usize(..2)];
        let persona = dice.u8(..5);
        if dice.bool() {
            let error = if failed { format!(r#", "error_type": "{error}""#) } else { String::new() };
            writeln!(
                out,
                r#"{{"timestamp": "{at}", "level": "INFO", "module": "{module}", "signature": "{signature}", "latency_ms": {latency:.1}, "tokens": {{"input": {input}, "output": {output}}}, "cost_usd": {cost:.9}, "success": {}, "model": "{model}", "module_version": "{version}", "persona": "p{persona}"{error}}}"#,
                !failed
            )
        } else {
            let error = if failed { format!(r#","error_type":"{error}""#) } else { String::new() };
            writeln!(
                out,
                r#"{{"timestamp":"{at}","level":"INFO","module":"{module}","signature":"{signature}","latency_ms":{latency:.1},"tokens":{{"input":{input},"output":{output}}},"cost_usd":{cost:.9},"success":{},"model":"{model}","module_version":"{version}","persona":"p{persona}"{error}}}"#,
                !failed
            )
        }
        .unwrap();
    }
    out.flush().unwrap();
}

struct Ran {
    took: Duration,
    resident_mb: u64,
    out: String,
}

/// Run a program to its end; its largest size in memory is looked at meanwhile.
fn run(command: &mut Command) -> Ran {
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut pipe = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || std::io::read_to_string(&mut pipe).unwrap());
    let mut resident = 0;
    let code = loop {
        if let Some(code) = child.try_wait().unwrap() {
            break code;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        resident = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0).max(resident);
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = started.elapsed();
    assert!(code.success(), "{command:?} ended with {code}");
    Ran { took, resident_mb: resident / 1024, out: reader.join().unwrap() }
}

struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    fn deck(&self, home: &str, words: &[&str]) -> Ran {
        let home = self.directory.path().join(home);
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", &home).env("USER", "bench").arg("--data-dir").arg(&home).arg("--json").args(words);
        run(&mut command)
    }
}

fn show(what: &str, ran: &Ran) {
    println!("  {what:<58} {:>8.2} s  {:>5} MB", ran.took.as_secs_f64(), ran.resident_mb);
}

fn median(mut times: Vec<Ran>) -> Ran {
    times.sort_by_key(|ran| ran.took);
    times.swap_remove(times.len() / 2)
}

fn main() {
    let lines: u64 = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(1_000_000);
    let bench = Bench { directory: tempfile::tempdir().unwrap() };
    let log = bench.directory.path().join("dspy.log");
    generate(&log, lines);
    let file = log.to_str().unwrap();
    println!("{lines} lines, {} MB", std::fs::metadata(&log).unwrap().len() / 1_000_000);
    // The file in the system's cache, for us and for the others.
    std::io::copy(&mut std::fs::File::open(&log).unwrap(), &mut std::io::sink()).unwrap();

    let summed = median((0..5).map(|_| bench.deck("none", &["import", "calls", file, "--summary"])).collect());
    show("every aggregate at once (--summary), median of 5", &summed);
    let mut imports: Vec<Ran> = (0..3).map(|number| bench.deck(&format!("deck{number}"), &["import", "calls", file])).collect();
    let value: serde_json::Value = serde_json::from_str(&imports[0].out).unwrap();
    assert_eq!(value["files"][0]["calls"], lines, "{value}");
    let size = |name: &str| std::fs::metadata(bench.directory.path().join("deck0").join(name)).map_or(0, |found| found.len() / 1_000_000);
    imports.sort_by_key(|ran| ran.took);
    show("import into a new database, median of 3", &imports[1]);
    println!("  (fastest {:.2} s; the database has {} MB)", imports[0].took.as_secs_f64(), size("quarterdeck.db"));
    let again = median((0..5).map(|_| bench.deck("deck0", &["import", "calls", file])).collect());
    show("the same file again, unchanged, median of 5", &again);
    let copy = bench.directory.path().join("copy.log");
    std::fs::copy(&log, &copy).unwrap();
    let ran = bench.deck("deck0", &["import", "calls", copy.to_str().unwrap()]);
    let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&value["files"][0]["calls"], &value["files"][0]["repeated"]), (&0.into(), &lines.into()), "{value}");
    show("a copy of it: every line known already", &ran);
    let mut grown = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    writeln!(
        grown,
        r#"{{"timestamp":"2026-01-01T00:00:00Z","module":"m","latency_ms":1,"tokens":{{"input":1,"output":1}},"model":"openai/gpt-5"}}"#
    )
    .unwrap();
    show("the same file, a line longer", &bench.deck("deck0", &["import", "calls", file]));

    if Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("  jq is not installed: nothing to compare with");
        return;
    }
    for (what, arguments) in [
        ("jq: failures", &["-c", "select(.success == false)"][..]),
        ("jq -s: cost", &["-s", "map(.cost_usd) | add"]),
        ("jq -s: mean latency", &["-s", "map(.latency_ms) | add/length"]),
        ("jq -s: p95", &["-s", "map(.latency_ms) | sort | .[length*0.95|floor]"]),
        (
            "jq -s: cost by signature (as it was meant)",
            &["-s", "group_by(.signature) | map({signature: .[0].signature, cost: map(.cost_usd) | add})"],
        ),
        ("jq: slow signatures", &["-r", "select(.latency_ms > 1000) | .signature"]),
    ] {
        let ran = run(Command::new("jq").args(arguments).arg(&log));
        show(what, &ran);
        println!("    {:.0} times as long as everything at once", ran.took.as_secs_f64() / summed.took.as_secs_f64());
    }
}
