//! What a case shows: near-duplicates side by side, the beliefs in conflict, what it cost; and texts that are hard to draw.

use crate::harness::{Home, comment};
use quarterdeck::memory::{self};
use quarterdeck::moderation::screening::{BeliefConflict, ConsistencyResult};
use quarterdeck::moderation::{DraftMetadata, Hit, NewItem, ThreadEntry, Verdict};
use std::time::{Duration, Instant};

fn thread(bodies: &[&str]) -> DraftMetadata {
    let entry =
        |body: &&str| ThreadEntry { fullname: "t3_a".into(), author: "reader".into(), body: (*body).to_owned(), ..Default::default() };
    DraftMetadata { thread: bodies.iter().map(entry).collect(), ..DraftMetadata::default() }
}

#[test]
fn a_near_duplicate_stands_beside_the_draft_with_the_words_that_differ() {
    let home = Home::new();
    let first = home.add("Rivers carry more water after rain.");
    let mut new = comment("t3_again", "Rivers carry more silt after rain.");
    new.evaluation.hits.push(Hit {
        rule_id: "near_duplicate".into(),
        rule_version: 1,
        severity: Verdict::Review,
        weight: 0.5,
        spans: Vec::new(),
        message: "resembles something older".into(),
        evidence: Some(first),
    });
    home.queue(new);
    let mut console = home.console_of(140, 60);
    console.chooses("water").keys("j").chooses("silt").shows("what it resembles").shows("this draft");
    // Both stand on one line.
    console.wait_for(
        |screen| screen.contents().lines().any(|line| line.contains("[-silt-]") && line.contains("{+water+}")),
        "the texts side by side",
    );
    console.resize(80, 50).shows("{+water+}");
    console.wait_for(|screen| screen.contents().contains("[-silt-]"), "the texts after one another");
}

#[test]
fn a_conflict_names_the_belief_its_stance_and_how_sure_the_persona_is() {
    let home = Home::new();
    let persona = home.persona.clone();
    let belief = home.database.read_blocking(move |c| memory::beliefs::recall(c, &persona, 0.0, 1)).unwrap().remove(0);
    let (persona, id) = (home.persona.clone(), belief.id.clone());
    let stance = home.database.read_blocking(move |c| memory::stances::in_force(c, &persona, &id)).unwrap().unwrap();
    let conflict = BeliefConflict { belief_id: belief.id, title: "A title of then".into(), quote: Some("harmless".into()) };
    let consistency =
        ConsistencyResult::Inconsistent { confidence: 0.83, explanation: "it says the opposite".into(), conflicts: vec![conflict] };
    let metadata = DraftMetadata { consistency: Some(consistency), ..DraftMetadata::default() };
    home.queue(NewItem { draft_metadata: metadata, ..comment("t3_a", "A harmless remark about rivers.") });
    let mut console = home.console_of(140, 50);
    console.chooses("rivers").shows("in conflict").shows("sure to 83 %: it says the opposite").shows("against: A title of then");
    console.shows(&format!("held at {:.2}", stance.confidence)).shows("the draft says: [harmless]");
    let beginning: String = stance.text.chars().take(20).collect();
    console.shows(&beginning);
}

#[test]
fn what_it_cost_is_told_call_by_call() {
    let home = Home::new();
    home.queue(NewItem { correlation_id: "work-1".into(), ..comment("t3_a", "A harmless remark about rivers.") });
    let persona = home.persona.clone();
    let insert = move |c: &mut dyn quarterdeck::store::Conn| {
        for (id, module, work, cost) in [
            ("c1", "draft", "work-1", Some(1_500_000_000_i64)),
            ("c2", "judge", "work-1", None),
            ("c3", "draft", "other", Some(9_000_000_000_000)),
        ] {
            c.exec(
                "INSERT INTO llm_calls (id, request_id, attempt, persona_id, module, correlation_id, model_asked, streamed, started_at, outcome,
                   tokens_in, tokens_out, cost_computed_picos) VALUES ($1, $1, 1, $2, $3, $4, 'a-model', 0, 1, 'ok', 1200, 80, $5)",
                quarterdeck::vals![id, &persona, module, work, cost],
            )?;
        }
        Ok::<_, quarterdeck::store::Error>(())
    };
    home.database.write_blocking(insert).unwrap();
    let mut console = home.console_of(140, 40);
    console
        .chooses("rivers")
        .shows("what it cost")
        .shows("$0.001500 for 2 calls, 2400 tokens read, 160 written; of 1 the price is unknown");
    console.shows("draft: a-model, 1200 + 80 tokens, $0.001500").shows("judge: a-model, 1200 + 80 tokens, price unknown");
}

#[test]
fn a_long_thread_leaves_the_draft_in_sight_and_has_a_view_of_its_own() {
    let home = Home::new();
    let long: String = (0..200).map(|number| format!("sentence {number} of many. ")).collect();
    home.queue(NewItem { draft_metadata: thread(&[&long]), ..comment("t3_a", "A harmless remark about rivers.") });
    let mut console = home.console_of(80, 30);
    console.chooses("rivers").shows("more lines: the thread's own view has them").shows("the draft");
    console.keys("p").shows("thread ─").hides("the thread's own view").keys("\tG").shows("199 of many");
}

#[test]
fn other_peoples_texts_can_be_masked_from_the_start_and_the_choice_is_remembered() {
    let home = Home::new();
    home.queue(NewItem { draft_metadata: thread(&["An ugly word."]), ..comment("t3_a", "A harmless remark about rivers.") });
    let masked = [("QUARTERDECK_MASK_INCOMING", "yes")];
    let mut console = home.console_with(&masked);
    console.chooses("rivers").shows("(masked)").hides("ugly").keys("m").shows("An ugly word.").hides("(masked)").keys("q");
    assert_eq!(console.ended(Duration::from_secs(5)), 0);
    home.console_with(&masked).chooses("rivers").shows("An ugly word.").keys("m").shows("(masked)");
}

#[test]
fn texts_that_are_hard_to_draw_stay_in_their_columns_and_cost_no_time() {
    let home = Home::new();
    let family = "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    let bodies =
        ["x".repeat(10 << 20), format!("e{}", "\u{301}".repeat(100_000)), "\u{5e9}\u{5dc}\u{5d5}\u{5dd} ".repeat(200), family.repeat(300)];
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    home.queue(NewItem {
        draft_metadata: thread(&bodies),
        ..comment("t3_a", &format!("{} rivers {family} \u{65e5}\u{672c}", "e\u{301}\u{302}"))
    });
    home.add("A second remark, about lakes.");
    let mut console = home.console_of(140, 40);
    console.chooses("rivers").shows("the draft").shows("more lines");
    // The case begins in the same column on every line, whatever stands to its left.
    let is_straight = |screen: &vt100::Screen| {
        (1..8).all(|row| screen.cell(row, 55).is_none_or(|cell| cell.contents().trim().is_empty() || row == 1))
            && screen.rows(57, 83).any(|row| row.contains("the draft"))
    };
    console.wait_for(is_straight, "the case in its columns");
    console.keys("p").shows("thread ─");
    let began = Instant::now();
    console.keys("\tG").wait_for(|screen| !screen.contents().contains("xxxxxxxx"), "the end of the thread").keys("gg").shows("xxxxxxxx");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(console.broken(), 0);
}
