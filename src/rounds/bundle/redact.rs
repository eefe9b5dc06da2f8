//! Taking secrets out of a text: those that are known by their words, the longest first, then what looks like one.

use crate::config::Loaded;
use regex::Regex;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

/// What stands in the place of a secret.
pub const GONE: &str = "[redacted]";
/// A shorter text is no secret that could be told from other words.
const SHORTEST: usize = 4;

/// Patterns of what is secret in any text, with what is put in its place.
static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let patterns = [
        // A block of a key, whole or cut off.
        (r"-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)", GONE),
        // Who logs in to where: the password between the name and the host.
        (r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@", "${1}[redacted]@"),
        (r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}", "${1} [redacted]"),
        // Three parts of base64 that begin as JSON does.
        (r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?", GONE),
        // Keys of services by how they begin.
        (r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}", GONE),
        (r"\b(?:ghp|gho|ghs|ghu|github_pat|glpat|xox[abprs]|AKIA|ASIA|AIza|hf)[_-]?[A-Za-z0-9_-]{10,}", GONE),
        (r"\bAGE-SECRET-KEY-1[A-Z0-9]{10,}", GONE),
        // A name that says that it is one, and its value.
        (
            r#"(?i)\b([a-z0-9_.-]*(?:password|passwd|secret|token|api[_-]?key|apikey|passphrase|authorization|credential|cookie)[a-z0-9_.-]*["']?\s*[:=]\s*)(?:"[^"]*"|'[^']*'|[^\s,;}&"']+)"#,
            "${1}[redacted]",
        ),
    ];
    // They are constant, and each is tried by the tests: one that could not be read would be left out there.
    patterns.into_iter().filter_map(|(pattern, instead)| Some((Regex::new(pattern).ok()?, instead))).collect()
});

/// Take out what looks like a secret.
#[must_use]
pub fn patterns(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, instead) in PATTERNS.iter() {
        if let std::borrow::Cow::Owned(changed) = pattern.replace_all(&text, *instead) {
            text = changed;
        }
    }
    text
}

/// Knows the secrets of an installation.
pub struct Redactor(Vec<SecretString>);

impl Redactor {
    /// With the secrets of the settings, of the environment file whatever the names in it, and of the variables that sound like secrets.
    #[must_use]
    pub fn new(loaded: &Loaded, data_dir: &Path, environment: &BTreeMap<String, String>) -> Self {
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
        Self::knowing(all)
    }

    /// With these secrets.
    #[must_use]
    pub fn knowing(secrets: Vec<SecretString>) -> Self {
        let mut secrets: Vec<SecretString> = secrets.into_iter().filter(|secret| secret.expose_secret().trim().len() >= SHORTEST).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Self(secrets)
    }

    /// The text without them, and without what looks like one.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            let secret = secret.expose_secret();
            text = text.replace(secret, GONE);
            // As it stands in JSON, and as it stands in an address.
            if let Ok(quoted) = serde_json::to_string(secret)
                && let Some(inner) = quoted.get(1..quoted.len() - 1).filter(|inner| *inner != secret)
            {
                text = text.replace(inner, GONE);
            }
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            if encoded != secret {
                text = text.replace(&encoded, GONE).replace(&encoded.replace('+', "%20"), GONE);
            }
        }
        patterns(&text)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_secret_is_taken_out_and_the_rest_stays() {
        assert_eq!(PATTERNS.len(), 8, "every pattern can be read");
        for (text, secret) in [
            ("Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
            ("postgres://deck:hunter2@db/x refused", "hunter2"),
            ("key sk-or-v1-0123456789abcdef", "sk-or-v1-0123456789abcdef"),
            ("{\"api_key\":\"hush hush\"}", "hush hush"),
            ("password=hunter2 next", "hunter2"),
            ("eyJhbGciOi.eyJzdWIiOi.abcdef-_", "eyJhbGciOi"),
            ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "MIIE"),
            ("-----BEGIN PRIVATE KEY-----\nMIIE", "MIIE"),
        ] {
            let clean = patterns(text);
            assert!(!clean.contains(secret) && clean.contains(GONE), "{clean}");
        }
        let plain = "the writer waited 12 ms on /var/lib/quarterdeck/deck.db (12 tokens)";
        assert_eq!(patterns(plain), plain);
    }

    #[test]
    fn a_known_secret_is_found_in_every_dress() {
        let redactor = Redactor::knowing(vec!["a\"b&c d".into(), "abcd".into(), "abcdefgh".into()]);
        let clean = redactor.clean("x a\"b&c d y a\\\"b&c d z a%22b%26c+d w abcdefgh");
        assert_eq!(clean, "x [redacted] y [redacted] z [redacted] w [redacted]");
    }

    proptest! {
        #[test]
        fn no_known_secret_is_left_whatever_stands_around_it(secret in "[A-Za-z0-9!$%&/=+#-]{8,40}", before in ".{0,40}", after in ".{0,40}") {
            let redactor = Redactor::knowing(vec![secret.as_str().into()]);
            let text = [before.as_str(), secret.as_str(), after.as_str()].concat();
            prop_assert!(!redactor.clean(&text).contains(&secret));
        }
    }
}
