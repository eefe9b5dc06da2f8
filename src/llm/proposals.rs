//! What should the persona believe differently after this draft? A model proposes, rules here decide what may be shown to a person.
//!
//! Nothing is changed by a proposal: it waits with the draft and is applied, or refused, when a person approves it. Whatever fails makes the
//! proposals empty, with the reason.

use super::quote::{Fence, cut, json_object, one_line};
use super::{ChatRequest, Client};
use crate::base::PersonaId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

const TEMPERATURE: f64 = 0.4;
const MAX_TOKENS: u32 = 2000;
const MAX_UPDATES: usize = 3;
const MIN_CHANGE: f64 = 0.02;
const MAX_REASON: usize = 500;
const MAX_TAGS: usize = 5;
const MAX_OVERLAP: f64 = 0.7;

/// A belief that the caller knows.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownBelief {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its present confidence.
    pub confidence: f64,
}

/// How strong the evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// An anecdote.
    Weak,
    /// The ordinary case, and what an unknown word is taken for.
    Moderate,
    /// A source, data, an expert.
    Strong,
}

/// A proposed change of confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeliefUpdate {
    /// Which belief.
    pub belief_id: String,
    /// Its title, as the caller knows it.
    pub belief_title: String,
    /// Its confidence, as the caller knows it.
    pub current_confidence: f64,
    /// The proposed one, 0.01 to 0.99.
    pub proposed_confidence: f64,
    /// Why, at most 500 characters.
    pub reason: String,
    /// On what strength of evidence.
    pub evidence_strength: Strength,
}

/// A proposed new belief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewBelief {
    /// At least 3 characters.
    pub title: String,
    /// At least 10 characters.
    pub summary: String,
    /// 0.3 to 0.9.
    pub initial_confidence: f64,
    /// At most five.
    pub tags: Vec<String>,
    /// Why, at most 500 characters.
    pub reason: String,
}

/// What was proposed and holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Proposals {
    /// At most three, one per belief.
    pub updates: Vec<BeliefUpdate>,
    /// At most one.
    pub new_belief: Option<NewBelief>,
    /// Why there is nothing, or why parts were dropped; empty when nothing was.
    pub notes: Vec<String>,
}

impl Proposals {
    /// Is there nothing to decide?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.updates.is_empty() && self.new_belief.is_none()
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self { notes: vec![reason.into()], ..Self::default() }
    }
}

/// A draft to learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct ProposalsRequest {
    /// The persona.
    pub persona: PersonaId,
    /// What ties the calls of this draft together.
    pub correlation_id: String,
    /// The draft.
    pub draft: String,
    /// What it answers to.
    pub thread: String,
    /// The beliefs that may change.
    pub known: Vec<KnownBelief>,
}

impl Client {
    /// Ask the consistency model for proposals. Never fails: what goes wrong is the note of empty proposals.
    pub async fn propose_beliefs(&self, request: &ProposalsRequest) -> Proposals {
        let mut question = prompt(request, &Fence::random());
        question.model = Some(self.settings().consistency_model.clone());
        match self.chat(question).await {
            Ok(reply) => validate(&reply.text, &request.known),
            Err(error) => Proposals::failed(error.to_string()),
        }
    }
}

/// The question.
#[must_use]
pub fn prompt(request: &ProposalsRequest, fence: &Fence) -> ChatRequest {
    let system = format!(
        "You look at a conversation and at what a person is about to say in it, and propose how this person's beliefs should change because of \
         what others wrote there. Most conversations change nothing. Confidence moves in small steps.\n\
         {}\n\
         Answer with one JSON object and nothing else:\n\
         {{\"updates\": [{{\"belief_id\": \"id from the list\", \"belief_title\": \"\", \"current_confidence\": 0.0, \"proposed_confidence\": 0.0, \"reason\": \"\", \
         \"evidence_strength\": \"weak, moderate or strong\"}}], \"new_belief\": null or {{\"title\": \"\", \"summary\": \"\", \"initial_confidence\": 0.3 to 0.9, \
         \"tags\": [], \"reason\": \"\"}}}}\n\
         At most {MAX_UPDATES} updates, each by at least {MIN_CHANGE}; a new belief only for a lasting conviction that no listed one covers.",
        fence.rule()
    );
    let lines =
        request.known.iter().map(|belief| format!("{}|{}|{:.2}", belief.id, one_line(&belief.title).replace('|', "/"), belief.confidence));
    let user = format!(
        "{}\n\n{}\n\n{}",
        fence.wrap("beliefs, one per line: id|title|confidence", &lines.collect::<Vec<_>>().join("\n")),
        fence.wrap("conversation", &request.thread),
        fence.wrap("draft", &request.draft),
    );
    ChatRequest {
        persona: Some(request.persona.clone()),
        correlation_id: request.correlation_id.clone(),
        temperature: Some(TEMPERATURE),
        mark: Some(fence.mark().to_owned()),
        max_tokens: Some(MAX_TOKENS),
        json_mode: true,
        ..ChatRequest::new("proposals", Some(system), user)
    }
}

/// Keep of an answer what the rules allow. Pure. What the model says about a belief's present state is not believed: the caller knows it.
#[must_use]
pub fn validate(answer: &str, known: &[KnownBelief]) -> Proposals {
    let Some(object) = json_object(answer) else { return Proposals::failed("the proposals are not a JSON object") };
    let Some(updates) = object.get("updates").and_then(Value::as_array) else {
        return Proposals::failed("the proposals have no list of updates");
    };
    let mut proposals = Proposals::default();
    for proposed in updates {
        match update(proposed, known) {
            Ok(update) if proposals.updates.iter().any(|other| other.belief_id == update.belief_id) => {
                proposals.notes.push(format!("a second update of {} was dropped", update.belief_id));
            }
            Ok(_) if proposals.updates.len() == MAX_UPDATES => {
                proposals.notes.push(format!("more than {MAX_UPDATES} updates: the rest was dropped"))
            }
            Ok(update) => proposals.updates.push(update),
            Err(note) => proposals.notes.push(note),
        }
    }
    match object.get("new_belief") {
        None | Some(Value::Null) => {}
        Some(proposed) => match new_belief(proposed, known) {
            Ok(belief) => proposals.new_belief = Some(belief),
            Err(note) => proposals.notes.push(note),
        },
    }
    proposals
}

fn update(proposed: &Value, known: &[KnownBelief]) -> Result<BeliefUpdate, String> {
    let id = text(proposed, "belief_id").ok_or("an update without a belief id was dropped")?;
    let belief = known
        .iter()
        .find(|belief| belief.id == id)
        .ok_or_else(|| format!("an update of the unknown belief {} was dropped", cut(&id, 60)))?;
    let wanted = proposed.get("proposed_confidence").and_then(Value::as_f64).filter(|number| number.is_finite());
    let wanted = wanted.ok_or_else(|| format!("the update of {id} has no proposed confidence"))?.clamp(0.01, 0.99);
    // Two hundredths exactly are enough, whatever binary fractions make of them.
    if (wanted - belief.confidence).abs() < MIN_CHANGE - 1e-9 {
        return Err(format!("the update of {id} changes less than {MIN_CHANGE}"));
    }
    let evidence_strength = match text(proposed, "evidence_strength").as_deref() {
        Some("weak") => Strength::Weak,
        Some("strong") => Strength::Strong,
        _ => Strength::Moderate,
    };
    Ok(BeliefUpdate {
        belief_id: belief.id.clone(),
        belief_title: belief.title.clone(),
        current_confidence: belief.confidence,
        proposed_confidence: wanted,
        reason: cut(&text(proposed, "reason").unwrap_or_default(), MAX_REASON),
        evidence_strength,
    })
}

fn new_belief(proposed: &Value, known: &[KnownBelief]) -> Result<NewBelief, String> {
    let title = text(proposed, "title").map(|title| one_line(&title)).filter(|title| title.chars().count() >= 3);
    let title = title.ok_or("the new belief has no title of at least 3 characters")?;
    let summary = text(proposed, "summary").filter(|summary| summary.chars().count() >= 10);
    let summary = summary.ok_or("the new belief has no summary of at least 10 characters")?;
    if let Some(twin) = known.iter().find(|belief| overlap(&belief.title, &title) > MAX_OVERLAP) {
        return Err(format!("the new belief repeats {}", twin.id));
    }
    let confidence = proposed.get("initial_confidence").and_then(Value::as_f64).filter(|number| number.is_finite());
    let confidence = confidence.ok_or("the new belief has no initial confidence")?;
    let mut tags: Vec<String> = Vec::new();
    for tag in proposed.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        let tag = one_line(tag);
        if !tag.is_empty() && !tags.contains(&tag) && tags.len() < MAX_TAGS {
            tags.push(tag);
        }
    }
    let reason = cut(&text(proposed, "reason").unwrap_or_default(), MAX_REASON);
    Ok(NewBelief { title, summary, initial_confidence: confidence.clamp(0.3, 0.9), tags, reason })
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// How much two titles share: common words by all words.
fn overlap(one: &str, other: &str) -> f64 {
    let words = |text: &str| -> BTreeSet<String> {
        text.to_lowercase()
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (one, other) = (words(one), words(other));
    let all = one.union(&other).count();
    if all == 0 { 0.0 } else { one.intersection(&other).count() as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn known() -> Vec<KnownBelief> {
        let belief = |id: &str, title: &str, confidence| KnownBelief { id: id.into(), title: title.into(), confidence };
        vec![
            belief("b1", "Trains are better than cars", 0.6),
            belief("b2", "Tea beats coffee", 0.98),
            belief("b3", "C", 0.5),
            belief("b4", "D", 0.5),
        ]
    }

    fn change(id: &str, to: f64) -> Value {
        json!({"belief_id": id, "belief_title": "invented", "current_confidence": 0.1, "proposed_confidence": to, "reason": "x".repeat(600), "evidence_strength": "cosmic"})
    }

    #[test]
    fn an_update_keeps_what_the_caller_knows() {
        let proposals = validate(&json!({"updates": [change("b1", 0.7)], "new_belief": null}).to_string(), &known());
        let update = &proposals.updates[0];
        assert_eq!(
            (update.belief_title.as_str(), update.current_confidence, update.proposed_confidence),
            ("Trains are better than cars", 0.6, 0.7)
        );
        assert_eq!((update.reason.chars().count(), update.evidence_strength), (500, Strength::Moderate));
        assert!(proposals.notes.is_empty());
    }

    #[test]
    fn updates_are_limited_clamped_and_known() {
        let listed = [
            change("nope", 0.5),
            change("b1", 0.61),
            change("b2", 7.0),
            change("b1", 0.62),
            change("b1", 0.9),
            change("b3", 0.4),
            change("b4", -1.0),
            change("b2", 0.1),
        ];
        let proposals = validate(&json!({ "updates": listed }).to_string(), &known());
        let kept: Vec<_> = proposals.updates.iter().map(|update| (update.belief_id.as_str(), update.proposed_confidence)).collect();
        assert_eq!(kept, [("b1", 0.62), ("b3", 0.4), ("b4", 0.01)]);
        assert_eq!(proposals.notes.len(), 5, "{:?}", proposals.notes);
    }

    #[test]
    fn a_new_belief_is_checked() {
        let with = |title: &str, summary: &str| {
            validate(
                &json!({"updates": [], "new_belief": {"title": title, "summary": summary, "initial_confidence": 0.99,
            "tags": ["a", "a", " ", "b", "c", "d", "e", "f"], "reason": "r"}})
                .to_string(),
                &known(),
            )
        };
        let belief = with("Bicycles belong in cities", "A long enough summary").new_belief.unwrap();
        assert_eq!((belief.initial_confidence, belief.tags.len()), (0.9, 5));
        for (title, summary) in
            [("ab", "A long enough summary"), ("Bicycles", "short"), ("Trains ARE better than cars!", "A long enough summary")]
        {
            let proposals = with(title, summary);
            assert!(proposals.is_empty() && proposals.notes.len() == 1, "{title}");
        }
    }

    #[test]
    fn failures_are_empty_with_a_reason() {
        for answer in ["", "no", "[]", "{}", r#"{"updates": {}}"#, r#"{"new_belief": null}"#] {
            let proposals = validate(answer, &known());
            assert!(proposals.is_empty() && !proposals.notes.is_empty(), "{answer}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_proposed_stays_within_the_rules(to in any::<f64>(), id in "b[1-5]", title in any::<String>(), summary in any::<String>()) {
            let answer = json!({"updates": [change(&id, to)], "new_belief": {"title": title, "summary": summary, "initial_confidence": to}});
            let proposals = validate(&answer.to_string(), &known());
            prop_assert!(proposals.updates.iter().all(|update| (0.01..=0.99).contains(&update.proposed_confidence)));
            prop_assert!(proposals.new_belief.iter().all(|belief| (0.3..=0.9).contains(&belief.initial_confidence)));
        }
    }
}
