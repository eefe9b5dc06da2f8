//! What each key does: the keymaps that ship, the user's own file over one of them, and the way from typed keys to an [`Action`].
//!
//! | file | what it is for |
//! |---|---|
//! | [`chord`] | a key with its modifiers: read, shown, taken from the terminal |
//! | `file` | one keymap's file, with the place of everything that is wrong |
//! | `merge` | entries over a base, and what then cannot be typed |
//! | `shipped` | the texts that ship |
//!
//! A file with an error is not used in part: half a keymap would put a decision under a key where another one is expected. This room reads
//! files and nothing else; it may not draw, may not know what the console shows, and keeps no state between two keys.

pub mod chord;
mod file;
mod merge;
mod problem;
mod shipped;
#[cfg(test)]
mod tests;

pub use chord::Chord;
pub use problem::Problem;
pub use shipped::names as shipped_names;

use super::action::{Action, Scope};
use crate::config::Level;
use std::path::Path;

/// Name of the user's own keymap, beside the configuration file.
pub const FILE_NAME: &str = "keymap.toml";

/// The most bytes a keymap's file may have: ten times what binding every action to several keys needs.
const LARGEST: u64 = 256 * 1024;

/// A sequence of keys and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    scope: Scope,
    sequence: Vec<Chord>,
    shown: String,
    action: Action,
}

impl Binding {
    fn new(scope: Scope, sequence: Vec<Chord>, action: Action) -> Self {
        let shown = Chord::show(&sequence);
        Self { scope, sequence, shown, action }
    }

    /// Few keys before many, short names before long ones.
    fn order(&self) -> (Scope, Action, usize, usize, &str) {
        (self.scope, self.action, self.sequence.len(), self.shown.chars().count(), &self.shown)
    }
}

/// Where the keys typed so far lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To this action.
    Action(Action),
    /// Nowhere yet: what can follow (the rest of the sequence as it is shown) and what it does, in the order of the keys.
    Prefix(Vec<(String, Action)>),
    /// Nowhere.
    None,
}

/// What each key does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    name: String,
    base: &'static str,
    /// In the order of [`Binding::order`].
    bindings: Vec<Binding>,
}

impl Default for Keymap {
    /// The keymap that ships for everybody.
    fn default() -> Self {
        Self::of_base(shipped::DEFAULT)
    }
}

impl Keymap {
    /// The keymap that ships under this name: `default` or `emacs`, see [`shipped_names`].
    #[must_use]
    pub fn shipped(name: &str) -> Option<Self> {
        shipped::names().find(|known| *known == name).map(Self::of_base)
    }

    /// A keymap that ships. A test holds them to be without problems.
    fn of_base(name: &'static str) -> Self {
        let written = file::read(Path::new(name), shipped::text(name).unwrap_or_default());
        let (bindings, _) = merge::lay(Vec::new(), &written.entries, Path::new(name));
        Self::new(name.to_owned(), name, bindings)
    }

    fn new(name: String, base: &'static str, mut bindings: Vec<Binding>) -> Self {
        bindings.sort_by(|one, other| one.order().cmp(&other.order()));
        Self { name, base, bindings }
    }

    /// The user's keymap: [`FILE_NAME`] in `directory` over the keymap it names as its base. Without the file the default applies.
    ///
    /// With an error among the problems ([`Problem::is_error`]) the keymap is the one that ships under the file's base: who had a good one
    /// before keeps that. Cheap enough for every change of the file: one small file is read.
    #[must_use]
    pub fn load(directory: &Path) -> (Self, Vec<Problem>) {
        let (keymap, mut problems) = Self::read(&directory.join(FILE_NAME));
        problems.retain(|problem| problem.level.is_problem());
        (keymap, problems)
    }

    /// As [`Keymap::load`], for a file of any name, and with notes on keys that may not arrive.
    #[must_use]
    pub fn read(path: &Path) -> (Self, Vec<Problem>) {
        match contents(path) {
            Ok(Some(text)) => Self::parse(path, &text),
            Ok(None) => (Self::default(), Vec::new()),
            Err(reason) => {
                let reason = format!("it cannot be read: {reason}");
                (Self::default(), vec![Problem { level: Level::Error, file: path.to_path_buf(), line: 0, column: 0, reason }])
            }
        }
    }

    /// The keymap that `text`, the contents of `path`, makes. As [`Keymap::read`] without reading.
    #[must_use]
    pub fn parse(path: &Path, text: &str) -> (Self, Vec<Problem>) {
        let written = file::read(path, text);
        let base = Self::of_base(written.base.unwrap_or(shipped::DEFAULT));
        let mut problems = written.problems;
        let (bindings, found) = merge::lay(base.bindings.clone(), &written.entries, path);
        problems.extend(found);
        problems.sort_by_key(|problem| (problem.line, problem.column));
        if problems.iter().any(Problem::is_error) {
            return (base, problems);
        }
        let name = written.name.unwrap_or_else(|| path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        (Self::new(name, base.base, bindings), problems)
    }

    /// Its name, for people. From the file, safe to be shown on one line when it was written there.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The keymap that ships which it is laid over.
    #[must_use]
    pub fn base(&self) -> &'static str {
        self.base
    }

    /// Where the keys typed so far lead in `scope`: its own table first, then the global one.
    #[must_use]
    pub fn step(&self, scope: Scope, pending: &[Chord]) -> Step {
        if pending.is_empty() {
            return Step::None;
        }
        let whole = |scope| self.of(scope).find(|binding| binding.sequence == pending).map(|binding| binding.action);
        let mut rest: Vec<(String, Action)> = Vec::new();
        for scope in scopes(scope) {
            // What was begun in the own table goes before what the same keys would do everywhere.
            if rest.is_empty()
                && let Some(action) = whole(scope)
            {
                return Step::Action(action);
            }
            for binding in self.of(scope).filter(|binding| binding.sequence.len() > pending.len()) {
                if let Some(behind) = binding.sequence.strip_prefix(pending) {
                    let shown = Chord::show(behind);
                    if !rest.iter().any(|(known, _)| *known == shown) {
                        rest.push((shown, binding.action));
                    }
                }
            }
        }
        rest.sort();
        if rest.is_empty() { Step::None } else { Step::Prefix(rest) }
    }

    /// The keys of an action as they are shown, in whatever scope, shortest first.
    #[must_use]
    pub fn keys(&self, action: Action) -> Vec<String> {
        Self::shortest_first(self.bindings.iter().filter(|binding| binding.action == action))
    }

    /// The keys of an action that can be typed in `scope`, shortest first: for what is shown beside it on a screen.
    #[must_use]
    pub fn keys_in(&self, scope: Scope, action: Action) -> Vec<String> {
        Self::shortest_first(self.reachable(scope).filter(|binding| binding.action == action))
    }

    /// What can be typed in `scope`: its own table, then what it leaves of the global one; each in the order of the help, shortest key first.
    #[must_use]
    pub fn entries_in(&self, scope: Scope) -> Vec<(String, Action)> {
        self.reachable(scope).map(|binding| (binding.shown.clone(), binding.action)).collect()
    }

    fn reachable(&self, scope: Scope) -> impl Iterator<Item = &Binding> {
        let hidden = move |binding: &&Binding| binding.scope != scope && self.of(scope).any(|own| own.sequence == binding.sequence);
        scopes(scope).flat_map(|table| self.of(table)).filter(move |binding| !hidden(binding))
    }

    fn shortest_first<'a>(bindings: impl Iterator<Item = &'a Binding>) -> Vec<String> {
        let mut found: Vec<&Binding> = bindings.collect();
        found.sort_by_key(|binding| (binding.sequence.len(), binding.shown.chars().count(), &binding.shown));
        let mut keys: Vec<String> = found.into_iter().map(|binding| binding.shown.clone()).collect();
        keys.dedup();
        keys
    }

    /// Everything that is bound, by scope, then in the order of the help, shortest key first.
    #[must_use]
    pub fn entries(&self) -> Vec<(Scope, String, Action)> {
        self.bindings.iter().map(|binding| (binding.scope, binding.shown.clone(), binding.action)).collect()
    }

    fn of(&self, scope: Scope) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| binding.scope == scope)
    }
}

/// The tables that are looked into, in order.
fn scopes(own: Scope) -> impl Iterator<Item = Scope> {
    [Some(own), Some(Scope::Global).filter(|global| *global != own)].into_iter().flatten()
}

/// The text of a file; `None` when there is none.
fn contents(path: &Path) -> Result<Option<String>, String> {
    let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    match std::fs::metadata(path) {
        Err(error) if gone(&error) => return Ok(None),
        Err(error) => return Err(error.to_string()),
        Ok(found) if !found.is_file() => return Err("it is not a file".to_owned()),
        Ok(found) if found.len() > LARGEST => return Err(format!("it has {} bytes, and {LARGEST} are the most", found.len())),
        Ok(_) => {}
    }
    match std::fs::read(path) {
        Err(error) if gone(&error) => Ok(None),
        Err(error) => Err(error.to_string()),
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|error| format!("it is no UTF-8 text, from byte {} on", error.utf8_error().valid_up_to())),
    }
}
