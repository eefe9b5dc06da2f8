//! What no error and no detail may tell: the secrets of a probe, taken out of whatever a target or a library said.

use crate::watch::probe::model::{Probe, Target};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// Shorter than this, taking it out would make nonsense of the text and hide nothing.
const SHORTEST: usize = 3;

/// The secrets of one probe, longest first.
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Those of a probe: headers, passwords, keys, and what stands in addresses.
    pub fn of(probe: &Probe) -> Self {
        let mut found: Vec<String> = Vec::new();
        let mut secret = |secret: &SecretString| {
            let text = secret.expose_secret();
            found.push(text.to_owned());
            // Of `Bearer abc` the last word alone.
            found.extend(text.split_whitespace().next_back().map(str::to_owned));
        };
        match &probe.target {
            Target::Http { headers, url, .. } => {
                headers.iter().for_each(|(_, value)| secret(value));
                found.extend(of_address(url));
            }
            Target::Redis { password, .. } => password.iter().for_each(secret),
            Target::Qdrant { url, api_key, .. } => {
                api_key.iter().for_each(secret);
                found.extend(of_address(url));
            }
            Target::Postgres { url, .. } => {
                secret(url);
                found.extend(of_address(url.expose_secret()));
            }
            Target::Prometheus { url, .. } => found.extend(of_address(url)),
            Target::Tcp { .. } | Target::Command { .. } | Target::LogFile { .. } => {}
        }
        found.retain(|secret| secret.len() >= SHORTEST);
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        found.dedup();
        Self(found)
    }

    /// A text without them.
    pub fn without(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "[secret]");
            }
        }
        text
    }

    /// A value without them in any of its texts.
    pub fn without_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.without(text)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.without_value(item)).collect()),
            Value::Object(members) => {
                Value::Object(members.into_iter().map(|(name, value)| (self.without(name), self.without_value(value))).collect())
            }
            other => other,
        }
    }
}

/// The password of an address, and what its query says, as written and as meant.
fn of_address(text: &str) -> Vec<String> {
    let Ok(address) = url::Url::parse(text) else { return vec![] };
    let mut found: Vec<String> = address.password().map(str::to_owned).into_iter().collect();
    found.extend(found.first().map(|password| decoded(password)));
    found.extend(address.query_pairs().map(|(_, value)| value.into_owned()).filter(|value| value.len() >= 8));
    found
}

fn decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_go_from_texts_and_from_every_part_of_a_value() {
        let probe = crate::watch::probe::check::testing::probe(Target::Http {
            url: "https://user:p%40ss@host/path?token=abcdefgh&x=1".into(),
            method: "GET".into(),
            headers: vec![("authorization".into(), "Bearer s3cr3t".into())],
            body: None,
            follow: false,
        });
        let secrets = Secrets::of(&probe);
        assert_eq!(
            secrets.without("Bearer s3cr3t, s3cr3t, p@ss, p%40ss, abcdefgh, 1".into()),
            "[secret], [secret], [secret], [secret], [secret], 1"
        );
        assert_eq!(secrets.without_value(json!({ "a": ["s3cr3t", 1], "p@ss": null })), json!({ "a": ["[secret]", 1], "[secret]": null }));
    }
}
