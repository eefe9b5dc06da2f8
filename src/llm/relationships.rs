//! How does a belief bear on others? A model suggests edges, rules here decide which may be kept. Nothing is linked by a suggestion.

use super::quote::{Fence, cut, one_line};
use super::{ChatRequest, Client, Error};
use crate::base::PersonaId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const TEMPERATURE: f64 = 0.3;
const MAX_TOKENS: u32 = 1500;
const MAX_SUGGESTIONS: usize = 5;
const MAX_REASONING: usize = 500;
/// What a weight that is no number counts as.
const UNSAID: f64 = 0.5;
const RELATIONS: [&str; 4] = ["supports", "contradicts", "depends_on", "evidence_for"];

/// A belief as it is shown to the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it says.
    pub summary: String,
    /// Its confidence.
    pub confidence: Option<f64>,
}

/// A belief whose relations are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationshipsRequest {
    /// The persona.
    pub persona: PersonaId,
    /// What ties the call to what it is for.
    pub correlation_id: String,
    /// The belief that edges would start at.
    pub belief: Shown,
    /// The beliefs that they may end at.
    pub others: Vec<Shown>,
}

/// A suggested edge that holds: its target is one of those shown, its relation is one of the four.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggested {
    /// Where it would end.
    pub target_id: String,
    /// That belief's title, as the caller knows it.
    pub target_title: String,
    /// supports, contradicts, depends_on or evidence_for.
    pub relation: String,
    /// 0 to 1, two decimals.
    pub weight: f64,
    /// Why, at most 500 characters.
    pub reasoning: String,
}

/// What came of asking.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Relationships {
    /// At most five.
    pub suggested: Vec<Suggested>,
    /// The model that answered.
    pub model: Option<String>,
    /// Why there is nothing, or why parts were dropped; empty when nothing was.
    pub notes: Vec<String>,
}

impl Client {
    /// Ask the relationship model. Without other beliefs no call is made.
    ///
    /// # Errors
    /// When the call fails. An answer that does not hold is no failure: it gives no suggestions, and a note.
    pub async fn suggest_relationships(&self, request: &RelationshipsRequest) -> Result<Relationships, Error> {
        if request.others.is_empty() {
            return Ok(Relationships { notes: vec!["there is no other belief".to_owned()], ..Relationships::default() });
        }
        let mut question = prompt(request, &Fence::random());
        question.model = Some(self.settings().relationship_model.clone());
        let reply = self.chat(question).await?;
        let mut found = validate(&reply.text, &request.belief.id, &request.others);
        found.model = Some(reply.model_answered.unwrap_or(reply.model_asked));
        Ok(found)
    }
}

/// The question.
#[must_use]
pub fn prompt(request: &RelationshipsRequest, fence: &Fence) -> ChatRequest {
    let system = format!(
        "You look at a belief of a person and at other beliefs of the same person, and suggest how the first one bears on the others. Most beliefs \
         have nothing to do with each other: suggest only what you could explain to this person.\n\
         {}\n\
         Relations, always from the first belief to one of the others: supports (it makes the other more likely), contradicts (both cannot be right), \
         depends_on (it falls with the other), evidence_for (it is an observation that the other rests on).\n\
         Weights: 0.1 to 0.3 weak, 0.4 to 0.6 moderate, 0.7 to 0.9 strong.\n\
         Answer with one JSON array of relationships and nothing else, empty when there are none:\n\
         [{{\"target_belief_id\": \"id from the list\", \"target_belief_title\": \"\", \"relation\": \"supports, contradicts, depends_on or evidence_for\", \
         \"weight\": 0.0, \"reasoning\": \"one sentence\"}}]\n\
         At most {MAX_SUGGESTIONS}.",
        fence.rule()
    );
    let line = |belief: &Shown| {
        let words = |text: &str| one_line(text).replace('|', "/");
        let confidence = belief.confidence.map_or_else(|| "unknown".to_owned(), |confidence| format!("{confidence:.2}"));
        format!("{}|{}|{}|{confidence}", belief.id, words(&belief.title), words(&belief.summary))
    };
    let others: Vec<String> = request.others.iter().map(line).collect();
    let user = format!(
        "{}\n\n{}",
        fence.wrap("the belief: id|title|summary|confidence", &line(&request.belief)),
        fence.wrap("other beliefs, one per line: id|title|summary|confidence", &others.join("\n")),
    );
    ChatRequest {
        persona: Some(request.persona.clone()),
        correlation_id: request.correlation_id.clone(),
        temperature: Some(TEMPERATURE),
        mark: Some(fence.mark().to_owned()),
        max_tokens: Some(MAX_TOKENS),
        ..ChatRequest::new("relationships", Some(system), user)
    }
}

/// Keep of an answer what the rules allow. Pure.
#[must_use]
pub fn validate(answer: &str, belief_id: &str, others: &[Shown]) -> Relationships {
    let mut found = Relationships::default();
    let Some(listed) = json_array(answer) else {
        found.notes.push("the relationships are not a JSON array".to_owned());
        return found;
    };
    for suggested in &listed {
        match one(suggested, belief_id, others) {
            Ok(new) if found.suggested.iter().any(|known| known.target_id == new.target_id && known.relation == new.relation) => {
                found.notes.push(format!("a second {} of {} was dropped", new.relation, new.target_id));
            }
            Ok(_) if found.suggested.len() == MAX_SUGGESTIONS => {
                found.notes.push(format!("more than {MAX_SUGGESTIONS}: the rest was dropped"));
                break;
            }
            Ok(new) => found.suggested.push(new),
            Err(note) => found.notes.push(note),
        }
    }
    found
}

fn one(suggested: &Value, belief_id: &str, others: &[Shown]) -> Result<Suggested, String> {
    let text = |key: &str| suggested.get(key).and_then(Value::as_str).map(str::trim);
    let id = text("target_belief_id").unwrap_or_default();
    let target = others
        .iter()
        .find(|other| other.id == id && other.id != belief_id)
        .ok_or_else(|| format!("a relationship to the unknown belief {:?} was dropped", cut(id, 60)))?;
    let relation = text("relation").unwrap_or_default();
    if !RELATIONS.contains(&relation) {
        return Err(format!("the unknown relation {:?} was dropped", cut(relation, 60)));
    }
    let weight = suggested.get("weight").and_then(Value::as_f64).filter(|weight| weight.is_finite()).unwrap_or(UNSAID);
    Ok(Suggested {
        target_id: target.id.clone(),
        target_title: target.title.clone(),
        relation: relation.to_owned(),
        weight: (weight.clamp(0.0, 1.0) * 100.0).round() / 100.0,
        reasoning: cut(&one_line(text("reasoning").unwrap_or_default()), MAX_REASONING),
    })
}

/// The JSON array that a model answered with, a Markdown fence around it tolerated.
fn json_array(text: &str) -> Option<Vec<Value>> {
    let mut text = text.trim();
    if let Some(fenced) = text.strip_prefix("```") {
        let inner = fenced.strip_suffix("```")?;
        text = inner.strip_prefix("json").or_else(|| inner.strip_prefix("JSON")).unwrap_or(inner).trim();
    }
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn others() -> Vec<Shown> {
        let shown = |id: &str| Shown { id: id.into(), title: id.to_uppercase(), summary: "What it says.".into(), confidence: Some(0.6) };
        (1..=7).map(|number| shown(&format!("b{number}"))).collect()
    }

    fn edge(target: &str, relation: &str, weight: Value) -> Value {
        json!({"target_belief_id": target, "target_belief_title": "invented", "relation": relation, "weight": weight, "reasoning": "x".repeat(600)})
    }

    #[test]
    fn what_holds_is_kept_and_the_rest_is_named() {
        let listed = json!([
            edge("b1", "supports", json!(0.777)),
            edge("b1", "supports", json!(0.2)),
            edge("nobody", "supports", json!(0.5)),
            edge("b0", "supports", json!(0.5)),
            edge("b2", "likes", json!(0.5)),
            edge("b2", "contradicts", json!("heavy")),
            edge("b3", "depends_on", json!(7)),
            edge("b4", "evidence_for", json!(-1)),
        ]);
        let found = validate(&format!("```json\n{listed}\n```"), "b0", &others());
        let kept: Vec<_> = found.suggested.iter().map(|edge| (edge.target_id.as_str(), edge.relation.as_str(), edge.weight)).collect();
        assert_eq!(kept, [("b1", "supports", 0.78), ("b2", "contradicts", 0.5), ("b3", "depends_on", 1.0), ("b4", "evidence_for", 0.0)]);
        assert_eq!((found.suggested[0].target_title.as_str(), found.suggested[0].reasoning.chars().count()), ("B1", 500));
        assert_eq!(found.notes.len(), 4, "{:?}", found.notes);
    }

    #[test]
    fn at_most_five_and_an_object_is_none() {
        let many: Vec<Value> = (1..=7).map(|number| edge(&format!("b{number}"), "supports", json!(0.5))).collect();
        assert_eq!(validate(&json!(many).to_string(), "b0", &others()).suggested.len(), 5);
        for answer in ["", "none", "{}", "null", "```json\n[", &json!({"relationships": many}).to_string()] {
            let found = validate(answer, "b0", &others());
            assert!(found.suggested.is_empty() && found.notes.len() == 1, "{answer}");
        }
        assert_eq!(validate("[]", "b0", &others()), Relationships::default());
    }

    #[test]
    fn the_question_has_its_numbers_and_no_line_can_be_forged() {
        let request = RelationshipsRequest {
            persona: PersonaId::generate(),
            correlation_id: "c".into(),
            belief: Shown { id: "b0".into(), title: "A | b9|forged\nline".into(), summary: "s".into(), confidence: None },
            others: others(),
        };
        let question = prompt(&request, &Fence::with("n0"));
        assert_eq!((question.temperature, question.max_tokens), (Some(0.3), Some(1500)));
        assert!(question.messages[0].content.contains("b0|A / b9/forged line|s|unknown"), "{}", question.messages[0].content);
    }

    proptest! {
        #[test]
        fn whatever_is_suggested_stays_within_the_rules(weight in any::<f64>(), id in "b[0-9]", relation in "[a-z_]{0,12}|supports") {
            let found = validate(&json!([edge(&id, &relation, json!(weight))]).to_string(), "b0", &others());
            prop_assert!(found.suggested.iter().all(|edge| (0.0..=1.0).contains(&edge.weight) && RELATIONS.contains(&edge.relation.as_str())));
        }
    }
}
