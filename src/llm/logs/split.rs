//! Where a file may be cut into pieces that are read apart. Pure.
//!
//! An object a line is the rule: the cut is then behind a line. Where objects go over several lines, their inner lines are indented or begin
//! with a bracket or a quote, so that a line which begins in the first column with something else is a beginning. In a list that is indented
//! as a whole there is no such line: there the brackets are counted.

/// The length of the front of `bytes` that ends behind a whole record; `None` when no end is in sight. `bytes` begin with a record.
#[must_use]
pub fn cut(bytes: &[u8]) -> Option<usize> {
    let mut end = bytes.len();
    while let Some(line) = memchr::memrchr(b'\n', bytes.get(..end)?) {
        // What follows has to be seen, unless nothing follows: then the line before tells.
        match bytes.get(line + 1) {
            Some(b' ' | b'\t' | b'}' | b']' | b'"' | b',' | b'\r' | b'\n') => {}
            Some(_) => return Some(line + 1),
            None if ends_a_line_of_its_own(bytes.get(..line)?) => return Some(line + 1),
            None => {}
        }
        end = line;
    }
    counted(bytes)
}

/// Whether the last line is an object of its own, or text: not the beginning or the middle of an object that goes on.
fn ends_a_line_of_its_own(bytes: &[u8]) -> bool {
    let line = memchr::memrchr(b'\n', bytes).and_then(|at| bytes.get(at + 1..)).unwrap_or(bytes).trim_ascii_end();
    match (line.first(), line.last()) {
        (Some(b'{'), last) => last == Some(&b'}'),
        (Some(b' ' | b'\t' | b'}' | b']' | b'[' | b'"' | b','), _) => false,
        _ => true,
    }
}

/// The end of the last record by its brackets: behind the line in which an object of the outermost list, or one in none, ends.
fn counted(bytes: &[u8]) -> Option<usize> {
    let mut scan = Scan::default();
    let base = usize::from(bytes.trim_ascii_start().first() == Some(&b'['));
    let (mut ended, mut last) = (false, None);
    for (at, byte) in bytes.iter().enumerate() {
        match scan.step(*byte) {
            Step::Closed if scan.depth <= base => ended = true,
            _ if *byte == b'\n' && ended => {
                last = Some(at + 1);
                ended = false;
            }
            _ => {}
        }
    }
    last
}

/// What a byte did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing of note.
    None,
    /// It opened an object or a list.
    Opened,
    /// It closed one.
    Closed,
}

/// Brackets of JSON, those in strings left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan {
    /// How many are open.
    pub depth: usize,
    in_text: bool,
    escaped: bool,
}

impl Scan {
    /// Take a byte in.
    pub fn step(&mut self, byte: u8) -> Step {
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return Step::None;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => {
                self.depth += 1;
                return Step::Opened;
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return Step::Closed;
            }
            _ => {}
        }
        Step::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn front(text: &str) -> Option<&str> {
        cut(text.as_bytes()).map(|at| &text[..at])
    }

    #[test]
    fn lines_are_cut_behind_a_line() {
        assert_eq!(front("{\"a\":1}\n{\"b\""), Some("{\"a\":1}\n"));
        assert_eq!(front("{\"a\":1}\n{\"b\":2}\n"), Some("{\"a\":1}\n{\"b\":2}\n"));
        assert_eq!(front("text\n{\"b\""), Some("text\n"));
        assert_eq!(front("{\"a\""), None);
    }

    #[test]
    fn an_object_over_several_lines_is_never_cut() {
        let one = "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n";
        assert_eq!(front(&format!("{one}{{\n  \"a\": 1")), Some(one));
        assert_eq!(front("{\n  \"a\": 1,\n"), None);
        assert_eq!(front(one), Some(one));
        let list = "[\n  {\n    \"a\": \"]}\"\n  },\n  {\n    \"b\"";
        assert_eq!(front(list), Some("[\n  {\n    \"a\": \"]}\"\n  },\n"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_behind_a_line_or_not_at_all(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:a\n \\".to_vec()), 0..80)) {
            if let Some(at) = cut(&bytes) {
                prop_assert_eq!(bytes[at - 1], b'\n');
            }
        }
    }
}
