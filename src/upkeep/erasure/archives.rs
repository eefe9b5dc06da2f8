//! Archives of retention: a file that holds the person is written anew.
//!
//! What stands beside the file says where each piece went, and is on the disk before the file is; see `retention::pieces`.

use super::erase::{HELD, PERHAPS, Work};
use super::error::{Error, Result};
use super::held::Holds;
use super::lines::{self, Line};
use crate::base::sha256_hex;
use crate::upkeep::retention::archive::{self, Piece};
use crate::upkeep::retention::crash;
use crate::upkeep::retention::pieces::{self, Fit, Pieces, State};
use flate2::read::MultiGzDecoder;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

const BROKEN: &str =
    "it does not match its digests: when no retention run or erasure is under way, put it back from a copy or remove it, then ask again";
const MISSING: &str =
    "retention recorded this archive, and it is not here: where it was taken to, it may name the person; put it back and ask again";
const UNSETTLED: &str = "a killed run left this copy of rows that were still in the database: remove it, its rows are archived again";
const TAIL: &str = "a killed run left rows at its end that were still in the database: `quarterdeck retention run` moves them aside";

/// Lines of an archive, by what became of them.
#[derive(Default)]
struct Lines {
    changed: u64,
    held: u64,
    perhaps: u64,
}

impl Work<'_> {
    fn dir(&self) -> PathBuf {
        self.site.settings.data_dir.join(archive::DIRECTORY)
    }

    /// Ids of what the person wrote, from rows that are gone. What cannot be read is told later.
    pub(super) fn archived_ids(&self) -> Result<Vec<String>> {
        let (dir, mut ids) = (self.dir(), Vec::new());
        for name in archive::files(&dir)? {
            let path = dir.join(name);
            let file = std::fs::File::open(&path).map_err(|error| unreadable(&path, &error))?;
            for line in BufReader::new(MultiGzDecoder::new(BufReader::new(file))).lines().map_while(std::io::Result::ok) {
                if self.person.may_be_in(&line) {
                    ids.extend(self.person.collect_ids(&line));
                }
            }
        }
        Ok(ids)
    }

    /// Go through what retention archived.
    pub(super) fn archives(&mut self) -> Result<()> {
        let dir = self.dir();
        if let Some(archive) = &self.archive {
            // What a killed run left is moved aside, so that no file has bytes that nobody knows of.
            pieces::bring_in_step(archive, &self.db, &self.site.actor, self.site.clock.now())?;
        }
        let files = archive::files(&dir)?;
        let (mut all, holds) = (Lines::default(), self.db.read_blocking(Holds::load)?);
        for name in &files {
            let file = name.clone();
            let known = self.db.read_blocking(move |c| archive::pieces(c, &file))?;
            let bytes = archive::bytes(&dir, name)?;
            let (now, moved_by) = match pieces::fit(&bytes, &known, &pieces::states(&dir, name)) {
                Fit::Fits => (known.clone(), None),
                Fit::Moved(request, moved) => (moved, Some(request)),
                Fit::Broken => {
                    self.kept(&dir.join(name).display().to_string(), 1, BROKEN);
                    continue;
                }
            };
            if let (Some(request), true) = (moved_by, self.writes()) {
                self.recorded(name, (known, now.clone()), (request, true))?;
            }
            let end = usize::try_from(archive::end(&now)).unwrap_or(usize::MAX);
            if bytes.get(end..).is_some_and(|tail| !tail.is_empty() && self.may_be_in(tail, &holds)) {
                self.kept(&dir.join(name).display().to_string(), 1, TAIL);
            }
            self.file(name, &bytes, now, &holds, &mut all)?;
        }
        self.touched("archive", all.changed);
        self.kept("archive", all.held, HELD);
        self.kept("archive", all.perhaps, PERHAPS);
        for name in archive::unsettled(&dir)? {
            if self.may_be_in(&archive::bytes(&dir, &name)?, &holds) {
                self.kept(&dir.join(&name).display().to_string(), 1, UNSETTLED);
            }
        }
        for name in self.db.read_blocking(archive::recorded)?.iter().filter(|name| !files.contains(name)) {
            self.kept(&dir.join(name).display().to_string(), 1, MISSING);
        }
        Ok(())
    }

    /// Go through a file whose pieces are known, and write it anew where they hold the person.
    fn file(&self, name: &str, bytes: &[u8], known: Pieces, holds: &Holds, all: &mut Lines) -> Result<()> {
        let dir = self.dir();
        let (mut anew, mut moved, before) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(known.len()), all.changed);
        for (id, piece) in &known {
            let text = piece.lines(&dir, bytes)?;
            let text = self.without(&text, holds, all);
            let compressed = archive::compress(&text).map_err(|error| unreadable(&dir.join(name), &error))?;
            let (position, length, digest) = (anew.len() as i64, compressed.len() as i64, sha256_hex(&compressed));
            moved.push((id.clone(), Piece { file: name.to_owned(), position, length, digest }));
            anew.extend(compressed);
        }
        let Some(archive) = self.archive.as_ref().filter(|_| all.changed > before) else { return Ok(()) };
        pieces::note(archive, name, State::new(&self.report.request, &anew, &moved))?;
        crash("noted");
        archive.replace(name, &anew)?;
        crash("replaced");
        self.recorded(name, (known, moved), (self.report.request.clone(), false))
    }

    fn recorded(&self, name: &str, (old, new): (Pieces, Pieces), (request, is_resumed): (String, bool)) -> Result<()> {
        let (file, actor, at) = (name.to_owned(), self.site.actor.clone(), self.site.clock.now());
        self.db.write_blocking(move |c| pieces::record(c, &file, (&old, &new), (&request, is_resumed), &actor, at))?;
        Ok::<_, Error>(())
    }

    fn without(&self, text: &str, holds: &Holds, all: &mut Lines) -> String {
        let mut left = String::with_capacity(text.len());
        for line in text.lines() {
            match lines::without(&self.person, holds, line) {
                Line::Without(less) => {
                    all.changed += 1;
                    left.push_str(&less);
                    left.push('\n');
                    continue;
                }
                Line::Held => all.held += 1,
                Line::Same(perhaps) => all.perhaps += u64::from(perhaps > 0),
            }
            left.push_str(line);
            left.push('\n');
        }
        left
    }

    /// Whether compressed lines hold the person, or cannot be read to their end.
    fn may_be_in(&self, bytes: &[u8], holds: &Holds) -> bool {
        let mut lines = BufReader::new(MultiGzDecoder::new(bytes)).lines();
        lines.any(|line| line.is_ok_and(|line| lines::without(&self.person, holds, &line) != Line::Same(0)))
            || BufReader::new(MultiGzDecoder::new(bytes)).lines().any(|line| line.is_err())
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let reason = error.to_string();
    Error::Archive(crate::upkeep::retention::Error::Archive { what: "read", path: path.display().to_string(), reason })
}
