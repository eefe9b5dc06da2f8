//! What happened to an item since the version that was on the screen: the steps, who took them, and what became of the text. Pure.

use crate::console::request::Case;
use crate::store::audit::Record;

/// What happened since.
#[derive(Debug, Clone)]
pub(in crate::console) struct Since<'a> {
    /// The state it had, when the history still tells it.
    pub state: Option<String>,
    /// The text it had.
    pub text: &'a str,
    /// What was done since, oldest first.
    pub steps: &'a [Record],
}

/// What happened since version `seen`; `None` when it still is that version.
pub(in crate::console) fn since(case: &Case, seen: i64) -> Option<Since<'_>> {
    if case.item.version <= seen {
        return None;
    }
    let version = |record: &Record| record.detail["after"]["version"].as_i64();
    let first = case.history.iter().position(|record| version(record).is_some_and(|version| version > seen)).unwrap_or(case.history.len());
    let (before, steps) = case.history.split_at(first);
    let state = steps.first().and_then(|record| record.detail["before"]["state"].as_str()).map(str::to_owned);
    let known = before.last().map(|record| record.at);
    let text = case.revisions.iter().rev().find(|revision| known.is_some_and(|at| revision.created_at <= at));
    let text = text.or(case.revisions.first()).map_or(case.item.content.as_str(), |revision| revision.content.as_str());
    Some(Since { state, text, steps })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::queue::testing;
    use serde_json::json;

    #[test]
    fn steps_after_the_version_and_the_text_before_them_are_told() {
        let mut case = testing::case("second");
        case.item.version = 4;
        case.revisions = vec![testing::revision(1, "first", 10), testing::revision(2, "second", 30)];
        case.history = vec![
            testing::record(10, "queue.add", json!({"before": null, "after": {"state": "pending"}})),
            testing::record(20, "queue.claim", json!({"before": {"state": "pending"}, "after": {"version": 2, "state": "claimed"}})),
            testing::record(30, "queue.edit", json!({"before": {"state": "claimed"}, "after": {"version": 3, "state": "claimed"}})),
            testing::record(40, "queue.release", json!({"before": {"state": "claimed"}, "after": {"version": 4, "state": "pending"}})),
        ];
        let found = since(&case, 2).unwrap();
        assert_eq!((found.state.as_deref(), found.text, found.steps.len()), (Some("claimed"), "first", 2));
        let found = since(&case, 1).unwrap();
        assert_eq!((found.state.as_deref(), found.text, found.steps[0].action.as_str()), (Some("pending"), "first", "queue.claim"));
        assert_eq!(since(&case, 3).unwrap().text, "second");
        assert!(since(&case, 4).is_none());
    }
}
