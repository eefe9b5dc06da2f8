//! Finding what a person means by the first or last characters of an id.

use super::{Error, Result};
use crate::base::PersonaId;
use crate::store::Conn;
use crate::vals;

/// What an id may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A belief; by its title as well.
    Belief,
    /// An edge.
    Edge,
    /// A suggested edge or a conflict.
    Suggestion,
    /// A change in a belief's history.
    Change,
}

impl Named {
    const fn word(self) -> &'static str {
        match self {
            Self::Belief => "belief",
            Self::Edge => "edge",
            Self::Suggestion => "suggestion",
            Self::Change => "change",
        }
    }

    /// The rows of the persona, as `id`.
    const fn rows(self) -> &'static str {
        match self {
            Self::Belief => "SELECT id FROM belief_nodes WHERE persona_id = $1",
            Self::Edge => "SELECT id FROM belief_edges WHERE persona_id = $1",
            Self::Suggestion => {
                "SELECT id FROM belief_suggestions WHERE persona_id = $1 UNION ALL SELECT id FROM belief_conflicts WHERE persona_id = $1"
            }
            Self::Change => "SELECT id FROM belief_updates WHERE persona_id = $1",
        }
    }
}

/// The full id that `short` begins or ends (at least four characters); a belief also by its whole title, in any case.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Ambiguous`].
pub fn resolve(c: &mut dyn Conn, persona: &PersonaId, named: Named, short: &str) -> Result<String> {
    let wanted = short.trim();
    let rows = named.rows();
    if c.first(&format!("SELECT id FROM ({rows}) found WHERE id = $2"), vals![persona, wanted])?.is_some() {
        return Ok(wanted.to_owned());
    }
    if wanted.len() >= 4 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        let wanted = wanted.to_ascii_lowercase();
        let found = c.query(
            &format!("SELECT id FROM ({rows}) found WHERE id LIKE $2 OR id LIKE $3 LIMIT 2"),
            vals![persona, format!("{wanted}%"), format!("%{wanted}")],
        )?;
        match found.as_slice() {
            [] => {}
            [row] => return Ok(row.text("id")?),
            _ => return Err(Error::Ambiguous { kind: named.word(), id: short.to_owned() }),
        }
    }
    if named == Named::Belief {
        let found = c.query(
            "SELECT id FROM belief_nodes WHERE persona_id = $1 AND lower(title) = lower(CAST($2 AS TEXT)) LIMIT 2",
            vals![persona, wanted],
        )?;
        match found.as_slice() {
            [] => {}
            [row] => return Ok(row.text("id")?),
            _ => return Err(Error::Ambiguous { kind: named.word(), id: short.to_owned() }),
        }
    }
    Err(Error::not_found(named.word(), short, persona))
}
