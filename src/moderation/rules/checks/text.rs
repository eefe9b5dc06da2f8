//! Words and patterns of a rule, and words of the shipped list.

use super::{Finding, Outcome};
use crate::moderation::rules::bank::Found;
use crate::moderation::rules::model::{Rule, Text};
use crate::moderation::rules::set::RuleSet;

/// What a rule's own words and patterns found. Words come in the order of the list, then what patterns found.
pub(super) fn words(rule: &Rule, text: &Text, content: Option<&Vec<Found>>, title: Option<&Vec<Found>>) -> Outcome {
    let rank = |word: &str| text.words.iter().chain(&text.contains).position(|listed| listed.trim() == word).unwrap_or(usize::MAX);
    let mut findings = gather(content, title, |word, place, is_disguised| Finding {
        spans: Vec::new(),
        message: format!("{}: “{word}” stands in the {place}{}", rule.title, disguised(is_disguised)),
        evidence: Some(word.to_owned()),
        flag: format!("{}: {word}", rule.id),
    });
    findings.sort_by_key(|finding| rank(finding.evidence.as_deref().unwrap_or_default()));
    Outcome::Found(findings)
}

/// What the shipped list found, with category and severity.
pub(super) fn listed(set: &RuleSet, place: usize, rule: &Rule, content: Option<&Vec<Found>>, title: Option<&Vec<Found>>) -> Outcome {
    Outcome::Found(gather(content, title, |word, where_, is_disguised| {
        let (category, severity) =
            set.listed(place, word).map_or(("word", "moderate"), |(category, severity)| (category, severity.as_str()));
        Finding {
            spans: Vec::new(),
            message: format!("“{word}” in the {where_}{}: {category}, {severity}", disguised(is_disguised)),
            evidence: Some(format!("{category}/{severity}")),
            flag: format!("{}: {category}", rule.id),
        }
    }))
}

fn disguised(is_disguised: bool) -> &'static str {
    if is_disguised { ", disguised" } else { "" }
}

/// One finding for each word, with all its places.
fn gather(content: Option<&Vec<Found>>, title: Option<&Vec<Found>>, finding: impl Fn(&str, &str, bool) -> Finding) -> Vec<Finding> {
    let mut findings: Vec<(String, Finding)> = Vec::new();
    for found in content.into_iter().flatten() {
        match findings.iter_mut().find(|(word, _)| *word == found.word) {
            Some((_, known)) => known.spans.push(found.span),
            None => {
                let mut new = finding(&found.word, "text", found.is_disguised);
                new.spans.push(found.span);
                findings.push((found.word.clone(), new));
            }
        }
    }
    for found in title.into_iter().flatten() {
        if !findings.iter().any(|(word, _)| *word == found.word) {
            findings.push((found.word.clone(), finding(&found.word, "title", found.is_disguised)));
        }
    }
    findings.into_iter().map(|(_, finding)| finding).collect()
}
