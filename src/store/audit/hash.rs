//! What the hash of a row covers: the hash before it and every column of its own.

use crate::base::Millis;
use crate::store::{Result, Row};
use sha2::{Digest as _, Sha256};

/// The hash before the first row.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A row as it is hashed. Bytes, because a row that was tampered with may hold any.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Its number.
    pub seq: i64,
    /// Milliseconds since 1970.
    pub at: Millis,
    /// The columns of text; a persona or a reason that is NULL is `None`.
    pub persona_id: Option<&'a [u8]>,
    /// Kind of actor.
    pub actor_kind: &'a [u8],
    /// Actor.
    pub actor: &'a [u8],
    /// Action.
    pub action: &'a [u8],
    /// Kind of subject.
    pub subject_kind: &'a [u8],
    /// Subject.
    pub subject_id: &'a [u8],
    /// In the actor's words.
    pub reason: Option<&'a [u8]>,
    /// Digest of the subject before.
    pub before_digest: &'a [u8],
    /// Digest of the subject after.
    pub after_digest: &'a [u8],
    /// Before and after.
    pub detail: &'a [u8],
    /// The hash of the row before it.
    pub prev_hash: &'a [u8],
    /// Its hash, which does not count for itself.
    pub hash: &'a [u8],
}

impl<'a> Stored<'a> {
    /// A row of its number, its time and its columns of text in the order of the table.
    pub fn of(seq: i64, at: Millis, text: impl Fn(usize) -> Option<&'a [u8]>) -> Self {
        let must = |column: usize| text(column).unwrap_or_default();
        Self {
            seq,
            at,
            persona_id: text(0),
            actor_kind: must(1),
            actor: must(2),
            action: must(3),
            subject_kind: must(4),
            subject_id: must(5),
            reason: text(6),
            before_digest: must(7),
            after_digest: must(8),
            detail: must(9),
            prev_hash: must(10),
            hash: must(11),
        }
    }
}

impl Stored<'_> {
    /// The hash that it should have by what stands in it, as 64 hexadecimal digits.
    #[must_use]
    pub fn computed(&self) -> [u8; 64] {
        hex(&self.digest())
    }

    /// The hash that it would have under another number.
    #[must_use]
    pub fn computed_as(&self, seq: i64) -> [u8; 64] {
        Self { seq, ..*self }.computed()
    }

    /// SHA-256 over the parts, each behind its length, so that no two rows share a digest. Nothing is allocated: a log has a million rows.
    fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let mut part = |mark: &[u8], text: &[u8]| {
            hasher.update(((mark.len() + text.len()) as u64).to_be_bytes());
            hasher.update(mark);
            hasher.update(text);
        };
        // NULL and the empty text are told apart.
        let optional = |value: Option<&[u8]>| if value.is_some() { b"+" } else { b"-" };
        part(b"", self.prev_hash);
        part(optional(self.persona_id), self.persona_id.unwrap_or_default());
        part(b"", self.actor_kind);
        part(b"", self.actor);
        part(b"", self.action);
        part(b"", self.subject_kind);
        part(b"", self.subject_id);
        part(optional(self.reason), self.reason.unwrap_or_default());
        part(b"", self.before_digest);
        part(b"", self.after_digest);
        part(b"", self.detail);
        part(b"", &self.seq.to_be_bytes());
        part(b"", &self.at.to_be_bytes());
        hasher.finalize().into()
    }
}

/// The hash of a row, as the database keeps it.
pub(super) fn of_row(row: &Stored<'_>) -> String {
    String::from_utf8_lossy(&row.computed()).into_owned()
}

/// Lower-case hexadecimal digits.
fn hex(digest: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// The hash that a row of the table should have by what stands in it.
pub(super) fn of_stored(row: &Row) -> Result<String> {
    let mut page = super::stream::Page::default();
    page.push_row(row)?;
    Ok(page.rows().next().map(|row| of_row(&row)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::sha256_parts;

    #[test]
    fn the_hash_is_the_one_that_old_rows_have() {
        let row = Stored {
            prev_hash: GENESIS.as_bytes(),
            hash: b"",
            seq: 7,
            at: 1_700_000_000_000,
            persona_id: None,
            actor_kind: b"human",
            actor: b"ann",
            action: b"queue.approve",
            subject_kind: b"pending_post",
            subject_id: b"p",
            reason: Some(b""),
            before_digest: b"b",
            after_digest: b"a",
            detail: b"{}",
        };
        let parts: [&[u8]; 13] = [
            GENESIS.as_bytes(),
            b"-",
            b"human",
            b"ann",
            b"queue.approve",
            b"pending_post",
            b"p",
            b"+",
            b"b",
            b"a",
            b"{}",
            &7_i64.to_be_bytes(),
            &1_700_000_000_000_i64.to_be_bytes(),
        ];
        assert_eq!(of_row(&row), sha256_parts(&parts));
        assert_ne!(of_row(&Stored { reason: None, ..row }), of_row(&row));
    }
}
