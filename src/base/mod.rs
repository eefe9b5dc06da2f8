//! Values that every room shares: time, ids, money, digests and text that is safe to show.
//!
//! No I/O, no globals, and no knowledge of any other room.

pub mod clock;
pub mod digest;
pub mod duration;
pub mod ids;
pub mod money;
pub mod safe_text;

pub use clock::{Clock, Millis, SystemClock, TestClock};
pub use digest::sha256_hex;
pub use ids::{PersonaId, is_id, new_id, short, shown};
pub use money::Picos;
pub use safe_text::SafeText;
