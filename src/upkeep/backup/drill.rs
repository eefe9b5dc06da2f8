//! The drill: a backup is restored into a scratch place and tried there, which is the only proof that it can be.

use super::listing::Read;
use super::stage::{self, Taken};
use super::work::Tell;
use super::{Drilled, Error, Fault, Finding, Result, create, examine, files, listing, place, records, restore, server, smoke, verify};
use crate::base::{Millis, clock};
use crate::search::vectors;
use crate::store::{self, Address};
use crate::upkeep::Site;
use crate::upkeep::runs::{Kind, Outcome};
use std::time::Instant;

/// [`super::drill`].
pub(super) fn drill(site: &Site, name: Option<&str>, tell: &Tell) -> Result<Drilled> {
    let started_at = site.clock.now();
    let known = records::all(site);
    let mut backup = listing::one(site, name, &known)?;
    let dir = site.backups();
    let _held = place::hold(&dir)?;
    let recorded = known.as_ref().ok().and_then(|known| known.get(&backup.name)).and_then(|known| known.manifest.as_deref());
    let began = Instant::now();
    let examined = examine::manifest(&backup.path, &backup.name, recorded);
    let (mut findings, mut notes, mut answered) = (examined.findings, examined.notes, Vec::new());
    if let Some(read) = &examined.read {
        let taken = Taken { dir: &backup.path, name: &backup.name, read };
        taken.is_known()?;
        findings.extend(examine::files(&backup.path, &read.manifest, tell)?);
        place::room(&dir, read.manifest.bytes())?;
        let scratch = place::Passing::scratch(&dir, &backup.name)?;
        let tried = Tried { site, taken, scratch: scratch.path(), tell };
        let found =
            if read.manifest.database.engine == server::ENGINE { tried.on_server(&mut answered)? } else { tried.as_file(&mut answered)? };
        findings.extend(found);
        notes.extend(behind(site, read));
    }
    let recovery_time = Millis::try_from(began.elapsed().as_millis()).unwrap_or(Millis::MAX);
    let age = site.clock.now() - backup.made_at;
    let most = Millis::from(site.settings.backup.max_age_hours) * 3_600_000;
    if backup.is_ahead(site.clock.now()) {
        let says = format!("it was made {} in the future: the clock is wrong, or was", clock::duration(-age));
        findings.push(Finding::new(Fault::Stale, &backup.name, says));
    } else if age > most {
        let says = format!("it is {} old, backup.max_age_hours allows {}", clock::duration(age), clock::duration(most));
        findings.push(Finding::new(Fault::Stale, &backup.name, says));
    }
    let findings = verify::sorted(findings);
    let is_whole = verify::is_whole(&findings);
    let recovery_point = age.max(0);
    let (outcome, summary) = if findings.is_empty() {
        let (time, point) = (clock::duration(recovery_time), clock::duration(recovery_point));
        (Outcome::Passed, format!("{} was restored and answered in {time}; restoring it now would lose {point}", backup.name))
    } else {
        (Outcome::Problems, format!("the drill on {} found: {}", backup.name, create::joined(&findings)))
    };
    let mut detail = records::detail(&backup);
    detail["findings"] = records::findings(&findings);
    detail["whole"] = is_whole.into();
    detail["recovery_time_ms"] = recovery_time.into();
    detail["recovery_point_ms"] = recovery_point.into();
    let unwritten = records::note(site, Kind::Drill, started_at, outcome, &create::clipped(&summary), &detail);
    notes.extend(unwritten);
    backup.is_faulty = !is_whole;
    if findings.is_empty() {
        (backup.verified_at, backup.drilled_at) = (Some(site.clock.now()), Some(site.clock.now()));
    }
    Ok(Drilled { backup, findings, notes, recovery_time, recovery_point, answered })
}

/// What is known about an index that was copied before its rows.
fn behind(site: &Site, read: &Read) -> Option<String> {
    let _ = site;
    let has_index = read.manifest.files.iter().any(|file| file.path.starts_with(files::INDEX));
    (!has_index && read.manifest.database.tables.iter().any(|table| table.name == "search_vectors" && table.rows > 0))
        .then(|| "the backup holds no index of vectors: it is made anew from the rows when search is first asked".to_owned())
}

struct Tried<'a> {
    site: &'a Site,
    taken: Taken<'a>,
    scratch: &'a std::path::Path,
    tell: &'a Tell,
}

impl Tried<'_> {
    fn as_file(&self, answered: &mut Vec<String>) -> Result<Vec<Finding>> {
        let manifest = &self.taken.read.manifest;
        let path = self.scratch.join("quarterdeck.db");
        match self.taken.file(&manifest.database.file, &path, self.tell) {
            // Said by the comparison of the files. What can be restored of it is looked at all the same.
            Err(Error::NotWhole { .. }) => {}
            Err(error @ Error::Io { what: "read", .. }) => {
                return Ok(vec![Finding::new(Fault::Unusable, &manifest.database.file, error.to_string())]);
            }
            other => other?,
        }
        self.index()?;
        let mut findings = examine::database(manifest, &path, self.tell)?;
        let address = Address::Sqlite(path);
        let migrated = if findings.iter().any(|finding| finding.fault == Fault::Damaged) {
            Err("it is damaged".to_owned())
        } else {
            stage::migrate(&address, self.site.clock.now()).map_err(|error| error.to_string())
        };
        findings.extend(self.ask(&address, migrated, answered));
        Ok(findings)
    }

    fn on_server(&self, answered: &mut Vec<String>) -> Result<Vec<Finding>> {
        let Address::Postgres(url) = self.site.address()? else {
            let reason = "this backup holds a PostgreSQL database: a drill needs a server, named with --database postgres://…".to_owned();
            return Err(Error::Unfit { reason });
        };
        server::sweep(&url, server::DRILL)?;
        let made = server::Passing::make(&url, &format!("{}{}", server::DRILL, crate::base::new_id().replace('-', "_")))?;
        let (dump, mut findings) = (self.scratch.join("dump"), Vec::new());
        let subject = self.taken.read.manifest.database.file.as_str();
        let filled = match self.taken.file(subject, &dump, self.tell) {
            Err(Error::NotWhole { .. }) | Ok(()) => server::fill(&made.url(), &dump, self.tell),
            Err(error) => Err(error),
        };
        match filled {
            Ok(()) => findings.extend(restore::compare(&self.taken, &made.url(), self.tell)?),
            Err(Error::Stopped) => return Err(Error::Stopped),
            Err(error @ (Error::NoProgram { .. } | Error::Store(_))) => return Err(error),
            Err(error) => {
                findings.push(Finding::new(Fault::Damaged, subject, error.to_string()));
                return Ok(findings);
            }
        }
        self.index()?;
        let address = Address::Postgres(made.url());
        let migrated = stage::migrate(&address, self.site.clock.now()).map_err(|error| error.to_string());
        findings.extend(self.ask(&address, migrated, answered));
        Ok(findings)
    }

    fn index(&self) -> Result<()> {
        match self.taken.below(files::INDEX, &self.scratch.join(vectors::DIRECTORY), self.tell) {
            // Said by the comparison of the files.
            Err(Error::NotWhole { .. } | Error::Io { what: "read", .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Open the restored deck with the application and ask it.
    fn ask(&self, address: &Address, migrated: Result<Vec<i64>, String>, answered: &mut Vec<String>) -> Option<Finding> {
        let asked = migrated.and_then(|passed| {
            if !passed.is_empty() {
                answered.push(format!("{} migrations to version {}", passed.len(), store::newest_version()));
            }
            smoke::ask(address, &self.scratch.join(vectors::DIRECTORY), &self.site.clock)
        });
        match asked {
            Ok(said) => {
                answered.extend(said);
                None
            }
            Err(why) => Some(Finding::new(Fault::Unusable, "the application", format!("it cannot work with the restored deck: {why}"))),
        }
    }
}
