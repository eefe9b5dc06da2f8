//! One score of two: how well the words fit and how near the meaning is. Pure.
//!
//! Reciprocal ranks throw away how sure each side is, a weighted sum of calibrated scores keeps it; which one is better depends on the kind
//! of document, and `tests/search_quality` holds the figures of both.

use super::Kind;

/// Which side is asked. Everybody asks both; the tests measure the halves as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ranking {
    /// Words and meaning.
    #[default]
    Both,
    /// Words alone.
    Words,
    /// Meaning alone.
    Meaning,
    /// Both, by their ranks.
    Ranks,
}

/// How well a document fits, each side from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sides {
    /// What it is.
    pub kind: Kind,
    /// The score of its words, of what the words of the question could reach.
    pub words: f32,
    /// Cosine to the question. None when there is no vector.
    pub meaning: Option<f32>,
}

/// Cosines below this say nothing: texts about different things have them too.
pub const NOISE: f32 = 0.1;
/// What reciprocal ranks are softened by.
const SOFT: f32 = 60.0;

/// The share of the words in the sum, for a kind of document.
fn share_of_words(kind: Kind) -> f32 {
    match kind {
        Kind::Runbook | Kind::Note => 0.3,
        _ => 0.35,
    }
}

/// The score of each document, 0 to 1.
#[must_use]
pub fn scores(sides: &[Sides], ranking: Ranking) -> Vec<f32> {
    match ranking {
        Ranking::Words => sides.iter().map(|sides| sides.words).collect(),
        Ranking::Meaning => sides.iter().map(meaning).collect(),
        Ranking::Both => sides
            .iter()
            .map(|sides| {
                let share = share_of_words(sides.kind);
                // Where there is no vector, the words say what they can.
                sides.meaning.map_or(sides.words, |_| share * sure(sides.words) + (1.0 - share) * meaning(sides))
            })
            .collect(),
        Ranking::Ranks => {
            let by_words = ranks(sides, |sides| sides.words);
            let by_meaning = ranks(sides, meaning);
            by_words.iter().zip(by_meaning).map(|(words, meaning)| (words + meaning) * (SOFT + 1.0) / 2.0).collect()
        }
    }
}

/// How much words are worth beside a meaning. A few words of a question are often there by chance, most of them never are: half of what could
/// be reached, which is every word once, counts in full, a third of that next to nothing.
fn sure(words: f32) -> f32 {
    (2.0 * words).min(1.0).powi(3)
}

/// The cosine on the scale of the words: noise taken off.
fn meaning(sides: &Sides) -> f32 {
    ((sides.meaning.unwrap_or(0.0) - NOISE) / (1.0 - NOISE)).clamp(0.0, 1.0)
}

/// One through the rank on a side; nothing where the side knows nothing.
fn ranks(sides: &[Sides], score: impl Fn(&Sides) -> f32) -> Vec<f32> {
    let mut order: Vec<usize> = (0..sides.len()).filter(|index| score(&sides[*index]) > 0.0).collect();
    order.sort_by(|left, right| score(&sides[*right]).total_cmp(&score(&sides[*left])));
    let mut ranks = vec![0.0; sides.len()];
    for (rank, index) in order.into_iter().enumerate() {
        ranks[index] = 1.0 / (SOFT + 1.0 + rank as f32);
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(words: f32, meaning: Option<f32>) -> Sides {
        Sides { kind: Kind::Interaction, words, meaning }
    }

    #[test]
    fn both_sides_count_and_a_text_without_a_vector_is_found_by_its_words() {
        let all = [sides(0.8, Some(0.8)), sides(0.8, Some(0.0)), sides(0.0, Some(0.8)), sides(0.8, None)];
        let scores = scores(&all, Ranking::Both);
        assert!(scores[0] > scores[1] && scores[0] > scores[2], "{scores:?}");
        assert!((scores[3] - 0.8).abs() < 1e-6, "{scores:?}");
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
    }

    #[test]
    fn ranks_know_the_order_and_not_the_distance() {
        let scores = scores(&[sides(0.9, Some(0.2)), sides(0.1, Some(0.9)), sides(0.0, None)], Ranking::Ranks);
        assert!((scores[0] - scores[1]).abs() < 1e-6 && scores[2] == 0.0, "{scores:?}");
    }
}
