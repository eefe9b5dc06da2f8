//! The stored numbers of a shard's rows: those that the index file has are read from it when they are needed, later ones are in memory.
//!
//! Fifty rows a question are read; the system keeps what is read often. At a million rows of 256 numbers this saves half a gigabyte.

use std::fs::File;
use std::io;
use std::sync::Arc;

/// Rows of a fixed length.
#[derive(Debug, Default)]
pub(super) struct StoredRows {
    /// Bytes of a row.
    length: usize,
    filed: Option<Filed>,
    tail: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Filed {
    file: Arc<File>,
    offset: u64,
    rows: usize,
}

impl StoredRows {
    pub(super) fn new(length: usize) -> Self {
        Self { length, filed: None, tail: Vec::new() }
    }

    /// Rows `0..rows` in a file, from `offset` on.
    pub(super) fn in_file(length: usize, file: Arc<File>, offset: u64, rows: usize) -> Self {
        Self { length, filed: Some(Filed { file, offset, rows }), tail: Vec::new() }
    }

    fn filed_rows(&self) -> usize {
        self.filed.as_ref().map_or(0, |filed| filed.rows)
    }

    pub(super) fn push(&mut self, row: &[u8]) {
        debug_assert_eq!(row.len(), self.length, "a row of another length");
        self.tail.extend_from_slice(row);
    }

    /// Read rows from `row` on into `out`, whose length is a whole number of rows.
    ///
    /// # Errors
    /// When the file cannot be read, or there are not so many rows.
    pub(super) fn read(&self, row: usize, out: &mut [u8]) -> io::Result<()> {
        let filed = self.filed_rows();
        let from_file = filed.saturating_sub(row).saturating_mul(self.length).min(out.len());
        let (first, rest) = out.split_at_mut(from_file);
        if let Some(filed) = self.filed.as_ref().filter(|_| !first.is_empty()) {
            read_at(&filed.file, first, filed.offset + (row * self.length) as u64)?;
        }
        if !rest.is_empty() {
            let from = row.saturating_sub(filed) * self.length;
            let rows = self.tail.get(from..from + rest.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            rest.copy_from_slice(rows);
        }
        Ok(())
    }

    /// These rows, one after the other, in memory.
    ///
    /// # Errors
    /// As [`StoredRows::read`].
    pub(super) fn gathered(&self, rows: &[usize]) -> io::Result<Self> {
        let mut tail = vec![0; rows.len() * self.length];
        for (row, out) in rows.iter().zip(tail.chunks_exact_mut(self.length.max(1))) {
            self.read(*row, out)?;
        }
        Ok(Self { length: self.length, filed: None, tail })
    }

    /// The first `rows` rows are in this file now; those after them stay in memory.
    pub(super) fn filed(&mut self, file: Arc<File>, offset: u64, rows: usize) {
        let moved = rows.saturating_sub(self.filed_rows()) * self.length;
        self.tail = self.tail.split_off(moved.min(self.tail.len()));
        self.tail.shrink_to_fit();
        self.filed = Some(Filed { file, offset, rows });
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.tail.capacity()
    }
}

#[cfg(unix)]
pub(super) fn read_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
pub(super) fn read_at(file: &File, mut out: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                out = &mut out[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn rows_are_the_same_before_and_after_they_are_filed() {
        let mut rows = StoredRows::new(2);
        for row in 0..5_u8 {
            rows.push(&[row, row + 10]);
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[9, 9, 9, 0, 10, 1, 11, 2, 12]).unwrap();
        rows.filed(Arc::new(file), 3, 3);
        let mut out = [0; 10];
        rows.read(0, &mut out).unwrap();
        assert_eq!(out, [0, 10, 1, 11, 2, 12, 3, 13, 4, 14]);
        let mut one = [0; 2];
        rows.read(4, &mut one).unwrap();
        assert_eq!(one, [4, 14]);
        assert!(rows.read(5, &mut one).is_err());
        let mut gathered = [0; 4];
        rows.gathered(&[1, 4]).unwrap().read(0, &mut gathered).unwrap();
        assert_eq!(gathered, [1, 11, 4, 14]);
    }
}
