//! Restoring a backup: into a new place, or in place of the deck that is there.

use super::erasures::Erased;
use super::listing::Read;
use super::stage::{self, Secret, Taken};
use super::swap::{Journal, Move};
use super::work::Tell;
use super::{
    Backup, Error, Finding, Place, Restore, Restored, Result, crash, create, erasures, examine, files, listing, place, records, server,
};
use crate::base::Millis;
use crate::search::vectors;
use crate::store::{self, Address};
use crate::upkeep::Site;
use crate::upkeep::runs::{Kind, Outcome};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The database in a new place.
const DATABASE: &str = "quarterdeck.db";

/// A restore that is about to be made.
struct Plan<'a> {
    site: &'a Site,
    backup: Backup,
    read: Read,
    secrets: Vec<Secret>,
    /// Erasures that were carried out after the backup was made.
    erased: Vec<Erased>,
    notes: Vec<String>,
    started_at: Millis,
}

impl Plan<'_> {
    fn taken(&self) -> Taken<'_> {
        Taken { dir: &self.backup.path, name: &self.backup.name, read: &self.read }
    }

    fn is_on_server(&self) -> bool {
        self.read.manifest.database.engine == server::ENGINE
    }

    /// Write the configuration, and the secrets over what was left out of it.
    fn configuration(&self, config: &Path, data: &Path, tell: &Tell) -> Result<Option<PathBuf>> {
        let mut count = self.taken().below(files::CONFIG, config, tell)?;
        for secret in &self.secrets {
            let to = if secret.is_config { config.join(&secret.name) } else { data.join(&secret.name) };
            match std::fs::remove_file(&to) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("write", &to, &error)),
                _ => place::write(&to, &secret.text)?,
            }
            count += 1;
        }
        Ok((count > 0).then(|| config.join("config.toml")))
    }
}

/// [`super::restore`].
pub(super) fn restore(site: &Site, asked: &Restore, tell: &Tell) -> Result<Restored> {
    let started_at = site.clock.now();
    let known = records::all(site);
    let backup = listing::one(site, Some(&asked.name), &known)?;
    let read = listing::manifest(&backup.path, &backup.name)?;
    let recorded = known.as_ref().ok().and_then(|known| known.get(&backup.name)).and_then(|known| known.manifest.clone());
    // Before anything is done: who has to stay erased must be known then.
    let mut erased = erasures::read(&site.backups())?;
    erased.retain(|erased| erased.at >= backup.made_at);
    let mut plan = Plan { site, backup, read, secrets: Vec::new(), erased, notes: Vec::new(), started_at };
    plan.taken().is_known()?;
    if let Some(passphrase) = &asked.passphrase {
        plan.secrets = plan.taken().secrets(passphrase)?;
    }
    plan.notes = plan.taken().is_whole(recorded.as_deref(), tell)?;
    match &asked.place {
        Place::New { dir, database } => to_new(plan, dir, database.as_deref(), tell),
        Place::InPlace { configuration } => match site.address()? {
            Address::Sqlite(path) => in_place(plan, &path, *configuration, tell),
            Address::Postgres(url) => on_server(plan, &url, *configuration, tell),
        },
    }
}

/// Restore into a directory that is not there, or empty.
fn to_new(plan: Plan<'_>, dir: &Path, database: Option<&str>, tell: &Tell) -> Result<Restored> {
    let absolute = std::path::absolute(dir).map_err(|error| Error::io("find", dir, &error))?;
    let dir = absolute.as_path();
    match std::fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Error::Exists { path: dir.to_path_buf() });
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("read", dir, &error)),
    }
    let parent = dir.parent().unwrap_or(Path::new("/"));
    place::make_directory(parent)?;
    place::room(parent, plan.read.manifest.bytes())?;
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (half, lock) = half_restored(&parent.join(format!(".restoring-{name}")))?;
    let into = half.path().to_path_buf();
    let taken = plan.taken();

    let (address, migrated, made) = if plan.is_on_server() {
        let url = match plan.site.address()? {
            Address::Postgres(url) => url,
            Address::Sqlite(_) => {
                let reason =
                    "this backup holds a PostgreSQL database: name a server with --database postgres://… to restore it to".to_owned();
                return Err(Error::Unfit { reason });
            }
        };
        let new = database.ok_or_else(|| Error::Unfit {
            reason: "this backup holds a PostgreSQL database: name the new database on the server with --as-database NAME".to_owned(),
        })?;
        let made = server::Passing::make(&url, new)?;
        let migrated = fill(&taken, &made.url(), &into.join("dump"), plan.site.clock.now(), tell)?;
        (Address::Postgres(made.url()), migrated, Some(made))
    } else {
        let path = into.join(DATABASE);
        taken.file(&plan.read.manifest.database.file, &path, tell)?;
        let migrated = stage::migrate(&Address::Sqlite(path), plan.site.clock.now())?;
        (Address::Sqlite(dir.join(DATABASE)), migrated, None)
    };
    taken.below(files::INDEX, &into.join(vectors::DIRECTORY), tell)?;
    let config_file = plan.configuration(&into.join(files::CONFIG), &into, tell)?.map(|_| dir.join(files::CONFIG).join("config.toml"));
    tell.check()?;
    drop(lock);
    remove_file(&into.join(".lock"))?;
    place::flush_directory(&into)?;
    if dir.exists() {
        std::fs::remove_dir(dir).map_err(|error| Error::io("replace", dir, &error))?;
    }
    half.rename(dir)?;
    if let Some(made) = made {
        made.keep();
    }
    let summary = format!("{} was restored to {}", plan.backup.name, dir.display());
    let mut restored = answer(&plan, &address, migrated);
    restored.config_file = config_file.filter(|path| path.exists());
    let detail = json!({ "name": plan.backup.name, "manifest": plan.backup.manifest, "to": dir.display().to_string() });
    records::note(plan.site, Kind::Restore, plan.started_at, Outcome::Passed, &create::clipped(&summary), &detail);
    Ok(restored)
}

/// A directory in which a restore is made, held against another one. What a killed one left there goes.
fn half_restored(path: &Path) -> Result<(place::Passing, std::fs::File)> {
    if path.exists() {
        if let Ok(lock) = std::fs::File::open(path.join(".lock"))
            && lock.try_lock().is_err()
        {
            return Err(Error::Busy { dir: path.to_path_buf() });
        }
        place::remove(path)?;
    }
    let half = place::Passing::make(path.to_path_buf())?;
    let lock = place::new_file(&path.join(".lock"))?;
    lock.try_lock().map_err(|_| Error::Busy { dir: path.to_path_buf() })?;
    Ok((half, lock))
}

fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Fill an empty database on a server, compare it with the manifest, and bring it to the schema of this program.
pub(super) fn fill(taken: &Taken<'_>, url: &str, dump: &Path, now: Millis, tell: &Tell) -> Result<Vec<i64>> {
    taken.file(&taken.read.manifest.database.file, dump, tell)?;
    let filled = server::fill(url, dump, tell);
    remove_file(dump)?;
    filled?;
    let findings = compare(taken, url, tell)?;
    if !findings.is_empty() {
        return Err(Error::NotWhole { name: taken.name.to_owned(), faults: create::joined(&findings) });
    }
    stage::migrate(&Address::Postgres(url.to_owned()), now)
}

/// Compare a database on a server with the manifest.
pub(super) fn compare(taken: &Taken<'_>, url: &str, tell: &Tell) -> Result<Vec<Finding>> {
    let (manifest, seen) = (&taken.read.manifest, server::Seen::at(url, tell)?);
    let mut findings = examine::compare_tables(&manifest.database.tables, &seen.tables);
    if seen.schema_version != manifest.database.schema_version || seen.schema_digest != manifest.database.schema_digest {
        let says = "its tables, indexes or triggers are not those of the snapshot";
        findings.push(Finding::new(super::Fault::WrongSchema, &manifest.database.file, says));
    }
    findings.extend(examine::compare_audit(manifest, seen.audit.as_ref()));
    Ok(findings)
}

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

/// Restore in place of an SQLite deck.
fn in_place(plan: Plan<'_>, live: &Path, configuration: bool, tell: &Tell) -> Result<Restored> {
    if plan.is_on_server() {
        return Err(other_engine(&plan, "SQLite", &live.display().to_string()));
    }
    if let Some(journal) = Journal::read(live)? {
        return Err(Error::Interrupted { name: journal.name });
    }
    let address = Address::Sqlite(live.to_path_buf());
    nobody_is_there(&address)?;
    let settings = &plan.site.settings;
    // Two restores in one second keep two old decks.
    let unique = place::name(plan.started_at);
    let (home, data) = (parent_of(live).to_path_buf(), settings.data_dir.clone());
    [&home, &data].into_iter().try_for_each(|path| place::make_directory(path))?;
    place::room(&home, plan.read.manifest.bytes())?;
    crash::point("restore:begun");

    // Each part is made on the disk on which it is to stand: a rename cannot cross disks.
    let mut stages = Vec::new();
    let mut stage = |parent: &Path| -> Result<PathBuf> {
        let path = parent.join(".restoring");
        if !stages.contains(&path) {
            let (half, lock) = half_restored(&path)?;
            half.keep();
            drop(lock);
            stages.push(path.clone());
        }
        Ok(path)
    };
    let prepared = (|| -> Result<(Vec<Move>, Vec<i64>)> {
        let taken = plan.taken();
        let mut moves = Vec::new();
        let aside = |path: &Path| beside(path, &format!(".before-restore-{unique}"));
        let database_aside = aside(live);
        let staged = stage(&home)?.join("database");
        taken.file(&plan.read.manifest.database.file, &staged, tell)?;
        let migrated = stage::migrate(&Address::Sqlite(staged.clone()), plan.site.clock.now())?;
        for end in ["-wal", "-shm"] {
            // The log belongs to the old file: kept beside it under its name, it is read again when the old one is opened.
            let path = beside(live, end);
            moves.push(Move { staged: None, had_live: path.exists(), live: path, aside: beside(&database_aside, end) });
        }
        moves.push(Move { staged: Some(staged), had_live: live.exists(), live: live.to_path_buf(), aside: database_aside });
        let index = data.join(vectors::DIRECTORY);
        let staged = stage(&data)?.join("index");
        place::make_directory(&staged)?;
        taken.below(files::INDEX, &staged, tell)?;
        moves.push(Move { staged: Some(staged), had_live: index.exists(), aside: aside(&index), live: index });
        if configuration {
            let staged = stage(&settings.config_dir)?.join("config");
            taken.below(files::CONFIG, &staged, tell)?;
            let mut names: Vec<(PathBuf, PathBuf)> = Vec::new();
            for file in &plan.read.manifest.files {
                if let Some(rest) = file.path.strip_prefix(files::CONFIG).and_then(|rest| rest.strip_prefix('/')) {
                    names.push((staged.join(rest), settings.config_dir.join(rest)));
                }
            }
            moves.extend(names.into_iter().map(|(staged, live)| file_move(staged, live, &aside)));
        }
        for secret in &plan.secrets {
            let to = if secret.is_config { &settings.config_dir } else { &data };
            let staged = stage(to)?.join("secrets").join(&secret.name);
            place::write(&staged, &secret.text)?;
            let live = to.join(&secret.name);
            moves.retain(|step| step.live != live);
            moves.push(file_move(staged, live, &aside));
        }
        for step in &moves {
            place::make_directory(parent_of(&step.live))?;
        }
        tell.check()?;
        Ok((moves, migrated))
    })();
    let (moves, migrated) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            stages.iter().try_for_each(|stage| place::remove(stage))?;
            return Err(error);
        }
    };
    stages.iter().try_for_each(|stage| place::flush_directory(stage))?;
    crash::point("restore:staged");
    let journal = Journal { name: plan.backup.name.clone(), moves, stages };
    journal.write(live)?;
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
    Ok(finished(&plan, &address, &journal, migrated))
}

fn file_move(staged: PathBuf, live: PathBuf, aside: &dyn Fn(&Path) -> PathBuf) -> Move {
    Move { staged: Some(staged), had_live: live.exists(), aside: aside(&live), live }
}

fn other_engine(plan: &Plan<'_>, wanted: &str, place: &str) -> Error {
    let found = if plan.is_on_server() { "PostgreSQL" } else { "SQLite" };
    Error::OtherEngine { name: plan.backup.name.clone(), found: found.to_owned(), wanted: wanted.to_owned(), place: place.to_owned() }
}

/// Write down a restore in place, in the deck that was restored.
fn finished(plan: &Plan<'_>, address: &Address, journal: &Journal, migrated: Vec<i64>) -> Restored {
    let mut restored = answer(plan, address, migrated);
    restored.aside = journal.aside().iter().map(|path| path.display().to_string()).collect();
    let summary = format!("{} was restored in place", plan.backup.name);
    let detail = json!({ "name": plan.backup.name, "manifest": plan.backup.manifest, "aside": restored.aside });
    restored.notes.extend(records::note(plan.site, Kind::Restore, plan.started_at, Outcome::Passed, &create::clipped(&summary), &detail));
    restored
}

/// Restore in place of a deck on a server: into a new database, which then takes the name of the old one.
fn on_server(plan: Plan<'_>, url: &str, configuration: bool, tell: &Tell) -> Result<Restored> {
    let address = Address::Postgres(url.to_owned());
    if !plan.is_on_server() {
        return Err(other_engine(&plan, "PostgreSQL", &address.masked()));
    }
    nobody_is_there(&address)?;
    let live = server::database_name(url)?;
    let settings = &plan.site.settings;
    let stamp = place::stamp(plan.started_at);
    let suffix = stamp.to_lowercase();
    place::make_directory(&settings.data_dir)?;
    place::room(&settings.data_dir, plan.read.manifest.bytes())?;
    crash::point("restore:begun");
    let stage = settings.data_dir.join(".restoring");
    let (half, lock) = half_restored(&stage)?;
    let name = server::named(&live, &format!("_restoring_{suffix}"));
    server::sweep(url, name.trim_end_matches(suffix.as_str()))?;
    let mut made = server::Passing::make(url, &name)?;
    let taken = plan.taken();
    let migrated = fill(&taken, &made.url(), &stage.join("dump"), plan.site.clock.now(), tell)?;
    taken.below(files::INDEX, &stage.join(vectors::DIRECTORY), tell)?;
    crash::point("restore:staged");
    nobody_is_there(&address)?;
    let aside = server::named(&live, &format!("_before_restore_{suffix}"));
    made.release();
    server::swap(url, &live, &made.name, &aside)?;
    made.keep();
    crash::point("restore:swapped");
    // The index follows the rows: one that does not fit is made anew from them, so that it may be swapped after them.
    let index = settings.data_dir.join(vectors::DIRECTORY);
    let index_aside = beside(&index, &format!(".before-restore-{stamp}"));
    let mut kept = vec![format!("the database {aside}")];
    if index.exists() {
        place::rename_new(&index, &index_aside)?;
        kept.push(index_aside.display().to_string());
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
    drop((half, lock));
    crash::point("restore:done");
    let mut restored = answer(&plan, &address, migrated);
    restored.notes.extend(notes);
    restored.aside = kept;
    let summary = format!("{} was restored in place", plan.backup.name);
    let detail = json!({ "name": plan.backup.name, "manifest": plan.backup.manifest, "aside": restored.aside });
    let unwritten = records::note(plan.site, Kind::Restore, plan.started_at, Outcome::Passed, &create::clipped(&summary), &detail);
    restored.notes.extend(unwritten);
    Ok(restored)
}

/// What a restore answers, with who has to be erased again.
fn answer(plan: &Plan<'_>, address: &Address, migrated: Vec<i64>) -> Restored {
    let (mut to_erase, mut notes) = (Vec::new(), plan.notes.clone());
    if !plan.erased.is_empty() {
        match records::aside(address, super::people::names) {
            Ok(names) => to_erase = names.into_iter().filter(|name| plan.erased.iter().any(|erased| erased.is_of(name))).collect(),
            // It is restored all the same.
            Err(error) => notes.push(format!("who has to be erased again could not be looked up: {error}")),
        }
    }
    Restored {
        backup: plan.backup.clone(),
        database: address.masked(),
        config_file: None,
        aside: Vec::new(),
        migrated,
        erasures: plan.erased.clone(),
        to_erase,
        notes,
        took: plan.site.clock.now() - plan.started_at,
    }
}

/// Finish a restore in place that was interrupted, or take it back.
pub(super) fn resume(site: &Site, finishes: bool) -> Result<super::Resumed> {
    let address = site.address()?;
    let Address::Sqlite(live) = &address else { return Err(Error::NothingInterrupted) };
    let journal = Journal::read(live)?.ok_or(Error::NothingInterrupted)?;
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
    records::note(site, Kind::Restore, started_at, outcome, &summary, &detail);
    Ok(super::Resumed { name: journal.name, finished: finishes, aside })
}
