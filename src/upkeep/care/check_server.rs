//! What can be checked on a PostgreSQL server: references, indexes, and the pages of indexes where `amcheck` is installed.

use super::Result;
use super::check::{Checked, Depth, Finding};
use super::work::{step, watched};
use crate::store::Conn as _;
use crate::store::holders::Role;
use crate::store::outside::Outside;
use crate::upkeep::progress::Watcher;
use crate::vals;

/// References that were never checked, by their own table's name.
const NOT_VALID: &str = "SELECT CAST(conname AS TEXT) AS name, CAST(conrelid AS regclass) || '' AS tab FROM pg_constraint
  WHERE NOT convalidated AND connamespace = CAST(current_schema() AS regnamespace) ORDER BY conname";
const INVALID_INDEXES: &str =
    "SELECT CAST(CAST(i.indexrelid AS regclass) AS TEXT) AS name FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
  WHERE r.relnamespace = CAST(current_schema() AS regnamespace) AND (NOT i.indisvalid OR NOT i.indisready) ORDER BY 1";
/// The references of this schema with a condition that joins both sides.
const REFERENCES: &str = "SELECT CAST(CAST(k.conrelid AS regclass) AS TEXT) AS tab, CAST(CAST(k.confrelid AS regclass) AS TEXT) AS parent,
    (SELECT string_agg(format('c.%I = p.%I', a.attname, b.attname), ' AND ' ORDER BY n.o)
     FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS n(x, y, o)
     JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.x JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = n.y) AS joined,
    (SELECT string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ' ORDER BY a.attnum)
     FROM unnest(k.conkey) AS n(x) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.x) AS present
  FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = CAST(current_schema() AS regnamespace) ORDER BY k.conname";
const AMCHECK: &str = "SELECT 1 AS one FROM pg_extension WHERE extname = 'amcheck'";
const TREES: &str = "SELECT CAST(CAST(r.oid AS regclass) AS TEXT) AS name FROM pg_class r JOIN pg_am m ON m.oid = r.relam JOIN pg_index i ON i.indexrelid = r.oid
  WHERE m.amname = 'btree' AND r.relkind = 'i' AND i.indisvalid AND r.relnamespace = CAST(current_schema() AS regnamespace) ORDER BY 1";

pub(super) fn look(outside: &mut Outside, depth: Depth, watcher: &dyn Watcher, checked: &mut Checked) -> Result<()> {
    watcher.told(step("looking at the catalogue", 0, 4));
    for row in outside.query(NOT_VALID, vals![])? {
        checked.findings.push(Finding {
            check: "foreign keys",
            what: format!("the rule {} of {} was never checked against the rows", row.text("name")?, row.text("tab")?),
            remedy: format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", row.text("tab")?, row.text("name")?),
        });
    }
    for row in outside.query(INVALID_INDEXES, vals![])? {
        let name = row.text("name")?;
        let (what, remedy) =
            (format!("the index {name} is not valid: it was not built to its end"), format!("REINDEX INDEX CONCURRENTLY {name}"));
        checked.findings.push(Finding { check: "indexes", what, remedy });
    }
    checked.looked_at.push("that every rule was checked and every index is valid, by the catalogue".to_owned());
    if depth == Depth::Quick {
        checked.not_looked_at.push("the rows behind the references, and the pages of the indexes: `--full` does".to_owned());
        return Ok(());
    }
    for row in outside.query(REFERENCES, vals![])? {
        let (table, parent) = (row.text("tab")?, row.text("parent")?);
        let sql = format!(
            "SELECT count(*) AS n FROM {table} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE {})",
            row.text("present")?,
            row.text("joined")?
        );
        let found = watched(outside, watcher, step("following references", 1, 4), |outside| outside.rows(Role::Reads, &sql))?;
        let rows = found.first().map_or(Ok(0), |row| row.int("n"))?;
        if rows > 0 {
            let what = format!("{rows} rows of {table} refer to rows of {parent} that are not there");
            checked.findings.push(Finding {
                check: "foreign keys",
                what,
                remedy: "restore the newest backup that was verified".to_owned(),
            });
        }
    }
    checked.looked_at.push("every reference to a row of another table".to_owned());
    if outside.first(AMCHECK, vals![])?.is_none() {
        let how = "the pages of the indexes: `CREATE EXTENSION amcheck` lets `--full` look at them; torn pages are found by the server's checksums";
        checked.not_looked_at.push(how.to_owned());
        return Ok(());
    }
    for row in outside.query(TREES, vals![])? {
        let name = row.text("name")?;
        let sql = format!("SELECT CAST(bt_index_check('{}', true) AS TEXT) AS said", name.replace('\'', "''"));
        match watched(outside, watcher, step("reading indexes", 2, 4), |outside| outside.rows(Role::Reads, &sql)) {
            Ok(_) => {}
            Err(super::Error::Store(crate::store::Error::Statement { reason, .. })) => {
                let remedy = format!("REINDEX INDEX CONCURRENTLY {name}");
                checked.findings.push(Finding { check: "indexes", what: format!("the index {name}: {reason}"), remedy });
            }
            Err(other) => return Err(other),
        }
    }
    checked.looked_at.push("every page of every index, against its table".to_owned());
    Ok(())
}
