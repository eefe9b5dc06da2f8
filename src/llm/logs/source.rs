//! Opening a log: plain, compressed (told by its first bytes, whatever its name), or standard input; and telling a file that grew from one that
//! was replaced.

use super::{Error, Result};
use crate::base::sha256_hex;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes at the beginning, and before the place that was reached, by which a file is known again.
pub const KNOWN_BY: u64 = 4096;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// As gzip.
    Gzip,
    /// As Zstandard.
    Zstandard,
}

impl Compression {
    fn of(front: &[u8]) -> Self {
        match front {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstandard,
            _ => Self::None,
        }
    }
}

/// Where a log comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Input,
}

impl Source {
    /// Its name for people.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Input => "standard input".to_owned(),
        }
    }

    pub(super) fn error(&self, error: &std::io::Error) -> Error {
        Error::Read { place: self.place(), reason: error.to_string() }
    }
}

/// A file as it is now.
#[derive(Debug)]
pub struct Present {
    file: File,
    /// The path, without links and dots.
    pub path: PathBuf,
    /// The device that it is on.
    pub device: i64,
    /// Its number there.
    pub inode: i64,
    /// Its size.
    pub size: u64,
    /// When it was changed last, in nanoseconds.
    pub modified_ns: i64,
    /// How it is compressed.
    pub compression: Compression,
}

impl Present {
    /// Look at a file.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn of(path: &Path) -> Result<Self> {
        let look = || {
            let path = path.canonicalize()?;
            let mut file = File::open(&path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(std::io::Error::other("it is a directory"));
            }
            let mut front = [0; 4];
            let length = read_full(&mut file, &mut front)?;
            Ok(Self {
                file,
                path,
                device: metadata.dev().cast_signed(),
                inode: metadata.ino().cast_signed(),
                size: metadata.len(),
                modified_ns: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
                compression: Compression::of(front.get(..length).unwrap_or_default()),
            })
        };
        look().map_err(|error| Source::File(path.to_owned()).error(&error))
    }

    /// The digest of `length` bytes from `from` on; `None` when the file is shorter.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn digest(&mut self, from: u64, length: u64) -> Result<Option<String>> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let read = self.file.seek(SeekFrom::Start(from)).and_then(|_| read_full(&mut self.file, &mut bytes));
        let read = read.map_err(|error| Source::File(self.path.clone()).error(&error))?;
        Ok((read == bytes.len()).then(|| sha256_hex(&bytes)))
    }

    /// Open it at a place of its text, with a counter of the bytes read from the file itself. `true` when that is in the middle of a line.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn open_at(mut self, position: u64) -> Result<(Opened, bool)> {
        let place = Source::File(self.path.clone());
        let read = Arc::new(AtomicU64::new(0));
        let mut open = || {
            let mut before = [b'\n'];
            let input: Box<dyn Read + Send> = match self.compression {
                Compression::None => {
                    if position > 0 {
                        self.file.seek(SeekFrom::Start(position - 1))?;
                        read_full(&mut self.file, &mut before)?;
                    } else {
                        self.file.rewind()?;
                    }
                    read.store(position, Ordering::Relaxed);
                    Box::new(Counted { input: self.file.try_clone()?, read: Arc::clone(&read) })
                }
                compression => {
                    self.file.rewind()?;
                    let mut input = decompressed(Counted { input: self.file.try_clone()?, read: Arc::clone(&read) }, compression);
                    if position > 0 {
                        std::io::copy(&mut (&mut input).take(position - 1), &mut std::io::sink())?;
                        read_full(&mut input, &mut before)?;
                    }
                    input
                }
            };
            Ok((
                Opened { input, read: Arc::clone(&read), size: Some(self.size), waits: self.compression == Compression::None },
                before != *b"\n",
            ))
        };
        open().map_err(|error| place.error(&error))
    }
}

/// An open log.
pub struct Opened {
    /// Its text.
    pub input: Box<dyn Read + Send>,
    /// Bytes read from the file, for progress.
    pub read: Arc<AtomicU64>,
    /// The size of the file, where it is one.
    pub size: Option<u64>,
    /// Whether half a line at the end may become a whole one.
    pub waits: bool,
}

/// Open standard input, which may be compressed too.
///
/// # Errors
/// [`Error::Read`].
pub fn standard_input() -> Result<Opened> {
    let read = Arc::new(AtomicU64::new(0));
    let mut input = BufReader::new(Counted { input: std::io::stdin(), read: Arc::clone(&read) });
    let front = input.fill_buf().map_err(|error| Source::Input.error(&error))?;
    let input = match Compression::of(front) {
        Compression::None => Box::new(input),
        compression => decompressed(input, compression),
    };
    Ok(Opened { input, read, size: None, waits: false })
}

fn decompressed(input: impl Read + Send + 'static, compression: Compression) -> Box<dyn Read + Send> {
    let input = BufReader::with_capacity(1 << 17, input);
    match compression {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        _ => Box::new(super::zstandard::Frames::new(input)),
    }
}

struct Counted<R> {
    input: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let length = self.input.read(bytes)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Read until `bytes` are full or the input ends.
pub(super) fn read_full(input: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
