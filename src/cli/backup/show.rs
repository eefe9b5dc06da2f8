//! What `quarterdeck backup` prints.

use crate::base::{Millis, SafeText, clock};
use crate::cli::output::{Table, Tone, age};
use crate::cli::{Context, Failure, Outcome};
use crate::upkeep::Site;
use crate::upkeep::backup::{Backup, Drilled, Finding, Place, Pruned, Restore, Restored, Resumed, Verified, size};
use serde_json::json;

fn ended(findings: &[Finding]) -> Outcome {
    if findings.is_empty() { Outcome::Done } else { Outcome::Problems }
}

fn notes(context: &Context, notes: &[String]) -> Result<(), Failure> {
    notes.iter().try_for_each(|note| context.out.text(&format!("note: {}", SafeText::new(note))))
}

fn faults(context: &Context, findings: &[Finding]) -> Result<(), Failure> {
    for finding in findings {
        let word = serde_json::to_value(finding.fault).ok().and_then(|word| word.as_str().map(|word| word.replace('_', " ")));
        let word = context.out.paint(&word.unwrap_or_default(), Tone::Bad);
        context.out.text(&format!("  {word}: {}", SafeText::new(&finding.to_string())))?;
    }
    Ok(())
}

pub(super) fn created(context: &Context, made: &Backup) -> Result<Outcome, Failure> {
    context.out.either(made, || {
        let state = if made.is_faulty { "made of a DAMAGED database" } else { "made and verified" };
        context.out.say(format!("{}: {state}", made.name))?;
        context.out.pairs(&[
            ("path", made.path.display().to_string()),
            ("holds", format!("{} rows, {}, schema version {} on {}", made.rows, size(made.bytes), made.schema_version, made.engine)),
            ("secrets", if made.has_secrets { "encrypted with the passphrase" } else { "none" }.to_owned()),
            ("manifest", format!("sha256 {}", made.manifest)),
        ])?;
        notes(context, &made.notes)
    })?;
    Ok(if made.is_faulty { Outcome::Problems } else { Outcome::Done })
}

fn state(context: &Context, backup: &Backup, now: Millis) -> String {
    match (&backup.problem, backup.is_faulty, backup.verified_at) {
        (Some(_), ..) => context.out.paint("not understood", Tone::Bad),
        (None, true, _) => context.out.paint("FAULTY", Tone::Bad),
        (None, false, Some(at)) => age(at, now),
        (None, false, None) => context.out.paint("never", Tone::Warning),
    }
}

pub(super) fn list(context: &Context, site: &Site, backups: &[Backup]) -> Result<Outcome, Failure> {
    let now = context.clock.now();
    context.out.either(&json!({ "directory": site.backups(), "backups": backups }), || {
        let mut table = Table::new(&["name", "age", "size", "schema", "verified", "drilled"]).right(2).right(3);
        for backup in backups {
            let drilled = backup.drilled_at.map_or_else(|| "never".to_owned(), |at| age(at, now));
            let (age, verified) = (age(backup.made_at, now), state(context, backup, now));
            table.row([backup.name.clone(), age, size(backup.bytes), backup.schema_version.to_string(), verified, drilled]);
        }
        context.out.table(&table, "there is no backup yet: `quarterdeck backup create` makes one")?;
        let mut said: Vec<String> = backups
            .iter()
            .filter_map(|backup| backup.problem.clone())
            .chain(backups.iter().flat_map(|backup| backup.notes.clone()))
            .collect();
        said.dedup();
        notes(context, &said)
    })?;
    Ok(if backups.iter().any(|backup| backup.is_faulty) { Outcome::Problems } else { Outcome::Done })
}

pub(super) fn verified(context: &Context, found: &Verified) -> Result<Outcome, Failure> {
    context.out.either(found, || {
        let (name, took) = (&found.backup.name, clock::duration(found.took));
        if found.findings.is_empty() {
            context.out.say(format!("{name} is {} ({took})", context.out.paint("whole", Tone::Good)))?;
        } else if !found.backup.is_faulty {
            context.out.say(format!("{name} is whole, but ({took}):"))?;
            faults(context, &found.findings)?;
        } else {
            context.out.say(format!("{name} is {} ({took}):", context.out.paint("not whole", Tone::Bad)))?;
            faults(context, &found.findings)?;
            context.out.say("keep it until another one is whole; `quarterdeck backup list` shows the others")?;
        }
        notes(context, &found.notes)
    })?;
    Ok(ended(&found.findings))
}

pub(super) fn drilled(context: &Context, found: &Drilled) -> Result<Outcome, Failure> {
    context.out.either(found, || {
        let name = &found.backup.name;
        if found.findings.is_empty() {
            context.out.say(format!("the drill on {name} {}", context.out.paint("passed", Tone::Good)))?;
        } else {
            context.out.say(format!("the drill on {name} {}:", context.out.paint("found problems", Tone::Bad)))?;
            faults(context, &found.findings)?;
        }
        context.out.pairs(&[
            ("recovery time", clock::duration(found.recovery_time)),
            ("recovery point", format!("{} would be lost", clock::duration(found.recovery_point))),
            ("answered", found.answered.join(", ")),
        ])?;
        notes(context, &found.notes)
    })?;
    Ok(ended(&found.findings))
}

pub(super) fn pruned(context: &Context, site: &Site, pruned: &Pruned) -> Result<Outcome, Failure> {
    context.out.either(pruned, || {
        let now = context.clock.now();
        let mut table = Table::new(&["name", "age", "size", "what", "why"]).right(2);
        for kept in &pruned.backups {
            let what = match (kept.stays, pruned.dry_run) {
                (true, _) => "stays".to_owned(),
                (false, true) => context.out.paint("would go", Tone::Warning),
                (false, false) => context.out.paint("gone", Tone::Warning),
            };
            let (name, size) = (kept.backup.name.clone(), size(kept.backup.bytes));
            table.row([name, age(kept.backup.made_at, now), size, what, kept.why.clone()]);
        }
        context.out.table(&table, &format!("there is no backup in {}", site.backups().display()))?;
        let (count, freed) = (pruned.backups.iter().filter(|kept| !kept.stays).count(), size(pruned.freed));
        let word = if pruned.dry_run { "would be freed" } else { "were freed" };
        context.out.say(format!("{count} of {} backups: {freed} {word}", pruned.backups.len()))
    })?;
    Ok(Outcome::Done)
}

pub(super) fn restored(context: &Context, site: &Site, asked: &Restore, restored: &Restored) -> Result<Outcome, Failure> {
    context.out.either(restored, || {
        let name = &restored.backup.name;
        context.out.say(format!("{name} was restored in {}", clock::duration(restored.took)))?;
        let mut pairs = vec![("database", restored.database.clone())];
        pairs.extend(restored.config_file.iter().map(|path| ("configuration", path.display().to_string())));
        pairs.extend(restored.aside.iter().map(|aside| ("kept aside", aside.clone())));
        if !restored.migrated.is_empty() {
            let versions: Vec<String> = restored.migrated.iter().map(ToString::to_string).collect();
            pairs.push(("migrated", format!("to version {}", versions.last().cloned().unwrap_or_default())));
        }
        context.out.pairs(&pairs)?;
        if let Place::New { dir, .. } = &asked.place {
            let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
            let config = restored.config_file.as_ref().map_or_else(String::new, |path| format!(" --config {}", path.display()));
            let database =
                if restored.backup.engine == "sqlite" { format!("sqlite:{}", restored.database) } else { restored.database.clone() };
            context
                .out
                .say(format!("look at it with: quarterdeck{config} --data-dir {} --database {database} queue list", dir.display()))?;
        }
        notes(context, &restored.notes)?;
        if !restored.erasures.is_empty() {
            let (count, dir) = (restored.erasures.len(), site.backups());
            let who = if count == 1 { "1 person was erased".to_owned() } else { format!("{count} erasures were asked for") };
            context.out.say(format!("{who}, and the restored deck writes to none of them ({}/erasures.jsonl)", dir.display()))?;
            if restored.to_erase.is_empty() && !restored.notes.iter().any(|note| note.ends_with("erased again")) {
                context.out.say("none of them stands in a column of names of the restored deck; texts may still mention them")?;
            }
            if !restored.to_erase.is_empty() {
                context.out.say("`--apply-erasures` erases them with the restore; now, in the restored deck:")?;
            }
            for name in &restored.to_erase {
                context
                    .out
                    .say(context.out.paint(&format!("  erase again: quarterdeck erase user {}", SafeText::line(name)), Tone::Warning))?;
            }
        }
        Ok(())
    })?;
    Ok(if restored.to_erase.is_empty() { Outcome::Done } else { Outcome::Problems })
}

pub(super) fn resumed(context: &Context, resumed: &Resumed) -> Result<Outcome, Failure> {
    context.out.either(resumed, || {
        let what = if resumed.finished { "is in place" } else { "was taken back; the old deck is in place" };
        context.out.say(format!("the restore of {} {what}", resumed.name))?;
        let pairs: Vec<(&str, String)> = resumed.aside.iter().map(|aside| ("kept aside", aside.clone())).collect();
        context.out.pairs(&pairs)?;
        notes(context, &resumed.notes)?;
        for name in &resumed.to_erase {
            let again = format!("  erase again: quarterdeck erase user {}", SafeText::line(name));
            context.out.say(context.out.paint(&again, Tone::Warning))?;
        }
        Ok(())
    })?;
    Ok(if resumed.to_erase.is_empty() { Outcome::Done } else { Outcome::Problems })
}
