//! What `quarterdeck backup` prints.

use crate::base::{Millis, SafeText, clock};
use crate::cli::output::{Table, Tone, age};
use crate::cli::{Context, Failure, Outcome};
use crate::config::mask_address;
use crate::upkeep::Site;
use crate::upkeep::backup::{Backup, Drilled, Finding, Place, Pruned, Restore, Restored, Resumed, Verified, size};
use serde_json::json;
use std::path::Path;

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

/// How the restored deck is named to the program.
struct There {
    /// What to set before, as a part of a sentence; empty where the command says everything.
    with: String,
    /// The beginning of a command, to be typed as it stands.
    command: String,
}

impl There {
    fn of(context: &Context, site: &Site, asked: &Restore, restored: &Restored) -> Self {
        let Place::New { dir, .. } = &asked.place else { return Self::given(context) };
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
        let is_file = restored.backup.engine == "sqlite";
        let database = if is_file { format!("sqlite:{}", restored.database) } else { restored.database.clone() };
        // The address of the new database has the password of the one in the settings, masked by now.
        let is_masked = !is_file && mask_address(&site.settings.database) != site.settings.database;
        Self::named(restored.config_file.as_deref(), Some(&dir), Some(&database), is_masked)
    }

    /// The deck that this call was for.
    fn given(context: &Context) -> Self {
        let given = &context.global;
        let is_masked = given.database.as_ref().is_some_and(|database| mask_address(database) != *database);
        Self::named(given.config.as_deref(), given.data_dir.as_deref(), given.database.as_deref(), is_masked)
    }

    /// A password is not repeated, and without it the address leads nowhere: it is then to be set before.
    fn named(config: Option<&Path>, data_dir: Option<&Path>, database: Option<&str>, is_masked: bool) -> Self {
        let mut words = vec!["quarterdeck".to_owned()];
        for (option, path) in [("--config", config), ("--data-dir", data_dir)] {
            words.extend(path.map(|path| format!("{option} {}", quoted(&path.display().to_string()))));
        }
        let mut with = String::new();
        match database {
            Some(database) if is_masked => {
                with = format!(" (DATABASE_URL set to {}, with its password)", SafeText::line(&mask_address(database)));
            }
            Some(database) => words.push(format!("--database {}", quoted(database))),
            None => {}
        }
        Self { with, command: words.join(" ") }
    }

    /// The command that erases somebody there.
    fn erasure(&self, name: &str) -> String {
        // A name that begins as an option does.
        let name = if name.starts_with('-') { format!("u/{name}") } else { name.to_owned() };
        format!("{} erase user {} --yes", self.command, quoted(SafeText::line(&name).as_str()))
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_@%+=:,./-".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
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
        let there = There::of(context, site, asked, restored);
        if matches!(asked.place, Place::New { .. }) {
            context.out.say(format!("look at it with{}: {} queue list", there.with, there.command))?;
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
                let with = &there.with;
                context.out.say(format!("`--apply-erasures` erases them with the restore; now, in the restored deck{with}:"))?;
            }
            for name in &restored.to_erase {
                context.out.say(context.out.paint(&format!("  erase again: {}", there.erasure(name)), Tone::Warning))?;
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
        let there = There::given(context);
        for name in &resumed.to_erase {
            let again = format!("  erase again{}: {}", there.with, there.erasure(name));
            context.out.say(context.out.paint(&again, Tone::Warning))?;
        }
        Ok(())
    })?;
    Ok(if resumed.to_erase.is_empty() { Outcome::Done } else { Outcome::Problems })
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_takes_a_word_as_it_is() {
        assert_eq!(quoted("/srv/look/deck.db"), "/srv/look/deck.db");
        for word in ["", "a b", "it's", "$HOME", "a\\b", "`x`", "käse", "a\nb"] {
            let said = std::process::Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(word))).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), word);
        }
    }
}
