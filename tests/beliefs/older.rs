//! A database that was made before history was kept: after the migration its past begins with what it has, and the present is what it was.

use crate::house::{NOW, belief, mira, persona};
use quarterdeck::base::{Clock, PersonaId, SystemClock};
use quarterdeck::memory::edges::{self, Relation};
use quarterdeck::memory::evidence::{self, SourceType};
use quarterdeck::memory::history::{self, GraphThen};
use quarterdeck::memory::interactions::{self, InteractionMetadata, InteractionType, NewInteraction};
use quarterdeck::memory::{self, Author, Direction, Strength, beliefs, revisions, stances, undo};
use quarterdeck::store::{Address, Conn, Database, migrate, testing};
use quarterdeck::vals;
use std::sync::Arc;

/// The last schema before history.
const BEFORE: i64 = 15;

fn open(address: &Address) -> Database {
    Database::open(address, &(Arc::new(SystemClock) as Arc<dyn Clock>)).unwrap()
}

/// Everything that can happen to beliefs, for one persona, in rows that schema 15 has too.
fn fill(c: &mut dyn Conn, name: &str) -> PersonaId {
    let (actor, owner) = (mira(), persona(c, name));
    let at = |minutes: i64| Author::new(&actor, NOW + minutes * 60_000);
    let made: Vec<String> =
        (0..12).map(|number| belief(c, &owner, &format!("{name} {number}"), 0.3 + 0.05 * f64::from(number), NOW)).collect();
    for (number, id) in made.iter().enumerate() {
        let number = number as i64;
        let direction = if number % 2 == 0 { Direction::Increase } else { Direction::Decrease };
        for step in 0..number % 4 {
            revisions::nudge(c, &owner, id, direction, 0.1, Some("seen again"), &at(1 + number + 20 * step)).unwrap();
        }
        evidence::append(c, &owner, id, SourceType::Note, "a note", Strength::Weak, &at(90 + number)).unwrap();
    }
    stances::lock(c, &owner, &made[3], "settled", &at(100)).unwrap();
    stances::lock(c, &owner, &made[5], "settled", &at(101)).unwrap();
    stances::unlock(c, &owner, &made[5], "open again", &at(102)).unwrap();
    let newest = beliefs::history(c, &owner, &made[7], None, 5).unwrap();
    let nudged = newest.iter().find(|update| undo::is_of_a_kind(update)).unwrap().id.clone();
    undo::undo(c, &owner, &made[7], Some(&nudged), "a slip", &at(103)).unwrap();
    for (from, to, relation) in [(0, 1, Relation::Supports), (1, 2, Relation::Contradicts), (2, 0, Relation::DependsOn)] {
        edges::add(c, &owner, &made[from], &made[to], relation, 0.5, &at(104)).unwrap();
    }
    let gone = edges::add(c, &owner, &made[4], &made[6], Relation::EvidenceFor, 0.5, &at(105)).unwrap();
    edges::remove(c, &owner, &gone.id, &at(106)).unwrap();
    let metadata =
        InteractionMetadata { beliefs: interactions::snapshot(c, &owner, &made[..2]).unwrap(), ..InteractionMetadata::default() };
    let said = NewInteraction {
        content: "Said from two.",
        interaction_type: InteractionType::Comment,
        reddit_id: &format!("t1_{name}"),
        subreddit: "test",
        parent_id: None,
        metadata: &metadata,
    };
    interactions::log(c, &owner, &said, &at(107)).unwrap();
    // An older program could make a belief that says nothing yet.
    c.exec(
        "INSERT INTO belief_nodes (persona_id, id, title, summary, current_confidence, tags, created_at, updated_at)
         VALUES ($1, $2, 'Nothing said', 'Yet.', NULL, '[]', $3, $3)",
        vals![&owner, format!("{name}-silent"), NOW],
    )
    .unwrap();
    owner
}

fn present(db: &Database, owner: &PersonaId) -> GraphThen {
    let owner = owner.clone();
    db.read_blocking(move |c| history::present(c, &owner)).unwrap()
}

#[test]
fn what_an_older_database_believes_is_its_history_as_of_now() {
    let (db, _directory) = testing::database();
    let address = db.address().clone();
    let owners = db.write_blocking(|c| Ok::<_, memory::Error>(["first", "second"].map(|name| fill(c, name)))).unwrap();
    let before: Vec<GraphThen> = owners.iter().map(|owner| present(&db, owner)).collect();
    drop(db);
    let down = migrate(&address, Some(BEFORE), NOW).unwrap();
    assert!(down.contains(&16) && !down.contains(&15), "history is gone: {down:?}");
    migrate(&address, None, NOW + 1).unwrap();

    let db = open(&address);
    for (owner, before) in owners.iter().zip(before) {
        let now = present(&db, owner);
        assert_eq!((now.nodes.len(), now.edges.len()), (13, 3));
        let words = |graph: &GraphThen| {
            // What says nothing was made by the older program alone.
            let said = graph.nodes.iter().filter(|node| node.confidence.is_some());
            said.map(|node| (node.id.clone(), node.title.clone(), node.confidence, node.stance.clone(), node.locked)).collect::<Vec<_>>()
        };
        assert_eq!((words(&now), &now.edges), (words(&before), &before.edges), "nothing of the present was lost");
        let of = owner.clone();
        let later = db.read_blocking(move |c| history::as_of(c, &of, (NOW + 86_400_000).into())).unwrap();
        assert_eq!(later, now, "as of now it is the present");

        let first = now.nodes.iter().find(|node| node.title.ends_with(" 0")).unwrap().id.clone();
        let of = owner.clone();
        let (versions, said, evidence) = db
            .read_blocking(move |c| -> memory::Result<_> {
                let sql = "SELECT belief_id, held_from, held_until, confidence FROM belief_versions WHERE persona_id = $1 ORDER BY belief_id, version";
                let versions: Vec<(String, i64, Option<i64>)> = c
                    .query(sql, vals![&of])?
                    .iter()
                    .map(|row| Ok::<_, memory::Error>((row.text("belief_id")?, row.int("held_from")?, row.int_opt("held_until")?)))
                    .collect::<Result<_, _>>()?;
                let chain = history::chain(c, &of, &first)?;
                Ok((versions, chain.stances.iter().map(|link| link.posts.len()).sum::<usize>(), evidence::recent(c, &of, &first, 10)?.len()))
            })
            .unwrap();
        for pair in versions.windows(2) {
            let ((one, _, until), (other, from, _)) = (&pair[0], &pair[1]);
            assert_eq!(one == other, until.is_some(), "the last state of each belief is open: {pair:?}");
            assert!(one != other || *until == Some(*from), "no gap and no overlap: {pair:?}");
        }
        assert_eq!((said, evidence), (1, 1), "what was said from a belief, and its evidence, are still its own");
    }
}
