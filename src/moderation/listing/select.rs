//! The statements of the list: which rows of one state a filter leaves, as far as the index can tell, in the order that was asked for.

use super::marks::{COLUMN_NAMES, bits, folded, thousandths};
use super::{Filter, Holder, Sort};
use crate::base::PersonaId;
use crate::moderation::state::State;
use crate::store::Val;

/// A statement being put together, with its parameters.
pub(super) struct Select {
    pub sql: String,
    pub params: Vec<Val>,
}

/// Which rows, by whether the columns that the filters read were written with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// All.
    Any,
    /// Those of which the index knows everything.
    Yes,
    /// Those of before, which have to be looked into.
    No,
}

pub(super) const COLUMNS: &str =
    "persona_id, id, state, version, post_type, target_subreddit, verdict, lease_holder, lease_until, not_before,
  substr(content, 1, 160) AS preview, created_at, expires_at, rules";

impl Select {
    /// The line of one item.
    pub(super) fn one(persona: &PersonaId, id: &str) -> Self {
        let sql = format!("SELECT {COLUMNS} FROM pending_posts WHERE persona_id = $1 AND id = $2");
        Self { sql, params: vec![Val::from(persona), Val::from(id)] }
    }

    /// The lines of `state` after a place, or from it on, at most `limit`.
    pub(super) fn lines(filter: &Filter, state: State, from: Option<(&(i64, String), bool)>, written: Written, limit: usize) -> Self {
        let mut select = Self { sql: format!("SELECT {COLUMNS}"), params: Vec::new() };
        select.sql.push_str(if filter.text.is_some() { ", title, content" } else { ", NULL AS title, NULL AS content" });
        select.sql.push_str(if filter.looks_into_evaluation() || written == Written::No {
            ", CASE WHEN rules IS NULL THEN evaluation END AS evaluation, CASE WHEN tainted IS NULL THEN draft_metadata END AS draft_metadata"
        } else {
            ", NULL AS evaluation, NULL AS draft_metadata"
        });
        select.sql.push_str(" FROM pending_posts WHERE ");
        select.matching(filter, state, written);
        let key = match filter.sort {
            Sort::Oldest | Sort::Newest => "created_at",
            // The plus keeps a filter on the index that has all columns: reading row after row in the order of expiry is slower than sorting.
            Sort::Expiry if filter.reads_columns() => "+expires_at",
            Sort::Expiry => "expires_at",
        };
        let (order, than) = if (filter.sort == Sort::Newest) == filter.backwards { ("", ">") } else { (" DESC", "<") };
        if let Some(((at, id), inclusive)) = from {
            let (at, id) = (select.bind(Val::Int(*at)), select.bind(Val::from(id)));
            let or_equal = if inclusive { "=" } else { "" };
            select.sql.push_str(&format!(" AND ({key}, id) {than}{or_equal} ({at}, {id})"));
        }
        if filter.sort == Sort::Expiry && filter.reads_columns() {
            let first = select.bind(Val::Int(i64::MIN));
            select.sql.push_str(&format!(" AND created_at >= {first}"));
        }
        let limit = select.bind(Val::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
        select.sql.push_str(&format!(" ORDER BY {key}{order}, id{order} LIMIT {limit}"));
        select
    }

    /// How many rows of `state`, by the value of `column`.
    pub(super) fn count(filter: &Filter, state: State, column: &str, written: Written) -> Self {
        let mut select =
            Self { sql: format!("SELECT {column} AS value, CAST(count(*) AS BIGINT) AS n FROM pending_posts WHERE "), params: Vec::new() };
        select.matching(filter, state, written);
        select.sql.push_str(&format!(" GROUP BY {column}"));
        select
    }

    fn bind(&mut self, value: Val) -> String {
        self.params.push(value);
        format!("${}", self.params.len())
    }

    fn and(&mut self, front: &str, value: impl Into<Val>, back: &str) {
        let place = self.bind(value.into());
        self.sql.push_str(&format!(" AND {front}{place}{back}"));
    }

    fn matching(&mut self, filter: &Filter, state: State, written: Written) {
        let state = self.bind(Val::from(state.as_str()));
        self.sql.push_str(&format!("state = {state}"));
        match written {
            Written::Any => {}
            Written::Yes => self.sql.push_str(" AND rules IS NOT NULL AND tainted IS NOT NULL"),
            Written::No => self.sql.push_str(" AND (rules IS NULL OR tainted IS NULL)"),
        }
        if let Some(persona) = &filter.persona {
            // An expression does not tempt the planner away from the index that has all columns.
            self.and(if filter.reads_columns() { "persona_id || '' = " } else { "persona_id = " }, persona, "");
        }
        if let Some(id) = &filter.id {
            self.and("id = ", id.as_str(), "");
        }
        if let Some(at) = filter.created_before {
            self.and("created_at < ", at, "");
        }
        if let Some(at) = filter.created_since {
            self.and("created_at >= ", at, "");
        }
        if let Some(at) = filter.expires_before {
            self.and("+expires_at < ", at, "");
        }
        if let Some(at) = filter.expires_since {
            self.and("+expires_at >= ", at, "");
        }
        if !filter.verdicts.is_empty() {
            let places: Vec<String> = filter.verdicts.iter().map(|verdict| self.bind(Val::from(verdict.as_str()))).collect();
            self.sql.push_str(&format!(" AND verdict IN ({})", places.join(", ")));
        }
        if let Some(subreddit) = &filter.subreddit {
            self.and("lower(target_subreddit) = ", subreddit.to_lowercase(), "");
        }
        if let Some(author) = &filter.author {
            self.and("lower(parent_author) = ", author.to_lowercase(), "");
        }
        if let Some(post_type) = filter.post_type {
            self.and("post_type = ", post_type.as_str(), "");
        }
        if let Some(name) = &filter.escalated_to {
            self.and("escalated_to = ", name, "");
        }
        self.holder(filter.holder.as_ref());
        if let Some(tainted) = filter.tainted {
            self.and("(tainted IS NULL OR tainted = ", tainted, ")");
        }
        if let Some(score) = filter.least_score {
            self.and("(score_thousandths IS NULL OR score_thousandths >= ", thousandths(score), ")");
        }
        if let Some(rule) = &filter.rule {
            let pattern = rule.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            self.and("(rules IS NULL OR rules LIKE ", format!("%,{pattern},%"), " ESCAPE '\\')");
        }
        if let Some(text) = &filter.text {
            let mut wanted: Vec<(&str, i64)> =
                COLUMN_NAMES.into_iter().zip(bits(&folded(None, text))).filter(|(_, bits)| *bits != 0).collect();
            // Where most is asked most rows fail: first.
            wanted.sort_by_key(|(_, bits)| std::cmp::Reverse(bits.count_ones()));
            for (column, bits) in wanted {
                let place = self.bind(Val::Int(bits));
                self.sql.push_str(&format!(" AND ({column} & {place}) = {place}"));
            }
        }
        if let Some(name) = &filter.not_skipped_by {
            self.and(
                "NOT EXISTS (SELECT 1 FROM skips s WHERE s.persona_id = pending_posts.persona_id AND s.item_id = pending_posts.id
                   AND s.reviewer = ",
                name,
                ")",
            );
        }
    }

    fn holder(&mut self, holder: Option<&Holder>) {
        const LIVE: &str = "state = 'claimed' AND lease_holder IS NOT NULL AND lease_until > ";
        match holder {
            None => {}
            Some(Holder::Is { name, at }) => {
                self.and(LIVE, *at, "");
                self.and("lease_holder = ", name, "");
            }
            Some(Holder::Somebody { at }) => self.and(LIVE, *at, ""),
            Some(Holder::Nobody { at }) => {
                self.and("(state <> 'claimed' OR lease_holder IS NULL OR lease_until <= ", *at, ")");
            }
            Some(Holder::NobodyElse { name, at }) => {
                let (at, name) = (self.bind(Val::Int(*at)), self.bind(Val::from(name)));
                self.sql.push_str(&format!(
                    " AND (state <> 'claimed' OR lease_holder IS NULL OR lease_until <= {at} OR lease_holder = {name})
                      AND (escalated_to IS NULL OR escalated_to = {name})"
                ));
            }
        }
    }
}
