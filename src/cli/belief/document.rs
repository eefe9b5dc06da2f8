//! All beliefs as one JSON document, out and in.

use super::Desk;
use crate::base::SafeText;
use crate::cli::{Failure, Outcome, signals};
use crate::memory::interchange::{self, Document};
use crate::moderation::Right;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::path::Path;

/// The largest document that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

pub(super) fn export(desk: &Desk<'_>, output: Option<&Path>) -> Result<Outcome, Failure> {
    signals::finish_on_stop(desk.context)?;
    let now = desk.now;
    let document = desk.read(move |c, persona| interchange::export(c, persona, now))?;
    let Some(path) = output else {
        desk.context.out.emit(&document)?;
        return Ok(Outcome::Done);
    };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("{} cannot be written: {error}", path.display()))
            .hint("name a file that is not there yet, in a directory of yours")
    };
    let text = serde_json::to_string_pretty(&document).map_err(|error| failed(&error))?;
    write(path, &text).map_err(|error| failed(&error))?;
    let counts = document.counts();
    desk.context.out.either(&json!({ "file": path, "counts": counts }), || {
        desk.context.out.say(format!("{} beliefs with {} stances written to {}", counts.beliefs, counts.stances, path.display()))
    })?;
    Ok(Outcome::Done)
}

/// Write a file that is not there yet, for its owner only. It has its name when it is whole.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

pub(super) fn import(desk: &Desk<'_>, file: &Path, dry_run: bool, reason: String) -> Result<Outcome, Failure> {
    let text = read(file)?;
    signals::finish_on_stop(desk.context)?;
    let document: Document = serde_json::from_str(&text).map_err(|error| {
        Failure::failed(format!("{} is no document of beliefs: {error}", file.display()))
            .hint("`quarterdeck belief export` shows the form; docs/beliefs.md describes it")
    })?;
    let done =
        desk.write(Right::Personas, move |c, persona, author| interchange::import(c, persona, &document, &reason, dry_run, author))?;
    let out = &desk.context.out;
    let name = &desk.persona.reddit_username;
    out.either(&json!(done), || {
        for problem in &done.problems {
            out.say(format!("✗ {}: {}", SafeText::line(&problem.place), SafeText::line(&problem.what)))?;
        }
        let counts = done.counts;
        let held = format!(
            "{} beliefs, {} stances, {} pieces of evidence, {} updates, {} edges",
            counts.beliefs, counts.stances, counts.evidence, counts.updates, counts.edges
        );
        match (done.written, done.problems.is_empty()) {
            (true, _) => out.say(format!("imported into {name}: {held}")),
            (false, true) => out.say(format!("would be imported into {name}: {held}; nothing was written")),
            (false, false) => out.say("nothing was written"),
        }
    })?;
    Ok(if done.problems.is_empty() { Outcome::Done } else { Outcome::Problems })
}

fn read(file: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("{} cannot be read: {error}", file.display()));
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).map_err(failed)?.take(MAX_BYTES).read_to_string(&mut text)
    };
    let read = read.map_err(failed)?;
    if read as u64 == MAX_BYTES {
        return Err(Failure::failed(format!("{} is larger than 1 GiB", file.display())).hint("export fewer beliefs, or split the document"));
    }
    Ok(text)
}
