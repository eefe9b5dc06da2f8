//! Lines of standard input, read on a thread of their own: the program never waits for a person with a thread it needs.

use std::io::{self, BufRead, Read as _};
use tokio::sync::mpsc;

/// The most bytes of a line.
const LONGEST: u64 = 64 * 1024;

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A line without its end.
    Line(String),
    /// A line that cannot be used, and why.
    Unusable(&'static str),
}

/// The lines of standard input, in order.
pub(super) struct Input {
    lines: mpsc::Receiver<io::Result<Typed>>,
}

impl Input {
    /// Begin to read. The thread ends with the input, or with the process.
    pub fn start() -> io::Result<Self> {
        let (sender, lines) = mpsc::channel(1);
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            let mut stdin = io::stdin().lock();
            while let Some(line) = next(&mut stdin).transpose() {
                let failed = line.is_err();
                if sender.blocking_send(line).is_err() || failed {
                    return;
                }
            }
        })?;
        Ok(Self { lines })
    }

    /// The next line; `None` at the end of the input.
    pub async fn line(&mut self) -> io::Result<Option<Typed>> {
        self.lines.recv().await.transpose()
    }
}

fn next(from: &mut impl BufRead) -> io::Result<Option<Typed>> {
    let mut bytes = Vec::new();
    if from.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && bytes.len() as u64 == LONGEST {
        from.skip_until(b'\n')?;
        return Ok(Some(Typed::Unusable("that line is longer than 64 KiB and was not taken")));
    }
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(Some(String::from_utf8(bytes).map_or(Typed::Unusable("that line is no UTF-8 text and was not taken"), Typed::Line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_text_and_short_or_refused_one_by_one() {
        let long = format!("{}\nlast", "x".repeat(100_000));
        let mut input = [b"one\r\n\n\xff\n".as_slice(), long.as_bytes()].concat();
        input.extend(b"");
        let mut from = input.as_slice();
        let mut all = Vec::new();
        while let Some(line) = next(&mut from).unwrap() {
            all.push(line);
        }
        assert_eq!(all.len(), 5);
        assert_eq!((&all[0], &all[1], &all[4]), (&Typed::Line("one".into()), &Typed::Line(String::new()), &Typed::Line("last".into())));
        assert!(matches!((&all[2], &all[3]), (Typed::Unusable(_), Typed::Unusable(_))));
    }
}
