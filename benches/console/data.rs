//! The database of the bench: 100,000 pending items and 1,000,000 interactions, filled once and kept under `target/`.

use quarterdeck::base::{Clock, PersonaId, SystemClock};
use quarterdeck::memory::{self, Author, PersonaConfig};
use quarterdeck::moderation::screening::{self, ConsistencyResult, Outgoing, Surroundings};
use quarterdeck::moderation::{self, DraftMetadata, Evaluation, NewItem, PostType, Settings, queue};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Conn, Database};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub const ITEMS: usize = 100_000;
pub const INTERACTIONS: usize = 1_000_000;
/// Rises with every change of what is filled in.
const STAMP: u32 = 1;

/// Inserts many interactions at once.
const INTERACTIONS_SQL: &str = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $2) \
    INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, parent_id, created_at, updated_at) \
    SELECT $1, 'interaction-' || n, 'The gauge at the old bridge read ' || n || ' this morning, which is less than the maps say.', 'comment', \
    't1_bench' || n, 'rivers' || (n % 40), 't3_' || (n / 7), n, n FROM numbers";

pub fn open(path: &Path) -> Database {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Database::open(&Address::Sqlite(path.to_path_buf()), &clock).unwrap()
}

fn evaluation() -> Evaluation {
    let fine = ConsistencyResult::NotNeeded;
    let around = Surroundings { consistency: Some(&fine), tainted: false };
    screening::evaluate(Outgoing { title: None, content: "They fall slower than the maps say." }, around)
}

fn draft(number: usize, evaluation: &Evaluation) -> NewItem {
    NewItem {
        post_type: PostType::Comment,
        target_subreddit: format!("rivers{}", number % 40),
        parent_id: Some(format!("t3_{number}")),
        thread_id: Some(format!("t3_{number}")),
        parent_author: Some("reader".into()),
        title: None,
        content: format!("They fall slower than the maps say, and gauge number {number} shows it well enough for everybody."),
        evaluation: evaluation.clone(),
        draft_metadata: DraftMetadata { consistency: Some(ConsistencyResult::NotNeeded), ..DraftMetadata::default() },
        correlation_id: "bench".into(),
    }
}

fn fill(path: &Path) {
    let db = open(path);
    let evaluation = evaluation();
    let now = SystemClock.now();
    db.write_blocking(move |c: &mut dyn Conn| -> moderation::Result<()> {
        let (human, agent) = (Actor::human("ana"), Actor::agent("DeckBot"));
        let persona = memory::personas::add(c, "DeckBot", None, &PersonaConfig::default(), &Author::new(&human, 1))?.id;
        for number in 0..ITEMS {
            queue::enqueue(
                c,
                &persona,
                &draft(number, &evaluation),
                &Settings { expiry: 3_650 * 86_400_000, ..Settings::default() },
                &agent,
                now - ITEMS as i64 + number as i64,
            )?;
        }
        c.exec(INTERACTIONS_SQL, quarterdeck::vals![&persona, INTERACTIONS as i64])?;
        Ok(())
    })
    .unwrap();
}

/// A copy of the database that may be written to, in a directory of its own.
pub fn copy() -> (tempfile::TempDir, PathBuf) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-console");
    std::fs::create_dir_all(&kept).unwrap();
    let original = kept.join(format!("deck-{STAMP}.db"));
    if !original.exists() {
        let unfinished = kept.join("unfinished.db");
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(kept.join(format!("unfinished.db{end}")));
        }
        fill(&unfinished);
        // What is still in the log belongs to the file that is copied.
        rusqlite::Connection::open(&unfinished).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        std::fs::rename(&unfinished, &original).unwrap();
    }
    let home = tempfile::Builder::new().prefix("run-").tempdir_in(&kept).unwrap();
    let path = home.path().join("deck.db");
    std::fs::copy(&original, &path).unwrap();
    (home, path)
}

/// An agent that queues drafts.
pub struct Agent {
    db: Database,
    persona: PersonaId,
    evaluation: Evaluation,
    number: usize,
}

impl Agent {
    pub fn new(path: &Path) -> Self {
        let db = open(path);
        let persona = db.read_blocking(memory::personas::list).unwrap().remove(0).id;
        // Another one may have been there before: each begins where nobody was.
        let taken =
            db.read_blocking(|c| c.first("SELECT count(*) AS taken FROM pending_posts", &[])).unwrap().unwrap().int("taken").unwrap();
        Self { db, persona, evaluation: evaluation(), number: usize::try_from(taken).unwrap().max(ITEMS) }
    }

    /// Queue one more draft, in a transaction of its own.
    pub fn queue(&mut self) {
        let (persona, draft) = (self.persona.clone(), draft(self.number, &self.evaluation));
        self.number += 1;
        let work =
            move |c: &mut dyn Conn| queue::enqueue(c, &persona, &draft, &Settings::default(), &Actor::agent("DeckBot"), SystemClock.now());
        self.db.write_blocking(work).unwrap();
    }
}
