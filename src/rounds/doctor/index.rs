//! The index of search: whether its file loads, and whether it keeps up with the database.

use crate::rounds::found::{Found, Look, count};
use crate::rounds::patient::Patient;
use crate::search::documents::ingest;
use crate::search::embed::Model;
use crate::search::vectors::{self, StoredModel, Vectors};
use crate::store::audit::Actor;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Changes up to which it counts as up to date: a running agent takes them in, and every search does before it answers.
const BEHIND: i64 = 1_000;

/// The index of a model as its file has it.
pub(in crate::rounds) fn saved(patient: &Patient, model: &StoredModel) -> Vectors {
    opened(patient, &patient.data_dir().join(vectors::DIRECTORY), model)
}

/// How directories of links begin.
const LINKS: &str = ".doctor-";

/// Remove what a doctor left that was killed, an hour later: no check takes so long.
fn sweep(data_dir: &Path) {
    const LEFT: Duration = Duration::from_secs(3_600);
    for entry in std::fs::read_dir(data_dir).into_iter().flatten().flatten() {
        let is_left = || entry.metadata().and_then(|found| found.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LEFT));
        if entry.file_name().to_string_lossy().starts_with(LINKS) && is_left() {
            // One that stays is tried again by the next look.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The files of the index under names of their own, in a directory that is gone when this is dropped: opening a file that cannot be used sets it
/// aside, and a look changes nothing.
fn linked(patient: &Patient) -> Result<tempfile::TempDir, Found> {
    let failed = |error: std::io::Error| Found::unknown(format!("the files of the index cannot be looked at: {error}"));
    sweep(&patient.data_dir());
    let directory = tempfile::Builder::new().prefix(LINKS).tempdir_in(patient.data_dir()).map_err(failed)?;
    for entry in std::fs::read_dir(patient.data_dir().join(vectors::DIRECTORY)).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            std::fs::hard_link(entry.path(), directory.path().join(entry.file_name())).map_err(failed)?;
        }
    }
    Ok(directory)
}

fn opened(patient: &Patient, directory: &Path, model: &StoredModel) -> Vectors {
    let graph_from = patient.settings.as_ref().and_then(|settings| settings.graph_from);
    let model = Model { name: model.name.clone(), dimensions: model.dimensions };
    Vectors::open(directory, model, &vectors::Settings { graph_from })
}

impl From<vectors::Error> for Found {
    fn from(error: vectors::Error) -> Self {
        Self::unknown(error.to_string())
    }
}

impl From<crate::search::Error> for Found {
    fn from(error: crate::search::Error) -> Self {
        Self::unknown(error.to_string())
    }
}

/// The index loads and keeps up.
pub(super) fn look(patient: &Patient) -> Look {
    let behind = patient.read(ingest::behind)?;
    let (position, models) = patient.read(|c| -> vectors::Result<_> { Ok((vectors::position(c)?, vectors::models(c)?)) })?;
    let directory = linked(patient)?;
    let (mut notes, mut detail, mut late) = (Vec::new(), Vec::<Value>::new(), 0);
    for model in &models {
        let status = opened(patient, directory.path(), model).status();
        late = late.max(position.change - status.change);
        detail.push(json!({
            "model": model.name, "stored": model.vectors, "unreadable": model.unreadable, "in_file": status.vectors,
            "changes_behind": position.change - status.change, "file_bytes": status.file_bytes,
        }));
        notes.extend(status.notes);
    }
    let detail = json!({ "changes_behind": behind, "models": detail, "notes": notes });
    let catch_up = "quarterdeck doctor --fix --only index";
    let found = match (notes.first(), behind) {
        (Some(note), _) => {
            Found::fail(format!("a file of the index cannot be used: {note}")).remedy("make it anew from the stored vectors", catch_up)
        }
        (None, None) => Found::unknown("search has not begun to follow: it begins with an agent or the first search")
            .remedy("let it catch up", catch_up),
        (None, Some(changes)) if changes > BEHIND => {
            Found::warn(format!("search is {} behind: nobody takes them in", count(changes, "change", "changes")))
                .remedy("let it catch up", catch_up)
        }
        (None, Some(_)) if late > 10 * BEHIND => {
            Found::warn(format!("the index file is {} behind: the first search is slow", count(late, "change", "changes")))
                .remedy("let it catch up", catch_up)
        }
        (None, Some(changes)) => {
            let vectors: i64 = models.iter().map(|model| model.vectors).sum();
            let state = if changes == 0 { "up to date".to_owned() } else { format!("{} behind", count(changes, "change", "changes")) };
            Found::pass(format!("{} and {state}", count(vectors, "vector", "vectors")))
        }
    };
    Ok(found.detail(detail))
}

/// Take in what is new, and write the file.
pub(super) fn fix(patient: &Patient, _: &Actor) -> Result<String, Found> {
    let search = patient.search()?;
    patient.wait(search.follow())??;
    let models = patient.read(|c| -> vectors::Result<_> { vectors::models(c) })?;
    let mut vectors = 0;
    for model in &models {
        let index = saved(patient, model);
        let reading = index.clone();
        patient.read(move |c| -> vectors::Result<_> { reading.catch_up(c) })?;
        index.save()?;
        vectors += index.status().vectors;
    }
    let behind = patient.read(ingest::behind)?;
    Ok(format!("search caught up; {} in the index, {} left", count(vectors as i64, "vector", "vectors"), behind.unwrap_or_default()))
}
