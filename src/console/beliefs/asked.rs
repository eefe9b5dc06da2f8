//! What is asked of a person for a change: a value, then why. What was typed is never lost to a mistake: it is asked for again.

use super::act::ask;
use super::wish::{Change, Field, New, Wish};
use super::{Request as Own, act};
use crate::base::SafeText;
use crate::console::request::Request;
use crate::console::state::State;
use crate::memory::confidence;
use crate::memory::edges::Relation;
use crate::memory::graph::BeliefRow;

/// A value of a belief or an edge.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) enum Value {
    Confidence { seen: Option<String> },
    Text { seen: Option<String> },
    Words(Field),
    Weight { source: String, target: String, relation: Relation, words: String },
}

/// What of a new belief is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Step {
    Title,
    Summary,
    Stance,
    Confidence,
    Tags,
}

/// What a line of text is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) enum Asked {
    Filter,
    /// A value; `because` is what was typed as its reason before.
    Value {
        belief: String,
        title: String,
        value: Value,
        because: String,
    },
    /// A part of a belief that is being made.
    New {
        new: New,
        step: Step,
        because: String,
    },
    /// Why.
    Because(Change),
}

impl Asked {
    /// What stands over the line.
    pub fn title(&self, state: &State) -> String {
        match self {
            Self::Filter => "filter: words, tag: confidence>0.8 confidence<0.3 is:locked waiting moved alone odds".to_owned(),
            Self::Value { title, value, .. } => match value {
                Value::Confidence { .. } => format!("how sure of {}, 0 to 1? It is {} (words behind it say why)", name(title), held(state)),
                Value::Text { .. } => format!("what is said about {}?", name(title)),
                Value::Words(Field::Tags) => format!("tags of {}, with commas between", name(title)),
                Value::Words(field) => format!("{} of {}", field.word(), name(title)),
                Value::Weight { words, .. } => format!("{words}: how much, 0 to 1? (enter alone: 0.5; words behind it say why)"),
            },
            Self::New { step, .. } => match step {
                Step::Title => "a new belief, 1 of 6: its title",
                Step::Summary => "2 of 6: what it says, in a few sentences",
                Step::Stance => "3 of 6: what the persona says about it",
                Step::Confidence => "4 of 6: how sure, 0 to 1",
                Step::Tags => "5 of 6: tags, with commas between (enter alone: none)",
            }
            .to_owned(),
            Self::Because(change) => why(state, change),
        }
    }
}

/// The question for the reason: it says what will be.
fn why(state: &State, change: &Change) -> String {
    let title = name(&change.title);
    match &change.wish {
        Wish::Create(_) => "6 of 6: why is it believed?".to_owned(),
        Wish::Confidence { to, .. } => format!("{title} is held with {to}: why?"),
        Wish::Text { .. } => format!("{title} is put otherwise: why?"),
        Wish::Words { field, .. } => format!("another {} for {title}: why?", field.word()),
        Wish::Nudge { direction, amount } => {
            let before = state.beliefs.row().and_then(|row| row.confidence);
            let strength = confidence::nudge_strength(*amount);
            match strength.and_then(|strength| Ok((strength, confidence::after_evidence(before, strength, *direction)?))) {
                Ok((strength, after)) => {
                    format!(
                        "{title} goes from {} to {after:.2} ({strength}; 2 or 3 before the key: more): why?",
                        super::signs::number(before)
                    )
                }
                Err(error) => error.to_string(),
            }
        }
        Wish::Lock => format!("lock {title}, so that nothing moves it: why?"),
        Wish::Unlock => format!("unlock {title}: why?"),
        Wish::Link { .. } => format!("link {title}: why?"),
        Wish::Unlink { .. } => format!("take the edge of {title} away: why?"),
        Wish::Accept { .. } => format!("accept the suggestion for {title}: why?"),
        Wish::Refuse { .. } => format!("refuse the suggestion for {title}: why?"),
        Wish::Undo { update } => {
            let detail = state.beliefs.open_detail();
            let update = detail.and_then(|detail| detail.updates.iter().find(|known| known.id == *update));
            let what = update.map(super::detail::update_words).unwrap_or_default();
            format!("take back of {title}: {}: why?", SafeText::clipped(&what, 40))
        }
    }
}

/// How sure the persona is of the belief at hand.
fn held(state: &State) -> String {
    super::signs::number(state.beliefs.row().and_then(|row| row.confidence))
}

/// A title, short enough to stand in a sentence.
pub(super) fn name(title: &str) -> String {
    format!("“{}”", SafeText::clipped(title, 28))
}

/// Ask for the parts of a new belief.
pub(super) fn create(state: &mut State) {
    ask(state, Asked::New { new: New { confidence: 0.5, ..New::default() }, step: Step::Title, because: String::new() }, "");
}

/// Ask for a value, which was `before`.
pub(super) fn value(state: &mut State, row: &BeliefRow, value: Value, before: &str, because: &str) {
    let asked = Asked::Value { belief: row.id.clone(), title: row.title.clone(), value, because: because.to_owned() };
    ask(state, asked, before);
}

/// Ask why.
pub(super) fn because(state: &mut State, row: &BeliefRow, wish: Wish) {
    because_of(state, row.id.clone(), row.title.clone(), wish, "");
}

fn because_of(state: &mut State, belief: String, title: String, wish: Wish, before: &str) {
    let Some(persona) = state.beliefs.persona.clone() else { return };
    ask(state, Asked::Because(Change { persona, belief, title, wish, reason: String::new() }), before);
}

/// What was asked for, again, after it was refused.
pub(super) fn again(state: &mut State, change: &Change) {
    let (belief, title, because) = (change.belief.clone(), change.title.clone(), change.reason.clone());
    let value = |state: &mut State, value: Value, before: &str| {
        ask(state, Asked::Value { belief: belief.clone(), title: title.clone(), value, because: because.clone() }, before);
    };
    match &change.wish {
        Wish::Confidence { seen, to } => value(state, Value::Confidence { seen: newest(state, &belief, seen) }, &to.to_string()),
        Wish::Text { seen, text } => value(state, Value::Text { seen: newest(state, &belief, seen) }, text),
        Wish::Words { field, text } => value(state, Value::Words(*field), text),
        Wish::Link { source, target, relation, weight } => {
            let words = format!("link {}", name(&title));
            let edge = Value::Weight { source: source.clone(), target: target.clone(), relation: *relation, words };
            value(state, edge, &weight.to_string());
        }
        Wish::Create(new) => {
            let before = new.title.clone();
            ask(state, Asked::New { new: new.clone(), step: Step::Title, because }, &before);
        }
        _ => ask(state, Asked::Because(Change { reason: String::new(), ..change.clone() }), &change.reason),
    }
}

/// The stance that is on the screen by now, for somebody who was told that it changed.
fn newest(state: &State, belief: &str, seen: &Option<String>) -> Option<String> {
    let detail = state.beliefs.open_detail().filter(|detail| detail.row.id == belief);
    detail.and_then(|detail| detail.stances.first()).map(|view| view.stance.id.clone()).or_else(|| seen.clone())
}

/// The line was finished.
pub(in crate::console) fn entered(state: &mut State, asked: Asked, typed: &str) -> Vec<Request> {
    match asked {
        Asked::Filter => act::filtered(state, typed.to_owned()),
        Asked::Value { belief, title, value, because } => {
            match wished(&value, typed) {
                Ok((wish, reason)) if !reason.is_empty() => return done(state, belief, title, wish, reason),
                Ok((wish, _)) => because_of(state, belief, title, wish, &because),
                Err(why) => {
                    ask(state, Asked::Value { belief, title, value, because }, typed);
                    state.say(why, true);
                }
            }
            Vec::new()
        }
        Asked::New { new, step, because } => {
            made(state, new, step, &because, typed);
            Vec::new()
        }
        Asked::Because(change) if typed.is_empty() => {
            ask(state, Asked::Because(change), "");
            state.say("say why, in a few words: it is kept with the change", true);
            Vec::new()
        }
        Asked::Because(change) => done(state, change.belief, change.title, change.wish, typed.to_owned()),
    }
}

fn done(state: &mut State, belief: String, title: String, wish: Wish, reason: String) -> Vec<Request> {
    let Some(persona) = state.beliefs.persona.clone() else { return Vec::new() };
    state.beliefs.busy = Some(wish.doing());
    vec![Request::Beliefs(Own::Change(Box::new(Change { persona, belief, title, wish, reason })))]
}

/// What a value stands for, and the reason behind it where there is one.
fn wished(value: &Value, typed: &str) -> Result<(Wish, String), String> {
    Ok(match value {
        Value::Confidence { seen } => {
            let (to, reason) = number(typed)?;
            (Wish::Confidence { seen: seen.clone(), to }, reason)
        }
        Value::Weight { source, target, relation, .. } => {
            let (weight, reason) = if typed.is_empty() { (0.5, String::new()) } else { number(typed)? };
            (Wish::Link { source: source.clone(), target: target.clone(), relation: *relation, weight }, reason)
        }
        Value::Words(Field::Tags) => (Wish::Words { field: Field::Tags, text: typed.to_owned() }, String::new()),
        _ if typed.is_empty() => return Err("it cannot be empty".to_owned()),
        Value::Text { seen } => (Wish::Text { seen: seen.clone(), text: typed.to_owned() }, String::new()),
        Value::Words(field) => (Wish::Words { field: *field, text: typed.to_owned() }, String::new()),
    })
}

/// A number of 0 to 1, or percent, and the words behind it.
fn number(typed: &str) -> Result<(f64, String), String> {
    let (number, reason) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let value = match number.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => number.replace(',', ".").parse::<f64>(),
    };
    match value {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok((value, reason.trim().to_owned())),
        _ => Err(format!("{}: a number of 0 to 1 is wanted, as 0.85, or percent, as 85%", SafeText::clipped(number, 20))),
    }
}

/// One part of a new belief was told: the next one is asked for.
fn made(state: &mut State, mut new: New, step: Step, because: &str, typed: &str) {
    let may_be_empty = step == Step::Tags;
    if typed.is_empty() && !may_be_empty {
        ask(state, Asked::New { new, step, because: because.to_owned() }, "");
        state.say("it cannot be empty", true);
        return;
    }
    let next = match step {
        Step::Title => {
            new.title = typed.to_owned();
            Step::Summary
        }
        Step::Summary => {
            new.summary = typed.to_owned();
            Step::Stance
        }
        Step::Stance => {
            new.stance = typed.to_owned();
            Step::Confidence
        }
        Step::Confidence => match number(typed) {
            Ok((confidence, _)) => {
                new.confidence = confidence;
                Step::Tags
            }
            Err(why) => {
                ask(state, Asked::New { new, step, because: because.to_owned() }, typed);
                state.say(why, true);
                return;
            }
        },
        Step::Tags => {
            new.tags = typed.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
            let title = new.title.clone();
            because_of(state, String::new(), title, Wish::Create(new), because);
            return;
        }
    };
    let before = match next {
        Step::Title | Step::Summary => new.summary.clone(),
        Step::Stance => new.stance.clone(),
        Step::Confidence => new.confidence.to_string(),
        Step::Tags => new.tags.join(", "),
    };
    ask(state, Asked::New { new, step: next, because: because.to_owned() }, &before);
}
