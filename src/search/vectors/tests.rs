//! The index as a whole, on a real database: exactness, isolation, following, files, graphs.

use super::*;
use crate::base::{Millis, PersonaId};
use crate::store::Database;
use proptest::prelude::*;
use std::collections::BTreeMap;

const DIMENSIONS: usize = 16;
const AT: Millis = 1_700_000_000_000;

fn model(name: &str) -> Model {
    Model { name: name.to_owned(), dimensions: DIMENSIONS }
}

fn persona(name: &str) -> PersonaId {
    PersonaId::from_stored(name)
}

/// Around one of twenty directions, as texts about twenty things are.
fn vector(random: &mut fastrand::Rng) -> Vec<f32> {
    let mut around = fastrand::Rng::with_seed(random.u64(..20));
    (0..DIMENSIONS).map(|_| around.f32() - 0.5 + (random.f32() - 0.5) * 0.6).collect()
}

/// No graph, and nothing to measure: that takes long in a program that is not optimised.
fn scanned() -> Settings {
    Settings { graph_from: Some(1_000_000) }
}

/// A passage, its persona, its vector.
type Written<'a> = (i64, Option<&'a str>, Option<Vec<f32>>);

struct House {
    db: Database,
    dir: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let (db, dir) = crate::store::testing::database();
        Self { db, dir }
    }

    fn index(&self) -> PathBuf {
        self.dir.path().join("index")
    }

    fn open(&self, name: &str, settings: &Settings) -> Vectors {
        Vectors::open(&self.index(), model(name), settings)
    }

    fn caught_up(&self, name: &str) -> Vectors {
        let vectors = self.open(name, &scanned());
        self.catch_up(&vectors);
        vectors
    }

    fn catch_up(&self, vectors: &Vectors) -> usize {
        let vectors = vectors.clone();
        self.db.read_blocking(move |c| vectors.catch_up(c)).unwrap()
    }

    fn put(&self, name: &str, rows: Vec<Written<'_>>) {
        let model = model(name);
        let rows: Vec<_> =
            rows.into_iter().map(|(passage, persona, vector)| (passage, persona.map(PersonaId::from_stored), vector)).collect();
        self.db
            .write_blocking(move |c| {
                rows.iter().try_for_each(|(passage, persona, vector)| put(c, *passage, persona.as_ref(), &model, vector.as_deref(), AT))
            })
            .unwrap();
    }

    fn forget(&self, passages: Vec<i64>) {
        self.db.write_blocking(move |c| passages.iter().try_for_each(|passage| forget(c, *passage, AT))).unwrap();
    }

    fn verify(&self, vectors: &Vectors) -> Verified {
        let vectors = vectors.clone();
        self.db.read_blocking(move |c| vectors.verify(c, 200)).unwrap()
    }

    /// Passages `1..=count` of persona `a`.
    fn filled(count: i64) -> Self {
        let house = Self::new();
        let mut random = fastrand::Rng::with_seed(7);
        house.put("m", (1..=count).map(|passage| (passage, Some("a"), Some(vector(&mut random)))).collect());
        house
    }
}

fn ids(found: &[Near]) -> Vec<i64> {
    found.iter().map(|near| near.passage).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Put(i64, Option<&'static str>, u64),
    Unreadable(i64),
    Forget(i64),
    CatchUp,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let owner = prop_oneof![Just(Some("a")), Just(Some("b")), Just(None)];
    prop_oneof![
        6 => (1..60_i64, owner, any::<u64>()).prop_map(|(passage, owner, seed)| Step::Put(passage, owner, seed)),
        1 => (1..60_i64).prop_map(Step::Unreadable),
        2 => (1..60_i64).prop_map(Step::Forget),
        1 => Just(Step::CatchUp),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happened_the_nearest_are_those_of_an_exact_search(steps in proptest::collection::vec(step(), 1..120), seed in any::<u64>()) {
        let house = House::new();
        let mut vectors = house.open("m", &scanned());
        let mut there: BTreeMap<i64, (Option<&'static str>, Vec<f32>)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(passage, owner, seed) => {
                    let vector = vector(&mut fastrand::Rng::with_seed(seed));
                    house.put("m", vec![(passage, owner, Some(vector.clone()))]);
                    there.insert(passage, (owner, vector));
                }
                Step::Unreadable(passage) => {
                    house.put("m", vec![(passage, Some("a"), None)]);
                    there.remove(&passage);
                }
                Step::Forget(passage) => {
                    house.forget(vec![passage]);
                    there.remove(&passage);
                }
                Step::CatchUp => drop(house.catch_up(&vectors)),
                Step::Restart => {
                    house.catch_up(&vectors);
                    vectors.save().unwrap();
                    vectors = house.open("m", &scanned());
                }
            }
        }
        house.catch_up(&vectors);
        let query = numbers::normalised(&vector(&mut fastrand::Rng::with_seed(seed)));
        let scopes = [
            (Scope::All, vec![Some("a"), Some("b"), None]),
            (Scope::Nobody, vec![None]),
            (Scope::Persona(persona("a")), vec![Some("a")]),
            (Scope::Persona(persona("nobody knows")), vec![]),
            (Scope::PersonaAndNobody(persona("b")), vec![Some("b"), None]),
        ];
        for (scope, owners) in scopes {
            let odd = |passage: i64| passage % 2 == 1;
            for allowed in [None, Some(&odd as &dyn Fn(i64) -> bool)] {
                let mut exact: Vec<(f32, i64)> = there
                    .iter()
                    .filter(|(passage, (owner, _))| owners.contains(owner) && allowed.is_none_or(|allowed| allowed(**passage)))
                    .map(|(passage, (_, vector))| (numbers::product(numbers::level(), &query, &numbers::normalised(vector)), *passage))
                    .collect();
                exact.sort_by(|left, right| right.0.total_cmp(&left.0));
                let found = vectors.nearest(&scope, &query, 10, allowed);
                prop_assert_eq!(found.len(), exact.len().min(10), "{:?}", scope);
                for (near, (cosine, _)) in found.iter().zip(&exact) {
                    prop_assert!((near.similarity - cosine).abs() < 2e-3, "{:?} {:?}", found, exact);
                    let own = exact.iter().find(|(_, passage)| *passage == near.passage);
                    prop_assert!(own.is_some_and(|(own, _)| (own - near.similarity).abs() < 2e-3), "{near:?} is not of {scope:?}");
                }
            }
        }
        prop_assert_eq!(house.verify(&vectors).problems, Vec::<String>::new());
    }
}

#[test]
fn vectors_that_are_none_are_refused_and_nothing_is_written() {
    let house = House::new();
    for (wrong, words) in [
        (vec![1.0; DIMENSIONS - 1], "has 15 numbers and its model makes 16"),
        (vec![f32::NAN; DIMENSIONS], "at place 0 that is none"),
        (vec![0.0; DIMENSIONS], "is zero"),
    ] {
        let vector = wrong.clone();
        let refused = house.db.write_blocking(move |c| put(c, 1, None, &model("m"), Some(&vector), AT)).unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
        let vectors = house.caught_up("m");
        assert!(vectors.check(&wrong).is_err());
        assert_eq!(vectors.nearest(&Scope::All, &wrong, 5, None), []);
    }
    assert_eq!(house.db.read_blocking(position).unwrap(), Position::default());
    house.put("m", vec![(1, None, Some(vec![1.0; DIMENSIONS]))]);
    let wider = Model { name: "m".to_owned(), dimensions: 32 };
    let other = wider.clone();
    let refused = house.db.write_blocking(move |c| put(c, 2, None, &other, Some(&[1.0; 32]), AT)).unwrap_err().to_string();
    assert!(refused.contains("has 32 numbers and its model makes 16"), "{refused}");
    let vectors = Vectors::open(&house.index(), wider, &scanned());
    assert!(matches!(house.db.read_blocking(move |c| vectors.catch_up(c)), Err(Error::Dimensions { expected: 16, found: 32 })));
}

#[test]
fn a_start_reads_only_what_is_new() {
    let house = House::filled(40);
    let vectors = house.open("m", &scanned());
    assert_eq!(house.catch_up(&vectors), 40);
    assert_eq!(house.catch_up(&vectors), 0);
    vectors.save().unwrap();
    house.put("m", vec![(41, Some("a"), Some(vec![1.0; DIMENSIONS]))]);
    house.forget(vec![1, 2, 1_000]);
    let again = house.open("m", &scanned());
    assert_eq!(house.catch_up(&again), 3);
    assert_eq!(again.status().notes, Vec::<String>::new());
    assert_eq!((again.status().vectors, again.status().unsaved), (39, 3));
    assert_eq!(ids(&again.nearest(&Scope::Persona(persona("a")), &[1.0; DIMENSIONS], 1, None)), [41]);
}

#[test]
fn an_index_of_another_or_an_earlier_database_is_set_aside() {
    let (house, other) = (House::filled(20), House::filled(30));
    let vectors = house.caught_up("m");
    vectors.save().unwrap();
    // The same file before another database.
    let foreign = Vectors::open(&house.index(), model("m"), &scanned());
    assert_eq!(other.catch_up(&foreign), 30);
    assert!(foreign.status().notes[0].contains("of another database"), "{:?}", foreign.status().notes);
    assert!(!foreign.path().exists());
    // The same database, put back to an earlier state and grown into another present.
    foreign.save().unwrap();
    other
        .db
        .write_blocking(|c| -> Result<()> {
            c.exec("DELETE FROM search_vectors WHERE passage > 20", &[])?;
            c.exec("UPDATE search_vectors_state SET change = 20", &[])?;
            Ok(())
        })
        .unwrap();
    let earlier = Vectors::open(&house.index(), model("m"), &scanned());
    assert_eq!(other.catch_up(&earlier), 20);
    assert!(earlier.status().notes[0].contains("put back to an earlier state"), "{:?}", earlier.status().notes);
    earlier.save().unwrap();
    other.db.write_blocking(|c| -> Result<u64> { Ok(c.exec("DELETE FROM search_vectors WHERE passage = 3", &[])?) }).unwrap();
    let apart = Vectors::open(&house.index(), model("m"), &scanned());
    other.catch_up(&apart);
    assert!(apart.status().notes[0].contains("does not add up"), "{:?}", apart.status().notes);
    assert_eq!(apart.status().vectors, 19);
}

#[test]
fn while_a_model_is_replaced_each_passage_is_found_by_the_model_that_it_has() {
    let house = House::filled(10);
    let (old, new) = (house.caught_up("m"), house.caught_up("n"));
    let stale_after = |after: i64| house.db.read_blocking(move |c| stale(c, &model("n"), after, 4)).unwrap();
    assert_eq!((stale_after(0), stale_after(8)), (vec![1, 2, 3, 4], vec![9, 10]));
    house.put("n", vec![(1, Some("a"), Some(vec![1.0; DIMENSIONS])), (2, Some("a"), None)]);
    assert_eq!(stale_after(0), [3, 4, 5, 6]);
    assert_eq!(house.db.read_blocking(|c| count_stale(c, &model("n"))).unwrap(), 8);
    house.catch_up(&old);
    house.catch_up(&new);
    assert_eq!((old.status().vectors, new.status().vectors), (8, 1));
    assert!(!ids(&old.nearest(&Scope::All, &[1.0; DIMENSIONS], 10, None)).contains(&1));
    let models = house.db.read_blocking(models).unwrap();
    let counts: Vec<_> = models.iter().map(|model| (model.name.as_str(), model.vectors, model.unreadable)).collect();
    assert_eq!(counts, [("m", 8, 0), ("n", 1, 1)]);
}

#[test]
fn a_file_that_is_cut_anywhere_is_set_aside_and_made_anew() {
    let house = House::filled(12);
    let vectors = house.caught_up("m");
    vectors.save().unwrap();
    let whole = std::fs::read(vectors.path()).unwrap();
    let query = vec![1.0; DIMENSIONS];
    let right = vectors.nearest(&Scope::All, &query, 12, None);
    for length in 0..whole.len() {
        std::fs::write(vectors.path(), &whole[..length]).unwrap();
        let cut = house.open("m", &scanned());
        assert_eq!(cut.status().notes.len(), 1, "{length}");
        assert!(!vectors.path().exists(), "{length}");
        if length % 211 == 0 {
            house.catch_up(&cut);
            assert_eq!(cut.nearest(&Scope::All, &query, 12, None), right, "{length}");
        }
    }
}

#[test]
fn a_file_with_a_changed_byte_is_set_aside_at_the_latest_when_that_byte_is_used() {
    let house = House::filled(12);
    let vectors = house.caught_up("m");
    vectors.save().unwrap();
    let whole = std::fs::read(vectors.path()).unwrap();
    let query = vec![1.0; DIMENSIONS];
    let right = vectors.nearest(&Scope::All, &query, 12, None);
    let stored_from = whole.len() - 9 - 12 * DIMENSIONS * 2;
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 0x41;
        std::fs::write(vectors.path(), &changed).unwrap();
        let opened = house.open("m", &scanned());
        let early = !opened.status().notes.is_empty();
        assert_eq!(early, !(stored_from..whole.len() - 9).contains(&place), "{place}");
        if !early {
            // The answer is about right at once, and right when the numbers were read from the database again.
            assert_eq!(opened.nearest(&Scope::All, &query, 12, None).len(), 12, "{place}");
        }
        if !early || place % 101 == 0 {
            house.catch_up(&opened);
            assert!(!opened.status().notes.is_empty(), "{place}");
            assert_eq!(opened.nearest(&Scope::All, &query, 12, None), right, "{place}");
        }
    }
}

#[test]
fn verify_counts_damage_in_the_file_and_in_the_database() {
    let house = House::filled(20);
    let vectors = house.caught_up("m");
    vectors.save().unwrap();
    let sound = house.verify(&vectors);
    assert_eq!((sound.sampled, sound.recall, sound.lost, sound.problems.len()), (20, Some(1.0), 0, 0));
    let mut bytes = std::fs::read(vectors.path()).unwrap();
    let place = bytes.len() - 20;
    bytes[place] ^= 1;
    std::fs::write(vectors.path(), &bytes).unwrap();
    let opened = house.open("m", &scanned());
    assert_eq!(house.verify(&opened).damaged, 1);
    assert!(house.verify(&opened).problems[0].contains("set aside"), "the second check finds it set aside and read anew");
    house.db.write_blocking(|c| -> Result<u64> { Ok(c.exec("UPDATE search_vectors SET stamp = 5 WHERE passage = 3", &[])?) }).unwrap();
    let refusing = house.caught_up("m");
    let verified = house.verify(&refusing);
    assert_eq!((verified.refused, verified.vectors), (1, 19));
    assert!(!ids(&refusing.nearest(&Scope::All, &[1.0; DIMENSIONS], 20, None)).contains(&3));
}

#[test]
fn many_dead_rows_are_given_up_at_the_next_saving() {
    let house = House::filled(2_500);
    let vectors = house.caught_up("m");
    vectors.save().unwrap();
    house.forget((1..=1_200).collect());
    house.catch_up(&vectors);
    assert_eq!(vectors.status().shards[0].dead, 1_200);
    let before = vectors.nearest(&Scope::All, &[1.0; DIMENSIONS], 10, None);
    vectors.save().unwrap();
    assert_eq!(vectors.status().shards[0].dead, 0);
    assert_eq!(vectors.nearest(&Scope::All, &[1.0; DIMENSIONS], 10, None), before);
    house.forget(vec![1_201]);
    house.catch_up(&vectors);
    assert_eq!(house.verify(&vectors).problems, Vec::<String>::new());
    assert_eq!(house.verify(&house.open("m", &scanned())).problems, Vec::<String>::new());
}

#[test]
fn a_large_persona_is_searched_by_a_graph_that_is_kept_and_made_anew() {
    let house = House::filled(2_000);
    house.put("m", vec![(9_001, Some("b"), Some(vec![1.0; DIMENSIONS]))]);
    let settings = Settings { graph_from: Some(1_000) };
    let vectors = house.open("m", &settings);
    house.catch_up(&vectors);
    let scan = vectors.nearest(&Scope::All, &[1.0; DIMENSIONS], 10, None);
    assert_eq!(vectors.tend().unwrap(), Tended { built: 1, ..Tended::default() });
    assert_eq!(vectors.status().shards.iter().map(|shard| shard.graph).collect::<Vec<_>>(), [Some(2_000), None]);
    assert_eq!(ids(&vectors.nearest(&Scope::All, &[1.0; DIMENSIONS], 10, None)), ids(&scan));
    let verified = house.verify(&vectors);
    assert!(verified.recall.unwrap() > 0.98, "{verified:?}");
    // Deleted and refused passages are not found, new ones are, and few allowed ones are all found.
    house.forget(ids(&scan)[..5].to_vec());
    house.put("m", vec![(9_002, Some("a"), Some(vec![1.0; DIMENSIONS]))]);
    house.catch_up(&vectors);
    let found = vectors.nearest(&Scope::Persona(persona("a")), &[1.0; DIMENSIONS], 10, None);
    assert_eq!(found[0].passage, 9_002);
    assert!(found.iter().all(|near| !ids(&scan)[..5].contains(&near.passage)));
    let few = |passage: i64| passage % 500 == 0;
    assert_eq!(vectors.nearest(&Scope::Persona(persona("a")), &[1.0; DIMENSIONS], 10, Some(&few)).len(), 4);
    let half = |passage: i64| passage % 2 == 0;
    let found = vectors.nearest(&Scope::Persona(persona("a")), &[1.0; DIMENSIONS], 10, Some(&half));
    assert!(found.len() == 10 && found.iter().all(|near| near.passage % 2 == 0));
    // Kept, and read again.
    vectors.save().unwrap();
    let again = house.open("m", &settings);
    assert_eq!(house.catch_up(&again), 0);
    assert_eq!(again.tend().unwrap(), Tended { read: 1, ..Tended::default() });
    assert_eq!(
        ids(&again.nearest(&Scope::All, &[1.0; DIMENSIONS], 10, None)),
        ids(&vectors.nearest(&Scope::All, &[1.0; DIMENSIONS], 10, None))
    );
    again.save().unwrap();
    let copies = backup(&again, &house.dir.path().join("copy")).unwrap();
    assert_eq!(copies.len(), 3);
    // Damaged: set aside, built anew, and the scan answers meanwhile.
    let graph =
        std::fs::read_dir(house.index()).unwrap().flatten().find(|entry| entry.file_name().to_string_lossy().ends_with(".hnsw.graph"));
    let graph = graph.unwrap().path();
    let mut bytes = std::fs::read(&graph).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&graph, bytes).unwrap();
    let damaged = house.open("m", &settings);
    house.catch_up(&damaged);
    assert_eq!(damaged.nearest(&Scope::Persona(persona("a")), &[1.0; DIMENSIONS], 10, None).len(), 10);
    assert_eq!(damaged.tend().unwrap(), Tended { built: 1, ..Tended::default() });
    assert!(damaged.status().notes[0].contains("is damaged; the graph is built anew"), "{:?}", damaged.status().notes);
    // Small again: the scan does it.
    house.forget((1..=1_700).collect());
    house.catch_up(&damaged);
    assert_eq!(damaged.tend().unwrap(), Tended { dropped: 1, ..Tended::default() });
    assert_eq!(house.verify(&damaged).problems.len(), 0);
}

#[test]
fn questions_are_answered_while_the_index_changes() {
    let house = House::filled(600);
    let vectors = house.open("m", &Settings { graph_from: Some(300) });
    house.catch_up(&vectors);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| (0..300).all(|_| vectors.nearest(&Scope::All, &[1.0; DIMENSIONS], 10, None).len() == 10));
        let tending = scope.spawn(|| (0..3).try_for_each(|_| vectors.tend().and_then(|_| vectors.save())));
        for passage in 601..640 {
            house.put("m", vec![(passage, Some("a"), Some(vec![1.0; DIMENSIONS]))]);
            house.forget(vec![passage - 600]);
            house.catch_up(&vectors);
        }
        assert!(asking.join().unwrap());
        tending.join().unwrap().unwrap();
    });
    assert_eq!(house.verify(&vectors).problems, Vec::<String>::new());
}
