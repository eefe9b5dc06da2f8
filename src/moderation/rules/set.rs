//! The rules in force: the ones that ship, with the user's own beside them, compiled once.

use super::bank::{Bank, Builder, Found};
use super::file::{Fault, File, Placed};
use super::model::{Check, Mode, Rule, Text};
use crate::base::{Millis, sha256_hex};
use crate::moderation::detect::words::{Severity, WordList};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

/// The rules that ship with the program.
pub const DEFAULT: &str = include_str!("../../../assets/rules.toml");
/// What the shipped rules are called where a file is named.
pub const DEFAULT_SOURCE: &str = "default";

static EMBEDDED: LazyLock<Result<Arc<RuleSet>, Vec<Fault>>> = LazyLock::new(|| RuleSet::read(&[(DEFAULT_SOURCE, DEFAULT)]).map(Arc::new));

/// Modes that people set while the program runs, by rule.
pub type Modes = BTreeMap<String, Mode>;

/// A set of rules, ready to look at texts.
pub struct RuleSet {
    rules: Vec<Rule>,
    /// The wordings of each rule, by their places, in the order of the files.
    wordings: Vec<Vec<usize>>,
    /// Words of the shipped list, with category and severity, by rule and word.
    listed: HashMap<(usize, String), (String, Severity)>,
    bank: Bank,
    version: String,
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RuleSet").field("rules", &self.rules.len()).field("version", &self.version).finish_non_exhaustive()
    }
}

impl RuleSet {
    /// The rules that ship.
    ///
    /// # Errors
    /// When the shipped file is wrong, which a test rules out.
    pub fn embedded() -> Result<Arc<Self>, Vec<Fault>> {
        EMBEDDED.clone()
    }

    /// Read and compile files, given as source and text. Later ones may change rules of earlier ones, and not define them again.
    ///
    /// # Errors
    /// Everything that is wrong in the files, with place and reason. Nothing is in force then.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, Vec<Fault>> {
        let mut rules: Vec<(Placed<Rule>, usize)> = Vec::new();
        let mut files: Vec<File<'_>> = files.iter().map(|(source, text)| File::read(text, source)).collect();
        for index in 0..files.len() {
            take(&mut files, index, &mut rules);
        }
        let mut builder = Builder::default();
        let mut listed = HashMap::new();
        for (place, (rule, file)) in rules.iter().enumerate() {
            for (words, reason) in compile(&mut builder, &mut listed, place, &rule.what) {
                let at = files.get(*file).map_or(0, |file| file.find(rule.at, &words));
                if let Some(file) = files.get_mut(*file) {
                    file.fault(at, format!("rule {:?}: {reason}", rule.what.id));
                }
            }
        }
        let mut faults: Vec<Fault> = files.into_iter().flat_map(|file| file.faults).collect();
        let rules: Vec<Rule> = rules.into_iter().map(|(rule, _)| rule.what).collect();
        match builder.build() {
            Ok(bank) if faults.is_empty() => {
                let (version, wordings) = (version(&rules), wordings(&rules));
                Ok(Self { rules, wordings, listed, bank, version })
            }
            Ok(_) => Err(faults),
            Err(reason) => {
                faults.push(Fault { place: "all files together".to_owned(), reason });
                Err(faults)
            }
        }
    }

    /// The rules, in the order of the files; a rule that is worded anew for some personas or subreddits follows as one more.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of this id, in its widest wording.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().filter(|rule| rule.id == id).min_by_key(|rule| rule.narrowness())
    }

    /// Names these rules exactly: `rules-` and a digest over all of them.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The wording of each rule that is in force for this persona and subreddit, with its place and its mode.
    pub(super) fn in_force<'a>(&'a self, persona: &str, subreddit: &str, modes: &'a Modes, at: Millis) -> Vec<(usize, &'a Rule, Mode)> {
        let chosen = |places: &Vec<usize>| {
            let wordings = places.iter().filter_map(|place| self.rules.get(*place).map(|rule| (*place, rule)));
            // Of two that are as narrow, the later one: it was laid over the earlier.
            let (place, rule) =
                wordings.filter(|(_, rule)| rule.applies_to(persona, subreddit)).max_by_key(|(_, rule)| rule.narrowness())?;
            let switched = modes.get(&rule.id).copied().filter(|mode| !rule.locked || *mode >= rule.mode);
            let mode = if rule.is_expired(at) { Mode::Off } else { switched.unwrap_or(rule.mode) };
            (mode != Mode::Off).then_some((place, rule, mode))
        };
        self.wordings.iter().filter_map(chosen).collect()
    }

    pub(super) fn scan(&self, text: &str) -> BTreeMap<usize, Vec<Found>> {
        self.bank.scan(text)
    }

    pub(super) fn listed(&self, place: usize, word: &str) -> Option<&(String, Severity)> {
        self.listed.get(&(place, word.to_owned()))
    }
}

/// Take the rules of a file, then its changes.
fn take(files: &mut [File<'_>], index: usize, rules: &mut Vec<(Placed<Rule>, usize)>) {
    let places: Vec<String> = files.iter().map(|file| file.source.to_owned()).collect();
    let Some(file) = files.get_mut(index) else { return };
    for rule in std::mem::take(&mut file.rules) {
        match rules.iter().find(|(other, _)| other.what.id == rule.what.id) {
            Some((_, other)) => {
                let source = places.get(*other).cloned().unwrap_or_default();
                let reason = format!(
                    "rule {:?} is defined already, in {source}: give yours another id, or reword that one with [[change]] rule = {:?}",
                    rule.what.id, rule.what.id
                );
                file.fault(rule.at, reason);
            }
            None => rules.push((rule, index)),
        }
    }
    let source = file.source.to_owned();
    for change in std::mem::take(&mut file.changes) {
        let found = rules.iter().position(|(rule, _)| rule.what.id == change.what.rule);
        let Some(found) = found else {
            file.fault(change.at, format!("there is no rule {:?} to change; `quarterdeck rules list --all` names them", change.what.rule));
            continue;
        };
        let Some((rule, _)) = rules.get(found) else { continue };
        match change.applied_to(rule, &source) {
            Ok(changed) if change.is_scoped() => rules.push((changed, index)),
            Ok(changed) => {
                if let Some(slot) = rules.get_mut(found) {
                    *slot = (changed, index);
                }
            }
            Err(reason) => file.fault(change.at, format!("rule {:?}: {reason}", change.what.rule)),
        }
    }
}

fn compile(
    builder: &mut Builder,
    listed: &mut HashMap<(usize, String), (String, Severity)>,
    place: usize,
    rule: &Rule,
) -> Vec<(String, String)> {
    match &rule.check {
        Check::Text(text) => builder.add(place, text),
        Check::WordList { least, categories } => {
            let list = WordList::embedded();
            let wanted = |category: &str, severity| at_least(severity, least) && (categories.is_empty() || categories.contains(category));
            for (word, category, severity) in list.forms().filter(|(_, category, severity)| wanted(category, *severity)) {
                builder.word(place, &word, true, false);
                listed.insert((place, word), (category.to_owned(), severity));
            }
            builder.add(place, &Text { except: list.innocent().map(str::to_owned).collect(), ..Text::default() })
        }
        _ => Vec::new(),
    }
}

fn at_least(severity: Severity, least: &str) -> bool {
    match least {
        "severe" => severity == Severity::Severe,
        "mild" => true,
        _ => severity >= Severity::Moderate,
    }
}

fn wordings(rules: &[Rule]) -> Vec<Vec<usize>> {
    let mut groups: HashMap<&str, usize> = HashMap::new();
    let mut wordings: Vec<Vec<usize>> = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let group = *groups.entry(&rule.id).or_insert_with(|| {
            wordings.push(Vec::new());
            wordings.len() - 1
        });
        if let Some(places) = wordings.get_mut(group) {
            places.push(place);
        }
    }
    wordings
}

fn version(rules: &[Rule]) -> String {
    let text = serde_json::to_string(rules).unwrap_or_default();
    format!("rules-{}", sha256_hex(text.as_bytes()).get(..12).unwrap_or_default())
}
