//! Verifying a backup, and writing down how it went.

use super::work::Tell;
use super::{Fault, Finding, Result, Verified, create, examine, listing, records};
use crate::upkeep::Site;
use crate::upkeep::runs::{Kind, Outcome};

/// [`super::verify`].
pub(super) fn verify(site: &Site, name: &str, tell: &Tell) -> Result<Verified> {
    let started_at = site.clock.now();
    let known = records::all(site);
    let mut backup = listing::one(site, Some(name), &known)?;
    let recorded = known.as_ref().ok().and_then(|known| known.get(&backup.name)).and_then(|known| known.manifest.as_deref());
    let examined = examine::whole(&backup.path, &backup.name, recorded, tell)?;
    let mut notes = examined.notes;
    let findings = sorted(examined.findings);
    let is_whole = is_whole(&findings);
    let (outcome, summary) = if findings.is_empty() {
        (Outcome::Passed, format!("{} is whole", backup.name))
    } else if is_whole {
        (Outcome::Problems, format!("{} is whole, but: {}", backup.name, create::joined(&findings)))
    } else {
        (Outcome::Problems, format!("{} is not whole: {}", backup.name, create::joined(&findings)))
    };
    let mut detail = records::detail(&backup);
    detail["findings"] = records::findings(&findings);
    // Whoever opens the directory to others does not make the backup one that may not be restored, or that is taken away.
    detail["whole"] = is_whole.into();
    let unwritten = records::note(site, Kind::BackupVerify, started_at, outcome, &create::clipped(&summary), &detail);
    backup.is_faulty = !is_whole;
    if findings.is_empty() {
        backup.verified_at = Some(site.clock.now());
    }
    notes.extend(unwritten);
    Ok(Verified { backup, findings, notes, took: site.clock.now() - started_at })
}

/// The worst first: what explains the others.
pub(super) fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| finding.fault);
    findings.dedup();
    findings
}

/// Whether what was found leaves the content as it was.
pub(super) fn is_whole(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| matches!(finding.fault, Fault::Stale | Fault::WrongMode))
}
