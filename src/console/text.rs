//! Text in pieces that have a role, wrapped to a width. Pieces are made from safe text only.

use super::theme::Role;
use crate::base::SafeText;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub role: Role,
    text: String,
}

/// A line of pieces.
pub(super) type Pieces = Vec<Piece>;

impl Piece {
    /// A piece of our own words, or of words from outside: either is made safe.
    pub fn new(role: Role, text: &str) -> Self {
        Self { role, text: SafeText::new(text).as_str().to_owned() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A line of one piece.
pub(super) fn line(role: Role, text: &str) -> Pieces {
    vec![Piece { role, text: SafeText::line(text).as_str().to_owned() }]
}

/// Wrap pieces between words to `width` columns, each line after `indent` blanks. Line breaks in the text are kept.
pub(super) fn wrap(pieces: &[Piece], width: usize, indent: usize) -> Vec<Pieces> {
    let width = width.saturating_sub(indent).max(8);
    let mut lines: Vec<Pieces> = Vec::new();
    let mut current: Pieces = Vec::new();
    let mut used = 0;
    let mut goes_on = false;
    let flush = |lines: &mut Vec<Pieces>, current: &mut Pieces, used: &mut usize| {
        let mut line = Vec::with_capacity(current.len() + 1);
        if indent > 0 {
            line.push(Piece { role: Role::Text, text: " ".repeat(indent) });
        }
        line.append(current);
        lines.push(line);
        *used = 0;
    };
    for piece in pieces {
        for (number, paragraph) in piece.text.split('\n').enumerate() {
            if number > 0 {
                flush(&mut lines, &mut current, &mut used);
                goes_on = false;
            }
            for word in words(paragraph) {
                let mut rest = word;
                while !rest.is_empty() {
                    let room = width.saturating_sub(used);
                    if let Some(columns) = fits(rest, room) {
                        // A blank at the beginning of a line that goes on is left out.
                        if !(used == 0 && goes_on && rest.trim().is_empty()) {
                            used += columns;
                            push(&mut current, piece.role, rest);
                            goes_on = false;
                        }
                        break;
                    }
                    if rest.trim().is_empty() || used > 0 {
                        flush(&mut lines, &mut current, &mut used);
                        goes_on = true;
                        if rest.trim().is_empty() {
                            break;
                        }
                        continue;
                    }
                    // A word that is longer than a line is cut between characters.
                    let mut end = 0;
                    let mut columns = 0;
                    for cluster in rest.graphemes(true) {
                        if columns + cluster.width() > width && end > 0 {
                            break;
                        }
                        columns += cluster.width();
                        end += cluster.len();
                    }
                    push(&mut current, piece.role, &rest[..end]);
                    rest = &rest[end..];
                    flush(&mut lines, &mut current, &mut used);
                    goes_on = true;
                }
            }
        }
    }
    if !current.is_empty() || lines.is_empty() {
        flush(&mut lines, &mut current, &mut used);
    }
    lines
}

/// Where a line may be broken: at blanks, so that times, decimals and a full stop stay with what they belong to; in scripts that write without
/// blanks also between words. Each character is looked at a few times at most: a word may have a megabyte.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    let runs = std::iter::from_fn(move || {
        let is_blank = rest.chars().next()?.is_whitespace();
        let end = rest.find(|letter: char| letter.is_whitespace() != is_blank).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(run)
    });
    runs.flat_map(|run| {
        let (whole, parts) = if is_wide(run) { (None, Some(run.split_word_bounds())) } else { (Some(run), None) };
        whole.into_iter().chain(parts.into_iter().flatten())
    })
}

/// Whether a run has characters of two columns, which are written without blanks between words, near its beginning.
fn is_wide(run: &str) -> bool {
    run.chars().take(64).any(|letter| unicode_width::UnicodeWidthChar::width(letter) == Some(2))
}

/// The columns of a text when it is at most `room` wide. A text of any length is looked at no further than that.
fn fits(text: &str, room: usize) -> Option<usize> {
    let mut columns = 0;
    for cluster in text.graphemes(true) {
        columns += cluster.width();
        if columns > room {
            return None;
        }
    }
    Some(columns)
}

fn push(current: &mut Pieces, role: Role, text: &str) {
    match current.last_mut() {
        Some(last) if last.role == role => last.text.push_str(text),
        _ => current.push(Piece { role, text: text.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(lines: &[Pieces]) -> Vec<String> {
        lines.iter().map(|line| line.iter().map(Piece::text).collect()).collect()
    }

    #[test]
    fn words_stay_whole_and_breaks_are_kept() {
        let pieces =
            [Piece::new(Role::Text, "a flagged "), Piece::new(Role::Flagged, "casino"), Piece::new(Role::Text, " stands here\nand more")];
        assert_eq!(plain(&wrap(&pieces, 17, 0)), ["a flagged casino ", "stands here", "and more"]);
        assert_eq!(plain(&wrap(&[Piece::new(Role::Text, &"x".repeat(20))], 8, 0)), ["xxxxxxxx", "xxxxxxxx", "xxxx"]);
        assert_eq!(plain(&wrap(&[Piece::new(Role::Text, "日本語の文章です")], 12, 2)), ["  日本語の文", "  章です"]);
    }

    #[test]
    fn one_endless_word_is_wrapped_in_one_go() {
        let began = std::time::Instant::now();
        let lines = wrap(&[Piece::new(Role::Text, &"x".repeat(200_000))], 80, 0);
        assert_eq!(lines.len(), 2_500);
        assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_it_may_be(text in any::<String>(), width in 10_usize..60) {
            for line in wrap(&[Piece::new(Role::Text, &text)], width, 0) {
                let columns: usize = line.iter().map(|piece| piece.text().width()).sum();
                prop_assert!(columns <= width + 1, "{columns} of {width}");
            }
        }
    }
}
