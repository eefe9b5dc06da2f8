//! The rounds of the real program: what each step finds, the report, what is written down, and how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "support/ledger.rs"]
mod ledger;
mod support;

use ledger::{Call, Home};
use quarterdeck::base::{Clock as _, Millis, SystemClock, clock};
use quarterdeck::llm::ledger::Outcome;
use quarterdeck::moderation::{Settings, queue};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Val};
use quarterdeck::upkeep::runs::{self, Kind};
use quarterdeck::vals;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const MODEL: &str = "openai/gpt-5-mini";
const DAY: Millis = 86_400_000;

fn now() -> Millis {
    SystemClock.now()
}

struct Gone {
    value: Value,
    code: i32,
}

impl Gone {
    #[track_caller]
    fn of(home: &Home, words: &[&str]) -> Self {
        let did = home.run(&[&["round", "--json"], words].concat());
        assert!(did.code == 0 || did.code == 3, "{did:?}");
        Self { value: did.json(), code: did.code }
    }

    #[track_caller]
    fn step(&self, name: &str) -> &Value {
        let steps = self.value["steps"].as_array().unwrap();
        steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("{name} in {}", self.value))
    }

    #[track_caller]
    fn says(&self, name: &str, verdict: &str, words: &str) -> &Self {
        let step = self.step(name);
        assert_eq!(step["verdict"], verdict, "{step}");
        let said = format!("{} {}", step["why"], step["number"]);
        assert!(said.contains(words), "expected {words:?} in {step}");
        self
    }

    fn report(&self) -> String {
        std::fs::read_to_string(self.value["report"].as_str().unwrap()).unwrap()
    }
}

fn change(home: &Home, sql: &'static str, parameters: &[Val]) {
    let parameters = parameters.to_vec();
    home.db.write_blocking(move |c| c.exec(sql, &parameters)).unwrap();
}

fn state_dir(home: &Home) -> PathBuf {
    let directory = home.directory.path().join(".local/state/quarterdeck");
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn is_file(home: &Home) -> bool {
    matches!(home.db.address(), Address::Sqlite(_))
}

fn line(at: Millis, level: &str, target: &str, message: &str) -> String {
    json!({ "timestamp": clock::rfc3339(at), "level": level, "target": target, "fields": { "message": message } }).to_string() + "\n"
}

#[test]
fn the_round_of_a_day_finds_nothing_where_nothing_is_and_writes_its_report() {
    let home = Home::new();
    home.run(&["backup", "create"]).done();
    home.run(&["budget", "set", "daily", "--limit", "5", "--period", "day"]).done();
    std::fs::write(state_dir(&home).join("quarterdeck.log"), line(now(), "INFO", "quarterdeck::x", "started")).unwrap();
    let gone = Gone::of(&home, &["daily"]);
    gone.says("backup-made", "pass", "is whole")
        .says("queue", "pass", "0 items wait")
        .says("deliveries", "pass", "nothing is late")
        .says("errors", "pass", "no model was called")
        .says("spend", "pass", "daily with 0 %")
        .says("log", "pass", "0 errors, 0 warnings")
        .says("agents", "unknown", "0 of 0 running");
    if is_file(&home) {
        gone.says("quick-check", "pass", "0 faults");
    }
    for step in gone.value["steps"].as_array().unwrap() {
        assert!(!step["source"].as_str().unwrap().is_empty() && !step["why"].as_str().unwrap().is_empty(), "{step}");
    }
    let path = Path::new(gone.value["report"].as_str().unwrap());
    assert!(path.starts_with(state_dir(&home).join("rounds")), "{}", path.display());
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let text = gone.report();
    assert!(text.starts_with("# Daily round of 20") && text.contains("| backup of the last day, verified | pass |"), "{text}");
    assert!(text.contains("advisor, Morning Health Check"), "where each step is from: {text}");
    let last = home.db.read_blocking(|c| runs::last(c, Kind::Round)).unwrap().unwrap();
    assert_eq!((Some(last.id.as_str()), last.detail["rhythm"].as_str()), (gone.value["recorded"].as_str(), Some("daily")));
    let findings = gone.value["steps"].as_array().unwrap().iter().any(|step| step["verdict"] == "warn" || step["verdict"] == "fail");
    assert_eq!((gone.code, gone.value["ok"].as_bool()), if findings { (3, Some(false)) } else { (0, Some(true)) }, "{}", gone.value);
}

#[test]
fn the_round_of_a_day_finds_what_went_wrong_yesterday() {
    let home = Home::new();
    home.run(&["seed"]).done();
    let persona = home.db.read_blocking(|c| quarterdeck::memory::personas::find(c, "DemoAgentBot")).unwrap().id;
    let new = support::comment("t1_abc", "a draft");
    let at = now() - 2 * DAY;
    home.db.write_blocking(move |c| queue::enqueue(c, &persona, &new, &Settings::default(), &Actor::agent("loop"), at)).unwrap();
    // Yesterday by the calendar, whatever the hour is.
    let yesterday = now() - now() % DAY - DAY / 2;
    let mut calls: Vec<Call> = (0..10).map(|number| Call::of(yesterday + number * 1_000, MODEL, "draft", "0.30", 30_000)).collect();
    calls.extend((0..10).map(|number| Call::of(yesterday + number * 1_000, MODEL, "draft", "0", 900).failed(Outcome::Error)));
    calls.push(Call::of(now(), MODEL, "draft", "0.30", 900));
    home.calls(calls);
    home.run(&["budget", "set", "all", "--limit", "1", "--period", "month"]).done();
    change(&home, "UPDATE budget_periods SET spent_picos = 2000000000000", &[]);
    change(
        &home,
        "INSERT INTO budget_periods (budget_id, period_start, spent_picos, reserved_picos, unknown_calls)
         SELECT id, $1, 2000000000000, 0, 0 FROM budgets WHERE id NOT IN (SELECT budget_id FROM budget_periods)",
        vals![{
            use chrono::{Datelike as _, TimeZone as _};
            let today = chrono::Utc.timestamp_millis_opt(now()).unwrap();
            chrono::Utc.with_ymd_and_hms(today.year(), today.month(), 1, 0, 0, 0).unwrap().timestamp_millis()
        }],
    );
    let log = [
        line(now() - 3 * DAY, "ERROR", "quarterdeck::old", "long ago"),
        line(now() - 1_000, "ERROR", "quarterdeck::reddit", "refused | with token=HUSH-HUSH-HUSH"),
        line(now() - 900, "ERROR", "quarterdeck::reddit", "refused | with token=HUSH-HUSH-HUSH"),
        line(now() - 800, "WARN", "quarterdeck::llm", "slow"),
    ];
    std::fs::write(state_dir(&home).join("quarterdeck.log"), log.concat()).unwrap();
    let gone = Gone::of(&home, &["daily"]);
    assert_eq!(gone.code, 3);
    gone.says("queue", "warn", "has waited for 2 d")
        .says("errors", "fail", "50.0 % of 20 calls")
        .says("speed", "fail", "P95 30")
        .says("spend", "fail", "all is used up")
        .says("log", "warn", "2 errors, 1 warning")
        .says("backup-made", "fail", "there is no backup");
    let report = gone.report();
    assert!(report.contains("| 2 | ERROR | quarterdeck::reddit |") && report.contains("quarterdeck backup create"), "{report}");
    assert!(!report.contains("HUSH") && !report.contains("long ago"), "{report}");
    let fault = line(now(), "ERROR", "quarterdeck::panic", "a fault");
    std::fs::write(state_dir(&home).join("quarterdeck.log"), fault).unwrap();
    Gone::of(&home, &["daily"]).says("log", "fail", "1 fault");
}

#[test]
fn the_round_of_a_week_makes_a_backup_walks_the_log_and_counts_what_is_past_its_time() {
    let home = Home::new();
    home.run(&["seed"]).done();
    home.calls((0..3).map(|day| Call::of(now() - day * DAY - 1_000, MODEL, "draft", "0.01", 900)).collect());
    let gone = Gone::of(&home, &["weekly"]);
    gone.says("backup", "pass", "made ").says("audit", "pass", "the chain is whole").says("retention", "pass", "nothing is past its time");
    gone.says("optimize", "pass", "").says("sizes", "pass", "").says("cost", "pass", "$0.03").says("performance", "pass", "3 calls");
    assert_eq!(home.run(&["backup", "list", "--json"]).done().json()["backups"].as_array().unwrap().len(), 1);
    for kind in [Kind::Backup, Kind::AuditVerify, Kind::Optimize, Kind::Round] {
        assert!(home.db.read_blocking(move |c| runs::last(c, kind)).unwrap().is_some(), "{kind:?}");
    }
    // Somebody took a row out of the log, by whatever way around its guards.
    if is_file(&home) {
        let Address::Sqlite(path) = home.db.address().clone() else { return };
        let raw = rusqlite::Connection::open(path).unwrap();
        let guards: Vec<String> = {
            let mut all = raw.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit_log'").unwrap();
            all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        for name in guards {
            raw.execute(&format!("DROP TRIGGER {name}"), []).unwrap();
        }
        raw.execute("DELETE FROM audit_log WHERE seq = 2", []).unwrap();
        let gone = Gone::of(&home, &["weekly"]);
        gone.says("audit", "fail", "missing");
        assert_eq!(gone.code, 3);
    }
}

#[test]
fn the_round_of_a_month_tries_a_restore_and_brings_the_report_of_the_month() {
    let home = Home::new();
    home.run(&["seed"]).done();
    home.calls(vec![Call::of(now() - 31 * DAY, MODEL, "draft", "0.01", 900)]);
    let gone = Gone::of(&home, &["monthly"]);
    assert_ne!(gone.step("drill")["verdict"], "pass", "there is nothing to restore");
    home.run(&["backup", "create"]).done();
    let to = home.directory.path().join("month.md");
    let gone = Gone::of(&home, &["monthly", "--to", to.to_str().unwrap()]);
    assert_eq!(gone.value["report"].as_str(), to.to_str());
    gone.says("drill", "pass", "was restored and answers").says("month", "pass", "the report stands below").says(
        "version",
        "pass",
        "SQLite 3.",
    );
    gone.says("growth", "pass", " → ").says("logs-kept", "pass", "0 B").says("index-rows", "pass", "of 0 dead");
    if is_file(&home) {
        gone.says("full-check", "pass", "0 faults").says("vacuum", "pass", "% empty");
    }
    let report = gone.report();
    assert!(report.contains("# Monthly round of") && report.contains("Model calls in 20"), "{report}");
    assert!(report.contains("textbook, Recovery Testing"), "{report}");
    let again = home.run(&["round", "monthly", "--to", "/nowhere/at/all.md"]);
    again.refused(1, "the report of the round cannot be written");
    home.run(&["round", "yearly"]).refused(2, "possible values");
}

#[test]
fn without_a_database_the_round_says_what_it_can() {
    let home = Home::new();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.env_clear().env("HOME", home.directory.path()).env("USER", "ana");
    let missing = format!("sqlite:{}", home.directory.path().join("none.db").display());
    let output = command.args(["round", "weekly", "--json", "--database", &missing]).output().unwrap();
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let gone = Gone { value, code: output.status.code().unwrap() };
    gone.says("audit", "unknown", "there is no database yet").says("log", "unknown", "no log is kept");
    assert_ne!(gone.step("disk")["verdict"], "unknown");
    assert!(gone.value["recorded"].is_null() && Path::new(gone.value["report"].as_str().unwrap()).exists());
    assert!(!home.directory.path().join("none.db").exists());
}
