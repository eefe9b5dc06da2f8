//! The doctor of the real program: every check with a fault of its own, what is put right, what is left alone, and what the bundle does not tell.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "support/ledger.rs"]
mod ledger;
mod support;

use ledger::{Call, Did, Home};
use quarterdeck::base::{Clock as _, Millis, PersonaId, SystemClock};
use quarterdeck::moderation::pauses::{self, Scope};
use quarterdeck::moderation::{Settings, queue};
use quarterdeck::store::audit::{self, Actor};
use quarterdeck::store::{Address, Conn, Error, Val};
use quarterdeck::upkeep::runs::{self, Done, Kind, Outcome};
use quarterdeck::vals;
use serde_json::{Value, json};
use std::fs::Permissions;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

const MODEL: &str = "openai/gpt-5-mini";
const DAY: Millis = 86_400_000;

fn now() -> Millis {
    SystemClock.now()
}

/// The doctor's result of one check.
#[track_caller]
fn of<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name} in {report}"))
}

/// One check, and how it ended.
#[track_caller]
fn only(home: &Home, name: &str) -> (Value, i32) {
    let did = home.run(&["doctor", "--json", "--only", name]);
    let report = did.json();
    assert_eq!(report["checks"].as_array().unwrap().len(), 1, "{report}");
    (report["checks"][0].clone(), did.code)
}

/// One check says this.
#[track_caller]
fn says(home: &Home, name: &str, verdict: &str, words: &str) {
    let (check, code) = only(home, name);
    assert_eq!(check["verdict"], verdict, "{check}");
    assert!(check["why"].as_str().unwrap().contains(words), "expected {words:?} in {check}");
    assert_eq!(code, if verdict == "fail" { 3 } else { 0 }, "{check}");
    assert_eq!(check["remedy"].is_object(), verdict == "warn" || verdict == "fail" || check["remedy"].is_object(), "{check}");
}

/// One check is put right.
#[track_caller]
fn fixed(home: &Home, name: &str, did: &str) -> Value {
    let ran = home.run(&["doctor", "--fix", "--json", "--only", name]);
    let check = ran.json()["checks"][0].clone();
    assert_eq!((ran.code, check["verdict"].as_str()), (0, Some("pass")), "{check}");
    assert_eq!(check["fixed"]["done"], true, "{check}");
    assert!(check["fixed"]["did"].as_str().unwrap().contains(did), "expected {did:?} in {check}");
    assert_ne!(check["fixed"]["before"]["verdict"], "pass", "{check}");
    check
}

fn change(home: &Home, sql: &'static str, parameters: &[Val]) -> u64 {
    let parameters = parameters.to_vec();
    home.db.write_blocking(move |c| c.exec(sql, &parameters)).unwrap()
}

fn number(home: &Home, sql: &'static str) -> i64 {
    home.db.read_blocking(move |c| c.first(sql, &[])?.unwrap().int("number")).unwrap()
}

fn state_dir(home: &Home) -> PathBuf {
    home.directory.path().join(".local/state/quarterdeck")
}

fn config_dir(home: &Home) -> PathBuf {
    let directory = home.directory.path().join(".config/quarterdeck");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
    directory
}

fn file(home: &Home) -> Option<PathBuf> {
    match home.db.address() {
        Address::Sqlite(path) => Some(path.clone()),
        Address::Postgres(_) => None,
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A home with the seeded persona and an item in its queue.
fn with_item() -> (Home, PersonaId, String) {
    let home = Home::new();
    home.run(&["seed"]).done();
    let persona = home.db.read_blocking(|c| quarterdeck::memory::personas::find(c, "DemoAgentBot")).unwrap().id;
    let new = support::comment("t1_abc", "A text that only the queue may know: MARMALADE");
    let (owner, at) = (persona.clone(), now());
    let id = home.db.write_blocking(move |c| queue::enqueue(c, &owner, &new, &Settings::default(), &Actor::agent("loop"), at)).unwrap();
    (home, persona, id)
}

#[test]
fn a_new_place_is_told_what_it_lacks_and_nothing_is_made() {
    let home = Home::new();
    let missing = home.directory.path().join("elsewhere/new.db");
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", home.directory.path()).env("USER", "ana").args(words);
        let output = command.arg("--database").arg(format!("sqlite:{}", missing.display())).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = run(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, report["ok"].as_bool()), (0, Some(true)), "{report}");
    assert_eq!(of(&report, "configuration")["verdict"], "warn");
    assert_eq!(of(&report, "database")["verdict"], "warn");
    assert_eq!(of(&report, "database")["remedy"]["command"], "quarterdeck db migrate");
    assert_eq!(of(&report, "ledger")["verdict"], "unknown");
    assert_eq!(of(&report, "disk")["verdict"], of(&report, "disk")["verdict"]);
    assert_eq!(of(&report, "sqlite")["verdict"], "pass");
    assert_eq!(report["recorded"], Value::Null);
    assert!(!missing.exists() && !missing.parent().unwrap().exists(), "the doctor makes no database");
    assert_eq!(run(&["doctor", "--strict"]).0, 3, "a warning counts when it is asked for");
    let (code, text) = run(&["doctor"]);
    assert!(code == 0 && text.contains("next: make it") && text.contains("checks: "), "{text}");
}

#[test]
fn what_is_well_passes_and_that_it_was_looked_at_is_written_down() {
    let (home, ..) = with_item();
    // The directory of the test is open, as its umask has it.
    std::fs::set_permissions(home.directory.path(), Permissions::from_mode(0o700)).unwrap();
    let did = home.run(&["doctor", "--json"]).done();
    let report = did.json();
    for name in ["rules", "probes", "permissions", "sqlite", "database", "wal", "ledger", "reservations", "leases", "deliveries", "pauses"]
    {
        assert_eq!(of(&report, name)["verdict"], "pass", "{}", of(&report, name));
    }
    for check in report["checks"].as_array().unwrap() {
        assert!(check["why"].as_str().is_some_and(|why| !why.is_empty()), "{check}");
        let wants = matches!(check["verdict"].as_str(), Some("warn" | "fail"));
        assert!(!wants || check["remedy"]["text"].as_str().is_some_and(|text| !text.is_empty()), "a remedy for {check}");
    }
    let last = home.db.read_blocking(|c| runs::last(c, Kind::Doctor)).unwrap().unwrap();
    assert_eq!((Some(last.id.as_str()), last.actor.1.as_str()), (report["recorded"].as_str(), "ana"));
    assert!(last.detail["checks"].as_i64().unwrap() > 20 && last.detail["found"].is_array(), "{last:?}");
    assert!(home.db.read_blocking(audit::verify).unwrap().problems.is_empty());

    home.run(&["doctor", "--only", "colour"]).refused(2, "possible values");
    let list = home.run(&["doctor", "--list", "--json"]).done().json();
    assert_eq!(list["checks"].as_array().unwrap().len(), report["checks"].as_array().unwrap().len());
    let two = home.run(&["doctor", "--json", "--only", "leases,pauses"]).done().json();
    assert_eq!(two["checks"].as_array().unwrap().len(), 2);
}

#[test]
fn broken_settings_are_named_and_the_rest_is_looked_at_all_the_same() {
    let home = Home::new();
    std::fs::write(config_dir(&home).join("config.toml"), "mode = \"perhaps\"\n[reddit\n").unwrap();
    let did = home.run(&["doctor", "--json"]);
    let report = did.json();
    assert_eq!((did.code, of(&report, "configuration")["verdict"].as_str()), (3, Some("fail")), "{report}");
    assert_eq!(of(&report, "configuration")["remedy"]["command"], "quarterdeck config check");
    let expected = if file(&home).is_some() { "pass" } else { "unknown" };
    assert_eq!(of(&report, "database")["verdict"], expected, "{}", of(&report, "database"));
    assert_eq!(of(&report, "tokens")["verdict"], "unknown");
    assert_eq!(of(&report, "sqlite")["verdict"], "pass");
}

#[test]
fn a_damaged_database_fails_and_what_depends_on_it_is_unknown() {
    let home = Home::new();
    let Some(file) = file(&home) else { return };
    let other = home.directory.path().join("damaged.db");
    std::fs::copy(&file, &other).unwrap();
    std::fs::write(&other, b"this was a database once, and is none any more".repeat(100)).unwrap();
    std::fs::set_permissions(&other, Permissions::from_mode(0o600)).unwrap();
    let address = format!("sqlite:{}", other.display());
    let output = home.command(&["doctor", "--json", "--fix", "--database", &address]).output().unwrap();
    let output = if output.status.code() == Some(2) {
        // An option is given once: another home's command without it.
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", home.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin");
        command.args(["doctor", "--json", "--fix", "--database", &address]).output().unwrap()
    } else {
        output
    };
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), of(&report, "database")["verdict"].as_str()), (Some(3), Some("fail")), "{report}");
    assert!(of(&report, "database")["remedy"]["command"].as_str().unwrap().contains("backup list"), "{report}");
    for name in ["integrity", "ledger", "leases", "agents", "index"] {
        assert_eq!(of(&report, name)["verdict"], "unknown", "{name}");
    }
    assert!(std::fs::read(&other).unwrap().starts_with(b"this was"), "a damaged file is kept as it is");
}

#[test]
fn what_others_can_read_is_found_and_closed() {
    let home = Home::new();
    let config = config_dir(&home);
    let environment = config.join("environment");
    std::fs::write(&environment, "OPENROUTER_API_KEY=sk-or-v1-0123456789abcdef0123456789abcdef\n").unwrap();
    std::fs::set_permissions(&environment, Permissions::from_mode(0o644)).unwrap();
    let token = home.directory.path().join("refresh-token-demo");
    std::fs::write(&token, "{}").unwrap();
    std::fs::set_permissions(&token, Permissions::from_mode(0o640)).unwrap();
    std::fs::set_permissions(home.directory.path(), Permissions::from_mode(0o755)).unwrap();
    let mut open = vec![environment.clone(), token.clone()];
    if let Some(file) = file(&home) {
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        open.push(file);
    }
    let (check, code) = only(&home, "permissions");
    assert_eq!((code, check["verdict"].as_str()), (3, Some("fail")), "{check}");
    let listed: Vec<&str> = check["detail"]["open"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    for path in &open {
        assert!(listed.contains(&path.to_str().unwrap()), "{} in {check}", path.display());
    }
    assert!(!check.to_string().contains("0123456789abcdef"));
    fixed(&home, "permissions", "closed");
    assert!(open.iter().all(|path| mode(path) & 0o077 == 0));
    assert_eq!(mode(home.directory.path()), 0o700);
    assert_eq!(only(&home, "configuration").0["verdict"], "warn", "the environment file is read again");
}

#[test]
fn a_lease_that_is_over_is_handed_back_through_the_queue() {
    let (home, persona, id) = with_item();
    let claimed = change(
        &home,
        "UPDATE pending_posts SET state = 'claimed', lease_holder = 'bob', lease_until = $1 WHERE id = $2",
        vals![now() - 60_000, &id],
    );
    assert_eq!(claimed, 1);
    says(&home, "leases", "warn", "1 lease is");
    fixed(&home, "leases", "handed back 1 lease");
    assert_eq!(number(&home, "SELECT count(*) AS number FROM pending_posts WHERE state = 'pending' AND lease_holder IS NULL"), 1);
    let history = home.db.read_blocking(move |c| audit::history(c, "item", &id)).unwrap();
    let _ = persona;
    assert!(history.is_empty() || history.iter().any(|row| row.action == "queue.lease_over"), "{history:?}");
    assert_eq!(number(&home, "SELECT CAST(count(*) AS BIGINT) AS number FROM audit_log WHERE action = 'queue.lease_over'"), 1);
    assert!(home.db.read_blocking(audit::verify).unwrap().problems.is_empty());
}

#[test]
fn what_is_held_for_a_call_that_is_over_is_given_back() {
    let home = Home::new();
    home.run(&["budget", "set", "daily", "--limit", "100", "--period", "day"]).done();
    home.db
        .write_blocking(|c| {
            let id = c.first("SELECT id FROM budgets", &[])?.unwrap().text("id")?;
            let at = now();
            c.exec(
                "INSERT INTO budget_periods (budget_id, period_start, spent_picos, reserved_picos, unknown_calls) VALUES ($1, $2, 0, 5000000000, 0)",
                vals![&id, at - at % DAY],
            )?;
            c.exec(
                "INSERT INTO budget_reservations (call_id, budget_id, period_start, picos, reserved_at, expires_at)
                 VALUES ('gone', $1, $2, 5000000000, $3, $4)",
                vals![&id, at - at % DAY, at - 10_000, at - 5_000],
            )?;
            Ok::<_, Error>(())
        })
        .unwrap();
    says(&home, "reservations", "warn", "1 call that is over");
    fixed(&home, "reservations", "1 call");
    assert_eq!(number(&home, "SELECT CAST(count(*) AS BIGINT) AS number FROM budget_reservations"), 0);
    assert_eq!(number(&home, "SELECT CAST(sum(reserved_picos) AS BIGINT) AS number FROM budget_periods"), 0);
}

#[test]
fn sums_that_are_wrong_are_made_anew_and_those_whose_calls_are_gone_are_kept() {
    let home = Home::new();
    home.calls((0..4).map(|day| Call::of(now() - day * DAY - 1_000, MODEL, "draft", "0.01", 900)).collect());
    says(&home, "ledger", "pass", "every day");
    change(
        &home,
        "UPDATE roll_day SET calls = calls - 1, charged_picos = charged_picos + 7 WHERE day = (SELECT max(day) FROM roll_day)",
        &[],
    );
    says(&home, "ledger", "fail", "the first: 0 calls by the sums and 1 by counting");
    fixed(&home, "ledger", "made the sums of 1 day anew");

    // As retention leaves it: the call is gone and its sums are kept.
    change(&home, "DELETE FROM llm_calls WHERE started_at = (SELECT max(started_at) FROM llm_calls)", &[]);
    says(&home, "ledger", "warn", "know more calls than the ledger still has");
    let kept = number(&home, "SELECT CAST(sum(calls) AS BIGINT) AS number FROM roll_day");
    let check = home.run(&["doctor", "--fix", "--json", "--only", "ledger"]).done().json()["checks"][0].clone();
    assert!(check["fixed"]["did"].as_str().unwrap().contains("left 1 day whose calls are gone"), "{check}");
    assert_eq!(number(&home, "SELECT CAST(sum(calls) AS BIGINT) AS number FROM roll_day"), kept, "nothing is lost");
}

#[test]
fn the_program_that_keeps_the_clock_is_asked_whichever_it_is() {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        println!("skipped: systemd's own program keeps this machine's clock, and nobody else is asked");
        return;
    }
    let home = Home::new();
    let programs = home.directory.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    let clock = || {
        let output = home.command(&["doctor", "--json", "--only", "clock"]).env("PATH", &programs).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["checks"][0].clone()
    };
    let says = |name: &str, script: &str| {
        let path = programs.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
    };
    assert_eq!(clock()["detail"]["synchronised"], Value::Null, "there is nobody to ask");
    says("chronyc", "echo 00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised");
    assert_eq!((clock()["verdict"].as_str(), clock()["detail"]["told_by"].as_str()), (Some("warn"), Some("chronyc")));
    says("timedatectl", "echo yes");
    assert_eq!((clock()["verdict"].as_str(), clock()["detail"]["told_by"].as_str()), (Some("pass"), Some("timedatectl")));
    says("timedatectl", "exec /bin/sleep 600");
    assert_eq!(clock()["detail"]["told_by"], "chronyc", "who does not answer keeps nobody");
}

#[test]
fn what_a_killed_doctor_left_is_removed_an_hour_later() {
    let home = Home::new();
    home.run(&["index", "rebuild"]).done();
    let (old, fresh) = (home.directory.path().join(".doctor-old"), home.directory.path().join(".doctor-fresh"));
    for directory in [&old, &fresh] {
        std::fs::create_dir(directory).unwrap();
    }
    std::fs::File::open(&old).unwrap().set_modified(SystemTime::now() - Duration::from_secs(4_000)).unwrap();
    home.run(&["doctor", "--only", "index"]);
    assert_eq!((old.exists(), fresh.exists()), (false, true), "another one may be looking at this moment");
}

#[test]
fn a_clock_behind_the_newest_row_fails() {
    let home = Home::new();
    let entry_at = now() + 3_600_000;
    home.db
        .write_blocking(move |c| {
            let (actor, nothing) = (Actor::system("test"), Value::Null);
            let entry = audit::Entry {
                at: entry_at,
                persona: None,
                actor: &actor,
                action: "test",
                subject_kind: "test",
                subject_id: "x",
                reason: None,
                before: &nothing,
                after: &nothing,
            };
            audit::append(c, &entry)
        })
        .unwrap();
    says(&home, "clock", "fail", "behind the newest row");
}

#[test]
fn a_loop_that_is_not_heard_of_fails_and_one_that_ended_by_an_error_says_why() {
    let (home, persona, _) = with_item();
    says(&home, "agents", "unknown", "no loop has ever run");
    change(
        &home,
        "INSERT INTO agent_runs (persona_id, status, process, started_at, heartbeat_at, cycle_count, failures_in_a_row, parameters)
         VALUES ($1, 'running', 'host-x:77', $2, $2, 3, 0, '{}')",
        vals![&persona, now() - 3_600_000],
    );
    says(&home, "agents", "fail", "host-x:77 ended without saying so");
    change(&home, "UPDATE agent_runs SET status = 'error', error_message = 'no login'", &[]);
    says(&home, "agents", "fail", "no login");
    change(&home, "UPDATE agent_runs SET status = 'running', heartbeat_at = $1, failures_in_a_row = 2", vals![now()]);
    says(&home, "agents", "warn", "1 loop");
}

#[test]
fn what_is_late_or_unknown_on_its_way_out_is_told_and_so_is_a_pause_that_was_forgotten() {
    let (home, _, id) = with_item();
    change(&home, "UPDATE pending_posts SET state = 'unresolved' WHERE id = $1", vals![&id]);
    says(&home, "deliveries", "warn", "1 delivery waits for a person");
    change(&home, "UPDATE pending_posts SET state = 'unknown' WHERE id = $1", vals![&id]);
    says(&home, "deliveries", "warn", "the answer of 1 delivery was lost");
    change(&home, "UPDATE pending_posts SET state = 'scheduled', not_before = $2 WHERE id = $1", vals![&id, now() - DAY]);
    says(&home, "deliveries", "fail", "more than five minutes ago");
    home.db.write_blocking(|c| pauses::pause(c, &Scope::All, "a storm", None, &Actor::system("test"), now() - 2 * DAY)).unwrap();
    says(&home, "deliveries", "warn", "held back by a pause");
    says(&home, "pauses", "warn", "a storm");
}

#[test]
fn a_refresh_token_that_cannot_be_used_or_is_too_old_is_told() {
    let (home, ..) = with_item();
    says(&home, "tokens", "warn", "no login for 1 account: u/DemoAgentBot");
    let token = home.directory.path().join("refresh-token-demoagentbot");
    std::fs::write(&token, "not json, and HUSH-HUSH").unwrap();
    says(&home, "tokens", "fail", "not a file that this program wrote");
    std::fs::write(&token, json!({ "client_id": "x", "account": "Other", "origin": null, "refresh_token": "HUSH-HUSH" }).to_string())
        .unwrap();
    says(&home, "tokens", "fail", "belongs to another account");
    std::fs::write(
        &token,
        json!({ "client_id": "x", "account": "DemoAgentBot", "origin": null, "refresh_token": "HUSH-HUSH" }).to_string(),
    )
    .unwrap();
    says(&home, "tokens", "pass", "1 account has a login");
    let file = std::fs::File::options().write(true).open(&token).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(400 * 86_400)).unwrap();
    says(&home, "tokens", "warn", "not used for");
    assert!(!only(&home, "tokens").0.to_string().contains("HUSH"));
}

#[test]
fn files_of_rules_and_probes_that_are_broken_are_named() {
    let home = Home::new();
    let config = config_dir(&home);
    std::fs::write(config.join("rules.toml"), "[[rule]]\nid = 7\n").unwrap();
    says(&home, "rules", "fail", "the rules cannot be used");
    std::fs::write(config.join("probes.toml"), "[[probe]\n").unwrap();
    says(&home, "probes", "fail", "probes.toml");
}

#[test]
fn a_check_that_hangs_is_unknown_and_keeps_no_other_from_being_told() {
    let (home, ..) = with_item();
    // A file on a disk that does not answer.
    let token = home.directory.path().join("refresh-token-demoagentbot");
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&token).status().unwrap().success());
    let did = home.run(&["doctor", "--json", "--only", "tokens,sqlite,pauses"]);
    let report = did.json();
    assert_eq!((did.code, of(&report, "tokens")["verdict"].as_str()), (3, Some("unknown")), "what hangs is no good news: {report}");
    assert_eq!((of(&report, "tokens")["gave_up"].as_bool(), of(&report, "pauses")["verdict"].as_str()), (Some(true), Some("pass")));
    assert!(report["recorded"].is_string());
}

#[test]
fn a_log_that_has_grown_is_taken_into_the_file() {
    let home = Home::new();
    let Some(path) = file(&home) else { return };
    let wal = PathBuf::from(format!("{}-wal", path.display()));
    // The connections of this process keep the file from being emptied by itself.
    std::fs::File::options().create(true).truncate(false).write(true).open(&wal).unwrap().set_len(70 << 20).unwrap();
    says(&home, "wal", "warn", "70.0 MiB");
    fixed(&home, "wal", "took the log into the file");
    assert!(std::fs::metadata(&wal).unwrap().len() < 1 << 20);
    says(&home, "database", "pass", "answers");
}

#[test]
fn a_database_that_nobody_can_write_to_is_told() {
    let home = Home::new();
    let (begun, is_held) = std::sync::mpsc::channel();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let db = home.db.clone();
    let holder = std::thread::spawn(move || {
        db.write_blocking(move |_| {
            begun.send(()).unwrap();
            let _ = held.recv();
            Ok::<_, Error>(())
        })
    });
    is_held.recv().unwrap();
    let (check, _) = only(&home, "database");
    assert_eq!(check["verdict"], "warn", "{check}");
    assert!(check["why"].as_str().unwrap().contains("not through") && check["remedy"]["command"] == "quarterdeck db holders", "{check}");
    drop(release);
    holder.join().unwrap().unwrap();
    says(&home, "database", "pass", "answers");
}

#[test]
fn what_was_not_done_for_long_or_did_not_pass_is_told() {
    let home = Home::new();
    let run = |kind: Kind, age: Millis, outcome: Outcome| {
        home.db
            .write_blocking(move |c: &mut dyn Conn| {
                let (at, detail, actor) = (now() - age, Value::Null, Actor::system("timer"));
                runs::record(
                    c,
                    &Done { kind, started_at: at, ended_at: at, outcome, summary: "a digest differs", detail: &detail, actor: &actor },
                )
            })
            .unwrap();
    };
    says(&home, "backups", "warn", "no backup was ever made");
    says(&home, "drill", "warn", "no restore was ever tried");
    says(&home, "audit", "warn", "no audit log was ever verified");
    run(Kind::Backup, 20 * DAY, Outcome::Passed);
    says(&home, "backups", "fail", "20 d");
    run(Kind::Backup, 1_000, Outcome::Passed);
    says(&home, "backups", "pass", "ago");
    run(Kind::BackupVerify, 500, Outcome::Problems);
    says(&home, "backups", "fail", "a digest differs");
    run(Kind::Drill, 50 * DAY, Outcome::Passed);
    says(&home, "drill", "warn", "50 d");
    run(Kind::AuditVerify, 9 * DAY, Outcome::Passed);
    says(&home, "audit", "warn", "9 d");
    if file(&home).is_some() {
        says(&home, "integrity", "warn", "never made");
        run(Kind::CheckFull, DAY, Outcome::Problems);
        says(&home, "integrity", "fail", "did not pass");
        run(Kind::CheckFull, 1_000, Outcome::Passed);
        says(&home, "integrity", "pass", "neither");
    }
}

#[test]
fn search_that_has_not_begun_catches_up() {
    let (home, ..) = with_item();
    says(&home, "index", "unknown", "has not begun");
    fixed(&home, "index", "search caught up");
    says(&home, "index", "pass", "up to date");

    // A file of the index that is damaged is found as often as it is looked at, and made anew from the stored vectors when that is asked for.
    let index = home.directory.path().join(quarterdeck::search::vectors::DIRECTORY);
    let files: Vec<PathBuf> = std::fs::read_dir(&index).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    assert!(!files.is_empty());
    let damage = || files.iter().for_each(|path| std::fs::write(path, "no index").unwrap());
    damage();
    for _ in 0..2 {
        says(&home, "index", "fail", "cannot be used");
        assert!(files.iter().all(|path| std::fs::read(path).unwrap() == b"no index"), "a look changes nothing");
    }
    fixed(&home, "index", "search caught up");
}

/// Every file of a bundle, unpacked.
fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    text.push_str(&String::from_utf8_lossy(&bytes));
    text
}

#[test]
fn the_bundle_tells_what_helps_and_none_of_the_planted_secrets() {
    let (home, ..) = with_item();
    let config = config_dir(&home);
    let planted = [
        "CANARY-reddit-secret-1",
        "CANARY-password-2",
        "CANARY-account-password-3",
        "CANARY-openrouter-4",
        "CANARY-unknown-name-5",
        "CANARY-environment-6",
        "CANARY-refresh-7",
        "CANARY-in-a-log-8",
        "CANARY-bearer-9",
        "CANARY-url-10",
        "CANARY-panic-11",
    ];
    std::fs::write(
        config.join("environment"),
        format!(
            "# {}\nREDDIT_CLIENT_SECRET={}\nREDDIT_PASSWORD='{}'\nREDDIT_ACCOUNTS={{\"Other\":{{\"password\":\"{}\"}}}}\nSOMETHING_ELSE={}\n",
            "a comment", planted[0], planted[1], planted[2], planted[4]
        ),
    )
    .unwrap();
    std::fs::set_permissions(config.join("environment"), Permissions::from_mode(0o600)).unwrap();
    let token = home.directory.path().join("refresh-token-demoagentbot");
    std::fs::write(&token, json!({ "client_id": "x", "account": "DemoAgentBot", "origin": null, "refresh_token": planted[6] }).to_string())
        .unwrap();
    let state = state_dir(&home);
    std::fs::create_dir_all(&state).unwrap();
    let line = |target: &str, fields: Value| {
        json!({ "timestamp": "2026-11-21T00:00:00Z", "level": "ERROR", "target": target, "fields": fields }).to_string()
    };
    let everything = planted.join(" ");
    let log = [
        line("quarterdeck::x", json!({ "message": format!("refused with token={} and {}", planted[7], planted[0]), "millis": 12 })),
        line("quarterdeck::x", json!({ "message": format!("Authorization: Bearer {}", planted[8]) })),
        line(
            "quarterdeck::x",
            json!({ "message": format!("postgres://deck:{}@host/x", planted[9]), "prompt": "MARMALADE", "content": "MARMALADE" }),
        ),
        line(
            "quarterdeck::panic",
            json!({ "message": format!("password: {}", planted[10]), "location": "src/x.rs:1", "backtrace": "frames" }),
        ),
        format!("not json {everything}"),
    ];
    std::fs::write(state.join("quarterdeck.log"), log.join("\n")).unwrap();

    let path = home.directory.path().join("bundle.tar.gz");
    let mut command = home.command(&["doctor", "--json", "--bundle", path.to_str().unwrap()]);
    let output = command.env("OPENROUTER_API_KEY", planted[3]).env("OTHER_API_TOKEN", planted[5]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(mode(&path), 0o600);
    let files: Vec<&str> = report["bundle"]["files"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for name in [
        "README.txt",
        "versions.json",
        "settings.json",
        "doctor.json",
        "database.json",
        "upkeep.json",
        "health.json",
        "log.jsonl",
        "faults.jsonl",
    ] {
        assert!(files.contains(&name), "{files:?}");
    }
    let text = unpacked(&path);
    for secret in planted {
        assert!(!text.contains(secret) && !said.contains(secret), "{secret} is told");
    }
    assert!(!text.contains("MARMALADE") && !text.contains("CANARY"), "no text of a persona, and no part of a secret");
    for helps in [
        "\"millis\":12",
        "src/x.rs:1",
        "\"reddit.client_secret\"",
        "[redacted]",
        "pending_posts",
        "foundation",
        "schema_known",
        "upkeep.json",
    ] {
        assert!(text.contains(helps), "{helps} helps: {text}");
    }
    let again = home.run(&["doctor", "--bundle", path.to_str().unwrap()]);
    again.refused(1, "cannot be written");
}

#[test]
fn people_see_the_reason_the_repair_and_the_next_step() {
    let (home, _, id) = with_item();
    change(&home, "UPDATE pending_posts SET state = 'claimed', lease_holder = 'bob', lease_until = 1 WHERE id = $1", vals![&id]);
    let Did { code, out, .. } = home.run(&["doctor", "--only", "leases"]);
    assert!(
        code == 0 && out.contains("warn    leases") && out.contains("next: hand them back: quarterdeck doctor --fix --only leases"),
        "{out}"
    );
    let Did { code, out, .. } = home.run(&["doctor", "--fix", "--only", "leases"]);
    assert!(
        code == 0 && out.contains("before: 1 lease") && out.contains("fixed: handed back 1 lease") && out.contains("1 thing put right"),
        "{out}"
    );
}
