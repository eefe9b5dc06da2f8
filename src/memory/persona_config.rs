//! What makes a persona: the typed form of the configuration that is kept as JSON with it. No I/O.
//!
//! Keys that this version does not know are kept as they are, so that a newer version or another tool loses nothing.

use super::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a persona speaks: sliders from 0 to 1. A slider that is not set leaves the choice to the tone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonaStyle {
    /// 0 hints, 1 says it straight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directness: Option<f64>,
    /// 0 chats, 1 writes a letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formality: Option<f64>,
    /// 0 is earnest, 1 jokes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub humor: Option<f64>,
    /// 0 speaks to everybody, 1 to colleagues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub technical_depth: Option<f64>,
    /// Keys of other versions.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl PersonaStyle {
    /// The sliders with their names, in the order in which they are shown.
    #[must_use]
    pub fn sliders(&self) -> [(&'static str, Option<f64>); 4] {
        let [directness, formality, humor, technical_depth] = SLIDERS;
        [(directness, self.directness), (formality, self.formality), (humor, self.humor), (technical_depth, self.technical_depth)]
    }
}

/// Names of the style sliders.
pub const SLIDERS: [&str; 4] = ["directness", "formality", "humor", "technical_depth"];

/// Limits that the persona asks for. Screening enforces its own; these can only be stricter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SafetyFlags {
    /// A person approves everything.
    pub require_approval: bool,
    /// Name of the content filter's level.
    pub content_filter: String,
    /// Longest comment, in characters.
    pub max_comment_length: u32,
    /// Keys of other versions.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for SafetyFlags {
    fn default() -> Self {
        Self { require_approval: true, content_filter: "strict".to_owned(), max_comment_length: 500, other: Map::new() }
    }
}

/// A persona's configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonaConfig {
    /// One word or phrase: casual, friendly, dry.
    pub tone: String,
    /// One word or phrase: concise, thorough.
    pub style: String,
    /// What the persona stands for. Older files say `values`.
    pub core_values: Vec<String>,
    /// Where it reads, without `r/`.
    pub target_subreddits: Vec<String>,
    /// A post is of interest when it contains one of these; none means that every post is.
    pub interest_keywords: Vec<String>,
    /// Who the persona is, as prose for the model.
    pub personality_profile: String,
    /// Rules for writing, one sentence each.
    pub writing_rules: Vec<String>,
    /// How it sounds: short samples.
    pub voice_examples: Vec<String>,
    /// Sliders.
    pub persona_style: PersonaStyle,
    /// Limits.
    pub safety_flags: SafetyFlags,
    /// Keys that this version does not know, as they came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for PersonaConfig {
    fn default() -> Self {
        Self {
            tone: "casual".to_owned(),
            style: "concise".to_owned(),
            core_values: Vec::new(),
            target_subreddits: Vec::new(),
            interest_keywords: Vec::new(),
            personality_profile: String::new(),
            writing_rules: Vec::new(),
            voice_examples: Vec::new(),
            persona_style: PersonaStyle::default(),
            safety_flags: SafetyFlags::default(),
            other: Map::new(),
        }
    }
}

impl PersonaConfig {
    /// Read and check a configuration. What is missing takes its default.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the key.
    pub fn from_value(value: &Value) -> Result<Self> {
        let Value::Object(map) = value else {
            return Err(Error::invalid("the persona's configuration", value, "a JSON object"));
        };
        let mut map = map.clone();
        let older_values = take::<Vec<String>>(&mut map, "values", LIST)?;
        let plain = Self::default();
        Ok(Self {
            tone: short_text("tone", take(&mut map, "tone", TEXT)?.unwrap_or(plain.tone))?,
            style: short_text("style", take(&mut map, "style", TEXT)?.unwrap_or(plain.style))?,
            core_values: lines("core_values", take(&mut map, "core_values", LIST)?.or(older_values))?,
            target_subreddits: subreddits(
                "target_subreddits",
                &take::<Vec<String>>(&mut map, "target_subreddits", LIST)?.unwrap_or_default(),
            )?,
            interest_keywords: lines("interest_keywords", take(&mut map, "interest_keywords", LIST)?)?,
            personality_profile: take::<String>(&mut map, "personality_profile", TEXT)?.unwrap_or_default().trim().to_owned(),
            writing_rules: lines("writing_rules", take(&mut map, "writing_rules", LIST)?)?,
            voice_examples: lines("voice_examples", take(&mut map, "voice_examples", LIST)?)?,
            persona_style: style(&mut map)?,
            safety_flags: safety_flags(&mut map)?,
            other: map,
        })
    }

    /// The configuration as it is stored.
    #[must_use]
    pub fn to_value(&self) -> Value {
        // Maps with text keys and finite numbers: there is nothing in it that JSON cannot hold.
        serde_json::to_value(self).unwrap_or_else(|_| Value::Object(Map::new()))
    }

    /// The same configuration with one key set. `persona_style.humor` and `safety_flags.max_comment_length` reach into their tables.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the key.
    pub fn with(&self, key: &str, value: Value) -> Result<Self> {
        let mut whole = self.to_value();
        let mut path: Vec<&str> = key.split('.').collect();
        let last = path.pop().unwrap_or_default();
        if last.is_empty() || path.len() > 1 || path.iter().any(|part| part.is_empty()) {
            return Err(Error::invalid_text("the configuration key", key, "a name such as tone or persona_style.humor"));
        }
        let last = if last == "values" && path.is_empty() { "core_values" } else { last };
        let mut place = &mut whole;
        for part in path {
            if let Value::Object(map) = place {
                place = map.entry(part).or_insert_with(|| Value::Object(Map::new()));
            }
        }
        match place {
            Value::Object(map) => map.insert(last.to_owned(), value),
            other => return Err(Error::invalid(key, other, "a key inside a table; this one is not a table")),
        };
        Self::from_value(&whole)
    }
}

const TEXT: &str = "text";
const LIST: &str = "a list of texts";
const MAX_SHORT_TEXT: usize = 100;

fn take<T: DeserializeOwned>(map: &mut Map<String, Value>, key: &str, expected: &str) -> Result<Option<T>> {
    match map.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => T::deserialize(&value).map(Some).map_err(|_| Error::invalid(key, value, expected)),
    }
}

fn short_text(key: &str, text: String) -> Result<String> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.chars().count() > MAX_SHORT_TEXT {
        return Err(Error::invalid_text(key, &text, format!("1 to {MAX_SHORT_TEXT} characters")));
    }
    Ok(trimmed.to_owned())
}

fn lines(key: &str, list: Option<Vec<String>>) -> Result<Vec<String>> {
    let list: Vec<String> = list.unwrap_or_default().iter().map(|line| line.trim().to_owned()).collect();
    match list.iter().position(String::is_empty) {
        Some(index) => Err(Error::invalid(format!("{key}[{index}]"), "empty", TEXT)),
        None => Ok(list),
    }
}

/// Names of subreddits as they are kept: trimmed, a leading `r/` or `/r/` removed, letters, digits and underscore, each once.
///
/// # Errors
/// [`Error::Invalid`], naming the key and the name.
pub fn subreddits(key: &str, names: &[String]) -> Result<Vec<String>> {
    let mut clean: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let bare = bare_subreddit(name);
        if bare.is_empty() || !bare.chars().all(|character| character.is_ascii_alphanumeric() || character == '_') {
            return Err(Error::invalid_text(key, name, "subreddit names of letters, digits and underscore, with or without r/"));
        }
        if !clean.iter().any(|known| known.eq_ignore_ascii_case(bare)) {
            clean.push(bare.to_owned());
        }
    }
    Ok(clean)
}

/// A subreddit's name without spaces around it and without `r/` or `/r/`.
#[must_use]
pub fn bare_subreddit(name: &str) -> &str {
    let name = name.trim();
    let name = name.strip_prefix('/').unwrap_or(name);
    name.strip_prefix("r/").or_else(|| name.strip_prefix("R/")).unwrap_or(name).trim()
}

/// A style slider: a number within 0..1.
///
/// # Errors
/// [`Error::Invalid`], naming the key.
pub fn slider(key: &str, value: &Value) -> Result<f64> {
    value.as_f64().filter(|number| (0.0..=1.0).contains(number)).ok_or_else(|| Error::invalid(key, value, "a number from 0 to 1"))
}

fn style(map: &mut Map<String, Value>) -> Result<PersonaStyle> {
    let Some(mut table) = take::<Map<String, Value>>(map, "persona_style", "a table of sliders")? else {
        return Ok(PersonaStyle::default());
    };
    let mut slide = |key: &str| match table.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => slider(&format!("persona_style.{key}"), &value).map(Some),
    };
    let [directness, formality, humor, technical_depth] = SLIDERS;
    Ok(PersonaStyle {
        directness: slide(directness)?,
        formality: slide(formality)?,
        humor: slide(humor)?,
        technical_depth: slide(technical_depth)?,
        other: table,
    })
}

fn safety_flags(map: &mut Map<String, Value>) -> Result<SafetyFlags> {
    let plain = SafetyFlags::default();
    let Some(mut table) = take::<Map<String, Value>>(map, "safety_flags", "a table of limits")? else {
        return Ok(plain);
    };
    let named = |error: Error| match error {
        Error::Invalid { what, found, expected } => Error::Invalid { what: format!("safety_flags.{what}"), found, expected },
        other => other,
    };
    let length = take::<u32>(&mut table, "max_comment_length", "a whole number of characters").map_err(named)?;
    if let Some(0) = length {
        return Err(Error::invalid("safety_flags.max_comment_length", 0, "at least 1 character"));
    }
    Ok(SafetyFlags {
        require_approval: take(&mut table, "require_approval", "true or false").map_err(named)?.unwrap_or(plain.require_approval),
        content_filter: take(&mut table, "content_filter", TEXT).map_err(named)?.unwrap_or(plain.content_filter),
        max_comment_length: length.unwrap_or(plain.max_comment_length),
        other: table,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_empty_configuration_takes_the_defaults() {
        let config = PersonaConfig::from_value(&json!({})).unwrap();
        assert_eq!((config.tone.as_str(), config.style.as_str()), ("casual", "concise"));
        assert!(config.safety_flags.require_approval);
        assert_eq!(config.safety_flags.max_comment_length, 500);
        assert_eq!(PersonaConfig::from_value(&config.to_value()).unwrap(), config);
    }

    #[test]
    fn older_names_and_unknown_keys_survive_a_round_trip() {
        let given = json!({
            "values": ["honesty"], "target_subreddits": [" r/Test ", "/r/bottest", "test"], "mood": {"today": 3},
            "persona_style": {"humor": 0, "warmth": 0.4}, "safety_flags": {"require_approval": false, "night_mode": true},
        });
        let config = PersonaConfig::from_value(&given).unwrap();
        assert_eq!(config.core_values, ["honesty"]);
        assert_eq!(config.target_subreddits, ["Test", "bottest"]);
        assert_eq!(config.persona_style.humor, Some(0.0));
        let stored = config.to_value();
        assert_eq!(stored["mood"]["today"], 3);
        assert_eq!(stored["persona_style"]["warmth"], 0.4);
        assert_eq!(stored["safety_flags"]["night_mode"], true);
        assert!(stored.get("values").is_none());
        assert_eq!(PersonaConfig::from_value(&stored).unwrap(), config);
    }

    #[test]
    fn errors_name_the_key() {
        for (given, key) in [
            (json!({"tone": 3}), "tone"),
            (json!({"tone": " "}), "tone"),
            (json!({"core_values": "honesty"}), "core_values"),
            (json!({"values": [1]}), "values"),
            (json!({"writing_rules": ["fine", " "]}), "writing_rules[1]"),
            (json!({"target_subreddits": ["two words"]}), "target_subreddits"),
            (json!({"persona_style": {"humor": 1.2}}), "persona_style.humor"),
            (json!({"persona_style": {"formality": "high"}}), "persona_style.formality"),
            (json!({"persona_style": []}), "persona_style"),
            (json!({"safety_flags": {"require_approval": "false"}}), "safety_flags.require_approval"),
            (json!({"safety_flags": {"max_comment_length": 0}}), "safety_flags.max_comment_length"),
            (json!([]), "configuration"),
        ] {
            let message = PersonaConfig::from_value(&given).unwrap_err().to_string();
            assert!(message.contains(key), "{given}: {message}");
        }
    }

    #[test]
    fn one_key_can_be_set_by_its_path() {
        let config = PersonaConfig::default().with("persona_style.humor", json!(0.7)).unwrap();
        let config = config.with("tone", json!("dry")).unwrap().with("values", json!(["candour"])).unwrap();
        assert_eq!((config.persona_style.humor, config.tone.as_str()), (Some(0.7), "dry"));
        assert_eq!(config.core_values, ["candour"]);
        for key in ["", ".", "tone.deep", "a.b.c", "persona_style."] {
            assert!(config.with(key, json!(1)).is_err(), "{key}");
        }
    }
}
