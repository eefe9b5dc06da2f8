//! Older copies of the whole that lie beside it: made before a migration, or kept by a restore. Nothing is changed in them; they are told.

use super::erase::Work;
use super::error::Result;
use crate::search::vectors;
use crate::store::{Address, Database};
use crate::vals;
use std::path::Path;

const MIGRATION: &str = "a copy of the database from before a migration holds what was in it then: remove it, then ask again";
const RESTORE: &str = "a restore kept what was here before it, with everybody who was in it: remove it, then ask again";
/// What a restore on a server puts behind the name of the database that it keeps.
const ASIDE: &str = "_before_restore_";

impl Work<'_> {
    /// Tell which older copies there are.
    pub(super) fn copies(&mut self) -> Result<()> {
        let address = self.site.address()?;
        match &address {
            Address::Sqlite(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                self.beside(directory, &format!("{name}.before-"));
            }
            Address::Postgres(_) => {
                for name in databases(&self.db)? {
                    self.kept(&format!("the database {name}"), 1, RESTORE);
                }
            }
        }
        let data = self.site.settings.data_dir.clone();
        self.beside(&data, &format!("{}.before-", vectors::DIRECTORY));
        Ok(())
    }

    fn beside(&mut self, directory: &Path, beginning: &str) {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name.starts_with(beginning));
        names.sort();
        for name in &names {
            // The log of a copy belongs to it.
            let main = name.strip_suffix("-wal").or_else(|| name.strip_suffix("-shm"));
            if main.is_none_or(|main| !names.iter().any(|other| other == main)) {
                let why = if name.contains(".before-restore-") { RESTORE } else { MIGRATION };
                self.kept(&directory.join(name).display().to_string(), 1, why);
            }
        }
    }
}

/// The databases on the server that restores of this one kept.
fn databases(db: &Database) -> Result<Vec<String>> {
    let (own, names) = db.read_blocking(|c| {
        let own = c.first("SELECT CAST(current_database() AS TEXT) AS name", vals![])?.map_or(Ok(String::new()), |row| row.text("name"))?;
        let sql =
            "SELECT CAST(datname AS TEXT) AS name FROM pg_database WHERE strpos(CAST(datname AS TEXT), CAST($1 AS TEXT)) > 0 ORDER BY 1";
        let names = c.query(sql, vals![ASIDE])?.iter().map(|row| row.text("name")).collect::<crate::store::Result<Vec<_>>>()?;
        Ok::<_, crate::store::Error>((own, names))
    })?;
    // A long name is cut to make room for what is put behind it.
    let is_of =
        |name: &String| name.split_once(ASIDE).is_some_and(|(front, _)| front == own || (front.len() > 16 && own.starts_with(front)));
    Ok(names.into_iter().filter(is_of).collect())
}
