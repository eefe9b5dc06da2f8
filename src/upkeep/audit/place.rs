//! The second place of checkpoints: a file that only grows, elsewhere than the database; and a command that passes each of them on.

use super::checkpoint::Checkpoint;
use super::{Error, Result};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Bytes of a line that is a checkpoint at most.
const LONGEST: u64 = 4_096;
/// How long the command may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A line of the second place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub line: usize,
    /// The checkpoint; `None` when it is none.
    pub checkpoint: Option<Checkpoint>,
    /// What stands there when it is none.
    pub text: String,
}

fn wrong(path: &Path, reason: impl ToString) -> Error {
    Error::Place { path: path.to_path_buf(), reason: reason.to_string() }
}

/// Every line of an anchor file. A line that is too long or no checkpoint is one without a checkpoint; an empty line is left out.
///
/// # Errors
/// [`Error::Place`] when it cannot be read.
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let mut reader = BufReader::new(File::open(path).map_err(|error| wrong(path, error))?);
    let (mut lines, mut number) = (Vec::new(), 0);
    loop {
        let mut bytes = Vec::new();
        let read = reader.by_ref().take(LONGEST).read_until(b'\n', &mut bytes).map_err(|error| wrong(path, error))?;
        if read == 0 {
            return Ok(lines);
        }
        number += 1;
        if !bytes.ends_with(b"\n") && read as u64 == LONGEST {
            reader.skip_until(b'\n').map_err(|error| wrong(path, error))?;
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim();
        if !text.is_empty() {
            let checkpoint = Checkpoint::of_line(text);
            let text = if checkpoint.is_none() { text.to_owned() } else { String::new() };
            lines.push(Line { line: number, checkpoint, text });
        }
    }
}

/// The numbers of lines that a crash or a full disk cut off while they were written: each is the beginning of the checkpoint that follows it,
/// or, at the end of the file, of the one of the database that is to follow.
#[must_use]
pub fn torn(lines: &[Line], of_database: &[Checkpoint]) -> BTreeSet<usize> {
    let newest = lines.iter().rev().find_map(|line| line.checkpoint.as_ref()).map_or(0, |newest| newest.number);
    let mut next = of_database.iter().filter(|checkpoint| checkpoint.number > newest).min_by_key(|checkpoint| checkpoint.number).cloned();
    let mut torn = BTreeSet::new();
    for line in lines.iter().rev() {
        if line.checkpoint.is_some() {
            next.clone_from(&line.checkpoint);
        } else if next.as_ref().is_some_and(|next| next.line().starts_with(&line.text)) {
            torn.insert(line.line);
        } else {
            next = None;
        }
    }
    torn
}

/// Add the checkpoints that the file does not have yet, and wait until they are on the disk. Several processes may do so at once.
///
/// # Errors
/// [`Error::Place`] when it cannot be made or written.
pub fn append(path: &Path, checkpoints: &[Checkpoint]) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let is_new = !path.exists();
    let mut file = options.open(path).map_err(|error| wrong(path, error))?;
    file.lock().map_err(|error| wrong(path, error))?;
    let known = last(&mut file).map_err(|error| wrong(path, error))?;
    let mut text = String::new();
    // A line that was cut off by a power failure must not swallow the next one.
    if !known.is_ended {
        text.push('\n');
    }
    for checkpoint in checkpoints.iter().filter(|checkpoint| checkpoint.number > known.number) {
        text.push_str(&checkpoint.line());
    }
    if text.trim().is_empty() {
        return Ok(());
    }
    let length = file.metadata().map_err(|error| wrong(path, error))?.len();
    if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        // A full disk must not leave half a line. Where even this fails, the next writer begins a new line, and reading knows the half.
        let _ = file.set_len(length);
        return Err(wrong(path, error));
    }
    if let (true, Some(parent)) = (is_new, path.parent().filter(|parent| !parent.as_os_str().is_empty())) {
        File::open(parent).and_then(|directory| directory.sync_all()).map_err(|error| wrong(path, error))?;
    }
    Ok(())
}

/// The number of the newest checkpoint in a file; 0 when it has none, or is not there.
///
/// # Errors
/// [`Error::Place`] when it cannot be read.
pub fn newest(path: &Path) -> Result<i64> {
    match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(wrong(path, error)),
        Ok(mut file) => last(&mut file).map(|end| end.number).map_err(|error| wrong(path, error)),
    }
}

struct End {
    number: i64,
    is_ended: bool,
}

/// The last checkpoint of a file, from its last lines: the file grows for years.
fn last(file: &mut File) -> std::io::Result<End> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST * 4)))?;
    let mut bytes = Vec::new();
    file.take(LONGEST * 4).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let number = text.lines().rev().find_map(Checkpoint::of_line).map_or(0, |checkpoint| checkpoint.number);
    Ok(End { number, is_ended: bytes.is_empty() || bytes.ends_with(b"\n") })
}

/// Give a checkpoint to the command, as a line on its input.
///
/// # Errors
/// [`Error::Command`] when it cannot be started, fails, or takes longer than ten seconds; it is ended then.
pub fn tell(command: &[String], checkpoint: &Checkpoint) -> Result<()> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let failed = |reason: String| Error::Command { program: program.clone(), reason };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        // The line is shorter than what a pipe takes. A command that does not read its input may still do its work.
        let _ = input.write_all(checkpoint.line().as_bytes());
    }
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait().map_err(|error| failed(error.to_string()))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(failed(status.to_string())),
            None if begun.elapsed() > PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(format!("it did not end within {} s", PATIENCE.as_secs())));
            }
            None => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(100));
            }
        }
    }
}
