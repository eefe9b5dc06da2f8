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

fn without_markup(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        text.push(' ');
        rest = &rest[start..];
        let hidden = ["style", "script"].iter().find(|name| starts_with_tag(rest, name));
        let end = match hidden {
            // ASCII lower case keeps every byte in its place.
            Some(name) => rest.to_ascii_lowercase().find(&format!("</{name}")),
            None => rest.find('>').map(|end| end + 1),
        };
        rest = end.map_or("", |end| &rest[end..]);
        if hidden.is_some() {
            rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
        }
    }
    text.push_str(rest);
    text
}

fn starts_with_tag(rest: &str, name: &str) -> bool {
    rest.as_bytes().get(1..=name.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes()))
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
