//! One connection inside one transaction, whichever engine it speaks to.

use super::{Error, Result};
use std::sync::Arc;

/// Which database engine a connection speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// An embedded SQLite file.
    Sqlite,
    /// A PostgreSQL server, or one that speaks its wire.
    Postgres,
}

impl std::fmt::Display for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// A value on its way into or out of the database.
#[derive(Debug, Clone, PartialEq)]
pub enum Val {
    /// SQL NULL.
    Null,
    /// A 64-bit integer. Booleans are 0 and 1.
    Int(i64),
    /// A double.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

macro_rules! val_from {
    ($($from:ty => |$value:ident| $to:expr),* $(,)?) => {
        $(impl From<$from> for Val { fn from($value: $from) -> Self { $to } })*
    };
}

val_from! {
    i64 => |value| Self::Int(value),
    i32 => |value| Self::Int(value.into()),
    u32 => |value| Self::Int(value.into()),
    bool => |value| Self::Int(value.into()),
    f64 => |value| Self::Real(value),
    &str => |value| Self::Text(value.to_owned()),
    String => |value| Self::Text(value),
    &String => |value| Self::Text(value.clone()),
    Vec<u8> => |value| Self::Blob(value),
    &crate::base::PersonaId => |value| Self::Text(value.as_str().to_owned()),
    crate::base::Picos => |value| Self::Int(value.0),
}

impl<T: Into<Val>> From<Option<T>> for Val {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Builds the parameter list of a statement: `vals![persona, id, 3]`.
#[macro_export]
macro_rules! vals {
    ($($value:expr),* $(,)?) => { &[$($crate::store::Val::from($value)),*] };
}

/// A row of an answer. Columns are asked for by name.
#[derive(Debug, Clone)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Val>,
}

impl Row {
    /// A row with shared column names.
    #[must_use]
    pub fn new(columns: Arc<[String]>, values: Vec<Val>) -> Self {
        Self { columns, values }
    }

    /// The value of a column.
    ///
    /// # Errors
    /// [`Error::Column`] when the answer has no such column.
    pub fn get(&self, column: &str) -> Result<&Val> {
        self.columns
            .iter()
            .position(|name| name == column)
            .and_then(|index| self.values.get(index))
            .ok_or_else(|| Error::Column { column: column.to_owned(), expected: "in the answer" })
    }

    /// Every column with its value, in the order of the answer.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Val)> {
        self.columns.iter().map(String::as_str).zip(&self.values)
    }

    /// Text, which must be there.
    ///
    /// # Errors
    /// [`Error::Column`] when it is missing, NULL or not text.
    pub fn text(&self, column: &str) -> Result<String> {
        self.text_opt(column)?.ok_or_else(|| wrong(column, "text"))
    }

    /// Text, or `None` for NULL.
    ///
    /// # Errors
    /// [`Error::Column`] when it is missing or not text.
    pub fn text_opt(&self, column: &str) -> Result<Option<String>> {
        match self.get(column)? {
            Val::Null => Ok(None),
            Val::Text(text) => Ok(Some(text.clone())),
            _ => Err(wrong(column, "text")),
        }
    }

    /// An integer, which must be there.
    ///
    /// # Errors
    /// [`Error::Column`] when it is missing, NULL or not an integer.
    pub fn int(&self, column: &str) -> Result<i64> {
        self.int_opt(column)?.ok_or_else(|| wrong(column, "an integer"))
    }

    /// An integer, or `None` for NULL.
    ///
    /// # Errors
    /// [`Error::Column`] when it is missing or not an integer.
    pub fn int_opt(&self, column: &str) -> Result<Option<i64>> {
        match self.get(column)? {
            Val::Null => Ok(None),
            Val::Int(value) => Ok(Some(*value)),
            _ => Err(wrong(column, "an integer")),
        }
    }

    /// A boolean kept as 0 or 1.
    ///
    /// # Errors
    /// [`Error::Column`] when it is missing, NULL or not an integer.
    pub fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// A number, which must be there.
    ///
    /// # Errors
    /// [`Error::Column`] when it is missing, NULL or not a number.
    pub fn real(&self, column: &str) -> Result<f64> {
        self.real_opt(column)?.ok_or_else(|| wrong(column, "a number"))
    }

    /// A number, or `None` for NULL.
    ///
    /// # Errors
    /// [`Error::Column`] when it is missing or not a number.
    pub fn real_opt(&self, column: &str) -> Result<Option<f64>> {
        match self.get(column)? {
            Val::Null => Ok(None),
            Val::Real(value) => Ok(Some(*value)),
            Val::Int(value) => Ok(Some(*value as f64)),
            _ => Err(wrong(column, "a number")),
        }
    }

    /// JSON kept as text. Text that is not JSON is an error: it was written by something else.
    ///
    /// # Errors
    /// [`Error::Column`] when it is missing, NULL or not JSON of the shape asked for.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|_| wrong(column, "JSON of the expected shape"))
    }
}

fn wrong(column: &str, expected: &'static str) -> Error {
    Error::Column { column: column.to_owned(), expected }
}

/// A statement that has to be written once for each engine. There should be few: text search, sizes, backup.
#[derive(Debug, Clone, Copy)]
pub struct Sql {
    /// The SQLite text.
    pub sqlite: &'static str,
    /// The PostgreSQL text.
    pub postgres: &'static str,
}

impl Sql {
    /// The text for an engine.
    #[must_use]
    pub fn on(self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// A value that is only borrowed, for rows that are written by the thousand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValRef<'a> {
    /// SQL NULL.
    Null,
    /// A 64-bit integer. Booleans are 0 and 1.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

impl From<i64> for ValRef<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl<'a> From<&'a str> for ValRef<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a, T: Into<ValRef<'a>>> From<Option<T>> for ValRef<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A statement that inserts very many rows.
#[derive(Debug, Clone, Copy)]
pub struct Bulk {
    /// The table.
    pub table: &'static str,
    /// Its columns; the first one is the key when rows that were left out are asked for. One that is NULL in all rows is left to its default.
    pub columns: &'static [&'static str],
    /// What happens to a row that is there already: `ON CONFLICT …`, or nothing.
    pub on_conflict: &'static str,
    /// Whether to tell which rows `ON CONFLICT DO NOTHING` left out. The first column is then text, and no two rows have the same.
    pub tells_left_out: bool,
}

/// An open transaction. Statements use `$1`, `$2`, … and the SQL that both engines share.
pub trait Conn {
    /// Which engine this is.
    fn engine(&self) -> Engine;

    /// Run a statement that answers rows.
    ///
    /// # Errors
    /// [`Error::Constraint`] or [`Error::Statement`] when the engine refuses.
    fn query(&mut self, sql: &str, params: &[Val]) -> Result<Vec<Row>>;

    /// Run a statement and return how many rows it changed.
    ///
    /// # Errors
    /// [`Error::Constraint`] or [`Error::Statement`] when the engine refuses.
    fn exec(&mut self, sql: &str, params: &[Val]) -> Result<u64>;

    /// Insert rows: `cells` holds one row after the other. Answers the numbers of those that were left out, where the statement tells.
    ///
    /// # Errors
    /// [`Error::Constraint`] or [`Error::Statement`] when the engine refuses; rows before the one it refused may be there.
    fn insert(&mut self, bulk: &Bulk, cells: &[ValRef<'_>]) -> Result<Vec<usize>>;

    /// The first row of an answer, or `None`.
    ///
    /// # Errors
    /// As [`Conn::query`].
    fn first(&mut self, sql: &str, params: &[Val]) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }
}
