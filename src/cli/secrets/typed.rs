//! A value that is typed without being shown, or comes as the first line of standard input.

use crate::cli::{Context, Failure};
use crate::config::{self, Setting};
use secrecy::SecretString;
use std::io::{IsTerminal as _, Read as _};

/// Bytes of a value at most: a private key has a few thousand.
const MOST: u64 = 64 * 1024;

/// The value.
///
/// # Errors
/// When there is none, it is more than a line, or it is the placeholder of an example.
pub(super) fn value(context: &Context, setting: &Setting) -> Result<SecretString, Failure> {
    let text = if std::io::stdin().is_terminal() {
        if context.out.is_json() {
            return Err(Failure::usage("with --json the value comes on standard input").hint("pass it in from the place where it is kept"));
        }
        let prompt = format!("{} (it is not shown): ", setting.env);
        rpassword::prompt_password(prompt).map_err(|error| Failure::failed(format!("the value cannot be read: {error}")))?
    } else {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::failed(format!("the value cannot be read: {error}")))?;
        if bytes.len() as u64 > MOST {
            return Err(Failure::usage("what came on standard input is too long for a value"));
        }
        String::from_utf8(bytes).map_err(|_| Failure::usage("what came on standard input is not text in UTF-8"))?
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
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
