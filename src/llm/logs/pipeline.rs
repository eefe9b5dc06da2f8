//! Reading, parsing and taking in at the same time, and in order: one thread cuts the file into pieces, others read their calls, the caller gets
//! them one piece after the other. What waits between them is bounded, so that a log of any size needs the same memory.

use super::piece::{Found, Piece, Reader, Reading};
use super::source::{Opened, Source};
use super::split::{Scan, cut};
use super::{Error, Result};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};

/// Bytes of a piece.
const PIECE: usize = 1 << 19;
/// A record has to end within so many bytes.
const LONGEST: usize = 16 << 20;

/// Where reading begins.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The byte in the text of the file.
    pub offset: u64,
    /// The number of the line that begins there, from 1.
    pub line: u64,
}

/// How far reading came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Bytes at the end that are no whole record yet, and wait for the rest of it.
    pub waiting: u64,
}

/// Read a log, with so many threads that parse.
///
/// # Errors
/// What reading and `take` say; after an error nothing more is taken.
pub fn run(
    source: &Source,
    opened: Opened,
    from: Place,
    reading: &Reading,
    parsers: usize,
    mut take: impl FnMut(Found) -> Result<()>,
) -> Result<End> {
    let defect = || Error::Defect { place: source.place() };
    std::thread::scope(|scope| {
        // Room for a piece more than there are parsers: they never wait for the disk, nor it for them.
        let (cut_sender, cut_receiver) = mpsc::sync_channel::<Piece>(1);
        let cut_receiver = std::sync::Arc::new(Mutex::new(cut_receiver));
        let (found_sender, found) = mpsc::sync_channel::<Found>(1);
        let cutter = scope.spawn(move || {
            let mut pieces =
                Pieces { input: opened.input, waits: opened.waits, offset: from.offset, line: from.line, number: 0, rest: Vec::new() };
            pieces.send(&cut_sender)
        });
        let workers: Vec<_> = (0..parsers.max(1))
            .map(|_| {
                let (pieces, sender, mut reader) =
                    (std::sync::Arc::clone(&cut_receiver), found_sender.clone(), Reader::new(reading.clone()));
                scope.spawn(move || parse(&pieces, &sender, &mut reader))
            })
            .collect();
        drop((found_sender, cut_receiver));
        let taken = in_order(&found, &mut take);
        // Whoever still sends learns that nobody listens.
        drop(found);
        let parsed = workers.into_iter().map(|worker| worker.join().map_err(|_| defect())).collect::<Vec<_>>();
        let ended = cutter.join().map_err(|_| defect());
        taken?;
        parsed.into_iter().collect::<Result<()>>()?;
        ended?.map_err(|error| source.error(&error))
    })
}

fn parse(pieces: &Mutex<Receiver<Piece>>, sender: &SyncSender<Found>, reader: &mut Reader) {
    loop {
        let next = pieces.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(piece) = next else { return };
        if sender.send(reader.read(&piece)).is_err() {
            return;
        }
    }
}

fn in_order(found: &Receiver<Found>, take: &mut impl FnMut(Found) -> Result<()>) -> Result<()> {
    let mut early: BTreeMap<u64, Found> = BTreeMap::new();
    let mut next = 0;
    for one in found {
        early.insert(one.number, one);
        while let Some(one) = early.remove(&next) {
            next += 1;
            take(one)?;
        }
    }
    Ok(())
}

struct Pieces {
    input: Box<dyn Read + Send>,
    waits: bool,
    offset: u64,
    line: u64,
    number: u64,
    /// What was read behind the last cut.
    rest: Vec<u8>,
}

impl Pieces {
    fn send(&mut self, sender: &SyncSender<Piece>) -> std::io::Result<End> {
        loop {
            let mut bytes = std::mem::take(&mut self.rest);
            let mut stands_for = None;
            let is_last = loop {
                let wanted = bytes.len() + PIECE;
                bytes.reserve(PIECE + PIECE / 8);
                let read = self.input.by_ref().take(PIECE as u64).read_to_end(&mut bytes)?;
                if read < PIECE && bytes.len() < wanted {
                    break true;
                }
                if let Some(at) = cut(&bytes) {
                    self.rest = bytes.get(at..).unwrap_or_default().to_vec();
                    bytes.truncate(at);
                    break false;
                }
                if bytes.len() >= LONGEST {
                    if let Some(line) = memchr::memrchr(b'\n', &bytes) {
                        self.rest = bytes.get(line + 1..).unwrap_or_default().to_vec();
                        bytes.truncate(line + 1);
                        break false;
                    }
                    stands_for = Some(self.skip_line(&mut bytes)?);
                    break false;
                }
            };
            let mut waiting = 0;
            if is_last && self.waits {
                let whole = whole(&bytes);
                waiting = (bytes.len() - whole) as u64;
                bytes.truncate(whole);
            }
            let length = stands_for.unwrap_or(bytes.len() as u64);
            let lines = if stands_for.is_some() { 1 } else { memchr::memchr_iter(b'\n', &bytes).count() as u64 };
            let piece = Piece { number: self.number, bytes, first_line: self.line, offset: self.offset, stands_for };
            self.number += 1;
            self.line += lines;
            self.offset += length;
            // Nobody takes it when the caller gave up.
            if (length > 0 && sender.send(piece).is_err()) || is_last {
                return Ok(End { waiting });
            }
        }
    }

    /// Leave out the rest of a line that is too long. Returns how long it was; `bytes` keep its beginning.
    fn skip_line(&mut self, bytes: &mut Vec<u8>) -> std::io::Result<u64> {
        let mut length = bytes.len() as u64;
        bytes.truncate(1_000);
        let mut more = Vec::with_capacity(PIECE);
        loop {
            more.clear();
            if self.input.by_ref().take(PIECE as u64).read_to_end(&mut more)? == 0 {
                return Ok(length);
            }
            if let Some(end) = memchr::memchr(b'\n', &more) {
                self.rest = more.get(end + 1..).unwrap_or_default().to_vec();
                return Ok(length + end as u64 + 1);
            }
            length += more.len() as u64;
        }
    }
}

/// How much at the end of a file is whole records. Half a line waits for its other half, and an object over several lines for its end.
fn whole(bytes: &[u8]) -> usize {
    let lines = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
    let (front, half) = bytes.split_at(lines);
    if !half.trim_ascii().is_empty() {
        let is_object = half.trim_ascii().starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(half).is_ok();
        let before = whole_lines(front);
        // The last line of an object over several lines has no line end everywhere.
        let closes = before < front.len() && balanced(bytes.get(before..).unwrap_or_default());
        return if closes || (is_object && before == front.len()) { bytes.len() } else { before };
    }
    whole_lines(front)
}

fn whole_lines(front: &[u8]) -> usize {
    let at = cut(front).unwrap_or(0);
    let rest = front.get(at..).unwrap_or_default();
    let first = rest.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    let goes_on = first.starts_with(b"{") && matches!(first.last(), Some(b'{' | b'[' | b',' | b':'));
    if (goes_on || first == b"[") && !balanced(rest) { at } else { front.len() }
}

fn balanced(bytes: &[u8]) -> bool {
    let mut scan = Scan::default();
    bytes.iter().for_each(|byte| _ = scan.step(*byte));
    scan.depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_waits_and_a_whole_object_does_not() {
        let end = |text: &str| &text[..whole(text.as_bytes())] == text;
        assert!(end(""));
        assert!(end("{\"a\":1}\n"));
        assert!(end("{\"a\":1}\n{\"b\":2}"));
        assert!(end("{\n  \"a\": 1\n}\n"));
        assert!(end("{\n  \"a\": 1\n}"));
        assert!(end("{\"a\":1}\nbroken {\n"));
        assert_eq!(whole(b"{\"a\":1}\n{\"b\":"), 8);
        assert_eq!(whole(b"{\"a\":1}\ntext without an end"), 8);
        assert_eq!(whole(b"{\"a\":1}\n{\n  \"b\": 1,\n"), 8);
        assert_eq!(whole(b"{\"a\":1}\n{\n  \"b\": 1"), 8);
        assert!(end("{\"a\": \"cut off\n"));
    }
}
