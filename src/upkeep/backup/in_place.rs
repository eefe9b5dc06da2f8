//! Restoring in place of the deck that is there: refused while anything has it open, and the old one is kept aside.

use super::carry::{self, Carried};
use super::half::{self, Half};
use super::restore::{PAUSED, Plan, answer, fill, to_erase};
use super::swap::{Journal, Move};
use super::work::Tell;
use super::{Error, Restored, Result, crash, erasures, files, place, records, server, stage, swap};
use crate::search::vectors;
use crate::store::{self, Address};
use crate::upkeep::Site;
use crate::upkeep::runs::{Kind, Outcome};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Refuse while anything has the deck open.
fn nobody_is_there(address: &Address) -> Result<()> {
    if let Address::Sqlite(path) = address
        && !path.exists()
    {
        return Ok(());
    }
    let there = store::holders::holders(address)?;
    let names: Vec<String> = there.iter().filter(|holder| !holder.is_self).map(store::holders::Holder::name).collect();
    if names.is_empty() { Ok(()) } else { Err(Error::Running { who: names.join(", ") }) }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The directories in which the parts are made, each on the disk on which its part is to stand: a rename cannot cross disks. All are held
/// until the restore is over, and go away when it fails before its journal is written.
struct Stages<'a> {
    database: &'a Path,
    held: Vec<(PathBuf, Half)>,
}

impl Stages<'_> {
    /// The one in `parent`.
    fn of(&mut self, parent: &Path) -> Result<PathBuf> {
        place::make_directory(parent)?;
        // One directory may have two names.
        let parent = parent.canonicalize().map_err(|error| Error::io("find", parent, &error))?;
        if let Some((_, half)) = self.held.iter().find(|(held, _)| *held == parent) {
            return Ok(half.path().to_path_buf());
        }
        let half = Half::hold(&parent.join(half::NAME), Some(self.database))?;
        let path = half.path().to_path_buf();
        self.held.push((parent, half));
        Ok(path)
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.held.iter().map(|(_, half)| half.path().to_path_buf()).collect()
    }

    fn keep(&mut self) {
        self.held.iter_mut().for_each(|(_, half)| half.keep());
    }
}

/// Restore in place of an SQLite deck.
pub(super) fn in_place(mut plan: Plan<'_>, live: &Path, configuration: bool, tell: &Tell) -> Result<Restored> {
    if plan.is_on_server() {
        return Err(other_engine(&plan, "SQLite", &live.display().to_string()));
    }
    // Whoever finishes it may stand elsewhere.
    let live = &std::path::absolute(live).map_err(|error| Error::io("find", live, &error))?;
    if let Some(journal) = Journal::read(live)? {
        let _nobody_is_at_it = journal.hold()?;
        return Err(Error::Interrupted { name: journal.name });
    }
    let address = Address::Sqlite(live.clone());
    nobody_is_there(&address)?;
    let carried = plan.carried(&address);
    let settings = &plan.site.settings;
    // Two restores in one second keep two old decks.
    let unique = place::name(plan.started_at);
    let (home, data) = (parent_of(live).to_path_buf(), settings.data_dir.clone());
    [&home, &data].into_iter().try_for_each(|path| place::make_directory(path))?;
    place::room(&home, plan.read.manifest.bytes())?;
    crash::point("restore:begun");

    let mut stages = Stages { database: live, held: Vec::new() };
    let taken = plan.taken();
    let mut moves = Vec::new();
    let aside = |path: &Path| beside(path, &format!(".before-restore-{unique}"));
    let database_aside = aside(live);
    let database = stages.of(&home)?.join("database");
    taken.file(&plan.read.manifest.database.file, &database, tell)?;
    let migrated = taken.migrate(&database, plan.site.clock.now(), tell)?;
    for end in ["-wal", "-shm"] {
        // The log belongs to the old file: kept beside it under its name, it is read again when the old one is opened.
        let path = beside(live, end);
        moves.push(Move { staged: None, had_live: path.exists(), live: path, aside: beside(&database_aside, end) });
    }
    moves.push(Move { staged: Some(database.clone()), had_live: live.exists(), live: live.clone(), aside: database_aside });
    let index = data.join(vectors::DIRECTORY);
    let staged = stages.of(&data)?.join("index");
    place::make_directory(&staged)?;
    taken.below(files::INDEX, &staged, tell)?;
    moves.push(Move { staged: Some(staged), had_live: index.exists(), aside: aside(&index), live: index });
    if configuration {
        let staged = stages.of(&settings.config_dir)?.join("config");
        taken.below(files::CONFIG, &staged, tell)?;
        for file in &plan.read.manifest.files {
            if let Some(rest) = file.path.strip_prefix(files::CONFIG).and_then(|rest| rest.strip_prefix('/')) {
                moves.push(file_move(staged.join(rest), settings.config_dir.join(rest), &aside));
            }
        }
    }
    for secret in &plan.secrets {
        if secret.is_settings && !configuration {
            plan.notes.push(format!("{} was not put back with its secrets: that takes --configuration", secret.name.display()));
            continue;
        }
        let to = if secret.is_config { &settings.config_dir } else { &data };
        let staged = stages.of(to)?.join("secrets").join(&secret.name);
        place::write(&staged, &secret.text)?;
        let live = to.join(&secret.name);
        moves.retain(|step| step.live != live);
        moves.push(file_move(staged, live, &aside));
    }
    for step in &moves {
        place::make_directory(parent_of(&step.live))?;
    }
    let old: Vec<String> = moves.iter().filter(|step| step.had_live).map(|step| step.aside.display().to_string()).collect();
    note(&plan, &Address::Sqlite(database.clone()), &carried, &old)?;
    tell.check()?;
    stages.paths().iter().try_for_each(|stage| place::flush_directory(stage))?;
    stage::is_complete(&database, store::newest_version(), tell)?;
    crash::point("restore:staged");
    let journal = Journal { name: plan.backup.name.clone(), moves, stages: stages.paths() };
    let written = journal.write(live);
    if swap::journal_path(live).exists() {
        stages.keep();
    }
    written?;
    crash::point("restore:journal");
    // From here on nobody can open it. Whoever did before is seen now.
    if let Err(error) = nobody_is_there(&address) {
        Journal::remove(live)?;
        journal.sweep()?;
        return Err(error);
    }
    journal.forward()?;
    crash::point("restore:swapped");
    journal.sweep()?;
    Journal::remove(live)?;
    crash::point("restore:done");
    let mut restored = answer(&plan, &address, migrated);
    restored.aside = journal.aside().iter().map(|path| path.display().to_string()).collect();
    Ok(restored)
}

fn file_move(staged: PathBuf, live: PathBuf, aside: &dyn Fn(&Path) -> PathBuf) -> Move {
    Move { staged: Some(staged), had_live: live.exists(), aside: aside(&live), live }
}

fn other_engine(plan: &Plan<'_>, wanted: &str, place: &str) -> Error {
    let found = if plan.is_on_server() { "PostgreSQL" } else { "SQLite" };
    Error::OtherEngine { name: plan.backup.name.clone(), found: found.to_owned(), wanted: wanted.to_owned(), place: place.to_owned() }
}

/// Write down a restore in place before it is one, in the deck that is to be put there: it says so from its first moment on.
fn note(plan: &Plan<'_>, to: &Address, carried: &Carried, aside: &[String]) -> Result<()> {
    let detail = json!({ "name": plan.backup.name, "manifest": plan.backup.manifest, "aside": aside });
    carry::give(plan, to, carried, &format!("{} was restored in place", plan.backup.name), &detail)
}

/// Restore in place of a deck on a server: into a new database, which then takes the name of the old one.
pub(super) fn on_server(mut plan: Plan<'_>, url: &str, configuration: bool, tell: &Tell) -> Result<Restored> {
    let address = Address::Postgres(url.to_owned());
    if !plan.is_on_server() {
        return Err(other_engine(&plan, "PostgreSQL", &address.masked()));
    }
    nobody_is_there(&address)?;
    let carried = plan.carried(&address);
    let live = server::database_name(url)?;
    let settings = &plan.site.settings;
    // Two restores in one second keep two old decks.
    let unique = place::name(plan.started_at);
    let suffix = unique.to_lowercase().replace('-', "_");
    place::make_directory(&settings.data_dir)?;
    place::room(&settings.data_dir, plan.read.manifest.bytes())?;
    crash::point("restore:begun");
    let half = Half::hold(&settings.data_dir.join(half::NAME), None)?;
    let stage = half.path().to_path_buf();
    let name = server::named(&live, &format!("_restoring_{suffix}"));
    server::sweep(url, name.trim_end_matches(suffix.as_str()))?;
    let mut made = server::Passing::make(url, &name)?;
    let taken = plan.taken();
    let migrated = fill(&taken, &made.url(), &stage.join("dump"), plan.site.clock.now(), tell)?;
    taken.below(files::INDEX, &stage.join(vectors::DIRECTORY), tell)?;
    let aside = server::named(&live, &format!("_before_restore_{suffix}"));
    let index = settings.data_dir.join(vectors::DIRECTORY);
    let index_aside = beside(&index, &format!(".before-restore-{unique}"));
    let mut kept = vec![format!("the database {aside}")];
    if index.exists() {
        kept.push(index_aside.display().to_string());
    }
    note(&plan, &Address::Postgres(made.url()), &carried, &kept)?;
    crash::point("restore:staged");
    nobody_is_there(&address)?;
    made.release();
    server::swap(url, &live, &made.name, &aside)?;
    made.keep();
    crash::point("restore:swapped");
    // The index follows the rows: one that does not fit is made anew from them, so that it may be swapped after them.
    if index.exists() {
        place::rename_new(&index, &index_aside)?;
    }
    if stage.join(vectors::DIRECTORY).exists() {
        place::rename_new(&stage.join(vectors::DIRECTORY), &index)?;
    }
    let mut notes = Vec::new();
    if configuration || !plan.secrets.is_empty() {
        notes.push(
            "the configuration is not put back in place with a database on a server: restore it with --to DIR and copy what is needed"
                .to_owned(),
        );
    }
    drop(half);
    crash::point("restore:done");
    let mut restored = answer(&plan, &address, migrated);
    restored.notes.extend(notes);
    restored.aside = kept;
    Ok(restored)
}

/// Take away what a killed restore left half-made where a restore of this installation puts things: it may hold secrets as they are. What
/// can still be finished stays, and so does what another process is at.
pub(super) fn sweep(site: &Site) {
    let mut places = vec![site.settings.data_dir.clone(), site.settings.config_dir.clone()];
    if let Ok(Address::Sqlite(path)) = site.address() {
        places.push(parent_of(&path).to_path_buf());
    }
    for place in places {
        if let Err(error) = Half::sweep(&place.join(half::NAME)) {
            tracing::warn!(%error, "what a restore left half-made could not be removed");
        }
    }
}

/// Finish a restore in place that was interrupted, or take it back.
pub(super) fn resume(site: &Site, finishes: bool) -> Result<super::Resumed> {
    let address = site.address()?;
    let Address::Sqlite(live) = &address else { return Err(Error::NothingInterrupted) };
    let live = &std::path::absolute(live).map_err(|error| Error::io("find", live, &error))?;
    let journal = Journal::read(live)?.ok_or(Error::NothingInterrupted)?;
    // A restore that is under way is not an interrupted one.
    let _held = journal.hold()?;
    // Before anything is done, as with every restore.
    let mut erased = if finishes { erasures::read(&site.backups())? } else { Vec::new() };
    nobody_is_there(&address)?;
    let started_at = site.clock.now();
    if finishes {
        journal.forward()?
    } else {
        journal.back()?
    }
    journal.sweep()?;
    Journal::remove(live)?;
    let (aside, summary) = if finishes {
        (journal.aside(), format!("the interrupted restore of {} was finished", journal.name))
    } else {
        (Vec::new(), format!("the interrupted restore of {} was taken back", journal.name))
    };
    let aside: Vec<String> = aside.iter().map(|path| path.display().to_string()).collect();
    let detail = json!({ "name": journal.name, "aside": aside });
    let outcome = if finishes { Outcome::Passed } else { Outcome::Failed };
    let mut notes: Vec<String> = records::note(site, Kind::Restore, started_at, outcome, &summary, &detail).into_iter().collect();
    let mut names = Vec::new();
    if finishes {
        erased.extend(Carried::of(&address, site.clock.now()).0.erased);
        let (found, unknown) = to_erase(&address, &erased);
        names = found;
        notes.extend(unknown);
        notes.push(PAUSED.to_owned());
    }
    Ok(super::Resumed { name: journal.name, finished: finishes, aside, to_erase: names, notes })
}
