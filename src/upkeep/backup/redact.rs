//! A configuration file without what is secret in it.

use super::comments::comments;
use crate::upkeep::secrets::redact::{MASK, Redactor, is_reference};
use regex::Regex;
use secrecy::{ExposeSecret as _, SecretString};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Words in a name behind which a secret stands, wherever in it they are.
const TELLING: &[&str] =
    &["password", "passphrase", "passwd", "secret", "token", "api_key", "apikey", "authorization", "credential", "cookie", "accounts"];
/// Words that tell where they are a whole one, as in `x-auth-id`.
const TELLING_ALONE: &[&str] = &["auth", "pwd", "dsn", "otp", "authkey", "accesskey", "privatekey"];
/// Headers that everybody may know. All others of a table of headers are taken for secrets.
const OPEN_HEADERS: &[&str] = &["accept", "content-type", "user-agent"];
/// What stands in place of a secret where a value has to stand.
const IN_ITS_PLACE: &str = "\"${LEFT_OUT_OF_THE_BACKUP}\"";
/// What stands in place of a piece of a text.
const PIECE: &str = "***";

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

/// What the texts in a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Addresses, commands and headers, which may hold a secret in their midst.
    Addresses,
    /// Patterns, examples and colours: a piece that was masked would make a rule another one.
    Texts,
}

/// Take the secrets out of `text`, which is TOML. `known` are secrets that must not be in it whatever their name is.
pub(super) fn redact(text: &str, holds: Holds, known: &[SecretString]) -> Redacted {
    let Some(mut without) = edited(text, holds) else { return Redacted::Unclear };
    for comment in comments(&without).into_iter().rev() {
        if let Some(clean) = without.get(comment.clone()).and_then(clean_comment) {
            without.replace_range(comment, &clean);
        }
    }
    let is_in = |secret: &SecretString| secret.expose_secret().chars().count() >= 6 && without.contains(secret.expose_secret());
    if known.iter().any(is_in) || !DeTable::parse_recoverable(&without).1.is_empty() {
        return Redacted::Unclear;
    }
    if without == text { Redacted::AsItWas } else { Redacted::Without(without) }
}

/// The text with its values looked at; `None` where it is not TOML.
fn edited(text: &str, holds: Holds) -> Option<String> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return None;
    }
    let mut walk = Walk { text, holds, edits: Vec::new() };
    walk.table(document.get_ref(), Inside::default());
    let mut edits = walk.edits;
    edits.sort_by_key(|(range, _)| range.start);
    let mut without = text.to_owned();
    for (range, with) in edits.iter().rev() {
        without.replace_range(range.clone(), with);
    }
    Some(without)
}

/// Whether a secret stands behind a name.
fn tells(name: &str) -> bool {
    let name = name.to_lowercase().replace(['-', ' '], "_");
    TELLING.iter().any(|word| name.contains(word))
        || name.split(['_', '.']).any(|word| TELLING_ALONE.contains(&word))
        || name == "key"
        || name.ends_with("_key")
}

/// Whether everything in a table or a list of this name is secret, whatever it is called there. A key may be one of the keyboard.
fn tells_of_all(name: &str) -> bool {
    tells(name) && !name.to_lowercase().ends_with("key")
}

fn is_word(text: &str) -> bool {
    !text.contains(char::is_whitespace)
}

fn is_headers(name: &str) -> bool {
    name.to_lowercase().ends_with("headers")
}

fn is_open_header(name: &str) -> bool {
    OPEN_HEADERS.contains(&name.to_lowercase().as_str())
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, Default)]
struct Inside {
    headers: bool,
    secrets: bool,
}

struct Walk<'a> {
    text: &'a str,
    holds: Holds,
    edits: Vec<(Range<usize>, String)>,
}

fn string<'a>(value: &'a Spanned<DeValue<'_>>) -> Option<&'a str> {
    match value.get_ref() {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

impl Walk<'_> {
    fn table(&mut self, table: &DeTable<'_>, inside: Inside) {
        for (name, item) in table {
            let (key, span) = (name.span(), item.span());
            let name: &str = name.get_ref();
            // The key of a theme is one of the keyboard.
            let tells_here = tells(name) && (name != "key" || self.is_technical());
            let is_told = inside.secrets || if inside.headers { !is_open_header(name) } else { tells_here };
            let inner = Inside { headers: is_headers(name), secrets: inside.secrets || (self.is_technical() && tells_of_all(name)) };
            match item.get_ref() {
                DeValue::Table(table) => self.table(table, inner),
                DeValue::Array(values) => self.array(values, Inside { secrets: is_told, ..inner }),
                DeValue::String(value) if is_told && is_reference(value) => {}
                DeValue::String(_) if is_told => {
                    let edit = line(self.text, name, key, &span).unwrap_or((span, IN_ITS_PLACE.to_owned()));
                    self.edits.push(edit);
                }
                // The pattern by which a log is searched is not what is found.
                DeValue::String(_) if name == "error" => {}
                DeValue::String(value) => self.piece(value, span),
                // Tokens that are counted are a number and no secret; a number with a line of its own may be a code.
                DeValue::Integer(_) | DeValue::Float(_) if tells(name) && !name.contains("tokens") => {
                    self.edits.extend(line(self.text, name, key, &span));
                }
                _ => {}
            }
        }
    }

    fn array(&mut self, values: &DeArray<'_>, inside: Inside) {
        let first = values.first().and_then(string);
        for (number, value) in values.iter().enumerate() {
            match value.get_ref() {
                DeValue::Table(table) => self.table(table, inside),
                DeValue::Array(values) => self.array(values, inside),
                DeValue::String(text) => {
                    let before = number.checked_sub(1).and_then(|before| values.get(before)).and_then(string);
                    // `["Authorization", "Bearer …"]`: the first says what the second is.
                    let is_named = number == 1
                        && values.len() == 2
                        && first.is_some_and(|name| is_word(name) && (tells(name) || (inside.headers && !is_open_header(name))));
                    let is_option = before.is_some_and(|option| takes_secret(option, text, first.unwrap_or_default()));
                    // A list of words that a rule looks for is neither of them.
                    let (is_named, is_option) = (is_named && self.is_technical(), is_option && self.is_technical());
                    let is_line = inside.headers
                        && text.split_once(':').is_some_and(|(name, value)| !is_open_header(name.trim()) && !is_reference(value));
                    if (inside.secrets || is_named || is_option || is_line) && !is_reference(text) {
                        self.edits.push((value.span(), IN_ITS_PLACE.to_owned()));
                    } else {
                        self.piece(text, value.span());
                    }
                }
                _ => {}
            }
        }
    }

    fn is_technical(&self) -> bool {
        self.holds == Holds::Addresses
    }

    /// A text that is none itself may hold a secret.
    fn piece(&mut self, text: &str, span: Range<usize>) {
        if self.is_technical()
            && let Some(masked) = masked(text)
        {
            self.edits.push((span, toml::Value::String(masked).to_string()));
        }
    }
}

/// Whether an option of a command is followed by a secret: `--password`, `-u NAME:PASSWORD`, `redis-cli -a`.
fn takes_secret(option: &str, value: &str, program: &str) -> bool {
    let name = option.trim_start_matches('-');
    (option.starts_with('-') && !option.contains('=') && !option.contains(':') && tells(name))
        || (matches!(option, "-u" | "--user") && value.contains(':'))
        || (option == "-a" && program.ends_with("redis-cli"))
}

/// `name=value`: in the query of an address, in an option, in what a shell is given.
static PAIRS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([A-Za-z0-9_.-]+)=((?:\$\{[^}]*\}|[^\s=&;,"'`)}\]])(?:\$\{[^}]*\}|[^\s&;,"'`)}\]])*)"#).ok());
/// `Name: value`, at the beginning or behind a quote.
static HEADERS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?:^|["'])\s*([A-Za-z][A-Za-z0-9_-]*)\s*:\s*([^\s"'][^"'\r\n]*)"#).ok());

/// The text without the values of `pattern` whose names tell.
fn without_values<'a>(pattern: &LazyLock<Option<Regex>>, text: Cow<'a, str>) -> Cow<'a, str> {
    // It is constant and tried by the tests.
    let Some(pattern) = pattern.as_ref() else { return text };
    let mut clean = text.clone().into_owned();
    let found: Vec<_> = pattern.captures_iter(&text).collect();
    for captures in found.into_iter().rev() {
        if let (Some(name), Some(value)) = (captures.get(1), captures.get(2))
            && tells(name.as_str())
            && !is_reference(value.as_str())
        {
            clean.replace_range(value.range(), PIECE);
        }
    }
    if clean == text { text } else { clean.into() }
}

/// The text without what is secret in its midst; `None` where nothing is.
fn masked(text: &str) -> Option<String> {
    let is_address = text.contains("://") && !text.contains("${") && !text.contains(char::is_whitespace);
    let masked = if is_address { crate::config::mask_address(text) } else { text.to_owned() };
    let masked = match Redactor::default().clean(&masked) {
        Cow::Borrowed(_) => masked,
        Cow::Owned(clean) => clean.replace(MASK, PIECE),
    };
    let masked = without_values(&PAIRS, without_values(&HEADERS, masked.into()));
    (masked != text).then(|| masked.into_owned())
}

/// `name = value` in a comment, whether or not it would be TOML.
static COMMENTED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"([A-Za-z][A-Za-z0-9_.-]*)["']?\s*=\s*([^\s=].*)$"#).ok());

/// A comment without the secrets of what was commented out; `None` where there are none.
fn clean_comment(comment: &str) -> Option<String> {
    let hashes = comment.len() - comment.trim_start_matches(['#', ' ', '\t']).len();
    let (front, text) = comment.split_at(hashes);
    // A setting that was switched off is looked at as one that is on.
    let clean = match edited(text, Holds::Addresses) {
        Some(clean) => clean,
        None => {
            let clean = without_values(&COMMENTED, text.into());
            masked(&clean).unwrap_or_else(|| clean.into_owned())
        }
    };
    // What was left out has its own sign of a comment.
    (clean != text).then(|| format!("{front}{}", clean.trim_start_matches("# ")))
}

/// A setting that has its line to itself becomes a comment: what is not set is asked for, what is set wrongly is found out late.
fn line(text: &str, name: &str, key: Range<usize>, value: &Range<usize>) -> Option<(Range<usize>, String)> {
    let before = text.get(..key.start)?.rsplit('\n').next()?;
    let after = text.get(value.end..)?.split('\n').next()?.trim();
    let alone = before.trim().is_empty()
        && (after.is_empty() || after.starts_with('#'))
        && !text.get(value.clone())?.contains('\n')
        && !name.contains(char::is_control);
    alone.then(|| (key.start..value.end, format!("# {name} was left out of the backup")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn addresses(text: &str) -> Redacted {
        redact(text, Holds::Addresses, &[])
    }

    #[test]
    fn what_is_secret_goes_and_the_rest_stays() {
        let text = "# mine\nmode = \"live\"\ndatabase = \"postgres://deck:canary1@db/deck\"\n[reddit]\nclient_secret = \"canary2\" # old\nusername = \"Bot\"\n\
                    [[probe]]\nheaders = { Authorization = \"Bearer canary3\", Accept = \"*/*\" }\nmore = [[\"X-Api-Key\", \"canary4\"]]\npassword = \"${REDIS}\"\n";
        let Redacted::Without(without) = addresses(text) else { panic!("secrets") };
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
        assert_eq!(addresses("mode = \"live\"\n"), Redacted::AsItWas);
    }

    #[test]
    fn a_secret_goes_wherever_a_probe_or_a_comment_holds_it() {
        for text in [
            "headers = { X-Auth = \"canary\", Accept = \"*/*\" }",
            "headers = { X-Shop = \"canary\" }",
            "[probe.headers]\nX-Shop = \"canary\"",
            "headers = [\"X-Shop: canary\"]",
            "X-Auth-Key = \"canary\"",
            "http = \"https://shop.example/health?key=canary&full=1\"",
            "http = \"https://shop.example/health?full=1&auth=canary\"",
            "http = \"https://deck:canary@shop.example/health?user=${USER}\"",
            "command = [\"curl\", \"-H\", \"Authorization: Bearer canary\", \"https://shop.example\"]",
            "command = [\"curl\", \"-H\", \"X-Auth-Key: canary\"]",
            "command = [\"curl\", \"-u\", \"deck:canary\"]",
            "command = [\"mysql\", \"--password=canary\"]",
            "command = [\"vault\", \"--token\", \"canary\"]",
            "command = [\"redis-cli\", \"-a\", \"canary\", \"ping\"]",
            "command = [\"sh\", \"-c\", \"curl -H 'Authorization: Token canary' https://shop.example\"]",
            "command = [\"sh\", \"-c\", \"PGPASSWORD=canary psql\"]",
            "sentry_dsn = \"https://canary@sentry.example/1\"",
            "db_pwd = \"canary\"",
            "[credentials]\nshop = \"canary\"",
            "# client_secret = \"canary\"",
            "#client_secret=canary",
            "  ## password = canary and more",
            "mode = \"live\" # password = \"canary\"",
            "# headers = { X-Shop = \"canary\" }",
            "# http = \"https://shop.example/?key=canary\"",
            "# Authorization: Bearer canary-and-more",
            "text = '''\n# none\n''' # api_key = 'canary'",
        ] {
            let Redacted::Without(without) = addresses(text) else { panic!("{text}") };
            assert!(!without.contains("canary"), "{without}");
        }
    }

    #[test]
    fn what_only_names_a_secret_and_what_is_none_stays() {
        for text in [
            "headers = { Authorization = \"Bearer ${SHOP_KEY}\", Accept = \"text/html\" }\n",
            "http = \"https://shop.example/health?key=${SHOP_KEY}&monkey=1\"\n",
            "postgres = \"postgres://deck:${PASSWORD}@db/x\"\n",
            "command = [\"curl\", \"-H\", \"Authorization: Bearer ${SHOP_KEY}\", \"--token\", \"${TOKEN}\"]\n",
            "conditions = [\"[BODY].token == ok\", \"[BODY].author.key==ok\"]\nerror = \"token=expired\"\n",
            "remedy = \"Rotate the token: see the runbook.\"\n[route]\ntokens_per_minute = 5\n",
            "# client_secret = \"${CLIENT_SECRET}\"\n# The key of the shop, see the wiki: https://wiki.example/shop\n# api_key = \"\"\n",
            "oauth_url = \"https://oauth.example\"\nauthor = \"ana\"\nnote = \"\"\"\n# \"not\" a comment\n\"\"\"\n",
        ] {
            assert_eq!(addresses(text), Redacted::AsItWas, "{text}");
        }
    }

    #[test]
    fn rules_and_themes_are_kept_as_they_are() {
        let beside = [
            include_str!("../../../assets/rules.toml"),
            include_str!("../../../assets/retention.toml"),
            include_str!("../../../assets/keymaps/default.toml"),
            include_str!("../../../assets/themes/dark.toml"),
        ];
        for text in beside {
            assert_eq!(redact(text, Holds::Texts, &[]), Redacted::AsItWas);
        }
        let rule =
            "pattern = \"password=[a-z]+\"\nwords = [\"token\", \"key\"]\nexamples.hit = [\"see https://user:pass@example.org/x\"]\n";
        assert_eq!(redact(rule, Holds::Texts, &[]), Redacted::AsItWas);
    }

    #[test]
    fn every_setting_that_is_a_secret_goes_and_no_other() {
        for setting in crate::config::SETTINGS {
            let Some((table, name)) = setting.key.rsplit_once('.') else { continue };
            let is_gone = |value: &str| matches!(addresses(&format!("[{table}]\n{name} = {value}\n")), Redacted::Without(_));
            assert_eq!(is_gone("7"), setting.is_secret(), "{}", setting.key);
            // Counts of tokens and of days are numbers, and only numbers.
            if !name.contains("tokens") && !name.ends_with("_days") {
                assert_eq!(is_gone("\"canary\""), setting.is_secret(), "{}", setting.key);
            }
        }
    }

    #[test]
    fn what_is_unclear_is_not_kept_in_the_open() {
        assert_eq!(addresses("client_secret = \"canary"), Redacted::Unclear);
        let known = [SecretString::from("canary-of-mine")];
        for text in ["note = \"it is canary-of-mine\"", "# it is canary-of-mine\n"] {
            assert_eq!(redact(text, Holds::Texts, &known), Redacted::Unclear);
        }
    }

    proptest! {
        #[test]
        fn a_secret_never_stays(secret in "[a-zA-Z0-9\"\\\\' ]{8,20}", name in "(client_secret|api_key|password|refresh_token)") {
            let value = toml::Value::String(secret.clone()).to_string();
            for text in [format!("{name} = {value}\n"), format!("[a]\nb = {{ {name} = {value} }}\n"), format!("a.{name} = {value}"), format!("# {name} = {value}\n")] {
                // A word such as `bearer` says how, and is no secret; blanks are none either.
                prop_assume!(!is_reference(&secret));
                match addresses(&text) {
                    Redacted::Without(without) => prop_assert!(!without.contains(&secret) && !without.contains(&value), "{}", without),
                    Redacted::Unclear => {}
                    Redacted::AsItWas => prop_assert!(false, "{}", text),
                }
            }
        }

        #[test]
        fn no_file_makes_it_fall_over(text in "[ -~\n#\"'=\\[\\]{}]{0,80}") {
            let _ = addresses(&text);
        }
    }
}
