//! Everything that can be done to the audit log by somebody with the file in their hands is found, and named for what it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use quarterdeck::base::{Clock, SystemClock, TestClock};
use quarterdeck::store::audit::{self as store_audit, Actor, Entry, append, redact};
use quarterdeck::store::testing::{database, unlock_audit_log};
use quarterdeck::store::{Address, Conn, Database, Error, Val};
use quarterdeck::upkeep::audit::anchor::When;
use quarterdeck::upkeep::audit::chain::Walk;
use quarterdeck::upkeep::audit::export::Format;
use quarterdeck::upkeep::audit::log::Filter;
use quarterdeck::upkeep::audit::{Audit, Fault, Settings, Verified, Verify, key, place};
use quarterdeck::upkeep::progress::{Progress, Unwatched, Watcher};
use quarterdeck::upkeep::runs::{self, Kind, Outcome};
use quarterdeck::vals;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use support::program::Home;

/// Forty rows, with checkpoints over twenty and over forty of them, in the database and in a file elsewhere.
struct Log {
    audit: Audit,
    directory: tempfile::TempDir,
    clock: Arc<TestClock>,
    _guard: tempfile::TempDir,
}

fn settings(directory: &Path) -> Settings {
    Settings {
        key: None,
        key_file: directory.join("audit.key"),
        rows: 10,
        interval: 3_600_000,
        anchor_file: Some(directory.join("anchors.jsonl")),
        anchor_command: Vec::new(),
    }
}

fn write(db: &Database, from: i64, to: i64) {
    db.write_blocking(move |c| {
        for number in from..=to {
            let (id, after) = (format!("p{number}"), json!({ "state": "scheduled", "number": number }));
            let actor = Actor::human(if number % 2 == 0 { "ana" } else { "bea" });
            let entry = Entry {
                at: 1_000_000 + number,
                persona: None,
                actor: &actor,
                action: "queue.approve",
                subject_kind: "pending_post",
                subject_id: &id,
                reason: (number % 3 == 0).then_some("fine"),
                before: &Value::Null,
                after: &after,
            };
            append(c, &entry)?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
}

impl Log {
    fn new() -> Self {
        let log = Self::empty();
        write(&log.audit.db, 1, 20);
        assert_eq!(log.audit.anchor(When::Now).unwrap().made.unwrap().entries, 20);
        write(&log.audit.db, 21, 40);
        assert_eq!(log.audit.anchor(When::Now).unwrap().made.unwrap().number, 2);
        log
    }

    fn empty() -> Self {
        let (db, guard) = database();
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::at(1_000_100));
        let audit = Audit::new(db, clock.clone(), settings(directory.path()));
        Self { audit, directory, clock, _guard: guard }
    }

    fn anchors(&self) -> std::path::PathBuf {
        self.directory.path().join("anchors.jsonl")
    }

    /// Somebody drops the triggers and changes the tables: on SQLite with a connection of their own.
    fn tamper(&self, statements: &[&str]) {
        unlock_audit_log(&self.audit.db);
        match self.audit.db.address() {
            Address::Sqlite(path) => {
                let raw = rusqlite::Connection::open(path).unwrap();
                for sql in statements {
                    raw.execute(sql, []).unwrap();
                }
            }
            Address::Postgres(_) => {
                let statements: Vec<String> = statements.iter().map(|sql| (*sql).to_owned()).collect();
                self.audit.db.write_blocking(move |c| statements.iter().try_for_each(|sql| c.exec(sql, &[]).map(drop))).unwrap();
            }
        }
    }

    /// Compute every hash from a row on anew, as somebody does who knows how the chain is made.
    fn restamp(&self, from: i64) {
        let mut rows = Vec::new();
        let mut prev = String::new();
        store_audit::stream(self.audit.db.address(), 0, |page| {
            for row in page.rows() {
                if row.seq < from {
                    prev = String::from_utf8(row.hash.to_vec()).unwrap();
                    continue;
                }
                let stamped = store_audit::Stored { prev_hash: prev.as_bytes(), ..row }.computed();
                let hash = String::from_utf8(stamped.to_vec()).unwrap();
                rows.push((row.seq, prev.clone(), hash.clone()));
                prev = hash;
            }
            Some(page)
        })
        .unwrap();
        let write = move |c: &mut dyn Conn| {
            rows.iter().try_for_each(|(seq, prev, hash)| {
                let sql = "UPDATE audit_log SET prev_hash = $2, hash = $3 WHERE seq = $1";
                c.exec(sql, vals![*seq, prev, hash]).map(drop)
            })
        };
        self.audit.db.write_blocking(write).unwrap();
    }

    fn examined(&self) -> Verified {
        self.audit.examine(&Verify::default(), &Unwatched).unwrap()
    }

    /// What was found: the words with their rows.
    #[track_caller]
    fn found(&self) -> Vec<(Fault, i64, i64)> {
        self.examined().walked.problems.iter().map(|found| (found.fault, found.seq, found.to)).collect()
    }
}

#[test]
fn a_log_that_nobody_touched_is_whole_and_says_how_far_it_is_anchored() {
    let log = Log::new();
    write(&log.audit.db, 41, 45);
    let found = log.audit.verify(&Verify::default(), &Actor::human("ana"), &Unwatched).unwrap();
    assert!(found.is_whole(), "{:?}", found.walked.problems);
    assert_eq!((found.walked.rows, found.walked.anchored, found.walked.checkpoints), (45, 40, 2));
    assert!(found.summary().contains("newest 5 rows rest on the chain alone"), "{}", found.summary());
    // That it was verified is itself written down.
    let rows = log.audit.db.read_blocking(|c| store_audit::newest(c, None, 1)).unwrap();
    assert_eq!(rows[0].action, "upkeep.audit_verify");
    let later = log.audit.examine(&Verify { from: Some(30), anchor: None }, &Unwatched).unwrap();
    assert_eq!((later.walked.rows, later.is_whole()), (17, true));
}

#[test]
fn a_look_at_a_part_of_the_log_does_not_take_the_place_of_a_finding_about_the_whole() {
    let log = Log::new();
    log.tamper(&["UPDATE audit_log SET actor = 'eve' WHERE seq = 18"]);
    let verify = |what: &Verify| log.audit.verify(what, &Actor::human("ana"), &Unwatched).unwrap();
    let newest = || log.audit.db.read_blocking(|c| runs::last(c, Kind::AuditVerify)).unwrap().map(|run| run.outcome);
    assert!(!verify(&Verify::default()).is_whole());
    assert_eq!(newest(), Some(Outcome::Problems));
    // The newest rows are whole, and so is all that another place knows of; neither makes the edited row good.
    assert!(verify(&Verify { from: Some(20), anchor: None }).is_whole());
    assert_eq!(newest(), Some(Outcome::Problems));
    let elsewhere = Log::new();
    elsewhere.tamper(&["DELETE FROM audit_log WHERE seq > 33", "DELETE FROM audit_checkpoints WHERE number = 2"]);
    let older = elsewhere.directory.path().join("older.jsonl");
    let text = std::fs::read_to_string(elsewhere.anchors()).unwrap();
    std::fs::write(&older, text.lines().next().unwrap()).unwrap();
    let with_older = Verify { from: None, anchor: Some(older) };
    assert!(elsewhere.audit.verify(&with_older, &Actor::human("ana"), &Unwatched).unwrap().is_whole());
    assert!(elsewhere.audit.db.read_blocking(|c| runs::last(c, Kind::AuditVerify)).unwrap().is_none(), "no proof, and not written down");
    // What is found in a part is a finding.
    assert!(!verify(&Verify { from: Some(10), anchor: None }).is_whole());
    assert_eq!(newest(), Some(Outcome::Problems));
}

#[test]
fn a_row_behind_the_end_is_refused_and_one_that_was_cut_off_is_named() {
    let log = Log::new();
    let from = |from: i64| log.audit.examine(&Verify { from: Some(from), anchor: None }, &Unwatched);
    assert!(from(41).unwrap().is_whole());
    for wrong in [42, 9_999, i64::MAX] {
        assert!(from(wrong).unwrap_err().to_string().contains("the log ends with row 40"), "{wrong}");
    }
    log.tamper(&["DELETE FROM audit_log WHERE seq > 33"]);
    let found = from(38).unwrap();
    assert!(found.walked.problems.iter().any(|one| one.fault == Fault::Truncated), "{:?}", found.walked.problems);
}

#[test]
fn detail_that_is_taken_out_while_the_log_is_verified_is_no_edit() {
    let log = Log::new();
    // The walk begins, and only then rows are redacted, one of them for the second time.
    let ana = Actor::human("ana");
    log.audit.db.write_blocking(|c| redact(c, 9, &json!({}), "asked for", &Actor::human("ana"), 1_000_200)).unwrap();
    let known = log.audit.db.read_blocking(store_audit::redactions).unwrap();
    log.audit
        .db
        .write_blocking(move |c| {
            [7, 9, 30].into_iter().try_for_each(|seq| redact(c, seq, &json!({ "x": 1 }), "asked for", &ana, 1_000_300).map(drop))
        })
        .unwrap();
    let walked = |is_told: bool| {
        let mut walk = Walk::whole(known.clone());
        store_audit::stream(log.audit.db.address(), 0, |page| {
            page.rows().for_each(|row| walk.row(&row, || is_told.then(|| log.audit.db.read_blocking(store_audit::redactions).unwrap())));
            Some(page)
        })
        .unwrap();
        walk.end()
    };
    assert_eq!(walked(false).problems.len(), 3);
    let found = walked(true);
    assert!(found.problems.is_empty() && found.redacted == 3, "{found:?}");
}

#[test]
fn an_edited_row_is_named() {
    for change in
        ["detail = '{}'", "actor = 'eve'", "at = at + 1", "reason = NULL", "subject_id = 'p99'", "hash = 'abc'", "persona_id = 'x'"]
    {
        let log = Log::new();
        log.tamper(&[&format!("UPDATE audit_log SET {change} WHERE seq = 18")]);
        assert_eq!(log.found(), [(Fault::Edited, 18, 18)], "{change}");
    }
    let log = Log::new();
    log.tamper(&["UPDATE audit_log SET actor = 'eve' WHERE seq IN (3, 18, 40)"]);
    assert_eq!(log.found(), [(Fault::Edited, 3, 3), (Fault::Edited, 18, 18), (Fault::Edited, 40, 40)]);
}

#[test]
fn a_row_whose_own_hash_was_computed_anew_is_named_by_the_row_behind_it() {
    let log = Log::new();
    log.tamper(&["UPDATE audit_log SET actor = 'eve' WHERE seq = 18"]);
    let stamped = std::cell::RefCell::new(String::new());
    store_audit::stream(log.audit.db.address(), 17, |page| {
        let hash = page.rows().next().unwrap().computed();
        *stamped.borrow_mut() = String::from_utf8(hash.to_vec()).unwrap();
        None
    })
    .unwrap();
    log.tamper(&[&format!("UPDATE audit_log SET hash = '{}' WHERE seq = 18", stamped.borrow())]);
    assert_eq!(log.found(), [(Fault::Edited, 18, 18)]);
}

#[test]
fn rows_that_were_taken_out_are_named() {
    let log = Log::new();
    log.tamper(&["DELETE FROM audit_log WHERE seq BETWEEN 7 AND 9", "DELETE FROM audit_log WHERE seq = 1"]);
    assert_eq!(log.found(), [(Fault::Missing, 1, 1), (Fault::Missing, 7, 9)]);
    let closed = Log::new();
    closed.tamper(&["DELETE FROM audit_log WHERE seq BETWEEN 7 AND 8"]);
    // One after the other, so that no two rows ever have the same number.
    let raise = |c: &mut dyn Conn| {
        (9..=40).try_for_each(|seq| c.exec("UPDATE audit_log SET seq = $1 WHERE seq = $2", vals![seq - 2, seq]).map(drop))
    };
    closed.audit.db.write_blocking(raise).unwrap();
    let found = closed.found();
    assert!(found.contains(&(Fault::Missing, 7, 8)), "{found:?}");
    assert!(found.iter().all(|one| matches!(one.0, Fault::Missing | Fault::Truncated)), "{found:?}");
}

#[test]
fn rows_that_changed_places_are_named_with_where_they_were_written() {
    for (a, b) in [(12, 13), (5, 30), (2, 40)] {
        let log = Log::new();
        log.tamper(&[
            &format!("UPDATE audit_log SET seq = -1 WHERE seq = {a}"),
            &format!("UPDATE audit_log SET seq = {a} WHERE seq = {b}"),
            &format!("UPDATE audit_log SET seq = {b} WHERE seq = -1"),
        ]);
        let found = log.examined();
        let named: Vec<_> = found.walked.problems.iter().map(|one| (one.fault, one.seq)).collect();
        assert_eq!(named, [(Fault::Reordered, a), (Fault::Reordered, b)], "{:?}", found.walked.problems);
        assert!(found.walked.problems[0].what.contains(&format!("written as row {b}")));
    }
}

#[test]
fn a_tail_that_was_cut_off_is_named_even_when_the_checkpoints_went_with_it() {
    let log = Log::new();
    log.tamper(&["DELETE FROM audit_log WHERE seq > 33"]);
    assert_eq!(log.found(), [(Fault::Truncated, 34, 40)]);
    log.tamper(&["DELETE FROM audit_checkpoints WHERE number = 2"]);
    let found = log.found();
    assert_eq!(found, [(Fault::MissingCheckpoint, 0, 0), (Fault::Truncated, 34, 40)]);
    // Without the second place nobody can tell: that is what it is for.
    std::fs::remove_file(log.anchors()).unwrap();
    assert!(log.examined().is_whole());
    let empty = Log::new();
    empty.tamper(&["DELETE FROM audit_log"]);
    assert_eq!(empty.found(), [(Fault::Truncated, 1, 40)]);
}

#[test]
fn a_chain_that_was_computed_anew_after_an_edit_is_named() {
    let log = Log::new();
    log.tamper(&["UPDATE audit_log SET actor = 'eve' WHERE seq = 25"]);
    log.restamp(25);
    assert_eq!(log.found(), [(Fault::Rewritten, 21, 40)]);
    // Nor does taking the checkpoints of the database away help.
    log.tamper(&["DELETE FROM audit_checkpoints"]);
    let found = log.found();
    assert!(found.contains(&(Fault::Rewritten, 21, 40)) && found.iter().any(|one| one.0 == Fault::MissingCheckpoint), "{found:?}");
    let early = Log::new();
    early.tamper(&["UPDATE audit_log SET reason = 'because' WHERE seq = 2"]);
    early.restamp(2);
    assert_eq!(early.found(), [(Fault::Rewritten, 1, 40)]);
    // A log that does not go on from its checkpoint is not signed.
    assert!(early.audit.anchor(When::Now).unwrap_err().to_string().contains("does not go on from checkpoint"));
}

#[test]
fn forged_checkpoints_and_wrong_anchors_and_keys_are_named() {
    let forged = Log::new();
    forged.tamper(&["UPDATE audit_checkpoints SET entries = 39 WHERE number = 2"]);
    let found: Vec<_> = forged.found().into_iter().map(|one| one.0).collect();
    assert!(found.contains(&Fault::ForgedCheckpoint) && found.contains(&Fault::WrongAnchor), "{found:?}");

    let gone = Log::new();
    gone.tamper(&["DELETE FROM audit_checkpoints WHERE number = 1"]);
    assert!(gone.found().iter().any(|one| one.0 == Fault::MissingCheckpoint), "{:?}", gone.found());

    let line = Log::new();
    let text = std::fs::read_to_string(line.anchors()).unwrap();
    std::fs::write(line.anchors(), text.replace("\"entries\":20", "\"entries\":21")).unwrap();
    assert_eq!(line.found(), [(Fault::ForgedCheckpoint, 21, 21)]);
    std::fs::write(line.anchors(), "nonsense\n").unwrap();
    assert_eq!(line.found(), [(Fault::WrongAnchor, 0, 0)]);

    // The anchor file of another deck.
    let (ours, theirs) = (Log::new(), Log::new());
    let other = Verify { from: None, anchor: Some(theirs.anchors()) };
    let found = ours.audit.examine(&other, &Unwatched).unwrap();
    assert_eq!(found.walked.problems.iter().map(|one| one.fault).collect::<Vec<_>>(), [Fault::WrongKey]);

    // Another key, and none.
    let keyless = Log::new();
    std::fs::write(keyless.directory.path().join("audit.key"), "x".repeat(64)).unwrap();
    std::process::Command::new("chmod").arg("600").arg(keyless.directory.path().join("audit.key")).status().unwrap();
    assert_eq!(keyless.found(), [(Fault::WrongKey, 0, 0)]);
    write(&keyless.audit.db, 41, 41);
    assert!(keyless.audit.anchor(When::Now).unwrap_err().to_string().contains("another key"));
    std::fs::remove_file(keyless.directory.path().join("audit.key")).unwrap();
    assert_eq!(keyless.found(), [(Fault::WrongKey, 0, 0)]);
    assert!(keyless.audit.anchor(When::Now).is_err(), "no new key is made beside checkpoints of an old one");
    assert!(!keyless.directory.path().join("audit.key").exists());
}

#[test]
fn a_clock_that_went_back_is_noted_and_is_no_proof() {
    let log = Log::empty();
    write(&log.audit.db, 100, 110);
    write(&log.audit.db, 1, 5);
    let found = log.examined();
    assert!(found.is_whole() && found.walked.notes.iter().any(|note| note.contains("backwards at row 12")), "{:?}", found.walked.notes);
}

#[test]
fn a_redacted_row_is_accepted_and_one_that_was_edited_afterwards_is_not() {
    let log = Log::new();
    let ana = Actor::human("ana");
    log.audit.db.write_blocking(move |c| redact(c, 7, &json!({}), "asked for", &ana, 1_000_200)).unwrap();
    let found = log.examined();
    assert!(found.is_whole() && found.walked.redacted == 1, "{:?}", found.walked.problems);
    log.tamper(&["UPDATE audit_log SET detail = '{\"redacted\":{\"x\":1}}' WHERE seq = 7"]);
    assert_eq!(log.found(), [(Fault::Edited, 7, 7)]);
}

#[test]
fn checkpoints_are_made_when_they_are_due_and_reach_the_second_place_later_when_it_was_away() {
    let log = Log::empty();
    assert!(log.audit.anchor(When::Due).unwrap().made.is_none());
    assert!(!log.directory.path().join("audit.key").exists(), "nothing to sign, no key");
    write(&log.audit.db, 1, 3);
    assert!(log.audit.anchor(When::Due).unwrap().made.is_none(), "three rows, just written");
    log.clock.advance(3_700_000);
    assert_eq!(log.audit.anchor(When::Due).unwrap().made.unwrap().entries, 3);
    write(&log.audit.db, 4_000_000, 4_000_009);
    // A directory stands in the way: the checkpoint is made all the same, and said.
    std::fs::rename(log.anchors(), log.directory.path().join("aside")).unwrap();
    std::fs::create_dir(log.anchors()).unwrap();
    let anchored = log.audit.anchor(When::Due).unwrap();
    assert!(anchored.made.is_some() && !anchored.warnings.is_empty());
    std::fs::remove_dir(log.anchors()).unwrap();
    std::fs::rename(log.directory.path().join("aside"), log.anchors()).unwrap();
    // A line that a power failure cut off does not swallow the next one.
    let text = std::fs::read_to_string(log.anchors()).unwrap();
    std::fs::write(log.anchors(), format!("{text}{{\"numb")).unwrap();
    assert!(log.audit.anchor(When::Now).unwrap().made.is_none());
    let lines = place::read(&log.anchors()).unwrap();
    let numbers: Vec<_> = lines.iter().map(|line| line.checkpoint.as_ref().map(|one| one.number)).collect();
    assert_eq!(numbers, [Some(1), None, Some(2)]);
    assert!(key::load(&log.audit.settings).unwrap().is_some());
}

#[test]
fn a_line_that_a_power_failure_cut_off_is_told_and_accuses_nobody() {
    let log = Log::new();
    let text = std::fs::read_to_string(log.anchors()).unwrap();
    let noted = |found: &Verified| found.walked.notes.iter().any(|note| note.contains("line 2 of the anchor file was cut off"));
    std::fs::write(log.anchors(), &text[..text.len() - 40]).unwrap();
    let found = log.examined();
    assert!(found.is_whole() && noted(&found), "before anything is written behind it: {:?}", found.walked);
    assert!(log.audit.anchor(When::Now).unwrap().made.is_none());
    let found = log.examined();
    assert!(found.is_whole() && noted(&found), "and afterwards: {:?}", found.walked);
    assert_eq!(place::read(&log.anchors()).unwrap().len(), 3);
    // A line that was changed is no line that was cut off, wherever it stands.
    let second = text.lines().nth(1).unwrap();
    for changed in [format!("{}x", &second[..30]), second[..second.len() - 1].replace("\"entries\":40", "\"entries\":41"), "{}".to_owned()]
    {
        std::fs::write(log.anchors(), format!("{}\n{changed}\n{second}\n", text.lines().next().unwrap())).unwrap();
        assert_eq!(log.found(), [(Fault::WrongAnchor, 0, 0)], "{changed}");
    }
    // Nor is the beginning of a checkpoint that stands before it.
    std::fs::write(log.anchors(), format!("{text}{}\n", &text[..50])).unwrap();
    assert_eq!(log.found(), [(Fault::WrongAnchor, 0, 0)]);
}

#[test]
fn the_command_gets_each_checkpoint_and_a_failing_one_is_told() {
    let log = Log::empty();
    let out = log.directory.path().join("told");
    let told = Settings { anchor_command: vec!["tee".into(), out.display().to_string()], ..settings(log.directory.path()) };
    let audit = Audit::new(log.audit.db.clone(), log.clock.clone(), told.clone());
    write(&audit.db, 1, 3);
    assert!(audit.anchor(When::Now).unwrap().warnings.is_empty());
    assert_eq!(std::fs::read_to_string(out).unwrap(), std::fs::read_to_string(log.anchors()).unwrap());
    write(&audit.db, 4, 5);
    let failing = Audit::new(log.audit.db.clone(), log.clock.clone(), Settings { anchor_command: vec!["false".into()], ..told });
    let anchored = failing.anchor(When::Now).unwrap();
    assert!(anchored.made.is_some() && anchored.warnings[0].contains("anchor_command"), "{:?}", anchored.warnings);
}

#[test]
fn two_processes_that_anchor_at_once_make_one_checkpoint() {
    let log = Log::empty();
    write(&log.audit.db, 1, 30);
    key::load_or_make(&log.audit.settings).unwrap();
    let made: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| log.audit.anchor(When::Due).unwrap().made.is_some())).collect();
        workers.into_iter().map(|worker| usize::from(worker.join().unwrap())).sum()
    });
    assert_eq!((made, place::read(&log.anchors()).unwrap().len()), (1, 1));
    assert!(log.examined().is_whole());
}

#[test]
fn the_keeper_makes_them_by_itself() {
    let log = Log::empty();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        write_async(&log.audit.db).await;
        let _keeper = quarterdeck::upkeep::audit::keeper::start(log.audit.clone());
        let mut changes = log.audit.db.changes().unwrap();
        loop {
            let made = log.audit.db.read(|c| c.first("SELECT number FROM audit_checkpoints", &[])).await.unwrap();
            if made.is_some() {
                break;
            }
            changes.changed().await.unwrap();
        }
    });
}

async fn write_async(db: &Database) {
    let db = db.clone();
    std::thread::spawn(move || write(&db, 1, 12)).join().unwrap();
}

#[test]
fn the_command_line_lists_verifies_anchors_and_exports() {
    let home = Home::seeded();
    let all = home.run(&["--json", "audit", "log", "--limit", "100"]).done().json();
    let total = all["rows"].as_array().unwrap().len();
    assert!(total > 3 && all["next"].is_null(), "{all}");
    let some = home.run(&["--json", "audit", "log", "--action", "persona.*"]).done().json();
    assert!(some["rows"].as_array().unwrap().iter().all(|row| row["action"].as_str().unwrap().starts_with("persona.")));
    assert!(!some["rows"].as_array().unwrap().is_empty());
    home.run(&["audit", "log", "--actor", "nobody"]).says(0, &["no rows"]);
    home.run(&["audit", "log", "--actor", "nobody", "--details"]).says(0, &["no rows"]);
    home.run(&["audit", "log", "--since", "yesterday"]).refused(2, "not a time");
    home.run(&["audit", "log", "--details", "--limit", "1"]).says(0, &["who", "what", "after"]);
    let page = home.run(&["--json", "audit", "log", "--limit", "2"]).done().json();
    let next = page["next"].as_i64().unwrap().to_string();
    let second = home.run(&["--json", "audit", "log", "--limit", "2", "--before", &next]).done().json();
    assert!(second["rows"][0]["seq"].as_i64() < page["rows"][1]["seq"].as_i64());

    home.run(&["audit", "anchors"]).says(0, &["no checkpoint was made yet", "no second place"]);
    home.run(&["audit", "anchor"]).says(0, &["checkpoint 1 over"]);
    home.run(&["audit", "anchor"]).says(0, &["nothing new since checkpoint 1"]);
    home.run(&["audit", "anchors"]).says(0, &["good"]);
    home.run(&["audit", "verify"]).says(0, &["the chain is whole", "1 checkpoints fit"]);

    let file = home.path("log.jsonl");
    let exported = home.run(&["--json", "audit", "export", "--to", &file]).done().json();
    let text = std::fs::read(&file).unwrap();
    assert_eq!(exported["sha256"].as_str().unwrap(), quarterdeck::base::sha256_hex(&text));
    assert_eq!(text.split(|byte| *byte == b'\n').count() as u64, exported["rows"].as_u64().unwrap() + 1);
    home.run(&["audit", "export", "--to", &file]).refused(1, "cannot be written");
    let csv = home.run(&["audit", "export", "--format", "csv", "--action", "persona.*"]).done();
    assert!(csv.out.starts_with("seq,time,") && csv.err.contains("SHA-256"), "{}", csv.err);

    unlock_audit_log(&home.open());
    home.open().write_blocking(|c| c.exec("DELETE FROM audit_log WHERE seq > $1", &[Val::Int(2)])).unwrap();
    let cut = home.run(&["audit", "verify"]);
    cut.says(3, &["truncated", "next: compare the end of the log"]);
    assert_eq!(home.run(&["--json", "audit", "verify"]).ended(3).json()["problems"][0]["fault"], "truncated");
    home.run(&["audit", "verify", "--anchor", "/nowhere"]).refused(1, "cannot be used");
    home.run(&["audit", "verify", "--from", "0"]).refused(2, "0");
    home.run(&["audit", "verify", "--from", "99999"]).refused(2, "there is no row 99999 to begin at");
}

#[test]
fn a_list_shows_names_whole_and_finds_a_row_by_the_end_of_an_id_that_it_shows() {
    let home = Home::seeded();
    let id = quarterdeck::base::new_id();
    let named = id.clone();
    let rows = move |c: &mut dyn Conn| {
        let (ana, value) = (Actor::human("ana"), Value::Null);
        let (persona, reason, before, after, actor) = (None, None, &value, &value, &ana);
        for (action, subject_kind, subject_id) in
            [("secrets.set", "secret", "OPENROUTER_API_KEY"), ("queue.approve", "pending_post", named.as_str())]
        {
            append(c, &Entry { at: SystemClock.now(), persona, actor, action, subject_kind, subject_id, reason, before, after })?;
        }
        Ok::<_, Error>(())
    };
    home.open().write_blocking(rows).unwrap();
    let list = home.run(&["audit", "log", "--limit", "2"]).done();
    let end = &id[28..];
    assert!(list.out.contains(" OPENROUTER_API_KEY") && list.out.contains(&format!(" {end}")) && !list.out.contains(&id), "{}", list.out);
    home.run(&["audit", "log", "--subject", end]).says(0, &["queue.approve", end]);
    home.run(&["audit", "log", "--subject", &format!("secret:{end}")]).says(0, &["no rows"]);
}

/// Asks for the end at the first look.
struct AtOnce;

impl Watcher for AtOnce {
    fn told(&self, _: Progress) {}

    fn is_stopped(&self) -> bool {
        true
    }
}

#[test]
fn a_verification_and_an_export_end_when_they_are_asked_to_and_say_that_they_are_not_done() {
    let log = Log::new();
    let stopped = log.audit.verify(&Verify::default(), &Actor::human("ana"), &AtOnce).unwrap_err();
    assert!(stopped.to_string().contains("stopped before the end"), "{stopped}");
    assert!(log.audit.db.read_blocking(|c| runs::last(c, Kind::AuditVerify)).unwrap().is_none(), "it is no verification");
    let mut text = Vec::new();
    let stopped = log.audit.export(&Filter::default(), Format::JsonLines, &mut text, &AtOnce).unwrap_err();
    assert!(stopped.to_string().contains("stopped before the end"), "{stopped}");
}

#[test]
fn an_export_that_finds_the_disk_full_leaves_nothing_under_the_name_that_was_asked_for() {
    let home = Home::seeded();
    let rows = |c: &mut dyn Conn| {
        let (ana, before, after) = (Actor::human("ana"), Value::Null, json!({ "text": "w".repeat(500) }));
        (1..400).try_for_each(|at| {
            let (action, subject_kind, subject_id, reason) = ("made.up", "thing", "t", None);
            append(c, &Entry { at, persona: None, actor: &ana, action, subject_kind, subject_id, reason, before: &before, after: &after })
                .map(drop)
        })
    };
    home.open().write_blocking(rows).unwrap();
    let file = home.path("log.jsonl");
    let program = env!("CARGO_BIN_EXE_quarterdeck");
    let (data, database) = (home.path(""), format!("sqlite:{}", home.database().display()));
    // A limit on the length of files stands for the disk.
    let limited = "trap '' XFSZ; ulimit -f 100; exec \"$@\"";
    let words = ["-c", limited, "sh", program, "--data-dir", &data, "--database", &database, "audit", "export", "--to", &file];
    let mut command = std::process::Command::new("sh");
    command.args(words).env_clear().env("HOME", home.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin");
    let output = command.output().unwrap();
    support::program::Did::of(output).refused(1, "cannot be written");
    let left: Vec<_> = std::fs::read_dir(home.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".tmp") && name != "log.jsonl"), "{left:?}");
    assert!(home.run(&["--json", "audit", "export", "--to", &file]).done().json()["rows"].as_u64().unwrap() > 399);
}

#[test]
fn a_second_place_in_the_data_directory_and_a_short_key_are_refused() {
    let home = Home::new();
    drop(home.open());
    let inside = home.path("anchors");
    let mut command = home.command(&["audit", "anchors"]);
    let did = support::program::Did::of(command.env("QUARTERDECK_AUDIT_ANCHOR_FILE", &inside).output().unwrap());
    did.refused(1, "in the data directory");
    let mut command = home.command(&["audit", "anchors"]);
    let did = support::program::Did::of(command.env("QUARTERDECK_AUDIT_KEY", "short-canary").output().unwrap());
    assert!(!did.err.contains("canary"), "{}", did.err);
    did.refused(1, "fewer than 32 characters");
}
