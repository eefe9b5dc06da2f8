//! The SQL of retention: which rows are past their time, what they hold, and taking them away. One place, for both engines.

use super::error::{Error, Result};
use super::kind::Kind;
use super::rules::Rule;
use crate::base::Millis;
use crate::store::{self, Conn, Row, Val};
use crate::vals;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The key of a row.
pub(super) type Key = Vec<Val>;

/// What a rule would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The rule.
    pub rule: String,
    /// Its kind.
    pub kind: &'static str,
    /// Rows before this moment are past their time; none for a rule that keeps for ever.
    pub cutoff: Option<Millis>,
    /// Rows that go.
    pub rows: i64,
    /// Rows past their time that a legal hold keeps.
    pub held: i64,
    /// Rows past their time that stay because something still needs them.
    pub live: i64,
    /// The oldest that goes.
    pub oldest: Option<Millis>,
}

/// The condition of a rule without what protects: `$1` is the cutoff.
fn past(kind: &Kind, rule: &Rule) -> String {
    let states = kind.states.map_or_else(String::new, |(column, _)| {
        // The words come from our own table of states.
        let words: Vec<String> = rule.states.iter().map(|state| format!("'{state}'")).collect();
        format!(" AND {column} IN ({})", words.join(", "))
    });
    format!("{} < $1{states}", kind.age)
}

/// The whole condition: past its time, not live, not held. What is unknown of a row (NULL) protects it no more than what is false.
fn goes(kind: &Kind, rule: &Rule) -> String {
    let not = |condition: String| format!("CASE WHEN {condition} THEN 1 ELSE 0 END = 0");
    format!("{} AND {} AND {}", past(kind, rule), not(kind.is_live()), not(kind.is_held()))
}

/// What a rule would do now.
pub(super) fn count(c: &mut dyn Conn, kind: &Kind, rule: &Rule, cutoff: Option<Millis>) -> store::Result<Count> {
    let mut found = Count { rule: rule.id.clone(), kind: kind.name, cutoff, rows: 0, held: 0, live: 0, oldest: None };
    let Some(cutoff) = cutoff else { return Ok(found) };
    let sql = format!(
        "SELECT CAST(coalesce(sum(CASE WHEN live = 0 AND held = 0 THEN 1 ELSE 0 END), 0) AS BIGINT) AS going,
           CAST(coalesce(sum(live), 0) AS BIGINT) AS live, CAST(coalesce(sum(CASE WHEN live = 0 THEN held ELSE 0 END), 0) AS BIGINT) AS held,
           min(CASE WHEN live = 0 AND held = 0 THEN age END) AS oldest
         FROM (SELECT {} AS age, CASE WHEN {} THEN 1 ELSE 0 END AS live, CASE WHEN {} THEN 1 ELSE 0 END AS held FROM {} t WHERE {}) AS counted",
        kind.age,
        kind.is_live(),
        kind.is_held(),
        kind.table,
        past(kind, rule)
    );
    if let Some(row) = c.first(&sql, vals![cutoff])? {
        (found.rows, found.live, found.held) = (row.int("going")?, row.int("live")?, row.int("held")?);
        found.oldest = row.int_opt("oldest")?;
    }
    Ok(found)
}

/// The keys of rows that go, the oldest first.
pub(super) fn keys(c: &mut dyn Conn, kind: &Kind, rule: &Rule, cutoff: Millis, limit: i64) -> store::Result<Vec<Key>> {
    let columns = kind.key_columns();
    let sql = format!("SELECT {columns} FROM {} t WHERE {} ORDER BY {}, {columns} LIMIT $2", kind.table, goes(kind, rule), kind.age);
    let rows = c.query(&sql, vals![cutoff, limit])?;
    rows.iter().map(|row| kind.key.iter().map(|(column, _)| row.get(column).cloned()).collect()).collect()
}

/// A key is looked up together with so many others, so that few texts are prepared.
fn portions(keys: &[Key]) -> impl Iterator<Item = &[Key]> {
    let (mut rest, sizes) = (keys, [64, 8, 1]);
    std::iter::from_fn(move || {
        let size = sizes.into_iter().find(|size| *size <= rest.len())?;
        let (now, later) = rest.split_at(size);
        rest = later;
        Some(now)
    })
}

fn text_of(value: &Val) -> Value {
    match value {
        Val::Null => Value::Null,
        Val::Int(number) => json!(number),
        Val::Real(number) => json!(number),
        Val::Text(text) => json!(text),
        Val::Blob(bytes) => json!({ "hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}

fn object(row: &Row) -> Value {
    Value::Object(row.entries().map(|(name, value)| (name.to_owned(), text_of(value))).collect::<Map<_, _>>())
}

/// The rows as lines of JSON, each with what goes with it. The order is that of the keys' columns, the same at every reading.
pub(super) fn lines(c: &mut dyn Conn, kind: &Kind, keys: &[Key]) -> store::Result<String> {
    let mut lines = String::new();
    for portion in portions(keys) {
        let params: Vec<Val> = portion.iter().flatten().cloned().collect();
        let columns = kind.key_columns();
        let is_one = kind.key_is_one_of(portion.len(), 1);
        for row in c.query(&format!("SELECT t.* FROM {} t WHERE {is_one} ORDER BY {columns}", kind.table), &params)? {
            let mut with = Map::new();
            for (table, joined) in kind.children {
                let own: Vec<Val> = kind.key.iter().map(|(column, _)| row.get(column).cloned()).collect::<store::Result<_>>()?;
                let sql = format!("SELECT x.* FROM {table} x, {} t WHERE {joined} AND {}", kind.table, kind.key_is_one_of(1, 1));
                let mut children: Vec<Value> = c.query(&sql, &own)?.iter().map(object).collect();
                if !children.is_empty() {
                    children.sort_by_key(Value::to_string);
                    with.insert((*table).to_owned(), Value::Array(children));
                }
            }
            let line = json!({ "table": kind.table, "row": object(&row), "with": with });
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
    }
    Ok(lines)
}

/// Take rows away. All of them must still be past their time and unprotected, or none goes.
///
/// # Errors
/// [`Error::Changed`] when one of them may not go any more: the transaction is to be rolled back.
pub(super) fn take_away(c: &mut dyn Conn, kind: &Kind, rule: &Rule, cutoff: Millis, keys: &[Key]) -> Result<()> {
    for portion in portions(keys) {
        let mut params = vec![Val::Int(cutoff)];
        params.extend(portion.iter().flatten().cloned());
        let sql = format!("DELETE FROM {} AS t WHERE {} AND {}", kind.table, kind.key_is_one_of(portion.len(), 2), goes(kind, rule));
        if c.exec(&sql, &params)? != portion.len() as u64 {
            return Err(Error::Changed);
        }
    }
    Ok(())
}

/// Remember up to when rows of a kind may be gone.
pub(super) fn move_horizon(c: &mut dyn Conn, kind: &Kind, until: Millis) -> store::Result<()> {
    c.exec(
        "INSERT INTO retention_horizons (kind, until_at) VALUES ($1, $2) ON CONFLICT (kind) DO UPDATE SET until_at =
           CASE WHEN excluded.until_at > retention_horizons.until_at THEN excluded.until_at ELSE retention_horizons.until_at END",
        vals![kind.name, until],
    )?;
    Ok(())
}

/// The newest moment that anything in the audit log was written down.
pub(super) fn newest(c: &mut dyn Conn) -> store::Result<Option<Millis>> {
    c.first("SELECT at FROM audit_log ORDER BY seq DESC LIMIT 1", &[])?.map(|row| row.int("at")).transpose()
}
