//! The arithmetic of vectors: what is stored, what is scanned, and how alike two are. No I/O.
//!
//! A vector is normalised when it comes in. Stored are its numbers in 16 bits (half a kilobyte at 256 dimensions). Scanned are its *codes*: the
//! numbers in 8 bits, on a scale of each vector's own, with the factor that makes them a unit vector again. The loops are plain; the dispatch
//! compiles them for each instruction set and takes the best one that the machine has.

use super::{Error, Result};
use fearless_simd::{Level, Simd, dispatch};
use half::f16;

/// The length of a vector must be above this for it to have a direction.
const SHORTEST: f32 = 1e-12;

/// Refuse what is no vector of these dimensions.
pub(super) fn check(vector: &[f32], dimensions: usize) -> Result<()> {
    if vector.len() != dimensions {
        return Err(Error::Dimensions { expected: dimensions, found: vector.len() });
    }
    if let Some(place) = vector.iter().position(|number| !number.is_finite()) {
        return Err(Error::NotANumber { place });
    }
    if length(vector) <= SHORTEST { Err(Error::Zero) } else { Ok(()) }
}

/// Of numbers up to the largest ones, so it is summed in 64 bits.
fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt() as f32
}

/// The same direction with length 1.
pub(super) fn normalised(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    if length <= f64::from(SHORTEST) { vector.to_vec() } else { vector.iter().map(|number| (f64::from(*number) / length) as f32).collect() }
}

/// What is stored of a vector: its direction, 16 bits a number, little end first.
pub(super) fn stored(vector: &[f32]) -> Vec<u8> {
    normalised(vector).iter().flat_map(|number| f16::from_f32(*number).to_le_bytes()).collect()
}

/// The numbers of a stored vector, written into `out`. False when they are not as many as `out` takes, or not all finite.
pub(super) fn read_stored(bytes: &[u8], out: &mut [f32]) -> bool {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != out.len() {
        return false;
    }
    for (pair, number) in pairs.iter().zip(out.iter_mut()) {
        *number = f16::from_le_bytes(*pair).to_f32();
    }
    out.iter().all(|number| number.is_finite())
}

/// A checksum of a passage and its stored vector, never 0: that stands for a row without one.
pub(super) fn stamp(passage: i64, stored: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&passage.to_le_bytes());
    hasher.update(stored);
    hasher.finalize().max(1)
}

/// Append the codes of a vector to `codes`, and return the factor that makes them a unit vector.
pub(super) fn quantise(vector: &[f32], codes: &mut Vec<i8>) -> f32 {
    let largest = vector.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    let from = codes.len();
    codes.extend(vector.iter().map(|number| (number * scale).round() as i8));
    let squares: i32 = codes.iter().skip(from).map(|code| i32::from(*code).pow(2)).sum();
    if squares == 0 { 0.0 } else { 1.0 / (squares as f32).sqrt() }
}

/// Whatever instructions this machine has.
pub(super) fn level() -> Level {
    Level::new()
}

#[inline(always)]
fn dot_codes(left: &[i8], right: &[i8]) -> i32 {
    left.iter().zip(right).map(|(left, right)| i32::from(*left) * i32::from(*right)).sum()
}

#[inline(always)]
fn dot_wide(codes: &[i8], query: &[i16]) -> i32 {
    codes.iter().zip(query).map(|(code, number)| i32::from(i16::from(*code)) * i32::from(*number)).sum()
}

#[inline(always)]
fn score_rows<S: Simd>(_simd: S, query: &[i16], codes: &[i8], factors: &[f32], scores: &mut [f32]) {
    for ((row, factor), score) in codes.chunks_exact(query.len()).zip(factors).zip(scores) {
        *score = dot_wide(row, query) as f32 * factor;
    }
}

#[inline(always)]
fn dot_of_codes<S: Simd>(_simd: S, left: &[i8], right: &[i8]) -> i32 {
    dot_codes(left, right)
}

/// Lanes of a sum of floats, which the compiler may not reorder by itself.
const LANES: usize = 32;

#[inline(always)]
fn dot_floats<S: Simd>(_simd: S, left: &[f32], right: &[f32]) -> f32 {
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (left, right) in left.iter().zip(right) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    sums.iter().sum::<f32>() + left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum::<f32>()
}

/// Score rows of codes against a query: `scores[i]` is the cosine of row i, times the length of the query's codes.
pub(super) fn score(level: Level, query: &[i16], codes: &[i8], factors: &[f32], scores: &mut [f32]) {
    if !query.is_empty() {
        dispatch!(level, simd => score_rows(simd, query, codes, factors, scores));
    }
}

/// The product of two rows of codes.
pub(super) fn codes_product(level: Level, left: &[i8], right: &[i8]) -> i32 {
    dispatch!(level, simd => dot_of_codes(simd, left, right))
}

/// The product of two vectors; of unit vectors their cosine.
pub(super) fn product(level: Level, left: &[f32], right: &[f32]) -> f32 {
    dispatch!(level, simd => dot_floats(simd, left, right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vector(dimensions: usize) -> impl Strategy<Value = Vec<f32>> {
        proptest::collection::vec(-1.0_f32..1.0, dimensions).prop_filter("has a direction", |vector| length(vector) > 0.1)
    }

    #[test]
    fn what_is_no_vector_is_refused_with_its_place() {
        assert!(matches!(check(&[1.0; 3], 4), Err(Error::Dimensions { expected: 4, found: 3 })));
        assert!(matches!(check(&[1.0, f32::NAN], 2), Err(Error::NotANumber { place: 1 })));
        assert!(matches!(check(&[f32::NEG_INFINITY, 1.0], 2), Err(Error::NotANumber { place: 0 })));
        assert!(matches!(check(&[0.0; 2], 2), Err(Error::Zero)));
        assert!(check(&[f32::MAX; 2], 2).is_ok());
    }

    proptest! {
        #[test]
        fn storing_and_quantising_keep_the_direction(vector in vector(67)) {
            let unit = normalised(&vector);
            let mut back = vec![0.0; 67];
            prop_assert!(read_stored(&stored(&vector), &mut back));
            prop_assert!((product(level(), &unit, &back) - 1.0).abs() < 1e-3);
            let mut codes = Vec::new();
            let factor = quantise(&unit, &mut codes);
            let cosine: f32 = codes.iter().zip(&unit).map(|(code, number)| f32::from(*code) * factor * number).sum();
            prop_assert!(cosine > 0.999, "{cosine}");
        }

        #[test]
        fn every_loop_gives_the_plain_sum(left in vector(131), right in vector(131)) {
            let (mut left_codes, mut right_codes) = (Vec::new(), Vec::new());
            let factor = quantise(&left, &mut left_codes);
            quantise(&right, &mut right_codes);
            let plain: i32 = left_codes.iter().zip(&right_codes).map(|(left, right)| i32::from(*left) * i32::from(*right)).sum();
            prop_assert_eq!(codes_product(level(), &left_codes, &right_codes), plain);
            let wide: Vec<i16> = right_codes.iter().map(|code| i16::from(*code)).collect();
            let mut scores = [0.0];
            score(level(), &wide, &left_codes, &[factor], &mut scores);
            prop_assert!((scores[0] - plain as f32 * factor).abs() < 1e-3);
        }

        #[test]
        fn bytes_of_any_length_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            let mut out = [0.0; 4];
            prop_assert!(!read_stored(&bytes, &mut out) || bytes.len() == 8);
        }
    }
}
