//! What we said before: texts that say the same, how often, and to whom.

use super::Outcome;
use crate::base::{Millis, clock};
use crate::moderation::detect::links::{Link, host_matches};
use crate::moderation::rules::evaluate::Subject;
use crate::moderation::rules::model::{NearDuplicate, Per, Rule};
use crate::moderation::rules::signals::{Alike, History, Signal, Signals};
use std::collections::BTreeSet;

const HOUR: Millis = 3_600_000;
/// Below so many messages a share says nothing: it is taken of so many.
const FEW: usize = 10;

/// What of the history is known, or how a rule ends without it.
fn known(history: &Signal<History>) -> Result<&History, Outcome> {
    match history {
        Signal::Known(history) => Ok(history),
        Signal::NotAsked => Err(Outcome::CLEAR),
        Signal::Missing(reason) => Err(Outcome::Unknown(format!("our own messages ({reason})"))),
    }
}

/// A message of ours says the same, near enough in place and time.
pub(super) fn near_duplicate(rule: &Rule, near: NearDuplicate, subject: &Subject<'_>, history: &Signal<History>) -> Outcome {
    let history = match known(history) {
        Ok(history) => history,
        Err(outcome) => return outcome,
    };
    let days = |days: u32| HOUR * 24 * Millis::from(days);
    let counts = |alike: &&Alike| {
        let age = subject.at - alike.at;
        alike.similarity >= near.similarity
            && (alike.same_parent
                || alike.same_thread
                || (alike.subreddit.eq_ignore_ascii_case(subject.subreddit) && age <= days(near.subreddit_days))
                || age <= days(near.anywhere_days))
    };
    let Some(alike) = history.alike.iter().find(counts) else { return Outcome::CLEAR };
    let place = match () {
        () if alike.same_parent => "under the same message".to_owned(),
        () if alike.same_thread => "in the same thread".to_owned(),
        () => format!("in r/{}", alike.subreddit),
    };
    let message = format!(
        "{:.0} % of its words stand in what was said {place} {} before: “{}”",
        alike.similarity * 100.0,
        clock::duration(subject.at - alike.at),
        alike.excerpt
    );
    Outcome::one(rule, Vec::new(), message, Some(alike.fullname.clone().unwrap_or_else(|| alike.item.clone())))
}

/// Too large a share of our messages links to our own sites. Asked only of a draft that does.
pub(super) fn own_link_share(
    rule: &Rule,
    hosts: &BTreeSet<String>,
    (last, percent): (usize, f64),
    here: &[Link],
    signals: &Signals<'_>,
) -> Outcome {
    let own: BTreeSet<&String> = match &signals.persona {
        Signal::Known(wishes) => hosts.iter().chain(&wishes.own_hosts).collect(),
        _ => hosts.iter().collect(),
    };
    let is_own = |host: &str| own.iter().any(|pattern| host_matches(host, pattern));
    if !here.iter().any(|link| is_own(&link.ascii_host)) {
        return Outcome::CLEAR;
    }
    let history = match known(&signals.history) {
        Ok(history) => history,
        Err(outcome) => return outcome,
    };
    let before: Vec<_> = history.linked_hosts.iter().take(last.saturating_sub(1)).collect();
    let with_own = before.iter().filter(|hosts| hosts.iter().any(|host| is_own(host))).count() + 1;
    let of = (before.len() + 1).max(FEW);
    let share = with_own as f64 / of as f64 * 100.0;
    if share <= percent {
        return Outcome::CLEAR;
    }
    let spans = here.iter().filter(|link| is_own(&link.ascii_host)).map(|link| link.span).collect();
    let message = format!("it would be message {with_own} of the newest {of} with a link to our own sites, {percent:.0} % are allowed");
    Outcome::one(rule, spans, message, None)
}

/// Too many messages in a time.
pub(super) fn limit(rule: &Rule, per: Per, (most, hours): (usize, u32), at: Millis, history: &Signal<History>) -> Outcome {
    let history = match known(history) {
        Ok(history) => history,
        Err(outcome) => return outcome,
    };
    let times = match per {
        Per::Account => &history.account,
        Per::Subreddit => &history.subreddit,
        Per::Thread => &history.thread,
        Per::Person => &history.person,
    };
    let since = if hours == 0 { Millis::MIN } else { at - HOUR * Millis::from(hours) };
    let count = times.iter().filter(|time| **time > since).count() + 1;
    if count <= most {
        return Outcome::CLEAR;
    }
    let within = if hours == 0 { String::new() } else { format!(" within {}", clock::duration(HOUR * Millis::from(hours))) };
    Outcome::one(rule, Vec::new(), format!("it would be message {count} {}{within}, {most} are allowed", per.words()), None)
}
