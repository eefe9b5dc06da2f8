//! A log file: the share of its last lines that tell of errors. Read from its end, at most 8 MiB, with what was rotated away.

use super::Tools;
use super::log_lines::Counted;
use super::look::{Look, Trouble};
use super::outcome::Cause;
use crate::base::{Millis, clock};
use regex::bytes::{Regex, RegexBuilder};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::oneshot;

/// Bytes that are read at most, of the file and of the one before it.
const MOST: u64 = 8 << 20;
/// Bytes that are read at a time.
const CHUNK: u64 = 64 << 10;
/// Bytes of a line that are looked at; the rest of a longer one is not.
const LINE: usize = 64 << 10;

/// What counts.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub error: String,
    pub window: Duration,
    pub max_rate: f64,
    pub min_lines: u32,
}

/// Read it, on a thread of its own: a file may stand on a disk that does not answer.
pub(super) async fn look(path: PathBuf, rule: Rule, has_condition: bool, tools: &Tools) -> Look {
    let now = tools.clock.now();
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    let Ok(error) = RegexBuilder::new(&rule.error).size_limit(1 << 20).build() else {
        return Look::failed(Trouble::unknown(Cause::Other, "the expression for errors is not one, or too large"));
    };
    let Ok(permit) = std::sync::Arc::clone(&tools.files).acquire_owned().await else {
        return Look::failed(Trouble::unknown(Cause::Other, "the program is ending"));
    };
    let since = now.saturating_sub(i64::try_from(rule.window.as_millis()).unwrap_or(i64::MAX));
    let (tell, told) = oneshot::channel();
    let reader = std::thread::Builder::new().name("log-probe".to_owned()).spawn(move || {
        let _permit = permit;
        // Whoever asked may have gone.
        let _ = tell.send(read(&path, &error, since, now));
    });
    let counted = match reader.map(|_| ()) {
        Ok(()) => told.await.unwrap_or_else(|_| Err(Error::other("the reader ended"))),
        Err(error) => Err(error),
    };
    match counted {
        Ok((counted, bytes)) => found(&name, &counted, bytes, &rule, has_condition, now),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Look::failed(Trouble::unhealthy(Cause::Missing, format!("there is no file {name}")))
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Look::failed(Trouble::unknown(Cause::Auth, format!("{name} may not be read by this user")))
        }
        Err(error) => Look::failed(Trouble::unknown(Cause::Other, format!("{name} cannot be read: {error}"))),
    }
}

fn found(name: &str, counted: &Counted, bytes: u64, rule: &Rule, has_condition: bool, now: Millis) -> Look {
    let window = clock::duration(i64::try_from(rule.window.as_millis()).unwrap_or(i64::MAX));
    let detail = json!({
        "lines": counted.lines, "errors": counted.errors, "untimed": counted.untimed, "ahead": counted.ahead,
        "newest": counted.newest.map(clock::rfc3339), "bytes": bytes, "cut": bytes >= MOST,
    });
    if counted.lines < u64::from(rule.min_lines.max(1)) {
        let newest = match counted.newest {
            None if counted.untimed > 0 => "; no line says when it was written".to_owned(),
            None => String::new(),
            Some(at) if at > now => format!("; the newest is {} ahead of this clock", clock::duration(at - now)),
            Some(at) => format!("; the newest is {} old", clock::duration(now - at)),
        };
        let text = format!("{name} has {} lines of the last {window}, {} are needed{newest}", counted.lines, rule.min_lines.max(1));
        return Look { detail, ..Look::failed(Trouble::unknown(Cause::Missing, text)) };
    }
    let rate = counted.rate();
    let text = format!(
        "{} of {} lines of the last {window} tell of errors: {:.1} %, more than {:.1} %",
        counted.errors,
        counted.lines,
        rate * 100.0,
        rule.max_rate * 100.0
    );
    let trouble = (rate > rule.max_rate && !has_condition).then(|| Trouble::unhealthy(Cause::Limit, text));
    Look { trouble, values: vec![("the errors".to_owned(), rate)], detail, ..Look::default() }
}

/// Count from the end of the file, and go on in the one before it where the window reaches beyond its beginning.
fn read(path: &Path, error: &Regex, since: Millis, now: Millis) -> std::io::Result<(Counted, u64)> {
    let mut counted = Counted::default();
    let mut bytes = 0;
    let reaches_further = backwards(&mut open(path)?, &mut bytes, |line| counted.take(line, error, since, now))?;
    if reaches_further {
        let mut before = path.as_os_str().to_owned();
        before.push(".1");
        // It may never have been rotated.
        if let Ok(mut file) = open(Path::new(&before)) {
            backwards(&mut file, &mut bytes, |line| counted.take(line, error, since, now))?;
        }
    }
    Ok((counted, bytes))
}

/// Open a file that is one: a pipe would keep the reader for ever.
fn open(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(Error::other("it is not a file")) }
}

/// Give the whole lines of a file, last first, until `take` has enough. Whether the beginning of the file was reached. A last line
/// without its end is still being written, and left out.
fn backwards(file: &mut File, bytes: &mut u64, mut take: impl FnMut(&[u8]) -> bool) -> std::io::Result<bool> {
    let mut end = file.metadata()?.len();
    // What stands behind the first line end of what was read last: the rest of a line whose beginning is still to come.
    let mut rest: Vec<u8> = Vec::new();
    let mut is_last = true;
    while end > 0 {
        if *bytes >= MOST {
            return Ok(false);
        }
        let start = end.saturating_sub(CHUNK);
        let mut chunk = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        // It may be cut short while it is read.
        file.by_ref().take(end - start).read_to_end(&mut chunk)?;
        *bytes += end - start;
        end = start;
        let mut upto = chunk.len();
        while let Some(at) = chunk[..upto].iter().rposition(|byte| *byte == b'\n') {
            let line = joined(&chunk[at + 1..upto], &mut rest);
            upto = at;
            if !std::mem::take(&mut is_last) && !take(&line) {
                return Ok(false);
            }
        }
        rest = joined(&chunk[..upto], &mut rest);
    }
    Ok(is_last || rest.is_empty() || take(&rest))
}

/// A beginning and the rest of its line, cut where it is too long.
fn joined(beginning: &[u8], rest: &mut Vec<u8>) -> Vec<u8> {
    let mut line = beginning.to_vec();
    line.append(rest);
    line.truncate(LINE);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &[u8]) -> Vec<Vec<u8>> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, text).unwrap();
        let mut lines = Vec::new();
        let mut bytes = 0;
        assert!(
            backwards(&mut open(&path).unwrap(), &mut bytes, |line| {
                lines.push(line.to_vec());
                true
            })
            .unwrap()
        );
        lines.reverse();
        lines
    }

    #[test]
    fn lines_longer_than_what_is_read_at_a_time_come_whole_up_to_their_limit() {
        let long = vec![b'x'; 3 * CHUNK as usize];
        let text = [b"first\n".as_slice(), &long, b"\nlast\nunfinished"].concat();
        let lines = all(&text);
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [5, LINE, 4]);
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        assert!(open(directory.path()).is_err());
        let pipe = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(open(&pipe).is_err());
        assert_eq!(open(&directory.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn backwards_gives_what_forwards_gives(lines in proptest::collection::vec("[a-z]{0,20}", 0..50)) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let given: Vec<Vec<u8>> = all(text.as_bytes()).into_iter().filter(|line| !line.is_empty()).collect();
            let meant: Vec<Vec<u8>> = lines.into_iter().map(String::into_bytes).filter(|line| !line.is_empty()).collect();
            prop_assert_eq!(given, meant);
        }
    }
}
