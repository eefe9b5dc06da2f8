//! Restoring a backup into a new place, and what every restore begins and ends with.

use super::carry::{self, Carried};
use super::erasures::Erased;
use super::half::{self, Half};
use super::listing::Read;
use super::stage::{self, Secret, Taken};
use super::work::Tell;
use super::{
    Backup, Error, Finding, Place, Restore, Restored, Result, crash, create, erasures, examine, files, in_place, listing, place, records,
    server,
};
use crate::base::Millis;
use crate::search::vectors;
use crate::store::Address;
use crate::upkeep::Site;
use crate::upkeep::runs::{Kind, Outcome};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What is to be known of every restored deck.
pub(super) const PAUSED: &str =
    "nothing is sent from the restored deck, it is paused: look at what the account posted since, then `quarterdeck resume`";
/// The database in a new place.
const DATABASE: &str = "quarterdeck.db";

/// A restore that is about to be made.
pub(super) struct Plan<'a> {
    pub(super) site: &'a Site,
    pub(super) backup: Backup,
    pub(super) read: Read,
    pub(super) secrets: Vec<Secret>,
    /// Everybody who was erased, whenever that was.
    pub(super) erased: Vec<Erased>,
    pub(super) notes: Vec<String>,
    pub(super) started_at: Millis,
}

impl Plan<'_> {
    pub(super) fn taken(&self) -> Taken<'_> {
        Taken { dir: &self.backup.path, name: &self.backup.name, read: &self.read }
    }

    pub(super) fn is_on_server(&self) -> bool {
        self.read.manifest.database.engine == server::ENGINE
    }

    /// What the deck at `address` knows and the restored one must not forget. What could not be read of it is noted.
    pub(super) fn carried(&mut self, address: &Address) -> Carried {
        let (carried, unread) = Carried::of(address, self.site.clock.now());
        self.notes.extend(unread);
        let missing: Vec<Erased> =
            carried.erased.iter().filter(|person| !self.erased.iter().any(|known| known.digest == person.digest)).cloned().collect();
        self.erased.extend(missing);
        carried
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
        Ok(files::main_config(&self.read.manifest).filter(|_| count > 0).map(|name| config.join(name)))
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
    let erased = erasures::read(&site.backups())?;
    let notes = listing::ahead(&backup, started_at).into_iter().collect();
    let mut plan = Plan { site, backup, read, secrets: Vec::new(), erased, notes, started_at };
    plan.taken().is_known()?;
    if let Some(passphrase) = &asked.passphrase {
        plan.secrets = plan.taken().secrets(passphrase)?;
    }
    let notes = plan.taken().is_whole(recorded.as_deref(), tell)?;
    plan.notes.extend(notes);
    match &asked.place {
        Place::New { dir, database } => to_new(plan, dir, database.as_deref(), tell),
        Place::InPlace { configuration } => match site.address()? {
            Address::Sqlite(path) => in_place::in_place(plan, &path, *configuration, tell),
            Address::Postgres(url) => in_place::on_server(plan, &url, *configuration, tell),
        },
    }
}

/// Whether a directory is there. One that holds anything is refused, but for what a file system or a killed restore puts there.
fn is_there(dir: &Path) -> Result<bool> {
    let failed = |error: std::io::Error| Error::io("read", dir, &error);
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        other => other.map_err(failed)?,
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if name != half::NAME && name != "lost+found" {
            return Err(Error::Exists { path: dir.to_path_buf() });
        }
    }
    Ok(true)
}

/// Restore into a directory that is not there, or empty.
fn to_new(plan: Plan<'_>, dir: &Path, database: Option<&str>, tell: &Tell) -> Result<Restored> {
    let absolute = std::path::absolute(dir).map_err(|error| Error::io("find", dir, &error))?;
    let dir = absolute.as_path();
    let is_there = is_there(dir)?;
    let parent = dir.parent().unwrap_or(Path::new("/"));
    let half = if is_there {
        // In it, not beside it: it may be a disk of its own, in a directory that belongs to somebody else.
        place::room(dir, plan.read.manifest.bytes())?;
        Half::hold(&dir.join(half::NAME), None)?
    } else {
        place::make_directory(parent)?;
        place::room(parent, plan.read.manifest.bytes())?;
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Half::hold(&parent.join(format!("{}-{name}", half::NAME)), None)?
    };
    let into = half.path().to_path_buf();
    let taken = plan.taken();

    let (address, migrated, mut made) = if plan.is_on_server() {
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
        server::is_free(&url, new)?;
        // It gets its name when it is complete: what a killed restore leaves is known for what it is, and taken away.
        let time = place::stamp(plan.started_at).to_lowercase();
        let half_made = server::named(new, &format!("_restoring_{time}"));
        server::sweep(&url, half_made.trim_end_matches(time.as_str()))?;
        let made = server::Passing::make(&url, &half_made)?;
        let migrated = fill(&taken, &made.url(), &into.join("dump"), plan.site.clock.now(), tell)?;
        crash::point("restore:staged");
        (Address::Postgres(server::with_database(&url, new)), migrated, Some((made, new)))
    } else {
        let path = into.join(DATABASE);
        taken.file(&plan.read.manifest.database.file, &path, tell)?;
        let migrated = taken.migrate(&path, plan.site.clock.now(), tell)?;
        (Address::Sqlite(dir.join(DATABASE)), migrated, None)
    };
    taken.below(files::INDEX, &into.join(vectors::DIRECTORY), tell)?;
    let config_file = plan.configuration(&into.join(files::CONFIG), &into, tell)?;
    let config_file = config_file.and_then(|path| Some(dir.join(files::CONFIG).join(path.file_name()?)));
    let summary = format!("{} was restored to {}", plan.backup.name, dir.display());
    let detail = json!({ "name": plan.backup.name, "manifest": plan.backup.manifest, "to": dir.display().to_string() });
    let restored_into = made.as_ref().map_or_else(|| Address::Sqlite(into.join(DATABASE)), |(made, _)| Address::Postgres(made.url()));
    carry::give(&plan, &restored_into, &Carried::default(), &summary, &detail)?;
    tell.check()?;
    place::flush_directory(&into)?;
    if let Some((made, new)) = &mut made {
        made.rename(new)?;
    }
    if is_there {
        half.unpack(DATABASE)?;
    } else {
        half.rename(dir)?;
    }
    if let Some((made, _)) = made {
        made.keep();
    }
    let mut restored = answer(&plan, &address, migrated);
    if let Ok(found) = std::fs::metadata(dir)
        && place::mode(&found) & 0o077 != 0
    {
        let says = format!("others may enter {0} (mode {1:04o}): run `chmod 700 {0}`", dir.display(), place::mode(&found));
        restored.notes.push(says);
    }
    restored.config_file = config_file.filter(|path| path.exists());
    records::note(plan.site, Kind::Restore, plan.started_at, Outcome::Passed, &create::clipped(&summary), &detail);
    Ok(restored)
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

/// Names in the deck at `address` of people who were erased. Why they could not be looked up, where that is so: it is restored all the same.
pub(super) fn to_erase(address: &Address, erased: &[Erased]) -> (Vec<String>, Option<String>) {
    if erased.is_empty() {
        return (Vec::new(), None);
    }
    match records::aside(address, super::people::names) {
        Ok(names) => (names.into_iter().filter(|name| erased.iter().any(|erased| erased.is_of(name))).collect(), None),
        Err(error) => (Vec::new(), Some(format!("who has to be erased again could not be looked up: {error}"))),
    }
}

/// What a restore answers, with who has to be erased again.
pub(super) fn answer(plan: &Plan<'_>, address: &Address, migrated: Vec<i64>) -> Restored {
    let (to_erase, unknown) = to_erase(address, &plan.erased);
    let mut notes = plan.notes.clone();
    notes.extend(unknown);
    notes.push(PAUSED.to_owned());
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
