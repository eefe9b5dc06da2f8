//! Whether a setting's text is what it must be. No message repeats a text that may hold a secret.

use super::Kind;

/// Check `text` against `kind`. The error is the end of a sentence that begins with the setting's name.
pub(super) fn check(kind: Kind, text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err("must be one line without control characters".to_owned());
    }
    match kind {
        Kind::Text | Kind::Secret | Kind::Database | Kind::Directory | Kind::File => Ok(()),
        Kind::UserAgent if text.chars().count() < 7 => Err("must have at least seven characters, or Reddit refuses it".to_owned()),
        Kind::UserAgent => Ok(()),
        Kind::Address => address(text),
        Kind::Integer { least, most, unit } => match text.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(()),
            _ => Err(format!("must be a whole number from {least} to {most} ({unit}), not {}", quoted(text))),
        },
        Kind::Number { least, most } => match text.parse::<f64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(()),
            _ => Err(format!("must be a number from {least} to {most}, not {}", quoted(text))),
        },
        Kind::Choice(words) if words.contains(&text) => Ok(()),
        Kind::Choice(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
            Err(format!("must be {}, not {}", words.join(" or "), quoted(text)))
        }
        Kind::Model => model(text),
        Kind::Zone => match text.parse::<chrono_tz::Tz>() {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("must be a time zone such as UTC, Europe/Berlin or America/New_York, not {}", quoted(text))),
        },
        Kind::Models => text.split(',').map(str::trim).filter(|name| !name.is_empty()).try_for_each(model),
        Kind::Limits => super::route::parse(text).map(drop),
        Kind::Words(words) => match text.split(',').map(str::trim).find(|word| !word.is_empty() && !words.contains(word)) {
            None => Ok(()),
            Some(word) => Err(format!("must be {}, not {}", expected(kind), quoted(word))),
        },
    }
}

/// What a kind of value is called where one is expected.
pub(super) fn expected(kind: Kind) -> String {
    match kind {
        Kind::Integer { least, most, unit } => format!("a whole number from {least} to {most} ({unit})"),
        Kind::Number { least, most } => format!("a number from {least} to {most}"),
        Kind::Choice(words) => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or "),
        Kind::Models => "a list of strings".to_owned(),
        Kind::Limits => format!("a list such as `{}`", super::route::SAMPLE),
        Kind::Words(words) => format!("a list of {}", words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" and ")),
        Kind::Address => "an https address as a string".to_owned(),
        Kind::Zone => "a time zone as a string".to_owned(),
        Kind::Text | Kind::Secret | Kind::UserAgent | Kind::Database | Kind::Directory | Kind::File | Kind::Model => "a string".to_owned(),
    }
}

/// Whether the text is one of those that stand in examples where the real value belongs.
pub(super) fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(lower.as_str(), "..." | "…" | "xxx" | "todo" | "changeme" | "change-me" | "change_me" | "placeholder")
        || lower.starts_with("your_")
        || lower.starts_with("your-")
        || (lower.starts_with('<') && lower.ends_with('>'))
}

fn address(text: &str) -> Result<(), String> {
    let Ok(url) = reqwest::Url::parse(text) else {
        return Err("must be an address such as https://host/path".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not carry a user name or password: those have settings of their own".to_owned());
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_here(text) => Ok(()),
        _ => Err("must begin with https:// (http:// is for this machine only, because credentials go there)".to_owned()),
    }
}

/// Whether an address is one of this machine.
pub(super) fn is_here(address: &str) -> bool {
    let url = reqwest::Url::parse(address);
    url.is_ok_and(|url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")))
}

fn model(name: &str) -> Result<(), String> {
    if name.chars().any(char::is_whitespace) {
        return Err(format!("must be names of models without blanks, such as anthropic/claude-haiku-4.5, not {}", quoted(name)));
    }
    Ok(())
}

/// A short, harmless quotation. Only for kinds whose values are never secret.
fn quoted(text: &str) -> String {
    format!("\"{}\"", crate::base::SafeText::clipped(text, 40))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bounds_belong_to_the_range() {
        let kind = Kind::Integer { least: 10, most: 20, unit: "seconds" };
        assert_eq!((check(kind, "10"), check(kind, "20")), (Ok(()), Ok(())));
        for text in ["9", "21", "ten", "", "1e1", "99999999999999999999"] {
            assert!(check(kind, text).unwrap_err().contains("from 10 to 20 (seconds)"), "{text}");
        }
        assert!(check(Kind::Number { least: 0.0, most: 1.0 }, "NaN").is_err());
    }

    #[test]
    fn credentials_go_over_the_network_only_encrypted() {
        for good in ["https://oauth.reddit.com", "http://127.0.0.1:8080", "http://localhost:1/x", "http://[::1]:9"] {
            assert_eq!(check(Kind::Address, good), Ok(()), "{good}");
        }
        for bad in ["http://reddit.com", "http://localhost.evil.example", "ftp://x", "reddit.com", "https://me:canary@x"] {
            assert!(!check(Kind::Address, bad).unwrap_err().contains("canary"), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_check_panic(text in any::<String>()) {
            for setting in super::super::SETTINGS {
                let _ = check(setting.kind, &text);
            }
        }
    }
}
