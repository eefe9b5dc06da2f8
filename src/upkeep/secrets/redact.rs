//! Taking secrets out of a text: those that are known by their words, the longest first, then what looks like one.

use regex::{Captures, Regex};
use secrecy::{ExposeSecret as _, SecretString};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What stands in a secret's place.
pub const MASK: &str = "[redacted]";
/// A shorter secret is a word that stands everywhere.
const LEAST: usize = 4;

fn read<const N: usize>(patterns: [&str; N]) -> Vec<Regex> {
    // They are constant, and each is tried by the tests: one that could not be read would be left out there.
    patterns.into_iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
}

/// What is secret in any text: the group `secret`, else all of it.
static LOOKS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    read([
        // A block of a key, whole or cut off.
        r"-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)",
        // Who logs in to where: the password between the name and the host, or a token in place of both.
        r"(?i)\b[a-z][a-z0-9+.-]*://[^/\s:@]*:(?P<secret>[^/\s@]+)@",
        r"(?i)\bhttps?://(?P<secret>[^/\s:@]{8,})@",
        r"(?i)\b(?:bearer|basic)\s+(?P<secret>[a-z0-9._~+/=-]{6,})",
        // Three parts of base64 that begin as JSON does.
        r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?",
        // Keys of services by how they begin.
        r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}",
        r"\b(?:ghp|gho|ghs|ghu|github_pat|glpat|xox[abprs]|AKIA|ASIA|AIza|hf)[_-]?[A-Za-z0-9_-]{10,}",
        r"\bAGE-SECRET-KEY-1[A-Z0-9]{10,}",
    ])
});

/// A name that says that it is one, and its value. Counts of tokens are taken with it: it is for what leaves the machine, not for our own log.
static NAMED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    read([
        // A header has its line to itself: its value may have blanks.
        r#"(?i)\b(?:(?:proxy-)?authorization|(?:set-)?cookie|x-[a-z0-9-]*(?:auth|key|token|secret)[a-z0-9-]*)\s*:\s*(?P<secret>[^\s"'\\][^\r\n"'\\]*)"#,
        r#"(?i)\b[a-z0-9_.-]*(?:password|passwd|secret|token|api[_-]?key|apikey|passphrase|authorization|credential|cookie)[a-z0-9_.-]*["']?\s*[:=]\s*(?P<secret>"[^"]*"|'[^']*'|(?:\$\{[^}]*\}|[^\s,;}&"'])+)"#,
        r#"(?i)\b(?:[a-z0-9.]+[_-])*(?:auth|pwd|dsn|otp|(?:auth|access|private|signing)[_-]?key)["']?\s*[:=]\s*(?P<secret>"[^"]*"|'[^']*'|(?:\$\{[^}]*\}|[^\s,;}&"'])+)"#,
        // In the query of an address a key is what opens it.
        r#"(?i)[?&](?:key|sig|signature|code)=(?P<secret>(?:\$\{[^}]*\}|[^\s&#"'])+)"#,
    ])
});

/// Whether a value holds nothing itself: it is empty, or it names what is laid in, as `${NAME}` and `Bearer ${NAME}` do.
#[must_use]
pub fn is_reference(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'', ' ']);
    let (mut rest, mut left) = (value, String::new());
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((_, behind)) = behind.split_once('}') else { return false };
        left.push_str(before);
        rest = behind;
    }
    left.push_str(rest);
    let scheme = left.trim_matches([' ', ':']).to_ascii_lowercase();
    matches!(scheme.as_str(), "" | "bearer" | "basic" | "digest") || (scheme == "token" && value.contains("${"))
}

fn replace<'a>(patterns: &[Regex], mut text: Cow<'a, str>) -> Cow<'a, str> {
    let masked = |found: &Captures<'_>| {
        let Some(all) = found.get(0) else { return String::new() };
        let secret = found.name("secret").unwrap_or(all);
        if is_reference(secret.as_str()) {
            return all.as_str().to_owned();
        }
        let (before, behind) = (secret.start() - all.start(), secret.end() - all.start());
        format!("{}{MASK}{}", &all.as_str()[..before], &all.as_str()[behind..])
    };
    for pattern in patterns {
        if let Cow::Owned(changed) = pattern.replace_all(&text, masked) {
            text = Cow::Owned(changed);
        }
    }
    text
}

/// Take out everything that looks like a secret, also what only its name gives away.
#[must_use]
pub fn patterns(text: &str) -> String {
    replace(&NAMED, replace(&LOOKS, Cow::Borrowed(text))).into_owned()
}

/// Takes secrets out of texts. Its own `Debug` shows none.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    known: Vec<SecretString>,
    is_thorough: bool,
}

impl Redactor {
    /// One that knows these secrets.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mut known: Vec<SecretString> = Vec::new();
        for secret in secrets {
            let text = secret.expose_secret();
            if text.trim().len() < LEAST {
                continue;
            }
            // As it stands in JSON, and as it stands in an address.
            let quoted = serde_json::Value::from(text).to_string();
            let inside = quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
            let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let spaced = encoded.replace('+', "%20");
            known.extend([inside, encoded, spaced].into_iter().filter(|other| other != text).map(SecretString::from));
            known.push(secret);
        }
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Self { known, is_thorough: false }
    }

    /// The same for a text that leaves the machine: what only its name gives away goes too.
    #[must_use]
    pub fn thorough(self) -> Self {
        Self { is_thorough: true, ..self }
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
        let clean = replace(&LOOKS, clean);
        if self.is_thorough { replace(&NAMED, clean) } else { clean }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_secret_is_taken_out_and_the_rest_stays() {
        assert_eq!((LOOKS.len(), NAMED.len()), (8, 4), "every pattern can be read");
        for (text, secret) in [
            ("Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
            ("postgres://deck:hunter2@db/x refused", "hunter2"),
            ("key sk-or-v1-0123456789abcdef", "sk-or-v1-0123456789abcdef"),
            ("{\"api_key\":\"hush hush\"}", "hush hush"),
            ("password=hunter2 next", "hunter2"),
            ("eyJhbGciOi.eyJzdWIiOi.abcdef-_", "eyJhbGciOi"),
            ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "MIIE"),
            ("-----BEGIN PRIVATE KEY-----\nMIIE", "MIIE"),
            ("GET https://x.example/health?key=hunter2&full=1 is 401", "hunter2"),
            ("GET https://0123456789abcdef@sentry.example/1", "0123456789abcdef"),
            ("Authorization: Token hunter2", "hunter2"),
            ("X-Auth-Key: hunter 2", "hunter 2"),
            ("x-auth: \"hunter2\"", "hunter2"),
            ("pwd=hunter2", "hunter2"),
            ("SENTRY_DSN=hunter2", "hunter2"),
        ] {
            let clean = patterns(text);
            assert!(!clean.contains(secret) && clean.contains(MASK), "{clean}");
        }
        let plain = "the writer waited 12 ms on /var/lib/quarterdeck/deck.db (12 tokens)";
        assert_eq!(patterns(plain), plain);
    }

    #[test]
    fn what_only_names_a_secret_stays() {
        for text in
            ["Authorization: Bearer ${SHOP_KEY}", "password=${REDIS}", "postgres://deck:${PASSWORD}@db/x", "https://x/?key=${KEY}&a=b"]
        {
            assert_eq!(patterns(text), text);
        }
        assert!(is_reference("") && is_reference("${A}") && is_reference("${USER}:${PASSWORD}"));
        assert!(!is_reference("${A}x") && !is_reference("${A") && !is_reference("token") && !is_reference("Bearer ${A} canary"));
        assert_eq!(patterns("token=${A}canary"), "token=[redacted]");
    }

    #[test]
    fn a_known_secret_is_found_in_every_dress_and_a_log_keeps_its_counts() {
        let redactor = Redactor::new(["a\"b&c d".into(), "abcd".into(), "abcdefgh".into(), "abc".into()]);
        let clean = redactor.clean("x a\"b&c d y a\\\"b&c d z a%22b%26c+d w abcdefgh abc");
        assert_eq!(clean, "x [redacted] y [redacted] z [redacted] w [redacted] abc");
        assert_eq!(redactor.clean("postgres://u:hunter2@h/d"), "postgres://u:[redacted]@h/d");
        assert!(matches!(redactor.clean("tokens_in=12"), Cow::Borrowed(_)));
        assert_eq!(redactor.clone().thorough().clean("tokens_in=12"), "tokens_in=[redacted]");
        assert!(!format!("{redactor:?}").contains("abcdefgh"));
    }

    proptest! {
        #[test]
        fn a_known_secret_never_remains(secret in "[!-~]{6,30}", before in ".{0,40}", after in ".{0,40}") {
            let text = [before.as_str(), secret.as_str(), after.as_str()].concat();
            prop_assume!(!MASK.contains(&secret));
            let clean = Redactor::new([secret.as_str().into()]).clean(&text).into_owned();
            // What was on either side may, with the mask, form it anew only where it holds a piece of the mask itself.
            prop_assert!(!clean.contains(&secret) || secret.contains(['[', ']']), "{clean}");
        }
    }
}
