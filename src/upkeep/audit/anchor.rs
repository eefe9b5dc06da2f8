//! Making a checkpoint: in the database first, then in the second place. What the second place missed, it gets with the next one.

use super::checkpoint::{Checkpoint, FIRST};
use super::{Audit, Error, Result, key, place, rows};
use crate::base::Millis;
use crate::store::{Conn, feed};
use serde::Serialize;

/// Checkpoints that are read at a time for the second place.
const PAGE: i64 = 1_000;

/// When a checkpoint is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Now, if there is anything new.
    Now,
    /// If so many rows are new, or the oldest new one is so old.
    Due,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Anchored {
    /// The checkpoint that was made; `None` when nothing was new, or nothing was due.
    pub made: Option<Checkpoint>,
    /// The newest one.
    pub newest: Option<Checkpoint>,
    /// What is wrong with the second place, where the checkpoint does stand in the database.
    pub warnings: Vec<String>,
}

impl Audit {
    /// Make a checkpoint. Blocking: the second place may be a slow disk.
    ///
    /// # Errors
    /// [`Error::Key`], [`Error::OtherKey`] and [`Error::Broken`] before anything was signed; the database's refusals. What is wrong with
    /// the second place stands in the answer: the checkpoint is made all the same.
    pub fn anchor(&self, when: When) -> Result<Anchored> {
        let newest = self.db.read_blocking(rows::last)?;
        let keys = match (&newest, key::load(&self.settings)?) {
            (_, Some(keys)) => keys,
            // A new key would make the log look tampered with to whoever has the old one.
            (Some(newest), None) => return Err(self.other_key(newest)),
            (None, None) if when == When::Due && self.db.read_blocking(rows::end)?.is_none() => return Ok(Anchored::nothing()),
            (None, None) => key::load_or_make(&self.settings)?,
        };
        if let Some(newest) = newest.as_ref().filter(|newest| keys.by_id(&newest.key).is_none()) {
            return Err(self.other_key(newest));
        }
        let mut warnings = Vec::new();
        let placed = self.settings.anchor_file.as_deref().map_or(Ok(0), place::newest);
        let placed = placed.map_err(|error| warnings.push(error.to_string())).unwrap_or_default();
        let (now, settings, current) = (self.clock.now(), self.settings.clone(), keys.current);
        let (made, newest) = self.db.write_blocking(move |c| -> Result<_> {
            let before = rows::last(c)?;
            let Some((entries, head, _)) = rows::end(c)? else { return Ok((None, before)) };
            let covered = before.as_ref().map_or(0, |before| before.entries);
            if let Some(before) = &before {
                let is_same = rows::hash(c, before.entries)?.is_some_and(|hash| hash == before.head);
                if !is_same || entries < before.entries {
                    return Err(Error::Broken { number: before.number, entries: before.entries });
                }
            }
            if entries == covered || (when == When::Due && !is_due(c, covered, entries, now, &settings)?) {
                return Ok((None, before));
            }
            // A log that was restored from a backup goes on counting behind what the second place has.
            let number = before.as_ref().map_or(0, |before| before.number).max(placed) + 1;
            let prev = before.map_or_else(|| FIRST.to_owned(), |before| before.mac);
            let new = Checkpoint::signed(number, entries, head, now, prev, &current);
            rows::add(c, &new)?;
            feed::append(c, now, crate::upkeep::runs::TOPIC, None, "audit_checkpoint", &number.to_string())?;
            Ok((Some(new.clone()), Some(new)))
        })?;
        if let Err(error) = self.place(placed) {
            warnings.push(error.to_string());
        }
        if let Some(made) = &made
            && let Err(error) = place::tell(&self.settings.anchor_command, made)
        {
            warnings.push(error.to_string());
        }
        for warning in &warnings {
            tracing::warn!(%warning, "a checkpoint of the audit log stands in the database only");
        }
        Ok(Anchored { made, newest, warnings })
    }

    /// Add to the second place what it has not.
    fn place(&self, mut after: i64) -> Result<()> {
        let Some(path) = self.settings.anchor_file.as_deref() else { return Ok(()) };
        loop {
            let page = self.db.read_blocking(move |c| rows::after(c, after, PAGE))?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.number;
            place::append(path, &page)?;
        }
    }

    fn other_key(&self, newest: &Checkpoint) -> Error {
        Error::OtherKey { id: newest.key.clone(), path: self.settings.key_file.clone() }
    }
}

impl Anchored {
    fn nothing() -> Self {
        Self { made: None, newest: None, warnings: Vec::new() }
    }
}

fn is_due(c: &mut dyn Conn, covered: i64, entries: i64, now: Millis, settings: &super::Settings) -> Result<bool> {
    if entries - covered >= settings.rows {
        return Ok(true);
    }
    Ok(rows::written(c, covered)?.is_some_and(|written| now - written >= settings.interval))
}
