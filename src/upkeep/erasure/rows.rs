//! The SQL of erasure, for both engines. Each function changes one portion, in a transaction of its caller, and says what it changed.

use super::catalogue::{self, Table};
use super::error::Error;
use super::held::{About, Holds};
use super::words::Person;
use crate::base::{Millis, PersonaId};
use crate::moderation::left_alone;
use crate::store::audit::{self, Actor, Redacted, redact_row};
use crate::store::{Conn, Engine, Result, Row, Val, feed};
use crate::upkeep::retention::kind::{KINDS, Kind};
use crate::vals;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a portion is done with.
pub(super) struct Doing {
    /// The person.
    pub person: Person,
    /// Whether anything is changed, or only told.
    pub write: bool,
    /// Who asked.
    pub actor: Actor,
    /// Now.
    pub at: Millis,
}

/// Columns of groups of letters that a queue item has; -1 in each of them means that the text is to be looked into.
const GROUPS: usize = 12;
/// Comparisons in one condition: engines take only so deep a one.
const DEPTH: usize = 500;

/// What is freed is overwritten: a deleted name must not stay in the pages of the file.
pub(super) fn overwrite(c: &mut dyn Conn) -> Result<()> {
    if c.engine() == Engine::Sqlite {
        c.query("PRAGMA secure_delete = ON", vals![])?;
    }
    Ok(())
}

/// The rows of which one of the columns holds one of the needles, each once. `sql` makes the statement from that condition.
fn holding(c: &mut dyn Conn, columns: &[String], person: &Person, sql: impl Fn(&str) -> String) -> Result<Vec<Row>> {
    let needles: Vec<Val> = person.needles().map(Val::from).collect();
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    // Somebody who wrote much has many ids.
    for needles in needles.chunks((DEPTH / columns.len().max(1)).max(1)) {
        let pairs = columns.iter().flat_map(|column| (1..=needles.len()).map(move |number| (column, number)));
        let conditions: Vec<String> = pairs.map(|(column, number)| catalogue::holds(c, column, number)).collect();
        for row in c.query(&sql(&format!("({})", conditions.join(" OR "))), needles)? {
            if seen.insert(format!("{:?}", row.entries().collect::<Vec<_>>())) {
                found.push(row);
            }
        }
    }
    Ok(found)
}

fn columns<const N: usize>(names: [&str; N]) -> [String; N] {
    names.map(str::to_owned)
}

/// Ids of what the person wrote, from every place that tells them in the database.
pub(super) fn ids(c: &mut dyn Conn, person: &Person) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for table in ["pending_posts", "golden_templates"] {
        let sql = |condition: &str| format!("SELECT parent_id, parent_author, draft_metadata FROM {table} WHERE {condition}");
        for row in holding(c, &columns(["parent_author", "draft_metadata"]), person, sql)? {
            if row.text_opt("parent_author")?.is_some_and(|author| person.is(&author)) {
                found.extend(row.text_opt("parent_id")?.filter(|id| super::words::is_id(id)).map(|id| id.to_lowercase()));
            }
            found.extend(person.collect_ids(&row.text("draft_metadata")?));
        }
    }
    for (table, column) in [("interactions", "metadata"), ("audit_log", "detail")] {
        let sql = |condition: &str| format!("SELECT {column} AS said FROM {table} WHERE {condition}");
        for row in holding(c, &columns([column]), person, sql)? {
            found.extend(person.collect_ids(&row.text("said")?));
        }
    }
    Ok(found)
}

/// The keys of the rows of a table that hold one of the needles.
pub(super) fn candidates(c: &mut dyn Conn, table: &Table, person: &Person) -> Result<Vec<Vec<Val>>> {
    if table.texts.is_empty() {
        return Ok(Vec::new());
    }
    let key = table.key.join(", ");
    let sql = |condition: &str| format!("SELECT {key} FROM {} WHERE {condition} ORDER BY {key}", table.name);
    let rows = holding(c, &table.texts, person, sql)?;
    rows.iter().map(|row| table.key.iter().map(|column| row.get(column).cloned()).collect()).collect()
}

/// Rows whose key names the person: they cannot be renamed. What was fetched about their own subreddit goes; others are only counted.
/// Answers how many went and how many there are besides.
pub(super) fn named(c: &mut dyn Conn, table: &Table, doing: &Doing) -> Result<(u64, u64)> {
    let (mut gone, mut kept) = (0, 0);
    if table.named.is_empty() {
        return Ok((gone, kept));
    }
    let key = table.key.join(", ");
    for row in holding(c, &table.named, &doing.person, |condition| format!("SELECT {key} FROM {} WHERE {condition}", table.name))? {
        let mut is_named = false;
        for column in &table.named {
            // `account:NAME` and the like.
            let text = row.text(column)?;
            let own = text.split_once(':').map_or(text.as_str(), |(_, name)| name);
            is_named |= doing.person.column_without(column, own, false).is_some();
        }
        if !is_named {
            continue;
        }
        if table.name != "subreddit_policies" {
            kept += 1;
            continue;
        }
        gone += 1;
        if doing.write {
            c.exec("DELETE FROM subreddit_policies WHERE subreddit = $1", vals![row.text("subreddit")?])?;
        }
    }
    Ok((gone, kept))
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Became {
    /// The person is not in it, or perhaps, so many times, as an ordinary word.
    Same(usize),
    /// They were taken out.
    TakenOut,
    /// They were taken out of a draft that waits, which has to be read again.
    ToReadAgain,
    /// A legal hold keeps it.
    Held,
    /// It is on its way to the other side.
    UnderWay,
    /// Somebody edited it before: a row of the audit log that does not match its hash.
    Edited,
}

/// Whether a legal hold keeps the row of this key: one that reaches it, or the row that it hangs on.
fn is_held(c: &mut dyn Conn, table: &Table, key: &[Val], holds: &Holds) -> Result<bool> {
    if let Some(kind) = KINDS.iter().find(|kind| kind.table == table.name) {
        return is_kind_held(c, kind, key);
    }
    let is_this = |prefix: &str| {
        let columns = table.key.iter().enumerate().map(|(at, column)| format!("{prefix}{column} = ${}", at + 1));
        columns.collect::<Vec<_>>().join(" AND ")
    };
    let parent =
        KINDS.iter().find_map(|kind| kind.children.iter().find(|(child, _)| *child == table.name).map(|(_, joined)| (kind, joined)));
    if let Some((kind, joined)) = parent {
        let sql = format!(
            "SELECT 1 AS one FROM {} x JOIN {} t ON {joined} WHERE {} AND {} LIMIT 1",
            table.name,
            kind.table,
            is_this("x."),
            kind.is_held()
        );
        return Ok(c.first(&sql, key)?.is_some());
    }
    let row = c.first(&format!("SELECT * FROM {} WHERE {}", table.name, is_this("")), key)?;
    Ok(row.is_some_and(|row| holds.keep_row(&table.name, &row)))
}

fn is_kind_held(c: &mut dyn Conn, kind: &Kind, key: &[Val]) -> Result<bool> {
    let sql = format!("SELECT 1 AS one FROM {} t WHERE {} AND {}", kind.table, kind.key_is_one_of(1, 1), kind.is_held());
    Ok(c.first(&sql, key)?.is_some())
}

/// Take the person out of one row. With `write` off it is only told what would become of it.
pub(super) fn take_out(c: &mut dyn Conn, table: &Table, key: &[Val], holds: &Holds, doing: &Doing) -> Result<Became, Error> {
    let person = &doing.person;
    let is_this = table.key.iter().enumerate().map(|(at, column)| format!("{column} = ${}", at + 1)).collect::<Vec<_>>().join(" AND ");
    let mut columns = table.texts.join(", ");
    match table.name.as_str() {
        "pending_posts" => columns.push_str(", state, persona_id, id"),
        "retention_holds" => columns.push_str(", released_at"),
        _ => {}
    }
    let Some(row) = c.first(&format!("SELECT {columns} FROM {} WHERE {is_this}", table.name), key)? else { return Ok(Became::Same(0)) };
    let is_theirs = row.text_opt("parent_author").ok().flatten().is_some_and(|author| person.is(&author));
    let (mut set, mut params, mut perhaps) = (Vec::new(), key.to_vec(), 0);
    for column in &table.texts {
        let Some(text) = row.text_opt(column)? else { continue };
        // Whom a hold holds is said until it is released.
        if table.name == "retention_holds" && column == "target" && row.int_opt("released_at")?.is_none() {
            continue;
        }
        perhaps += person.perhaps_in(column, &text);
        let Some(left) = person.column_without(column, &text, is_theirs) else { continue };
        params.push(left.as_str().map_or(Val::Null, Val::from));
        set.push(format!("{column} = ${}", params.len()));
    }
    if set.is_empty() {
        return Ok(Became::Same(perhaps));
    }
    if is_held(c, table, key, holds)? {
        return Ok(Became::Held);
    }
    if table.name == "pending_posts" && matches!(row.text("state")?.as_str(), "sending" | "unknown" | "unresolved") {
        return Ok(Became::UnderWay);
    }
    // A vector of a text says what the text said, and so do the groups of letters by which the list of the queue is searched.
    match table.name.as_str() {
        "interactions" => set.push("embedding = NULL".to_owned()),
        "pending_posts" => set.extend((0..GROUPS).map(|number| format!("text_{number} = -1"))),
        _ => {}
    }
    if doing.write {
        c.exec(&format!("UPDATE {} SET {} WHERE {is_this}", table.name, set.join(", ")), &params)?;
    }
    if table.name == "pending_posts" {
        let persona = PersonaId::from_stored(row.text("persona_id")?);
        let waits = matches!(row.text("state")?.as_str(), "pending" | "claimed" | "held" | "scheduled" | "blocked");
        if waits && doing.write {
            left_alone::read_again(c, &persona, &row.text("id")?, &doing.actor, doing.at)?;
        }
        if waits {
            return Ok(Became::ToReadAgain);
        }
    }
    Ok(Became::TakenOut)
}

/// Answers of models that name the person: they can be asked for again.
pub(super) fn cached(c: &mut dyn Conn, doing: &Doing) -> Result<Vec<Became>> {
    let kind = KINDS.iter().find(|kind| kind.table == "response_cache");
    let sql = |condition: &str| format!("SELECT cache_key, answer FROM response_cache WHERE {condition}");
    let mut became = Vec::new();
    for row in holding(c, &columns(["answer"]), &doing.person, sql)? {
        if doing.person.taken_out(&row.text("answer")?).is_none() {
            continue;
        }
        let key = row.get("cache_key")?.clone();
        if let Some(kind) = kind
            && is_kind_held(c, kind, std::slice::from_ref(&key))?
        {
            became.push(Became::Held);
            continue;
        }
        became.push(Became::TakenOut);
        if doing.write {
            c.exec("DELETE FROM response_cache WHERE cache_key = $1", &[key])?;
        }
    }
    Ok(became)
}

/// Mutes of the person and of what they wrote. Who was erased is left alone by another rule.
pub(super) fn mutes(c: &mut dyn Conn, holds: &Holds, doing: &Doing) -> Result<Vec<Became>> {
    let person = &doing.person;
    let mut became = Vec::new();
    for row in c.query("SELECT persona_id, kind, target, reason, created_at FROM mutes ORDER BY persona_id, kind, target", vals![])? {
        let (kind, target, reason) = (row.text("kind")?, row.text("target")?, row.text("reason")?);
        let is_theirs = match kind.as_str() {
            "user" => person.is(&target),
            "subreddit" => person.is_profile(&target),
            "thread" => person.ids.iter().any(|id| id.eq_ignore_ascii_case(&target)),
            _ => false,
        };
        let left = person.taken_out(&reason);
        if !is_theirs && left.is_none() {
            continue;
        }
        if holds.keep_row("mutes", &row) {
            became.push(Became::Held);
            continue;
        }
        became.push(Became::TakenOut);
        if !doing.write {
            continue;
        }
        let mut key = vec![row.get("persona_id")?.clone(), Val::from(&kind), Val::from(&target)];
        if is_theirs {
            c.exec("DELETE FROM mutes WHERE persona_id = $1 AND kind = $2 AND target = $3", &key)?;
        } else {
            key.push(Val::from(left));
            c.exec("UPDATE mutes SET reason = $4 WHERE persona_id = $1 AND kind = $2 AND target = $3", &key)?;
        }
    }
    Ok(became)
}

/// What search has of the person. Documents made of rows go, and the rows are read again; those made of files are only counted.
pub(super) fn search(c: &mut dyn Conn, doing: &Doing) -> Result<(u64, Vec<String>)> {
    let Doing { person, write, at, .. } = doing;
    let (write, at) = (*write, *at);
    let texts = columns(["title", "body", "author", "parent", "own_name"]);
    let rows = holding(c, &texts, person, |condition| {
        format!(
            "SELECT id, kind, persona_id, source_id, title, body, author, parent, own_name FROM search_documents WHERE {condition} ORDER BY id"
        )
    })?;
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

/// Numbers of the rows of the audit log that name the person.
pub(super) fn logged(c: &mut dyn Conn, person: &Person) -> Result<Vec<i64>> {
    let texts = columns(["detail", "reason", "subject_id"]);
    let sql = |condition: &str| format!("SELECT seq FROM audit_log WHERE action <> 'audit.redact' AND {condition} ORDER BY seq");
    let mut found = holding(c, &texts, person, sql)?.iter().map(|row| row.int("seq")).collect::<Result<Vec<_>>>()?;
    found.sort_unstable();
    Ok(found)
}

/// Take the person out of a row of the audit log, by the one change that its chain allows.
pub(super) fn redact(c: &mut dyn Conn, seq: i64, why: &str, holds: &Holds, doing: &Doing) -> Result<Became> {
    let person = &doing.person;
    let Some(row) = c.first("SELECT * FROM audit_log WHERE seq = $1", vals![seq])? else { return Ok(Became::Same(0)) };
    let (detail, reason, subject) = (row.text("detail")?, row.text_opt("reason")?, row.text("subject_id")?);
    let perhaps = person.perhaps(&detail) + reason.as_deref().map_or(0, |reason| person.perhaps(reason));
    let less = (person.taken_out(&detail), reason.as_deref().and_then(|reason| person.taken_out(reason)), person.taken_out(&subject));
    if less.0.is_none() && less.1.is_none() && less.2.is_none() {
        return Ok(Became::Same(perhaps));
    }
    let text = format!("{detail}\n{}\n{subject}", reason.as_deref().unwrap_or_default()).to_lowercase();
    let persona = row.text_opt("persona_id")?;
    if holds.keep(&About { ids: vec![&subject], persona: persona.as_deref(), at: row.int_opt("at")?, text: &text }) {
        return Ok(Became::Held);
    }
    if !audit::is_intact(c, &row)? {
        return Ok(Became::Edited);
    }
    if doing.write {
        let value = less.0.map(|text| serde_json::from_str::<Value>(&text).unwrap_or(Value::String(text)));
        // What was redacted before is not wrapped a second time.
        let value = value.map(|value| match value {
            Value::Object(mut fields) if fields.len() == 1 && fields.contains_key("redacted") => {
                fields.remove("redacted").unwrap_or_default()
            }
            other => other,
        });
        let with = Redacted { detail: value.as_ref(), actor: None, subject_id: less.2.as_deref(), reason: less.1.as_deref() };
        redact_row(c, seq, &with, why, &doing.actor, doing.at)?;
    }
    Ok(Became::TakenOut)
}
