//! Screening as the program does it: the rules in force, the modes that people set, and everything that is known around the draft.

use super::checks::surroundings::quiet_until;
use super::evaluate::{Subject, evaluate, in_force};
use super::file::Fault;
use super::history::{self, Target};
use super::model::{Check, Mode};
use super::own_texts::OwnTexts;
use super::set::{DEFAULT, DEFAULT_SOURCE, RuleSet};
use super::signals::{Signal, Signals};
use super::switches;
use crate::base::{Millis, PersonaId};
use crate::moderation::error::Result;
use crate::moderation::evaluation::Evaluation;
use crate::moderation::item::Item;
use crate::moderation::mutes;
use crate::moderation::policies;
use crate::moderation::screening::{Outgoing, Surroundings};
use crate::moderation::state::PostType;
use crate::store::Conn;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Name of the user's own rules, beside the configuration file.
pub const FILE_NAME: &str = "rules.toml";

/// The rules in force, with what they remember. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Screener(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Option<PathBuf>,
    rules: RwLock<(Arc<RuleSet>, String)>,
    own: Mutex<HashMap<PersonaId, OwnTexts>>,
}

/// Why the rules could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rules cannot be used: {}; `quarterdeck rules check` lists everything that is wrong", .faults.first().map(ToString::to_string).unwrap_or_default())]
pub struct BrokenRules {
    /// Everything that is wrong, with its place.
    pub faults: Vec<Fault>,
}

/// The rules that ship with those of a file laid over them.
///
/// # Errors
/// Everything that is wrong in the file.
pub fn read(file: Option<&Path>) -> std::result::Result<(Arc<RuleSet>, String), BrokenRules> {
    let text = match file.map(|file| (file, std::fs::read_to_string(file))) {
        None => String::new(),
        Some((_, Ok(text))) => text,
        Some((_, Err(error))) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Some((file, Err(error))) => {
            return Err(BrokenRules {
                faults: vec![Fault { place: file.display().to_string(), reason: format!("cannot be read: {error}") }],
            });
        }
    };
    if text.is_empty() {
        return RuleSet::embedded().map(|set| (set, text)).map_err(|faults| BrokenRules { faults });
    }
    let source = file.map(|file| file.display().to_string()).unwrap_or_default();
    let set = RuleSet::read(&[(DEFAULT_SOURCE, DEFAULT), (&source, &text)]).map_err(|faults| BrokenRules { faults })?;
    Ok((Arc::new(set), text))
}

/// What the subreddit asks for and the draft lacks, as far as its policy was read.
fn requirements(c: &mut dyn Conn, target: &Target<'_>, outgoing: Outgoing<'_>) -> Result<Signal<Vec<String>>> {
    let post_type = if target.is_post { PostType::Post } else { PostType::Comment };
    let Some(known) = policies::known(c, target.subreddit)? else { return Ok(Signal::NotAsked) };
    let Some(policy) = known.policy.filter(|policy| policy.requirements.is_some()) else {
        // They are requirements of posts: a comment does without.
        let reason = known.failure.unwrap_or_else(|| "they could not be read".to_owned());
        return Ok(if target.is_post { Signal::Missing(reason) } else { Signal::NotAsked });
    };
    let violations = policies::check(&policy, post_type, outgoing.title, outgoing.content);
    let certain: Vec<String> = violations.iter().filter(|one| one.is_certain).map(|one| one.message.clone()).collect();
    Ok(match violations.into_iter().find(|one| !one.is_certain) {
        Some(doubt) if certain.is_empty() => Signal::Missing(doubt.message),
        _ => Signal::Known(certain),
    })
}

impl Screener {
    /// The rules that ship, with those of `file` where there is such a file.
    ///
    /// # Errors
    /// When anything is wrong in them: with half of the rules nothing is screened.
    pub fn open(file: Option<PathBuf>) -> std::result::Result<Self, BrokenRules> {
        let rules = RwLock::new(read(file.as_deref())?);
        Ok(Self(Arc::new(Inner { file, rules, own: Mutex::default() })))
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.0.rules.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Read the file again where it changed. Returns whether other rules are in force now.
    ///
    /// # Errors
    /// When it is broken now: the rules that were in force stay.
    pub fn reload(&self) -> std::result::Result<bool, BrokenRules> {
        let (set, text) = read(self.0.file.as_deref())?;
        let mut rules = self.0.rules.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = rules.1 != text;
        if is_new {
            *rules = (set, text);
        }
        Ok(is_new)
    }

    /// Screen a draft with everything that is known. What cannot be read is a missing signal, and the draft goes to a person.
    ///
    /// # Errors
    /// When the database refuses altogether, or there is no such persona.
    pub fn screen(
        &self,
        c: &mut dyn Conn,
        persona: &PersonaId,
        target: &Target<'_>,
        outgoing: Outgoing<'_>,
        around: Surroundings<'_>,
        at: Millis,
    ) -> Result<Evaluation> {
        let modes = switches::modes(c)?;
        let (account, mut wishes) = history::persona(c, persona)?;
        if target.is_post {
            wishes.longest_comment = None;
        }
        let history = {
            let mut own = self.0.own.lock().unwrap_or_else(PoisonError::into_inner);
            history::gather(c, persona, target, outgoing.content, own.entry(persona.clone()).or_default(), at)?
        };
        let author = target.author.unwrap_or_default();
        let signals = Signals {
            consistency: around.consistency,
            tainted: around.tainted,
            depth: target.depth.map_or(Signal::NotAsked, Signal::Known),
            history: Signal::Known(history),
            muted: Signal::Known(mutes::reason(c, persona, target.thread, author, target.subreddit)?),
            requirements: requirements(c, target, outgoing)?,
            persona: Signal::Known(wishes),
        };
        let subject = Subject { outgoing, persona: &account, subreddit: target.subreddit, at };
        Ok(evaluate(&self.rules(), &modes, &subject, &signals))
    }

    /// Screen a new text for an item of the queue, at the hands of a person.
    ///
    /// # Errors
    /// As [`Screener::screen`].
    pub fn screen_again(
        &self,
        c: &mut dyn Conn,
        item: &Item,
        outgoing: Outgoing<'_>,
        around: Surroundings<'_>,
        at: Millis,
    ) -> Result<Evaluation> {
        self.screen(c, &item.persona_id, &Target::of(item), outgoing, around, at)
    }

    /// Until when nothing is said for this item's persona and place; `None` when it may leave by the hour.
    ///
    /// # Errors
    /// As [`Screener::screen`].
    pub fn quiet_until(&self, c: &mut dyn Conn, item: &Item, at: Millis) -> Result<Option<Millis>> {
        let (modes, rules) = (switches::modes(c)?, self.rules());
        let account = crate::memory::personas::get(c, &item.persona_id)?.reddit_username;
        let quiet = rules.in_force(&account, &item.target_subreddit, &modes, at).into_iter().filter(|(_, _, mode)| *mode > Mode::Shadow);
        let ends = quiet.filter_map(|(_, rule, _)| match &rule.check {
            Check::QuietHours { from, to, offset_minutes } => quiet_until((from, to), *offset_minutes, at),
            _ => None,
        });
        Ok(ends.max())
    }

    /// What the rules in force find in an item, that those it was screened with did not: they changed since. `None` when they did not
    /// change, or say the same.
    ///
    /// # Errors
    /// As [`Screener::screen`].
    pub fn found_since(&self, c: &mut dyn Conn, item: &Item, at: Millis) -> Result<Option<String>> {
        if item.evaluation.engine_version == in_force(&self.rules(), &switches::modes(c)?) {
            return Ok(None);
        }
        let around = Surroundings { consistency: item.draft_metadata.consistency.as_ref(), tainted: item.draft_metadata.tainted };
        let outgoing = Outgoing { title: item.title.as_deref(), content: &item.content };
        let now = self.screen_again(c, item, outgoing, around, at)?;
        let known = |rule: &str| item.evaluation.hits.iter().any(|hit| hit.rule_id == rule);
        Ok(now.hits.iter().find(|hit| !known(&hit.rule_id)).map(|hit| format!("{}: {}", hit.rule_id, hit.message)))
    }
}
