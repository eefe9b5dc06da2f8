//! What is done to every text before, and to every vector after. Pure.

/// Bytes of a text that a model in this process reads. The mean of more words than this says nothing about any of them.
pub const LONGEST: usize = 32 * 1024;

/// The text, or the beginning of a long one, cut between words where there is a space near the end.
#[must_use]
pub fn cut(text: &str) -> &str {
    cut_at(text, text.floor_char_boundary(LONGEST))
}

/// The same with a limit in characters.
#[must_use]
pub fn cut_characters(text: &str, longest: usize) -> &str {
    match text.char_indices().nth(longest) {
        Some((at, _)) => cut_at(text, at),
        None => text,
    }
}

fn cut_at(text: &str, at: usize) -> &str {
    let Some(head) = text.get(..at).filter(|head| head.len() < text.len()) else { return text };
    match head.rfind(char::is_whitespace) {
        Some(space) if head.len() - space < 200 => &head[..space],
        _ => head,
    }
}

/// The vector with length 1; `None` for the zero vector and for one with something that is no number.
#[must_use]
pub fn normalised(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    // In 64 bits, so that large numbers do not overflow.
    let length = vector.iter().map(|number| f64::from(*number) * f64::from(*number)).sum::<f64>().sqrt();
    if length <= 0.0 || !length.is_finite() {
        return None;
    }
    for number in &mut vector {
        *number = (f64::from(*number) / length) as f32;
    }
    Some(vector)
}

/// A name for a model that is one word: other characters become dashes.
#[must_use]
pub fn name(called: &str) -> String {
    let word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | '/' | ':');
    called.chars().take(100).map(|letter| if word(letter) { letter } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_words_and_never_inside_a_character() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"word ".repeat(20_000)).to_owned();
        assert!(long.ends_with("word") && long.len() <= LONGEST);
        assert_eq!(cut(&"é".repeat(50_000)).len(), LONGEST);
        assert_eq!(cut_characters("two words here", 6), "two");
        assert_eq!(cut_characters("ééé", 2), "éé");
        assert_eq!(cut_characters("ééé", 3), "ééé");
    }

    #[test]
    fn only_real_vectors_are_normalised() {
        assert_eq!(normalised(vec![3.0, 4.0]), Some(vec![0.6, 0.8]));
        assert_eq!(normalised(vec![1.5e38, 2e38]).map(|vector| (vector[0] * 10.0).round()), Some(6.0));
        for vector in [vec![], vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY, 1.0]] {
            assert_eq!(normalised(vector), None);
        }
    }
}
