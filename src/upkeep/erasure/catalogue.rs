//! Where a person can stand: every text column of every table, also of tables that came later, but for those that name our own people or
//! are ids of ours.

use crate::store::{Conn, Result, Sql};
use crate::vals;
use std::collections::BTreeMap;

/// The columns of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub name: String,
    /// The columns of its key.
    pub key: Vec<String>,
    /// Columns of the key that may name a person.
    pub named: Vec<String>,
    /// Text that may be about a person.
    pub texts: Vec<String>,
}

const COLUMNS: Sql = Sql {
    sqlite: "SELECT m.name AS tab, i.name AS col, CASE WHEN upper(i.type) = 'TEXT' THEN 1 ELSE 0 END AS is_text,
               CASE WHEN i.pk > 0 THEN 1 ELSE 0 END AS is_key
             FROM sqlite_schema m JOIN pragma_table_info(m.name) i
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'search_words%' ORDER BY m.name, i.cid",
    postgres: "SELECT CAST(c.table_name AS TEXT) AS tab, CAST(c.column_name AS TEXT) AS col,
                 CASE WHEN c.data_type = 'text' THEN 1 ELSE 0 END AS is_text,
                 CASE WHEN EXISTS (SELECT 1 FROM information_schema.table_constraints k JOIN information_schema.key_column_usage u
                   ON u.constraint_name = k.constraint_name AND u.table_schema = k.table_schema AND u.table_name = k.table_name
                   WHERE k.constraint_type = 'PRIMARY KEY' AND k.table_schema = c.table_schema AND k.table_name = c.table_name
                     AND u.column_name = c.column_name) THEN 1 ELSE 0 END AS is_key
               FROM information_schema.columns c JOIN information_schema.tables t
                 ON t.table_schema = c.table_schema AND t.table_name = c.table_name
               WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name NOT LIKE 'search_words%'
               ORDER BY c.table_name, c.ordinal_position",
};

/// Tables by which it is known what the person wrote. They come last, so that whoever asks again after a kill still knows it.
pub(super) const SOURCES: [&str; 3] = ["golden_templates", "interactions", "pending_posts"];

/// Tables that are dealt with in their own way, or say nothing about anybody.
const APART: [&str; 20] = [
    "audit_log",
    "audit_checkpoints",
    "audit_redactions",
    "schema_migrations",
    "topic",
    "table_sizes",
    "slow_statements",
    "retention_batches",
    "retention_horizons",
    "erased_people",
    "search_documents",
    "search_passages",
    "search_names",
    "search_files",
    "search_positions",
    "search_vectors",
    "search_vector_models",
    "response_cache",
    "mutes",
    "reviewers",
];
/// Columns that name people of the team or of the program, who are no Reddit users here.
const OURS: [&str; 26] = [
    "actor",
    "added_by",
    "created_by",
    "paused_by",
    "placed_by",
    "released_by",
    "reviewed_by",
    "reviewer",
    "approver",
    "asked_by",
    "confirmed_by",
    "decided_by",
    "raised_by",
    "updated_by",
    "changed_by",
    "acknowledged_by",
    "first_by",
    "lease_holder",
    "stop_requested_by",
    "escalated_to",
    "approval_account",
    "account",
    "reddit_username",
    "persona_id",
    "author_kind",
    "actor_kind",
];
/// Columns of words that the program chose. Somebody may be called `pending`.
const WORDS: [&str; 33] = [
    "action",
    "category",
    "cause",
    "code",
    "decision",
    "expected",
    "finish_reason",
    "first",
    "first_kind",
    "format",
    "from_status",
    "interaction_type",
    "kind",
    "label",
    "model",
    "model_answered",
    "model_asked",
    "module",
    "outcome",
    "percent",
    "post_type",
    "provider",
    "reject_code",
    "reject_directive",
    "relation",
    "scope",
    "service_tier",
    "state",
    "status",
    "system",
    "to_status",
    "topic",
    "verdict",
];

/// Whether a column never says anything about somebody else.
pub(super) fn is_ours(column: &str) -> bool {
    OURS.contains(&column) || WORDS.contains(&column)
}

/// Every table with text that may be about a person.
pub(super) fn tables(c: &mut dyn Conn) -> Result<Vec<Table>> {
    let mut found: BTreeMap<String, Table> = BTreeMap::new();
    for row in c.query(COLUMNS.on(c.engine()), vals![])? {
        let (name, column) = (row.text("tab")?, row.text("col")?);
        if APART.contains(&name.as_str()) {
            continue;
        }
        let table = found.entry(name.clone()).or_insert_with(|| Table { name, ..Table::default() });
        let is_theirs = row.flag("is_text")? && !is_ours(&column);
        if row.flag("is_key")? {
            if (is_theirs && !column.ends_with("id")) || (column == "scope" && table.name == "pauses") {
                table.named.push(column.clone());
            }
            table.key.push(column);
        } else if is_theirs {
            table.texts.push(column);
        }
    }
    let says_something = |table: &Table| !table.texts.is_empty() || !table.named.is_empty();
    Ok(found.into_values().filter(|table| !table.key.is_empty() && says_something(table)).collect())
}

/// The condition that a text holds `$number`.
pub(super) fn holds(c: &dyn Conn, column: &str, number: usize) -> String {
    let function = match c.engine() {
        crate::store::Engine::Sqlite => "instr",
        crate::store::Engine::Postgres => "strpos",
    };
    format!("{function}(lower({column}), CAST(${number} AS TEXT)) > 0")
}
