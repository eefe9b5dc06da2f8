//! Keys and colours as the person's files say, read at the start and again whenever a file changes.

use super::keymap::Keymap;
use super::theme::{Depth, Glyphs, Theme};
use crate::config::Settings;
use notify::{RecursiveMode, Watcher as _};
use std::path::Path;
use tokio::sync::mpsc;

/// What the files say, with everything that is wrong in them.
pub(super) struct Looks {
    pub keymap: Keymap,
    pub theme: Theme,
    pub glyphs: Glyphs,
    pub problems: Vec<String>,
}

impl Looks {
    /// Read the files. What is broken leaves what ships with the program in force.
    pub fn read(settings: &Settings) -> Self {
        let environment = |name: &str| std::env::var(name).ok();
        let depth = Depth::choose(&settings.console.colors, &environment);
        let (keymap, keys) = Keymap::load(&settings.config_dir);
        let (theme, colors) = Theme::load(&settings.config_dir, &settings.console.theme, depth);
        let problems = keys.iter().map(ToString::to_string).chain(colors.iter().map(ToString::to_string)).collect();
        Self { keymap, theme, glyphs: Glyphs::detect(&environment), problems }
    }
}

/// Tells whenever something in the directory of the configuration changed. Nothing is told where the system cannot watch it: then the files
/// count from the next start.
pub(super) struct Watch {
    pub changes: mpsc::UnboundedReceiver<()>,
    /// Ends the watching when it is dropped.
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Watch {
    pub fn over(directory: &Path) -> Self {
        let (sender, changes) = mpsc::unbounded_channel();
        let told = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // Nobody listens any more once the console is left.
                let _ = sender.send(());
            }
        };
        let watcher = notify::recommended_watcher(told).and_then(|mut watcher| {
            watcher.watch(directory, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        let watcher = watcher.inspect_err(|error| tracing::debug!(%error, "the directory of the configuration is not watched")).ok();
        Self { changes, _watcher: watcher }
    }
}
