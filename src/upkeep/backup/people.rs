//! Names of other people in a deck, to find those who have to be erased again after a restore.

use crate::store::{Conn, Result};
use std::collections::BTreeSet;

/// Every name of another person that stands in a column of its own.
pub(super) fn names(c: &mut dyn Conn) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for sql in [
        "SELECT DISTINCT parent_author AS name FROM pending_posts WHERE parent_author IS NOT NULL",
        "SELECT DISTINCT author AS name FROM search_documents WHERE author IS NOT NULL",
        "SELECT DISTINCT name FROM search_names WHERE kind = 'author'",
        "SELECT DISTINCT target AS name FROM mutes WHERE kind = 'user'",
    ] {
        for row in c.query(sql, &[])? {
            names.insert(row.text("name")?);
        }
    }
    Ok(names)
}
