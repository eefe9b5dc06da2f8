//! Waiting for logs to grow: the system tells, nothing is looked at meanwhile.

use super::{Error, Result};
use notify::Watcher as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};

/// Tells when one of some files was written to, replaced or made.
#[derive(Debug)]
pub struct Watch {
    told: Receiver<Option<PathBuf>>,
    ends: Sender<Option<PathBuf>>,
    /// Ends the watching when it is dropped.
    _watcher: notify::RecommendedWatcher,
}

impl Watch {
    /// Watch files. Their directories are watched, so that a file which a rotation puts in the place of another is seen too.
    ///
    /// # Errors
    /// [`Error::Watch`] where the system cannot watch.
    pub fn over(files: &[PathBuf]) -> Result<Self> {
        let (sender, told) = mpsc::channel();
        let ends = sender.clone();
        let watch =
            |place: &Path, error: &dyn std::fmt::Display| Error::Watch { place: place.display().to_string(), reason: error.to_string() };
        let mut wanted = Vec::new();
        for file in files {
            let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let directory = parent.canonicalize().map_err(|error| watch(file, &error))?;
            let Some(name) = file.file_name() else { return Err(watch(file, &"it is no file")) };
            wanted.push((directory.join(name), file.clone(), directory));
            // A link is followed to what it names, which may be written to elsewhere.
            if let Ok(target) = file.canonicalize()
                && let Some(directory) = target.parent()
            {
                wanted.push((target.clone(), file.clone(), directory.to_path_buf()));
            }
        }
        let directories: BTreeSet<PathBuf> = wanted.iter().map(|(_, _, directory)| directory.clone()).collect();
        let hear = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if event.kind.is_access() {
                return;
            }
            for (path, file, _) in &wanted {
                // An event that was lost may have been about any of them.
                if event.need_rescan() || event.paths.contains(path) {
                    // Nobody listens any more once the import has ended.
                    let _ = sender.send(Some(file.clone()));
                }
            }
        };
        let first = files.first().map_or(Path::new("."), PathBuf::as_path);
        let mut watcher = notify::recommended_watcher(hear).map_err(|error| watch(first, &error))?;
        for directory in directories {
            watcher.watch(&directory, notify::RecursiveMode::NonRecursive).map_err(|error| watch(&directory, &error))?;
        }
        Ok(Self { told, ends, _watcher: watcher })
    }

    /// What ends the waiting, from another thread.
    pub fn ender(&self) -> impl FnOnce() + Send + 'static {
        let ends = self.ends.clone();
        move || {
            // Nobody may wait any more.
            let _ = ends.send(None);
        }
    }

    /// Wait until files were written to: which ones, each once. `None` when it was ended, or the system tells nothing any more.
    #[must_use]
    pub fn wait(&self) -> Option<BTreeSet<PathBuf>> {
        let mut files = BTreeSet::from([self.told.recv().ok()??]);
        for told in self.told.try_iter() {
            files.insert(told?);
        }
        Some(files)
    }
}
