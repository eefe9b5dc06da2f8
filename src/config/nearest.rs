//! The known name that is nearest to one that was mistyped.

/// The candidate that `word` was probably meant to be, if any is near enough.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the word may be wrong, and two letters of any: beyond that a suggestion is a guess.
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).take(80).collect();
    let limit = (word.len() / 3).max(2);
    candidates
        .map(|candidate| (distance(&word, &candidate.to_lowercase().chars().collect::<Vec<_>>()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, remove, replace, swap of neighbours) that turn one word into the other.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, &letter) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &other) in right.iter().enumerate() {
            let mut best = (above[column] + usize::from(letter != other)).min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && letter == right[column - 1] && left[row - 1] == other {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_is_one_edit_and_a_stranger_is_no_suggestion() {
        let names = ["reddit.client_id", "reddit.client_secret", "mode"];
        assert_eq!(nearest("redidt.client_id", names.into_iter()), Some("reddit.client_id"));
        assert_eq!(nearest("REDDIT.CLIENT_ID", names.into_iter()), Some("reddit.client_id"));
        assert_eq!(nearest("colour", names.into_iter()), None);
        assert_eq!(nearest("", names.into_iter()), None);
    }
}
