//! Taking a Reddit user out of everything, through the command line, with the bytes of the files looked at afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use flate2::read::MultiGzDecoder;
use quarterdeck::base::{Clock, Millis, PersonaId, SystemClock};
use quarterdeck::config;
use quarterdeck::moderation::{DraftMetadata, NewItem, Settings, ThreadEntry, left_alone, mutes, queue};
use quarterdeck::store::audit::{self, Actor};
use quarterdeck::store::{Address, Conn, Database, Error, testing};
use quarterdeck::upkeep::Site;
use quarterdeck::upkeep::erasure::{self, Asked};
use quarterdeck::upkeep::progress::Unwatched;
use quarterdeck::upkeep::retention::{self, holds::Scope};
use quarterdeck::vals;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod support;
use support::comment;
use support::program::{Did, Home};

const DAY: Millis = 86_400_000;
/// Whom we are asked to erase. It stands nowhere in the program.
const NAME: &str = "Quib_Zorp7";

fn now() -> Millis {
    SystemClock.now()
}

/// A draft that answers the person, quotes them and names them.
fn answer(parent: &str) -> NewItem {
    let entry = |fullname: &str, author: &str, body: &str| ThreadEntry {
        fullname: fullname.into(),
        author: author.into(),
        title: None,
        body: body.into(),
        permalink: Some(format!("/r/test/{fullname}")),
    };
    NewItem {
        parent_author: Some(NAME.into()),
        thread_id: Some("t3_top".into()),
        draft_metadata: DraftMetadata {
            thread: vec![
                entry("t3_top", "somebody", "What is the best canoe?"),
                entry(parent, NAME, "My xylograph of Woolloomooloo is private."),
            ],
            parent_digest: Some("0123456789abcdef".into()),
            ..DraftMetadata::default()
        },
        ..comment(parent, &format!("u/{NAME} is right about rivers, says {}.", NAME.to_lowercase()))
    }
}

/// Everything that a deck may know of the person.
fn fill(db: &Database, persona: &PersonaId) -> (String, String) {
    let persona = persona.clone();
    db.write_blocking(move |c| {
        let ana = Actor::human("ana");
        let open = queue::enqueue(c, &persona, &answer("t1_open77"), &Settings::default(), &Actor::agent("loop"), now()).unwrap();
        let old = queue::enqueue(c, &persona, &answer("t1_old88"), &Settings::default(), &Actor::agent("loop"), now() - 400 * DAY).unwrap();
        c.exec("UPDATE pending_posts SET state = 'rejected', updated_at = $2 WHERE id = $1", vals![&old, now() - 400 * DAY])?;
        c.exec(
            "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, parent_id, metadata, created_at, updated_at)
             VALUES ($1, 'said', $2, 'comment', 't1_ours', 'test', 't1_open77', $3, 5, 5)",
            vals![&persona, format!("As u/{NAME} wrote, rivers."), format!("{{\"author\":\"{NAME}\",\"body\":\"xylograph\"}}")],
        )?;
        c.exec(
            "INSERT INTO response_cache (cache_key, kind, model_asked, call_id, answer, created_at, expires_at) VALUES ('k', 'draft', 'm', 'c', $1, 5, $2)",
            vals![format!("Dear {NAME}, no."), now() + DAY],
        )?;
        let request = left_alone::Request { author: "other_One1", thread: Some("t3_x"), message: "t1_m", reason: "asks to be left alone" };
        left_alone::obey(c, &persona, &request, now()).unwrap();
        audit::append(
            c,
            &audit::Entry {
                at: now(),
                persona: Some(&persona),
                actor: &ana,
                action: "queue.reject",
                subject_kind: "pending_post",
                subject_id: &old,
                reason: Some(&format!("{NAME} would be hurt")),
                before: &serde_json::Value::Null,
                after: &serde_json::json!({ "user": NAME }),
            },
        )?;
        c.exec(
            "INSERT INTO mutes (persona_id, kind, target, reason, created_by, created_at) VALUES ($1, 'user', $2, 'rude', 'ana', 5)",
            vals![&persona, NAME.to_lowercase()],
        )?;
        Ok::<_, Error>((open, old))
    })
    .unwrap()
}

fn holds_name(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    text.contains(&NAME.to_lowercase()) || text.contains("xylograph")
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_person_is_taken_out_of_every_place_and_every_byte() {
    let home = Home::seeded();
    let (config, state) = (home.directory.path().join("c"), home.directory.path().join("state"));
    std::fs::create_dir_all(&config).unwrap();
    std::fs::create_dir_all(&state).unwrap();
    std::fs::write(config.join("config.toml"), "").unwrap();
    std::fs::write(config.join("retention.toml"), "[[rule]]\nid = \"queue-rejected\"\ndays = 300\n").unwrap();
    let file = config.join("config.toml").display().to_string();
    let run = |words: &[&str]| Did::of(home.command(&[&["--config", &file], words].concat()).output().unwrap());
    let (open, old) = {
        let persona = home.persona();
        fill(&home.open(), &persona)
    };
    // What was archived holds the person too, and so does search.
    run(&["search", "rivers"]);
    run(&["retention", "run"]).done();
    let archived = home.directory.path().join("archive");
    let archived = std::fs::read_dir(archived)
        .unwrap()
        .flatten()
        .map(|file| file.path())
        .find(|path| path.to_string_lossy().ends_with(".gz"))
        .unwrap();
    assert!(holds_name(&unpacked(&archived)));

    run(&["erase", "user", NAME]).refused(2, "cannot be taken back");
    run(&["erase", "user", "no such name!", "--yes"]).refused(2, "no Reddit name");
    run(&["erase", "user", "DemoAgentBot", "--yes"]).refused(1, "account of a persona");
    let dry = run(&["--json", "erase", "user", NAME, "--dry-run"]).done().json();
    assert_eq!(dry["dry_run"], true);
    run(&["erase", "status", NAME]).ended(3).says(3, &["never erased", "pending_posts"]);

    let held = run(&["--json", "retention", "hold", "add", "--user", NAME, "--reason", "case 7"]).done().json();
    run(&["erase", "user", NAME, "--yes"]).refused(1, "legal hold");
    run(&["retention", "hold", "release", held["holds"][0]["id"].as_str().unwrap(), "--reason", "settled"]).done();

    let report = run(&["--json", "erase", "user", &format!("u/{NAME}"), "--yes"]).done().json();
    assert_eq!(report["withdrawn"], 1);
    let touched: Vec<&str> = report["touched"].as_array().unwrap().iter().map(|place| place["place"].as_str().unwrap()).collect();
    for place in ["pending_posts", "interactions", "post_revisions", "response_cache", "mutes", "audit_log", "archive", "retention_holds"] {
        assert!(touched.contains(&place), "{place} in {touched:?}");
    }
    let shown = run(&["erase", "status", NAME]);
    shown.says(0, &["erased ", "nothing of this person is left"]);
    // Not in a row, not in a page that was freed, not in the log, not beside the backups, not in an archive.
    for name in ["deck.db", "deck.db-wal", "backups/erasures.jsonl"] {
        let bytes = std::fs::read(home.directory.path().join(name)).unwrap_or_default();
        assert!(!holds_name(&bytes), "{name} still has it");
    }
    assert!(!holds_name(&unpacked(&archived)), "the archive still has it");
    run(&["audit", "verify"]).done();
    run(&["db", "check", "--full"]).done();
    let db = home.open();
    let row = db.read_blocking({
        let open = open.clone();
        move |c| c.first("SELECT state, parent_author, parent_id, content FROM pending_posts WHERE id = $1", vals![open])
    });
    let row = row.unwrap().unwrap();
    assert_eq!((row.text("state").unwrap().as_str(), row.text_opt("parent_author").unwrap()), ("expired", None));
    assert!(
        row.text("parent_id").unwrap().starts_with("erased:")
            && row.text("content").unwrap().starts_with("u/[erased] is right about rivers")
    );
    assert!(!old.is_empty());
    // They are not written to again, and nobody has to know their name for that.
    let persona = home.persona();
    let reason = db.read_blocking(move |c| {
        let them = mutes::reason(c, &persona, None, &NAME.to_uppercase(), "test")?;
        Ok::<_, quarterdeck::moderation::Error>((them, mutes::reason(c, &persona, None, "somebody", "test")?))
    });
    let (them, other) = reason.unwrap();
    assert!(them.unwrap().contains("erased") && other.is_none());
    drop(db);
    // Asked for again, there is nothing to do.
    let again = run(&["--json", "erase", "user", NAME, "--yes"]).done().json();
    assert_eq!(again["touched"].as_array().unwrap().len(), 0, "{again}");
}

/// A name of three letters: what stands in its place is longer.
const SHORT: &str = "Zq7";

fn home_with_archive() -> (Home, PathBuf) {
    let home = Home::seeded();
    let persona = home.persona();
    home.open()
        .write_blocking(move |c| {
            for number in 0..40 {
                let id = format!("old-{number}");
                c.exec(
                    "INSERT INTO pending_posts (persona_id, id, state, version, fence, revision, post_type, target_subreddit, parent_id, parent_author,
                       content, verdict, evaluation, draft_metadata, correlation_id, expires_at, created_at, updated_at)
                     VALUES ($1, $2, 'rejected', 1, 1, 1, 'comment', 'test', $2, $3, $4, 'allow', '{}', '{}', $2, $5, $5, $5)",
                    vals![&persona, id, SHORT, format!("As {SHORT} said, {SHORT} and {SHORT}."), now() - 400 * DAY],
                )?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    home.run(&["retention", "run"]).done();
    let archived = archives(&home).remove(0);
    (home, archived)
}

fn archives(home: &Home) -> Vec<PathBuf> {
    let files = std::fs::read_dir(home.directory.path().join("archive")).unwrap().flatten().map(|file| file.path());
    files.filter(|path| path.to_string_lossy().ends_with(".gz")).collect()
}

/// Whether the archive is whole, and has the person in it.
fn in_archive(path: &Path) -> (usize, bool) {
    let text = String::from_utf8(unpacked(path)).unwrap();
    (text.lines().count(), text.contains(SHORT))
}

fn kept_places(report: &serde_json::Value) -> Vec<String> {
    report["kept"].as_array().unwrap().iter().map(|kept| kept["place"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_kill_while_an_archive_is_written_anew_is_made_good_by_whatever_comes_next() {
    for (place, next) in [("noted", "erase"), ("replaced", "erase"), ("replaced", "retention")] {
        let (home, archived) = home_with_archive();
        let killed = home.command(&["erase", "user", SHORT, "--yes"]).env("QUARTERDECK_TEST_CRASH", place).output().unwrap();
        assert!(!killed.status.success());
        assert_eq!(in_archive(&archived), (40, place == "noted"));
        if next == "retention" {
            let ran = home.run(&["--json", "retention", "run"]).done().json();
            assert_eq!((ran["unsettled"].as_array().unwrap().len(), ran["broken"].as_array().unwrap().len()), (0, 0));
            assert_eq!(in_archive(&archived), (40, false), "nothing was cut off");
        }
        home.run(&["erase", "user", SHORT, "--yes"]).done();
        assert_eq!(in_archive(&archived), (40, false));
        home.run(&["erase", "status", SHORT]).says(0, &["nothing of this person is left"]);
        home.run(&["audit", "verify"]).done();
        assert_eq!(archives(&home).len(), 1);
    }
}

#[test]
fn somebody_is_erased_again_after_a_backup_from_before_was_restored() {
    let (home, archived) = home_with_archive();
    home.run(&["backup", "create"]).done();
    home.run(&["erase", "user", SHORT, "--yes"]).done();
    let restored = home.run(&["backup", "restore", "newest", "--in-place", "--yes"]);
    assert!(restored.out.contains("1 person was erased"), "{}{}", restored.out, restored.err);
    home.run(&["--json", "retention", "run"]).done();
    let report = home.run(&["--json", "erase", "user", SHORT, "--yes"]).ended(3).json();
    assert_eq!(in_archive(&archived), (40, false));
    // What the restore kept beside the database is from before, and nobody forgets it.
    let kept = kept_places(&report);
    let aside: Vec<_> = kept.iter().filter(|place| place.contains("deck.db.before-restore-")).collect();
    assert_eq!(aside.len(), 1, "{kept:?}");
    home.run(&["erase", "status", SHORT]).says(3, &["before-restore-"]);
    for entry in std::fs::read_dir(home.directory.path()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().contains(".before-restore-") {
            let path = entry.path();
            if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
        }
    }
    home.run(&["erase", "status", SHORT]).says(0, &["nothing of this person is left"]);
}

#[test]
fn an_archive_that_was_changed_or_taken_away_is_told_and_stops_nothing() {
    let (home, archived) = home_with_archive();
    let whole = std::fs::read(&archived).unwrap();
    std::fs::write(&archived, &whole[..whole.len() - 10]).unwrap();
    let ran = home.run(&["--json", "retention", "run"]).ended(3).json();
    assert_eq!(ran["broken"][0], archived.display().to_string());
    let report = home.run(&["--json", "erase", "user", SHORT, "--yes"]).ended(3).json();
    assert!(kept_places(&report).contains(&archived.display().to_string()), "{report}");
    std::fs::remove_file(&archived).unwrap();
    home.run(&["erase", "status", SHORT]).says(3, &["it is not here"]);
    std::fs::write(&archived, whole).unwrap();
    std::fs::write(home.path("deck.db.before-27-1"), "old rows").unwrap();
    let report = home.run(&["--json", "erase", "user", SHORT, "--yes"]).ended(3).json();
    assert_eq!(kept_places(&report), [home.path("deck.db.before-27-1")]);
    assert_eq!(in_archive(&archived), (40, false));
}

#[test]
fn what_a_killed_retention_run_had_archived_is_told() {
    let (home, _) = home_with_archive();
    home.open()
        .write_blocking(|c| {
            c.exec(
                "INSERT INTO llm_calls (id, request_id, attempt, module, correlation_id, model_asked, streamed, started_at, outcome, error_message)
                 VALUES ('c', 'c', 1, 'draft', 'none', 'made/up', 0, $1, 'ok', $2)",
                vals![now() - 500 * DAY, format!("too long an answer to {SHORT}")],
            )
        })
        .unwrap();
    let killed = home.command(&["retention", "run"]).env("QUARTERDECK_TEST_CRASH", "archived").output().unwrap();
    assert!(!killed.status.success());
    home.run(&["erase", "status", SHORT]).says(3, &["a killed run left rows at its end"]);
    let report = home.run(&["--json", "erase", "user", SHORT, "--yes"]).ended(3).json();
    let kept = kept_places(&report);
    assert!(kept.len() == 1 && kept[0].contains(".unsettled-"), "{kept:?}");
    std::fs::remove_file(&kept[0]).unwrap();
    home.run(&["erase", "status", SHORT]).says(0, &["nothing of this person is left"]);
}

#[test]
fn an_erasure_ends_with_3_while_something_is_kept_and_does_not_say_that_nothing_is_left() {
    let home = Home::seeded();
    let persona = home.persona();
    let (open, _) = fill(&home.open(), &persona);
    let held = home.run(&["--json", "retention", "hold", "add", "--item", &open, "--reason", "case 9"]).done().json();
    home.run(&["erase", "user", NAME, "--dry-run"]).done();
    home.run(&["erase", "user", NAME, "--yes"]).says(3, &["kept: pending_posts"]);
    let status = home.run(&["erase", "status", NAME]).ended(3);
    assert!(!status.out.contains("nothing of this person is left"), "{}", status.out);
    home.run(&["retention", "hold", "release", held["holds"][0]["id"].as_str().unwrap(), "--reason", "settled"]).done();
    home.run(&["erase", "user", NAME, "--yes"]).done();
    home.run(&["erase", "status", NAME]).says(0, &["nothing of this person is left"]);
}

#[test]
fn a_row_of_the_audit_log_that_was_edited_is_told_and_stops_nothing() {
    let home = Home::seeded();
    let persona = home.persona();
    let db = home.open();
    fill(&db, &persona);
    db.write_blocking(|c| {
        c.exec("DROP TRIGGER audit_log_is_not_edited", &[])?;
        c.exec("UPDATE audit_log SET actor = 'nobody' WHERE action = 'queue.reject'", &[])
    })
    .unwrap();
    drop(db);
    let report = home.run(&["--json", "erase", "user", NAME, "--yes"]).ended(3).json();
    assert_eq!(kept_places(&report), ["audit_log"]);
    assert!(report["kept"][0]["why"].as_str().unwrap().contains("audit verify"));
    let touched: Vec<_> = report["touched"].as_array().unwrap().iter().map(|place| place["place"].as_str().unwrap()).collect();
    assert!(touched.contains(&"pending_posts") && touched.contains(&"audit_log"), "the rest is done: {touched:?}");
}

/// A site over a database of the suite's engine.
fn site(db: &Database, directory: &Path) -> Site {
    let request = config::Request {
        config: Some(directory.join("config.toml")),
        data_dir: Some(directory.to_path_buf()),
        database: Some(match db.address() {
            Address::Sqlite(path) => format!("sqlite:{}", path.display()),
            Address::Postgres(url) => url.clone(),
        }),
        ..config::Request::from_process()
    };
    std::fs::write(directory.join("config.toml"), "").unwrap();
    Site { settings: Arc::new(config::load(&request).settings().unwrap()), clock: Arc::new(SystemClock), actor: Actor::human("ana") }
}

fn persona(c: &mut dyn Conn) -> Result<PersonaId, Error> {
    let id = PersonaId::generate();
    c.exec("INSERT INTO personas (id, reddit_username, created_at, updated_at) VALUES ($1, 'Owl', 1, 1)", vals![&id])?;
    Ok(id)
}

#[test]
fn on_either_engine_nothing_is_left_and_what_a_hold_keeps_is_told() {
    let (db, directory) = testing::database();
    let site = site(&db, directory.path());
    let persona = db.write_blocking(persona).unwrap();
    let (open, _) = fill(&db, &persona);
    let held = open.clone();
    db.write_blocking(move |c| retention::holds::add(c, &retention::holds::Scope::Item(held), "case 9", &Actor::human("ana"), now()))
        .unwrap();
    let asked = Asked { name: NAME.to_owned(), ..Asked::default() };
    let report = erasure::erase(&site, &asked, &Unwatched).unwrap();
    let kept: Vec<_> = report.kept.iter().filter(|kept| kept.why.contains("legal hold")).map(|kept| kept.place.as_str()).collect();
    assert!(kept.contains(&"pending_posts") && kept.contains(&"post_revisions"), "{:?}", report.kept);
    let left = erasure::status(&site, NAME, false, &Unwatched).unwrap();
    assert!(left.erased_at.is_some() && left.found.is_empty(), "{left:?}");
    assert!(left.kept.iter().any(|kept| kept.place == "pending_posts"), "what is held is told again");
    db.write_blocking(move |c| {
        let hold = retention::holds::list(c, false)?.remove(0);
        retention::holds::release(c, &hold.id, "settled", &Actor::human("ana"), now())
    })
    .unwrap();
    let report = erasure::erase(&site, &asked, &Unwatched).unwrap();
    assert!(report.touched.iter().any(|touched| touched.place == "pending_posts"));
    let left = erasure::status(&site, NAME, false, &Unwatched).unwrap();
    assert!(left.found.is_empty() && left.kept.iter().all(|kept| !kept.why.contains("hold")), "{left:?}");
    assert!(db.read_blocking(audit::verify).unwrap().problems.is_empty());
}

#[test]
fn an_ordinary_word_is_taken_out_only_where_it_must_be_meant() {
    let (db, directory) = testing::database();
    let site = site(&db, directory.path());
    db.write_blocking(|c| {
        let persona = persona(c)?;
        c.exec(
            "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, created_at, updated_at)
             VALUES ($1, 'a', 'A river is wide.', 'comment', 't1_a', 'test', 5, 5), ($1, 'b', 'Ask u/River.', 'comment', 't1_b', 'test', 5, 5)",
            vals![&persona],
        )
    })
    .unwrap();
    let report = erasure::erase(&site, &Asked { name: "river".to_owned(), ..Asked::default() }, &Unwatched).unwrap();
    assert!(report.kept.iter().any(|kept| kept.place == "interactions" && kept.why.contains("ordinary word")), "{report:?}");
    let texts = db.read_blocking(|c| c.query("SELECT content FROM interactions ORDER BY id", &[])).unwrap();
    let texts: Vec<String> = texts.iter().map(|row| row.text("content").unwrap()).collect();
    assert_eq!(texts, ["A river is wide.", "Ask u/[erased]."]);
}

#[test]
fn somebody_who_wrote_much_is_erased_with_every_comment() {
    let (db, directory) = testing::database();
    let site = site(&db, directory.path());
    db.write_blocking(|c| {
        let persona = persona(c)?;
        let thread = (0..500).map(|number| ThreadEntry {
            fullname: format!("t1_much{number}"),
            author: NAME.into(),
            title: None,
            body: "Hm.".into(),
            permalink: None,
        });
        let new = NewItem {
            draft_metadata: DraftMetadata { thread: thread.collect(), ..DraftMetadata::default() },
            ..comment("t3_top", "Well.")
        };
        queue::enqueue(c, &persona, &new, &Settings::default(), &Actor::agent("loop"), now()).unwrap();
        c.exec(
            "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, parent_id, created_at, updated_at)
             VALUES ($1, 'a', 'Yes.', 'comment', 't1_a', 'test', 't1_much499', 5, 5)",
            vals![&persona],
        )
    })
    .unwrap();
    erasure::erase(&site, &Asked { name: NAME.to_owned(), ..Asked::default() }, &Unwatched).unwrap();
    let row = db.read_blocking(|c| c.first("SELECT parent_id FROM interactions", &[])).unwrap().unwrap();
    assert!(row.text("parent_id").unwrap().starts_with("erased:"));
    assert!(erasure::status(&site, NAME, false, &Unwatched).unwrap().found.is_empty());
}

#[test]
fn what_a_hold_keeps_is_kept_with_everything_that_hangs_on_it() {
    let (db, directory) = testing::database();
    let site = site(&db, directory.path());
    let persona = db.write_blocking(persona).unwrap();
    let (open, _) = fill(&db, &persona);
    let (of, item) = (persona.clone(), open.clone());
    db.write_blocking(move |c| {
        c.exec(
            "INSERT INTO amendments (persona_id, id, item_id, kind, text, digest, policy, reason, asked_by, asked_at)
             VALUES ($1, 'am', $2, 'amend', $3, 'd', 'p', 'r', 'ana', 5)",
            vals![&of, &item, format!("Dear u/{NAME}.")],
        )
    })
    .unwrap();
    // The rejected one is in the archive before anything is held.
    retention::run(&site, &retention::Asked::default(), &Unwatched).unwrap();
    let archived: PathBuf = std::fs::read_dir(directory.path().join("archive"))
        .unwrap()
        .flatten()
        .map(|file| file.path())
        .find(|path| path.to_string_lossy().ends_with(".gz"))
        .unwrap();
    let (of, item) = (persona.clone(), open.clone());
    db.write_blocking(move |c| {
        for scope in [Scope::Item(item), Scope::Persona(of.as_str().to_owned())] {
            retention::holds::add(c, &scope, "case 9", &Actor::human("ana"), now()).unwrap();
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    let asked = Asked { name: NAME.to_owned(), ..Asked::default() };
    let report = erasure::erase(&site, &asked, &Unwatched).unwrap();
    let texts = |db: &Database| {
        let row = db.read_blocking(|c| {
            let sql = "SELECT (SELECT text FROM amendments) AS text, (SELECT count(*) FROM mutes WHERE kind = 'user' AND reason = 'rude') AS muted";
            c.first(sql, &[])
        });
        let row = row.unwrap().unwrap();
        (row.text("text").unwrap(), row.int("muted").unwrap())
    };
    assert_eq!(texts(&db), (format!("Dear u/{NAME}."), 1), "{report:?}");
    assert!(holds_name(&unpacked(&archived)), "a held row stays in the archive as it was");
    for place in ["amendments", "mutes", "archive", "audit_log"] {
        assert!(report.kept.iter().any(|kept| kept.place == place && kept.why.contains("legal hold")), "{place}: {:?}", report.kept);
    }
    assert!(!report.is_complete);
    db.write_blocking(|c| {
        for hold in retention::holds::list(c, false)? {
            retention::holds::release(c, &hold.id, "settled", &Actor::human("ana"), now()).unwrap();
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    erasure::erase(&site, &asked, &Unwatched).unwrap();
    assert_eq!(texts(&db), ("Dear u/[erased].".to_owned(), 0));
    assert!(!holds_name(&unpacked(&archived)));
    let left = erasure::status(&site, NAME, false, &Unwatched).unwrap();
    assert!(left.found.is_empty() && left.kept.iter().all(|kept| !kept.why.contains("hold")), "{left:?}");
}

#[test]
fn a_period_under_a_hold_is_not_changed() {
    let (db, directory) = testing::database();
    let site = site(&db, directory.path());
    let persona = db.write_blocking(persona).unwrap();
    fill(&db, &persona);
    db.write_blocking(|c| {
        Ok::<_, Error>(retention::holds::add(c, &Scope::Period(0, now() + DAY), "case 9", &Actor::human("ana"), now()).unwrap())
    })
    .unwrap();
    let report = erasure::erase(&site, &Asked { name: NAME.to_owned(), ..Asked::default() }, &Unwatched).unwrap();
    let revisions = db.read_blocking(|c| c.query("SELECT content FROM post_revisions", &[])).unwrap();
    assert!(revisions.iter().all(|row| row.text("content").unwrap().contains(NAME)), "{report:?}");
    assert!(report.kept.iter().any(|kept| kept.place == "post_revisions"));
}

#[test]
fn an_approved_draft_that_names_them_is_read_again_before_it_is_sent() {
    let (db, directory) = testing::database();
    let site = site(&db, directory.path());
    let persona = db.write_blocking(persona).unwrap();
    let of = persona.clone();
    let (approved, version) = db
        .write_blocking(move |c| {
            let new = comment("t1_other", &format!("As u/{NAME} says, rivers."));
            let id = queue::enqueue(c, &of, &new, &Settings::default(), &Actor::agent("loop"), now()).unwrap();
            c.exec(
                "UPDATE pending_posts SET state = 'scheduled', reviewed_by = 'ana', approval_digest = 'd', not_before = 1 WHERE id = $1",
                vals![&id],
            )?;
            c.exec(
                "INSERT INTO approvals (persona_id, item_id, revision, approver, digest, at) VALUES ($1, $2, 1, 'ben', 'd', 5)",
                vals![&of, &id],
            )?;
            let version = c.first("SELECT version FROM pending_posts WHERE id = $1", vals![&id])?.unwrap().int("version")?;
            Ok::<_, Error>((id, version))
        })
        .unwrap();
    let report = erasure::erase(&site, &Asked { name: NAME.to_owned(), ..Asked::default() }, &Unwatched).unwrap();
    assert_eq!((report.to_read_again, report.withdrawn), (1, 0));
    let item = db.read_blocking(move |c| quarterdeck::moderation::item::load(c, &persona, &approved)).unwrap();
    assert_eq!((item.state.as_str(), item.version, item.content.as_str()), ("pending", version + 1, "As u/[erased] says, rivers."));
    assert_eq!((item.reviewed_by, item.approval_digest), (None, None));
    let approvals = db.read_blocking(|c| c.query("SELECT 1 AS one FROM approvals", &[])).unwrap();
    assert!(approvals.is_empty());
}

#[test]
fn they_are_taken_out_of_what_says_who_is_held_of_personas_and_of_their_own_subreddit() {
    let (db, directory) = testing::database();
    let site = site(&db, directory.path());
    db.write_blocking(|c| {
        let persona = persona(c)?;
        c.exec(
            "UPDATE personas SET display_name = $1, config = $2",
            vals![format!("Friend of {NAME}"), format!("{{\"notes\":\"never as u/{NAME}\"}}")],
        )?;
        c.exec(
            "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, created_at, updated_at)
             VALUES ($1, 'a', 'Yes.', 'comment', 't1_a', $2, 5, 5), ($1, 'b', 'Ask Quib\\_Zorp7.', 'comment', 't1_b', 'test', 5, 5)",
            vals![&persona, format!("u_{NAME}")],
        )?;
        let reason = format!("what {NAME} wrote");
        retention::holds::add(c, &Scope::Period(100, 200), &reason, &Actor::human("ana"), now()).unwrap();
        c.exec("INSERT INTO subreddit_policies (subreddit, tried_at) VALUES ($1, 5)", vals![format!("u_{}", NAME.to_lowercase())])?;
        c.exec(
            "INSERT INTO pauses (scope, reason, paused_by, paused_at) VALUES ($1, 'r', 'ana', 5)",
            vals![format!("account:{}", NAME.to_lowercase())],
        )
    })
    .unwrap();
    let report = erasure::erase(&site, &Asked { name: NAME.to_owned(), ..Asked::default() }, &Unwatched).unwrap();
    let row = db
        .read_blocking(|c| {
            let sql = "SELECT p.display_name, p.config, a.subreddit, b.content, h.reason,
                         (SELECT count(*) FROM subreddit_policies) AS policies
                       FROM personas p, interactions a, interactions b, retention_holds h WHERE a.id = 'a' AND b.id = 'b'";
            c.first(sql, &[])
        })
        .unwrap()
        .unwrap();
    for (column, says) in [
        ("display_name", "Friend of [erased]"),
        ("config", "{\"notes\":\"never as u/[erased]\"}"),
        ("subreddit", "u_[erased]"),
        ("content", "Ask [erased]."),
        ("reason", "what [erased] wrote"),
    ] {
        assert_eq!(row.text(column).unwrap(), says, "{column}");
    }
    assert_eq!(row.int("policies").unwrap(), 0);
    assert!(report.kept.iter().any(|kept| kept.place == "pauses" && kept.why.contains("key")), "{:?}", report.kept);
}

#[test]
fn ids_that_only_an_archive_knows_are_taken_out_too() {
    let (db, directory) = testing::database();
    let site = site(&db, directory.path());
    let persona = db.write_blocking(persona).unwrap();
    fill(&db, &persona);
    let of = persona.clone();
    db.write_blocking(move |c| {
        c.exec(
            "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, parent_id, created_at, updated_at)
             VALUES ($1, 'z', 'Yes.', 'comment', 't1_z', 'test', 't1_old88', 5, 5)",
            vals![&of],
        )
    })
    .unwrap();
    retention::run(&site, &retention::Asked::default(), &Unwatched).unwrap();
    erasure::erase(&site, &Asked { name: NAME.to_owned(), ..Asked::default() }, &Unwatched).unwrap();
    let row = db.read_blocking(|c| c.first("SELECT parent_id FROM interactions WHERE id = 'z'", &[])).unwrap().unwrap();
    assert!(row.text("parent_id").unwrap().starts_with("erased:"));
    for file in std::fs::read_dir(directory.path().join("archive")).unwrap().flatten().map(|file| file.path()) {
        if file.to_string_lossy().ends_with(".gz") {
            let text = String::from_utf8(unpacked(&file)).unwrap();
            assert!(!text.contains("t1_old88") && !text.contains("0123456789abcdef") && text.contains("erased:"), "{text}");
        }
    }
}
