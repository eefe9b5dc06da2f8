//! Subreddits as such: who may read them, their rules and requirements.

use super::super::exchange::Answer;
use super::super::world::{Access, SUBREDDITS, subreddit};
use serde_json::{Value, json};

/// Why a subreddit cannot be read, if so.
pub(super) fn gate(index: usize) -> Option<Answer> {
    match SUBREDDITS[index].2 {
        Access::Private => Some(Answer::status(403, json!({"reason": "private", "message": "Forbidden", "error": 403}))),
        Access::Quarantined => {
            let message = "This subreddit of the sandbox is quarantined, so that clients meet one.";
            Some(Answer::status(
                403,
                json!({"reason": "quarantined", "quarantine_message": message, "quarantine_message_html": message, "message": "Forbidden", "error": 403}),
            ))
        }
        _ => None,
    }
}

pub(super) fn with_subreddit(name: &str, answer: impl FnOnce(usize) -> Answer) -> Answer {
    subreddit(name).map_or_else(|| Answer::refused(404), |index| gate(index).unwrap_or_else(|| answer(index)))
}

/// What `/r/x/about/rules` says.
pub(super) fn rules(index: usize) -> Value {
    let rule = |priority: i64, kind: &str, name: &str, text: &str| {
        json!({"kind": kind, "short_name": name, "description": text, "violation_reason": name, "created_utc": 1_600_000_000.0 + priority as f64,
            "priority": priority, "description_html": format!("<div class=\"md\"><p>{text}</p>\n</div>")})
    };
    let mut rules = vec![
        rule(0, "all", "Be civil", "Disagree with the point, not with the person."),
        rule(1, "link", "Say where it comes from", "Claims need a source that others can read."),
        rule(2, "all", "Bots say that they are bots", "Automated accounts are welcome in the sandbox as long as their profile says so."),
    ];
    if SUBREDDITS[index].2 == Access::Strict {
        rules.push(rule(3, "link", "Titles that say something", "At least ten characters, and no shouting for attention."));
    }
    json!({"rules": rules, "site_rules": ["Spam", "Personal and confidential information", "Threatening, harassing, or inciting violence"], "site_rules_flow": []})
}

/// What `/api/v1/x/post_requirements` says.
#[must_use]
pub fn requirements(index: usize) -> Value {
    let strict = SUBREDDITS[index].2 == Access::Strict;
    let (words, domains): (&[&str], &[&str]) = if strict { (&["urgent"], &["blocked.example"]) } else { (&[], &[]) };
    json!({
        "title_text_min_length": strict.then_some(10), "title_text_max_length": strict.then_some(120), "title_blacklisted_strings": words,
        "title_required_strings": [], "title_regexes": [], "body_restriction_policy": if strict { "required" } else { "none" },
        "body_text_min_length": strict.then_some(20), "body_text_max_length": null, "body_blacklisted_strings": words, "body_required_strings": [],
        "body_regexes": [], "domain_blacklist": domains, "domain_whitelist": [], "link_restriction_policy": if strict { "blacklist" } else { "none" },
        "link_repost_age": null, "is_flair_required": false, "guidelines_text": strict.then_some("Sandbox: this subreddit has requirements."),
        "guidelines_display_policy": null,
    })
}
