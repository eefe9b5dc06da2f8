//! The few words of Redis that a check needs. Pure.

use super::look::Trouble;
use super::outcome::Cause;

/// A command as Redis reads it.
pub(super) fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

/// An answer of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// What was asked for.
    Simple(String),
    /// A refusal.
    Refused(String),
}

/// Read an answer without its line end.
pub(super) fn reply(line: &[u8]) -> Result<Reply, Trouble> {
    let text = String::from_utf8_lossy(line.get(1..).unwrap_or_default()).into_owned();
    match line.first() {
        Some(b'+') => Ok(Reply::Simple(text)),
        Some(b'-') => Ok(Reply::Refused(text)),
        _ => Err(Trouble::unhealthy(Cause::Broken, "the answer is not that of a Redis server")),
    }
}

/// What a refusal means.
pub(super) fn refusal(text: &str) -> Trouble {
    let word = text.split_whitespace().next().unwrap_or_default();
    match word {
        "NOAUTH" => Trouble::unhealthy(Cause::Auth, "it asks for a password, and none is set for this probe"),
        "WRONGPASS" => Trouble::unhealthy(Cause::Auth, "it does not take the password"),
        "NOPERM" => Trouble::unhealthy(Cause::Auth, "the user of this probe may not send PING"),
        "DENIED" => Trouble::unhealthy(Cause::Auth, "it is in protected mode and takes connections of its own machine only"),
        "LOADING" => Trouble::unhealthy(Cause::Other, "it is loading its data into memory and answers nothing else (LOADING)"),
        "BUSY" => Trouble::unhealthy(Cause::Other, "a script blocks it (BUSY)"),
        "READONLY" => Trouble::degraded(Cause::Other, "it is a replica and takes no writes (READONLY)"),
        "MASTERDOWN" => Trouble::degraded(Cause::Other, "it is a replica that has lost its master (MASTERDOWN)"),
        "MISCONF" => Trouble::degraded(Cause::Other, "it cannot save to disk and refuses writes (MISCONF)"),
        "ERR" if text.contains("max number of clients") => {
            Trouble::unhealthy(Cause::Limit, "it takes no more clients: maxclients is reached")
        }
        _ => Trouble::unhealthy(Cause::Broken, format!("it refuses PING: {text}")),
    }
}

/// Whether a refusal of AUTH says that there is no password at all.
pub(super) fn has_no_password(text: &str) -> bool {
    text.starts_with("ERR") && (text.contains("without any password") || text.contains("no password is set"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::health::Status;

    #[test]
    fn words_are_written_with_their_lengths_and_answers_told_apart() {
        assert_eq!(command(&["AUTH", "pä"]), "*2\r\n$4\r\nAUTH\r\n$3\r\npä\r\n".as_bytes());
        assert_eq!(reply(b"+PONG"), Ok(Reply::Simple("PONG".into())));
        assert_eq!(reply(b"-LOADING x"), Ok(Reply::Refused("LOADING x".into())));
        assert_eq!(reply(b"HTTP/1.1 400").unwrap_err().cause, Cause::Broken);
        assert_eq!(reply(b"").unwrap_err().cause, Cause::Broken);
        for (text, status, cause) in [
            ("NOAUTH Authentication required.", Status::Unhealthy, Cause::Auth),
            ("LOADING Redis is loading the dataset in memory", Status::Unhealthy, Cause::Other),
            ("READONLY You can't write against a read only replica.", Status::Degraded, Cause::Other),
            ("ERR max number of clients reached", Status::Unhealthy, Cause::Limit),
            ("", Status::Unhealthy, Cause::Broken),
        ] {
            let trouble = refusal(text);
            assert_eq!((trouble.status, trouble.cause), (status, cause), "{text}");
        }
    }
}
