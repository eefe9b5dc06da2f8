//! The steps of a replacement. Where it stands is read from the environment file alone: killed at any point, the next run goes on.
//!
//! | state | in the file | what comes next |
//! |---|---|---|
//! | none | `NAME` | the new value is added as `NAME__NEXT`; the old one stays in force |
//! | added | `NAME`, `NAME__NEXT` | the service takes the new value, and it is put in force: the old one becomes `NAME__PREVIOUS` |
//! | switched | `NAME`, `NAME__PREVIOUS` | what runs is restarted, the old one revoked at the service, and retired here |
//!
//! Each arrow is one change of the file, whole or not at all. An abort leads back to the old value from everywhere.

use super::file::{EnvFile, set};
use super::{Error, Result, edit};
use crate::config::environment_file::{NEXT, PREVIOUS, value_of};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

/// Where a replacement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// None is under way.
    None,
    /// The new value stands beside the old one, which is in force.
    Added,
    /// The new value is in force, and the old one is kept.
    Switched,
}

impl State {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Added => "added",
            Self::Switched => "switched",
        }
    }
}

/// The values of a replacement. None shows in `Debug`.
#[derive(Debug, Clone)]
pub struct Values {
    /// In force.
    pub current: Option<SecretString>,
    /// To come.
    pub next: Option<SecretString>,
    /// In force before.
    pub previous: Option<SecretString>,
}

impl Values {
    /// Where the replacement stands. Where both stand beside it, a new one was begun by hand before the last was ended: the old one goes first.
    #[must_use]
    pub fn state(&self) -> State {
        match (&self.next, &self.previous) {
            (_, Some(_)) => State::Switched,
            (Some(_), None) => State::Added,
            (None, None) => State::None,
        }
    }
}

fn values(text: &str, name: &str) -> Values {
    let value = |name: &str| value_of(text, name).filter(|value| !value.is_empty()).map(SecretString::from);
    Values { current: value(name), next: value(&format!("{name}{NEXT}")), previous: value(&format!("{name}{PREVIOUS}")) }
}

/// What the file says.
///
/// # Errors
/// As [`EnvFile::read`].
pub fn read(file: &EnvFile, name: &str) -> Result<Values> {
    file.read().map(|text| values(&text, name))
}

fn step(name: &str, reason: impl Into<String>) -> Error {
    Error::Step { name: name.to_owned(), reason: reason.into() }
}

/// Put the new value beside the old one.
///
/// # Errors
/// [`Error::Step`] when there is nothing to replace, a replacement is under way, or the value is the old one; as [`EnvFile::change`].
pub fn add(file: &EnvFile, name: &str, value: &SecretString) -> Result<()> {
    file.change(&mut |text| {
        let values = values(text, name);
        let Some(current) = &values.current else {
            return Err(step(
                name,
                "is not set in the environment file, so there is nothing to replace; `quarterdeck secrets set` sets it",
            ));
        };
        if values.state() != State::None {
            return Err(step(name, "is being replaced already; go on with that, or end it with --abort"));
        }
        if current.expose_secret() == value.expose_secret() {
            return Err(step(name, "the new value is the one that is in force"));
        }
        set(text, &format!("{name}{NEXT}"), value.expose_secret()).map(Some)
    })
}

/// Put the new value in force, and keep the old one, in one change. Returns the numbers of lines that set the name too and do not count:
/// they may hold an old value.
///
/// # Errors
/// [`Error::Step`] when none stands beside it; as [`EnvFile::change`].
pub fn switch(file: &EnvFile, name: &str) -> Result<Vec<usize>> {
    let mut covered = Vec::new();
    file.change(&mut |text| {
        let values = values(text, name);
        let (Some(current), Some(next), State::Added) = (&values.current, &values.next, values.state()) else {
            return Err(step(name, "no new value stands beside the old one"));
        };
        let text = edit::remove(text, &format!("{name}{NEXT}"));
        let text = set(&text, name, next.expose_secret())?;
        let text = set(&text, &format!("{name}{PREVIOUS}"), current.expose_secret())?;
        covered = edit::covered(&text, name);
        Ok(Some(text))
    })?;
    Ok(covered)
}

/// Let the old value go. Returns lines as [`switch`] does.
///
/// # Errors
/// [`Error::Step`] when there is none; as [`EnvFile::change`].
pub fn retire(file: &EnvFile, name: &str) -> Result<Vec<usize>> {
    let mut covered = Vec::new();
    file.change(&mut |text| {
        if values(text, name).previous.is_none() {
            return Err(step(name, "no old value is kept"));
        }
        let text = edit::remove(text, &format!("{name}{PREVIOUS}"));
        covered = edit::covered(&text, name);
        Ok(Some(text))
    })?;
    Ok(covered)
}

/// Back to the old value, from wherever the replacement stands. Returns where it stood.
///
/// # Errors
/// [`Error::Step`] when none is under way; as [`EnvFile::change`].
pub fn abort(file: &EnvFile, name: &str) -> Result<State> {
    let mut stood = State::None;
    file.change(&mut |text| {
        let values = values(text, name);
        stood = values.state();
        if stood == State::None {
            return Err(step(name, "is not being replaced"));
        }
        let text = edit::remove(text, &format!("{name}{NEXT}"));
        let Some(previous) = &values.previous else { return Ok(Some(text)) };
        let text = set(&text, name, previous.expose_secret())?;
        Ok(Some(edit::remove(&text, &format!("{name}{PREVIOUS}"))))
    })?;
    Ok(stood)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn made(text: &str) -> (tempfile::TempDir, EnvFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("environment");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        (directory, EnvFile::new(path))
    }

    const BEFORE: &str = "# keys\nexport A='old' # mine\n\nB=2\n";

    #[test]
    fn forward_and_the_file_is_as_before_but_for_the_value() {
        let (_guard, file) = made(BEFORE);
        add(&file, "A", &"new".into()).unwrap();
        assert_eq!(read(&file, "A").unwrap().current.unwrap().expose_secret(), "old");
        assert!(add(&file, "A", &"newer".into()).is_err() && retire(&file, "A").is_err());
        assert_eq!(switch(&file, "A").unwrap(), Vec::<usize>::new());
        assert!(switch(&file, "A").is_err());
        assert_eq!(read(&file, "A").unwrap().state(), State::Switched);
        retire(&file, "A").unwrap();
        assert_eq!(file.read().unwrap(), BEFORE.replace("old", "new"));
    }

    #[test]
    fn an_abort_restores_the_file_from_everywhere() {
        let (_guard, file) = made(BEFORE);
        assert!(abort(&file, "A").is_err());
        add(&file, "A", &"new".into()).unwrap();
        assert_eq!(abort(&file, "A").unwrap(), State::Added);
        assert_eq!(file.read().unwrap(), BEFORE);
        add(&file, "A", &"new".into()).unwrap();
        switch(&file, "A").unwrap();
        assert_eq!(abort(&file, "A").unwrap(), State::Switched);
        assert_eq!(file.read().unwrap(), BEFORE);
    }

    #[test]
    fn an_old_value_on_a_line_that_does_not_count_is_named() {
        let (_guard, file) = made("A=older\nA=old\n");
        add(&file, "A", &"new".into()).unwrap();
        assert_eq!(switch(&file, "A").unwrap(), [1]);
        assert_eq!(retire(&file, "A").unwrap(), [1]);
        assert_eq!(file.read().unwrap(), "A=older\nA=new\n");
    }

    #[test]
    fn what_cannot_be_replaced_is_said() {
        let (_guard, file) = made(BEFORE);
        assert!(add(&file, "C", &"new".into()).unwrap_err().to_string().contains("nothing to replace"));
        assert!(add(&file, "A", &"old".into()).unwrap_err().to_string().contains("in force"));
        assert!(!format!("{:?}", read(&file, "A").unwrap()).contains("old"));
    }

    proptest! {
        #[test]
        fn in_any_order_of_steps_the_value_in_force_is_the_old_or_the_new(steps in prop::collection::vec(0_u8..4, 0..12), new in "[^\\p{Cc}]{1,12}") {
            prop_assume!(new != "old");
            let (_guard, file) = made(BEFORE);
            for number in steps {
                let _ = match number {
                    0 => add(&file, "A", &new.clone().into()),
                    1 => switch(&file, "A").map(drop),
                    2 => retire(&file, "A").map(drop),
                    _ => abort(&file, "A").map(drop),
                };
                let current = read(&file, "A").unwrap().current.unwrap();
                prop_assert!(current.expose_secret() == "old" || current.expose_secret() == new);
                let other = value_of(&file.read().unwrap(), "B");
                prop_assert_eq!(other.as_deref(), Some("2"));
            }
        }
    }
}
