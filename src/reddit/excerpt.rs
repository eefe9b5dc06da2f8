//! A few words out of an answer's body, for a message: never the page itself.

use crate::base::SafeText;
use serde_json::Value;

/// Columns that an excerpt takes at most.
const WIDTH: usize = 160;
/// Bytes of a body that are looked at.
const LOOK: usize = 65_536;

/// What a body says, in at most 160 columns of safe text. Markup, scripts and styles are left out.
#[must_use]
pub fn excerpt(body: &[u8]) -> String {
    if let Ok(value) = serde_json::from_slice::<Value>(body)
        && let Some(said) = ["explanation", "message", "error_description", "reason", "error"].iter().find_map(|key| said(&value, key))
    {
        return clean(&said);
    }
    let text = String::from_utf8_lossy(body.get(..LOOK).unwrap_or(body));
    let text = if text.trim_start().starts_with('<') { without_markup(&text) } else { text.into_owned() };
    let text = clean(&text);
    if text.is_empty() { "no text".to_owned() } else { text }
}

/// `text` on one line of at most 160 columns.
#[must_use]
pub fn clean(text: &str) -> String {
    let collapsed = text.split_whitespace().collect::<Vec<_>>().join(" ");
    SafeText::clipped(&collapsed, WIDTH).as_str().trim().to_owned()
}

fn said(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The text between the tags, without what scripts and styles hold. One pass: pages from outside must not cost more than their length.
fn without_markup(html: &str) -> String {
    // ASCII lower case keeps every byte in its place.
    let lower = html.to_ascii_lowercase();
    let find = |from: usize, what: &str| lower[from..].find(what).map(|at| from + at);
    let after_tag = |from: usize| find(from, ">").map_or(html.len(), |end| end + 1);
    let mut text = String::new();
    let mut at = 0;
    while let Some(start) = find(at, "<") {
        text.push_str(&html[at..start]);
        text.push(' ');
        let tag = &lower[start + 1..];
        at = match ["style", "script"].iter().find(|name| tag.starts_with(**name)) {
            Some(name) => find(start, &format!("</{name}")).map_or(html.len(), after_tag),
            None => after_tag(start),
        };
    }
    text.push_str(&html[at..]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_page_becomes_a_few_words() {
        let page = b"\n<!doctype html><title>Too Many Requests</title><style>body { x: y }</style><h1>whoa</h1><p>wait 4 second(s)</p>";
        assert_eq!(excerpt(page), "Too Many Requests whoa wait 4 second(s)");
        assert_eq!(excerpt(b"<html><script>alert(1)"), "no text");
        assert_eq!(excerpt(b"<STYLE>a{}</style >after"), "after");
    }

    #[test]
    fn json_gives_its_words_and_nothing_gives_no_text() {
        assert_eq!(excerpt(br#"{"message": "Forbidden", "error": 403}"#), "Forbidden");
        assert_eq!(excerpt(b""), "no text");
        assert!(excerpt("long ".repeat(500).as_bytes()).chars().count() <= WIDTH);
    }

    proptest! {
        #[test]
        fn no_body_breaks_it(body in proptest::collection::vec(any::<u8>(), 0..400), page in "(<|>|/|style|script|é|a| ){0,60}") {
            prop_assert!(!excerpt(&body).contains('\n'));
            prop_assert!(excerpt(page.as_bytes()).chars().count() <= WIDTH);
        }
    }
}
