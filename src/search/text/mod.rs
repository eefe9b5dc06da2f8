//! Full text: words, their stems, and the two engines' indexes behind one set of functions.

mod porter;
pub mod tokens;
