//! Files in one, as `tar` and `gzip` read it: the old format of POSIX, which needs forty lines and no crate.

use crate::base::Millis;
use std::io::Write as _;

const BLOCK: usize = 512;

/// A header of a regular file, mode 0600.
fn header(name: &str, size: usize, seconds: i64) -> std::io::Result<[u8; BLOCK]> {
    let mut block = [0_u8; BLOCK];
    let mut put = |at: usize, length: usize, text: &str| -> std::io::Result<()> {
        let place = block.get_mut(at..at + length).filter(|_| text.len() <= length);
        let place = place.ok_or_else(|| std::io::Error::other(format!("{text:?} is too long for an archive")))?;
        place[..text.len()].copy_from_slice(text.as_bytes());
        Ok(())
    };
    put(0, 100, name)?;
    put(100, 8, "0000600\0")?;
    put(108, 8, "0000000\0")?;
    put(116, 8, "0000000\0")?;
    put(124, 12, &format!("{size:011o}\0"))?;
    put(136, 12, &format!("{:011o}\0", seconds.clamp(0, 0o77_777_777_777)))?;
    // The checksum is taken with blanks in its own place.
    put(148, 8, "        ")?;
    put(156, 1, "0")?;
    put(257, 8, "ustar\x0000")?;
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let text = format!("{sum:06o}\0 ");
    block[148..156].copy_from_slice(text.as_bytes());
    Ok(block)
}

/// Pack files, in a directory `quarterdeck-bundle`.
///
/// # Errors
/// When a name is too long.
pub(super) fn pack(files: &[(String, Vec<u8>)], at: Millis) -> std::io::Result<Vec<u8>> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for (name, content) in files {
        packed.write_all(&header(&format!("quarterdeck-bundle/{name}"), content.len(), at / 1_000)?)?;
        packed.write_all(content)?;
        packed.write_all(&vec![0; content.len().next_multiple_of(BLOCK) - content.len()])?;
    }
    packed.write_all(&[0; 2 * BLOCK])?;
    packed.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tar_reads_what_was_packed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x.tar.gz");
        let files = [("a.txt".to_owned(), b"hello".to_vec()), ("b.json".to_owned(), vec![b'x'; 1_024])];
        std::fs::write(&path, pack(&files, 1_795_219_200_000).unwrap()).unwrap();
        let Ok(listed) = std::process::Command::new("tar").arg("-xzOf").arg(&path).arg("quarterdeck-bundle/a.txt").output() else { return };
        assert_eq!(String::from_utf8_lossy(&listed.stdout), "hello", "{}", String::from_utf8_lossy(&listed.stderr));
        assert!(pack(&[("n".repeat(100), Vec::new())], 0).is_err());
    }
}
