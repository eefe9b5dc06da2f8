//! What of an address, as it is written, is a secret: its password, and what its query says for a key. Pure; `${NAME}` may still stand in it.

use crate::watch::probe::check::HIDDEN;

/// Whether a text stands for itself, and not for what is set elsewhere.
pub fn is_literal(text: &str) -> bool {
    !text.is_empty() && !text.contains("${")
}

/// Whether what is called so is a secret: a variable of the environment, a parameter.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "passphrase", "token", "secret"].iter().any(|word| name.contains(word)) || name.ends_with("key")
}

/// The secrets that an address holds itself.
pub fn secrets(text: &str) -> Vec<&str> {
    parts(text).into_iter().filter(|part| is_literal(part)).collect()
}

/// An address that may be shown.
pub fn shown(text: &str) -> String {
    let mut shown = text.to_owned();
    // From behind, that what stands before keeps its place.
    for part in secrets(text).into_iter().rev() {
        let start = part.as_ptr() as usize - text.as_ptr() as usize;
        shown.replace_range(start..start + part.len(), HIDDEN);
    }
    shown
}

/// What is secret in an address, in its order: the password, or the user where it stands alone in an address of the web, and values of the
/// query.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    if let Some((scheme, behind)) = text.split_once("://") {
        let is_web = !scheme.starts_with("postgres");
        // The driver of PostgreSQL takes all up to the first `@`, slashes and question marks too.
        let end = if is_web { behind.find(['/', '?', '#']).unwrap_or(behind.len()) } else { behind.len() };
        let at = if is_web { behind[..end].rfind('@') } else { behind.find('@') };
        rest = behind;
        if let Some(at) = at {
            rest = &behind[at + 1..];
            match behind[..at].split_once(':') {
                Some((_, password)) => parts.push(password),
                None if is_web => parts.push(&behind[..at]),
                None => {}
            }
        }
    }
    if let Some((_, query)) = rest.split_once('?') {
        let query = query.split('#').next().unwrap_or_default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        parts.extend(pairs.filter(|(name, _)| is_secret_name(name)).map(|(_, value)| value));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn passwords_and_keys_are_found_where_they_stand() {
        for (text, found, safe) in [
            ("https://user:pw@h/x?token=abc&x=1#f", vec!["pw", "abc"], "https://user:[secret]@h/x?token=[secret]&x=1#f"),
            ("https://ghp_1@h/", vec!["ghp_1"], "https://[secret]@h/"),
            ("https://user:${PW}@h/?api_key=${KEY}", vec![], "https://user:${PW}@h/?api_key=${KEY}"),
            ("${BASE}/x?key=abc", vec!["abc"], "${BASE}/x?key=[secret]"),
            ("postgres://u@h/db?user=u&password=a", vec!["a"], "postgres://u@h/db?user=u&password=[secret]"),
            ("postgres://u:a/b?c@h/db", vec!["a/b?c"], "postgres://u:[secret]@h/db"),
            ("http://h:8080/users/@me?page=2", vec![], "http://h:8080/users/@me?page=2"),
            ("localhost:6379", vec![], "localhost:6379"),
        ] {
            assert_eq!((secrets(text), shown(text).as_str()), (found, safe), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z:/@?&=#$\\{\\}ä]{0,40}") {
            let _ = shown(&format!("http://{text}"));
            let _ = shown(&text);
        }
    }
}
