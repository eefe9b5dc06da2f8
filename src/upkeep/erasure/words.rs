//! Finding a person in text, and taking them out of it. Pure.
//!
//! A name that is an ordinary word (`river`) stands in many texts that are about rivers. Such a name counts only as `u/river`, as `@river`,
//! in `r/u_river` or as a whole value; one with a digit, an underscore or a hyphen, or a long one, counts wherever it stands as a word.
//! Editors of the site write an underscore as `\_`, and emphasis puts one before and one behind.

use crate::base::new_id;
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

/// Fields of structured texts that hold names of people. In others a whole value is rather a word of the program: somebody may be called
/// `pending`.
const PEOPLE: [&str; 8] = ["author", "parent_author", "user", "username", "user_name", "account", "target", "mentions"];
/// Which field tells the id of what they wrote, beside a field that tells that it was they.
const WHOSE: [(&str, &str); 3] = [("author", "fullname"), ("parent_author", "parent_id"), ("user", "message")];

/// What is looked for.
#[derive(Debug, Clone)]
pub(super) struct Person {
    name: String,
    /// The name as it is, and as editors and structured texts write it.
    spellings: Vec<String>,
    /// Whether the name counts wherever it stands as a word.
    is_distinctive: bool,
    /// Whether it was asked for that it also counts where it is perhaps something else.
    everywhere: bool,
    /// Ids of what they wrote.
    pub ids: Vec<String>,
}

/// Whether a place in a text names the person.
enum Meant {
    Yes,
    Perhaps,
    No,
}

fn is_joint(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'_' | b'-'))
}

fn is_inside(byte: Option<&u8>) -> bool {
    is_joint(byte) || byte.is_some_and(u8::is_ascii_alphanumeric)
}

/// How many underscores stand there, as they are or behind backslashes, and what stands beyond them.
fn emphasis<'a>(bytes: impl Iterator<Item = &'a u8>) -> (usize, Option<&'a u8>) {
    let mut open = 0;
    for byte in bytes {
        match byte {
            b'_' => open += 1,
            b'\\' => {}
            other => return (open, Some(other)),
        }
    }
    (open, None)
}

impl Person {
    /// A person by their name in small letters; `everywhere` takes an ordinary word for their name wherever it stands, and a longer name
    /// that theirs is a part of.
    pub fn new(name: &str, everywhere: bool) -> Self {
        let is_distinctive = name.len() >= LONG || name.bytes().any(|byte| !byte.is_ascii_alphabetic());
        let mut spellings = vec![name.to_owned()];
        if name.contains('_') {
            spellings.extend([name.replace('_', "\\_"), name.replace('_', "\\\\_")]);
        }
        Self { name: name.to_owned(), spellings, is_distinctive, everywhere, ids: Vec::new() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a whole value is their name.
    pub fn is(&self, value: &str) -> bool {
        crate::upkeep::retention::holds::plain(value) == self.name
    }

    /// Whether a value names the subreddit that every account has for itself.
    pub fn is_profile(&self, value: &str) -> bool {
        let value = value.trim().to_lowercase();
        let value = value.strip_prefix("/r/").or_else(|| value.strip_prefix("r/")).unwrap_or(&value);
        value.strip_prefix("u_") == Some(self.name.as_str())
    }

    /// What has to stand in a text for it to be looked at: one of these.
    pub fn needles(&self) -> impl Iterator<Item = &str> {
        self.spellings.iter().chain(&self.ids).map(String::as_str)
    }

    /// Whether one of the needles stands in a text.
    pub fn may_be_in(&self, text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        self.needles().any(|needle| memmem::find(lower.as_bytes(), needle.as_bytes()).is_some())
    }

    /// Where they are mentioned, and how often it is only perhaps their name.
    /// `may_be_whole`: a value of nothing else than an ordinary word is their name there.
    fn found(&self, text: &str, may_be_whole: bool) -> (Vec<Range<usize>>, usize) {
        // Letters of ASCII keep their places; a Reddit name has no others.
        let lower = text.to_ascii_lowercase();
        let bytes = lower.as_bytes();
        let (mut spans, mut perhaps): (Vec<Range<usize>>, usize) = (Vec::new(), 0);
        for spelling in &self.spellings {
            for at in memmem::find_iter(bytes, spelling) {
                let end = at + spelling.len();
                match self.meant(&bytes[..at], &bytes[end..], may_be_whole) {
                    Meant::Yes => spans.push(at..end),
                    Meant::Perhaps => perhaps += 1,
                    Meant::No => {}
                }
            }
        }
        for id in &self.ids {
            for at in memmem::find_iter(bytes, id) {
                let end = at + id.len();
                if !is_inside(bytes[..at].last()) && !is_inside(bytes.get(end)) {
                    spans.push(at..end);
                }
            }
        }
        spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        spans.dedup_by(|later, before| later.start < before.end);
        (spans, perhaps)
    }

    /// Whether the name between these two is theirs.
    fn meant(&self, before: &[u8], after: &[u8], may_be_whole: bool) -> Meant {
        let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        if is_letter(before.last()) || is_letter(after.first()) {
            return Meant::No;
        }
        // Behind a `u_` that begins a word it is the name of their own subreddit.
        let is_profile =
            [&b"u_"[..], b"u\\_", b"u\\\\_"].iter().any(|start| before.strip_suffix(*start).is_some_and(|rest| !is_inside(rest.last())));
        let ((open, left), (closed, right)) = (emphasis(before.iter().rev()), emphasis(after.iter()));
        let is_emphasised = open > 0 && open == closed && !is_inside(left) && !is_inside(right);
        let goes_on = is_joint(after.iter().find(|byte| **byte != b'\\'));
        if !is_emphasised && (goes_on || (is_joint(before.last()) && !is_profile)) {
            return if self.everywhere { Meant::Yes } else { Meant::Perhaps };
        }
        let is_addressed = is_profile || [&b"@"[..], b"u/", b"user/"].iter().any(|start| before.ends_with(start));
        let is_whole = may_be_whole && before.is_empty() && after.is_empty();
        if self.is_distinctive || self.everywhere || is_addressed || is_whole { Meant::Yes } else { Meant::Perhaps }
    }

    /// How often it is only perhaps their name that stands in a text.
    pub fn perhaps(&self, text: &str) -> usize {
        match structured(text) {
            Some(value) => {
                let mut count = 0;
                each(&value, false, &mut |text, is_name| count += self.found(text, is_name).1);
                count
            }
            None => self.found(text, true).1,
        }
    }

    /// The same for a column of a row: a subreddit that is called like them is another one.
    pub fn perhaps_in(&self, column: &str, text: &str) -> usize {
        if matches!(column, "subreddit" | "target_subreddit") { 0 } else { self.perhaps(text) }
    }

    /// The text without them; `None` when they are not in it.
    pub fn taken_out(&self, text: &str) -> Option<String> {
        if let Some(mut value) = structured(text) {
            return self.clear_value(&mut value, false).then(|| value.to_string());
        }
        self.clear_text(text, true)
    }

    fn clear_text(&self, text: &str, may_be_whole: bool) -> Option<String> {
        let (spans, _) = self.found(text, may_be_whole);
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

    /// Take them out of a structured value: their name wherever it stands, and the whole of what they wrote. `is_name`: the field is one for
    /// names of people.
    fn clear_value(&self, value: &mut Value, is_name: bool) -> bool {
        match value {
            Value::String(text) => self.clear_text(text, is_name).map(|left| *text = left).is_some(),
            Value::Array(values) => values.iter_mut().map(|value| self.clear_value(value, is_name)).fold(false, BitOr::bitor),
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
                fields
                    .iter_mut()
                    .fold(changed, |changed, (name, value)| self.clear_value(value, PEOPLE.contains(&name.as_str())) || changed)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// The ids of what they wrote, in a structured text and in the structured texts within it.
    pub fn collect_ids(&self, text: &str) -> Vec<String> {
        fn walk(person: &Person, value: &Value, ids: &mut Vec<String>) {
            match value {
                Value::String(text) => structured(text).iter().for_each(|value| walk(person, value, ids)),
                Value::Array(values) => values.iter().for_each(|value| walk(person, value, ids)),
                Value::Object(fields) => {
                    for (who, what) in WHOSE {
                        if fields.get(who).and_then(Value::as_str).is_some_and(|name| person.is(name)) {
                            ids.extend(fields.get(what).and_then(Value::as_str).filter(|id| is_id(id)).map(str::to_lowercase));
                        }
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

    /// What a column of a row says without them; `None` when it says what it did. `is_theirs`: the row answers them.
    pub fn column_without(&self, column: &str, text: &str, is_theirs: bool) -> Option<Value> {
        match column {
            "parent_author" => return self.is(text).then_some(Value::Null),
            // Two answers to the same comment are refused by it, so that it must stay different from every other.
            "parent_id" | "thread_id" => {
                return self.ids.iter().any(|id| id.eq_ignore_ascii_case(text)).then(|| Value::String(format!("erased:{}", new_id())));
            }
            // A subreddit may be called like them and have nothing to do with them.
            "subreddit" | "target_subreddit" => return self.is_profile(text).then(|| Value::from(format!("u_{ERASED}"))),
            _ => {}
        }
        let left = self.taken_out(text);
        if column == "draft_metadata" && is_theirs {
            // The digest of what they wrote tells whoever has a guess whether it is right.
            let mut value: Value = serde_json::from_str(left.as_deref().unwrap_or(text)).unwrap_or(Value::Null);
            if value.as_object_mut().is_some_and(|fields| fields.remove("parent_digest").is_some()) {
                return Some(Value::String(value.to_string()));
            }
        }
        left.map(Value::String)
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

fn each(value: &Value, is_name: bool, visit: &mut impl FnMut(&str, bool)) {
    match value {
        Value::String(text) => visit(text, is_name),
        Value::Array(values) => values.iter().for_each(|value| each(value, is_name, visit)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| each(value, PEOPLE.contains(&name.as_str()), visit)),
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
        assert_eq!((bob.taken_out("bob_777 xbob_77 bob_77-x"), bob.perhaps("bob_777 xbob_77 bob_77-x")), (None, 1));
        let river = Person::new("river", false);
        assert_eq!(river.taken_out("The river is wide, says u/River."), Some("The river is wide, says u/[erased].".to_owned()));
        assert_eq!((river.taken_out("a river"), river.perhaps("a river"), river.taken_out("River")), (None, 1, Some(ERASED.to_owned())));
        assert_eq!(Person::new("river", true).taken_out("a river"), Some("a [erased]".to_owned()));
    }

    #[test]
    fn a_name_is_found_as_editors_write_it() {
        let person = Person::new("quib_zorp7", false);
        for (text, left) in [
            (r"ask Quib\_Zorp7 again", "ask [erased] again"),
            ("so says _Quib_Zorp7_.", "so says _[erased]_."),
            (r"__Quib\_Zorp7__", "__[erased]__"),
            ("see r/u_Quib_Zorp7/about", "see r/u_[erased]/about"),
            (r"see r/u\_Quib\_Zorp7", r"see r/u\_[erased]"),
            ("see /user/Quib_Zorp7/", "see /user/[erased]/"),
            (r#"{"said":"u/Quib\\_Zorp7"}"#, r#"{"said":"u/[erased]"}"#),
        ] {
            assert_eq!(person.taken_out(text).as_deref(), Some(left), "{text}");
            assert!(person.may_be_in(text), "{text}");
        }
        let river = Person::new("river", false);
        for text in ["/user/River", "r/u_river", "u/river"] {
            assert!(river.taken_out(text).is_some_and(|left| left.ends_with("[erased]")), "{text}");
        }
        // Part of a longer name is perhaps somebody else.
        for text in ["Quib_Zorp7-fan", r"Quib\_Zorp7\_fan", "the_Quib_Zorp7", "menu_quib_zorp7"] {
            assert_eq!((person.taken_out(text), person.perhaps(text)), (None, 1), "{text}");
            assert!(Person::new("quib_zorp7", true).taken_out(text).is_some(), "{text}");
        }
        assert_eq!((person.taken_out("xquib_zorp7"), person.perhaps("quib_zorp77")), (None, 0));
        assert!(person.is_profile("u_Quib_Zorp7") && person.is_profile("r/U_quib_zorp7") && !person.is_profile("quib_zorp7"));
    }

    #[test]
    fn a_word_of_the_program_is_nobody_s_name() {
        let allow = Person::new("allow", false);
        let text = r#"{"author":"Allow","verdict":"allow","tags":["allow"]}"#;
        assert_eq!(allow.perhaps(text), 2);
        let left: Value = serde_json::from_str(&allow.taken_out(text).unwrap()).unwrap();
        assert_eq!(left, serde_json::json!({ "author": ERASED, "verdict": "allow", "tags": ["allow"] }));
    }

    #[test]
    fn ids_of_what_they_wrote_are_known_from_rows_that_are_archived_and_from_the_audit_log() {
        let bob = Person::new("bob_77", false);
        let metadata = r#"{\"thread\":[{\"author\":\"Bob_77\",\"fullname\":\"t1_c3\"}]}"#;
        let line =
            format!(r#"{{"row":{{"parent_author":"Bob_77","parent_id":"t1_B2","fullname":"t1_ours","draft_metadata":"{metadata}"}}}}"#);
        assert_eq!(bob.collect_ids(&line), ["t1_b2", "t1_c3"]);
        assert_eq!(bob.collect_ids(r#"{"after":{"user":"bob_77","thread":"t3_top","message":"t1_d4"}}"#), ["t1_d4"]);
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
