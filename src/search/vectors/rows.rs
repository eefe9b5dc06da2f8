//! The stored vectors: rows of `search_vectors`, their models, and the number of the newest change.

use super::numbers;
use super::{Error, Result};
use crate::base::{Millis, PersonaId, new_id};
use crate::search::embed::Model;
use crate::store::{Conn, Row, Val};
use crate::vals;

/// Where the table stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// What tells this database from another one; empty before anything was stored.
    pub database: String,
    /// The newest change.
    pub change: i64,
}

/// A model that vectors are stored of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StoredModel {
    /// Its name.
    pub name: String,
    /// Numbers in a vector of it.
    pub dimensions: usize,
    /// Passages that it has a vector for.
    pub vectors: i64,
    /// Passages that it could not read.
    pub unreadable: i64,
}

/// A model whose vectors are still in use while another one reads their passages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// Which one.
    pub model: Model,
    /// How it was reached, as [`remember`] was told.
    pub recipe: Option<String>,
}

/// A changed row, as an index reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Changed {
    pub passage: i64,
    pub change: i64,
    pub persona: Option<PersonaId>,
    pub model: Option<i64>,
    pub vector: Option<Vec<u8>>,
    pub stamp: i64,
}

/// What the rows of a model add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Sums {
    /// Vectors.
    pub count: i64,
    /// Sum of their stamps.
    pub stamps: i64,
}

/// Write the vector of a passage, in place of an earlier one; `None` where the model cannot read the passage.
///
/// # Errors
/// [`Error::Dimensions`], [`Error::NotANumber`], [`Error::Zero`]; and when the engine refuses.
pub fn put(c: &mut dyn Conn, passage: i64, persona: Option<&PersonaId>, model: &Model, vector: Option<&[f32]>, at: Millis) -> Result<()> {
    let stored = match vector {
        Some(vector) => {
            numbers::check(vector, model.dimensions)?;
            Some(numbers::stored(vector))
        }
        None => None,
    };
    let stamp = stored.as_ref().map_or(0, |stored| i64::from(numbers::stamp(passage, stored)));
    let model = model_for_writing(c, model)?;
    let change = next_change(c)?;
    c.exec(
        "INSERT INTO search_vectors (passage, persona_id, model, vector, change, stamp, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (passage) DO UPDATE SET persona_id = excluded.persona_id, model = excluded.model, vector = excluded.vector,
           change = excluded.change, stamp = excluded.stamp, at = excluded.at",
        vals![passage, persona, model, stored, change, stamp, at],
    )?;
    Ok(())
}

/// Take a passage out of the index. One that has no vector is left as it is.
///
/// # Errors
/// When the engine refuses.
pub fn forget(c: &mut dyn Conn, passage: i64, at: Millis) -> Result<()> {
    if c.first("SELECT change FROM search_vectors WHERE passage = $1 AND model IS NOT NULL", vals![passage])?.is_none() {
        return Ok(());
    }
    let change = next_change(c)?;
    c.exec(
        "UPDATE search_vectors SET persona_id = NULL, model = NULL, vector = NULL, change = $2, stamp = 0, at = $3 WHERE passage = $1",
        vals![passage, change, at],
    )?;
    Ok(())
}

/// At most `limit` passages after `after` whose latest vector is of another model than `model`, in the order of their ids.
///
/// # Errors
/// When the engine refuses.
pub fn stale(c: &mut dyn Conn, model: &Model, after: i64, limit: usize) -> Result<Vec<i64>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let others = c.query("SELECT id FROM search_vector_models WHERE name <> $1 ORDER BY id", vals![&model.name])?;
    let mut found = Vec::new();
    // One walk of the index for each other model: there are few, and the walk of one that nothing is left of ends at once.
    for other in &others {
        let rows = c.query(
            "SELECT passage FROM search_vectors WHERE model = $1 AND passage > $2 ORDER BY passage LIMIT $3",
            vals![other.int("id")?, after, limit],
        )?;
        for row in &rows {
            found.push(row.int("passage")?);
        }
    }
    found.sort_unstable();
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// How many passages have a vector of another model than `model`: what a new model has still to do.
///
/// # Errors
/// When the engine refuses.
pub fn count_stale(c: &mut dyn Conn, model: &Model) -> Result<i64> {
    let row = c.first(
        "SELECT count(*) AS n FROM search_vectors v JOIN search_vector_models m ON m.id = v.model WHERE m.name <> $1",
        vals![&model.name],
    )?;
    Ok(row.map_or(Ok(0), |row| row.int("n"))?)
}

/// The models that vectors are stored of, in the order in which they came.
///
/// # Errors
/// When the engine refuses.
pub fn models(c: &mut dyn Conn) -> Result<Vec<StoredModel>> {
    let rows = c.query(
        "SELECT m.name, m.dimensions, count(*) AS passages, CAST(sum(CASE WHEN v.stamp = 0 THEN 1 ELSE 0 END) AS BIGINT) AS unreadable
         FROM search_vectors v JOIN search_vector_models m ON m.id = v.model GROUP BY m.id, m.name, m.dimensions ORDER BY m.id",
        &[],
    )?;
    let model = |row: &Row| -> Result<StoredModel> {
        let (passages, unreadable) = (row.int("passages")?, row.int("unreadable")?);
        let dimensions = usize::try_from(row.int("dimensions")?).unwrap_or_default();
        Ok(StoredModel { name: row.text("name")?, dimensions, vectors: passages - unreadable, unreadable })
    };
    rows.iter().map(model).collect()
}

/// Models other than `model` that passages have their latest vector of, the newest first.
///
/// # Errors
/// When the engine refuses.
pub fn former(c: &mut dyn Conn, model: &Model) -> Result<Vec<Former>> {
    let rows = c.query(
        "SELECT m.name, m.dimensions, m.recipe FROM search_vector_models m
         WHERE m.name <> $1 AND EXISTS (SELECT 1 FROM search_vectors v WHERE v.model = m.id AND v.stamp > 0) ORDER BY m.id DESC",
        vals![&model.name],
    )?;
    let former = |row: &Row| -> Result<Former> {
        let dimensions = usize::try_from(row.int("dimensions")?).unwrap_or_default();
        Ok(Former { model: Model { name: row.text("name")?, dimensions }, recipe: row.text_opt("recipe")? })
    };
    rows.iter().map(former).collect()
}

/// Write down how a model is reached. Does nothing while nothing is stored of it. Returns whether it is written down now.
///
/// # Errors
/// When the engine refuses.
pub fn remember(c: &mut dyn Conn, model: &Model, recipe: &str) -> Result<bool> {
    Ok(c.exec("UPDATE search_vector_models SET recipe = $2 WHERE name = $1", vals![&model.name, recipe])? > 0)
}

/// Where the table stands.
///
/// # Errors
/// When the engine refuses.
pub fn position(c: &mut dyn Conn) -> Result<Position> {
    match c.first("SELECT database, change FROM search_vectors_state WHERE id = 1", &[])? {
        Some(row) => Ok(Position { database: row.text("database")?, change: row.int("change")? }),
        None => Ok(Position::default()),
    }
}

/// At most `limit` rows that changed after `change`, in the order of their changes.
pub(super) fn changed(c: &mut dyn Conn, change: i64, limit: i64) -> Result<Vec<Changed>> {
    let rows = c.query(
        "SELECT passage, change, persona_id, model, vector, stamp FROM search_vectors WHERE change > $1 ORDER BY change LIMIT $2",
        vals![change, limit],
    )?;
    rows.into_iter()
        .map(|row| {
            let vector = match row.get("vector")? {
                Val::Blob(bytes) => Some(bytes.clone()),
                _ => None,
            };
            Ok(Changed {
                passage: row.int("passage")?,
                change: row.int("change")?,
                persona: row.text_opt("persona_id")?.map(PersonaId::from_stored),
                model: row.int_opt("model")?,
                vector,
                stamp: row.int("stamp")?,
            })
        })
        .collect()
}

/// What the rows of a model add up to.
pub(super) fn sums(c: &mut dyn Conn, model: i64) -> Result<Sums> {
    let row = c.first(
        "SELECT count(*) AS n, CAST(coalesce(sum(stamp), 0) AS BIGINT) AS stamps FROM search_vectors WHERE model = $1 AND stamp > 0",
        vals![model],
    )?;
    row.map_or(Ok(Sums::default()), |row| Ok(Sums { count: row.int("n")?, stamps: row.int("stamps")? }))
}

/// The number of a model, if anything was stored of it.
///
/// # Errors
/// [`Error::Dimensions`] when it was stored with other dimensions.
pub(super) fn model(c: &mut dyn Conn, model: &Model) -> Result<Option<i64>> {
    let Some(row) = c.first("SELECT id, dimensions FROM search_vector_models WHERE name = $1", vals![&model.name])? else {
        return Ok(None);
    };
    let expected = usize::try_from(row.int("dimensions")?).unwrap_or_default();
    if expected != model.dimensions {
        return Err(Error::Dimensions { expected, found: model.dimensions });
    }
    Ok(Some(row.int("id")?))
}

fn model_for_writing(c: &mut dyn Conn, wanted: &Model) -> Result<i64> {
    if let Some(id) = model(c, wanted)? {
        return Ok(id);
    }
    let dimensions = i64::try_from(wanted.dimensions).unwrap_or(i64::MAX);
    c.exec(
        "INSERT INTO search_vector_models (id, name, dimensions) SELECT coalesce(max(id), 0) + 1, CAST($1 AS TEXT), CAST($2 AS BIGINT)
         FROM search_vector_models",
        vals![&wanted.name, dimensions],
    )?;
    model(c, wanted)?.ok_or(Error::Dimensions { expected: wanted.dimensions, found: 0 })
}

fn next_change(c: &mut dyn Conn) -> Result<i64> {
    let row = c.first(
        "INSERT INTO search_vectors_state (id, database, change) VALUES (1, $1, 1)
         ON CONFLICT (id) DO UPDATE SET change = search_vectors_state.change + 1 RETURNING change",
        vals![new_id()],
    )?;
    Ok(row.map_or(Ok(1), |row| row.int("change"))?)
}
