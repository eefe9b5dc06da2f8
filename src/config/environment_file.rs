//! The environment file: `NAME=value` lines, as shells and service managers read them. Nothing is expanded.
//!
//! Messages name the line and never repeat it: the line may hold a secret.

use super::{Level, Problem, SETTINGS, Setting, Source, load::Given, nearest::nearest, registry, toml_file::Parsed};
use std::path::Path;

/// Read the settings out of `text`, which is the contents of `path`.
pub(super) fn parse(path: &Path, text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let place = || format!("{}, line {}", path.display(), index + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let name = line.split_once('=').map(|(name, value)| (name.trim_end(), value.trim()));
        let Some((name, value)) = name.filter(|(name, _)| is_name(name)) else {
            parsed.problems.push(Problem::new(Level::Error, place(), "expected NAME=value").next("correct or remove this line"));
            continue;
        };
        let Some(setting) = Setting::by_env(name) else {
            parsed.problems.extend(stranger(name, &place()));
            continue;
        };
        match unquote(value) {
            Ok(text) => {
                if let Some(earlier) = parsed.given.iter().position(|given: &Given| given.setting.key == setting.key) {
                    let message = format!("{name} is set a second time; this line counts");
                    parsed.problems.push(Problem::new(Level::Odd, place(), message).about(setting).next("remove one of the two lines"));
                    parsed.given.remove(earlier);
                }
                parsed.given.push(Given { setting, text, source: Source::EnvironmentFile { path: path.to_path_buf(), line: index + 1 } });
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

/// What to say about a name that is no setting.
pub(super) fn stranger(name: &str, place: &str) -> Option<Problem> {
    if let Some(ignored) = registry::IGNORED_NAMES.iter().find(|ignored| ignored.name == name) {
        return Some(Problem::new(Level::Note, place, format!("{name} is ignored: {}", in_sentence(ignored.doc))));
    }
    if registry::OTHER_NAMES.iter().any(|other| other.name == name) {
        let message = format!("{name} has no effect in this file; it is read from the process environment only");
        return Some(Problem::new(Level::Odd, place, message).next("set it where the program is started"));
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

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// A value without its quotes, or without the comment behind it.
fn unquote(value: &str) -> Result<String, &'static str> {
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

    fn value(text: &str) -> Option<String> {
        parse(Path::new("/e"), &format!("REDDIT_PASSWORD={text}")).given.pop().map(|given| given.text)
    }

    #[test]
    fn quotes_comments_and_exports_are_read_as_shells_do() {
        assert_eq!(value("plain # comment").as_deref(), Some("plain"));
        assert_eq!(value("a#b=c").as_deref(), Some("a#b=c"));
        assert_eq!(value("'a # $b' # comment").as_deref(), Some("a # $b"));
        assert_eq!(value(r#""a \"b\" \\ é""#).as_deref(), Some("a \"b\" \\ é"));
        let parsed = parse(Path::new("/e"), "\u{feff}# head\n\nexport REDDIT_USERNAME = deck \r\n");
        assert_eq!(parsed.given[0].text, "deck");
    }

    #[test]
    fn a_broken_line_is_named_and_not_repeated() {
        let parsed = parse(Path::new("/e"), "REDDIT_PASSWORD='canary\nREDDIT_OTP=\"canary\" canary\ncanary canary\n");
        let found: Vec<_> = parsed.problems.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("/e, line 1: REDDIT_PASSWORD") && found[2].starts_with("/e, line 3"), "{found:?}");
        assert!(!found.join("").contains("canary"), "{found:?}");
    }

    #[test]
    fn strangers_are_told_from_typing_errors() {
        let parsed = parse(Path::new("/e"), "REDDIT_CLIENTID=x\nJWT_SECRET=x\nAUTO_POSTING_ENABLED=true\n");
        let levels: Vec<_> = parsed.problems.iter().map(|problem| problem.level).collect();
        assert_eq!(levels, [Level::Odd, Level::Note, Level::Note]);
        assert!(parsed.problems[0].message.contains("REDDIT_CLIENT_ID"));
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in any::<String>(), value in any::<String>()) {
            let _ = parse(Path::new("/e"), &text);
            let _ = parse(Path::new("/e"), &format!("REDDIT_OTP={value}"));
        }
    }
}
