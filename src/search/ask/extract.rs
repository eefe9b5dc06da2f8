//! The piece of a text that is shown, with what matched marked in it. Pure.

use crate::base::SafeText;
use crate::search::Part;

/// Bytes that are shown of a text, about: two or three lines.
const SHOWN: usize = 240;
/// Characters of a heading.
const HEADING: usize = 80;

/// Cut `text` around the spans that matched. Without any, around `near`: the window whose meaning fits best, or the beginning.
#[must_use]
pub fn extract(text: &str, spans: &[(usize, usize)], near: Option<usize>) -> Vec<Part> {
    let start = best_start(text, spans).or(near).unwrap_or(0);
    let start = word_start(text, start);
    let end = boundary(text, (start + SHOWN).min(text.len()));
    let end = text[end..].find(char::is_whitespace).map_or(text.len(), |more| if more > 30 { end } else { end + more });
    let mut parts = Vec::new();
    let mut push = |piece: &str, is_match: bool| {
        let text = SafeText::line(piece);
        if !text.as_str().is_empty() {
            parts.push(Part { text, is_match });
        }
    };
    if start > 0 {
        push("… ", false);
    }
    let mut at = start;
    for (from, to) in spans.iter().copied().filter(|(from, to)| *from >= start && *to <= end) {
        if from < at {
            continue;
        }
        push(&text[at..from], false);
        push(&text[from..to], true);
        at = to;
    }
    push(&text[at..end], false);
    if end < text.len() {
        push(" …", false);
    }
    parts
}

/// The heading of a text that has none: its beginning.
#[must_use]
pub fn heading(title: &str, body: &str) -> SafeText {
    let text = if title.is_empty() { &body[..boundary(body, body.len().min(HEADING * 4))] } else { title };
    SafeText::clipped(text, HEADING)
}

/// Where the most matches lie near each other.
fn best_start(text: &str, spans: &[(usize, usize)]) -> Option<usize> {
    let room = SHOWN - SHOWN / 6;
    let first = spans
        .iter()
        .map(|(start, _)| (spans.iter().filter(|(from, to)| from >= start && *to <= start + room).count(), *start))
        .max_by_key(|(count, start)| (*count, std::cmp::Reverse(*start)))?
        .1;
    // A little of what stands before, and everything of a text that is shown whole.
    Some(if text.len() <= SHOWN { 0 } else { first.saturating_sub(SHOWN / 6) })
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

fn word_start(text: &str, at: usize) -> usize {
    let at = boundary(text, at);
    if at == 0 {
        return 0;
    }
    let gap = text[at..].char_indices().take_while(|(index, _)| *index < 30).find(|(_, letter)| letter.is_whitespace());
    gap.map_or(at, |(index, letter)| at + index + letter.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(parts: &[Part]) -> String {
        parts.iter().map(|part| if part.is_match { format!("[{}]", part.text) } else { part.text.to_string() }).collect()
    }

    #[test]
    fn a_short_text_is_shown_whole_with_its_matches() {
        assert_eq!(shown(&extract("Rotate the key now", &[(0, 6), (11, 14)], None)), "[Rotate] the [key] now");
        assert_eq!(shown(&extract("", &[], None)), "");
    }

    #[test]
    fn a_long_text_is_cut_around_its_matches_wherever_they_are() {
        let text = format!("{}the needle is here {}", "filler words ".repeat(60), "é ".repeat(300));
        let at = text.find("needle").unwrap_or(0);
        let out = shown(&extract(&text, &[(at, at + 6)], None));
        assert!(out.starts_with('…') && out.ends_with('…') && out.contains("the [needle] is here"), "{out}");
    }

    #[test]
    fn nothing_hostile_passes() {
        let text = "a \u{1b}]52;c;AAAA\u{7} \u{202e}key\u{200b}\n\nb";
        let out = shown(&extract(text, &[(text.find("key").unwrap_or(0), text.find("key").unwrap_or(0) + 3)], None));
        assert!(!out.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{200b}', '\n']) && out.contains("[key]"), "{out:?}");
    }
}
