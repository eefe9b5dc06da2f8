//! Where a Reddit user may be named: a hold on them keeps every row that does. Pure data.

/// Columns that may name a Reddit user, by table: a hold on a user keeps a row with their name in one of these, or in one of a row that goes
/// with it.
const NAMING: &[(&str, &[&str])] = &[
    (
        "pending_posts",
        &[
            "parent_author",
            "title",
            "content",
            "evaluation",
            "draft_metadata",
            "hold_reason",
            "reject_note",
            "state_reason",
            "escalation_reason",
            "permalink",
        ],
    ),
    ("post_revisions", &["title", "content", "note"]),
    ("delivery_attempts", &["message"]),
    ("skips", &["reason"]),
    ("overrides", &["reason"]),
    ("amendments", &["text", "evaluation", "reason", "message"]),
    ("second_opinions", &["note"]),
    ("feedback_labels", &["note"]),
    ("interactions", &["content", "metadata"]),
    ("llm_calls", &["error_message"]),
    ("response_cache", &["answer"]),
    ("change_feed", &["subject_id"]),
    ("import_rejects", &["detail"]),
    ("upkeep_runs", &["summary", "detail"]),
    ("belief_suggestions", &["reasoning", "reason"]),
    ("belief_conflicts", &["explanation", "source", "reason"]),
];

/// Columns of a place that may be a user's own: `u_NAME`.
const PLACES: &[(&str, &str)] = &[("pending_posts", "target_subreddit"), ("interactions", "subreddit")];

/// The conditions that a row of a table names the user of the hold `h`. Markdown writes `_` as `\_`, and JSON doubles that.
pub(super) fn of(table: &str, alias: &str) -> Vec<String> {
    let texts = NAMING.iter().filter(|(of, _)| *of == table).flat_map(|(_, columns)| columns.iter());
    let places = PLACES.iter().filter(|(of, _)| *of == table);
    let mut any: Vec<String> =
        texts.map(|column| format!("lower(replace(coalesce({alias}.{column}, ''), '\\', '')) LIKE '%' || h.target || '%'")).collect();
    any.extend(places.map(|(_, column)| format!("lower({alias}.{column}) = 'u_' || h.target")));
    any
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::Actor;
    use crate::store::testing::database;
    use crate::store::{Conn, Error};
    use crate::upkeep::retention::holds::{self, Scope};
    use crate::upkeep::retention::kind::{KINDS, Kind, named};
    use crate::vals;

    /// A row of every table that may name somebody, all of one draft where there is one, and nobody named in any.
    const ROWS: &[&str] = &[
        "INSERT INTO personas (id, reddit_username, created_at, updated_at) VALUES ('p', 'Owl', 1, 1)",
        "INSERT INTO pending_posts (persona_id, id, state, version, fence, revision, post_type, target_subreddit, content, verdict, evaluation,
           draft_metadata, correlation_id, expires_at, created_at, updated_at)
         VALUES ('p', 'i', 'rejected', 1, 1, 1, 'post', 's', 'x', 'allow', '{}', '{}', 'w', 1, 1, 1)",
        "INSERT INTO post_revisions (persona_id, item_id, revision, content, author_kind, author, created_at) VALUES ('p', 'i', 1, 'x', 'agent', 'a', 1)",
        "INSERT INTO delivery_attempts (persona_id, id, item_id, revision, digest, account, started_at) VALUES ('p', 'd', 'i', 1, 'x', 'x', 1)",
        "INSERT INTO skips (persona_id, item_id, reviewer, at) VALUES ('p', 'i', 'r', 1)",
        "INSERT INTO overrides (persona_id, item_id, revision, digest, asked_by, reason, asked_at) VALUES ('p', 'i', 1, 'x', 'r', 'x', 1)",
        "INSERT INTO amendments (persona_id, id, item_id, kind, digest, policy, reason, asked_by, asked_at)
         VALUES ('p', 'a', 'i', 'retract', 'x', 'x', 'x', 'r', 1)",
        "INSERT INTO second_opinions (persona_id, item_id, reviewer, first, first_by, first_kind, verdict, at)
         VALUES ('p', 'i', 'r', 'reject', 'x', 'human', 'agree', 1)",
        "INSERT INTO feedback_labels (persona_id, item_id, reviewer, label, at) VALUES ('p', 'i', 'r', 'good', 1)",
        "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, created_at, updated_at)
         VALUES ('p', 'n', 'x', 'post', 't3_x', 's', 1, 1)",
        "INSERT INTO llm_calls (id, request_id, attempt, module, correlation_id, model_asked, streamed, started_at, outcome)
         VALUES ('c', 'c', 1, 'draft', 'w', 'm', 0, 1, 'ok')",
        "INSERT INTO response_cache (cache_key, kind, model_asked, call_id, answer, created_at, expires_at) VALUES ('k', 'x', 'm', 'c', 'x', 1, 1)",
        "INSERT INTO change_feed (topic, seq, kind, subject_id, at) VALUES ('made-up', 1, 'x', 'x', 1)",
        "INSERT INTO import_files (id, path, is_current, device, inode, size, modified_ns, head_length, head_digest, tail_length, tail_digest,
           position, line, is_complete, options, calls, repeated, corrected, rejected, other, created_at, updated_at)
         VALUES (1, 'x', 1, 1, 1, 1, 1, 1, 'x', 1, 'x', 1, 1, 1, '{}', 0, 0, 0, 1, 0, 1, 1)",
        "INSERT INTO import_rejects (file_id, line, reason, detail, at) VALUES (1, 1, 'x', 'x', 1)",
        "INSERT INTO upkeep_runs (id, kind, started_at, ended_at, outcome, summary, detail, actor_kind, actor)
         VALUES ('u', 'drill', 1, 1, 'passed', 'x', '{}', 'human', 'r')",
        "INSERT INTO belief_nodes (persona_id, id, title, summary, created_at, updated_at) VALUES ('p', 'b', 'x', 'x', 1, 1)",
        "INSERT INTO belief_suggestions (persona_id, id, source_id, target_id, relation, weight, reasoning, state, suggested_at)
         VALUES ('p', 's', 'b', 'b', 'supports', 1, 'x', 'refused', 1)",
        "INSERT INTO belief_conflicts (persona_id, id, belief_id, explanation, strength, confidence, state, raised_by, raised_at)
         VALUES ('p', 'o', 'b', 'x', 'weak', 1, 'refused', 'r', 1)",
    ];

    fn reached(c: &mut dyn Conn, hold: &str, kind: &'static Kind) -> Result<i64, Error> {
        Ok(holds::reached(c, kind, hold)?.rows)
    }

    #[test]
    fn a_hold_on_a_user_keeps_a_row_that_names_them_in_whatever_column() {
        let (db, _guard) = database();
        let missed = db.write_blocking(|c| {
            for sql in ROWS {
                c.exec(sql, &[])?;
            }
            let hold = holds::add(c, &Scope::User("u/Quib_Zorp7".into()), "case 7", &Actor::human("ana"), 1).unwrap().id;
            let texts =
                NAMING.iter().flat_map(|(table, columns)| columns.iter().map(move |column| (*table, *column, "so says u/Quib\\_Zorp7")));
            let mut missed = Vec::new();
            for (table, column, says) in texts.chain(PLACES.iter().map(|(table, column)| (*table, *column, "u_Quib_Zorp7"))) {
                let is_part = |kind: &Kind| kind.table == table || kind.children.iter().any(|(child, _)| *child == table);
                let kind = KINDS.iter().find(|kind| is_part(kind)).unwrap();
                let before = reached(c, &hold, kind)?;
                let was = c.first(&format!("SELECT {column} AS was FROM {table}"), &[])?.unwrap().get("was")?.clone();
                c.exec(&format!("UPDATE {table} SET {column} = $1"), vals![says])?;
                if before != 0 || reached(c, &hold, kind)? == 0 {
                    missed.push(format!("{table}.{column}"));
                }
                // The call that a draft was made with goes by what the draft names.
                if kind.name == "queue_items" && reached(c, &hold, named("llm_calls").unwrap())? != 1 {
                    missed.push(format!("llm_calls by {table}.{column}"));
                }
                c.exec(&format!("UPDATE {table} SET {column} = $1"), &[was])?;
            }
            Ok::<_, Error>(missed)
        });
        assert_eq!(missed.unwrap(), [""; 0]);
    }
}
