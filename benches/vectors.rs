//! The index of vectors: scan and graph at 100,000 and 1,000,000 vectors of 256 numbers, recall, loading, memory, catching up.
//!
//! `cargo bench --bench vectors -- [DIRECTORY]` writes the same vectors and questions into DIRECTORY for `tools/peers/vectors.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::base::{Clock, PersonaId, SystemClock};
use quarterdeck::search::embed::Model;
use quarterdeck::search::vectors::{self, Scope, Settings, Vectors};
use quarterdeck::store::{Address, Database};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DIMENSIONS: usize = 256;
const CLUSTERS: usize = 1_000;
const QUESTIONS: usize = 300;
/// The graph is built of this many: one of a million takes too long for a bench.
const GRAPH: usize = 100_000;

/// As embeddings lie: clusters of differing width, in a space whose directions are not equally strong.
struct World {
    centres: Vec<Vec<f32>>,
    strength: Vec<f32>,
}

impl World {
    fn new() -> Self {
        let mut random = fastrand::Rng::with_seed(1);
        let strength: Vec<f32> = (0..DIMENSIONS).map(|place| 1.0 / (1.0 + place as f32 / 24.0).sqrt()).collect();
        let centres = (0..CLUSTERS).map(|_| strength.iter().map(|strength| normal(&mut random) * strength).collect()).collect();
        Self { centres, strength }
    }

    fn vector(&self, seed: u64) -> Vec<f32> {
        let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let centre = &self.centres[random.usize(..CLUSTERS)];
        let width = 0.5 + random.f32();
        let vector: Vec<f32> =
            centre.iter().zip(&self.strength).map(|(centre, strength)| centre + normal(&mut random) * strength * width).collect();
        let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
        vector.iter().map(|number| number / length).collect()
    }
}

/// About normal: the sum of four evenly spread numbers.
fn normal(random: &mut fastrand::Rng) -> f32 {
    (0..4).map(|_| random.f32() - 0.5).sum::<f32>() * 1.73
}

fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1_024.0
}

fn quantiles(mut took: Vec<Duration>) -> (f64, f64) {
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    (at(0.5), at(0.99))
}

/// The ten nearest by the plain sum of 32-bit products.
fn exact(vectors: &[f32], question: &[f32]) -> Vec<i64> {
    let mut scores: Vec<(f32, i64)> = vectors
        .chunks_exact(DIMENSIONS)
        .zip(1..)
        .map(|(vector, passage)| (vector.iter().zip(question).map(|(left, right)| left * right).sum(), passage))
        .collect();
    scores.select_nth_unstable_by(10, |left, right| right.0.total_cmp(&left.0));
    scores.truncate(10);
    scores.iter().map(|(_, passage)| *passage).collect()
}

fn ask(index: &Vectors, name: &str, questions: &[Vec<f32>], truth: &[Vec<i64>]) {
    let scope = Scope::Persona(PersonaId::from_stored("bench"));
    let (mut took, mut found) = (Vec::new(), 0);
    for _ in 0..2 {
        took.clear();
        found = 0;
        for (question, truth) in questions.iter().zip(truth) {
            let started = Instant::now();
            let near = index.nearest(&scope, question, 10, None);
            took.push(started.elapsed());
            found += near.iter().filter(|near| truth.contains(&near.passage)).count();
        }
    }
    let (p50, p99) = quantiles(took);
    let recall = found as f64 / (truth.len() * 10) as f64;
    println!("{name}: p50 {p50:.2} ms, p99 {p99:.2} ms, recall@10 {recall:.4}");
}

fn fill(db: &Database, model: &Model, world: &Arc<World>, from: usize, to: usize) -> Duration {
    let started = Instant::now();
    for chunk in (from..to).step_by(5_000) {
        let (model, world) = (model.clone(), Arc::clone(world));
        db.write_blocking(move |c| {
            let persona = PersonaId::from_stored("bench");
            (chunk..(chunk + 5_000).min(to))
                .try_for_each(|number| vectors::put(c, number as i64 + 1, Some(&persona), &model, Some(&world.vector(number as u64)), 1))
        })
        .unwrap();
    }
    started.elapsed()
}

fn export(dir: &Path, vectors: &[f32], questions: &[Vec<f32>], truth: &[Vec<i64>]) {
    let bytes = |numbers: &mut dyn Iterator<Item = f32>| numbers.flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    let name = format!("{}", vectors.len() / DIMENSIONS);
    std::fs::File::create(dir.join(format!("{name}.vectors.f32"))).unwrap().write_all(&bytes(&mut vectors.iter().copied())).unwrap();
    std::fs::write(dir.join(format!("{name}.questions.f32")), bytes(&mut questions.iter().flatten().copied())).unwrap();
    let truth: Vec<u8> = truth.iter().flatten().flat_map(|passage| (passage - 1).to_le_bytes()).collect();
    std::fs::write(dir.join(format!("{name}.nearest.i64")), truth).unwrap();
}

fn main() {
    let to = std::env::args().nth(1).filter(|word| !word.starts_with("--")).map(std::path::PathBuf::from);
    let dir = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = Database::open(&Address::Sqlite(dir.path().join("deck.db")), &clock).unwrap();
    let model = Model { name: "bench".to_owned(), dimensions: DIMENSIONS };
    let world = Arc::new(World::new());
    let questions: Vec<Vec<f32>> = (0..QUESTIONS).map(|number| world.vector(1 << 40 | number as u64)).collect();
    let scan_only = Settings { graph_from: Some(usize::MAX) };
    let mut done = 0;
    for count in [100_000, 1_000_000] {
        let took = fill(&db, &model, &world, done, count);
        println!("{count}: {} rows written in {:.1} s (making them included)", count - done, took.as_secs_f64());
        done = count;
        // The truth costs a sweep in 32 bits for each question: fewer of them for a million.
        let asked = &questions[..if count > 100_000 { 100 } else { QUESTIONS }];
        let truth: Vec<Vec<i64>> = {
            let all: Vec<f32> = (0..count).flat_map(|number| world.vector(number as u64)).collect();
            let truth: Vec<Vec<i64>> = asked.iter().map(|question| exact(&all, question)).collect();
            if let Some(to) = &to {
                export(to, &all, asked, &truth);
            }
            truth
        };
        let before = resident();
        let index = Vectors::open(&dir.path().join("index"), model.clone(), &scan_only);
        let (started, caught_up) = (Instant::now(), index.clone());
        let rows = db.read_blocking(move |c| caught_up.catch_up(c)).unwrap();
        println!("{count}: {rows} rows caught up in {:.2} s", started.elapsed().as_secs_f64());
        let started = Instant::now();
        index.save().unwrap();
        println!("{count}: saved in {:.2} s, {:.0} MB", started.elapsed().as_secs_f64(), index.status().file_bytes.unwrap() as f64 / 1e6);
        drop(index);
        let started = Instant::now();
        let index = Vectors::open(&dir.path().join("index"), model.clone(), &scan_only);
        let opened = started.elapsed();
        let caught_up = index.clone();
        db.read_blocking(move |c| caught_up.catch_up(c)).unwrap();
        println!(
            "{count}: loaded in {:.3} s, compared with the database in {:.3} s",
            opened.as_secs_f64(),
            (started.elapsed() - opened).as_secs_f64()
        );
        println!(
            "{count}: {:.0} MiB resident more, {:.0} MiB by its own count",
            resident() - before,
            index.status().memory_bytes as f64 / 1_048_576.0
        );
        ask(&index, &format!("{count}: scan"), asked, &truth);
        if count == GRAPH {
            let index = Vectors::open(&dir.path().join("index"), model.clone(), &Settings { graph_from: Some(1_000) });
            let before = resident();
            let started = Instant::now();
            index.tend().unwrap();
            println!(
                "{count}: graph built in {:.1} s on all cores, {:.0} MiB resident more",
                started.elapsed().as_secs_f64(),
                resident() - before
            );
            ask(&index, &format!("{count}: graph"), asked, &truth);
            let checked = index.clone();
            let verified = db.read_blocking(move |c| checked.verify(c, 1_000)).unwrap();
            println!("{count}: verify: recall {:?}, {} of {} do not find themselves", verified.recall, verified.lost, verified.sampled);
            index.save().unwrap();
            let again = Vectors::open(&dir.path().join("index"), model.clone(), &Settings { graph_from: Some(1_000) });
            let started = Instant::now();
            again.tend().unwrap();
            println!("{count}: graph read in {:.2} s", started.elapsed().as_secs_f64());
        }
        if count == GRAPH {
            let measured = Vectors::open(&dir.path().join("none"), model.clone(), &Settings::default()).status().graph_from;
            println!("a graph is used from {measured} vectors on (measured)");
        }
    }
}
