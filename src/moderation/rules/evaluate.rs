//! Looking at a draft with all the rules in force. Pure, but for the clock that tells how long it took.

use super::checks::{self, Outcome, Scans};
use super::model::Mode;
use super::set::{Modes, RuleSet};
use super::signals::Signals;
use crate::base::Millis;
use crate::base::digest::{sha256_hex, sha256_parts};
use crate::moderation::evaluation::{Evaluation, Hit, Verdict};
use crate::moderation::screening::Outgoing;
use std::time::Instant;

/// A draft, and whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Title and text.
    pub outgoing: Outgoing<'a>,
    /// The persona's account.
    pub persona: &'a str,
    /// Where it goes, without `r/`.
    pub subreddit: &'a str,
    /// When.
    pub at: Millis,
}

/// Names the rules that are in force exactly: the set, and the modes that people set.
#[must_use]
pub(super) fn in_force(set: &RuleSet, modes: &Modes) -> String {
    if modes.is_empty() {
        return set.version().to_owned();
    }
    let text: String = modes.iter().map(|(rule, mode)| format!("{rule}={mode};")).collect();
    format!("{}+{}", set.version(), sha256_hex(text.as_bytes()).get(..8).unwrap_or_default())
}

/// Look at a draft. What a rule in shadow mode finds is kept apart and changes nothing; what a rule could not tell is named, and makes the
/// draft one for a person.
#[must_use]
pub fn evaluate(set: &RuleSet, modes: &Modes, subject: &Subject<'_>, signals: &Signals<'_>) -> Evaluation {
    let began = Instant::now();
    let scans = Scans::new(set, subject);
    let (mut hits, mut shadow, mut flags, mut missing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, rule, mode) in set.in_force(subject.persona, subject.subreddit, modes, subject.at) {
        let findings = match checks::look(set, place, rule, subject, &scans, signals) {
            Outcome::Found(findings) => findings,
            Outcome::Unknown(signal) => {
                if mode != Mode::Shadow && !missing.contains(&signal) {
                    missing.push(signal);
                }
                continue;
            }
        };
        for finding in findings {
            let hit = Hit {
                rule_id: rule.id.clone(),
                rule_version: rule.version,
                severity: if mode == Mode::Block { Verdict::Block } else { Verdict::Review },
                weight: rule.weight,
                spans: finding.spans,
                message: finding.message,
                evidence: finding.evidence,
            };
            if mode == Mode::Shadow {
                shadow.push(hit);
                continue;
            }
            if !flags.contains(&finding.flag) {
                flags.push(finding.flag);
            }
            hits.push(hit);
        }
    }
    let asked = hits.iter().map(|hit| hit.severity).max().unwrap_or(Verdict::Allow);
    let verdict = if missing.is_empty() { asked } else { asked.max(Verdict::Review) };
    let Outgoing { title, content } = subject.outgoing;
    Evaluation {
        verdict,
        score: hits.iter().fold(0.0_f64, |score, hit| score + hit.weight).min(1.0),
        hits,
        shadow,
        flags,
        missing,
        engine_version: in_force(set, modes),
        input_digest: sha256_parts(&[title.unwrap_or_default().as_bytes(), content.as_bytes()]),
        elapsed_us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
    }
}
