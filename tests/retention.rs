//! Taking away what is past its time, through the command line and the library: what goes, what stays, what is archived, and what a kill
//! leaves behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use flate2::read::MultiGzDecoder;
use proptest::prelude::*;
use quarterdeck::base::{Clock, Millis, PersonaId, SystemClock, sha256_hex};
use quarterdeck::config;
use quarterdeck::memory::personas;
use quarterdeck::store::audit::{self, Actor};
use quarterdeck::store::{Address, Conn, Database, Error, testing};
use quarterdeck::upkeep::Site;
use quarterdeck::upkeep::progress::{Progress, Unwatched, Watcher};
use quarterdeck::upkeep::retention::holds::{self, Scope};
use quarterdeck::upkeep::retention::{self, Asked};
use quarterdeck::vals;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

mod support;
use support::program::{Did, Home};

const DAY: Millis = 86_400_000;

fn now() -> Millis {
    SystemClock.now()
}

/// Calls that are so many days old.
fn calls(c: &mut dyn Conn, ids: std::ops::Range<i64>, days: i64, outcome: &str) -> Result<(), Error> {
    for id in ids {
        c.exec(
            "INSERT INTO llm_calls (id, request_id, attempt, module, correlation_id, model_asked, streamed, started_at, outcome)
             VALUES ($1, $1, 1, 'draft', 'none', 'made/up', 0, $2, $3)",
            vals![format!("{outcome}-{days}-{id}"), now() - days * DAY, outcome],
        )?;
    }
    Ok(())
}

/// The date so many days ago.
fn day(ago: i64) -> String {
    quarterdeck::base::clock::rfc3339(now() - ago * DAY)[..10].to_owned()
}

fn item(c: &mut dyn Conn, persona: &PersonaId, id: &str, state: &str, days: i64, author: &str) -> Result<(), Error> {
    let at = now() - days * DAY;
    c.exec(
        "INSERT INTO pending_posts (persona_id, id, state, version, fence, revision, post_type, target_subreddit, parent_id, parent_author, content,
           verdict, evaluation, draft_metadata, correlation_id, expires_at, created_at, updated_at)
         VALUES ($1, $2, $3, 1, 1, 1, 'comment', 'test', $2, $4, 'Some words.', 'allow', '{}', '{}', $2, $5, $5, $5)",
        vals![persona, id, state, author, at],
    )?;
    c.exec(
        "INSERT INTO post_revisions (persona_id, item_id, revision, content, author_kind, author, created_at)
         VALUES ($1, $2, 1, 'Some words.', 'agent', 'loop', $3)",
        vals![persona, id, at],
    )?;
    Ok(())
}

fn count(db: &Database, sql: &'static str) -> i64 {
    db.read_blocking(move |c| c.first(sql, &[])).unwrap().unwrap().int("n").unwrap()
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let mut text = String::new();
    MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn archives(directory: &Path) -> Vec<std::path::PathBuf> {
    let Ok(files) = std::fs::read_dir(directory.join("archive")) else { return Vec::new() };
    let mut files: Vec<_> = files.flatten().map(|file| file.path()).filter(|path| path.to_string_lossy().ends_with(".gz")).collect();
    files.sort();
    files
}

#[test]
fn a_dry_run_counts_and_a_run_archives_before_it_takes_away() {
    let home = Home::seeded();
    let persona = home.persona();
    home.open()
        .write_blocking({
            let persona = persona.clone();
            move |c| {
                calls(c, 0..300, 500, "ok")?;
                calls(c, 0..7, 10, "ok")?;
                calls(c, 0..5, 500, "started")?;
                item(c, &persona, "old-no", "rejected", 400, "reader")?;
                item(c, &persona, "old-open", "pending", 400, "reader")?;
                item(c, &persona, "young-no", "rejected", 4, "reader")
            }
        })
        .unwrap();
    let dry = home.run(&["--json", "retention", "run", "--dry-run"]).done().json();
    let rows = |name: &str| dry["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == name).unwrap()["rows"].as_i64().unwrap();
    assert_eq!((rows("calls"), rows("queue-rejected"), rows("statements")), (300, 1, 0));
    assert!(archives(home.directory.path()).is_empty(), "a dry run writes nothing");

    let ran = home.run(&["--json", "retention", "run"]).done().json();
    assert_eq!(ran["gone"], 301);
    let db = home.open();
    assert_eq!(count(&db, "SELECT count(*) AS n FROM llm_calls"), 12);
    assert_eq!(count(&db, "SELECT count(*) AS n FROM pending_posts"), 2);
    assert_eq!(count(&db, "SELECT count(*) AS n FROM post_revisions"), 2);
    let files = archives(home.directory.path());
    assert_eq!(files.len(), 2);
    let archived: Vec<_> = files.iter().flat_map(|file| lines(file)).collect();
    assert_eq!(archived.len(), 301);
    let item = archived.iter().find(|line| line["table"] == "pending_posts").unwrap();
    assert_eq!((&item["row"]["id"], &item["with"]["post_revisions"][0]["content"]), (&"old-no".into(), &"Some words.".into()));
    use std::os::unix::fs::PermissionsExt as _;
    assert!(files.iter().all(|file| file.metadata().unwrap().permissions().mode() & 0o777 == 0o600));
    // Each batch stands in the audit log with the digest of its bytes.
    let logged = db.read_blocking(|c| audit::newest(c, None, 1000)).unwrap();
    let batches: Vec<_> = logged.iter().filter(|row| row.action == "retention.batch").map(|row| row.detail["after"].clone()).collect();
    assert_eq!(batches.iter().map(|batch| batch["rows"].as_i64().unwrap()).sum::<i64>(), 301);
    for batch in batches {
        let bytes = std::fs::read(home.directory.path().join("archive").join(batch["file"].as_str().unwrap())).unwrap();
        let from = usize::try_from(batch["position"].as_i64().unwrap()).unwrap();
        let piece = &bytes[from..from + usize::try_from(batch["length"].as_i64().unwrap()).unwrap()];
        assert_eq!(sha256_hex(piece), batch["digest"].as_str().unwrap());
    }
    assert!(db.read_blocking(audit::verify).unwrap().problems.is_empty());
    assert_eq!(home.run(&["--json", "retention", "run"]).done().json()["gone"], 0);
    home.run(&["db", "check", "--full"]).done();
}

#[test]
fn a_hold_keeps_until_it_is_released_and_both_are_in_the_audit_log() {
    let home = Home::seeded();
    let persona = home.persona();
    home.open()
        .write_blocking(move |c| {
            item(c, &persona, "of-mallory", "rejected", 400, "Mallory")?;
            item(c, &persona, "of-bob", "rejected", 400, "bob")?;
            item(c, &persona, "named", "expired", 400, "carol")?;
            calls(c, 0..3, 500, "ok")
        })
        .unwrap();
    home.run(&["retention", "hold", "add", "--user", "u/mallory", "--reason", ""]).refused(2, "needs a reason");
    home.run(&["retention", "hold", "add", "--reason", "x"]).refused(2, "--user");
    home.run(&["retention", "hold", "add", "--from", "2026-01-02", "--until", "2026-01-01", "--reason", "x"])
        .refused(2, "before it begins");
    let held = home.run(&["--json", "retention", "hold", "add", "--user", "u/mallory", "--reason", "case 7"]).done().json();
    home.run(&["retention", "hold", "add", "--item", "named", "--reason", "case 8"]).done();
    home.run(&["retention", "hold", "add", "--from", &day(520), "--until", &day(480), "--reason", "case 9"]).done();
    let ran = home.run(&["--json", "retention", "run"]).done().json();
    let rule = |name: &str| ran["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == name).unwrap().clone();
    assert_eq!((rule("queue-rejected")["gone"].as_i64(), rule("queue-rejected")["held"].as_i64()), (Some(1), Some(1)));
    assert_eq!(rule("calls")["held"], 3, "their period is held");
    let left = home.run(&["--json", "db", "status"]).done();
    assert!(left.out.contains("pending_posts"));
    home.run(&["retention", "hold", "list"]).done().says(0, &["user mallory", "case 7", &format!("{} to {}", day(520), day(480))]);
    let id = held["holds"][0]["id"].as_str().unwrap();
    home.run(&["retention", "hold", "release", "nonsense", "--reason", "x"]).refused(1, "no hold \"nonsense\"");
    home.run(&["retention", "hold", "release", &id[id.len() - 8..], "--reason", "settled"]).done();
    assert_eq!(home.run(&["--json", "retention", "run", "--rule", "queue-rejected"]).done().json()["gone"], 1);
    let logged = home.open().read_blocking(|c| audit::newest(c, None, 100)).unwrap();
    let action = |name: &str| logged.iter().find(|row| row.action == name).unwrap().clone();
    assert_eq!(action("retention.hold").actor, "ana");
    assert_eq!(action("retention.release").reason.as_deref(), Some("settled"));
}

#[test]
fn a_hold_is_placed_by_the_id_that_people_see_and_says_what_it_reaches() {
    let home = Home::seeded();
    let persona = home.persona();
    let one = quarterdeck::base::new_id();
    let ids = [one.clone(), "0195b0f2-1111-7222-8333-44449d5e8ada".into(), "0195b0f2-1111-7222-8333-55559d5e8ada".into()];
    home.open().write_blocking(move |c| ids.iter().try_for_each(|id| item(c, &persona, id, "rejected", 400, "reader"))).unwrap();
    let add = |id: &str| home.run(&["--json", "retention", "hold", "add", "--item", id, "--reason", "case 7"]);
    add("nosuchitem").refused(2, "no row has the id");
    add("").refused(2, "which item");
    add("9d5e8ada").refused(2, "several rows");
    add("0195b0f2-1111-7222-8333-666666666666").refused(2, "no row has the id");
    let held = add(&one[28..]).done().json();
    assert_eq!((&held["holds"][0]["target"], &held["reaches"][0]["rows"]), (&one.into(), &1.into()), "{held}");
    add("44449d5e8ada").done();
    home.run(&["retention", "hold", "add", "--user", "nobody_of_that_name", "--reason", "case 8"])
        .says(0, &["it reaches no row that is here now"]);
    assert_eq!(home.run(&["--json", "retention", "run"]).done().json()["gone"], 1);
    // What went to the archive is held there: the log still knows of it.
    home.open()
        .write_blocking(|c| {
            let ana = Actor::human("ana");
            let id = "0195b0f2-1111-7222-8333-55559d5e8ada";
            let nothing = serde_json::Value::Null;
            let (action, subject_kind) = ("queue.reject", "pending_post");
            let (before, after) = (&nothing, &nothing);
            audit::append(
                c,
                &audit::Entry { at: now(), persona: None, actor: &ana, action, subject_kind, subject_id: id, reason: None, before, after },
            )
        })
        .unwrap();
    add("0195b0f2-1111-7222-8333-55559d5e8ada").done();
}

#[test]
fn a_hold_on_somebody_keeps_what_names_them_as_editors_write_it() {
    let (db, directory) = testing::database();
    let site = site(&db, directory.path());
    db.write_blocking(|c| {
        let persona = persona(c);
        for (id, content) in [("plain", "Ask mal_lory9."), ("escaped", "Ask Mal\\_Lory9."), ("other", "Ask mallory9.")] {
            item(c, &persona, id, "rejected", 400, "bob")?;
            c.exec("UPDATE pending_posts SET content = $2 WHERE id = $1", vals![id, content])?;
        }
        item(c, &persona, "quoted", "rejected", 400, "bob")?;
        c.exec("UPDATE pending_posts SET draft_metadata = $1 WHERE id = 'quoted'", vals!["{\"why\":\"Mal\\\\_Lory9\"}"])?;
        holds::add(c, &Scope::User("Mal_Lory9".to_owned()), "case", &Actor::human("ana"), now()).unwrap();
        Ok::<_, Error>(())
    })
    .unwrap();
    retention::run(&site, &Asked::default(), &Unwatched).unwrap();
    let left = db.read_blocking(|c| c.query("SELECT id FROM pending_posts ORDER BY id", &[])).unwrap();
    let left: Vec<String> = left.iter().map(|row| row.text("id").unwrap()).collect();
    assert_eq!(left, ["escaped", "plain", "quoted"]);
}

#[test]
fn a_file_of_rules_that_is_wrong_takes_nothing_away_and_says_where() {
    let home = Home::seeded();
    home.open().write_blocking(|c| calls(c, 0..3, 500, "ok")).unwrap();
    let config = home.directory.path().join("own");
    std::fs::create_dir(&config).unwrap();
    let file = config.join("config.toml");
    std::fs::write(&file, "").unwrap();
    let with = |words: &[&str]| {
        let file = file.display().to_string();
        Did::of(home.command(&[&["--config", &file], words].concat()).output().unwrap())
    };
    std::fs::write(config.join("retention.toml"), "preset = \"advisor\"\n[[rule]]\nid = \"calls\"\ndays = 3\n").unwrap();
    with(&["retention", "run"]).refused(1, "needed for 35 days");
    assert_eq!(count(&home.open(), "SELECT count(*) AS n FROM llm_calls"), 3);
    std::fs::write(config.join("retention.toml"), "[[rule]]\nid = \"calls\"\ndays = \"never\"\n").unwrap();
    assert_eq!(with(&["--json", "retention", "run"]).done().json()["gone"], 0);
    with(&["retention", "show"])
        .done()
        .says(0, &["calls  kept for ever", "queue-sent  kept for 730 days", "The audit log is never taken from"]);
    home.run(&["retention", "run", "--rule", "nothing"]).refused(2, "no rule called");
}

#[test]
fn a_kill_between_archive_and_database_loses_no_row_and_archives_none_twice_unseen() {
    let home = Home::seeded();
    home.open().write_blocking(|c| calls(c, 0..40, 500, "ok")).unwrap();
    let killed = home.command(&["retention", "run"]).env("QUARTERDECK_TEST_CRASH", "archived").output().unwrap();
    assert!(!killed.status.success());
    assert_eq!(count(&home.open(), "SELECT count(*) AS n FROM llm_calls"), 40, "nothing went");
    let left = archives(home.directory.path());
    assert_eq!(left.len(), 1, "the piece is on the disk");
    let ran = home.run(&["--json", "retention", "run"]).done().json();
    assert_eq!((ran["gone"].as_i64(), ran["unsettled"].as_array().unwrap().len()), (Some(40), 1));
    let killed = {
        home.open().write_blocking(|c| calls(c, 40..80, 500, "ok")).unwrap();
        home.command(&["retention", "run"]).env("QUARTERDECK_TEST_CRASH", "gone").output().unwrap()
    };
    assert!(!killed.status.success());
    let left = count(&home.open(), "SELECT count(*) AS n FROM llm_calls");
    assert!((1..40).contains(&left), "one batch went, and the rest is there: {left}");
    let ran = home.run(&["--json", "retention", "run"]).done().json();
    assert_eq!((ran["gone"].as_i64(), ran["unsettled"].as_array().unwrap().len()), (Some(left), 0));
    let mut ids: Vec<String> = archives(home.directory.path())
        .iter()
        .flat_map(|file| lines(file))
        .map(|line| line["row"]["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    let all = ids.len();
    ids.dedup();
    assert_eq!((ids.len(), all), (80, 80), "every row once");
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

fn persona(c: &mut dyn Conn) -> PersonaId {
    let id = PersonaId::generate();
    c.exec(
        "INSERT INTO personas (id, reddit_username, created_at, updated_at) VALUES ($1, $2, 1, 1)",
        vals![&id, format!("P{}", quarterdeck::base::short(id.as_str()))],
    )
    .unwrap();
    assert!(personas::list(c).unwrap().iter().any(|persona| persona.id == id));
    id
}

/// Asks for the end after so many reports.
struct After(AtomicU64);

impl Watcher for After {
    fn told(&self, _: Progress) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

#[test]
fn a_run_that_is_asked_to_end_is_taken_up_again_and_sums_stay() {
    let (db, directory) = testing::database();
    let site = site(&db, directory.path());
    db.write_blocking(|c| {
        calls(c, 0..60, 500, "ok")?;
        quarterdeck::llm::ledger::rollup::rebuild(c, 0, now())
    })
    .unwrap();
    let sum = "SELECT CAST(sum(calls) AS BIGINT) AS n FROM roll_day";
    assert_eq!(count(&db, sum), 60);
    let first = retention::run(&site, &Asked::default(), &After(AtomicU64::new(1))).unwrap();
    assert!(first.is_stopped && first.gone > 0 && first.gone < 60, "{first:?}");
    let second = retention::run(&site, &Asked::default(), &Unwatched).unwrap();
    assert_eq!(first.gone + second.gone, 60);
    let differences = db.write_blocking(|c| {
        quarterdeck::llm::ledger::rollup::rebuild(c, 0, now())?;
        quarterdeck::llm::ledger::rollup::differences(c, 0, now())
    });
    assert_eq!(differences.unwrap(), []);
    assert_eq!(count(&db, sum), 60, "sums of calls that are gone stay");
}

const STATES: [&str; 21] = [
    "pending",
    "blocked",
    "claimed",
    "held",
    "returned",
    "rejected",
    "discarded",
    "scheduled",
    "sending",
    "unknown",
    "unresolved",
    "refused",
    "confirmed",
    "visible",
    "filtered",
    "gone",
    "expired",
    "abandoned",
    "superseded",
    "retracted",
    "amended",
];
/// What only a person or the other side can end.
const LIVE: [&str; 9] = ["pending", "blocked", "claimed", "held", "returned", "scheduled", "sending", "unknown", "unresolved"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn retention_never_takes_what_a_hold_or_a_live_state_protects(
        items in prop::collection::vec((0..STATES.len(), 0_i64..900, 0..4_usize, any::<bool>()), 1..25),
        held_user in 0..4_usize,
        held_item in 0..25_usize,
    ) {
        let (db, directory) = testing::database();
        let site = site(&db, directory.path());
        let users = ["ann", "ben", "cyd", "dee"];
        let made = items.clone();
        db.write_blocking(move |c| {
            let persona = persona(c);
            for (number, (state, days, user, checks)) in made.iter().enumerate() {
                item(c, &persona, &format!("item-{number}"), STATES[*state], *days, users[*user])?;
                if *checks {
                    c.exec("UPDATE pending_posts SET next_check_at = 1 WHERE id = $1", vals![format!("item-{number}")])?;
                }
            }
            let ana = Actor::human("ana");
            holds::add(c, &Scope::User(users[held_user].to_uppercase()), "case", &ana, now()).unwrap();
            holds::add(c, &Scope::Item(format!("item-{held_item}")), "case", &ana, now()).unwrap();
            Ok::<_, Error>(())
        }).unwrap();
        retention::run(&site, &Asked::default(), &Unwatched).unwrap();
        let left: Vec<String> = db.read_blocking(|c| c.query("SELECT id FROM pending_posts", &[])).unwrap()
            .iter().map(|row| row.text("id").unwrap()).collect();
        for (number, (state, days, user, checks)) in items.iter().enumerate() {
            let id = format!("item-{number}");
            let state = STATES[*state];
            let is_protected = LIVE.contains(&state) || *checks || *user == held_user || number == held_item || *days < 90;
            if is_protected {
                prop_assert!(left.contains(&id), "{} {} {}", id, state, days);
            } else if *days > 730 {
                prop_assert!(!left.contains(&id), "{} {} {}", id, state, days);
            }
        }
    }
}
