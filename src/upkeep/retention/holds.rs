//! Legal holds: what may not be taken away, whatever a rule or a request says, until somebody releases it.

use super::error::{Error, Result};
use super::kind::{KINDS, Kind};
use crate::base::{Millis, is_id, new_id};
use crate::store::audit::{self, Actor};
use crate::store::{self, Conn, Row, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};

/// What is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything about a Reddit user, by name.
    User(String),
    /// One row, by its whole id: see [`item`].
    Item(String),
    /// Everything of a persona, by its id.
    Persona(String),
    /// Everything of a period: from, inclusive, until, exclusive.
    Period(Millis, Millis),
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Its id.
    pub id: String,
    /// `user`, `item`, `persona` or `period`.
    pub scope: String,
    /// Whom or what; empty for a period.
    pub target: String,
    /// Beginning of a period.
    pub from_at: Option<Millis>,
    /// End of a period.
    pub until_at: Option<Millis>,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: Millis,
    /// Who released it; none while it is in force.
    pub released_by: Option<String>,
    /// When.
    pub released_at: Option<Millis>,
    /// Why.
    pub release_reason: Option<String>,
}

/// A name as holds and erasures compare it: small letters, without `u/`, and without the `\` that Markdown writes before `_`.
#[must_use]
pub fn plain(name: &str) -> String {
    let name = name.replace('\\', "");
    let name = name.trim();
    name.strip_prefix("/u/").or_else(|| name.strip_prefix("u/")).unwrap_or(name).to_lowercase()
}

/// Place a hold.
///
/// # Errors
/// [`Error::Hold`] when it says nothing, and the database's refusals.
pub fn add(c: &mut dyn Conn, scope: &Scope, reason: &str, actor: &Actor, at: Millis) -> Result<Hold> {
    if reason.trim().is_empty() {
        return Err(Error::Hold("a hold needs a reason: whoever finds it in a year has to know whether it still stands".to_owned()));
    }
    let (word, target, from_at, until_at) = match scope {
        Scope::User(name) => ("user", plain(name), None, None),
        Scope::Item(id) => ("item", id.trim().to_owned(), None, None),
        Scope::Persona(id) => ("persona", id.trim().to_owned(), None, None),
        Scope::Period(from, until) if from >= until => {
            return Err(Error::Hold("the period ends before it begins".to_owned()));
        }
        Scope::Period(from, until) => ("period", String::new(), Some(*from), Some(*until)),
    };
    if word != "period" && target.is_empty() {
        return Err(Error::Hold(format!("it is not said which {word} is held")));
    }
    let id = new_id();
    c.exec(
        "INSERT INTO retention_holds (id, scope, target, from_at, until_at, reason, placed_by, placed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        vals![&id, word, &target, from_at, until_at, reason, &actor.name, at],
    )?;
    let after = json!({ "scope": word, "target": target, "from": from_at, "until": until_at });
    log(c, actor, "retention.hold", &id, reason, &Value::Null, &after, at)?;
    get(c, &id)?.ok_or(Error::NoHold { id })
}

/// The whole id of the row that is named, by its id or by the end of it, as lists show it. It looks through whole tables: not for the writer.
///
/// # Errors
/// [`Error::Hold`] when there is no such row, or more than one, and the database's refusals.
pub fn item(c: &mut dyn Conn, named: &str) -> Result<String> {
    let named = named.trim();
    if named.is_empty() {
        return Err(Error::Hold("it is not said which item is held".to_owned()));
    }
    let none =
        || Error::Hold(format!("no row has the id {named:?}, or an id that ends so: give the whole id, or the end of it as lists show it"));
    let found = ids(c, "t.id = $1", named)?;
    if !found.is_empty() {
        return Ok(named.to_owned());
    }
    if is_id(named) {
        // A row that went to the archive is held there, and the log still knows of it.
        let logged = c.first(
            "SELECT 1 AS one FROM audit_log WHERE subject_id = $1 AND subject_kind IN ('pending_post', 'interaction', 'belief',
               'belief_suggestion', 'belief_conflict', 'llm_call', 'golden_template', 'upkeep_run') LIMIT 1",
            vals![named],
        )?;
        return logged.map(|_| named.to_owned()).ok_or_else(none);
    }
    if named.len() < 4 || !named.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(none());
    }
    match ids(c, "lower(t.id) LIKE '%' || CAST($1 AS TEXT)", &named.to_lowercase())?.as_slice() {
        [] => Err(none()),
        [whole] => Ok(whole.clone()),
        _ => Err(Error::Hold(format!("several rows have an id that ends with {named:?}: write more of it"))),
    }
}

/// At most a few of the different ids that fit, among the kinds whose rows are held by their ids.
fn ids(c: &mut dyn Conn, condition: &str, named: &str) -> store::Result<Vec<String>> {
    let mut found = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.has_id()) {
        let sql = format!("SELECT DISTINCT t.id AS id FROM {} t WHERE {condition} LIMIT 2", kind.table);
        for row in c.query(&sql, vals![named])? {
            found.push(row.text("id")?);
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// How many rows of a kind a hold reaches now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// The kind.
    pub kind: &'static str,
    /// Rows.
    pub rows: i64,
}

/// How many rows of a kind a hold reaches now. What comes later and fits is held too.
///
/// # Errors
/// When the database refuses.
pub fn reached(c: &mut dyn Conn, kind: &'static Kind, id: &str) -> store::Result<Reached> {
    let sql = format!(
        "SELECT CAST(count(*) AS BIGINT) AS reached FROM {} t WHERE EXISTS (SELECT 1 FROM retention_holds h WHERE h.id = $1 AND ({}))",
        kind.table,
        kind.is_reached()
    );
    let rows = c.first(&sql, vals![id])?.map_or(Ok(0), |row| row.int("reached"))?;
    Ok(Reached { kind: kind.name, rows })
}

/// Release a hold. What it kept falls under the rules again.
///
/// # Errors
/// [`Error::NoHold`] when none of this id, or end of an id, is in force; [`Error::Hold`] without a reason.
pub fn release(c: &mut dyn Conn, id: &str, reason: &str, actor: &Actor, at: Millis) -> Result<Hold> {
    if reason.trim().is_empty() {
        return Err(Error::Hold("a release needs a reason".to_owned()));
    }
    let found: Vec<Hold> = list(c, false)?.into_iter().filter(|hold| hold.id.ends_with(id) && id.len() >= 4).collect();
    let [hold] = found.as_slice() else { return Err(Error::NoHold { id: id.to_owned() }) };
    c.exec(
        "UPDATE retention_holds SET released_by = $2, released_at = $3, release_reason = $4 WHERE id = $1 AND released_at IS NULL",
        vals![&hold.id, &actor.name, at, reason],
    )?;
    let before = json!({ "scope": hold.scope, "target": hold.target });
    log(c, actor, "retention.release", &hold.id, reason, &before, &Value::Null, at)?;
    get(c, &hold.id)?.ok_or_else(|| Error::NoHold { id: id.to_owned() })
}

#[allow(clippy::too_many_arguments, reason = "the columns of an audit row")]
fn log(
    c: &mut dyn Conn,
    actor: &Actor,
    action: &str,
    id: &str,
    reason: &str,
    before: &Value,
    after: &Value,
    at: Millis,
) -> store::Result<()> {
    let entry = audit::Entry {
        at,
        persona: None,
        actor,
        action,
        subject_kind: "retention_hold",
        subject_id: id,
        reason: Some(reason),
        before,
        after,
    };
    audit::append(c, &entry)?;
    feed::append(c, at, crate::upkeep::runs::TOPIC, None, action, id)?;
    Ok(())
}

const COLUMNS: &str = "id, scope, target, from_at, until_at, reason, placed_by, placed_at, released_by, released_at, release_reason";

fn get(c: &mut dyn Conn, id: &str) -> store::Result<Option<Hold>> {
    c.first(&format!("SELECT {COLUMNS} FROM retention_holds WHERE id = $1"), vals![id])?.as_ref().map(hold).transpose()
}

/// The holds in force, or all that there ever were, the oldest first.
///
/// # Errors
/// When the database refuses.
pub fn list(c: &mut dyn Conn, all: bool) -> store::Result<Vec<Hold>> {
    let sql = format!("SELECT {COLUMNS} FROM retention_holds WHERE released_at IS NULL OR CAST($1 AS BIGINT) = 1 ORDER BY placed_at, id");
    c.query(&sql, vals![all])?.iter().map(hold).collect()
}

fn hold(row: &Row) -> store::Result<Hold> {
    Ok(Hold {
        id: row.text("id")?,
        scope: row.text("scope")?,
        target: row.text("target")?,
        from_at: row.int_opt("from_at")?,
        until_at: row.int_opt("until_at")?,
        reason: row.text("reason")?,
        placed_by: row.text("placed_by")?,
        placed_at: row.int("placed_at")?,
        released_by: row.text_opt("released_by")?,
        released_at: row.int_opt("released_at")?,
        release_reason: row.text_opt("release_reason")?,
    })
}

/// The hold in force on a Reddit user.
///
/// # Errors
/// When the database refuses.
pub fn of_user(c: &mut dyn Conn, name: &str) -> store::Result<Option<Hold>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM retention_holds WHERE released_at IS NULL AND scope = 'user' AND target = $1 ORDER BY placed_at, id LIMIT 1"
    );
    c.first(&sql, vals![plain(name)])?.as_ref().map(hold).transpose()
}
