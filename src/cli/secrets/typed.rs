//! A value that is typed without being shown, or comes as the first line of standard input.

use crate::cli::{Context, Failure};
use crate::config;
use secrecy::SecretString;
use std::io::{IsTerminal as _, Read as _};
use std::time::Duration;

/// Bytes of a value at most: a private key has a few thousand.
const MOST: u64 = 64 * 1024;

/// How long a value that nobody asked for is waited for.
const MOMENT: Duration = Duration::from_secs(2);

/// The value.
///
/// # Errors
/// When there is none, it is more than a line, or it is the placeholder of an example.
pub(super) fn value(context: &Context, name: &str) -> Result<SecretString, Failure> {
    let text = if std::io::stdin().is_terminal() {
        if context.out.is_json() {
            return Err(Failure::usage("with --json the value comes on standard input").hint("pass it in from the place where it is kept"));
        }
        let prompt = format!("{name} (it is not shown): ");
        rpassword::prompt_password(prompt).map_err(|error| Failure::failed(format!("the value cannot be read: {error}")))?
    } else {
        piped()?
    };
    checked(&text)
}

/// A value that was passed in although none is asked for; `None` when there is none. Standard input that says nothing and does not end, as
/// that of a remote shell, is waited for a moment only.
///
/// # Errors
/// As [`value`].
pub(super) fn unasked(context: &Context) -> Result<Option<SecretString>, Failure> {
    if std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    // It ends with the program.
    let reader = std::thread::Builder::new().name("secret-input".to_owned()).spawn(move || sender.send(piped()));
    reader.map_err(|error| Failure::failed(format!("the value cannot be read: {error}")))?;
    match receiver.recv_timeout(MOMENT) {
        Ok(text) => {
            let text = text?;
            if text.trim_end_matches(['\r', '\n']).is_empty() { Ok(None) } else { checked(&text).map(Some) }
        }
        Err(_) => {
            context.out.note("nothing came on standard input: going on with the value that was given before");
            Ok(None)
        }
    }
}

fn piped() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::failed(format!("the value cannot be read: {error}")))?;
    if bytes.len() as u64 > MOST {
        return Err(Failure::usage("what came on standard input is too long for a value"));
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage("what came on standard input is not text in UTF-8"))
}

fn checked(text: &str) -> Result<SecretString, Failure> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let refuse = |what: &str| Err(Failure::usage(format!("{what}: nothing was changed")));
    if text.is_empty() {
        return refuse("no value was given");
    }
    if text.chars().any(char::is_control) {
        return refuse("a value is one line without control characters");
    }
    if config::is_placeholder(text) {
        return refuse("this is the placeholder of an example, not a value");
    }
    Ok(SecretString::from(text))
}
