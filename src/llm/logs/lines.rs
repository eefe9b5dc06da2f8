//! The records in a piece of a file: objects on one line, objects over several, text. Pure.

use super::split::{Scan, Step};

/// A record: the text of a line, or of the lines of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The number of its first line, in the piece, from 0.
    pub line: u64,
    /// Where it begins in the piece.
    pub at: usize,
    /// Its text, without blanks, line ends and the comma behind it.
    pub text: &'a [u8],
}

/// Reads a piece record by record.
#[derive(Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    /// How far brackets may still be counted in vain: a damaged piece must not be read once for each of its lines.
    patience: usize,
}

impl<'a> Records<'a> {
    /// The records of a piece that begins with a line.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, line: 0, patience: bytes.len().saturating_mul(4).max(1 << 16) }
    }

    /// Lines read so far.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.line
    }

    fn line_end(&self, from: usize) -> usize {
        self.bytes.get(from..).and_then(|rest| memchr::memchr(b'\n', rest)).map_or(self.bytes.len(), |length| from + length + 1)
    }

    /// The end of the object that begins at `from`, by its brackets, when it ends at the end of a line further down.
    fn object_end(&mut self, from: usize) -> Option<usize> {
        let mut scan = Scan::default();
        let rest = self.bytes.get(from..)?;
        let rest = rest.get(..rest.len().min(self.patience)).unwrap_or(rest);
        for (length, byte) in rest.iter().enumerate() {
            if scan.step(*byte) == Step::Closed && scan.depth == 0 {
                return Some(from + length + 1);
            }
        }
        self.patience -= rest.len();
        None
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        loop {
            if self.at >= self.bytes.len() {
                return None;
            }
            let (at, line) = (self.at, self.line);
            let end = self.line_end(at);
            let text = trimmed(self.bytes.get(at..end)?);
            (self.at, self.line) = (end, line + 1);
            // Blank lines, and the brackets of a list around all objects.
            if matches!(text, b"" | b"[" | b"]") {
                continue;
            }
            let begins = text.first() == Some(&b'{') && matches!(text.last(), Some(b'{' | b'[' | b':' | b','));
            // The comma behind an object was taken away; one inside of an object that goes on was not.
            let goes_on = begins || (text.first() == Some(&b'{') && text.last() != Some(&b'}'));
            if goes_on
                && end < self.bytes.len()
                && let Some(object_end) = self.object_end(at)
                && object_end > end
            {
                let whole = self.line_end(object_end);
                let inner = self.bytes.get(at..whole)?;
                // A line that begins an object of its own: the one before was cut off, and this is not a part of it.
                if memchr::memmem::find(inner, b"\n{").is_none() {
                    self.line = line + memchr::memchr_iter(b'\n', inner).count() as u64 + u64::from(!inner.ends_with(b"\n"));
                    self.at = whole;
                    return Some(Record { line, at, text: trimmed(inner) });
                }
            }
            return Some(Record { line, at, text });
        }
    }
}

/// Without blanks around it, and without the comma between the objects of a list.
fn trimmed(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    match text.strip_suffix(b",") {
        Some(front) if front.trim_ascii_end().ends_with(b"}") && text.starts_with(b"{") => front.trim_ascii_end(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records(text: &str) -> (Vec<(u64, String)>, u64) {
        let mut records = Records::new(text.as_bytes());
        let found = records.by_ref().map(|record| (record.line, String::from_utf8(record.text.to_vec()).unwrap())).collect();
        (found, records.lines())
    }

    #[test]
    fn lines_of_every_kind_keep_their_numbers() {
        let (found, lines) = records("{\"a\":1}\r\n\n  {\"b\":2}  \ntext\n{\"c\":3}");
        assert_eq!(found, [(0, "{\"a\":1}".into()), (2, "{\"b\":2}".into()), (3, "text".into()), (4, "{\"c\":3}".into())]);
        assert_eq!(lines, 5);
    }

    #[test]
    fn objects_over_several_lines_and_in_lists_are_one_record() {
        let (found, lines) = records("[\n  {\n    \"a\": {\n      \"b\": \"}\"\n    }\n  },\n  {\n    \"c\": 1\n  }\n]\n{\"d\":1},\n");
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 6, 10]);
        assert!(found.iter().all(|(_, text)| serde_json::from_str::<serde_json::Value>(text).is_ok()), "{found:?}");
        assert_eq!(lines, 11);
    }

    #[test]
    fn an_object_that_is_cut_off_takes_no_other_with_it() {
        let (found, _) = records("{\"a\":1,\"b\":{\"c\":\n{\"d\":1}\n{\"e\":{\"f\":2},\n{\"g\":3}\n");
        assert!(found.contains(&(1, "{\"d\":1}".into())), "{found:?}");
        assert!(found.contains(&(3, "{\"g\":3}".into())), "{found:?}");
        let (found, lines) = records("{\"a\": \"no end\n{\"d\":1}\n");
        assert_eq!((found.len(), lines), (2, 2));
    }

    proptest! {
        #[test]
        fn any_bytes_end_and_every_line_is_counted(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:a\n \\".to_vec()), 0..200)) {
            let mut records = Records::new(&bytes);
            let mut last = None;
            for record in records.by_ref() {
                prop_assert!(last.is_none_or(|last| record.line > last));
                last = Some(record.line);
            }
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + usize::from(!bytes.is_empty() && bytes.last() != Some(&b'\n'));
            prop_assert_eq!(records.lines(), lines as u64);
        }
    }
}
