//! The program's own log: what it says in a span of time, counted by message.

use crate::base::Millis;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// The log in the directory of logs.
pub const FILE: &str = "quarterdeck.log";
/// The end of a file that is read: more is put aside when the program starts.
const MOST_BYTES: u64 = 64 << 20;
/// A line that is longer is cut.
const LONGEST_LINE: usize = 64 << 10;

/// The log and the one that was put aside before it, the older first; those that are there.
#[must_use]
pub fn files(state_dir: &Path) -> Vec<PathBuf> {
    let log = state_dir.join(FILE);
    [log.with_extension("log.1"), log].into_iter().filter(|path| path.exists()).collect()
}

/// The lines of a file, from its end back for as much as is read. A line that is no JSON is given as a text.
///
/// # Errors
/// When it cannot be read.
pub fn lines(path: &Path, told: &mut dyn FnMut(&str)) -> std::io::Result<()> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(MOST_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(file.take(MOST_BYTES));
    let (mut line, mut is_first) = (Vec::new(), from > 0);
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        // The first one may have been cut in the middle.
        if std::mem::take(&mut is_first) {
            continue;
        }
        line.truncate(LONGEST_LINE);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if !text.is_empty() {
            told(text);
        }
    }
}

/// When a line was written, where it says so.
fn time(line: &Value) -> Option<Millis> {
    let text = line.get("timestamp")?.as_str()?;
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

/// A message, and how often it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `ERROR` or `WARN`.
    pub level: String,
    /// The part of the program.
    pub target: String,
    /// The message, without its fields.
    pub message: String,
    /// How often.
    pub times: u64,
    /// When it was written last.
    pub last_at: Millis,
}

/// What a span says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Lines of the span.
    pub lines: u64,
    /// Errors among them.
    pub errors: u64,
    /// Warnings among them.
    pub warnings: u64,
    /// Faults of the program among them.
    pub panics: u64,
    /// Errors and warnings by message, errors first and then what was said most often.
    pub messages: Vec<Message>,
    /// Lines that are not understood.
    pub strange: u64,
}

impl Said {
    fn take(&mut self, counts: &mut BTreeMap<(String, String, String), (u64, Millis)>, line: &str, since: Millis) {
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            self.strange += 1;
            return;
        };
        let Some(at) = time(&value) else {
            self.strange += 1;
            return;
        };
        if at < since {
            return;
        }
        self.lines += 1;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let (level, target) = (text(value.get("level")), text(value.get("target")));
        match level.as_str() {
            "ERROR" => self.errors += 1,
            "WARN" => self.warnings += 1,
            _ => return,
        }
        self.panics += u64::from(target == "quarterdeck::panic");
        let message: String = text(value.get("fields").and_then(|fields| fields.get("message"))).chars().take(200).collect();
        let count = counts.entry((level, target, message)).or_default();
        count.0 += 1;
        count.1 = count.1.max(at);
    }
}

/// What the log says since a moment; `None` where there is no log.
///
/// # Errors
/// When a file cannot be read.
pub fn said(state_dir: &Path, since: Millis) -> std::io::Result<Option<Said>> {
    let files = files(state_dir);
    if files.is_empty() {
        return Ok(None);
    }
    let (mut said, mut counts) = (Said::default(), BTreeMap::new());
    for file in files {
        lines(&file, &mut |line| said.take(&mut counts, line, since))?;
    }
    said.messages =
        counts.into_iter().map(|((level, target, message), (times, last_at))| Message { level, target, message, times, last_at }).collect();
    said.messages
        .sort_by(|left, right| left.level.cmp(&right.level).then(right.times.cmp(&left.times)).then(left.message.cmp(&right.message)));
    Ok(Some(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_and_what_is_older_is_not() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(said(home.path(), 0).unwrap(), None);
        let line = |at: &str, level: &str, message: &str| {
            serde_json::json!({ "timestamp": at, "level": level, "target": "quarterdeck::x", "fields": { "message": message } }).to_string()
        };
        let text = [
            line("2026-11-20T00:00:00Z", "ERROR", "old"),
            line("2026-11-21T00:00:00Z", "WARN", "slow"),
            line("2026-11-21T00:00:01Z", "ERROR", "refused"),
            line("2026-11-21T00:00:02Z", "ERROR", "refused"),
            line("2026-11-21T00:00:03Z", "INFO", "fine"),
            "not json".to_owned(),
        ];
        std::fs::write(home.path().join(FILE), text.join("\n")).unwrap();
        let since = chrono::DateTime::parse_from_rfc3339("2026-11-21T00:00:00Z").unwrap().timestamp_millis();
        let said = said(home.path(), since).unwrap().unwrap();
        assert_eq!((said.lines, said.errors, said.warnings, said.strange), (4, 2, 1, 1));
        assert_eq!((said.messages[0].message.as_str(), said.messages[0].times), ("refused", 2));
        assert_eq!(said.messages[1].message, "slow");
    }
}
