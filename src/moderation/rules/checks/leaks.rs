//! What must not leave the house: keys and passwords, also behind a disguise, and data of people.

use super::{Finding, Outcome};
use crate::moderation::detect::{opaque, personal};
use crate::moderation::evaluation::Span;
use crate::moderation::rules::folded::Folded;
use crate::moderation::rules::model::Rule;
use crate::moderation::screening::Outgoing;
use crate::moderation::secrets;
use std::collections::BTreeSet;

/// Credentials as they are written, with invisible and look-alike characters undone, and inside base64.
pub(super) fn secrets(outgoing: Outgoing<'_>) -> Outcome {
    let mut findings = Vec::new();
    for (text, place) in [(outgoing.title, "title"), (Some(outgoing.content), "text")] {
        let Some(text) = text else { continue };
        for (kind, span, how) in found_in(text) {
            let message = format!("the {place} holds what looks like a credential ({kind}{how}); it must not be published");
            let spans = if place == "text" { vec![span] } else { Vec::new() };
            findings.push(Finding { spans, message, evidence: Some(kind.to_owned()), flag: format!("secret: {kind}") });
        }
    }
    Outcome::Found(findings)
}

fn found_in(text: &str) -> Vec<(&'static str, Span, &'static str)> {
    let mut found: Vec<(&'static str, Span, &'static str)> =
        secrets::find(text).into_iter().map(|secret| (secret.kind, secret.span, "")).collect();
    let mut add = |kind: &'static str, span: Span, how: &'static str| {
        if !found.iter().any(|(_, other, _)| other.start < span.end && span.start < other.end) {
            found.push((kind, span, how));
        }
    };
    if !text.is_ascii() {
        let view = Folded::with_case(text);
        for secret in secrets::find(view.text()) {
            add(secret.kind, view.original(secret.span.start, secret.span.end), ", disguised");
        }
    }
    for (span, payload) in opaque::base64_payloads(text) {
        for secret in secrets::find(&payload) {
            add(secret.kind, span, ", in base64");
        }
    }
    found
}

/// Long random tokens of no known shape.
pub(super) fn random_tokens(rule: &Rule, outgoing: Outgoing<'_>) -> Outcome {
    let spans = opaque::high_entropy(outgoing.content);
    let in_title = outgoing.title.is_some_and(|title| !opaque::high_entropy(title).is_empty());
    if spans.is_empty() && !in_title {
        return Outcome::CLEAR;
    }
    let place = if spans.is_empty() { "title" } else { "text" };
    Outcome::one(rule, spans, format!("the {place} holds a long random token, which may be a key"), None)
}

/// Data of people that validates: a card number by its check digit, an account by its country's length and check number.
pub(super) fn personal(rule: &Rule, outgoing: Outgoing<'_>, kinds: &BTreeSet<String>) -> Outcome {
    let mut findings = Vec::new();
    for (text, place) in [(outgoing.title, "title"), (Some(outgoing.content), "text")] {
        let Some(text) = text else { continue };
        let wanted = |data: &personal::PersonalData| kinds.is_empty() || kinds.contains(data.kind.as_str());
        for data in personal::find(text).into_iter().filter(wanted) {
            let kind = data.kind.as_str();
            let message = format!("the {place} holds what validates as personal data ({kind})");
            let spans = if place == "text" { vec![data.span] } else { Vec::new() };
            findings.push(Finding { spans, message, evidence: Some(kind.to_owned()), flag: format!("{}: {kind}", rule.id) });
        }
    }
    Outcome::Found(findings)
}
