//! Trying the examples of rules: a rule that does not fire on what it says, or fires on what it says it lets pass, is wrong.

use super::checks::{Outcome, Scans, look};
use super::evaluate::Subject;
use super::set::RuleSet;
use super::signals::Signals;
use crate::moderation::screening::Outgoing;

/// What the examples of the rules show to be wrong, one sentence each.
#[must_use]
pub fn examples(rules: &RuleSet) -> Vec<String> {
    let mut wrong = Vec::new();
    for (place, rule) in rules.rules().iter().enumerate() {
        let fires = |text: &str| {
            let subject = Subject { outgoing: Outgoing { title: None, content: text }, persona: "", subreddit: "", at: 0 };
            let outcome = look(rules, place, rule, &subject, &Scans::new(rules, &subject), &Signals::default());
            matches!(outcome, Outcome::Found(findings) if !findings.is_empty())
        };
        wrong.extend(
            rule.examples
                .hit
                .iter()
                .filter(|text| !fires(text))
                .map(|text| format!("rule {:?} does not fire on its own example {text:?}", rule.id)),
        );
        wrong.extend(
            rule.examples
                .pass
                .iter()
                .filter(|text| fires(text))
                .map(|text| format!("rule {:?} fires on {text:?}, which it is to let pass", rule.id)),
        );
    }
    wrong
}
