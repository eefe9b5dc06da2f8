//! What the scripted model says: recognises the four contracts that the product uses and answers each in its form.
//!
//! Rules only: the same seed and the same request give the same answer.

use super::super::script::{dice, mix, pick};
use super::prompts::{beliefs, draft, span, stable, subject_words};
use serde_json::{Value, json};

/// One draft in so many contradicts a belief.
const INCONSISTENT_SHARE: u64 = 8;
/// One reply in so many carries a word that screening must find.
const SPAM_SHARE: u64 = 25;
/// One reply in so many is far too long.
const LONG_SHARE: u64 = 40;

/// The answer to a conversation: `messages` are (role, text) in their order; `as_json` when the request asks for JSON.
#[must_use]
pub fn answer(seed: u64, messages: &[(String, String)], as_json: bool) -> String {
    let whole = messages.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n\n");
    let last = messages.iter().rev().find(|(role, _)| role == "user").or(messages.last()).map_or("", |(_, text)| text.as_str());
    if whole.contains("is_consistent") {
        return consistency(seed, &whole, last).to_string();
    }
    if whole.contains("target_belief_id") {
        return relationships(seed, last).to_string();
    }
    if whole.contains("new_belief") && whole.contains("updates") {
        return proposals(seed, &whole, last).to_string();
    }
    let reply = reply(seed, &whole, last);
    if as_json { json!({"answer": reply}).to_string() } else { reply }
}

/// The consistency contract: `is_consistent`, `conflicts`, `explanation`, `confidence`.
fn consistency(seed: u64, whole: &str, last: &str) -> Value {
    let beliefs = beliefs(whole);
    let draft = draft(last);
    // The original's contract lists ids; ours asks for the words as well.
    let wants_quotes = whole.contains("belief_id") && whole.contains("quote");
    let chance = mix(seed, &["consistency", draft]);
    let conflicting = beliefs.get((chance / INCONSISTENT_SHARE) as usize % beliefs.len().max(1));
    match conflicting.filter(|_| chance.is_multiple_of(INCONSISTENT_SHARE) && !draft.is_empty()) {
        Some(belief) => json!({
            "is_consistent": false, "conflicts": [if wants_quotes { json!({"belief_id": belief.id, "quote": span(draft)}) } else { json!(belief.id) }],
            "explanation": format!("The draft says \"{}\", which is stronger than belief {} allows.", span(draft), belief.id),
            "confidence": 0.62 + (chance % 30) as f64 / 100.0,
        }),
        None => json!({
            "is_consistent": true, "conflicts": [], "explanation": "Nothing in the draft contradicts the listed beliefs.",
            "confidence": 0.8 + (chance % 18) as f64 / 100.0,
        }),
    }
}

/// The relationship contract: an array of edges from the first belief that is shown to others.
fn relationships(seed: u64, last: &str) -> Value {
    let beliefs = beliefs(last);
    let mut rng = dice(seed, &["relationships", &stable(last)]);
    let Some((first, others)) = beliefs.split_first() else { return json!([]) };
    let wanted = rng.usize(1..=3).min(others.len());
    let start = rng.usize(..others.len().max(1));
    let edge = |other: &super::prompts::Belief, rng: &mut fastrand::Rng| {
        let relation = pick(rng, &["supports", "supports", "evidence_for", "depends_on", "contradicts"]);
        json!({
            "target_belief_id": other.id, "target_belief_title": other.title, "relation": relation,
            "weight": f64::from(rng.u8(2..=9)) / 10.0,
            "reasoning": format!("{:?} and {:?} turn on the same question.", first.title, other.title),
        })
    };
    others.iter().cycle().skip(start).take(wanted).map(|other| edge(other, &mut rng)).collect()
}

/// The proposal contract: `updates` and `new_belief`.
fn proposals(seed: u64, whole: &str, last: &str) -> Value {
    let beliefs = beliefs(whole);
    let mut rng = dice(seed, &["proposals", &stable(last)]);
    let wanted = match rng.u8(..10) {
        0..4 => 0,
        4..9 => 1,
        _ => 2,
    };
    let start = rng.usize(..beliefs.len().max(1));
    let subject = subject_words(last, 1).pop().unwrap_or_else(|| "discussion".to_owned());
    let updates: Vec<Value> = beliefs
        .iter()
        .cycle()
        .skip(start)
        .take(wanted.min(beliefs.len()))
        .map(|belief| {
            let step = if rng.bool() { 0.03 } else { -0.04 };
            let strength = pick(&mut rng, &["weak", "moderate", "strong"]);
            json!({
                "belief_id": belief.id, "belief_title": belief.title, "current_confidence": belief.confidence,
                "proposed_confidence": ((belief.confidence + step).clamp(0.02, 0.98) * 100.0).round() / 100.0,
                "reason": format!("The exchange about {subject} gave {strength} evidence on this point."), "evidence_strength": strength,
            })
        })
        .collect();
    let new_belief = (rng.u8(..10) == 0).then(|| {
        json!({
            "title": format!("Local knowledge about {subject} counts"), "initial_confidence": 0.55, "tags": [subject.to_lowercase(), "sandbox"],
            "summary": format!("People who work with {subject} every day often hold the missing piece of evidence."), "reason": "It came up in the thread and no listed belief covers it.",
        })
    });
    json!({"updates": updates, "new_belief": new_belief})
}

/// A reply of two to four sentences that takes up words of the message.
fn reply(seed: u64, whole: &str, last: &str) -> String {
    const OPENINGS: &[&str] = &[
        "I think the interesting part is {word}, more than the headline.",
        "Fair question. With {word} I would start from what can be checked.",
        "I have gone back and forth on {word}, so take this as a tentative view.",
        "What you describe about {word} matches what I would expect.",
        "I would separate two things here: {word}, and what people conclude from it.",
        "That is a good point about {word}, and it deserves more than a yes or no.",
    ];
    const MIDDLES: &[&str] = &[
        "The evidence on {other} is decent but not overwhelming, and I would move my view if a careful comparison said otherwise.",
        "If I had to put a number on it, I would say about seventy percent, mostly because of {other}.",
        "Publishing the method next to {other} would let others find the mistake before it matters.",
        "One thing that often gets lost is {other}; keeping less data and explaining more helped in similar cases.",
        "I would rather see one small trial of {other} than three more reports.",
        "People on both sides have a reasonable worry about {other}, and saying so first makes the rest easier.",
    ];
    const EXTRAS: &[&str] = &[
        "A plain before-and-after count would already tell us a lot.",
        "I may be missing local context.",
        "Open notes beat polished summaries for this.",
        "It costs little to write down in advance what would change our minds.",
    ];
    const CLOSINGS: &[&str] = &[
        "What did you see when you tried it?",
        "Do you know of a source that measured this directly?",
        "I would be curious what changed your mind, if anything did.",
        "Happy to be corrected on the details.",
    ];
    let said = stable(whole);
    let mut rng = dice(seed, &["reply", &said]);
    let chance = mix(seed, &["kind", &said]);
    let mut words = subject_words(last, 6);
    rng.shuffle(&mut words);
    let mut word = |default: &str| words.pop().unwrap_or_else(|| default.to_owned());
    let (first, second) = (word("this question"), word("the details"));
    let mut sentences = vec![pick(&mut rng, OPENINGS), pick(&mut rng, MIDDLES)];
    if rng.bool() {
        sentences.push(pick(&mut rng, EXTRAS));
    }
    if rng.bool() {
        sentences.push(pick(&mut rng, CLOSINGS));
    }
    let mut text = sentences.join(" ").replace("{word}", &first).replace("{other}", &second);
    if chance % SPAM_SHARE == 3 {
        text.push_str(" It beats the lottery of guessing, at least.");
    } else if chance % LONG_SHARE == 7 {
        let paragraph = text.clone();
        while text.chars().count() <= 10_400 {
            text.push_str("\n\n");
            text.push_str(&paragraph);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: &str = "0191f0a0-0000-7000-8000-00000000000a";
    const SECOND: &str = "0191f0a0-0000-7000-8000-00000000000b";

    fn ask(text: &str) -> Vec<(String, String)> {
        vec![("system".into(), "Answer with is_consistent, conflicts, explanation, confidence.".into()), ("user".into(), text.into())]
    }

    #[test]
    fn most_drafts_are_consistent_and_the_others_name_a_listed_belief_and_quote_the_draft() {
        let mut inconsistent = 0;
        for number in 0..400 {
            let draft = format!("Claim number {number} is certain. More text follows.");
            let text = format!("Beliefs:\n{FIRST} | Open source | 0.78\n{SECOND} | Privacy | 0.80\n\nDraft:\n{draft}");
            let value: Value = serde_json::from_str(&answer(5, &ask(&text), true)).unwrap();
            let conflicts = value["conflicts"].as_array().unwrap();
            if value["is_consistent"] == false {
                inconsistent += 1;
                assert!(conflicts.iter().all(|id| [FIRST, SECOND].contains(&id.as_str().unwrap())));
                assert!(value["explanation"].as_str().unwrap().contains(&format!("Claim number {number} is certain")));
            } else {
                assert!(conflicts.is_empty());
            }
        }
        assert!((20..100).contains(&inconsistent), "{inconsistent} of 400");
    }

    #[test]
    fn replies_are_short_and_varied_and_now_and_then_something_for_screening() {
        let (mut spam, mut long, mut different) = (0, 0, std::collections::HashSet::new());
        for number in 0..400 {
            let message = format!("Message: How do cities measure bicycle traffic on bridge {number} in winter?");
            let text = answer(9, &[("user".into(), message)], false);
            match text.chars().count() {
                10_001.. => long += 1,
                count => assert!((60..900).contains(&count), "{text}"),
            }
            spam += usize::from(text.contains("lottery"));
            different.insert(text);
        }
        assert!(spam > 3 && long > 2 && different.len() > 300, "{spam} {long} {}", different.len());
    }

    #[test]
    fn proposals_name_beliefs_of_the_prompt_and_move_them() {
        let text = format!("Return updates and new_belief.\n{FIRST}: Privacy, 0.80\n{SECOND}: Civility, 0.88");
        let mut proposed = 0;
        for seed in 0..50 {
            let value: Value = serde_json::from_str(&answer(seed, &[("user".into(), text.clone())], true)).unwrap();
            for update in value["updates"].as_array().unwrap() {
                proposed += 1;
                assert!([FIRST, SECOND].contains(&update["belief_id"].as_str().unwrap()));
                assert!((update["proposed_confidence"].as_f64().unwrap() - update["current_confidence"].as_f64().unwrap()).abs() >= 0.02);
            }
        }
        assert!(proposed > 10);
    }

    #[test]
    fn a_contract_that_asks_for_quotes_gets_words_of_the_draft() {
        let system = "is_consistent, conflicts: [{belief_id, quote}], explanation, confidence";
        let quoted = (0..100).find_map(|seed| {
            let user = format!("<<data 77aa beliefs\n{FIRST}|Privacy|0.80\ndata 77aa>>\n\n<<data 77aa draft to check\nNobody needs privacy any more. Really.\ndata 77aa>>");
            let value: Value = serde_json::from_str(&answer(seed, &[("system".into(), system.into()), ("user".into(), user)], true)).unwrap();
            (value["is_consistent"] == false).then(|| value["conflicts"][0].clone())
        });
        assert_eq!(quoted, Some(json!({"belief_id": FIRST, "quote": "Nobody needs privacy any more"})));
    }

    #[test]
    fn marks_that_differ_from_call_to_call_do_not_change_the_answer() {
        let ask = |mark: &str| {
            format!(
                "## Thread\n<data-{mark} what=\"post title\">\nCounting bicycles in winter\n</data-{mark}>\n## Task\nWrite the comment."
            )
        };
        let say = |mark| answer(3, &[("user".into(), ask(mark))], false);
        assert_eq!(say("0123456789abcdef"), say("fedcba9876543210"));
        assert!(["counting", "bicycles", "winter"].iter().any(|word| say("0123456789abcdef").contains(word)));
    }

    proptest! {
        #[test]
        fn any_prompt_gets_an_answer_of_its_kind(text in any::<String>(), seed in any::<u64>()) {
            let value: Value = serde_json::from_str(&answer(seed, &ask(&text), true)).unwrap();
            prop_assert!(value["is_consistent"].is_boolean());
            prop_assert!(!answer(seed, &[("user".into(), text)], false).is_empty());
        }
    }
}
