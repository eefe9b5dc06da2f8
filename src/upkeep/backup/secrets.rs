//! Secrets in a backup: each file encrypted with a passphrase, in the format of age, so that `age --decrypt` opens it too.

use super::{Error, Result};
use age::scrypt::{Identity, Recipient};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

/// The most work that is done to try a passphrase: 2 to this power, a quarter of a gigabyte for each step above 18.
const MOST_WORK: u8 = 22;
/// A passphrase shorter than this is found by trying.
const SHORTEST: usize = 10;

/// Encrypt.
pub(super) fn encrypt(passphrase: &SecretString, plain: &[u8]) -> Result<Vec<u8>> {
    if passphrase.expose_secret().chars().count() < SHORTEST {
        return Err(Error::Unfit {
            reason: format!("the passphrase is too short: it needs {SHORTEST} characters or more, several words are best"),
        });
    }
    age::encrypt(&Recipient::new(passphrase.clone()), plain)
        .map_err(|error| Error::Secrets { what: "encrypted", reason: error.to_string() })
}

/// Decrypt a file of the backup `name`.
pub(super) fn decrypt(passphrase: &SecretString, cipher: &[u8], name: &str) -> Result<Zeroizing<Vec<u8>>> {
    let mut identity = Identity::new(passphrase.clone());
    identity.set_max_work_factor(MOST_WORK);
    age::decrypt(&identity, cipher).map(Zeroizing::new).map_err(|error| match error {
        age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed | age::DecryptError::NoMatchingKeys => {
            Error::WrongPassphrase { name: name.to_owned() }
        }
        other => Error::Secrets { what: "decrypted", reason: other.to_string() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_passphrase_opens_it() {
        let (right, wrong) = (SecretString::from("correct horse battery"), SecretString::from("correct horse staple"));
        let cipher = encrypt(&right, b"KEY=canary").unwrap();
        assert!(!cipher.windows(6).any(|bytes| bytes == b"canary"));
        assert_eq!(decrypt(&right, &cipher, "b").unwrap().as_slice(), b"KEY=canary");
        assert!(matches!(decrypt(&wrong, &cipher, "b"), Err(Error::WrongPassphrase { .. })));
        assert!(matches!(decrypt(&right, b"not age", "b"), Err(Error::Secrets { .. })));
        assert!(encrypt(&SecretString::from("short"), b"").unwrap_err().to_string().contains("10 characters"));
    }
}
