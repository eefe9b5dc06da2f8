//! Lay the entries of a file over the keymap it begins with, and find what can then not be typed.

use super::Binding;
use super::chord::Chord;
use super::file::Entry;
use super::problem::Problem;
use crate::config::Level;
use crate::console::action::{Action, Scope};
use std::path::Path;

/// What nobody should be without: leaving, finding the rest, and stopping everything.
const ESSENTIAL: [Action; 5] = [Action::Help, Action::Palette, Action::Quit, Action::Back, Action::KillSwitch];

/// The bindings of `base` with `entries` over them: an entry takes the place of the same sequence in the same scope, `none` removes it.
/// `path` is the file of the entries, for the places of problems.
pub(super) fn lay(base: Vec<Binding>, entries: &[Entry], path: &Path) -> (Vec<Binding>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut problem = |level, entry: &Entry, reason| {
        problems.push(Problem { level, file: path.to_path_buf(), line: entry.line, column: entry.column, reason });
    };
    let mut laid = base.clone();
    for entry in entries {
        let same = |binding: &Binding| binding.scope == entry.scope && binding.sequence == entry.sequence;
        let before = laid.iter().position(same).map(|at| laid.remove(at));
        match (entry.action, before) {
            (Some(action), _) => laid.push(Binding::new(entry.scope, entry.sequence.clone(), action)),
            (None, Some(_)) => {}
            (None, None) => {
                let elsewhere = laid.iter().find(|binding| binding.sequence == entry.sequence).map(|binding| binding.scope.as_str());
                let shown = Chord::show(&entry.sequence);
                let hint = elsewhere.map_or_else(|| "remove this line".to_owned(), |other| format!("it is bound in [{other}]"));
                problem(
                    Level::Odd,
                    entry,
                    format!("`{shown}` is not bound in [{}], so there is nothing to take away: {hint}", entry.scope.as_str()),
                );
            }
        }
    }
    for action in ESSENTIAL {
        let without: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| !can_be_typed(&laid, action, *scope)).collect();
        let had = |entry: &&Entry| {
            base.iter().any(|binding| {
                binding.action == action && binding.sequence == entry.sequence && [entry.scope, Scope::Global].contains(&binding.scope)
            })
        };
        if let (Some(scope), Some(entry)) = (without.first(), entries.iter().rev().find(had)) {
            let place = if without.len() == Scope::ALL.len() { String::new() } else { format!(" in [{}]", scope.as_str()) };
            let lost = action.help().trim_end_matches('.');
            problem(Level::Odd, entry, format!("`{}` has no key any more{place}: {lost}", action.id()));
        }
    }
    for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.action.is_some()) {
        for binding in laid.iter().filter(|binding| hide(entry, binding)) {
            // Of two entries of the file the later one is named, once.
            let other = entries.iter().position(|other| other.scope == binding.scope && other.sequence == binding.sequence);
            if other.is_none_or(|other| other < at) {
                problem(Level::Error, entry, conflict(entry, binding, other.and_then(|other| entries.get(other))));
            }
        }
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    (laid, problems)
}

/// Whether an action has a key in `scope` that no other action of the scope's own table has taken.
fn can_be_typed(bindings: &[Binding], action: Action, scope: Scope) -> bool {
    let hidden = |binding: &Binding| {
        binding.scope != scope && bindings.iter().any(|own| own.scope == scope && own.sequence == binding.sequence && own.action != action)
    };
    bindings.iter().any(|binding| binding.action == action && [scope, Scope::Global].contains(&binding.scope) && !hidden(binding))
}

/// Whether one of the two begins the other where both apply: the longer one could then never be finished.
fn hide(entry: &Entry, binding: &Binding) -> bool {
    let meet = entry.scope == binding.scope || [entry.scope, binding.scope].contains(&Scope::Global);
    let (one, other) = (&entry.sequence, &binding.sequence);
    meet && one.len() != other.len() && (one.starts_with(other) || other.starts_with(one))
}

fn conflict(entry: &Entry, binding: &Binding, written: Option<&Entry>) -> String {
    let (own, other, scope) = (Chord::show(&entry.sequence), &binding.shown, binding.scope.as_str());
    let how = if entry.sequence.len() < binding.sequence.len() { "begins" } else { "begins with" };
    let place = written.map_or_else(|| "of the keymap below".to_owned(), |written| format!("in line {}", written.line));
    let next = format!("choose another key, or take `{other}` away with \"{other}\" = \"none\" in [{scope}]");
    format!("`{own}` {how} `{other}` ({}, [{scope}] {place}), so one of them could never be typed: {next}", binding.action.id())
}
