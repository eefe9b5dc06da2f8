//! Taking known secrets out of a text: the exact ones first, the longest of them first, then what looks like one.

use regex::Regex;
use secrecy::{ExposeSecret as _, SecretString};
use std::borrow::Cow;

/// What stands in a secret's place.
pub const MASK: &str = "***";
/// A shorter secret is a word that stands everywhere.
const LEAST: usize = 6;

/// Takes secrets out of texts. Its own `Debug` shows none.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    known: Vec<SecretString>,
    looks: Vec<Regex>,
}

impl Redactor {
    /// One that knows these secrets.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mut known: Vec<SecretString> = Vec::new();
        for secret in secrets {
            let text = secret.expose_secret();
            if text.len() < LEAST {
                continue;
            }
            // As it stands in JSON, and as it stands in an address.
            let quoted = serde_json::Value::from(text).to_string();
            let inside = quoted.trim_matches('"').to_owned();
            let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            for other in [inside, encoded] {
                if other != text {
                    known.push(other.into());
                }
            }
            known.push(secret);
        }
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        let looks = [
            r"sk-[A-Za-z0-9_-]{16,}",
            r"(?i)bearer\s+[A-Za-z0-9._~+/=-]{12,}",
            r"(?i)basic\s+[A-Za-z0-9+/=]{16,}",
            r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)",
        ];
        Self { known, looks: looks.iter().filter_map(|look| Regex::new(look).ok()).collect() }
    }

    /// The text without secrets.
    #[must_use]
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        for secret in &self.known {
            if clean.contains(secret.expose_secret()) {
                clean = Cow::Owned(clean.replace(secret.expose_secret(), MASK));
            }
        }
        for look in &self.looks {
            if look.is_match(&clean) {
                clean = Cow::Owned(look.replace_all(&clean, MASK).into_owned());
            }
        }
        if clean.contains("://") {
            let masked = passwords(&clean);
            if masked != clean {
                clean = Cow::Owned(masked);
            }
        }
        clean
    }
}

/// Passwords in addresses, as `postgres://user:***@host`.
fn passwords(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        let end = after
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '/' | '?' | '"' | '\'' | ')' | '>'))
            .unwrap_or(after.len());
        let (authority, behind) = after.split_at(end);
        match authority.rfind('@').and_then(|at| Some((authority.get(..at)?.find(':')?, at))) {
            Some((colon, at)) => {
                masked.push_str(authority.get(..=colon).unwrap_or_default());
                masked.push_str(MASK);
                masked.push_str(authority.get(at..).unwrap_or_default());
            }
            None => masked.push_str(authority),
        }
        rest = behind;
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_secrets_and_what_looks_like_one_are_taken_out() {
        let redactor = Redactor::new(["canary\"quoted".into(), "canary-long-one".into(), "canary-long".into(), "abc".into()]);
        let text = "x canary-long-one y canary\\\"quoted abc sk-or-v1-0123456789abcdef0123 Authorization: Bearer abcdefghijklmnop postgres://u:hunter2@h/d";
        let clean = redactor.clean(text);
        assert_eq!(clean, "x *** y *** abc *** Authorization: *** postgres://u:***@h/d");
        assert!(matches!(redactor.clean("nothing here"), Cow::Borrowed(_)));
        assert!(!format!("{redactor:?}").contains("canary"));
    }

    proptest! {
        #[test]
        fn a_known_secret_never_remains(secret in "[!-~]{6,30}", before in "[ -~]{0,30}", after in "[ -~]{0,30}") {
            let redactor = Redactor::new([secret.clone().into()]);
            let text = format!("{before}{secret}{after}");
            prop_assume!(!MASK.contains(&secret));
            let clean = redactor.clean(&text).into_owned();
            // What was on either side may, with the mask, form it anew only where it holds the mask itself.
            prop_assert!(!clean.contains(&secret) || secret.contains('*'), "{clean}");
        }
    }
}
