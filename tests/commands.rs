//! The subcommands as scripts and operators use them: the real program, a real database, exit codes, and text from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{Clock, Millis, SystemClock};
use quarterdeck::moderation::{self, DraftMetadata, NewItem, On, PostType, Settings, ThreadEntry, decisions, outbox, queue};
use quarterdeck::store::Conn;
use quarterdeck::store::audit::Actor;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;

mod support;
use support::comment;
use support::program::{Did, Home};

fn state(home: &Home, id: &str) -> String {
    home.run(&["--json", "queue", "show", id]).done().json()["item"]["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_persona_is_seeded_once_added_shown_and_changed() {
    let home = Home::new();
    let seeded = home.run(&["--json", "seed"]).done().json();
    assert_eq!((seeded["beliefs_created"].as_i64(), seeded["edges_created"].as_i64()), (Some(8), Some(6)));
    assert!(home.run(&["seed"]).done().out.contains("already"));
    home.run(&["persona", "add", "QuietOwl", "--subreddit", "r/test"]).done();
    home.run(&["persona", "add", "quietowl"]).refused(1, "QuietOwl");
    home.run(&["persona", "add", "no spaces allowed"]).refused(1, "letters");
    home.run(&["persona", "set", "QuietOwl", "persona_style.humor", "0.3"]).done();
    home.run(&["persona", "set", "QuietOwl", "persona_style.humor", "7"]).refused(1, "humor");
    home.run(&["persona", "set", "QuietOwl", "reddit_client_secret", "x"]).refused(1, "reddit_client_secret");
    home.run(&["persona", "set", "QuietOwl", "auto_posting_enabled", "true"]).refused(2, "without a person");
    home.run(&["persona", "set", "QuietOwl", "auto_posting_enabled", "true", "--yes"]).done();
    let shown = home.run(&["--json", "persona", "show", "quietowl"]).done().json();
    assert_eq!(shown["settings"]["auto_posting_enabled"], Value::Bool(true));
    assert_eq!(shown["persona"]["config"]["persona_style"]["humor"], 0.3);
    home.run(&["persona", "show", "nobody"]).refused(1, "nobody");
}

#[test]
fn an_item_goes_through_every_decision_by_command() {
    let home = Home::seeded();
    let id = home.add(comment("t3_a", "A harmless remark about rivers."));
    let list = home.run(&["--json", "queue", "list"]).done().json();
    assert_eq!((list["items"][0]["id"].as_str(), &list["next"]), (Some(id.as_str()), &Value::Null));
    let end = &id[id.len() - 8..];
    home.run(&["queue", "claim", end]).done();
    home.run(&["--as", "bob", "queue", "approve", end]).refused(1, "claimed by ana until");
    home.run(&["queue", "release", end]).done();
    home.run(&["queue", "hold", end, "--for", "2h", "--reason", "ask the team"]).done();
    assert_eq!(state(&home, &id), "held");
    home.run(&["queue", "hold", end, "--for", "soon", "--reason", "x"]).refused(2, "not a length of time");
    home.run(&["queue", "release", end]).done();
    let edited = home.run(&["queue", "edit", end, "--text", "A harmless remark about lakes."]).done();
    assert!(
        edited.out.contains("- A harmless remark about rivers.") && edited.out.contains("+ A harmless remark about lakes."),
        "{}",
        edited.out
    );
    let approved = home.run(&["queue", "approve", end]).done();
    assert!(approved.out.contains("dry run"), "a dry run says so: {}", approved.out);
    home.run(&["--as", "bob", "queue", "approve", end]).refused(1, "scheduled by ana at");
    home.run(&["queue", "undo", end]).done();
    home.run(&["queue", "return", end, "--note", "shorter"]).done();
    assert_eq!(state(&home, &id), "returned");
    let other = home.add(comment("t3_b", "Another harmless remark."));
    home.run(&["queue", "reject", &other, "--reason", "tone", "--note", "too preachy", "--then", "mute_thread"]).done();
    assert_eq!(state(&home, &other), "rejected");
    home.run(&["queue", "reject", &other, "--reason", "tone"]).refused(1, "rejected by ana at");
    home.run(&["queue", "reject", &other, "--reason", "bad"]).refused(2, "off_topic");
    let blocked = home.add(comment("t3_c", "Win the lottery today."));
    home.run(&["queue", "approve", &blocked]).refused(1, "blocked");
    home.run(&["queue", "discard", &blocked, "--reason", "spam"]).done();
    assert!(home.run(&["queue", "list", "--all"]).done().out.contains("discarded"));
    assert!(home.run(&["audit", "verify"]).done().out.contains("the chain is whole"));
}

#[test]
fn wrong_items_and_stale_versions_are_refused_and_nothing_changes() {
    let home = Home::seeded();
    home.run(&["persona", "add", "QuietOwl"]).done();
    let id = home.add(comment("t3_a", "A harmless remark about rivers."));
    home.run(&["queue", "show", "deadbeef"]).refused(1, "no queue item");
    home.run(&["queue", "approve", "not-an-id"]).refused(1, "no queue item");
    home.run(&["--persona", "QuietOwl", "queue", "approve", &id]).refused(1, "no queue item");
    home.run(&["queue", "approve", &id, "--version", "7"]).refused(1, "you saw version 7");
    assert_eq!(state(&home, &id), "pending");
    for (new, words) in [
        (NewItem { post_type: PostType::Post, parent_id: None, ..comment("", "A post without a title.") }, "no title"),
        (NewItem { parent_id: None, ..comment("", "A comment without a parent.") }, "no parent"),
    ] {
        let id = home.add(new);
        home.run(&["queue", "approve", &id]).refused(1, words);
        assert_eq!(state(&home, &id), "pending");
    }
    home.run(&["queue", "edit", &id, "--text", ""]).refused(1, "empty");
    home.run(&["queue", "edit", &id, "--text", &"ä".repeat(10_001)]).refused(1, "10001 characters");
    home.run(&["queue", "edit", &id]).refused(2, "--text");
    assert_eq!(state(&home, &id), "pending");
}

#[test]
fn text_from_outside_stays_text() {
    let home = Home::seeded();
    let hostile = "fine\u{1b}[2J\u{1b}]52;c;aGk=\u{7} pay\u{202e}pal \u{200b}zero\u{9b}31m";
    let mut new = comment("t3_a", &format!("A remark. {hostile}"));
    let entry = ThreadEntry { author: hostile.into(), title: Some(hostile.into()), body: hostile.into(), ..ThreadEntry::default() };
    new.draft_metadata = DraftMetadata { thread: vec![entry], ..DraftMetadata::default() };
    new.parent_author = Some(hostile.into());
    let id = home.add(new);
    for words in [&["queue", "list"][..], &["queue", "show", &id], &["--json", "queue", "show", &id], &["--json", "queue", "list"]] {
        let out = home.run(words).done().out;
        let steers = |character: char| (character.is_control() && character != '\n') || matches!(character, '\u{202e}' | '\u{200b}');
        assert!(!out.contains(steers), "{words:?}: {out:?}");
    }
    let raw = home.run(&["--json", "queue", "show", &id]).json();
    assert!(raw["item"]["content"].as_str().unwrap().contains('\u{1b}'), "JSON keeps the raw text, escaped");
}

#[test]
fn two_processes_approve_the_same_item_and_one_wins() {
    let home = Home::seeded();
    for round in 0..5 {
        let id = home.add(comment(&format!("t3_{round}"), "A harmless remark about rivers."));
        let start = |name: &str| {
            let mut command = home.command(&["--as", name, "queue", "approve", &id]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let both = [("ana", start("ana")), ("bob", start("bob"))].map(|(name, child)| (name, Did::of(child.wait_with_output().unwrap())));
        let winners: Vec<_> = both.iter().filter(|(_, did)| did.code == 0).map(|(name, _)| *name).collect();
        assert_eq!(winners.len(), 1, "{:?}", both.iter().map(|(_, did)| &did.err).collect::<Vec<_>>());
        let (_, loser) = both.iter().find(|(_, did)| did.code == 1).expect("the other is refused");
        assert!(loser.err.contains(&format!("by {} at", winners[0])), "{}", loser.err);
    }
}

#[test]
fn an_unresolved_delivery_is_resolved_by_people() {
    let home = Home::seeded();
    let persona = home.persona();
    let lost = |parent: &str| -> String {
        let id = home.add(comment(parent, "A harmless remark about rivers."));
        let (persona, target) = (persona.clone(), id.clone());
        home.open()
            .write_blocking(move |c: &mut dyn Conn| -> moderation::Result<()> {
                let settings = Settings { mode: moderation::Mode::Sandbox, ..Settings::default() };
                let (ana, at) = (Actor::human("ana"), SystemClock.now());
                let on = On { persona: &persona, id: &target, version: None, actor: &ana, at };
                decisions::approve(c, &on, "DemoAgentBot", &settings)?;
                let intent = outbox::commit_intent(c, &persona, &target, "DemoAgentBot", moderation::Mode::Sandbox, at + 60_000)?;
                let outbox::Intent::Go(_, attempt) = intent else { panic!("{intent:?}") };
                outbox::settle(c, &persona, &attempt, &outbox::Answer::Unknown { reason: "reset".into() }, at + 61_000)?;
                for later in [70_000, 200_000] {
                    let attempt = outbox::lost_attempt(c, &persona, &target)?.expect("lost");
                    outbox::reconcile(c, &persona, &attempt, &outbox::Finding::Absent, at + later)?;
                }
                Ok(())
            })
            .unwrap();
        id
    };
    let first = lost("t3_a");
    assert_eq!(state(&home, &first), "unresolved");
    home.run(&["queue", "resolve", &first]).refused(2, "--sent");
    home.run(&["queue", "resolve", &first, "--resend"]).refused(1, "second person");
    home.run(&["queue", "resolve", &first, "--sent", "t3_wrong"]).refused(1, "t1_");
    home.run(&["queue", "resolve", &first, "--sent", "https://www.reddit.com/r/test/comments/a/x/zz9/"]).done();
    assert_eq!(state(&home, &first), "confirmed");
    let second = lost("t3_b");
    home.run(&["--as", "bob", "queue", "resolve", &second, "--resend"]).done();
    assert_eq!(state(&home, &second), "scheduled");
    let third = lost("t3_c");
    home.run(&["queue", "resolve", &third, "--abandon"]).done();
    assert_eq!(state(&home, &third), "abandoned");
}

#[test]
fn the_quality_of_review_is_kept_by_command() {
    let home = Home::seeded();
    let id = home.add(comment("t3_a", "A harmless remark about rivers."));
    home.run(&["queue", "label", &id, "good"]).refused(1, "labelled as sent");
    home.run(&["queue", "judge", &id, "--verdict", "agree"]).refused(1, "judged");
    home.run(&["queue", "reject", &id, "--reason", "tone"]).done();
    home.run(&["queue", "judge", &id, "--verdict", "overturn"]).refused(1, "second person");
    home.run(&["--as", "bob", "queue", "judge", &id, "--verdict", "overturn", "--note", "it was fine"]).done();
    home.run(&["queue", "judge", &id, "--verdict", "perhaps"]).refused(2, "agree, overturn");
    home.run(&["queue", "sample"]).done();
    home.run(&["queue", "golden", "add", "--from", &id, "--expect", "approve,edit", "--why", "nothing is wrong with it"]).done();
    home.run(&["queue", "golden", "add", "--expect", "approve", "--why", "x"]).refused(2, "--from");
    let listed = home.run(&["queue", "golden", "list", "--json"]).json();
    assert_eq!((listed["cases"][0]["expected"].as_str(), listed["cases"][0]["used"].as_i64()), (Some("approve,edit"), Some(0)));
    let case = listed["cases"][0]["id"].as_str().unwrap().to_owned();
    home.run(&["queue", "golden", "remove", &case]).done();
    home.run(&["queue", "golden", "remove", &case]).refused(1, "queue golden list");
    let shown = home.run(&["queue", "show", &id, "--json"]).json();
    assert_eq!(shown["labels"].as_array().map(Vec::len), Some(0));
    let mine = home.run(&["queue", "stats", "--mine", "--json"]).json();
    assert_eq!((mine["reviewer"].as_str(), mine["items"].as_i64(), mine["golden"].is_null()), (Some("ana"), Some(1), true));
    let stats = home.run(&["queue", "stats", "--json"]).json();
    assert_eq!(stats["agreement"]["second_only"].as_i64(), Some(1), "ana said no, bob yes");
}

#[test]
fn a_team_works_one_queue() {
    let home = Home::seeded();
    let id = home.add(comment("t3_a", "A harmless remark about rivers."));
    let strict = |words: &[&str]| {
        let mut command = home.command(words);
        Did::of(command.env("QUARTERDECK_SECOND_APPROVER", "always").output().unwrap())
    };
    assert!(strict(&["queue", "approve", &id]).done().out.contains("a second person"));
    strict(&["queue", "approve", &id]).refused(1, "ana has approved");
    strict(&["--as", "bob", "queue", "approve", &id]).done();
    assert_eq!(state(&home, &id), "scheduled");
    let other = home.add(comment("t3_b", "Another harmless remark."));
    home.run(&["queue", "give", &other, "--to", "bob"]).done();
    home.run(&["queue", "approve", &other]).refused(1, "claimed by bob");
    home.run(&["--as", "bob", "queue", "escalate", &other, "--to", "dee", "--reason", "legal"]).done();
    home.run(&["queue", "approve", &other]).refused(1, "passed on to dee");
    assert!(home.run(&["queue", "show", &other]).done().out.contains("dee: legal"));
    let third = home.add(comment("t3_c", "A third harmless remark."));
    home.run(&["queue", "skip", &third]).done();
    let ids = |words: &[&str]| home.run(words).done().out;
    assert!(!ids(&["--json", "queue", "list"]).contains(&third));
    assert!(ids(&["--json", "queue", "list", "--skipped"]).contains(&third));
    assert!(ids(&["--json", "--as", "bob", "queue", "list"]).contains(&third));
    let mut command = home.command(&["queue", "list"]);
    Did::of(command.env("QUARTERDECK_SECOND_APPROVER", "perhaps").output().unwrap()).refused(1, "QUARTERDECK_SECOND_APPROVER");
}

#[test]
fn the_numbers_of_the_queue_are_counted_from_what_was_done() {
    let home = Home::seeded();
    for number in 0..3 {
        home.add(comment(&format!("t3_{number}"), "A harmless remark about rivers."));
    }
    let list = home.run(&["--json", "queue", "list"]).json();
    let first = list["items"][0]["id"].as_str().unwrap().to_owned();
    home.run(&["queue", "reject", &first, "--reason", "tone"]).done();
    let stats = home.run(&["--json", "queue", "stats", "--last", "1h"]).done().json();
    let metric = |name: &str| stats["metrics"].as_array().unwrap().iter().find(|metric| metric["name"] == name).unwrap().clone();
    assert_eq!((metric("depth")["value"].as_f64(), metric("arrival rate")["n"].as_i64()), (Some(2.0), Some(3)));
    assert_eq!((metric("decision rate")["n"].as_i64(), &metric("rejected")["value"]), (Some(1), &Value::Null), "one case is no share");
    assert!(home.run(&["queue", "stats"]).done().out.contains("items that wait for a decision"));
    home.run(&["queue", "stats", "--last", "ever"]).refused(2, "not a length of time");
}

#[test]
fn the_kill_switch_is_set_shown_and_lifted() {
    let home = Home::seeded();
    home.run(&["pause", "--reason", " "]).refused(2, "reason");
    home.run(&["pause", "--for", "1h"]).refused(2, "--reason");
    home.run(&["--persona", "DemoAgentBot", "pause", "--reason", "wrong tone", "--for", "2h"]).done();
    home.run(&["pause", "--reason", "incident 9"]).done();
    assert_eq!(home.run(&["--json", "pause"]).done().json()["pauses"].as_array().unwrap().len(), 2);
    assert_eq!(home.run(&["--json", "resume"]).done().json()["resumed"], Value::Bool(true));
    assert_eq!(home.run(&["--json", "resume"]).done().json()["resumed"], Value::Bool(false));
    home.run(&["--persona", "nobody", "pause", "--reason", "x"]).refused(1, "nobody");
}

#[test]
fn the_database_tells_its_state_and_goes_up_and_down() {
    let home = Home::new();
    home.run(&["db", "status"]).refused(1, "no such file");
    home.run(&["db", "migrate"]).done();
    let status = home.run(&["--json", "db", "status"]).done().json();
    assert_eq!((status["integrity_ok"].as_bool(), status["journal_mode"].as_str()), (Some(true), Some("wal")));
    home.run(&["seed"]).done();
    home.run(&["db", "rollback"]).refused(2, "--yes");
    home.run(&["db", "rollback", "--yes"]).done();
    home.run(&["persona", "list"]).refused(1, "quarterdeck db migrate");
    assert_eq!(home.run(&["db", "status"]).code, 3, "an old schema is a problem that a check finds");
    home.run(&["db", "migrate"]).done();
    assert!(home.run(&["persona", "list"]).done().out.contains("DemoAgentBot"));
    home.open()
        .write_blocking(|c| c.exec("INSERT INTO schema_migrations (version, name, digest, applied_at) VALUES (99, 'later', '', 1)", &[]))
        .unwrap();
    home.run(&["queue", "list"]).refused(1, "schema version 99");
    assert_eq!(home.run(&["db", "status"]).code, 3);
}

#[test]
fn a_locked_or_damaged_database_is_an_error_with_a_next_step() {
    let home = Home::seeded();
    let id = home.add(comment("t3_a", "A harmless remark about rivers."));
    let holder = rusqlite::Connection::open(home.database()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    home.run(&["queue", "approve", &id]).refused(1, "is locked: commands-");
    assert!(home.run(&["queue", "list"]).done().out.contains("pending"), "reading goes on meanwhile");
    holder.execute_batch("ROLLBACK").unwrap();
    home.run(&["queue", "approve", &id]).done();

    let damaged = Home::new();
    std::fs::write(damaged.database(), vec![7_u8; 8_192]).unwrap();
    damaged.run(&["queue", "list"]).refused(1, "damaged");
    damaged.run(&["db", "status"]).refused(1, "damaged");
}

#[test]
fn one_changed_byte_in_the_audit_log_is_found() {
    let home = Home::seeded();
    let rows = home.run(&["--json", "audit", "log", "--limit", "5"]).done().json();
    let seq = rows["rows"][2]["seq"].as_i64().unwrap();
    quarterdeck::store::testing::unlock_audit_log(&home.open());
    home.open()
        .write_blocking(move |c| c.exec("UPDATE audit_log SET detail = replace(detail, 'e', 'E') WHERE seq = $1", quarterdeck::vals![seq]))
        .unwrap();
    let broken = home.run(&["--json", "audit", "verify"]);
    assert_eq!(broken.code, 3);
    assert_eq!(broken.json()["problems"][0]["seq"].as_i64(), Some(seq));
}

#[test]
fn prices_are_listed_and_imported_with_their_date() {
    let home = Home::new();
    let file = home.directory.path().join("prices.json");
    std::fs::write(
        &file,
        r#"{"acme/one": {"input_cost_per_token": "3e-7", "output_cost_per_token": 1e-6, "mode": "chat", "litellm_provider": "acme"}}"#,
    )
    .unwrap();
    let path = file.display().to_string();
    let imported = home.run(&["--json", "prices", "import", &path, "--from", "2026-01-02"]).done().json();
    assert_eq!(imported["added"].as_u64(), Some(1), "{imported}");
    assert_eq!(home.run(&["--json", "prices", "import", &path]).done().json()["unchanged"].as_u64(), Some(1));
    let listed = home.run(&["prices", "list", "--model", "acme"]).done().out;
    assert!(listed.contains("0.3000") && listed.contains("2026-01-02"), "{listed}");
    home.run(&["prices", "import", "/nowhere.json"]).refused(1, "cannot be read");
    std::fs::write(&file, "<html>").unwrap();
    home.run(&["prices", "import", &path]).refused(1, "no price table");
    home.run(&["prices", "import", &path, "--from", "yesterday"]).refused(2, "no date");
}

#[test]
fn pages_of_the_list_are_followed_by_their_cursor() {
    let home = Home::seeded();
    for number in 0..7 {
        home.add(comment(&format!("t3_{number}"), "A harmless remark about rivers."));
    }
    let mut seen = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let mut words = vec!["--json", "queue", "list", "--limit", "3"];
        if let Some(next) = &next {
            words.extend(["--after", next]);
        }
        let page = home.run(&words).done().json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(cursor) => next = Some(cursor.to_owned()),
            None => break,
        }
    }
    let count: Millis = seen.len().try_into().unwrap();
    seen.dedup();
    assert_eq!((count, seen.len()), (7, 7));
    home.run(&["queue", "list", "--after", "nonsense"]).refused(2, "no place in the list");
    home.run(&["queue", "list", "--state", "posted"]).refused(2, "the states are");
}

#[test]
fn the_demo_shows_the_whole_walk_and_again_in_the_same_place() {
    let home = Home::new();
    for _ in 0..2 {
        let out = home.run(&["--json", "demo", "--headless", "--cycles", "1"]).done().out;
        let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let named = |name: &str| events.iter().filter(|event| event["event"] == name).count();
        assert!(named("queued") > 0 && named("decision") > 0 && named("delivery") > 0, "{out}");
        let summary = events.last().unwrap();
        assert_eq!(summary["event"], "summary");
        assert_eq!(summary["sent"], summary["stored_by_the_sandbox"]);
        assert!(summary["sent"].as_u64().unwrap() > 0 && summary["audit_problems"].as_array().unwrap().is_empty());
    }
}

/// An editor as people use one: a program of its own that takes its time.
fn editor(home: &Home, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = home.directory.path().join("editor.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

fn kept_edits(home: &Home) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(home.directory.path().join("edits")) else { return Vec::new() };
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn an_item_stays_with_who_edits_it_for_as_long_as_the_editor_is_open() {
    let home = Home::seeded();
    let id = home.add(comment("t3_a", "A harmless remark about rivers."));
    let closing = home.directory.path().join("closing");
    let typing = format!("while [ ! -e {} ]; do sleep 0.1; done; printf 'A harmless remark about lakes.' > \"$1\"", closing.display());
    let program = editor(&home, &typing);
    let mut editing = home.command(&["queue", "edit", &id, "--editor", &program, "--why", "it is about lakes"]);
    let editing = editing.env("QUARTERDECK_LEASE_SECONDS", "3").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut editing = editing.spawn().unwrap();
    // An agent sweeps while the person types: a lease that ran out would end. Four renewals are longer than the lease.
    let mut renewed = 0;
    while renewed < 4 {
        assert!(editing.try_wait().unwrap().is_none(), "the editor is open");
        home.open().write_blocking(|c| queue::sweep(c, SystemClock.now())).unwrap();
        let shown = home.run(&["--json", "queue", "show", &id]).done().json();
        let actions: Vec<&str> = shown["history"].as_array().unwrap().iter().filter_map(|row| row["action"].as_str()).collect();
        assert!(!actions.contains(&"queue.lease_over"), "{actions:?}");
        renewed = actions.iter().filter(|action| **action == "queue.renew").count();
    }
    home.run(&["--as", "bob", "queue", "approve", &id]).refused(1, "claimed by ana until");
    std::fs::write(&closing, "").unwrap();
    Did::of(editing.wait_with_output().unwrap()).done();
    let shown = home.run(&["--json", "queue", "show", &id]).done().json();
    assert_eq!(shown["item"]["content"], "A harmless remark about lakes.");
    assert_eq!(shown["revisions"][1]["note"], "it is about lakes");
    assert_eq!(kept_edits(&home), Vec::<PathBuf>::new(), "what is in the queue is not kept twice");
}

#[test]
fn what_was_typed_is_kept_when_the_edit_is_refused() {
    let home = Home::seeded();
    let id = home.add(comment("t3_a", "A harmless remark about rivers."));
    // Nothing typed: no trace, and the item is free again.
    home.run(&["queue", "edit", &id, "--editor", "/bin/true"]).done();
    assert_eq!((state(&home, &id).as_str(), kept_edits(&home).len()), ("pending", 0));
    home.run(&["queue", "edit", &id, "--editor", "/bin/false"]).refused(1, "nothing was changed");
    assert_eq!((state(&home, &id).as_str(), kept_edits(&home).len()), ("pending", 0));
    home.run(&["queue", "edit", &id, "--editor", "/nowhere/editor"]).refused(1, "cannot be started");
    assert_eq!((state(&home, &id).as_str(), kept_edits(&home).len()), ("pending", 0));
    // Ctrl-C is the editor's, also where it reaches us.
    let other = home.add(comment("t3_b", "Another harmless remark."));
    let program = editor(&home, "kill -INT $PPID; printf 'Typed after Ctrl-C.' > \"$1\"");
    home.run(&["queue", "edit", &other, "--editor", &program]).done();
    // A colleague with the right to it takes the item away meanwhile, and decides.
    home.run(&["team", "set", "cy", "admin"]).done();
    home.run(&["--as", "cy", "team", "set", "ana", "reviewer"]).done();
    let taken = format!(
        "printf 'Twenty minutes of work.' > \"$1\"; {0} --data-dir {1} --database sqlite:{2} --as cy queue release {id} && \
         {0} --data-dir {1} --database sqlite:{2} --as cy queue approve {id}",
        env!("CARGO_BIN_EXE_quarterdeck"),
        home.directory.path().display(),
        home.database().display(),
    );
    let program = editor(&home, &taken);
    home.run(&["queue", "edit", &id, "--editor", &program]).refused(1, "what you typed is kept in");
    assert_eq!(home.run(&["--json", "queue", "show", &id]).done().json()["item"]["reviewed_by"], "cy");
    let kept = kept_edits(&home);
    assert_eq!(kept.len(), 1);
    assert_eq!(std::fs::read_to_string(&kept[0]).unwrap(), "Twenty minutes of work.");
}

#[test]
fn a_team_begins_with_an_admin_and_refusals_have_their_own_exit_code() {
    let home = Home::seeded();
    assert!(home.run(&["team"]).done().out.contains("everybody may do everything"));
    home.run(&["team", "set", "ana", "reviewer"]).refused(1, "team set ana admin");
    home.run(&["team", "set", "ana", "boss"]).refused(2, "senior");
    home.run(&["team", "set", "ana", "admin"]).done();
    home.run(&["team", "remove", "ana"]).refused(1, "last admin");
    let id = home.add(comment("t3_a", "A harmless remark about rivers."));
    let refused = home.run(&["--as", "bob", "queue", "approve", &id]).refused(4, "bob is watcher here");
    assert!(refused.err.contains("ana can do it") && refused.err.contains("quarterdeck team set bob reviewer"), "{}", refused.err);
    home.run(&["--as", "bob", "team", "set", "bob", "admin"]).refused(4, "naming roles needs admin");
    home.run(&["--as", "bob", "queue", "list"]).done();
    home.run(&["--as", "bob", "queue", "show", &id]).done();
    home.run(&["--as", "bob", "pause", "--reason", "x"]).refused(4, "stopping all sending");
    home.run(&["--as", "bob", "persona", "set", "DemoAgentBot", "tone", "rude"]).refused(4, "changing a persona");
    home.run(&["team", "set", "bob", "reviewer"]).done();
    home.run(&["--as", "bob", "pause", "--reason", "x"]).done();
    home.run(&["--as", "bob", "resume"]).refused(4, "needs admin");
    home.run(&["--as", "bob", "persona", "set", "DemoAgentBot", "auto_posting_enabled", "true", "--yes"]).refused(4, "needs admin");
    home.run(&["persona", "set", "DemoAgentBot", "auto_posting_enabled", "true", "--yes"]).done();
    home.run(&["--as", "bob", "persona", "set", "DemoAgentBot", "auto_posting_enabled", "false"]).done();
    home.run(&["--as", "bob", "queue", "escalate", &id, "--to", "nobody", "--reason", "x"]).refused(1, "nobody, a watcher");
    home.run(&["team", "unlisted", "reviewer"]).done();
    home.run(&["--as", "dee", "queue", "claim", &id]).done();
    let team = home.run(&["--json", "team", "list"]).done().json();
    assert_eq!((team["members"].as_array().unwrap().len(), team["unlisted"].as_str()), (2, Some("reviewer")));
    let log = home.run(&["--json", "audit", "log", "--limit", "100"]).done().json();
    let named = |row: &&Value| row["subject_kind"] == "reviewer";
    assert_eq!(log["rows"].as_array().unwrap().iter().filter(named).count(), 3);
    assert!(home.run(&["audit", "verify"]).done().out.contains("the chain is whole"));
}

#[test]
fn a_blocked_draft_is_overridden_by_two_people_by_command() {
    let home = Home::seeded();
    let id = home.add(comment("t3_c", "The lottery of the river's bed."));
    let asked = home.run(&["queue", "override", &id, "--reason", "a figure of speech"]).done();
    assert!(asked.out.contains("second senior"), "{}", asked.out);
    assert_eq!(state(&home, &id), "blocked");
    let shown = home.run(&["queue", "show", &id]).done().out;
    assert!(shown.contains("ana asks for an override: a figure of speech") && shown.contains("queue override"), "{shown}");
    home.run(&["queue", "override", &id, "--reason", "again"]).refused(1, "second person");
    home.run(&["--as", "bob", "queue", "override", &id, "--reason", "agreed"]).done();
    let shown = home.run(&["--json", "queue", "show", &id]).done().json();
    assert_eq!(shown["override"]["confirmed_by"], "bob");
    assert_eq!(shown["item"]["state_reason"], "override by ana, confirmed by bob: a figure of speech");
    home.run(&["queue", "approve", &id]).done();
    assert_eq!(state(&home, &id), "scheduled");
}
