//! `probes.toml` beside the configuration file: read with the place of everything that is wrong, and taken up again when it changes.
//!
//! A broken file leaves what was in force, and the board says so.

pub(super) mod address;
pub(super) mod define;
pub(super) mod page;

pub use page::{Fault, Names};

use super::model::Definitions;
use super::presets;
use crate::base::{SafeText, sha256_hex};
use define::{Defaults, defaults};
use page::{Entry, Page};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Name of the file, beside the configuration file.
pub const FILE_NAME: &str = crate::config::PROBES_FILE;
/// Probes that one process runs at most: each is a task of its own.
pub const MOST: usize = 5_000;
/// A larger file is something else.
const MAX_BYTES: u64 = 4 << 20;

/// Why the file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("probes.toml cannot be used: {}; `quarterdeck probe validate` lists everything that is wrong", .faults.first().map(ToString::to_string).unwrap_or_default())]
pub struct Broken {
    /// Everything that is wrong, with its place.
    pub faults: Vec<Fault>,
}

/// Read a text.
///
/// # Errors
/// Everything that is wrong in it.
pub fn parse(source: &str, text: &str, is_open: bool, names: &dyn Names) -> Result<Definitions, Broken> {
    let page = Page { is_open, ..Page::new(source, text, names) };
    let mut definitions = Definitions::default();
    let mut other_faults = Vec::new();
    if let Some(document) = page::table(&page, text) {
        let root = Entry::new(&page, document.get_ref(), 0, "the file");
        let from = match root.get("defaults") {
            None => Defaults::default(),
            Some((value, at)) => match value.as_table() {
                Some(table) => {
                    let entry = Entry::new(&page, table, at, "[defaults]");
                    let from = defaults(&entry, Defaults::default());
                    entry.done(&[]);
                    from
                }
                None => {
                    page.fault(at, "`defaults` is a table: write [defaults] on a line of its own");
                    Defaults::default()
                }
            },
        };
        definitions.presets = root.texts("presets").unwrap_or_default();
        let variables = root.named("preset");
        for (name, _, at) in &variables {
            if !definitions.presets.contains(name) {
                page.fault(*at, format!("[preset.{name}] has variables of a preset that is not switched on: add it to `presets`"));
            }
        }
        let at = root.get("presets").map_or(0, |(_, at)| at);
        for (number, name) in definitions.presets.iter().enumerate() {
            if definitions.presets.iter().take(number).any(|before| before == name) {
                page.fault(at, format!("the preset `{}` is switched on twice", SafeText::clipped(name, 60)));
                continue;
            }
            let given = variables.iter().find(|(of, _, _)| of == name);
            let given = given.map(|(_, table, at)| Entry::new(&page, table, *at, "[preset]").free_texts()).unwrap_or_default();
            match presets::laid_out(name, &page, at, &given, from) {
                Ok(probes) => {
                    for probe in probes {
                        if definitions.probe(&probe.name).is_some() {
                            page.fault(at, format!("there is a second probe called `{}`, of the preset `{name}`", probe.name));
                        }
                        definitions.probes.push(probe);
                    }
                }
                Err(faults) => other_faults.extend(faults),
            }
        }
        for (table, at) in root.tables("probe") {
            if let Some(probe) = define::probe(&page, table, at, from, None) {
                if definitions.probe(&probe.name).is_some() {
                    page.fault(at, format!("there is a second probe called `{}`", probe.name));
                }
                definitions.probes.push(probe);
            }
        }
        for (table, at) in root.tables("heartbeat") {
            if let Some(heartbeat) = define::heartbeat(&page, table, at) {
                if definitions.heartbeat(&heartbeat.name).is_some() || definitions.probe(&heartbeat.name).is_some() {
                    page.fault(at, format!("there is a second probe or heartbeat called `{}`", heartbeat.name));
                }
                definitions.heartbeats.push(heartbeat);
            }
        }
        for (table, at) in root.tables("maintenance") {
            let Some(window) = define::window(&page, table, at) else { continue };
            check_scope(&page, at, &window.scope, &definitions);
            definitions.maintenance.push(window);
        }
        root.done(&[]);
        if definitions.probes.len() > MOST {
            page.fault(0, format!("there are {} probes; {MOST} are possible", definitions.probes.len()));
        }
    }
    let mut faults = page.faults.into_inner();
    faults.extend(other_faults);
    if faults.is_empty() { Ok(definitions) } else { Err(Broken { faults }) }
}

/// A window that holds nothing would let everybody be called.
fn check_scope(page: &Page<'_>, at: usize, scope: &super::model::Scope, definitions: &Definitions) {
    use super::model::Scope;
    let refused = page.refused.borrow();
    let refused = || refused.iter().map(|(name, system)| (name.as_str(), system.as_str()));
    let probes = || definitions.probes.iter().map(|probe| (probe.name.as_str(), probe.system.as_str())).chain(refused());
    let beats = || definitions.heartbeats.iter().map(|beat| (beat.name.as_str(), beat.system.as_str()));
    let (what, name, known): (_, _, Vec<&str>) = match scope {
        Scope::All => return,
        Scope::System(name) => ("system", name, probes().chain(beats()).map(|(_, system)| system).collect()),
        Scope::Probe(name) => ("probe or heartbeat", name, probes().chain(beats()).map(|(name, _)| name).collect()),
    };
    if !known.contains(&name.as_str()) {
        let near = crate::config::nearest(name, known.into_iter()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        page.fault(at, format!("there is no {what} called `{}`{near}", SafeText::clipped(name, 60)));
    }
}

/// `${NAME}` from the process environment, else from the environment file.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    file: Option<PathBuf>,
}

impl Environment {
    /// With an environment file, where there is one.
    #[must_use]
    pub fn with(file: Option<PathBuf>) -> Self {
        Self { file }
    }
}

impl Names for Environment {
    fn value(&self, name: &str) -> Result<Option<String>, String> {
        match std::env::var(name) {
            Ok(value) => return Ok(Some(value)),
            Err(std::env::VarError::NotUnicode(_)) => return Err("it is not valid UTF-8".to_owned()),
            Err(std::env::VarError::NotPresent) => {}
        }
        let Some(path) = &self.file else { return Ok(None) };
        let Some((text, is_open)) = read(path)? else { return Ok(None) };
        let found = crate::config::named_in(&text, name);
        if found.is_some() && is_open {
            return Err(format!("it stands in a file that others than its owner may read: chmod 600 {}", path.display()));
        }
        Ok(found)
    }
}

/// A file's text, and whether others than its owner may read it; `None` when there is no such file.
fn read(path: &Path) -> Result<Option<(String, bool)>, String> {
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
    if !found.is_file() || found.len() > MAX_BYTES {
        return Err(format!("{} is not a file of at most 4 MiB", path.display()));
    }
    #[cfg(unix)]
    let is_open = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0;
    #[cfg(not(unix))]
    let is_open = false;
    let text = std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    Ok(Some((text, is_open)))
}

/// The definitions in force, and what is wrong with the file when it is not what is in force.
#[derive(Debug, Clone)]
pub struct Current {
    /// What is probed.
    pub definitions: Arc<Definitions>,
    /// What is wrong with the file now: `definitions` are those of before.
    pub broken: Option<Broken>,
}

/// The file, with what was read of it last. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Source(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    environment: Environment,
    state: RwLock<(Current, Option<Taken>)>,
}

/// What the definitions in force were read from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Taken {
    file: Option<Version>,
    environment: Result<Option<Version>, String>,
}

/// A file as it was: what stands in it may be secret, and is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    digest: String,
    is_open: bool,
}

impl Version {
    fn of((text, is_open): &(String, bool)) -> Self {
        Self { digest: sha256_hex(text.as_bytes()), is_open: *is_open }
    }
}

impl Source {
    /// The file of a directory of configuration. It is read at once; where it is broken, nothing is probed until it is right.
    #[must_use]
    pub fn open(config_dir: &Path, environment_file: &Path) -> Self {
        let path = config_dir.join(FILE_NAME);
        let environment = Environment::with(Some(environment_file.to_path_buf()));
        let nothing = Current { definitions: Arc::default(), broken: None };
        let source = Self(Arc::new(Inner { path, environment, state: RwLock::new((nothing, None)) }));
        source.reload();
        source
    }

    /// Where the file is, or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What is in force.
    #[must_use]
    pub fn current(&self) -> Current {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Read the file again where it, or the environment file, changed, or who may read them. Returns whether other definitions are in force now.
    pub fn reload(&self) -> bool {
        let inner = &self.0;
        let failed = |reason: String| Broken { faults: vec![Fault { place: inner.path.display().to_string(), reason }] };
        let environment = inner.environment.file.as_deref().map_or(Ok(None), read).map(|found| found.as_ref().map(Version::of));
        let read = read(&inner.path).map_err(failed);
        let taken = read.as_ref().ok().map(|found| Taken { file: found.as_ref().map(Version::of), environment });
        {
            let state = inner.state.read().unwrap_or_else(PoisonError::into_inner);
            if taken.is_some() && state.1 == taken {
                return false;
            }
        }
        let parsed = read.and_then(|found| match found {
            None => Ok(Definitions::default()),
            Some((text, is_open)) => parse(&inner.path.display().to_string(), &text, is_open, &inner.environment),
        });
        let mut state = inner.state.write().unwrap_or_else(PoisonError::into_inner);
        state.1 = taken;
        match parsed {
            Ok(definitions) => {
                state.0 = Current { definitions: Arc::new(definitions), broken: None };
                true
            }
            Err(broken) => {
                if state.0.broken.as_ref() != Some(&broken) {
                    tracing::warn!(%broken, "the definitions of before stay in force");
                }
                state.0.broken = Some(broken);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
