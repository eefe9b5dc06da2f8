//! The log file: JSON lines in the state directory. Off unless asked for; a panic is always written there.

use super::failure::Failure;
use crate::base::{Clock as _, SystemClock, clock};
use crate::upkeep::secrets::redact::Redactor;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use secrecy::SecretString;
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// A larger file is put aside as `.1` when the program starts.
const MAX_BYTES: u64 = 16 << 20;

/// What must not show in the log, in what a crash leaves behind, or in an error. Known as soon as the settings were read.
static REDACTOR: OnceLock<Redactor> = OnceLock::new();

/// Keep these out of everything that this process writes down from now on.
pub(super) fn keep_out(secrets: Vec<SecretString>) {
    // The first settings of a process are its settings.
    let _ = REDACTOR.set(Redactor::new(secrets));
}

/// A text without secrets.
pub(super) fn discreet(text: &str) -> Cow<'_, str> {
    REDACTOR.get().map_or(Cow::Borrowed(text), |redactor| redactor.clean(text))
}

/// The limit of core dumps as this process found it.
static CORE: OnceLock<Rlimit> = OnceLock::new();

/// What a crash leaves behind is a log line, not an image of the memory with every secret in it. Failing to say so is no failure.
///
/// The hard limit stays: what is run for somebody gets the limits that it was given, see [`with_core_as_found`].
pub(super) fn no_core_dump() {
    let found = *CORE.get_or_init(|| getrlimit(Resource::Core));
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..found });
}

/// Start a program of somebody else's: whether it leaves a core when it crashes is its own matter.
pub(super) fn with_core_as_found<T>(start: impl FnOnce() -> T) -> T {
    if let Some(found) = CORE.get() {
        let _ = setrlimit(Resource::Core, *found);
    }
    let started = start();
    no_core_dump();
    started
}

/// The log file, without secrets. A line comes in one piece.
struct Discreet(File);

impl std::io::Write for Discreet {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(discreet(&text).as_bytes()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// The log file in `state_dir`.
#[must_use]
pub fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("quarterdeck.log")
}

/// Start logging when `-v` was given or `QUARTERDECK_LOG` is set. `Ok(true)` when there is a log.
///
/// # Errors
/// When `QUARTERDECK_LOG` is not a filter, or the file cannot be written.
pub fn start(state_dir: &Path, verbosity: u8) -> Result<bool, Failure> {
    let asked = std::env::var("QUARTERDECK_LOG").ok().filter(|filter| !filter.trim().is_empty());
    let filter = match (asked, verbosity) {
        (Some(filter), _) => filter,
        (None, 0) => return Ok(false),
        (None, 1) => "quarterdeck=info,warn".to_owned(),
        (None, 2) => "quarterdeck=debug,info".to_owned(),
        (None, _) => "quarterdeck=trace,info".to_owned(),
    };
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        Failure::usage(format!("QUARTERDECK_LOG is not a log filter: {error}"))
            .hint("set it to `info`, `debug` or `quarterdeck=trace`, or unset it")
    })?;
    let file = open(state_dir).map_err(|reason| {
        Failure::failed(format!("the log file {} cannot be written: {reason}", path(state_dir).display()))
            .hint("set XDG_STATE_HOME to a directory that can be written, or run without -v and QUARTERDECK_LOG")
    })?;
    // Libraries below us print request headers at their finest levels; those carry credentials.
    let quiet = filter_fn(|found| found.target().starts_with("quarterdeck") || *found.level() <= LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer().json().with_writer(Mutex::new(Discreet(file))).with_filter(filter.and(quiet));
    // A second start in one process keeps the first log.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    Ok(true)
}

/// From now on a panic is written to the log file, and a person sees one line in place of a stack trace.
pub fn catch_panics(state_dir: PathBuf) {
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload().downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = message.or_else(|| panic.payload().downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".to_owned());
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let backtrace = std::backtrace::Backtrace::force_capture().to_string();
        let written = record_panic(&state_dir, &message, &location, &backtrace);
        let mut error = std::io::stderr().lock();
        let _ = writeln!(error, "error: the program has a fault at {location}");
        let _ = match written {
            Ok(()) => writeln!(error, "next: report it with the last line of {}", path(&state_dir).display()),
            Err(reason) => writeln!(error, "next: report it ({}); the log file cannot be written: {reason}", discreet(&message)),
        };
    }));
}

fn record_panic(state_dir: &Path, message: &str, location: &str, backtrace: &str) -> Result<(), String> {
    let line = serde_json::json!({
        "timestamp": clock::rfc3339(SystemClock.now()),
        "level": "ERROR",
        "target": "quarterdeck::panic",
        "fields": { "message": message, "location": location, "thread": std::thread::current().name(), "backtrace": backtrace },
    });
    let mut file = open(state_dir)?;
    // One write, so that lines of several processes do not mix.
    file.write_all(discreet(&format!("{line}\n")).as_bytes()).map_err(|error| error.to_string())
}

fn open(state_dir: &Path) -> Result<File, String> {
    crate::config::prepare(state_dir).map_err(|error| error.to_string())?;
    let path = path(state_dir);
    if std::fs::metadata(&path).is_ok_and(|found| found.len() > MAX_BYTES) {
        std::fs::rename(&path, path.with_extension("log.1")).map_err(|error| error.to_string())?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_one_json_line() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state");
        record_panic(&state, "it\nbroke", "src/x.rs:1", "frames").unwrap();
        record_panic(&state, "again", "src/x.rs:2", "frames").unwrap();
        let text = std::fs::read_to_string(path(&state)).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), lines[0]["fields"]["message"].as_str()), (2, Some("it\nbroke")));
    }
}
