//! Noting that a process started: what is different from the last start becomes a mark.

use super::Context;
use crate::deck::Deck;
use crate::watch::started::{self, Started};
use std::collections::BTreeMap;

/// How the console looks is nobody's deployment.
const LOOKS: &str = "console.";

/// Note that this command began. What cannot be written is logged: nothing waits for it.
pub(super) async fn note(context: &Context, deck: &Deck, command: &'static str, is_restart: bool) {
    let shown = context.loaded().shown();
    let settings: BTreeMap<String, String> = shown
        .into_iter()
        // The demonstration has settings of its own, made anew each time.
        .filter(|shown| !shown.setting.key.starts_with(LOOKS) && command != "demo")
        .filter_map(|shown| Some((shown.setting.key.to_owned(), shown.value?)))
        .collect();
    let found = Started {
        command,
        process: crate::agent::runner::process_name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings,
        settings_from: deck.settings.config_dir.display().to_string(),
        is_restart,
    };
    let now = deck.clock.now();
    if let Err(error) = deck.db.write(move |c| started::started(c, &found, now)).await {
        tracing::warn!(%error, "the start could not be noted among what changed");
    }
}
