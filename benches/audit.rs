//! A million rows of the audit log, verified: the figure of BENCHMARKS.md.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::store::audit::{Actor, GENESIS, Stored};
use quarterdeck::store::{Address, Database};
use quarterdeck::upkeep::audit::anchor::When;
use quarterdeck::upkeep::audit::{Audit, Settings, Verify};
use quarterdeck::upkeep::progress::Unwatched;
use std::sync::Arc;
use std::time::Instant;

const ROWS: i64 = 1_000_000;
const BEFORE: &[u8] = b"37a8eec1ce19687d132fe29051dca629d164e2c4958ba141d5f4133a33f0688f";

/// Rows as a queue writes them, by a connection of our own: through the application they would take a quarter of an hour.
fn fill(path: &std::path::Path) {
    let mut raw = rusqlite::Connection::open(path).unwrap();
    raw.execute_batch("PRAGMA synchronous = OFF; DROP TRIGGER audit_log_is_not_replaced").unwrap();
    let transaction = raw.transaction().unwrap();
    let mut prev = GENESIS.to_owned();
    {
        let sql = "INSERT INTO audit_log (seq, at, persona_id, actor_kind, actor, action, subject_kind, subject_id, reason, before_digest,
          after_digest, detail, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let mut insert = transaction.prepare(sql).unwrap();
        for seq in 1..=ROWS {
            let (at, id) = (1_774_000_000_000 + seq, format!("0195b0f2-7c1e-7a10-9f3b-{seq:012}"));
            let detail =
                format!(r#"{{"after":{{"not_before":{at},"state":"scheduled","version":3}},"before":{{"state":"claimed","version":2}}}}"#);
            let row = Stored {
                seq,
                at,
                persona_id: Some(b"0195b0f2-7c1e-7a10-9f3b-2f0c5d6e7a81"),
                actor_kind: b"human",
                actor: b"ana",
                action: b"queue.approve",
                subject_kind: b"pending_post",
                subject_id: id.as_bytes(),
                reason: None,
                before_digest: BEFORE,
                after_digest: BEFORE,
                detail: detail.as_bytes(),
                prev_hash: prev.as_bytes(),
                hash: b"",
            };
            let hash = String::from_utf8(row.computed().to_vec()).unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            insert
                .execute(rusqlite::params![
                    seq,
                    at,
                    row.persona_id.map(text),
                    "human",
                    "ana",
                    "queue.approve",
                    "pending_post",
                    id,
                    Option::<String>::None,
                    text(BEFORE),
                    text(BEFORE),
                    detail,
                    prev,
                    hash
                ])
                .unwrap();
            prev = hash;
        }
    }
    transaction.commit().unwrap();
}

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deck.db");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::open(&Address::Sqlite(path.clone()), &clock).unwrap();
    fill(&path);
    let settings = Settings {
        key: None,
        key_file: directory.path().join("audit.key"),
        rows: 1_000,
        interval: 3_600_000,
        anchor_file: None,
        anchor_command: Vec::new(),
    };
    let audit = Audit::new(database, clock, settings);
    audit.anchor(When::Now).unwrap();
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let found = audit.examine(&Verify::default(), &Unwatched).unwrap();
        assert!(found.is_whole() && found.walked.rows == ROWS, "{:?}", found.walked.problems);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let size = std::fs::metadata(&path).unwrap().len() / 1_000_000;
    println!(
        "a million audit rows ({size} MB) verified with their checkpoints: {:.2} s (median of 5, slowest {:.2} s)",
        times[2].as_secs_f64(),
        times[4].as_secs_f64()
    );
    let begun = Instant::now();
    let verified = audit.verify(&Verify { from: Some(ROWS - 10_000), anchor: None }, &Actor::system("bench"), &Unwatched).unwrap();
    println!("the newest {} of them: {:.0} ms", verified.walked.rows, begun.elapsed().as_secs_f64() * 1e3);
}
