//! Which secrets there are, and where their values are made and revoked.

use super::{Error, Result};
use crate::config::{Kind, SETTINGS, Setting, nearest};

/// Every secret, and the address of the database, which may hold a password.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| is_one(setting))
}

/// Whether a setting is, or may hold, a secret.
pub(super) fn is_one(setting: &Setting) -> bool {
    setting.is_secret() || setting.kind == Kind::Database
}

/// The secret of a name; its key in the configuration file is taken too.
///
/// # Errors
/// [`Error::Unknown`] with the nearest name there is.
pub fn find(name: &str) -> Result<&'static Setting> {
    let upper = name.to_ascii_uppercase();
    let found = all().find(|setting| setting.env == upper || setting.key == name);
    found.ok_or_else(|| Error::Unknown { name: clean(name), near: nearest(&upper, all().map(|setting| setting.env)) })
}

/// What was typed where a name belongs may be a value by mistake: no more of it is repeated than a name can be.
fn clean(name: &str) -> String {
    let is_name = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let is_key = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.'));
    if is_name || is_key { name.to_owned() } else { "what you named".to_owned() }
}

/// Where a value is made, and where the old one is revoked.
#[must_use]
pub fn places(setting: &Setting) -> (&'static str, &'static str) {
    match setting.key {
        "llm.api_key" => ("make it at https://openrouter.ai/settings/keys", "delete it at https://openrouter.ai/settings/keys"),
        "moderation.openai_api_key" => {
            ("make it at https://platform.openai.com/api-keys", "revoke it at https://platform.openai.com/api-keys")
        }
        "reddit.client_secret" => {
            ("make it at https://www.reddit.com/prefs/apps", "Reddit revokes it itself as soon as a new one is made for the application")
        }
        "reddit.password" | "reddit.accounts" => ("change it in the account's settings", "Reddit refuses it as soon as it is changed"),
        "reddit.refresh_token" => ("log in once more", "revoke it at https://www.reddit.com/prefs/apps"),
        "database" => {
            ("make another password for the role: ALTER ROLE … PASSWORD …", "the server refuses it as soon as the role has another one")
        }
        _ => ("make it where the service is run", "revoke it where the service is run"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_values_are_not_repeated() {
        assert_eq!(find("OPENROUTER_API_KEY").unwrap().key, "llm.api_key");
        assert_eq!(find("llm.api_key").unwrap().env, "OPENROUTER_API_KEY");
        assert!(find("OPENROUTER_APIKEY").unwrap_err().to_string().contains("did you mean OPENROUTER_API_KEY?"));
        assert!(!find("sk-or-v1-canary").unwrap_err().to_string().contains("canary"));
        assert!(find("QUARTERDECK_MODE").is_err());
    }
}
