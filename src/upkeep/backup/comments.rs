//! Where the comments of a configuration file are.

use std::ops::Range;

/// The comments of `text`, which is TOML, each from its `#` to the end of its line.
pub(super) fn comments(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(next) = rest.find(['#', '"', '\'']) else { break };
        let (start, rest) = (at + next, &rest[next..]);
        at = if rest.starts_with('#') {
            let end = start + rest.find(['\n', '\r']).unwrap_or(rest.len());
            found.push(start..end);
            end
        } else {
            start + quoted(rest)
        };
    }
    found
}

/// The length of the quoted text with which `text` begins.
fn quoted(text: &str) -> usize {
    let is_literal = text.starts_with('\'');
    let (long, short) = if is_literal { ("'''", "'") } else { ("\"\"\"", "\"") };
    let mark = if text.starts_with(long) { long } else { short };
    let mut at = mark.len();
    while let Some(rest) = text.get(at..) {
        if rest.starts_with(mark) {
            let end = at + mark.len();
            // Up to two marks before the last three belong to the text.
            let more = if mark == long { text[end..].bytes().take(2).take_while(|byte| short.as_bytes() == [*byte]).count() } else { 0 };
            return end + more;
        }
        let Some(letter) = rest.chars().next() else { break };
        at += letter.len_utf8();
        if letter == '\\' && !is_literal {
            at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Vec<&str> {
        comments(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn a_sign_in_a_text_begins_no_comment() {
        assert_eq!(of("a = \"#1 \\\" #2\" # one\r\nb = '#3' #two\n#three"), ["# one", "#two", "#three"]);
        assert_eq!(of("a = \"\"\"\n# no \\\"\"\" # no\n\"\"\"\"\" # one\nb = '''\n# no\n'''' # two"), ["# one", "# two"]);
        assert_eq!(of("a = \"\" # one\nb = '' # two ä"), ["# one", "# two ä"]);
        assert_eq!(of("a = \"never closed # no"), [] as [&str; 0]);
    }

    proptest! {
        #[test]
        fn they_lie_in_the_text_one_behind_the_other(text in "[a-z#\"'\\\\\nä]{0,60}") {
            let mut end = 0;
            for range in comments(&text) {
                prop_assert!(range.start >= end && text.get(range.clone()).is_some_and(|comment| comment.starts_with('#') && !comment.contains('\n')));
                end = range.end;
            }
        }
    }
}
