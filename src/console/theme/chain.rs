//! Where themes are found, and what one takes from another: the files of a theme, from the one it rests on to its own.

use super::file::{File, Problem, Written, no_color, parse};
use super::{Look, Role, color};
use crate::base::SafeText;
use crate::config::nearest;
use ratatui::style::Color;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The themes that ship, by name, the usual one first.
pub(super) const SHIPPED: [(&str, &str); 5] = [
    ("dark", include_str!("../../../assets/themes/dark.toml")),
    ("light", include_str!("../../../assets/themes/light.toml")),
    ("contrast", include_str!("../../../assets/themes/contrast.toml")),
    ("deuteranopia", include_str!("../../../assets/themes/deuteranopia.toml")),
    ("mono", include_str!("../../../assets/themes/mono.toml")),
];

/// What a theme rests on that names none.
const USUAL: &str = "dark";

/// No theme is larger: beyond that it is another kind of file.
const MAX_FILE_BYTES: u64 = 256 << 10;

/// A theme that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// The user's file of this name.
    pub path: Option<PathBuf>,
    /// Whether one of this name ships.
    pub is_shipped: bool,
}

/// What the files of a theme say together.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub title: Option<String>,
    pub background: Option<Color>,
    pub looks: BTreeMap<Role, Look>,
}

/// The text of a theme that ships.
fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Whether a word can be the name of a theme: it becomes the name of a file, and must not lead out of the directory.
pub(super) fn is_name(word: &str) -> bool {
    (1..=64).contains(&word.len()) && word.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_')
}

/// The user's file of this name, whether it is there or not.
pub(super) fn user_path(directory: &Path, name: &str) -> PathBuf {
    directory.join("themes").join(format!("{name}.toml"))
}

/// The themes that ship and those of the user, by name; a user's directory that cannot be read is a problem.
pub(super) fn list(directory: &Path) -> (Vec<Found>, Vec<Problem>) {
    let mut found: Vec<Found> = SHIPPED.iter().map(|(name, _)| Found { name: (*name).to_owned(), path: None, is_shipped: true }).collect();
    let themes = directory.join("themes");
    let entries = match std::fs::read_dir(&themes) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (found, Vec::new()),
        Err(error) => return (found, vec![whole(&themes, format!("the directory cannot be read: {error}"))]),
    };
    let mut problems = Vec::new();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    for path in paths {
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()).filter(|name| is_name(name)) else {
            problems.push(whole(&path, NAMES));
            continue;
        };
        match found.iter_mut().find(|known| known.name == name) {
            Some(known) => known.path = Some(path),
            None => found.push(Found { name: name.to_owned(), path: Some(path), is_shipped: false }),
        }
    }
    (found, problems)
}

const NAMES: &str = "a theme's name has 1 to 64 letters, digits, `-` and `_`";

fn whole(path: &Path, reason: impl Into<String>) -> Problem {
    Problem { file: shown(path), at: None, reason: reason.into() }
}

fn shown(path: &Path) -> String {
    SafeText::line(&path.display().to_string()).as_str().to_owned()
}

/// The files of the theme that ships under this name, the one it rests on first; none when there is no such theme.
pub(super) fn shipped_chain(name: &str) -> Vec<File> {
    let mut chain = Vec::new();
    let mut next = shipped(name).map(|text| (name.to_owned(), text));
    // What ships rests on what ships, and no chain is longer than there are themes.
    while let Some((name, text)) = next.take().filter(|_| chain.len() < SHIPPED.len()) {
        let file = parse(&name, text);
        next = file.inherits.as_ref().and_then(|parent| shipped(&parent.text).map(|text| (parent.text.clone(), text)));
        chain.push(file);
    }
    chain.reverse();
    chain
}

/// The files of the theme called `name`, the one it rests on first, and what is wrong with finding them. With `own`, that file is the
/// theme, wherever it is. There is always a theme that ships at the bottom, so that no role is without a look.
pub(super) fn user_chain(directory: &Path, name: &str, own: Option<&Path>) -> (Vec<File>, Vec<Problem>) {
    let (mut chain, mut problems, mut visited) = (Vec::new(), Vec::new(), Vec::<String>::new());
    let mut next = name.to_owned();
    let mut asked: Option<(String, Written)> = None;
    let bottom = loop {
        let path = if chain.is_empty() { own.map(Path::to_path_buf) } else { None };
        let is_own = path.is_some();
        let path = path.unwrap_or_else(|| user_path(directory, &next));
        // A name that was met already means the theme that ships under it: a user's `dark` may rest on `dark`.
        let is_met = visited.contains(&next);
        let text = if is_met || !(is_own || is_name(&next)) { Ok(None) } else { read(&path) };
        match text {
            Ok(Some(text)) => {
                let mut file = parse(&shown(&path), &text);
                let (is_broken, inherits) = (file.is_broken, file.inherits.clone());
                problems.append(&mut file.problems);
                chain.push(file);
                visited.push(next.clone());
                match inherits {
                    Some(parent) => {
                        asked = Some((shown(&path), parent.clone()));
                        next = parent.text;
                    }
                    None if is_broken || shipped(&next).is_some() => break next,
                    None => break USUAL.to_owned(),
                }
                continue;
            }
            Ok(None) if shipped(&next).is_some() => break next,
            Ok(None) if is_own => problems.push(whole(&path, "there is no such file")),
            Ok(None) => problems.push(missing(directory, &next, is_met, asked.as_ref(), &path)),
            Err(reason) => {
                problems.push(whole(&path, reason));
                break next;
            }
        }
        break USUAL.to_owned();
    };
    let mut files = shipped_chain(if shipped(&bottom).is_some() { &bottom } else { USUAL });
    chain.reverse();
    files.append(&mut chain);
    (files, problems)
}

/// What to say about a theme that is not there, or not any more.
fn missing(directory: &Path, name: &str, is_met: bool, asked: Option<&(String, Written)>, path: &Path) -> Problem {
    let quoted = SafeText::clipped(name, 70);
    let reason = if is_met {
        format!("`{quoted}` inherits from itself, by way of this file")
    } else if is_name(name) {
        let (known, _) = list(directory);
        let meant = nearest(name, known.iter().map(|found| found.name.as_str()));
        let meant = meant.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
        format!("there is no theme `{quoted}`{meant}")
    } else {
        format!("there is no theme `{quoted}`: {NAMES}")
    };
    match asked {
        Some((file, parent)) => Problem { file: file.clone(), at: Some(parent.at), reason },
        None if is_name(name) => whole(path, reason),
        None => Problem { file: format!("theme `{quoted}`"), at: None, reason: NAMES.to_owned() },
    }
}

/// The text of a file; nothing when it is not there.
fn read(path: &Path) -> Result<Option<String>, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    // Looked at before it is opened: to open a pipe is to wait for whoever writes into it.
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err("it is not a regular file".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err("it is larger than a theme can be (256 KiB)".to_owned());
    }
    String::from_utf8(bytes).map(Some).map_err(|_| "it is not valid UTF-8".to_owned())
}

/// Lay the files over each other, the first at the bottom. Palettes first: a name keeps its meaning for every file, and the last says what
/// it means. A role is taken whole from the last file that has it without a mistake.
pub(super) fn resolve(chain: &[File]) -> (Resolved, Vec<Problem>) {
    let mut palette: BTreeMap<&str, Color> = BTreeMap::new();
    for file in chain {
        palette.extend(file.palette.iter().map(|(name, color)| (name.as_str(), *color)));
    }
    let mut resolved = Resolved::default();
    let mut problems = Vec::new();
    for file in chain {
        if file.title.is_some() {
            resolved.title.clone_from(&file.title);
        }
        resolved.background = file.background.or(resolved.background);
        for (role, entry) in &file.roles {
            let mut color = |written: &Option<Written>| {
                let Some(written) = written else { return Ok(None) };
                let found = palette.get(written.text.as_str()).copied().or_else(|| color::parse(&written.text));
                found.map(Some).ok_or_else(|| {
                    let reason = no_color(&written.text, palette.keys().copied());
                    problems.push(Problem { file: file.place.clone(), at: Some(written.at), reason });
                })
            };
            let (fg, bg) = (color(&entry.fg), color(&entry.bg));
            if let (Ok(fg), Ok(bg)) = (fg, bg) {
                resolved.looks.insert(*role, Look { fg, bg, modifiers: entry.modifiers });
            }
        }
    }
    (resolved, problems)
}
