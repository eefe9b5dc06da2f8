//! What the view shows of rows and findings.

use super::*;
use crate::console::text::Pieces;
use crate::upkeep::audit::chain::{Fault, Finding, Walked};
use serde_json::{Value, json};

fn record(seq: i64, detail: Value) -> Record {
    Record {
        seq,
        at: 1_774_000_000_000,
        persona_id: Some("p".into()),
        actor_kind: "human".into(),
        actor: "ann".into(),
        action: "queue.approve".into(),
        subject_kind: "pending_post".into(),
        subject_id: "0195-abcdef".into(),
        reason: Some("fine".into()),
        detail,
    }
}

fn text(lines: &[Pieces]) -> String {
    lines.iter().map(|line| line.iter().map(|piece| piece.text().to_owned()).collect::<String>() + "\n").collect()
}

#[test]
fn before_and_after_are_shown_as_a_difference() {
    let detail =
        json!({ "before": { "state": "claimed", "kept": 1 }, "after": { "state": "scheduled", "kept": 1, "new": { "deep": true } } });
    let view = View { rows: vec![record(7, detail)], details: Some(0), ..View::default() };
    let shown = text(&lines(&view, 76, 19, 0));
    for expected in ["- state: claimed", "+ state: scheduled", "  kept: 1", "+ new.deep: true", "why      fine"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert_eq!(title(&view), "audit log: row 7");
}

#[test]
fn the_chosen_row_stays_in_view_and_hostile_text_is_harmless() {
    let mut rows: Vec<Record> = (0..50).map(|number| record(100 - number, Value::Null)).collect();
    rows[40].actor = "a\u{1b}[2Jb\u{202e}c".into();
    let view = View { rows, at: 40, ..View::default() };
    let shown = lines(&view, 76, 10, 0);
    assert_eq!(shown.len(), 10);
    let shown = text(&shown);
    assert!(shown.contains(">    60") && !shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 76));
}

#[test]
fn findings_are_shown_with_what_to_do() {
    let finding = Finding { fault: Fault::Truncated, seq: 3, to: 9, what: "rows 3 to 9 were cut off the end".into() };
    let walked = Walked {
        rows: 2,
        last: 2,
        head: "abc".into(),
        anchored: 0,
        checkpoints: 0,
        redacted: 0,
        problems: vec![finding],
        notes: vec!["the clock went backwards".into()],
    };
    let found = Box::new(Ok(Verified { walked, anchor: None, took_ms: 3 }));
    let view = View { check: Check::Done { found, top: 0 }, ..View::default() };
    let shown = text(&lines(&view, 76, 19, 0));
    for expected in ["2 rows, 1 findings: truncated", "truncated  rows 3 to 9", "next: compare", "note: the clock"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
}
