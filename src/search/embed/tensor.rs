//! Rows of 8 bits out of what a static model's file holds: vectors of 8, 16, 32 or 64 bits, weights, and shared rows. Pure.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// The dimensions, and the rows one after the other, one for each word piece.
///
/// # Errors
/// What is wrong with the file.
pub fn rows(tensors: &SafeTensors<'_>) -> Result<(usize, Vec<u8>), String> {
    let named = |name: &str| tensors.tensor(name).ok();
    let table = named("embeddings")
        .or_else(|| named("embedding.weight"))
        .ok_or("model.safetensors holds no `embeddings`: it is not a static model; a sentence-transformer needs a program built with the feature `candle`")?;
    let [count, dimensions] = table.shape() else {
        return Err(format!("`embeddings` has {} axes in place of two", table.shape().len()));
    };
    let (count, dimensions) = (*count, *dimensions);
    let (weights, mapping) = (named("weights"), named("mapping"));
    if table.dtype() == Dtype::I8 && weights.is_none() && mapping.is_none() {
        return Ok((dimensions, table.data().to_vec()));
    }
    let numbers = numbers(&table, "embeddings")?;
    let weights = weights.map(|weights| self::numbers(&weights, "weights")).transpose()?;
    // Several word pieces may share a row.
    let mapping = mapping.map(|mapping| self::numbers(&mapping, "mapping")).transpose()?;
    let words = mapping.as_ref().or(weights.as_ref()).map_or(count, Vec::len);
    let mut weighted = Vec::with_capacity(words.saturating_mul(dimensions));
    for word in 0..words {
        let row = mapping.as_ref().and_then(|mapping| mapping.get(word)).map_or(word, |row| *row as usize);
        let numbers = row.checked_mul(dimensions).and_then(|start| numbers.get(start..start.checked_add(dimensions)?));
        let numbers = numbers.ok_or_else(|| format!("word piece {word} has no vector: there are {count}"))?;
        let weight = weights.as_ref().map_or(Some(1.0), |weights| weights.get(word).copied());
        let weight = weight.ok_or_else(|| format!("word piece {word} has no weight"))?;
        weighted.extend(numbers.iter().map(|number| number * weight));
    }
    if let Some(place) = weighted.iter().position(|number| !number.is_finite()) {
        return Err(format!("the vector of word piece {} is not made of numbers", place / dimensions.max(1)));
    }
    let largest = weighted.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    Ok((dimensions, weighted.into_iter().map(|number| ((number * scale).round() as i8) as u8).collect()))
}

fn numbers(tensor: &TensorView<'_>, name: &str) -> Result<Vec<f32>, String> {
    let data = tensor.data();
    let many = |width: usize, read: &dyn Fn(&[u8]) -> f32| data.chunks_exact(width).map(read).collect();
    Ok(match tensor.dtype() {
        Dtype::I8 => many(1, &|bytes| f32::from(bytes[0] as i8)),
        Dtype::F16 => many(2, &|bytes| half(u16::from_le_bytes([bytes[0], bytes[1]]))),
        Dtype::BF16 => many(2, &|bytes| f32::from_bits(u32::from(u16::from_le_bytes([bytes[0], bytes[1]])) << 16)),
        Dtype::F32 => many(4, &|bytes| bytes.try_into().map_or(f32::NAN, f32::from_le_bytes)),
        Dtype::F64 => many(8, &|bytes| bytes.try_into().map_or(f32::NAN, |bytes| f64::from_le_bytes(bytes) as f32)),
        Dtype::I32 => many(4, &|bytes| bytes.try_into().map_or(f32::NAN, |bytes| i32::from_le_bytes(bytes) as f32)),
        Dtype::I64 => many(8, &|bytes| bytes.try_into().map_or(f32::NAN, |bytes| i64::from_le_bytes(bytes) as f32)),
        other => return Err(format!("`{name}` is of the type {other:?}, which is not known here")),
    })
}

/// A number of 16 bits, by IEEE 754.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    match exponent {
        0 => sign * fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::serialize;

    fn read(tensors: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) -> Result<(usize, Vec<i8>), String> {
        let views = tensors.iter().map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
        let bytes = serialize(views, None).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        rows(&tensors).map(|(dimensions, rows)| (dimensions, rows.into_iter().map(|number| number as i8).collect()))
    }

    fn floats(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    #[test]
    fn halves_are_read_by_the_standard() {
        for (bits, number) in [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8), (0x7bff, 65504.0), (0, 0.0)]
        {
            assert_eq!(half(bits), number);
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f32::NEG_INFINITY);
    }

    #[test]
    fn vectors_weights_and_shared_rows_become_bytes() {
        let table = ("embeddings", Dtype::F32, vec![2, 2], floats(&[1.0, -0.5, 0.25, 0.0]));
        assert_eq!(read(std::slice::from_ref(&table)), Ok((2, vec![127, -64, 32, 0])));
        let weights = ("weights", Dtype::F32, vec![3], floats(&[1.0, 2.0, 0.0]));
        let mapping = ("mapping", Dtype::I64, vec![3], [1_i64, 0, 1].iter().flat_map(|number| number.to_le_bytes()).collect());
        assert_eq!(read(&[table, weights, mapping]), Ok((2, vec![16, 0, 127, -64, 0, 0])));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (tensors, named) in [
            (vec![("other", Dtype::F32, vec![1, 1], floats(&[1.0]))], "no `embeddings`"),
            (vec![("embeddings", Dtype::F32, vec![1], floats(&[1.0]))], "axes"),
            (vec![("embeddings", Dtype::F32, vec![1, 1], floats(&[f32::NAN]))], "not made of numbers"),
            (vec![("embeddings", Dtype::U8, vec![1, 1], vec![1])], "U8"),
            (
                vec![("embeddings", Dtype::F32, vec![1, 1], floats(&[1.0])), ("weights", Dtype::F32, vec![2], floats(&[1.0, 1.0]))],
                "no vector",
            ),
        ] {
            let reason = read(&tensors).unwrap_err();
            assert!(reason.contains(named), "{reason}");
        }
    }
}
