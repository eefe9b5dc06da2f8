//! Where the database is: a file or a server.

use super::{Error, Result};
use crate::config::is_scheme;
use std::path::PathBuf;

/// The address of a database, from `DATABASE_URL` or `--database`.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// An embedded SQLite file.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL server. May hold a password: shown only through [`Address::masked`].
    Postgres(String),
}

impl Address {
    /// Understand `sqlite:PATH`, `sqlite:///PATH`, the runbook's `sqlite+aiosqlite:///PATH`, a plain path, or `postgres://…`.
    ///
    /// # Errors
    /// [`Error::Address`] for another scheme - any word before a colon that is no path -, an empty path, or an in-memory database, which no second process could see.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let refuse = |reason: &str| Err(Error::Address { address: mask_password(text), reason: reason.to_owned() });
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return match text.parse::<postgres::Config>() {
                Ok(_) => Ok(Self::Postgres(text.to_owned())),
                Err(error) => refuse(&super::error::chain(&error)),
            };
        }
        let path = match text.split_once(':') {
            Some(("sqlite" | "sqlite+aiosqlite", rest)) => rest.strip_prefix("///").or_else(|| rest.strip_prefix("//")).unwrap_or(rest),
            Some((scheme @ ("postgres" | "postgresql"), _)) => return refuse(&format!("two slashes follow {scheme}:")),
            // A file whose name has a colon is written as ./NAME or sqlite:NAME.
            Some((scheme, _)) if is_scheme(scheme) => return refuse(&format!("scheme {scheme:?} is unknown")),
            _ => text,
        };
        match path {
            "" => refuse("the path is empty"),
            ":memory:" => refuse("an in-memory database is lost when the command ends"),
            path => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }

    /// The address for people and logs, a password replaced by `***`.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(url) => mask_password(url),
        }
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.masked())
    }
}

/// `scheme://user:secret@host` becomes `scheme://user:***@host`; a `password=` parameter is masked as well.
#[must_use]
fn mask_password(url: &str) -> String {
    let mut masked = url.to_owned();
    if let Some((scheme, rest)) = url.split_once("://") {
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        // The last @ ends the user information: a password may itself hold one.
        if let Some(at) = rest[..authority_end].rfind('@')
            && let Some(colon) = rest[..at].find(':')
        {
            masked = format!("{scheme}://{}:***{}", &rest[..colon], &rest[at..]);
        }
    }
    if let Some(start) = masked.find("password=") {
        let from = start + "password=".len();
        let end = masked[from..].find('&').map_or(masked.len(), |length| from + length);
        masked.replace_range(from..end, "***");
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_form_of_a_file_is_understood() {
        for (text, path) in [
            ("sqlite:data/agent.db", "data/agent.db"),
            ("sqlite:////var/lib/deck.db", "/var/lib/deck.db"),
            ("sqlite+aiosqlite:///./data/agent.db", "./data/agent.db"),
            ("deck.db", "deck.db"),
            ("./a:b.db", "./a:b.db"),
            ("sqlite:a:b.db", "a:b.db"),
        ] {
            assert_eq!(Address::parse(text).unwrap(), Address::Sqlite(path.into()), "{text}");
        }
        for bad in [
            "mysql://host/db",
            "mysql:db",
            "foo:bar",
            "sqlite3:deck.db",
            "postgres:deck",
            "postgresql:/deck",
            "sqlite:",
            "sqlite::memory:",
            "postgres://host:notaport/db",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in
            ["postgres://deck:hunter2@db.example/deck", "postgres://deck:hun@ter2@db/deck", "postgres://db/deck?user=a&password=hunter2"]
        {
            let address = Address::parse(url).unwrap();
            assert!(!format!("{address:?} {}", address.masked()).contains("ter2"), "{address:?}");
        }
        assert_eq!(Address::parse("postgres://deck@db/deck").unwrap().masked(), "postgres://deck@db/deck");
    }
}
