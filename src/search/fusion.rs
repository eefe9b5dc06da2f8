//! One score of two: how well the words fit and how near the meaning is. Pure.
//!
//! Reciprocal ranks throw away how sure each side is; a plain sum lets a few words, which are in a text by chance, outweigh a near meaning.
//! So the meaning counts by itself, and words the more the less they can be there by chance: `certainty`. `tests/search_quality` holds the
//! figures of all ways, on questions in other words than the texts and on questions in their words.

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
    /// The score of its words, of what the words of the question could reach.
    pub words: f32,
    /// The share of the question's words that it holds, each counted by its rarity.
    pub share: f32,
    /// Cosine to the question. None when there is no vector.
    pub meaning: Option<f32>,
}

/// Cosines below this say nothing: texts about different things have them too.
pub const NOISE: f32 = 0.1;
/// What reciprocal ranks are softened by.
const SOFT: f32 = 60.0;

/// What a fitting text gets for its words beside a meaning of 1, however many other texts fit as well.
const WORDS: f32 = 0.2;
/// What the text gets whose words are surest, and others by how near they come to it.
const SUREST: f32 = 0.25;
/// Up to here words may be there by chance, and from there on they are not.
const CHANCE: (f32, f32) = (0.37, 0.65);
/// Every word of a question once, in a text of usual length, reaches the inverse of this.
const ONCE: f32 = 2.2;

/// The score of each document, 0 to 1.
#[must_use]
pub fn scores(sides: &[Sides], ranking: Ranking) -> Vec<f32> {
    match ranking {
        Ranking::Words => sides.iter().map(|sides| sides.words).collect(),
        Ranking::Meaning => sides.iter().map(meaning).collect(),
        Ranking::Both => {
            let best = sides.iter().map(|sides| sides.words).fold(f32::MIN_POSITIVE, f32::max);
            let both = |sides: &Sides| {
                let surest = certainty(sides) * (sides.words / best).powi(2);
                (meaning(sides) + WORDS * sides.words.powi(2) + SUREST * surest) / (1.0 + WORDS + SUREST)
            };
            // Where there is no vector, the words say what they can.
            sides.iter().map(|sides| if sides.meaning.is_some() { both(sides) } else { sides.words }).collect()
        }
        Ranking::Ranks => {
            let by_words = ranks(sides, |sides| sides.words);
            let by_meaning = ranks(sides, meaning);
            by_words.iter().zip(by_meaning).map(|(words, meaning)| (words + meaning) * (SOFT + 1.0) / 2.0).collect()
        }
    }
}

/// How sure it is that the words are not there by chance, 0 to 1: from how much of the question the text holds, and how much of the text the
/// question is. A common word out of five in a long text says nothing; a rare name says all.
fn certainty(sides: &Sides) -> f32 {
    let fits = (sides.share * (ONCE * sides.words).min(1.0)).sqrt();
    let sure = ((fits - CHANCE.0) / (CHANCE.1 - CHANCE.0)).clamp(0.0, 1.0);
    sure * sure * (3.0 - 2.0 * sure)
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
        Sides { words, share: (2.0 * words).min(1.0), meaning }
    }

    #[test]
    fn both_sides_count_and_a_text_without_a_vector_is_found_by_its_words() {
        let all = [sides(0.8, Some(0.8)), sides(0.8, Some(0.1)), sides(0.0, Some(0.8)), sides(0.8, None), sides(0.0, Some(0.1))];
        let scores = scores(&all, Ranking::Both);
        assert!(scores[0] > scores[1] && scores[0] > scores[2] && scores[1] > scores[4], "{scores:?}");
        assert!((scores[3] - 0.8).abs() < 1e-6, "{scores:?}");
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
        assert!((super::scores(&[Sides { words: 1.0, share: 1.0, meaning: Some(1.0) }], Ranking::Both)[0] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_word_by_chance_does_not_outweigh_a_meaning_and_a_name_decides_among_texts_that_mean_the_same() {
        let by_chance = Sides { words: 0.12, share: 0.2, meaning: Some(0.4) };
        let by_meaning = Sides { words: 0.0, share: 0.0, meaning: Some(0.45) };
        let scores = scores(&[by_chance, by_meaning], Ranking::Both);
        assert!(scores[1] > scores[0], "{scores:?}");
        let named = Sides { words: 0.45, share: 1.0, meaning: Some(0.6) };
        let alike = Sides { words: 0.1, share: 0.2, meaning: Some(0.7) };
        let scores = super::scores(&[named, alike], Ranking::Both);
        assert!(scores[0] > scores[1], "{scores:?}");
    }

    #[test]
    fn ranks_know_the_order_and_not_the_distance() {
        let scores = scores(&[sides(0.9, Some(0.2)), sides(0.1, Some(0.9)), sides(0.0, None)], Ranking::Ranks);
        assert!((scores[0] - scores[1]).abs() < 1e-6 && scores[2] == 0.0, "{scores:?}");
    }
}
