//! The secrets of an installation, gathered for what leaves the machine.

use crate::config::Loaded;
use crate::upkeep::secrets::redact::Redactor;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use std::path::Path;

/// Knows the secrets of the settings, of the environment file whatever the names in it, of the variables that sound like secrets, and of the
/// files of tokens.
#[must_use]
pub fn redactor(loaded: &Loaded, data_dir: &Path, environment: &BTreeMap<String, String>) -> Redactor {
    let mut all: Vec<SecretString> = crate::upkeep::secrets::check::known(loaded);
    let file = std::fs::read_to_string(&loaded.directories().environment_file).unwrap_or_default();
    for line in file.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let value = line.split_once('=').map(|(_, value)| value.trim().trim_matches(['"', '\'']));
        all.extend(value.filter(|value| value.len() >= 8).map(SecretString::from));
    }
    let sounds = ["PASSWORD", "SECRET", "TOKEN", "KEY", "PASS", "CREDENTIAL"];
    for (name, value) in environment {
        let name = name.to_uppercase();
        if sounds.iter().any(|sound| name.contains(sound)) && value.len() >= 8 {
            all.push(value.as_str().into());
        }
    }
    // What stands in JSON, as further accounts do, is a secret word by word.
    let nested: Vec<SecretString> = all.iter().flat_map(|secret| strings(secret.expose_secret())).collect();
    all.extend(nested);
    let tokens = std::fs::read_dir(data_dir).into_iter().flatten().flatten();
    // What is no file could keep us waiting.
    let is_file = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    for entry in tokens.filter(|entry| is_file(entry) && entry.file_name().to_string_lossy().starts_with("refresh-token-")) {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        let token = serde_json::from_str::<serde_json::Value>(&text).ok();
        let token = token.as_ref().and_then(|token| token.get("refresh_token")).and_then(serde_json::Value::as_str);
        all.extend(token.map(SecretString::from));
    }
    Redactor::new(all).thorough()
}

/// The texts in a JSON value.
fn strings(text: &str) -> Vec<SecretString> {
    fn gather(value: &serde_json::Value, all: &mut Vec<SecretString>) {
        match value {
            serde_json::Value::String(text) => all.push(text.as_str().into()),
            serde_json::Value::Array(values) => values.iter().for_each(|value| gather(value, all)),
            serde_json::Value::Object(values) => values.values().for_each(|value| gather(value, all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    if let Ok(value @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) = serde_json::from_str(text) {
        gather(&value, &mut all);
    }
    all
}
