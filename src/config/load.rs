//! Reading the layers and laying them over one another.

use super::directories::others_may_read;
use super::toml_file::Parsed;
use super::{
    Directories, Error, Kind, Level, Problem, SETTINGS, Setting, Settings, Source, database_address, environment_file, nearest::nearest,
    registry, toml_file, value,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A settings file is a page of text; a larger one is something else.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The file of probes and heartbeats, in the configuration directory: `docs/health.md`.
pub const PROBES_FILE: &str = "probes.toml";

/// A text that a layer gives for a setting. No `Debug`: it may be a secret.
pub(super) struct Given {
    pub setting: &'static Setting,
    pub text: String,
    pub source: Source,
}

/// What the command line and the process environment say.
#[derive(Default)]
pub struct Request {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--database`.
    pub database: Option<String>,
    /// The process environment.
    pub environment: BTreeMap<OsString, OsString>,
}

impl Request {
    /// A request with the environment of this process.
    #[must_use]
    pub fn from_process() -> Self {
        Self { environment: std::env::vars_os().collect(), ..Self::default() }
    }

    fn variable(&self, name: &str) -> Option<&OsString> {
        self.environment.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty())
    }

    /// The configuration file that was asked for, and by which name.
    #[must_use]
    pub fn config_file(&self) -> Option<(PathBuf, &'static str)> {
        let option = self.config.clone().map(|path| (path, "command line (--config)"));
        option.or_else(|| self.variable("QUARTERDECK_CONFIG").map(|path| (PathBuf::from(path), "environment (QUARTERDECK_CONFIG)")))
    }
}

/// A file that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// What it is: `config`, `environment`.
    pub what: &'static str,
    /// Its path.
    pub path: PathBuf,
    /// Whether something is there.
    pub exists: bool,
}

/// A setting as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value with secrets left out; `None` when it is not set, and for a secret.
    pub value: Option<String>,
    /// Whether a value is set.
    pub is_set: bool,
    /// Where the value came from.
    pub source: Source,
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Setting {}

/// All layers, read, and everything that was found wrong on the way.
pub struct Loaded {
    directories: Directories,
    files: Vec<FileStatus>,
    /// The strongest text for each setting that any layer gives. Each passed its own check.
    values: BTreeMap<&'static str, (String, Source)>,
    problems: Vec<Problem>,
    /// Whether a file was refused as a whole: what is not set may well stand there.
    refused_a_file: bool,
    /// Names that the probes take from the environment.
    probe_names: BTreeSet<String>,
}

/// Read every layer. This never fails: what is wrong stands in [`Loaded::problems`].
#[must_use]
pub fn load(request: &Request) -> Loaded {
    let asked = request.config_file();
    let mut problems = Vec::new();
    let directories = Directories::locate(asked.as_ref().map(|(path, _)| path.as_path())).unwrap_or_else(|| {
        let problem = Problem::new(Level::Error, "environment", "there is no home directory to keep anything in");
        problems.push(problem.next("set HOME, or the XDG directories, to directories that can be written"));
        Directories {
            config_dir: PathBuf::new(),
            config_file: PathBuf::from("config.toml"),
            environment_file: PathBuf::from("environment"),
            data_dir: PathBuf::from("data"),
            state_dir: PathBuf::from("state"),
        }
    });
    let mut loaded =
        Loaded { directories, files: Vec::new(), values: BTreeMap::new(), problems, refused_a_file: false, probe_names: BTreeSet::new() };

    let config_file = loaded.directories.config_file.clone();
    let exists = loaded.file(&config_file, "config", &toml_file::parse);
    if let (false, Some((_, by))) = (exists, asked) {
        let problem = Problem::new(Level::Error, by, format!("there is no configuration file at {}", config_file.display()));
        loaded.problems.push(problem.next("create it, or leave the option out to use the usual place"));
    }
    let environment_file = loaded.directories.environment_file.clone();
    // What is wrong with that file itself is told by whoever runs the probes.
    let probes = read(&loaded.directories.config_dir.join(PROBES_FILE)).ok().flatten();
    let used = probes.map(|(text, _)| environment_file::used_in(&text)).unwrap_or_default();
    loaded.file(&environment_file, "environment", &|path, text| environment_file::parse(path, text, &used));
    loaded.probe_names = used;
    loaded.environment(request);
    loaded.command_line(request);
    loaded
}

impl Loaded {
    /// The directories of this installation.
    #[must_use]
    pub fn directories(&self) -> &Directories {
        &self.directories
    }

    /// The names that `probes.toml` takes from the environment or the environment file, in their order.
    #[must_use]
    pub fn probe_names(&self) -> &BTreeSet<String> {
        &self.probe_names
    }

    /// The files that were looked for.
    #[must_use]
    pub fn files(&self) -> &[FileStatus] {
        &self.files
    }

    /// What was found while reading.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The settings in their types.
    ///
    /// # Errors
    /// [`Error::Invalid`] when any file or value is wrong. Missing credentials are no error here: see [`Settings::require`].
    pub fn settings(&self) -> Result<Settings, Error> {
        let mut wrong = self.problems.iter().filter(|problem| problem.level == Level::Error);
        match wrong.next() {
            Some(first) => Err(Error::Invalid { first: Box::new(first.clone()), others: wrong.count() }),
            None => Settings::from_loaded(self).map_err(|problem| Error::Invalid { first: Box::new(problem), others: 0 }),
        }
    }

    /// The settings that are not set and that `purpose` needs; none as long as a file is refused, because they may stand there.
    #[must_use]
    pub fn missing(&self, purpose: super::Purpose) -> Vec<&'static Setting> {
        if self.refused_a_file { Vec::new() } else { super::settings::missing(purpose, |key| self.text(key).is_some()) }
    }

    /// Every setting with its value and source, secrets left out.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        let show = |setting: &'static Setting| {
            let value = self.text(setting.key).map(|text| match setting.kind {
                Kind::Database => super::mask_address(&text),
                _ => text,
            });
            let is_set = value.is_some();
            Shown { setting, value: value.filter(|_| !setting.is_secret()), is_set, source: self.source(setting.key) }
        };
        SETTINGS.iter().map(show).collect()
    }

    /// The value of a secret that is in force.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<secrecy::SecretString> {
        self.text(key).map(secrecy::SecretString::from)
    }

    /// Where a setting's value came from.
    #[must_use]
    pub fn source(&self, key: &str) -> Source {
        self.values.get(key).map_or(Source::Default, |(_, source)| source.clone())
    }

    /// The text of a setting: what a layer gives, else its default, else what is made from other settings.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        if let Some((text, _)) = self.values.get(key) {
            return Some(text.clone());
        }
        match key {
            "data_dir" => Some(self.directories.data_dir.display().to_string()),
            "database" => {
                self.text("data_dir").map(|directory| format!("sqlite:{}", Path::new(&directory).join("quarterdeck.db").display()))
            }
            "reddit.user_agent" => {
                let name = self.text("reddit.username")?;
                Some(format!("{}:quarterdeck:{} (by /u/{name})", std::env::consts::OS, env!("CARGO_PKG_VERSION")))
            }
            _ => Setting::by_key(key).and_then(|setting| setting.default).map(str::to_owned),
        }
    }

    /// Read one file and take what it gives. Returns whether something is there.
    fn file(&mut self, path: &Path, what: &'static str, parse: &dyn Fn(&Path, &str) -> Parsed) -> bool {
        let place = path.display().to_string();
        let read = read(path);
        self.files.push(FileStatus { what, path: path.to_path_buf(), exists: !matches!(read, Ok(None)) });
        let (text, open) = match read {
            Ok(None) => return false,
            Ok(Some(contents)) => contents,
            Err(reason) => {
                let problem = Problem::new(Level::Error, place, format!("the file cannot be read: {reason}"));
                self.problems.push(problem.next("correct or remove this file"));
                self.refused_a_file = true;
                return true;
            }
        };
        let parsed = parse(path, &text);
        self.refused_a_file |= parsed.is_broken;
        self.problems.extend(parsed.problems);
        let secret = parsed.given.iter().find(|given| !given.text.is_empty() && holds_secret(given));
        let named = secret.map(|secret| secret.setting.env).or(parsed.other_secret.as_deref());
        if let (true, Some(name)) = (open, named) {
            let message = format!("the file holds a secret ({name}) and others than its owner may read it");
            let problem = Problem::new(Level::Error, place, message);
            let problem = secret.map_or_else(|| problem.clone(), |secret| problem.clone().about(secret.setting));
            self.problems.push(problem.next(format!("chmod 600 {}; if others had access, replace the secret as well", path.display())));
            self.refused_a_file = true;
            return true;
        }
        let base = path.parent().unwrap_or(Path::new("")).to_path_buf();
        for given in parsed.given {
            self.take(given, &base);
        }
        true
    }

    fn environment(&mut self, request: &Request) {
        let here = std::env::current_dir().unwrap_or_default();
        for setting in SETTINGS {
            let Some(text) = request.variable(setting.env) else { continue };
            let source = Source::Environment { name: setting.env };
            match text.to_str() {
                Some(text) => self.take(Given { setting, text: text.to_owned(), source }, &here),
                None => {
                    let problem = Problem::new(Level::Error, &source, format!("{} is not valid UTF-8", setting.env)).about(setting);
                    self.problems.push(problem.next("set it again as text"));
                }
            }
        }
        for name in request.environment.keys().filter_map(|name| name.to_str()) {
            self.problems.extend(stranger(name));
        }
    }

    fn command_line(&mut self, request: &Request) {
        let here = std::env::current_dir().unwrap_or_default();
        let data_dir = request.data_dir.as_ref().map(|path| {
            // A path that is no UTF-8 would be changed by being turned into text, and another directory used: empty is refused below.
            (path.to_str().unwrap_or_default().to_owned(), "data_dir", "--data-dir")
        });
        let database = request.database.as_ref().map(|address| (address.clone(), "database", "--database"));
        for (text, key, option) in [data_dir, database].into_iter().flatten() {
            let source = Source::CommandLine { option };
            if text.is_empty() {
                let next = "give a value in UTF-8, or leave the option out";
                self.problems.push(Problem::new(Level::Error, &source, format!("{option} is empty or not valid UTF-8")).next(next));
            } else if let Some(setting) = Setting::by_key(key) {
                self.take(Given { setting, text, source }, &here);
            }
        }
    }

    /// Lay a text over what weaker layers gave, when it is right. An empty text counts as not set.
    fn take(&mut self, given: Given, base: &Path) {
        let Given { setting, text, source } = given;
        let text = if setting.is_secret() { text } else { text.trim().to_owned() };
        if text.is_empty() {
            return;
        }
        let name = match &source {
            Source::File { .. } => setting.key,
            Source::CommandLine { option } => option,
            _ => setting.env,
        };
        let checked = value::check(setting.kind, &text).and_then(|()| match setting.kind {
            Kind::Database => {
                let mapped = database_address::map(&text, base)?;
                // What was said about a value that this one covers is of no use any more.
                self.problems.retain(|problem| problem.level != Level::Note || problem.setting != Some(setting.key));
                if let Some(note) = mapped.note {
                    self.problems.push(Problem::new(Level::Note, &source, format!("{name} is {note}")).about(setting));
                }
                Ok(mapped.address)
            }
            Kind::Directory | Kind::File => Ok(database_address::absolute(&text, base).display().to_string()),
            _ => Ok(text),
        });
        match checked {
            Ok(text) => {
                self.values.insert(setting.key, (text, source));
            }
            Err(message) => {
                let problem = Problem::new(Level::Error, &source, format!("{name} {message}")).about(setting);
                self.problems.push(problem.next(format!("correct it. {}", setting.doc)));
            }
        }
    }
}

/// Whether a text must not be read by others: a secret, or an address with a password.
fn holds_secret(given: &Given) -> bool {
    given.setting.is_secret() || (given.setting.kind == Kind::Database && super::mask_address(&given.text) != given.text)
}

/// The text of a file and whether others may read it; `None` when there is no file.
fn read(path: &Path) -> Result<Option<(String, bool)>, String> {
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let found = file.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err("it is larger than a settings file can be (1 MiB)".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not valid UTF-8")
    })?;
    Ok(Some((text, others_may_read(&found))))
}

/// What to say about a name in the process environment that is no setting. Names of other programs are none of our business, but a
/// name with our prefix, or one letter away from a setting, was meant for us.
fn stranger(name: &str) -> Option<Problem> {
    if registry::IGNORED_NAMES.iter().any(|ignored| ignored.name == name) {
        return environment_file::stranger(name, "environment");
    }
    let ours = registry::OTHER_NAMES.iter().map(|other| other.name).chain(SETTINGS.iter().map(|setting| setting.env));
    if ours.clone().any(|known| known == name) {
        return None;
    }
    let near = nearest(name, ours).filter(|known| name.starts_with("QUARTERDECK_") || known.len().abs_diff(name.len()) <= 1);
    if near.is_none() && !name.starts_with("QUARTERDECK_") {
        return None;
    }
    let near = near.map(|known| format!("; did you mean {known}?")).unwrap_or_default();
    let place = format!("environment ({name})");
    Some(Problem::new(Level::Odd, place, format!("{name} is not a setting{near}")).next("correct the name, or unset it"))
}
