//! Finding a person in text, and taking them out of it. Pure.
//!
//! A name that is an ordinary word (`river`) stands in many texts that are about rivers. Such a name counts only as `u/river`, as `@river`
//! or as a whole value; one with a digit, an underscore or a hyphen, or a long one, counts wherever it stands as a word.

use memchr::memmem;
use serde_json::Value;
use std::ops::BitOr;
use std::ops::Range;

/// What stands where something was taken out.
pub(super) const ERASED: &str = "[erased]";
/// From so many letters on a name is hardly a word.
const LONG: usize = 12;
/// What belongs to a text that the person wrote, beside their name.
const THEIR_OWN: [&str; 8] = ["body", "title", "text", "content", "selftext", "permalink", "fullname", "quote"];

/// What is looked for.
#[derive(Debug, Clone)]
pub(super) struct Person {
    name: String,
    everywhere: bool,
    /// Ids of what they wrote.
    pub ids: Vec<String>,
}

fn is_inside(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl Person {
    /// A person by their name in small letters; `everywhere` takes an ordinary word for their name wherever it stands.
    pub fn new(name: &str, everywhere: bool) -> Self {
        let is_distinctive = name.len() >= LONG || name.bytes().any(|byte| !byte.is_ascii_alphabetic());
        Self { name: name.to_owned(), everywhere: everywhere || is_distinctive, ids: Vec::new() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a whole value is their name.
    pub fn is(&self, value: &str) -> bool {
        crate::upkeep::retention::holds::plain(value) == self.name
    }

    /// What has to stand in a text for it to be looked at.
    pub fn needles(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.ids.iter().map(String::as_str))
    }

    /// Where they are mentioned, and how often an ordinary word is only perhaps their name.
    fn found(&self, text: &str) -> (Vec<Range<usize>>, usize) {
        // Letters of ASCII keep their places; a Reddit name has no others.
        let lower = text.to_ascii_lowercase();
        let bytes = lower.as_bytes();
        let (mut spans, mut perhaps): (Vec<Range<usize>>, usize) = (Vec::new(), 0);
        for (number, needle) in self.needles().enumerate() {
            for at in memmem::find_iter(bytes, needle) {
                let end = at + needle.len();
                let before = at.checked_sub(1).and_then(|at| bytes.get(at));
                if is_inside(before) || is_inside(bytes.get(end)) {
                    continue;
                }
                let is_addressed = before == Some(&b'@') || bytes.get(at.saturating_sub(2)..at) == Some(b"u/");
                let is_whole = at == 0 && end == bytes.len();
                if number > 0 || self.everywhere || is_addressed || is_whole {
                    spans.push(at..end);
                } else {
                    perhaps += 1;
                }
            }
        }
        spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        spans.dedup_by(|later, before| later.start < before.end);
        (spans, perhaps)
    }

    /// How often an ordinary word in a text is only perhaps their name.
    pub fn perhaps(&self, text: &str) -> usize {
        match structured(text) {
            Some(value) => {
                let mut count = 0;
                each(&value, &mut |text| count += self.found(text).1);
                count
            }
            None => self.found(text).1,
        }
    }

    /// The text without them; `None` when they are not in it.
    pub fn taken_out(&self, text: &str) -> Option<String> {
        if let Some(mut value) = structured(text) {
            return self.clear_value(&mut value).then(|| value.to_string());
        }
        self.clear_text(text)
    }

    fn clear_text(&self, text: &str) -> Option<String> {
        let (spans, _) = self.found(text);
        if spans.is_empty() {
            return None;
        }
        let (mut left, mut at) = (String::with_capacity(text.len()), 0);
        for span in spans {
            left.push_str(text.get(at..span.start).unwrap_or_default());
            left.push_str(ERASED);
            at = span.end;
        }
        left.push_str(text.get(at..).unwrap_or_default());
        Some(left)
    }

    /// Take them out of a structured value: their name wherever it stands, and the whole of what they wrote.
    pub fn clear_value(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => self.clear_text(text).map(|left| *text = left).is_some(),
            Value::Array(values) => values.iter_mut().map(|value| self.clear_value(value)).fold(false, BitOr::bitor),
            Value::Object(fields) => {
                let is_theirs = fields.get("author").and_then(Value::as_str).is_some_and(|author| self.is(author));
                let mut changed = false;
                if is_theirs {
                    for (_, text) in fields.iter_mut().filter(|(name, value)| THEIR_OWN.contains(&name.as_str()) && value.is_string()) {
                        *text = Value::from(ERASED);
                        changed = true;
                    }
                }
                let keyed: Vec<String> = fields.keys().filter(|key| self.is(key)).cloned().collect();
                for key in keyed {
                    if let Some(value) = fields.remove(&key) {
                        fields.insert(ERASED.to_owned(), value);
                        changed = true;
                    }
                }
                fields.iter_mut().fold(changed, |changed, (_, value)| self.clear_value(value) || changed)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// The ids of what they wrote, in a structured text.
    pub fn collect_ids(&self, text: &str) -> Vec<String> {
        fn walk(person: &Person, value: &Value, ids: &mut Vec<String>) {
            match value {
                Value::Array(values) => values.iter().for_each(|value| walk(person, value, ids)),
                Value::Object(fields) => {
                    if fields.get("author").and_then(Value::as_str).is_some_and(|author| person.is(author)) {
                        ids.extend(fields.get("fullname").and_then(Value::as_str).filter(|id| is_id(id)).map(str::to_lowercase));
                    }
                    fields.values().for_each(|value| walk(person, value, ids));
                }
                _ => {}
            }
        }
        let mut ids = Vec::new();
        if let Some(value) = structured(text) {
            walk(self, &value, &mut ids);
        }
        ids
    }
}

/// Whether this is the id of a post or comment, long enough that nothing else reads so.
pub(super) fn is_id(text: &str) -> bool {
    text.len() >= 4
        && matches!(text.get(..3), Some("t1_" | "t3_" | "t4_"))
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn structured(text: &str) -> Option<Value> {
    let is_structured = text.starts_with('{') || text.starts_with('[');
    is_structured.then(|| serde_json::from_str(text).ok()).flatten()
}

fn each(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(values) => values.iter().for_each(|value| each(value, visit)),
        Value::Object(fields) => fields.values().for_each(|value| each(value, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_found_as_a_word_and_an_ordinary_one_only_where_it_must_be_meant() {
        let bob = Person::new("bob_77", false);
        assert_eq!(bob.taken_out("Ask Bob_77, or u/bob_77!").unwrap(), "Ask [erased], or u/[erased]!");
        assert_eq!(bob.taken_out("bob_777 xbob_77 bob_77-x"), None);
        let river = Person::new("river", false);
        assert_eq!(river.taken_out("The river is wide, says u/River."), Some("The river is wide, says u/[erased].".to_owned()));
        assert_eq!((river.taken_out("a river"), river.perhaps("a river"), river.taken_out("River")), (None, 1, Some(ERASED.to_owned())));
        assert_eq!(Person::new("river", true).taken_out("a river"), Some("a [erased]".to_owned()));
    }

    #[test]
    fn what_they_wrote_goes_whole() {
        let mut bob = Person::new("bob_77", false);
        let text = r#"{"thread":[{"author":"ann","body":"hello bob_77","fullname":"t3_a1"},{"author":"Bob_77","body":"my secret","fullname":"t1_b2"}]}"#;
        assert_eq!(bob.collect_ids(text), ["t1_b2"]);
        bob.ids = bob.collect_ids(text);
        let left = bob.taken_out(text).unwrap();
        assert!(
            !left.contains("secret") && !left.to_lowercase().contains("bob_77") && left.contains("ann") && left.contains("t3_a1"),
            "{left}"
        );
        assert_eq!(bob.taken_out(&left), None, "once is enough");
    }

    proptest! {
        #[test]
        fn nothing_is_left_and_nothing_breaks(text in ".{0,80}", before in "[ .,(]?", after in "[ .,)]?") {
            let person = Person::new("some_body9", false);
            let full = format!("{text}{before}u/Some_Body9{after}{text}");
            let left = person.taken_out(&full).unwrap_or(full);
            prop_assert!(person.taken_out(&left).is_none());
        }
    }
}
