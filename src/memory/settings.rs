//! Settings of one persona that operators change while it runs: key and JSON value. They overlay the persona's configuration.

use super::change::{Author, Note, record};
use super::persona_config::{self, SLIDERS};
use super::{Error, Result, personas};
use crate::base::{PersonaId, new_id};
use crate::store::Conn;
use crate::vals;
use serde_json::{Map, Value};

/// Whether allowed drafts are posted without a person. Absent means no.
pub const AUTO_POSTING: &str = "auto_posting_enabled";

/// Keys that name secrets: refused in any spelling of their case.
pub const REFUSED_KEYS: [&str; 8] = [
    "admin_password",
    "api_key",
    "secret_key",
    "database_url",
    "reddit_client_secret",
    "openai_api_key",
    "anthropic_api_key",
    "jwt_secret",
];

const MAX_KEY: usize = 255;

/// A key that may be stored: ASCII letters, digits and underscore, and not the name of a secret.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::SecretSetting`].
pub fn check_key(key: &str) -> Result<()> {
    let well_formed =
        !key.is_empty() && key.len() <= MAX_KEY && key.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if !well_formed {
        return Err(Error::invalid_text("the setting's key", key, "1 to 255 letters, digits and underscores"));
    }
    if REFUSED_KEYS.iter().any(|refused| refused.eq_ignore_ascii_case(key)) {
        return Err(Error::SecretSetting { key: key.to_owned() });
    }
    Ok(())
}

/// The value that a text stands for: JSON when it is JSON, else the text itself.
#[must_use]
pub fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// The value as it may be stored under the key: subreddit names cleaned, sliders within 0..1, auto-posting a real boolean.
///
/// # Errors
/// [`Error::Invalid`], naming the key.
pub fn check_value(key: &str, value: Value) -> Result<Value> {
    match key {
        AUTO_POSTING => match boolean(&value) {
            Some(on) => Ok(Value::Bool(on)),
            None => Err(Error::invalid(key, value, "true or false")),
        },
        "target_subreddits" => {
            let names: Vec<String> =
                serde_json::from_value(value.clone()).map_err(|_| Error::invalid(key, &value, "a list of subreddit names"))?;
            let names = persona_config::subreddits(key, &names)?;
            if names.is_empty() {
                return Err(Error::invalid(key, "empty", "at least one subreddit"));
            }
            Ok(names.into())
        }
        "persona_style" => {
            let Value::Object(table) = &value else {
                return Err(Error::invalid(key, &value, "a table of sliders"));
            };
            for (name, slider) in table.iter().filter(|(name, _)| SLIDERS.contains(&name.as_str())) {
                persona_config::slider(&format!("{key}.{name}"), slider)?;
            }
            Ok(value)
        }
        slider if SLIDERS.contains(&slider) => persona_config::slider(key, &value).map(|_| value),
        _ => Ok(value),
    }
}

/// The setting, or `None` when it is absent or empty.
///
/// # Errors
/// When the database fails.
pub fn get(c: &mut dyn Conn, persona: &PersonaId, key: &str) -> Result<Option<Value>> {
    let row = c.first("SELECT config_value FROM agent_config WHERE persona_id = $1 AND config_key = $2", vals![persona, key])?;
    let text = row.map(|row| row.text("config_value")).transpose()?;
    Ok(text.filter(|text| !text.is_empty()).map(|text| value_of(&text)))
}

/// Store a setting. Returns the value as it was stored.
///
/// # Errors
/// [`Error::PersonaNotFound`]; [`Error::SecretSetting`]; [`Error::Invalid`].
pub fn set(c: &mut dyn Conn, persona: &PersonaId, key: &str, value: Value, author: &Author<'_>) -> Result<Value> {
    check_key(key)?;
    let value = check_value(key, value)?;
    personas::get(c, persona)?;
    let before = get(c, persona, key)?;
    if before.as_ref() == Some(&value) {
        return Ok(value);
    }
    c.exec(
        "INSERT INTO agent_config (persona_id, id, config_key, config_value, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (persona_id, config_key) DO UPDATE SET config_value = excluded.config_value, updated_at = excluded.updated_at",
        vals![persona, new_id(), key, value.to_string(), author.at],
    )?;
    leave_note(c, persona, key, ("setting.set", "setting_changed"), (&before.unwrap_or(Value::Null), &value), author)?;
    Ok(value)
}

/// [`set`] from a text, as it comes from a command line: a text that is JSON is kept as that JSON, any other is a string.
///
/// # Errors
/// As [`set`].
pub fn set_text(c: &mut dyn Conn, persona: &PersonaId, key: &str, text: &str, author: &Author<'_>) -> Result<Value> {
    set(c, persona, key, value_of(text), author)
}

/// Remove a setting. Tells whether there was one.
///
/// # Errors
/// [`Error::PersonaNotFound`].
pub fn remove(c: &mut dyn Conn, persona: &PersonaId, key: &str, author: &Author<'_>) -> Result<bool> {
    personas::get(c, persona)?;
    let Some(before) = get(c, persona, key)? else {
        return Ok(false);
    };
    c.exec("DELETE FROM agent_config WHERE persona_id = $1 AND config_key = $2", vals![persona, key])?;
    leave_note(c, persona, key, ("setting.remove", "setting_changed"), (&before, &Value::Null), author)?;
    Ok(true)
}

/// All settings that are shown for a persona: its configuration, overlaid by what was set here.
///
/// # Errors
/// [`Error::PersonaNotFound`].
pub fn effective(c: &mut dyn Conn, persona: &PersonaId) -> Result<Map<String, Value>> {
    let mut settings = match personas::get(c, persona)?.config.to_value() {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let rows = c.query("SELECT config_key, config_value FROM agent_config WHERE persona_id = $1 ORDER BY config_key", vals![persona])?;
    for row in rows {
        let text = row.text("config_value")?;
        if !text.is_empty() {
            settings.insert(row.text("config_key")?, value_of(&text));
        }
    }
    Ok(settings)
}

/// Whether the persona posts allowed drafts without a person. Only `true` is true: the texts `"false"`, `"yes"` and `1` are not.
///
/// # Errors
/// When the database fails.
pub fn auto_posting_enabled(c: &mut dyn Conn, persona: &PersonaId) -> Result<bool> {
    Ok(get(c, persona, AUTO_POSTING)?.as_ref().and_then(boolean).unwrap_or(false))
}

/// A boolean, or the text of one: values written by the original may be either.
fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn leave_note(
    c: &mut dyn Conn,
    persona: &PersonaId,
    key: &str,
    (action, kind): (&str, &str),
    (before, after): (&Value, &Value),
    author: &Author<'_>,
) -> Result<()> {
    let note = Note {
        persona,
        action,
        subject_kind: "setting",
        subject_id: key,
        feed: ("personas", kind),
        feed_subject: Some(persona.as_str()),
        reason: None,
        before,
        after,
    };
    record(c, author, &note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_boolean_turns_auto_posting_on() {
        for (given, on) in [
            (json!(true), Some(true)),
            (json!("true"), Some(true)),
            (json!(false), Some(false)),
            (json!("false"), Some(false)),
            (json!("yes"), None),
            (json!(1), None),
            (json!(null), None),
        ] {
            assert_eq!(boolean(&given), on, "{given}");
            assert_eq!(check_value(AUTO_POSTING, given).ok(), on.map(Value::Bool));
        }
    }

    #[test]
    fn keys_of_secrets_and_odd_keys_are_refused() {
        for key in REFUSED_KEYS.iter().copied().chain(["API_KEY", "Jwt_Secret"]) {
            assert!(matches!(check_key(key), Err(Error::SecretSetting { .. })), "{key}");
        }
        for key in ["", "two words", "dash-ed", "ключ", &"k".repeat(256)] {
            assert!(matches!(check_key(key), Err(Error::Invalid { .. })), "{key}");
        }
        assert!(check_key("auto_posting_enabled").is_ok());
    }

    #[test]
    fn values_are_cleaned_and_checked_by_their_key() {
        assert_eq!(check_value("target_subreddits", json!([" r/test ", "bottest"])).unwrap(), json!(["test", "bottest"]));
        assert_eq!(check_value("humor", json!(0.3)).unwrap(), json!(0.3));
        for (key, value) in [
            ("target_subreddits", json!([])),
            ("target_subreddits", json!(["no good"])),
            ("target_subreddits", json!("test")),
            ("humor", json!("0.3")),
            ("formality", json!(1.01)),
            ("persona_style", json!({"directness": -0.1})),
        ] {
            let message = check_value(key, value).unwrap_err().to_string();
            assert!(message.contains(key), "{message}");
        }
    }

    #[test]
    fn a_text_that_is_json_is_that_json() {
        assert_eq!(value_of("false"), json!(false));
        assert_eq!(value_of("[1, 2]"), json!([1, 2]));
        assert_eq!(value_of("plain words"), json!("plain words"));
    }
}
