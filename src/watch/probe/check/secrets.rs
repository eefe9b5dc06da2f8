//! What no error and no detail may tell: the secrets of a probe, taken out of whatever a target or a library said.

use crate::base::SafeText;
use crate::watch::probe::model::{Probe, Target};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// What stands in place of a secret.
pub(in crate::watch::probe) const HIDDEN: &str = "[secret]";
/// Shorter than this, taking it out would make nonsense of the text and hide nothing.
const SHORTEST: usize = 3;
/// So much of the beginning of a secret is told by a text that was cut in it.
const BEGINNING: usize = 4;
/// A path this long, in an address that is a secret, may be a key itself.
const LONG_PATH: usize = 8;

/// The secrets of one probe, longest first.
pub(in crate::watch::probe) struct Secrets(Vec<String>);

impl Secrets {
    /// These.
    pub fn new(secrets: &[SecretString]) -> Self {
        Self::sorted(secrets.iter().flat_map(|secret| written(secret.expose_secret())).collect())
    }

    /// Those of a probe: all that stands in it for `${NAME}`, headers, passwords, keys, and what stands in addresses. The host, the port and
    /// the file that it looks at are told, wherever they are from.
    pub fn of(probe: &Probe) -> Self {
        let places = places(&probe.target);
        let mut found: Vec<String> = Vec::new();
        for secret in &probe.secrets {
            let text = secret.expose_secret();
            if !places.iter().any(|place| place.eq_ignore_ascii_case(text)) {
                found.extend(written(text));
                found.extend(of_address(text));
                let path = url::Url::parse(text).ok().map(|url| url.path().to_owned());
                found.extend(path.filter(|path| path.len() >= LONG_PATH));
            }
        }
        let mut secret = |secret: &SecretString| {
            let text = secret.expose_secret();
            found.extend(written(text));
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
            Target::Command { env, .. } => env.iter().for_each(|(_, value)| secret(value)),
            Target::Tcp { .. } | Target::LogFile { .. } => {}
        }
        Self::sorted(found)
    }

    fn sorted(mut found: Vec<String>) -> Self {
        found.retain(|secret| secret.len() >= SHORTEST);
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        found.dedup();
        Self(found)
    }

    /// A text without them.
    pub fn without(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), HIDDEN);
            }
        }
        if text.contains('…') { self.without_beginnings(&text) } else { text }
    }

    /// A text in which no secret stands cut off.
    fn without_beginnings(&self, text: &str) -> String {
        let mut pieces: Vec<String> = text.split('…').map(str::to_owned).collect();
        let last = pieces.len().saturating_sub(1);
        for piece in pieces.iter_mut().take(last) {
            let cut = |secret: &String| {
                let ends = secret.char_indices().map(|(at, _)| at).filter(|at| *at >= BEGINNING).rev();
                ends.map(|end| &secret[..end]).find(|beginning| piece.ends_with(beginning)).map(str::len)
            };
            if let Some(length) = self.0.iter().filter_map(cut).max() {
                piece.truncate(piece.len() - length);
                piece.push_str(HIDDEN);
            }
        }
        pieces.join("…")
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

/// A secret as it may be told: itself, made safe, in quotes, and as a part of an address.
fn written(text: &str) -> Vec<String> {
    let mut found = vec![text.to_owned(), SafeText::line(text).as_str().to_owned(), text.escape_debug().to_string()];
    found.push(url::form_urlencoded::byte_serialize(text.as_bytes()).collect());
    if let Ok(mut address) = url::Url::parse("http://h/") {
        address.set_path(text);
        found.push(address.path().trim_start_matches('/').to_owned());
        address.set_query(Some(text));
        found.extend(address.query().map(str::to_owned));
    }
    found.dedup();
    found
}

/// What the board names of a target.
fn places(target: &Target) -> Vec<String> {
    let of = |host: &str, port: Option<u16>| {
        let port = port.map(|port| port.to_string());
        let whole = port.as_ref().map(|port| format!("{host}:{port}"));
        [Some(host.to_owned()), port, whole].into_iter().flatten().collect::<Vec<_>>()
    };
    match target {
        Target::Http { url, .. } | Target::Qdrant { url, .. } | Target::Prometheus { url, .. } => {
            let Ok(url) = url::Url::parse(url) else { return vec![] };
            let mut places = of(url.host_str().unwrap_or_default(), url.port());
            places.extend([url.origin().ascii_serialization(), url.scheme().to_owned()]);
            places
        }
        Target::Tcp { host, port } | Target::Redis { host, port, .. } => of(host, Some(*port)),
        Target::Postgres { url, .. } => super::postgres::host(url).into_iter().collect(),
        Target::LogFile { path, .. } => vec![path.display().to_string()],
        Target::Command { .. } => vec![],
    }
}

/// The password of an address, and what its query says, as written and as meant.
fn of_address(text: &str) -> Vec<String> {
    let Ok(address) = url::Url::parse(text) else { return vec![] };
    // A user without a password, in an address of the web, is a key.
    let user = Some(address.username()).filter(|user| address.scheme().starts_with("http") && !user.is_empty());
    let mut found: Vec<String> = address.password().or(user).map(str::to_owned).into_iter().collect();
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
        assert_eq!(secrets.without("it is “Bearer s3cr…”, of s3c…".into()), "it is “[secret]…”, of s3c…", "a text that was cut in it");
        assert_eq!(secrets.without_value(json!({ "a": ["s3cr3t", 1], "p@ss": null })), json!({ "a": ["[secret]", 1], "[secret]": null }));
    }

    #[test]
    fn what_was_laid_in_anywhere_is_hidden_and_the_place_that_is_asked_is_not() {
        let target = Target::Http {
            url: "https://shop.example:8443/hooks/T0 ken/x".into(),
            method: "POST".into(),
            headers: vec![],
            body: Some("{\"pin\": \"pin-4711\"}".into()),
            follow: false,
        };
        let secrets = ["shop.example", "8443", "T0 ken", "pin-4711", "a\"b"].map(SecretString::from).to_vec();
        let probe = Probe { secrets, ..crate::watch::probe::check::testing::probe(target) };
        let secrets = Secrets::of(&probe);
        assert_eq!(
            secrets.without("shop.example:8443 sends to /hooks/T0%20ken/x (T0 ken, T0+ken), says pin-4711 and \"a\\\"b\"".into()),
            "shop.example:8443 sends to /hooks/[secret]/x ([secret], [secret]), says [secret] and \"[secret]\""
        );
        assert!(!format!("{probe:?}").contains("T0") && !format!("{:?}", probe.target).contains("T0"));
    }

    #[test]
    fn the_password_of_a_whole_address_is_hidden_alone_too() {
        let probe = Probe {
            secrets: vec!["https://user:hidden@shop.example/services/T1/B2".into()],
            ..crate::watch::probe::check::testing::probe(Target::Tcp { host: "h".into(), port: 1 })
        };
        let text = "hidden, shop.example/services/T1/B2, https://user:hidden@shop.example/services/T1/B2";
        assert_eq!(Secrets::of(&probe).without(text.into()), "[secret], shop.example[secret], [secret]");
    }
}
