//! One value of an environment file changed, and every other byte left as it is: order, comments, blank lines, quotes, `export`, line ends.

use crate::config::environment_file::{Line, is_name, lines, unquote};

/// Why a text cannot be changed that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No name of a variable.
    Name,
    /// Not one line of text.
    Value,
}

/// The text with `name` set to `value`: on the line that counts, else on a new one at the end.
///
/// # Errors
/// [`Refused`] when the name or the value cannot stand in such a file.
pub fn set(text: &str, name: &str, value: &str) -> Result<String, Refused> {
    check(name, value)?;
    let all = lines(text);
    let Some(line) = counting(&all, name) else { return Ok(append(text, &all, name, value)) };
    let Some((start, end)) = span(text, line) else { return Ok(append(text, &all, name, value)) };
    let raw = text.get(start..end).unwrap_or_default();
    let (old, behind) = split_comment(raw);
    let new = quoted(value, old.chars().next());
    // A mark that touches a value without quotes would be read as a part of it.
    let gap = if behind.starts_with('#') && !new.starts_with(['"', '\'']) { " " } else { "" };
    Ok(format!("{}{new}{gap}{behind}{}", text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default()))
}

/// The text without any line that sets `name`.
#[must_use]
pub fn remove(text: &str, name: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for line in lines(text).iter().filter(|line| line.entry.is_some_and(|(known, _)| known == name)) {
        let end = text.get(line.start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| line.start + at + 1);
        kept.push_str(text.get(from..line.start).unwrap_or_default());
        from = end;
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

/// Numbers of the lines that set a name and do not count.
#[must_use]
pub fn covered(text: &str, name: &str) -> Vec<usize> {
    let all = lines(text);
    let last = counting(&all, name).map(|line| line.number);
    all.iter()
        .filter(|line| line.entry.is_some_and(|(known, _)| known == name) && Some(line.number) != last)
        .map(|line| line.number)
        .collect()
}

fn check(name: &str, value: &str) -> Result<(), Refused> {
    if !is_name(name) {
        return Err(Refused::Name);
    }
    // A byte order mark would be read as no part of the value where it stands first.
    if value.is_empty() || value.chars().any(char::is_control) { Err(Refused::Value) } else { Ok(()) }
}

/// The last line of the name, also when it cannot be read: it is put right by being set.
fn counting<'a, 'b>(all: &'a [Line<'b>], name: &str) -> Option<&'a Line<'b>> {
    all.iter().rfind(|line| line.entry.is_some_and(|(known, _)| known == name))
}

/// Where the raw value of a line stands in the text.
fn span(text: &str, line: &Line<'_>) -> Option<(usize, usize)> {
    let (_, raw) = line.entry?;
    let rest = text.get(line.start..)?;
    let whole = rest.get(..rest.find('\n').unwrap_or(rest.len()))?;
    let equals = whole.find('=')? + 1;
    let behind = whole.get(equals..)?;
    let start = line.start + equals + (behind.len() - behind.trim_start().len());
    // An empty value may have nothing but blanks behind the sign.
    Some(if raw.is_empty() { (line.start + equals, line.start + equals) } else { (start, start + raw.len()) })
}

/// A raw value and what stands behind it: blanks and a comment.
fn split_comment(raw: &str) -> (&str, &str) {
    let mut ends = raw.char_indices().filter(|(_, letter)| *letter == '#').map(|(at, _)| at);
    let value = unquote(raw);
    // The first mark at which a comment may begin: before it stands a value that reads as the whole does.
    let end = ends.find(|at| {
        let before = raw.get(..*at).unwrap_or_default();
        (*at == 0 || before.ends_with([' ', '\t']) || before.ends_with(['"', '\''])) && value.is_ok() && unquote(before.trim_end()) == value
    });
    let value_end = end.map_or(raw.len(), |at| raw.get(..at).unwrap_or_default().trim_end().len());
    raw.split_at(value_end)
}

/// The value as it is written: plain where every shell reads it so, else in the quotes that stood there, else in those that fit.
fn quoted(value: &str, before: Option<char>) -> String {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&byte));
    let double = || {
        let mut text = String::from("\"");
        for letter in value.chars() {
            if matches!(letter, '"' | '\\' | '$' | '`') {
                text.push('\\');
            }
            text.push(letter);
        }
        text.push('"');
        text
    };
    match before {
        Some('"') => double(),
        Some('\'') if !value.contains('\'') => format!("'{value}'"),
        _ if is_plain => value.to_owned(),
        _ if !value.contains('\'') => format!("'{value}'"),
        _ => double(),
    }
}

fn append(text: &str, all: &[Line<'_>], name: &str, value: &str) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let entries: Vec<_> = all.iter().filter(|line| line.entry.is_some()).collect();
    let export = if !entries.is_empty() && entries.iter().all(|line| line.is_exported) { "export " } else { "" };
    let gap = if text.trim_start_matches('\u{feff}').is_empty() || text.ends_with('\n') { "" } else { end };
    format!("{text}{gap}{export}{name}={}{end}", quoted(value, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment_file::value_of;
    use proptest::prelude::*;

    #[test]
    fn everything_but_the_value_stays() {
        let text = "\u{feff}# head\r\n\r\nexport REDDIT_PASSWORD = 'old one'  # mine\r\nOTHER=1\r\nREDDIT_OTP=\"1\" # code\r\nLAST=x";
        let set_one = set(text, "REDDIT_PASSWORD", "new").unwrap();
        assert_eq!(set_one, text.replace("'old one'", "'new'"));
        let escaped = set(&set_one, "REDDIT_OTP", "a\"b$c").unwrap();
        assert_eq!(escaped, set_one.replace("\"1\"", "\"a\\\"b\\$c\""));
        assert_eq!(set(text, "NEW", "v w").unwrap(), format!("{text}\r\nNEW='v w'\r\n"));
        assert_eq!(remove(text, "OTHER"), text.replace("OTHER=1\r\n", ""));
        assert_eq!(remove(text, "LAST"), text.replace("LAST=x", ""));
    }

    #[test]
    fn the_line_that_counts_is_the_one_that_changes() {
        assert_eq!(set("A=1\nA=2 # two\nB=3\n", "A", "9").unwrap(), "A=1\nA=9 # two\nB=3\n");
        assert_eq!(covered("A=1\nB=2\nA=3\n", "A"), [1]);
        assert_eq!(set("A=\n", "A", "9").unwrap(), "A=9\n");
        assert_eq!(set("A=a#b #c\n", "A", "9").unwrap(), "A=9 #c\n");
        assert_eq!(set("A='open\nB=1", "A", "9").unwrap(), "A='9'\nB=1");
        assert_eq!(set("A= # put it here\n", "A", "sk-9").unwrap(), "A= sk-9 # put it here\n");
        assert_eq!(set("A=#x\n", "A", "sk-9").unwrap(), "A=sk-9 #x\n");
        assert_eq!(set("A='o'#c\n", "A", "sk-9").unwrap(), "A='sk-9'#c\n");
        assert_eq!(set("", "A", "it's $HOME").unwrap(), "A=\"it's \\$HOME\"\n");
        assert_eq!(set("export A=1\n", "B", "2").unwrap(), "export A=1\nexport B=2\n");
    }

    #[test]
    fn what_cannot_stand_in_such_a_file_is_refused() {
        assert_eq!(set("", "1A", "x"), Err(Refused::Name));
        for value in ["", "a\nb", "a\u{0}", "\r"] {
            assert_eq!(set("", "A", value), Err(Refused::Value), "{value:?}");
        }
    }

    /// Files as people write them, and worse.
    fn file() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            "[ -~]{0,20}",
            "'[^'\r\n]{0,10}'( # c)?",
            "\"[a-z $'#]{0,10}\"\\s?(# c)?",
            "[a-z0-9]{0,8} # comment",
            "#?[ ]?# [a-z]{0,8}",
            Just(String::new())
        ];
        let line = prop_oneof![
            3 => ("(export )?", "[A-D]{1,2}", "[ ]{0,2}=[ \t]{0,2}", value).prop_map(|(export, name, sign, value)| format!("{export}{name}{sign}{value}")),
            1 => Just(String::new()),
            1 => "# [ -~]{0,20}",
            1 => any::<String>(),
        ];
        (prop::collection::vec((line, "\r?\n"), 0..8), any::<bool>(), any::<bool>()).prop_map(|(lines, mark, ended)| {
            let mut text: String = if mark { "\u{feff}".into() } else { String::new() };
            lines.iter().for_each(|(line, end)| text.extend([line.as_str(), end.as_str()]));
            if ended { text } else { text.trim_end_matches(['\r', '\n']).to_owned() }
        })
    }

    /// A value to be set: anything, and what keys look like.
    fn new() -> impl Strategy<Value = String> {
        prop_oneof!["[^\\p{Cc}]{1,20}", "[a-z0-9-]{1,20}"]
    }

    /// Every entry as it is read, with what cannot be read as such.
    fn read(text: &str) -> Vec<(String, Result<String, &'static str>)> {
        lines(text).into_iter().filter_map(|line| line.entry).map(|(name, raw)| (name.to_owned(), unquote(raw))).collect()
    }

    proptest! {
        #[test]
        fn setting_one_name_changes_only_its_value(text in file(), name in "[A-D]{1,2}", value in new()) {
            let changed = set(&text, &name, &value).unwrap();
            prop_assert_eq!(value_of(&changed, &name), Some(value.clone()));
            let (before, after) = (read(&text), read(&changed));
            match before.iter().rposition(|(known, _)| *known == name) {
                Some(at) => {
                    prop_assert_eq!(before.len(), after.len());
                    for (number, (old, new)) in before.iter().zip(&after).enumerate() {
                        if number == at { prop_assert_eq!(&old.0, &new.0) } else { prop_assert_eq!(old, new) }
                    }
                    // Lines and comments stay where they were.
                    prop_assert_eq!(text.matches('\n').count(), changed.matches('\n').count());
                }
                None => {
                    prop_assert!(changed.starts_with(&text));
                    prop_assert_eq!(&before[..], &after[..before.len()]);
                }
            }
        }

        #[test]
        fn what_was_added_and_removed_leaves_the_file_as_it_was(text in file(), value in "[^\\p{Cc}]{1,20}") {
            let added = set(&text, "ZZ", &value).unwrap();
            let removed = remove(&added, "ZZ");
            // A last line that had no end has one afterwards.
            prop_assert!(removed == text || removed.strip_suffix('\n').map(|rest| rest.strip_suffix('\r').unwrap_or(rest)) == Some(&text), "{removed:?}");
            prop_assert_eq!(read(&removed), read(&text));
        }

        #[test]
        fn no_file_makes_it_panic(text in any::<String>(), name in any::<String>(), value in any::<String>()) {
            let _ = set(&text, &name, &value);
            let _ = remove(&text, &name);
            let _ = covered(&text, &name);
        }
    }
}
