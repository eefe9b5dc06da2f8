//! What every service relies on, on both engines: SQLite always, PostgreSQL where `QUARTERDECK_TEST_POSTGRES` names a server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::store::{Address, Conn, Database, Error, MIGRATIONS, Val, audit, feed, migrate, status};
use quarterdeck::vals;
use std::sync::Arc;

type Failure = Error;

/// An empty place for a database on one engine, removed with the guard.
struct Place {
    address: Address,
    _directory: tempfile::TempDir,
}

fn sqlite() -> Place {
    let directory = tempfile::tempdir().unwrap();
    Place { address: Address::Sqlite(directory.path().join("deck.db")), _directory: directory }
}

fn postgres() -> Option<Place> {
    let Ok(server) = std::env::var("QUARTERDECK_TEST_POSTGRES") else {
        eprintln!("skipped: no PostgreSQL server (QUARTERDECK_TEST_POSTGRES is not set)");
        return None;
    };
    Some(Place { address: quarterdeck::store::testing::fresh_on_server(&server), _directory: tempfile::tempdir().unwrap() })
}

fn on_each_engine(test: impl Fn(&Address)) {
    test(&sqlite().address);
    if let Some(place) = postgres() {
        test(&place.address);
    }
}

fn open(address: &Address) -> Database {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Database::open(address, &clock).unwrap()
}

fn add_persona(c: &mut dyn Conn, id: &str) -> Result<u64, Failure> {
    c.exec("INSERT INTO personas (id, reddit_username, created_at, updated_at) VALUES ($1, $1, $2, $2)", vals![id, 1])
}

#[test]
fn values_come_back_as_they_went_in() {
    on_each_engine(|address| {
        let deck = open(address);
        deck.write_blocking(|c| -> Result<(), Failure> {
            add_persona(c, "p")?;
            c.exec(
                "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, embedding, created_at, updated_at)
                 VALUES ($1, $2, $3, 'post', $2, $4, $5, $6, $6)",
                vals!["p", "i", "snow ☃ and \u{202e}tricks", Option::<&str>::None.map_or("r", |text| text), vec![0_u8, 255, 7], i64::MAX],
            )?;
            Ok(())
        })
        .unwrap();
        let row = deck.read_blocking(|c| c.first("SELECT * FROM interactions", &[])).unwrap().unwrap();
        assert_eq!(row.text("content").unwrap(), "snow ☃ and \u{202e}tricks");
        assert_eq!(row.get("embedding").unwrap(), &Val::Blob(vec![0, 255, 7]));
        assert_eq!(row.int("created_at").unwrap(), i64::MAX);
        assert_eq!(row.text_opt("parent_id").unwrap(), None);
        assert!(row.text("created_at").is_err(), "a wrong type is an error, not a guess");
    });
}

#[test]
fn a_failed_write_leaves_nothing_and_touches_no_neighbour() {
    on_each_engine(|address| {
        let deck = open(address);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            // They wait together and share commits; every second one fails after it has written.
            let writes = (0..200).map(|number| {
                let deck = deck.clone();
                tokio::spawn(async move {
                    deck.write(move |c| {
                        add_persona(c, &format!("p{number}"))?;
                        if number % 2 == 0 { Err(Error::Closed) } else { Ok(number) }
                    })
                    .await
                })
            });
            for (number, write) in writes.collect::<Vec<_>>().into_iter().enumerate() {
                assert_eq!(write.await.unwrap().is_ok(), number % 2 == 1);
            }
        });
        let count = deck.read_blocking(|c| c.first("SELECT count(*) AS n FROM personas", &[])).unwrap().unwrap();
        assert_eq!(count.int("n").unwrap(), 100);
    });
}

#[test]
fn a_panicking_request_is_answered_and_the_database_lives_on() {
    on_each_engine(|address| {
        let deck = open(address);
        let broken = deck.write_blocking(|c| -> Result<(), Failure> {
            add_persona(c, "half")?;
            panic!("a bug in a request");
        });
        assert!(matches!(broken, Err(Error::Closed)));
        let row = deck.write_blocking(|c| c.first("SELECT count(*) AS n FROM personas", &[])).unwrap().unwrap();
        assert_eq!(row.int("n").unwrap(), 0);
    });
}

#[test]
fn rules_of_the_schema_hold() {
    on_each_engine(|address| {
        let deck = open(address);
        deck.write_blocking(|c| add_persona(c, "p")).unwrap();
        let twice = deck.write_blocking(|c| add_persona(c, "p"));
        assert!(matches!(twice, Err(Error::Constraint { .. })), "{twice:?}");
        let orphan = deck.write_blocking(|c| {
            c.exec(
                "INSERT INTO belief_nodes (persona_id, id, title, summary, created_at, updated_at) VALUES ('nobody', 'b', 't', 's', 1, 1)",
                &[],
            )
        });
        assert!(matches!(orphan, Err(Error::Constraint { .. })), "{orphan:?}");
        let reader = deck.read_blocking(|c| add_persona(c, "q"));
        assert!(reader.is_err(), "a reader must not write");
    });
}

#[test]
fn two_handles_race_for_ten_places_and_ten_are_granted() {
    on_each_engine(|address| {
        let decks: Vec<Database> = (0..4).map(|_| open(address)).collect();
        let granted = std::thread::scope(|scope| {
            let workers: Vec<_> = decks
                .iter()
                .enumerate()
                .map(|(number, deck)| {
                    scope.spawn(move || {
                        (0..10)
                            .filter(|attempt| {
                                let id = format!("{number}-{attempt}");
                                deck.write_blocking(move |c| {
                                    c.exec(
                                        "INSERT INTO topic (name, seq) SELECT $1, 1 WHERE (SELECT count(*) FROM topic) < 10",
                                        vals![id.as_str()],
                                    )
                                })
                                .unwrap()
                                    == 1
                            })
                            .count()
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum::<usize>()
        });
        assert_eq!(granted, 10);
    });
}

#[test]
fn the_schema_goes_up_and_down_on_a_filled_database_and_comes_back_the_same() {
    on_each_engine(|address| {
        let fill = |c: &mut dyn Conn| -> Result<(), Failure> {
            add_persona(c, "p")?;
            feed::append(c, 1, "queue", None, "pending_post_added", "x").map(drop)
        };
        open(address).write_blocking(fill).unwrap();
        let shape = |address: &Address| status(address).unwrap().tables.into_iter().map(|table| table.table).collect::<Vec<_>>();
        let full = shape(address);
        let versions: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).rev().collect();
        for target in versions[1..].iter().copied().chain([0]) {
            let down = migrate(address, Some(target), 2 * target).unwrap();
            assert_eq!(down, versions.iter().copied().filter(|version| *version > target).collect::<Vec<_>>());
            assert_eq!(status(address).unwrap().schema_version, target);
            let refused = Database::open(address, &(Arc::new(SystemClock) as Arc<dyn Clock>));
            assert_eq!(target > 0, matches!(refused, Err(Error::OlderSchema { .. })), "{target}: {refused:?}");
            migrate(address, None, 2 * target + 1).unwrap();
            assert_eq!(shape(address), full);
        }
    });
}

#[test]
fn a_newer_schema_is_refused_and_named() {
    on_each_engine(|address| {
        open(address)
            .write_blocking(|c| {
                c.exec("INSERT INTO schema_migrations (version, name, digest, applied_at) VALUES (99, 'later', '', 1)", &[])
            })
            .unwrap();
        let refused = Database::open(address, &(Arc::new(SystemClock) as Arc<dyn Clock>));
        assert!(matches!(refused, Err(Error::NewerSchema { found: 99, .. })), "{refused:?}");
        assert_eq!(status(address).unwrap().schema_version, 99);
    });
}

#[test]
fn the_feed_numbers_without_gaps_and_wakes_another_handle() {
    on_each_engine(|address| {
        let (writer, reader) = (open(address), open(address));
        let mut changes = reader.changes().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            // Wait until the watcher has taken its first look, then count from there.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(600), changes.changed()).await;
            changes.borrow_and_update();
            for number in 0..3 {
                writer.write(move |c| feed::append(c, number, "queue", None, "pending_post_added", "x")).await.unwrap();
            }
            tokio::time::timeout(std::time::Duration::from_secs(5), changes.changed()).await.expect("a hint within five seconds").unwrap();
            let seen = reader.read(|c| feed::after(c, "queue", 1, 10)).await.unwrap();
            assert_eq!(seen.iter().map(|change| change.seq).collect::<Vec<_>>(), [2, 3]);
            assert_eq!(reader.read(|c| feed::position(c, "beliefs")).await.unwrap(), 0);
        });
    });
}

fn write_audit_rows(deck: &Database, count: i64) {
    deck.write_blocking(move |c| -> Result<(), Failure> {
        for number in 0..count {
            let id = format!("item-{number}");
            audit::append(
                c,
                &audit::Entry {
                    at: number,
                    persona: None,
                    actor: &audit::Actor::human("ana"),
                    action: "queue.approve",
                    subject_kind: "pending_post",
                    subject_id: &id,
                    reason: (number % 2 == 0).then_some("fine"),
                    before: &serde_json::json!({ "state": "claimed" }),
                    after: &serde_json::json!({ "state": "scheduled", "number": number }),
                },
            )?;
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn the_audit_chain_verifies_and_one_changed_byte_is_found() {
    on_each_engine(|address| {
        let deck = open(address);
        write_audit_rows(&deck, 40);
        let sound = deck.read_blocking(audit::verify).unwrap();
        assert_eq!((sound.rows, sound.problems.len()), (40, 0));
        let refused = deck.write_blocking(|c| c.exec("UPDATE audit_log SET actor = 'anb' WHERE seq = 17", &[]));
        assert!(matches!(refused, Err(Error::Constraint { .. })), "{refused:?}");
        quarterdeck::store::testing::unlock_audit_log(&deck);
        for (column, tampered) in
            [("detail", "replace(detail, 'claimed', 'claimeD')"), ("actor", "'anb'"), ("at", "at + 1"), ("reason", "'fime'")]
        {
            let before = deck.read_blocking(|c| c.query("SELECT * FROM audit_log WHERE seq = 17", &[])).unwrap();
            deck.write_blocking(move |c| c.exec(&format!("UPDATE audit_log SET {column} = {tampered} WHERE seq = 17"), &[])).unwrap();
            let broken = deck.read_blocking(audit::verify).unwrap();
            assert_eq!(broken.problems.iter().map(|problem| problem.seq).collect::<Vec<_>>(), [17], "{column}");
            let old = before[0].get(column).unwrap().clone();
            deck.write_blocking(move |c| c.exec(&format!("UPDATE audit_log SET {column} = $1 WHERE seq = 17"), &[old])).unwrap();
        }
        deck.write_blocking(|c| c.exec("DELETE FROM audit_log WHERE seq = 20", &[])).unwrap();
        let missing = deck.read_blocking(audit::verify).unwrap();
        assert_eq!(missing.problems.len(), 1);
        assert_eq!(missing.problems[0].what, "rows 20 to 20 are missing");
    });
}

#[test]
fn files_are_private_and_wrong_files_are_refused_by_name() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = sqlite();
    let deck = open(&place.address);
    deck.write_blocking(|c| add_persona(c, "p")).unwrap();
    let Address::Sqlite(path) = &place.address else { unreachable!() };
    for suffix in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{}{suffix}", path.display())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    std::fs::write(&text, "these are notes, longer than the header of a database file would be, several times over and over again")
        .unwrap();
    let refused = Database::open(&Address::Sqlite(text.clone()), &(Arc::new(SystemClock) as Arc<dyn Clock>)).unwrap_err();
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused}");
    assert!(refused.to_string().contains("notes.txt"));
    let foreign = directory.path().join("other.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let refused = Database::open(&Address::Sqlite(foreign), &(Arc::new(SystemClock) as Arc<dyn Clock>)).unwrap_err();
    assert!(refused.to_string().contains("another program"), "{refused}");
}

#[test]
fn a_lock_held_by_another_process_is_an_error_after_seconds_not_a_hang() {
    let place = sqlite();
    let deck = open(&place.address);
    let Address::Sqlite(path) = &place.address else { unreachable!() };
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let started = std::time::Instant::now();
    let refused = deck.write_blocking(|c| add_persona(c, "p")).unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    assert!(started.elapsed() < std::time::Duration::from_secs(9));
    other.execute_batch("ROLLBACK").unwrap();
    deck.write_blocking(|c| add_persona(c, "p")).unwrap();
}
