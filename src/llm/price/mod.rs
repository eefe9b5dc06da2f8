//! The price book: what each model costs from which day on.
//!
//! One book is embedded (`assets/prices.toml`), further rows are imported into the table `price_book`. The price of a call is the newest row
//! that was in force when the call started; rows are only ever added, so a closed month always adds up to the same cents. A model without
//! a row is unpriced, which is not the same as free.

pub mod book;
pub mod cost;
pub mod diff;
pub mod import;
pub mod names;
pub mod rates;

pub use book::{Book, PriceRow};
pub use cost::{Cost, cost};
pub use names::candidates;
pub use rates::Rates;
