//! How much waits, by what it has in common.

use super::Desk;
use super::filters::Filters;
use crate::base::SafeText;
use crate::cli::Failure;
use crate::cli::output::Table;
use crate::moderation::listing::{self, By, Sort};
use std::collections::BTreeMap;

pub(super) fn run(desk: &Desk<'_>, filters: Filters, by: By) -> Result<(), Failure> {
    let filter = filters.resolve(desk, &[], Sort::Oldest)?;
    let mut counted = desk.deck.db.read_blocking(move |c| listing::count(c, &filter, by))?;
    if by == By::Persona {
        let personas = desk.deck.db.read_blocking(crate::memory::personas::list)?;
        let names: BTreeMap<String, String> =
            personas.into_iter().map(|persona| (persona.id.as_str().to_owned(), persona.reddit_username)).collect();
        counted.by = counted.by.into_iter().map(|(id, n)| (names.get(&id).cloned().unwrap_or(id), n)).collect();
    }
    let out = &desk.context.out;
    out.either(&counted, || {
        let mut rows: Vec<(&String, &i64)> = counted.by.iter().collect();
        rows.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
        let mut table = Table::new(&["what", "n"]);
        for (value, n) in rows {
            table.row([SafeText::line(value).as_str().to_owned(), n.to_string()]);
        }
        out.table(&table, "nothing waits")?;
        out.say(format!("{} items", counted.total))
    })
}
