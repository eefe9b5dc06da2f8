//! What is wrong with the secrets of an installation. It changes nothing and connects to nothing.

use super::age::{self, Age};
use super::rotation::{self, State};
use super::{file::EnvFile, names};
use crate::base::{Millis, clock};
use crate::config::{self, Level, Loaded, Setting, Source};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

const DAY: Millis = 86_400_000;

/// A secret as it may be shown.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Its name in the environment.
    pub name: String,
    /// Its key in the configuration file; `None` for a name that only `probes.toml` uses.
    pub setting: Option<&'static str>,
    /// What it is for.
    pub doc: &'static str,
    /// Whether it is set; `None` when the environment file cannot be read and it is set nowhere else.
    pub is_set: Option<bool>,
    /// Where, in words; empty when it is not set.
    pub place: String,
    /// When it came into force, where that is known.
    pub since: Option<Millis>,
    /// How old it is at least, in milliseconds.
    pub at_least: Option<Millis>,
    /// Where a replacement stands.
    pub rotation: State,
}

/// Something that is wrong, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it is a problem.
    pub is_problem: bool,
    /// The name it is about, or the file.
    pub about: String,
    /// What it is, in a sentence without any value.
    pub what: String,
    /// What to do about it.
    pub next: String,
}

fn age_of(loaded: &Loaded, setting: &Setting) -> Age {
    let Some(value) = loaded.secret(setting.key) else { return Age::Unknown };
    let path = match loaded.source(setting.key) {
        Source::EnvironmentFile { path, .. } => path,
        // A service manager may read the same file, and hand its values over in the environment.
        Source::Environment { .. } => {
            let file = EnvFile::new(loaded.directories().environment_file.clone());
            let text = file.read().unwrap_or_default();
            if config::environment_file::value_of(&text, setting.env).as_deref() != Some(value.expose_secret()) {
                return Age::Unknown;
            }
            file.path().to_path_buf()
        }
        _ => return Age::Unknown,
    };
    age::of(&path, setting.env, value.expose_secret())
}

/// The values that must not show anywhere: every secret in force, those of replacements, and the password in the database's address.
#[must_use]
pub fn known(loaded: &Loaded) -> Vec<secrecy::SecretString> {
    let mut known: Vec<secrecy::SecretString> =
        names::all().filter(|setting| setting.is_secret()).filter_map(|setting| loaded.secret(setting.key)).collect();
    // A path of a database is no secret; the password of an address is.
    let database = loaded.secret("database").and_then(|address| {
        let user = address.expose_secret().split_once("://")?.1.split_once('@')?.0.split_once(':')?.1.to_owned();
        Some(secrecy::SecretString::from(user))
    });
    known.extend(database);
    let text = EnvFile::new(loaded.directories().environment_file.clone()).read().unwrap_or_default();
    for line in config::environment_file::lines(&text) {
        let Some((name, raw)) = line.entry.filter(|(name, _)| config::environment_file::looks_secret(name)) else { continue };
        // A setting such as a refresh token's name is known already; what is known twice does no harm.
        if let (Ok(value), true) = (config::environment_file::unquote(raw), !name.is_empty()) {
            known.push(value.into());
        }
    }
    known
}

/// Every secret: whether it is set, where, since when. Never a value.
#[must_use]
pub fn list(loaded: &Loaded, now: Millis) -> Vec<Listed> {
    let file = EnvFile::new(loaded.directories().environment_file.clone());
    let text = file.read().ok();
    let settings = names::all().filter(|setting| setting.is_secret() || holds_password(loaded, setting)).map(|setting| {
        let source = loaded.source(setting.key);
        let is_set = loaded.secret(setting.key).is_some();
        let age = age_of(loaded, setting);
        Listed {
            name: setting.env.to_owned(),
            setting: Some(setting.key),
            doc: setting.doc,
            is_set: if is_set { Some(true) } else { text.as_ref().map(|_| false) },
            place: if is_set { source.to_string() } else { String::new() },
            since: if let Age::Since(at) = age { Some(at) } else { None },
            at_least: age.at_least(now),
            // A file that cannot be read is told by the check.
            rotation: rotation::read(&file, setting.env).map_or(State::None, |values| values.state()),
        }
    });
    settings.chain(of_probes(loaded, text.as_deref(), now)).collect()
}

/// What `probes.toml` takes from the environment and is no setting.
fn of_probes<'a>(loaded: &'a Loaded, text: Option<&'a str>, now: Millis) -> impl Iterator<Item = Listed> + 'a {
    let file = &loaded.directories().environment_file;
    loaded.probe_names().iter().filter(|name| Setting::by_env(name).is_none()).map(move |name| {
        let value = text.and_then(|text| config::environment_file::value_of(text, name)).filter(|value| !value.is_empty());
        let age = value.as_ref().map_or(Age::Unknown, |value| age::of(file, name, value));
        // As the probes read it: the environment of the process goes before the file.
        let (is_set, place) = if std::env::var_os(name).is_some_and(|value| !value.is_empty()) {
            (Some(true), format!("environment ({name})"))
        } else if value.is_some() {
            (Some(true), format!("environment file {}", file.display()))
        } else {
            (text.map(|_| false), String::new())
        };
        Listed {
            name: name.clone(),
            setting: None,
            doc: "Used by probes.toml.",
            is_set,
            place,
            since: if let Age::Since(at) = age { Some(at) } else { None },
            at_least: age.at_least(now),
            rotation: State::None,
        }
    })
}

fn holds_password(loaded: &Loaded, setting: &Setting) -> bool {
    loaded.secret(setting.key).is_some_and(|value| config::mask_address(value.expose_secret()) != value.expose_secret())
}

/// Everything that is wrong.
#[must_use]
pub fn check(loaded: &Loaded, max_age_days: u32, now: Millis) -> Vec<Finding> {
    let mut found = Vec::new();
    files(loaded, &mut found);
    // What reading the files found: names that are none, values that are none, files that others can read.
    let is_ours = |problem: &&config::Problem| {
        problem.level != Level::Missing && problem.place.contains(&loaded.directories().environment_file.display().to_string())
            || problem.message.contains("secret")
    };
    for problem in loaded.problems().iter().filter(is_ours) {
        found.push(Finding {
            is_problem: problem.level.is_problem(),
            about: problem.place.clone(),
            what: problem.message.clone(),
            next: problem.next.clone().unwrap_or_default(),
        });
    }
    values(loaded, &mut found);
    for secret in list(loaded, now) {
        if let Some(age) = secret.at_least.filter(|age| *age > Millis::from(max_age_days) * DAY) {
            found.push(Finding {
                is_problem: true,
                about: secret.name.clone(),
                what: format!("is {} old; {max_age_days} days are the limit (secrets.max_age_days)", clock::duration(age)),
                next: format!("quarterdeck secrets {} {}", if secret.setting.is_some() { "rotate" } else { "set" }, secret.name),
            });
        }
        if secret.rotation != State::None {
            found.push(Finding {
                is_problem: false,
                about: secret.name.clone(),
                what: format!("is being replaced; the step done last is \"{}\"", secret.rotation.as_str()),
                next: format!("go on with `quarterdeck secrets rotate {}`, or go back with --abort", secret.name),
            });
        }
    }
    found
}

fn values(loaded: &Loaded, found: &mut Vec<Finding>) {
    let mut known: BTreeMap<String, &'static str> = BTreeMap::new();
    for setting in names::all() {
        let Some(value) = loaded.secret(setting.key) else { continue };
        let value = value.expose_secret();
        let mut problem = |what: String, next: &str| {
            found.push(Finding { is_problem: true, about: setting.env.to_owned(), what, next: next.to_owned() });
        };
        if config::is_placeholder(value) {
            problem("holds the placeholder of an example".to_owned(), "set the real value with `quarterdeck secrets set`");
        } else if setting.is_secret()
            && let Some(other) = known.insert(value.to_owned(), setting.env)
        {
            problem(format!("has the same value as {other}"), "give each its own: who learns one has the other too");
        }
        if value.trim() != value {
            problem("begins or ends with a blank".to_owned(), "set it again without it, unless it belongs there");
        }
    }
}

fn files(loaded: &Loaded, found: &mut Vec<Finding>) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let directories = loaded.directories();
    let key = directories.config_dir.join("audit.key");
    for path in [directories.environment_file.as_path(), key.as_path()] {
        let Ok(about) = std::fs::metadata(path) else { continue };
        let mut problem = |what: &str, next: String| {
            found.push(Finding { is_problem: true, about: path.display().to_string(), what: what.to_owned(), next });
        };
        if about.permissions().mode() & 0o077 != 0 {
            let next = format!("chmod 600 {}; if others had access, replace what is in it as well", path.display());
            problem("can be read by others than its owner", next);
        }
        let me = rustix::process::geteuid().as_raw();
        if about.uid() != me && me != 0 {
            problem("belongs to somebody else", format!("have it given to you: chown {me} {}", path.display()));
        }
        let directory = path.parent().unwrap_or(Path::new("/"));
        let is_open = std::fs::metadata(directory).is_ok_and(|about| about.permissions().mode() & 0o022 != 0);
        if is_open && path == directories.environment_file {
            problem(
                "is in a directory that others can write: they can put another file in its place",
                format!("chmod go-w {}", directory.display()),
            );
        }
    }
}
