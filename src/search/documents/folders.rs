//! Runbooks and notes: the text files of two folders, one document for each section under a heading.

use super::Document;
use super::ingest::{self, Draft};
use crate::base::{Millis, SafeText};
use crate::search::{Kind, Result};
use crate::store::Conn;
use crate::vals;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Files of a folder at the most, folders within it counted in.
const MOST_FILES: usize = 5_000;
/// Bytes of a file at the most.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A file as it lies in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    path: PathBuf,
    /// Size and time of change: another stamp, another text.
    stamp: String,
    changed_at: Millis,
}

/// The text files of a folder, by their path within it. A folder that is not there is empty.
#[must_use]
pub fn list(folder: &Path, notes: &mut Vec<String>) -> BTreeMap<String, Found> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&inner) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            // The kind of the entry itself: a link could lead anywhere, and in circles.
            let Ok(kind) = entry.file_type() else { continue };
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if kind.is_dir() && !is_hidden {
                folders.push(path);
            } else if kind.is_file() && !is_hidden && is_text(&path) {
                if found.len() == MOST_FILES {
                    notes.push(format!("{} has more than {MOST_FILES} files: the rest is left out", shown(folder)));
                    return found;
                }
                let (Ok(meta), Ok(name)) = (entry.metadata(), path.strip_prefix(folder)) else { continue };
                let changed = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
                if meta.len() > LARGEST {
                    notes.push(format!("{} is larger than 4 MiB and is left out", shown(&path)));
                    continue;
                }
                let stamp = format!("{}-{}", meta.len(), changed.as_nanos());
                let changed_at = Millis::try_from(changed.as_millis()).unwrap_or_default();
                found.insert(name.to_string_lossy().into_owned(), Found { path, stamp, changed_at });
            }
        }
    }
    found
}

fn shown(path: &Path) -> SafeText {
    SafeText::line(&path.display().to_string())
}

fn is_text(path: &Path) -> bool {
    path.extension()
        .and_then(|end| end.to_str())
        .is_some_and(|end| ["md", "markdown", "txt", "rst", "adoc"].contains(&end.to_lowercase().as_str()))
}

/// What has to be written for a folder: sections of files that changed, and sections that are gone. The stamps are the files as they are now.
///
/// # Errors
/// When the database fails. A file that cannot be read is noted and looked at again next time.
pub fn changed(c: &mut dyn Conn, kind: Kind, found: &BTreeMap<String, Found>, notes: &mut Vec<String>) -> Result<Option<Changed>> {
    let stored = c.query("SELECT path, stamp, sections FROM search_files WHERE kind = $1", vals![kind.as_str()])?;
    let mut known = BTreeMap::new();
    for row in &stored {
        known.insert(row.text("path")?, (row.text("stamp")?, row.int("sections")?));
    }
    let mut changed = Changed { kind, drafts: Vec::new(), gone: Vec::new(), stamps: Vec::new() };
    for (name, file) in found {
        let before = known.remove(name);
        if before.as_ref().is_some_and(|(stamp, _)| *stamp == file.stamp) {
            continue;
        }
        let text = match std::fs::read(&file.path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => {
                notes.push(format!("{} cannot be read: {error}", shown(&file.path)));
                continue;
            }
        };
        let sections = sections(name, &text);
        let count = sections.len() as i64;
        for (number, (title, body)) in sections.into_iter().enumerate() {
            let document = Document {
                kind,
                persona: None,
                source_id: format!("{name}#{}", number + 1),
                title,
                body,
                subreddit: None,
                state: None,
                confidence: None,
                own_name: None,
                parent: Some(name.clone()),
                author: None,
                at: file.changed_at,
            };
            changed.drafts.push(ingest::draft(c, document.clipped())?);
        }
        for number in count..before.map_or(0, |(_, sections)| sections) {
            changed.gone.push((kind, format!("{name}#{}", number + 1)));
        }
        changed.stamps.push((name.clone(), Some((file.stamp.clone(), count))));
    }
    for (name, (_, sections)) in known {
        changed.gone.extend((1..=sections).map(|number| (kind, format!("{name}#{number}"))));
        changed.stamps.push((name, None));
    }
    Ok((!changed.stamps.is_empty()).then_some(changed))
}

/// What changed in a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    kind: Kind,
    /// Sections to be written.
    pub drafts: Vec<Draft>,
    /// Sections to be taken out.
    pub gone: Vec<(Kind, String)>,
    stamps: Vec<(String, Option<(String, i64)>)>,
}

/// Remember the files as they were read.
///
/// # Errors
/// When the database fails.
pub fn stamp(c: &mut dyn Conn, changed: &Changed) -> Result<()> {
    for (path, stamp) in &changed.stamps {
        match stamp {
            Some((stamp, sections)) => c.exec(
                "INSERT INTO search_files (kind, path, stamp, sections) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (kind, path) DO UPDATE SET stamp = excluded.stamp, sections = excluded.sections",
                vals![changed.kind.as_str(), path, stamp, *sections],
            )?,
            None => c.exec("DELETE FROM search_files WHERE kind = $1 AND path = $2", vals![changed.kind.as_str(), path])?,
        };
    }
    Ok(())
}

/// A text cut at its headings: `# …` of Markdown, `== …` of AsciiDoc. A heading carries the one above it. What has no heading is under the
/// file's name.
#[must_use]
pub fn sections(name: &str, text: &str) -> Vec<(String, String)> {
    let file = Path::new(name).file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().replace(['-', '_'], " "));
    let mut sections: Vec<(String, String)> = Vec::new();
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut body = String::new();
    let mut in_code = false;
    let mut close = |above: &[(usize, String)], body: &mut String| {
        let text = std::mem::take(body).trim().to_owned();
        if !text.is_empty() {
            let from = above.len().saturating_sub(2);
            let title = above[from..].iter().map(|(_, title)| title.as_str()).collect::<Vec<_>>().join(": ");
            sections.push((if title.is_empty() { file.clone() } else { title }, text));
        }
    };
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        match heading(line).filter(|_| !in_code) {
            Some((depth, title)) => {
                close(&above, &mut body);
                above.retain(|(over, _)| *over < depth);
                above.push((depth, title.to_owned()));
            }
            None => {
                body.push_str(line);
                body.push('\n');
            }
        }
    }
    close(&above, &mut body);
    sections
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let mark = line.chars().next().filter(|mark| matches!(mark, '#' | '='))?;
    let depth = line.chars().take_while(|letter| *letter == mark).count();
    let title = line[depth..].strip_prefix(' ')?.trim().trim_end_matches(['#', '=']).trim();
    (depth <= 6 && !title.is_empty()).then_some((depth, title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_at_its_headings_and_not_inside_code() {
        let text = "before\n\n# Keys\nWhat keys are.\n## Rotate\n```\n# a comment\nrotate\n```\nDone.\n## Revoke\n# Other\nEnd";
        assert_eq!(
            sections("on_call.md", text),
            [
                ("on call".to_owned(), "before".to_owned()),
                ("Keys".to_owned(), "What keys are.".to_owned()),
                ("Keys: Rotate".to_owned(), "```\n# a comment\nrotate\n```\nDone.".to_owned()),
                ("Other".to_owned(), "End".to_owned()),
            ]
        );
        assert!(sections("empty.md", "\n \n").is_empty());
    }
}
