//! Taking old backups away.

use super::keep::{self, Rule};
use super::{Error, Pruned, Result, listing, place, records};
use crate::upkeep::Site;
use crate::upkeep::runs::{Kind, Outcome};
use serde_json::json;

/// [`super::prune`].
pub(super) fn prune(site: &Site, dry_run: bool) -> Result<Pruned> {
    let started_at = site.clock.now();
    let dir = site.backups();
    let unknown = |why: String| Error::Unfit { reason: format!("nothing is removed: which backups were verified is unknown ({why})") };
    let known = records::all(site).map_err(unknown)?;
    let held = if dry_run || !dir.exists() { None } else { Some(place::hold(&dir)?) };
    let settings = &site.settings.backup;
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let rule = Rule { daily: count(settings.keep_daily), weekly: count(settings.keep_weekly), monthly: count(settings.keep_monthly) };
    let backups = keep::decide(listing::all(site, &Ok(known))?, rule, started_at);
    let going: Vec<_> = backups.iter().filter(|kept| !kept.stays).map(|kept| kept.backup.clone()).collect();
    let freed = going.iter().map(|backup| backup.bytes).sum();
    if held.is_some() && !going.is_empty() {
        for backup in &going {
            // Renamed first: a removal that is killed leaves nothing that looks like a backup.
            let away = dir.join(format!(".making-removed-{}", backup.name));
            place::rename_new(&backup.path, &away)?;
            place::remove(&away)?;
        }
        let names: Vec<&str> = going.iter().map(|backup| backup.name.as_str()).collect();
        let summary = format!("{} of {} backups were removed, {} freed", going.len(), backups.len(), place::size(freed));
        let detail = json!({ "removed": names, "freed": freed, "kept": backups.len() - going.len() });
        records::note(site, Kind::Prune, started_at, Outcome::Passed, &summary, &detail);
    }
    Ok(Pruned { backups, freed, dry_run })
}
