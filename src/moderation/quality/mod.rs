//! The quality of review, measured where the reviewing is done: samples of what no person decided, golden items, labels on what was sent,
//! overturned approvals, agreement between people.
//!
//! It counts and records; it decides nothing about an item. Two things follow from its numbers, and both only ever stop: automatic posting
//! ends when too much of it is overturned, and a golden item is withdrawn before it could leave. What it knows of one reviewer is for that
//! reviewer; everybody else sees sums.

pub mod agreement;
pub mod golden;
mod golden_case;
pub mod labels;
pub mod opinions;
pub mod overturn;
pub mod sampling;

use super::error::Result;
use crate::base::{digest::sha256_parts, new_id};
use crate::store::Conn;
use crate::vals;

/// Leaves golden items out of a query on `pending_posts` under the name `p`.
pub(super) const NOT_GOLDEN: &str = "NOT EXISTS (SELECT 1 FROM golden_items gi WHERE gi.persona_id = p.persona_id AND gi.item_id = p.id)";

/// Below so many cases a share is left blank: it would be noise that looks like knowledge.
pub const FEW: usize = 20;

/// The secret of this database that the choices are drawn with; made when it is first asked for.
///
/// # Errors
/// When the engine refuses.
pub fn salt(c: &mut dyn Conn) -> Result<String> {
    if let Some(row) = c.first("SELECT salt FROM quality_salt WHERE id = 1", &[])? {
        return Ok(row.text("salt")?);
    }
    let fresh = sha256_parts(&[new_id().as_bytes(), uuid::Uuid::new_v4().as_bytes()]);
    c.exec("INSERT INTO quality_salt (id, salt) VALUES (1, $1) ON CONFLICT (id) DO NOTHING", vals![&fresh])?;
    Ok(fresh)
}

/// A number from 0 to `below` - 1 that depends on the salt, the purpose and the id alone. The same three give the same number for ever.
#[must_use]
pub fn draw(salt: &str, purpose: &str, id: &str, below: u64) -> u64 {
    let digest = sha256_parts(&[salt.as_bytes(), purpose.as_bytes(), id.as_bytes()]);
    let number = digest.get(..15).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(u64::MAX);
    number % below.max(1)
}
