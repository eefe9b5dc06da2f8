//! The kinds of rows that may be taken away: where they are, how old they are, what protects them, and what goes with them. Pure data.
//!
//! What is not listed here never goes: the audit log, the sums of the ledger, budgets, beliefs, personas, and everything that still waits
//! for somebody. Documents of search follow the rows they are made of; those made of files follow the files.

/// A kind of rows.
#[derive(Debug)]
pub struct Kind {
    /// Its name in rules, which is the table's where it can be.
    pub name: &'static str,
    /// What it is, for people.
    pub words: &'static str,
    /// The table; `t` in what follows.
    pub table: &'static str,
    /// The columns of its key, and whether each is a number.
    pub key: &'static [(&'static str, bool)],
    /// The moment a row's age is counted from, in milliseconds.
    pub age: &'static str,
    /// The column of the state and the states that may go; every other state is live.
    pub states: Option<(&'static str, &'static [&'static str])>,
    /// Fewest days that a rule may name: below it something that still runs would miss the rows.
    pub least_days: u32,
    /// Conditions under which a row stays, whatever its age and state, and why.
    pub live: &'static [(&'static str, &'static str)],
    /// Tables whose rows go with it, with the condition that joins them as `x`.
    pub children: &'static [(&'static str, &'static str)],
    /// Conditions by which a hold `h` reaches a row: on a persona, an item, a Reddit user (by a name in small letters).
    pub persona: Option<&'static str>,
    /// As above.
    pub item: Option<&'static str>,
    /// As above.
    pub user: Option<&'static str>,
}

/// How conditions look for a name in a text.
const NAMED: &str = "LIKE '%' || h.target || '%'";
const WITH_ITEM: &str = "x.persona_id = t.persona_id AND x.item_id = t.id";

/// Every kind.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "queue_items",
        words: "drafts in the queue that are decided, sent or expired, with their revisions, approvals and labels",
        table: "pending_posts",
        key: &[("persona_id", false), ("id", false)],
        age: "t.updated_at",
        states: Some((
            "t.state",
            &[
                "rejected",
                "discarded",
                "refused",
                "confirmed",
                "visible",
                "filtered",
                "gone",
                "expired",
                "abandoned",
                "superseded",
                "retracted",
                "amended",
            ],
        )),
        least_days: 7,
        live: &[
            ("t.next_check_at IS NOT NULL", "it is still to be looked at in public"),
            (
                "EXISTS (SELECT 1 FROM amendments a WHERE a.persona_id = t.persona_id AND a.item_id = t.id AND a.finished_at IS NULL)",
                "a change of it in public is under way",
            ),
            (
                "EXISTS (SELECT 1 FROM delivery_attempts d WHERE d.persona_id = t.persona_id AND d.item_id = t.id
                   AND (d.finished_at IS NULL OR d.next_reconcile_at IS NOT NULL))",
                "it is not known whether it was delivered",
            ),
            (
                "t.state = 'rejected' AND t.reject_directive = 'redraft' AND t.directive_consumed_at IS NULL",
                "the agent is to write it anew",
            ),
        ],
        children: &[
            ("post_revisions", WITH_ITEM),
            ("delivery_attempts", WITH_ITEM),
            ("approvals", WITH_ITEM),
            ("skips", WITH_ITEM),
            ("overrides", WITH_ITEM),
            ("amendments", WITH_ITEM),
            ("samples", WITH_ITEM),
            ("second_opinions", WITH_ITEM),
            ("feedback_labels", WITH_ITEM),
            ("golden_items", WITH_ITEM),
            ("golden_results", WITH_ITEM),
        ],
        persona: Some("h.target = t.persona_id"),
        item: Some("h.target = t.id"),
        user: Some(
            "(lower(coalesce(t.parent_author, '')) = h.target OR lower(t.content) LIKE '%' || h.target || '%'
              OR lower(t.draft_metadata) LIKE '%' || h.target || '%')",
        ),
    },
    Kind {
        name: "interactions",
        words: "what a persona said in public",
        table: "interactions",
        key: &[("persona_id", false), ("id", false)],
        age: "t.created_at",
        states: None,
        least_days: 90,
        live: &[(
            "EXISTS (SELECT 1 FROM evidence_links e WHERE e.persona_id = t.persona_id AND e.source_ref = t.reddit_id)",
            "a belief rests on it",
        )],
        children: &[("interaction_beliefs", "x.persona_id = t.persona_id AND x.interaction_id = t.id")],
        persona: Some("h.target = t.persona_id"),
        item: Some("h.target = t.id"),
        user: Some("(lower(t.content) LIKE '%' || h.target || '%' OR lower(t.metadata) LIKE '%' || h.target || '%')"),
    },
    Kind {
        name: "llm_calls",
        words: "calls of models; their sums by hour and day stay",
        table: "llm_calls",
        key: &[("id", false)],
        age: "t.started_at",
        states: Some(("t.outcome", &["ok", "error", "interrupted", "malformed"])),
        least_days: 35,
        live: &[("EXISTS (SELECT 1 FROM budget_reservations r WHERE r.call_id = t.id)", "a budget still holds money back for it")],
        children: &[],
        persona: Some("h.target = t.persona_id"),
        item: Some("EXISTS (SELECT 1 FROM pending_posts p WHERE p.correlation_id = t.correlation_id AND p.id = h.target)"),
        user: Some(
            "EXISTS (SELECT 1 FROM pending_posts p WHERE p.correlation_id = t.correlation_id
               AND (lower(coalesce(p.parent_author, '')) = h.target OR lower(p.draft_metadata) LIKE '%' || h.target || '%'))",
        ),
    },
    Kind {
        name: "response_cache",
        words: "answers of models that may be given again; age counts from when they no longer may",
        table: "response_cache",
        key: &[("cache_key", false)],
        age: "t.expires_at",
        states: None,
        least_days: 0,
        live: &[],
        children: &[],
        persona: Some("h.target = t.persona_id"),
        item: None,
        user: Some("lower(t.answer) LIKE '%' || h.target || '%'"),
    },
    Kind {
        name: "change_feed",
        words: "what changed, for those who follow",
        table: "change_feed",
        key: &[("topic", false), ("seq", true)],
        age: "t.at",
        states: None,
        least_days: 2,
        live: &[(
            "EXISTS (SELECT 1 FROM search_positions s WHERE s.name = 'feed:' || t.topic AND s.seq < t.seq)",
            "search has not seen it yet",
        )],
        children: &[],
        persona: Some("h.target = t.persona_id"),
        item: Some("h.target = t.subject_id"),
        user: Some("lower(t.subject_id) = h.target"),
    },
    Kind {
        name: "import_rejects",
        words: "lines of logs that were not understood",
        table: "import_rejects",
        key: &[("file_id", true), ("line", true)],
        age: "t.at",
        states: None,
        least_days: 1,
        live: &[],
        children: &[],
        persona: None,
        item: None,
        user: Some("lower(t.detail) LIKE '%' || h.target || '%'"),
    },
    Kind {
        name: "upkeep_runs",
        words: "what was done to keep the deck sound",
        table: "upkeep_runs",
        key: &[("id", false)],
        age: "t.ended_at",
        states: Some(("t.outcome", &["passed", "problems", "failed"])),
        least_days: 35,
        live: &[
            ("t.ended_at = (SELECT max(r.ended_at) FROM upkeep_runs r WHERE r.kind = t.kind)", "it is the newest of its kind"),
            (
                "t.ended_at = (SELECT max(r.ended_at) FROM upkeep_runs r WHERE r.kind = t.kind AND r.outcome = 'passed')",
                "it is the newest of its kind that passed",
            ),
        ],
        children: &[],
        persona: None,
        item: Some("h.target = t.id"),
        user: None,
    },
    Kind {
        name: "belief_suggestions",
        words: "suggested links between beliefs that were decided about",
        table: "belief_suggestions",
        key: &[("persona_id", false), ("id", false)],
        age: "coalesce(t.decided_at, t.suggested_at)",
        states: Some(("t.state", &["accepted", "refused", "linked"])),
        least_days: 7,
        live: &[],
        children: &[],
        persona: Some("h.target = t.persona_id"),
        item: Some("h.target = t.id"),
        user: Some("lower(t.reasoning) LIKE '%' || h.target || '%'"),
    },
    Kind {
        name: "belief_conflicts",
        words: "objections to beliefs that were decided about",
        table: "belief_conflicts",
        key: &[("persona_id", false), ("id", false)],
        age: "coalesce(t.decided_at, t.raised_at)",
        states: Some(("t.state", &["accepted", "refused"])),
        least_days: 7,
        live: &[],
        children: &[],
        persona: Some("h.target = t.persona_id"),
        item: Some("h.target = t.id"),
        user: Some("(lower(t.explanation) LIKE '%' || h.target || '%' OR lower(coalesce(t.source, '')) LIKE '%' || h.target || '%')"),
    },
    Kind {
        name: "slow_statements",
        words: "statements that took long",
        table: "slow_statements",
        key: &[("id", false)],
        age: "t.last_at",
        states: None,
        least_days: 1,
        live: &[],
        children: &[],
        persona: None,
        item: None,
        user: None,
    },
];

/// The kind of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Kind {
    /// The condition that a live row fulfils: it stays.
    #[must_use]
    pub fn is_live(&self) -> String {
        if self.live.is_empty() {
            return "1 = 0".to_owned();
        }
        self.live.iter().map(|(sql, _)| format!("({sql})")).collect::<Vec<_>>().join(" OR ")
    }

    /// The condition that a row under a legal hold fulfils: it stays.
    #[must_use]
    pub fn is_held(&self) -> String {
        let age = self.age;
        let mut reached = vec![format!("(h.scope = 'period' AND {age} >= h.from_at AND {age} < h.until_at)")];
        for (scope, sql) in [("persona", self.persona), ("item", self.item), ("user", self.user)] {
            reached.extend(sql.map(|sql| format!("(h.scope = '{scope}' AND {sql})")));
        }
        // Editors of the site write an underscore as `\_`, and structured texts write that backslash as two.
        if let Some(sql) = self.user.filter(|sql| sql.contains(NAMED)) {
            for underscore in ["\\_", "\\\\_"] {
                let spelled = format!("LIKE '%' || replace(h.target, '_', '{underscore}') || '%' ESCAPE '!'");
                let sql = sql.replace(NAMED, &spelled);
                reached.push(format!("(h.scope = 'user' AND h.target LIKE '%!_%' ESCAPE '!' AND {sql})"));
            }
        }
        format!("EXISTS (SELECT 1 FROM retention_holds h WHERE h.released_at IS NULL AND ({}))", reached.join(" OR "))
    }

    /// The key columns, as they stand in a select.
    #[must_use]
    pub fn key_columns(&self) -> String {
        self.key.iter().map(|(column, _)| format!("t.{column}")).collect::<Vec<_>>().join(", ")
    }

    /// The condition that the key is one of so many, numbered from `$first` on.
    #[must_use]
    pub fn key_is_one_of(&self, rows: usize, first: usize) -> String {
        let width = self.key.len();
        let place = |row: usize, column: usize, is_number: bool| {
            format!("CAST(${} AS {})", first + row * width + column, if is_number { "BIGINT" } else { "TEXT" })
        };
        if let [(column, is_number)] = self.key {
            let places: Vec<String> = (0..rows).map(|row| place(row, 0, *is_number)).collect();
            return format!("t.{column} IN ({})", places.join(", "));
        }
        let rows: Vec<String> = (0..rows)
            .map(|row| {
                let places: Vec<String> =
                    self.key.iter().enumerate().map(|(column, (_, is_number))| place(row, column, *is_number)).collect();
                format!("({})", places.join(", "))
            })
            .collect();
        format!("({}) IN (VALUES {})", self.key_columns(), rows.join(", "))
    }
}
