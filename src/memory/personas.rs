//! Personas: the table and its rules.

use super::change::{Author, Note, record};
use super::{Error, PersonaConfig, Result};
use crate::base::{Millis, PersonaId};
use crate::store::{Conn, Row};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};

const COLUMNS: &str = "id, reddit_username, display_name, config, created_at, updated_at";
const MIN_USERNAME: usize = 3;
const MAX_NAME: usize = 255;

/// A persona as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Persona {
    /// Its id.
    pub id: PersonaId,
    /// Name of the account, without `u/`.
    pub reddit_username: String,
    /// Name for people.
    pub display_name: Option<String>,
    /// What makes it this persona.
    pub config: PersonaConfig,
    /// When it was added.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
}

/// A username as it may be stored: 3 to 255 letters, digits, `_` and `-`.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_username(username: &str) -> Result<()> {
    let length = username.chars().count();
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if (MIN_USERNAME..=MAX_NAME).contains(&length) && username.chars().all(allowed) {
        return Ok(());
    }
    Err(Error::invalid_text("reddit_username", username, "3 to 255 letters, digits, _ and -, without u/ and without spaces"))
}

/// Add a persona.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::PersonaExists`] when the username is taken in any spelling of its case.
pub fn add(
    c: &mut dyn Conn,
    reddit_username: &str,
    display_name: Option<&str>,
    config: &PersonaConfig,
    author: &Author<'_>,
) -> Result<Persona> {
    check_username(reddit_username)?;
    let display_name = display_name.map(str::trim).filter(|name| !name.is_empty());
    if let Some(name) = display_name.filter(|name| name.chars().count() > MAX_NAME) {
        return Err(Error::invalid_text("display_name", name, "at most 255 characters"));
    }
    // A configuration that was put together in code is checked like one that came from outside.
    let config = PersonaConfig::from_value(&config.to_value())?;
    if let Some(taken) = by_username(c, reddit_username)? {
        return Err(Error::PersonaExists { username: taken.reddit_username });
    }
    let id = PersonaId::generate();
    let stored = config.to_value();
    c.exec(
        "INSERT INTO personas (id, reddit_username, display_name, config, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)",
        vals![&id, reddit_username, display_name, stored.to_string(), author.at],
    )?;
    let after = json!({"reddit_username": reddit_username, "display_name": display_name, "config": stored});
    record(c, author, &note(&id, "persona.add", "persona_added", &Value::Null, &after))?;
    Ok(Persona {
        id,
        reddit_username: reddit_username.to_owned(),
        display_name: display_name.map(str::to_owned),
        config,
        created_at: author.at,
        updated_at: author.at,
    })
}

/// The persona with this id.
///
/// # Errors
/// [`Error::PersonaNotFound`].
pub fn get(c: &mut dyn Conn, id: &PersonaId) -> Result<Persona> {
    let sql = format!("SELECT {COLUMNS} FROM personas WHERE id = $1");
    match c.first(&sql, vals![id])? {
        Some(row) => read(&row),
        None => Err(Error::PersonaNotFound { key: id.as_str().to_owned() }),
    }
}

/// The persona with this id or, when there is none, with this username in any case, with or without `u/`.
///
/// # Errors
/// [`Error::PersonaNotFound`].
pub fn find(c: &mut dyn Conn, key: &str) -> Result<Persona> {
    match get(c, &PersonaId::from_stored(key)) {
        Err(Error::PersonaNotFound { .. }) => {}
        found => return found,
    }
    let bare = key.trim();
    let bare = bare.strip_prefix("/u/").or_else(|| bare.strip_prefix("u/")).unwrap_or(bare);
    by_username(c, bare)?.ok_or_else(|| Error::PersonaNotFound { key: key.to_owned() })
}

/// Whether an account, in any case of its letters, is one of our own personas.
///
/// # Errors
/// When the database refuses.
pub fn is_ours(c: &mut dyn Conn, username: &str) -> Result<bool> {
    Ok(by_username(c, username)?.is_some())
}

/// All personas, by username.
///
/// # Errors
/// When the database fails.
pub fn list(c: &mut dyn Conn) -> Result<Vec<Persona>> {
    let sql = format!("SELECT {COLUMNS} FROM personas ORDER BY lower(reddit_username), id");
    c.query(&sql, &[])?.iter().map(read).collect()
}

/// Replace a persona's configuration. Returns the persona as it is now.
///
/// # Errors
/// [`Error::PersonaNotFound`]; [`Error::Invalid`], naming the key.
pub fn set_config(c: &mut dyn Conn, id: &PersonaId, config: &PersonaConfig, author: &Author<'_>) -> Result<Persona> {
    let before = get(c, id)?;
    let config = PersonaConfig::from_value(&config.to_value())?;
    let (old, new) = (before.config.to_value(), config.to_value());
    if old == new {
        return Ok(before);
    }
    c.exec("UPDATE personas SET config = $2, updated_at = $3 WHERE id = $1", vals![id, new.to_string(), author.at])?;
    let (old, new) = changed_keys(&old, &new);
    record(c, author, &note(id, "persona.set_config", "persona_changed", &old, &new))?;
    Ok(Persona { config, updated_at: author.at, ..before })
}

/// Set one key of a persona's configuration, as [`PersonaConfig::with`] does.
///
/// # Errors
/// As [`set_config`].
pub fn set_config_key(c: &mut dyn Conn, id: &PersonaId, key: &str, value: Value, author: &Author<'_>) -> Result<Persona> {
    let config = get(c, id)?.config.with(key, value)?;
    set_config(c, id, &config, author)
}

fn by_username(c: &mut dyn Conn, username: &str) -> Result<Option<Persona>> {
    let sql = format!("SELECT {COLUMNS} FROM personas WHERE lower(reddit_username) = lower(CAST($1 AS TEXT)) ORDER BY id");
    c.first(&sql, vals![username])?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Persona> {
    let reddit_username = row.text("reddit_username")?;
    let config = PersonaConfig::from_value(&row.json("config")?).map_err(|error| match error {
        Error::Invalid { what, found, expected } => {
            Error::Invalid { what: format!("{what}, stored with the persona {reddit_username},"), found, expected }
        }
        other => other,
    })?;
    Ok(Persona {
        id: PersonaId::from_stored(row.text("id")?),
        reddit_username,
        display_name: row.text_opt("display_name")?,
        config,
        created_at: row.int("created_at")?,
        updated_at: row.int("updated_at")?,
    })
}

fn note<'a>(id: &'a PersonaId, action: &'a str, kind: &'a str, before: &'a Value, after: &'a Value) -> Note<'a> {
    Note {
        persona: id,
        action,
        subject_kind: "persona",
        subject_id: id.as_str(),
        feed: ("personas", kind),
        feed_subject: None,
        reason: None,
        before,
        after,
    }
}

/// The two objects without the keys in which they agree: what the audit log keeps of a change.
fn changed_keys(old: &Value, new: &Value) -> (Value, Value) {
    let only = |this: &Value, that: &Value| match this {
        Value::Object(map) => {
            map.iter().filter(|(key, value)| that.get(key.as_str()) != Some(*value)).map(|(k, v)| (k.clone(), v.clone())).collect()
        }
        other => other.clone(),
    };
    (only(old, new), only(new, old))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_three_to_255_letters_digits_underscores_and_hyphens() {
        for good in ["abc", "DemoAgentBot", "a_b-9", &"x".repeat(255)] {
            assert!(check_username(good).is_ok(), "{good}");
        }
        for bad in ["ab", "two words", "u/someone", "ümlaut", "", &"x".repeat(256), "tab\t9"] {
            assert!(check_username(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_audit_log_keeps_only_the_keys_that_changed() {
        let (old, new) = changed_keys(&json!({"a": 1, "b": 2}), &json!({"a": 1, "b": 3, "c": 4}));
        assert_eq!((old, new), (json!({"b": 2}), json!({"b": 3, "c": 4})));
    }
}
