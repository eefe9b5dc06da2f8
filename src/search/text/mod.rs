//! Full text: words, their stems, and the two engines' indexes behind one set of functions.

pub mod index;
pub mod matches;
mod porter;
pub mod score;
pub mod tokens;
