//! What is in memory of an index: the shards, where each passage is in them, and which change of the database that reflects.

use super::file::Loaded;
use super::numbers;
use super::rows::{Changed, Position, Sums};
use super::shard::Shard;
use std::collections::HashMap;

/// The rows of one model.
#[derive(Debug, Default)]
pub(super) struct State {
    pub shards: Vec<Shard>,
    by_persona: HashMap<Option<String>, usize>,
    /// Shard and row of every live passage.
    places: HashMap<i64, (u32, u32)>,
    pub position: Position,
    pub sums: Sums,
    /// Stored vectors that do not fit their checksum, with their stamps: they are not searched.
    pub refused: HashMap<i64, i64>,
    /// Rows read since the file was written.
    pub unsaved: usize,
    /// Whether what is here was compared with the database since it was loaded.
    pub compared: bool,
}

impl State {
    pub(super) fn of(loaded: Loaded) -> Self {
        let position = Position { database: loaded.header.database, change: loaded.header.change };
        let mut state = Self { shards: loaded.shards, position, sums: loaded.header.sums, ..Self::default() };
        state.places = HashMap::with_capacity(usize::try_from(state.sums.count).unwrap_or_default());
        for number in 0..state.shards.len() {
            state.find(number);
        }
        state
    }

    /// Enter a shard into the tables that lead to it.
    fn find(&mut self, number: usize) {
        let Some(shard) = self.shards.get(number) else { return };
        self.by_persona.insert(shard.persona.clone(), number);
        for (row, passage) in shard.passages.iter().enumerate().filter(|(row, _)| shard.is_live(*row)) {
            self.places.insert(*passage, (number as u32, row as u32));
        }
    }

    /// The shard of a persona, or of nobody.
    pub(super) fn shard_of(&self, persona: Option<&str>) -> Option<usize> {
        // The table is small; a key of its own would have to be made for each question.
        self.shards.iter().position(|shard| shard.persona.as_deref() == persona)
    }

    /// Take over a changed row of the database. `model` is the number of this index's model there.
    pub(super) fn apply(&mut self, changed: Changed, model: Option<i64>, dimensions: usize) {
        self.unsaved += 1;
        self.refused.remove(&changed.passage);
        if let Some((shard, row)) = self.places.remove(&changed.passage)
            && let Some(shard) = self.shards.get_mut(shard as usize)
        {
            let stamp = shard.kill(row as usize);
            self.sums.count -= 1;
            self.sums.stamps -= i64::from(stamp);
        }
        let Some(stored) = changed.vector.filter(|_| changed.model.is_some() && changed.model == model) else { return };
        let mut vector = vec![0.0; dimensions];
        let stamp = numbers::stamp(changed.passage, &stored);
        if i64::from(stamp) != changed.stamp || !numbers::read_stored(&stored, &mut vector) {
            self.refused.insert(changed.passage, changed.stamp);
            return;
        }
        let persona = changed.persona.map(|persona| persona.as_str().to_owned());
        let number = match self.by_persona.get(&persona) {
            Some(number) => *number,
            None => {
                self.shards.push(Shard::new(persona.clone(), dimensions));
                self.by_persona.insert(persona, self.shards.len() - 1);
                self.shards.len() - 1
            }
        };
        let Some(shard) = self.shards.get_mut(number) else { return };
        let row = shard.push(changed.passage, stamp, &vector, &stored);
        self.places.insert(changed.passage, (number as u32, row as u32));
        self.sums.count += 1;
        self.sums.stamps += i64::from(stamp);
    }

    /// What the rows of the database must add up to when nothing is missing here.
    pub(super) fn expected(&self) -> Sums {
        let refused: i64 = self.refused.values().sum();
        let count = i64::try_from(self.refused.len()).unwrap_or(i64::MAX);
        Sums { count: self.sums.count + count, stamps: self.sums.stamps + refused }
    }

    /// Move the live rows of a shard together.
    ///
    /// # Errors
    /// When the stored numbers cannot be read from the file.
    pub(super) fn compact(&mut self, number: usize, dimensions: usize) -> std::io::Result<()> {
        if let Some(shard) = self.shards.get_mut(number) {
            shard.compact(dimensions)?;
        }
        self.find(number);
        Ok(())
    }

    /// Bytes in memory: the shards and the table of places, without graphs.
    pub(super) fn bytes(&self) -> usize {
        // A place is a key of eight bytes, eight of value, and one of the table itself.
        self.shards.iter().map(Shard::bytes).sum::<usize>() + self.places.capacity() * 17
    }
}
