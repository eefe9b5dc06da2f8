//! Putting a restored deck in place of the one that is there, by renaming alone, so that whatever kills it leaves one of the two whole.
//!
//! Everything that goes in is complete and flushed beside its place before the journal is written. From the journal on, the database is not
//! opened by anything until the moves are done: they can be finished or taken back, each any number of times.

use super::half::Half;
use super::{Error, Result, crash, place};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Something that goes in place of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Move {
    /// What goes in; nothing where something only goes away.
    pub(super) staged: Option<PathBuf>,
    /// Where it goes.
    pub(super) live: PathBuf,
    /// Where goes what is there now.
    pub(super) aside: PathBuf,
    /// Whether there was something when the restore began.
    pub(super) had_live: bool,
}

/// What is to be done, written down before it is begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// The backup.
    pub(super) name: String,
    /// The moves, in their order.
    pub(super) moves: Vec<Move>,
    /// Directories that go away at the end.
    pub(super) stages: Vec<PathBuf>,
}

/// Where the journal stands: beside the database, whose opening looks for it.
pub(super) fn journal_path(database: &Path) -> PathBuf {
    crate::store::restoring(database)
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    place::rename_new(from, to)?;
    from.parent().map_or(Ok(()), place::flush_directory)
}

impl Journal {
    /// The journal of a restore that was interrupted.
    pub(super) fn read(database: &Path) -> Result<Option<Self>> {
        let path = journal_path(database);
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| Error::io("read", &path, &error))?,
        };
        let unreadable = |error: serde_json::Error| Error::Io {
            what: "understand",
            path: path.clone(),
            reason: format!("{error}; the old deck stands beside its place as *.before-restore-*: rename it back by hand"),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(unreadable)
    }

    /// Hold the directories in which the parts are, against whoever else would finish it, take it back, or is still at it.
    ///
    /// # Errors
    /// [`Error::BeingRestored`].
    pub(super) fn hold(&self) -> Result<Vec<Half>> {
        self.stages.iter().filter_map(|stage| Half::again(stage).transpose()).collect()
    }

    /// Write it down. It appears complete or not at all.
    pub(super) fn write(&self, database: &Path) -> Result<()> {
        let path = journal_path(database);
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("remove", &beside, &error)),
            _ => {}
        }
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::io("write", &path, &error.into()))?;
        let written = place::write(&beside, &text).and_then(|()| place::rename_new(&beside, &path));
        if written.is_err() {
            // It is gone where it got its name. Otherwise the next one removes it too.
            let _ = std::fs::remove_file(&beside);
        }
        written
    }

    /// Remove it: what it says is done or taken back.
    pub(super) fn remove(database: &Path) -> Result<()> {
        let path = journal_path(database);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", &path, &error)),
            _ => path.parent().map_or(Ok(()), place::flush_directory),
        }
    }

    /// Make the moves that were not made yet.
    pub(super) fn forward(&self) -> Result<()> {
        for step in &self.moves {
            match &step.staged {
                Some(staged) if exists(staged) => {
                    crash::point("restore:moving");
                    if step.had_live && exists(&step.live) && !exists(&step.aside) {
                        rename(&step.live, &step.aside)?;
                    }
                    crash::point("restore:aside");
                    rename(staged, &step.live)?;
                    crash::point("restore:moved");
                }
                // It is there already: nothing else has stood here, or what did is aside.
                Some(_) if exists(&step.live) && (!step.had_live || exists(&step.aside)) => {}
                Some(staged) => {
                    let reason = "what was to be put in place is gone; `quarterdeck backup restore --take-back` goes back to the old deck";
                    return Err(Error::Io { what: "find", path: staged.clone(), reason: reason.to_owned() });
                }
                None if exists(&step.live) && !exists(&step.aside) => rename(&step.live, &step.aside)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Undo the moves that were made.
    pub(super) fn back(&self) -> Result<()> {
        for step in self.moves.iter().rev() {
            // What stands there is the new one only when the old one is aside: never take the old one for it.
            let is_swapped = !step.had_live || exists(&step.aside);
            if let Some(staged) = &step.staged
                && is_swapped
                && !exists(staged)
                && exists(&step.live)
            {
                staged.parent().map_or(Ok(()), place::make_directory)?;
                rename(&step.live, staged)?;
            }
            if step.had_live && exists(&step.aside) && !exists(&step.live) {
                rename(&step.aside, &step.live)?;
            }
        }
        Ok(())
    }

    /// Remove the directories in which things were staged.
    pub(super) fn sweep(&self) -> Result<()> {
        self.stages.iter().try_for_each(|stage| place::remove(stage))
    }

    /// What was kept aside.
    pub(super) fn aside(&self) -> Vec<PathBuf> {
        self.moves.iter().map(|step| step.aside.clone()).filter(|path| exists(path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(home: &Path) -> Journal {
        let path = |name: &str| home.join(name);
        std::fs::create_dir(path("stage")).unwrap();
        for (name, text) in [("deck.db", "old"), ("deck.db-wal", "old log"), ("stage/deck.db", "new"), ("stage/index", "new")] {
            std::fs::write(path(name), text).unwrap();
        }
        let step = |staged: Option<&str>, live: &str, had_live: bool| Move {
            staged: staged.map(path),
            live: path(live),
            aside: path(&format!("{live}.before")),
            had_live,
        };
        Journal {
            name: "b".to_owned(),
            moves: vec![
                step(None, "deck.db-wal", true),
                step(Some("stage/deck.db"), "deck.db", true),
                step(Some("stage/index"), "index", false),
            ],
            stages: vec![path("stage")],
        }
    }

    fn texts(home: &Path) -> Vec<Option<String>> {
        ["deck.db", "deck.db-wal", "index", "deck.db.before"].iter().map(|name| std::fs::read_to_string(home.join(name)).ok()).collect()
    }

    const OLD: [Option<&str>; 4] = [Some("old"), Some("old log"), None, None];
    const NEW: [Option<&str>; 4] = [Some("new"), None, Some("new"), Some("old")];

    fn is(home: &Path, state: [Option<&str>; 4]) -> bool {
        texts(home).iter().map(Option::as_deref).eq(state)
    }

    #[test]
    fn from_every_place_it_can_be_finished_and_taken_back() {
        // As many renames as there are: stop after each of them.
        for stop in 0..=4 {
            for finishes in [true, false] {
                let home = tempfile::tempdir().unwrap();
                let journal = journal(home.path());
                let renames: [(&str, &str); 4] = [
                    ("deck.db-wal", "deck.db-wal.before"),
                    ("deck.db", "deck.db.before"),
                    ("stage/deck.db", "deck.db"),
                    ("stage/index", "index"),
                ];
                for (from, to) in &renames[..stop] {
                    std::fs::rename(home.path().join(from), home.path().join(to)).unwrap();
                }
                for _ in 0..2 {
                    if finishes { journal.forward().unwrap() } else { journal.back().unwrap() }
                }
                assert!(is(home.path(), if finishes { NEW } else { OLD }), "{stop} {finishes} {:?}", texts(home.path()));
                // And the other way again.
                if finishes {
                    journal.back().unwrap()
                } else {
                    journal.forward().unwrap()
                }
                assert!(is(home.path(), if finishes { OLD } else { NEW }), "{stop} {finishes} {:?}", texts(home.path()));
            }
        }
    }

    #[test]
    fn what_is_gone_is_not_said_to_be_in_place() {
        let home = tempfile::tempdir().unwrap();
        let journal = journal(home.path());
        std::fs::remove_file(home.path().join("stage/deck.db")).unwrap();
        assert!(journal.forward().unwrap_err().to_string().contains("--take-back"));
        journal.back().unwrap();
        assert_eq!(texts(home.path())[..2], [Some("old".to_owned()), Some("old log".to_owned())]);
    }

    #[test]
    fn a_journal_is_read_as_it_was_written() {
        let home = tempfile::tempdir().unwrap();
        let (journal, database) = (journal(home.path()), home.path().join("deck.db"));
        assert_eq!(Journal::read(&database).unwrap(), None);
        journal.write(&database).unwrap();
        assert_eq!(Journal::read(&database).unwrap(), Some(journal));
        std::fs::write(journal_path(&database), "{").unwrap();
        assert!(Journal::read(&database).unwrap_err().to_string().contains("before-restore"));
        Journal::remove(&database).unwrap();
        Journal::remove(&database).unwrap();
    }
}
