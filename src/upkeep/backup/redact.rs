//! A configuration file without what is secret in it.

use secrecy::{ExposeSecret as _, SecretString};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Words in a name behind which a secret stands.
const TELLING: &[&str] =
    &["password", "passphrase", "secret", "token", "api_key", "apikey", "api-key", "authorization", "cookie", "accounts", "otp"];
/// What stands in place of a secret where a value has to stand.
const IN_ITS_PLACE: &str = "\"${LEFT_OUT_OF_THE_BACKUP}\"";

/// The text without its secrets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redacted {
    /// There was none.
    AsItWas,
    /// Without them.
    Without(String),
    /// They could not be told from the rest: nothing of it is to be kept in the open.
    Unclear,
}

/// Take the secrets out of `text`, which is TOML. `known` are secrets that must not be in it whatever their name is.
pub(super) fn redact(text: &str, known: &[&SecretString]) -> Redacted {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Redacted::Unclear;
    }
    let mut edits = Vec::new();
    table(text, document.get_ref(), &mut edits);
    edits.sort_by_key(|(range, _): &(Range<usize>, String)| range.start);
    let mut without = text.to_owned();
    for (range, with) in edits.iter().rev() {
        without.replace_range(range.clone(), with);
    }
    let is_in = |secret: &&SecretString| secret.expose_secret().chars().count() >= 6 && without.contains(secret.expose_secret());
    if known.iter().any(is_in) || !DeTable::parse_recoverable(&without).1.is_empty() {
        return Redacted::Unclear;
    }
    if edits.is_empty() { Redacted::AsItWas } else { Redacted::Without(without) }
}

fn tells(name: &str) -> bool {
    let name = name.to_lowercase();
    TELLING.iter().any(|word| name.contains(word)) || name == "key" || name.ends_with("_key")
}

fn table(text: &str, table: &DeTable<'_>, edits: &mut Vec<(Range<usize>, String)>) {
    for (name, item) in table {
        let span = item.span();
        match item.get_ref() {
            DeValue::Table(inner) => self::table(text, inner, edits),
            DeValue::Array(values) => {
                // `["Authorization", "Bearer …"]`: the first says what the second is.
                let named = |value: Option<&toml::Spanned<DeValue<'_>>>| matches!(value.map(toml::Spanned::get_ref), Some(DeValue::String(name)) if tells(name));
                for (number, value) in values.iter().enumerate() {
                    match value.get_ref() {
                        DeValue::String(_) if number == 1 && named(values.first()) => edits.push((value.span(), IN_ITS_PLACE.to_owned())),
                        _ => element(text, name.get_ref(), value, edits),
                    }
                }
            }
            DeValue::String(value) if tells(name.get_ref()) && !is_reference(value) => {
                edits.push(line(text, name.get_ref(), name.span(), &span).unwrap_or((span, IN_ITS_PLACE.to_owned())));
            }
            DeValue::String(value) => address(value, span, edits),
            DeValue::Integer(_) | DeValue::Float(_)
                if tells(name.get_ref()) && line(text, name.get_ref(), name.span(), &span).is_some() =>
            {
                edits.extend(line(text, name.get_ref(), name.span(), &span));
            }
            _ => {}
        }
    }
}

fn element(text: &str, name: &str, value: &toml::Spanned<DeValue<'_>>, edits: &mut Vec<(Range<usize>, String)>) {
    match value.get_ref() {
        DeValue::Table(inner) => table(text, inner, edits),
        DeValue::String(secret) if tells(name) && !is_reference(secret) => edits.push((value.span(), IN_ITS_PLACE.to_owned())),
        DeValue::String(other) => address(other, value.span(), edits),
        DeValue::Array(inner) => {
            let named = matches!(inner.first().map(toml::Spanned::get_ref), Some(DeValue::String(first)) if tells(first));
            for (number, value) in inner.iter().enumerate() {
                match value.get_ref() {
                    DeValue::String(_) if number == 1 && named => edits.push((value.span(), IN_ITS_PLACE.to_owned())),
                    _ => element(text, name, value, edits),
                }
            }
        }
        _ => {}
    }
}

/// `${NAME}` names a secret and holds none.
fn is_reference(value: &str) -> bool {
    value.is_empty() || (value.starts_with("${") && value.ends_with('}') && value.matches('}').count() == 1)
}

/// An address that holds a password goes without it.
fn address(value: &str, span: Range<usize>, edits: &mut Vec<(Range<usize>, String)>) {
    let masked = crate::config::mask_address(value);
    if masked != value && !value.contains("${") {
        edits.push((span, toml::Value::String(masked).to_string()));
    }
}

/// A setting that has its line to itself becomes a comment: what is not set is asked for, what is set wrongly is found out late.
fn line(text: &str, name: &str, key: Range<usize>, value: &Range<usize>) -> Option<(Range<usize>, String)> {
    let before = text.get(..key.start)?.rsplit('\n').next()?;
    let after = text.get(value.end..)?.split('\n').next()?.trim();
    let alone = before.trim().is_empty() && (after.is_empty() || after.starts_with('#')) && !text.get(value.clone())?.contains('\n');
    alone.then(|| (key.start..value.end, format!("# {name} was left out of the backup")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_secret_goes_and_the_rest_stays() {
        let text = "# mine\nmode = \"live\"\ndatabase = \"postgres://deck:canary1@db/deck\"\n[reddit]\nclient_secret = \"canary2\" # old\nusername = \"Bot\"\n\
                    [[probe]]\nheaders = { Authorization = \"Bearer canary3\", Accept = \"*/*\" }\nmore = [[\"X-Api-Key\", \"canary4\"]]\npassword = \"${REDIS}\"\n";
        let Redacted::Without(without) = redact(text, &[]) else { panic!("secrets") };
        assert!(!without.contains("canary"), "{without}");
        for kept in [
            "# mine\n",
            "mode = \"live\"",
            "postgres://deck:***@db/deck",
            "# client_secret was left out of the backup # old",
            "Accept",
            "${REDIS}",
        ] {
            assert!(without.contains(kept), "{kept}: {without}");
        }
        assert_eq!(redact("mode = \"live\"\n", &[]), Redacted::AsItWas);
    }

    #[test]
    fn what_is_unclear_is_not_kept_in_the_open() {
        assert_eq!(redact("client_secret = \"canary", &[]), Redacted::Unclear);
        let known = SecretString::from("canary-of-mine");
        assert_eq!(redact("note = \"it is canary-of-mine\"", &[&known]), Redacted::Unclear);
        assert_eq!(redact("# it is canary-of-mine\n", &[&known]), Redacted::Unclear);
    }

    proptest! {
        #[test]
        fn a_secret_never_stays(secret in "[a-zA-Z0-9\"\\\\' ]{8,20}", name in "(client_secret|api_key|password|refresh_token)") {
            let value = toml::Value::String(secret.clone()).to_string();
            for text in [format!("{name} = {value}\n"), format!("[a]\nb = {{ {name} = {value} }}\n"), format!("a.{name} = {value}")] {
                match redact(&text, &[]) {
                    Redacted::Without(without) => prop_assert!(!without.contains(&secret) && !without.contains(&value), "{}", without),
                    Redacted::Unclear => {}
                    Redacted::AsItWas => prop_assert!(false, "{}", text),
                }
            }
        }
    }
}
