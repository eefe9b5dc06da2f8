//! The calls of a piece of a file, in a compact form: names as numbers, texts in one place. Runs beside the reading and the writing.

use super::entry::{Doubt, Doubts, Entry, Line, Reject, Tokens, Why};
use super::formats::{self, Format};
use super::lines::{Record, Records};
use super::money::Unit;
use super::prices::{OfModel, Prices};
use super::stamp;
use crate::base::{Millis, Picos, SafeText};
use crate::llm::ledger::{Category, Outcome};
use hashbrown::HashMap;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// How far the clock may go back without being doubted.
const BACK: Millis = 3_600_000;
/// How far a time may be ahead.
const AHEAD: Millis = 86_400_000;
/// Columns of a rejected line that are shown.
const SHOWN: usize = 160;

/// How lines are read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What amounts count.
    pub unit: Unit,
    /// The zone of times without one.
    pub zone: Option<chrono_tz::Tz>,
    /// The price book.
    pub prices: Arc<Prices>,
    /// The ids of personas by the names that logs may use.
    pub personas: Arc<std::collections::HashMap<String, String>>,
    /// Whether calls with a reported cost are priced as well: to see how far they differ.
    pub prices_all: bool,
    /// The module of a call that names none.
    pub module: String,
    /// The kind of work of a call that does not tell.
    pub category: Category,
    /// The present.
    pub now: Millis,
}

/// A piece of a file that begins and ends with whole records.
#[derive(Debug, Default)]
pub struct Piece {
    /// Its place among the pieces, from 0.
    pub number: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The number of its first line, from 1.
    pub first_line: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// How many bytes of the file it stands for, where that is not how many it has: the beginning of a line that is too long.
    pub stands_for: Option<u64>,
}

/// The number of a name in [`Found::names`].
pub type Name = u32;
/// The name of what has none.
pub const NO_NAME: Name = 0;

/// A piece of [`Found::text`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    length: u32,
}

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its id, as bytes of a UUID.
    pub id: [u8; 16],
    /// Its line.
    pub line: u64,
    /// When it began, in UTC.
    pub at: Millis,
    /// The model.
    pub model: Name,
    /// The module.
    pub module: Name,
    /// The signature.
    pub signature: Name,
    /// The version of the module.
    pub version: Name,
    /// The persona: its id where the log names one that is known, else in the words of the log.
    pub persona: Name,
    /// The provider.
    pub provider: Name,
    /// The tier.
    pub tier: Name,
    /// Why the answer ended.
    pub finish: Name,
    /// The type of the failure.
    pub error_type: Name,
    /// What kind of work.
    pub category: Category,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer.
    pub http_status: Option<i64>,
    /// How long it took, in microseconds.
    pub latency_us: Option<i64>,
    /// Time to the first token, in microseconds.
    pub first_token_us: Option<i64>,
    /// Tokens.
    pub tokens: Tokens,
    /// What was charged, digit by digit.
    pub cost_text: Span,
    /// The same in pico-dollars.
    pub cost: Option<Picos>,
    /// By the book, and the number of the row.
    pub computed: Option<(Picos, u32)>,
    /// The id that the log gives.
    pub given: Span,
    /// What is odd about it.
    pub doubts: Doubts,
}

impl Call {
    /// What it cost: as reported, else by the book; nothing for a refusal without usage. `None` is unknown.
    #[must_use]
    pub fn charged(&self) -> Option<Picos> {
        let is_free = self.outcome == Outcome::Error && self.tokens == Tokens::default();
        self.cost.or(self.computed.map(|(cost, _)| cost)).or(is_free.then_some(Picos::ZERO))
    }
}

/// What is in a piece.
#[derive(Debug, Default)]
pub struct Found {
    /// Its place among the pieces.
    pub number: u64,
    /// The calls, in the order of their lines.
    pub calls: Vec<Call>,
    /// Names; the first one is empty.
    pub names: Vec<Box<str>>,
    /// Texts.
    pub text: String,
    /// Lines that were not taken.
    pub rejects: Vec<Reject>,
    /// Lines about something else.
    pub other: u64,
    /// Lines of any kind.
    pub lines: u64,
    /// Where the piece ends in the file.
    pub end: u64,
    /// The number of the first line behind it.
    pub next_line: u64,
    /// Its last bytes, by which the place is known again.
    pub tail: super::files::Tail,
    /// The format of the last call.
    pub format: Option<Format>,
    /// The first time without a zone, when none was stated: nothing behind it is read.
    pub no_zone: Option<(u64, String)>,
}

impl Found {
    /// A name.
    #[must_use]
    pub fn name(&self, name: Name) -> &str {
        self.names.get(name as usize).map_or("", |name| name)
    }

    /// A name, `None` for none.
    #[must_use]
    pub fn name_opt(&self, name: Name) -> Option<&str> {
        Some(self.name(name)).filter(|name| !name.is_empty())
    }

    /// A text.
    #[must_use]
    pub fn text(&self, span: Span) -> Option<&str> {
        (span.length > 0).then(|| self.text.get(span.start as usize..(span.start + span.length) as usize)).flatten()
    }
}

/// Reads pieces, one after the other; each thread has its own.
#[derive(Debug)]
pub struct Reader {
    reading: Reading,
    format: Option<Format>,
    prices: HashMap<String, Arc<OfModel>>,
    names: HashMap<Box<str>, Name>,
    /// The prices of the names of this piece.
    of_names: Vec<Option<Arc<OfModel>>>,
}

impl Reader {
    /// A reader.
    #[must_use]
    pub fn new(reading: Reading) -> Self {
        Self { reading, format: None, prices: HashMap::new(), names: HashMap::new(), of_names: Vec::new() }
    }

    /// Read a piece.
    #[must_use]
    pub fn read(&mut self, piece: &Piece) -> Found {
        self.names.clear();
        self.of_names.clear();
        let mut found = Found {
            number: piece.number,
            end: piece.offset + piece.stands_for.unwrap_or(piece.bytes.len() as u64),
            calls: Vec::with_capacity(piece.bytes.len() / 200),
            names: vec!["".into()],
            tail: super::files::Tail::of(&piece.bytes),
            ..Found::default()
        };
        self.of_names.push(None);
        if let Some(length) = piece.stands_for {
            let text = String::from_utf8_lossy(&piece.bytes);
            reject(&mut found, piece.first_line, Why::TooLong, format!("{length} bytes without an end"), &text);
            (found.lines, found.next_line) = (1, piece.first_line + 1);
            found.tail = super::files::Tail::default();
            return found;
        }
        let mut records = Records::new(&piece.bytes);
        for record in records.by_ref() {
            self.record(&record, piece, &mut found);
            if found.no_zone.is_some() {
                break;
            }
        }
        found.lines = records.lines();
        found.next_line = piece.first_line + found.lines;
        found.format = self.format;
        found
    }

    fn record(&mut self, record: &Record<'_>, piece: &Piece, found: &mut Found) {
        let line = piece.first_line + record.line;
        let bytes = if line == 1 { record.text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record.text) } else { record.text };
        let Ok(text) = std::str::from_utf8(bytes) else {
            return reject(found, line, Why::NotText, String::new(), &String::from_utf8_lossy(bytes));
        };
        match text.as_bytes().first() {
            Some(b'{') => self.object(text, line, Doubts::default(), found),
            // A list on one line: each of its objects counts for itself.
            Some(b'[') if text.get(1..).is_some_and(|rest| rest.trim_start().starts_with('{')) => {
                match serde_json::from_str::<Vec<&RawValue>>(text) {
                    Ok(list) => list.iter().for_each(|raw| self.object(raw.get(), line, Doubts::default(), found)),
                    Err(error) => reject(found, line, why(&error), told(&error), text),
                }
            }
            _ if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => reject(found, line, Why::NoObject, String::new(), text),
            _ => reject(found, line, Why::Text, String::new(), text),
        }
    }

    fn object(&mut self, text: &str, line: u64, mut doubts: Doubts, found: &mut Found) {
        let mut format = self.format;
        let read = formats::read(text, &mut format, self.reading.unit);
        self.format = format;
        match read {
            Ok(Line::Call(entry)) => {
                let mut entry = *entry;
                doubts.iter().for_each(|doubt| entry.doubts.add(doubt));
                self.call(&entry, line, text, found);
            }
            Ok(Line::Other) => found.other += 1,
            Ok(Line::Rejected(why, detail)) => reject(found, line, why, detail, text),
            Err(error) => match strict(text).filter(|_| doubts.is_empty()) {
                Some(repaired) => {
                    doubts.add(Doubt::NoStrictJson);
                    self.object(&repaired, line, doubts, found);
                }
                None => reject(found, line, why(&error), told(&error), text),
            },
        }
    }

    fn call(&mut self, entry: &Entry<'_>, line: u64, text: &str, found: &mut Found) {
        let (at, doubt) = match stamp::utc(entry.at, self.reading.zone) {
            Ok(read) => read,
            Err(Some(why)) => return reject(found, line, why, String::new(), text),
            Err(None) => {
                let super::entry::Moment::Naive(local) = entry.at else { return };
                found.no_zone = Some((line, crate::base::clock::rfc3339(local).trim_end_matches('Z').to_owned()));
                return;
            }
        };
        let mut doubts = entry.doubts;
        if let Some(doubt) = doubt {
            doubts.add(doubt);
        }
        doubts.add_if(found.calls.last().is_some_and(|before| at < before.at - BACK), Doubt::ClockWentBack);
        doubts.add_if(at > self.reading.now + AHEAD, Doubt::InFuture);
        let model = self.name(entry.model.as_deref().unwrap_or("unknown"), found);
        let tier = self.name_opt(entry.tier.as_deref(), found);
        let computed = self.computed(model, entry, at, found);
        if let (Some(reported), Some((book, _))) = (entry.cost_picos, computed) {
            let ratio = reported.0 as f64 / book.0.max(1) as f64;
            doubts.add_if((95.0..105.0).contains(&ratio), Doubt::CostInCents);
        }
        let persona = entry.persona.as_deref().map(|name| self.reading.personas.get(name).cloned().unwrap_or_else(|| name.to_owned()));
        let module = match entry.module.as_deref() {
            Some(module) => self.name(module, found),
            None => {
                let module = self.reading.module.clone();
                self.name(&module, found)
            }
        };
        let call = Call {
            id: Self::identity(entry, at),
            line,
            at,
            model,
            module,
            signature: self.name_opt(entry.signature.as_deref(), found),
            version: self.name_opt(entry.version.as_deref(), found),
            persona: self.name_opt(persona.as_deref(), found),
            provider: self.name_opt(entry.provider.as_deref(), found),
            tier,
            finish: self.name_opt(entry.finish.as_deref(), found),
            error_type: self.name_opt(entry.error_type.as_deref(), found),
            category: entry.category.unwrap_or(self.reading.category),
            outcome: entry.outcome,
            http_status: entry.http_status,
            latency_us: entry.latency_us,
            first_token_us: entry.first_token_us,
            tokens: entry.tokens,
            cost_text: span(entry.cost.as_deref(), found),
            cost: entry.cost_picos,
            computed,
            given: span(entry.given.as_deref(), found),
            doubts,
        };
        found.calls.push(call);
    }

    fn computed(&mut self, model: Name, entry: &Entry<'_>, at: Millis, found: &Found) -> Option<(Picos, u32)> {
        if !self.reading.prices_all && entry.cost_picos.is_some() {
            return None;
        }
        if entry.tokens.input.is_none() || entry.model.is_none() {
            return None;
        }
        let place = self.of_names.get_mut(model as usize)?;
        let prices = match place {
            Some(prices) => prices,
            None => {
                let name = found.name(model);
                let known = match self.prices.get(name) {
                    Some(known) => Arc::clone(known),
                    None => {
                        let known = Arc::new(self.reading.prices.of_model(name));
                        self.prices.insert(name.to_owned(), Arc::clone(&known));
                        known
                    }
                };
                place.insert(known)
            }
        };
        self.reading.prices.cost(prices, &entry.tokens, entry.tier.as_deref(), at)
    }

    fn name(&mut self, name: &str, found: &mut Found) -> Name {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = Name::try_from(found.names.len()).unwrap_or(NO_NAME);
        found.names.push(name.into());
        self.of_names.push(None);
        self.names.insert(name.into(), number);
        number
    }

    fn name_opt(&mut self, name: Option<&str>, found: &mut Found) -> Name {
        name.map_or(NO_NAME, |name| self.name(name, found))
    }

    /// The same call has the same id, in whichever file and format it is met. What decides is the id that it was given; else the time, who asked
    /// which model what, and how many tokens that took. Cost, latency and outcome do not: a line that was corrected is the same call.
    fn identity(entry: &Entry<'_>, at: Millis) -> [u8; 16] {
        let given = entry.given.as_deref().map(|given| (given, entry.request.as_deref().unwrap_or_default()));
        let names = [&entry.model, &entry.module, &entry.signature, &entry.persona].map(|name| name.as_deref().unwrap_or_default());
        let counts = [entry.tokens.input, entry.tokens.output, if entry.tokens.input.is_some() { None } else { entry.tokens.total }];
        match given {
            Some((given, request)) => {
                let mut hasher = Sha256::new_with_prefix(b"given\0");
                part(&mut hasher, given);
                part(&mut hasher, request);
                let mut bytes = [0; 16];
                bytes.copy_from_slice(&hasher.finalize()[..16]);
                uuid::Builder::from_custom_bytes(bytes).into_uuid().into_bytes()
            }
            None => {
                let mut hasher = Sha256::new_with_prefix(b"told\0");
                names.iter().for_each(|name| part(&mut hasher, name));
                for count in counts {
                    hasher.update(count.unwrap_or(-1).to_be_bytes());
                }
                let mut bytes = [0; 10];
                bytes.copy_from_slice(&hasher.finalize()[..10]);
                // The time leads, as in every id of this program: rows of a log then come in the order of the index.
                uuid::Builder::from_unix_timestamp_millis(at.unsigned_abs(), &bytes).into_uuid().into_bytes()
            }
        }
    }
}

/// A part with its length before it, so that no two lists of parts are alike.
fn part(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

fn span(text: Option<&str>, found: &mut Found) -> Span {
    let Some(text) = text else { return Span::default() };
    match (u32::try_from(found.text.len()), u32::try_from(text.len())) {
        (Ok(start), Ok(length)) if start.checked_add(length).is_some() => {
            found.text.push_str(text);
            Span { start, length }
        }
        _ => Span::default(),
    }
}

fn reject(found: &mut Found, line: u64, why: Why, detail: String, text: &str) {
    found.rejects.push(Reject { line, why, detail, text: SafeText::clipped(text, SHOWN).to_string() });
}

fn why(error: &serde_json::Error) -> Why {
    if error.is_eof() { Why::CutOff } else { Why::Broken }
}

/// What the parser says, with the place in a line rather than the line that it thinks it is in.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if error.line() <= 1 {
        format!("{text} at column {}", error.column())
    } else {
        format!("{text} in line {} of the object, column {}", error.line(), error.column())
    }
}

/// The same text with `NaN` and `Infinity` written as text, as some languages write them bare; `None` when there is none.
fn strict(text: &str) -> Option<String> {
    let mut repaired = String::with_capacity(text.len() + 16);
    let (mut in_text, mut escaped, mut changed) = (false, false, false);
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(letter) = rest.chars().next() else { break };
        if !in_text && let Some(word) = ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| rest.starts_with(word)) {
            repaired.push('"');
            repaired.push_str(word);
            repaired.push('"');
            (at, changed) = (at + word.len(), true);
            continue;
        }
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ => {}
        }
        repaired.push(letter);
        at += letter.len_utf8();
    }
    changed.then_some(repaired)
}

#[cfg(test)]
mod tests;
