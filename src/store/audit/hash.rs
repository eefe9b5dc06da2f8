//! What the hash of a row covers: the hash before it and every column of its own.

use crate::base::Millis;
use crate::store::{Result, Row};
use sha2::{Digest as _, Sha256};

/// The hash before the first row.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A row as it is hashed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hashed<'a> {
    pub prev_hash: &'a str,
    pub seq: i64,
    pub at: Millis,
    pub persona_id: Option<&'a str>,
    pub actor_kind: &'a str,
    pub actor: &'a str,
    pub action: &'a str,
    pub subject_kind: &'a str,
    pub subject_id: &'a str,
    pub reason: Option<&'a str>,
    pub before_digest: &'a str,
    pub after_digest: &'a str,
    pub detail: &'a str,
}

/// The hash of a row, as the database keeps it.
pub(super) fn of_row(row: &Hashed<'_>) -> String {
    String::from_utf8_lossy(&hex(&digest(row))).into_owned()
}

/// SHA-256 over the parts, each behind its length, so that no two rows share a digest. Nothing is allocated: a log has a million rows.
pub(super) fn digest(row: &Hashed<'_>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut part = |mark: &[u8], text: &[u8]| {
        hasher.update(((mark.len() + text.len()) as u64).to_be_bytes());
        hasher.update(mark);
        hasher.update(text);
    };
    // NULL and the empty text are told apart.
    let optional = |value: Option<&'_ str>| if value.is_some() { b"+" } else { b"-" };
    part(b"", row.prev_hash.as_bytes());
    part(optional(row.persona_id), row.persona_id.unwrap_or_default().as_bytes());
    part(b"", row.actor_kind.as_bytes());
    part(b"", row.actor.as_bytes());
    part(b"", row.action.as_bytes());
    part(b"", row.subject_kind.as_bytes());
    part(b"", row.subject_id.as_bytes());
    part(optional(row.reason), row.reason.unwrap_or_default().as_bytes());
    part(b"", row.before_digest.as_bytes());
    part(b"", row.after_digest.as_bytes());
    part(b"", row.detail.as_bytes());
    part(b"", &row.seq.to_be_bytes());
    part(b"", &row.at.to_be_bytes());
    hasher.finalize().into()
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(digest: &[u8; 32]) -> [u8; 64] {
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
    let (persona_id, reason) = (row.text_opt("persona_id")?, row.text_opt("reason")?);
    Ok(of_row(&Hashed {
        prev_hash: &row.text("prev_hash")?,
        seq: row.int("seq")?,
        at: row.int("at")?,
        persona_id: persona_id.as_deref(),
        actor_kind: &row.text("actor_kind")?,
        actor: &row.text("actor")?,
        action: &row.text("action")?,
        subject_kind: &row.text("subject_kind")?,
        subject_id: &row.text("subject_id")?,
        reason: reason.as_deref(),
        before_digest: &row.text("before_digest")?,
        after_digest: &row.text("after_digest")?,
        detail: &row.text("detail")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::sha256_parts;

    #[test]
    fn the_hash_is_the_one_that_old_rows_have() {
        let row = Hashed {
            prev_hash: GENESIS,
            seq: 7,
            at: 1_700_000_000_000,
            persona_id: None,
            actor_kind: "human",
            actor: "ann",
            action: "queue.approve",
            subject_kind: "pending_post",
            subject_id: "p",
            reason: Some(""),
            before_digest: "b",
            after_digest: "a",
            detail: "{}",
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
        assert_ne!(of_row(&Hashed { reason: None, ..row }), of_row(&row));
    }
}
