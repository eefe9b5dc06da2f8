//! What each kind of check does: one file for each family. Pure.

mod history;
mod leaks;
mod links;
mod shape;
pub(super) mod surroundings;
mod text;

use super::evaluate::Subject;
use super::model::{Check, Rule};
use super::set::RuleSet;
use super::signals::Signals;
use crate::moderation::detect::{self, links::Link};
use crate::moderation::evaluation::Span;
use crate::moderation::screening::Outgoing;
use std::cell::OnceCell;

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    /// Where in the text; empty when it speaks of the whole.
    pub spans: Vec<Span>,
    /// One sentence for the reviewer.
    pub message: String,
    /// What it rests on.
    pub evidence: Option<String>,
    /// The short form for lists and logs.
    pub flag: String,
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// It found these; nothing, when there are none.
    Found(Vec<Finding>),
    /// It could not tell, for want of this signal.
    Unknown(String),
}

impl Outcome {
    const CLEAR: Self = Self::Found(Vec::new());

    fn one(rule: &Rule, spans: Vec<Span>, message: String, evidence: Option<String>) -> Self {
        Self::Found(vec![Finding { spans, message, evidence, flag: rule.id.clone() }])
    }
}

/// What many rules ask of a draft, made once for all of them.
pub(super) struct Scans<'a> {
    outgoing: Outgoing<'a>,
    /// What the words of the rules found in the text …
    content: super::Scan,
    /// … and in the title.
    title: super::Scan,
    links: OnceCell<(Vec<Link>, Vec<Link>)>,
}

impl<'a> Scans<'a> {
    pub fn new(set: &RuleSet, subject: &Subject<'a>) -> Self {
        let outgoing = subject.outgoing;
        let title = outgoing.title.map(|title| set.scan(title)).unwrap_or_default();
        Self { outgoing, content: set.scan(outgoing.content), title, links: OnceCell::new() }
    }

    /// The links in the text, and in the title.
    fn links(&self) -> &(Vec<Link>, Vec<Link>) {
        let find = || (detect::links::find(self.outgoing.content), self.outgoing.title.map(detect::links::find).unwrap_or_default());
        self.links.get_or_init(find)
    }
}

/// Look at a draft with one rule, which stands at `place` in the set.
pub(super) fn look(set: &RuleSet, place: usize, rule: &Rule, subject: &Subject<'_>, scans: &Scans<'_>, signals: &Signals<'_>) -> Outcome {
    match &rule.check {
        Check::Text(words) => text::words(rule, words, scans.content.get(&place), scans.title.get(&place)),
        Check::WordList { .. } => text::listed(set, place, rule, scans.content.get(&place), scans.title.get(&place)),
        Check::Length { least, most } => shape::length(subject.outgoing.content, *least, *most),
        Check::HiddenText { most } => shape::hidden(rule, subject.outgoing, *most),
        Check::Secret {} => leaks::secrets(subject.outgoing),
        Check::RandomToken {} => leaks::random_tokens(rule, subject.outgoing),
        Check::PersonalData { kinds } => leaks::personal(rule, subject.outgoing, kinds),
        Check::Links(wanted) => links::look(rule, wanted, scans.links(), &signals.persona),
        Check::NearDuplicate(near) => history::near_duplicate(rule, *near, subject, &signals.history),
        Check::OwnLinkShare { hosts, last, percent } => history::own_link_share(rule, hosts, (*last, *percent), &scans.links().0, signals),
        Check::Limit { per, most, hours } => history::limit(rule, *per, (*most, *hours), subject.at, &signals.history),
        Check::QuietHours { from, to, offset_minutes } => surroundings::quiet_hours(rule, (from, to), *offset_minutes, subject.at),
        Check::ReplyDepth { most } => surroundings::depth(rule, *most, &signals.depth),
        Check::Muted {} => surroundings::muted(rule, &signals.muted),
        Check::SubredditRequirements {} => surroundings::requirements(rule, &signals.requirements),
        Check::PersonaLimits {} => surroundings::persona(rule, subject.outgoing.content, &signals.persona),
        Check::Consistency {} => surroundings::consistency(subject.outgoing.content, signals.consistency),
        Check::TaintedContext {} => surroundings::tainted(rule, signals.tainted),
    }
}
