//! One keymap's file: TOML with `name`, `base` and a table for each scope, read with the place of everything that is wrong in it.
//!
//! ```toml
//! name = "mine"
//! base = "default"      # or "emacs": what the entries are laid over
//!
//! [queue]
//! "ctrl-a" = "queue.approve"
//! "g a" = "queue.approve"
//! "y" = "none"          # the key does nothing any more
//! ```

use super::chord::Chord;
use super::problem::Problem;
use super::shipped;
use crate::base::SafeText;
use crate::config::{Level, nearest, position};
use crate::console::action::{Action, Scope};
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The value that takes a key away.
const UNBOUND: &str = "none";

/// What a file says.
pub(super) struct Written {
    pub name: Option<String>,
    pub base: Option<&'static str>,
    /// In the order of the file. Empty when the text is no TOML.
    pub entries: Vec<Entry>,
    /// In the order of the file.
    pub problems: Vec<Problem>,
}

/// A line of a keymap.
pub(super) struct Entry {
    pub scope: Scope,
    pub sequence: Vec<Chord>,
    /// `None` takes the key away.
    pub action: Option<Action>,
    pub line: usize,
    pub column: usize,
}

/// Whether an action may have keys in the table of `scope`: in its own, everywhere when it is global; what moves, moves in every table but [global].
pub(super) fn may_stand(action: Action, scope: Scope) -> bool {
    let own = action.scope();
    own == scope || own == Scope::Global || (own == Scope::Text && scope != Scope::Global)
}

/// Read `text`, which is the contents of `path`.
pub(super) fn read(path: &Path, text: &str) -> Written {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { path, text, written: Written { name: None, base: None, entries: Vec::new(), problems: Vec::new() } };
    for error in &errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        reader.problem(at, format!("invalid TOML: {}", SafeText::line(&error.message().replace('\n', ", "))));
    }
    // After a syntax error the rest is a guess of the parser: nothing of it is taken, and no second errors are made of it.
    if errors.is_empty() {
        reader.document(document.get_ref());
    }
    reader.written.problems.sort_by_key(|problem| (problem.line, problem.column));
    reader.written
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    written: Written,
}

impl Reader<'_> {
    fn problem(&mut self, at: usize, reason: String) {
        self.find(Level::Error, at, reason);
    }

    fn find(&mut self, level: Level, at: usize, reason: String) {
        let (line, column) = position(self.text, at);
        self.written.problems.push(Problem { level, file: self.path.to_path_buf(), line, column, reason });
    }

    fn document(&mut self, document: &DeTable<'_>) {
        for (name, item) in document {
            let at = item.span().start;
            match (name.get_ref().as_ref(), item.get_ref()) {
                ("name", DeValue::String(name)) => self.written.name = Some(SafeText::clipped(name, 40).as_str().to_owned()),
                ("base", DeValue::String(base)) => match shipped::names().find(|known| known == base) {
                    Some(base) => self.written.base = Some(base),
                    None => self.problem(
                        at,
                        format!(
                            "there is no keymap {} to begin with{}",
                            quoted(base),
                            meant(base, shipped::names(), "there are `default` and `emacs`")
                        ),
                    ),
                },
                (name @ ("name" | "base"), other) => {
                    self.problem(at, format!("`{name}`: expected a text in quotes, found {}", other.type_str()));
                }
                (name, item) => self.scope(name, item, at, name_at(document, name)),
            }
        }
    }

    fn scope(&mut self, name: &str, item: &DeValue<'_>, at: usize, name_at: usize) {
        let scopes = Scope::ALL.into_iter().map(Scope::as_str);
        match (Scope::ALL.into_iter().find(|scope| scope.as_str() == name), item) {
            (Some(scope), DeValue::Table(table)) => self.entries(scope, table),
            (Some(_), other) => self.problem(at, format!("`{name}` is a table: expected [{name}], found {}", other.type_str())),
            (None, DeValue::Table(_)) => {
                let hint = meant(name, scopes, "the tables are [global], [queue] and [text]");
                self.problem(name_at, format!("there is no table {}{hint}", quoted(name)));
            }
            (None, _) => {
                let hint = meant(name, ["name", "base"].into_iter(), "keys belong below [global], [queue] or [text]");
                self.problem(name_at, format!("{} stands outside of the tables{hint}", quoted(name)));
            }
        }
    }

    fn entries(&mut self, scope: Scope, table: &DeTable<'_>) {
        // The parser sorts by name; what was written first counts as the first.
        let mut rows: Vec<_> = table.iter().collect();
        rows.sort_by_key(|(key, _)| key.span().start);
        for (key, item) in rows {
            let at = key.span().start;
            let (sequence, action) = (Chord::sequence(key.get_ref()), self.action(scope, item));
            match sequence {
                Err(error) => self.problem(at, error.to_string()),
                Ok(sequence) => {
                    if let Some(action) = action {
                        self.entry(scope, sequence, action, at);
                    }
                }
            }
        }
    }

    fn entry(&mut self, scope: Scope, sequence: Vec<Chord>, action: Option<Action>, at: usize) {
        let (line, column) = position(self.text, at);
        if let Some(first) = self.written.entries.iter().find(|entry| entry.scope == scope && entry.sequence == sequence) {
            let shown = Chord::show(&sequence);
            let reason = format!("`{shown}` stands twice in [{}], first in line {}: remove one", scope.as_str(), first.line);
            return self.problem(at, reason);
        }
        if action.is_some() {
            for (chord, caution) in sequence.iter().filter_map(|chord| Some((chord, chord.caution()?))) {
                self.find(Level::Note, at, format!("`{chord}` may not arrive: {caution}"));
            }
        }
        self.written.entries.push(Entry { scope, sequence, action, line, column });
    }

    /// The action that a value names; `Some(None)` for `none`, `None` after a problem.
    fn action(&mut self, scope: Scope, item: &Spanned<DeValue<'_>>) -> Option<Option<Action>> {
        let at = item.span().start;
        let DeValue::String(id) = item.get_ref() else {
            self.problem(at, format!("expected the id of an action in quotes, or \"{UNBOUND}\", found {}", item.get_ref().type_str()));
            return None;
        };
        if id == UNBOUND {
            return Some(None);
        }
        let Some(action) = Action::by_id(id) else {
            self.problem(at, format!("there is no action {}{}", quoted(id), suggestion(id)));
            return None;
        };
        if !may_stand(action, scope) {
            let tables: Vec<_> =
                Scope::ALL.into_iter().filter(|scope| may_stand(action, *scope)).map(|s| format!("[{}]", s.as_str())).collect();
            self.problem(at, format!("`{id}` can be done in {} only, not in [{}]: move this line", tables.join(" and "), scope.as_str()));
            return None;
        }
        Some(Some(action))
    }
}

/// Where a name of the document's own table stands.
fn name_at(document: &DeTable<'_>, name: &str) -> usize {
    document.iter().find(|(key, _)| key.get_ref() == name).map_or(0, |(key, _)| key.span().start)
}

/// Text of the file, safe and short.
fn quoted(text: &str) -> String {
    format!("`{}`", SafeText::clipped(text, 60))
}

/// What was probably meant by `word`, or else `otherwise`, as the end of a reason.
fn meant<'a>(word: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    nearest(word, known).map_or_else(|| format!("; {otherwise}"), |known| format!("; did you mean `{known}`?"))
}

/// The action that was probably meant: one with nearly this id, or with this id behind the dot.
fn suggestion(id: &str) -> String {
    let near = nearest(id, Action::ALL.iter().map(|action| action.id()).chain([UNBOUND]));
    let tails = || Action::ALL.iter().filter_map(|action| Some((action.id().split_once('.')?.1, action.id())));
    let near = near.or_else(|| {
        let tail = nearest(id.rsplit('.').next().unwrap_or(id), tails().map(|(tail, _)| tail))?;
        tails().find(|(known, _)| *known == tail).map(|(_, id)| id)
    });
    near.map_or_else(|| "; `quarterdeck keys` lists them all".to_owned(), |known| format!("; did you mean `{known}`?"))
}
