//! What the console remembers of a person between two starts: how they looked at the queue and at beliefs, what they asked, and what they saved
//! under names.
//!
//! One small file in the state directory, readable by its owner alone and replaced as a whole. It holds names, ids and what was typed into
//! the filter and the search, never a text of an item. Nothing depends on it: without it, or with one that cannot be read, the console starts fresh.

use super::beliefs;
use super::queue::columns::Columns;
use super::search::{Field, MOST_REMEMBERED};
use super::state::State;
use super::tabs::Name;
use crate::base::{PersonaId, SafeText};
use crate::config::Settings;
use crate::moderation::listing::Sort;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The file in the state directory.
const FILE_NAME: &str = "console.json";
/// What is in the file, for the day when it is something else.
const FORMAT: u32 = 1;
/// The most bytes that are read.
const LARGEST: u64 = 256 * 1024;
/// The most columns of a filter and of its name.
const WIDEST: (usize, usize) = (400, 40);
/// The most filters that are kept.
pub(super) const MOST_SAVED: usize = 100;

/// Saved filters: what was typed, by name.
pub(super) type Saved = BTreeMap<String, String>;

/// The contents of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    quarterdeck_console: u32,
    #[serde(default)]
    tab: Option<String>,
    #[serde(default)]
    persona: Option<PersonaId>,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    sort: Option<String>,
    #[serde(default)]
    hidden_columns: Vec<String>,
    #[serde(default)]
    masked: Option<bool>,
    #[serde(default = "yes")]
    mouse: bool,
    #[serde(default)]
    selected: Option<String>,
    #[serde(default)]
    saved_filters: Saved,
    /// The question of the search tab, those of before, and those that have a name.
    #[serde(default)]
    question: String,
    #[serde(default)]
    questions: Vec<String>,
    #[serde(default)]
    saved_searches: Saved,
    #[serde(default)]
    beliefs: beliefs::Kept,
}

impl Contents {
    fn shelf(&mut self, shelf: Shelf) -> &mut Saved {
        match shelf {
            Shelf::Filters => &mut self.saved_filters,
            Shelf::Searches => &mut self.saved_searches,
        }
    }
}

fn yes() -> bool {
    true
}

/// Which of the things that have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    /// Filters of the queue.
    Filters,
    /// Questions of the search tab.
    Searches,
}

/// A change of the saved filters or searches. Doing it twice is doing it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Save { name: String, filter: String },
    Remove { name: String },
}

impl Change {
    fn apply(&self, saved: &mut Saved) {
        match self {
            Self::Save { name, filter } => drop(saved.insert(name.clone(), filter.clone())),
            Self::Remove { name } => drop(saved.remove(name)),
        }
    }
}

/// The file, or none where nothing is to be remembered.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    path: Option<PathBuf>,
    /// Reading, changing and writing belong together.
    turn: Arc<Mutex<()>>,
}

/// The memory of a console that is open.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub store: Store,
    pub filters: Kept,
    pub searches: Kept,
}

/// What is saved under names.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub saved: Saved,
    /// Changes of which it is not known yet whether they are on the disk.
    pub unsettled: Vec<Change>,
}

impl Kept {
    /// Change what is saved at once; the caller sees to it that [`Store::change`] does the same to the file.
    pub fn change(&mut self, change: Change) {
        change.apply(&mut self.saved);
        self.unsettled.push(change);
    }

    /// The file has this change, and this is saved in it.
    pub fn settled(&mut self, change: &Change, saved: Saved) {
        self.unsettled.retain(|other| other != change);
        self.saved = saved;
        for change in &self.unsettled {
            change.apply(&mut self.saved);
        }
    }
}

impl Store {
    /// The file of these settings; none on a sandbox, whose items are gone with it.
    pub fn of(settings: &Settings, forgets: bool) -> Self {
        Self { path: (!forgets).then(|| settings.state_dir.join(FILE_NAME)), turn: Arc::default() }
    }

    /// Whether anything is kept.
    pub fn keeps(&self) -> bool {
        self.path.is_some()
    }

    /// Change what is saved in the file; what another console saved meanwhile stays. Returns what is saved now.
    ///
    /// # Errors
    /// A sentence, when the file cannot be written.
    pub fn change(&self, shelf: Shelf, change: &Change) -> Result<Option<Saved>, String> {
        let Some(path) = &self.path else { return Ok(None) };
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut contents = read(path).ok().flatten().unwrap_or_else(fresh);
        change.apply(contents.shelf(shelf));
        write(path, &contents)?;
        Ok(Some(std::mem::take(contents.shelf(shelf))))
    }
}

fn fresh() -> Contents {
    Contents {
        quarterdeck_console: FORMAT,
        tab: None,
        persona: None,
        filter: String::new(),
        sort: None,
        hidden_columns: Vec::new(),
        masked: None,
        mouse: true,
        selected: None,
        saved_filters: Saved::new(),
        question: String::new(),
        questions: Vec::new(),
        saved_searches: Saved::new(),
        beliefs: beliefs::Kept::default(),
    }
}

/// Put what is remembered into a state that was just made. A persona that was asked for on the command line goes before the remembered one;
/// `known` are the personas there are.
pub(super) fn recall(state: &mut State, known: &[PersonaId]) {
    let Some(path) = state.memory.store.path.clone() else { return };
    let contents = match read(&path) {
        Ok(Some(contents)) => contents,
        Ok(None) => return,
        Err(why) => {
            let aside = path.with_extension("json.unreadable");
            let kept = match std::fs::rename(&path, &aside) {
                Ok(()) => format!("it lies in {} now", aside.display()),
                Err(error) => format!("it cannot be set aside either: {error}"),
            };
            state.say(format!("what the console remembered cannot be used, so it starts fresh: {why}; {kept}"), true);
            return;
        }
    };
    if state.persona.is_none()
        && let Some(persona) = contents.persona
    {
        if known.contains(&persona) {
            state.persona = Some(persona);
        } else {
            state.say("the persona that you looked at last is not in this database; everybody's items are shown", false);
        }
    }
    // A tab that another version of the program had is no reason to start fresh.
    state.tab = contents.tab.and_then(|word| Name::by_word(&word)).unwrap_or_default();
    state.queue.filter = contents.filter;
    state.queue.sort = contents.sort.and_then(|word| word.parse().ok()).unwrap_or_default();
    state.queue.columns = Columns::from_hidden(&contents.hidden_columns);
    state.queue.masked = contents.masked.unwrap_or(state.queue.masked);
    state.queue.selected = contents.selected;
    state.mouse = contents.mouse;
    state.memory.filters.saved = contents.saved_filters;
    state.memory.searches.saved = contents.saved_searches;
    state.search.field = Field::of(&contents.question);
    state.search.history = contents.questions;
    contents.beliefs.recall(&mut state.beliefs);
}

/// Write down how the person looked at the queue when they left.
///
/// # Errors
/// A sentence, when the file cannot be written.
pub(super) fn keep(state: &State) -> Result<(), String> {
    let Some(path) = &state.memory.store.path else { return Ok(()) };
    let _turn = state.memory.store.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let mut kept = read(path).ok().flatten().unwrap_or_else(fresh);
    for (shelf, unsettled) in [(Shelf::Filters, &state.memory.filters.unsettled), (Shelf::Searches, &state.memory.searches.unsettled)] {
        for change in unsettled {
            change.apply(kept.shelf(shelf));
        }
    }
    let sort = match state.queue.sort {
        Sort::Oldest => "oldest",
        Sort::Newest => "newest",
        Sort::Expiry => "expiry",
    };
    let contents = Contents {
        quarterdeck_console: FORMAT,
        tab: Some(state.tab.word().to_owned()),
        persona: state.persona.clone(),
        filter: state.queue.filter.clone(),
        sort: Some(sort.to_owned()),
        hidden_columns: state.queue.columns.hidden(),
        masked: Some(state.queue.masked),
        mouse: state.mouse,
        selected: state.queue.selected.clone(),
        saved_filters: kept.saved_filters,
        question: state.search.field.text().to_owned(),
        questions: state.search.history.clone(),
        saved_searches: kept.saved_searches,
        beliefs: beliefs::Kept::of(&state.beliefs),
    };
    write(path, &contents)
}

/// What the file says; `None` when there is none. Somebody else may have written it: names and texts are made safe and short.
fn read(path: &Path) -> Result<Option<Contents>, String> {
    let named = |why: String| format!("{}: {why}", path.display());
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(named(error.to_string())),
        Ok(found) if !found.is_file() => return Err(named("it is not a file".to_owned())),
        Ok(found) if found.len() > LARGEST => return Err(named(format!("it has {} bytes, and {LARGEST} are the most", found.len()))),
        Ok(_) => {}
    }
    let bytes = std::fs::read(path).map_err(|error| named(error.to_string()))?;
    let contents: Contents =
        serde_json::from_slice(&bytes).map_err(|error| named(format!("this program did not write it (line {})", error.line())))?;
    if contents.quarterdeck_console != FORMAT {
        return Err(named("another version of this program wrote it".to_owned()));
    }
    let safe = |text: &str, width| SafeText::clipped(text, width).as_str().to_owned();
    let named = |saved: &Saved| -> Saved {
        let safe = saved.iter().take(MOST_SAVED).map(|(name, text)| (safe(name, WIDEST.1), safe(text, WIDEST.0)));
        safe.filter(|(name, text)| !name.trim().is_empty() && !text.trim().is_empty()).collect()
    };
    Ok(Some(Contents {
        filter: safe(&contents.filter, WIDEST.0),
        saved_filters: named(&contents.saved_filters),
        question: safe(&contents.question, WIDEST.0),
        questions: contents.questions.iter().take(MOST_REMEMBERED).map(|text| safe(text, WIDEST.0)).collect(),
        saved_searches: named(&contents.saved_searches),
        ..contents
    }))
}

/// A name as it is kept: one line, not too long.
pub(super) fn name(typed: &str) -> String {
    SafeText::clipped(typed.trim(), WIDEST.1).as_str().to_owned()
}

fn write(path: &Path, contents: &Contents) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("what the console remembers cannot be written to {}: {error}", path.display());
    let mut text = serde_json::to_vec_pretty(contents).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(failed)?;
    // A temporary file is made with mode 0600, and keeps it under its new name.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    file.write_all(&text).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (Store, PathBuf, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep").join(FILE_NAME);
        (Store { path: Some(path.clone()), turn: Arc::default() }, path, directory)
    }

    fn save(name: &str, filter: &str) -> Change {
        Change::Save { name: name.to_owned(), filter: filter.to_owned() }
    }

    #[test]
    fn saved_filters_come_back_and_those_of_another_console_stay() {
        let (store, path, _directory) = store();
        let other = Store { turn: Arc::default(), ..store.clone() };
        store.change(Shelf::Filters, &save("mine", "is:mine")).unwrap();
        other.change(Shelf::Filters, &save("risky", "verdict:review")).unwrap();
        let saved = store.change(Shelf::Filters, &Change::Remove { name: "mine".to_owned() }).unwrap().unwrap();
        assert_eq!(saved, Saved::from([("risky".to_owned(), "verdict:review".to_owned())]));
        assert_eq!(read(&path).unwrap().unwrap().saved_filters, saved);
    }

    #[test]
    fn a_change_on_its_way_is_not_lost_to_the_answer_of_the_one_before() {
        let mut memory = Kept::default();
        memory.change(save("a", "1"));
        memory.change(save("b", "2"));
        memory.settled(&save("a", "1"), Saved::from([("a".to_owned(), "1".to_owned())]));
        assert_eq!(memory.saved.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(memory.unsettled, [save("b", "2")]);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (store, path, _directory) = store();
        store.change(Shelf::Filters, &save("a", "b")).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_of_nonsense_or_of_another_version_is_refused_and_texts_from_it_are_safe() {
        let (store, path, _directory) = store();
        store.change(Shelf::Filters, &save("a", "b")).unwrap();
        for bad in ["", "{", "[]", "{\"quarterdeck_console\":2}", "{\"quarterdeck_console\":1,\"draft\":\"text\"}", "\u{0}"] {
            std::fs::write(&path, bad).unwrap();
            assert!(read(&path).is_err(), "{bad:?}");
        }
        std::fs::write(&path, r#"{"quarterdeck_console":1,"filter":"a\u001b[2Jb\nc","saved_filters":{"\u202ex":"y"," ":"z"}}"#).unwrap();
        let contents = read(&path).unwrap().unwrap();
        assert_eq!(contents.filter, "ab c");
        assert_eq!(contents.saved_filters, Saved::from([("x".to_owned(), "y".to_owned())]));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(read(&path).unwrap_err().contains("not a file"));
    }

    #[test]
    fn nothing_is_written_where_nothing_is_kept() {
        let store = Store::default();
        assert!(!store.keeps());
        assert_eq!(store.change(Shelf::Filters, &save("a", "b")), Ok(None));
    }
}
