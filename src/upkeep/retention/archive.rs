//! What is taken away is first written to a file: JSON lines, compressed, one piece for each batch.
//!
//! A piece is whole in itself, so that `zcat` reads a file of many. It is on the disk before the rows go, and its place and digest stand in
//! the database in the same transaction that takes them away. A piece that the database does not know of was written by a run that was
//! killed in between: its rows are still there. It is moved aside, never thrown away, and never counted twice.

use super::error::{Error, Result};
use crate::base::sha256_hex;
use crate::store::{self, Conn};
use crate::vals;
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The directory in the data directory.
pub const DIRECTORY: &str = "archive";
/// How the files end.
pub(crate) const ENDING: &str = ".jsonl.gz";
/// What stands in the name of a file that was moved aside.
pub(crate) const UNSETTLED: &str = ".unsettled-";
/// How a file ends that is to take the place of another.
const FRESH: &str = ".new";

fn failed(what: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error + use<> {
    let path = path.display().to_string();
    move |error| Error::Archive { what, path: path.clone(), reason: error.to_string() }
}

/// The directory, while nobody else writes in it.
#[derive(Debug)]
pub(crate) struct Archive {
    dir: PathBuf,
    _lock: File,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub file: String,
    pub position: i64,
    pub length: i64,
    pub digest: String,
}

impl Archive {
    /// Open it, for this process alone.
    pub fn open(data_dir: &Path) -> Result<Self> {
        let dir = data_dir.join(DIRECTORY);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(failed("make", &dir))?;
        let path = dir.join(".lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed("open", &path))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| Error::Busy { path: dir.display().to_string() })?;
        Ok(Self { dir, _lock: lock })
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The files, by name.
    pub fn files(&self) -> Result<Vec<String>> {
        files(&self.dir)
    }

    /// Bytes of a file.
    pub fn length(&self, name: &str) -> Result<u64> {
        let path = self.dir.join(name);
        std::fs::metadata(&path).map(|meta| meta.len()).map_err(failed("read", &path))
    }

    /// Move aside what a killed run left behind the `known` bytes of a file that the database knows of. Returns the file it was moved to.
    pub fn settle(&self, name: &str, known: u64) -> Result<Option<String>> {
        let path = self.dir.join(name);
        let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed("open", &path))?;
        if file.metadata().map_err(failed("read", &path))?.len() <= known {
            return Ok(None);
        }
        let aside = self.dir.join(format!("{name}{UNSETTLED}{known}-{}", crate::base::new_id()));
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(known)).and_then(|_| file.read_to_end(&mut tail)).map_err(failed("read", &path))?;
        write_new(&aside, &tail)?;
        self.sync()?;
        file.set_len(known).and_then(|()| file.sync_all()).map_err(failed("shorten", &path))?;
        if known == 0 {
            std::fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        Ok(Some(aside.display().to_string()))
    }

    /// Remove what a killed process had begun to put in the place of a file.
    pub fn sweep(&self) -> Result<()> {
        for name in names(&self.dir)?.into_iter().filter(|name| name.ends_with(FRESH)) {
            let path = self.dir.join(name);
            std::fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(failed("write", &self.dir))
    }

    /// Write lines behind what is in a file, durably.
    pub fn append(&self, name: &str, lines: &str) -> Result<Piece> {
        let path = self.dir.join(name);
        let is_new = !path.exists();
        let compressed = compress(lines).map_err(failed("compress for", &path))?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(failed("open", &path))?;
        let position = file.metadata().map_err(failed("read", &path))?.len();
        let written = file.write_all(&compressed).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // A full disk must not leave half a piece for the next one to stand behind.
            let _ = file.set_len(position);
            return Err(failed("write", &path)(error));
        }
        if is_new {
            self.sync()?;
        }
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Ok(Piece {
            file: name.to_owned(),
            position: count(position),
            length: count(compressed.len() as u64),
            digest: sha256_hex(&compressed),
        })
    }

    /// Take the last piece back: its rows were not taken away.
    pub fn take_back(&self, piece: &Piece) -> Result<()> {
        let path = self.dir.join(&piece.file);
        let file = OpenOptions::new().write(true).open(&path).map_err(failed("open", &path))?;
        file.set_len(u64::try_from(piece.position).unwrap_or(0)).and_then(|()| file.sync_all()).map_err(failed("shorten", &path))
    }

    /// Put a whole file in the place of another, durably.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, fresh) = (self.dir.join(name), self.dir.join(format!("{name}{FRESH}")));
        let _ = std::fs::remove_file(&fresh);
        write_new(&fresh, bytes)?;
        std::fs::rename(&fresh, &path).map_err(failed("replace", &path))?;
        self.sync()
    }
}

/// The names of the files in a directory; none where there is no directory. What was moved aside is none of them.
pub(crate) fn files(dir: &Path) -> Result<Vec<String>> {
    Ok(names(dir)?.into_iter().filter(|name| name.ends_with(ENDING)).collect())
}

/// The names of what a killed run had written and was moved aside.
pub(crate) fn unsettled(dir: &Path) -> Result<Vec<String>> {
    Ok(names(dir)?.into_iter().filter(|name| name.contains(UNSETTLED)).collect())
}

fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed("read", dir))?,
    };
    let mut names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// The whole of a file.
pub(crate) fn bytes(dir: &Path, name: &str) -> Result<Vec<u8>> {
    let path = dir.join(name);
    std::fs::read(&path).map_err(failed("read", &path))
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed("make", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("write", path))
}

/// One whole piece.
pub(crate) fn compress(lines: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(lines.len() / 4 + 64), Compression::fast());
    encoder.write_all(lines.as_bytes())?;
    encoder.finish()
}

impl Piece {
    /// Its bytes in those of its file; `None` where others stand there.
    pub fn within<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let from = usize::try_from(self.position).ok()?;
        let until = from.checked_add(usize::try_from(self.length).ok()?)?;
        bytes.get(from..until).filter(|own| sha256_hex(own) == self.digest)
    }

    /// Its lines.
    ///
    /// # Errors
    /// [`Error::Archive`] where other bytes stand in its place, or such as cannot be decompressed.
    pub fn lines(&self, dir: &Path, bytes: &[u8]) -> Result<String> {
        let path = dir.join(&self.file);
        let foreign = || std::io::Error::other("its content does not match its digest: it was changed or is damaged");
        let own = self.within(bytes).ok_or_else(|| failed("trust", &path)(foreign()))?;
        let mut text = String::new();
        flate2::read::GzDecoder::new(own).read_to_string(&mut text).map_err(failed("decompress", &path))?;
        Ok(text)
    }
}

/// The pieces of a file, in their order.
pub(crate) fn pieces(c: &mut dyn Conn, file: &str) -> store::Result<Vec<(String, Piece)>> {
    let sql = "SELECT id, position, length, digest FROM retention_batches WHERE file = $1 ORDER BY position, id";
    c.query(sql, vals![file])?
        .iter()
        .map(|row| {
            let digest = row.text_opt("digest")?.unwrap_or_default();
            Ok((row.text("id")?, Piece { file: file.to_owned(), position: row.int("position")?, length: row.int("length")?, digest }))
        })
        .collect()
}

/// Bytes up to the end of the last piece.
pub(crate) fn end(pieces: &[(String, Piece)]) -> u64 {
    pieces.iter().map(|(_, piece)| u64::try_from(piece.position.saturating_add(piece.length)).unwrap_or(0)).max().unwrap_or(0)
}

/// The files that the database knows of.
pub(crate) fn recorded(c: &mut dyn Conn) -> store::Result<Vec<String>> {
    c.query("SELECT DISTINCT file FROM retention_batches WHERE file IS NOT NULL ORDER BY file", &[])?
        .iter()
        .map(|row| row.text("file"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_read_again_and_what_nobody_knows_of_is_moved_aside() {
        let data = tempfile::tempdir().unwrap();
        let archive = Archive::open(data.path()).unwrap();
        assert!(matches!(Archive::open(data.path()), Err(Error::Busy { .. })));
        let first = archive.append("calls.jsonl.gz", "{\"a\":1}\n").unwrap();
        let second = archive.append("calls.jsonl.gz", "{\"b\":2}\n").unwrap();
        let all = || bytes(archive.dir(), "calls.jsonl.gz").unwrap();
        assert_eq!(second.lines(archive.dir(), &all()).unwrap(), "{\"b\":2}\n");
        let known = u64::try_from(first.length).unwrap();
        let moved = archive.settle("calls.jsonl.gz", known).unwrap().unwrap();
        assert_eq!(std::fs::read(moved).unwrap(), compress("{\"b\":2}\n").unwrap());
        assert_eq!(archive.settle("calls.jsonl.gz", known).unwrap(), None, "the same tail is moved once");
        assert_eq!(first.lines(archive.dir(), &all()).unwrap(), "{\"a\":1}\n");
        assert!(second.lines(archive.dir(), &all()).is_err());
        std::fs::write(archive.dir().join("calls.jsonl.gz"), vec![7; usize::try_from(first.length).unwrap()]).unwrap();
        assert!(first.lines(archive.dir(), &all()).unwrap_err().to_string().contains("changed or is damaged"));
    }
}
