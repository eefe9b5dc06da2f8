//! What stands beside a file of the archive that an erasure wrote anew: where each of its pieces went.
//!
//! File and database cannot be changed in one step. A kill between the two, or an older database that is restored afterwards, leaves a
//! database that looks for the pieces where they no longer are. What stands beside the file brings it in step again. Nothing in it is
//! about a person.

use super::archive::{self, Archive, Piece};
use super::error::Result;
use crate::base::{Millis, sha256_hex};
use crate::store::audit::{self, Actor};
use crate::store::{self, Conn, Database, feed};
use crate::upkeep::runs;
use crate::vals;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;

/// How the files end.
const ENDING: &str = ".pieces";
/// States that are kept of a file: a kill may come before the newest one is in its place.
const KEPT: usize = 2;

/// The pieces of a file, each with the id of its batch.
pub(crate) type Pieces = Vec<(String, Piece)>;

/// A file as an erasure wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The erasure.
    pub request: String,
    /// Bytes of the whole file.
    pub length: i64,
    /// SHA-256 of them.
    pub digest: String,
    /// Its pieces.
    pub pieces: Vec<Place>,
}

/// Where a piece stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The batch.
    pub batch: String,
    /// Its first byte.
    pub position: i64,
    /// Its bytes.
    pub length: i64,
    /// SHA-256 of them.
    pub digest: String,
}

impl State {
    /// The state of a file of these bytes and pieces.
    pub fn new(request: &str, bytes: &[u8], pieces: &[(String, Piece)]) -> Self {
        let place = |(batch, piece): &(String, Piece)| Place {
            batch: batch.clone(),
            position: piece.position,
            length: piece.length,
            digest: piece.digest.clone(),
        };
        Self {
            request: request.to_owned(),
            length: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            digest: sha256_hex(bytes),
            pieces: pieces.iter().map(place).collect(),
        }
    }

    fn is_of(&self, bytes: &[u8]) -> bool {
        let own = usize::try_from(self.length).ok().and_then(|length| bytes.get(..length));
        own.is_some_and(|own| sha256_hex(own) == self.digest)
    }
}

/// The states that stand beside a file, the newest last. What is not understood counts as none: the file then has to fit by itself.
pub(crate) fn states(dir: &Path, name: &str) -> Vec<State> {
    std::fs::read(dir.join(format!("{name}{ENDING}"))).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Write a state down beside its file, before the file is put in its place.
pub(crate) fn note(archive: &Archive, name: &str, state: State) -> Result<()> {
    let mut all = states(archive.dir(), name);
    all.push(state);
    let from = all.len().saturating_sub(KEPT);
    archive.replace(&format!("{name}{ENDING}"), json!(all.get(from..).unwrap_or_default()).to_string().as_bytes())
}

/// How a file and the pieces that the database knows of it stand to each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Every piece stands where the database says.
    Fits,
    /// The file was written anew by this erasure, and its pieces stand here.
    Moved(String, Pieces),
    /// The bytes are others, and nobody says why.
    Broken,
}

/// Compare a file with the pieces that the database knows of it.
pub(crate) fn fit(bytes: &[u8], pieces: &[(String, Piece)], states: &[State]) -> Fit {
    if pieces.iter().all(|(_, piece)| piece.within(bytes).is_some()) {
        return Fit::Fits;
    }
    let Some(state) = states.iter().rev().find(|state| state.is_of(bytes)) else { return Fit::Broken };
    let moved = |(batch, old): &(String, Piece)| {
        let place = state.pieces.iter().find(|place| place.batch == *batch)?;
        let piece = Piece { file: old.file.clone(), position: place.position, length: place.length, digest: place.digest.clone() };
        Some((batch.clone(), piece))
    };
    let moved: Option<Pieces> = pieces.iter().map(moved).collect();
    moved.map_or(Fit::Broken, |moved| Fit::Moved(state.request.clone(), moved))
}

/// Write down where the pieces of a file went, with what they were before.
pub(crate) fn record(
    c: &mut dyn Conn,
    file: &str,
    (old, new): (&Pieces, &Pieces),
    (request, is_resumed): (&str, bool),
    actor: &Actor,
    at: Millis,
) -> store::Result<()> {
    for (id, piece) in new {
        c.exec(
            "UPDATE retention_batches SET position = $2, length = $3, digest = $4, rewritten_at = $5 WHERE id = $1",
            vals![id, piece.position, piece.length, &piece.digest, at],
        )?;
    }
    let digests =
        |pieces: &Pieces| -> Vec<Value> { pieces.iter().map(|(id, piece)| json!({ "batch": id, "digest": piece.digest })).collect() };
    let (before, mut after) = (json!({ "pieces": digests(old) }), json!({ "file": file, "pieces": digests(new) }));
    if is_resumed {
        after["resumed"] = json!(true);
    }
    let entry = audit::Entry {
        at,
        persona: None,
        actor,
        action: "erasure.archive",
        subject_kind: "erasure",
        subject_id: request,
        reason: None,
        before: &before,
        after: &after,
    };
    audit::append(c, &entry)?;
    feed::append(c, at, runs::TOPIC, None, "erasure.archive", request)?;
    Ok(())
}

/// What was found when files and database were brought in step.
#[derive(Debug, Default)]
pub(crate) struct InStep {
    /// What a killed run had archived without taking it away was moved here.
    pub unsettled: Vec<String>,
    /// Files whose bytes are not those that the database knows. They are left as they are.
    pub broken: Vec<String>,
}

/// Bring the database in step with the files, and move aside what a killed run wrote behind the last piece. A file is read only where its
/// length is not what the database says.
pub(crate) fn bring_in_step(archive: &Archive, db: &Database, actor: &Actor, at: Millis) -> Result<InStep> {
    let mut found = InStep::default();
    archive.sweep()?;
    for name in archive.files()? {
        let file = name.clone();
        let pieces = db.read_blocking(move |c| archive::pieces(c, &file))?;
        let mut known = archive::end(&pieces);
        if archive.length(&name)? == known {
            continue;
        }
        let bytes = archive::bytes(archive.dir(), &name)?;
        match fit(&bytes, &pieces, &states(archive.dir(), &name)) {
            Fit::Fits => {}
            Fit::Moved(request, moved) => {
                known = archive::end(&moved);
                let (file, actor) = (name.clone(), actor.clone());
                db.write_blocking(move |c| record(c, &file, (&pieces, &moved), (&request, true), &actor, at))?;
            }
            Fit::Broken => {
                found.broken.push(archive.dir().join(&name).display().to_string());
                continue;
            }
        }
        found.unsettled.extend(archive.settle(&name, known)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(from: i64, bytes: &[u8]) -> Piece {
        Piece { file: "f".to_owned(), position: from, length: bytes.len() as i64, digest: sha256_hex(bytes) }
    }

    #[test]
    fn pieces_are_found_again_where_an_erasure_put_them_and_nowhere_else() {
        let old = [("a".to_owned(), piece(0, b"aaaa")), ("b".to_owned(), piece(4, b"bb"))];
        let new = [("a".to_owned(), piece(0, b"AAAAAA")), ("b".to_owned(), piece(6, b"bb"))];
        let states = [State::new("first", b"AAAAAAbb", &new)];
        assert_eq!(fit(b"aaaabb", &old, &states), Fit::Fits);
        assert_eq!(fit(b"aaaabb and a torn end", &old, &[]), Fit::Fits);
        assert_eq!(fit(b"AAAAAAbb", &old, &states), Fit::Moved("first".to_owned(), new.to_vec()));
        assert_eq!(fit(b"AAAAAAbb", &old[..1], &states), Fit::Moved("first".to_owned(), new[..1].to_vec()), "an older database");
        assert_eq!(fit(b"AAAAAAbX", &old, &states), Fit::Broken);
        assert_eq!(fit(b"AAAAAAbb", &old, &[]), Fit::Broken);
        let foreign = [("c".to_owned(), piece(0, b"cc"))];
        assert_eq!(fit(b"AAAAAAbb", &foreign, &states), Fit::Broken, "a batch that nobody knows of");
    }
}
