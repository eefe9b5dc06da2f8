//! The SQL of erasure, for both engines. Each function changes one portion, in a transaction of its caller, and says what it changed.

use super::catalogue::{self, Table};
use super::words::Person;
use crate::base::{Millis, PersonaId, new_id};
use crate::store::audit::{Actor, Redacted, redact_row};
use crate::store::{Conn, Engine, Result, Row, Val, feed};
use crate::vals;
use serde_json::Value;

/// What is freed is overwritten: a deleted name must not stay in the pages of the file.
pub(super) fn overwrite(c: &mut dyn Conn) -> Result<()> {
    if c.engine() == Engine::Sqlite {
        c.query("PRAGMA secure_delete = ON", vals![])?;
    }
    Ok(())
}

/// The condition that one of the columns holds one of the needles, which are numbered from `first` on.
fn any_of(c: &dyn Conn, columns: &[String], person: &Person, first: usize) -> (String, Vec<Val>) {
    let needles: Vec<Val> = person.needles().map(Val::from).collect();
    let conditions: Vec<String> = columns
        .iter()
        .flat_map(|column| (0..needles.len()).map(move |number| (column, number)))
        .map(|(column, number)| catalogue::holds(c, column, first + number))
        .collect();
    (format!("({})", conditions.join(" OR ")), needles)
}

/// Ids of what the person wrote that something of ours answers.
pub(super) fn ids(c: &mut dyn Conn, person: &Person) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for table in ["pending_posts", "golden_templates"] {
        let condition = catalogue::holds(c, "draft_metadata", 1);
        let sql = format!(
            "SELECT parent_id, parent_author, draft_metadata FROM {table} WHERE lower(coalesce(parent_author, '')) = CAST($1 AS TEXT) OR {condition}"
        );
        for row in c.query(&sql, vals![person.name()])? {
            if row.text_opt("parent_author")?.is_some_and(|author| person.is(&author)) {
                found.extend(row.text_opt("parent_id")?.filter(|id| super::words::is_id(id)).map(|id| id.to_lowercase()));
            }
            found.extend(person.collect_ids(&row.text("draft_metadata")?));
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The keys of the rows of a table that hold one of the needles.
pub(super) fn candidates(c: &mut dyn Conn, table: &Table, person: &Person) -> Result<Vec<Vec<Val>>> {
    let (condition, needles) = any_of(c, &table.texts, person, 1);
    let key = table.key.join(", ");
    let rows = c.query(&format!("SELECT {key} FROM {} WHERE {condition} ORDER BY {key}", table.name), &needles)?;
    rows.iter().map(|row| table.key.iter().map(|column| row.get(column).cloned()).collect()).collect()
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Became {
    /// The person is not in it, or perhaps, so many times, as an ordinary word.
    Same(usize),
    /// They were taken out.
    TakenOut,
    /// A legal hold keeps it.
    Held,
    /// It is on its way to the other side.
    UnderWay,
}

/// Whether a legal hold on an item, a persona or a period keeps the row of this key.
fn is_held(c: &mut dyn Conn, table: &Table, key: &[Val]) -> Result<bool> {
    let Some(kind) = crate::upkeep::retention::kind::KINDS.iter().find(|kind| kind.table == table.name) else {
        // Rows that hang on an item or a persona are held with it.
        let item = table.key.iter().position(|column| column == "item_id" || column == "id").and_then(|at| key.get(at).cloned());
        let persona = table.key.iter().position(|column| column == "persona_id").and_then(|at| key.get(at).cloned());
        let sql =
            "SELECT 1 AS one FROM retention_holds h WHERE h.released_at IS NULL AND ((h.scope = 'item' AND h.target = CAST($1 AS TEXT))
                   OR (h.scope = 'persona' AND h.target = CAST($2 AS TEXT))) LIMIT 1";
        let text = |value: Option<Val>| value.filter(|value| matches!(value, Val::Text(_))).unwrap_or(Val::Null);
        return Ok(c.first(sql, &[text(item), text(persona)])?.is_some());
    };
    let sql = format!("SELECT 1 AS one FROM {} t WHERE {} AND {}", kind.table, kind.key_is_one_of(1, 1), kind.is_held());
    Ok(c.first(&sql, key)?.is_some())
}

/// Take the person out of one row. With `write` off it is only told what would become of it.
pub(super) fn take_out(c: &mut dyn Conn, table: &Table, key: &[Val], person: &Person, write: bool) -> Result<Became> {
    let is_this = table.key.iter().enumerate().map(|(at, column)| format!("{column} = ${}", at + 1)).collect::<Vec<_>>().join(" AND ");
    let mut columns = table.texts.join(", ");
    if table.name == "pending_posts" {
        columns.push_str(", state");
    }
    let Some(row) = c.first(&format!("SELECT {columns} FROM {} WHERE {is_this}", table.name), key)? else { return Ok(Became::Same(0)) };
    let (mut set, mut params, mut perhaps) = (Vec::new(), key.to_vec(), 0);
    for column in &table.texts {
        let Some(text) = row.text_opt(column)? else { continue };
        perhaps += person.perhaps(&text);
        let Some(left) = changed(table, column, &text, person, &row)? else { continue };
        params.push(left);
        set.push(format!("{column} = ${}", params.len()));
    }
    if set.is_empty() {
        return Ok(Became::Same(perhaps));
    }
    if is_held(c, table, key)? {
        return Ok(Became::Held);
    }
    if table.name == "pending_posts" && matches!(row.text("state")?.as_str(), "sending" | "unknown" | "unresolved") {
        return Ok(Became::UnderWay);
    }
    if table.name == "interactions" {
        // A vector of the text says what the text said.
        set.push("embedding = NULL".to_owned());
    }
    if write {
        c.exec(&format!("UPDATE {} SET {} WHERE {is_this}", table.name, set.join(", ")), &params)?;
    }
    Ok(Became::TakenOut)
}

/// What a column says without the person; `None` when it is as it was.
fn changed(table: &Table, column: &str, text: &str, person: &Person, row: &Row) -> Result<Option<Val>> {
    if column == "parent_author" {
        return Ok(person.is(text).then_some(Val::Null));
    }
    if matches!(column, "parent_id" | "thread_id") {
        // Two answers to the same comment are refused by it, so that it must stay different from every other.
        let is_theirs = person.ids.iter().any(|id| id.eq_ignore_ascii_case(text));
        return Ok(is_theirs.then(|| Val::Text(format!("erased:{}", new_id()))));
    }
    let left = person.taken_out(text);
    if column == "draft_metadata" && row.text_opt("parent_author").ok().flatten().is_some_and(|author| person.is(&author)) {
        // The digest of what they wrote tells whoever has a guess whether it is right.
        let mut value: Value = serde_json::from_str(left.as_deref().unwrap_or(text)).unwrap_or(Value::Null);
        if value.as_object_mut().is_some_and(|fields| fields.remove("parent_digest").is_some()) {
            return Ok(Some(Val::Text(value.to_string())));
        }
    }
    let _ = table;
    Ok(left.map(Val::Text))
}

/// Answers of models that name the person: they can be asked for again.
pub(super) fn cached(c: &mut dyn Conn, person: &Person, write: bool) -> Result<u64> {
    let (condition, needles) = any_of(c, &["answer".to_owned()], person, 1);
    let rows = c.query(&format!("SELECT cache_key, answer FROM response_cache WHERE {condition}"), &needles)?;
    let mut gone = 0;
    for row in rows {
        if person.taken_out(&row.text("answer")?).is_some() {
            gone += 1;
            if write {
                c.exec("DELETE FROM response_cache WHERE cache_key = $1", vals![row.text("cache_key")?])?;
            }
        }
    }
    Ok(gone)
}

/// Mutes of the person and of what they wrote. Who was erased is left alone by another rule.
pub(super) fn mutes(c: &mut dyn Conn, person: &Person, write: bool) -> Result<u64> {
    let mut gone = 0;
    for row in c.query("SELECT persona_id, kind, target, reason FROM mutes ORDER BY persona_id, kind, target", vals![])? {
        let (kind, target, reason) = (row.text("kind")?, row.text("target")?, row.text("reason")?);
        let is_theirs = match kind.as_str() {
            "user" => person.is(&target),
            "thread" => person.ids.iter().any(|id| id.eq_ignore_ascii_case(&target)),
            _ => false,
        };
        let key = [row.get("persona_id")?.clone(), Val::from(&kind), Val::from(&target)];
        if is_theirs {
            gone += 1;
            if write {
                c.exec("DELETE FROM mutes WHERE persona_id = $1 AND kind = $2 AND target = $3", &key)?;
            }
        } else if let Some(left) = person.taken_out(&reason) {
            gone += 1;
            if write {
                let mut params = key.to_vec();
                params.push(Val::Text(left));
                c.exec("UPDATE mutes SET reason = $4 WHERE persona_id = $1 AND kind = $2 AND target = $3", &params)?;
            }
        }
    }
    Ok(gone)
}

/// What search has of the person. Documents made of rows go, and the rows are read again; those made of files are only counted.
pub(super) fn search(c: &mut dyn Conn, person: &Person, at: Millis, write: bool) -> Result<(u64, Vec<String>)> {
    let texts = ["title", "body", "author", "parent", "own_name"].map(str::to_owned);
    let (condition, needles) = any_of(c, &texts, person, 1);
    let rows = c.query(
        &format!("SELECT id, kind, persona_id, source_id, title, body, author, parent, own_name FROM search_documents WHERE {condition} ORDER BY id"),
        &needles,
    )?;
    let (mut gone, mut files) = (0, Vec::new());
    for row in rows {
        let mut is_named = false;
        for column in &texts {
            is_named |= row.text_opt(column)?.is_some_and(|text| person.taken_out(&text).is_some());
        }
        if !is_named {
            continue;
        }
        let (kind, source) = (row.text("kind")?, row.text("source_id")?);
        if matches!(kind.as_str(), "runbook" | "note") {
            files.push(format!("{kind} {}", source.split('#').next().unwrap_or(&source)));
            continue;
        }
        gone += 1;
        if !write {
            continue;
        }
        c.exec("DELETE FROM search_documents WHERE id = $1", vals![row.int("id")?])?;
        let persona = row.text_opt("persona_id")?.map(PersonaId::from_stored);
        let parent = row.text_opt("parent")?.unwrap_or_else(|| source.clone());
        let (topic, subject) = match kind.as_str() {
            "interaction" => ("interactions", source),
            "belief" => ("beliefs", source),
            "stance" => ("beliefs", parent),
            "decision" => ("queue", parent),
            _ => ("queue", source),
        };
        feed::append(c, at, topic, persona.as_ref(), "erased", &subject)?;
    }
    for row in c.query("SELECT kind, persona_id, name FROM search_names", vals![])? {
        let name = row.text("name")?;
        if person.taken_out(&name).is_some() {
            gone += 1;
            if write {
                let key = [row.get("kind")?.clone(), row.get("persona_id")?.clone(), Val::from(&name)];
                c.exec("DELETE FROM search_names WHERE kind = $1 AND persona_id = $2 AND name = $3", &key)?;
            }
        }
    }
    Ok((gone, files))
}

/// Words of documents that are gone stay in the segments of the index until these are merged.
pub(super) fn merge_words(c: &mut dyn Conn) -> Result<()> {
    if c.engine() == Engine::Sqlite {
        c.exec("INSERT INTO search_words (search_words) VALUES ('optimize')", vals![])?;
    }
    Ok(())
}

/// Numbers of the rows of the audit log that name the person, from `after` on.
pub(super) fn logged(c: &mut dyn Conn, person: &Person) -> Result<Vec<i64>> {
    let (condition, needles) = any_of(c, &["detail", "reason", "subject_id"].map(str::to_owned), person, 1);
    let rows = c.query(&format!("SELECT seq FROM audit_log WHERE action <> 'audit.redact' AND {condition} ORDER BY seq"), &needles)?;
    rows.iter().map(|row| row.int("seq")).collect()
}

/// Take the person out of a row of the audit log, by the one change that its chain allows.
pub(super) fn redact(c: &mut dyn Conn, seq: i64, person: &Person, why: &str, (actor, at): (&Actor, Millis), write: bool) -> Result<Became> {
    let Some(row) = c.first("SELECT * FROM audit_log WHERE seq = $1", vals![seq])? else { return Ok(Became::Same(0)) };
    let (detail, reason, subject) = (row.text("detail")?, row.text_opt("reason")?, row.text("subject_id")?);
    let perhaps = person.perhaps(&detail) + reason.as_deref().map_or(0, |reason| person.perhaps(reason));
    let less = (person.taken_out(&detail), reason.as_deref().and_then(|reason| person.taken_out(reason)), person.taken_out(&subject));
    if less.0.is_none() && less.1.is_none() && less.2.is_none() {
        return Ok(Became::Same(perhaps));
    }
    let held = c.first(
        "SELECT 1 AS one FROM retention_holds h WHERE h.released_at IS NULL AND ((h.scope = 'item' AND h.target = CAST($1 AS TEXT))
           OR (h.scope = 'persona' AND h.target = CAST($2 AS TEXT)) OR (h.scope = 'period' AND h.from_at <= $3 AND h.until_at > $3)) LIMIT 1",
        &[Val::from(&subject), row.get("persona_id")?.clone(), row.get("at")?.clone()],
    )?;
    if held.is_some() {
        return Ok(Became::Held);
    }
    if write {
        let value = less.0.map(|text| serde_json::from_str::<Value>(&text).unwrap_or(Value::String(text)));
        // What was redacted before is not wrapped a second time.
        let value = value.map(|value| match value {
            Value::Object(mut fields) if fields.len() == 1 && fields.contains_key("redacted") => {
                fields.remove("redacted").unwrap_or_default()
            }
            other => other,
        });
        let with = Redacted { detail: value.as_ref(), actor: None, subject_id: less.2.as_deref(), reason: less.1.as_deref() };
        redact_row(c, seq, &with, why, actor, at)?;
    }
    Ok(Became::TakenOut)
}
