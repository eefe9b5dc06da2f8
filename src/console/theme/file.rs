//! One theme file: TOML, with the place of everything that is wrong in it.
//!
//! ```toml
//! name = "Evening"                  # what lists show
//! inherits = "dark"                 # what is not said here is taken from there
//! background = "#101418"            # the terminal's ground that it was made for; not painted, for `themes check` alone
//!
//! [palette]                         # names for colours; they go over the sixteen that have names
//! moss = "#8fbf7f"
//!
//! [roles]
//! good = "moss"                     # a palette's name, one of the sixteen, a number from 0 to 255, "#rrggbb", "default"
//! bad = { fg = "light_red", bg = "default", bold = true, dim = false, italic = false, underline = true, reverse = false, strike = false }
//! ```
//!
//! An entry that is wrong is left out, and the rest is taken; of a file that is no TOML nothing is.

use super::{Role, color};
use crate::base::SafeText;
use crate::config::{nearest, position};
use ratatui::style::{Color, Modifier};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Something that is wrong with a theme.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, or the name of the theme where there is no file.
    pub file: String,
    /// Line and column, from 1, the columns in characters; nothing when it is about the whole file.
    pub at: Option<(usize, usize)>,
    /// What is wrong and, where it is known, what was meant: a sentence without its full stop, safe to show.
    pub reason: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.at {
            Some((line, column)) => write!(formatter, "{}, line {line}, column {column}: {}", self.file, self.reason),
            None => write!(formatter, "{}: {}", self.file, self.reason),
        }
    }
}

/// A word of a file and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub text: String,
    pub at: (usize, usize),
}

/// What a file says about a role. Colours are still words: a palette that goes over this file's may change what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entry {
    pub fg: Option<Written>,
    pub bg: Option<Written>,
    pub modifiers: Modifier,
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct File {
    /// Its path, for problems.
    pub place: String,
    pub title: Option<String>,
    pub inherits: Option<Written>,
    pub background: Option<Color>,
    pub palette: BTreeMap<String, Color>,
    pub roles: BTreeMap<Role, Entry>,
    pub problems: Vec<Problem>,
    /// Whether nothing could be taken because the text cannot be read as a whole.
    pub is_broken: bool,
}

const KEYS: [&str; 5] = ["name", "inherits", "background", "palette", "roles"];
const ATTRIBUTES: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
    ("strike", Modifier::CROSSED_OUT),
];

/// Read `text`, the contents of the file at `place`.
pub(super) fn parse(place: &str, text: &str) -> File {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { text, file: File { place: place.to_owned(), is_broken: !errors.is_empty(), ..File::default() } };
    for error in &errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        // The parser's words may repeat a name of the file.
        reader.problem(at, SafeText::line(&format!("invalid TOML: {}", error.message().replace('\n', ", "))).as_str());
    }
    // After a syntax error the rest is a guess of the parser.
    if errors.is_empty() {
        reader.document(document.get_ref());
        reader.file.problems.sort();
    }
    reader.file
}

struct Reader<'a> {
    text: &'a str,
    file: File,
}

impl Reader<'_> {
    fn problem(&mut self, at: usize, reason: impl Into<String>) {
        let at = Some(position(self.text, at));
        self.file.problems.push(Problem { file: self.file.place.clone(), at, reason: reason.into() });
    }

    fn unknown<'a>(&mut self, at: usize, what: &str, name: &str, known: impl Iterator<Item = &'a str>) {
        let meant = nearest(name, known).map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
        self.problem(at, format!("unknown {what} `{}`{meant}", SafeText::clipped(name, 60)));
    }

    fn expected(&mut self, key: &str, what: &str, item: &Spanned<DeValue<'_>>) {
        let found = item.get_ref().type_str();
        self.problem(item.span().start, format!("`{}`: expected {what}, found {found}", SafeText::clipped(key, 60)));
    }

    fn document(&mut self, table: &DeTable<'_>) {
        for (name, item) in table {
            let at = item.span().start;
            match (name.get_ref().as_ref(), item.get_ref()) {
                ("name", DeValue::String(title)) => self.file.title = Some(SafeText::clipped(title, 60).as_str().to_owned()),
                ("inherits", DeValue::String(parent)) => {
                    self.file.inherits = Some(Written { text: parent.to_string(), at: position(self.text, at) });
                }
                ("background", DeValue::String(text)) => match color::parse(text) {
                    Some(color) => self.file.background = Some(color),
                    None => self.problem(at, no_color(text, std::iter::empty())),
                },
                ("palette", DeValue::Table(colors)) => self.palette(colors),
                ("roles", DeValue::Table(roles)) => self.roles(roles),
                (key @ ("name" | "inherits" | "background"), _) => self.expected(key, "a string", item),
                (key @ ("palette" | "roles"), _) => self.expected(key, "a table", item),
                (key, _) if Role::by_id(key).is_some() => {
                    self.problem(name.span().start, format!("`{key}` is a role: it belongs below [roles]"));
                }
                (key, _) => self.unknown(name.span().start, "entry", key, KEYS.into_iter()),
            }
        }
    }

    fn palette(&mut self, colors: &DeTable<'_>) {
        for (name, item) in colors {
            let Some(written) = self.written(item) else {
                self.expected(name.get_ref(), "a colour", item);
                continue;
            };
            match color::parse(&written.text) {
                Some(color) => {
                    self.file.palette.insert(name.get_ref().to_string(), color);
                }
                None if colors.contains_key(written.text.as_str()) => {
                    let reason = "a palette's colour cannot be named by another one of the palette: write it out";
                    self.problem(item.span().start, reason);
                }
                None => self.problem(item.span().start, no_color(&written.text, std::iter::empty())),
            }
        }
    }

    fn roles(&mut self, roles: &DeTable<'_>) {
        for (name, item) in roles {
            let Some(role) = Role::by_id(name.get_ref()) else {
                self.unknown(name.span().start, "role", name.get_ref(), Role::ALL.iter().map(|role| role.id()));
                continue;
            };
            let entry = match (self.written(item), item.get_ref()) {
                (Some(fg), _) => Some(Entry { fg: Some(fg), ..Entry::default() }),
                (None, DeValue::Table(look)) => self.look(look),
                _ => {
                    self.expected(role.id(), "a colour or a table such as { fg = \"green\", bold = true }", item);
                    None
                }
            };
            if let Some(entry) = entry {
                self.file.roles.insert(role, entry);
            }
        }
    }

    /// A look as a table; nothing, with a problem, when any of it is wrong.
    fn look(&mut self, look: &DeTable<'_>) -> Option<Entry> {
        let mut entry = Entry::default();
        let problems = self.file.problems.len();
        for (name, item) in look {
            let key = name.get_ref().as_ref();
            let attribute = ATTRIBUTES.iter().find(|(known, _)| *known == key);
            match (key, attribute, item.get_ref()) {
                ("fg" | "bg", ..) => match self.written(item) {
                    Some(color) if key == "fg" => entry.fg = Some(color),
                    Some(color) => entry.bg = Some(color),
                    None => self.expected(key, "a colour", item),
                },
                (_, Some((_, modifier)), DeValue::Boolean(is_set)) => entry.modifiers.set(*modifier, *is_set),
                (_, Some(_), _) => self.expected(key, "true or false", item),
                _ => {
                    let known = ["fg", "bg"].into_iter().chain(ATTRIBUTES.iter().map(|(known, _)| *known));
                    self.unknown(name.span().start, "attribute", key, known);
                }
            }
        }
        (self.file.problems.len() == problems).then_some(entry)
    }

    /// A colour as it was written: a string, or a number without quotes.
    fn written(&self, item: &Spanned<DeValue<'_>>) -> Option<Written> {
        let text = match item.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string(),
            _ => return None,
        };
        Some(Written { text, at: position(self.text, item.span().start) })
    }
}

/// Why a word is no colour. `palette` are the names that were possible beside the sixteen.
pub(super) fn no_color<'a>(text: &str, palette: impl Iterator<Item = &'a str>) -> String {
    let shown = SafeText::clipped(text, 60);
    if text.trim_start().starts_with('#') {
        return format!("`{shown}` is no colour: write # and six digits of 0-9 and a-f");
    }
    if text.trim().parse::<f64>().is_ok() {
        return format!("`{shown}` is no colour: a number is one from 0 to 255");
    }
    let known = palette.chain(color::NAMED.iter().map(|(name, _)| *name)).chain(["default"]);
    let meant = nearest(text, known).map(|known| format!("; did you mean `{known}`?"));
    let meant = meant.unwrap_or_else(|| ": it is neither in the palette nor one of the sixteen names".to_owned());
    format!("unknown colour `{shown}`{meant}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problems(text: &str) -> Vec<String> {
        parse("t.toml", text).problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_look_is_a_colour_or_a_table() {
        let file =
            parse("t.toml", "[roles]\ngood = \"green\"\nlink = 0xff\nbad = { bg = 1, bold = true, underline = true, dim = false }\n");
        assert!(file.problems.is_empty(), "{:?}", file.problems);
        assert_eq!(file.roles[&Role::Good].fg.as_ref().unwrap().text, "green");
        assert_eq!(file.roles[&Role::Link].fg.as_ref().unwrap().text, "255");
        assert_eq!(file.roles[&Role::Bad].modifiers, Modifier::BOLD | Modifier::UNDERLINED);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_what_was_meant() {
        let found = problems(
            "nam = \"x\"\n[palette]\nmoss = \"#12\"\nfern = \"moss\"\n[roles]\ngod = \"green\"\nbad = { fgg = \"red\" }\nlink = true\n",
        );
        assert_eq!(
            found,
            [
                "t.toml, line 1, column 1: unknown entry `nam`; did you mean `name`?",
                "t.toml, line 3, column 8: `#12` is no colour: write # and six digits of 0-9 and a-f",
                "t.toml, line 4, column 8: a palette's colour cannot be named by another one of the palette: write it out",
                "t.toml, line 6, column 1: unknown role `god`; did you mean `good`?",
                "t.toml, line 7, column 9: unknown attribute `fgg`; did you mean `fg`?",
                "t.toml, line 8, column 8: `link`: expected a colour or a table such as { fg = \"green\", bold = true }, found boolean",
            ]
        );
        assert_eq!(problems("good = \"green\""), ["t.toml, line 1, column 1: `good` is a role: it belongs below [roles]"]);
    }

    #[test]
    fn of_a_file_that_is_no_toml_nothing_is_taken() {
        let file = parse("t.toml", "[roles]\ngood = \"green\"\nbad = \n");
        assert!(file.is_broken && file.roles.is_empty());
        assert!(file.problems[0].to_string().starts_with("t.toml, line 3, column "), "{:?}", file.problems);
    }

    #[test]
    fn what_a_file_says_is_safe_to_show() {
        let found = problems("[roles]\n\"go\\u001b[31m\\u202eod\" = 1\n\"a\\nb\" = 1\n").concat();
        assert!(!found.contains('\u{1b}') && !found.contains('\u{202e}') && !found.contains('\n'), "{found:?}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|(\\[?(roles|palette)\\]?\n)?(good|bad|x) ?=? ?[\"#a-f0-9{}=,\n]{0,30}") {
            let _ = parse("t.toml", &text);
        }
    }
}
