//! What the scripted model says: recognises the three contracts that the product uses and answers each in its form.
//!
//! Rules only: the same seed and the same request give the same answer.

use super::super::script::{dice, mix, pick};
use regex::Regex;
use serde_json::{Value, json};
use std::sync::OnceLock;

/// One draft in so many contradicts a belief.
const INCONSISTENT_SHARE: u64 = 8;
/// One reply in so many carries a word that screening must find.
const SPAM_SHARE: u64 = 25;
/// One reply in so many is far too long.
const LONG_SHARE: u64 = 40;

/// A belief as it is found in a prompt.
#[derive(Debug, Clone, PartialEq)]
struct Belief {
    id: String,
    title: String,
    confidence: f64,
}

/// The answer to a conversation: `messages` are (role, text) in their order; `as_json` when the request asks for JSON.
#[must_use]
pub fn answer(seed: u64, messages: &[(String, String)], as_json: bool) -> String {
    let whole = messages.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n\n");
    let last = messages.iter().rev().find(|(role, _)| role == "user").or(messages.last()).map_or("", |(_, text)| text.as_str());
    if whole.contains("is_consistent") {
        return consistency(seed, &whole, last).to_string();
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
    let chance = mix(seed, &["consistency", draft]);
    let conflicting = beliefs.get((chance / INCONSISTENT_SHARE) as usize % beliefs.len().max(1));
    match conflicting.filter(|_| chance.is_multiple_of(INCONSISTENT_SHARE) && !draft.is_empty()) {
        Some(belief) => json!({
            "is_consistent": false, "conflicts": [belief.id],
            "explanation": format!("The draft says \"{}\", which is stronger than belief {} allows.", span(draft), belief.id),
            "confidence": 0.62 + (chance % 30) as f64 / 100.0,
        }),
        None => json!({
            "is_consistent": true, "conflicts": [], "explanation": "Nothing in the draft contradicts the listed beliefs.",
            "confidence": 0.8 + (chance % 18) as f64 / 100.0,
        }),
    }
}

/// The proposal contract: `updates` and `new_belief`.
fn proposals(seed: u64, whole: &str, last: &str) -> Value {
    let beliefs = beliefs(whole);
    let mut rng = dice(seed, &["proposals", last]);
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
    let mut rng = dice(seed, &["reply", whole]);
    let chance = mix(seed, &["kind", whole]);
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

/// The words of a message that say what it is about, in the order in which they stand, each once.
fn subject_words(text: &str, most: usize) -> Vec<String> {
    const EMPTY: &[&str] = &[
        "about",
        "after",
        "again",
        "because",
        "before",
        "being",
        "between",
        "could",
        "every",
        "first",
        "going",
        "their",
        "there",
        "these",
        "thing",
        "think",
        "those",
        "through",
        "under",
        "until",
        "where",
        "which",
        "while",
        "would",
        "should",
        "other",
        "write",
        "reply",
        "title",
        "comment",
        "message",
        "context",
        "author",
        "subreddit",
        "untrusted",
        "content",
        "instructions",
        "system",
        "beliefs",
        "persona",
        "draft",
        "respond",
        "sandbox",
        "please",
        "short",
        "never",
    ];
    // The message stands at the end of a prompt: its last part is what the reply is about.
    let tail = text.rfind("Title:").or_else(|| text.rfind("Message:")).map_or(text, |at| &text[at..]);
    let mut words: Vec<String> = Vec::new();
    for word in tail.split(|character: char| !character.is_alphabetic()) {
        let lower = word.to_lowercase();
        if (5..=18).contains(&word.chars().count()) && !EMPTY.contains(&lower.as_str()) && !words.contains(&lower) {
            words.push(lower);
            if words.len() == most {
                break;
            }
        }
    }
    words
}

/// The draft inside a prompt: what stands between `<draft…>` tags, after the last line that begins with "Draft", or else the last paragraph.
fn draft(text: &str) -> &str {
    static TAGS: OnceLock<Option<Regex>> = OnceLock::new();
    static LINE: OnceLock<Option<Regex>> = OnceLock::new();
    let tags = TAGS.get_or_init(|| Regex::new(r"(?is)<[a-z_]*(?:draft|reply|response)[^>]*>(.*?)</").ok());
    let line = LINE.get_or_init(|| Regex::new(r"(?im)^[#*\s]*(?:the\s+)?(?:proposed\s+)?(?:draft|response|reply)[^:\n]{0,40}:").ok());
    let tagged = tags.as_ref().and_then(|tags| tags.captures(text)).and_then(|found| found.get(1)).map(|found| found.as_str());
    let after = || line.as_ref().and_then(|line| line.find_iter(text).last()).map(|found| &text[found.end()..]);
    let found = tagged.or_else(after).map(str::trim).filter(|found| !found.is_empty());
    found.unwrap_or_else(|| text.trim().rsplit("\n\n").next().unwrap_or_default().trim())
}

/// The first sentence of a draft, cut at 80 characters, exactly as it stands there.
fn span(draft: &str) -> &str {
    let sentence = draft.find(['.', '!', '?', '\n']).map_or(draft, |end| &draft[..end]);
    sentence.char_indices().nth(80).map_or(sentence, |(end, _)| &sentence[..end]).trim()
}

/// The beliefs that a prompt lists: JSON objects with an id, or lines with an id and a confidence.
fn beliefs(text: &str) -> Vec<Belief> {
    static FIELD: OnceLock<Option<Regex>> = OnceLock::new();
    static UUID: OnceLock<Option<Regex>> = OnceLock::new();
    static NUMBER: OnceLock<Option<Regex>> = OnceLock::new();
    static TOKEN: OnceLock<Option<Regex>> = OnceLock::new();
    let field = FIELD.get_or_init(|| Regex::new(r#""(?:belief_)?id"\s*:\s*"([^"\s]{1,80})""#).ok());
    let uuid = UUID.get_or_init(|| Regex::new(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b").ok());
    let number = NUMBER.get_or_init(|| Regex::new(r"\b(?:0\.\d{1,4}|1\.0{1,4})\b").ok());
    let token = TOKEN.get_or_init(|| Regex::new(r"^[\s*\-\[(`]*(?:id[:=]\s*)?([A-Za-z0-9][A-Za-z0-9_.:-]{0,63})").ok());
    let (Some(field), Some(uuid), Some(number), Some(token)) = (field, uuid, number, token) else { return Vec::new() };
    let confidence = |text: &str| number.find(text).and_then(|found| found.as_str().parse().ok());
    let mut found: Vec<Belief> = Vec::new();
    let mut add = |id: &str, title: &str, confidence: f64| {
        if !found.iter().any(|belief: &Belief| belief.id == id) {
            found.push(Belief { id: id.to_owned(), title: title.to_owned(), confidence });
        }
    };
    for id in field.captures_iter(text).filter_map(|captures| captures.get(1)) {
        // An object that is printed over several lines ends at its brace.
        let object = text[id.end()..].split('}').next().unwrap_or_default();
        if let Some(confidence) = confidence(object) {
            add(id.as_str(), title_in(object), confidence);
        }
    }
    if !found.is_empty() {
        return found;
    }
    for line in text.lines() {
        let Some(confidence) = confidence(line) else { continue };
        if let Some(id) = uuid.find(line).or_else(|| token.captures(line).and_then(|captures| captures.get(1))) {
            let rest = line[id.end()..].trim_start_matches([':', ',', ']', ')', '|', '-', ' ', '`']);
            let title = rest.split([':', '|', '(', ',']).next().unwrap_or_default().trim();
            if uuid.is_match(line) || id.as_str().contains(['-', '_']) || id.as_str().bytes().any(|byte| byte.is_ascii_digit()) {
                let id = id.as_str().trim_end_matches([':', '.']);
                // A bare number at the start of a line is a confidence or a list mark, not an id.
                if id.parse::<f64>().is_err() {
                    found.push(Belief { id: id.to_owned(), title: title.to_owned(), confidence });
                }
            }
        }
    }
    if found.is_empty() {
        found = uuid.find_iter(text).map(|id| Belief { id: id.as_str().to_owned(), title: String::new(), confidence: 0.5 }).collect();
    }
    found
}

fn title_in(object: &str) -> &str {
    object.split_once("\"title\"").and_then(|(_, rest)| rest.split('"').nth(1)).unwrap_or_default()
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
    fn beliefs_are_found_in_lines_and_in_json() {
        let lines = format!("- {FIRST}: Open source (0.78)\n- {SECOND}: Privacy (0.80)\nsome text 0.5");
        assert_eq!(beliefs(&lines).iter().map(|belief| belief.id.as_str()).collect::<Vec<_>>(), [FIRST, SECOND]);
        let object = format!("[{{\"id\": \"{FIRST}\", \"title\": \"Privacy\", \"confidence\": 0.8}}]");
        assert_eq!(beliefs(&object), [Belief { id: FIRST.into(), title: "Privacy".into(), confidence: 0.8 }]);
        assert_eq!(beliefs("[belief-1] text, 0.95")[0].id, "belief-1");
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

    proptest! {
        #[test]
        fn any_prompt_gets_an_answer_of_its_kind(text in any::<String>(), seed in any::<u64>()) {
            let value: Value = serde_json::from_str(&answer(seed, &ask(&text), true)).unwrap();
            prop_assert!(value["is_consistent"].is_boolean());
            prop_assert!(!answer(seed, &[("user".into(), text)], false).is_empty());
        }
    }
}
