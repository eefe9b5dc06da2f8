//! Digests of files and of rows.

use super::work::Tell;
use super::{Error, Result};
use crate::upkeep::progress::Unit;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::path::Path;

/// Bytes that are hashed at once.
const CHUNK: usize = 1 << 18;

/// The bytes of a digest as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Size and SHA-256 of a file.
pub(super) fn file(path: &Path, tell: &Tell) -> Result<(u64, String)> {
    let failed = |error: std::io::Error| Error::io("read", path, &error);
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    let (mut hasher, mut chunk, mut size) = (Sha256::new(), vec![0; CHUNK], 0);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok((size, hex(&hasher.finalize()))),
            Ok(read) => {
                hasher.update(chunk.get(..read).unwrap_or_default());
                size += read as u64;
                if size % (CHUNK as u64 * 64) == 0 {
                    tell.told("reading files", size, Some(total), Unit::Bytes)?;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// The digest of a table: the names of its columns, then each value with its type and, where it has one, its length.
#[derive(Debug)]
pub(super) struct Rows {
    hasher: Sha256,
    waiting: Vec<u8>,
}

impl Rows {
    /// Of a table with these columns.
    pub(super) fn new<'a>(columns: impl Iterator<Item = &'a str>) -> Self {
        let mut rows = Self { hasher: Sha256::new(), waiting: Vec::with_capacity(CHUNK + 4_096) };
        columns.for_each(|column| rows.bytes(b'c', column.as_bytes()));
        rows
    }

    fn take(&mut self, bytes: &[u8]) {
        if self.waiting.len() + bytes.len() > CHUNK {
            self.hasher.update(&self.waiting);
            self.waiting.clear();
        }
        if bytes.len() > CHUNK { self.hasher.update(bytes) } else { self.waiting.extend_from_slice(bytes) }
    }

    /// A value without a size of its own.
    pub(super) fn fixed(&mut self, kind: u8, value: [u8; 8]) {
        let [a, b, c, d, e, f, g, h] = value;
        self.take(&[kind, a, b, c, d, e, f, g, h]);
    }

    /// No value.
    pub(super) fn null(&mut self) {
        self.take(b"n");
    }

    /// Text or bytes.
    pub(super) fn bytes(&mut self, kind: u8, value: &[u8]) {
        self.fixed(kind, (value.len() as u64).to_be_bytes());
        self.take(value);
    }

    /// Bytes as a server sends them, which hold their own bounds.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.take(bytes);
    }

    /// The digest.
    pub(super) fn finish(mut self) -> String {
        self.hasher.update(&self.waiting);
        hex(&self.hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[Option<Vec<u8>>]) -> String {
        let mut rows = Rows::new(["a"].into_iter());
        for value in values {
            match value {
                Some(value) => rows.bytes(b't', value),
                None => rows.null(),
            }
        }
        rows.finish()
    }

    proptest! {
        #[test]
        fn other_values_have_another_digest(one: Vec<Option<Vec<u8>>>, other: Vec<Option<Vec<u8>>>) {
            prop_assert_eq!(one == other, of(&one) == of(&other));
        }
    }

    #[test]
    fn long_values_are_kept_in_order() {
        let long = vec![7; CHUNK + 1];
        assert_ne!(of(&[Some(b"x".to_vec()), Some(long.clone())]), of(&[Some(long), Some(b"x".to_vec())]));
    }
}
