//! Addresses of databases: the forms that are understood, and how one is shown without its password.

use std::path::{Path, PathBuf};

/// An address in this program's own form, and what was changed to get there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mapped {
    /// `sqlite:` and an absolute path, or `postgres://…`.
    pub address: String,
    /// What was changed, when the form was one of another program.
    pub note: Option<String>,
}

const UNKNOWN: &str = "the engine is not known: write sqlite:PATH or postgres://USER@HOST/NAME";

/// Map `raw` to this program's form. A relative path is taken from `base`. The error never repeats the address: it may hold a password.
pub(super) fn map(raw: &str, base: &Path) -> Result<Mapped, String> {
    let Some((scheme, rest)) = raw.split_once("://") else {
        return match raw.split_once(':') {
            Some(("sqlite", path)) => file(path, base, false),
            Some((scheme, _)) if scheme != "file" && is_scheme(scheme) => {
                Err(format!("{UNKNOWN}; a file whose name has a colon is written as ./NAME"))
            }
            _ => file(raw, base, false),
        };
    };
    let (engine, driver) = scheme.split_once('+').map_or((scheme, None), |(engine, driver)| (engine, Some(driver)));
    match (engine, driver) {
        ("postgres", None) => Ok(Mapped { address: raw.to_owned(), note: None }),
        ("postgres" | "postgresql", _) => Ok(Mapped {
            address: format!("postgres://{rest}"),
            note: Some("written in the form of another program; used as postgres:// with the rest unchanged".to_owned()),
        }),
        ("sqlite", _) => {
            let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
            match (rest.strip_prefix('/'), driver) {
                (Some(path), driver) if driver.is_some() || path.starts_with('/') => file(path, base, true),
                (Some(_), _) => Err("three slashes are read in two ways: write sqlite:PATH, with /PATH for an absolute one".to_owned()),
                (None, _) => Err("a SQLite address has no host: write sqlite:PATH".to_owned()),
            }
        }
        _ => Err(UNKNOWN.to_owned()),
    }
}

/// Whether what stands before a colon is the beginning of an address, and no part of a path.
#[must_use]
pub fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-_.".contains(c))
}

fn file(path: &str, base: &Path, foreign: bool) -> Result<Mapped, String> {
    if path.trim().is_empty() {
        return Err("there is no path: write sqlite:PATH or postgres://USER@HOST/NAME".to_owned());
    }
    if path.contains(":memory:") || path.starts_with("file:") {
        return Err("the database must be a plain file, so that nothing is lost when the program ends".to_owned());
    }
    let address = format!("sqlite:{}", absolute(path, base).display());
    let note = foreign.then(|| format!("written in the form of another program; used as {address}"));
    Ok(Mapped { address, note })
}

/// `path` from `base`, with a leading `~/` taken as the home directory and without `.` parts.
pub(super) fn absolute(path: &str, base: &Path) -> PathBuf {
    let home = path.strip_prefix("~/").zip(directories::BaseDirs::new()).map(|(rest, user)| user.home_dir().join(rest));
    home.unwrap_or_else(|| base.join(path)).components().collect()
}

/// The address with any password taken out: safe to show and to log.
#[must_use]
pub fn mask_address(address: &str) -> String {
    let mut shown = address.to_owned();
    if let Some(start) = shown.find("://").map(|at| at + 3) {
        // The last '@' ends the user part even when a password holds '/', '?' or '@' that should have been escaped.
        if let Some(end) = shown.rfind('@').filter(|end| *end > start)
            && let Some(colon) = shown[start..end].find(':').map(|at| at + start)
        {
            shown.replace_range(colon + 1..end, "***");
        }
        let mut from = 0;
        while let Some(at) = shown[from..].to_ascii_lowercase().find("password=").map(|at| at + from + "password=".len()) {
            let end = shown[at..].find('&').map_or(shown.len(), |end| at + end);
            shown.replace_range(at..end, "***");
            from = at + 3;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(raw: &str) -> Result<String, String> {
        map(raw, Path::new("/base")).map(|mapped| mapped.address)
    }

    #[test]
    fn forms_of_the_runbook_and_our_own_lead_to_the_same_place() {
        for raw in ["sqlite+aiosqlite:///./data/agent.db", "sqlite:data/agent.db", "data/agent.db", "sqlite:////base/data/agent.db"] {
            assert_eq!(mapped(raw).as_deref(), Ok("sqlite:/base/data/agent.db"), "{raw}");
        }
        assert_eq!(mapped("./a:b.db").as_deref(), Ok("sqlite:/base/a:b.db"));
        assert_eq!(mapped("sqlite:a:b.db").as_deref(), Ok("sqlite:/base/a:b.db"));
        assert_eq!(mapped("postgresql+asyncpg://u@h/d").as_deref(), Ok("postgres://u@h/d"));
        assert!(map("sqlite+aiosqlite:///x.db", Path::new("/b")).is_ok_and(|mapped| mapped.note.is_some()));
    }

    #[test]
    fn what_is_no_file_and_no_server_is_refused_without_being_repeated() {
        for raw in [
            "sqlite:",
            "sqlite::memory:",
            "sqlite+aiosqlite://",
            "sqlite:///data.db",
            "mysql://u:canary@h/d",
            "",
            "file:x?mode=ro",
            "foo:canary",
            "postgres:canary",
            "sqlite3:canary.db",
        ] {
            let error = mapped(raw).unwrap_err();
            assert!(!error.contains("canary"), "{raw}: {error}");
        }
    }

    #[test]
    fn no_form_of_password_is_shown() {
        for address in [
            "postgres://u:canary@h/d",
            "postgres://u:can@ary/canary@h/d",
            "postgres://h/d?user=u&password=canary&sslmode=require",
            "postgres://h/d?PASSWORD=canary",
        ] {
            let shown = mask_address(address);
            assert!(!shown.contains("canary") && shown.contains("***"), "{shown}");
        }
        assert_eq!(mask_address("sqlite:/x/y.db"), "sqlite:/x/y.db");
    }
}
