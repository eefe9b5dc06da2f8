//! The environment file: `NAME=value` lines, as shells and service managers read them. Nothing is expanded.
//!
//! Messages name the line and never repeat it: the line may hold a secret.

use super::{Level, Problem, SETTINGS, Setting, Source, load::Given, nearest::nearest, registry, toml_file::Parsed};
use std::collections::BTreeSet;
use std::path::Path;

/// The names that a text takes from the environment: each `${NAME}` in it.
pub(super) fn used_in(text: &str) -> BTreeSet<String> {
    let names = text.split("${").skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
    names.filter(|name| is_name(name)).map(str::to_owned).collect()
}

/// Read the settings out of `text`, which is the contents of `path`. Names in `used` belong to another file of ours.
pub(super) fn parse(path: &Path, text: &str, used: &BTreeSet<String>) -> Parsed {
    let mut parsed = Parsed::default();
    for line in lines(text) {
        let place = || format!("{}, line {}", path.display(), line.number);
        let Some((name, raw)) = line.entry else {
            parsed.problems.push(Problem::new(Level::Error, place(), "expected NAME=value").next("correct or remove this line"));
            continue;
        };
        let Some(setting) = Setting::by_env(name) else {
            if looks_secret(name) && unquote(raw).is_ok_and(|value| !value.is_empty()) {
                parsed.other_secret.get_or_insert_with(|| name.to_owned());
            }
            if !used.contains(name) {
                parsed.problems.extend(stranger(name, &place()));
            }
            continue;
        };
        match unquote(raw) {
            Ok(text) => {
                if let Some(earlier) = parsed.given.iter().position(|given: &Given| given.setting.key == setting.key) {
                    let message = format!("{name} is set a second time; this line counts");
                    parsed.problems.push(Problem::new(Level::Odd, place(), message).about(setting).next("remove one of the two lines"));
                    parsed.given.remove(earlier);
                }
                parsed.given.push(Given { setting, text, source: Source::EnvironmentFile { path: path.to_path_buf(), line: line.number } });
            }
            Err(message) => parsed.problems.push(Problem::new(Level::Error, place(), format!("{name}: {message}")).about(setting)),
        }
    }
    parsed
}

/// The value of any name in `text`, the contents of an environment file: names that are no settings may be used by other files of ours.
/// The last line counts, as it does for settings.
pub(crate) fn named_in(text: &str, wanted: &str) -> Option<String> {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let values = lines.filter_map(|line| {
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).trim_start().split_once('=')?;
        (name.trim_end() == wanted && is_name(wanted)).then(|| unquote(value.trim()).ok()).flatten()
    });
    values.collect::<Vec<_>>().pop()
}

/// A line that is neither empty nor a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Where it begins in the text.
    pub start: usize,
    /// The name, and what stands behind the sign of equality without the blanks around it; `None` when it is no entry.
    pub entry: Option<(&'a str, &'a str)>,
    /// Whether `export` stands before the name.
    pub is_exported: bool,
}

/// The lines of an environment file as everything here reads them: what is read, and what is written, sees the same.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut found = Vec::new();
    let body = text.trim_start_matches('\u{feff}');
    let mut start = text.len() - body.len();
    for (index, whole) in body.split_inclusive('\n').enumerate() {
        let (begin, line) = (start, whole.trim());
        start += whole.len();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let bare = line.strip_prefix("export ");
        let rest = bare.unwrap_or(line).trim_start();
        let entry = rest.split_once('=').map(|(name, value)| (name.trim_end(), value.trim())).filter(|(name, _)| is_name(name));
        found.push(Line { number: index + 1, start: begin, entry, is_exported: bare.is_some() });
    }
    found
}

/// The value that an environment file gives for a name: the last line that can be read counts.
pub(crate) fn value_of(text: &str, name: &str) -> Option<String> {
    let ours = lines(text).into_iter().filter_map(|line| line.entry).filter(|(known, _)| *known == name);
    ours.filter_map(|(_, raw)| unquote(raw).ok()).next_back()
}

/// What stands behind the name of a rotation's next and previous value.
pub(crate) const NEXT: &str = "__NEXT";
/// The value that was in force before.
pub(crate) const PREVIOUS: &str = "__PREVIOUS";

/// Whether a name that is no setting is one of a secret: then nobody else may read the file either.
pub(crate) fn looks_secret(name: &str) -> bool {
    const ENDS: [&str; 8] = ["_KEY", "_SECRET", "_TOKEN", "_PASSWORD", "_PASSWD", "_CREDENTIALS", NEXT, PREVIOUS];
    let upper = name.to_ascii_uppercase();
    ENDS.iter().any(|end| upper.ends_with(end)) || matches!(upper.as_str(), "PASSWORD" | "TOKEN" | "SECRET")
}

/// What to say about a name that is no setting.
pub(super) fn stranger(name: &str, place: &str) -> Option<Problem> {
    if let Some(ignored) = registry::IGNORED_NAMES.iter().find(|ignored| ignored.name == name) {
        return Some(Problem::new(Level::Note, place, format!("{name} is ignored: {}", in_sentence(ignored.doc))));
    }
    if registry::OTHER_NAMES.iter().any(|other| other.name == name) {
        let message = format!("{name} has no effect in this file; it is read from the process environment only");
        return Some(Problem::new(Level::Odd, place, message).next("set it where the program is started"));
    }
    if let Some(base) = name.strip_suffix(NEXT).or_else(|| name.strip_suffix(PREVIOUS)).filter(|base| Setting::by_env(base).is_some()) {
        let message = format!("{base} is being replaced; `quarterdeck secrets rotate {base} --status` says how far that is");
        return Some(Problem::new(Level::Note, place, message));
    }
    Some(match nearest(name, SETTINGS.iter().map(|setting| setting.env)) {
        Some(known) => Problem::new(Level::Odd, place, format!("{name} is not a setting; did you mean {known}?")).next("correct the name"),
        None => Problem::new(Level::Note, place, format!("{name} is not a setting of this program and has no effect")),
    })
}

/// A sentence of the table as a part of another one.
fn in_sentence(doc: &str) -> String {
    let mut letters = doc.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// A value without its quotes, or without the comment behind it.
pub(crate) fn unquote(value: &str) -> Result<String, &'static str> {
    const OPEN: &str = "the quotation is not closed";
    const AFTER: &str = "there is something behind the closing quotation mark";
    let (text, rest) = match value.chars().next() {
        Some('\'') => {
            let (text, rest) = value[1..].split_once('\'').ok_or(OPEN)?;
            (text.to_owned(), rest)
        }
        Some('"') => {
            let mut text = String::new();
            let mut characters = value[1..].chars();
            loop {
                match characters.next().ok_or(OPEN)? {
                    '"' => break,
                    '\\' => match characters.next().ok_or(OPEN)? {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        escaped @ ('"' | '\\' | '$' | '`') => text.push(escaped),
                        other => text.extend(['\\', other]),
                    },
                    character => text.push(character),
                }
            }
            (text, characters.as_str())
        }
        _ => {
            let end = value.char_indices().find(|(at, character)| *character == '#' && (*at == 0 || value[..*at].ends_with([' ', '\t'])));
            return Ok(value[..end.map_or(value.len(), |(at, _)| at)].trim_end().to_owned());
        }
    };
    if rest.trim().is_empty() || rest.trim_start().starts_with('#') { Ok(text) } else { Err(AFTER) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Parsed {
        parse(Path::new("/e"), text, &BTreeSet::new())
    }

    fn value(text: &str) -> Option<String> {
        read(&format!("REDDIT_PASSWORD={text}")).given.pop().map(|given| given.text)
    }

    #[test]
    fn quotes_comments_and_exports_are_read_as_shells_do() {
        assert_eq!(value("plain # comment").as_deref(), Some("plain"));
        assert_eq!(value("a#b=c").as_deref(), Some("a#b=c"));
        assert_eq!(value("'a # $b' # comment").as_deref(), Some("a # $b"));
        assert_eq!(value(r#""a \"b\" \\ é""#).as_deref(), Some("a \"b\" \\ é"));
        let parsed = read("\u{feff}# head\n\nexport REDDIT_USERNAME = deck \r\n");
        assert_eq!(parsed.given[0].text, "deck");
    }

    #[test]
    fn a_broken_line_is_named_and_not_repeated() {
        let parsed = read("REDDIT_PASSWORD='canary\nREDDIT_OTP=\"canary\" canary\ncanary canary\n");
        let found: Vec<_> = parsed.problems.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("/e, line 1: REDDIT_PASSWORD") && found[2].starts_with("/e, line 3"), "{found:?}");
        assert!(!found.join("").contains("canary"), "{found:?}");
    }

    #[test]
    fn strangers_are_told_from_typing_errors() {
        let parsed = read("REDDIT_CLIENTID=x\nJWT_SECRET=x\nAUTO_POSTING_ENABLED=true\n");
        let levels: Vec<_> = parsed.problems.iter().map(|problem| problem.level).collect();
        assert_eq!(levels, [Level::Odd, Level::Note, Level::Note]);
        assert!(parsed.problems[0].message.contains("REDDIT_CLIENT_ID"));
    }

    #[test]
    fn names_of_the_probes_are_no_strangers() {
        let used = used_in("http = \"https://x/${SHOP_KEY}\"\npassword = \"${REDIS_PASSWORD}\" # ${not a name} ${OPEN");
        assert_eq!(used.iter().map(String::as_str).collect::<Vec<_>>(), ["REDIS_PASSWORD", "SHOP_KEY"]);
        let parsed = parse(Path::new("/e"), "SHOP_KEY=x\nREDIS_PASSWORD=x\nOTHER_KEY=x\n", &used);
        assert_eq!(parsed.problems.len(), 1, "{:?}", parsed.problems);
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in any::<String>(), value in any::<String>()) {
            let _ = read(&text);
            let _ = read(&format!("REDDIT_OTP={value}"));
            let _ = used_in(&text);
        }
    }
}
