//! Whether the database is whole: quickly in seconds, or to the last page.

use super::work::{Record, record, step, watched};
use super::{Error, Result, check_server, invariants};
use crate::store::holders::Role;
use crate::store::outside::{self, Outside, aside};
use crate::store::{Address, Conn as _, Engine, newest_version};
use crate::upkeep::Site;
use crate::upkeep::progress::Watcher;
use crate::upkeep::runs::{Kind, Outcome};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// How deep is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// Every page and row, but not whether the indexes agree with their tables.
    Quick,
    /// Everything.
    Full,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check found it: `integrity`, `foreign keys`, `schema`, `sums`, `indexes`.
    pub check: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to try first.
    pub remedy: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// How deep was looked.
    pub depth: Depth,
    /// Whether nothing is wrong.
    pub passed: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub looked_at: Vec<String>,
    /// What this check cannot find.
    pub not_looked_at: Vec<String>,
    /// Milliseconds that it took.
    pub took_ms: i64,
    /// Its row in `upkeep_runs`; `None` when the database did not take it.
    pub run: Option<String>,
}

/// Findings that are kept of one kind: a file with a torn page has thousands.
const MOST: usize = 50;
const RESTORE: &str = "keep the file as it is, and restore the newest backup that was verified";

/// Look, and write down how it went.
///
/// # Errors
/// [`Error::Store`] when it cannot be opened or is so damaged that it cannot be looked at; [`Error::Stopped`].
pub fn check(site: &Site, depth: Depth, watcher: &dyn Watcher) -> Result<Checked> {
    let address = site.address()?;
    let started_at = site.clock.now();
    let mut checked =
        Checked { depth, passed: false, findings: Vec::new(), looked_at: Vec::new(), not_looked_at: Vec::new(), took_ms: 0, run: None };
    let looked = aside(|| look(&address, depth, watcher, &mut checked));
    match looked {
        // Damage that keeps the engine from looking further is what the check was for.
        Err(Error::Store(error @ crate::store::Error::Corrupt { .. })) => {
            checked.findings.push(Finding { check: "integrity", what: error.to_string(), remedy: RESTORE.to_owned() });
        }
        other => other?,
    }
    checked.passed = checked.findings.is_empty();
    checked.took_ms = site.clock.now() - started_at;
    let summary = summary(&checked);
    let (kind, outcome) = (
        if depth == Depth::Quick { Kind::CheckQuick } else { Kind::CheckFull },
        if checked.passed { Outcome::Passed } else { Outcome::Problems },
    );
    let detail = json!({ "findings": checked.findings.iter().take(10).collect::<Vec<_>>(), "took_ms": checked.took_ms });
    checked.run = record(site, Record { kind, started_at, outcome, summary: &summary, detail });
    Ok(checked)
}

fn summary(checked: &Checked) -> String {
    match checked.findings.as_slice() {
        [] => "nothing is wrong".to_owned(),
        [one] => one.what.clone(),
        [first, rest @ ..] => format!("{}, and {} more", first.what, rest.len()),
    }
}

fn look(address: &Address, depth: Depth, watcher: &dyn Watcher, checked: &mut Checked) -> Result<()> {
    let mut outside = Outside::open(address, true)?;
    match outside.engine() {
        Engine::Sqlite => file(&mut outside, depth, watcher, checked)?,
        Engine::Postgres => check_server::look(&mut outside, depth, watcher, checked)?,
    }
    match outside.schema_version() {
        Ok(version) if version == newest_version() => invariants::look(&mut outside, watcher, checked)?,
        Ok(version) => checked.not_looked_at.push(format!(
            "whether sums and counters agree: the schema is at version {version} of {}; run `quarterdeck db migrate`",
            newest_version()
        )),
        Err(error) => checked.findings.push(Finding {
            check: "schema",
            what: error.to_string(),
            remedy: "find out which program changed the schema; restore a backup or use that program".to_owned(),
        }),
    }
    Ok(())
}

fn file(outside: &mut Outside, depth: Depth, watcher: &dyn Watcher, checked: &mut Checked) -> Result<()> {
    let (pragma, stage) = match depth {
        Depth::Quick => ("quick_check", "reading every page"),
        Depth::Full => ("integrity_check", "comparing indexes with tables"),
    };
    let said = watched(outside, watcher, step(stage, 0, 4), |outside| outside.rows(Role::Reads, &format!("PRAGMA {pragma}({MOST})")))?;
    for row in &said {
        let what = row.text(pragma)?;
        if what != "ok" {
            let is_index = what.contains("index") && !what.contains("tree");
            let remedy =
                if is_index { "`quarterdeck db vacuum` makes indexes anew; check again afterwards".to_owned() } else { RESTORE.to_owned() };
            checked.findings.push(Finding { check: "integrity", what, remedy });
        }
    }
    checked.looked_at.push(match depth {
        Depth::Quick => "every page, and every row for its types and rules".to_owned(),
        Depth::Full => "every page, every row, and every entry of every index".to_owned(),
    });
    if depth == Depth::Quick {
        checked.not_looked_at.push("whether what stands in the indexes agrees with their tables (only how much of it there is), and unique values twice: `--full` does".to_owned());
    }
    let dangling =
        watched(outside, watcher, step("following references", 1, 4), |outside| outside.rows(Role::Reads, "PRAGMA foreign_key_check"))?;
    let mut by_table: BTreeMap<(String, String), usize> = BTreeMap::new();
    for row in &dangling {
        *by_table.entry((row.text("table")?, row.text("parent")?)).or_default() += 1;
    }
    for ((table, parent), rows) in by_table {
        let what = format!("{rows} rows of {table} refer to rows of {parent} that are not there");
        checked.findings.push(Finding { check: "foreign keys", what, remedy: RESTORE.to_owned() });
    }
    checked.looked_at.push("every reference to a row of another table".to_owned());
    watcher.told(step("comparing the schema", 2, 4));
    if outside.schema_version().is_ok_and(|version| version == newest_version()) {
        compare_schema(outside, checked)?;
    }
    Ok(())
}

/// Compare what stands in the file's schema with what the migrations of this program make.
fn compare_schema(outside: &mut Outside, checked: &mut Checked) -> Result<()> {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let map = |parts: Vec<(String, String, String)>| {
        parts.into_iter().map(|(kind, name, text)| ((kind, name), plain(&text))).collect::<BTreeMap<_, _>>()
    };
    let (expected, found) = (map(outside::expected_schema()?), map(outside::schema(outside)?));
    let mut differ = |what: String| {
        let remedy = "find out which program changed the schema; restore a backup, or take the change back".to_owned();
        checked.findings.push(Finding { check: "schema", what, remedy });
    };
    for ((kind, name), text) in &expected {
        match found.get(&(kind.clone(), name.clone())) {
            None => differ(format!("the {kind} {name} is missing")),
            Some(other) if other != text => differ(format!("the {kind} {name} is not as this program makes it")),
            Some(_) => {}
        }
    }
    for (kind, name) in found.keys().filter(|key| !expected.contains_key(*key)) {
        differ(format!("the {kind} {name} is none of this program's"));
    }
    checked.looked_at.push("the schema, against what the migrations of this program make".to_owned());
    Ok(())
}
