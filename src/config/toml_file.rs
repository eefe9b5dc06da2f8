//! The configuration file: TOML, with the place of everything that is wrong in it.
//!
//! Messages are made from the parser's description and a place, never from the line itself: the line may hold a secret.

use super::{Level, Problem, SETTINGS, Setting, Source, load::Given, nearest::nearest, value};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// What a file says.
#[derive(Default)]
pub(super) struct Parsed {
    pub given: Vec<Given>,
    pub problems: Vec<Problem>,
    /// A name that is no setting and whose value nobody else may read.
    pub other_secret: Option<String>,
    /// Whether nothing could be taken because the text cannot be read as a whole.
    pub is_broken: bool,
}

/// Read the settings out of `text`, which is the contents of `path`.
pub(super) fn parse(path: &Path, text: &str) -> Parsed {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { path, text, parsed: Parsed { is_broken: !errors.is_empty(), ..Parsed::default() } };
    for error in &errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        let message = format!("invalid TOML: {}", error.message().replace('\n', ", "));
        let problem = Problem::new(Level::Error, reader.place(at), message).next("correct this line, then run `quarterdeck config check`");
        reader.parsed.problems.push(problem);
    }
    // After a syntax error the rest is a guess of the parser: nothing of it is taken, and no second errors are made of it.
    if errors.is_empty() {
        reader.table("", document.get_ref());
        // The parser sorts by name; people read from the top.
        reader.parsed.problems.sort_by_key(|problem| line_in(&problem.place));
    }
    reader.parsed
}

/// The line number in a place made by [`Reader::place`], for sorting.
fn line_in(place: &str) -> usize {
    let line = place.rsplit_once(", line ").and_then(|(_, rest)| rest.split(',').next());
    line.and_then(|line| line.parse().ok()).unwrap_or(0)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    parsed: Parsed,
}

impl Reader<'_> {
    fn place(&self, at: usize) -> String {
        let (line, column) = position(self.text, at);
        format!("{}, line {line}, column {column}", self.path.display())
    }

    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, item) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let at = name.span().start;
            match item.get_ref() {
                _ if Setting::by_key(&key).is_some() => self.setting(&key, at, item),
                DeValue::Table(inner) if is_table(&key) => self.table(&format!("{key}."), inner),
                DeValue::Table(_) => self.unknown("table", &key, at, nearest(&key, tables())),
                _ if is_table(&key) => {
                    let message =
                        format!("`{key}` is a table: expected [{key}] with its settings below, found {}", item.get_ref().type_str());
                    let problem = Problem::new(Level::Error, self.place(at), message).next(format!("write [{key}] on a line of its own"));
                    self.parsed.problems.push(problem);
                }
                _ => {
                    let elsewhere = SETTINGS.iter().map(|setting| setting.key).filter(|known| known.ends_with(&format!(".{key}")));
                    let near = nearest(&key, SETTINGS.iter().map(|setting| setting.key));
                    let suggestion = near.or_else(|| single(elsewhere));
                    self.unknown("setting", &key, at, suggestion);
                }
            }
        }
    }

    fn unknown(&mut self, what: &str, key: &str, at: usize, suggestion: Option<&str>) {
        let key = crate::base::SafeText::clipped(key, 60);
        let message = match suggestion {
            Some(known) => format!("unknown {what} `{key}`; did you mean `{known}`?"),
            None => format!("unknown {what} `{key}`"),
        };
        let next = "correct or remove it; `quarterdeck config reference` lists every setting";
        self.parsed.problems.push(Problem::new(Level::Error, self.place(at), message).next(next));
    }

    fn setting(&mut self, key: &str, at: usize, item: &toml::Spanned<DeValue<'_>>) {
        let Some(setting) = Setting::by_key(key) else { return };
        match text_of(setting, item.get_ref()) {
            Some(text) => {
                let source = Source::File { path: self.path.to_path_buf(), line: position(self.text, at).0 };
                self.parsed.given.push(Given { setting, text, source });
            }
            None => {
                let message = format!("`{key}`: expected {}, found {}", value::expected(setting.kind), item.get_ref().type_str());
                let problem = Problem::new(Level::Error, self.place(item.span().start), message).about(setting);
                let problem = problem.next(format!("correct it. {}", setting.doc));
                self.parsed.problems.push(problem);
            }
        }
    }
}

/// The value as text, when it is of a type that the setting can take.
fn text_of(setting: &Setting, item: &DeValue<'_>) -> Option<String> {
    use super::Kind;
    match (setting.kind, item) {
        (Kind::Integer { .. }, DeValue::Integer(number)) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n.to_string())
        }
        (Kind::Number { .. }, DeValue::Integer(number)) => Some(number.as_str().to_owned()),
        (Kind::Number { .. }, DeValue::Float(number)) => Some(number.as_str().to_owned()),
        (Kind::Integer { .. } | Kind::Number { .. }, _) => None,
        // `colors = 256` is how one writes it; whether the number is among the words is checked with them.
        (Kind::Choice(_), DeValue::Integer(number)) if number.radix() == 10 => Some(number.as_str().to_owned()),
        (Kind::Models | Kind::Limits | Kind::Words(_), DeValue::Array(items)) => {
            let names: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            names.map(|names| names.join(","))
        }
        (_, DeValue::String(text)) => Some(text.to_string()),
        _ => None,
    }
}

/// Names of tables, those inside others with all their names: `search` and `search.embedder`.
fn tables() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().flat_map(|setting| setting.key.match_indices('.').filter_map(|(dot, _)| setting.key.get(..dot)))
}

fn is_table(key: &str) -> bool {
    tables().any(|table| table == key)
}

fn single<'a>(mut candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.next().filter(|_| candidates.next().is_none())
}

/// Line and column, both from 1, columns counted in characters.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn findings(text: &str) -> Vec<String> {
        parse(Path::new("/c.toml"), text).problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_syntax_error_names_its_place_and_what_was_expected_and_not_the_line() {
        let found = findings("mode = \"live\"\n[reddit]\npassword = \"canary\nusername = \"x\"\n");
        assert!(found[0].starts_with("/c.toml, line 3, column "), "{found:?}");
        assert!(!found.join("").contains("canary"), "{found:?}");
        let found = findings("mode = = \"live\"");
        assert!(found[0].contains("line 1, column 8") && found[0].contains("expected"), "{found:?}");
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_known_one() {
        let found = findings("[reddit]\nclient_idd = \"x\"\n\n[moderaton]\nlease_seconds = 3\n");
        assert!(found[0].contains("line 2, column 1") && found[0].contains("did you mean `reddit.client_id`?"), "{found:?}");
        assert!(found[1].contains("line 4") && found[1].contains("did you mean `moderation`?"), "{found:?}");
        assert!(findings("lease_seconds = 3")[0].contains("`moderation.lease_seconds`"));
    }

    #[test]
    fn a_wrong_type_says_what_was_expected() {
        let found = findings("[moderation]\nlease_seconds = \"soon\"\n");
        assert_eq!(
            found,
            ["/c.toml, line 2, column 17: `moderation.lease_seconds`: expected a whole number from 1 to 86400 (seconds), found string"]
        );
        assert!(findings("reddit = 3")[0].contains("is a table"));
    }

    #[test]
    fn numbers_lists_and_dotted_keys_are_read() {
        let parsed =
            parse(Path::new("/c"), "llm.fallback_models = [\"a/b\", \"c/d\"]\n[agent]\ninterval_seconds = 0x3C\nscore_weight = 2\n");
        assert!(parsed.problems.is_empty());
        let mut given: Vec<_> = parsed.given.iter().map(|given| (given.setting.key, given.text.as_str())).collect();
        given.sort_unstable();
        let nested = parse(Path::new("/c"), "[search.embedder]\nbatch = 8\n");
        assert!(nested.problems.is_empty() && nested.given[0].setting.key == "search.embedder.batch");
        assert_eq!(given, [("agent.interval_seconds", "60"), ("agent.score_weight", "2"), ("llm.fallback_models", "a/b,c/d")]);
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in any::<String>()) {
            let _ = parse(Path::new("/c"), &text);
        }

        #[test]
        fn no_nearly_right_file_makes_it_panic(text in "[\\[\\]a-z.=\"0-9é\n ,{}#']{0,80}") {
            let _ = parse(Path::new("/c"), &text);
        }
    }
}
