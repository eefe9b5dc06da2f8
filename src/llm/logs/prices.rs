//! The price book in memory: a million calls are priced without a question to the database for each.

use crate::base::{Millis, Picos};
use crate::llm::price::{Book, PriceRow, book, candidates, cost};
use crate::llm::usage::{Shape, Usage};
use crate::store::{self, Conn};
use std::collections::HashMap;

use super::entry::Tokens;

/// All price rows, by name.
#[derive(Debug, Default)]
pub struct Prices {
    rows: Vec<PriceRow>,
    /// The rows of a name, in the order of their beginning; of two from the same moment the imported one comes last.
    by_name: HashMap<String, Vec<u32>>,
}

/// The rows that may price a model: those of the most exact name first.
#[derive(Debug, Clone, Default)]
pub struct OfModel(Vec<Vec<u32>>);

impl Prices {
    /// The rows of a book.
    #[must_use]
    pub fn of_rows(rows: Vec<PriceRow>) -> Self {
        let mut by_name: HashMap<String, Vec<u32>> = HashMap::new();
        for (number, row) in rows.iter().enumerate() {
            by_name.entry(row.model.clone()).or_default().push(u32::try_from(number).unwrap_or(u32::MAX));
        }
        let order = |number: &u32| rows.get(*number as usize).map(|row| (row.effective_from, row.source != "embedded"));
        for of_name in by_name.values_mut() {
            of_name.sort_by_key(order);
        }
        Self { rows, by_name }
    }

    /// The rows that the program carries.
    ///
    /// # Errors
    /// When the embedded book is wrong, which a test rules out.
    pub fn embedded() -> crate::llm::Result<Self> {
        Ok(Self::of_rows(Book::embedded()?.rows().to_vec()))
    }

    /// These and the imported ones.
    ///
    /// # Errors
    /// When the database refuses, or a row of it is not a price.
    pub fn load(c: &mut dyn Conn, own: &Book) -> store::Result<Self> {
        Ok(Self::of_rows(book::list(c, own, None)?))
    }

    /// The rows that may price a model.
    #[must_use]
    pub fn of_model(&self, model: &str) -> OfModel {
        OfModel(candidates(model).iter().filter_map(|name| self.by_name.get(name).cloned()).collect())
    }

    /// The id of a row.
    #[must_use]
    pub fn id(&self, number: u32) -> Option<&str> {
        self.rows.get(number as usize).map(|row| row.id.as_str())
    }

    /// The row in force at a time, by the rule of [`book::in_force`].
    fn in_force(&self, model: &OfModel, at: Millis) -> Option<(u32, &PriceRow)> {
        model.0.iter().find_map(|rows| {
            let number = rows.iter().rev().find(|number| self.rows.get(**number as usize).is_some_and(|row| row.effective_from <= at))?;
            Some((*number, self.rows.get(*number as usize)?))
        })
    }

    /// What a call costs by the book, and the row that says so; `None` is unknown. A price needs both input and output counts.
    #[must_use]
    pub fn cost(&self, model: &OfModel, tokens: &Tokens, tier: Option<&str>, at: Millis) -> Option<(Picos, u32)> {
        let (input, output) = (tokens.input?, tokens.output?);
        let (number, row) = self.in_force(model, at)?;
        let usage = Usage {
            input,
            output,
            cached: tokens.cached.unwrap_or(0),
            written: tokens.written.unwrap_or(0),
            written_1h: tokens.written_1h.unwrap_or(0),
            written_12h: 0,
            reasoning: tokens.reasoning.unwrap_or(0),
            shape: Shape::Chat,
            flags: Vec::new(),
        };
        cost(&row.rates, &usage, tier, at).map(|cost| (cost.total, number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::price::import;
    use crate::store::audit::Actor;
    use crate::store::{Error, testing};

    #[test]
    fn the_row_is_the_one_that_the_database_would_give() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                let own = Book::embedded().unwrap();
                let start = 1_795_000_000_000;
                for (days, price) in [(0, "0.000001"), (5, "0.000003")] {
                    let text =
                        format!(r#"{{"data":[{{"id":"openai/gpt-5-mini","pricing":{{"prompt":"{price}","completion":"0.000002"}}}}]}}"#);
                    let (source, table) = import::read(&text).unwrap();
                    book::import(c, source, table, start + days * 86_400_000, start, &Actor::human("tester"))?;
                }
                let prices = Prices::load(c, &own)?;
                for model in [
                    "openai/gpt-5-mini",
                    "openai/gpt-5-mini-2025-08-07",
                    "gpt-5.6-sol",
                    "openai/gpt-5.6-sol",
                    "claude-haiku-4-5",
                    "nobody/knows",
                ] {
                    for at in [0, start - 86_400_000 * 100, start - 1, start, start + 5 * 86_400_000 - 1, start + 5 * 86_400_000] {
                        let expected = book::in_force(c, &own, model, at)?.map(|row| row.id);
                        let found = prices.in_force(&prices.of_model(model), at).map(|(_, row)| row.id.clone());
                        assert_eq!(found, expected, "{model} {at}");
                    }
                }
                Ok::<_, Error>(())
            })
            .unwrap();
    }
}
