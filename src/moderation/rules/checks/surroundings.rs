//! What stands around a draft: the time, the conversation, the persona, the subreddit, the check against the beliefs.

use super::{Finding, Outcome};
use crate::base::Millis;
use crate::moderation::evaluation::Span;
use crate::moderation::rules::model::Rule;
use crate::moderation::rules::signals::{PersonaWishes, Signal};
use crate::moderation::screening::{BeliefConflict, ConsistencyResult};
use chrono::{NaiveTime, TimeDelta};

/// A time of day in which nothing is said. A span that ends before it begins goes over midnight.
pub(super) fn quiet_hours(rule: &Rule, (from, to): (&str, &str), offset_minutes: i32, at: Millis) -> Outcome {
    let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
    let now = chrono::DateTime::from_timestamp_millis(at).map(|now| (now.naive_utc() + TimeDelta::minutes(offset_minutes.into())).time());
    let (Some(begin), Some(end), Some(now)) = (time(from), time(to), now) else {
        return Outcome::Unknown("the time of day".to_owned());
    };
    let is_quiet = if begin <= end { begin <= now && now < end } else { begin <= now || now < end };
    if !is_quiet {
        return Outcome::CLEAR;
    }
    Outcome::one(rule, Vec::new(), format!("it is {}: nothing is said from {from} to {to}", now.format("%H:%M")), None)
}

/// Too deep in one conversation.
pub(super) fn depth(rule: &Rule, most: u32, depth: &Signal<u32>) -> Outcome {
    match depth {
        Signal::Known(depth) if *depth > most => {
            Outcome::one(rule, Vec::new(), format!("it stands {depth} hops below the post, {most} are allowed"), None)
        }
        Signal::Known(_) | Signal::NotAsked => Outcome::CLEAR,
        Signal::Missing(reason) => Outcome::Unknown(format!("the depth of the conversation ({reason})")),
    }
}

/// The thread, the person or the subreddit is left alone.
pub(super) fn muted(rule: &Rule, muted: &Signal<Option<String>>) -> Outcome {
    match muted {
        Signal::Known(Some(reason)) => Outcome::one(rule, Vec::new(), reason.clone(), None),
        Signal::Known(None) | Signal::NotAsked => Outcome::CLEAR,
        Signal::Missing(reason) => Outcome::Unknown(format!("who is left alone ({reason})")),
    }
}

/// What the subreddit asks for and the draft lacks.
pub(super) fn requirements(rule: &Rule, requirements: &Signal<Vec<String>>) -> Outcome {
    match requirements {
        Signal::Known(lacking) => {
            let finding = |what: &String| Finding {
                spans: Vec::new(),
                message: format!("the subreddit asks for more: {what}"),
                evidence: None,
                flag: rule.id.clone(),
            };
            Outcome::Found(lacking.iter().map(finding).collect())
        }
        Signal::NotAsked => Outcome::CLEAR,
        Signal::Missing(reason) => Outcome::Unknown(format!("the subreddit's requirements ({reason})")),
    }
}

/// What the persona's own configuration asks for.
pub(super) fn persona(rule: &Rule, content: &str, wishes: &Signal<PersonaWishes>) -> Outcome {
    let wishes = match wishes {
        Signal::Known(wishes) => wishes,
        Signal::NotAsked => return Outcome::CLEAR,
        Signal::Missing(reason) => return Outcome::Unknown(format!("the persona's configuration ({reason})")),
    };
    let length = content.chars().count();
    match wishes.longest_comment.filter(|longest| length > *longest) {
        Some(longest) => {
            Outcome::one(rule, Vec::new(), format!("the text has {length} characters, this persona's longest is {longest}"), None)
        }
        None => Outcome::CLEAR,
    }
}

/// What is answered tries to instruct its reader.
pub(super) fn tainted(rule: &Rule, tainted: bool) -> Outcome {
    if !tainted {
        return Outcome::CLEAR;
    }
    Outcome::one(rule, Vec::new(), "the text that is answered tries to instruct its reader".to_owned(), None)
}

/// The check against the persona's beliefs: each conflict with its words in the draft and the belief.
pub(super) fn consistency(content: &str, result: Option<&ConsistencyResult>) -> Outcome {
    let (confidence, explanation, conflicts) = match result {
        None => return Outcome::Unknown("consistency".to_owned()),
        Some(ConsistencyResult::Unknown { reason }) => return Outcome::Unknown(format!("consistency ({reason})")),
        Some(ConsistencyResult::Consistent { .. } | ConsistencyResult::NotNeeded) => return Outcome::CLEAR,
        Some(ConsistencyResult::Inconsistent { confidence, explanation, conflicts }) => (confidence, explanation, conflicts),
    };
    let finding =
        |spans: Vec<Span>, message: String, evidence| Finding { spans, message, evidence, flag: "inconsistent_with_beliefs".to_owned() };
    if conflicts.is_empty() {
        return Outcome::Found(vec![finding(Vec::new(), format!("contradicts the persona's beliefs: {explanation}"), None)]);
    }
    let of_belief = |conflict: &BeliefConflict| {
        let quoted = conflict.quote.as_deref().filter(|quote| !quote.is_empty());
        let span = quoted.and_then(|quote| content.find(quote).map(|start| Span { start, end: start + quote.len() }));
        let message = format!("contradicts the belief “{}” (sure to {:.0} %): {explanation}", conflict.title, confidence * 100.0);
        finding(span.into_iter().collect(), message, Some(conflict.belief_id.clone()))
    };
    Outcome::Found(conflicts.iter().map(of_belief).collect())
}
