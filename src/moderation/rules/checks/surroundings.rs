//! What stands around a draft: the time, the conversation, the persona, the subreddit, the check against the beliefs.

use super::{Finding, Outcome};
use crate::base::{Millis, clock};
use crate::moderation::evaluation::Span;
use crate::moderation::rules::model::Rule;
use crate::moderation::rules::signals::{PersonaWishes, Signal};
use crate::moderation::screening::{BeliefConflict, ConsistencyResult};
use chrono::{NaiveTime, TimeDelta};

const DAY: Millis = 86_400_000;

/// When the quiet hours at hand end; `None` when there are none now. A span that ends before it begins goes over midnight.
pub(in crate::moderation::rules) fn quiet_until((from, to): (&str, &str), offset_minutes: i32, at: Millis) -> Option<Millis> {
    let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
    let now = (chrono::DateTime::from_timestamp_millis(at)?.naive_utc() + TimeDelta::minutes(offset_minutes.into())).time();
    let (begin, end) = (time(from)?, time(to)?);
    let is_quiet = if begin <= end { begin <= now && now < end } else { begin <= now || now < end };
    let left = (end - now).num_milliseconds();
    is_quiet.then_some(at + if left > 0 { left } else { left + DAY })
}

/// A time of day in which nothing is said.
pub(super) fn quiet_hours(rule: &Rule, (from, to): (&str, &str), offset_minutes: i32, at: Millis) -> Outcome {
    match quiet_until((from, to), offset_minutes, at) {
        None => Outcome::CLEAR,
        Some(until) => {
            let left = clock::duration(until - at);
            Outcome::one(rule, Vec::new(), format!("nothing is said from {from} to {to}, for {left} more"), None)
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_go_over_midnight_and_end() {
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        let night = ("23:00", "07:00");
        assert_eq!(quiet_until(night, 0, at("2026-11-21T23:30:00Z")), Some(at("2026-11-22T07:00:00Z")));
        assert_eq!(quiet_until(night, 0, at("2026-11-22T06:59:59Z")), Some(at("2026-11-22T07:00:00Z")));
        assert_eq!(quiet_until(night, 0, at("2026-11-22T07:00:00Z")), None);
        // Two hours east it is later.
        assert_eq!(quiet_until(night, 120, at("2026-11-21T21:30:00Z")), Some(at("2026-11-22T05:00:00Z")));
        assert_eq!(quiet_until(("12:00", "13:00"), 0, at("2026-11-21T13:30:00Z")), None);
    }
}
