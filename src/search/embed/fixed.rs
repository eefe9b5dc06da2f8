//! The static model: a vector for each word piece; a text has the mean of its pieces, normalised.
//!
//! Rows are kept as whole numbers of 8 bits. Those of the model that ships stay in the program's own pages, which the system reads when
//! they are first touched and may drop again: an embedder that is not used costs no memory.

use super::error::{Error, Result};
use super::tensor;
use super::wordpiece::WordPieces;
use super::{Model, text};
use crate::base::sha256_hex;
use safetensors::{Dtype, SafeTensors};
use std::borrow::Cow;
use std::path::Path;

/// Rows that can be added in 16 bits: 255 times 128 is the most that fits.
const ROWS_AT_ONCE: usize = 255;
/// The largest file that is read from a folder, in bytes.
const LARGEST: u64 = 2 << 30;

const SHIPPED_ROWS: &[u8] = include_bytes!("../../../assets/embedder/model.safetensors");
const SHIPPED_WORDS: &str = include_str!("../../../assets/embedder/tokenizer.json");
/// First digits of the checksum of both files. `tools/embedder/make.py` writes it, a test compares it: hashing 8 MB would be most of a start.
const SHIPPED_DIGEST: &str = include_str!("../../../assets/embedder/digest");

/// A static model.
#[derive(Debug)]
pub struct Static {
    model: Model,
    words: WordPieces,
    /// Numbers of all rows, one after the other.
    rows: Cow<'static, [u8]>,
}

impl Static {
    /// The model in the program.
    pub(super) fn shipped() -> Result<Self> {
        let refused = |reason: String| Error::Model { place: "this program".to_owned(), reason };
        let words = WordPieces::read(SHIPPED_WORDS).map_err(refused)?;
        let tensors = SafeTensors::deserialize(SHIPPED_ROWS).map_err(|error| refused(error.to_string()))?;
        let rows = tensors.tensor("embeddings").map_err(|error| refused(error.to_string()))?;
        let (Dtype::I8, [count, dimensions]) = (rows.dtype(), rows.shape()) else {
            return Err(refused("its vectors are not rows of 8 bits".to_owned()));
        };
        check(*count, *dimensions, &words).map_err(refused)?;
        let name = format!("quarterdeck-static-{dimensions}@{}", SHIPPED_DIGEST.trim());
        Ok(Self { model: Model { name, dimensions: *dimensions }, words, rows: Cow::Borrowed(rows.data()) })
    }

    /// A model of the layout of `model2vec` in a folder: `model.safetensors` and `tokenizer.json`.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let refused = |reason: String| Error::Model { place: folder.display().to_string(), reason };
        let json = read(&folder.join("tokenizer.json")).map_err(refused)?;
        let bytes = read(&folder.join("model.safetensors")).map_err(refused)?;
        let words = std::str::from_utf8(&json).map_err(|_| refused("tokenizer.json is not UTF-8".to_owned()))?;
        let words = WordPieces::read(words).map_err(refused)?;
        let tensors = SafeTensors::deserialize(&bytes)
            .map_err(|error| refused(format!("model.safetensors is damaged or of another format: {error}")))?;
        let (dimensions, rows) = tensor::rows(&tensors).map_err(refused)?;
        check(rows.len().checked_div(dimensions).unwrap_or(0), dimensions, &words).map_err(refused)?;
        let digest = sha256_hex(format!("{}{}", sha256_hex(&bytes), sha256_hex(&json)).as_bytes());
        let called = folder.file_name().map_or_else(|| "static".to_owned(), |name| name.to_string_lossy().into_owned());
        let name = format!("{}-{dimensions}@{}", text::name(&called), &digest[..8]);
        Ok(Self { model: Model { name, dimensions }, words, rows: Cow::Owned(rows) })
    }

    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    /// The vector of a text; `None` when it has no piece that the model knows.
    #[must_use]
    pub fn embed(&self, text: &str) -> Option<Vec<f32>> {
        let dimensions = self.model.dimensions;
        let mut sums = vec![0_i32; dimensions];
        let mut part = vec![0_i16; dimensions];
        let mut waiting = 0;
        self.words.pieces(text::cut(text), |piece| {
            let Some(row) = piece.and_then(|number| {
                let start = number as usize * dimensions;
                self.rows.get(start..start + dimensions)
            }) else {
                return;
            };
            for (sum, number) in part.iter_mut().zip(row) {
                *sum += i16::from(*number as i8);
            }
            waiting += 1;
            if waiting == ROWS_AT_ONCE {
                spill(&mut part, &mut sums);
                waiting = 0;
            }
        });
        spill(&mut part, &mut sums);
        // The length is taken away, so the mean needs no division.
        text::normalised(sums.into_iter().map(|sum| sum as f32).collect())
    }
}

fn spill(part: &mut [i16], sums: &mut [i32]) {
    for (sum, number) in sums.iter_mut().zip(part) {
        *sum += i32::from(std::mem::take(number));
    }
}

fn check(rows: usize, dimensions: usize, words: &WordPieces) -> Result<(), String> {
    if dimensions == 0 || rows < words.size() {
        return Err(format!(
            "it has {rows} vectors of {dimensions} numbers for {} word pieces; take both files from one model",
            words.size()
        ));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let size = std::fs::metadata(path).map_err(|error| format!("{name} cannot be read: {error}"))?.len();
    if size > LARGEST {
        return Err(format!("{name} has {size} bytes, which no model of this kind has"));
    }
    std::fs::read(path).map_err(|error| format!("{name} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: &str, right: &str) -> f32 {
        let model = Static::shipped().unwrap();
        let (left, right) = (model.embed(left).unwrap(), model.embed(right).unwrap());
        left.iter().zip(&right).map(|(left, right)| left * right).sum()
    }

    #[test]
    fn the_digest_in_the_name_is_that_of_the_files() {
        let digest = sha256_hex(format!("{}{}", sha256_hex(SHIPPED_ROWS), sha256_hex(SHIPPED_WORDS.as_bytes())).as_bytes());
        assert_eq!(SHIPPED_DIGEST.trim(), &digest[..8], "make.py ship writes assets/embedder/digest");
        assert_eq!(Static::shipped().unwrap().model().name, format!("quarterdeck-static-256@{}", &digest[..8]));
    }

    #[test]
    fn texts_with_a_like_meaning_lie_nearer() {
        let close = near("the database is locked by another process", "sqlite says somebody else holds the write lock");
        let far = near("the database is locked by another process", "tomato leaves turn yellow from below");
        assert!(close > far + 0.2, "{close} {far}");
    }

    #[test]
    fn vectors_have_length_one_and_do_not_depend_on_how_long_a_text_is() {
        let model = Static::shipped().unwrap();
        let short = model.embed("river gauges fall").unwrap();
        assert!((short.iter().map(|number| number * number).sum::<f32>() - 1.0).abs() < 1e-5);
        // More rows than can be added in 16 bits.
        let long = model.embed(&"river gauges fall ".repeat(500)).unwrap();
        assert!(short.iter().zip(&long).all(|(short, long)| (short - long).abs() < 1e-5));
    }

    #[test]
    fn what_the_model_cannot_read_has_no_vector() {
        let model = Static::shipped().unwrap();
        for text in ["", "   \n", "\0\0", "👍👍🏽", "\u{200b}", &"x".repeat(100_000)] {
            assert_eq!(model.embed(text), None, "{text:.20?}");
        }
        assert!(model.embed(&"\0long text with holes ".repeat(5000)).is_some());
    }

    #[test]
    fn a_folder_with_the_same_files_gives_the_same_vectors_and_broken_ones_say_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        let refusal = || Static::open(folder.path()).unwrap_err().to_string();
        assert!(refusal().contains("tokenizer.json cannot be read"), "{}", refusal());
        put("tokenizer.json", SHIPPED_WORDS.as_bytes());
        for length in [0, 7, 100, SHIPPED_ROWS.len() / 2, SHIPPED_ROWS.len() - 1] {
            put("model.safetensors", &SHIPPED_ROWS[..length]);
            assert!(refusal().contains("model.safetensors is damaged"), "{}", refusal());
        }
        put("model.safetensors", SHIPPED_ROWS);
        let (same, shipped) = (Static::open(folder.path()).unwrap(), Static::shipped().unwrap());
        assert_eq!(same.embed("a word"), shipped.embed("a word"));
        assert_ne!(same.model().name, shipped.model().name);
        put("tokenizer.json", b"{}");
        assert!(refusal().contains("tokenizer.json is not understood"), "{}", refusal());
    }
}
