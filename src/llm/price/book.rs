//! The rows of the price book: the embedded ones, and those imported into the table `price_book`.
//!
//! Rows are added and never changed: what a call cost yesterday is not rewritten by a price of today.

use super::import::{Rejected, Source, Table};
use super::names::candidates;
use super::rates::{Override, Rates, Set};
use crate::base::{Millis, new_id, sha256_hex};
use crate::llm::Error;
use crate::store::audit::{self, Actor};
use crate::store::{self, Conn, Row, feed};
use crate::vals;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;

const EMBEDDED: &str = include_str!("../../../assets/prices.toml");

/// A price and the time from which it holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriceRow {
    /// Which row the ledger names: an id of the table, or `embedded:MODEL@DAY`.
    pub id: String,
    /// Where it is from: `embedded`, `litellm`, `openrouter`.
    pub source: String,
    /// The model, as the source names it.
    pub model: String,
    /// From when on.
    pub effective_from: Millis,
    /// The price.
    pub rates: Rates,
}

/// Prices in memory: the embedded book, or one from a file of the same form.
#[derive(Debug, Clone, Default)]
pub struct Book {
    rows: Vec<PriceRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    price: Vec<Entry>,
}

/// USD per million tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    model: String,
    from: String,
    input: Option<f64>,
    output: Option<f64>,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    cache_write_1h: Option<f64>,
    flex: Option<Set>,
    priority: Option<Set>,
    above_200k: Option<Set>,
}

impl Book {
    /// The book that this program carries.
    ///
    /// # Errors
    /// [`Error::Prices`] when the embedded file is wrong, which a test rules out.
    pub fn embedded() -> Result<Self, Error> {
        Self::parse(EMBEDDED, "embedded")
    }

    /// A book without prices: every call is unpriced unless the table has a row.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Read a book in the form of `assets/prices.toml`.
    ///
    /// # Errors
    /// [`Error::Prices`], naming the place.
    pub fn parse(text: &str, source: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Prices { place: source.to_owned(), reason };
        let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let mut rows = Vec::with_capacity(file.price.len());
        for entry in file.price {
            let about = |reason: &str| wrong(format!("{}: {reason}", entry.model));
            let day =
                chrono::NaiveDate::parse_from_str(&entry.from, "%Y-%m-%d").map_err(|_| about("`from` is not a date such as 2025-08-07"))?;
            let rates = entry.rates();
            rates.check().map_err(about)?;
            rows.push(PriceRow {
                id: format!("{source}:{}@{}", entry.model, entry.from),
                source: source.to_owned(),
                effective_from: day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis(),
                model: entry.model,
                rates,
            });
        }
        Ok(Self { rows })
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> &[PriceRow] {
        &self.rows
    }

    fn newest(&self, model: &str, at: Millis) -> Option<&PriceRow> {
        self.rows.iter().filter(|row| row.model == model && row.effective_from <= at).max_by_key(|row| row.effective_from)
    }

    /// The price of a model at a time, by this book alone.
    #[must_use]
    pub fn in_force(&self, model: &str, at: Millis) -> Option<&PriceRow> {
        candidates(model).iter().find_map(|name| self.newest(name, at))
    }
}

impl Entry {
    fn rates(&self) -> Rates {
        let million = |set: Set| set.scaled(1e-6);
        let base = Set {
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
            ..Set::default()
        };
        let tier = |tier: &str, set: Option<Set>| {
            set.map(|set| Override { tier: Some(tier.to_owned()), rates: million(set), ..Override::default() })
        };
        let above = self.above_200k.map(|set| Override { above: Some(200_000), rates: million(set), ..Override::default() });
        let overrides = [tier("flex", self.flex), tier("priority", self.priority), above].into_iter().flatten().collect();
        Rates { base: million(base), overrides, brackets: Vec::new() }
    }
}

/// The price of `model` for a call that started at `at`: for the most exact name that is known, the newest row in force, be it imported or
/// embedded; of two from the same moment the imported one.
///
/// # Errors
/// When the database refuses, or a row of it is not a price.
pub fn in_force(c: &mut dyn Conn, book: &Book, model: &str, at: Millis) -> store::Result<Option<PriceRow>> {
    for name in candidates(model) {
        let imported = c.first(
            "SELECT id, source, model, effective_from, rates FROM price_book WHERE model = $1 AND effective_from <= $2 \
             ORDER BY effective_from DESC LIMIT 1",
            vals![&name, at],
        )?;
        let imported = imported.as_ref().map(price_row).transpose()?;
        let found = match (imported, book.newest(&name, at)) {
            (Some(row), Some(own)) if own.effective_from > row.effective_from => Some(own.clone()),
            (Some(row), _) => Some(row),
            (None, own) => own.cloned(),
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Every price in memory, for whoever prices very many calls: what [`in_force`] would say, without the database.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    /// The newest last; of two from the same moment the imported one.
    rows: HashMap<String, Vec<PriceRow>>,
    /// The names that a model may have in the book, and that are there.
    names: HashMap<String, Vec<String>>,
}

impl Prices {
    /// Those of a book alone.
    #[must_use]
    pub fn of(book: &Book) -> Self {
        Self::from_rows(book.rows.iter().cloned())
    }

    fn from_rows(rows: impl Iterator<Item = PriceRow>) -> Self {
        let mut prices = Self::default();
        for row in rows {
            prices.rows.entry(row.model.clone()).or_default().push(row);
        }
        // The sort is stable: imported rows stay behind embedded ones.
        prices.rows.values_mut().for_each(|rows| rows.sort_by_key(|row| row.effective_from));
        prices
    }

    /// Read them.
    ///
    /// # Errors
    /// When the database refuses, or a row of it is not a price.
    pub fn load(c: &mut dyn Conn, book: &Book) -> store::Result<Self> {
        let imported = c.query("SELECT id, source, model, effective_from, rates FROM price_book", &[])?;
        let imported = imported.iter().map(price_row).collect::<store::Result<Vec<_>>>()?;
        Ok(Self::from_rows(book.rows.iter().cloned().chain(imported)))
    }

    /// The models that have a price, in order.
    #[must_use]
    pub fn models(&self) -> Vec<&str> {
        let mut models: Vec<&str> = self.rows.keys().map(String::as_str).collect();
        models.sort_unstable();
        models
    }

    /// The price of a model for a call that started at a moment.
    pub fn in_force(&mut self, model: &str, at: Millis) -> Option<&PriceRow> {
        if !self.names.contains_key(model) {
            let known = candidates(model).into_iter().filter(|name| self.rows.contains_key(name)).collect();
            self.names.insert(model.to_owned(), known);
        }
        self.names.get(model)?.iter().find_map(|name| self.exactly(name, at))
    }

    /// The price under exactly this name.
    #[must_use]
    pub fn exactly(&self, name: &str, at: Millis) -> Option<&PriceRow> {
        let rows = self.rows.get(name)?;
        rows.get(rows.partition_point(|row| row.effective_from <= at).checked_sub(1)?)
    }
}

/// All rows, imported and embedded, by model, the newest first. `model` limits it to names that contain it.
///
/// # Errors
/// When the database refuses, or a row of it is not a price.
pub fn list(c: &mut dyn Conn, book: &Book, model: Option<&str>) -> store::Result<Vec<PriceRow>> {
    let rows = c.query("SELECT id, source, model, effective_from, rates FROM price_book ORDER BY model, effective_from DESC", &[])?;
    let mut rows: Vec<PriceRow> = rows.iter().map(price_row).collect::<store::Result<_>>()?;
    rows.extend(book.rows.iter().cloned());
    if let Some(part) = model.map(str::to_lowercase) {
        rows.retain(|row| row.model.to_lowercase().contains(&part));
    }
    rows.sort_by(|a, b| a.model.cmp(&b.model).then(b.effective_from.cmp(&a.effective_from)).then(a.id.cmp(&b.id)));
    Ok(rows)
}

fn price_row(row: &Row) -> store::Result<PriceRow> {
    Ok(PriceRow {
        id: row.text("id")?,
        source: row.text("source")?,
        model: row.text("model")?,
        effective_from: row.int("effective_from")?,
        rates: row.json("rates")?,
    })
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Rows that are new.
    pub added: u64,
    /// Prices that were known and have not changed.
    pub unchanged: u64,
    /// Rows that were not taken, each with its reason.
    pub rejected: Vec<Rejected>,
}

/// Add the prices of a table that was read by [`super::import::read`], as holding from `effective_from` on. A price that is in force already
/// is left alone; another price with the same model and moment is rejected, because rows never change.
///
/// # Errors
/// When the database refuses.
pub fn import(
    c: &mut dyn Conn,
    source: Source,
    table: Table,
    effective_from: Millis,
    now: Millis,
    actor: &Actor,
) -> store::Result<Imported> {
    let mut report = Imported { rejected: table.rejected, ..Imported::default() };
    for (model, rates) in table.prices {
        let text = json!(rates).to_string();
        let digest = sha256_hex(text.as_bytes());
        let known = c.first(
            "SELECT effective_from, digest FROM price_book WHERE model = $1 AND effective_from <= $2 ORDER BY effective_from DESC LIMIT 1",
            vals![&model, effective_from],
        )?;
        if let Some(known) = known {
            if known.text("digest")? == digest {
                report.unchanged += 1;
                continue;
            }
            if known.int("effective_from")? == effective_from {
                report.rejected.push(Rejected { model, reason: "another price is recorded from the same moment on".to_owned() });
                continue;
            }
        }
        c.exec(
            "INSERT INTO price_book (id, source, model, effective_from, rates, digest, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vals![new_id(), source.name(), model, effective_from, text, digest, now],
        )?;
        report.added += 1;
    }
    if report.added > 0 {
        let after = json!({ "added": report.added, "unchanged": report.unchanged, "rejected": report.rejected.len(), "effective_from": effective_from });
        let entry = audit::Entry {
            at: now,
            persona: None,
            actor,
            action: "prices.import",
            subject_kind: "price_book",
            subject_id: source.name(),
            reason: None,
            before: &serde_json::Value::Null,
            after: &after,
        };
        audit::append(c, &entry)?;
        feed::append(c, now, "ledger", None, "prices_imported", source.name())?;
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Picos;
    use crate::llm::price::{cost, import};
    use crate::llm::usage::Usage;
    use crate::store::testing;

    const DAY: Millis = 86_400_000;

    fn day(text: &str) -> Millis {
        chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap().and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()
    }

    #[test]
    fn the_default_models_have_a_price_under_the_names_that_answers_carry() {
        let book = Book::embedded().unwrap();
        let now = day("2026-11-21");
        let settings = crate::llm::Settings::default();
        for model in [
            settings.response_model.as_str(),
            settings.consistency_model.as_str(),
            "anthropic/claude-4.5-haiku-20251001",
            "openai/gpt-5-mini-2025-08-07",
        ] {
            assert!(book.in_force(model, now).is_some(), "{model}");
        }
        let tokens = Usage::read(&json!({"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000})).unwrap();
        let haiku = book.in_force("anthropic/claude-haiku-4.5", now).unwrap();
        assert_eq!(cost(&haiku.rates, &tokens, None, now).unwrap().total, Picos(6_000_000_000_000));
        assert!(book.in_force("nobody/knows-it", now).is_none());
    }

    #[test]
    fn a_call_is_priced_by_the_row_of_its_day() {
        let book = Book::embedded().unwrap();
        let input = |at| book.in_force("openai/gpt-5.6-sol", day(at)).and_then(|row| row.rates.base.input);
        assert_eq!(input("2026-08-20").map(|rate| (rate * 1e6).round()), Some(5.0));
        assert_eq!(input("2026-08-21").map(|rate| (rate * 1e6).round()), Some(4.0));
        assert_eq!(input("2020-01-01"), None);
    }

    #[test]
    fn imports_add_rows_and_never_change_one() {
        let (database, _directory) = testing::database();
        let table = |price: f64| {
            let text = json!({"data": [{"id": "openai/gpt-5-mini", "pricing": {"prompt": price.to_string(), "completion": "0.000002"}},
                {"id": "broken", "pricing": {"prompt": "?"}}]});
            import::read(&text.to_string()).unwrap().1
        };
        database
            .write_blocking(move |c| {
                let book = Book::embedded()?;
                let actor = Actor::human("tester");
                let start = day("2026-11-01");
                let first = super::import(c, Source::OpenRouter, table(1e-6), start, start, &actor)?;
                assert_eq!((first.added, first.unchanged, first.rejected.len()), (1, 0, 1));
                assert_eq!(first.rejected[0].model, "broken");
                let again = super::import(c, Source::OpenRouter, table(1e-6), start + DAY, start + DAY, &actor)?;
                assert_eq!((again.added, again.unchanged), (0, 1));
                let changed = super::import(c, Source::OpenRouter, table(3e-6), start, start, &actor)?;
                assert_eq!((changed.added, changed.rejected.len()), (0, 2));
                super::import(c, Source::OpenRouter, table(3e-6), start + 9 * DAY, start + 9 * DAY, &actor)?;

                let mut input = |at| in_force(c, &book, "openai/gpt-5-mini", at).map(|row| row.and_then(|row| row.rates.base.input));
                assert_eq!(input(start - 1)?.map(|rate| (rate * 1e8).round()), Some(25.0), "the embedded price before the import");
                assert_eq!(input(start)?, Some(1e-6));
                assert_eq!(input(start + 9 * DAY - 1)?, Some(1e-6));
                assert_eq!(input(start + 9 * DAY)?, Some(3e-6));
                assert_eq!(list(c, &book, Some("GPT-5-mini"))?.len(), 3);
                let mut prices = Prices::load(c, &book)?;
                for model in ["openai/gpt-5-mini", "openai/gpt-5-mini-2025-08-07", "anthropic/claude-4.5-haiku-20251001", "broken", ""] {
                    for at in [0, start - 1, start, start + 9 * DAY - 1, start + 9 * DAY, i64::MAX] {
                        assert_eq!(prices.in_force(model, at).cloned(), in_force(c, &book, model, at)?, "{model} at {at}");
                    }
                }
                Ok::<_, Error>(())
            })
            .unwrap();
    }

    #[test]
    fn a_wrong_book_is_refused_with_its_place() {
        for text in [
            "[[price]]\nmodel = 1",
            "[[price]]\nmodel = \"a\"\nfrom = \"soon\"\ninput = 1.0",
            "[[price]]\nmodel = \"a\"\nfrom = \"2025-01-01\"",
        ] {
            assert!(Book::parse(text, "own.toml").unwrap_err().to_string().contains("own.toml"));
        }
    }
}
