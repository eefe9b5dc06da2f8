//! Meaning alone: documents by the cosine of their vectors, of the model that ships.

use super::measure::{Figures, measure};
use super::set::{Document, Set, comments, runbooks};
use quarterdeck::search::embed::Embedder;

/// Words of a window, and how far the next one begins behind it.
const WINDOW: usize = 30;
const STEP: usize = 15;

fn vectors(texts: &[&str]) -> Vec<Vec<f32>> {
    let dimensions = Embedder::shipped().unwrap().model().dimensions;
    let found = Embedder::shipped().unwrap().embed_now(texts).unwrap();
    found.into_iter().map(|vector| vector.unwrap_or_else(|| vec![0.0; dimensions])).collect()
}

fn vector(text: &str) -> Vec<f32> {
    vectors(&[text]).remove(0)
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn whole(document: &Document) -> String {
    document.heading.iter().chain([&document.text]).map(String::as_str).collect::<Vec<_>>().join(". ")
}

fn windows(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let last = words.len().saturating_sub(WINDOW).div_ceil(STEP);
    (0..=last).map(|number| words[number * STEP..words.len().min(number * STEP + WINDOW)].join(" ")).collect()
}

/// The documents of a set by a score, best first.
fn ranked(set: &Set, score: impl Fn(usize) -> f32) -> Vec<String> {
    let mut order: Vec<(f32, usize)> = (0..set.documents.len()).map(|index| (score(index), index)).collect();
    order.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    order.into_iter().map(|(_, index)| set.documents[index].id.clone()).collect()
}

/// One vector for a document.
fn by_whole(set: &Set) -> Figures {
    let documents: Vec<Vec<f32>> = set.documents.iter().map(|document| vector(&whole(document))).collect();
    measure(&set.questions, |question| {
        let question = vector(question);
        ranked(set, |index| cosine(&documents[index], &question))
    })
}

/// 0.4 of the heading, 0.3 of the best window, 0.3 of the whole.
fn by_parts(set: &Set) -> Figures {
    struct Parts {
        heading: Vec<f32>,
        windows: Vec<Vec<f32>>,
        whole: Vec<f32>,
    }
    let documents: Vec<Parts> = set
        .documents
        .iter()
        .map(|document| Parts {
            heading: vector(document.heading.as_deref().unwrap_or_default()),
            windows: windows(&document.text).iter().map(|window| vector(window)).collect(),
            whole: vector(&whole(document)),
        })
        .collect();
    measure(&set.questions, |question| {
        let question = vector(question);
        ranked(set, |index| {
            let parts = &documents[index];
            let window = parts.windows.iter().map(|window| cosine(window, &question)).fold(-1.0, f32::max);
            0.4 * cosine(&parts.heading, &question) + 0.3 * window + 0.3 * cosine(&parts.whole, &question)
        })
    })
}

#[test]
fn meaning_alone_finds_sections_and_comments() {
    let (sections, parts, comments) = (by_whole(&runbooks()), by_parts(&runbooks()), by_whole(&comments()));
    println!("meaning alone, {}", Embedder::shipped().unwrap().model().name);
    println!("  runbook sections, one vector: {sections}");
    println!("  runbook sections, heading + window + whole: {parts}");
    println!("  comments: {comments}");
    // A tenth below what was measured: the files of the model are fixed, so less is a mistake in reading them.
    assert!(parts.hit_5.value >= 0.5 && sections.hit_5.value >= 0.5 && comments.hit_5.value >= 0.7);
}
