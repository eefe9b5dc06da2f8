//! A person in a line of an archive: a row as it was before it went, with the rows that hung on it. Pure.

use super::catalogue::is_ours;
use super::held::{About, Holds};
use super::words::Person;
use crate::upkeep::retention::kind::{KINDS, Kind};
use serde_json::{Map, Value};

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The person is not in it, or perhaps, so many times, as an ordinary word.
    Same(usize),
    /// What it says without them.
    Without(String),
    /// They are in it, and a legal hold keeps it.
    Held,
}

/// Take the person out of a line.
pub(super) fn without(person: &Person, holds: &Holds, line: &str) -> Line {
    if !person.may_be_in(line) {
        return Line::Same(0);
    }
    let Ok(mut value) = serde_json::from_str::<Value>(line) else { return Line::Same(0) };
    let perhaps = perhaps(person, &value);
    let is_held = holds.keep(&about(&value, &line.to_lowercase()));
    let mut is_changed = false;
    if let Some(row) = value.get_mut("row").and_then(Value::as_object_mut) {
        is_changed |= columns(person, row);
    }
    for rows in value.get_mut("with").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        for row in rows.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            is_changed |= columns(person, row);
        }
    }
    match (is_changed, is_held) {
        (false, _) => Line::Same(perhaps),
        (true, true) => Line::Held,
        (true, false) => Line::Without(value.to_string()),
    }
}

/// The texts of columns that may be about somebody.
fn texts(row: &Map<String, Value>) -> impl Iterator<Item = (&String, &str)> {
    row.iter().filter(|(column, _)| !is_ours(column)).filter_map(|(column, value)| value.as_str().map(|text| (column, text)))
}

fn columns(person: &Person, row: &mut Map<String, Value>) -> bool {
    let is_theirs = row.get("parent_author").and_then(Value::as_str).is_some_and(|author| person.is(author));
    let less: Vec<(String, Value)> =
        texts(row).filter_map(|(column, text)| Some((column.clone(), person.column_without(column, text, is_theirs)?))).collect();
    let is_changed = !less.is_empty();
    row.extend(less);
    is_changed
}

fn perhaps(person: &Person, value: &Value) -> usize {
    let own = value.get("row").and_then(Value::as_object).into_iter();
    let with = value.get("with").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let with = with.flat_map(|rows| rows.as_array().into_iter().flatten()).filter_map(Value::as_object);
    own.chain(with).flat_map(texts).map(|(column, text)| person.perhaps_in(column, text)).sum()
}

/// What a hold can reach a line by.
fn about<'a>(value: &'a Value, lower: &'a str) -> About<'a> {
    let column = |name: &str| value.get("row").and_then(|row| row.get(name));
    let text = |name: &str| column(name).and_then(Value::as_str);
    let kind = KINDS.iter().find(|kind| value.get("table").and_then(Value::as_str) == Some(kind.table));
    let at = kind.and_then(|kind| age(kind).find_map(|name| column(name).and_then(Value::as_i64)));
    About { ids: ["id", "subject_id"].into_iter().filter_map(text).collect(), persona: text("persona_id"), at, text: lower }
}

/// The columns that the age of a kind is counted from, the first that says something.
fn age(kind: &'static Kind) -> impl Iterator<Item = &'static str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.');
    kind.age.split(move |letter| !is_part(letter)).filter_map(|word| word.strip_prefix("t."))
}

/// The moment that the age of an archived row was counted from, for tests of the kinds.
#[cfg(test)]
fn aged(kind: &'static Kind, row: &Value) -> Option<i64> {
    age(kind).find_map(|name| row.get(name).and_then(Value::as_i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upkeep::retention::kind;
    use serde_json::json;

    #[test]
    fn a_row_that_answers_them_is_emptied_as_one_in_the_database_is() {
        let mut person = Person::new("quib_zorp7", false);
        person.ids = vec!["t1_abc1".to_owned()];
        let row = json!({ "id": "x", "state": "rejected", "parent_author": "Quib_Zorp7", "parent_id": "t1_abc1", "content": "Dear Quib_Zorp7",
            "draft_metadata": "{\"parent_digest\":\"0123\",\"why\":\"x\"}", "updated_at": 5, "reviewed_by": "Quib_Zorp7" });
        let with = json!({ "post_revisions": [{ "content": "for u/Quib_Zorp7" }] });
        let line = json!({ "table": "pending_posts", "row": row, "with": with }).to_string();
        let Line::Without(left) = without(&person, &Holds::default(), &line) else { panic!("{line}") };
        let left: Value = serde_json::from_str(&left).unwrap();
        assert_eq!((&left["row"]["parent_author"], &left["row"]["content"]), (&Value::Null, &json!("Dear [erased]")));
        assert!(left["row"]["parent_id"].as_str().unwrap().starts_with("erased:"));
        assert_eq!(left["row"]["draft_metadata"], "{\"why\":\"x\"}");
        assert_eq!(left["row"]["reviewed_by"], "Quib_Zorp7", "one of ours is somebody else");
        assert_eq!(left["with"]["post_revisions"][0]["content"], "for u/[erased]");
        assert_eq!(without(&person, &Holds::default(), &left.to_string()), Line::Same(0), "once is enough");
    }

    #[test]
    fn the_age_of_a_row_is_read_as_its_kind_counts_it() {
        let kind = kind::named("belief_conflicts").unwrap();
        assert_eq!(aged(kind, &json!({ "decided_at": null, "raised_at": 7 })), Some(7));
        assert_eq!(aged(kind, &json!({ "decided_at": 9, "raised_at": 7 })), Some(9));
    }
}
