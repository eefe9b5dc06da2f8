//! A checkpoint: so many entries, this head, at this time, signed with a key.

use super::key::{Key, Keys};
use crate::base::{Millis, clock};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The signature before the first checkpoint.
pub const FIRST: &str = "";

/// A checkpoint as it stands in the database and, as one line of JSON, in the second place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its number, from 1.
    pub number: i64,
    /// Rows that the log had: the number of its last one.
    pub entries: i64,
    /// The hash of that row.
    pub head: String,
    /// When it was made.
    pub at: Millis,
    /// Which key signed it.
    pub key: String,
    /// The signature of the checkpoint before, so that none can be taken out unseen.
    pub prev: String,
    /// HMAC-SHA256 over all of this.
    pub mac: String,
}

/// What a signature is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// Made with a key that is here, over exactly this.
    Good,
    /// Not made over this with the key that it names.
    Forged,
    /// Made with a key that is not here, or so it says.
    UnknownKey,
}

impl Checkpoint {
    /// A signed checkpoint.
    #[must_use]
    pub fn signed(number: i64, entries: i64, head: String, at: Millis, prev: String, key: &Key) -> Self {
        let mut checkpoint = Self { number, entries, head, at, key: key.id.clone(), prev, mac: String::new() };
        let bytes = checkpoint.code(key).map(|code| code.finalize().into_bytes()).unwrap_or_default();
        checkpoint.mac = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        checkpoint
    }

    /// Check the signature, in a time that tells nothing of it.
    #[must_use]
    pub fn signature(&self, keys: Option<&Keys>) -> Signature {
        let Some(key) = keys.and_then(|keys| keys.by_id(&self.key)) else { return Signature::UnknownKey };
        let given: Option<Vec<u8>> = (self.mac.len() == 64 && self.mac.is_ascii())
            .then(|| (0..32).map(|at| u8::from_str_radix(self.mac.get(at * 2..at * 2 + 2)?, 16).ok()).collect())
            .flatten();
        let is_good = given.zip(self.code(key)).is_some_and(|(given, code)| code.verify_slice(&given).is_ok());
        if is_good { Signature::Good } else { Signature::Forged }
    }

    fn code(&self, key: &Key) -> Option<Hmac<Sha256>> {
        let mut code = Hmac::<Sha256>::new_from_slice(key.text.expose_secret().as_bytes()).ok()?;
        let (number, entries, at) = (self.number.to_be_bytes(), self.entries.to_be_bytes(), self.at.to_be_bytes());
        let parts: [&[u8]; 7] =
            [b"quarterdeck audit checkpoint 1", &number, &entries, self.head.as_bytes(), &at, self.key.as_bytes(), self.prev.as_bytes()];
        for part in parts {
            code.update(&(part.len() as u64).to_be_bytes());
            code.update(part);
        }
        Some(code)
    }

    /// The line of the second place, with its end. The time stands there for people too.
    #[must_use]
    pub fn line(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        value["time"] = clock::rfc3339(self.at).into();
        format!("{value}\n")
    }

    /// A line of the second place; `None` when it is none.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upkeep::audit::{Settings, key};
    use proptest::prelude::*;

    fn keys(letter: &str) -> Keys {
        let settings = Settings {
            key: Some(letter.repeat(40).into()),
            key_file: "/nowhere/audit.key".into(),
            rows: 1,
            interval: 1,
            anchor_file: None,
            anchor_command: Vec::new(),
        };
        key::load(&settings).unwrap().unwrap()
    }

    #[test]
    fn every_part_is_signed() {
        let (ours, theirs) = (keys("a"), keys("b"));
        let good = Checkpoint::signed(2, 40, "ab".repeat(32), 1_000, "00".into(), &ours.current);
        assert_eq!(good.signature(Some(&ours)), Signature::Good);
        assert_eq!(good.signature(Some(&theirs)), Signature::UnknownKey);
        assert_eq!(good.signature(None), Signature::UnknownKey);
        for forged in [
            Checkpoint { number: 3, ..good.clone() },
            Checkpoint { entries: 39, ..good.clone() },
            Checkpoint { head: "cd".repeat(32), ..good.clone() },
            Checkpoint { at: 1_001, ..good.clone() },
            Checkpoint { prev: "01".into(), ..good.clone() },
            Checkpoint { mac: "zz".repeat(32), ..good.clone() },
            Checkpoint { mac: String::new(), ..good.clone() },
            Checkpoint { key: ours.current.id.clone(), ..Checkpoint::signed(2, 40, "ab".repeat(32), 1_000, "00".into(), &theirs.current) },
        ] {
            assert_eq!(forged.signature(Some(&ours)), Signature::Forged, "{forged:?}");
        }
        assert_eq!(Checkpoint::of_line(&good.line()), Some(good));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in any::<String>(), mac in any::<String>()) {
            let _ = Checkpoint::of_line(&line);
            let ours = keys("a");
            let broken = Checkpoint { mac, ..Checkpoint::signed(1, 1, String::new(), 1, String::new(), &ours.current) };
            prop_assert_ne!(broken.signature(Some(&ours)), Signature::Good);
        }
    }
}
