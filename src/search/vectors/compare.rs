//! How near given passages are: for documents that were found by their words, and for all parts of a long one.

use super::{Near, Result, Vectors, numbers};
use crate::store::{Conn, Val};

/// Passages of one statement, so that it is prepared once.
const CHUNK: usize = 50;

/// How near these passages are to a question, read from their rows. Those without a vector of the index's model are not among them.
///
/// # Errors
/// When the engine refuses.
pub fn compare(c: &mut dyn Conn, vectors: &Vectors, query: &[f32], passages: &[i64]) -> Result<Vec<Near>> {
    if passages.is_empty() || vectors.check(query).is_err() {
        return Ok(Vec::new());
    }
    let model = vectors.model();
    let query = numbers::normalised(query);
    let level = numbers::level();
    let mut near = Vec::with_capacity(passages.len());
    let mut vector = vec![0.0; model.dimensions];
    let places: Vec<String> = (0..CHUNK).map(|index| format!("${}", index + 2)).collect();
    let sql = format!(
        "SELECT v.passage, v.vector FROM search_vectors v JOIN search_vector_models m ON m.id = v.model
         WHERE m.name = $1 AND v.passage IN ({}) AND v.vector IS NOT NULL",
        places.join(", ")
    );
    for passages in passages.chunks(CHUNK) {
        let mut params = vec![Val::from(&model.name)];
        params.extend((0..CHUNK).filter_map(|index| passages.get(index).or(passages.last())).map(|passage| Val::from(*passage)));
        for row in c.query(&sql, &params)? {
            if let Val::Blob(bytes) = row.get("vector")?
                && numbers::read_stored(bytes, &mut vector)
            {
                let similarity = numbers::product(level, &query, &vector).clamp(-1.0, 1.0);
                near.push(Near { passage: row.int("passage")?, similarity });
            }
        }
    }
    Ok(near)
}
