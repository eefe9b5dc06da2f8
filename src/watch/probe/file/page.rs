//! A page of TOML with the place of everything that is wrong in it. Messages never repeat a value that may be a secret.

use super::address;
use crate::base::{SafeText, duration};
use crate::config::{nearest, position};
use crate::watch::probe::check::{HIDDEN, Secrets};
use secrecy::SecretString;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Something that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Fault {
    /// Where: file, line and column.
    pub place: String,
    /// What.
    pub reason: String,
}

/// What stands for `${NAME}`.
pub trait Names {
    /// The value of a name; `None` when it is not set.
    ///
    /// # Errors
    /// A sentence, when it is set where it may not be read from.
    fn value(&self, name: &str) -> Result<Option<String>, String>;
}

/// A text that is read, and what was found wrong in it.
pub struct Page<'a> {
    /// Its name.
    pub source: &'a str,
    /// Itself.
    pub text: &'a str,
    /// What stands for names.
    pub names: &'a dyn Names,
    /// Whether others than its owner may read it.
    pub is_open: bool,
    /// What stands for `{variable}` in a preset; `None` for one that is not set.
    pub variables: BTreeMap<String, Option<String>>,
    /// What was found wrong.
    pub faults: RefCell<Vec<Fault>>,
    /// Whether a variable was met that is not set.
    pub lacks: Cell<bool>,
    /// Names and systems of the probes and heartbeats in which something is wrong: windows may hold them all the same.
    pub refused: RefCell<Vec<(String, String)>>,
    /// What was laid in for `${NAME}`s: each of them may be a secret, and nobody is told.
    pub laid: RefCell<Vec<SecretString>>,
}

impl<'a> Page<'a> {
    /// A text that nothing was read of yet.
    pub fn new(source: &'a str, text: &'a str, names: &'a dyn Names) -> Self {
        Self {
            source,
            text,
            names,
            is_open: false,
            variables: BTreeMap::new(),
            faults: RefCell::default(),
            lacks: Cell::default(),
            refused: RefCell::default(),
            laid: RefCell::default(),
        }
    }

    /// Something is wrong at a byte.
    pub fn fault(&self, at: usize, reason: impl Into<String>) {
        let (line, column) = position(self.text, at);
        let place = format!("{}, line {line}, column {column}", self.source);
        let reason = Secrets::new(&self.laid.borrow()).without(reason.into());
        self.faults.borrow_mut().push(Fault { place, reason });
    }

    /// Something is wrong in a probe or heartbeat, as far as its name and system could be read.
    pub fn refuse(&self, name: Option<String>, system: Option<String>) {
        if let Some(name) = name.or_else(|| system.clone()) {
            let system = system.unwrap_or_else(|| name.clone());
            self.refused.borrow_mut().push((name, system));
        }
    }

    /// The text with its variables laid in, each as `value` gives it.
    fn with_variables(&self, text: &str, value: impl Fn(&str, &str) -> String) -> Option<String> {
        let mut laid = text.to_owned();
        for (name, found) in &self.variables {
            let place = format!("{{{name}}}");
            if !laid.contains(&place) {
                continue;
            }
            let Some(found) = found else {
                self.lacks.set(true);
                return None;
            };
            laid = laid.replace(&place, &value(name, found));
        }
        Some(laid)
    }

    /// The text as everybody may see it: with its variables, without the secrets in them, and with `${NAME}` as it is written.
    fn visible(&self, text: &str) -> Option<String> {
        self.with_variables(text, |name, value| {
            if address::is_secret_name(name) && address::is_literal(value) { HIDDEN.to_owned() } else { address::shown(value) }
        })
    }

    /// The text with its variables and `${NAME}`s laid in.
    fn expanded(&self, at: usize, key: &str, text: &str) -> Option<String> {
        let laid = self.with_variables(text, |_, value| value.to_owned())?;
        let mut out = String::new();
        let mut rest = laid.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                self.fault(at, format!("`{key}`: `${{` without its `}}`"));
                return None;
            };
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let found = if is_name { self.names.value(name) } else { Err("names have letters, digits and underscores".to_owned()) };
            match found {
                Ok(Some(value)) => {
                    out.push_str(&value);
                    self.laid.borrow_mut().push(value.into());
                }
                Ok(None) => {
                    self.fault(at, format!("`{key}`: {name} is not set; set it in the environment or in the environment file"));
                    return None;
                }
                Err(reason) => {
                    self.fault(at, format!("`{key}`: ${{{}}}: {reason}", SafeText::clipped(name, 40)));
                    return None;
                }
            }
            rest = behind;
        }
        out.push_str(rest);
        Some(out)
    }
}

/// A table of a page: keys are asked for by name, and what nobody asked for is refused in the end.
pub struct Entry<'p, 'a, 't> {
    /// The page.
    pub page: &'p Page<'a>,
    table: &'p DeTable<'t>,
    /// Where it begins.
    pub at: usize,
    what: &'static str,
    asked: RefCell<Vec<&'static str>>,
}

impl<'p, 'a, 't> Entry<'p, 'a, 't> {
    /// A table; `what` names it in messages, as `[[probe]]`.
    pub fn new(page: &'p Page<'a>, table: &'p DeTable<'t>, at: usize, what: &'static str) -> Self {
        Self { page, table, at, what, asked: RefCell::default() }
    }

    /// The value of a key, and where it stands.
    pub fn get(&self, key: &'static str) -> Option<(&'p DeValue<'t>, usize)> {
        self.asked.borrow_mut().push(key);
        let found = self.table.iter().find(|(name, _)| name.get_ref().as_ref() == key);
        found.map(|(_, value)| (value.get_ref(), value.span().start))
    }

    /// Whether a key is there.
    pub fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// The key where one is missing.
    pub fn missing(&self, key: &str, what: &str) {
        self.page.fault(self.at, format!("{} has no `{key}`: {what}", self.what));
    }

    fn wrong(&self, at: usize, key: &str, expected: &str, found: &DeValue<'_>) {
        self.page.fault(at, format!("`{key}`: expected {expected}, found {}", found.type_str()));
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<String> {
        let (value, at) = self.get(key)?;
        match value.as_str() {
            Some(text) => self.page.expanded(at, key, text),
            None => {
                self.wrong(at, key, "a text", value);
                None
            }
        }
    }

    /// A text that everybody sees: what stands in it for `${NAME}` is not laid in.
    pub fn visible(&self, key: &'static str) -> Option<String> {
        let (value, at) = self.get(key)?;
        match value.as_str() {
            Some(text) => self.page.visible(text),
            None => {
                self.wrong(at, key, "a text", value);
                None
            }
        }
    }

    /// A text that everybody sees, read by a function that says what is wrong with it.
    pub fn read_visible<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let (_, at) = self.get(key)?;
        let text = self.visible(key)?;
        parse(&text).map_err(|reason| self.page.fault(at, format!("`{key}`: {reason}"))).ok()
    }

    /// A text read by a function that says what is wrong with it.
    pub fn read<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let (_, at) = self.get(key)?;
        let text = self.text(key)?;
        parse(&text).map_err(|reason| self.page.fault(at, format!("`{key}`: {reason}"))).ok()
    }

    /// A secret. One that stands here itself asks that nobody else can read the file.
    pub fn secret(&self, key: &'static str) -> Option<SecretString> {
        let (value, at) = self.get(key)?;
        if value.as_str().is_some_and(address::is_literal) {
            self.guard(key, at);
        }
        self.text(key).filter(|text| !text.is_empty()).map(SecretString::from)
    }

    /// An address, read by a function that says what is wrong with it. A password or key that stands in it asks that nobody else can read
    /// the file.
    pub fn address<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let (value, at) = self.get(key)?;
        if value.as_str().is_some_and(|text| !address::secrets(text).is_empty()) {
            self.guard(key, at);
        }
        self.read(key, parse)
    }

    /// There is a secret in it.
    fn guard(&self, key: &str, at: usize) {
        if self.page.is_open {
            let next = format!("write ${{NAME}} and set NAME in the environment file, or `chmod 600 {}`", self.page.source);
            self.page.fault(at, format!("`{key}` holds a secret and others than its owner may read this file: {next}"));
        }
    }

    /// A length of time, within bounds.
    pub fn length(&self, key: &'static str, least: Duration, most: Duration) -> Option<Duration> {
        let (_, at) = self.get(key)?;
        let length = self.read(key, duration::parse)?;
        let length = Duration::from_millis(u64::try_from(length).unwrap_or(0));
        if length < least || length > most {
            let words = |length: Duration| crate::base::clock::duration(i64::try_from(length.as_millis()).unwrap_or(i64::MAX));
            self.page.fault(at, format!("`{key}`: from {} to {} is possible", words(least), words(most)));
            return None;
        }
        Some(length)
    }

    /// A length of time that may be shorter than a second: `250ms`.
    pub fn short_length(&self, key: &'static str) -> Option<Duration> {
        self.read(key, |text| match text.trim().strip_suffix("ms").map(str::parse::<u64>) {
            Some(Ok(millis @ 1..=600_000)) => Ok(Duration::from_millis(millis)),
            Some(_) => Err(format!("{text:?} is not a length of time; write 250ms, 2s or 1m")),
            None => duration::parse(text).map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0))),
        })
    }

    /// A whole number, within bounds.
    pub fn count(&self, key: &'static str, least: u32, most: u32) -> Option<u32> {
        let (value, at) = self.get(key)?;
        let Some(number) = value.as_integer() else {
            self.wrong(at, key, "a whole number", value);
            return None;
        };
        let number = u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.page.fault(at, format!("`{key}`: from {least} to {most} is possible"));
        }
        number
    }

    /// A share, from 0 to 1.
    pub fn share(&self, key: &'static str) -> Option<f64> {
        let (value, at) = self.get(key)?;
        let text = value.as_float().map(|float| float.as_str().to_owned());
        let text = text.or_else(|| value.as_integer().map(|number| number.as_str().to_owned()));
        let share = text.and_then(|text| text.parse::<f64>().ok()).filter(|share| (0.0..=1.0).contains(share));
        if share.is_none() {
            self.page.fault(at, format!("`{key}`: a share from 0 to 1 is expected, as 0.05"));
        }
        share
    }

    /// Yes or no.
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let (value, at) = self.get(key)?;
        if value.as_bool().is_none() {
            self.wrong(at, key, "true or false", value);
        }
        value.as_bool()
    }

    /// Several texts.
    pub fn texts(&self, key: &'static str) -> Option<Vec<String>> {
        self.items(key, |at, text| self.page.expanded(at, key, text))
    }

    /// Several texts that everybody sees: `None` for one with a `${NAME}` in it, which `refused` names.
    pub fn visible_texts(&self, key: &'static str, refused: impl Fn(&str) -> String) -> Option<Vec<String>> {
        self.items(key, |at, text| {
            let laid = self.page.with_variables(text, |_, value| value.to_owned())?;
            let Some((_, behind)) = laid.split_once("${") else { return Some(laid) };
            let name = behind.split('}').next().unwrap_or_default();
            self.page.fault(at, format!("`{key}`: {}", refused(SafeText::clipped(name, 40).as_str())));
            None
        })
    }

    fn items(&self, key: &'static str, read: impl Fn(usize, &str) -> Option<String>) -> Option<Vec<String>> {
        let (value, at) = self.get(key)?;
        let Some(items) = value.as_array() else {
            self.wrong(at, key, "a list of texts", value);
            return None;
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push(read(item.span().start, text)?),
                None => {
                    self.wrong(item.span().start, key, "a text", item.get_ref());
                    return None;
                }
            }
        }
        Some(texts)
    }

    /// Names with texts, as headers are. Which of them are secrets, by name and text, `is_secret` tells.
    pub fn pairs(&self, key: &'static str, is_secret: impl Fn(&str, &str) -> bool) -> Option<Vec<(String, SecretString)>> {
        let (value, at) = self.get(key)?;
        let Some(table) = value.as_table() else {
            self.wrong(at, key, "names with texts, as { Accept = \"text/html\" }", value);
            return None;
        };
        let mut pairs = Vec::new();
        for (name, value) in table {
            let at = value.span().start;
            let Some(text) = value.get_ref().as_str() else {
                self.wrong(at, key, "a text", value.get_ref());
                return None;
            };
            let name = name.get_ref().to_string();
            if address::is_literal(text) && is_secret(&name, text) {
                self.guard(&format!("{key}.{}", SafeText::clipped(&name, 60)), at);
            }
            pairs.push((name, SecretString::from(self.page.expanded(at, key, text)?)));
        }
        Some(pairs)
    }

    /// A point in time, with its zone.
    pub fn time(&self, key: &'static str) -> Option<crate::base::Millis> {
        let (value, at) = self.get(key)?;
        let text = value.as_datetime().map(ToString::to_string).or_else(|| value.as_str().map(str::to_owned));
        let time = text.and_then(|text| chrono::DateTime::parse_from_rfc3339(&text).ok());
        if time.is_none() {
            self.page.fault(at, format!("`{key}`: a time with its zone is expected, as 2026-11-22T02:00:00+01:00"));
        }
        time.map(|time| time.timestamp_millis())
    }

    /// The tables of an array of tables.
    pub fn tables(&self, key: &'static str) -> Vec<(&'p DeTable<'t>, usize)> {
        let Some((value, at)) = self.get(key) else { return Vec::new() };
        let Some(items) = value.as_array() else {
            self.wrong(at, key, &format!("[[{key}]]"), value);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_table() {
                Some(table) => tables.push((table, item.span().start)),
                None => self.wrong(item.span().start, key, &format!("[[{key}]]"), item.get_ref()),
            }
        }
        tables
    }

    /// The tables of a table by their names.
    pub fn named(&self, key: &'static str) -> Vec<(String, &'p DeTable<'t>, usize)> {
        let Some((value, at)) = self.get(key) else { return Vec::new() };
        let Some(table) = value.as_table() else {
            self.wrong(at, key, &format!("[{key}.NAME]"), value);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, value) in table {
            match value.get_ref().as_table() {
                Some(inner) => tables.push((name.get_ref().to_string(), inner, name.span().start)),
                None => self.wrong(value.span().start, key, &format!("[{key}.NAME]"), value.get_ref()),
            }
        }
        tables
    }

    /// Refuse the keys that nobody asked for. Returns those that are there of `groups`, for tables that know several kinds.
    pub fn done(&self, also: &[&'static str]) {
        let asked = self.asked.borrow();
        let known = || asked.iter().copied().chain(also.iter().copied());
        for (name, _) in self.table {
            let key = name.get_ref();
            if known().any(|known| known == key) {
                continue;
            }
            let shown = SafeText::clipped(key, 60);
            let reason = match nearest(key, known()) {
                Some(near) => format!("{} has no key `{shown}`; did you mean `{near}`?", self.what),
                None => format!("{} has no key `{shown}`", self.what),
            };
            self.page.fault(name.span().start, reason);
        }
    }

    /// All the keys that are there, with their texts, for tables whose keys are names of variables.
    pub fn free_texts(&self) -> BTreeMap<String, (Option<String>, usize)> {
        let mut texts = BTreeMap::new();
        for (name, value) in self.table {
            let at = name.span().start;
            let text = value.get_ref().as_str().map(str::to_owned);
            if text.is_none() {
                self.wrong(value.span().start, name.get_ref(), "a text", value.get_ref());
            }
            texts.insert(name.get_ref().to_string(), (text, at));
        }
        texts
    }
}

/// Read a page as TOML; nothing of it is taken after a syntax error.
pub fn table<'t>(page: &Page<'_>, text: &'t str) -> Option<Spanned<DeTable<'t>>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        page.fault(at, format!("invalid TOML: {}", error.message().replace('\n', ", ")));
    }
    errors.is_empty().then_some(document)
}
